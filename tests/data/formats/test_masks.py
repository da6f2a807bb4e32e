"""Pictures beside masks: which folders, and which files, belong together."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pochoir.data.folder import MaskFolder
from pochoir.data.split import Split
from pochoir.errors import DataError

Make = Callable[..., Any]


@pytest.fixture
def masks(save: Make, mask: np.ndarray) -> Make:
    """`masks(folder, *names)`: write mask pictures of the object."""

    def write(folder: Path, *names: str) -> None:
        for name in names:
            save(folder / name, mask * 255)

    return write


@pytest.mark.parametrize(("images", "folder"), [("images", "masks"), ("Photos", "Labels"), ("my/imgs", "my/mask")])
def test_two_folders_with_equal_names(
    tmp_path: Path, photos: Make, masks: Make, opened: Make, holds_the_object: Make, images: str, folder: str
) -> None:
    photos(tmp_path / images, "a.png", "b.png")
    masks(tmp_path / folder, "a.png", "b.png")
    result = opened(val=1)
    assert isinstance(result.source, MaskFolder)
    holds_the_object(result)


@pytest.mark.parametrize("place", ["{kind}/{part}", "{part}/{kind}"])
def test_folders_of_a_split(
    tmp_path: Path, photos: Make, masks: Make, opened: Make, holds_the_object: Make, place: str
) -> None:
    for part in ("train", "val", "test"):
        photos(tmp_path / place.format(kind="images", part=part), "a.png", f"{part}.png")
        masks(tmp_path / place.format(kind="masks", part=part), "a.png", f"{part}.png")
    result = opened()
    assert result.split == Split(["train/a.png", "train/train.png"], ["val/a.png", "val/val.png"], result.split.test)
    holds_the_object(result)


def test_pennfudans_layout(tmp_path: Path, photos: Make, masks: Make, opened: Make, holds_the_object: Make) -> None:
    photos(tmp_path / "PNGImages", "FudanPed00001.png", "Mine00001.png")
    masks(tmp_path / "PedMasks", "FudanPed00001_mask.png", "Mine00001_mask.png")
    result = opened(val=1)
    assert sorted(result.source.names) == ["FudanPed00001.png", "Mine00001.png"]
    holds_the_object(result)


@pytest.mark.parametrize("suffix", ["_mask", "-mask", "_seg"])
def test_a_mask_beside_its_photo(
    tmp_path: Path, photos: Make, masks: Make, opened: Make, holds_the_object: Make, suffix: str
) -> None:
    photos(tmp_path, "a.png", "b_1.png")
    masks(tmp_path, f"a{suffix}.png", f"b_1{suffix}.png")
    holds_the_object(opened(val=1))


def test_pairs_that_are_none_are_listed(tmp_path: Path, photos: Make, masks: Make, opened: Make) -> None:
    photos(tmp_path, "a.png", "b.png")
    masks(tmp_path, "a_mask.png", "a-mask.png")
    with pytest.raises(DataError, match=r"(?s)a_mask\.png and a-mask\.png are masks of one picture.*b\.png has no"):
        opened()


def test_vocs_instances_are_of_some_photos(
    tmp_path: Path, photos: Make, masks: Make, opened: Make, holds_the_object: Make, caplog: pytest.LogCaptureFixture
) -> None:
    photos(tmp_path / "JPEGImages", "a.png", "b.png", "c.png")  # CVAT's "Segmentation mask 1.1"
    masks(tmp_path / "SegmentationObject", "a.png", "b.png")
    masks(tmp_path / "SegmentationClass", "a.png", "b.png")
    with caplog.at_level(logging.INFO):
        result = opened(val=1)
    assert result.source.names == ["a.png", "b.png"]
    holds_the_object(result)
    assert "1 photos have no mask, and are passed over: c" in caplog.text
    (tmp_path / "JPEGImages" / "a.png").unlink()
    with pytest.raises(DataError, match=r"1 masks have no photo in .*: a"):
        opened(val=1)


def test_masks_of_classes_are_refused(tmp_path: Path, photos: Make, masks: Make, opened: Make) -> None:
    photos(tmp_path / "train", "a.png")
    masks(tmp_path / "train", "a_mask.png")
    (tmp_path / "train" / "_classes.csv").write_text("Pixel Value, Class\n0, background\n1, bag\n")
    with pytest.raises(DataError, match=r"tell classes .* export 'COCO Segmentation' from Roboflow"):
        opened()


def test_masks_have_no_categories(tmp_path: Path, photos: Make, masks: Make, opened: Make) -> None:
    photos(tmp_path / "images", "a.png", "b.png")
    masks(tmp_path / "masks", "a.png", "b.png")
    with pytest.raises(DataError, match=r"dataset\.categories, dataset\.merge: masks have no categories"):
        opened(categories=["bag"])
    with pytest.raises(DataError, match=r"dataset\.merge: masks have no categories"):
        opened(merge=False)
