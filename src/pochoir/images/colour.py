"""Turn what a file holds, of whatever mode and depth, into 8-bit sRGB and alpha."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION, PLANAR_CONFIGURATION

from pochoir.images.picture import Pixels

GREY_MODES = {"1", "L", "LA"}
PROFILE_MODES = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}
"""Pillow's mode for the colour space that an ICC profile is for."""
PNG_STEPS = {"1": 255, "L;2": 85, "L;4": 17}
"""What a step of a shallow PNG's grey is of 255, by the layout that Pillow names."""


def correct_header(image: ImageFile) -> None:
    """Put right, before a file is decoded, what Pillow (13.0) gets wrong.

    It scales the pixels of PNG files with 2, 4 or 3×16 bits to 8, but not the transparent value beside them.
    Raises `ValueError` for TIFF with 16-bit planes one after the other, which it would decode to noise.
    """
    clear = image.info.get("transparency")
    if image.format == "PNG" and clear is not None:
        layout = image.tile[0][3]
        if layout == "RGB;16B":
            image.info["transparency"] = tuple(value >> 8 for value in clear)
        elif layout in PNG_STEPS:
            image.info["transparency"] = min(clear * PNG_STEPS[layout], 255)  # Pillow 13 has scaled one bit already
    tags = getattr(image, "tag_v2", {})
    bits = tags.get(BITSPERSAMPLE, (1,))
    if len(bits) > 1 and max(bits) > 8 and tags.get(PLANAR_CONFIGURATION) == 2:
        raise ValueError(f"{max(bits)}-bit colour in separate planes is not supported; save it interleaved")


def to_srgb(image: Image.Image) -> tuple[Pixels, NDArray[np.uint8] | None]:
    """Pixels `[H, W, 3]` uint8 sRGB and straight alpha `[H, W]` uint8 (None: opaque) of a decoded picture.

    An embedded ICC profile is applied to the colour. Raises `ValueError`, naming the range found, for grey of unknown
    scale.
    """
    profile = image.info.get("icc_profile")
    if image.mode == "F" or image.mode.startswith("I"):
        image = _shallow_grey(image)
    elif image.mode == "La":
        image = image.convert("LA")
    alpha = None
    if image.has_transparency_data:
        alpha = np.asarray(image.convert("RGBA").getchannel("A"))
    if image.mode in GREY_MODES:
        image = image.convert("L")
    elif image.mode not in {"CMYK", "LAB"}:
        image = (image.convert("RGBA") if image.mode in {"P", "PA"} else image).convert("RGB")
    pixels = np.asarray(_apply_profile(image, profile) or image.convert("RGB"))
    return pixels, None if alpha is None or alpha.min() == 255 else alpha


def _shallow_grey(image: Image.Image) -> Image.Image:
    """12-bit, 16-bit and float grey as mode L, or LA where one value is transparent."""
    tags = getattr(image, "tag_v2", {})
    values = np.asarray(image)
    low, high = values.min().item(), values.max().item()
    if image.mode == "F":
        white = 1
        if not 0 <= low <= high <= 1:
            raise ValueError(f"its float values lie in [{low:g}, {high:g}], those of a picture in [0, 1]")
    elif image.mode.startswith("I;16") or image.format == "PNG":  # 16-bit PNG is mode I before Pillow 11.3
        white = 2 ** tags.get(BITSPERSAMPLE, (16,))[0] - 1
    else:
        raise ValueError(f"its 32-bit or signed values lie in [{low}, {high}]; save it with 8 or 16 bits, unsigned")
    grey = np.rint(values.astype(np.float32) * (255 / white)).astype(np.uint8)
    if tags.get(PHOTOMETRIC_INTERPRETATION) == 0:  # white is zero: Pillow inverts 8 bits, but no more
        grey = 255 - grey
    shallow = Image.fromarray(grey)
    if (clear := image.info.get("transparency")) is not None:
        shallow.putalpha(Image.fromarray(values != clear).convert("L"))
    return shallow


def _apply_profile(image: Image.Image, profile: bytes | None) -> Image.Image | None:
    """An L, RGB, CMYK or LAB picture in sRGB, or None: no profile, a broken one, or one for other colours.

    CIE Lab needs no profile.
    """
    if image.mode == "LAB":
        return _transformed(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
    if not profile:
        return None
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        mode = PROFILE_MODES.get(source.profile.xcolor_space.strip())
        if mode is None or (image.mode, mode) not in {("L", "L"), ("L", "RGB"), ("RGB", "RGB"), ("CMYK", "CMYK")}:
            return None
        return _transformed(image.convert(mode), source)
    except (ImageCms.PyCMSError, OSError):
        return None


def _transformed(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image | None:
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    if image.mode in {"CMYK", "LAB"}:  # the shortcut through a coarse table is off by up to 50 levels
        flags |= ImageCms.Flags.NOOPTIMIZE
    target = ImageCms.createProfile("sRGB")
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    return ImageCms.applyTransform(image, ImageCms.buildTransform(source, target, image.mode, "RGB", intent, flags))
