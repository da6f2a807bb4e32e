"""Pictures in and out, their colour, size and metadata, and what is drawn on them."""

from pochoir.images.files import (
    FORMATS,
    IMAGE_SUFFIXES,
    MAX_PIXELS,
    find_all_images,
    find_images,
    orientation_of,
    picture_suffixes,
    pictures_at,
    read_labels,
    read_picture,
    read_rgb,
    read_settings,
    write_image,
)
from pochoir.images.inputs import PictureLike, as_picture
from pochoir.images.picture import Picture, Pixels, to_pixels, to_tensor

__all__ = [
    "FORMATS",
    "IMAGE_SUFFIXES",
    "MAX_PIXELS",
    "Picture",
    "PictureLike",
    "Pixels",
    "as_picture",
    "find_all_images",
    "find_images",
    "orientation_of",
    "picture_suffixes",
    "pictures_at",
    "read_labels",
    "read_picture",
    "read_rgb",
    "read_settings",
    "to_pixels",
    "to_tensor",
    "write_image",
]
