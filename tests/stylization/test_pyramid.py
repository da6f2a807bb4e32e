"""Levels from coarse to fine, aspects kept."""

import pytest
import torch

from pochoir.stylization.pyramid import MIN_SIDE, Level, cover, fit, fit_area, pixels_to_see, pyramid, resize


def test_levels_double_up_to_the_picture() -> None:
    levels = pyramid((341, 512), coarsest=128, steps=[100, 60, 30])
    assert levels == [Level((85, 128), 100), Level((170, 256), 60), Level((341, 512), 30)]


def test_the_last_number_of_steps_holds_for_all_larger_levels() -> None:
    levels = pyramid((2048, 1024), coarsest=128, steps=[9, 5])
    assert [level.steps for level in levels] == [9, 5, 5, 5, 5]
    assert [max(level.size) for level in levels] == [128, 256, 512, 1024, 2048]


@pytest.mark.parametrize("side", [100, 128, 180])
def test_a_small_picture_has_one_level(side: int) -> None:
    assert pyramid((side, side), coarsest=128, steps=[7, 5]) == [Level((side, side), 7)]


def test_no_level_is_too_narrow_for_the_encoder() -> None:
    levels = pyramid((80, 2000), coarsest=128, steps=[10])
    assert min(levels[0].size) >= MIN_SIDE
    assert levels[-1].size == (80, 2000)


def test_work_counts_pixels_and_evaluations() -> None:
    assert Level((20, 30), 4).work == 2400


def test_looking_at_content_style_and_result_is_work_too() -> None:
    assert pixels_to_see([Level((30, 30), 4), Level((60, 60), 2)]) == 900 * 4 + 600 + 3600 * 2 + 2400 + 3600


def test_fit_keeps_the_aspect() -> None:
    assert fit((300, 600), 200) == (100, 200)
    assert fit((1, 900), 90) == (1, 90)


def test_fit_area_shrinks_but_never_enlarges() -> None:
    assert fit_area((400, 200), 20_000) == (200, 100)
    assert fit_area((400, 200), 1e9) == (400, 200)


def test_resize_keeps_the_range_and_the_mean() -> None:
    image = (torch.rand(1, 3, 64, 48, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    small = resize(image, (32, 24))
    assert small.shape == (1, 3, 32, 24)
    assert 0 <= small.min() <= small.max() <= 1
    assert small.mean().item() == pytest.approx(image.mean().item(), abs=0.01)
    assert resize(image, (64, 48)) is image


def test_cover_cuts_the_middle_out_and_squashes_nothing() -> None:
    image = torch.zeros(1, 3, 20, 60)
    image[..., 25:35] = 1  # a square of half the height in the middle
    covered = cover(image, (40, 40))
    assert covered.shape == (1, 3, 40, 40)
    bright = (covered[0, 0, 20] > 0.5).sum().item()
    assert bright == 20
    assert torch.allclose(covered, covered.flip(-1), atol=1e-4)
