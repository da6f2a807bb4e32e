"""Colours of the content kept."""

import pytest
import torch
from torch import Tensor

from pochoir.stylization.colors import luminance, match_colors, with_luminance


def picture(seed: int, height: int = 20, width: int = 30) -> Tensor:
    return 0.3 + 0.4 * torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def statistics(image: Tensor) -> tuple[Tensor, Tensor]:
    flat = image.flatten(2)[0]
    return flat.mean(dim=1), torch.cov(flat, correction=0)


def test_luminance_is_grey_and_weighs_green_most() -> None:
    grey = luminance(picture(0))
    assert torch.equal(grey[:, 0], grey[:, 1])
    green = luminance(torch.tensor([0.0, 1, 0]).view(1, 3, 1, 1))
    assert torch.allclose(green, torch.full_like(green, 0.587))


def test_luma_of_one_and_colours_of_the_other() -> None:
    colors, painted = picture(0), 0.45 + 0.1 * torch.rand(1, 3, 20, 30)
    mixed = with_luminance(colors, painted)
    torch.testing.assert_close(luminance(mixed), luminance(painted), atol=2e-3, rtol=0)
    torch.testing.assert_close(mixed - luminance(mixed), colors - luminance(colors), atol=2e-3, rtol=0)


def test_own_luminance_changes_nothing() -> None:
    torch.testing.assert_close(with_luminance(picture(0), picture(0)), picture(0), atol=1e-5, rtol=0)


def test_matched_colours_have_the_references_mean_and_covariance() -> None:
    reference = 0.5 + 0.1 * (picture(1, 7, 9) - 0.5) @ torch.eye(9)
    reference[:, 0] += 0.1
    mean, covariance = statistics(match_colors(picture(0), reference))
    wanted_mean, wanted_covariance = statistics(reference)
    torch.testing.assert_close(mean, wanted_mean, atol=1e-3, rtol=0)
    torch.testing.assert_close(covariance, wanted_covariance, atol=1e-4, rtol=0.05)


def test_grey_pictures_can_be_matched() -> None:
    grey = luminance(picture(0))
    assert torch.isfinite(match_colors(grey, picture(1))).all()
    assert torch.isfinite(match_colors(picture(1), grey)).all()


def test_only_colours_under_the_guide_count() -> None:
    image = torch.rand(1, 3, 20, 30, generator=torch.Generator().manual_seed(3))
    reference = torch.zeros(1, 3, 16, 16)
    reference[:, 0, :, :8] = 0.5 + 0.1 * torch.rand(16, 8, generator=torch.Generator().manual_seed(4))
    guide = torch.zeros(1, 1, 16, 16)
    guide[..., :8] = 1
    matched = match_colors(image, reference, guide)
    assert matched[0, 0].mean().item() == pytest.approx(reference[0, 0, :, :8].mean().item(), abs=0.01)
    assert matched[0, 1:].mean().item() == pytest.approx(0, abs=0.01)
