"""Read and write pictures and label masks: displayed orientation and sRGB in, atomic files out."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from pochoir.errors import DataError, suggested_file
from pochoir.files import write_bytes
from pochoir.images.colour import correct_header, to_srgb
from pochoir.images.metadata import embedded_settings, save_arguments
from pochoir.images.picture import Picture, Pixels

log = logging.getLogger(__name__)

FORMATS = {
    ".bmp": "BMP",
    ".jpeg": "JPEG",
    ".jpg": "JPEG",
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}
IMAGE_SUFFIXES = frozenset(FORMATS)
"""Endings (lower case) of the files that are written; what is read is told by `picture_suffixes`."""
NOT_READ = frozenset({"BUFR", "EPS", "FITS", "GRIB", "HDF5", "MPEG", "WMF"})
"""What Pillow opens by starting another program, or names without decoding it."""
HEIF = frozenset({".heic", ".heif", ".hif"})
HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
"""Of ISO 23008-12: what stands in a file's first bytes, whatever it is called."""
NO_FRAMES = frozenset({"MPO", "PSD"})
"""Formats whose further pictures are no frames or pages, but previews, depth maps, layers."""
ORIENTATION = ExifTags.Base.Orientation
MAX_PIXELS = 200_000_000
"""A file whose header announces more pixels is refused before it is decoded: 200 megapixels are 600 MB of RGB.

Pillow has a limit of its own for the whole process, twice `PIL.Image.MAX_IMAGE_PIXELS`, by default 179 megapixels: less
than the 200 of phones. The entry point raises it; a library leaves it alone.
"""
SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "PNG": {"compress_level": 3},  # a tenth larger than 6, Pillow's own, in two fifths of the time: 12 Mpx in a second
    "JPEG": {"quality": 92, "subsampling": 0},
    "WEBP": {"quality": 92, "exact": True},  # exact: colour below transparent pixels is kept
}
LOSSY = frozenset({"JPEG", "WEBP"})


def picture_suffixes() -> frozenset[str]:
    """Endings (lower case) of the files that a folder is searched for: of all that Pillow reads, plug-ins included.

    HEIC is always among them: that its plug-in is missing is told by who reads it.
    """
    known = Image.registered_extensions()
    return HEIF | {suffix for suffix, name in known.items() if name in Image.OPEN and name not in NOT_READ}


def find_images(folder: Path) -> list[Path]:
    """All pictures directly in `folder`, sorted by name; hidden files are none."""
    suffixes = picture_suffixes()
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in suffixes and _is_visible_file(p))


def _is_visible_file(path: Path) -> bool:
    """`._a.jpg` is what a Mac leaves beside a.jpg on other disks."""
    return path.is_file() and not path.name.startswith(".")


def find_all_images(folder: Path, *, without: Path | None = None) -> tuple[list[Path], list[Path]]:
    """All pictures in `folder` and its sub-folders, sorted by path; and what is passed over there.

    Passed over are files with other endings, the folder `without`, and folders of runs (with a .hydra in them). Hidden
    files and folders are not there at all; links to folders are not followed.
    """
    suffixes = picture_suffixes()
    left_out = without.resolve() if without else None
    pictures: list[Path] = []
    passed_over: list[Path] = []
    for place, folders, files in os.walk(folder):
        here = Path(place)
        visible = [here / name for name in folders if not name.startswith(".")]
        others = [path for path in visible if (path / ".hydra").is_dir() or path.resolve() == left_out]
        folders[:] = [path.name for path in visible if path not in others]
        passed_over += others
        for path in (here / name for name in files if not name.startswith(".")):
            (pictures if path.suffix.lower() in suffixes else passed_over).append(path)
    return sorted(pictures), sorted(passed_over)


def pictures_at(path: Path, key: str) -> list[Path]:
    """The picture that a setting names, or all directly in the folder that it names; `DataError` where there is none.

    key: the setting, for the message. A single path is not looked at.
    """
    if not path.is_dir():
        return [path]
    found = find_images(path)
    if not found:
        raise DataError(f"{key}: {path} holds no pictures")
    return found


def _formats() -> list[str]:
    Image.init()
    return sorted(set(Image.OPEN) - NOT_READ)


@contextmanager
def _opened(path: Path) -> Iterator[ImageFile]:
    """A file's first picture, its header read; whatever goes wrong with it is a `DataError` that says why."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on odd tags in files that it reads
            # a stream: of a path Pillow 13.0 maps raw TIFF rows into memory by their turned size, which scrambles them
            with path.open("rb") as file, Image.open(file, formats=_formats()) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise ValueError(f"{image.width}×{image.height} pixels, more than {MAX_PIXELS / 1e6:g} megapixels")
                yield image
    except FileNotFoundError:
        raise DataError(f"{path}: no such file{suggested_file(path)}") from None
    except Exception as error:  # a damaged file gets nearly any type of error out of Pillow
        raise DataError(f"{path}: cannot be read as a picture ({_reason(path, error)})") from error


@contextmanager
def _decoded(path: Path, *, turned: bool = True) -> Iterator[ImageFile]:
    """A file's first picture in the mode that the file has, turned as its EXIF says, or not."""
    with _opened(path) as image:
        if (frames := _frames(image)) > 1:
            _tell_of_frames(path, frames)
        correct_header(image)
        image.load()
        if turned:
            ImageOps.exif_transpose(image, in_place=True)
        yield image


def _frames(image: ImageFile) -> int:
    """How many pictures a file holds that are frames or pages, as far as they can be counted."""
    if image.format in NO_FRAMES:
        return 1
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception:  # what is damaged behind the first picture does no harm
        image.seek(0)
        return 1


@cache
def _tell_of_frames(path: Path, frames: int) -> None:
    """Once a file: many are read again and again."""
    log.info("%s: holds %d pictures, of which the first is taken", path, frames)


def orientation_of(path: Path) -> int:
    """EXIF's number for how a picture is turned to be displayed, 1 to 8; 1: it is not."""
    with _opened(path) as image:
        return int(image.getexif().get(ORIENTATION, 1))


def _reason(path: Path, error: Exception) -> str:
    """What went wrong, on one line."""
    if path.is_dir():
        return "it is a folder"
    if isinstance(error, UnidentifiedImageError):
        return _instead_of_a_picture(path)
    if isinstance(error, Image.DecompressionBombError):
        pillows = 2 * (Image.MAX_IMAGE_PIXELS or MAX_PIXELS)
        limit, whose = min((MAX_PIXELS, ""), (pillows, ": twice PIL.Image.MAX_IMAGE_PIXELS"))
        return f"more than {limit / 1e6:.3g} megapixels{whose}"
    text = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    return " ".join(text.split())


def _instead_of_a_picture(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(64)
    known = {
        b"version https://git-lfs": "it is a Git LFS pointer instead of the picture: git lfs pull fetches it",
        b"<!doctype html": "it is a web page",
        b"<html": "it is a web page",
    }
    for beginning, reason in known.items():
        if start.lstrip().lower().startswith(beginning):
            return reason
    if path.suffix.lower() in HEIF or (start[4:8] == b"ftyp" and start[8:12] in HEIF_BRANDS):
        if find_spec("pillow_heif") is None:
            return "HEIC needs the package pillow-heif: pip install pillow-heif"
        if "HEIF" not in Image.OPEN:  # the command has done it
            return "HEIC needs a line before it: pillow_heif.register_heif_opener()"
    return "it is no picture that Pillow knows, or a damaged one" if start else "the file is empty"


def read_picture(path: Path, *, turned: bool = True) -> Picture:
    """The first picture of a file as displayed: turned by its EXIF (unless not to be `turned`), in sRGB.

    An embedded ICC profile is applied to the colour (relative colorimetric, black point compensation), a broken one
    ignored. 16 bits become 8 (grey rounded, colour cut off by Pillow: at most one level darker); float grey in
    [0, 1] is taken as sRGB-encoded.
    Raises `DataError`, naming the file and the reason, when it is missing, no such picture, damaged, larger than
    `MAX_PIXELS`, or has grey values whose white is not known (floats beyond [0, 1], 32-bit or signed integers).
    """
    with _decoded(path, turned=turned) as image:
        return Picture(*to_srgb(image), name=str(path))


def read_rgb(path: Path, *, turned: bool = True) -> Pixels:
    """`read_picture` on white: `[H, W, 3]` uint8 sRGB; raises what it raises."""
    return read_picture(path, turned=turned).on_white


def read_labels(path: Path, *, turned: bool = True, indices: bool = True) -> NDArray[np.integer]:
    """A mask picture: `[H, W]` integers (grey values or palette indices), or `[H, W, 3]` uint8 where it is in colour.

    The numbers are those of the file: no scaling of 16 bits, no ICC profile; only EXIF orientation is applied, where
    the mask is to be `turned`. indices: of a palette, its indices; else its colours. Pixels that are wholly transparent
    are 0; of a mask of one colour, alpha is the mask.
    Raises `DataError`, naming the file and the reason, when it is missing, cannot be decoded or holds fractions.
    """
    with _decoded(path, turned=turned) as image:
        if image.mode == "1":
            return np.asarray(image.convert("L"))
        if image.mode in {"LA", "RGBA"}:
            return _labels_with_alpha(np.asarray(image))
        if image.mode in {"L", "P", "I", "I;16", "I;16B"} and (indices or image.mode != "P"):
            return np.asarray(image)
        if image.mode == "F":
            values = np.asarray(image)
            if not (values == np.rint(values)).all():
                raise ValueError("a mask holds whole numbers, this file fractions")
            return values.astype(np.int64)
        return np.asarray(image.convert("RGB"))


def _labels_with_alpha(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    colours, alpha = pixels[..., :-1], pixels[..., -1]
    if (alpha != alpha.flat[0]).any():
        if (colours == colours[0, 0]).all():
            return alpha
        colours = colours * (alpha != 0)[..., None].astype(np.uint8)
    return colours[..., 0] if colours.shape[-1] == 1 else colours


def read_settings(path: Path) -> str | None:
    """The settings that `write_image` embedded in a file, or None; raises `DataError` where it is no picture."""
    with _opened(path) as image:
        return embedded_settings(image)


def as_saved(pixels: Pixels, suffix: str) -> Pixels:
    """What a file with this ending keeps of `[H, W, 3]` uint8: JPEG and WebP lose detail, the others nothing."""
    if FORMATS[suffix] not in LOSSY:
        return pixels
    options = SAVE_OPTIONS[FORMATS[suffix]]
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, FORMATS[suffix], **options)
    return np.asarray(Image.open(buffer).convert("RGB"))


def write_image(
    path: Path, pixels: NDArray[np.uint8], *, alpha: NDArray[np.uint8] | None = None, settings: str | None = None
) -> None:
    """Write `[H, W, 3]` sRGB or `[H, W]` grey uint8 atomically; the ending of `path` chooses the format.

    `alpha` `[H, W]` uint8 makes an RGBA file. `settings` is text for `read_settings` to find; BMP drops it. JPEG and
    WebP lose detail (quality 92; JPEG keeps colour at full resolution), the others nothing.
    Raises `DataError`, naming the file, for an ending not in `IMAGE_SUFFIXES`, for `alpha` with JPEG or BMP, and
    where the format cannot hold the picture (WebP ends at 16383 pixels a side) or the settings (JPEG: 32 000 letters).
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise DataError(f"{path}: cannot be written; a picture's name ends with {', '.join(sorted(FORMATS))}")
    file_format = FORMATS[suffix]
    image = Image.fromarray(pixels)
    if alpha is not None:
        if file_format in {"JPEG", "BMP"}:
            raise DataError(f"{path}: {file_format} cannot hold transparency; name it {path.stem}.png")
        image = image.convert("RGB")
        image.putalpha(Image.fromarray(alpha))
    buffer = BytesIO()
    try:
        options = SAVE_OPTIONS.get(file_format, {}) | save_arguments(file_format, settings)
        image.save(buffer, format=file_format, **options)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be written as {file_format} ({_reason(path, error)})") from error
    write_bytes(path, buffer.getvalue())
