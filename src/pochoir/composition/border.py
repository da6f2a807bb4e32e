"""How good a stencil's edge is, and what is seen of it in the picture, as numbers."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pochoir.composition.crops import crop_around

Mask = NDArray[np.bool_]

TOLERANCE = 0.0075
"""Share of the picture's diagonal within which two edges are the same (Perazzi et al. 2016)."""
CANNY = (50, 150)
RIM = (0.02, 0.98)
"""Alphas between which paint and photo both show."""
REACH = 6
"""Pixels around a rim in which its colours are looked for."""


def contour(mask: Mask) -> Mask:
    """Pixels of a mask `[H, W]` that touch what is outside; the frame of the picture is no edge."""
    eroded = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE)
    return mask & (eroded == 0)


def boundary_f(mask: Mask, truth: Mask, *, tolerance: float | None = None) -> float:
    """Boundary F-score of two masks `[H, W]`: harmonic mean of the shares of each contour near the other's.

    tolerance: in pixels, by default .75 % of the diagonal (Perazzi et al. 2016). 1 where neither has an edge, 0 where
    only one has.
    """
    found, wanted = contour(mask), contour(truth)
    if not found.any() and not wanted.any():
        return 1.0
    pixels = _tolerance(mask.shape) if tolerance is None else tolerance
    precision, recall = share_near(found, wanted, pixels), share_near(wanted, found, pixels)
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def edge_agreement(mask: Mask, photo: NDArray[np.uint8], *, tolerance: float = 1.5) -> float:
    """Share of a mask's contour that lies within `tolerance` pixels of an edge of the photo (Canny 1986).

    mask: `[H, W]`. photo: `[H, W, 3]` uint8 RGB. Below 1 even for a perfect mask where object and ground look alike;
    compare masks of one photo by it.
    """
    edges = cv2.Canny(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), *CANNY) > 0
    return share_near(contour(mask), edges, tolerance)


def fringe(picture: NDArray[np.uint8], alphas: Sequence[NDArray[np.float32]], *, reach: int = REACH) -> float:
    """How far the colours of a picture's rims lie from those beside them, in CIE Lab (ΔE 1976).

    picture: `[H, W, 3]` uint8 sRGB, as saved. alphas: of its regions, `[H, W]` each; a rim is where any of them is
    between the bounds of `RIM`. The mean over the rim of the distance to the box of Lab values, least to largest, of
    the pixels within `reach` at which every alpha is 0 or 1: near 0 for mixtures of both sides, 5 and more for a line
    of another hue. 0 where there is no rim; of wide ones, pixels with neither side within reach are left out.
    """
    each = np.stack(alphas)
    rim: Mask = np.logical_or.reduce((each > RIM[0]) & (each < RIM[1]))
    if not rim.any():
        return 0.0
    crop = crop_around(rim.astype(np.float32), reach)  # nothing else is looked at, and photos are large
    each, rim, picture = each[:, crop.top : crop.bottom, crop.left : crop.right], crop.of(rim), crop.of(picture)
    soft: Mask = np.logical_or.reduce((each > 0) & (each < 1))
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    counted = rim & (cv2.dilate((~soft).astype(np.uint8), disc) > 0)
    if not counted.any():
        return 0.0
    least = cv2.erode(np.where(soft[..., None], np.float32(np.inf), lab), disc)
    largest = cv2.dilate(np.where(soft[..., None], np.float32(-np.inf), lab), disc)
    beyond = np.maximum(np.maximum(least - lab, lab - largest), 0)[counted]
    return float(np.linalg.norm(beyond, axis=-1).mean())


def share_near(these: Mask, those: Mask, pixels: float) -> float:
    """Share of the true pixels of `these` with one of `those` within a distance; 0 where either has none."""
    if not these.any() or not those.any():
        return 0.0
    distance = cv2.distanceTransform((~those).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return float((distance[these] <= pixels).mean())


def _tolerance(shape: tuple[int, ...]) -> float:
    return TOLERANCE * float(np.hypot(shape[0], shape[1]))
