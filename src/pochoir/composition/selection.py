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
    one by a word, or all. Raises `DataError` that says what was asked for and lists what there is.
    """
    if not len(instances):
        raise DataError("no object was found; a lower find.score_threshold finds more, find.tiles smaller ones")
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
        raise _nothing(f"no instance {wanted}", instances)
    if rule.point is not None:
        return [_at_point(rule.point, candidates, solid, instances)]
    if rule.box is not None:
        overlaps = box_iou(torch.tensor([rule.box]), instances.boxes[candidates])[0]
        if overlaps.max() == 0:
            raise _nothing(f"region.box: {rule.box} meets no instance", instances)
        return [candidates[int(overlaps.argmax())]]
    if rule.choose == "all":
        return candidates
    ranks = _ranks(rule.choose, instances, areas)
    return [max(candidates, key=lambda index: float(ranks[index]))]


def _ranks(choose: str, instances: Instances, areas: Tensor) -> Tensor:
    """`[N]`: the instance that is meant by the word has the highest. Places are those of the middles of boxes."""
    x0, y0, x1, y1 = instances.boxes.unbind(dim=1)
    height, width = instances.masks.shape[-2:]
    match choose:
        case "best":
            return instances.scores
        case "largest":
            return areas
        case "tallest":
            return y1 - y0
        case "leftmost":
            return -(x0 + x1)
        case "rightmost":
            return x0 + x1
    return -torch.hypot((x0 + x1 - width) / 2, (y0 + y1 - height) / 2)


def _of_classes(wanted: list[str], candidates: list[int], instances: Instances) -> list[int]:
    for name in wanted:
        if name not in instances.classes:
            known = f"{suggestion(name, instances.classes)} (there is {', '.join(instances.classes)})"
            raise _nothing(f"region.classes: no class '{name}'{known}", instances)
    kept = [index for index in candidates if instances.names[index] in wanted]
    if candidates and not kept:
        raise _nothing(f"region.classes: no instance of {', '.join(wanted)}", instances)
    return kept


def _at_point(point: list[float | str], candidates: list[int], solid: Tensor, instances: Instances) -> int:
    height, width = solid.shape[-2:]
    x, y = (_pixels(value, side) for value, side in zip(point, (width, height), strict=True))
    if not (0 <= x < width and 0 <= y < height):
        raise _nothing(f"region.point: {point} lies outside the photo of {width}×{height} pixels", instances)
    hit = [index for index in candidates if solid[index, y, x]]
    if not hit:
        raise _nothing(f"region.point: {point} hits no instance", instances)
    return hit[0]  # the front one


def _pixels(value: float | str, side: int) -> int:
    """A coordinate in pixels, which may be given in per cent of a side: 100% is its last pixel."""
    return round(float(value[:-1]) / 100 * (side - 1)) if isinstance(value, str) else int(value)


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
