"""Consistency: the paint of a photo that was moved and made noisy is the paint of the photo, moved. Films need that.

Without it, painters answer the smallest change of a photo with other strokes (Gupta et al. 2017).
"""

import torch
from torch import Tensor
from torch.nn import functional

from pochoir.config import ConsistencyConfig
from pochoir.stylization.losses import EPS

KNOTS = 4
"""Control points of a warp along each side: it is smooth between them."""


class Move:
    """A shift of whole pixels with a smooth warp on top, the same for photos and their paint.

    One for each of a batch of `count` pictures of `size` (height, width), drawn from `generator`.
    """

    def __init__(
        self, config: ConsistencyConfig, count: int, size: tuple[int, int], generator: torch.Generator
    ) -> None:
        height, width = size
        shift = torch.randint(-config.shift, config.shift + 1, (count, 2, 1, 1), generator=generator).float()
        bent = config.warp * (2 * torch.rand((count, 2, KNOTS, KNOTS), generator=generator) - 1)
        bent = functional.interpolate(bent, size, mode="bicubic", align_corners=True)
        x, y = torch.meshgrid(torch.arange(width), torch.arange(height), indexing="xy")
        pixels = torch.stack([x, y]) + shift + bent  # where each pixel comes from
        scale = torch.tensor([width - 1, height - 1]).view(1, 2, 1, 1)
        self.grid = (2 * pixels / scale - 1).permute(0, 2, 3, 1)
        inside = (self.grid.abs() <= 1).all(dim=-1)
        self.seen = inside[:, None].float()
        """`[B, 1, H, W]`: 1 where the moved picture shows something of the picture."""

    def __call__(self, pictures: Tensor) -> Tensor:
        """`[B, C, H, W]`, moved; what comes in from outside repeats the border."""
        grid = self.grid.to(pictures.device, pictures.dtype)
        return functional.grid_sample(pictures, grid, padding_mode="border", align_corners=True)


def moved_and_noisy(photos: Tensor, move: Move, noise: float, generator: torch.Generator) -> Tensor:
    """Photos `[B, 3, H, W]` in [0, 1], moved, with normal noise of the standard deviation `noise`."""
    grain = noise * torch.randn(photos.shape, generator=generator)
    return (move(photos) + grain.to(photos)).clamp(0, 1)


def consistency_loss(paint: Tensor, moved_paint: Tensor, move: Move) -> Tensor:
    """Mean squared difference of moved paint and the paint of moved photos, where both show the same, over the paint's
    variance: grey paint is not consistent, but nothing.
    """
    seen = move.seen.to(paint.device)
    expected = move(paint)
    difference = ((expected - moved_paint).square() * seen).mean() / seen.mean()
    return difference / paint.detach().var(dim=(-2, -1)).mean().clamp_min(EPS)
