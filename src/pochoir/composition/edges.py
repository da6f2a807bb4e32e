"""From a coarse mask to an alpha whose edge is the photo's."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from pochoir.composition.grabcut import grab_cut
from pochoir.config import RegionConfig

Alpha = NDArray[np.float32]

SMOOTHNESS = 1e-4 * 255**2
"""Of the guided filter: variance of the photo's 8-bit values below which it is flat."""
WINDOWS = (1, 0.5)
"""Of the guided filters that look for the edge, in radii: a wide one finds it from afar, a narrow one exactly."""
LAST_WINDOW = 0.25
"""Of the one that softens along the edge that was found."""
DOUBTFUL = {"grabcut": 0.25, "matting": 0.35}
"""Radii around the edge that guided filters have found within which each method looks for it again; two pixels at
least."""
COARSE = 12.0
"""Pixels: edges that may move farther are looked for in a photo that is shrunk to so many. They come from masks that
are no finer, and GrabCut of twelve megapixels of a phone would take as long as the painting."""
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
    """A mask `[H, W]` whose edge has moved, by at most `radius` pixels, to the photo's.

    Guided filters (He et al. 2013) of falling windows move it step by step, each from where the one before has ended;
    then GrabCut or matting decide what is left in doubt, near to where that is.
    """
    hard = solid.astype(np.float32)
    if method == "off" or radius < 1:
        return hard
    if method == "matting":
        found = _shrunk(_matted, photo, hard, radius, 2 * COARSE)
    else:
        found = _guided(photo, _shrunk(_sought, photo, hard, radius, COARSE, method) >= 0.5, LAST_WINDOW * radius)
    return np.where(_near(solid, radius), found, hard).astype(np.float32)


def _shrunk(
    find: Callable[..., Alpha], photo: NDArray[np.uint8], mask: Alpha, radius: float, most: float, *more: str
) -> Alpha:
    """`find(photo, solid, radius, *more)`, in a smaller photo where the radius is more than so many pixels."""
    if radius <= most:
        return find(photo, mask >= 0.5, radius, *more)
    small = [max(1, round(side * most / radius)) for side in mask.shape[::-1]]
    coarse = cv2.resize(mask, small, interpolation=cv2.INTER_AREA) >= 0.5
    found = find(cv2.resize(photo, small, interpolation=cv2.INTER_AREA), coarse, most, *more)
    return cv2.resize(found, mask.shape[::-1], interpolation=cv2.INTER_LINEAR).astype(np.float32)


def _sought(photo: NDArray[np.uint8], solid: NDArray[np.bool_], radius: float, method: str) -> Alpha:
    """A hard mask whose edge is about the photo's."""
    near = _near(solid, radius)
    for window in WINDOWS:
        solid = np.where(near, _guided(photo, solid, window * radius) >= 0.5, solid)
    if method == "grabcut":
        solid = grab_cut(photo, solid, near & _near(solid, max(2, DOUBTFUL[method] * radius)))
    return solid.astype(np.float32)


def _guided(photo: NDArray[np.uint8], solid: NDArray[np.bool_], window: float) -> Alpha:
    filtered = cv2.ximgproc.guidedFilter(photo, solid.astype(np.float32), max(1, round(window)), SMOOTHNESS)
    return np.clip(filtered, 0, 1).astype(np.float32)


def _near(solid: NDArray[np.bool_], pixels: float) -> NDArray[np.bool_]:
    """What lies within a distance of the edge."""
    inside, outside = distances(solid)
    return (inside <= pixels) & (outside <= pixels)


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


def _matted(photo: NDArray[np.uint8], solid: NDArray[np.bool_], radius: float) -> Alpha:
    from pymatting import estimate_alpha_cf  # an extra, that the settings have asked for

    sought = _sought(photo, solid, radius, "matting")
    unknown = _near(solid, radius) & _near(sought >= 0.5, max(2, DOUBTFUL["matting"] * radius))
    trimap = np.where(unknown, np.float32(0.5), sought)
    if not all((trimap == value).any() for value in (0, 0.5, 1)):
        return sought
    flat = {"epsilon": SMOOTHNESS / 255**2 / 10}  # of photos with the noise of JPEGs; 1e-7 is for clean ones
    found = estimate_alpha_cf(photo / 255.0, trimap.astype(np.float64), laplacian_kwargs=flat)
    return np.asarray(found, dtype=np.float32)
