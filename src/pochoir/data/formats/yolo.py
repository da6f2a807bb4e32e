"""YOLO's polygons: a data.yaml and a text file a photo, as Ultralytics, Roboflow, CVAT and Label Studio write them.

A row is a class number and x, y, x, y, … as shares of the photo's width and height.
"""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from pochoir.data.formats.found import Choice, Found, Parts, settings
from pochoir.data.formats.outlined import Outline, OutlinedPhoto, Polygon, chosen
from pochoir.data.formats.tree import Tree, common_folder
from pochoir.data.source import Remark, counted
from pochoir.errors import DataError, bullets, number_of, some
from pochoir.images import find_images

log = logging.getLogger(__name__)

STAGES = ("train", "val", "test")
SLACK = 0.01
"""A coordinate may lie so far beyond 0 and 1; it is cut off there."""
BOX = 4
"""Numbers of a box: its centre, width and height."""


def find_yolo(tree: Tree) -> list[Found]:
    """Every data.yaml, and every folder with images/, labels/ and classes.txt, as Label Studio writes it."""
    configs = [path for path in tree.ending(".yaml", ".yml") if _is_config(path)]
    found = [_found(tree, path, _content(path)) for path in configs]
    if not configs:
        for classes in tree.ending(".txt"):
            if classes.name == "classes.txt" and classes.parent / "labels" in tree.files:
                names = [line.strip() for line in classes.read_text(errors="replace").splitlines() if line.strip()]
                found.append(_found(tree, classes, {"names": names, "all": "images"}))
    return found


def _found(tree: Tree, path: Path, content: dict[str, Any]) -> Found:
    folders = ", ".join(f"{stage}: {content[stage]}" for stage in (*STAGES, "all") if content.get(stage))
    return Found(
        "yolo",
        f"YOLO polygons, {tree.told(path)} ({folders})",
        settings("auto", root=path.parent, format="yolo"),
        partial(_read, path, content),
    )


def _is_config(path: Path) -> bool:
    try:
        content = _content(path)
    except DataError:
        return False
    return isinstance(content, dict) and "names" in content and any(content.get(stage) for stage in STAGES)


def _content(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DataError(f"{path}: cannot be read as YAML ({error})") from None


def _read(path: Path, content: dict[str, Any], choice: Choice) -> Parts:
    names = _names(content["names"], path)
    parts = {}
    seen: dict[Path, str] = {}
    for stage in (*STAGES, "all"):
        if not content.get(stage):
            continue
        photos = _photos(path, content, stage)
        twice = [photo for photo in photos if photo in seen]
        if twice and stage == "val" and len(twice) == len(photos):  # as Ultralytics' small examples have it
            log.info("%s: val are photos of %s, too: validation photos are drawn instead", path, seen[twice[0]])
            continue
        if twice:
            raise DataError(
                f"{path}: {len(twice)} photos of {stage} are in {seen[twice[0]]}, too: {some(twice)}; the AP of photos "
                "that were trained on says nothing"
            )
        seen |= dict.fromkeys(photos, stage)
        parts[stage] = photos
    labels = {photo: _label_file(photo) for photos in parts.values() for photo in photos}
    _check_labels(path, labels)
    faults: list[Remark] = []
    rows = {
        photo: list(_rows(label, names, os.path.relpath(label, path.parent), faults))
        for photo, label in labels.items()
        if label.is_file()
    }
    if faults:
        raise DataError(f"{path}: {number_of('row', len(faults))} cannot be read:{bullets(counted(faults))}")
    outlined = {}
    for stage, photos in parts.items():
        folder = common_folder(photos)
        outlined[stage] = [
            OutlinedPhoto(photo, photo.relative_to(folder).as_posix(), tuple(rows.get(photo, ()))) for photo in photos
        ]
    return dict(chosen(outlined, list(dict.fromkeys(names.values())), choice, path))


def _names(value: Any, path: Path) -> dict[int, str]:
    """Class numbers and names, of a list or a dictionary."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    try:
        names = {int(number): str(name) for number, name in entries}
    except (TypeError, ValueError):
        names = {}
    if not names:
        raise DataError(f"{path}: names is {value!r}; it is a list of class names, or number: name pairs")
    return names


def _photos(path: Path, content: Mapping[str, Any], stage: str) -> list[Path]:
    """The photos of a part: of a folder and its sub-folders, of a list in a text file, or of several of these."""
    entries = content[stage] if isinstance(content[stage], list) else [content[stage]]
    stated = Path(str(content.get("path") or "."))
    bases = list(dict.fromkeys([path.parent / stated, path.parent, path.parent.parent / stated]))
    photos: list[Path] = []
    for entry in map(str, entries):
        inner = entry.replace("\\", "/")
        while inner.startswith("../"):  # Roboflow's are relative to a folder within
            inner = inner.removeprefix("../")
        places = [base / one for one in dict.fromkeys((entry, inner)) for base in bases]
        place = next((Path(os.path.normpath(place)) for place in places if place.exists()), None)
        if place is None:
            tried = some(dict.fromkeys(os.path.normpath(place) for place in places))
            raise DataError(f"{path}: {stage}: {entry} is not there; looked at {tried}")
        photos += _listed(place, bases) if place.is_file() else _below(place)
    if not photos:
        raise DataError(f"{path}: {stage}: {content[stage]} holds no pictures")
    return list(dict.fromkeys(photos))


def _below(folder: Path) -> Iterator[Path]:
    for place in sorted([folder, *(path for path in folder.rglob("*") if path.is_dir())]):
        yield from find_images(place)


def _listed(file: Path, bases: Sequence[Path]) -> list[Path]:
    found, missing = [], []
    for line in filter(None, map(str.strip, file.read_text(encoding="utf-8-sig").splitlines())):
        tries = (base / one for base in (file.parent, *bases) for one in (line, line.removeprefix("data/")))
        place = next((Path(os.path.normpath(one)) for one in tries if one.is_file()), None)
        if place is None:
            missing.append(line)
        else:
            found.append(place)
    if missing:
        raise DataError(f"{file}: {len(missing)} of {len(missing) + len(found)} photos are not there: {some(missing)}")
    return found


def _label_file(photo: Path) -> Path:
    """Where Ultralytics looks: in `labels` instead of the last `images` of the path, or beside the photo."""
    parts = list(photo.parts)
    places = [place for place, part in enumerate(parts[:-1]) if part == "images"]
    if places:
        parts[places[-1]] = "labels"
    return Path(*parts).with_suffix(".txt")


def _check_labels(path: Path, labels: Mapping[Path, Path]) -> None:
    files = set(labels.values())
    if not any(label.is_file() for label in files):
        raise DataError(f"{path}: no photo has a label file; looked for {some(labels.values(), 2)}")
    if bare := [photo for photo, label in labels.items() if not label.is_file()]:
        log.info("%s: %d photos have no label file, and count as without objects: %s", path, len(bare), some(bare))
    folders = {label.parent for label in files if label.parent.is_dir()}
    strays = {file for folder in folders for file in folder.glob("*.txt") if file.name != "classes.txt"} - files
    beside = {photo.parent for photo in labels}  # lists and notes may lie there
    if lost := sorted(stray for stray in strays if stray.parent not in beside):
        log.warning("%s: %d label files have no photo, and are passed over: %s", path, len(lost), some(lost))


def _rows(path: Path, names: Mapping[int, str], shown: str, faults: list[Remark]) -> Iterator[Outline]:
    """The objects of a label file that is `shown` so; what cannot be read is added to `faults`."""
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            values = [float(word) for word in line.split()]
            fault = _fault(values, names)
        except ValueError:
            fault = "rows are not a class number and coordinates"
        if fault:
            faults.append(Remark(f"{shown} row {number}", fault))
            continue
        polygon = Polygon(np.array(values[1:]).clip(0, 1).reshape(-1, 2), shares=True)
        yield Outline(names[int(values[0])], (polygon,), f"{path}: row {number}")


def _fault(values: Sequence[float], names: Mapping[int, str]) -> str:
    """What is wrong with a row: completes "3 …"; nothing where it is a polygon."""
    if values[0] not in names:
        known = some(f"{number} {name}" for number, name in names.items())
        return f"rows are of class {values[0]:g}, which names does not have ({known}): correct names or the rows"
    points = np.array(values[1:])
    if len(points) == BOX:
        return (
            "rows are boxes (a class number and four numbers), which do not tell what to cut out: export polygons (a "
            "segmentation format), or delete these rows"
        )
    if len(points) < 6 or len(points) % 2:
        return (
            "rows are not x and y for each of three points or more (key points and scores are not read): export "
            "polygons, or delete these rows"
        )
    if points.min() >= -SLACK and points.max() <= 1 + SLACK:  # which NaN is not
        return ""
    return (
        "rows have coordinates that are no shares of the photo's width and height, from 0 to 1: divide pixels by its "
        "width and height"
    )
