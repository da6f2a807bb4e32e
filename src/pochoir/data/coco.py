"""Any COCO instance JSON as a source; the chosen categories become the one foreground class."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as rle

from pochoir.data.source import Sample, leads_outside
from pochoir.errors import DataError, suggestion
from pochoir.images import read_rgb


class CocoInstances:
    """Photos and instances of a COCO JSON with polygons, run-length masks and crowds.

    annotations: the JSON. images: the folder that its file names are relative to. categories: names to keep, None keeps
    all; category ids may be anything, also 0. Photos without a kept instance stay: they are legal samples.
    Raises `DataError` naming the file when the JSON is none, names a category that is not there, or, unless
    `allow_outside`, a photo outside the folder.
    """

    def __init__(
        self,
        annotations: Path,
        images: Path,
        *,
        categories: Sequence[str] | None = None,
        allow_outside: bool = False,
    ) -> None:
        self.annotations = annotations
        self.folder = images
        content = _read_json(annotations)
        kept = _chosen_categories(content["categories"], categories, annotations)
        self.images = sorted(content["images"], key=lambda image: str(image["file_name"]))
        self.names = [str(image["file_name"]) for image in self.images]
        if len(set(self.names)) < len(self.names):
            twice = next(a for a, b in zip(self.names, self.names[1:], strict=False) if a == b)
            raise DataError(f"{annotations}: the image {twice} is listed twice")
        outside = [] if allow_outside else [name for name in self.names if leads_outside(name)]
        if outside:
            raise DataError(
                f"{annotations}: the file name '{outside[0]}' leads out of the folder of images, {images} "
                "(a dataset reads it all the same with dataset.allow_outside=true)"
            )
        self.instances: dict[Any, list[dict[str, Any]]] = {image["id"]: [] for image in self.images}
        if len(self.instances) < len(self.images):
            raise DataError(f"{annotations}: two images have the same id")
        listed = {category["id"] for category in content["categories"]}
        for annotation in content["annotations"]:
            if annotation["image_id"] not in self.instances:
                raise DataError(
                    f"{annotations}: annotation {annotation.get('id')} is of image {annotation['image_id']}, "
                    "which is not listed"
                )
            if annotation["category_id"] not in listed:
                raise DataError(
                    f"{annotations}: annotation {annotation.get('id')} is of category {annotation['category_id']}, "
                    "which is not listed"
                )
            if annotation["category_id"] in kept:
                self.instances[annotation["image_id"]].append(annotation)

    def read(self, index: int) -> Sample:
        """Load one photo (as displayed) and rasterise its instances."""
        image = self.images[index]
        path = self.folder / str(image["file_name"])
        pixels = read_rgb(path)
        height, width = pixels.shape[:2]
        if (height, width) != (image["height"], image["width"]):
            raise DataError(
                f"{path}: is {width}×{height} pixels, {self.annotations.name} says {image['width']}×{image['height']}"
            )
        return Sample(pixels, *self.masks(index))

    def masks(self, index: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Instances of a photo, rasterised: masks `[N, H, W]` at the size that the JSON gives, and which are crowds."""
        image = self.images[index]
        height, width = image["height"], image["width"]
        instances = self.instances[image["id"]]
        masks = np.zeros((len(instances), height, width), dtype=bool)
        for mask, annotation in zip(masks, instances, strict=True):
            mask[:] = self._mask(annotation, height, width)
        return masks, np.array([bool(item.get("iscrowd", 0)) for item in instances], dtype=bool)

    def _mask(self, annotation: dict[str, Any], height: int, width: int) -> NDArray[np.bool_]:
        segmentation = annotation.get("segmentation")
        try:
            if isinstance(segmentation, list):
                code = rle.merge(rle.frPyObjects(segmentation, height, width)) if segmentation else None
            elif isinstance(segmentation, dict) and isinstance(segmentation["counts"], list):
                code = rle.frPyObjects(segmentation, height, width)
            elif isinstance(segmentation, dict):
                code = segmentation
            else:
                raise TypeError(f"a segmentation of type {type(segmentation).__name__}")
            mask = np.zeros((height, width), dtype=bool) if code is None else rle.decode(code).astype(bool)
            if code is not None and mask.sum() != rle.area(code):  # pycocotools leaves the rest uninitialised
                raise ValueError("its runs do not cover the picture")
        except Exception as error:  # pycocotools raises bare Exception for what it cannot read
            raise DataError(
                f"{self.annotations}: annotation {annotation.get('id')} cannot be rasterised ({error})"
            ) from None
        if mask.shape != (height, width):
            raise DataError(
                f"{self.annotations}: the mask of annotation {annotation.get('id')} is {list(mask.shape)} pixels, "
                f"its image {[height, width]}"
            )
        return mask


def _read_json(path: Path) -> dict[str, list[dict[str, Any]]]:
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as JSON ({error})") from None
    needed = ("images", "annotations", "categories")
    missing = [key for key in needed if not isinstance(content, dict) or not isinstance(content.get(key), list)]
    if missing:
        raise DataError(f"{path}: is no COCO instance JSON; missing lists: {', '.join(missing)}")
    for key, fields in (
        ("images", ("id", "file_name", "height", "width")),
        ("annotations", ("image_id", "category_id")),
        ("categories", ("id", "name")),
    ):
        for number, entry in enumerate(content[key]):
            absent = [field for field in fields if not isinstance(entry, dict) or field not in entry]
            if absent:
                raise DataError(f"{path}: {key}[{number}] has no {', '.join(absent)}")
    return content


def _chosen_categories(listed: list[dict[str, Any]], wanted: Sequence[str] | None, annotations: Path) -> set[Any]:
    if wanted is None:
        return {category["id"] for category in listed}
    names = {str(category["name"]) for category in listed}
    unknown = [name for name in wanted if name not in names]
    if unknown:
        hint = suggestion(unknown[0], names)
        raise DataError(
            f"{annotations}: dataset.categories: no category '{unknown[0]}'{hint} (it has {', '.join(sorted(names))})"
        )
    return {category["id"] for category in listed if str(category["name"]) in wanted}
