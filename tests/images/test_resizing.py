"""Other sizes, aspects kept."""

import pytest
import torch

from pochoir.images.resizing import cover, fit, fit_area, resize


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
