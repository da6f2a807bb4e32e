"""VGG Image Annotator 1 and 2: the project file and the exported JSON (Dutta and Zisserman 2019).

Regions are polygons, circles, ellipses and rectangles; the class is one of the region's attributes.
"""

import json
import logging
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pochoir.data.formats.found import Choice, Found, Parts, settings
from pochoir.data.formats.outlined import Outline, OutlinedPhoto, Polygon, chosen, ellipse, rectangle, tell_passed_over
from pochoir.data.formats.tree import Tree, by_stage
from pochoir.errors import DataError, some

log = logging.getLogger(__name__)

USUAL = ("class", "label", "name", "type", "category", "object")
"""Attributes that a class stands in, when there are several."""
OBJECT = "object"
"""What a region without a class is."""
KEYS = {
    "circle": ("cx", "cy", "r"),
    "ellipse": ("cx", "cy", "rx", "ry"),
    "rect": ("x", "y", "width", "height"),
}
"""What regions other than polygons are told by, in pixels."""
NO_AREA = ("polyline", "point", "line")


def find_via(tree: Tree, files: Sequence[Path]) -> list[Found]:
    """files: VIA's JSONs in the tree. Several are the parts of one dataset where their names or folders say so."""
    files = _without_copies(files)
    if parts := by_stage(files, [tree.stage(path) for path in files]):
        return [_found(tree, parts)]
    folders = Counter(path.parent for path in files)
    return [_found(tree, {"all": path}, alone=folders[path.parent] == 1) for path in files]


def _without_copies(files: Sequence[Path]) -> list[Path]:
    """The files but those that say what another of their folder says, as a project and what was exported from it do."""
    kept: list[Path] = []
    for path in files:
        beside = [other for other in kept if other.parent == path.parent]
        same = [other for other in beside if _entries(other) == _entries(path)]
        if same:
            log.info("%s: says what %s says", path, same[0].name)
        else:
            kept.append(path)
    return kept


def _entries(path: Path) -> Any:
    try:
        return _project(path).entries
    except DataError:
        return path


def _found(tree: Tree, files: dict[str, Path], *, alone: bool = True) -> Found:
    told = ", ".join(f"{part}: {tree.told(path)}" if part != "all" else tree.told(path) for part, path in files.items())
    root = tree.root if len(files) > 1 else next(iter(files.values())).parent
    beside = "" if alone else ", with no other VIA JSON there"
    return Found(
        "via",
        f"VIA regions, {told}",
        settings("auto", root=root, format="via") + beside,
        partial(_read, tree, files),
    )


def _read(tree: Tree, files: dict[str, Path], choice: Choice) -> Parts:
    projects = {part: _project(path) for part, path in files.items()}
    regions = [region for project in projects.values() for listed in project.entries for region in listed[1]]
    attribute = _class_attribute(regions)
    if attribute:
        log.info("%s: the class of a region is its attribute '%s'", some(files.values()), attribute)
    else:
        names = sorted({name for region in regions for name in _attributes(region)})
        told = f"{some(files.values())}: no attribute of regions is the class ({some(names) or 'there are none'})"
        if names and (choice.categories or not choice.merge):
            raise DataError(f"{told}: let it be the only one, or call it one of {', '.join(USUAL)}")
        log.info("%s: all are objects of one", told)
    parts = {part: _photos(tree, path, projects[part], attribute) for part, path in files.items()}
    labels = {outline.label for photos in parts.values() for photo in photos for outline in photo.objects}
    return dict(chosen(parts, sorted(labels), choice, next(iter(files.values()))))


@dataclass(frozen=True)
class _Project:
    """entries: file names and their regions. options: by attribute what its values stand for, as far as it is told."""

    entries: list[tuple[str, list[dict[str, Any]]]]
    options: dict[str, dict[str, str]]

    def label(self, region: dict[str, Any], attribute: str) -> str:
        """The class; empty where the region has none."""
        value = _attributes(region).get(attribute)
        if isinstance(value, dict):  # check boxes
            return ", ".join(sorted(str(name) for name, ticked in value.items() if ticked))
        word = "" if value is None else str(value).strip()
        # VIA's import of COCO makes numbers of the classes, and options of their names
        return self.options.get(attribute, {}).get(word, word) if word.isdigit() else word


def _project(path: Path) -> _Project:
    try:
        content = json.loads(path.read_bytes())
        listed = content.get("_via_img_metadata", content).values()
        entries = [(str(one["filename"]), _regions(one["regions"])) for one in listed]
        attributes = content.get("_via_attributes", {}).get("region", {})
        return _Project(entries, {name: one.get("options", {}) for name, one in attributes.items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: is no JSON of VIA, with a filename and regions for each photo ({error!r})") from None


def _regions(value: Any) -> list[dict[str, Any]]:
    return list(value.values() if isinstance(value, dict) else value)  # VIA 1 numbers them


def _class_attribute(regions: Iterable[dict[str, Any]]) -> str | None:
    """The attribute that tells the class: the only one, or the only one with a usual name."""
    used = Counter(
        name for region in regions for name, value in _attributes(region).items() if value not in ("", None, {})
    )
    if len(used) == 1:
        return next(iter(used))
    usual = [name for name in used if name.lower() in USUAL]
    return usual[0] if len(usual) == 1 else None


def _attributes(region: dict[str, Any]) -> dict[str, Any]:
    value = region.get("region_attributes")
    return value if isinstance(value, dict) else {}


def _photos(tree: Tree, path: Path, project: _Project, attribute: str | None) -> list[OutlinedPhoto]:
    names = [name for name, _ in project.entries]
    folder = tree.photo_folder(path, names) or path.parent
    places = [tree.photo(folder, name) for name in names]
    if missing := [name for name, place in zip(names, places, strict=True) if place is None]:
        raise DataError(
            f"{path}: {len(missing)} of {len(names)} photos are not in {folder}: {some(missing)}; put them there, or "
            "remove them from the project"
        )
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise DataError(f"{path}: {len(twice)} photos are listed twice: {some(twice)}")
    passed_over: list[str] = []
    photos = []
    for (name, regions), place in zip(project.entries, places, strict=True):
        objects = []
        for number, region in enumerate(regions):
            where = f"{path}: region {number} of {name}"
            label = project.label(region, attribute) if attribute else OBJECT
            if not label:
                raise DataError(f"{where} has no {attribute}, which tells the class of others; give it one")
            outline = _outline(region, label, where)
            if outline is None:
                passed_over.append(where)
            else:
                objects.append(outline)
        assert place is not None
        photos.append(OutlinedPhoto(place, place.relative_to(folder).as_posix(), tuple(objects)))
    tell_passed_over(passed_over, "regions", path)
    return photos


def _outline(region: dict[str, Any], label: str, where: str) -> Outline | None:
    """None: a region without area."""
    try:
        shape = region["shape_attributes"]
        kind = shape["name"]
        points = None if kind in NO_AREA else _points(kind, shape)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{where} cannot be read ({error!r})") from None
    return None if points is None else Outline(label, (Polygon(points),), where)


def _points(kind: str, shape: dict[str, Any]) -> NDArray[np.float64]:
    if kind == "polygon":
        across, down = shape["all_points_x"], shape["all_points_y"]
        if len(across) != len(down):
            raise ValueError(f"a polygon has as many x as y, this one {len(across)} and {len(down)}")
        points = np.array([across, down], dtype=np.float64).T
        if points.ndim != 2 or len(points) < 3:
            raise ValueError(f"a polygon has three points at least, this one {len(points)}")
        return points
    if kind not in KEYS:
        raise ValueError(f"a region is a polygon, circle, ellipse or rect, not '{kind}'")
    x, y, *sizes = (float(shape[key]) for key in KEYS[kind])
    if not all(map(math.isfinite, (x, y, *sizes))):
        raise ValueError("a coordinate is no number")
    if kind == "rect":
        return rectangle(x, y, x + sizes[0], y + sizes[1])
    return ellipse(x, y, sizes[0], sizes[-1], float(shape.get("theta", 0)))  # a circle has one radius
