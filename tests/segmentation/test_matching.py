"""Detections matched to objects: who takes whom, what is left over, and what that counts up to."""

from dataclasses import replace

import pytest
import torch

from pochoir.segmentation.evaluation import evaluate
from pochoir.segmentation.matching import confusion, counted, match, match_all, overlaps, worst
from records import Box, photo

A, NEAR_A, HALF_A, B, C = (0, 0, 10, 10), (0, 0, 10, 9), (0, 0, 5, 10), (20, 0, 30, 10), (40, 20, 60, 40)


def test_an_object_goes_to_the_detection_that_is_surest_of_its_mask() -> None:
    item = photo([(A, 1, False), (B, 1, False)], [(A, 1, 0.9, 0.3), (NEAR_A, 1, 0.6, 0.8), (C, 1, 0.7, 0.7)])
    matches = match(item, 0.5)
    assert matches.pairs == [(1, 0)]
    assert sorted(matches.false) == [0, 2]
    assert matches.missed == [1]
    assert matches.mistakes == 3


def test_below_the_threshold_nothing_counts_and_half_of_an_object_is_enough() -> None:
    item = photo([(A, 1, False)], [(A, 1, 0.49, 0.9), (HALF_A, 1, 0.5, 0.4)])
    assert match(item, 0.5).pairs == [(1, 0)]
    assert match(item, 0.51).missed == [0]
    assert match(item, 0.5, iou=0.51).false == [1]


def test_a_detection_takes_what_is_most_like_it_of_its_own_class_first() -> None:
    truth = [(NEAR_A, 2, False), (A, 1, False)]
    assert match(photo(truth, [(NEAR_A, 1, 0.9, 0.9)]), 0.5).pairs == [(0, 1)]
    assert match(photo(truth, [(NEAR_A, 2, 0.9, 0.9)]), 0.5).pairs == [(0, 0)]
    other = match(photo(truth[:1], [(NEAR_A, 1, 0.9, 0.9)]), 0.5)
    assert (other.pairs, other.confused, other.mistakes) == ([], [(0, 0)], 2)


def test_a_detection_of_another_class_takes_no_object_from_one_of_its_own() -> None:
    item = photo([(A, 2, False)], [(A, 1, 0.9, 0.9), (A, 2, 0.6, 0.6)])
    matches = match(item, 0.5)
    assert (matches.pairs, matches.false, matches.confused) == ([(1, 0)], [0], [])
    assert confusion([(item, matches)], 2).tolist() == [[0, 0, 0], [0, 1, 0], [1, 0, 0]]


def test_crowds_are_neither_missed_nor_is_what_lies_in_them_false() -> None:
    item = photo([(C, 1, True), (A, 1, False)], [((45, 25, 50, 30), 1, 0.9, 0.9), ((42, 20, 50, 40), 1, 0.8, 0.8)])
    assert match(item, 0.5) == match(photo([(A, 1, False)], []), 0.5).__class__([], [], [1])


def test_boxes_are_matched_by_boxes_and_ranked_by_their_scores() -> None:
    item = photo([(A, 1, False)], [(A, 1, 0.6, 0.9), (A, 1, 0.9, 0.3)])
    apart = [{**annotation, "bbox": [0, 0, 5, 10]} for annotation in item.truth]  # x, y, width, height
    wide = {**item.detections[0], "bbox": [0, 0, 40, 10]}
    half = {**item.detections[1], "bbox": [0, 0, 5, 6]}
    boxed = replace(item, truth=apart, detections=[wide, half])
    assert overlaps(boxed, "bbox").tolist() == [[pytest.approx(1 / 8)], [pytest.approx(0.6)]]
    assert (match(boxed, 0.5, iou_type="bbox").pairs, match(boxed, 0.5).pairs) == ([(1, 0)], [(0, 0)])
    near = replace(boxed, detections=[half, {**half, "score": 0.95}])
    assert match(near, 0.5, iou_type="bbox").pairs == [(1, 0)]


def test_what_lies_in_a_crowd_of_another_class_is_false() -> None:
    """pycocotools evaluates class by class: a cup in a crowd of people was not ignored in AP, and is not here."""
    item = photo([(C, 1, True)], [((45, 25, 50, 30), 2, 0.9, 0.9)])
    assert match(item, 0.5).false == [0]


def test_nothing_is_matched_to_nothing() -> None:
    assert match(photo([], []), 0.5).mistakes == 0
    assert match(photo([], [(A, 1, 0.9, 0.9)]), 0.5).false == [0]
    assert match(photo([(A, 1, False)], []), 0.5).missed == [0]


def test_one_class_agrees_with_pycocotools() -> None:
    """Its recall at IoU .5 with all detections is the share of objects that are matched from score 0 on."""
    generator = torch.Generator().manual_seed(0)

    def boxes(count: int) -> list[Box]:
        corners = torch.randint(0, 30, (count, 2), generator=generator).tolist()
        return [(x, y, x + 14, y + 10) for x, y in corners]

    records = []
    for image_id in range(1, 30):
        there = boxes(4)
        shifted = [(x0 + 2, y0, x1 + 2, y1) for x0, y0, x1, y1 in there[:2]]
        scores = torch.rand(5, generator=generator).tolist()
        found = [(box, 1, score, score) for box, score in zip([*shifted, *boxes(3)], scores, strict=True)]
        records.append(photo([(box, 1, False) for box in there], found, image_id))
    curve = evaluate(records).curves["mask", 0.5]
    recall = counted(confusion(match_all(records, 0.0)))["recall"]
    reached = curve.recall[curve.precision > 0].max()
    assert 0.4 < recall < 0.9
    assert reached == pytest.approx(recall, abs=0.0101)  # the curve has a point each hundredth


def test_a_confusion_tells_class_against_class() -> None:
    truth = [(A, 1, False), (B, 2, False), (C, 2, False)]
    found = [(A, 1, 0.9, 0.9), (B, 1, 0.8, 0.8), ((0, 30, 9, 39), 2, 0.7, 0.7), (C, 2, 0.4, 0.4)]
    confused = confusion(match_all([photo(truth, found)], 0.5), classes=2)
    assert confused.tolist() == [[1, 0, 0], [1, 0, 1], [0, 1, 0]]
    assert counted(confused) == {
        "true": 1,
        "false": 2,
        "missed": 2,
        "precision": 0.3333,
        "recall": 0.3333,
        "f1": 0.3333,
    }


def test_nothing_at_all_counts_up_to_nothing() -> None:
    assert counted(confusion(match_all([photo([], [])], 0.5))) == dict.fromkeys(
        ("true", "false", "missed", "precision", "recall", "f1"), 0
    )


def test_the_worst_photos_come_first_and_good_ones_not_at_all() -> None:
    good = photo([(A, 1, False)], [(A, 1, 0.9, 0.9)], 1)
    one_of_two = photo([(A, 1, False), (B, 1, False)], [(A, 1, 0.9, 0.9)], 2)
    one_of_one = photo([(A, 1, False)], [], 3)
    both = photo([(A, 1, False), (B, 1, False)], [(C, 1, 0.9, 0.9)], 4)
    records = [good, one_of_two, one_of_one, both, both]  # processes repeat photos
    assert [item.image_id for item, _ in worst(match_all(records, 0.5), 10)] == [4, 3, 2]
    assert [matches.mistakes for _, matches in worst(match_all(records, 0.5), 2)] == [3, 1]
