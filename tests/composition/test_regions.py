"""Which part of the photo is painted in which style, and on which crop."""

import numpy as np
import pytest

from pochoir.composition.crops import Crop, crop_around, whole
from pochoir.composition.edges import Alpha
from pochoir.composition.regions import background_region, object_regions

OIL, INK = 0, 1


def block(top: int, left: int, bottom: int, right: int) -> Alpha:
    alpha = np.zeros((100, 200), dtype=np.float32)
    alpha[top:bottom, left:right] = 1
    return alpha


def test_a_crop_has_its_margin_within_the_photo() -> None:
    assert crop_around(block(20, 30, 50, 60), 5) == Crop(15, 25, 55, 65)
    assert crop_around(block(0, 190, 50, 200), 5) == Crop(0, 185, 55, 200)
    assert Crop(15, 25, 55, 65).size == (40, 40)


def test_a_crop_that_saves_little_is_the_whole_photo() -> None:
    assert crop_around(block(2, 2, 98, 198), 5) == whole((100, 200))


def test_a_crop_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing is left"):
        crop_around(block(0, 0, 0, 0), 5)


def test_neighbours_of_one_style_are_painted_together_and_far_ones_apart() -> None:
    near = object_regions([block(20, 20, 60, 40), block(20, 40, 60, 60)], [4, 7], [OIL, OIL], margin=8)
    assert [region.name for region in near] == ["object_4_7"]
    assert near[0].alpha[40, 50] == 1
    far = object_regions([block(5, 5, 25, 25), block(75, 175, 95, 195)], [0, 1], [OIL, OIL], margin=8)
    assert [region.instances for region in far] == [(0,), (1,)]


def test_other_styles_are_never_painted_together() -> None:
    regions = object_regions([block(20, 20, 60, 40), block(20, 40, 60, 60)], [0, 1], [OIL, INK], margin=8)
    assert [(region.name, region.style) for region in regions] == [("object_0", OIL), ("object_1", INK)]


def test_what_others_hide_is_no_region() -> None:
    regions = object_regions([block(10, 10, 60, 60), block(20, 20, 40, 40)], [0, 1], [OIL, INK], margin=8)
    assert [region.name for region in regions] == ["object_0"]


def test_the_background_is_what_is_left() -> None:
    half = block(10, 10, 60, 60) * 0.5
    background = background_region([half, block(50, 50, 90, 90)], INK)
    assert background.name == "background"
    assert background.alpha[0, 0] == 1
    assert background.alpha[20, 20] == 0.5
    assert background.alpha[70, 70] == 0
