"""Photos whose objects are outlined by polygons or painted as patches, whatever file told so, as a source."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pochoir.data.categories import WITHOUT_OBJECTS, classes_of_categories, require_known
from pochoir.data.formats.found import Choice
from pochoir.data.outlines import NO_PIXEL, Polygons, check_outline, rasterised, why_empty
from pochoir.data.source import ONE_CLASS, Remark, Sample
from pochoir.errors import DataError, some
from pochoir.images import read_rgb

log = logging.getLogger(__name__)

Size = tuple[int, int]


@dataclass(frozen=True)
class Polygon:
    """points: `[K, 2]` x and y in pixels from the photo's upper left corner, or as `shares` of width and height."""

    points: NDArray[np.float64]
    shares: bool = False

    def mask(self, size: Size) -> NDArray[np.bool_]:
        """`[H, W]`, as COCO rasterises a polygon. Raises `ValueError` for points that are far away, or no numbers."""
        if not np.isfinite(self.points).all():
            raise ValueError("a coordinate is no number")
        outline = self.pixels(size)
        check_outline(outline, size)
        return rasterised(outline, size)

    def pixels(self, size: Size) -> Polygons:
        """The polygon in pixels of a photo of (height, width)."""
        return [(self.points * (size[1], size[0]) if self.shares else self.points).ravel()]


@dataclass(frozen=True)
class Patch:
    """pixels: `[h, w]` bool, what is painted; left, top: the photo's pixel that its upper left one lies on."""

    left: int
    top: int
    pixels: NDArray[np.bool_]

    def mask(self, size: Size) -> NDArray[np.bool_]:
        """`[H, W]`. Raises `ValueError` where the patch reaches out of the photo."""
        bottom, right = self.top + self.pixels.shape[0], self.left + self.pixels.shape[1]
        if min(self.left, self.top) < 0 or bottom > size[0] or right > size[1]:
            raise ValueError(f"its mask reaches out of a photo of {size[1]}×{size[0]} pixels")
        mask = np.zeros(size, dtype=bool)
        mask[self.top : bottom, self.left : right] = self.pixels
        return mask


@dataclass(frozen=True)
class Outline:
    """One object: its class, the shapes that it is made of, and where it stands, "annotation 3 of a.json"."""

    label: str
    shapes: tuple[Polygon | Patch, ...]
    where: str


@dataclass(frozen=True)
class OutlinedPhoto:
    """A photo as displayed, and the objects in it. name: what people call it. size: (height, width) where known."""

    path: Path
    name: str
    objects: tuple[Outline, ...]
    size: Size | None = None


class Outlined:
    """Photos with outlined objects. classes: the names of their labels, in order; or `ONE_CLASS`, which all are.

    turned: photos are turned as their EXIF says; False: as they are stored.
    """

    def __init__(
        self, photos: Sequence[OutlinedPhoto], classes: Sequence[str] = ONE_CLASS, *, turned: bool = True
    ) -> None:
        self.photos = list(photos)
        self.turned = turned
        self.classes = tuple(classes)
        self.names = [photo.name for photo in self.photos]

    def read(self, index: int) -> Sample:
        """Load one photo and rasterise its objects. Raises `DataError`, naming the file and the object."""
        photo = self.photos[index]
        pixels = read_rgb(photo.path, turned=self.turned)
        size = pixels.shape[0], pixels.shape[1]
        if photo.size not in (None, size):
            raise DataError(
                f"{photo.path}: is {size[1]}×{size[0]} pixels, its annotation says {photo.size[1]}×{photo.size[0]}"
            )
        masks = np.zeros((len(photo.objects), *size), dtype=bool)
        remarks = []
        for mask, outline in zip(masks, photo.objects, strict=True):
            try:
                np.any([shape.mask(size) for shape in outline.shapes], axis=0, out=mask)
            except ValueError as error:
                raise DataError(f"{outline.where}: {error}") from None
            if not mask.any():
                remarks.append(Remark(outline.where, _why_empty(outline.shapes, size)))
        kept = masks.any(axis=(1, 2))
        return Sample(
            pixels,
            masks[kept],
            np.zeros(kept.sum(), dtype=bool),
            labels=self._labels(photo)[kept],
            remarks=tuple(remarks),
        )

    def _labels(self, photo: OutlinedPhoto) -> NDArray[np.int64]:
        several = self.classes != ONE_CLASS
        numbers = [self.classes.index(outline.label) + 1 if several else 1 for outline in photo.objects]
        return np.array(numbers, dtype=np.int64)


def _why_empty(shapes: Sequence[Polygon | Patch], size: Size) -> str:
    polygons = [points for shape in shapes if isinstance(shape, Polygon) for points in shape.pixels(size)]
    return why_empty(polygons, size) if polygons else NO_PIXEL


def circle(x: float, y: float, radius: float) -> NDArray[np.float64]:
    """Points `[K, 2]` of a circle."""
    return ellipse(x, y, radius, radius, 0)


def ellipse(x: float, y: float, along: float, across: float, angle: float) -> NDArray[np.float64]:
    """Points `[K, 2]`, a pixel or two apart, of an ellipse with two radii; angle: of the first, radians from x to y."""
    count = int(np.clip(np.pi * max(along, across), 32, 1024))
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    flat = np.stack([along * np.cos(turn), across * np.sin(turn)], axis=1)
    cos, sin = np.cos(angle), np.sin(angle)
    return flat @ np.array([[cos, sin], [-sin, cos]]) + (x, y)


def rectangle(left: float, top: float, right: float, bottom: float) -> NDArray[np.float64]:
    """The four corners `[4, 2]`."""
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], dtype=np.float64)


def chosen(
    parts: Mapping[str, Sequence[OutlinedPhoto]], labels: Sequence[str], choice: Choice, told: Path
) -> dict[str, Outlined]:
    """Sources of the parts, with objects of the chosen categories alone; photos without any stay.

    labels: all that there are. Those that are kept apart are classes in the order of the choice, or of `labels`, and
    then without those that have no object. Raises `DataError` for a category that is not there; told: the file or
    folder to name.
    """
    wanted = choice.categories
    if wanted is not None:
        require_known(wanted, labels, told)
    kept = list(labels if wanted is None else wanted)
    of_parts = {part: [replace(one, objects=_of(one, kept)) for one in photos] for part, photos in parts.items()}
    used = {outline.label for photos in of_parts.values() for photo in photos for outline in photo.objects}
    classes, unused = (ONE_CLASS, []) if choice.merge else classes_of_categories(wanted, labels, used)
    if unused:
        log.info(WITHOUT_OBJECTS, told, ", ".join(unused))
    return {part: Outlined(photos, classes, turned=choice.turned) for part, photos in of_parts.items()}


def tell_passed_over(where: Sequence[str], kind: str, told: Path) -> None:
    """Warn of regions or shapes that have no area."""
    if where:
        what = f"{len(where)} {kind} are lines or points, which have no area, and are passed over"
        log.warning("%s: %s: %s", told, what, some(where, 3))


def _of(photo: OutlinedPhoto, labels: Collection[str]) -> tuple[Outline, ...]:
    return tuple(outline for outline in photo.objects if outline.label in labels)
