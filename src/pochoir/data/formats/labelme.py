"""labelme's JSON files, one a photo, which AnyLabeling writes, too.

Shapes with the same label and group id are one object (https://github.com/wkentaro/labelme).
"""

import base64
import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pochoir.data.formats.found import Choice, Found, Parts, settings
from pochoir.data.formats.outlined import (
    Outline,
    OutlinedPhoto,
    Patch,
    Polygon,
    chosen,
    circle,
    rectangle,
    tell_passed_over,
)
from pochoir.data.formats.tree import Tree, by_stage, common_folder
from pochoir.data.photos import last_part
from pochoir.errors import DataError, number_of, some

log = logging.getLogger(__name__)

NO_AREA = ("line", "linestrip", "point", "points")


def find_labelme(tree: Tree, files: Sequence[Path]) -> list[Found]:
    """files: labelme's JSONs in the tree, all of which are one dataset; its parts, where their folders say so."""
    if not files:
        return []
    folders = {folder: list(paths) for folder, paths in groupby(files, lambda path: path.parent)}
    parts = by_stage(list(folders.values()), [tree.stage(folder) for folder in folders]) or {"all": list(files)}
    told = ", ".join(f"{len(paths)} in {tree.told(folder)}" for folder, paths in folders.items())
    return [
        Found(
            "labelme",
            f"labelme's JSON files, {told}",
            settings("auto", root=tree.root, format="labelme"),
            partial(_read, tree, parts),
        )
    ]


def _read(tree: Tree, parts: dict[str, list[Path]], choice: Choice) -> Parts:
    passed_over: list[str] = []
    outlined = {part: [_photo(tree, path, passed_over) for path in files] for part, files in parts.items()}
    photos = [photo for listed in outlined.values() for photo in listed]
    if twice := len(photos) - len({photo.path for photo in photos}):
        raise DataError(f"{tree.root}: {twice} photos have more than one labelme JSON")
    tell_passed_over(passed_over, "shapes", tree.root)
    annotated = {photo.path for photo in photos}
    beside = {path for photo in photos for path in tree.pictures(photo.path.parent)}
    read = {path for files in parts.values() for path in files}
    jsons = {path.with_suffix(".json") for path in beside - annotated} - read
    if broken := sorted(path for path in jsons if path.is_file()):
        counted = number_of("JSON file", len(broken))
        raise DataError(f"{tree.root}: beside photos, {counted} that labelme did not write: {some(broken)}")
    if bare := sorted(beside - annotated):
        log.info("%s: %d photos have no JSON, and are passed over: %s", tree.root, len(bare), some(bare))
    labels = {outline.label for photo in photos for outline in photo.objects}
    return dict(chosen({part: _named(one) for part, one in outlined.items()}, sorted(labels), choice, tree.root))


def _named(photos: Sequence[OutlinedPhoto]) -> list[OutlinedPhoto]:
    """Photos called by their paths within the folder that they are all in."""
    folder = common_folder([photo.path for photo in photos])
    return [replace(photo, name=photo.path.relative_to(folder).as_posix()) for photo in photos]


def _photo(tree: Tree, path: Path, passed_over: list[str]) -> OutlinedPhoto:
    try:
        content = json.loads(path.read_bytes())
        shapes, named = content["shapes"], str(content["imagePath"])
        size = (int(content["imageHeight"]), int(content["imageWidth"])) if content.get("imageHeight") else None
        objects = _objects(shapes, path, passed_over)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: is no JSON of labelme, with shapes and imagePath ({error!r})") from None
    places = [tree.photo(path.parent, named), *(one for one in tree.pictures(path.parent) if one.stem == path.stem)]
    place = next((place for place in places if place is not None), None)
    if place is None:
        raise DataError(f"{path}: its photo {last_part(named)} is neither beside it nor where imagePath says, {named}")
    return OutlinedPhoto(place, place.name, objects, size)


def _objects(shapes: Sequence[dict[str, Any]], path: Path, passed_over: list[str]) -> tuple[Outline, ...]:
    found: dict[Any, Outline] = {}
    for number, shape in enumerate(shapes):
        where = f"{path}: shape {number}"
        try:
            label = str(shape["label"]).strip()
            drawn = _shape(shape)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{where} cannot be read ({error!r})") from None
        if drawn is None:
            passed_over.append(where)
            continue
        group = shape.get("group_id")
        key = (label, group) if group is not None else number
        before = found[key].shapes if key in found else ()
        found[key] = Outline(label, (*before, drawn), where)
    return tuple(found.values())


def _shape(shape: dict[str, Any]) -> Polygon | Patch | None:
    """None: a shape without area."""
    kind = shape.get("shape_type") or "polygon"  # early versions have polygons only
    if kind in NO_AREA:
        return None
    points = np.array(shape["points"], dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError("points are pairs of x and y")
    if kind == "mask":
        with Image.open(BytesIO(base64.b64decode(shape["mask"])), formats=["PNG"]) as image:
            pixels = np.asarray(image.convert("L")) > 0
        left, top = np.rint(points.min(axis=0)).astype(int).tolist()
        return Patch(left, top, pixels)
    if kind == "circle" and len(points) == 2:  # its centre, and a point of it
        return Polygon(circle(points[0, 0], points[0, 1], float(np.linalg.norm(points[1] - points[0]))))
    if kind == "rectangle" and len(points) == 2:
        (left, top), (right, bottom) = points
        return Polygon(rectangle(left, top, right, bottom))
    if kind not in ("polygon", "rectangle", "rotation"):
        raise ValueError(f"a shape is a polygon, rectangle, circle or mask, not '{kind}'")
    if len(points) < 3:
        raise ValueError(f"a {kind} has more than {len(points)} points")
    return Polygon(points)
