"""Laying paint over a photo: nothing outside the stencil changes, and a report that proves it."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from pochoir.composition.crops import Crop
from pochoir.composition.edges import Alpha
from pochoir.images import Pixels


def composite(photo: Pixels, layers: Iterable[tuple[Crop, Pixels, Alpha]]) -> Pixels:
    """A photo `[H, W, 3]` uint8 with paint laid over it; where all alphas are 0 it is the photo bit for bit.

    layers: each the place of a crop, its paint `[h, w, 3]` uint8 and its alpha `[h, w]` in [0, 1]. Alphas of one pixel
    add up to at most 1; what is left is photo.
    """
    change = np.zeros(photo.shape, dtype=np.float32)
    for crop, paint, alpha in layers:
        change[crop.top : crop.bottom, crop.left : crop.right] += alpha[..., None] * (
            paint.astype(np.float32) - crop.of(photo)
        )
    return np.clip(np.rint(photo + change), 0, 255).astype(np.uint8)  # a change of 0 rounds to the photo itself


def leak(photo: Pixels, result: Pixels, alpha: Alpha) -> dict[str, Any]:
    """What changed where alpha `[H, W]` is 0: how many pixels are outside, how many of them changed, and by how much.

    photo, result: `[H, W, 3]` uint8. `largest` and `mean` are differences of channel values, 0 … 255.
    """
    outside = alpha == 0
    difference = np.abs(result.astype(np.int16) - photo)[outside]
    return {
        "outside_pixels": int(outside.sum()),
        "changed_pixels": int((difference > 0).any(axis=-1).sum()),
        "largest": int(difference.max(initial=0)),
        "mean": float(difference.mean()) if difference.size else 0.0,
    }
