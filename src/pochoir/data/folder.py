"""A folder of pictures and a folder of mask pictures as a source."""

import logging
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pochoir.data.mask_pictures import Void, read_instance_masks, size_hint
from pochoir.data.source import Remark, Sample
from pochoir.errors import DataError, some
from pochoir.images import find_images, read_rgb

INSTANCE = re.compile(r"(.+)_(\d+)")
"""The stem of a file of one instance, as predict_seg writes it: the photo's name or stem, and a number."""

log = logging.getLogger(__name__)


class MaskFolder:
    """Pictures and masks paired by stem; a mask holds 0 and one value, instance ids, or one colour an instance.

    Or a photo has a file for each instance, `<name or stem>_<number>`; then one without any is a photo without objects.
    Zero (black) is the background; a mask that is all background means a picture without objects. masks: their folder;
    None: no picture has objects. void: see `read_instance_masks`. turned: photos and masks are turned as their EXIF
    says. Raises `DataError` that lists pictures without a mask and masks without a picture.
    """

    def __init__(self, images: Path, masks: Path | None, *, void: Void = "auto", turned: bool = True) -> None:
        self.void = void
        self.turned = turned
        self.images = _by_stem(images)
        if not self.images:
            raise DataError(f"{images}: holds no pictures")
        self.stems = list(self.images)
        self.names = [path.name for path in self.images.values()]
        self.masks: dict[str, list[Path]] = {stem: [] for stem in self.images}
        if masks is not None:
            self.masks = self._masks(masks)

    def _masks(self, folder: Path) -> dict[str, list[Path]]:
        """The mask files of each picture, by its stem."""
        paired, unpaired = _paired(self.images, folder)
        several = any(path.stem != stem for stem, paths in paired.items() for path in paths)
        without = [path for stem, path in self.images.items() if not paired[stem]]
        if without and several:
            names = some(path.name for path in without)
            log.info("%s: %d photos have no mask file, and count as without objects: %s", folder, len(without), names)
        elif without:
            unpaired = [f"{path} has no mask in {folder}" for path in without] + unpaired
        if unpaired:
            more = f"\n  … and {len(unpaired) - 10} more" if len(unpaired) > 10 else ""
            raise DataError("pictures and masks are paired by stem, but\n  " + "\n  ".join(unpaired[:10]) + more)
        return paired

    def holds_objects(self, index: int) -> bool:
        """Whether there may be something to train on: False for a picture without a mask file."""
        return bool(self.masks[self.stems[index]])

    def read(self, index: int) -> Sample:
        """Load one picture and split its mask into instances, ordered by file, id or colour."""
        stem = self.stems[index]
        return read_sample(self.images[stem], self.masks[stem], void=self.void, turned=self.turned)


def read_sample(
    photo: Path, masks: Sequence[Path], *, coloured: bool = True, void: Void = "none", turned: bool = True
) -> Sample:
    """A photo and its mask pictures, which raise `DataError` as `read_instance_masks` does."""
    image = read_rgb(photo, turned=turned)
    size = image.shape[0], image.shape[1]
    found = [np.zeros((0, *size), dtype=bool)]
    remarks: list[Remark] = []
    for path in masks:
        try:
            instances, told = read_instance_masks(path, size, coloured=coloured, void=void, turned=turned)
        except DataError as error:
            raise DataError(f"{error}{size_hint(photo, path, turned=turned)}") from None
        found.append(instances)
        remarks += told
    stacked = found[1] if len(found) == 2 else np.concatenate(found)
    return Sample(image, stacked, np.zeros(len(stacked), dtype=bool), remarks=tuple(remarks))


def _paired(photos: dict[str, Path], folder: Path) -> tuple[dict[str, list[Path]], list[str]]:
    """The mask files of each photo, by its stem, in the order of their numbers; and what is wrong."""
    whole = _by_stem(folder)
    of_name = {path.name: stem for stem, path in photos.items()} | {stem: stem for stem in photos}
    paired: dict[str, list[Path]] = {stem: [] for stem in photos}
    numbered: dict[str, list[tuple[int, Path]]] = {}
    problems = []
    for stem, path in whole.items():
        if stem in photos:
            paired[stem].append(path)
        elif (match := INSTANCE.fullmatch(stem)) and match[1] in of_name:
            numbered.setdefault(of_name[match[1]], []).append((int(match[2]), path))
        else:
            problems.append(f"{path} has no picture in {next(iter(photos.values())).parent}")
    for stem, files in numbered.items():
        if paired[stem]:
            problems.append(f"{photos[stem]} has a mask of its own, {paired[stem][0].name}, and {files[0][1].name}")
        paired[stem] += [path for _, path in sorted(files)]
    return paired, problems


def _by_stem(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder")
    found: dict[str, Path] = {}
    for path in find_images(folder):
        if path.stem in found:
            raise DataError(f"{path} and {found[path.stem].name} have the same stem; keep one of them")
        found[path.stem] = path
    return found
