"""What is said where a folder holds nothing that is known, or two things; and given splits."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from pochoir.config import CocoDataset, FolderDataset, Request
from pochoir.data.opening import open_dataset
from pochoir.data.split import Split
from pochoir.errors import DataError

Make = Callable[..., Any]


def explicit(text: str) -> Any:
    """The dataset by the settings that a message names."""
    return Request("train_seg", shlex.split(text)).check().dataset


def test_two_datasets_are_told_with_settings_that_choose(
    tmp_path: Path, photos: Make, coco: Make, save: Make, mask: np.ndarray, opened: Make, holds_the_object: Make
) -> None:
    photos(tmp_path / "images", "a.png", "b.png")
    coco(tmp_path / "result.json", "a.png", "b.png")
    for name in ("a.png", "b.png"):
        save(tmp_path / "masks" / name, mask * 255)
    with pytest.raises(DataError, match=r"holds 2 datasets; say which") as caught:
        opened()
    assert "COCO JSON, result.json with photos in images" in str(caught.value)
    assert "pictures beside masks, images and masks" in str(caught.value)
    offered = [line.strip() for line in str(caught.value).splitlines() if "dataset=" in line]
    kinds = [explicit(line) for line in offered]
    assert [type(kind) for kind in kinds] == [CocoDataset, FolderDataset]
    for kind in kinds:
        holds_the_object(open_dataset(kind))
    for format in ("coco", "masks"):
        holds_the_object(opened(format=format))
    with pytest.raises(DataError, match=r"(?s)no dataset of dataset\.format=via.*recognised: COCO JSON, result\.json"):
        opened(format="via")


def test_every_offer_opens_what_it_speaks_of(
    tmp_path: Path, photos: Make, coco: Make, save: Make, mask: np.ndarray, dataset: Make, holds_the_object: Make
) -> None:
    root = tmp_path / "my sets"
    photos(root / "a" / "train", "1.png", "2.png")
    coco(root / "a" / "train" / "_annotations.coco.json", "1.png", "2.png")
    photos(root / "b" / "images", "1.png", "2.png")
    (root / "b" / "labels").mkdir()
    for name in ("1.txt", "2.txt"):
        (root / "b" / "labels" / name).write_text("0 0.125 0.25 0.625 0.25 0.625 0.75 0.125 0.75")
    (root / "b" / "classes.txt").write_text("bag")
    photos(root / "c", "1.png", "2.png")
    for name in ("1_mask.png", "2_mask.png"):
        save(root / "c" / name, mask * 255)
    with pytest.raises(DataError, match="holds 3 datasets") as caught:
        open_dataset(dataset("auto", root=str(root)))
    offered = [line.strip() for line in str(caught.value).splitlines() if "dataset=" in line]
    assert len(offered) == 3
    for line in offered:
        holds_the_object(open_dataset(explicit(line)))


def test_annotation_files_that_are_no_split_are_several_datasets(
    tmp_path: Path, photos: Make, coco: Make, opened: Make
) -> None:
    photos(tmp_path / "images", "a.png")
    for name in ("first", "second"):
        coco(tmp_path / "annotations" / f"{name}.json", "a.png")
    with pytest.raises(DataError, match=r"(?s)holds 2 datasets.*annotations/first\.json.*annotations/second\.json"):
        opened()


def test_nothing_is_told_with_what_is_there(tmp_path: Path, photos: Make, opened: Make) -> None:
    photos(tmp_path / "pictures", *(f"{number}.png" for number in range(3)))
    (tmp_path / "tasks.json").write_text(
        json.dumps([{"data": {}, "annotations": [{"result": [{"from_name": "label", "to_name": "image"}]}]}])
    )
    (tmp_path / "annotations.xml").write_text("<annotations/>")
    (tmp_path / "export.zip").write_bytes(b"PK")
    with pytest.raises(DataError, match="holds no dataset that is recognised") as caught:
        opened()
    message = str(caught.value)
    for part in (
        "looked for: YOLO polygons: data.yaml, images/ and labels/",
        "there are: 3 .png in pictures, ",
        "tasks.json is Label Studio's own JSON: export the project as COCO",
        "annotations.xml: XML",
        "export.zip: unpack the archive",
        "explicitly: dataset=coco dataset.annotations=… dataset.images=…",
    ):
        assert part in message


def test_hidden_files_and_what_a_mac_leaves_are_none(tmp_path: Path, photos: Make, coco: Make, opened: Make) -> None:
    photos(tmp_path, "a.png", "b.png")
    coco(tmp_path / "result.json", "a.png", "b.png")
    coco(tmp_path / ".cache" / "result.json", "a.png")
    coco(tmp_path / "__MACOSX" / "result.json", "a.png")
    assert len(opened(val=1).source.names) == 2


def test_a_file_is_no_folder(tmp_path: Path, dataset: Make) -> None:
    (tmp_path / "export.zip").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"export\.zip is no folder \(an archive has to be unpacked\)"):
        open_dataset(dataset("auto", root=str(tmp_path / "export.zip")))


def test_a_split_of_an_earlier_run_wins(tmp_path: Path, photos: Make, coco: Make, opened: Make) -> None:
    for folder in ("train", "valid"):
        photos(tmp_path / folder, "a.png", "b.png")
        coco(tmp_path / folder / "_annotations.coco.json", "a.png", "b.png")
    split = Split(["val/a.png", "val/b.png"], ["train/a.png"], [])
    split.write(tmp_path / "split.json")
    assert opened(split_file=str(tmp_path / "split.json")).split == split
    assert opened(exclude=["train/a.png"]).split == Split(["train/b.png"], ["val/a.png", "val/b.png"], [])


def test_what_other_datasets_are_told_is_told_here_too(
    tmp_path: Path, photos: Make, coco: Make, mask: np.ndarray, opened: Make
) -> None:
    photos(tmp_path, "a.png", "b.png")
    path = coco(tmp_path / "instances_default.json", "a.png", "b.png")
    path.write_text(path.read_text().replace('"iscrowd": 0', '"iscrowd": 1'))
    assert opened(val=1).source.read(0).crowd.tolist() == [True]
    assert opened(val=1, crowds="instances").source.read(0).crowd.tolist() == [False]
    turned = Image.open(tmp_path / "a.png")
    turned.getexif()[ExifTags.Base.Orientation] = 6
    turned.save(tmp_path / "a.png", exif=turned.getexif())
    with pytest.raises(DataError, match=r"dataset\.exif=ignore"):
        opened(val=1).source.read(0)
    assert np.array_equal(opened(val=1, exif="ignore").source.read(0).masks[0], mask)


def test_a_part_of_a_mixture_keeps_its_split(
    tmp_path: Path, photos: Make, coco: Make, dataset: Make, mixed: Make
) -> None:
    for folder in ("train", "valid"):
        photos(tmp_path / folder, "a.png")
        coco(tmp_path / folder / "_annotations.coco.json", "a.png")
    opened = open_dataset(
        mixed({"bags": dataset("auto", root=str(tmp_path)), "drawn": dataset("figures", length=4, val=1)})
    )
    assert opened.split.train[0] == "bags/train/a.png"
    assert opened.split.val[0] == "bags/val/a.png"
    assert len(opened.source.read(opened.part("val")[1][0]).masks) == 1


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.json", b'{"images": [{"file_na', r"a\.json cannot be read as JSON \(Unterminated string"),
        ("a.json", '{"images": []}'.encode("utf-16"), r"a\.json is written in UTF-16: save it as UTF-8"),
        ("a.json", b'{"images": [], "annotations": []}', r"a\.json has images, but no list of categories"),
        ("data.yaml", b"names: [a\ntrain: images", r"data\.yaml cannot be read as YAML \(while parsing"),
    ],
)
def test_broken_annotation_files_are_named(
    tmp_path: Path, photos: Make, opened: Make, name: str, content: bytes, told: str
) -> None:
    photos(tmp_path / "images", "a.png")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=rf"(?s)no dataset that is recognised.*{told}"):
        opened()


def test_photos_outside_of_the_root_say_which_root_to_name(
    tmp_path: Path, photos: Make, coco: Make, dataset: Make, holds_the_object: Make
) -> None:
    photos(tmp_path / "photos", "a.png", "b.png")
    coco(tmp_path / "export" / "dataset.json", "../photos/a.png", "../photos/b.png")
    with pytest.raises(
        DataError, match=rf"its photos lie outside of dataset\.root, .*a\.png for one: name {tmp_path}$"
    ):
        open_dataset(dataset("auto", root=str(tmp_path / "export"), val=1))
    holds_the_object(open_dataset(dataset("auto", root=str(tmp_path), val=1)))
