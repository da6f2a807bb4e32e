"""Pictures as displayed, whatever their file holds; files that are written whole or not at all."""

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pochoir.errors import DataError
from pochoir.images import (
    IMAGE_SUFFIXES,
    MAX_PIXELS,
    find_all_images,
    find_images,
    orientation_of,
    picture_suffixes,
    read_labels,
    read_picture,
    read_rgb,
    read_settings,
    write_image,
)

pytestmark = pytest.mark.filterwarnings("error")

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


@pytest.mark.parametrize(
    ("orientation", "displayed"),
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (4, lambda a: a[::-1]),
        (5, lambda a: a.swapaxes(0, 1)),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: a[::-1, ::-1].swapaxes(0, 1)),
        (8, np.rot90),
    ],
)
def test_each_exif_orientation_is_applied_to_colour_and_alpha(tmp_path: Path, orientation: int, displayed) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 4), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    for name, options in {
        "a.png": {},
        "raw.tif": {},
        "packed.tif": {"compression": "tiff_lzw"},
        "a.webp": {"lossless": True, "exact": True},
    }.items():
        Image.fromarray(pixels).save(tmp_path / name, exif=exif, **options)
        picture = read_picture(tmp_path / name)
        assert np.array_equal(picture.pixels, displayed(pixels[..., :3])), name
        assert np.array_equal(picture.alpha, displayed(pixels[..., 3])), name
    blocks = np.kron(pixels[..., :3], np.ones((16, 16, 1), np.uint8))
    Image.fromarray(blocks).save(tmp_path / "a.jpg", exif=exif, quality=100, subsampling=0)
    assert np.abs(read_rgb(tmp_path / "a.jpg").astype(int) - displayed(blocks)).max() < 8
    deep = pixels[..., 0].astype(np.uint16) * 257
    Image.fromarray(deep).save(tmp_path / "deep.png", exif=exif)
    assert np.array_equal(read_rgb(tmp_path / "deep.png")[..., 1], displayed(pixels[..., 0]))
    assert np.array_equal(read_labels(tmp_path / "deep.png"), displayed(deep))


def test_pixels_are_height_by_width_and_opaque_ones_have_no_alpha(tmp_path: Path, stored: np.ndarray) -> None:
    write_image(tmp_path / "a.png", stored)
    picture = read_picture(tmp_path / "a.png")
    assert picture.pixels.shape == (2, 3, 3)
    assert picture.pixels.dtype == np.uint8
    assert picture.alpha is None


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


def test_a_transparent_colour_of_an_rgb_file_is_white(tmp_path: Path) -> None:
    Image.new("RGB", (2, 2), RED).save(tmp_path / "a.png", transparency=RED)
    assert (read_rgb(tmp_path / "a.png") == 255).all()
    assert (read_picture(tmp_path / "a.png").pixels == RED).all()


def test_labels_keep_ids_palette_indices_and_colours(tmp_path: Path) -> None:
    ids = np.array([[0, 1, 255], [3, 3, 0]], np.uint8)
    Image.fromarray(ids).save(tmp_path / "ids.png")
    palette = Image.fromarray(ids).convert("P")
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


def test_labels_of_float_files_are_whole_numbers(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 3, 70000]], np.float32)).save(tmp_path / "a.tif")
    assert read_labels(tmp_path / "a.tif").tolist() == [[0, 3, 70000]]
    Image.fromarray(np.array([[0, 0.5]], np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match=r"a\.tif: .*whole numbers"):
        read_labels(tmp_path / "a.tif")


@pytest.mark.parametrize("read", [read_picture, read_rgb, read_labels])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("missing", "no such file"),
        ("empty", r"\(the file is empty\)"),
        ("text", r"\(it is no picture that Pillow knows.*\)"),
        ("pointer", r"\(it is a Git LFS pointer.*git lfs pull fetches it\)"),
        ("page", r"\(it is a web page\)"),
        ("folder", r"\(it is a folder\)"),
        ("broken EXIF", r"\(not a TIFF file.*\)"),
    ],
)
def test_unusable_files_are_named_on_one_line_with_the_reason(tmp_path: Path, read, content: str, reason: str) -> None:
    path = tmp_path / "photo.png"
    if content == "empty":
        path.touch()
    elif content == "text":
        path.write_text("no picture at all")
    elif content == "pointer":
        path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
    elif content == "page":
        path.write_text("\n<!DOCTYPE html><html>404</html>")
    elif content == "folder":
        path.mkdir()
    elif content == "broken EXIF":
        Image.new("RGB", (4, 4)).save(path, exif=b"Exif\0\0neither II nor MM")
    with pytest.raises(DataError, match=rf"photo\.png: .*{reason}$") as caught:
        read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", sorted(IMAGE_SUFFIXES))
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_truncated_files_are_named_on_one_line(tmp_path: Path, suffix: str, kept: float) -> None:
    path = tmp_path / f"photo{suffix}"
    write_image(path, np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8))
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(DataError, match=r"photo\.\w+: cannot be read as a picture \(.+\)$"):
        read_rgb(path)


def announce(path: Path, width: int, height: int) -> Path:
    """A BMP of a few bytes whose header claims any size."""
    Image.new("RGB", (1, 1)).save(path)
    content = path.read_bytes()
    path.write_bytes(content[:18] + struct.pack("<ii", width, height) + content[26:])
    return path


@pytest.fixture
def entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow's limit as the entry point sets it."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", MAX_PIXELS)


@pytest.mark.usefixtures("entry_point")
@pytest.mark.parametrize("size", [(20_000, 10_001), (30_000, 12_000), (60_000, 60_000)])
def test_too_many_pixels_are_refused_by_the_header(tmp_path: Path, size: tuple[int, int]) -> None:
    """Sizes just beyond the limit, where Pillow would only warn, and where it would raise its own error."""
    path = announce(tmp_path / "bomb.bmp", *size)
    for read in (read_picture, read_labels, read_settings):
        with pytest.raises(DataError, match=r"bomb\.bmp: cannot be read as a picture \(.*more than 200 megapixels\)"):
            read(path)


@pytest.mark.usefixtures("entry_point")
def test_the_largest_cameras_are_within_the_limit(tmp_path: Path) -> None:
    """Pillow by itself warns from 89 megapixels and refuses from 179."""
    assert MAX_PIXELS >= 16_320 * 12_240
    assert read_settings(announce(tmp_path / "large.bmp", 16_320, 12_240)) is None


def test_a_library_call_keeps_to_pillows_limit_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    with pytest.raises(DataError, match=r"a\.bmp: cannot be read as a picture \(more than 0\.02 megapixels.*MAX_IMAGE"):
        read_picture(announce(tmp_path / "a.bmp", 200, 101))
    assert Image.MAX_IMAGE_PIXELS == 10_000


def test_importing_leaves_pillows_limit_alone() -> None:
    code = (
        "from PIL import Image as i; own = i.MAX_IMAGE_PIXELS; import pochoir.images; print(i.MAX_IMAGE_PIXELS - own)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"


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


def test_jpeg_keeps_colour_at_full_resolution(tmp_path: Path) -> None:
    stripes = np.zeros((16, 16, 3), np.uint8)
    stripes[:, ::2], stripes[:, 1::2] = RED, (0, 0, 255)
    write_image(tmp_path / "a.jpg", stripes)
    assert np.abs(read_rgb(tmp_path / "a.jpg").astype(int) - stripes).max() < 30


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_alpha_is_written_and_read_back(tmp_path: Path, suffix: str) -> None:
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:16], pixels[16:] = (200, 60, 30), (30, 60, 200)
    alpha = np.arange(32, dtype=np.uint8)[:, None].repeat(32, 1) * 8
    alpha[:8] = 0
    for stored, seen in ((pixels, pixels), (pixels[..., 0], pixels[..., :1].repeat(3, -1))):
        write_image(tmp_path / f"a{suffix}", stored, alpha=alpha)
        picture = read_picture(tmp_path / f"a{suffix}")
        assert np.array_equal(picture.alpha, alpha)
        wrong = np.abs(picture.pixels.astype(int) - seen)
        assert wrong[[*range(12), *range(20, 32)]].max() <= (8 if suffix == ".webp" else 0)


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".bmp"])
def test_formats_without_alpha_refuse_it(tmp_path: Path, stored: np.ndarray, suffix: str) -> None:
    with pytest.raises(DataError, match=rf"a\{suffix}: (JPEG|BMP) cannot hold transparency; name it a\.png"):
        write_image(tmp_path / f"a{suffix}", stored, alpha=stored[..., 0])


@pytest.mark.parametrize("name", ["a", "a.gif", "a.png.part"])
def test_unknown_endings_are_refused_with_the_known_ones(tmp_path: Path, stored: np.ndarray, name: str) -> None:
    with pytest.raises(DataError, match=rf"{name}: .*\.bmp, \.jpeg, \.jpg, \.png, \.tif, \.tiff, \.webp"):
        write_image(tmp_path / name, stored)
    assert not (tmp_path / name).exists()


def test_what_a_format_cannot_hold_is_an_error_and_keeps_the_earlier_file(tmp_path: Path, stored: np.ndarray) -> None:
    write_image(tmp_path / "a.webp", stored)
    earlier = (tmp_path / "a.webp").read_bytes()
    with pytest.raises(DataError, match=r"a\.webp: cannot be written as WEBP \(encoding error.*\)"):
        write_image(tmp_path / "a.webp", np.zeros((1, 16384, 3), np.uint8))
    assert (tmp_path / "a.webp").read_bytes() == earlier
    assert [path.name for path in tmp_path.iterdir()] == ["a.webp"]


def test_only_pictures_of_the_folder_itself_are_found_in_order(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", "c.txt", "d.webp", "e"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "folder.png" / "f.png").touch()
    assert [path.name for path in find_images(tmp_path)] == ["a.png", "b.JPG", "d.webp"]


def test_pictures_of_all_folders_are_found_and_the_rest_is_told(tmp_path: Path) -> None:
    for name in ("b.gif", "a.png", "sub/a.png", "sub/deep/c.JFIF", "notes.txt", "._a.png", ".git/d.png", "out/e.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "run" / ".hydra").mkdir(parents=True)
    (tmp_path / "run" / "f.png").touch()
    found, passed_over = find_all_images(tmp_path, without=tmp_path / "out")
    assert [path.relative_to(tmp_path).as_posix() for path in found] == [
        "a.png",
        "b.gif",
        "sub/a.png",
        "sub/deep/c.JFIF",
    ]
    assert [path.name for path in passed_over] == ["notes.txt", "out", "run"]


@pytest.mark.parametrize("name", ["a.gif", "a.jfif", "a.avif", "a.jp2", "a.ppm", "a.tga"])
def test_whatever_pillow_reads_is_read(tmp_path: Path, name: str) -> None:
    if Path(name).suffix not in picture_suffixes():
        pytest.skip("this Pillow does not read it")
    Image.new("RGB", (20, 10), RED).save(tmp_path / name)
    assert [path.name for path in find_images(tmp_path)] == [name]
    assert np.abs(read_rgb(tmp_path / name).astype(int) - RED).max() < 12


@pytest.mark.parametrize("name", ["a.heic", "a.jpg"])
def test_a_phones_photo_without_its_plug_in_says_what_to_install(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pochoir.images.files.find_spec", lambda name: None)
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    (tmp_path / name).write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    assert [path.name for path in find_images(tmp_path)] == [name]
    with pytest.raises(DataError, match=r"HEIC needs the package pillow-heif: pip install pillow-heif"):
        read_rgb(tmp_path / name)


def test_a_phones_photo_is_read_by_its_plug_in(tmp_path: Path) -> None:
    pytest.importorskip("pillow_heif").register_heif_opener()
    Image.new("RGB", (40, 20), RED).save(tmp_path / "a.heic")
    assert np.abs(read_rgb(tmp_path / "a.heic").astype(int) - RED).max() < 12


def test_a_registered_plug_in_is_told_from_one_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From Python, somebody has to register it; a damaged AVIF has the same container, but does not want it."""
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    monkeypatch.setattr("pochoir.images.files.find_spec", lambda name: object())
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    with pytest.raises(DataError, match=r"needs a line before it: pillow_heif\.register_heif_opener\(\)"):
        read_rgb(tmp_path / "a.heic")
    (tmp_path / "a.avif").write_bytes(b"\0\0\0\x18ftypavif\0\0\0\0mif1avif")
    with pytest.raises(DataError, match=r"it is no picture that Pillow knows, or a damaged one"):
        read_rgb(tmp_path / "a.avif")


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.tif", "a.avif"])
def test_of_several_pictures_the_first_is_read_and_that_is_said_once(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    if Path(name).suffix not in picture_suffixes():
        pytest.skip("this Pillow does not read it")
    first, second = (Image.new("RGB", (40, 30), colour) for colour in (RED, WHITE))
    first.save(tmp_path / name, save_all=True, append_images=[second, first])
    first.save(tmp_path / "single.png")
    with caplog.at_level("INFO", "pochoir"):
        for _ in range(2):
            assert np.abs(read_rgb(tmp_path / name).astype(int) - RED).max() < 12
        read_labels(tmp_path / name)
        read_rgb(tmp_path / "single.png")
    assert caplog.messages == [f"{tmp_path / name}: holds 3 pictures, of which the first is taken"]


def test_a_phones_photo_with_its_depth_is_one_picture(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    photo, depth = Image.new("RGB", (40, 30), RED), Image.new("RGB", (20, 15), WHITE)
    photo.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[depth])
    with caplog.at_level("INFO", "pochoir"):
        assert read_rgb(tmp_path / "a.jpg").shape == (30, 40, 3)
    assert caplog.messages == []


def test_damage_behind_the_first_picture_does_no_harm(tmp_path: Path) -> None:
    first, second = (Image.fromarray(np.full((30, 40, 3), grey, np.uint8)) for grey in (80, 90))
    first.save(tmp_path / "a.tif", save_all=True, append_images=[second])
    content = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(content[: len(content) // 2 + 200])
    assert (read_rgb(tmp_path / "a.tif") == 80).all()


def test_what_starts_other_programs_is_not_opened(tmp_path: Path) -> None:
    Image.new("RGB", (20, 10), RED).save(tmp_path / "a.eps")
    assert find_images(tmp_path) == []
    with pytest.raises(DataError, match="no picture that Pillow knows"):
        read_rgb(tmp_path / "a.eps")


def test_pictures_can_be_read_unturned(tmp_path: Path, stored: np.ndarray) -> None:
    path = write_turned(tmp_path / "turned.png", stored)
    assert np.array_equal(read_rgb(path, turned=False), stored)
    assert np.array_equal(read_labels(path, turned=False), stored)
    assert orientation_of(path) == TURNED
    write_image(path, stored)
    assert orientation_of(path) == 1


def test_clear_pixels_of_a_mask_are_0_and_alpha_is_the_mask_of_one_colour(tmp_path: Path) -> None:
    pixels = np.array([[[255, 255, 255, 0], [255, 255, 255, 9]]], np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert read_labels(tmp_path / "a.png").tolist() == [[0, 9]]
    pixels[0, 1, :3] = 7
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert read_labels(tmp_path / "a.png").tolist() == [[[0, 0, 0], [7, 7, 7]]]
