"""The objects of a photo as they are clicked on: found by a segmenter that stays loaded, or in a box by GrabCut."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pochoir.assets import PREFIX, located
from pochoir.composition.given import from_box
from pochoir.composition.stencil import segmenter_of
from pochoir.config import PartialConfig
from pochoir.errors import DataError
from pochoir.images import Picture, write_image
from pochoir.segmentation.instances import Instances
from pochoir.segmentation.segmenter import Segmenter
from pochoir.studio.wishes import Box, Chosen, Setup
from pochoir.studio.work import settings_of
from pochoir.stylization.job import read_paintable

SHOWN_SIDE = 1600
"""Longest side in pixels of the photo that is clicked on; what is painted is the photo itself."""
SMOOTH = 0.0015
"""Share of the photo's long side by which an outline may leave the mask's, which has a corner a pixel."""
LEAST = 0.01
"""Share of a box that an object in it fills at least: less of it is nobody's object."""
_looking = threading.Lock()
"""A network looks at one photo at a time."""


@dataclass(frozen=True, eq=False)
class Thing:
    """An object that can be chosen: `mask` `[H, W]` bool; `outline` as SVG's `d` in pixels of the photo."""

    chosen: Chosen
    mask: NDArray[np.bool_]
    outline: str
    label: str

    @property
    def top(self) -> tuple[float, float]:
        """x, y in pixels: the middle of its highest row, where its number stands."""
        rows = np.flatnonzero(self.mask.any(axis=1))
        columns = np.flatnonzero(self.mask[rows[0]])
        return float(columns.mean()), float(rows[0])


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo, and all that was found in it, best first."""

    path: Path
    picture: Picture
    instances: Instances
    things: tuple[Thing, ...]

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        height, width = self.picture.size
        return width, height


def load(path: Path, setup: Setup) -> Photo:
    """Read a photo and find its objects; raises `PochoirError`s with plain messages."""
    config = finding_settings(setup)
    picture = read_paintable(path)
    with _looking:
        instances = segmenter(setup.weights, setup.accelerator)(picture)
    masks = (instances.masks >= config.region.mask_threshold).numpy()
    names = instances.names
    things = [
        Thing(Chosen(index=index), mask, outline(mask), f"{_called(name, setup)} {index + 1}")
        for index, (mask, name) in enumerate(zip(masks, names, strict=True))
        if mask.any()
    ]
    return Photo(path, picture, replace(instances, photo=picture.on_white), tuple(things))


def _called(name: str, setup: Setup) -> str:
    """The class of what was found; what has none is people where the network is the one that comes with the project."""
    return name if name != "object" else "person" if setup.weights == Setup.weights else "found"


@lru_cache(maxsize=8)
def finding_settings(setup: Setup) -> PartialConfig:
    """The settings that `partial` finds by."""
    given = [f"trainer.accelerator={setup.accelerator}"]
    config: PartialConfig = settings_of("partial", tuple(given), in_python=True)
    return config.but(find=config.find.but(weights=setup.weights))


@lru_cache(maxsize=2)
def segmenter(weights: str, accelerator: str) -> Segmenter:
    """A segmenter that stays loaded."""
    return segmenter_of(finding_settings(Setup(weights=weights, accelerator=accelerator)))


def warm_up(setup: Setup) -> None:
    """Load what finds objects, and look at one photo: the first look takes the longest."""
    load(Path(located(PREFIX + "portrait")), setup)


def in_box(photo: Photo, box: Box, number: int) -> Thing:
    """What fills a box, by GrabCut, as `partial box=[…]` finds it; raises `DataError` where that is nothing.

    number: what it is called by, from 1.
    """
    whole = tuple(float(round(value)) for value in box)
    found = from_box(list(whole), photo.picture.on_white).masks.numpy() > 0
    left, top, right, bottom = whole
    if not len(found) or found[0].sum() < LEAST * (right - left) * (bottom - top):
        raise DataError("nothing stands out in that box; draw it a little wider")
    mask = found[0]
    return Thing(Chosen(box=whole), mask, outline(mask), f"object {number}")  # type: ignore[arg-type]


def outline(mask: NDArray[np.bool_]) -> str:
    """The outlines of a mask `[H, W]`, holes included, as SVG's path data."""
    shapes, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    smooth = max(0.5, SMOOTH * max(mask.shape))
    paths = [cv2.approxPolyDP(shape, smooth, True)[:, 0].tolist() for shape in shapes]
    return " ".join("M" + "L".join(f"{x},{y}" for x, y in path) + "Z" for path in paths if len(path) > 2)


def hit(things: Sequence[Thing], x: float, y: float) -> Thing | None:
    """The object under a point in pixels of the photo: what was drawn last, then the smallest of what was found, as
    one may lie in another.
    """
    column, row = int(x), int(y)
    drawn = [thing for thing in things if thing.chosen.box is not None]
    found = sorted((thing for thing in things if thing.chosen.box is None), key=lambda thing: thing.mask.sum())
    for thing in [*reversed(drawn), *found]:
        height, width = thing.mask.shape
        if 0 <= row < height and 0 <= column < width and thing.mask[row, column]:
            return thing
    return None


def write_masks(things: Sequence[Thing], folder: Path) -> list[str]:
    """A file for each, white where it is; returns their paths."""
    paths = [folder / f"object_{number}.png" for number in range(len(things))]
    for path, thing in zip(paths, things, strict=True):
        write_image(path, thing.mask.astype(np.uint8) * 255)
    return list(map(str, paths))


def finder_of(photo: Photo) -> Any:
    """What `partial` asks for a photo's objects: they were found before."""
    return lambda content: (photo.picture, photo.instances)
