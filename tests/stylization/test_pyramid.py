"""Levels from coarse to fine, aspects kept."""

import pytest
import torch

from pochoir.config import load_config
from pochoir.images.resizing import resize
from pochoir.stylization.pyramid import MIN_SIDE, WORK, Level, enlarge, pyramid

RECIPE = load_config("stylize").recipe


def test_levels_double_up_to_the_picture() -> None:
    levels = pyramid((341, 512), RECIPE.but(coarsest=128, steps=[100, 60, 30], depths=[5, 4]))
    assert levels == [Level((85, 128), 100, 5), Level((170, 256), 60, 4), Level((341, 512), 30, 4)]


def test_the_last_number_of_steps_holds_for_all_larger_levels() -> None:
    levels = pyramid((2048, 1024), RECIPE.but(coarsest=128, steps=[9, 5], depths=[5]))
    assert [level.steps for level in levels] == [9, 5, 5, 5, 5]
    assert [max(level.size) for level in levels] == [128, 256, 512, 1024, 2048]


@pytest.mark.parametrize("side", [100, 128, 180])
def test_a_small_picture_has_one_level(side: int) -> None:
    assert pyramid((side, side), RECIPE.but(coarsest=128, steps=[7, 5], depths=[5, 3])) == [Level((side, side), 7)]


def test_no_level_is_too_narrow_for_the_encoder() -> None:
    levels = pyramid((80, 2000), RECIPE.but(coarsest=128, steps=[10], depths=[5]))
    assert min(levels[0].size) >= MIN_SIDE
    assert levels[-1].size == (80, 2000)


def test_work_counts_pixels_and_evaluations() -> None:
    assert Level((20, 30), 4).work == 2400
    assert Level((20, 30), 4, depth=3).work < 2400


def test_shares_of_work_are_those_of_the_multiplications() -> None:
    """VGG-19 up to relu4_2, the deepest layer of block 4 that is looked at, and up to the first layer of the others."""
    work, pixels, fan_in, found = 0.0, 1.0, 3, {}
    for block, (channels, count) in enumerate(((64, 2), (128, 2), (256, 4), (512, 4), (512, 1)), start=1):
        for index in range(1, count + 1):
            work += pixels * fan_in * channels
            fan_in = channels
            if index == (2 if block == 4 else 1):
                found[block] = work
        pixels /= 4
    for block in (2, 3, 4, 5):
        assert WORK[block] == pytest.approx(found[block] / found[5], abs=0.02)


def test_enlarging_adds_the_detail_of_the_content_and_only_that() -> None:
    content = torch.rand(1, 3, 64, 48, generator=torch.Generator().manual_seed(0))
    small = resize(content, (32, 24))
    assert torch.allclose(enlarge(small, content, (64, 48)), content, atol=1e-6)
    flat = torch.full((1, 3, 64, 48), 0.5)
    assert torch.allclose(enlarge(small, flat, (64, 48)), resize(small, (64, 48)), atol=1e-6)
