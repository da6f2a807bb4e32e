"""The part of the photo that is painted for a region."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pochoir.composition.edges import Alpha
from pochoir.config import RegionConfig

WORTHWHILE = 0.9
"""Share of the photo from which on a crop saves nothing."""


class Crop(NamedTuple):
    """Rows top to bottom and columns left to right of a photo, in pixels; bottom and right are exclusive."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.bottom - self.top, self.right - self.left

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, as they index a picture."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def of(self, picture: NDArray) -> NDArray:
        """The part of a picture `[H, W, …]`, as a view."""
        return picture[self.slices]


def margin_at(size: tuple[int, int], settings: RegionConfig, max_size: int) -> int:
    """Pixels of a photo of (height, width) around a region, of which `settings.margin` counts those at `max_size`."""
    return round(settings.margin / min(1.0, max_size / max(size)))


def whole(size: tuple[int, int]) -> Crop:
    """All of a photo of (height, width)."""
    return Crop(0, 0, *size)


def crop_around(alpha: Alpha, margin: int) -> Crop:
    """The box of what is not 0 in alpha `[H, W]` with `margin` pixels around it, within the photo.

    The whole photo where a crop would save less than a tenth of it. Raises `ValueError` for an alpha of nothing but 0.
    """
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    if len(rows) == 0:
        raise ValueError("nothing is left of the region")
    height, width = alpha.shape
    crop = Crop(
        max(0, int(rows[0]) - margin),
        max(0, int(columns[0]) - margin),
        min(height, int(rows[-1]) + 1 + margin),
        min(width, int(columns[-1]) + 1 + margin),
    )
    saves = crop.size[0] * crop.size[1] <= WORTHWHILE * height * width
    return crop if saves else whole((height, width))
