"""COCO JSONs where each tool puts them, and the photos where it puts those."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pochoir.data.formats.tree import Tree
from pochoir.data.split import Split
from pochoir.errors import DataError

Make = Callable[..., Any]


def test_roboflows_folders_are_the_split(
    tmp_path: Path, photos: Make, coco: Make, opened: Make, holds_the_object: Make, caplog: pytest.LogCaptureFixture
) -> None:
    for folder, names in (("train", ["a.jpg.rf.1.png", "b.png"]), ("valid", ["c.png"]), ("test", ["a.jpg.rf.1.png"])):
        photos(tmp_path / folder, *names)
        coco(tmp_path / folder / "_annotations.coco.json", *names, categories=[(0, "bags"), (1, "bag")])
    (tmp_path / "README.roboflow.txt").write_text("exported")
    with caplog.at_level(logging.INFO):
        result = opened(val=1, test=1)  # which are drawn only where none are given
    assert result.split == Split(["train/a.jpg.rf.1.png", "train/b.png"], ["val/c.png"], ["test/a.jpg.rf.1.png"])
    holds_the_object(result)
    assert "train: train/_annotations.coco.json with photos in train; val: valid/_annotations.coco.json" in caplog.text
    assert "2 photos to train on, 1 photo to validate on, 1 photo to test on" in caplog.text


def test_a_part_that_is_not_given_is_drawn(tmp_path: Path, photos: Make, coco: Make, opened: Make) -> None:
    names = [f"{number}.png" for number in range(6)]
    for folder in ("train", "test"):
        photos(tmp_path / folder, *names)
        coco(tmp_path / folder / "_annotations.coco.json", *names)
    split = opened(val=2).split
    assert (len(split.train), len(split.val), len(split.test)) == (4, 2, 6)
    assert {name.split("/")[0] for name in split.train + split.val} == {"train"}


@pytest.mark.parametrize(
    ("annotations", "folder", "prefix"),
    [
        ("annotations/instances_default.json", "images/default", ""),  # CVAT, a task
        ("result.json", "images", "images/"),  # Label Studio
        ("annotations.json", "JPEGImages", "JPEGImages/"),  # labelme's example script
        ("export/dataset.json", "photos", ""),  # the package labelme2coco
        ("Project 1/annotations/person.json", "Project 1/images", ""),
        ("annotations/coco.json", "images", "../images/"),
    ],
)
def test_photos_are_where_the_tool_puts_them(
    tmp_path: Path,
    photos: Make,
    coco: Make,
    opened: Make,
    holds_the_object: Make,
    annotations: str,
    folder: str,
    prefix: str,
) -> None:
    names = ["a b.png", "ä.png", "c.png"]
    photos(tmp_path / folder, *names)
    coco(tmp_path / annotations, *(prefix + name for name in names))
    result = opened(val=1)
    assert (len(result.split.train), len(result.split.val)) == (2, 1)
    holds_the_object(result)


def test_parts_with_equal_photo_names_find_their_own(
    tmp_path: Path, photos: Make, coco: Make, opened: Make, holds_the_object: Make
) -> None:
    for part, last in (("Train", "frame_000002.PNG"), ("Validation", "frame_000001.PNG")):  # a project of CVAT, videos
        names = ["frame_000000.PNG", last]
        photos(tmp_path / "images" / part, *names)
        coco(tmp_path / "annotations" / f"instances_{part}.json", *names)
    result = opened()
    assert result.split.val == ["val/frame_000000.PNG", "val/frame_000001.PNG"]
    holds_the_object(result)


def test_cocos_own_files_of_other_tasks_are_not_meant(tmp_path: Path, photos: Make, coco: Make, opened: Make) -> None:
    for part in ("train2017", "val2017"):
        photos(tmp_path / part, "1.png")
        for task in ("instances", "person_keypoints"):
            coco(tmp_path / "annotations" / f"{task}_{part}.json", "1.png")
    assert opened().split == Split(["train/1.png"], ["val/1.png"], [])


@pytest.mark.parametrize(
    "name",
    ["images\\1.png", "..\\..\\media\\upload\\4\\1.png", "http://localhost:8080/data/upload/4/1.png", "/x/1.png"],
)
def test_the_folder_of_names_from_elsewhere_is_found(tmp_path: Path, photos: Make, coco: Make, name: str) -> None:
    photos(tmp_path / "images", "1.png")
    path = coco(tmp_path / "result.json", name)
    tree = Tree(tmp_path)
    folder = tree.photo_folder(path, [name])
    assert folder is not None
    assert tree.photo(folder, name) == tmp_path / "images/1.png"


def test_categories_are_chosen(tmp_path: Path, photos: Make, coco: Make, opened: Make) -> None:
    photos(tmp_path, "1.png", "2.png")
    coco(tmp_path / "result.json", "1.png", "2.png", categories=[(0, "hat"), (1, "bag")])
    assert len(opened(categories=["bag"]).source.read(0).masks) == 1
    with pytest.raises(DataError, match=r"none of the 2 annotations is of hat; there are bag 2"):
        opened(categories=["hat"])
    with pytest.raises(DataError, match=r"no category 'bags'; did you mean 'bag'\?"):
        opened(categories=["bags"])


def test_parts_have_the_same_classes(tmp_path: Path, photos: Make, coco: Make, opened: Make) -> None:
    listed = [(0, "bags"), (1, "hat"), (2, "bag")]
    for folder, categories in (("train", listed), ("valid", listed[::-1])):  # whose objects are of the last
        photos(tmp_path / folder, "1.png")
        coco(tmp_path / folder / "_annotations.coco.json", "1.png", categories=categories)
    with pytest.raises(DataError, match="has instances of bags, which is none of the classes that are trained on, bag"):
        opened(merge=False)
    coco(tmp_path / "valid" / "_annotations.coco.json", "1.png", categories=listed)
    assert opened(merge=False).classes == ("bag",)
    assert opened(merge=False, categories=["hat", "bag"]).source.read(1).labels.tolist() == [2]


def test_photos_that_are_nowhere_are_an_error(tmp_path: Path, coco: Make, opened: Make) -> None:
    coco(tmp_path / "result.json", "1.png", "2.png")
    with pytest.raises(DataError, match=r"result\.json: none of its 2 photos is in the folder, 1\.png for one"):
        opened()
