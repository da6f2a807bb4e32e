"""What has been found, some of it, one after the other, and drawn."""

from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pochoir.segmentation.instances import Instances


@pytest.fixture
def three() -> Instances:
    """Upright bars side by side on a dark photo of 40 × 60 pixels."""
    masks = torch.zeros(3, 40, 60)
    for index, mask in enumerate(masks):
        mask[5:35, 20 * index + 5 : 20 * index + 15] = 0.9 - 0.25 * index
    boxes = torch.tensor([[20.0 * index + 5, 5, 20 * index + 15, 35] for index in range(3)])
    scores = torch.tensor([0.9, 0.6, 0.3])
    photo = np.full((40, 60, 3), 20, np.uint8)
    return Instances(boxes, scores, torch.ones(3, dtype=torch.int64), masks, scores / 2, 56, photo)


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (1, [1]),
        (-1, [2]),
        (np.int64(2), [2]),
        (slice(1, None), [1, 2]),
        ([2, 0], [2, 0]),
        ([], []),
        ([True, False, True], [0, 2]),
        (torch.tensor([False, True, False]), [1]),
        (np.array([True, True, False]), [0, 1]),
    ],
)
def test_some_of_them(three: Instances, which: Any, expected: list[int]) -> None:
    some = three[which]
    assert isinstance(some, Instances)
    assert len(some) == len(expected)
    for name in ("boxes", "scores", "labels", "masks", "mask_scores"):
        assert torch.equal(getattr(some, name), getattr(three, name)[expected])
    assert some.cells == 56
    assert some.photo is three.photo


@pytest.mark.parametrize("which", [3, -4, [0, 5], torch.tensor([True, False])])
def test_one_that_is_not_there(three: Instances, which: Any) -> None:
    with pytest.raises(IndexError, match="there are 3 instances, counted from 0"):
        three[which]


def test_one_after_the_other(three: Instances) -> None:
    assert [one.scores.tolist() for one in three] == [[score] for score in three.scores.tolist()]
    assert three.above(0.6).scores.tolist() == three.scores[:2].tolist()
    assert not three.above(0.95)


def test_columns_of_unequal_lengths(three: Instances) -> None:
    with pytest.raises(ValueError, match="'masks': 2"):
        Instances(three.boxes, three.scores, three.labels, three.masks[:2], three.mask_scores)


def test_they_are_drawn_on_their_photo(three: Instances) -> None:
    photo = three.photo
    assert photo is not None
    drawn = np.asarray(three.picture())
    assert drawn.shape == photo.shape
    changed = (drawn != photo).any(axis=-1)
    assert changed[20, [10, 30, 50]].tolist() == [True, True, False]  # the third's mask is below .5
    assert (photo == 20).all()
    assert np.asarray(three.picture(mask_threshold=0.3))[20, 50].tolist() != [20, 20, 20]
    assert repr(three).startswith("Instances(3 in ")
    shown = Image.open(BytesIO(three._repr_png_()))
    assert np.array_equal(np.asarray(shown), drawn)


def test_without_a_photo_the_ground_is_white(three: Instances) -> None:
    given = Instances(three.boxes, three.scores, three.labels, three.masks, three.mask_scores)
    assert np.asarray(given.picture())[20, 20].tolist() == [255, 255, 255]
    assert np.asarray(given[[]].picture()).shape == (40, 60, 3)


def test_classes_have_names(three: Instances) -> None:
    several = replace(three, labels=torch.tensor([2, 1, 3]), classes=("balloon", "person"))
    assert several.names == ["person", "balloon", "3"]  # the third has no name
    assert several[[1]].names == ["balloon"]
    assert repr(several[:2]) == "Instances(2 in 60×40 pixels, scores person 0.90, balloon 0.60)"
    assert several.captions() == ["0 person 0.90", "1 balloon 0.60", "2 3 0.30"]
    assert three.names == ["object"] * 3
    assert repr(three) == "Instances(3 in 60×40 pixels, scores 0.90, 0.60, 0.30)"
    assert three.captions() == ["0 0.90", "1 0.60", "2 0.30"]
    wide = replace(several, masks=torch.nn.functional.pad(several.masks, (0, 300)), photo=None)
    assert wide.picture().tobytes() != replace(wide, classes=("object",)).picture().tobytes()
