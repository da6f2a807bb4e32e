"""Instances that the user gives: mask pictures, a COCO file, or a box around an object."""

import logging
from collections.abc import Sequence
from math import ceil, floor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from pochoir.composition.grabcut import grab_cut
from pochoir.data.coco import CocoInstances
from pochoir.data.folder import INSTANCE
from pochoir.data.mask_pictures import read_instance_masks, soft_values
from pochoir.data.source import ONE_CLASS
from pochoir.data.targets import boxes_from_masks
from pochoir.errors import DataError
from pochoir.images import find_images, read_labels, read_picture
from pochoir.images.overlays import within
from pochoir.images.resizing import same_shape
from pochoir.segmentation.instances import Instances

log = logging.getLogger(__name__)

JPEG_SURE = 0.42
"""How far from half a JPEG's grey is black or white."""
CUT_OUT = 64
"""Colours: a picture with clear parts and more of them is an object cut out, not a mask with a colour an instance."""
LOOKED_AT = 800
"""Longest side in pixels of what GrabCut looks at: its time grows with them, and what paints refines edges anyway."""
SPECK = 0.05
"""Share of the largest piece below which a piece of a mask is an accident."""


def masks_of(photo: Path, folder: Path) -> list[Path]:
    """A photo's mask pictures in a folder: the one of its stem, or `<name>_<number>`, as predict_seg writes them.

    Raises `DataError` where there is none, or more than one of the stem.
    """
    files = find_images(folder)
    own = [path for path in files if path.stem == photo.stem]
    if len(own) > 1:
        raise DataError(f"{own[0]} and {own[1].name} have the same stem; keep one of them")
    matches = {path: INSTANCE.fullmatch(path.stem) for path in files}
    numbers = {path: int(match[2]) for path, match in matches.items() if match and match[1] == photo.name}
    if not (own or numbers):
        raise DataError(f"masks: {folder / f'{photo.stem}.png'}, the mask of {photo.name}, is not there")
    return own or sorted(numbers, key=lambda path: numbers[path])


def from_masks(paths: list[Path], size: tuple[int, int]) -> Instances:
    """All instances of mask pictures, in the order of the files; size is the photo's (height, width).

    A mask holds 0 and one other value, instance ids, or one colour an instance; or greys, as `alpha.png` has them, or
    an object cut out on a clear ground: these are one instance, half of it where they are half there. One of the
    photo's shape, but of another size, is resized with a note. Raises `DataError` for one of another shape.
    """
    return certain(np.concatenate([_resized(_masks_in(path), size, path) for path in paths]))


def _masks_in(path: Path) -> NDArray[np.float32]:
    """`[N, h, w]` in [0, 1], at the file's own size."""
    labels = read_labels(path)
    soft: NDArray[Any] | None = None
    if labels.ndim == 2 and soft_values(labels):
        soft = labels / (255 if labels.max() <= 255 else 65535)
        if path.suffix.lower() in {".jpg", ".jpeg"}:  # whose black and white are nearly so
            soft = np.where(abs(soft - 0.5) < JPEG_SURE, soft, soft > 0.5)
    elif labels.ndim == 3:
        alpha = read_picture(path).alpha
        if alpha is not None and len(np.unique(labels[alpha == 255], axis=0)) > CUT_OUT:
            soft = alpha / 255
    if soft is not None:
        return soft[None].astype(np.float32)
    return read_instance_masks(path, labels.shape[:2])[0].astype(np.float32)


def _resized(masks: NDArray[np.float32], size: tuple[int, int], path: Path) -> NDArray[np.float32]:
    height, width = masks.shape[1:]
    if (height, width) == size:
        return masks
    told = f"{path}: is {width}×{height} pixels, its photo is {size[1]}×{size[0]}"
    if not same_shape((height, width), size):
        raise DataError(f"{told}, which is another shape")
    log.info("%s: it is resized", told)
    return _at_size(masks, size)


def _at_size(masks: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Masks `[N, h, w]` in [0, 1] at a size (height, width); hard ones stay hard."""
    resized = np.zeros((len(masks), *size), dtype=np.float32)
    way = cv2.INTER_AREA if size[0] < masks.shape[1] else cv2.INTER_LINEAR
    for mask, own in zip(resized, masks, strict=True):
        mask[:] = cv2.resize(own, size[::-1], interpolation=way)
    hard = ((masks == 0) | (masks == 1)).all()
    return (resized >= 0.5).astype(np.float32) if hard else resized


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
    seen = within(photo, LOOKED_AT)
    scale = len(seen) / height
    inside = np.zeros(seen.shape[:2], dtype=bool)
    inside[floor(y0 * scale) : ceil(y1 * scale), floor(x0 * scale) : ceil(x1 * scale)] = True
    mask = without_specks(grab_cut(seen, inside, inside))
    return certain(_at_size(mask[None].astype(np.float32), (height, width)))


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
    masks: NDArray[Any], labels: NDArray[np.int64] | None = None, classes: Sequence[str] = ONE_CLASS
) -> Instances:
    """Instances of score 1 from masks `[N, H, W]`, bool or in [0, 1], and labels `[N]`, None: all 1; empty ones are
    dropped.
    """
    held = masks.any(axis=(1, 2))
    kept = torch.from_numpy(masks[held])
    numbers = torch.ones(len(kept), dtype=torch.int64) if labels is None else torch.from_numpy(labels[held])
    sure = torch.ones(len(kept))
    return Instances(boxes_from_masks(kept), sure, numbers, kept.float(), sure, classes=tuple(classes))
