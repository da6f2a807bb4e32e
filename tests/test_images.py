"""Pictures as displayed, whatever their file holds; files that are written whole or not at all."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pochoir.errors import DataError
from pochoir.images import IMAGE_SUFFIXES, find_images, read_labels, read_rgb, write_image

RED, WHITE = (255, 0, 0), (255, 255, 255)
TURNED = 6  # EXIF orientation: turn clockwise by a quarter to display


def write_turned(path: Path, stored: np.ndarray) -> Path:
    exif = Image.Exif()
    exif[0x0112] = TURNED
    Image.fromarray(stored).save(path, exif=exif)
    return path


@pytest.fixture
def stored() -> np.ndarray:
    """2 × 3 pixels of six different reds."""
    pixels = np.zeros((2, 3, 3), np.uint8)
    pixels[..., 0] = np.arange(6).reshape(2, 3) * 40
    return pixels


def test_exif_orientation_is_applied_to_pictures_masks_and_sizes(tmp_path: Path, stored: np.ndarray) -> None:
    path = write_turned(tmp_path / "turned.png", stored)
    assert np.array_equal(read_rgb(path), np.rot90(stored, -1))
    labels = write_turned(tmp_path / "labels.png", stored[..., 0])
    assert np.array_equal(read_labels(labels), np.rot90(stored[..., 0], -1))


def test_size_of_an_unturned_picture_is_height_and_width(tmp_path: Path, stored: np.ndarray) -> None:
    write_image(tmp_path / "a.png", stored)


@pytest.mark.parametrize(
    ("mode", "stored_pixel", "seen"),
    [
        ("1", 1, WHITE),
        ("L", 77, (77, 77, 77)),
        ("LA", (0, 0), WHITE),
        ("LA", (90, 255), (90, 90, 90)),
        ("RGBA", (*RED, 0), WHITE),
        ("RGBA", (*RED, 255), RED),
        ("RGBA", (0, 0, 0, 51), (204, 204, 204)),
    ],
)
def test_pixels_are_converted_to_rgb_and_transparency_lies_on_white(
    tmp_path: Path, mode: str, stored_pixel: object, seen: tuple[int, int, int]
) -> None:
    Image.new(mode, (4, 3), stored_pixel).save(tmp_path / "a.png")
    pixels = read_rgb(tmp_path / "a.png")
    assert pixels.shape == (3, 4, 3)
    assert pixels.dtype == np.uint8
    assert (pixels == seen).all()


def test_palette_is_looked_up_and_its_transparent_entry_is_white(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8), mode="P")
    image.putpalette([*RED, 0, 255, 0, 0, 0, 255])
    image.save(tmp_path / "plain.png")
    image.save(tmp_path / "hole.png", transparency=1)
    assert read_rgb(tmp_path / "plain.png").tolist() == [[[255, 0, 0], [0, 255, 0], [0, 0, 255]]]
    assert read_rgb(tmp_path / "hole.png").tolist() == [[[255, 0, 0], [255, 255, 255], [0, 0, 255]]]


def test_a_transparent_colour_of_an_rgb_file_is_white(tmp_path: Path) -> None:
    Image.new("RGB", (2, 2), RED).save(tmp_path / "a.png", transparency=RED)
    assert (read_rgb(tmp_path / "a.png") == 255).all()


def test_cmyk_is_converted(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "red.jpg", quality=95)
    assert np.abs(read_rgb(tmp_path / "red.jpg").astype(int) - RED).max() < 8


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bit_grey_is_scaled_not_clipped(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(np.array([[0, 256, 32768, 65535]], np.uint16)).save(tmp_path / f"a{suffix}")
    assert read_rgb(tmp_path / f"a{suffix}")[0, :, 1].tolist() == [0, 1, 128, 255]


def test_labels_keep_ids_palette_indices_and_colours(tmp_path: Path) -> None:
    ids = np.array([[0, 1, 255], [3, 3, 0]], np.uint8)
    Image.fromarray(ids).save(tmp_path / "ids.png")
    palette = Image.fromarray(ids, mode="P")
    palette.putpalette([*RED] * 256)  # one colour for all: only the indices tell them apart
    palette.save(tmp_path / "palette.png")
    Image.merge("LA", [Image.fromarray(ids)] * 2).save(tmp_path / "alpha.png")
    for name in ("ids.png", "palette.png", "alpha.png"):
        assert np.array_equal(read_labels(tmp_path / name), ids), name

    Image.fromarray(ids.astype(np.uint16) * 257).save(tmp_path / "wide.png")
    assert np.array_equal(read_labels(tmp_path / "wide.png"), ids.astype(int) * 257)
    Image.fromarray(ids > 0).save(tmp_path / "bits.png")
    assert np.array_equal(read_labels(tmp_path / "bits.png") > 0, ids > 0)
    Image.new("RGBA", (2, 1), (*RED, 9)).save(tmp_path / "colour.png")
    assert read_labels(tmp_path / "colour.png").tolist() == [[list(RED), list(RED)]]


@pytest.mark.parametrize("read", [read_rgb, read_labels])
@pytest.mark.parametrize("content", ["missing", "empty", "text", "cut short", "folder", "broken EXIF"])
def test_unusable_files_are_named(tmp_path: Path, read, content: str) -> None:
    path = tmp_path / "photo.png"
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    if content == "empty":
        path.touch()
    elif content == "text":
        path.write_text("no picture at all")
    elif content == "cut short":
        write_image(path, noise)
        path.write_bytes(path.read_bytes()[:-400])
    elif content == "folder":
        path.mkdir()
    elif content == "broken EXIF":
        Image.fromarray(noise).save(path, exif=b"Exif\0\0neither II nor MM")
    with pytest.raises(DataError, match=r"photo\.png: (no such file|cannot be read as a picture)"):
        read(path)


@pytest.mark.parametrize("suffix", sorted(IMAGE_SUFFIXES))
def test_each_format_is_written_and_read_back(tmp_path: Path, suffix: str) -> None:
    slope = np.zeros((16, 24, 3), np.uint8)
    slope[...] = np.arange(24)[None, :, None] * 10
    for picture in (slope, slope[..., 0]):
        path = tmp_path / f"a{suffix.upper()}"
        write_image(path, picture)
        with Image.open(path) as image:
            assert image.format == {"JPG": "JPEG", "TIF": "TIFF"}.get(suffix[1:].upper(), suffix[1:].upper())
        tolerance = 12 if suffix in {".jpg", ".jpeg", ".webp"} else 0
        assert np.abs(read_rgb(path).astype(int) - slope).max() <= tolerance


def test_only_pictures_of_the_folder_itself_are_found_in_order(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", "c.txt", "d.webp", "e"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "folder.png" / "f.png").touch()
    assert [path.name for path in find_images(tmp_path)] == ["a.png", "b.JPG", "d.webp"]
