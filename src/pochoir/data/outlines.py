"""COCO's segmentations: read, bounded before pycocotools sees them, and rasterised."""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as rle

REACH = 10
"""A point may lie so many of the photo's longer sides away from it; pycocotools walks along every edge."""
STEPS = 2_000_000
"""Pixels that an outline's edges may be long; pycocotools takes some 80 bytes for each."""

NO_OUTLINE = "annotations have no outline (a box does not tell what to cut out): export polygons or masks"
FRACTIONS = "annotations have coordinates between 0 and 1: multiply them by the photo's width and height, to pixels"
OUTSIDE = "annotations lie outside their photo (negative coordinates, or those of another size?)"
NO_PIXEL = "annotations are so small or flat that they cover no pixel's centre"
SHORT = "annotations have a polygon of fewer than three points beside good ones, which is left out"

Polygons = list[NDArray[np.float64]]
Outline = Polygons | dict[str, Any]
"""Polygons `[2k]` x, y, x, y, … in pixels, or COCO's run lengths."""


def read_outline(text: bytes) -> tuple[Outline, bool]:
    """The `segmentation` of an annotation, and whether a polygon of fewer than three points was left out of it.

    text: JSON. Besides what COCO writes, a single polygon may come without the list around it, points as pairs, and
    numbers as text; null and empty lists are an empty list. Raises `ValueError` that says what is wrong.
    """
    value = msgspec.json.decode(text)
    if isinstance(value, dict):
        return _runs(value), False
    if value is None:
        return [], False
    if not isinstance(value, list):
        raise ValueError(f"a segmentation is a list of polygons or run lengths, not {type(value).__name__}")
    if value and not any(isinstance(item, list | dict) for item in value):
        value = [value]
    elif len(value) > 2 and all(isinstance(item, list) and len(item) == 2 for item in value):
        value = [value]  # points as pairs: as polygons, not one of them would be good
    polygons = [_polygon(item) for item in value if item != []]
    good = [polygon for polygon in polygons if len(polygon) >= 6]
    if polygons and not good:
        box = "; are they x, y, width and height of a box?" if {len(polygon) for polygon in polygons} == {4} else ""
        raise ValueError(f"a polygon has three points at least, this one {len(polygons[0])} numbers{box}")
    return good, len(good) < len(polygons)


def _polygon(values: Any) -> NDArray[np.float64]:
    try:
        polygon = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError("a polygon is a list of numbers x, y, x, y, …") from None
    if polygon.ndim == 2 and polygon.shape[1] == 2:
        polygon = polygon.reshape(-1)
    if polygon.ndim != 1:
        raise ValueError("a polygon is a list of numbers x, y, x, y, …")
    if not np.isfinite(polygon).all():
        raise ValueError("a coordinate is null, NaN or infinite")
    if len(polygon) % 2:
        raise ValueError(f"a polygon has an x and a y for each point, this one {len(polygon)} numbers")
    return polygon


def _runs(value: dict[str, Any]) -> dict[str, Any]:
    counts, size = value.get("counts"), value.get("size")
    if not (isinstance(size, list) and len(size) == 2 and all(isinstance(side, int | float) for side in size)):
        raise ValueError("run lengths come with a size, [height, width]")
    if isinstance(counts, str):
        return {"size": [int(side) for side in size], "counts": counts}
    try:
        runs = np.array(counts, dtype=np.float64)
    except (TypeError, ValueError):
        runs = np.array([np.nan])
    if runs.ndim != 1 or not (np.isfinite(runs).all() and (runs >= 0).all() and (runs == np.rint(runs)).all()):
        raise ValueError("counts are whole numbers from 0 on, or text")
    return {"size": [int(side) for side in size], "counts": runs}


def check_outline(outline: Outline, size: tuple[int, int]) -> None:
    """Raise `ValueError` for what would take pycocotools all memory, or lead it astray; size: (height, width)."""
    if isinstance(outline, dict):
        if tuple(outline["size"]) != size:
            raise ValueError(f"the mask is {outline['size'][1]}×{outline['size'][0]} pixels, its photo {_told(size)}")
        if not isinstance(outline["counts"], str) and outline["counts"].sum() != size[0] * size[1]:
            raise ValueError("its runs do not cover the picture")
        return
    steps = 0.0
    for polygon in outline:
        points = polygon.reshape(-1, 2)
        farthest = points.flat[int(np.abs(points).argmax())]
        if abs(farthest) > (REACH + 1) * max(size):
            raise ValueError(f"the coordinate {farthest:g} is far from the photo of {_told(size)} pixels")
        steps += float(np.abs(np.diff(points, axis=0)).max(axis=1).sum())
    if steps > STEPS:
        raise ValueError(f"its edges are longer than {STEPS} pixels")


def rasterised(outline: Outline, size: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask `[H, W]` of an outline that has been checked. Raises `ValueError` for broken run lengths."""
    if not outline:
        return np.zeros(size, dtype=bool)
    try:
        if isinstance(outline, dict) and isinstance(outline["counts"], str):
            code = outline
        elif isinstance(outline, dict):
            code = rle.frPyObjects({**outline, "counts": outline["counts"].astype(int).tolist()}, *size)
        else:
            code = rle.merge(rle.frPyObjects([polygon.tolist() for polygon in outline], *size))
        mask = rle.decode(code).astype(bool)
        area = rle.area(code)
    except Exception as error:  # pycocotools raises bare Exception for what it cannot read
        raise ValueError(str(error)) from None
    if np.count_nonzero(mask) != area:  # pycocotools leaves the rest uninitialised
        raise ValueError("its runs do not cover the picture")
    return mask


def why_empty(outline: Outline, size: tuple[int, int]) -> str:
    """Why nothing can be seen of an outline, to complete "3 …"."""
    if not outline:
        return NO_OUTLINE
    if isinstance(outline, dict):
        return NO_PIXEL
    points = np.concatenate(outline).reshape(-1, 2)
    if are_fractions(outline, size):
        return FRACTIONS
    low, high = points.min(axis=0), points.max(axis=0)
    return OUTSIDE if (high <= 0).any() or (low >= size[::-1]).any() else NO_PIXEL


def are_fractions(outline: Outline, size: tuple[int, int]) -> bool:
    """Whether all points of polygons lie between 0 and 1, in a photo where that is a pixel at most."""
    if isinstance(outline, dict) or not outline or min(size) < 8:
        return False
    points = np.concatenate(outline)
    return bool(points.min() >= 0 and points.max() <= 1)


def _told(size: tuple[int, int]) -> str:
    return f"{size[1]}×{size[0]}"
