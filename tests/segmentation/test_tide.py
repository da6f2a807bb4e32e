"""Each type of error on a photo that has it alone, its cost by hand; and all of them by the formula written out."""

from collections.abc import Sequence

import numpy as np
import pytest

from pochoir.errors import DataError
from pochoir.segmentation.evaluation import ImageRecord, IouType, evaluate
from pochoir.segmentation.matching import match
from pochoir.segmentation.tide import TYPES, Lost, photo_errors, tide
from records import Box, photo

A, B, C = (0, 0, 10, 10), (20, 0, 30, 10), (40, 20, 60, 40)
PART_OF_A, PART_OF_B = (0, 0, 10, 4), (20, 0, 30, 4)  # IoU .4


def found(*boxes: tuple[Box, int]) -> list[tuple[Box, int, float, float]]:
    """Detections of classes, the surest first."""
    return [(box, label, 0.9 - 0.1 * place, 0.9 - 0.1 * place) for place, (box, label) in enumerate(boxes)]


def objects(*boxes: tuple[Box, int]) -> list[tuple[Box, int, bool]]:
    return [(box, label, False) for box, label in boxes]


def costly(lost: Lost) -> dict[str, float]:
    """The types that cost anything."""
    return {name: gain for name, gain in lost.gains.items() if abs(gain) > 1e-9}


def test_a_photo_without_errors_loses_nothing() -> None:
    lost = tide([photo(objects((A, 1), (B, 1)), found((A, 1), (B, 1)))])
    assert (lost.ap50, costly(lost), set(lost.counts.values())) == (pytest.approx(1), {}, {0})
    assert (lost.false_positives, lost.false_negatives) == (pytest.approx(0), pytest.approx(0))
    assert tuple(lost.gains) == tuple(lost.counts) == TYPES


def test_a_poor_outline_costs_what_a_good_one_would_gain() -> None:
    """One of two objects is found, second: precision .5 up to recall .5, 51 of the 101 recalls. Then both are."""
    lost = tide([photo(objects((A, 1), (B, 1)), found((PART_OF_A, 1), (B, 1)))])
    assert lost.ap50 == pytest.approx(51 * 0.5 / 101)
    assert costly(lost) == {"localisation": pytest.approx(1 - 51 * 0.5 / 101)}  # what it is about is not missed
    assert lost.counts == {**dict.fromkeys(TYPES, 0), "localisation": 1}
    assert lost.ap50 + lost.false_positives == pytest.approx(51 / 101)
    assert lost.ap50 + lost.false_negatives == pytest.approx(0.5)  # one object, found second


def test_a_duplicate_costs_what_it_takes_from_those_below_it() -> None:
    lost = tide([photo(objects((A, 1), (B, 1)), found((A, 1), (A, 1), (B, 1)))])
    assert lost.ap50 == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert costly(lost) == {"duplicate": pytest.approx(1 - lost.ap50)}
    assert lost.counts["duplicate"] == 1


def test_what_is_nowhere_near_an_object_is_background() -> None:
    lost = tide([photo(objects((A, 1)), found((C, 1), (A, 1))), photo([], found((C, 1)), 2)])
    assert lost.ap50 == pytest.approx(1 / 3)
    assert costly(lost) == {"background": pytest.approx(2 / 3)}
    assert lost.counts["background"] == 2
    assert lost.false_positives == pytest.approx(2 / 3)


def test_a_missed_object_costs_the_recalls_that_are_not_reached() -> None:
    lost = tide([photo(objects((A, 1), (B, 1)), found((A, 1)))])
    assert costly(lost) == {"missed": pytest.approx(50 / 101)}
    assert lost.false_negatives == pytest.approx(50 / 101)
    assert tide([photo(objects((A, 1)), [])]).gains["missed"] == pytest.approx(1)  # nothing left to find


def test_a_wrong_class_costs_in_both_classes() -> None:
    """The first class has its object second, the second class has none."""
    lost = tide([photo(objects((A, 1), (B, 2)), found((B, 1), (A, 1)))], ("cup", "bag"))
    assert lost.ap50 == pytest.approx((0.5 + 0) / 2)
    assert costly(lost) == {"classification": pytest.approx(1 - 0.25)}
    assert lost.counts["missed"] == 0


def test_wrong_in_both_is_only_left_out_and_its_object_is_missed() -> None:
    lost = tide([photo(objects((A, 1), (B, 2)), found((PART_OF_B, 1), (A, 1)))], ("cup", "bag"))
    assert costly(lost) == {"both": pytest.approx(0.25), "missed": pytest.approx(0.5)}
    assert (lost.counts["both"], lost.counts["missed"]) == (1, 1)


def test_of_several_poor_outlines_of_an_object_one_is_repaired() -> None:
    lost = tide([photo(objects((A, 1)), found((PART_OF_A, 1), ((0, 6, 10, 10), 1)))])
    assert (lost.ap50, lost.counts["localisation"]) == (0, 2)
    assert costly(lost) == {"localisation": pytest.approx(1)}
    twice = tide([photo(objects((A, 1)), found((PART_OF_A, 1), (A, 1)))])  # the other is found already
    assert costly(twice) == {"localisation": pytest.approx(0.5)}


def test_crowds_are_not_missed_nor_is_what_lies_in_them_an_error() -> None:
    inside = (42, 22, 52, 32)
    crowded = photo([(A, 1, False), (C, 1, True)], found((inside, 1), (A, 1)))
    lost = tide([crowded])
    assert (lost.ap50, costly(lost), set(lost.counts.values())) == (pytest.approx(1), {}, {0})
    other = tide([photo([(A, 1, False), (C, 2, True)], found((inside, 1), (A, 1)))], ("cup", "bag"))
    assert costly(other) == {"background": pytest.approx(0.5)}  # no cup, among bags or not


def test_boxes_lose_for_reasons_of_their_own() -> None:
    item = photo(objects((A, 1)), found((A, 1)))
    item.detections[0]["bbox"] = [0, 0, 10, 4]
    assert costly(tide([item], iou_type="bbox")) == {"localisation": pytest.approx(1)}
    assert costly(tide([item], iou_type="segm")) == {}


def test_a_hundred_detections_of_a_class_are_looked_at() -> None:
    lost = tide([photo(objects((A, 1)), [(C, 1, 0.9, 0.9)] * 100 + [(A, 1, 0.5, 0.5)])])
    assert (lost.ap50, lost.counts["background"], costly(lost)) == (0, 100, {})


def test_without_objects_there_is_nothing_to_lose() -> None:
    with pytest.raises(DataError, match="none of the 1 photos holds an object"):
        tide([photo([], found((A, 1)))])


def ap(points: list[tuple[float, bool]], objects: int) -> float:
    """AP of detections (score, true): the mean over 101 recalls of the best precision at that recall or above."""
    true = np.array([hit for _, hit in sorted(points, key=lambda point: -point[0])], dtype=float)
    recall, precision = true.cumsum() / objects, true.cumsum() / np.arange(1, len(true) + 1)
    return float(np.mean([precision[recall >= at].max(initial=0) for at in np.linspace(0, 1, 101)]))


def many(count: int = 30) -> list[ImageRecord]:
    """Photos of all errors that one class can have, boxes and masks and their scores apart."""
    random = np.random.default_rng(0)
    records = []
    for image_id in range(1, count + 1):
        corners = random.integers(0, (44, 24), (random.integers(0, 5), 2)).tolist()
        there = [((x, y, x + 14, y + 14), 1, bool(random.random() < 0.1)) for x, y in corners]
        near = [
            ((x + dx, y + dy, x + dx + 12, y + dy + 13), 1, *random.random(2))
            for x, y in corners
            for dx, dy in random.integers(0, 7, (random.integers(0, 3), 2)).tolist()
        ]
        records.append(photo(there, [*near, ((2, 2, 9, 9), 1, *random.random(2))], image_id))
    return records


@pytest.mark.parametrize(("iou_type", "score"), [("segm", "mask_score"), ("bbox", "score")])
def test_agrees_with_the_formula(iou_type: IouType, score: str) -> None:
    """The paper's oracles on a list of scores and hits, where nothing is matched anew."""
    records = many()
    true: list[float] = []
    repaired: list[float] = []
    false: dict[str, list[float]] = {name: [] for name in TYPES[:-1]}
    unmatched = missed = 0
    for item in records:
        scores = [one[score] for one in item.detections]
        true += [scores[place] for place, _ in match(item, 0, 0.5, iou_type).pairs]
        errors = photo_errors(item, iou_type)
        for name, places in errors.false.items():
            false[name] += [scores[place] for place in places]
        about = [(errors.about[place], scores[place]) for place in errors.false["localisation"]]
        repaired += [
            max(at for at_object, at in about if at_object == each)
            for each in {each for each, _ in about}
            if each in errors.unmatched
        ]
        unmatched += len(errors.unmatched)
        missed += len(errors.missed)
    objects = len(true) + unmatched

    def ap_with(kept: list[str], objects: int = objects, more: Sequence[float] = ()) -> float:
        return ap([(at, True) for at in [*true, *more]] + [(at, False) for name in kept for at in false[name]], objects)

    lost = tide(records, iou_type=iou_type)
    assert lost.ap50 == pytest.approx(evaluate(records).metrics["mask_ap50" if iou_type == "segm" else "box_ap50"])
    assert lost.ap50 == pytest.approx(ap_with([*false]))
    for name in false:
        more = repaired if name == "localisation" else []
        after = ap_with([other for other in false if other != name], more=more)
        assert lost.ap50 + lost.gains[name] == pytest.approx(after), name
    assert lost.ap50 + lost.gains["missed"] == pytest.approx(ap_with([*false], objects - missed))
    assert lost.ap50 + lost.false_positives == pytest.approx(ap_with([]))
    assert lost.ap50 + lost.false_negatives == pytest.approx(ap_with([*false], objects - unmatched))
    assert lost.counts == {**{name: len(scores) for name, scores in false.items()}, "missed": missed}
    assert min(lost.counts[name] for name in ("localisation", "duplicate", "background", "missed")) > 2
