"""Every form that a picture has in Python becomes the same picture; what is none is told what is."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from pochoir.errors import ConfigError, DataError
from pochoir.images import Picture, as_picture, read_picture, write_image

NAN = float("nan")


@pytest.fixture
def rgba() -> np.ndarray:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 4), dtype=np.uint8)
    pixels[0, 0, 3] = 0  # not opaque throughout
    return pixels


def assert_same(picture: Picture, pixels: np.ndarray, alpha: np.ndarray | None = None) -> None:
    assert picture.pixels.dtype == np.uint8
    assert np.array_equal(picture.pixels, pixels)
    assert (picture.alpha is None) == (alpha is None)
    assert alpha is None or np.array_equal(picture.alpha, alpha)


def test_all_forms_of_a_picture_with_alpha_are_the_same(rgba: np.ndarray, tmp_path: Path) -> None:
    pixels, alpha = rgba[..., :3], rgba[..., 3]
    write_image(tmp_path / "a.png", np.ascontiguousarray(pixels), alpha=alpha)
    channels_first = torch.from_numpy(rgba).permute(2, 0, 1)
    for source in (
        tmp_path / "a.png",
        str(tmp_path / "a.png"),
        Picture(pixels, alpha),
        Image.fromarray(rgba),
        Image.open(tmp_path / "a.png"),
        rgba,
        rgba / 255,
        (rgba / 255).astype(np.float32),
        channels_first,
        channels_first[None],
        channels_first / 255,
    ):
        assert_same(as_picture(source), pixels, alpha)


def test_all_forms_of_a_grey_picture_are_the_same(rgba: np.ndarray) -> None:
    grey = rgba[..., 0]
    for source in (Image.fromarray(grey), grey, grey[..., None], grey / 255, torch.from_numpy(grey)[None]):
        assert_same(as_picture(source), np.repeat(grey[..., None], 3, axis=-1))


def test_tensors_of_any_precision_and_with_gradient_are_taken(rgba: np.ndarray) -> None:
    image = torch.from_numpy(rgba[..., :3]).permute(2, 0, 1) / 255
    assert_same(as_picture(image.requires_grad_()), rgba[..., :3])
    for dtype in (torch.float64, torch.float16, torch.bfloat16):
        seen = as_picture(image.to(dtype)).pixels
        assert np.abs(seen.astype(int) - rgba[..., :3]).max() <= 1


def test_opaque_alpha_is_none(rgba: np.ndarray) -> None:
    rgba[..., 3] = 255
    assert_same(as_picture(rgba), rgba[..., :3])


def test_what_comes_with_the_project_is_taken_by_name() -> None:
    assert as_picture("builtin:strokes").size == as_picture(Path("builtin:strokes")).size == (512, 640)
    with pytest.raises(ConfigError, match="builtin:oil"):
        as_picture("builtin:oil")


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pil_pictures_are_turned_as_their_files_are_and_stay_as_they_were(
    rgba: np.ndarray, tmp_path: Path, suffix: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(rgba if suffix != "jpg" else rgba[..., :3])
    packed = {"compression": "tiff_lzw"} if suffix == "tif" else {}  # raw ones Pillow 13.0 scrambles by itself
    image.save(tmp_path / f"a.{suffix}", exif=exif, **packed)
    expected = read_picture(tmp_path / f"a.{suffix}")
    with Image.open(tmp_path / f"a.{suffix}") as opened:
        for _ in range(2):
            assert_same(as_picture(opened), expected.pixels, expected.alpha)


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV"]
)
def test_pil_pictures_of_any_mode_are_taken(mode: str) -> None:
    image = Image.new("RGBA", (7, 5), (255, 0, 0, 255))
    for step in {"La": ["LA"], "PA": ["P"], "RGBa": ["RGBA"]}.get(mode, []) or ["RGB"]:
        image = image.convert(step)
    picture = as_picture(image.convert(mode))
    assert picture.size == (5, 7)
    red = picture.pixels[0, 0].astype(int)
    grey = mode in {"1", "L", "LA", "La"}
    assert len(set(red)) == 1 if grey else np.abs(red - (255, 0, 0)).max() < 8


def test_other_colours_become_srgb() -> None:
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    lab = ImageCms.profileToProfile(Image.new("RGB", (7, 5), (200, 60, 30)), *profiles, outputMode="LAB")
    assert np.abs(as_picture(lab).pixels.astype(int) - (200, 60, 30)).max() < 4


def test_deep_grey_files_are_scaled_as_when_they_are_read(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 14306, 65535]], np.uint16)).save(tmp_path / "deep.png")
    with Image.open(tmp_path / "deep.png") as opened:
        assert as_picture(opened).pixels[0, :, 0].tolist() == [0, 56, 255]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (np.zeros((3, 5, 7), np.uint8), r"\[H, W\] or \[H, W, 1\|3\|4\]; its shape is \[3, 5, 7\]"),
        (np.zeros((1, 5, 7, 3), np.uint8), r"its shape is \[1, 5, 7, 3\]"),
        (np.zeros(3, np.uint8), r"its shape is \[3\]"),
        (np.zeros((), np.uint8), r"its shape is \[\]"),
        (np.zeros((0, 7, 3), np.uint8), r"its shape is \[0, 7, 3\]"),
        (np.zeros((5, 7), bool), r"uint8, or floats in \[0, 1\]; these are bool"),
        (np.zeros((5, 7), np.uint16), "these are uint16"),
        (np.full((5, 7), 1.5), r"floats lie in \[0, 1\].*\[1\.5, 1\.5\]"),
        (np.full((5, 7), -0.25), r"\[-0\.25, -0\.25\]"),
        (np.array([[0.5, NAN]]), "none is NaN"),
        (torch.zeros(5, 7, 3), r"\[1\|3\|4, H, W\].*\[5, 7, 3\]"),
        (torch.zeros(2, 3, 5, 7), r"\[2, 3, 5, 7\]"),
        (torch.zeros(5, 7), r"\[5, 7\]"),
        (torch.zeros(3, 5, 0), r"\[5, 0, 3\]"),
        (torch.full((3, 5, 7), 255.0), r"\[255, 255\]"),
        (torch.zeros(3, 5, 7, dtype=torch.int64), "int64"),
        (Image.fromarray(np.full((5, 7), 2.0, np.float32)), r"\[2, 2\]"),
        ([[0, 1]], "a path, a PIL picture, a numpy array or a tensor, not list"),
        (None, "not NoneType"),
    ],
)
def test_what_is_no_picture_is_told_what_is(source, reason: str) -> None:
    with pytest.raises(DataError, match=f"^photo: .*{reason}"):
        as_picture(source, "photo")


def test_damaged_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_image(path, np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8))
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(DataError, match=r"a\.png: cannot be read as a picture"):
        as_picture(path)
    with Image.open(path) as opened, pytest.raises(DataError, match=r"^photo: "):
        as_picture(opened, "photo")
