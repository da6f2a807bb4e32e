"""Whatever a person has a picture in becomes a `Picture`."""

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps
from PIL.ImageFile import ImageFile
from torch import Tensor

from pochoir.assets import located
from pochoir.errors import DataError
from pochoir.images.colour import correct_header, to_srgb
from pochoir.images.files import read_picture
from pochoir.images.picture import Picture

PictureLike = str | PathLike[str] | Picture | Image.Image | NDArray[Any] | Tensor
"""What `as_picture` takes."""


def as_picture(source: PictureLike, name: str = "picture") -> Picture:
    """Take a picture in any of the forms that pictures have in Python.

    source: a file's path, or `builtin:<name>`; a PIL picture of any mode, turned by its EXIF, an ICC profile applied,
    alpha kept; an array `[H, W]` or `[H, W, 1|3|4]`, or a tensor `[1|3|4, H, W]` or `[1, 1|3|4, H, W]`, grey, RGB or
    RGBA, uint8 or floats in [0, 1], sRGB-encoded. name: what it is called in messages. What is given may be shared,
    and is not changed.
    Raises `DataError`, saying what is allowed, for all else, and what `read_picture` raises.
    """
    if isinstance(source, Picture):
        return source
    if isinstance(source, (str, PathLike)):
        return read_picture(Path(located(str(source))).expanduser())
    try:
        if isinstance(source, Image.Image):
            return _of_array(_displayed(source), name)
        if isinstance(source, Tensor):
            return _of_array(_channels_last(source), name)
        if isinstance(source, np.ndarray):
            return _of_array(source, name)
    except Exception as error:  # a damaged file that PIL has opened, but not yet decoded, gets nearly any type
        raise DataError(f"{name}: {error}") from error
    raise DataError(f"{name}: give a path, a PIL picture, a numpy array or a tensor, not {type(source).__name__}")


def _displayed(image: Image.Image) -> NDArray[np.uint8]:
    """`[H, W, 3|4]` of a PIL picture."""
    if isinstance(image, ImageFile) and image.tile:  # not decoded yet
        correct_header(image)
    displayed = Picture(*to_srgb(image)).pil
    displayed.getexif()[ExifTags.Base.Orientation] = image.getexif().get(ExifTags.Base.Orientation, 1)
    ImageOps.exif_transpose(displayed, in_place=True)
    return np.asarray(displayed)


def _channels_last(image: Tensor) -> NDArray[Any]:
    single = image[0] if image.ndim == 4 and len(image) == 1 else image
    if single.ndim != 3 or len(single) not in {1, 3, 4}:
        raise ValueError(f"a tensor is [1|3|4, H, W], alone or in a batch of one; its shape is {list(image.shape)}")
    single = single.detach().cpu().permute(1, 2, 0)
    return (single.float() if single.is_floating_point() else single).numpy()  # numpy has no bfloat16


def _of_array(values: NDArray[Any], name: str) -> Picture:
    channels = values.shape[2] if values.ndim == 3 else 1
    if values.ndim not in {2, 3} or channels not in {1, 3, 4} or not values.size:
        raise ValueError(f"an array is [H, W] or [H, W, 1|3|4]; its shape is {list(values.shape)}")
    if np.issubdtype(values.dtype, np.floating):
        low, high = values.min(), values.max()
        if not 0 <= low <= high <= 1:
            raise ValueError(f"floats lie in [0, 1], and none is NaN; these lie in [{low:g}, {high:g}]")
        values = np.rint(values * 255).astype(np.uint8)
    elif values.dtype != np.uint8:
        raise ValueError(f"values are uint8, or floats in [0, 1]; these are {values.dtype}")
    if channels == 1:
        values = values.reshape(*values.shape[:2], 1).repeat(3, axis=2)
    alpha = np.ascontiguousarray(values[..., 3]) if channels == 4 else None
    return Picture(np.ascontiguousarray(values[..., :3]), None if alpha is None or alpha.min() == 255 else alpha, name)
