"""Whether there is anything to train on and to measure by: found out before the first step, in words."""

import logging
import re
from collections import Counter
from collections.abc import Iterable

from pochoir.data.dataset import SegmentationDataset
from pochoir.data.source import Remark, counted, fault_of, may_hold_objects
from pochoir.errors import DataError, bullets, number_of

log = logging.getLogger(__name__)

PURPOSES = {"train": "train on", "val": "validate on", "test": "test on"}
"""What each part is for."""
LOOKED_AT = 2000
"""Samples that are read before a part counts as one without objects."""


def require_no_faults(parts: Iterable[SegmentationDataset]) -> None:
    """Raise `DataError` with all that is known to be wrong without reading photos: counts, and the first of each kind.

    Photos that are missing, for one, and annotations that no program can read.
    """
    faults = [
        fault
        for dataset in parts
        for index in dataset.indices
        if (fault := fault_of(dataset.source, index)) is not None
    ]
    if faults:
        raise DataError("the dataset cannot be used:" + bullets(counted(faults)))


def first_with_object(dataset: SegmentationDataset, purpose: str) -> int:
    """The place in `dataset` of the first sample with an object that is no crowd.

    purpose: completes "nothing to …". Raises `DataError` that counts by reason what has become of all objects, and what
    is wrong with samples that cannot be read.
    """
    remarks: list[Remark] = []
    failures: list[str] = []
    read = objects = 0
    hopeful = [place for place, index in enumerate(dataset.indices) if may_hold_objects(dataset.source, index)]
    candidates = hopeful or range(len(dataset))
    for place in candidates[:LOOKED_AT]:
        try:
            sample = dataset.source.read(dataset.indices[place])
        except DataError as error:
            failures.append(str(error))
            continue
        if any(mask.any() for mask, crowd in zip(sample.masks, sample.crowd, strict=True) if not crowd):
            return place
        read += 1
        objects += len(sample.masks)
        remarks += sample.remarks
    looked = number_of("sample", len(dataset))
    if len(candidates) > LOOKED_AT:
        looked = f"the first {LOOKED_AT} of {looked}"
    if failures and not read:
        raise DataError(f"nothing to {purpose}: none of {looked} can be read:" + bullets(reasons(failures)))
    lines = counted(remark for remark in remarks if remark.lost) + reasons(failures)
    if not lines:
        lines = [f"{objects} objects are crowds, or empty" if objects else "there are no annotations of them"]
    raise DataError(f"nothing to {purpose}: none of {looked} holds an object:" + bullets(lines))


def tells_of_objects(test: SegmentationDataset) -> bool:
    """Whether test photos hold an object; where they do not, a warning says why, as a training can do without."""
    try:
        first_with_object(test, PURPOSES["test"])
    except DataError as error:
        log.warning("%s", error)
        return False
    return True


def reasons(failures: Iterable[str], shown: int = 5) -> list[str]:
    """A line for each kind of failure: its first message, and how many are alike but for names and numbers."""
    failures = list(failures)
    kinds = Counter(_kind(failure) for failure in failures)
    firsts = {_kind(failure): failure for failure in reversed(failures)}
    lines = [f"{count} × {firsts[kind]}" for kind, count in kinds.most_common(shown)]
    return [*lines, f"{len(kinds) - shown} more kinds"] if len(kinds) > shown else lines


def _kind(message: str) -> str:
    return re.sub(r"\S*[\d/\\]\S*", "…", message)
