"""A folder of pictures and a folder of mask pictures with equal stems as a source."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pochoir.data.source import Sample
from pochoir.errors import DataError
from pochoir.images import find_images, read_labels, read_rgb

FEW_VALUES = 8
"""A mask with so many values or fewer is not suspected of soft edges."""


class MaskFolder:
    """Pictures and masks paired by stem; a mask holds 0 and one value, instance ids, or one colour an instance.

    Zero (black) is the background; a mask that is all background means a picture without objects.
    Raises `DataError` that lists every picture without a mask and every mask without a picture.
    """

    def __init__(self, images: Path, masks: Path) -> None:
        self.images = _by_stem(images)
        self.masks = _by_stem(masks)
        unpaired = [f"{path} has no mask in {masks}" for stem, path in self.images.items() if stem not in self.masks]
        unpaired += [
            f"{path} has no picture in {images}" for stem, path in self.masks.items() if stem not in self.images
        ]
        if not self.images:
            raise DataError(f"{images}: holds no pictures")
        if unpaired:
            more = f"\n  … and {len(unpaired) - 10} more" if len(unpaired) > 10 else ""
            raise DataError("pictures and masks are paired by stem, but\n  " + "\n  ".join(unpaired[:10]) + more)
        self.stems = list(self.images)
        self.names = [path.name for path in self.images.values()]

    def read(self, index: int) -> Sample:
        """Load one picture and split its mask into instances, ordered by id or colour."""
        stem = self.stems[index]
        return read_sample(self.images[stem], self.masks[stem])


def read_sample(photo: Path, mask: Path, *, coloured: bool = True) -> Sample:
    """A photo and its mask picture, which raise `DataError` as `read_instance_masks` does."""
    image = read_rgb(photo)
    masks = read_instance_masks(mask, (image.shape[0], image.shape[1]), coloured=coloured)
    return Sample(image, masks, np.zeros(len(masks), dtype=bool))


def read_instance_masks(path: Path, size: tuple[int, int], *, coloured: bool = True) -> NDArray[np.bool_]:
    """The instances of a mask picture, `[N, H, W]`, ordered by value, for a photo of (height, width).

    Raises `DataError`, naming the file, when it has another size or soft edges, or colours that are not allowed.
    """
    labels = read_labels(path)
    if labels.ndim != 2 and not coloured:
        raise DataError(f"{path}: is a colour picture instead of one instance number per pixel")
    if labels.shape[:2] != size:
        raise DataError(f"{path}: is {labels.shape[1]}×{labels.shape[0]} pixels, its photo is {size[1]}×{size[0]}")
    ids = _as_ids(labels)
    if count := soft_edge_values(ids):
        raise DataError(
            f"{path}: has {count} values without an area of their own; a mask has one value an "
            "instance (was it saved as JPEG, or resized with interpolation?)"
        )
    values = np.unique(ids)
    return ids[None] == values[values != 0][:, None, None]


def soft_edge_values(ids: NDArray[np.integer]) -> int:
    """How many values of `ids` `[H, W]` look like the greys of a soft edge: no 3×3 pixels hold them.

    0 where they are not the majority of more than `FEW_VALUES`: small instances are legal.
    """
    values = np.unique(ids[ids != 0])
    height, width = ids.shape
    if len(values) <= FEW_VALUES or min(height, width) < 3:
        return 0
    inner = ids[1:-1, 1:-1]
    solid = np.ones(inner.shape, dtype=bool)
    for y in range(3):
        for x in range(3):
            solid &= ids[y : y + height - 2, x : x + width - 2] == inner
    soft = len(np.setdiff1d(values, inner[solid]))
    return soft if soft > len(values) / 2 else 0


def _as_ids(labels: NDArray[np.integer]) -> NDArray[np.integer]:
    if labels.ndim == 2:
        return labels
    return labels.astype(np.int64) @ np.array([65536, 256, 1])  # the colour as one number


def _by_stem(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder")
    found: dict[str, Path] = {}
    for path in find_images(folder):
        if path.stem in found:
            raise DataError(f"{path} and {found[path.stem].name} have the same stem; keep one of them")
        found[path.stem] = path
    return found
