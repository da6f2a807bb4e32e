"""Predictions as annotation files that tools import, for people to correct: outlines instead of run lengths."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as rle

from pochoir.errors import DataError, some

TOLERANCE = 1.0
"""Pixels that an outline may be beside the mask's edge, so that it has few points, which people can move."""


def with_outlines(content: Mapping[str, Any]) -> dict[str, Any]:
    """`predict_seg`'s instances.json, as it was read, with polygons for run lengths; holes are filled.

    A mask in several pieces has several polygons; a mask too small for one has its box. Categories have a
    supercategory, which VIA makes the region's attribute of.
    """
    annotations = [{**one, "segmentation": _polygons(one)} for one in content["annotations"]]
    categories = [{"supercategory": "class", **one} for one in content["categories"]]
    return {**content, "annotations": annotations, "categories": categories}


def labelme_files(content: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """labelme's JSON of each photo, by file name, to lie beside the photos; content: what `with_outlines` gives.

    Raises `DataError` for photos that differ by their endings alone, which labelme gives one JSON.
    """
    stems = Counter(Path(image["file_name"]).with_suffix("").as_posix() for image in content["images"])
    if twice := [stem for stem, count in stems.items() if count > 1]:
        raise DataError(f"labelme has one JSON for photos that differ by their endings alone; rename {some(twice)}")
    names = {one["id"]: one["name"] for one in content["categories"]}
    shapes: dict[Any, list[dict[str, Any]]] = {image["id"]: [] for image in content["images"]}
    for annotation in content["annotations"]:
        polygons = annotation["segmentation"]
        for polygon in polygons:
            shapes[annotation["image_id"]].append(
                {
                    "label": names[annotation["category_id"]],
                    "points": [polygon[place : place + 2] for place in range(0, len(polygon), 2)],
                    "group_id": annotation["id"] if len(polygons) > 1 else None,
                    "description": "",
                    "shape_type": "polygon",
                    "flags": {},
                    "mask": None,
                }
            )
    return {
        Path(image["file_name"]).with_suffix(".json").as_posix(): {
            "version": "5.0.0",  # which every labelme since opens
            "flags": {},
            "shapes": shapes[image["id"]],
            "imagePath": Path(image["file_name"]).name,
            "imageData": None,
            "imageHeight": image["height"],
            "imageWidth": image["width"],
        }
        for image in content["images"]
    }


def _polygons(annotation: Mapping[str, Any]) -> list[list[float]]:
    segmentation = annotation["segmentation"]
    if isinstance(segmentation, list):
        return segmentation
    polygons = _outlines(rle.decode(segmentation))
    if not polygons:
        left, top, width, height = annotation["bbox"]
        polygons = [[left, top, left + width, top, left + width, top + height, left, top + height]]
    return polygons


def _outlines(mask: NDArray[np.uint8]) -> list[list[float]]:
    """Polygons `[2k]` in pixels around the pieces of a mask `[H, W]`."""
    twice = cv2.resize(mask, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)  # its outline is nearer to the edge
    contours, _ = cv2.findContours(twice, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    simple = (cv2.approxPolyDP(contour, 2 * TOLERANCE, closed=True).reshape(-1, 2) for contour in contours)
    return [((points + 0.5) / 2).ravel().tolist() for points in simple if len(points) > 2]
