"""How paint is compared with a style: what is measured of features, what a style's measures make of a target, and how
far paint is from it.

What is measured of a picture's parts adds up to that of the picture, unless a loss says that it does not.
"""

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from pochoir.stylization import losses

Measured = dict[str, Tensor]


class StyleLoss(Protocol):
    """One layer's share of the style loss."""

    adds_up: bool
    """Whether the measures of the tiles of a picture, added up, are those of the picture."""

    def measured(self, features: Tensor, guide: Tensor | None) -> Measured:
        """Of features `[1, C, H, W]` under a guide `[1, 1, H, W]`."""

    def target(self, styles: Sequence[Measured], blend: Sequence[float]) -> Any:
        """What is to be reached, of several styles by their weights, which sum to 1."""

    def distance(self, found: Measured, target: Any) -> Tensor:
        """A scalar, 0 where the target is reached."""


class GramLoss:
    """Gram matrices (Gatys et al. 2015). as_in_paper: not as a share of the target, but as in the paper."""

    adds_up = True

    def __init__(self, *, as_in_paper: bool) -> None:
        self._distance = losses.gatys_style_loss if as_in_paper else losses.gram_loss

    def measured(self, features: Tensor, guide: Tensor | None) -> Measured:
        return {"products": losses.products(features, guide), "mass": losses.mass(features, guide)}

    def target(self, styles: Sequence[Measured], blend: Sequence[float]) -> Tensor:
        return _blended([_gram(style) for style in styles], blend)

    def distance(self, found: Measured, target: Tensor) -> Tensor:
        return self._distance(_gram(found), target)


class GaussianLoss:
    """The Wasserstein-2 distance of Gaussians fitted to the features."""

    adds_up = True

    def measured(self, features: Tensor, guide: Tensor | None) -> Measured:
        return {
            "total": losses.total(features, guide).reshape(-1),
            "products": losses.products(features, guide),
            "mass": losses.mass(features, guide),
        }

    def target(self, styles: Sequence[Measured], blend: Sequence[float]) -> tuple[Tensor, Tensor, Tensor]:
        """Mean, covariance, and the root of that."""
        moments = zip(*map(_moments, styles), strict=True)
        mean, covariance = (_blended(values, blend) for values in moments)
        return mean, covariance, losses.matrix_sqrt(covariance)

    def distance(self, found: Measured, target: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        mean, covariance, root = target
        return losses.wasserstein_loss(_moments(found), (mean, covariance), root)


class SlicedLoss:
    """The sliced Wasserstein distance of the features themselves (Heitz et al. 2021); it has to sort all of them."""

    adds_up = False

    def measured(self, features: Tensor, guide: Tensor | None) -> Measured:
        along = losses.directions(features.shape[1]).to(features)
        seen = {"seen": along.T @ features.flatten(2)[0]}
        return seen if guide is None else {**seen, "guide": guide}

    def target(self, styles: Sequence[Measured], blend: Sequence[float]) -> Tensor:
        """Quantiles; the mean of several styles' is the distribution nearest to all along a direction."""
        count = max(style["seen"].shape[1] for style in styles)
        return _blended([losses.quantiles(losses.ranked(**style), count) for style in styles], blend)

    def distance(self, found: Measured, target: Tensor) -> Tensor:
        return losses.sliced_wasserstein_loss(losses.ranked(**found), target)


def style_loss_of(name: Literal["gram", "wasserstein", "sliced"], *, as_in_paper: bool = False) -> StyleLoss:
    """The loss of a name, see `GramLoss` for `as_in_paper`."""
    match name:
        case "gram":
            return GramLoss(as_in_paper=as_in_paper)
        case "wasserstein":
            return GaussianLoss()
    return SlicedLoss()


def _gram(measured: Measured) -> Tensor:
    return measured["products"] / measured["mass"]


def _moments(measured: Measured) -> tuple[Tensor, Tensor]:
    return losses.gaussian(measured["total"] / measured["mass"], _gram(measured))


def _blended(values: Sequence[Tensor], blend: Sequence[float]) -> Tensor:
    return torch.stack([value * weight for value, weight in zip(values, blend, strict=True)]).sum(dim=0)
