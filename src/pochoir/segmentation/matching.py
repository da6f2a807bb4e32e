"""What a segmenter finds, invents and misses: detections matched one by one to the truth of their photo."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as rle

from pochoir.segmentation.evaluation import RANKED, ImageRecord, IouType, unique_records

MATCH_IOU = 0.5


@dataclass(frozen=True)
class Matches:
    """Of one photo: pairs of a detection and the object that it found; detections of nothing, objects not found, and
    pairs that are `confused`, of two classes.

    All are places in `ImageRecord.detections` and `ImageRecord.truth`. Crowds, and what is found in them, are left out.
    """

    pairs: list[tuple[int, int]] = field(default_factory=list)
    false: list[int] = field(default_factory=list)
    missed: list[int] = field(default_factory=list)
    confused: list[tuple[int, int]] = field(default_factory=list)

    @property
    def all_false(self) -> list[int]:
        """Detections of nothing, and of objects of another class."""
        return self.false + [place for place, _ in self.confused]

    @property
    def all_missed(self) -> list[int]:
        """Objects that were not found, or as another class."""
        return self.missed + [other for _, other in self.confused]

    @property
    def mistakes(self) -> int:
        return len(self.all_false) + len(self.all_missed)


Matched = tuple[ImageRecord, Matches]


def match(item: ImageRecord, threshold: float, iou: float = MATCH_IOU, iou_type: IouType = "segm") -> Matches:
    """Match the detections from a score of `threshold` on to the objects of a photo, the best mask first.

    As in COCO's evaluation at one IoU (Lin et al. 2014): a detection takes the free object of its class whose mask is
    most like its own, from an intersection over union of `iou` on; what is found in a crowd of its class (`iou` of its
    own area) is ignored. What then is left over of both is confused where masks are as much alike. iou_type: masks, or
    boxes, the best box first.
    """
    _, score = RANKED[iou_type]
    shown = [place for place, found in enumerate(item.detections) if found["score"] >= threshold]
    shown.sort(key=lambda place: -item.detections[place][score])
    every = overlaps(item, iou_type)
    free = [place for place, annotation in enumerate(item.truth) if not annotation["iscrowd"]]
    crowds = [place for place, annotation in enumerate(item.truth) if annotation["iscrowd"]]
    matches = Matches(missed=free)
    left = []
    for place in shown:
        overlap = every[place]
        own = [annotation["category_id"] == item.detections[place]["category_id"] for annotation in item.truth]
        if alike := [other for other in free if overlap[other] >= iou and own[other]]:
            matches.pairs.append((place, _taken(free, alike, overlap)))
        elif not any(overlap[other] >= iou and own[other] for other in crowds):
            left.append((place, overlap))
    for place, overlap in left:
        if alike := [other for other in free if overlap[other] >= iou]:
            matches.confused.append((place, _taken(free, alike, overlap)))
        else:
            matches.false.append(place)
    return matches


def _taken(free: list[int], alike: list[int], overlap: NDArray[np.float64]) -> int:
    """The one of `alike` with the largest overlap, which is free no more."""
    best = max(alike, key=lambda other: float(overlap[other]))
    free.remove(best)
    return best


def overlaps(item: ImageRecord, iou_type: IouType = "segm") -> NDArray[np.float64]:
    """IoU of a photo's detections and objects, `[detections, truth]`; of a crowd the share of the detection in it."""
    if not item.detections or not item.truth:  # pycocotools would return a list
        return np.zeros((len(item.detections), len(item.truth)))
    shape, _ = RANKED[iou_type]
    shapes = ([annotation[shape] for annotation in part] for part in (item.detections, item.truth))
    return np.asarray(rle.iou(*shapes, [bool(annotation["iscrowd"]) for annotation in item.truth]))


def match_all(records: Iterable[ImageRecord], threshold: float) -> list[Matched]:
    """Every photo once, with its matches (see `match`)."""
    return [(item, match(item, threshold)) for item in unique_records(records)]


def worst(matched: Iterable[Matched], count: int) -> list[Matched]:
    """The photos with the most mistakes, missed and false objects together, most first; those without any are left out.

    Of equally many, those come first in which less was found.
    """
    ordered = sorted(matched, key=lambda pair: (-pair[1].mistakes, len(pair[1].pairs)))
    return [pair for pair in ordered[:count] if pair[1].mistakes]


def confusion(matched: Iterable[Matched], classes: int = 1) -> NDArray[np.int64]:
    """How often an object of class i was found as one of class j: `[classes + 1, classes + 1]`.

    In the last row are detections of nothing, in the last column objects that were not found.
    """
    counts = np.zeros((classes + 1, classes + 1), dtype=np.int64)
    for item, matches in matched:
        found = [annotation["category_id"] - 1 for annotation in item.detections]
        there = [annotation["category_id"] - 1 for annotation in item.truth]
        for place, other in matches.pairs + matches.confused:
            counts[there[other], found[place]] += 1
        for place in matches.false:
            counts[classes, found[place]] += 1
        for other in matches.missed:
            counts[there[other], classes] += 1
    return counts


def counted(confused: NDArray[np.int64]) -> dict[str, float]:
    """What a confusion sums up to: true, false and missed objects; precision, recall and their harmonic mean F1.

    An object that was found as one of another class is missed, and what was found is false. Shares are 0 where there is
    nothing to share.
    """
    true = int(np.trace(confused[:-1, :-1]))
    found, there = int(confused[:, :-1].sum()), int(confused[:-1].sum())
    shares = {"precision": (true, found), "recall": (true, there), "f1": (2 * true, found + there)}
    rounded = {name: round(part / whole, 4) if whole else 0.0 for name, (part, whole) in shares.items()}
    return {"true": true, "false": found - true, "missed": there - true, **rounded}
