"""A rose window of stained glass."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pochoir.assets.fields import fractal, grained, grid, noise, shrunk

GLASS = np.array(
    [(20, 60, 170), (180, 24, 40), (236, 176, 30), (24, 128, 74), (96, 40, 140), (222, 104, 24), (40, 150, 190)],
    dtype=np.float32,
)
LEAD = np.array((24, 22, 24), dtype=np.float32)
RINGS = ((0.05, 1), (0.13, 8), (0.22, 16), (0.31, 16), (0.42, 24), (0.52, 32))
"""Outer radius of each ring as a share of the long side, and its panes."""
SEEDS = 260
"""Irregular panes around the rose."""


def draw(size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.uint8]:
    """`[H, W, 3]` uint8 RGB: saturated panes, uneven as blown glass, in dark lead with a glint."""
    large = (size[0] * 2, size[1] * 2)
    side = max(large)
    panes = _panes(large, rng)
    edges = cv2.dilate(panes.astype(np.float32), np.ones((3, 3))) != panes
    distance = cv2.distanceTransform((~edges).astype(np.uint8), cv2.DIST_L2, 5)
    wide = side * (0.0034 + 0.0012 * noise(large, rng, cells=9))
    colors = GLASS[rng.integers(len(GLASS), size=int(panes.max()) + 1)]
    colors = np.clip(colors * rng.uniform(0.75, 1.3, (len(colors), 1)) + rng.normal(0, 10, colors.shape), 0, 255)
    light = 1 + 0.20 * fractal(large, rng, cells=14) + 0.10 * noise(large, rng, cells=120)
    light += 0.35 * np.clip(distance / (side * 0.03), 0, 1) - 0.25  # brighter in the middle of a pane
    window = colors[panes] * light[..., None]
    window += 60 * (noise(large, rng, cells=40) > 1.9)[..., None]  # bubbles
    glint = np.clip(1 - np.abs(distance - 0.35 * wide) / (0.25 * wide), 0, 1) * 70
    lead = LEAD + glint[..., None] * np.array((0.9, 0.95, 1.0))
    share = np.clip(wide - distance + 0.5, 0, 1)[..., None]
    picture = np.clip(window * (1 - share) + lead * share, 0, 255).astype(np.uint8)
    return grained(shrunk(picture, size).astype(np.float32), rng, strength=2)


def _panes(size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.int64]:
    """Number of the pane of every pixel."""
    y, x = grid(size)
    side = max(size)
    y, x = y + 0.006 * side * noise(size, rng, cells=8), x + 0.006 * side * noise(size, rng, cells=8)
    dy, dx = y - size[0] * rng.uniform(0.42, 0.58), x - size[1] * rng.uniform(0.42, 0.58)
    radius, angle = np.hypot(dy, dx) / side, np.arctan2(dy, dx) / (2 * np.pi) + 0.5
    panes = SEEDS + _nearest(size, rng)
    inner, first = 0.0, 2 * SEEDS + 1
    for outer, count in RINGS:
        turned = (angle + rng.random() / count) % 1
        petal = outer - (outer - inner) * 0.22 * np.abs(np.cos(np.pi * turned * count))  # scalloped rims
        inside = (radius >= inner) & (radius < (petal if count > 1 else outer))
        panes = np.where(inside & (panes <= 2 * SEEDS), first + np.floor(turned * count).astype(np.int64), panes)
        inner, first = outer * 0.86, first + count
    return panes


def _nearest(size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.int64]:
    """Number of the nearest of scattered seeds."""
    seeds = np.ones(size, dtype=np.uint8)
    rows, columns = (rng.integers(0, length, SEEDS) for length in size)
    seeds[rows, columns] = 0
    _, labels = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    return np.asarray(labels, dtype=np.int64)
