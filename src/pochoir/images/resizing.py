"""Other sizes of a picture, aspect kept."""

from torch import Tensor
from torch.nn import functional

Size = tuple[int, int]
"""(height, width) in pixels."""
SHAPE = 0.02
"""Sizes whose aspects are so nearly the same are of one shape."""


def same_shape(one: Size, other: Size) -> bool:
    """Whether one size is the other scaled, but for rounding."""
    across, down = one[0] * other[1], one[1] * other[0]
    return abs(across - down) <= max(across, down) * SHAPE


def fit(size: Size, long_side: int) -> Size:
    """(height, width) with the given long side, aspect kept; no side falls below one pixel."""
    scale = long_side / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def fit_area(size: Size, area: float, *, least: int = 1) -> Size:
    """(height, width) of about `area` pixels and no side below `least`, aspect kept, never larger than `size`."""
    scale = min(1.0, max((area / (size[0] * size[1])) ** 0.5, least / min(size)))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def resize(image: Tensor, size: Size) -> Tensor:
    """`[B, C, H, W]` in [0, 1] to `[B, C, *size]`, bicubic, averaged where it shrinks."""
    if image.shape[-2:] == size:
        return image
    return functional.interpolate(image, size, mode="bicubic", antialias=True, align_corners=False).clamp_(0, 1)


def cover(image: Tensor, size: Size) -> Tensor:
    """`[B, C, H, W]` to `[B, C, *size]`, aspect kept: scaled to cover the size, and its middle cut out."""
    scale = max(size[0] / image.shape[-2], size[1] / image.shape[-1])
    height, width = (max(side, round(old * scale)) for side, old in zip(size, image.shape[-2:], strict=True))
    top, left = (height - size[0]) // 2, (width - size[1]) // 2
    return resize(image, (height, width))[..., top : top + size[0], left : left + size[1]]
