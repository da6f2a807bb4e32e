"""Every mode, depth and profile becomes the colour that its author saw. Expectations come from formulas, not Pillow."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import PIL
import pytest
from numpy.typing import ArrayLike
from PIL import Image, ImageCms

from pochoir.errors import DataError
from pochoir.images import Picture, read_labels, read_picture, read_rgb

pytestmark = pytest.mark.filterwarnings("error")

PILLOW = int(PIL.__version__.split(".")[0])
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
DEEP = np.array([[0, 256, 14306, 32768, 65535]], np.uint16)
DEEP_SEEN = [0, 1, 56, 128, 255]  # DEEP / 257, rounded
DEEP_COLOUR = np.array([[[0, 256, 65535], [32768, 40000, 12345]]], np.uint16)


def grey(values: ArrayLike) -> np.ndarray:
    return np.repeat(np.asarray(values)[..., None], 3, -1)


def write_png(
    path: Path, shape: tuple[int, int], depth: int, colour_type: int, rows: bytes, clear: bytes = b""
) -> Path:
    """Rows hold their filter byte; `clear` is the content of the tRNS chunk."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", shape[1], shape[0], depth, colour_type, 0, 0, 0)
    chunks = [(b"IHDR", header), *([(b"tRNS", clear)] if clear else []), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*item) for item in chunks))
    return path


def write_tiff(
    path: Path, values: np.ndarray, *, photometric: int, bits: int = 0, samples: int = 1, **tags: int
) -> Path:
    """Uncompressed, in the byte order of `values`; `tags`: planar (284), extra (338), kind (339)."""
    order = ">" if values.dtype.byteorder == ">" else "<"
    height, width = values.shape[:2]
    entries = {256: width, 257: height, 259: 1, 262: photometric, 277: samples, 278: height, 279: values.nbytes}
    entries |= {{"planar": 284, "extra": 338, "kind": 339}[name]: value for name, value in tags.items()}
    start = 8 + 2 + 12 * (len(entries) + 2) + 4  # then the bits of each sample, then the pixels
    entries |= {258: bits or values.itemsize * 8, 273: start + 2 * samples}
    directory = b""
    for tag, value in sorted(entries.items()):
        count = samples if tag == 258 else 1
        inline = struct.pack(f"{order}{count}H", *[value] * count).ljust(4, b"\0")
        directory += struct.pack(f"{order}HHI", tag, 3, count)
        directory += struct.pack(f"{order}I", start) if count > 2 else inline
    path.write_bytes(
        (b"MM" if order == ">" else b"II")
        + struct.pack(f"{order}HIH", 42, 8, len(entries))
        + directory
        + bytes(4)
        + struct.pack(f"{order}{samples}H", *[entries[258]] * samples)
        + values.tobytes()
    )
    return path


def icc(space: bytes, connection: bytes, tags: dict[bytes, bytes], kind: bytes = b"mntr") -> bytes:
    """An ICC 2.4 profile (ICC.1:2001-04, 6.1 to 6.5)."""
    start = 128 + 4 + 12 * len(tags)
    directory, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        directory += struct.pack(">4sII", name, start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    d50 = (63190, 65536, 54061)
    size = start + len(body)
    header = struct.pack(">I4xI4s4s4s12x4s28x3i48x", size, 0x02400000, kind, space, connection, b"acsp", *d50)
    return header + directory + body


def rgb_profile(columns: ArrayLike, gamma: float) -> bytes:
    """Primaries as columns of a matrix to XYZ (D50)."""
    curve = b"curv" + struct.pack(">4xIHxx", 1, round(gamma * 256))
    tags = {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), np.asarray(columns).T, strict=True):
        tags[name] = b"XYZ " + struct.pack(">4x3i", *(round(value * 65536) for value in column))
    return icc(b"RGB ", b"XYZ ", tags)


def cmyk_profile() -> bytes:
    """Cyan ink prints green, black ink black, and the others nothing."""
    white, green, black = (255, 128, 128), (224, 49, 209), (0, 128, 128)  # Lab: L · 2.55, a + 128, b + 128
    nodes = [black if k else green if c else white for c in (0, 1) for m in (0, 1) for y in (0, 1) for k in (0, 1)]
    ramp = bytes(range(256))
    identity = struct.pack(">9i", *(np.eye(3, dtype=int).ravel() * 65536).tolist())
    table = b"mft1" + struct.pack(">4xBBBx", 4, 3, 2) + identity + ramp * 4 + np.uint8(nodes).tobytes() + ramp * 3
    return icc(b"CMYK", b"Lab ", {b"A2B0": table}, kind=b"prtr")


SRGB = np.array(
    [[0.43607, 0.38506, 0.14308], [0.22250, 0.71688, 0.06062], [0.01393, 0.09710, 0.71417]]
)  # IEC 61966-2-1
ADOBE = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])  # Adobe RGB
SWAPPED = rgb_profile(SRGB[:, ::-1], 2.2)  # red and blue change places
LINEAR_GREY = icc(b"GRAY", b"XYZ ", {b"kTRC": b"curv" + struct.pack(">4xI", 0)})


def encoded(linear: ArrayLike) -> np.ndarray:
    """sRGB's curve: linear light in [0, 1] to [0, 255]."""
    light = np.clip(linear, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def tiff_lab(pixels: np.ndarray) -> np.ndarray:
    """sRGB uint8 to CIE L*a*b* (CIE 15, under D50) as TIFF 6.0 (section 23) stores it: L · 2.55, a and b signed."""
    share = pixels / 255
    light = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    x, y, z = np.moveaxis(np.cbrt(light @ SRGB.T / SRGB.sum(1)), -1, 0)  # all of them beyond the linear part of f
    lab = np.stack([(116 * y - 16) * 2.55, 500 * (x - y), 200 * (y - z)], -1)
    return np.rint(lab).astype(int).astype(np.uint8)


def test_palette_is_looked_up_and_keeps_the_colour_below_its_clear_entries(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8)).convert("P")
    image.putpalette([*RED, *GREEN, *BLUE])
    image.save(tmp_path / "plain.png")
    image.save(tmp_path / "plain.tif")
    image.save(tmp_path / "plain.bmp")
    image.save(tmp_path / "hole.png", transparency=1)
    image.save(tmp_path / "soft.png", transparency=b"\x80\x00\xff")
    for name in ("plain.png", "plain.tif", "plain.bmp"):
        picture = read_picture(tmp_path / name)
        assert picture.pixels.tolist() == [[[*RED], [*GREEN], [*BLUE]]], name
        assert picture.alpha is None, name
    for name, alpha in (("hole.png", [255, 0, 255]), ("soft.png", [128, 0, 255])):
        picture = read_picture(tmp_path / name)
        assert picture.pixels.tolist() == [[[*RED], [*GREEN], [*BLUE]]], name
        assert picture.alpha is not None
        assert picture.alpha.tolist() == [alpha], name
    assert read_rgb(tmp_path / "hole.png").tolist() == [[[*RED], [*WHITE], [*BLUE]]]


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
def test_one_bit_is_black_and_white(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(np.array([[True, False, True]])).save(tmp_path / f"a.{suffix}")
    assert np.array_equal(read_rgb(tmp_path / f"a.{suffix}"), grey([[255, 0, 255]]))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_grey_with_alpha(tmp_path: Path, suffix: str) -> None:
    values, alpha = np.array([[10, 200]], np.uint8), np.array([[0, 77]], np.uint8)
    Image.merge("LA", [Image.fromarray(values), Image.fromarray(alpha)]).save(tmp_path / f"a.{suffix}")
    picture = read_picture(tmp_path / f"a.{suffix}")
    assert np.array_equal(picture.pixels, grey(values))
    assert np.array_equal(picture.alpha, alpha)


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_colour_below_clear_pixels_is_kept_and_opaque_alpha_is_none(tmp_path: Path, suffix: str) -> None:
    pixels = np.array([[[*RED, 0], [*GREEN, 9], [*BLUE, 255]]], np.uint8)
    options = {"lossless": True, "exact": True} if suffix == "webp" else {}
    Image.fromarray(pixels).save(tmp_path / f"a.{suffix}", **options)
    picture = read_picture(tmp_path / f"a.{suffix}")
    assert np.array_equal(picture.pixels, pixels[..., :3])
    assert np.array_equal(picture.alpha, pixels[..., 3])
    pixels[..., 3] = 255
    Image.fromarray(pixels).save(tmp_path / f"a.{suffix}", **options)
    assert read_picture(tmp_path / f"a.{suffix}").alpha is None


def test_premultiplied_tiff_is_divided_by_its_alpha(tmp_path: Path) -> None:
    soft = np.array([[[128, 0, 0, 128]]], np.uint8)
    picture = read_picture(write_tiff(tmp_path / "rgb.tif", soft, photometric=2, samples=4, extra=1))
    assert picture.pixels.tolist() == [[[*RED]]]
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[128]]


@pytest.mark.skipif(PILLOW < 13, reason="Pillow before 13 refuses this kind, and the file is a DataError")
def test_premultiplied_grey_tiff_is_divided_by_its_alpha(tmp_path: Path) -> None:
    soft = np.array([[[64, 128]]], np.uint8)
    picture = read_picture(write_tiff(tmp_path / "grey.tif", soft, photometric=1, samples=2, extra=1))
    assert np.abs(picture.pixels.astype(int) - 127).max() <= 1
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[128]]


@pytest.mark.parametrize(
    ("depth", "colour_type", "row", "clear", "seen", "alpha"),
    [
        (1, 0, "50", "0001", grey([0, 255, 0, 255]), [255, 0, 255, 0]),
        (2, 0, "1b", "0002", grey([0, 85, 170, 255]), [255, 255, 0, 255]),
        (4, 0, "03cf", "0003", grey([0, 51, 204, 255]), [255, 0, 255, 255]),
        (8, 0, "0a0b0c0d", "000b", grey([10, 11, 12, 13]), [255, 0, 255, 255]),
        (16, 0, "37e2 37e3 0000 ffff", "37e2", grey([56, 56, 0, 255]), [0, 255, 255, 255]),
        (16, 2, "ffff00000000" * 2 + "0000ffff0000" * 2, "ffff00000000", [RED, RED, GREEN, GREEN], [0, 0, 255, 255]),
        (16, 4, "8080ffff 8080c0c0 ffff0000 00000101", "", grey([128, 128, 255, 0]), [255, 192, 0, 1]),
        (16, 6, "ffff00000000ffff" * 3 + "0000ffff00008080", "", [RED, RED, RED, GREEN], [255, 255, 255, 128]),
    ],
)
def test_png_of_every_depth_and_its_transparent_value(
    tmp_path: Path, depth: int, colour_type: int, row: str, clear: str, seen: ArrayLike, alpha: list[int]
) -> None:
    row_bytes = b"\0" + bytes.fromhex(row)
    picture = read_picture(write_png(tmp_path / "a.png", (1, 4), depth, colour_type, row_bytes, bytes.fromhex(clear)))
    assert np.array_equal(picture.pixels[0], seen)
    assert picture.alpha is not None
    assert picture.alpha[0].tolist() == alpha


def test_sixteen_bit_grey_is_scaled_in_both_byte_orders(tmp_path: Path) -> None:
    """14306 is 56 of 255: neither 14306, nor 255 (clipped), nor 226 (the low byte)."""
    Image.fromarray(DEEP).save(tmp_path / "grey.png")
    write_tiff(tmp_path / "little.tif", DEEP.astype("<u2"), photometric=1)
    write_tiff(tmp_path / "big.tif", DEEP.astype(">u2"), photometric=1)
    cv2.imwrite(str(tmp_path / "packed.tif"), DEEP)
    for name in ("grey.png", "little.tif", "big.tif", "packed.tif"):
        picture = read_picture(tmp_path / name)
        assert np.array_equal(picture.pixels, grey([DEEP_SEEN])), name
        assert picture.alpha is None, name
        assert np.array_equal(read_labels(tmp_path / name), DEEP), name


def test_twelve_bit_grey_is_scaled(tmp_path: Path) -> None:
    packed = np.array([[0xFF, 0xF8, 0x00]], np.uint8)  # 4095, 2048
    path = write_tiff(tmp_path / "a.tif", packed, photometric=1, bits=12)
    path.write_bytes(path.read_bytes().replace(struct.pack("<HHII", 256, 3, 1, 3), struct.pack("<HHII", 256, 3, 1, 2)))
    assert np.array_equal(read_rgb(path), grey([[255, 128]]))


def test_grey_whose_white_is_zero_is_inverted(tmp_path: Path) -> None:
    assert np.array_equal(
        read_rgb(write_tiff(tmp_path / "a.tif", DEEP.astype("<u2"), photometric=0)), grey([[255, 254, 199, 127, 0]])
    )
    shallow = write_tiff(tmp_path / "b.tif", np.array([[0, 55, 255]], np.uint8), photometric=0)
    assert np.array_equal(read_rgb(shallow), grey([[255, 200, 0]]))


@pytest.mark.parametrize("name", ["a.png", "a.tif", "big.tif"])
def test_sixteen_bit_colour_is_within_a_level(tmp_path: Path, name: str) -> None:
    if name == "big.tif":
        write_tiff(tmp_path / name, DEEP_COLOUR.astype(">u2"), photometric=2, samples=3)
    else:
        cv2.imwrite(str(tmp_path / name), DEEP_COLOUR[..., ::-1])
    assert np.abs(read_rgb(tmp_path / name) - DEEP_COLOUR / 257).max() < 1


def test_separate_planes_of_sixteen_bits_are_refused_not_scrambled(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", DEEP_COLOUR.astype("<u2"), photometric=2, samples=3, planar=2)
    with pytest.raises(DataError, match=r"a\.tif: .*16-bit colour in separate planes is not supported"):
        read_picture(path)


@pytest.mark.parametrize("order", ["<", ">"])
def test_float_grey_is_scaled_by_its_range_of_one(tmp_path: Path, order: str) -> None:
    path = write_tiff(tmp_path / "a.tif", np.array([[0, 0.2, 1]], f"{order}f4"), photometric=1, kind=3)
    assert np.array_equal(read_rgb(path), grey([[0, 51, 255]]))


@pytest.mark.parametrize(
    ("values", "kind", "found"),
    [
        (np.array([[0, 128.5]], "<f4"), 3, r"\[0, 128\.5\]"),
        (np.array([[-0.5, 1]], "<f4"), 3, r"\[-0\.5, 1\]"),
        (np.array([[0, np.nan]], "<f4"), 3, r"\[nan, nan\]"),
        (np.array([[7, 70000]], "<u4"), 1, r"\[7, 70000\].*save it with 8 or 16 bits"),
        (np.array([[-3, 4]], "<i2"), 2, r"\[-3, 4\]"),
    ],
)
def test_grey_of_unknown_scale_is_refused_with_its_range(
    tmp_path: Path, values: np.ndarray, kind: int, found: str
) -> None:
    path = write_tiff(tmp_path / "a.tif", values, photometric=1, kind=kind)
    with pytest.raises(DataError, match=rf"a\.tif: cannot be read as a picture \(.*{found}"):
        read_picture(path)


def test_cmyk_jpeg_is_not_inverted(tmp_path: Path) -> None:
    """Pillow writes as Adobe does, inverted and marked; OpenCV agrees on what it shows."""
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "red.jpg", quality=95)
    assert b"Adobe" in (tmp_path / "red.jpg").read_bytes()
    assert np.abs(read_rgb(tmp_path / "red.jpg").astype(int) - RED).max() < 4
    assert np.abs(cv2.imread(str(tmp_path / "red.jpg"))[..., ::-1].astype(int) - RED).max() < 4
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "red.tif")
    assert (read_rgb(tmp_path / "red.tif") == RED).all()


def test_ycck_jpeg_is_converted(tmp_path: Path) -> None:
    """Adobe's transform 2: YCbCr of the inverted inks. Cyan's YCbCr is (179, 171, 0): no cyan ink, so red."""
    inverted = Image.new("CMYK", (8, 8), tuple(255 - value for value in (179, 171, 0, 255)))
    inverted.save(tmp_path / "a.jpg", quality=95)
    content = (tmp_path / "a.jpg").read_bytes()
    transform = content.index(b"Adobe") + 11
    (tmp_path / "a.jpg").write_bytes(content[:transform] + b"\2" + content[transform + 1 :])
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.info["adobe_transform"] == 2
    expected = cv2.imread(str(tmp_path / "a.jpg"))[..., ::-1].astype(int)
    assert np.abs(read_rgb(tmp_path / "a.jpg").astype(int) - expected).max() < 6


def test_ycbcr_and_lab_tiff_are_converted(tmp_path: Path) -> None:
    Image.new("YCbCr", (16, 16), (76, 85, 255)).save(tmp_path / "ycbcr.tif", compression="jpeg", quality=95)
    assert np.abs(read_rgb(tmp_path / "ycbcr.tif").astype(int) - RED).max() < 3
    colours = np.array([[[200, 80, 60], [60, 90, 180], [90, 160, 70], [127, 127, 127], WHITE]], np.uint8)
    path = write_tiff(tmp_path / "lab.tif", tiff_lab(colours), photometric=8, samples=3)
    assert np.abs(read_rgb(path).astype(int) - colours).max() <= 1


def test_wide_gamut_is_converted_to_srgb(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    light = (pixels / 255) ** (563 / 256)
    expected = encoded(light @ (np.linalg.inv(SRGB) @ ADOBE).T)
    assert np.abs(pixels - expected).max() > 20
    for suffix in ("png", "tif"):
        Image.fromarray(pixels).save(tmp_path / f"a.{suffix}", icc_profile=rgb_profile(ADOBE, 563 / 256))
        assert np.abs(read_rgb(tmp_path / f"a.{suffix}") - expected).max() < 2.5


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_profile_is_found_in_every_format(tmp_path: Path, suffix: str) -> None:
    Image.new("RGB", (8, 8), RED).save(tmp_path / f"a.{suffix}", icc_profile=SWAPPED)
    assert np.abs(read_rgb(tmp_path / f"a.{suffix}").astype(int) - BLUE).max() < 5


def test_profile_changes_colour_but_neither_alpha_nor_labels(tmp_path: Path) -> None:
    pixels = np.array([[[*RED, 120], [*BLUE, 100]]], np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png", icc_profile=SWAPPED)
    picture = read_picture(tmp_path / "a.png")
    assert picture.pixels.tolist() == [[[*BLUE], [*RED]]]
    assert np.array_equal(picture.alpha, pixels[..., 3])
    assert np.array_equal(read_labels(tmp_path / "a.png"), pixels[..., :3])


def test_profile_of_palette_grey_and_ycbcr_pictures(tmp_path: Path) -> None:
    palette = Image.new("P", (2, 2), 1)
    palette.putpalette([*GREEN, *RED])
    palette.save(tmp_path / "palette.png", icc_profile=SWAPPED)
    assert (read_rgb(tmp_path / "palette.png") == BLUE).all()
    linear = np.array([[0, 55, 255]], np.uint8)
    expected = encoded(linear / 255)  # 55 is 128 to the eye
    for suffix in ("png", "tif"):
        Image.fromarray(linear).save(tmp_path / f"grey.{suffix}", icc_profile=LINEAR_GREY)
        assert np.abs(read_rgb(tmp_path / f"grey.{suffix}") - grey(expected)).max() < 1.5
        assert np.array_equal(read_labels(tmp_path / f"grey.{suffix}"), linear)
    Image.fromarray(linear.astype(np.uint16) * 257).save(tmp_path / "deep.png", icc_profile=LINEAR_GREY)
    assert np.abs(read_rgb(tmp_path / "deep.png") - grey(expected)).max() < 1.5
    Image.fromarray(linear).save(tmp_path / "grey.jpg", icc_profile=rgb_profile(SRGB, 1), quality=100)
    assert np.abs(read_rgb(tmp_path / "grey.jpg") - grey(expected)).max() < 5


def test_profile_of_cmyk_pictures(tmp_path: Path) -> None:
    for suffix in ("jpg", "tif"):
        Image.new("CMYK", (8, 8), (255, 0, 0, 0)).save(tmp_path / f"a.{suffix}", icc_profile=cmyk_profile(), quality=95)
        assert np.abs(read_rgb(tmp_path / f"a.{suffix}").astype(int) - GREEN).max() < 12, suffix


def test_srgb_profile_changes_nothing(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(pixels).save(tmp_path / "a.png", icc_profile=profile)
    assert np.array_equal(read_rgb(tmp_path / "a.png"), pixels)


@pytest.mark.parametrize(
    "profile",
    [
        b"garbage",
        SWAPPED[:200],
        SWAPPED[:204] + bytes(len(SWAPPED) - 204),
        icc(b"RGB ", b"XYZ ", {}),
        LINEAR_GREY,
        cmyk_profile(),
        icc(b"HSV ", b"XYZ ", {}),
    ],
    ids=["garbage", "cut short", "no curves", "no tags", "for grey", "for CMYK", "for HSV"],
)
def test_broken_and_foreign_profiles_are_ignored(tmp_path: Path, profile: bytes) -> None:
    pixels = np.array([[[*RED], [10, 20, 30]]], np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png", icc_profile=profile)
    picture = read_picture(tmp_path / "a.png")
    assert isinstance(picture, Picture)
    assert np.array_equal(picture.pixels, pixels)
