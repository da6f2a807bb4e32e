"""A COCO instance JSON as a few arrays: a million annotations start quickly, and all loading processes share them."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pochoir.data.categories import require_known
from pochoir.errors import DataError, some, suggested_file

Key = int | str
CROWD = {None: False, 0: False, 1: True, "0": False, "1": True}
"""What `iscrowd` may be; 0.0 and false are 0 to a dictionary."""


@dataclass(frozen=True)
class CocoJson:
    """P photos sorted by name, and A annotations of the chosen categories, those of a photo one after the other.

    names: file names as they are written. sizes: `[P, 2]` height and width, 0 where the file does not tell. categories:
    names of all categories. first: `[P + 1]`, the annotations of photo p are `first[p]` to `first[p + 1]`. ids,
    category (a place in `categories`), crowd: `[A]`. text: `[…]` uint8, the file; a tensor, because processes share
    tensors. spans: `[A, 2]` start and end of each segmentation in it; an empty one where an annotation has none.
    """

    names: list[str]
    sizes: NDArray[np.int64]
    categories: list[str]
    first: NDArray[np.int64]
    ids: NDArray[Any]
    category: NDArray[np.int32]
    crowd: NDArray[np.bool_]
    text: Tensor
    spans: NDArray[np.int64]

    def of(self, photo: int) -> range:
        """Places of a photo's annotations."""
        return range(int(self.first[photo]), int(self.first[photo + 1]))

    @property
    def without_outline(self) -> NDArray[np.bool_]:
        """`[A]`, which have no segmentation, or one that is too short to be any."""
        return self.spans[:, 1] - self.spans[:, 0] <= len("[[]]")

    def segmentation(self, place: int) -> bytes:
        """The JSON of an annotation's segmentation."""
        start, end = self.spans[place].tolist()
        return self.text[start:end].numpy().tobytes() or b"null"


class _Image(msgspec.Struct, gc=False):
    id: Any = msgspec.UNSET
    file_name: Any = msgspec.UNSET
    width: Any = None
    height: Any = None


class _Annotation(msgspec.Struct, gc=False):
    id: Any = None
    image_id: Any = msgspec.UNSET
    category_id: Any = msgspec.UNSET
    iscrowd: Any = 0
    segmentation: msgspec.Raw = msgspec.Raw(b"null")  # where it stands in the file: not copied, not parsed


class _Category(msgspec.Struct, gc=False):
    id: Any = msgspec.UNSET
    name: Any = msgspec.UNSET


class _File(msgspec.Struct):
    images: list[_Image] | msgspec.UnsetType = msgspec.UNSET
    annotations: list[_Annotation] | msgspec.UnsetType = msgspec.UNSET
    categories: list[_Category] | msgspec.UnsetType = msgspec.UNSET


def read_coco(path: Path, categories: Sequence[str] | None) -> CocoJson:
    """Read the file; categories: names of those whose annotations are kept, None keeps all.

    Ids and numbers may be written as text, and whole numbers with a point. Raises `DataError` that counts what is wrong
    and names the first of it.
    """
    content, images, annotations, listed = _lists(path)
    text = np.frombuffer(content, dtype=np.uint8)
    positions = _unique([_key(image.id) for image in images], "images", path)
    names = [str(image.file_name) for image in images]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        what = "image is" if len(twice) == 1 else "images are"
        raise DataError(f"{path}: {len(twice)} {what} listed twice: {some(twice)}; keep one entry of each")
    sizes = np.array([[_size(side) for side in (image.height, image.width)] for image in images], dtype=np.int64)
    order = sorted(range(len(names)), key=names.__getitem__)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    numbers = _unique([_key(category.id) for category in listed], "categories", path)
    category_names = [str(category.name) for category in listed]
    photo_of = _references(annotations, "image_id", positions, "images", path)
    category = _references(annotations, "category_id", numbers, "categories", path)
    crowd = _crowds(annotations, path)
    kept = _kept(category, category_names, categories, path)
    by_photo = rank[photo_of[kept]]
    kept = kept[np.argsort(by_photo, kind="stable")]
    spans = chain.from_iterable(_span(annotations[place].segmentation, text) for place in kept.tolist())
    return CocoJson(
        names=[names[place] for place in order],
        sizes=sizes.reshape(-1, 2)[order],
        categories=category_names,
        first=np.searchsorted(np.sort(by_photo), np.arange(len(names) + 1)),
        ids=np.array([_key(annotations[place].id) for place in kept.tolist()]),
        category=category[kept].astype(np.int32),
        crowd=crowd[kept],
        text=torch.from_numpy(text),
        spans=np.fromiter(spans, np.int64, 2 * len(kept)).reshape(-1, 2),
    )


def _span(raw: msgspec.Raw, text: NDArray[np.uint8]) -> tuple[int, int]:
    """Where a part of a text stands in it; (0, 0) for what is no part of it."""
    part = np.frombuffer(raw, dtype=np.uint8)
    start = part.__array_interface__["data"][0] - text.__array_interface__["data"][0]
    return (start, start + len(part)) if 0 <= start < len(text) else (0, 0)


def _lists(path: Path) -> tuple[bytearray, list[_Image], list[_Annotation], list[_Category]]:
    try:
        content = bytearray(path.stat().st_size)  # not bytes: torch wants memory that may be written to
        with path.open("rb") as opened:
            opened.readinto(content)
        try:
            file = msgspec.json.decode(content, type=_File)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:  # NaN, which Python's json writes, a byte order mark, UTF-16 …
            content = bytearray(json.dumps(json.loads(content, parse_constant=lambda _: None)).encode())
            file = msgspec.json.decode(content, type=_File)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file{suggested_file(path)}") from None
    except msgspec.ValidationError as error:
        raise DataError(f"{path}: is no COCO instance JSON ({error})") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as JSON ({error})") from None
    lists: dict[str, Any] = {key: getattr(file, key) for key in ("images", "annotations", "categories")}
    if missing := [key for key, entries in lists.items() if entries is msgspec.UNSET]:
        raise DataError(f"{path}: is no COCO instance JSON; missing lists: {', '.join(missing)}")
    for key, fields in (
        ("images", ("id", "file_name")),
        ("annotations", ("image_id", "category_id")),
        ("categories", ("id", "name")),
    ):
        for field in fields:
            absent = [number for number, entry in enumerate(lists[key]) if getattr(entry, field) is msgspec.UNSET]
            if absent:
                told = some(f"{key}[{number}]" for number in absent)
                raise DataError(f"{path}: {len(absent)} of {len(lists[key])} {key} have no {field}: {told}")
    return content, lists["images"], lists["annotations"], lists["categories"]


def whole(value: Any) -> int | None:
    """A whole number, however it is written: 7, 7.0, "7", "7.0"; None for anything else."""
    if isinstance(value, str):
        try:
            value = float(value) if "." in value else int(value)
        except ValueError:
            return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _key(value: Any) -> Key:
    """An id that is equal whether it is written 7, 7.0 or "7"; "07" stays another one."""
    if type(value) is int:
        return value
    number = whole(value)
    return number if number is not None and (not isinstance(value, str) or str(number) == value) else str(value)


def _size(value: Any) -> int:
    """A side in pixels; 0 where the file does not tell: then the photo does."""
    return max(0, whole(value) or 0)


def _unique(keys: list[Key], what: str, path: Path) -> dict[Key, int]:
    places = {key: place for place, key in enumerate(keys)}
    if len(places) < len(keys):
        twice = [key for key, count in Counter(keys).items() if count > 1]
        raise DataError(f"{path}: two {what} have the same id: {some(twice)}")
    return places


def _references(
    annotations: list[_Annotation], field: str, places: dict[Key, int], what: str, path: Path
) -> NDArray[np.int64]:
    """The place of what each annotation names."""
    found = np.fromiter(
        (places.get(_key(getattr(annotation, field)), -1) for annotation in annotations), np.int64, len(annotations)
    )
    if (lost := np.flatnonzero(found < 0)).size:
        told = some(f"annotation {annotations[at].id} of {getattr(annotations[at], field)}" for at in lost)
        raise DataError(
            f"{path}: {len(lost)} of {len(annotations)} annotations are of {what} that are not listed: {told}; list "
            "these in the file, or delete the annotations"
        )
    return found


def _crowds(annotations: list[_Annotation], path: Path) -> NDArray[np.bool_]:
    flags = [None if isinstance(item.iscrowd, list | dict) else CROWD.get(item.iscrowd) for item in annotations]
    if odd := [item for item, flag in zip(annotations, flags, strict=True) if flag is None]:
        told = some(f"{item.iscrowd!r} of annotation {item.id}" for item in odd)
        raise DataError(f"{path}: iscrowd is 0 or 1; {len(odd)} annotations have another: {told}")
    return np.array(flags, dtype=bool)


def _kept(category: NDArray[np.int64], names: list[str], wanted: Sequence[str] | None, path: Path) -> NDArray[np.int64]:
    """Places of the annotations of the chosen categories."""
    if wanted is None:
        return np.arange(len(category))
    require_known(wanted, sorted(set(names)), path)
    chosen = [place for place, name in enumerate(names) if name in wanted]
    kept = np.flatnonzero(np.isin(category, chosen))
    if len(category) and not len(kept):
        counts = Counter(names[place] for place in category.tolist())
        told = some(f"{name} {count}" for name, count in counts.most_common())
        raise DataError(
            f"{path}: dataset.categories: none of the {len(category)} annotations is of {', '.join(wanted)}; there are "
            f"{told} (a tool's own root category, such as Roboflow's, holds none)"
        )
    return kept
