"""How good a stencil's edge is, as numbers between 0 and 1."""

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

TOLERANCE = 0.0075
"""Share of the picture's diagonal within which two edges are the same (Perazzi et al. 2016)."""
CANNY = (50, 150)


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


def share_near(these: Mask, those: Mask, pixels: float) -> float:
    """Share of the true pixels of `these` with one of `those` within a distance; 0 where either has none."""
    if not these.any() or not those.any():
        return 0.0
    distance = cv2.distanceTransform((~those).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return float((distance[these] <= pixels).mean())


def _tolerance(shape: tuple[int, ...]) -> float:
    return TOLERANCE * float(np.hypot(shape[0], shape[1]))
