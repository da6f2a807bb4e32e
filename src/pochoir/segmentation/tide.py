"""Where average precision is lost: the types of errors of TIDE, and what AP gains without each (Bolya et al. 2020).

"TIDE: A General Toolbox for Identifying Object Detection Errors", ECCV 2020, https://arxiv.org/abs/2008.08115, sections
2 and 3. A detection is false that COCO's evaluation at an IoU of .5 gives no object. With its largest IoU with any
object of a class, `BACKGROUND` being .1 and `FOREGROUND` .5, it is an error of

    localisation    with its own class between .1 and .5
    classification  with another class from .5 on
    duplicate       with its own class from .5 on: the object went to another detection
    both            with another class between .1 and .5
    background      with all below .1

and objects that no detection was given are missed, unless an error of classification or of localisation is about them.
A detection that fits several is the first of these, as in the authors' program, tidecv.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from pochoir.data.source import ONE_CLASS
from pochoir.errors import DataError
from pochoir.segmentation.evaluation import (
    MAX_DETECTIONS,
    RANKED,
    ImageRecord,
    IouType,
    average_precision,
    unique_records,
)
from pochoir.segmentation.matching import match, overlaps

BACKGROUND, FOREGROUND = 0.1, 0.5
"""The paper's t_b and t_f."""
CORRECTED = {"classification": ("category_id",), "localisation": ("bbox", "segmentation")}
"""What a repaired detection takes from the object that it is about."""
SUPPRESSED = ("both", "duplicate", "background")
TYPES = (*CORRECTED, *SUPPRESSED, "missed")


@dataclass(frozen=True)
class PhotoErrors:
    """Of one photo: places in `ImageRecord.detections` by type, the surest first, and in `ImageRecord.truth`.

    about: of detections of classification and localisation, the object. unmatched: objects that no detection was given;
    missed: those of them that no such detection is about.
    """

    false: Mapping[str, list[int]]
    about: Mapping[int, int]
    unmatched: list[int]

    @property
    def missed(self) -> list[int]:
        about = set(self.about.values())
        return [other for other in self.unmatched if other not in about]


@dataclass(frozen=True)
class Lost:
    """AP in [0, 1] at an IoU of .5, the mean over classes with objects, and what it gains when errors are repaired.

    gains: dAP by type, each repaired alone; they do not add up to what is lost. false_positives: dAP without any false
    detection, false_negatives: without the objects that were not found. counts: errors by type.
    """

    ap50: float
    gains: Mapping[str, float]
    false_positives: float
    false_negatives: float
    counts: Mapping[str, int]


def tide(records: Iterable[ImageRecord], classes: Sequence[str] = ONE_CLASS, iou_type: IouType = "segm") -> Lost:
    """What each type of error costs, of masks or of boxes.

    classes: names of the labels 1, 2, …. Raises `DataError` where there are no objects.
    """
    images = [_ranked(item, iou_type) for item in unique_records(records)]
    errors = [photo_errors(item, iou_type) for item in images]
    measure = partial(average_precision, classes=classes, iou_type=iou_type, iou=FOREGROUND)
    before = measure(images)
    if not before:
        raise DataError(f"none of the {len(images)} photos holds an object: nothing to measure AP with")
    ap50 = float(np.mean(list(before.values())))

    def gain(repair: Callable[[ImageRecord, PhotoErrors], ImageRecord]) -> float:
        repaired = [repair(item, of_photo) for item, of_photo in zip(images, errors, strict=True)]
        after = measure(repaired)
        found = {classes[one["category_id"] - 1] for item in repaired for one in item.detections}
        # a class of which nothing is left to find is perfect, unless something is found
        return float(np.mean([after.get(name, float(name not in found)) for name in before])) - ap50

    return Lost(
        ap50,
        {name: gain(partial(repaired, name=name)) for name in TYPES},
        gain(lambda item, found: _without(item, detections=chain(*found.false.values()))),
        gain(lambda item, found: _without(item, truth=found.unmatched)),
        {name: sum(len(found.missed if name == "missed" else found.false[name]) for found in errors) for name in TYPES},
    )


def photo_errors(item: ImageRecord, iou_type: IouType = "segm") -> PhotoErrors:
    """The errors of a photo. What is found in a crowd of its class is none, and neither are crowds."""
    _, score = RANKED[iou_type]
    matches = match(item, 0, FOREGROUND, iou_type)
    overlap = overlaps(item, iou_type)
    objects = [place for place, annotation in enumerate(item.truth) if not annotation["iscrowd"]]
    false: dict[str, list[int]] = {name: [] for name in (*CORRECTED, *SUPPRESSED)}
    about = {}
    for place in sorted(matches.all_false, key=lambda place: -item.detections[place][score]):
        label = item.detections[place]["category_id"]
        own, own_iou = _nearest(overlap[place], [at for at in objects if item.truth[at]["category_id"] == label])
        other, other_iou = _nearest(overlap[place], [at for at in objects if item.truth[at]["category_id"] != label])
        name = _type_of(own_iou, other_iou)
        false[name].append(place)
        if name in CORRECTED:
            about[place] = own if name == "localisation" else other
    return PhotoErrors(false, about, matches.all_missed)


def _nearest(overlap: NDArray[np.float64], places: list[int]) -> tuple[int, float]:
    """The place with the largest IoU, and that; -1 and 0 without any."""
    place = max(places, key=lambda at: float(overlap[at]), default=-1)
    return place, float(overlap[place]) if places else 0.0


def _type_of(own: float, other: float) -> str:
    """The type of a false detection with these largest IoUs with objects of its own class and of others."""
    if BACKGROUND <= own < FOREGROUND:
        return "localisation"
    if other >= FOREGROUND:
        return "classification"
    if own >= FOREGROUND:
        return "duplicate"
    return "both" if other >= BACKGROUND else "background"


def repaired(item: ImageRecord, errors: PhotoErrors, name: str) -> ImageRecord:
    """A photo without errors of one type, as the paper's oracles repair them.

    Of classification and localisation the surest detection of each object becomes true; others of the same object, and
    those of one that is found already, would be duplicates, and are left out. So are errors of both, duplicates, and
    background; missed objects are not asked for any more.
    """
    if name == "missed":
        return _without(item, truth=errors.missed)
    if name in SUPPRESSED:
        return _without(item, detections=errors.false[name])
    free, detections, superfluous = set(errors.unmatched), list(item.detections), []
    for place in errors.false[name]:
        if errors.about[place] in free:
            free.remove(errors.about[place])
            truth = item.truth[errors.about[place]]
            detections[place] = {**detections[place], **{key: truth[key] for key in CORRECTED[name]}}
        else:
            superfluous.append(place)
    return _without(replace(item, detections=detections), detections=superfluous)


def _without(item: ImageRecord, *, detections: Iterable[int] = (), truth: Iterable[int] = ()) -> ImageRecord:
    """A photo without the detections and objects at these places."""
    left_out, gone = set(detections), set(truth)
    return replace(
        item,
        detections=[one for place, one in enumerate(item.detections) if place not in left_out],
        truth=[one for place, one in enumerate(item.truth) if place not in gone],
    )


def _ranked(item: ImageRecord, iou_type: IouType) -> ImageRecord:
    """The detections that COCO's evaluation looks at, of each class the first hundred, the surest first."""
    _, score = RANKED[iou_type]
    seen: dict[int, int] = {}
    kept = []
    for one in sorted(item.detections, key=lambda one: -one[score]):
        seen[one["category_id"]] = seen.get(one["category_id"], 0) + 1
        if seen[one["category_id"]] <= MAX_DETECTIONS[-1]:
            kept.append(one)
    return replace(item, detections=kept)
