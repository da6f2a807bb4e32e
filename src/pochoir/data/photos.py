"""Where the photos are that an annotation file names: by one look at each folder, at the start."""

import os
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from pochoir.images import picture_suffixes

BACKSLASH = "are written with backslashes"
LAST_PART = "are found by their last part alone"
LOOKED_UP = 100
"""So many photos in another folder are enough to believe that all are there."""
OTHER_FORM = "are found by another Unicode form of their letters"


def find_photos(folder: Path, names: Sequence[str]) -> tuple[list[str | None], Counter[str]]:
    """Where each of the `names` is, relative to `folder`; None: nowhere. And how many were found in which other way.

    A name may have been written on another system: with backslashes, with letters and accents as one character or two,
    or as a URL or a path of another computer whose last part is a file of the folder, unless two names share it.
    """
    inside = cache(lambda parent: _files(folder / parent))
    last_parts = Counter(last_part(name) for name in names)
    ways: Counter[str] = Counter()
    found: list[str | None] = []
    for name in names:
        parent, last = os.path.split(name)
        if inside(parent).get(last) == last or (folder / name).is_file():  # also where upper and lower case are one
            found.append(name)
            continue
        tries = [(OTHER_FORM, name), (BACKSLASH, name.replace("\\", "/"))]
        if last_parts[last_part(name)] == 1:
            tries.append((LAST_PART, last_part(name)))
        place = None
        for way, other in tries:
            parent, last = os.path.split(other)
            if entry := inside(parent).get(unicodedata.normalize("NFC", last)):
                place = os.path.join(parent, entry)  # noqa: PTH118 (half a million of them)
                ways[way] += 1
                break
        found.append(place)
    return found, ways


def hint(folder: Path, missing: Sequence[str], names: Sequence[str]) -> str:
    """What to do about photos that are not there; names: of all."""
    name = missing[0]
    suffixes = picture_suffixes()
    if not folder.is_dir() or not any(path.suffix.lower() in suffixes for path in folder.rglob("*")):
        return f"{folder} holds no pictures: is dataset.images the right folder?"
    for other in (folder.parent, *sorted(folder.parent.iterdir()), *sorted(folder.iterdir())):
        if other != folder and all((other / one).is_file() for one in names[:LOOKED_UP]):
            return f"all are in {other}: with dataset=coco, set dataset.images to that"
    if "://" in name:
        return "the names are URLs: download the photos, and let the names be those of the files"
    if len({last_part(one) for one in missing}) < len(missing):
        return "photos of several folders share a name; keep the folders, too"
    return "put them there, or delete them from the annotation file"


def last_part(name: str) -> str:
    """The file's name of a path or URL, also of one with backslashes."""
    return name.replace("\\", "/").rsplit("/", 1)[-1]


def _files(folder: Path) -> dict[str, str]:
    """The entries of a folder, by their names in Unicode's composed form and as they are."""
    try:
        entries = os.listdir(folder)  # noqa: PTH208 (names are enough)
    except OSError:
        return {}
    return {unicodedata.normalize("NFC", entry): entry for entry in entries} | {entry: entry for entry in entries}
