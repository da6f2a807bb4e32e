"""Losses against their formulas written out, and weights that keep their meaning across sizes and regions."""

import numpy as np
import pytest
import torch
from torch import Tensor

from pochoir.stylization import losses


def features(seed: int, channels: int = 4, height: int = 6, width: int = 5) -> Tensor:
    return torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(seed))


def half(height: int = 6, width: int = 5) -> Tensor:
    """A soft region: nothing on the left, everything on the right, a half in between."""
    guide = torch.zeros(1, 1, height, width)
    guide[..., width // 2] = 0.5
    guide[..., width // 2 + 1 :] = 1
    return guide


def gram_by_loops(x: Tensor, guide: Tensor) -> Tensor:
    channels = x.shape[1]
    result = torch.zeros(channels, channels)
    for i in range(channels):
        for j in range(channels):
            result[i, j] = sum(
                guide[0, 0, r, c] * x[0, i, r, c] * x[0, j, r, c] for r in range(x.shape[2]) for c in range(x.shape[3])
            ) / float(guide.sum())
    return result


@pytest.mark.parametrize("guide", [torch.ones(1, 1, 6, 5), half()])
def test_gram_is_the_mean_product_of_channels_over_the_guide(guide: Tensor) -> None:
    torch.testing.assert_close(losses.gram(features(0), guide), gram_by_loops(features(0), guide))


def test_gram_without_a_guide_is_that_of_everything() -> None:
    torch.testing.assert_close(losses.gram(features(0)), losses.gram(features(0), torch.ones(1, 1, 6, 5)))


def test_gram_ignores_what_lies_outside_the_guide() -> None:
    hard = (half() == 1).float()
    torch.testing.assert_close(losses.gram(features(0), hard), losses.gram(features(0)[..., 3:]))


def test_gram_does_not_mind_the_memory_layout() -> None:
    laid = features(0).contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(losses.gram(laid), losses.gram(features(0)))


def test_gram_loss_is_a_share_of_the_target() -> None:
    found, target = losses.gram(features(0)), losses.gram(features(1))
    by_hand = np.linalg.norm(found - target) ** 2 / np.linalg.norm(target) ** 2
    assert losses.gram_loss(found, target).item() == pytest.approx(by_hand, rel=1e-5)
    assert losses.gram_loss(target, target) == 0
    assert losses.gram_loss(torch.zeros_like(target), target).item() == pytest.approx(1)


def test_moments_are_numpys() -> None:
    mean, covariance = losses.moments(features(0))
    rows = features(0).flatten(2)[0].numpy()
    np.testing.assert_allclose(mean, rows.mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(covariance, np.cov(rows, bias=True), atol=1e-6)


def test_wasserstein_is_the_closed_form_between_gaussians() -> None:
    (m, s), (n, t) = losses.moments(features(0)), losses.moments(features(1))
    # the trace of a root is the sum of the roots of the eigenvalues, and those of T^(1/2) S T^(1/2) are those of S T
    cross = np.sqrt(np.linalg.eigvals(s.double().numpy() @ t.double().numpy()).real).sum()
    distance = float((m - n).square().sum()) + float((s + t).trace()) - 2 * cross
    by_hand = distance / float(n.square().sum() + t.trace())
    assert losses.wasserstein_loss((m, s), (n, t)).item() == pytest.approx(by_hand, rel=1e-3)


def test_wasserstein_of_equal_statistics_is_zero_and_its_gradient_finite() -> None:
    x = features(0).requires_grad_()
    target = losses.moments(features(0))
    loss = losses.wasserstein_loss(losses.moments(x), target)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-4)
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


def test_wasserstein_survives_dead_channels() -> None:
    x = features(0).clone()
    x[:, 2] = 0
    x.requires_grad_()
    losses.wasserstein_loss(losses.moments(x), losses.moments(features(1))).backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


def test_content_loss_is_the_squared_error_over_the_targets_size() -> None:
    found, target, guide = features(0), features(1), half()
    error = sum(
        float(guide[0, 0, r, c]) * float((found[0, :, r, c] - target[0, :, r, c]).square().sum())
        for r in range(6)
        for c in range(5)
    )
    size = sum(float(guide[0, 0, r, c]) * float(target[0, :, r, c].square().sum()) for r in range(6) for c in range(5))
    assert losses.content_loss(found, target, guide).item() == pytest.approx(error / size, rel=1e-5)
    assert losses.content_loss(target, target, guide) == 0


def test_a_content_weight_counts_where_it_is_and_nowhere_else() -> None:
    found, target, guide = features(0), features(1), half()
    weights = torch.ones(1, 1, 6, 5)
    weights[..., :3, :] = 7
    size = sum(float(guide[0, 0, r, c]) * float(target[0, :, r, c].square().sum()) for r in range(6) for c in range(5))
    error = sum(
        float(guide[0, 0, r, c] * weights[0, 0, r, c] * (found[0, :, r, c] - target[0, :, r, c]).square().sum())
        for r in range(6)
        for c in range(5)
    )
    looked_at = found.clone().requires_grad_()
    loss = losses.content_loss(looked_at, target, guide, weights)
    assert loss.item() == pytest.approx(error / size, rel=1e-5)
    (pull,) = torch.autograd.grad(loss, looked_at)
    (plain,) = torch.autograd.grad(losses.content_loss(looked_at, target, guide), looked_at)
    torch.testing.assert_close(pull, plain * weights)
    assert losses.gatys_content_loss(losses.squared_error(found, target, weights=weights)).item() == pytest.approx(
        0.5 * float(((found - target).square() * weights).sum()), rel=1e-5
    )


def test_total_variation_is_the_mean_length_of_the_gradient() -> None:
    image = torch.rand(1, 3, 5, 4, generator=torch.Generator().manual_seed(0))
    lengths = [
        np.hypot(image[0, k, r, c + 1] - image[0, k, r, c], image[0, k, r + 1, c] - image[0, k, r, c])
        for k in range(3)
        for r in range(4)
        for c in range(3)
    ]
    assert losses.total_variation(image).item() == pytest.approx(float(np.mean(lengths)), rel=1e-3)


def test_total_variation_looks_at_the_guide_only() -> None:
    image = torch.zeros(1, 3, 6, 8)
    image[..., :3] = torch.rand(6, 3)
    guide = torch.zeros(1, 1, 6, 8)
    guide[..., 4:] = 1
    assert losses.total_variation(image, guide).item() == pytest.approx(1e-3)  # the rounding at 0
    assert losses.total_variation(image).item() > 0.05


def test_gatys_losses_are_the_papers_sums() -> None:
    found, target = features(0), features(1)
    n, m = 4, 30
    content = 0.5 * float(((found - target) ** 2).sum())
    assert losses.gatys_content_loss(losses.squared_error(found, target)).item() == pytest.approx(content, rel=1e-5)
    sums = [x.flatten(2)[0] @ x.flatten(2)[0].T for x in (found, target)]
    style = float(((sums[0] - sums[1]) ** 2).sum()) / (4 * n**2 * m**2)
    assert losses.gatys_style_loss(losses.gram(found), losses.gram(target)).item() == pytest.approx(style, rel=1e-4)


@pytest.mark.parametrize("kind", ["gram", "wasserstein", "content", "tv"])
def test_a_weight_means_the_same_at_256_and_512_pixels_and_in_a_region(kind: str) -> None:
    """The same stationary textures, seen in a smaller and a larger window, and in a region of the larger one."""

    def loss(size: int, guide: Tensor | None = None) -> float:
        found, target = (torch.rand(1, 4, size, size, generator=torch.Generator().manual_seed(s)) for s in (0, 1))
        found = found.cumsum(1) / 2
        match kind:
            case "gram":
                return losses.gram_loss(losses.gram(found, guide), losses.gram(target)).item()
            case "wasserstein":
                return losses.wasserstein_loss(losses.moments(found, guide), losses.moments(target)).item()
            case "content":
                return losses.content_loss(found, target, guide).item()
        return losses.total_variation(found[:, :3], guide).item()

    region = torch.zeros(1, 1, 512, 512)
    region[..., 100:260, 200:300] = 0.7
    assert loss(512) == pytest.approx(loss(256), rel=0.03)
    assert loss(512, region) == pytest.approx(loss(512), rel=0.03)


def sorted_along(x: Tensor, guide: Tensor | None = None) -> losses.Ranked:
    return losses.ranked(losses.directions(x.shape[1]).T @ x.flatten(2)[0], guide)


def test_sliced_wasserstein_is_that_of_sorted_projections() -> None:
    found, style, along = features(0), features(1), losses.directions(4)
    target = losses.quantiles(sorted_along(style), 30)
    seen = [np.sort((along.T @ x.flatten(2)[0]).numpy(), axis=1) for x in (found, style)]
    by_hand = ((seen[0] - seen[1]) ** 2).mean() / (seen[1] ** 2).mean()
    assert losses.sliced_wasserstein_loss(sorted_along(found), target).item() == pytest.approx(by_hand, rel=1e-5)
    assert losses.sliced_wasserstein_loss(sorted_along(style), target).item() == pytest.approx(0, abs=1e-12)


def test_sliced_wasserstein_compares_distributions_of_any_two_sizes() -> None:
    once, twice = features(0, height=6), features(0, height=6).repeat(1, 1, 2, 1)
    target = losses.quantiles(sorted_along(once), 30)
    assert losses.sliced_wasserstein_loss(sorted_along(twice), target).item() == pytest.approx(0, abs=1e-12)
    torch.testing.assert_close(losses.quantiles(sorted_along(twice), 30), target)


def test_sliced_wasserstein_sees_what_gram_matrices_do_not() -> None:
    """Two distributions of one mean and variance, one of two values, the other of many."""
    two = torch.tensor([-1.0, 1.0]).repeat(32)[None, None, None]
    many = torch.linspace(-1, 1, 64)[None, None, None] * 3**0.5
    many = many * (two.square().mean() / many.square().mean()).sqrt()
    assert losses.gram_loss(losses.gram(many), losses.gram(two)).item() == pytest.approx(0, abs=1e-6)
    assert losses.sliced_wasserstein_loss(sorted_along(many), losses.quantiles(sorted_along(two), 64)) > 0.05


def test_sliced_wasserstein_ignores_what_lies_outside_the_guide() -> None:
    hard = (half() == 1).float()
    target = losses.quantiles(sorted_along(features(1)), 30)
    inside = losses.sliced_wasserstein_loss(sorted_along(features(0)[..., 3:]), target)
    torch.testing.assert_close(losses.sliced_wasserstein_loss(sorted_along(features(0), hard), target), inside)
    torch.testing.assert_close(
        losses.quantiles(sorted_along(features(0), hard), 12), losses.quantiles(sorted_along(features(0)[..., 3:]), 12)
    )


def test_sliced_wasserstein_moves_every_feature() -> None:
    x = features(0).requires_grad_()
    target = losses.quantiles(sorted_along(features(1)), 7)
    losses.sliced_wasserstein_loss(sorted_along(x, half()), target).backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()
    assert (x.grad[..., half()[0, 0] > 0] != 0).all()
    assert (x.grad[..., half()[0, 0] == 0] == 0).all()


def test_directions_stay_the_same_and_have_the_length_one() -> None:
    torch.testing.assert_close(losses.directions(8), losses.directions(8))
    torch.testing.assert_close(losses.directions(128).norm(dim=0), torch.ones(losses.DIRECTIONS))
