"""What became of every object: found, found poorly or missed; by its size, by the photo's frame, by its neighbours."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as rle
from pycocotools.cocoeval import Params

from pochoir.data.source import ONE_CLASS
from pochoir.segmentation.evaluation import RANKED, SIZES, ImageRecord, average_precision, unique_records
from pochoir.segmentation.matching import MATCH_IOU, match, overlaps
from pochoir.segmentation.tide import photo_errors

FRAME = 1
"""Pixels from the photo's frame within which an object is taken to go on beyond it."""
CROWDED = 0.1
"""IoU of boxes from which on objects are in each other's way."""


@dataclass(frozen=True)
class Outcome:
    """What became of an object, crowds left out.

    image_id: of its photo. place: in `ImageRecord.truth`. area: pixels of the mask. truncated: it touches the photo's
    frame. crowding: highest IoU of its box with that of another object of the photo. By masks at an IoU of .5 it was
    found, with the score by which boxes are ranked; poor: a detection is about it, with too small an IoU or as another
    class (see `tide`); or missed. mask_iou, box_iou: of the detection that found it by boxes; None without one.
    """

    image_id: int
    place: int
    label: int
    area: float
    truncated: bool
    crowding: float
    outcome: Literal["found", "poor", "missed"]
    score: float | None
    mask_iou: float | None
    box_iou: float | None

    @property
    def size(self) -> str:
        """small, medium or large, as COCO has it."""
        return SIZES[int(np.searchsorted([high for _, high in Params("segm").areaRng[1:-1]], self.area))]


GROUPS: Mapping[str, Callable[[Outcome], bool]] = {
    "all": lambda _: True,
    "small": lambda one: one.size == "small",
    "medium": lambda one: one.size == "medium",
    "large": lambda one: one.size == "large",
    "truncated": lambda one: one.truncated,
    "whole": lambda one: not one.truncated,
    "crowded": lambda one: one.crowding >= CROWDED,
    "apart": lambda one: one.crowding < CROWDED,
}


@dataclass(frozen=True)
class Share:
    """Of a group of objects: how many, which shares in [0, 1] came out how, and mean IoUs; see `Outcome`.

    shown: found with a score from a threshold on. boxed: found by boxes. mask_iou, box_iou: means of those; None
    without any.
    """

    objects: int
    found: float
    poor: float
    missed: float
    shown: float
    boxed: float
    mask_iou: float | None
    box_iou: float | None


def outcomes(records: Iterable[ImageRecord]) -> list[Outcome]:
    """Every object of the photos."""
    return [one for item in unique_records(records) for one in _of_photo(item)]


def shares(of_objects: Sequence[Outcome], threshold: float) -> dict[str, Share]:
    """By group, those without objects left out. threshold: of the scores that are `shown`."""
    groups = {name: [one for one in of_objects if belongs(one)] for name, belongs in GROUPS.items()}
    return {name: _share(group, threshold) for name, group in groups.items() if group}


def gain_of_masks(records: Iterable[ImageRecord], classes: Sequence[str] = ONE_CLASS) -> dict[str, float]:
    """How much AP50 and AP75 of masks gain where each detection whose box found an object has that object's mask."""
    images = unique_records(records)
    perfect = [_with_true_masks(item) for item in images]
    measures = {"ap50": 0.5, "ap75": 0.75}
    before, after = (
        {name: average_precision(part, classes, "segm", iou).values() for name, iou in measures.items()}
        for part in (images, perfect)
    )
    return {name: float(np.mean([*after[name]]) - np.mean([*before[name]])) for name in measures}


def _with_true_masks(item: ImageRecord) -> ImageRecord:
    detections = list(item.detections)
    for place, other in match(item, 0, MATCH_IOU, "bbox").pairs:
        detections[place] = {**detections[place], "segmentation": item.truth[other]["segmentation"]}
    return replace(item, detections=detections)


def _of_photo(item: ImageRecord) -> Iterable[Outcome]:
    by_mask, by_box = ({at: place for place, at in match(item, 0, MATCH_IOU, kind).pairs} for kind in RANKED)
    mask_iou, box_iou = overlaps(item, "segm"), overlaps(item, "bbox")
    missed = set(photo_errors(item).missed)
    objects = [place for place, annotation in enumerate(item.truth) if not annotation["iscrowd"]]
    for place, crowding in zip(objects, _crowding([item.truth[place]["bbox"] for place in objects]), strict=True):
        truth, found, boxed = item.truth[place], by_mask.get(place), by_box.get(place)
        yield Outcome(
            item.image_id,
            place,
            label=truth["category_id"],
            area=truth["area"],
            truncated=_touches_frame(truth["bbox"], item.size),
            crowding=float(crowding),
            outcome="found" if found is not None else "missed" if place in missed else "poor",
            score=None if found is None else item.detections[found]["score"],
            mask_iou=None if boxed is None else float(mask_iou[boxed, place]),
            box_iou=None if boxed is None else float(box_iou[boxed, place]),
        )


def _touches_frame(box: Sequence[float], size: tuple[int, int]) -> bool:
    """box: x, y, width, height. size: the photo's height and width."""
    x, y, width, height = box
    return min(x, y, size[1] - x - width, size[0] - y - height) <= FRAME


def _crowding(boxes: list[list[float]]) -> NDArray[np.float64]:
    """Of each of N boxes x, y, width, height the highest IoU with another: `[N]`."""
    if len(boxes) < 2:
        return np.zeros(len(boxes))
    overlap = np.asarray(rle.iou(boxes, boxes, [False] * len(boxes)))
    np.fill_diagonal(overlap, 0)
    return overlap.max(axis=1)


def _share(group: Sequence[Outcome], threshold: float) -> Share:
    boxed = [one for one in group if one.box_iou is not None]
    of = {name: float(np.mean([one.outcome == name for one in group])) for name in ("found", "poor", "missed")}
    return Share(
        len(group),
        **of,
        shown=float(np.mean([one.score is not None and one.score >= threshold for one in group])),
        boxed=len(boxed) / len(group),
        mask_iou=_mean([one.mask_iou for one in boxed]),
        box_iou=_mean([one.box_iou for one in boxed]),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
