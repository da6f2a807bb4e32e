"""Large photos at the size that training looks at: a phone's twelve megapixels become one, and so do their masks."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pochoir.data.source import Sample


@dataclass(frozen=True)
class InputSize:
    """A network's input: a photo's short side becomes `min_size` pixels, unless its long side would exceed `max_size`.

    zoom: the largest by which augmentation enlarges a photo before the network sees it.
    """

    min_size: int
    max_size: int
    zoom: float = 1.0

    def scale(self, height: int, width: int) -> float:
        """By which the network resizes a photo, as torchvision's `GeneralizedRCNNTransform` does, times `zoom`."""
        return self.zoom * min(self.min_size / min(height, width), self.max_size / max(height, width))


def shrunk(sample: Sample, size: InputSize) -> Sample:
    """The sample with no more pixels than the network can see; one with fewer stays as it is.

    A pixel of the smaller masks belongs to an instance if at least half of what it covers does.
    """
    height, width = sample.image.shape[:2]
    scale = size.scale(height, width)
    if scale >= 1 or sample.masks.shape[1:] != (height, width):  # which is an error that is told later
        return sample
    target = max(1, round(height * scale)), max(1, round(width * scale))
    masks = np.zeros((len(sample.masks), *target), dtype=bool)
    for small, mask in zip(masks, sample.masks, strict=True):
        small[:] = _averaged(mask.astype(np.uint8) * 255, target) >= 128
    return replace(sample, image=_averaged(sample.image, target), masks=masks)


def _averaged(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(pixels, size[::-1], interpolation=cv2.INTER_AREA), dtype=np.uint8)
