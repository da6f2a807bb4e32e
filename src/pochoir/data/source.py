"""What every dataset must be able to do: name its samples and read one."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pochoir.errors import DataError, some

ONE_CLASS = ("object",)
"""The classes of whatever does not tell several apart."""


@dataclass(frozen=True)
class Remark:
    """Something about a sample that its owner should know of; remarks of one kind have equal `what` and `lost`.

    where: which object, such as "annotation 7". what: completes "3 …", "annotations are crowds". lost: the object is
    not trained on.
    """

    where: str
    what: str
    lost: bool = True


@dataclass(frozen=True)
class Sample:
    """One annotated photo as it comes from disk, before any augmentation.

    image: `[H, W, 3]` uint8 RGB.
    masks: `[N, H, W]` bool, one instance each; they may overlap; N may be 0.
    crowd: `[N]` bool, True where the mask covers a group that evaluation ignores and training leaves out.
    labels: `[N]` int64, the classes of the instances, counted from 1; None: all are 1.
    remarks: on objects that were annotated, but are not trained on, or not as they were annotated.
    """

    image: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    crowd: NDArray[np.bool_]
    labels: NDArray[np.int64] | None = None
    remarks: tuple[Remark, ...] = ()


class Source(Protocol):
    """A dataset: `names[i]` identifies a sample for people (a file name), `read(i)` loads it.

    `read` raises `DataError`, naming the file, when the sample cannot be used. A source that tells several classes
    apart has `classes`, the names of labels 1, 2, …; who needs them asks `classes_of`. A source may also have
    `fault(i)`: what makes a sample useless, as far as is known without reading its photo, as a `Remark`, or None (see
    `fault_of`); and `holds_objects(i)`: False where it is known that there is nothing to train on in a sample (see
    `may_hold_objects`).
    """

    @property
    def names(self) -> Sequence[str]: ...

    def read(self, index: int) -> Sample: ...


def fault_of(source: Source, index: int) -> Remark | None:
    """What makes a sample useless, as far as `source` knows without reading its photo; None: nothing."""
    fault = getattr(source, "fault", None)
    return fault(index) if fault else None


def may_hold_objects(source: Source, index: int) -> bool:
    """Whether there may be something to train on in a sample, as far as `source` knows without reading its photo."""
    holds = getattr(source, "holds_objects", None)
    return holds(index) if holds else True


def counted(remarks: Iterable[Remark]) -> list[str]:
    """A line for each kind of remark, with the number of objects and where the first of them are."""
    remarks = list(remarks)
    kinds = Counter((remark.what, remark.lost) for remark in remarks)
    return [
        f"{count} {what}: {some(remark.where for remark in remarks if (remark.what, remark.lost) == (what, lost))}"
        for (what, lost), count in kinds.most_common()
    ]


def classes_of(source: Source) -> tuple[str, ...]:
    """The names of the labels 1, 2, … of a source. Raises `DataError` unless they are different words."""
    classes = getattr(source, "classes", ONE_CLASS)
    if isinstance(classes, str) or not all(isinstance(name, str) and name for name in classes):
        raise DataError(
            f"{type(source).__name__}: classes are {classes!r}; give a list of names: ['balloon', 'person']"
        )
    if not classes or len(set(classes)) < len(classes):
        raise DataError(f"{type(source).__name__}: classes are {list(classes)}; give at least one, and each once")
    return tuple(classes)


def labels_of(sample: Sample, classes: Sequence[str], name: str) -> NDArray[np.int64]:
    """The labels `[N]` of a sample called `name`; raises `DataError` unless each is the number of a class."""
    if sample.labels is None:
        return np.ones(len(sample.masks), dtype=np.int64)
    labels = np.asarray(sample.labels)
    if labels.shape != (len(sample.masks),) or (len(labels) and not np.issubdtype(labels.dtype, np.integer)):
        raise DataError(
            f"{name}: labels are {labels.dtype} {list(labels.shape)}, not [{len(sample.masks)}] whole numbers"
        )
    if len(labels) and not (labels.min() >= 1 and labels.max() <= len(classes)):
        known = ", ".join(f"{number} {word}" for number, word in enumerate(classes, start=1))
        raise DataError(f"{name}: labels {np.unique(labels).tolist()} are not all numbers of classes ({known})")
    return labels.astype(np.int64)


def leads_outside(name: str) -> bool:
    """Whether a file name in an annotation file or archive leaves the folder that it is relative to; links aside."""
    path = Path(os.path.normpath(name))
    return bool(path.anchor) or path.parts[:1] == ("..",)
