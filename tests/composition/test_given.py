"""Instances that the user gives."""

import json
from pathlib import Path

import numpy as np
import pytest

from pochoir.composition.given import from_box, from_coco, from_masks, without_specks
from pochoir.errors import DataError
from pochoir.images import write_image


def test_masks_become_instances_in_order(tmp_path: Path) -> None:
    ids = np.zeros((20, 30), dtype=np.uint8)
    ids[2:8, 3:9], ids[10:18, 12:28] = 1, 2
    one = np.zeros((20, 30), dtype=np.uint8)
    one[:4, 20:] = 255
    write_image(tmp_path / "ids.png", ids)
    write_image(tmp_path / "one.png", one)
    found = from_masks([tmp_path / "ids.png", tmp_path / "one.png"], (20, 30))
    assert found.boxes.tolist() == [[3, 2, 9, 8], [12, 10, 28, 18], [20, 0, 30, 4]]
    assert found.scores.tolist() == [1, 1, 1]
    with pytest.raises(DataError, match=r"one\.png: is 30×20 pixels, its photo is 40×20"):
        from_masks([tmp_path / "one.png"], (20, 40))


def test_a_coco_file_is_searched_by_the_photos_name(tmp_path: Path) -> None:
    square = {"image_id": 1, "category_id": 1, "segmentation": [[2, 3, 12, 3, 12, 9, 2, 9]], "iscrowd": 0}
    content = {
        "images": [{"id": 1, "file_name": "train/a.jpg", "height": 20, "width": 30}],
        "annotations": [{"id": 1, **square}],
        "categories": [{"id": 1, "name": "person"}],
    }
    path = tmp_path / "instances.json"
    path.write_text(json.dumps(content))
    found = from_coco(path, Path("anywhere/a.jpg"), (20, 30))
    assert found.boxes.tolist() == [[2, 3, 12, 9]]
    with pytest.raises(DataError, match=r"does not list b\.jpg; it lists train/a\.jpg"):
        from_coco(path, Path("b.jpg"), (20, 30))
    with pytest.raises(DataError, match=r"says that a\.jpg is 30×20 pixels; it is 60×40"):
        from_coco(path, Path("a.jpg"), (40, 60))


def test_a_box_finds_the_object_in_it() -> None:
    disc = np.hypot(*(np.mgrid[:90, :120] - np.array([45, 60])[:, None, None])) < 22
    photo = np.random.default_rng(0).integers(0, 40, (90, 120, 3), dtype=np.uint8)
    photo[disc] += np.array((180, 120, 40), dtype=np.uint8)
    found = from_box([30, 15, 90, 75], photo)
    mask = found.masks[0].numpy() > 0.5
    assert (mask & disc).sum() / (mask | disc).sum() > 0.9
    assert from_box([0, 0, 120, 90], photo).masks.mean() == 1  # nothing around it to compare with
    with pytest.raises(DataError, match=r"box: .* does not lie in the photo of 120×90 pixels"):
        from_box([200, 10, 240, 30], photo)


def test_specks_and_pinholes_are_accidents() -> None:
    mask = np.zeros((60, 60), dtype=bool)
    mask[10:50, 10:50] = True
    noisy = mask.copy()
    noisy[2:4, 2:4], noisy[20:22, 20:22] = True, False
    assert (without_specks(noisy) == mask).all()
    two = mask.copy()
    two[10:50, 28:32] = False
    assert (without_specks(two) == two).all()


def test_the_categories_of_a_coco_file_are_classes(tmp_path: Path) -> None:
    outline = [[2, 3, 12, 3, 12, 9, 2, 9]]
    shapes = [
        {"id": number, "image_id": 1, "category_id": category, "segmentation": outline, "iscrowd": crowd}
        for number, (category, crowd) in enumerate([(9, 0), (4, 1), (4, 0)], start=1)
    ]
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "height": 20, "width": 30}],
        "annotations": shapes,
        "categories": [{"id": 4, "name": "person"}, {"id": 9, "name": "balloon"}],
    }
    (tmp_path / "instances.json").write_text(json.dumps(content))
    found = from_coco(tmp_path / "instances.json", Path("a.jpg"), (20, 30))
    assert found.names == ["balloon", "person"]
