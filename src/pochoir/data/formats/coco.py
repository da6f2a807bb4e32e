"""COCO instance JSONs with photos: of Roboflow, CVAT, Label Studio, labelme2coco, and of COCO itself."""

import json
import os
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from pochoir.data.coco import CocoInstances
from pochoir.data.formats.found import Choice, Found, Parts, settings
from pochoir.data.formats.tree import Tree, by_stage
from pochoir.errors import DataError

OTHER_TASKS = ("captions", "panoptic", "person_keypoints", "stuff", "image_info")
"""What COCO's files of the same photos for other tasks begin with, beside `instances_…`."""
FILE_NAME = re.compile(rb'"file_name"\s*:\s*("(?:[^"\\]|\\.)*")')


def find_coco(tree: Tree, files: Sequence[Path]) -> list[Found]:
    """files: the COCO JSONs in the tree. Several are the parts of one dataset where their names or folders say so."""
    if any(path.stem.startswith("instances") for path in files):
        files = [path for path in files if not path.stem.startswith(OTHER_TASKS)]
    photos = {path: tree.photo_folder(path, _file_names(path)) for path in files}
    stages = [tree.stage(path) for path in files]
    if parts := by_stage(files, stages):
        return [_found(tree, parts, photos)]
    return [_found(tree, {"all": path}, photos) for path in files]


def _file_names(path: Path) -> list[str]:
    """The photos' names, without reading the annotations, of which there may be a million."""
    return [str(json.loads(quoted)) for quoted in FILE_NAME.findall(path.read_bytes())]


def _found(tree: Tree, files: dict[str, Path], photos: dict[Path, Path | None]) -> Found:
    told = []
    for part, path in files.items():
        folder = photos[path]
        where = f"{tree.told(path)} with photos in {tree.told(folder) if folder else 'no folder'}"
        told.append(where if part == "all" else f"{part}: {where}")
    return Found("coco", f"COCO JSON, {'; '.join(told)}", _explicit(tree, files, photos), partial(_read, files, photos))


def _explicit(tree: Tree, files: dict[str, Path], photos: dict[Path, Path | None]) -> str:
    if "test" in files:  # which dataset=coco has no setting for
        return settings("auto", root=tree.root, format="coco")
    values: dict[str, object] = {}
    for part, path in files.items():
        prefix = "val_" if part == "val" else ""
        values |= {f"{prefix}annotations": path, f"{prefix}images": photos[path] or path.parent}
    return settings("coco", **values)


def _read(files: dict[str, Path], photos: dict[Path, Path | None], choice: Choice) -> Parts:
    parts: dict[str, CocoInstances] = {}
    for part, path in files.items():
        folder = photos[path]
        if folder is None and (names := _file_names(path)):
            if outside := [place for name in names if (place := path.parent / name).is_file()]:
                root = os.path.commonpath([path.parent.resolve(), *(place.resolve().parent for place in outside)])
                raise DataError(f"{path}: its photos lie outside of dataset.root, {outside[0]} for one: name {root}")
            raise DataError(
                f"{path}: none of its {len(names)} photos is in the folder, {names[0]} for one; put them beside it, or "
                "give their folder: dataset=coco dataset.annotations=… dataset.images=…"
            )
        # names may lead out of `folder`, but to photos within the root: that is how it was found
        parts[part] = CocoInstances(
            path,
            folder or path.parent,
            categories=choice.categories,
            merge=choice.merge,
            classes=None if choice.merge or not parts else next(iter(parts.values())).classes,
            crowds_count=choice.crowds_count,
            turned=choice.turned,
            allow_outside=True,
        )
    return dict(parts)
