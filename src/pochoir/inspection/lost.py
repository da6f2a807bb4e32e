"""Where a segmenter loses AP: tables of errors and of objects, for the terminal and the log, and as CSV."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from pochoir.data.source import ONE_CLASS
from pochoir.files import csv_text, write_bytes
from pochoir.segmentation.evaluation import ImageRecord
from pochoir.segmentation.outcomes import Outcome, Share, gain_of_masks, outcomes, shares
from pochoir.segmentation.tide import TYPES, Lost, tide

SUMS = {"false_positives": "all false", "false_negatives": "all not found"}
"""What is repaired as a whole, and what it is called in the table."""
SHARES = ("found", "poor", "missed", "shown", "boxed", "mask_iou", "box_iou")
TOLD = tuple(field.name for field in fields(Outcome)[3:])
"""Of an object, what stands in the CSV as it is."""

log = logging.getLogger(__name__)


def show_lost(
    records: Sequence[ImageRecord],
    names: Sequence[str],
    folder: Path,
    *,
    threshold: float,
    classes: Sequence[str] = ONE_CLASS,
) -> dict[str, Any]:
    """Write errors.csv and objects.csv to a folder and log their tables; returns what metrics.json holds of them.

    names: of the photos with the image ids 1, 2, … threshold: of the scores from which on an object counts as shown.
    Returned are "lost", what AP50 gains by the repair of each type of error, of masks and of boxes (see `tide`), and AP
    by that of masks in boxes that found an object (see `gain_of_masks`); and "found", the shares of objects that masks
    found, by group (see `outcomes`). Raises `DataError` without objects.
    """
    lost = {"mask": tide(records, classes, "segm"), "box": tide(records, classes, "bbox")}
    of_objects = outcomes(records)
    by_group = shares(of_objects, threshold)
    perfect = {name: round(gain, 4) for name, gain in gain_of_masks(records, classes).items()}
    write_bytes(folder / "errors.csv", errors_csv(lost).encode())
    write_bytes(folder / "objects.csv", objects_csv(of_objects, names, classes).encode())
    log_lost(lost)
    log.info("With perfect masks in boxes that found an object, masks gain %(ap50).3f AP50, %(ap75).3f AP75", perfect)
    log_shares(by_group, threshold)
    return {
        "lost": {kind: gains(of) for kind, of in lost.items()} | {"masks_in_boxes": perfect},
        "found": {group: round(share.found, 4) for group, share in by_group.items()},
    }


def gains(lost: Lost) -> dict[str, float]:
    """What AP50 gains without each type of error, without false detections, without objects that were not found."""
    of_all = {name: getattr(lost, name) for name in SUMS}
    return {name: round(gain, 4) for name, gain in {**lost.gains, **of_all}.items()}


def log_lost(lost: Mapping[str, Lost]) -> None:
    """A line for each type of error: what AP50 gains without it, and how many there are; lost: by "mask" and "box"."""
    log.info("What AP50 gains without one type of error (TIDE), and how many there are")
    log.info("%-14s%s", "", "".join(f"{kind:>10}{'errors':>10}" for kind in lost))
    for name in (*TYPES, *SUMS):
        cells = "".join(f"{gains(of)[name]:>10.3f}{of.counts.get(name, ''):>10}" for of in lost.values())
        log.info("%s", f"{SUMS.get(name, name):14}{cells}".rstrip())


def log_shares(by_group: Mapping[str, Share], threshold: float) -> None:
    """A line for each group of objects: how many, shares of them, and mean IoUs of those that boxes found."""
    log.info("Objects: what masks found (shown: from a score of %g on), and what boxes did, with IoUs", threshold)
    log.info("%-14s%s", "", "".join(f"{name:>10}" for name in ("objects", *SHARES)))
    for group, share in by_group.items():
        values = [getattr(share, name) for name in SHARES]
        cells = "".join(f"{'' if value is None else f'{value:.3f}':>10}" for value in values)
        log.info("%s", f"{group:14}{share.objects:>10}{cells}".rstrip())


def errors_csv(lost: Mapping[str, Lost]) -> str:
    """A row for each type of error of masks and of boxes."""
    rows = [
        [kind, name, gain, of.counts.get(name, "")] for kind, of in lost.items() for name, gain in gains(of).items()
    ]
    return csv_text([["of", "error", "ap50_gain", "count"], *rows])


def objects_csv(of_objects: Sequence[Outcome], names: Sequence[str], classes: Sequence[str] = ONE_CLASS) -> str:
    """A row for each object; names: of the photos with the image ids 1, 2, …"""

    def row(one: Outcome) -> list[object]:
        values = (getattr(one, name) for name in TOLD)
        rounded = [round(value, 4) if isinstance(value, float) else value for value in values]
        return [names[one.image_id - 1], one.place + 1, classes[one.label - 1], one.size, *rounded]

    return csv_text([["photo", "object", "class", "size", *TOLD], *map(row, of_objects)])
