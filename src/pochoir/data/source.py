"""What every dataset must be able to do: name its samples and read one."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pochoir.errors import some


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
    remarks: on objects that were annotated, but are not trained on, or not as they were annotated.
    """

    image: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    crowd: NDArray[np.bool_]
    remarks: tuple[Remark, ...] = ()


class Source(Protocol):
    """A dataset: `names[i]` identifies a sample for people (a file name), `read(i)` loads it.

    `read` raises `DataError`, naming the file, when the sample cannot be used. A source may also have `fault(i)`: what
    makes a sample useless, as far as is known without reading its photo, as a `Remark`, or None (see `fault_of`); and
    `holds_objects(i)`: False where it is known that there is nothing to train on in a sample (see `may_hold_objects`).
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


def leads_outside(name: str) -> bool:
    """Whether a file name in an annotation file or archive leaves the folder that it is relative to; links aside."""
    path = Path(os.path.normpath(name))
    return bool(path.anchor) or path.parts[:1] == ("..",)
