"""Which of the instances of a photo are meant."""

import torch
from torch import Tensor
from torchvision.ops import box_iou

from pochoir.config import RegionConfig
from pochoir.data.source import ONE_CLASS
from pochoir.errors import DataError, suggestion
from pochoir.segmentation.instances import Instances


def select(instances: Instances, rule: RegionConfig) -> list[int]:
    """Indices of the chosen instances, front (highest score) first.

    Small ones and those of other classes are left out, then one by a point or a box is taken, or those numbered, or
    all, the best, the largest. Raises `DataError` that says what was asked for and lists what there is.
    """
    solid = instances.masks >= rule.mask_threshold
    areas = solid.flatten(1).sum(dim=1)
    if rule.indices is not None:
        beyond = [index for index in rule.indices if index >= len(instances)]
        if beyond:
            raise _nothing(f"region.indices: there is no instance {beyond[0]}", instances)
        return sorted(set(rule.indices))
    least = rule.min_size * solid.shape[-2] * solid.shape[-1]
    candidates: list[int] = torch.nonzero((areas >= least) & (areas > 0)).flatten().tolist()
    if rule.classes is not None:
        candidates = _of_classes(rule.classes, candidates, instances)
    if not candidates:
        wanted = f"with area ≥ {rule.min_size:.1%} of the photo where mask_threshold is {rule.mask_threshold:g}"
        raise _nothing(f"no instance {wanted}" if len(instances) else "no object was found", instances)
    if rule.point is not None:
        return [_at_point(rule.point, candidates, solid, instances)]
    if rule.box is not None:
        overlaps = box_iou(torch.tensor([rule.box]), instances.boxes[candidates])[0]
        if overlaps.max() == 0:
            raise _nothing(f"region.box: {rule.box} meets no instance", instances)
        return [candidates[int(overlaps.argmax())]]
    if rule.choose == "best":
        return [max(candidates, key=lambda index: float(instances.scores[index]))]
    if rule.choose == "largest":
        return [max(candidates, key=lambda index: int(areas[index]))]
    return candidates


def _of_classes(wanted: list[str], candidates: list[int], instances: Instances) -> list[int]:
    for name in wanted:
        if name not in instances.classes:
            known = f"{suggestion(name, instances.classes)} (there is {', '.join(instances.classes)})"
            raise _nothing(f"region.classes: no class '{name}'{known}", instances)
    kept = [index for index in candidates if instances.names[index] in wanted]
    if candidates and not kept:
        raise _nothing(f"region.classes: no instance of {', '.join(wanted)}", instances)
    return kept


def _at_point(point: list[float], candidates: list[int], solid: Tensor, instances: Instances) -> int:
    height, width = solid.shape[-2:]
    x, y = int(point[0]), int(point[1])
    if not (0 <= x < width and 0 <= y < height):
        raise _nothing(f"region.point: {point} lies outside the photo of {width}×{height} pixels", instances)
    hit = [index for index in candidates if solid[index, y, x]]
    if not hit:
        raise _nothing(f"region.point: {point} hits no instance", instances)
    return hit[0]  # the front one


def described(instances: Instances) -> list[str]:
    """A line an instance: its number, its class where there are names, score, box and area in pixels."""
    areas = instances.masks.flatten(1).sum(dim=1).round().int().tolist() if len(instances) else []
    names = [f"{name}, " if instances.classes != ONE_CLASS else "" for name in instances.names]
    rows = zip(names, instances.scores.tolist(), instances.boxes.round().int().tolist(), areas, strict=True)
    return [
        f"{index}: {name}score {score:.2f}, box {x0},{y0} to {x1},{y1}, {area} pixels"
        for index, (name, score, (x0, y0, x1, y1), area) in enumerate(rows)
    ]


def _nothing(why: str, instances: Instances) -> DataError:
    found = described(instances)
    listed = "; found were\n" + "\n".join(f"  {line}" for line in found) if found else ""
    return DataError(why + listed)
