"""Laying paint over a photo: nothing outside the stencil changes, and a report that proves it."""

from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pochoir.composition.crops import Crop, crop_around
from pochoir.composition.edges import Alpha
from pochoir.images import Pixels

Floats = NDArray[np.float32]

RADII = (30, 4)
"""Pixels of neighbourhoods in which `unpainted` looks for colours, first widely, then near; of photos with a long side
above `SIDE`, whose edges are softer, so much more."""
SIDE = 512
TRACE = 1e-6
"""Share of a neighbourhood that is too little to tell its colour."""


def unpainted(photo: Pixels, alpha: Alpha) -> Pixels:
    """A photo `[H, W, 3]` uint8 in which what paint covers no longer shows where alpha `[H, W]` is between 0 and 1.

    A pixel of hair has colours of the hair and of what is behind it; paint laid over it in part must leave those of one
    of them. By blur fusion (Forte 2021, Approximate Fast Foreground Colour Estimation): both are means of the
    neighbourhood, weighted by alpha, corrected so that together they are the photo. Elsewhere it is the photo bit for
    bit.
    """
    soft = (alpha > 0) & (alpha < 1)
    if not soft.any():
        return photo
    radii = [round(radius * max(1, max(alpha.shape) / SIDE)) for radius in RADII]
    crop = crop_around(soft.astype(np.float32), radii[0])
    there = crop.of(photo).astype(np.float32)
    paint = crop.of(alpha)[..., None].astype(np.float32)
    covered = left = there
    for radius in radii:
        covered, left = _mean(covered, paint, there, radius), _mean(left, 1 - paint, there, radius)
        unexplained = there - paint * covered - (1 - paint) * left
        covered = np.clip(covered + paint * unexplained, 0, 255)
        left = np.clip(left + (1 - paint) * unexplained, 0, 255)
    found = photo.copy()
    found[soft] = np.rint(left[crop.of(soft)]).astype(np.uint8)
    return found


def covered(photo: Pixels, alpha: Alpha) -> Pixels:
    """The photo in the colours of what paint covers, without those of what is not painted: what paint looks at.

    Of the hair before a painted wall, paint made a dark line in the wall.
    """
    return unpainted(photo, 1 - alpha)


def _mean(colours: Floats, weights: Floats, otherwise: Floats, radius: int) -> Floats:
    """Weighted means of `[H, W, 3]` in squares; weights are `[H, W, 1]`."""

    def blurred(values: Floats) -> Floats:
        side = 2 * radius + 1
        return np.asarray(cv2.blur(values, (side, side), borderType=cv2.BORDER_REPLICATE), dtype=np.float32)

    return (blurred(colours * weights) + TRACE * otherwise) / (blurred(weights)[..., None] + TRACE)


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
