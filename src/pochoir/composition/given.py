"""Instances that the user gives: mask pictures, a COCO file, or a box around an object."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from pochoir.composition.grabcut import grab_cut
from pochoir.data.coco import CocoInstances
from pochoir.data.mask_pictures import read_instance_masks
from pochoir.data.source import ONE_CLASS
from pochoir.data.targets import boxes_from_masks
from pochoir.errors import DataError
from pochoir.segmentation.instances import Instances

SPECK = 0.05
"""Share of the largest piece below which a piece of a mask is an accident."""


def from_masks(paths: list[Path], size: tuple[int, int]) -> Instances:
    """All instances of mask pictures, in the order of the files; size is the photo's (height, width).

    A mask holds 0 and one other value, instance ids, or one colour an instance. Raises `DataError` for one of another
    size, or with soft edges.
    """
    return certain(np.concatenate([read_instance_masks(path, size)[0] for path in paths]))


def from_coco(annotations: Path, photo: Path, size: tuple[int, int]) -> Instances:
    """The instances that a COCO instance JSON lists for a photo, found by its file name; crowds are left out.

    size: the photo's (height, width). Raises `DataError` when the file does not list the photo, or not with this size.
    """
    source = CocoInstances(annotations, photo.parent, merge=False)
    matching = [index for index, name in enumerate(source.names) if Path(name).name == photo.name]
    if not matching:
        listed = ", ".join(source.names[:5]) + (" …" if len(source.names) > 5 else "")
        raise DataError(f"{annotations}: does not list {photo.name}; it lists {listed}")
    height, width = source.size(matching[0])
    if height not in (0, size[0]) or width not in (0, size[1]):
        raise DataError(f"{annotations}: says that {photo.name} is {width}×{height} pixels; it is {size[1]}×{size[0]}")
    found = source.instances(matching[0], size)
    return certain(found.masks[~found.crowd], found.labels[~found.crowd], source.classes)


def from_box(box: list[float], photo: NDArray[np.uint8]) -> Instances:
    """The object that fills a box, x0, y0, x1, y1 in pixels, by GrabCut (Rother et al. 2004).

    photo: `[H, W, 3]` uint8 RGB. Raises `DataError` for a box outside the photo.
    """
    height, width = photo.shape[:2]
    x0, y0 = max(0, round(box[0])), max(0, round(box[1]))
    x1, y1 = min(width, round(box[2])), min(height, round(box[3]))
    if x1 - x0 < 2 or y1 - y0 < 2:
        raise DataError(f"box: {box} does not lie in the photo of {width}×{height} pixels")
    inside = np.zeros((height, width), dtype=bool)
    inside[y0:y1, x0:x1] = True
    return certain(without_specks(grab_cut(photo, inside, inside))[None])


def without_specks(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A mask `[H, W]` without its pieces and holes of less than `SPECK` of its largest piece."""
    for _ in range(2):  # pieces of what is in the mask, then of what is not
        _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
        areas = stats[:, cv2.CC_STAT_AREA]
        limit = SPECK * areas[1:].max(initial=0)
        small = np.flatnonzero(areas < limit)
        mask = ~(mask & ~np.isin(labels, small[small > 0]))
    return mask


def certain(
    masks: NDArray[np.bool_], labels: NDArray[np.int64] | None = None, classes: Sequence[str] = ONE_CLASS
) -> Instances:
    """Instances of score 1 from masks `[N, H, W]` and labels `[N]`, None: all 1; empty ones are dropped."""
    held = masks.any(axis=(1, 2))
    kept = torch.from_numpy(masks[held])
    numbers = torch.ones(len(kept), dtype=torch.int64) if labels is None else torch.from_numpy(labels[held])
    sure = torch.ones(len(kept))
    return Instances(boxes_from_masks(kept), sure, numbers, kept.float(), sure, classes=tuple(classes))
