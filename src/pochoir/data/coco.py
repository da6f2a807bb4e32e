"""Any COCO instance JSON as a source; the chosen categories become the one foreground class, or a class each."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pochoir.data.categories import WITHOUT_OBJECTS, classes_of_categories
from pochoir.data.coco_json import read_coco
from pochoir.data.outlines import NO_OUTLINE, SHORT, are_fractions, check_outline, rasterised, read_outline, why_empty
from pochoir.data.photos import find_photos, hint
from pochoir.data.source import ONE_CLASS, Remark, Sample, leads_outside
from pochoir.errors import DataError, some
from pochoir.images import orientation_of, read_rgb

CROWDS = "annotations are crowds (iscrowd 1; CVAT marks brush masks so): dataset.crowds=instances trains on them"
QUICK = 100_000
"""Files of more annotations have their outlines checked when photos are read, not all at the start."""

log = logging.getLogger(__name__)


class Annotated(NamedTuple):
    """What is annotated in a photo; see `Sample`."""

    masks: NDArray[np.bool_]
    crowd: NDArray[np.bool_]
    labels: NDArray[np.int64]
    remarks: tuple[Remark, ...]


class CocoInstances:
    """Photos and instances of a COCO JSON with polygons, run-length masks and crowds.

    annotations: the JSON. images: the folder that its file names are relative to. categories: names to keep, None keeps
    all; category ids may be anything, also 0. merge: they become one class; otherwise those of one name are a class
    each, in the order of `categories`, or of the file, and then without those that have no instance. classes: the list
    to be in instead. crowds_count: crowds are instances like others. turned: photos are turned as their EXIF says;
    False: as they are stored. Photos without a kept instance stay: they are legal samples.
    Raises `DataError` naming the file when the JSON is none, names a category that is not there, has an instance of
    none of `classes`, or, unless `allow_outside`, a photo outside the folder. Photos that are missing are told by
    `fault`.
    """

    def __init__(
        self,
        annotations: Path,
        images: Path,
        *,
        categories: Sequence[str] | None = None,
        merge: bool = True,
        classes: Sequence[str] | None = None,
        allow_outside: bool = False,
        crowds_count: bool = False,
        turned: bool = True,
    ) -> None:
        self.annotations = annotations
        self.folder = images
        self.crowds_count = crowds_count
        self.turned = turned
        self._json = read_coco(annotations, categories)
        self.names = self._json.names
        self.classes = ONE_CLASS if merge else self._classes(categories, classes)
        outside = [] if allow_outside else [name for name in self.names if leads_outside(name)]
        if outside:
            raise DataError(
                f"{annotations}: {len(outside)} file names lead out of the folder of images, {images}: "
                f"{some(outside)} (a dataset reads them all the same with dataset.allow_outside=true)"
            )
        self.places, ways = find_photos(images, self.names)
        self.missing = [name for name, place in zip(self.names, self.places, strict=True) if place is None]
        for way, count in ways.items():
            log.info("%s: %d of %d file names %s", annotations, count, len(self.names), way)
        self._hint = hint(images, self.missing, self.names) if self.missing else ""
        for what, lost in ((CROWDS, self._json.crowd & (not crowds_count)), (NO_OUTLINE, self._json.without_outline)):
            if lost.any():
                told = some(f"annotation {name}" for name in self._json.ids[lost])
                log.warning("%s: of %d annotations, %d %s", annotations, len(lost), lost.sum(), f"{what}: {told}")

    def _classes(self, chosen: Sequence[str] | None, given: Sequence[str] | None) -> tuple[str, ...]:
        names = self._json.categories
        used = {names[place] for place in np.unique(self._json.category).tolist()}
        if given is not None:
            if unknown := sorted(used - set(given)):
                raise DataError(
                    f"{self.annotations}: has instances of {', '.join(unknown)}, which is none of the classes that are "
                    f"trained on, {', '.join(given)}; choose with dataset.categories"
                )
            return tuple(given)
        classes, unused = classes_of_categories(chosen, names, used)
        if unused:
            log.info(WITHOUT_OBJECTS, self.annotations, ", ".join(unused))
        return classes

    def files(self) -> set[Path]:
        """The photos that are there."""
        return {self.folder / place for place in self.places if place is not None}

    def size(self, index: int) -> tuple[int, int]:
        """(height, width) of a photo in the file; 0 where it does not tell."""
        height, width = self._json.sizes[index].tolist()
        return height, width

    def fault(self, index: int) -> Remark | None:
        """A photo that is not there; an outline that is broken, unless there are very many."""
        if self.places[index] is None:
            return Remark(self.names[index], f"of {len(self.names)} photos are not in {self.folder} ({self._hint})")
        size = self.size(index)
        if not all(size) or len(self._json.ids) > QUICK:
            return None
        for place in self._json.of(index):
            try:
                outline, _ = read_outline(self._json.segmentation(place))
                check_outline(outline, size)
            except ValueError as error:
                where = f"annotation {self._json.ids[place]} of {self.names[index]}"
                return Remark(where, f"annotations cannot be read ({error})")
        return None

    def holds_objects(self, index: int) -> bool:
        """Whether the file has an annotation of the photo that is no crowd."""
        rows = self._json.of(index)
        return len(rows) > 0 and (self.crowds_count or not self._json.crowd[rows.start : rows.stop].all())

    def read(self, index: int) -> Sample:
        """Load one photo, turned as its EXIF says or not, and rasterise its instances."""
        if (place := self.places[index]) is None:
            raise DataError(f"{self.folder / self.names[index]}: no such file ({self._hint})")
        path = self.folder / place
        pixels = read_rgb(path, turned=self.turned)
        height, width = pixels.shape[:2]
        if any(told not in (0, side) for told, side in zip(self.size(index), (height, width), strict=True)):
            raise DataError(self._other_size(path, (height, width), self.size(index)))
        return Sample(pixels, **self.instances(index, (height, width))._asdict())

    def instances(self, index: int, size: tuple[int, int]) -> Annotated:
        """Instances of a photo of (height, width), rasterised, and what is not as annotated.

        Raises `DataError` naming an annotation that cannot be read.
        """
        rows = self._json.of(index)
        masks = np.zeros((len(rows), *size), dtype=bool)  # memory that is not written to is not taken
        crowd: list[bool] = []
        labels: list[int] = []
        remarks: list[Remark] = []
        for place in rows:
            where = f"annotation {self._json.ids[place]}"
            try:
                outline, shortened = read_outline(self._json.segmentation(place))
                check_outline(outline, size)
                mask = rasterised(outline, size)
            except ValueError as error:
                raise DataError(
                    f"{self.annotations}: {where} cannot be rasterised ({error}); it is of {self.names[index]}"
                ) from None
            if not mask.any() or are_fractions(outline, size):
                remarks.append(Remark(where, why_empty(outline, size)))
                continue
            if shortened:
                remarks.append(Remark(where, SHORT, lost=False))
            is_crowd = bool(self._json.crowd[place]) and not self.crowds_count
            if is_crowd:
                remarks.append(Remark(where, CROWDS))
            masks[len(crowd)] = mask
            crowd.append(is_crowd)
            labels.append(self._label(place))
        kept = masks[: len(crowd)]
        return Annotated(kept, np.array(crowd, dtype=bool), np.array(labels, dtype=np.int64), tuple(remarks))

    def _label(self, place: int) -> int:
        """Of an annotation: the number of its class."""
        if self.classes == ONE_CLASS:
            return 1
        return self.classes.index(self._json.categories[self._json.category[place]]) + 1

    def _other_size(self, path: Path, size: tuple[int, int], told: tuple[int, int]) -> str:
        height, width = size
        problem = f"{path}: is {width}×{height} pixels, {self.annotations.name} says {told[1]}×{told[0]}"
        turn = orientation_of(path)
        if turn == 1 or told != (width, height):
            return problem + (": correct width and height there, which are swapped" if told == (width, height) else "")
        if self.turned:
            return (
                f"{problem}, the size that is stored: its EXIF orientation {turn} turns it. If the tool annotated the "
                "photo unturned, dataset.exif=ignore reads it so"
            )
        return f"{problem}, the size after its EXIF orientation {turn}; dataset.exif=apply turns it"
