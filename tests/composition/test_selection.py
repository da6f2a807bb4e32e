"""Every rule that chooses among instances, and what it says when there is nothing to choose."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from pochoir.composition.selection import described, select
from pochoir.config import load_config
from pochoir.errors import ConfigError, DataError
from pochoir.segmentation.instances import Instances

REGION = load_config("partial").region


@pytest.fixture
def instances() -> Instances:
    """Best first: a small one, a large one, and one that overlaps the large one's right half."""
    boxes = torch.tensor([[2.0, 2, 6, 6], [10, 10, 30, 30], [20, 10, 34, 30]])
    masks = torch.zeros(3, 40, 40)
    for mask, (x0, y0, x1, y1) in zip(masks, boxes.int().tolist(), strict=True):
        mask[y0:y1, x0:x1] = 0.9
    scores = torch.tensor([0.95, 0.8, 0.6])
    return Instances(boxes, scores, torch.ones(3, dtype=torch.int64), masks, scores)


@pytest.mark.parametrize(
    ("rule", "chosen"),
    [
        ({}, [0, 1, 2]),
        ({"choose": "best"}, [0]),
        ({"choose": "largest"}, [1]),
        ({"choose": "best", "min_size": 0.1}, [1]),
        ({"choose": "tallest"}, [1]),
        ({"choose": "leftmost"}, [0]),
        ({"choose": "leftmost", "min_size": 0.1}, [1]),
        ({"choose": "rightmost"}, [2]),
        ({"choose": "center"}, [1]),
        ({"point": ["8%", "10.%"]}, [0]),
        ({"point": ["80%", 20.0]}, [2]),
        ({"indices": [2, 0]}, [0, 2]),
        ({"min_size": 0.1}, [1, 2]),
        ({"point": [3.5, 3.5]}, [0]),
        ({"point": [25.0, 20.0]}, [1]),  # where two overlap: the front one
        ({"point": [32.0, 20.0]}, [2]),
        ({"box": [19.0, 9, 35, 31]}, [2]),
    ],
)
def test_rules(instances: Instances, rule: dict[str, Any], chosen: list[int]) -> None:
    assert select(instances, REGION.but(**rule)) == chosen


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"point": ["100%", "120%"]}, r"region\.point: \['100%', '120%'\] lies outside the photo"),
        ({"indices": [3]}, r"region\.indices: there is no instance 3"),
        ({"point": [0.0, 39.0]}, r"region\.point: \[0\.0, 39\.0\] hits no instance"),
        ({"point": [50.0, 3.0]}, r"lies outside the photo of 40×40 pixels"),
        ({"box": [36.0, 36, 39, 39]}, r"region\.box: .* meets no instance"),
        ({"min_size": 0.9}, r"no instance with area ≥ 90\.0% of the photo"),
        ({"mask_threshold": 0.95}, r"no instance with area .* where mask_threshold is 0\.95"),
    ],
)
def test_errors_list_what_was_found(instances: Instances, rule: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        select(instances, REGION.but(**rule))
    assert "1: score 0.80, box 10,10 to 30,30, 360 pixels" in str(caught.value)
    assert str(caught.value).count("score 0") >= 3


def test_nothing_found_is_said(instances: Instances) -> None:
    none = instances.above(1.0)
    assert described(none) == []
    with pytest.raises(DataError, match="no object was found"):
        select(none, REGION)


def test_classes_are_chosen_by_name(instances: Instances) -> None:
    several = replace(instances, labels=torch.tensor([2, 1, 2]), classes=("balloon", "person"))
    assert select(several, REGION.but(classes=["balloon"])) == [1]
    assert select(several, REGION.but(classes=["person"])) == [0, 2]
    assert select(several, REGION.but(classes=["person"], choose="largest")) == [2]
    assert select(several, REGION.but(classes=["person", "balloon"])) == [0, 1, 2]
    assert select(several, REGION.but(classes=["person"], point=[25.0, 20.0])) == [2]  # behind a balloon
    with pytest.raises(DataError, match=r"no class 'baloon'; did you mean 'balloon'\? \(there is balloon, person\)"):
        select(several, REGION.but(classes=["baloon"]))
    with pytest.raises(
        DataError, match=r"no instance of balloon; found were\n  0: person, score 0\.95, box 2,2 to 6,6"
    ):
        select(several[[0, 2]], REGION.but(classes=["balloon"]))
    with pytest.raises(DataError, match=r"no class 'person' \(there is object\)"):
        select(instances, REGION.but(classes=["person"]))


def test_numbers_and_classes_choose_twice() -> None:
    with pytest.raises(ConfigError, match="indices: classes and indices choose twice"):
        load_config("partial", ["region.classes=[person]", "region.indices=[0]"])
