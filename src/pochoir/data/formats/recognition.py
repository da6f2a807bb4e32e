"""What kind of dataset a folder holds: found out from its files, told, and opened; or an error that tells all of it."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import yaml

from pochoir.data.formats.coco import find_coco
from pochoir.data.formats.found import Choice, Found, Parts
from pochoir.data.formats.labelme import find_labelme
from pochoir.data.formats.masks import find_masks
from pochoir.data.formats.tree import Tree
from pochoir.data.formats.via import find_via
from pochoir.data.formats.yolo import find_yolo
from pochoir.data.mixture import Mixture
from pochoir.data.source import Source
from pochoir.errors import DataError, bullets, number_of, some

log = logging.getLogger(__name__)

LOOKED_FOR = (
    "COCO instance JSONs and their photos, anywhere in the folder",
    "YOLO polygons: data.yaml, images/ and labels/",
    "VIA: the project's JSON or the exported one, beside the photos or images/",
    "labelme: a JSON beside each photo",
    "masks: images/ and masks/ with equal names, or a_mask.png beside a.jpg",
)
JSON_KINDS = {
    "labelme": ([b'"shapes"', b'"imagePath"'],),
    "via": ([b'"_via_img_metadata"'], [b'"shape_attributes"'], [b'"regions"', b'"file_attributes"']),
    "coco": ([b'"images"', b'"annotations"', b'"categories"'],),
}
"""Words that are all in a JSON file of a kind, or all of another list."""
NOT_READ = {
    "Label Studio's own JSON: export the project as COCO": [b'"from_name"', b'"to_name"'],
    "a VIA 3 project: VIA 2 annotates regions of photos": [b'"vid_list"', b'"metadata"'],
    "detections without photos (predict_seg's and pycocotools' results are no annotations)": [
        b'"category_id"',
        b'"score"',
    ],
    "GeoJSON": [b'"FeatureCollection"'],
}
"""JSON files that are known, but not read, and what to do instead."""


class Parted(Mixture):
    """A dataset whose split is given by its files: samples are called `<part>/<name>`, parts train, val and test."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.given = {part: [f"{part}/{name}" for name in source.names] for part, source in parts.items()}


def open_folder(root: Path, *, format: str | None = None, choice: Choice | None = None) -> Source:
    """The dataset in a folder, a `Parted` one where its files give a split; what was taken for what is logged.

    format: coco, yolo, via, labelme or masks, where several are there. choice: how it is read. Raises `DataError` where
    nothing is recognised or several things, with what was looked for, what is there, and the settings that say it
    explicitly.
    """
    tree = Tree(root)
    found, remarks = recognised(tree)
    wanted = [one for one in found if format in (None, one.format)]
    if len(wanted) != 1:
        raise DataError(_several(root, wanted) if wanted else _nothing(tree, format, found, remarks))
    parts = wanted[0].read(choice or Choice())
    counts = ", ".join(number_of("photo", len(source.names)) + _for(part) for part, source in parts.items())
    log.info("%s is taken for %s: %s", root, wanted[0].what, counts)
    if len(parts) > 1 and "train" not in parts:
        raise DataError(f"dataset.root: {root} ({wanted[0].what}) has nothing to train on, only {' and '.join(parts)}")
    if len(parts) == 1:
        return next(iter(parts.values()))
    return Parted(parts)


def recognised(tree: Tree) -> tuple[list[Found], list[str]]:
    """All datasets in a tree; and files that look like annotations, but are not read, each with the reason."""
    jsons: dict[str, list[Path]] = {kind: [] for kind in JSON_KINDS}
    remarks, unknown = [], []
    for path in tree.ending(".json"):
        content = path.read_bytes()
        kind = next((kind for kind, lists in JSON_KINDS.items() if any(_holds(content, all_) for all_ in lists)), None)
        if kind:
            jsons[kind].append(path)
        elif reason := next((reason for reason, words in NOT_READ.items() if _holds(content, words)), None):
            remarks.append(f"{tree.told(path)} is {reason}")
        else:
            unknown.append(path)
    remarks += _remarks_on_others(tree)
    found = [
        *find_coco(tree, jsons["coco"]),
        *find_yolo(tree),
        *find_via(tree, jsons["via"]),
        *find_labelme(tree, jsons["labelme"]),
        *find_masks(tree),
    ]
    if not found:  # else it takes time for nothing
        remarks += _remarks_on_broken(tree, unknown)
    return found, remarks


def _remarks_on_broken(tree: Tree, jsons: Sequence[Path]) -> list[str]:
    """Why JSONs that no words tell the kind of, and YAMLs, cannot be read."""
    remarks = [f"{tree.told(path)} {reason}" for path in jsons if (reason := _why_none(path.read_bytes()))]
    for path in tree.ending(".yaml", ".yml"):
        try:
            yaml.safe_load(path.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            remarks.append(f"{tree.told(path)} cannot be read as YAML ({' '.join(str(error).split())})")
    return remarks


def _why_none(content: bytes) -> str:
    """Why a JSON that no words tell the kind of is none of those that are read; empty where nothing speaks for one."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "is written in UTF-16: save it as UTF-8"
    try:
        value = json.loads(content.decode("utf-8-sig"))
    except ValueError as error:
        return f"cannot be read as JSON ({error})"
    if isinstance(value, dict) and "images" in value:
        lacking = [name for name in ("annotations", "categories") if name not in value]
        return f"has images, but no list of {' and '.join(lacking)}"
    return ""


def _holds(content: bytes, words: Sequence[bytes]) -> bool:
    return all(word in content for word in words)


def _remarks_on_others(tree: Tree) -> list[str]:
    remarks = []
    if archives := tree.ending(".zip", ".tar", ".gz", ".7z", ".rar"):
        remarks.append(f"{some(map(tree.told, archives), 2)}: unpack the archive")
    if xmls := tree.ending(".xml"):
        remarks.append(
            f"{some(map(tree.told, xmls), 2)}: XML (CVAT's own, PASCAL VOC's boxes) is not read; export COCO"
        )
    if records := tree.ending(".tfrecord", ".csv"):
        remarks.append(f"{some(map(tree.told, records), 2)}: TFRecord and CSV are not read; export COCO")
    return remarks


def _for(part: str) -> str:
    return "" if part == "all" else {"train": " to train on", "val": " to validate on", "test": " to test on"}[part]


def _several(root: Path, found: Sequence[Found]) -> str:
    lines = bullets(f"{one.what}\n      {one.explicit}" for one in found)
    return f"dataset.root: {root} holds {len(found)} datasets; say which by these settings instead:{lines}"


def _nothing(tree: Tree, format: str | None, found: Sequence[Found], remarks: Sequence[str]) -> str:
    lines = [f"looked for: {kind}" for kind in LOOKED_FOR if format is None or kind.lower().startswith(format)]
    lines += [f"there are: {tree.summary()}"]
    lines += [f"recognised: {one.what}" for one in found]
    lines += list(remarks)
    lines += [
        "explicitly: dataset=coco dataset.annotations=… dataset.images=…; or dataset=folder dataset.images=… "
        "dataset.masks=…"
    ]
    kind = f"no dataset of dataset.format={format}" if format else "no dataset that is recognised"
    return f"dataset.root: {tree.root} holds {kind}" + bullets(lines)
