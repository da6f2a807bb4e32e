"""Numbers through a film: kept while an object is there, and given anew only to what is new."""

import numpy as np
import pytest
import torch

from pochoir.composition.given import certain
from pochoir.config import load_config
from pochoir.film.motion import Motion
from pochoir.film.tracking import Tracker, assigned, likeness, look_of
from pochoir.segmentation.instances import Instances

SIZE = (40, 60)
RED, BLUE = (220, 30, 30), (30, 30, 220)


@pytest.fixture
def tracker() -> Tracker:
    settings = load_config("film").track.but(births=2, patience=4, alike=0.8)
    return Tracker(settings, sure=0.5)


def box(left: int, top: int = 10, side: int = 12) -> np.ndarray:
    mask = np.zeros(SIZE, dtype=np.float32)
    mask[top : top + side, left : left + side] = 1
    return mask


def scene(
    *objects: tuple[np.ndarray, tuple[int, int, int]], scores: tuple[float, ...] = ()
) -> tuple[Instances, np.ndarray]:
    frame = np.full((*SIZE, 3), 90, dtype=np.uint8)
    for mask, colour in objects:
        frame[mask > 0] = colour
    found = certain(np.stack([mask for mask, _ in objects]) if objects else np.zeros((0, *SIZE), np.float32))
    return (found if not scores else found_with(found, scores)), frame


def found_with(found: Instances, scores: tuple[float, ...]) -> Instances:
    return Instances(found.boxes, torch.tensor(scores), found.labels, found.masks, torch.tensor(scores))


def shift(x: float = 0.0) -> Motion:
    ones = np.ones(SIZE, np.float32)
    flow = np.full((*SIZE, 2), (-x, 0), dtype=np.float32)
    return Motion(flow, -flow, ones, ones)


def test_numbers_stay_when_the_order_of_what_is_found_changes(tracker: Tracker) -> None:
    tracker.begin(*scene((box(5), RED), (box(40), BLUE)))
    tracker.move(shift(2))
    tracker.find(*scene((box(42), BLUE), (box(7), RED)))
    assert tracker.present[0].solid[15, 10]
    assert tracker.present[1].solid[15, 48]
    assert sorted(tracker.present) == [0, 1]


def test_pairs_are_the_best_of_all_together() -> None:
    table = np.array([[0.6, 0.5], [0.55, 0.1]], dtype=np.float32)
    assert assigned(table, 0.3) == [(0, 1), (1, 0)]  # the best pair alone would leave 0.6 + 0.1
    assert assigned(table, 0.52) == [(1, 0)]


def test_what_is_not_found_moves_on_and_is_lost_in_the_end(tracker: Tracker) -> None:
    tracker.begin(*scene((box(5), RED)))
    for _ in range(4):
        tracker.move(shift(2))
    assert tracker.present[0].solid[15, 5 + 8 + 6]
    tracker.move(shift(2))
    assert not tracker.present
    assert 0 in tracker.lost


def test_a_new_object_needs_to_be_found_twice(tracker: Tracker) -> None:
    tracker.begin(*scene((box(5), RED)))
    new = scene((box(5), RED), (box(40), BLUE))
    tracker.move(shift())
    tracker.find(*new)
    assert sorted(tracker.present) == [0]
    tracker.move(shift())
    tracker.find(*new)
    assert sorted(tracker.present) == [0, 1]


def test_it_may_have_gone_far_meanwhile(tracker: Tracker) -> None:
    tracker.begin(*scene((box(5), RED)))
    for left in (30, 38):  # a third of it, over both of them .2
        tracker.move(shift())
        tracker.find(*scene((box(5), RED), (box(left), BLUE)))
    assert sorted(tracker.present) == [0, 1]


def test_what_is_found_once_only_is_forgotten(tracker: Tracker) -> None:
    tracker.begin(*scene((box(5), RED)))
    with_new, without = scene((box(5), RED), (box(40), BLUE)), scene((box(5), RED))
    for found in (with_new, without, with_new):
        tracker.move(shift())
        tracker.find(*found)
    assert sorted(tracker.present) == [0]


def test_doubtful_finds_keep_an_object_and_make_none(tracker: Tracker) -> None:
    tracker.begin(*scene((box(5), RED)))
    for _ in range(6):
        tracker.move(shift())
        tracker.find(*scene((box(5), RED), (box(40), BLUE), scores=(0.25, 0.3)))
    assert sorted(tracker.present) == [0]
    assert tracker.present[0].missed == 0


def test_a_part_of_an_object_is_no_object(tracker: Tracker) -> None:
    tracker.begin(*scene((box(5, side=20), RED)))
    for _ in range(3):
        tracker.move(shift())
        tracker.find(*scene((box(5, side=20), RED), (box(8, 14, 6), RED)))
    assert sorted(tracker.present) == [0]


@pytest.mark.parametrize(("colour", "number"), [(RED, 0), (BLUE, 1)])
def test_who_comes_back_has_its_number_if_it_looks_alike(
    tracker: Tracker, colour: tuple[int, int, int], number: int
) -> None:
    tracker.begin(*scene((box(5), RED)))
    for _ in range(6):
        tracker.move(shift())
        tracker.find(*scene())
    assert not tracker.present
    for _ in range(2):
        tracker.move(shift())
        tracker.find(*scene((box(40), colour)))
    assert sorted(tracker.present) == [number]


@pytest.mark.parametrize(("colour", "numbers"), [(RED, [0]), (BLUE, [0, 1])])
def test_whose_mask_went_astray_keeps_its_number(
    tracker: Tracker, colour: tuple[int, int, int], numbers: list[int]
) -> None:
    """As where a jump is too fast for the flow: the object is found elsewhere, and its mask stays behind."""
    tracker.begin(*scene((box(5), RED)))
    for _ in range(2):
        tracker.move(shift())
        tracker.find(*scene((box(40), colour)))
    assert sorted(tracker.present) == numbers
    assert tracker.present[numbers[-1]].solid[15, 45]


def test_where_masks_are_given_nothing_new_appears(tracker: Tracker) -> None:
    own = Tracker(tracker.settings, sure=0.5, makes_new=False)
    own.begin(*scene((box(5), RED)))
    for _ in range(4):
        own.move(shift())
        own.find(*scene((box(5), RED), (box(40), BLUE)))
    assert sorted(own.present) == [0]


def test_its_state_goes_on_as_if_nothing_had_happened(tracker: Tracker) -> None:
    tracker.begin(*scene((box(5), RED)))
    tracker.move(shift())
    tracker.find(*scene((box(5), RED), (box(40), BLUE)))
    other = Tracker(tracker.settings, sure=0.5)
    other.restore(tracker.state())
    for each in (tracker, other):
        each.move(shift())
        each.find(*scene((box(5), RED), (box(40), BLUE)))
    assert sorted(other.present) == sorted(tracker.present) == [0, 1]


def test_likeness_is_one_for_equals_and_nought_for_strangers() -> None:
    _, frame = scene((box(5), RED), (box(40), BLUE))
    red, blue = look_of(frame, box(5)), look_of(frame, box(40))
    assert likeness(red, red) == pytest.approx(1, abs=1e-6)
    assert likeness(red, blue) == 0
