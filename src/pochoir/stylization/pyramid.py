"""From coarse to fine: sizes of pictures and of the levels on the way to them."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

Size = tuple[int, int]

MIN_SIDE = 32
"""Short side of the smallest level in pixels: two features at the encoder's last stride."""


@dataclass(frozen=True)
class Level:
    """One scale of the pyramid: the picture's (height, width) in pixels and how many evaluations it gets."""

    size: Size
    steps: int

    @property
    def pixels(self) -> int:
        return self.size[0] * self.size[1]

    @property
    def work(self) -> int:
        """Pixels passed through the encoder, which is what time is proportional to."""
        return self.pixels * self.steps


def fit(size: Size, long_side: int) -> Size:
    """(height, width) with the given long side, aspect kept; no side falls below one pixel."""
    scale = long_side / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def fit_area(size: Size, area: float) -> Size:
    """(height, width) of about `area` pixels, aspect kept, never larger than `size`."""
    scale = min(1.0, (area / (size[0] * size[1])) ** 0.5)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def pyramid(size: Size, *, coarsest: int, steps: list[int]) -> list[Level]:
    """Levels up to `size`, each twice the one before, the coarsest with a long side of about `coarsest`.

    Each level gets its number of `steps`, the last number as often as needed. A picture so gets the same coarse levels,
    and so the same look, at every size.
    """
    sides = [max(size)]
    while (half := round(sides[0] / 2)) >= coarsest / 2**0.5 and min(fit(size, half)) >= MIN_SIDE:  # nearest in octaves
        sides.insert(0, half)
    counts = steps + steps[-1:] * len(sides)
    return [Level(fit(size, side), count) for side, count in zip(sides, counts, strict=False)]


def pixels_to_see(levels: list[Level]) -> int:
    """Pixels that a run passes through the encoder with their gradient, or as much work without.

    Besides its evaluations, a level looks at its content and style, and the saved picture is looked at like that once
    more; a look without a gradient is a third of one with it.
    """
    return sum(level.work + 2 * level.pixels // 3 for level in levels) + levels[-1].pixels


def resize(image: Tensor, size: Size) -> Tensor:
    """`[B, C, H, W]` in [0, 1] to `[B, C, *size]`, bicubic, averaged where it shrinks."""
    if image.shape[-2:] == size:
        return image
    return functional.interpolate(image, size, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)


def cover(image: Tensor, size: Size) -> Tensor:
    """`[B, C, H, W]` to `[B, C, *size]`, aspect kept: scaled to cover the size, and its middle cut out."""
    scale = max(size[0] / image.shape[-2], size[1] / image.shape[-1])
    height, width = (max(side, round(old * scale)) for side, old in zip(size, image.shape[-2:], strict=True))
    top, left = (height - size[0]) // 2, (width - size[1]) // 2
    return resize(image, (height, width))[..., top : top + size[0], left : left + size[1]]
