"""Pictures in and out, their colour, size and metadata, and what is drawn on them."""

from pochoir.images.files import (
    FORMATS,
    IMAGE_SUFFIXES,
    MAX_PIXELS,
    Picture,
    find_images,
    pictures_at,
    read_labels,
    read_picture,
    read_rgb,
    read_settings,
    to_pixels,
    to_tensor,
    write_image,
)

__all__ = [
    "FORMATS",
    "IMAGE_SUFFIXES",
    "MAX_PIXELS",
    "Picture",
    "find_images",
    "pictures_at",
    "read_labels",
    "read_picture",
    "read_rgb",
    "read_settings",
    "to_pixels",
    "to_tensor",
    "write_image",
]
