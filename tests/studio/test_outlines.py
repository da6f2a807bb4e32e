"""What lies over the photo tells the chosen from the others, and stands where they are."""

import re

import numpy as np

from pochoir.studio.finding import SHOWN_SIDE, Thing, outline
from pochoir.studio.outlines import overlay
from pochoir.studio.wishes import Chosen


def thing(index: int, width: int, height: int) -> Thing:
    mask = np.zeros((height, width), dtype=bool)
    mask[height // 2 :, index * 20 : index * 20 + 11] = True
    return Thing(Chosen(index), mask, outline(mask), f"person {index + 1}")


def test_the_chosen_are_solid_the_others_dashed_and_all_numbered() -> None:
    drawn = overlay([thing(0, 100, 80), thing(1, 100, 80)], {1}, (100, 80))
    first, second = re.findall(r'stroke-dasharray="([^"]+)"', drawn)
    assert first != "none"
    assert second == "none"
    assert re.findall(r">(\d)</text>", drawn) == ["1", "2"]
    assert re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', drawn) == [("5.0", "40.0"), ("25.0", "40.0")]


def test_a_large_photo_is_drawn_on_as_large_as_it_is_shown() -> None:
    width = 2 * SHOWN_SIDE
    drawn = overlay([thing(0, width, 80)], {}, (width, 80))
    assert "scale(0.500000)" in drawn
    assert re.findall(r'cx="([\d.]+)"', drawn) == ["2.5"]
