"""YOLO's polygons as Ultralytics, Roboflow, CVAT and Label Studio lay them out; boxes are refused."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pochoir.data.split import Split
from pochoir.errors import DataError

Make = Callable[..., Any]
ROW = "1 0.125 0.25 0.625 0.25 0.625 0.75 0.125 0.75"
"""The object, of class 1."""


@pytest.fixture
def part(tmp_path: Path, photos: Make) -> Make:
    """`part(images, labels, *names, row=…)`: photos in a folder, their label files in another."""

    def write(images: str, labels: str, *names: str, row: str = ROW) -> None:
        photos(tmp_path / images, *names)
        (tmp_path / labels).mkdir(parents=True, exist_ok=True)
        for name in names:
            (tmp_path / labels / name).with_suffix(".txt").write_text(row + "\n")

    return write


def config(root: Path, text: str, name: str = "data.yaml") -> None:
    (root / name).write_text(text)


@pytest.mark.parametrize("path", ["", "path: .\n", "path: ../datasets\n", "path: {root}\n", "path: /content\n"])
def test_ultralytics_layout(
    tmp_path: Path, part: Make, opened: Make, holds_the_object: Make, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    part("images/train", "labels/train", "a.png", "b.png")
    part("images/val", "labels/val", "c.png")
    stated = path.format(root=tmp_path)
    config(tmp_path, f"{stated}train: images/train\nval: images/val\ntest:\nnames:\n  0: hat\n  1: bag\n", "bags.yaml")
    with caplog.at_level(logging.INFO):
        result = opened()
    assert result.split == Split(["train/a.png", "train/b.png"], ["val/c.png"], [])
    holds_the_object(result)
    assert "YOLO polygons, bags.yaml (train: images/train, val: images/val)" in caplog.text


def test_roboflows_layout(tmp_path: Path, part: Make, opened: Make, holds_the_object: Make) -> None:
    for folder, name in (("train", "a.png"), ("valid", "b.png"), ("test", "c.png")):
        part(f"{folder}/images", f"{folder}/labels", name)
    config(
        tmp_path,
        "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n\nnc: 2\nnames: ['hat', 'bag']\n\n"
        "roboflow:\n  workspace: mine\n  project: bags\n  version: 1\n",
    )
    result = opened(categories=["bag"])
    assert result.split == Split(["train/a.png"], ["val/b.png"], ["test/c.png"])
    holds_the_object(result)
    assert len(opened(categories=["hat"]).source.read(0).masks) == 0


def test_classes_stay_apart_where_they_are_not_merged(
    tmp_path: Path, part: Make, opened: Make, caplog: pytest.LogCaptureFixture
) -> None:
    part("train/images", "train/labels", "a.png", row=f"{ROW}\n{ROW.replace('1 ', '0 ', 1)}")
    part("valid/images", "valid/labels", "b.png")
    config(tmp_path, "train: train/images\nval: valid/images\nnames: [hat, bag, shoe]\n")
    with caplog.at_level(logging.INFO):
        result = opened(merge=False)
    assert result.classes == ("hat", "bag")
    assert "without objects, and so not among the classes: shoe" in caplog.text
    assert [result.source.read(index).labels.tolist() for index in (0, 1)] == [[2, 1], [2]]
    assert opened(merge=False, categories=["bag", "hat"]).source.read(0).labels.tolist() == [1, 2]
    assert opened().classes == ("object",)


def test_cvats_list_of_photos(tmp_path: Path, part: Make, opened: Make, holds_the_object: Make) -> None:
    part("images/train", "labels/train", "a.png", "b.png", "c.png")
    (tmp_path / "train.txt").write_text("data/images/train/a.png\nimages/train/b.png\n")
    config(tmp_path, "path: ./\ntrain: train.txt\nnames:\n  0: hat\n  1: bag\n")
    result = opened(val=1)
    assert sorted(result.source.names) == ["a.png", "b.png"]
    assert (len(result.split.train), len(result.split.val)) == (1, 1)
    holds_the_object(result)
    (tmp_path / "train.txt").write_text("images/train/a.png\nimages/train/z.png\n")
    with pytest.raises(DataError, match=r"train\.txt: 1 of 2 photos are not there: images/train/z\.png"):
        opened()


def test_label_studios_folder_has_no_yaml(tmp_path: Path, part: Make, opened: Make, holds_the_object: Make) -> None:
    part("images", "labels", "a.png", "b.png")
    (tmp_path / "classes.txt").write_text("hat\nbag\n")
    (tmp_path / "notes.json").write_text('{"categories": [{"id": 0, "name": "hat"}], "info": {"year": 2026}}')
    holds_the_object(opened(val=1))


def test_validating_on_the_training_photos_is_mended(
    tmp_path: Path, part: Make, opened: Make, caplog: pytest.LogCaptureFixture
) -> None:
    part("images/train", "labels/train", "a.png", "b.png", "c.png", "d.png")
    config(tmp_path, "train: images/train\nval: images/train\nnames: [hat, bag]\n")
    with caplog.at_level(logging.INFO):
        split = opened(val=1).split
    assert (len(split.train), len(split.val)) == (3, 1)
    assert "val are photos of train, too" in caplog.text
    (tmp_path / "val.txt").write_text("images/train/a.png\n")
    config(tmp_path, "train: [images/train]\ntest: val.txt\nnames: [hat, bag]\n")
    with pytest.raises(DataError, match=r"1 photos of test are in train, too: .*a\.png"):
        opened()


def test_a_photo_without_a_label_file_has_no_objects(
    tmp_path: Path, part: Make, photos: Make, opened: Make, caplog: pytest.LogCaptureFixture
) -> None:
    part("images/train", "labels/train", "a.png")
    photos(tmp_path / "images/train", "b.png")
    (tmp_path / "labels/train/lost.txt").write_text(ROW)
    config(tmp_path, "train: images/train\nnames: [hat, bag]\n")
    with caplog.at_level(logging.INFO):
        source = opened(val=1).source
    assert [len(source.read(index).masks) for index in (0, 1)] == [1, 0]
    assert "1 photos have no label file" in caplog.text
    assert "1 label files have no photo" in caplog.text
    assert "lost.txt" in caplog.text


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "1 0.4 0.5 0.5 0.5",
            r"1 row cannot be read:\n  - 1 rows are boxes .*: export polygons.*: labels/.*a\.txt row 2",
        ),
        ("1 0.1 0.1 0.9 0.9 0.5", r"1 rows are not x and y for each .*a\.txt row 2"),
        ("1 10 20 30 20 30 40", r"coordinates that are no shares .*: divide pixels by its width and height.*row 2"),
        ("1 nan 0.2 0.3 0.2 0.3 0.4", r"coordinates that are no shares .*row 2"),
        ("7 0.1 0.2 0.3 0.2 0.3 0.4", r"1 rows are of class 7, which names does not have \(0 hat, 1 bag\).*row 2"),
        ("bag 0.1 0.2 0.3 0.2 0.3 0.4", r"1 rows are not a class number and coordinates: .*row 2"),
    ],
)
def test_rows_that_are_no_polygons(tmp_path: Path, part: Make, opened: Make, row: str, message: str) -> None:
    part("images/train", "labels/train", "a.png", row=f"{ROW}\n{row}")
    config(tmp_path, "train: images/train\nnames: [hat, bag]\n")
    with pytest.raises(DataError, match=message):
        opened()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train: images/training\nnames: [bag]\n", r"data\.yaml: train: images/training is not there; looked at .*, "),
        ("train: labels\nnames: [bag]\n", r"train: labels holds no pictures"),
        ("train: images\nnames: bag\n", r"names is 'bag'; it is a list"),
        ("train: images\nnames: [bag]\n", r"no photo has a label file; looked for .*labels.a\.txt"),
    ],
)
def test_a_yaml_that_does_not_fit(tmp_path: Path, photos: Make, opened: Make, text: str, message: str) -> None:
    photos(tmp_path / "images", "a.png")
    (tmp_path / "labels").mkdir()
    config(tmp_path, text)
    with pytest.raises(DataError, match=message):
        opened()
