"""Predictions that people correct: what they become is read back as what they were."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as rle

from pochoir.data.formats.correcting import labelme_files, with_outlines
from pochoir.data.opening import open_dataset
from pochoir.errors import DataError

Make = Callable[..., Any]


@pytest.fixture
def disc() -> np.ndarray:
    y, x = np.mgrid[:80, :96]
    return (y - 40) ** 2 + (x - 50) ** 2 < 30**2


@pytest.fixture
def predicted() -> Make:
    """`predicted(*masks)`: what predict_seg writes of a photo.png with these."""

    def make(*masks: np.ndarray) -> dict[str, Any]:
        annotations = []
        for number, mask in enumerate(masks, start=1):
            code = rle.encode(np.asfortranarray(mask, dtype=np.uint8))
            annotations.append(
                {
                    "id": number,
                    "image_id": 1,
                    "category_id": 1,
                    "bbox": rle.toBbox(code).tolist(),
                    "segmentation": {"size": code["size"], "counts": code["counts"].decode()},
                    "score": 0.9,
                    "area": int(mask.sum()),
                    "iscrowd": 0,
                }
            )
        height, width = masks[0].shape
        images = [{"id": 1, "file_name": "photo.png", "height": height, "width": width}]
        categories = [{"id": 1, "name": "object"}]
        return {"info": {}, "images": images, "annotations": annotations, "categories": categories}

    return make


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return (a & b).sum() / (a | b).sum()


@pytest.mark.parametrize("format", ["coco", "labelme"])
def test_corrected_files_are_trained_on(
    tmp_path: Path, save: Make, dataset: Make, disc: np.ndarray, predicted: Make, format: str
) -> None:
    pieces = disc.copy()
    pieces[:, 45:55] = False
    speck = np.zeros_like(disc)
    speck[70, 90] = True
    save(tmp_path / "photo.png", np.zeros((*disc.shape, 3)))
    content = with_outlines(predicted(disc, pieces, speck))
    if format == "coco":
        (tmp_path / "outlines.json").write_text(json.dumps(content))
    else:
        for name, one in labelme_files(content).items():
            (tmp_path / name).write_text(json.dumps(one))
    save(tmp_path / "empty.png", np.zeros((*disc.shape, 3)))  # or nothing is left to validate on
    source = open_dataset(dataset("auto", root=str(tmp_path), val=0)).source
    found = source.read(source.names.index("photo.png")).masks
    assert [overlap(*pair) > 0.95 for pair in zip(found, (disc, pieces), strict=False)] == [True, True]
    assert found[2][70, 90]
    assert found[2].sum() <= 4


def test_outlines_have_few_points(disc: np.ndarray, predicted: Make) -> None:
    (annotation,) = with_outlines(predicted(disc))["annotations"]
    (polygon,) = annotation["segmentation"]
    assert 12 <= len(polygon) <= 80
    assert annotation["score"] == 0.9


def test_outlines_stay_as_they_are(disc: np.ndarray, predicted: Make) -> None:
    once = with_outlines(predicted(disc))
    assert with_outlines(once) == once
    assert once["categories"] == [{"supercategory": "class", "id": 1, "name": "object"}]


def test_photos_that_labelme_would_give_one_file_are_refused() -> None:
    images = [
        {"id": n, "file_name": name, "height": 4, "width": 4} for n, name in enumerate(("a.jpg", "a.png", "b.png"))
    ]
    with pytest.raises(DataError, match=r"differ by their endings alone; rename a$"):
        labelme_files({"images": images, "annotations": [], "categories": []})
