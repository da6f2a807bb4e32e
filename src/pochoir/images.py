"""Read and write pictures and label masks: displayed orientation in, atomic files out."""

from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from pochoir.errors import DataError
from pochoir.files import write_bytes

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"})
"""Endings (lower case) of the files that a folder of pictures is searched for."""


def find_images(folder: Path) -> list[Path]:
    """All pictures directly in `folder`, sorted by name."""
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())


def _open(path: Path) -> Image.Image:
    try:
        image = Image.open(path)
        image.load()
        return ImageOps.exif_transpose(image)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: cannot be read as a picture ({error})") from None


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """The picture as displayed (EXIF orientation applied), `[H, W, 3]` uint8 RGB.

    Grey, palette, CMYK and 16-bit grey files are converted; transparency lies on white.
    Raises `DataError`, naming the file, when it is missing or cannot be decoded.
    """
    image = _open(path)
    if image.mode.startswith("I"):  # 16-bit grey: Pillow's own conversion clips at 255
        image = Image.fromarray((np.asarray(image).clip(0, 65535) >> 8).astype(np.uint8))
    if image.mode in {"LA", "PA", "RGBA"} or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("RGB"))


def read_labels(path: Path) -> NDArray[np.integer]:
    """A mask picture: `[H, W]` integers (grey values or palette indices), or `[H, W, 3]` uint8 where it is in colour.

    Raises `DataError`, naming the file, when it is missing or cannot be decoded.
    """
    image = _open(path)
    if image.mode == "1":
        image = image.convert("L")
    elif image.mode == "LA":
        image = image.getchannel("L")
    elif image.mode not in {"L", "P", "I", "I;16", "I;16B"}:
        image = image.convert("RGB")
    return np.asarray(image)


def write_image(path: Path, image: NDArray[np.uint8]) -> None:
    """Write `[H, W, 3]` RGB or `[H, W]` grey uint8 atomically; the ending of `path` chooses the format."""
    buffer = BytesIO()
    Image.fromarray(image).save(buffer, format=Image.registered_extensions()[path.suffix.lower()], quality=92)
    write_bytes(path, buffer.getvalue())


def to_tensor(pixels: NDArray[np.uint8]) -> Tensor:
    """`[H, W, 3]` uint8 RGB to `[3, H, W]` float32 in [0, 1]; nothing is shared."""
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255


def to_pixels(image: Tensor) -> NDArray[np.uint8]:
    """`[3, H, W]` float32 in [0, 1] to `[H, W, 3]` uint8 RGB, rounded."""
    return (image.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
