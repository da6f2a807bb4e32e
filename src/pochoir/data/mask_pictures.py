"""A mask picture, of one value, of instance ids, or of colours, to the instances in it."""

from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from pochoir.data.source import Remark
from pochoir.errors import DataError
from pochoir.images import orientation_of, read_labels

FEW_VALUES = 8
"""A mask with so many values or fewer is suspected of soft edges only where a value lies in several pieces."""
PIECES = 4
"""Pieces in which the grey of a soft edge lies at least, and an instance of less than 3×3 pixels hardly ever."""
LIKELY_IDS = 100
"""Beside instance ids up to this, 255 is a value that belongs to nobody, as in PASCAL VOC."""
MIXED = 0.4
"""Share of a soft edge's pixels, at least, that have the background within three and another grey beside them."""
AROUND = 0.8
"""Share of an outline that a band accompanies at least, and another object hardly ever."""

SOFT = "mask files have soft edges, which are cut at half"
VOID = "mask files have 255 beside instance ids, which is left to nobody: dataset.void=none takes it for an instance"

Ids = NDArray[np.integer]
Void = int | Literal["auto", "none"]


def read_instance_masks(
    path: Path, size: tuple[int, int], *, coloured: bool = True, void: Void = "none", turned: bool = True
) -> tuple[NDArray[np.bool_], tuple[Remark, ...]]:
    """The instances of a mask picture, `[N, H, W]`, ordered by value, for a photo of (height, width); and remarks.

    Black, and what is transparent, is the background. void: a value that belongs to nobody; "auto" takes 255 for one
    beside instance ids, and refuses bands. turned: as the EXIF says. Soft edges of one object are cut at half.
    Raises `DataError`, naming the file, when it has another size or other soft edges, or colours that are not allowed.
    """
    labels = read_labels(path, turned=turned)
    if labels.ndim != 2 and not coloured:
        raise DataError(f"{path}: is a colour picture instead of one instance number per pixel")
    if labels.shape[:2] != size:
        raise DataError(f"{path}: is {labels.shape[1]}×{labels.shape[0]} pixels, its photo is {size[1]}×{size[0]}")
    ids = _as_ids(labels)
    remarks: list[Remark] = []
    if isinstance(void, int):
        ids = np.where(ids == void, 0, ids)
    elif soft := soft_values(ids):
        ids = _hardened(ids, soft, path)
        remarks.append(Remark(path.name, SOFT, lost=False))
    elif void == "auto" and labels.ndim == 2:
        if has_void(ids):
            ids = np.where(ids == 255, 0, ids)
            remarks.append(Remark(path.name, VOID, lost=False))
        elif band := band_value(ids):
            raise DataError(
                f"{path}: the value {band} is a band around the others; where it belongs to nobody ('unknown'), set "
                f"dataset.void={band}; where it is an object, dataset.void=none"
            )
    values = np.unique(ids)
    return ids[None] == values[values != 0][:, None, None], tuple(remarks)


def size_hint(photo: Path, mask: Path, *, turned: bool) -> str:
    """What to add to a message about a mask of another size than its turned photo."""
    turn = orientation_of(photo)
    if turn < 5 or not turned or orientation_of(mask) == turn:
        return ""
    return f" (turned by its EXIF orientation {turn}; if the mask is of the unturned photo, set dataset.exif=ignore)"


def soft_values(ids: Ids) -> list[int]:
    """The values of `ids` `[H, W]` that look like the greys of a soft edge.

    Either all below the brightest lie in narrow rims of several greys; or no 3×3 pixels hold a value (of `FEW_VALUES`
    or less: and it lies in several pieces). Empty where they are less than half of the values: small instances are
    legal.
    """
    values = np.unique(ids[ids != 0])
    height, width = ids.shape
    if len(values) < 2 or min(height, width) < 3:
        return []
    if values[-2] > LIKELY_IDS and _is_rim(ids, int(values[-1])):
        return values[:-1].tolist()
    soft = np.setdiff1d(values, ids[1:-1, 1:-1][_cores(ids)]).tolist()
    if len(values) <= FEW_VALUES:
        soft = [value for value in soft if _pieces(ids == value) >= PIECES]
    return soft if 2 * len(soft) >= len(values) else []


def _is_rim(ids: Ids, brightest: int) -> bool:
    """Whether what is neither black nor `brightest` is at most three pixels wide, and of several greys side by side."""
    ranks = np.unique(ids, return_inverse=True)[1].reshape(ids.shape).astype(np.float32)
    between = (ids != 0) & (ids != brightest)
    lit = np.where(ids == 0, ranks.max() + 1, ranks)
    beside = np.ones((3, 3), np.uint8)
    several = (cv2.dilate(ranks, beside) > ranks) | (cv2.erode(lit, beside) < lit)
    narrow = cv2.dilate((ids == 0).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    return bool(np.count_nonzero(between & several & narrow) >= MIXED * np.count_nonzero(between))


def _cores(ids: Ids) -> NDArray[np.bool_]:
    """Where `[H - 2, W - 2]` the inner pixels have eight neighbours of their own value."""
    height, width = ids.shape
    inner = ids[1:-1, 1:-1]
    solid = np.ones(inner.shape, dtype=bool)
    for y in range(3):
        for x in range(3):
            solid &= ids[y : y + height - 2, x : x + width - 2] == inner
    return solid


def _hardened(ids: Ids, soft: list[int], path: Path) -> Ids:
    """One object from a mask whose solid values are nearly black or nearly the brightest."""
    brightest = int(ids.max())
    solid = np.setdiff1d(np.unique(ids[ids != 0]), soft)
    if not len(solid) or ((solid > brightest / 4) & (solid < brightest * 3 / 4)).any():
        raise DataError(
            f"{path}: has {len(soft)} values without an area of their own; a mask has one value an instance (was it "
            "saved as JPEG, or resized with interpolation?)"
        )
    return (ids >= brightest / 2).astype(np.uint8)


def has_void(ids: Ids) -> bool:
    """Whether 255 stands beside instance ids `[H, W]`, none of which is near it."""
    values = np.unique(ids)
    others = values[(values != 0) & (values != 255)]
    return 255 in values and len(others) > 0 and int(others.max()) <= LIKELY_IDS


def band_value(ids: Ids) -> int:
    """A value of `ids` `[H, W]` that is a narrow band along nearly all of the others' outlines; 0: none is."""
    values = np.unique(ids[ids != 0])
    if not 2 <= len(values) <= FEW_VALUES:
        return 0
    for value in values.tolist():
        band, others = ids == value, (ids != 0) & (ids != value)
        beside = (cv2.dilate(others.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) & ~others
        accompanied = np.count_nonzero(beside & band) >= AROUND * np.count_nonzero(beside)
        if accompanied and 2 * _thickness(band) <= _thickness(others):
            return int(value)
    return 0


def _thickness(area: NDArray[np.bool_]) -> float:
    """The radius of the largest disc in it."""
    return float(cv2.distanceTransform(area.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE).max())


def _pieces(area: NDArray[np.bool_]) -> int:
    return int(cv2.connectedComponents(area.astype(np.uint8), connectivity=8)[0]) - 1


def _as_ids(labels: Ids) -> Ids:
    if labels.ndim == 2:
        return labels
    return labels.astype(np.int64) @ np.array([65536, 256, 1])  # the colour as one number
