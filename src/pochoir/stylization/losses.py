"""Losses of style transfer: pure functions of features `[1, C, H, W]`, float32, each restricted by a guide if given.

A guide is a soft region `[1, 1, H, W]` in [0, 1] at the features' size. Means are taken over the guide's own mass, so
that neither the size of the picture nor that of the region changes what a weight means. Terms named relative are
shares of the target's own size: 0 is a perfect match, and 1 is what features of zero would give.
"""

import torch
from torch import Tensor

EPS = 1e-8
DIRECTIONS = 64
"""At most so many, that features are looked at along by the sliced Wasserstein distance."""


def weighted_mean(values: Tensor, guide: Tensor | None) -> Tensor:
    """Mean over the last two dimensions, weighted by the guide: `[..., H, W]` to `[...]`."""
    if guide is None:
        return values.mean(dim=(-2, -1))
    return (values * guide).sum(dim=(-2, -1)) / guide.sum(dim=(-2, -1))


def gram(features: Tensor, guide: Tensor | None = None) -> Tensor:
    """Gram matrix per feature, `[C, C]`: `G_ij = sum_p g_p F_ip F_jp / sum_p g_p` (Gatys et al. 2015; guided: 2017)."""
    rows = features.permute(0, 2, 3, 1).reshape(-1, features.shape[1])  # a view where the memory is channels_last
    if guide is None:
        return rows.T @ rows / rows.shape[0]
    shares = guide.reshape(-1, 1)
    return rows.T @ (rows * shares) / shares.sum()


def gram_loss(found: Tensor, target: Tensor) -> Tensor:
    """Relative style error of two Gram matrices: `|G - A|^2 / |A|^2` by Frobenius norms."""
    return (found - target).square().sum() / target.square().sum().clamp_min(EPS)


def moments(features: Tensor, guide: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Mean `[C]` and covariance `[C, C]` of the features over the guide."""
    mean = weighted_mean(features, guide).reshape(-1)
    return mean, gram(features, guide) - mean[:, None] * mean[None, :]


def matrix_sqrt(matrix: Tensor) -> Tensor:
    """Square root of a symmetric positive semi-definite matrix `[C, C]`, by its eigenvalues."""
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp_min(0).sqrt()) @ vectors.T


def wasserstein_loss(
    found: tuple[Tensor, Tensor], target: tuple[Tensor, Tensor], target_root: Tensor | None = None
) -> Tensor:
    """Relative squared Wasserstein-2 distance of two Gaussians, each a mean `[C]` and a covariance `[C, C]`:

    `(|m - n|^2 + tr(S + T - 2 (T^(1/2) S T^(1/2))^(1/2))) / (|n|^2 + tr T)` (Dowson and Landau 1982, over the target's
    second moment). target_root: `matrix_sqrt` of the target's covariance, where it is known already.
    """
    mean, covariance = found
    target_mean, target_covariance = target
    root = matrix_sqrt(target_covariance) if target_root is None else target_root
    values = torch.linalg.eigvalsh(root @ covariance @ root)
    floor = EPS * target_covariance.diagonal().mean() ** 2  # the root's slope is infinite at 0
    cross = values.clamp_min(floor).sqrt().sum()
    distance = (mean - target_mean).square().sum() + covariance.trace() + target_covariance.trace() - 2 * cross
    return distance / (target_mean.square().sum() + target_covariance.trace()).clamp_min(EPS)


def directions(channels: int) -> Tensor:
    """Unit vectors `[C, K]` to look at features along, K being at most 64: always the same ones, as an optimiser that
    infers curvature needs a loss that stays.
    """
    count = min(channels, DIRECTIONS)
    found = torch.randn(channels, count, generator=torch.Generator().manual_seed(channels))
    return found / found.norm(dim=0)


def quantiles(features: Tensor, along: Tensor, count: int, guide: Tensor | None = None) -> Tensor:
    """Along each of the directions `[C, K]` the quantile function of the features, `[K, count]`: its values at
    `(j + 1/2) / count`.
    """
    values, places, _ = _sorted(features, along, guide)
    wanted = ((torch.arange(count, device=values.device) + 0.5) / count).repeat(len(values), 1)
    index = torch.searchsorted(places.contiguous(), wanted).clamp(max=values.shape[1] - 1)
    return values.gather(1, index)


def sliced_wasserstein_loss(features: Tensor, target: Tensor, along: Tensor, guide: Tensor | None = None) -> Tensor:
    """Relative squared sliced Wasserstein-2 distance (Heitz et al. 2021): along each direction, the mean squared
    difference of the features from the target's quantile of their own rank, over the target's mean square.

    target: `quantiles` of the style, `[K, Q]`. Whole distributions are compared, and not their moments alone.
    """
    values, places, shares = _sorted(features, along, guide)
    count = target.shape[1]
    wanted = target.gather(1, (places * count).long().clamp(max=count - 1))
    distance = ((values - wanted).square() * shares).sum(dim=1).mean()
    return distance / target.square().mean().clamp_min(EPS)


def _sorted(features: Tensor, along: Tensor, guide: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Of the features along directions, all `[K, H W]`: values in ascending order, the share of the guide's mass that
    lies below the middle of each, and the share that each has itself.
    """
    values, order = (along.T @ features.flatten(2)[0]).sort(dim=1)
    if guide is None:
        count = values.shape[1]
        places = (torch.arange(count, device=values.device) + 0.5) / count
        return values, places.expand_as(values), torch.full_like(values, 1 / count)
    mass = guide.flatten()[order].double()  # of a large picture float32 loses ranks
    shares = mass / mass.sum(dim=1, keepdim=True)
    return values, (shares.cumsum(dim=1) - shares / 2).float(), shares.float()


def content_loss(found: Tensor, target: Tensor, guide: Tensor | None = None, weights: Tensor | None = None) -> Tensor:
    """Relative mean squared error of features: `mean_p w_p |F_p - P_p|^2 / mean_p |P_p|^2` over the guide.

    weights: `[1, 1, H, W]`, how many times each place counts; None: once. Only the error is weighted, so that where
    they are 1 a place is pulled as if there were none, whatever they are elsewhere.
    """
    error = weighted_mean(_weighted_square(found - target, weights), guide).sum()
    return error / weighted_mean(target.square(), guide).sum().clamp_min(EPS)


def _weighted_square(difference: Tensor, weights: Tensor | None) -> Tensor:
    square = difference.square()
    return square if weights is None else square * weights


def total_variation(image: Tensor, guide: Tensor | None = None) -> Tensor:
    """Mean length of the picture's gradient (Rudin et al. 1992), per pixel and channel, slightly rounded at 0.

    image: `[1, 3, H, W]` in [0, 1]; the guide has its size.
    """
    across = image[..., :-1, 1:] - image[..., :-1, :-1]
    down = image[..., 1:, :-1] - image[..., :-1, :-1]
    length = (across.square() + down.square() + 1e-6).sqrt()
    return weighted_mean(length, None if guide is None else guide[..., :-1, :-1]).mean()


def gatys_content_loss(
    found: Tensor, target: Tensor, guide: Tensor | None = None, weights: Tensor | None = None
) -> Tensor:
    """`1/2 sum w (F - P)^2`, equation 1 of Gatys et al. (2015) over the guide, with weights as in `content_loss`."""
    error = _weighted_square(found - target, weights)
    return 0.5 * (error if guide is None else error * guide).sum()


def gatys_style_loss(found: Tensor, target: Tensor) -> Tensor:
    """`1/(4 N^2 M^2) sum (G - A)^2`, equation 4 of Gatys et al. (2015), of Gram matrices divided by M already.

    That division lets style and picture differ in size, as N and M of the paper cannot.
    """
    return (found - target).square().sum() / (4 * found.shape[0] ** 2)
