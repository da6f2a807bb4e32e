"""Hills and moons in pen and ink: hatching that follows the form."""

import numpy as np
from numpy.typing import NDArray

from pochoir.assets.fields import Field, fractal, grained, grid, noise, shrunk

PAPER = np.array((243, 235, 216), dtype=np.float32)
INK = np.array((28, 26, 34), dtype=np.float32)
HATCHES = ((0.5, 0.16), (-0.7, 0.42), (1.35, 0.62), (0.0, 0.8))
"""Angle of each set of lines in radians, and the darkness from which on it is drawn."""
SPACING = 1 / 95
"""Of lines, as a share of the long side."""


def draw(size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.uint8]:
    """`[H, W, 3]` uint8 RGB: cream paper, black lines that swell with the shade and cross where it is deep."""
    large = (size[0] * 2, size[1] * 2)
    side = max(large)
    y, x = grid(large)
    relief, darkness = _scene(large, rng)
    spacing = side * SPACING
    ink = np.zeros(large, dtype=np.float32)
    for angle, threshold in HATCHES:
        wobble = 0.35 * spacing * noise(large, rng, cells=70)
        across = x * np.sin(angle) + y * np.cos(angle) + relief * side * 0.10 + wobble
        from_line = np.abs((across / spacing) % 1 - 0.5) * 2 * spacing  # 0 on a line's edge of its cell, in pixels
        deep = np.clip((darkness - threshold) / (1 - threshold), 0, 1)
        thickness = spacing * (0.10 + 0.75 * deep) * (1 + 0.25 * noise(large, rng, cells=50))
        line = np.clip((thickness - from_line) / 2 + 0.5, 0, 1)
        ink = np.maximum(ink, np.where(darkness > threshold + 0.04 * noise(large, rng, cells=60), line, 0))
    steps = np.abs(np.gradient(np.floor(relief * 3.0))[0]) > 0  # ridges as outlines
    ink = np.maximum(ink, steps.astype(np.float32) * 0.9)
    paper = PAPER + 5 * fractal(large, rng, cells=6)[..., None]
    picture = np.clip(paper * (1 - ink[..., None]) + INK * ink[..., None], 0, 255).astype(np.uint8)
    return grained(shrunk(picture, size).astype(np.float32), rng, strength=3)


def _scene(size: tuple[int, int], rng: np.random.Generator) -> tuple[Field, Field]:
    """Height that the lines follow, and darkness in [0, 1], `[H, W]` each: folded hills, and globes among them."""
    side = max(size)
    y, x = grid(size)
    relief = fractal(size, rng, cells=3, octaves=3)
    folds = np.sin(3.0 * relief + y / side * 9)
    height = relief + 0.6 * folds
    down, right = np.gradient(height)
    darkness = np.clip(0.46 + side * 0.055 * (0.8 * right - 0.6 * down), 0.05, 1)
    for _ in range(5):
        center, radius = rng.uniform(0.1, 0.9, 2) * size, side * rng.uniform(0.05, 0.13)
        dy, dx = (y - center[0]) / radius, (x - center[1]) / radius
        inside = dy**2 + dx**2 < 1
        up = np.sqrt(np.clip(1 - dy**2 - dx**2, 0, 1))
        shade = np.clip(0.95 - (0.65 * up - 0.55 * dx - 0.5 * dy), 0.02, 1)
        darkness = np.where(inside, shade, darkness)
        height = np.where(inside, up, height)
        cast = ((dy - 0.5) ** 2 + (dx - 0.6) ** 2 < 1) & ~inside
        darkness = np.where(cast, np.minimum(darkness + 0.3, 1), darkness)
    return height.astype(np.float32), darkness.astype(np.float32)
