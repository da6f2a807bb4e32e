"""Objects that were found, found poorly and missed, and the groups that they are told by."""

from dataclasses import replace

import pytest

from pochoir.segmentation.evaluation import ImageRecord
from pochoir.segmentation.outcomes import Outcome, gain_of_masks, outcomes, shares
from records import Box, photo

A, PART_OF_A, MOST_OF_A = (2, 2, 12, 12), (2, 2, 12, 6), (2, 2, 12, 10)
BESIDE_A, B, C = (10, 2, 20, 12), (20, 20, 30, 30), (40, 20, 60, 40)


def street() -> ImageRecord:
    """A was found by most of it, from B only a part was, C, at the frame, not at all; and there is a crowd."""
    part_of_b = (20, 20, 30, 24)
    return photo(
        [(A, 1, False), (B, 1, False), (C, 1, False), ((35, 2, 55, 15), 1, True)],
        [(MOST_OF_A, 1, 0.4, 0.9), (part_of_b, 1, 0.9, 0.9), ((36, 3, 50, 14), 1, 0.9, 0.9)],
    )


def test_each_object_but_crowds_is_found_poor_or_missed() -> None:
    a, b, c = outcomes([street(), street()])  # a photo seen twice counts once
    assert [one.outcome for one in (a, b, c)] == ["found", "poor", "missed"]
    assert (a.score, a.mask_iou, a.box_iou) == (0.4, pytest.approx(0.8), pytest.approx(0.8))
    assert (b.score, b.mask_iou, c.box_iou) == (None, None, None)
    assert [(one.truncated, one.area) for one in (a, b, c)] == [(False, 100), (False, 100), (True, 400)]


def test_another_class_is_a_poor_find() -> None:
    (one,) = outcomes([photo([(A, 2, False)], [(A, 1, 0.9, 0.9)])])
    assert one.outcome == "poor"


def test_a_mask_is_told_where_its_box_found_the_object() -> None:
    """By masks it was found poorly, because of the mask alone."""
    item = photo([(A, 1, False)], [(PART_OF_A, 1, 0.9, 0.9)])
    item.detections[0]["bbox"] = [2, 2, 10, 9]
    (one,) = outcomes([item])
    assert (one.outcome, one.mask_iou, one.box_iou) == ("poor", pytest.approx(0.4), pytest.approx(0.9))


def test_perfect_masks_gain_what_boxes_have_found() -> None:
    """A has a mask of IoU .4 in a box of .9, B of .6, C none: one object of three by masks, two by boxes."""
    half_of_b = (20, 20, 30, 26)
    item = photo([(A, 1, False), (B, 1, False), (C, 1, False)], [(PART_OF_A, 1, 0.9, 0.9), (half_of_b, 1, 0.8, 0.8)])
    item.detections[0]["bbox"] = [2, 2, 10, 9]
    gain = gain_of_masks([item])
    assert gain["ap50"] == pytest.approx(67 / 101 - 34 * 0.5 / 101)  # precision 1 up to recall 2/3, not .5 up to 1/3
    assert gain["ap75"] == pytest.approx(67 / 101)


@pytest.mark.parametrize(
    ("box", "truncated"),
    [((2, 2, 58, 38), False), ((1, 2, 9, 9), True), ((2, 1, 9, 9), True), ((2, 2, 59, 9), True), ((2, 2, 9, 39), True)],
)
def test_what_comes_within_a_pixel_of_the_frame_is_truncated(box: Box, truncated: bool) -> None:
    (one,) = outcomes([photo([(box, 1, False)], [])])
    assert one.truncated == truncated


def test_crowding_is_the_highest_iou_with_another_object() -> None:
    """10 × 10 boxes, two columns of ten in common: 20 of 180; B is alone, whatever crowd is around it."""
    item = photo([(A, 1, False), (BESIDE_A, 2, False), (B, 1, False), ((15, 15, 35, 35), 1, True)], [])
    assert [one.crowding for one in outcomes([item])] == [pytest.approx(1 / 9), pytest.approx(1 / 9), 0]


@pytest.mark.parametrize(("area", "size"), [(1024, "small"), (1025, "medium"), (9216, "medium"), (9217, "large")])
def test_sizes_are_cocos(area: float, size: str) -> None:
    (one,) = outcomes([photo([(A, 1, False)], [])])
    assert replace(one, area=area).size == size


def test_shares_are_told_by_group() -> None:
    told = shares(outcomes([street()]), threshold=0.5)
    assert list(told) == ["all", "small", "truncated", "whole", "apart"]  # none is larger, or crowded
    every, whole, truncated = told["all"], told["whole"], told["truncated"]
    assert (every.objects, every.found, every.poor, every.missed) == (3, *[pytest.approx(1 / 3)] * 3)
    assert (whole.objects, whole.found, whole.poor, whole.missed) == (2, 0.5, 0.5, 0)
    assert (truncated.missed, truncated.mask_iou, truncated.boxed) == (1, None, 0)
    assert (every.shown, shares(outcomes([street()]), 0.4)["all"].shown) == (0, pytest.approx(1 / 3))
    assert (every.mask_iou, every.boxed) == (pytest.approx(0.8), pytest.approx(1 / 3))


def test_without_objects_there_are_no_groups() -> None:
    none: list[Outcome] = outcomes([photo([], [(A, 1, 0.9, 0.9)])])
    assert (none, shares(none, 0.5)) == ([], {})
