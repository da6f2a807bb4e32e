"""Keeping the colours of the content (Gatys et al. 2016, "Preserving color in neural artistic style transfer"), and
telling grey pictures from coloured ones.
"""

import torch
from torch import Tensor

from pochoir.errors import DataError

FLAT = 2 / 255
"""Deviation of a picture's colours below which they are one."""
GREY = 6 / 255
"""How far the channels of a grey pixel are apart at most: lossy formats leave up to 5 levels of noise."""

# RGB to luma and two colour differences (BT.601); any such basis does, as it is inverted exactly
_YUV = torch.tensor([[0.299, 0.587, 0.114], [-0.14713, -0.28886, 0.436], [0.615, -0.51499, -0.10001]])


def is_grey(image: Tensor) -> bool:
    """Whether every pixel of `[1, 3, H, W]` in [0, 1] is grey, but for the noise of lossy formats."""
    return bool((image.amax(dim=1) - image.amin(dim=1)).max() <= GREY)


def luminance(image: Tensor) -> Tensor:
    """The picture `[1, 3, H, W]` in grey: its luma in all three channels."""
    return torch.einsum("j,bjhw->bhw", _YUV[0].to(image), image)[:, None].expand_as(image).contiguous()


def with_luminance(colors: Tensor, luminance: Tensor) -> Tensor:
    """The colour differences of one picture under the luma of another, both `[1, 3, H, W]` in [0, 1]."""
    basis = _YUV.to(colors)
    mixed = torch.einsum("ij,bjhw->bihw", basis, colors)
    mixed[:, 0] = torch.einsum("j,bjhw->bhw", basis[0], luminance)
    return torch.einsum("ij,bjhw->bihw", torch.linalg.inv(basis), mixed).clamp(0, 1)


def match_colors(
    image: Tensor, reference: Tensor, guide: Tensor | None = None, image_guide: Tensor | None = None
) -> Tensor:
    """`image` given the mean and covariance of `reference`'s colours, by their Cholesky factors.

    Both `[1, 3, H, W]` in [0, 1], of any sizes. guide, image_guide: `[1, 1, H, W]` in [0, 1] of the reference's and of
    the image's size; only the colours under them count. Raises `DataError` for an image of one colour, which has no
    covariance to match.
    """
    mean, factor = _color_factor(image, image_guide)
    if factor.diagonal().square().sum() < 3 * FLAT**2:
        raise DataError(
            "keep_colors=match: the style is of one colour, of which there is nothing to match; take another style, or "
            "keep_colors=luminance"
        )
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
