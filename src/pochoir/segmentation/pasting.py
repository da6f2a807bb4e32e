"""Masks as networks predict them, cells over a box, laid onto the photo: numpy and OpenCV alone.

A copy of this file is all that a program needs beside a segmenter that `export_seg` has written for other runtimes.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Size = tuple[int, int]
"""(height, width) in pixels."""


class Placed(NamedTuple):
    """A soft mask `[h, w]` in [0, 1] whose first pixel lies at (top, left) of the photo; around it the mask is 0."""

    top: int
    left: int
    mask: NDArray[np.float32]

    @property
    def window(self) -> tuple[slice, slice]:
        """Its rows and columns of the photo."""
        height, width = self.mask.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


def placed(cells: NDArray[np.float32], box: NDArray[np.float32], size: Size) -> Placed:
    """One mask on the part of the photo that it reaches (Mask R-CNN, He et al. 2017).

    cells: `[M, M]` in [0, 1]. box: `[4]` xyxy in the photo's pixels. size: the photo's. As torchvision's
    `paste_masks_in_image`: with a ring of empty cells around them, which lets masks fade out, the cells are stretched
    bilinearly over the box in whole pixels.
    """
    ringed = np.pad(np.asarray(cells, np.float32), 1)
    low, high = np.asarray(box, np.float32).reshape(2, 2)
    half = (high - low) * np.float32(0.5) * np.float32(len(ringed) / len(cells))
    centre = (high + low) * np.float32(0.5)
    x0, y0, x1, y1 = np.concatenate([centre - half, centre + half]).astype(np.int64).tolist()
    whole = cv2.resize(ringed, (max(x1 - x0 + 1, 1), max(y1 - y0 + 1, 1)), interpolation=cv2.INTER_LINEAR)
    top, left = max(y0, 0), max(x0, 0)
    bottom, right = max(min(y1 + 1, size[0]), top), max(min(x1 + 1, size[1]), left)
    return Placed(top, left, whole[top - y0 : bottom - y0, left - x0 : right - x0].astype(np.float32, copy=False))


def pasted(cells: NDArray[np.float32], boxes: NDArray[np.float32], size: Size) -> NDArray[np.float32]:
    """All masks on whole photos, `[N, H, W]` in [0, 1], of cells `[N, M, M]` over boxes `[N, 4]`; see `placed`.

    A hundred masks of 48 megapixels are 19 GB: of large photos, take one mask at a time.
    """
    masks = np.zeros((len(cells), *size), dtype=np.float32)
    for mask, of_one, box in zip(masks, cells, boxes, strict=True):
        there = placed(of_one, box, size)
        mask[there.window] = there.mask
    return masks
