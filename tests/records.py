"""Records of photos for the tests of what is found in them: rectangles on 40 × 60 pixels."""

from typing import Any

import numpy as np

from pochoir.segmentation.evaluation import ImageRecord, encode_masks

Box = tuple[int, int, int, int]


def annotations_of(boxes: list[Box]) -> list[dict[str, Any]]:
    """Mask, box and area of x0, y0, x1, y1 in a photo of 40 × 60 pixels."""
    masks = np.zeros((len(boxes), 40, 60), dtype=bool)
    for mask, (x0, y0, x1, y1) in zip(masks, boxes, strict=True):
        mask[y0:y1, x0:x1] = True
    return [
        {"segmentation": code, "bbox": [x0, y0, x1 - x0, y1 - y0], "area": float((x1 - x0) * (y1 - y0))}
        for code, (x0, y0, x1, y1) in zip(encode_masks(masks), boxes, strict=True)
    ]


def photo(
    truth: list[tuple[Box, int, bool]], found: list[tuple[Box, int, float, float]], image_id: int = 1
) -> ImageRecord:
    """truth: box, class, crowd. found: box, class, score, mask score."""
    there = [
        {**annotation, "category_id": label, "iscrowd": int(crowd)}
        for annotation, (_, label, crowd) in zip(annotations_of([box for box, *_ in truth]), truth, strict=True)
    ]
    detections = [
        {**annotation, "category_id": label, "score": score, "mask_score": mask_score}
        for annotation, (_, label, score, mask_score) in zip(
            annotations_of([box for box, *_ in found]), found, strict=True
        )
    ]
    return ImageRecord(image_id, (40, 60), there, detections)
