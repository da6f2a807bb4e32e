"""A picture in memory, and its other shapes: PIL's, a tensor, pixels on white."""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

Pixels = NDArray[np.uint8]
"""`[H, W, 3]` uint8 sRGB."""


@dataclass(frozen=True, eq=False)
class Picture:
    """`pixels` `[H, W, 3]` uint8 sRGB, and `alpha` `[H, W]` uint8, 0 clear to 255 opaque; None: opaque throughout.

    Alpha is straight: colour does not depend on it, and stands below clear pixels as the file has it. name: what
    messages call it, of a file its path.
    """

    pixels: Pixels
    alpha: NDArray[np.uint8] | None = None
    name: str = "picture"

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        height, width, _ = self.pixels.shape
        return height, width

    @property
    def pil(self) -> Image.Image:
        """A copy as a PIL picture, RGBA where there is alpha, else RGB."""
        image = Image.fromarray(self.pixels)
        if self.alpha is not None:
            image.putalpha(Image.fromarray(self.alpha))
        return image

    @property
    def on_white(self) -> Pixels:
        """The pixels as they look on white paper."""
        if self.alpha is None:
            return self.pixels
        image = Image.new("RGB", self.size[::-1], "white")
        image.paste(Image.fromarray(self.pixels), mask=Image.fromarray(self.alpha))
        return np.asarray(image)

    @property
    def filled(self) -> Pixels:
        """The pixels, where they are clear in the colour of the nearest that is not; white where none is."""
        if self.alpha is None:
            return self.pixels
        seen = self.alpha > 0
        if not seen.any():
            return np.full_like(self.pixels, 255)
        _, nearest = cv2.distanceTransformWithLabels(
            (~seen).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
        )
        colours = np.empty((int(nearest.max()) + 1, 3), dtype=np.uint8)
        colours[nearest[seen]] = self.pixels[seen]
        return colours[nearest]


def to_tensor(pixels: Pixels) -> Tensor:
    """`[H, W, 3]` uint8 RGB to `[3, H, W]` float32 in [0, 1]; nothing is shared."""
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255


def to_pixels(image: Tensor) -> Pixels:
    """`[3, H, W]` float32 in [0, 1], on any device, with or without gradient, to `[H, W, 3]` uint8 RGB, rounded."""
    values = image.detach().cpu().permute(1, 2, 0).numpy() * 255
    return np.rint(values, out=values).astype(np.uint8)
