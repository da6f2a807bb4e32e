"""Makers of what annotation tools export: photos of 24 × 32 pixels with a bright square, and one object around it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pochoir.data.opening import Opened, open_dataset

Make = Callable[..., Any]
HEIGHT, WIDTH = 24, 32
SQUARE = [4, 6, 20, 6, 20, 18, 4, 18]
"""The object: x from 4 to 20, y from 6 to 18."""


@pytest.fixture
def mask() -> np.ndarray:
    """The object's pixels."""
    pixels = np.zeros((HEIGHT, WIDTH), dtype=bool)
    pixels[6:18, 4:20] = True
    return pixels


@pytest.fixture
def photos(save: Make, mask: np.ndarray) -> Make:
    """`photos(folder, *names)`: write photos."""

    def write(folder: Path, *names: str) -> None:
        for number, name in enumerate(names):
            save(folder / name, np.stack([mask * 200 + number] * 3, axis=-1))

    return write


@pytest.fixture
def coco() -> Make:
    """`coco(path, *file_names, categories=[(id, name)])`: a COCO JSON with the object in each."""

    def write(path: Path, *file_names: str, categories: list[tuple[int, str]] | None = None) -> Path:
        listed = categories or [(1, "bag")]
        images = [{"id": i, "file_name": name, "width": WIDTH, "height": HEIGHT} for i, name in enumerate(file_names)]
        annotations = [
            {
                "id": i,
                "image_id": i,
                "category_id": listed[-1][0],
                "segmentation": [SQUARE],
                "bbox": [4, 6, 16, 12],
                "area": 192,
                "iscrowd": 0,
            }
            for i in range(len(file_names))
        ]
        content = {
            "licenses": [],
            "info": {},
            "categories": [{"id": number, "name": name, "supercategory": ""} for number, name in listed],
            "images": images,
            "annotations": annotations,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
        return path

    return write


@pytest.fixture
def opened(tmp_path: Path, dataset: Make) -> Callable[..., Opened]:
    """`opened(**settings)`: the folder as dataset=auto opens it."""

    def make(**settings: Any) -> Opened:
        return open_dataset(dataset("auto", root=str(tmp_path), **settings))

    return make


@pytest.fixture
def holds_the_object(mask: np.ndarray) -> Callable[[Opened], None]:
    """Check that every sample can be read and holds the one object."""

    def check(opened: Opened) -> None:
        for index in range(len(opened.source.names)):
            sample = opened.source.read(index)
            assert sample.image.shape == (HEIGHT, WIDTH, 3)
            assert np.array_equal(sample.masks, mask[None])

    return check
