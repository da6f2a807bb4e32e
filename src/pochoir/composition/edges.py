"""From a coarse mask to an alpha whose edge is the photo's."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pochoir.composition.grabcut import grab_cut
from pochoir.config import RegionConfig

Alpha = NDArray[np.float32]

SMOOTHNESS = 1e-4 * 255**2
"""Of the guided filter: variance of the photo's 8-bit values below which it is flat."""
WINDOW = 0.5
"""Of the guided filter, in radii: larger ones undo more of the edge than they mend."""
AT_FRAME = 2 / 3
"""Of the radius: a mask that ends so near to the photo's frame goes on to it. Of a segmenter's masks it is a cell: in
158 photos of COCO, six of ten people whose mask ended so near were cut by the frame, of others three of ten."""


def alpha_of(mask: Alpha, photo: NDArray[np.uint8], settings: RegionConfig, *, radius: float) -> Alpha:
    """Alpha `[H, W]` in [0, 1] of a soft mask `[H, W]`: exactly 1 inside, exactly 0 outside, soft only near the edge.

    photo: `[H, W, 3]` uint8 RGB. radius: pixels that the edge may move to meet the photo's. Levels are those of 8 bits,
    so that a saved alpha is the alpha.
    """
    solid = up_to_the_frame(mask >= settings.mask_threshold, round(AT_FRAME * radius))
    if not solid.any():
        return np.zeros(mask.shape, dtype=np.float32)
    top, left, bottom, right = _around(solid, 3 * radius + 2 * settings.feather + 4)
    here = np.s_[top:bottom, left:right]
    alpha = np.zeros(mask.shape, dtype=np.float32)
    alpha[here] = feathered(refined(solid[here], photo[here], settings.refine, radius), settings.feather)
    return in_8_bits(alpha)


def in_8_bits(alpha: Alpha) -> Alpha:
    """Alpha at the nearest levels of 8 bits."""
    return (np.rint(alpha * 255) / 255).astype(np.float32)


def up_to_the_frame(solid: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """A mask `[H, W]` that goes on to the frame on every side of which it comes within `reach` pixels."""
    extended = solid.copy()
    for turns in range(4 if reach > 0 else 0):
        outwards = np.rot90(extended, turns)[: reach + 1][::-1]  # a view: rows from within to the frame
        np.logical_or.accumulate(outwards, axis=0, out=outwards)
    return extended


def refined(solid: NDArray[np.bool_], photo: NDArray[np.uint8], method: str, radius: float) -> Alpha:
    """A mask `[H, W]` whose edge has moved, by at most `radius` pixels, to the photo's."""
    hard = solid.astype(np.float32)
    if method == "off" or radius < 1:
        return hard
    inside, outside = distances(solid)
    near = (inside <= radius) & (outside <= radius)
    found: Alpha
    if method == "matting":
        found = _matted(photo, np.where(near, np.float32(0.5), hard))
    elif method == "grabcut":
        found = grab_cut(photo, solid, near).astype(np.float32)
    else:
        filtered = cv2.ximgproc.guidedFilter(photo, hard, max(1, round(WINDOW * radius)), SMOOTHNESS)
        found = np.clip(filtered, 0, 1).astype(np.float32)
    return np.where(near, found, hard).astype(np.float32)


def feathered(alpha: Alpha, pixels: float) -> Alpha:
    """Alpha softened over about `pixels`; what is farther from the edge stays as it is."""
    if pixels == 0:
        return alpha
    soft = cv2.GaussianBlur(alpha, (0, 0), sigmaX=pixels / 2, borderType=cv2.BORDER_REPLICATE)
    soft[soft < 1 / 512] = 0
    soft[soft > 1 - 1 / 512] = 1
    return soft.astype(np.float32)


def distances(solid: NDArray[np.bool_]) -> tuple[Alpha, Alpha]:
    """Pixels to the nearest place outside, from within; and to the nearest inside, from without. 0 elsewhere.

    The frame of the picture is no edge.
    """
    padded = solid.astype(np.uint8)
    inside = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    outside = cv2.distanceTransform(1 - padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return inside.astype(np.float32), outside.astype(np.float32)


def predicted_radius(box: list[float], cells: int) -> float:
    """Pixels that a mask predicted in so many cells a side of this box (xyxy) is coarse: a cell and a half."""
    return 1.5 * max(box[2] - box[0], box[3] - box[1]) / cells


def exclusive(alphas: list[Alpha]) -> list[Alpha]:
    """Alphas, front first, that add up to at most 1: what lies behind shows through only where the front does not."""
    free: Alpha = np.ones_like(alphas[0])
    found = []
    for alpha in alphas:
        found.append(alpha * free)
        free = free - found[-1]
    return found


def _around(solid: NDArray[np.bool_], margin: float) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    extra = round(margin)
    height, width = solid.shape
    top, left = max(0, int(rows[0]) - extra), max(0, int(columns[0]) - extra)
    return top, left, min(height, int(rows[-1]) + 1 + extra), min(width, int(columns[-1]) + 1 + extra)


def _matted(photo: NDArray[np.uint8], trimap: Alpha) -> Alpha:
    from pymatting import estimate_alpha_cf  # an extra, that the settings have asked for

    if not ((trimap == 0).any() and (trimap == 1).any()):
        return trimap
    return np.asarray(estimate_alpha_cf(photo / 255.0, trimap.astype(np.float64)), dtype=np.float32)
