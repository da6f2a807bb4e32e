"""What lies in a folder: its files by ending, its pictures, and which part of a split a name speaks of."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeVar, get_args

from pochoir.data.photos import last_part
from pochoir.errors import DataError
from pochoir.images import find_images

Item = TypeVar("Item")
Stage = Literal["train", "val", "test"]
STAGE_WORDS: dict[str, Stage] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
"""What folders and files of each part of a split are called."""
DEPTH = 6
"""Folders within folders that are looked into."""
MOST_FILES = 2_000_000
"""With more, it is hardly the folder of one dataset."""
LOOKED_UP = 200
"""Photos of an annotation file that are looked for in each folder, to find the one that they are in."""


class Tree:
    """The visible files in a folder and its sub-folders, links followed. Raises `DataError` where it is no folder."""

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise DataError(f"dataset.root: {root} is no folder (an archive has to be unpacked)")
        self.root = root
        self.files: dict[Path, list[Path]] = {}
        count = 0
        for place, folders, names in os.walk(root, followlinks=True):
            here = Path(place)
            deep = len(here.relative_to(root).parts) >= DEPTH
            folders[:] = [] if deep else sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
            self.files[here] = sorted(here / name for name in names if not name.startswith("."))
            count += len(names)
            if count > MOST_FILES:
                raise DataError(
                    f"dataset.root: {root} holds more than {MOST_FILES} files; name the dataset's own folder"
                )
        self._pictures: dict[Path, list[Path]] = {}

    def ending(self, *suffixes: str) -> list[Path]:
        """All files with these endings (lower case), by folder."""
        return [path for paths in self.files.values() for path in paths if path.suffix.lower() in suffixes]

    def pictures(self, folder: Path) -> list[Path]:
        """The pictures directly in a folder of the tree, sorted by name."""
        if folder not in self._pictures:
            self._pictures[folder] = find_images(folder)
        return self._pictures[folder]

    @cached_property
    def picture_folders(self) -> list[Path]:
        """The folders that pictures lie in."""
        return [folder for folder in self.files if self.pictures(folder)]

    def told(self, path: Path) -> str:
        """A path as people see it from the root, which is `.`."""
        return path.relative_to(self.root).as_posix()

    def stage(self, path: Path) -> Stage | None:
        """The part of a split that a file's or folder's name speaks of, or else that of the nearest folder above."""
        for word in (path.stem, *reversed(path.relative_to(self.root).parts[:-1])):
            if stage := stage_of(word):
                return stage
        return None

    def photo_folder(self, annotations: Path, names: Sequence[str]) -> Path | None:
        """The folder that the photos which an annotation file names are relative to; None: they are nowhere.

        It is the one where most of them are, of several the nearest to the file, or the one of its part of the split.
        Where names lead nowhere as they stand, backslashes and then the last part alone are tried.
        """
        looked_up = names[:: max(1, len(names) // LOOKED_UP)]
        near = (annotations.parent, annotations.parent / "images", annotations.parent.parent / "images")
        above = (parent for folder in self.picture_folders for parent in (folder, *folder.parents))
        folders = list(dict.fromkeys(folder for folder in (*near, *above) if folder in self.files))
        stage = self.stage(annotations)
        for way in WAYS:
            there = {folder: sum(self._is_picture(folder, way(name)) for name in looked_up) for folder in folders}
            best = max(folders, key=lambda folder: (there[folder], self.stage(folder) == stage), default=None)
            if best is not None and there[best]:
                return best
        return None

    def photo(self, folder: Path, name: str) -> Path | None:
        """A photo that an annotation file names, relative to a folder; None: it is not there."""
        found = next((way(name) for way in WAYS if self._is_picture(folder, way(name))), None)
        return None if found is None else Path(os.path.normpath(folder / found))

    def summary(self, shown: int = 8) -> str:
        """How many files of which ending are in which folder, for a message: the largest groups."""
        groups = Counter(
            (self.told(path.parent), path.suffix.lower()) for paths in self.files.values() for path in paths
        )
        listed = [f"{count} {suffix or 'without ending'} in {place}" for (place, suffix), count in groups.most_common()]
        more = f" and {len(listed) - shown} more kinds" if len(listed) > shown else ""
        return ", ".join(listed[:shown]) + more if listed else "no files"

    @cached_property
    def _all_pictures(self) -> set[str]:
        return {str(path) for folder in self.picture_folders for path in self.pictures(folder)}

    def _is_picture(self, folder: Path, name: str) -> bool:
        return os.path.normpath(os.path.join(folder, name)) in self._all_pictures  # noqa: PTH118 (a great many)


def stage_of(word: str) -> Stage | None:
    """The one part of a split that a name speaks of: "train" of `instances_train2017`; None of `trainval`."""
    found = {STAGE_WORDS[part] for part in re.findall(r"[a-z]+", word.lower()) if part in STAGE_WORDS}
    return found.pop() if len(found) == 1 else None


def by_stage(items: Sequence[Item], stages: Sequence[Stage | None]) -> dict[str, Item]:
    """The parts of one split, in order: each there at most once, "train" among them; empty where it is none."""
    if len(items) < 2 or None in stages or len(set(stages)) < len(stages) or "train" not in stages:
        return {}
    return {stage: items[stages.index(stage)] for stage in get_args(Stage) if stage in stages}


def common_folder(paths: Sequence[Path]) -> Path:
    """The innermost folder that all these files are in."""
    return Path(os.path.commonpath([path.parent for path in paths]))


WAYS = (str, lambda name: name.replace("\\", "/"), last_part)
"""How a photo's name may have to be read: as it is; written on Windows; of another computer or a server."""
