"""What the modules that make pixels share: the types of their arrays, and fractal noise."""

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]  # [H, W, 3] RGB
Field = NDArray[np.float32]  # [H, W]


def fractal_noise(
    rng: np.random.Generator, height: int, width: int, cells: int, octaves: int = 2, stretch: float = 1
) -> Field:
    """Fractal value noise `[H, W]` in [0, 1]: `cells` across the first octave, `stretch` times as many down."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        grid = rng.random((max(2, round(cells * stretch)) << octave, cells << octave), np.float32)
        total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) / 2**octave
    total -= total.min()
    return total / total.max()
