"""Keeping the colours of the content (Gatys et al. 2016, "Preserving color in neural artistic style transfer")."""

import torch
from torch import Tensor

# RGB to luma and two colour differences (BT.601); any such basis does, as it is inverted exactly
_YUV = torch.tensor([[0.299, 0.587, 0.114], [-0.14713, -0.28886, 0.436], [0.615, -0.51499, -0.10001]])


def luminance(image: Tensor) -> Tensor:
    """The picture `[1, 3, H, W]` in grey: its luma in all three channels."""
    return torch.einsum("j,bjhw->bhw", _YUV[0].to(image), image)[:, None].expand_as(image).contiguous()


def with_luminance(colors: Tensor, luminance: Tensor) -> Tensor:
    """The colour differences of one picture under the luma of another, both `[1, 3, H, W]` in [0, 1]."""
    basis = _YUV.to(colors)
    mixed = torch.einsum("ij,bjhw->bihw", basis, colors)
    mixed[:, 0] = torch.einsum("j,bjhw->bhw", basis[0], luminance)
    return torch.einsum("ij,bjhw->bihw", torch.linalg.inv(basis), mixed).clamp(0, 1)


def match_colors(image: Tensor, reference: Tensor, guide: Tensor | None = None) -> Tensor:
    """`image` given the mean and covariance of `reference`'s colours, by their Cholesky factors.

    Both `[1, 3, H, W]` in [0, 1], of any sizes. guide: `[1, 1, H, W]` in [0, 1] of the reference's size; only the
    colours under it count.
    """
    mean, factor = _color_factor(image)
    new_mean, new_factor = _color_factor(reference, guide)
    flat = (image - mean).flatten(2)[0]
    matched = new_factor @ torch.linalg.solve_triangular(factor, flat, upper=False)
    return (matched.view_as(image) + new_mean).clamp(0, 1)


def _color_factor(image: Tensor, guide: Tensor | None = None) -> tuple[Tensor, Tensor]:
    weights = torch.ones_like(image[:, :1]) if guide is None else guide
    weights = weights / weights.sum()
    mean = (image * weights).sum(dim=(-2, -1), keepdim=True)
    flat = (image - mean).flatten(2)[0]
    covariance = (flat * weights.flatten()) @ flat.T + 1e-5 * torch.eye(3).to(image)  # grey pictures have rank 1
    return mean, torch.linalg.cholesky(covariance)
