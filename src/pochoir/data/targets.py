"""The target contract of torchvision's detectors, made from masks and checked in one place.

A target is a dictionary with
    image_id  `[]` int64, unique within a dataset
    name      str, what people call the sample
    boxes     `[N, 4]` float32 pixels xyxy, x1 and y1 exclusive
    labels    `[N]` int64 classes, counted from 1 (0 is the background); all 1 where there is one class
    masks     `[N, H, W]` uint8 of 0 and 1
    area      `[N]` float32, pixels of the mask (not of the box)
    iscrowd   `[N]` int64, 1 for a group that evaluation ignores
N may be 0.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision import tv_tensors

from pochoir.errors import DataError

Target = dict[str, Any]
Pair = tuple[tv_tensors.Image, Target]
"""Image `[3, H, W]` float32 RGB in [0, 1] and its target."""

MIN_AREA = 16
"""Pixels below which augmentation drops what it leaves of an instance that it has cut."""
MIN_LEFT = 0.5
"""Share of an instance from which on it does not count as cut: small objects are trained on, too."""

_DTYPES = {
    "boxes": torch.float32,
    "labels": torch.int64,
    "masks": torch.uint8,
    "area": torch.float32,
    "iscrowd": torch.int64,
}


def boxes_from_masks(masks: Tensor) -> Tensor:
    """Tight boxes of non-empty masks.

    masks: `[N, H, W]`, anything non-zero belongs to the instance. Returns `[N, 4]` float32 pixels xyxy with *exclusive*
    x1 and y1, unlike `torchvision.ops.masks_to_boxes`, which is a pixel short.
    """
    height, width = masks.shape[-2:]
    if len(masks) == 0:
        return torch.zeros(0, 4)
    masks = _bytes(masks)
    columns, rows = ((masks.amax(dim=side) != 0).to(torch.uint8) for side in (-2, -1))
    x0, x1 = columns.argmax(dim=-1), width - columns.flip(-1).argmax(dim=-1)
    y0, y1 = rows.argmax(dim=-1), height - rows.flip(-1).argmax(dim=-1)
    return torch.stack([x0, y0, x1, y1], dim=-1).float()


def not_empty(masks: Tensor) -> Tensor:
    """Which of the masks `[N, H, W]` hold anything: `[N]` bool."""
    return _bytes(masks).amax(dim=(-2, -1)) != 0


def _bytes(masks: Tensor) -> Tensor:
    # torch finds the largest of bytes a hundred times as fast as whether any of bools is true
    return masks.view(torch.uint8) if masks.dtype == torch.bool else masks


def areas_of(masks: Tensor) -> Tensor:
    """Pixels of masks `[N, H, W]`, bool or uint8: `[N]` float32. torch's sum would copy them as eight bytes a pixel."""
    return torch.tensor([np.count_nonzero(mask) for mask in masks.numpy()], dtype=torch.float32)


def worth_keeping(areas: Tensor, uncut: Tensor) -> Tensor:
    """Which instances of areas `[N]` are no mere remains of those of the areas `uncut` `[N]`: `[N]` bool."""
    return (areas > 0) & (areas >= (MIN_LEFT * uncut).clamp(max=MIN_AREA))


def make_target(masks: Tensor, crowd: Tensor, image_id: int, name: str, labels: Tensor | None = None) -> Target:
    """The target of one image from its instance masks; empty masks are dropped.

    masks: `[N, H, W]` bool or uint8. crowd: `[N]` bool. labels: `[N]` int64, None: all 1. Boxes and areas are derived
    from the masks.
    """
    height, width = masks.shape[-2:]
    keep = not_empty(masks)
    labels = torch.ones(len(masks), dtype=torch.int64) if labels is None else labels
    if not keep.all():  # indexing copies, and there may be a gigabyte of them
        masks, crowd, labels = masks[keep], crowd[keep], labels[keep]
    masks = masks.view(torch.uint8) if masks.dtype == torch.bool else masks.to(torch.uint8)
    boxes = boxes_from_masks(masks)
    return {
        "image_id": torch.tensor(image_id),
        "name": name,
        "boxes": tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=(height, width)),
        "labels": labels,
        "masks": tv_tensors.Mask(masks),
        "area": areas_of(masks),
        "iscrowd": crowd.to(torch.int64),
    }


def check_target(image: Tensor, target: Target, classes: int = 1) -> None:
    """Raise `DataError`, naming the sample and all that is wrong, unless image and target keep the contract.

    classes: how many there are, background not counted.
    """
    height, width = image.shape[-2:]
    masks = target["masks"]
    count = len(masks)
    problems = []
    if image.ndim != 3 or image.shape[0] != 3 or image.dtype != torch.float32:
        problems.append(f"image is {image.dtype} {list(image.shape)}, not float32 [3, H, W]")
    elif image.numel() and not (image.min() >= 0 and image.max() <= 1):  # so that NaN is a problem, too
        problems.append(f"image values reach from {image.min():.3g} to {image.max():.3g}, outside [0, 1]")
    if masks.shape != (count, height, width):
        problems.append(f"masks are {list(masks.shape[-2:])}, the image is {[height, width]} pixels")
    for key, shape in (("boxes", (count, 4)), ("labels", (count,)), ("area", (count,)), ("iscrowd", (count,))):
        if tuple(target[key].shape) != shape:
            problems.append(f"{key} has shape {list(target[key].shape)}, not {list(shape)}")
    for key, dtype in _DTYPES.items():
        if target[key].dtype != dtype:
            problems.append(f"{key} are {target[key].dtype}, not {dtype}")
    if not problems and count:
        problems = _contradictions(target, classes)
    if problems:
        raise DataError(f"{target['name']}: " + "; ".join(problems))


def _contradictions(target: Target, classes: int) -> list[str]:
    masks = target["masks"].as_subclass(Tensor)
    problems = []
    if masks.max() > 1:
        problems.append(f"mask values reach {int(masks.max())}, not 1")
    if not not_empty(masks).all():
        problems.append("a mask is empty")
    elif not torch.equal(target["boxes"].as_subclass(Tensor), boxes_from_masks(masks)):
        problems.append("boxes are not the tight boxes of the masks")
    if not torch.equal(target["area"], areas_of(masks)):
        problems.append("area is not the masks' number of pixels")
    if not ((target["labels"] >= 1) & (target["labels"] <= classes)).all():
        allowed = "1" if classes == 1 else f"from 1 to {classes}"
        problems.append(f"labels {target['labels'].unique().tolist()} are not all {allowed}")
    if not ((target["iscrowd"] == 0) | (target["iscrowd"] == 1)).all():
        problems.append(f"iscrowd {target['iscrowd'].unique().tolist()} is neither 0 nor 1")
    return problems
