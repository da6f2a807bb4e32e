"""Smooth random fields, which all drawn styles are made of."""

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]


def noise(size: tuple[int, int], rng: np.random.Generator, *, cells: float) -> Field:
    """Smooth values about 0, `[H, W]`, with about `cells` bumps along the long side."""
    height, width = size
    step = max(size) / cells
    grid = rng.standard_normal((max(2, round(height / step) + 3), max(2, round(width / step) + 3))).astype(np.float32)
    large = cv2.resize(grid, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(
        cv2.resize(large, (width, height)) if large.shape[0] < height else large[:height, :width]
    )


def fractal(size: tuple[int, int], rng: np.random.Generator, *, cells: float, octaves: int = 4) -> Field:
    """Noise of several sizes, each half as large and half as strong as the one before."""
    return np.sum([noise(size, rng, cells=cells * 2**k) / 2**k for k in range(octaves)], axis=0).astype(np.float32)


def grid(size: tuple[int, int]) -> tuple[Field, Field]:
    """Coordinates y and x in pixels, `[H, W]` each."""
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    return y, x


def shrunk(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture drawn larger, averaged to (height, width)."""
    return np.asarray(cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA), dtype=np.uint8)


def grained(picture: Field, rng: np.random.Generator, *, strength: float) -> NDArray[np.uint8]:
    """A picture `[H, W, 3]` in 0 … 255 with paper grain."""
    grain = strength * rng.standard_normal(picture.shape[:2]).astype(np.float32)
    return np.clip(picture + grain[..., None], 0, 255).astype(np.uint8)
