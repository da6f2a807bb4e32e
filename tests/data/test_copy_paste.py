"""Copy-paste: what lies in front hides what lies behind, in the photo and in the masks."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from pochoir.data.copy_paste import paste_instances
from pochoir.data.targets import check_target

Make = Callable[..., Any]


def test_a_pasted_instance_hides_what_is_behind(pair: Make) -> None:
    onto, source = pair(20, 30, (0, 0, 10, 10)), pair(20, 30, (5, 0, 15, 10))
    image, target = paste_instances(onto, source)
    check_target(image, target)
    assert target["boxes"].tolist() == [[0, 0, 5, 10], [5, 0, 15, 10]]
    assert target["area"].tolist() == [50, 100]
    assert torch.equal(image[:, :10, 5:15], source[0][:, :10, 5:15])
    front = source[1]["masks"][0].bool()
    assert torch.equal(image[:, ~front], onto[0][:, ~front])
    assert (int(target["image_id"]), target["name"]) == (7, "seven.png")


def test_the_pair_pasted_onto_is_not_changed(pair: Make) -> None:
    onto, untouched = pair(20, 30, (0, 0, 10, 10)), pair(20, 30, (0, 0, 10, 10))
    paste_instances(onto, pair(20, 30, (5, 0, 15, 10), (0, 0, 3, 3)))
    assert torch.equal(onto[0], untouched[0])
    assert torch.equal(onto[1]["masks"], untouched[1]["masks"])
    assert torch.equal(onto[1]["boxes"], untouched[1]["boxes"])


def test_an_instance_is_dropped_when_less_than_a_tenth_stays_visible(pair: Make) -> None:
    onto, source = pair(20, 30, (0, 0, 20, 10), (0, 0, 19, 10)), pair(20, 30, (0, 0, 18, 10))
    _, target = paste_instances(onto, source)  # a tenth of the first is left, a nineteenth of the second
    assert target["boxes"].tolist() == [[18, 0, 20, 10], [0, 0, 18, 10]]


def test_the_visible_share_is_a_knob(pair: Make) -> None:
    onto, source = pair(20, 30, (0, 0, 10, 10)), pair(20, 30, (0, 0, 5, 10))
    assert len(paste_instances(onto, source, min_visible=0.5)[1]["masks"]) == 2
    assert len(paste_instances(onto, source, min_visible=0.51)[1]["masks"]) == 1


@pytest.mark.parametrize(("height", "width"), [(14, 12), (30, 40), (14, 40), (30, 12)])
def test_a_source_of_another_size_is_cropped_or_padded(pair: Make, height: int, width: int) -> None:
    onto, source = pair(20, 30), pair(height, width, (5, 5, width, height))
    image, target = paste_instances(onto, source)
    check_target(image, target)
    bottom, right = min(20, height), min(30, width)
    assert image.shape == (3, 20, 30)
    assert target["boxes"].tolist() == [[5, 5, right, bottom]]
    assert torch.equal(image[:, 5:bottom, 5:right], source[0][:, 5:bottom, 5:right])
    assert torch.equal(image[:, :5], onto[0][:, :5])


def test_an_instance_outside_the_frame_is_not_pasted(pair: Make) -> None:
    onto = pair(20, 30, (0, 0, 10, 10))
    image, target = paste_instances(onto, pair(40, 50, (35, 25, 45, 35)))
    assert torch.equal(image, onto[0])
    assert target["boxes"].tolist() == [[0, 0, 10, 10]]


def test_a_source_without_instances_changes_nothing(pair: Make) -> None:
    onto = pair(20, 30, (0, 0, 10, 10))
    image, target = paste_instances(onto, pair(25, 25))
    assert torch.equal(image, onto[0])
    assert target["boxes"].tolist() == [[0, 0, 10, 10]]


def test_every_non_empty_subset_is_pasted_at_some_time(pair: Make) -> None:
    source = pair(20, 30, (0, 0, 5, 5), (10, 0, 15, 5), (20, 0, 25, 5))
    torch.manual_seed(0)
    subsets = set()
    for _ in range(80):
        _, target = paste_instances(pair(20, 30), source)
        subsets.add(tuple(sorted(int(box[0]) // 10 for box in target["boxes"])))
    assert subsets == {(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)}


def test_specks_are_neither_pasted_nor_left(pair: Make) -> None:
    onto, source = pair(20, 30, (0, 0, 10, 2)), pair(20, 30, (1, 0, 25, 2))  # two of twenty pixels stay visible
    assert paste_instances(onto, source)[1]["boxes"].tolist() == [[1, 0, 25, 2]]
    image, target = paste_instances(onto, pair(24, 30, (0, 19, 15, 24)))  # fifteen of its pixels lie in the frame
    assert target["boxes"].tolist() == [[0, 0, 10, 2]]
    assert torch.equal(image, onto[0])


def test_what_is_pasted_keeps_its_class(pair: Make) -> None:
    onto = pair(20, 30, (0, 0, 10, 10), (20, 10, 30, 20))
    onto[1]["labels"] = torch.tensor([1, 3])
    source = pair(20, 30, (0, 0, 12, 12))  # covers the first
    source[1]["labels"] = torch.tensor([2])
    _, target = paste_instances(onto, source)
    assert target["boxes"].tolist() == [[20, 10, 30, 20], [0, 0, 12, 12]]
    assert target["labels"].tolist() == [3, 2]
    wider = pair(24, 40, (29, 0, 34, 3), (10, 0, 18, 8))
    wider[1]["labels"] = torch.tensor([1, 2])
    torch.manual_seed(0)
    for _ in range(10):  # whichever are drawn, what the frame cuts to a speck is not pasted
        _, target = paste_instances(pair(24, 30), wider)
        assert target["labels"].tolist() in ([], [2])
