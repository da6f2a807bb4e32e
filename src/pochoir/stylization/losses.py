"""Losses of style transfer: pure functions of features `[1, C, H, W]`, float32, each restricted by a guide if given.

A guide is a soft region `[1, 1, H, W]` in [0, 1] at the features' size. Means are taken over the guide's own mass, so
that neither the size of the picture nor that of the region changes what a weight means. Terms named relative are
shares of the target's own size: 0 is a perfect match, and 1 is what features of zero would give.
"""

from typing import NamedTuple

import torch
from torch import Tensor

EPS = 1e-8
DIRECTIONS = 64
"""At most so many, that features are looked at along by the sliced Wasserstein distance."""


def total(values: Tensor, guide: Tensor | None) -> Tensor:
    """Sum over the last two dimensions, weighted by the guide: `[..., H, W]` to `[...]`."""
    return (values if guide is None else values * guide).sum(dim=(-2, -1))


def mass(values: Tensor, guide: Tensor | None) -> Tensor:
    """What a total over values `[..., H, W]` is divided by for the mean: the guide's sum, or the number of pixels."""
    return values.new_tensor(values.shape[-2] * values.shape[-1]) if guide is None else guide.sum()


def weighted_mean(values: Tensor, guide: Tensor | None) -> Tensor:
    """Mean over the last two dimensions, weighted by the guide: `[..., H, W]` to `[...]`."""
    return values.mean(dim=(-2, -1)) if guide is None else total(values, guide) / mass(values, guide)


def products(features: Tensor, guide: Tensor | None = None) -> Tensor:
    """`sum_p g_p F_ip F_jp`, `[C, C]`: those of a picture's parts add up to its own."""
    rows = features.permute(0, 2, 3, 1).reshape(-1, features.shape[1])  # a view where the memory is channels_last
    return rows.T @ (rows if guide is None else rows * guide.reshape(-1, 1))


def gram(features: Tensor, guide: Tensor | None = None) -> Tensor:
    """Gram matrix per feature, `[C, C]`: `G_ij = sum_p g_p F_ip F_jp / sum_p g_p` (Gatys et al. 2015; guided: 2017)."""
    return products(features, guide) / mass(features, guide)


def gram_loss(found: Tensor, target: Tensor) -> Tensor:
    """Relative style error of two Gram matrices: `|G - A|^2 / |A|^2` by Frobenius norms."""
    return (found - target).square().sum() / target.square().sum().clamp_min(EPS)


def moments(features: Tensor, guide: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Mean `[C]` and covariance `[C, C]` of the features over the guide."""
    return gaussian(weighted_mean(features, guide).reshape(-1), gram(features, guide))


def gaussian(mean: Tensor, gram: Tensor) -> tuple[Tensor, Tensor]:
    """Mean `[C]` and covariance `[C, C]` by the mean and the Gram matrix of features."""
    return mean, gram - mean[:, None] * mean[None, :]


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


class Ranked(NamedTuple):
    """Features along directions, all `[K, H W]`: values in ascending order, the share of the guide's mass that lies
    below the middle of each, and the share that each has itself.
    """

    values: Tensor
    places: Tensor
    shares: Tensor


def ranked(seen: Tensor, guide: Tensor | None = None) -> Ranked:
    """Features along directions `[K, H W]`, sorted; the guide is `[1, 1, H, W]`."""
    values, order = seen.sort(dim=1)
    if guide is None:
        count = values.shape[1]
        places = (torch.arange(count, device=values.device) + 0.5) / count
        return Ranked(values, places.repeat(len(values), 1), torch.full_like(values, 1 / count))
    mass = guide.flatten()[order].double()  # of a large picture float32 loses ranks
    shares = mass / mass.sum(dim=1, keepdim=True)
    return Ranked(values, (shares.cumsum(dim=1) - shares / 2).float(), shares.float())


def quantiles(features: Ranked, count: int) -> Tensor:
    """The quantile function along each direction, `[K, count]`: its values at `(j + 1/2) / count`."""
    wanted = ((torch.arange(count, device=features.values.device) + 0.5) / count).repeat(len(features.values), 1)
    index = torch.searchsorted(features.places, wanted).clamp(max=features.values.shape[1] - 1)
    return features.values.gather(1, index)


def sliced_wasserstein_loss(features: Ranked, target: Tensor) -> Tensor:
    """Relative squared sliced Wasserstein-2 distance (Heitz et al. 2021): along each direction, the mean squared
    difference of the features from the target's quantile of their own rank, over the target's mean square.

    target: `quantiles` of the style, `[K, Q]`. Whole distributions are compared, and not their moments alone.
    """
    count = target.shape[1]
    wanted = target.gather(1, (features.places * count).long().clamp(max=count - 1))
    distance = ((features.values - wanted).square() * features.shares).sum(dim=1).mean()
    return distance / target.square().mean().clamp_min(EPS)


def content_loss(found: Tensor, target: Tensor, guide: Tensor | None = None, weights: Tensor | None = None) -> Tensor:
    """Relative mean squared error of features: `mean_p w_p |F_p - P_p|^2 / mean_p |P_p|^2` over the guide.

    weights: `[1, 1, H, W]`, how many times each place counts; None: once. Only the error is weighted, so that where
    they are 1 a place is pulled as if there were none, whatever they are elsewhere.
    """
    return relative_error(squared_error(found, target, guide, weights), total(target.square(), guide))


def squared_error(found: Tensor, target: Tensor, guide: Tensor | None = None, weights: Tensor | None = None) -> Tensor:
    """Sum of squared differences of features over the guide, each so many times, per channel: `[1, C]`."""
    square = (found - target).square()
    return total(square if weights is None else square * weights, guide)


def relative_error(error: Tensor, size: Tensor) -> Tensor:
    """A squared error per channel as a share of the squares of what was wanted."""
    return error.sum() / size.sum().clamp_min(EPS)


def steepness(image: Tensor) -> Tensor:
    """Length of the gradient of a picture `[1, 3, H, W]` per channel, `[1, 3, H - 1, W - 1]`, slightly rounded at 0."""
    across = image[..., :-1, 1:] - image[..., :-1, :-1]
    down = image[..., 1:, :-1] - image[..., :-1, :-1]
    return (across.square() + down.square() + 1e-6).sqrt()


def total_variation(image: Tensor, guide: Tensor | None = None) -> Tensor:
    """Mean length of the picture's gradient (Rudin et al. 1992), per pixel and channel.

    image: `[1, 3, H, W]` in [0, 1]; the guide has its size.
    """
    return weighted_mean(steepness(image), None if guide is None else guide[..., :-1, :-1]).mean()


def temporal_loss(image: Tensor, before: Tensor, trusted: Tensor, guide: Tensor | None = None) -> Tensor:
    """Mean squared difference of a frame from the one before, moved, where that can be trusted: `mean_p c_p |x - w|^2`
    per channel (Ruder et al. 2016, equation 7).

    image, before: `[1, 3, H, W]` in [0, 1]; trusted: `[1, 1, H, W]` in [0, 1]. The mean is over the guide, trusted or
    not: a small part that is trusted pulls as any part of its size.
    """
    return weighted_mean((image - before).square() * trusted, guide).mean()


def gatys_content_loss(error: Tensor) -> Tensor:
    """`1/2 sum (F - P)^2`, equation 1 of Gatys et al. (2015), by `squared_error`."""
    return 0.5 * error.sum()


def gatys_style_loss(found: Tensor, target: Tensor) -> Tensor:
    """`1/(4 N^2 M^2) sum (G - A)^2`, equation 4 of Gatys et al. (2015), of Gram matrices divided by M already.

    That division lets style and picture differ in size, as N and M of the paper cannot.
    """
    return (found - target).square().sum() / (4 * found.shape[0] ** 2)
