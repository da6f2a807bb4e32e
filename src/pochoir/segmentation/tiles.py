"""Small objects of large photos: looking at overlapping tiles beside the whole, and joining what was seen.

After slicing aided inference (SAHI, Akyon et al. 2022). Masks stay cells over boxes until all is joined.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.ops import box_area, box_iou

from pochoir.segmentation.pasting import Size

SMALLEST = 64
"""Pixels of a tile's side: the smallest input that networks may have."""
OVERLAP = 0.2
"""Least share of a tile that the next one sees, too: smaller objects are whole in one of them."""
BORDER = 0.02
"""Share of a tile's side within which of its border a box is taken to be cut off by it."""
SAME = 0.5
"""Of whole objects the IoU of boxes, of parts the share of the smaller mask, from which on both are one object."""
GRID = 28
"""Points a side at which the masks of two parts are compared."""


class Tile(NamedTuple):
    """Rows top to bottom and columns left to right of a photo, in pixels; bottom and right are exclusive."""

    top: int
    left: int
    bottom: int
    right: int


class Seen(NamedTuple):
    """K detections of all tiles in the photo's pixels; see `detections.detect`. cut: `[K]` bool, see `cut_off`."""

    boxes: Tensor
    labels: Tensor
    scores: Tensor
    mask_scores: Tensor
    masks: Tensor
    cut: Tensor


def tiles_of(size: Size, side: int) -> list[Tile]:
    """Square tiles that cover a photo of (height, width) evenly, row by row; none where one would hold it all."""
    (tops, height), (lefts, width) = (_starts(length, side) for length in size)
    tiles = [Tile(top, left, top + height, left + width) for top in tops for left in lefts]
    return tiles if len(tiles) > 1 else []


def _starts(length: int, side: int) -> tuple[list[int], int]:
    """Where tiles begin along a side of the photo, and how long they are there."""
    if length <= side:
        return [0], length
    count = math.ceil((length - OVERLAP * side) / (side - OVERLAP * side))
    return [round(index * (length - side) / (count - 1)) for index in range(count)], side


def cut_off(boxes: Tensor, tile: Tile, size: Size) -> Tensor:
    """Which boxes `[N, 4]`, in the photo's pixels, end where their tile does, but the photo does not: `[N]` bool."""
    near = BORDER * max(tile.bottom - tile.top, tile.right - tile.left)
    x0, y0, x1, y1 = boxes.unbind(1)
    sides = (
        (tile.left > 0, x0 - tile.left),
        (tile.top > 0, y0 - tile.top),
        (tile.right < size[1], tile.right - x1),
        (tile.bottom < size[0], tile.bottom - y1),
    )
    return torch.stack([(distance <= near) & inner for inner, distance in sides]).any(dim=0)


def seen(views: Iterable[tuple[Tile, dict[str, Tensor]]], size: Size) -> Seen:
    """Detections in the pixels of their tiles as those of the photo of (height, width)."""
    columns = []
    for tile, found in views:
        boxes = found["boxes"] + torch.tensor([tile.left, tile.top, tile.left, tile.top])
        others = (found[name] for name in ("labels", "scores", "mask_scores", "masks"))
        columns.append((boxes, *others, cut_off(boxes, tile, size)))
    return Seen(*(torch.cat(column) for column in zip(*columns, strict=True)))


def joined(found: Seen) -> list[list[int]]:
    """The objects, each by indices of the detections that its mask is made of, the best first.

    From the best score down, whole ones first: of two whole ones of a label whose boxes agree the better one stays, as
    within a tile; parts of it that tiles cut off go, whatever their scores. Parts that lie in no whole one are put
    together with those that they overlap with.
    """
    areas = (found.masks >= 0.5).flatten(1).float().mean(dim=1) * box_area(found.boxes)
    order = sorted(range(len(found.cut)), key=lambda index: (bool(found.cut[index]), -float(found.scores[index])))
    free = torch.ones(len(order), dtype=torch.bool)
    objects = []
    for index in order:
        if not free[index]:
            continue
        free[index] = False
        parts = [index]
        for part in parts:  # which grow meanwhile: one leads to the next
            same = _same(found, areas, part, free)
            free[same] = False
            if found.cut[index]:
                parts += same
        objects.append(parts)
    return objects


def _same(found: Seen, areas: Tensor, one: int, free: Tensor) -> list[int]:
    """Those that are free, and the same object as this one."""
    mine = found.boxes[one]
    low, high = torch.maximum(found.boxes[:, :2], mine[:2]), torch.minimum(found.boxes[:, 2:], mine[2:])
    (near,) = (free & (found.labels == found.labels[one]) & (low < high).all(dim=1)).nonzero(as_tuple=True)
    if found.cut[one]:
        whole, parts = near[:0], near
    else:
        whole, parts = near[~found.cut[near]], near[found.cut[near]]
    agree = whole[box_iou(mine[None], found.boxes[whole])[0] >= SAME]
    common = torch.cat([low, high], dim=1)[parts]
    inside = _held(found.masks[one].expand(len(parts), -1, -1), mine.expand(len(parts), -1), common)
    both = (inside & _held(found.masks[parts], found.boxes[parts], common)).flatten(1).float().mean(dim=1)
    shares = both * box_area(common) / torch.minimum(areas[parts], areas[one]).clamp(min=1e-6)
    return [*agree.tolist(), *parts[shares >= SAME].tolist()]


def _held(masks: Tensor, boxes: Tensor, windows: Tensor) -> Tensor:
    """Which of `GRID` × `GRID` points of a window masks hold: `[N, GRID, GRID]` bool of cells `[N, M, M]` over boxes
    `[N, 4]`, windows `[N, 4]` within them."""
    points = (torch.arange(GRID) + 0.5) / GRID
    x, y = (
        (windows[:, axis, None] + points * (windows[:, axis + 2] - windows[:, axis])[:, None] - boxes[:, axis, None])
        / (boxes[:, axis + 2] - boxes[:, axis]).clamp(min=1e-6)[:, None]
        for axis in (0, 1)
    )
    places = torch.stack([x[:, None].expand(-1, GRID, -1), y[:, :, None].expand(-1, -1, GRID)], dim=-1) * 2 - 1
    return functional.grid_sample(masks[:, None], places, padding_mode="border", align_corners=False)[:, 0] >= 0.5
