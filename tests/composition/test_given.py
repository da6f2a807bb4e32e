"""Instances that the user gives."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pochoir.composition.given import from_box, from_coco, from_masks, masks_of, without_specks
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
    with pytest.raises(DataError, match=r"one\.png: is 30×20 pixels, its photo is 40×20, which is another shape"):
        from_masks([tmp_path / "one.png"], (20, 40))


def test_a_folder_holds_the_masks_of_photos_by_their_names(tmp_path: Path) -> None:
    mask = np.eye(8, dtype=np.uint8)
    for name in ("a.png", "a_1.png", "b.jpg_10.png", "b.jpg_9.png", "b_3.png", "c.png", "c.tif"):
        write_image(tmp_path / name, mask)
    assert [path.name for path in masks_of(Path("x/a.jpg"), tmp_path)] == ["a.png"]
    assert [path.name for path in masks_of(Path("b.jpg"), tmp_path)] == ["b.jpg_9.png", "b.jpg_10.png"]
    with pytest.raises(DataError, match=r"c\.png and c\.tif have the same stem"):
        masks_of(Path("c.jpg"), tmp_path)
    with pytest.raises(DataError, match=r"masks: .*/d\.png, the mask of d\.jpg, is not there"):
        masks_of(Path("d.jpg"), tmp_path)


def disc(size: int = 60, soft: float = 3) -> NDArray[np.uint8]:
    """Grey that falls from 255 to 0 over `soft` pixels."""
    y, x = np.mgrid[:size, :size] - size / 2
    return np.clip((size / 3 - np.hypot(x, y)) * 255 / soft + 128, 0, 255).astype(np.uint8)


def test_soft_masks_are_taken_as_they_are(tmp_path: Path) -> None:
    write_image(tmp_path / "alpha.png", disc())
    colours = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    write_image(tmp_path / "cut_out.png", colours, alpha=disc())
    write_image(tmp_path / "white.png", np.full_like(colours, 255), alpha=disc())
    for name in ("alpha", "cut_out", "white"):
        found = from_masks([tmp_path / f"{name}.png"], (60, 60))
        assert np.array_equal(np.rint(found.masks[0].numpy() * 255), disc()), name
    Image.fromarray(np.where(disc() > 127, 255, 0).astype(np.uint8)).save(tmp_path / "hard.jpg", quality=75)
    (mask,) = from_masks([tmp_path / "hard.jpg"], (60, 60)).masks.numpy()
    assert (mask[disc(soft=24) == 0] == 0).all()
    assert (mask[disc(soft=24) == 255] == 1).all()


def test_a_colour_an_instance_on_a_clear_ground_stays_so(tmp_path: Path) -> None:
    colours, alpha = np.zeros((20, 30, 3), dtype=np.uint8), np.zeros((20, 30), dtype=np.uint8)
    colours[2:8, 3:9], colours[10:18, 12:28] = (200, 0, 0), (0, 200, 0)
    alpha[colours.any(axis=2)] = 255
    write_image(tmp_path / "colours.png", colours, alpha=alpha)
    assert from_masks([tmp_path / "colours.png"], (20, 30)).boxes.tolist() == [[12, 10, 28, 18], [3, 2, 9, 8]]


@pytest.mark.parametrize("size", [(30, 30), (121, 120)])
def test_a_mask_of_another_size_is_resized(tmp_path: Path, size: tuple[int, int], caplog: Any) -> None:
    write_image(tmp_path / "hard.png", np.where(disc() > 127, 255, 0).astype(np.uint8))
    write_image(tmp_path / "soft.png", disc())
    with caplog.at_level(logging.INFO):
        hard, soft = from_masks([tmp_path / "hard.png", tmp_path / "soft.png"], size).masks.numpy()
    assert hard.shape == size
    assert set(np.unique(hard)) == {0, 1}
    assert abs(hard.mean() - (disc() > 127).mean()) < 0.02
    assert ((soft > 0.1) & (soft < 0.9)).any()
    assert "hard.png: is 60×60 pixels, its photo is" in caplog.text


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
    large = np.kron(photo, np.ones((20, 20, 1), dtype=np.uint8))
    assert (from_box([600, 300, 1800, 1500], large).masks[0, 10::20, 10::20] == found.masks[0]).float().mean() > 0.99
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
