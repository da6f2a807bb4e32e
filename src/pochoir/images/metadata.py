"""What a written picture says about itself: that its colours are sRGB, and the settings of the run that made it."""

from typing import Any

from PIL import Image
from PIL.ExifTags import IFD, Base
from PIL.PngImagePlugin import PngInfo

KEY = "pochoir"
"""Keyword of the PNG text, and first line of the EXIF comment."""
UNICODE = b"UNICODE\0"  # Exif 2.32, 4.6.5: the code of a UserComment, then UTF-16 in the byte order of the EXIF block
SRGB = 1  # Exif 2.32, 4.6.5: ColorSpace


def save_arguments(file_format: str, settings: str | None) -> dict[str, Any]:
    """Arguments of `Image.save` that declare sRGB and, if given, embed `settings` (any Unicode text).

    PNG holds them as sRGB and iTXt chunks (keyword `pochoir`), JPEG, WebP and TIFF as EXIF ColorSpace and
    UserComment. BMP has no room for either: nothing is embedded, and nothing is said.
    """
    if file_format == "BMP":
        return {}
    if file_format == "PNG":
        chunks = PngInfo()
        chunks.add(b"sRGB", b"\0")
        if settings is not None:
            chunks.add_itxt(KEY, settings)
        return {"pnginfo": chunks}
    details: dict[int, Any] = {Base.ColorSpace: SRGB}
    if settings is not None:
        details[Base.UserComment] = UNICODE + f"{KEY}\n{settings}".encode("utf-16-le")
    exif = Image.Exif()
    exif.endian = "<"
    exif[IFD.Exif] = details
    return {"exif": exif.tobytes()}  # as bytes: Pillow loses an unloaded sub-directory of TIFF files


def embedded_settings(image: Image.Image) -> str | None:
    """The text that `save_arguments` embedded, or None; an opened file is enough, nothing is decoded."""
    if image.format == "PNG":
        text = image.info.get(KEY)
        return None if text is None else str(text)
    exif = image.getexif()
    comment = exif.get_ifd(IFD.Exif).get(Base.UserComment)
    if not isinstance(comment, bytes) or not comment.startswith(UNICODE):
        return None
    order = "utf-16-be" if exif.endian == ">" else "utf-16-le"
    key, _, settings = comment[len(UNICODE) :].decode(order, "replace").partition("\n")
    return settings if key == KEY else None
