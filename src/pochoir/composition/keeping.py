"""Where more of the content is kept: under a mask, or in a part of every object."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from pochoir.composition.edges import Alpha
from pochoir.composition.given import from_masks
from pochoir.config import KeepConfig, KeepPartConfig
from pochoir.errors import DataError
from pochoir.images.resizing import Size

SOFTNESS = 0.01
"""Of the long side of the content: deviation of the blur by which the map ends softly, so that no line is seen."""
HEAD = 0.6
"""Of the width of a person's box, how far down from its top the head reaches. The chin of a face found in 68 photos of
ccp_person and 22 of human_seg is at .44 and .42 of it (medians; in nine of ten within .54 and .63), of people standing
and of busts alike. Of the height that is .14 of the standing ones, and anything from .14 to .62 of the others."""


def keep_map(config: KeepConfig, size: Size, objects: Sequence[Alpha] = ()) -> Alpha | None:
    """`[H, W]` in [0, 1] for a content of this size: 1 where it is kept, 0 where it is not; None: nothing is asked for.

    objects: `[H, W]` each, of the chosen ones, whose part is kept. Raises `DataError` for a mask of another shape than
    the content, or with nothing in it.
    """
    sigma = SOFTNESS * max(size)
    kept: list[Alpha] = []
    if config.mask is not None:
        masks = from_masks([Path(config.mask).expanduser()], size).masks
        if not len(masks):
            raise DataError(f"keep.mask: {config.mask} is black all over; it is white where more is kept")
        kept.append(masks.amax(dim=0).numpy())
    if isinstance(config, KeepPartConfig) and config.part is not None:
        around = np.ones((2 * round(2 * sigma) + 1,) * 2, dtype=np.uint8)
        for alpha in objects:
            x0, y0, x1, y1 = head_box(alpha) if config.part == "head" else part_box(alpha, config.part)
            part = np.zeros(size, dtype=np.float32)
            part[y0:y1, x0:x1] = 1
            kept.append(part * cv2.dilate(alpha, around))  # its very edge is kept, and its neighbours are not
    if not kept:
        return None
    soft = cv2.GaussianBlur(np.maximum.reduce(kept), (0, 0), sigmaX=sigma, borderType=cv2.BORDER_REPLICATE)
    return np.clip(soft, 0, 1).astype(np.float32)


def part_box(alpha: Alpha, part: Sequence[str]) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 in pixels of a part in per cent of the box of alpha `[H, W]`."""
    left, top, right, bottom = _box(alpha)
    x0, y0, x1, y1 = (float(share[:-1]) / 100 for share in part)
    width, height = right - left, bottom - top
    return (
        *(left + round(x0 * width), top + round(y0 * height)),
        *(left + round(x1 * width), top + round(y1 * height)),
    )


def head_box(alpha: Alpha) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 in pixels of the upper end of alpha `[H, W]`, as high as an upright person's head, see `HEAD`."""
    left, top, right, bottom = _box(alpha)
    return left, top, right, min(bottom, top + round(HEAD * (right - left)))


def _box(alpha: Alpha) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 in pixels of what is at least half there, x1 and y1 exclusive; all 0 where nothing is."""
    solid = alpha >= 0.5
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if not len(rows):
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
