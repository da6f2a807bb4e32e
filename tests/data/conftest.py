"""Makers of tiny samples, sources and files."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import tv_tensors

from pochoir.config import AugmentConfig, CocoDataset, FolderDataset, LoaderConfig, load_config
from pochoir.data.source import Sample, Source
from pochoir.data.targets import Target, make_target

Box = tuple[int, int, int, int]
Make = Callable[..., Any]


@pytest.fixture
def dataset() -> Make:
    """`dataset(kind, **values)`: the settings of a dataset; what is not given is as in its YAML."""

    def make(kind: str, **values: Any) -> Any:
        given = [f"dataset.{name}={json.dumps(value)}" for name, value in values.items()]
        return load_config("train_seg", [f"dataset={kind}", *given]).dataset

    return make


@pytest.fixture(scope="session")
def mixed() -> Make:
    """`mixed(parts, **values)`: the settings of a mixture of datasets by name."""
    mixture = load_config("train_seg", ["dataset=mixture", "dataset.parts={any: {name: figures}}"]).dataset
    return lambda parts, **values: mixture.but(parts=parts, **values)


@pytest.fixture(scope="session")
def augment() -> AugmentConfig:
    """Flips and colours, but no zoom."""
    return load_config("train_seg").augment.but(
        scale_min=1, scale_max=1, copy_paste_scale_min=1, copy_paste_scale_max=1
    )


@pytest.fixture(scope="session")
def loader() -> LoaderConfig:
    """Two photos a batch, loaded in this process."""
    return load_config("train_seg", ["loader.num_workers=0"]).loader


@pytest.fixture
def sample() -> Callable[..., Sample]:
    """`sample(height, width, *boxes, crowd=[...])`: a noise photo whose masks fill boxes of x0, y0, x1, y1."""

    def make(height: int, width: int, *boxes: Box, crowd: tuple[int, ...] = ()) -> Sample:
        noise = np.random.default_rng([height, width, *np.ravel(boxes).astype(int)])  # other boxes, other photo
        masks = np.zeros((len(boxes), height, width), dtype=bool)
        for mask, (x0, y0, x1, y1) in zip(masks, boxes, strict=True):
            mask[y0:y1, x0:x1] = True
        is_crowd = np.isin(np.arange(len(boxes)), crowd)
        return Sample(noise.integers(0, 256, (height, width, 3), dtype=np.uint8), masks, is_crowd)

    return make


@pytest.fixture
def source() -> Callable[..., Source]:
    """`source(*samples)`: a dataset in memory; its samples are called 0.png, 1.png, ..."""
    return lambda *samples: SimpleNamespace(names=[f"{i}.png" for i in range(len(samples))], read=samples.__getitem__)


@pytest.fixture
def pair(sample: Callable[..., Sample]) -> Callable[..., tuple[tv_tensors.Image, Target]]:
    """`pair(height, width, *boxes)`: the noise photo of `sample` as image and target."""

    def make(height: int, width: int, *boxes: Box) -> tuple[tv_tensors.Image, Target]:
        made = sample(height, width, *boxes)
        image = tv_tensors.Image(torch.from_numpy(made.image).permute(2, 0, 1).float() / 255)
        return image, make_target(torch.from_numpy(made.masks), torch.from_numpy(made.crowd), 7, "seven.png")

    return make


@pytest.fixture
def save() -> Callable[[Path, Any], Path]:
    """`save(path, array)`: write an array as a picture, with the folders it needs."""

    def write(path: Path, array: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(array, dtype=np.uint8)).save(path)
        return path

    return write


@pytest.fixture
def coco_json(tmp_path: Path, save: Callable[[Path, Any], Path]) -> Callable[..., Path]:
    """`coco_json(sizes, annotations, categories)`: black photos, and the JSON of an annotation file about them.

    sizes: file name -> (height, width); image ids count from 1 in this order. annotations: dictionaries that get an
    `id` and where absent `image_id` 1 and `category_id` 1. categories: name -> id.
    """

    def write(
        sizes: dict[str, tuple[int, int]],
        annotations: list[dict[str, Any]],
        categories: list[tuple[str, int]] | None = None,
        *,
        name: str = "instances.json",
    ) -> Path:
        for file_name, size in sizes.items():
            save(tmp_path / "photos" / file_name, np.zeros((*size, 3)))
        images = [
            {"id": number, "file_name": file_name, "height": height, "width": width}
            for number, (file_name, (height, width)) in enumerate(sizes.items(), start=1)
        ]
        numbered = [
            {"id": number, "image_id": 1, "category_id": 1, **annotation}
            for number, annotation in enumerate(annotations, start=1)
        ]
        listed = [{"id": number, "name": word} for word, number in categories or [("person", 1)]]
        path = tmp_path / name
        path.write_text(json.dumps({"images": images, "annotations": numbered, "categories": listed}))
        return path

    return write


@pytest.fixture
def folder(tmp_path: Path, save: Make, dataset: Make) -> FolderDataset:
    """Ten photos of 24 × 32 pixels, each with one instance."""
    for number in range(10):
        save(tmp_path / "images" / f"{number}.png", np.full((24, 32, 3), number * 20))
        save(tmp_path / "masks" / f"{number}.png", np.pad(np.ones((10, 8 + number)), ((4, 10), (0, 24 - number))))
    return dataset("folder", images=str(tmp_path / "images"), masks=str(tmp_path / "masks"), val=3, test=2)


@pytest.fixture
def two_files(coco_json: Make, dataset: Make) -> CocoDataset:
    """Four photos to train on, two to validate on, in two annotation files."""
    square = {"segmentation": [[2, 2, 20, 2, 20, 20, 2, 20]]}
    train = coco_json({f"train{i}.png": (24, 32) for i in range(4)}, [square])
    val = coco_json({f"val{i}.png": (24, 32) for i in range(2)}, [square], name="val.json")
    photos = str(train.parent / "photos")
    return dataset("coco", images=photos, annotations=str(train), val_annotations=str(val))
