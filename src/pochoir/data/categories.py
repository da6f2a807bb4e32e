"""Categories of annotation files: those that are chosen, and the classes that are made of them."""

from collections.abc import Collection, Sequence
from pathlib import Path

from pochoir.errors import DataError, suggestion

WITHOUT_OBJECTS = "%s: without objects, and so not among the classes: %s"
"""Tells of an annotation file, and of its categories that `classes_of_categories` makes no class of."""


def require_known(wanted: Sequence[str], listed: Sequence[str], told: Path) -> None:
    """Raise `DataError` for a chosen category that is not `listed`; told: the file or folder to name."""
    if unknown := [name for name in wanted if name not in listed]:
        raise DataError(
            f"{told}: dataset.categories: no category '{unknown[0]}'{suggestion(unknown[0], listed)} "
            f"(it has {', '.join(listed) or 'none'})"
        )


def classes_of_categories(
    wanted: Sequence[str] | None, listed: Sequence[str], used: Collection[str]
) -> tuple[tuple[str, ...], list[str]]:
    """Categories that are kept apart as classes, of one name one; and those of which there is no class.

    They are in the order of the choice; of all that are `listed`, None, in that order, and then without those that no
    object is `used` of, unless there are no objects.
    """
    if wanted is not None:
        return tuple(dict.fromkeys(wanted)), []
    names = tuple(dict.fromkeys(listed))
    unused = [name for name in names if name not in used] if used else []
    return tuple(name for name in names if name not in unused), unused
