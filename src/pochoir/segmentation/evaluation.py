"""COCO average precision of boxes and masks with pycocotools, the reference implementation (Lin et al. 2014)."""

import contextlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import Tensor
from torchvision.ops import box_convert

from pochoir.data.source import ONE_CLASS
from pochoir.segmentation.instances import mask_scores_of

MAX_DETECTIONS = (1, 10, 100)  # with another list pycocotools prints AP -1
MASK_THRESHOLD = 0.5
SIZES = ("small", "medium", "large")
IouType = Literal["segm", "bbox"]
"""pycocotools' words for what is compared: masks or boxes."""
RANKED: dict[IouType, tuple[str, str]] = {"segm": ("segmentation", "mask_score"), "bbox": ("bbox", "score")}
"""Of a detection, what is compared and by which of its scores it is ranked."""
STATISTICS = {"ap": 0, "ap50": 1, "ap75": 2, "ap_small": 3, "ap_medium": 4, "ap_large": 5, "ar100": 8}


@dataclass(frozen=True)
class ImageRecord:
    """All that evaluation needs of one photo, small enough to be gathered from many processes.

    size: (height, width). truth, detections: COCO annotation dictionaries without ids; masks are run-length encoded,
    and the category is the label.
    Detections have a score, by which boxes are ranked, and a mask_score, by which masks are.
    """

    image_id: int
    size: tuple[int, int]
    truth: list[dict[str, Any]]
    detections: list[dict[str, Any]]


def encode_masks(masks: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """`[N, H, W]` bool to COCO's compressed run-length encodings with `counts` as str, ready for JSON."""
    # one transposition of all masks at once: pycocotools wants columns first, [H, W, N] in Fortran's order
    columns_first = np.ascontiguousarray(masks.transpose(0, 2, 1), dtype=np.uint8)
    codes = rle.encode(columns_first.transpose(2, 1, 0))
    return [{**code, "counts": code["counts"].decode("ascii")} for code in codes]


def decode_mask(code: dict[str, Any]) -> NDArray[np.bool_]:
    """One mask of `encode_masks` back: `[H, W]` bool."""
    return rle.decode(code).astype(bool)


def decode_masks(annotations: list[dict[str, Any]], size: tuple[int, int]) -> NDArray[np.bool_]:
    """The masks of COCO annotations: `[N, *size]` bool; N may be 0."""
    decoded = [decode_mask(annotation["segmentation"]) for annotation in annotations]
    return np.stack(decoded) if decoded else np.zeros((0, *size), dtype=bool)


def coco_detections(
    boxes: Tensor, masks: NDArray[np.bool_], scores: Tensor, mask_scores: Tensor, labels: Tensor
) -> list[dict[str, Any]]:
    """`[N, 4]` xyxy, `[N, H, W]`, the scores by which each are ranked, and classes, as COCO annotations without ids."""
    columns = (xywh(boxes), scores.tolist(), mask_scores.tolist(), labels.tolist())
    return [
        {"bbox": box, "segmentation": code, "score": score, "mask_score": mask_score, "category_id": label}
        for code, box, score, mask_score, label in zip(encode_masks(masks), *columns, strict=True)
    ]


def xywh(boxes: Tensor) -> list[list[float]]:
    """COCO's boxes [x, y, width, height] of `[N, 4]` xyxy with exclusive x1 and y1."""
    return box_convert(boxes.cpu().double(), "xyxy", "xywh").tolist()


def record(target: dict[str, Any], output: dict[str, Tensor]) -> ImageRecord:
    """Encode one photo's target (see `data.targets`) and the network's output for it, both at original resolution.

    output: torchvision's dictionary: boxes `[N, 4]`, labels `[N]`, scores `[N]`, masks `[N, 1, H, W]` soft in [0, 1];
    and mask_scores `[N]`, where the network gives them.
    """
    height, width = target["masks"].shape[-2:]
    truth = [
        {"bbox": box, "segmentation": code, "area": float(area), "iscrowd": int(crowd), "category_id": label}
        for box, code, area, crowd, label in zip(
            xywh(target["boxes"]),
            encode_masks((target["masks"] != 0).cpu().numpy()),
            target["area"].tolist(),
            target["iscrowd"].tolist(),
            target["labels"].tolist(),
            strict=True,
        )
    ]
    masks = (output["masks"][:, 0] >= MASK_THRESHOLD).cpu().numpy()
    scores, labels = output["scores"], output["labels"]
    detections = coco_detections(output["boxes"], masks, scores, mask_scores_of(output), labels)
    return ImageRecord(int(target["image_id"]), (height, width), truth, detections)


def unique_records(records: Iterable[ImageRecord]) -> list[ImageRecord]:
    """One record an image, ordered by image id: distributed samplers pad with repeated images."""
    return sorted({item.image_id: item for item in records}.values(), key=lambda item: item.image_id)


@dataclass(frozen=True)
class PrecisionRecall:
    """Interpolated precision at 101 recalls, all areas and 100 detections; `score` is the threshold that gives each.

    precision, score: `[101]` in [0, 1]. Where the recall is not reached both are 0. Of several classes: their means.
    """

    recall: NDArray[np.float64]
    precision: NDArray[np.float64]
    score: NDArray[np.float64]


@dataclass(frozen=True)
class Evaluation:
    """metrics: "mask_ap", "box_ap50", ...; a size bucket without objects is absent. curves: ("mask", .5), ("mask", .75)
    and the same for "box". by_class: the same curves of each class with objects, by its name; empty for one class."""

    metrics: dict[str, float]
    curves: dict[tuple[str, float], PrecisionRecall]
    by_class: dict[str, dict[tuple[str, float], PrecisionRecall]] = field(default_factory=dict)

    def of_classes(self, classes: Sequence[str]) -> dict[str, "Evaluation"]:
        """That of each class by its name; without measures where there are no objects of it."""
        if len(classes) == 1:
            return {classes[0]: self}
        named = {name: f"/{name}" for name in classes}
        return {
            name: Evaluation(
                {key.removesuffix(end): value for key, value in self.metrics.items() if key.endswith(end)},
                self.by_class.get(name, {}),
            )
            for name, end in named.items()
        }


def evaluate(records: Iterable[ImageRecord], classes: Sequence[str] = ONE_CLASS) -> Evaluation:
    """Box and mask AP (IoU .50:.95), AP50, AP75, AP by size, AR100, and at IoU .50 the best F1 with its score
    threshold, over the photos of `records`.

    classes: names of the labels 1, 2, …. Of several, each metric is the mean over those with objects, as COCO has it,
    and AP, AP50 and AP75 are told of each, too: "mask_ap/balloon". Metrics lie in [0, 1]. Without any ground truth
    nothing can be measured and `metrics` is empty.
    """
    images = unique_records(records)
    metrics: dict[str, float] = {}
    curves: dict[tuple[str, float], PrecisionRecall] = {}
    by_class: dict[str, dict[tuple[str, float], PrecisionRecall]] = {}
    kinds: tuple[tuple[str, IouType], ...] = (("box", "bbox"), ("mask", "segm"))
    for kind, iou_type in kinds:
        evaluator = _evaluator(images, classes, iou_type, maxDets=list(MAX_DETECTIONS))
        with contextlib.redirect_stdout(io.StringIO()):
            evaluator.summarize()
        values = {f"{kind}_{name}": float(evaluator.stats[index]) for name, index in STATISTICS.items()}
        metrics.update({name: value for name, value in values.items() if value >= 0})
        measured = _measured(evaluator)
        for iou in (0.5, 0.75):
            found = [_curve(evaluator, iou, category) for category in measured]
            curves[kind, iou] = _mean_curve(found) if found else _curve(evaluator, iou, 0)
            if len(classes) > 1:
                for category, curve in zip(measured, found, strict=True):
                    by_class.setdefault(classes[category], {})[kind, iou] = curve
        if measured:
            each = [of_class[kind, 0.5] for of_class in by_class.values()] or [curves[kind, 0.5]]
            metrics[f"{kind}_f1"], metrics[f"{kind}_f1_threshold"] = best_f1(*each)
        if len(classes) > 1:
            for category in measured:
                metrics.update(_of_class(evaluator, category, kind, classes[category]))
    return Evaluation(metrics, curves, by_class)


def average_precision(
    records: Iterable[ImageRecord], classes: Sequence[str], iou_type: IouType, iou: float
) -> dict[str, float]:
    """AP in [0, 1] at one IoU, of all sizes and 100 detections, of each class with objects: by its name."""
    settings = {"maxDets": [MAX_DETECTIONS[-1]], "iouThrs": np.array([iou]), "areaRng": [[0, np.inf]]}
    evaluator = _evaluator(unique_records(records), classes, iou_type, **settings, areaRngLbl=["all"])
    precision = evaluator.eval["precision"][0, :, :, 0, 0].mean(axis=0)
    return {name: float(value) for name, value in zip(classes, precision, strict=True) if value >= 0}


def best_f1(*curves: PrecisionRecall) -> tuple[float, float]:
    """The highest F1 = 2PR / (P + R) on a curve, and the score threshold that gives it: what to show by.

    Of the curves of several classes, the highest mean of F1 by one threshold for all of them. The precision is COCO's
    interpolated one, so F1 is at most a little higher than what the threshold gives.
    """
    each = []
    for curve in curves:
        both = curve.precision + curve.recall
        each.append(np.divide(2 * curve.precision * curve.recall, both, out=np.zeros_like(both), where=both > 0))
    if len(curves) == 1:
        best = int(each[0].argmax())
        return float(each[0][best]), float(curves[0].score[best])
    thresholds = np.unique(np.concatenate([curve.score for curve in curves]))
    reached = [
        ((curve.score >= thresholds[:, None]) & (curve.precision > 0)).sum(axis=1) for curve in curves
    ]  # of the recalls, from the lowest on
    means = np.mean([np.append(0, f1)[count] for f1, count in zip(each, reached, strict=True)], axis=0)
    best = int(means.argmax())
    return float(means[best]), float(thresholds[best])


def _measured(evaluator: COCOeval) -> list[int]:
    """The categories with objects, from 0."""
    precision = evaluator.eval["precision"][:, :, :, 0, len(MAX_DETECTIONS) - 1]
    return np.flatnonzero((precision > -1).any(axis=(0, 1))).tolist()


def _of_class(evaluator: COCOeval, category: int, kind: str, name: str) -> dict[str, float]:
    """AP of one category, as pycocotools has it of all: the mean precision over recalls, and IoUs; without sizes that
    it has no objects of.
    """
    precision = evaluator.eval["precision"][:, :, category, :, len(MAX_DETECTIONS) - 1].mean(axis=1)
    ious = evaluator.params.iouThrs
    at = {"ap": slice(None), "ap50": np.isclose(ious, 0.5), "ap75": np.isclose(ious, 0.75)}
    values = {metric: float(precision[which, 0].mean()) for metric, which in at.items()}
    values |= {f"ap_{size}": float(precision[:, place].mean()) for place, size in enumerate(SIZES, start=1)}
    return {f"{kind}_{metric}/{name}": value for metric, value in values.items() if value >= 0}


def coco_dictionary(images: list[ImageRecord], classes: Sequence[str] = ONE_CLASS) -> dict[str, Any]:
    """The ground truth of `images` as the content of a COCO instance JSON."""
    annotations: list[dict[str, Any]] = []
    for image in images:
        for annotation in image.truth:
            # ids start at 1: pycocotools takes a match with id 0 for none
            annotations.append({**annotation, "id": len(annotations) + 1, "image_id": image.image_id})
    return {
        "info": {},
        "images": [{"id": image.image_id, "height": image.size[0], "width": image.size[1]} for image in images],
        "annotations": annotations,
        "categories": coco_categories(classes),
    }


def coco_categories(classes: Sequence[str]) -> list[dict[str, Any]]:
    """COCO's categories of the labels 1, 2, …."""
    return [{"id": label, "name": name} for label, name in enumerate(classes, start=1)]


def _ground_truth(images: list[ImageRecord], classes: Sequence[str]) -> COCO:
    coco = COCO()
    coco.dataset = coco_dictionary(images, classes)
    coco.createIndex()
    return coco


def _evaluator(images: list[ImageRecord], classes: Sequence[str], iou_type: IouType, **settings: Any) -> COCOeval:
    """pycocotools' evaluation, accumulated; settings: of its `Params`."""
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its progress
        coco = _ground_truth(images, classes)
        evaluator = COCOeval(coco, _detections(coco, images, iou_type), iou_type)
        vars(evaluator.params).update(settings)
        evaluator.evaluate()
        evaluator.accumulate()
    return evaluator


def _detections(coco: COCO, images: list[ImageRecord], iou_type: IouType) -> COCO:
    # with `bbox` in masks' results, pycocotools would take the box's area for the mask's and choose size buckets by it
    shape, score = RANKED[iou_type]
    results = [
        {"image_id": image.image_id, "score": detection[score]}
        | {"category_id": detection["category_id"], shape: detection[shape]}
        for image in images
        for detection in image.detections
    ]
    if results:
        return coco.loadRes(results)
    empty = COCO()  # loadRes refuses an empty list
    empty.dataset = {**coco.dataset, "annotations": []}
    empty.createIndex()
    return empty


def _mean_curve(curves: list[PrecisionRecall]) -> PrecisionRecall:
    if len(curves) == 1:
        return curves[0]
    precision, score = (np.mean([getattr(curve, name) for curve in curves], axis=0) for name in ("precision", "score"))
    return PrecisionRecall(curves[0].recall, precision, score)


def _curve(evaluator: COCOeval, iou: float, category: int) -> PrecisionRecall:
    threshold = int(np.argmin(np.abs(evaluator.params.iouThrs - iou)))
    where = (threshold, slice(None), category, 0, len(MAX_DETECTIONS) - 1)
    precision, score = evaluator.eval["precision"][where], evaluator.eval["scores"][where]
    return PrecisionRecall(np.asarray(evaluator.params.recThrs), np.clip(precision, 0, 1), np.clip(score, 0, 1))
