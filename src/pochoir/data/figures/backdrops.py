"""Backgrounds: a wall or sky, houses and hedges, and the ground, each a random texture."""

from collections.abc import Callable

import cv2
import numpy as np

from pochoir.data.figures.materials import pick_colour
from pochoir.data.figures.raster import Field, Image, fractal_noise


def _mix(rng: np.random.Generator, share: Field) -> Image:
    """Between two random colours, `share` `[H, W]` in [0, 1] of the second."""
    ramp = np.linspace(pick_colour(rng), pick_colour(rng), 256).astype(np.uint8)[None]
    return cv2.LUT(cv2.merge([cv2.convertScaleAbs(share, alpha=255)] * 3), ramp).astype(np.uint8, copy=False)


def _plaster(rng: np.random.Generator, height: int, width: int) -> Image:
    return _mix(rng, fractal_noise(rng, height, width, int(rng.integers(2, 6)), 5))


def _grain(rng: np.random.Generator, height: int, width: int) -> Image:
    """Grass, water or wood: noise drawn out in one direction."""
    return _mix(
        rng, fractal_noise(rng, height, width, int(rng.integers(3, 30)), 3, float(rng.choice([0.2, 0.4, 3, 6])))
    )


def _gradient(rng: np.random.Generator, height: int, width: int) -> Image:
    slope = np.linspace(0, 1, height, dtype=np.float32)[:, None] * np.ones((1, width), np.float32)
    return _mix(rng, np.clip(slope + rng.uniform(0, 0.6) * (fractal_noise(rng, height, width, 3, 4) - 0.5), 0, 1))


def _stripes(rng: np.random.Generator, height: int, width: int) -> Image:
    angle, period = rng.uniform(0, np.pi), rng.uniform(8, 60)
    y, x = np.ogrid[:height, :width]
    wave = np.sin((x * np.cos(angle) + y * np.sin(angle)).astype(np.float32) * np.float32(2 * np.pi / period))
    worn = 0.3 * fractal_noise(rng, height, width, 5, 3)
    return _mix(rng, np.clip(0.5 + rng.uniform(0.5, 4) * wave, 0, 1) * 0.7 + worn)


def _bricks(rng: np.random.Generator, height: int, width: int) -> Image:
    """Bricks, tiles or a front of windows: a grid of panes in a frame, each of its own tint."""
    tall, joint = int(rng.integers(8, 40)), int(rng.integers(1, 5))
    wide = int(tall * rng.uniform(0.6, 3)) + joint
    rows, y = np.divmod(np.arange(height), tall)
    columns, x = np.divmod(np.arange(width) + (rows % 2 * (wide // 2) * rng.integers(2))[:, None], wide)
    tints = rng.uniform(0.6, 1, (rows.max() + 1, columns.max() + 1)).astype(np.float32)
    pane = np.where((y[:, None] >= joint) & (x >= joint), tints[rows[:, None], columns], np.float32(0))
    return _mix(rng, 0.85 * pane.astype(np.float32) + 0.15 * fractal_noise(rng, height, width, 8, 3))


def _foliage(rng: np.random.Generator, height: int, width: int) -> Image:
    leaves = np.zeros((height, width), np.uint8)
    size = rng.uniform(4, 16)
    spots = rng.uniform(0, 1, (400, 4)) * (width, height, 255, 1)
    for x, y, tone, radius in spots.tolist():
        cv2.circle(leaves, (int(x), int(y)), int(size * (0.5 + radius)), tone, -1)
    return _mix(rng, (leaves / 255).astype(np.float32))


_TEXTURES: tuple[Callable[[np.random.Generator, int, int], Image], ...] = (
    _plaster, _grain, _gradient, _stripes, _bricks, _foliage,
)  # fmt: skip


def _texture(rng: np.random.Generator, height: int, width: int) -> Image:
    return _TEXTURES[rng.integers(len(_TEXTURES))](rng, height, width)


def draw_backdrop(rng: np.random.Generator, height: int, width: int, horizon: int) -> Image:
    """A wall or sky, perhaps behind a row of houses and hedges, and ground in perspective from the horizon down."""
    backdrop = _texture(rng, height, width)
    if rng.random() < 0.15:
        return backdrop
    left = 0 if rng.random() < 0.4 else width
    while left < width:
        wide, high = int(rng.uniform(0.12, 0.5) * width), int(rng.uniform(0.3, 1) * horizon)
        row = backdrop[horizon - high : horizon, left : left + wide]
        if rng.random() < 0.8:  # else a gap
            row[:] = _texture(rng, *row.shape[:2])
        left += wide
    ground = _texture(rng, 256, 256)
    depth = 0.25 * height  # how far above the image's horizon the ground's lines would meet
    flat = np.array([[160, 128, -80 * width + 128 * depth], [0, 0, 110 * depth], [0, 1, depth]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = width, height - horizon
    backdrop[horizon:] = cv2.warpPerspective(ground, flat, size, flags=flags, borderMode=cv2.BORDER_REFLECT)
    return backdrop
