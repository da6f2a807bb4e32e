"""Folders of pictures and masks: how instances are told apart, and files that do not fit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from pochoir.data.dataset import SegmentationDataset
from pochoir.data.folder import MaskFolder
from pochoir.data.mask_pictures import SOFT, VOID
from pochoir.data.source import Remark, may_hold_objects
from pochoir.errors import DataError

Save = Callable[[Path, Any], Path]
IDS = np.zeros((6, 9), np.uint8)
IDS[0:2, 0:3] = 2
IDS[3:6, 4:8] = 1
IDS[5, 8] = 2  # the same instance in two pieces


@pytest.fixture
def disc() -> np.ndarray:
    y, x = np.mgrid[:64, :64]
    return ((y - 31) ** 2 + (x - 30) ** 2 < 20**2).astype(np.uint8) * 255


@pytest.fixture
def folder(tmp_path: Path, save: Save) -> Callable[..., MaskFolder]:
    """`folder(mask)`: the source of one black photo a.jpg with `mask`, an array or a picture."""

    def make(mask: Any, suffix: str = ".png", **options: Any) -> MaskFolder:
        picture = mask if isinstance(mask, Image.Image) else Image.fromarray(mask)
        save(tmp_path / "images" / "a.jpg", np.zeros((picture.height, picture.width, 3)))
        (tmp_path / "masks").mkdir()
        picture.save(tmp_path / "masks" / f"a{suffix}", **options)
        return MaskFolder(tmp_path / "images", tmp_path / "masks")

    return make


@pytest.mark.parametrize("value", [1, 128, 255])
def test_zero_and_one_value_is_one_instance(folder: Callable[..., MaskFolder], value: int) -> None:
    sample = folder((IDS > 0).astype(np.uint8) * value).read(0)
    assert np.array_equal(sample.masks, (IDS > 0)[None])
    assert sample.image.shape == (6, 9, 3)
    assert sample.crowd.tolist() == [False]


@pytest.mark.parametrize("kind", ["grey", "palette", "16 bit"])
def test_ids_are_one_instance_each_in_their_order(folder: Callable[..., MaskFolder], kind: str) -> None:
    picture = Image.fromarray(IDS.astype(np.uint16) * 300 if kind == "16 bit" else IDS)
    if kind == "palette":
        picture = Image.fromarray(IDS, mode="P")
        picture.putpalette([9, 9, 9] * 256)  # the colours say nothing, the indices do
    assert np.array_equal(folder(picture).read(0).masks, np.stack([IDS == 1, IDS == 2]))


@pytest.mark.parametrize("alpha", [False, True])
def test_colours_are_one_instance_each(folder: Callable[..., MaskFolder], alpha: bool) -> None:
    colours = np.array([[0, 0, 0], [0, 0, 9], [9, 0, 0]], np.uint8)[IDS]
    if alpha:
        colours = np.dstack([colours, np.full_like(IDS, 255)])
    assert np.array_equal(folder(colours).read(0).masks, np.stack([IDS == 1, IDS == 2]))


def test_black_and_white_in_colour_is_one_instance(folder: Callable[..., MaskFolder]) -> None:
    white = np.repeat((IDS > 0)[..., None], 3, axis=2).astype(np.uint8) * 255
    assert np.array_equal(folder(white).read(0).masks, (IDS > 0)[None])


def test_an_all_black_mask_is_a_photo_without_objects(folder: Callable[..., MaskFolder]) -> None:
    source = folder(np.zeros((6, 9), np.uint8))
    assert source.read(0).masks.shape == (0, 6, 9)
    assert SegmentationDataset(source, [0])[0][1]["boxes"].shape == (0, 4)


@pytest.mark.parametrize("way", ["grey JPEG", "colour JPEG", "interpolated", "four greys", "alpha"])
def test_soft_edges_of_one_object_are_cut_at_half(
    folder: Callable[..., MaskFolder], disc: np.ndarray, way: str
) -> None:
    picture = Image.fromarray(disc).convert("RGB" if way == "colour JPEG" else "L")
    if way == "interpolated":
        sample = folder(picture.resize((100, 90), Image.Resampling.BILINEAR)).read(0)
    elif way in {"four greys", "alpha"}:
        soft = np.asarray(picture.resize((100, 90), Image.Resampling.BILINEAR)).astype(int)
        grey = Image.fromarray((np.rint(soft / 64) * 64).clip(0, 255).astype(np.uint8))
        sample = folder(Image.merge("LA", [Image.new("L", grey.size, 255), grey]) if way == "alpha" else grey).read(0)
    else:
        sample = folder(picture, ".jpg", quality=90).read(0)
    assert [remark.what for remark in sample.remarks] == [SOFT]
    expected = np.asarray(Image.fromarray(disc).resize(sample.image.shape[1::-1], Image.Resampling.NEAREST)) > 0
    assert len(sample.masks) == 1
    assert np.count_nonzero(sample.masks[0] ^ expected) < 0.05 * np.count_nonzero(expected)


def test_soft_edges_between_several_objects_are_refused_by_name(
    folder: Callable[..., MaskFolder], disc: np.ndarray
) -> None:
    two = np.hstack([disc, disc // 2])
    source = folder(Image.fromarray(two).resize((200, 90), Image.Resampling.BILINEAR))
    with pytest.raises(DataError, match=r"masks.a\.png: has \d+ values without an area .* saved as JPEG"):
        source.read(0)


def bordered(disc: np.ndarray, ids: tuple[int, int], border: int) -> np.ndarray:
    """Two discs of these values, each with a band of `border` around it."""
    wide = cv2.dilate(disc, np.ones((7, 7), np.uint8))
    return np.hstack([np.where(disc > 0, value, np.where(wide > 0, border, 0)) for value in ids]).astype(np.uint8)


def test_255_beside_instance_ids_belongs_to_nobody(folder: Callable[..., MaskFolder], disc: np.ndarray) -> None:
    ids = bordered(disc, (1, 7), 255)
    source = folder(ids)
    sample = source.read(0)
    assert np.array_equal(sample.masks, np.stack([ids == 1, ids == 7]))
    assert sample.remarks == (Remark("a.png", VOID, lost=False),)
    source.void = "none"
    assert len(source.read(0).masks) == 3
    source.void = 7
    assert np.array_equal(source.read(0).masks, np.stack([ids == 1, ids == 255]))


def test_a_band_around_objects_is_refused_unless_it_is_said_what_it_is(
    folder: Callable[..., MaskFolder], disc: np.ndarray
) -> None:
    trimap = bordered(disc, (255, 255), 128)
    source = folder(trimap)
    with pytest.raises(DataError, match=r"a\.png: the value 128 is a band .* dataset\.void=128"):
        source.read(0)
    source.void = 128
    assert np.array_equal(source.read(0).masks, [trimap == 255])


def test_objects_that_touch_are_no_bands(folder: Callable[..., MaskFolder], disc: np.ndarray) -> None:
    split = disc.copy()
    split[:, 32:] //= 2
    assert len(folder(split).read(0).masks) == 2


def test_clear_pixels_are_the_background(folder: Callable[..., MaskFolder], disc: np.ndarray) -> None:
    white = np.full((64, 64, 3), 255, np.uint8)
    assert np.array_equal(folder(np.dstack([white, disc])).read(0).masks, [disc > 0])


def test_colours_count_where_they_are_opaque(folder: Callable[..., MaskFolder], disc: np.ndarray) -> None:
    colours = np.full((64, 64, 3), 255, np.uint8)
    colours[:30] = 9
    assert len(folder(np.dstack([colours, disc])).read(0).masks) == 2


@pytest.mark.parametrize("of", ["a.jpg", "a"])
def test_a_file_may_hold_one_instance(tmp_path: Path, save: Save, of: str) -> None:
    for name in ("a", "b"):
        save(tmp_path / "images" / f"{name}.jpg", np.zeros((6, 9, 3)))
    for number in (1, 10, 2):
        save(tmp_path / "masks" / f"{of}_{number}.png", np.eye(6, 9, number % 9) * 255)
    source = MaskFolder(tmp_path / "images", tmp_path / "masks")
    assert np.array_equal(source.read(0).masks, [np.eye(6, 9, 1) > 0, np.eye(6, 9, 2) > 0, np.eye(6, 9, 1) > 0])
    assert source.read(1).masks.shape == (0, 6, 9)
    assert [may_hold_objects(source, index) for index in range(2)] == [True, False]
    save(tmp_path / "masks" / "c_1.png", np.eye(6, 9))
    with pytest.raises(DataError, match=r"c_1\.png has no picture"):
        MaskFolder(tmp_path / "images", tmp_path / "masks")


def test_photos_without_a_folder_of_masks_have_no_objects(tmp_path: Path, save: Save) -> None:
    save(tmp_path / "images" / "a.jpg", np.zeros((6, 9, 3)))
    source = MaskFolder(tmp_path / "images", None)
    assert source.read(0).masks.shape == (0, 6, 9)
    assert not may_hold_objects(source, 0)


def test_a_photo_has_a_mask_or_files_of_instances_not_both(tmp_path: Path, save: Save) -> None:
    for path in ("images/a.png", "masks/a.png", "masks/a_0.png"):
        save(tmp_path / path, IDS)
    with pytest.raises(DataError, match=r"a\.png has a mask of its own, a\.png, and a_0\.png"):
        MaskFolder(tmp_path / "images", tmp_path / "masks")


def test_masks_of_unturned_photos_are_told_by_the_exif(tmp_path: Path, save: Save) -> None:
    save(tmp_path / "masks" / "a.png", IDS)
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "images").mkdir()
    Image.new("RGB", (9, 6)).save(tmp_path / "images" / "a.png", exif=exif)
    folders = tmp_path / "images", tmp_path / "masks"
    with pytest.raises(DataError, match=r"its photo is 6×9 \(turned by its EXIF orientation 6; .*dataset\.exif=ignore"):
        MaskFolder(*folders).read(0)
    assert len(MaskFolder(*folders, turned=False).read(0).masks) == 2


def test_many_instances_and_a_few_tiny_ones_are_legal(folder: Callable[..., MaskFolder]) -> None:
    many = np.kron(np.arange(100).reshape(10, 10), np.ones((4, 4))).astype(np.uint8)
    many[0, :4] = 100, 101, 102, 103
    assert len(folder(many).read(0).masks) == 103


def test_a_few_instances_may_all_be_tiny(folder: Callable[..., MaskFolder]) -> None:
    tiny = np.zeros((6, 9), np.uint8)
    tiny[2, :8] = range(1, 9)
    assert len(folder(tiny).read(0).masks) == 8


def test_files_are_paired_by_stem_and_sorted(tmp_path: Path, save: Save) -> None:
    for name, count in (("b", 2), ("a", 1), ("c", 0)):
        save(tmp_path / "images" / f"{name}.JPG", np.zeros((6, 9, 3)))
        save(tmp_path / "masks" / f"{name}.png", np.minimum(IDS, count))
    (tmp_path / "images" / "notes.txt").touch()
    source = MaskFolder(tmp_path / "images", tmp_path / "masks")
    assert source.names == ["a.JPG", "b.JPG", "c.JPG"]
    assert [len(source.read(index).masks) for index in range(3)] == [1, 2, 0]


def test_all_unpaired_files_are_listed(tmp_path: Path, save: Save) -> None:
    for path in ("images/both.png", "images/photo.png", "masks/both.png", "masks/mask.png"):
        save(tmp_path / path, IDS)
    with pytest.raises(DataError) as caught:
        MaskFolder(tmp_path / "images", tmp_path / "masks")
    assert "photo.png has no mask" in str(caught.value)
    assert "mask.png has no picture" in str(caught.value)
    assert "both.png" not in str(caught.value)


def test_a_long_list_of_unpaired_files_is_cut(tmp_path: Path, save: Save) -> None:
    (tmp_path / "masks").mkdir()
    for number in range(13):
        save(tmp_path / "images" / f"{number}.png", IDS)
    with pytest.raises(DataError, match=r"and 3 more") as caught:
        MaskFolder(tmp_path / "images", tmp_path / "masks")
    assert str(caught.value).count("has no mask") == 10


def test_two_files_with_the_same_stem_are_refused(tmp_path: Path, save: Save) -> None:
    for path in ("images/a.png", "masks/a.png", "masks/a.bmp"):
        save(tmp_path / path, IDS)
    with pytest.raises(DataError, match=r"a\.png and a\.bmp have the same stem"):
        MaskFolder(tmp_path / "images", tmp_path / "masks")


def test_a_mask_of_another_size_is_named(tmp_path: Path, save: Save) -> None:
    save(tmp_path / "images" / "a.jpg", np.zeros((9, 6, 3)))
    save(tmp_path / "masks" / "a.png", IDS)
    with pytest.raises(DataError, match=r"a\.png: is 9×6 pixels, its photo is 6×9"):
        MaskFolder(tmp_path / "images", tmp_path / "masks").read(0)


def test_missing_and_empty_folders_are_named(tmp_path: Path, save: Save) -> None:
    save(tmp_path / "full" / "a.png", IDS)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"absent: no such folder"):
        MaskFolder(tmp_path / "full", tmp_path / "absent")
    with pytest.raises(DataError, match=r"empty: holds no pictures"):
        MaskFolder(tmp_path / "empty", tmp_path / "full")


def test_real_photos_of_people(shared_data: Path) -> None:
    source = MaskFolder(shared_data / "human_seg" / "images", shared_data / "human_seg" / "masks")
    assert len(source.names) == 290
    for index in range(0, 290, 60):
        sample = source.read(index)
        assert sample.masks.shape == (1, *sample.image.shape[:2])
        assert 0.02 < sample.masks.mean() < 0.95
