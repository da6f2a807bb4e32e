"""Settings that a written picture carries come back letter by letter, and change no pixel."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import IFD, Base

from pochoir.errors import DataError
from pochoir.images import read_picture, read_settings, write_image

pytestmark = pytest.mark.filterwarnings("error")

SETTINGS = 'style: "Größe ✓ 😀"\nlayers: [relu1_1, relu2_1]\n' + "# long\n" * 1000
PIXELS = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)
ALPHA = np.arange(30, dtype=np.uint8).reshape(6, 5)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_settings_come_back_and_pixels_stay(tmp_path: Path, suffix: str) -> None:
    with_settings, without = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    alpha = None if suffix == "jpg" else ALPHA
    write_image(with_settings, PIXELS, alpha=alpha, settings=SETTINGS)
    write_image(without, PIXELS, alpha=alpha)
    assert read_settings(with_settings) == SETTINGS
    assert read_settings(without) is None
    assert np.array_equal(read_picture(with_settings).pixels, read_picture(without).pixels)


def test_bmp_drops_settings(tmp_path: Path) -> None:
    write_image(tmp_path / "a.bmp", PIXELS, settings=SETTINGS)
    assert read_settings(tmp_path / "a.bmp") is None


def test_comments_of_others_are_no_settings(tmp_path: Path) -> None:
    for comment in (b"ASCII\0\0\0hello", b"UNICODE\0" + "Urlaub\n{}".encode("utf-16-le"), b""):
        exif = Image.Exif()
        exif[IFD.Exif] = {Base.UserComment: comment}
        Image.fromarray(PIXELS).save(tmp_path / "a.jpg", exif=exif.tobytes())
        assert read_settings(tmp_path / "a.jpg") is None


def test_settings_survive_a_rewrite_in_the_other_byte_order(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.endian = ">"
    exif[IFD.Exif] = {Base.UserComment: b"UNICODE\0" + "pochoir\n{}".encode("utf-16-be")}
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg", exif=exif.tobytes())
    assert read_settings(tmp_path / "a.jpg") == "{}"


@pytest.mark.parametrize("suffix", ["jpg", "webp", "tif"])
def test_srgb_is_declared(tmp_path: Path, suffix: str) -> None:
    write_image(tmp_path / f"a.{suffix}", PIXELS)
    with Image.open(tmp_path / f"a.{suffix}") as image:
        assert image.getexif().get_ifd(IFD.Exif)[Base.ColorSpace] == 1
    write_image(tmp_path / "a.png", PIXELS)
    with Image.open(tmp_path / "a.png") as image:
        assert image.info["srgb"] == 0


def test_too_long_settings_and_unusable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.jpg: cannot be written as JPEG \(.*EXIF.*\)"):
        write_image(tmp_path / "a.jpg", PIXELS, settings="x" * 40_000)
    assert not (tmp_path / "a.jpg").exists()
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(DataError, match=r"text\.png: cannot be read as a picture"):
        read_settings(tmp_path / "text.png")
