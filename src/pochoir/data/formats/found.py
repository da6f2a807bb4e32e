"""What is known of a dataset that was recognised in a folder, before it is read."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pochoir.data.mask_pictures import Void
from pochoir.data.source import Source

Parts = dict[str, Source]
"""Sources by part of the split: "train", "val" and "test", or "all" where no split is given."""


@dataclass(frozen=True)
class Choice:
    """categories: names of those to keep, None keeps all. merge: they become one class; otherwise a class each.

    The rest is what `CocoInstances` and `MaskFolder` take.
    """

    categories: Sequence[str] | None = None
    merge: bool = True
    crowds_count: bool = False
    void: Void = "auto"
    turned: bool = True


@dataclass(frozen=True)
class Found:
    """format: its name as `dataset.format` takes it. what: what was taken for what, for people. explicit: the settings
    that say the same. read: the sources; it raises `DataError`.
    """

    format: str
    what: str
    explicit: str
    read: Callable[[Choice], Parts]


def settings(kind: str, **values: object) -> str:
    """A dataset's settings as they stand on a command line."""
    return " ".join([f"dataset={kind}", *(shlex.quote(f"dataset.{key}={value}") for key, value in values.items())])
