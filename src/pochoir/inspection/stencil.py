"""Looking at partial style transfer: the five-panel figure."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pochoir.images import Pixels
from pochoir.images.overlays import GAP, beside, fit_height

TITLES = ("photo", "style", "paint", "stencil", "picture")
PANEL_HEIGHT = 420
TITLE_HEIGHT = 30


def five_panels(photo: Pixels, styles: list[Pixels], paint: Pixels, alpha: NDArray, result: Pixels) -> Pixels:
    """Photo, styles, what was painted, the stencil (white where paint goes) and the outcome, each under its title.

    alpha: `[H, W]` in [0, 1]; all others `[H, W, 3]` uint8 of any sizes. A picture in styles that only painters know
    has no panel of styles.
    """
    stencil = np.repeat(np.rint(alpha * 255).astype(np.uint8)[..., None], 3, axis=-1)
    panels = dict(zip(TITLES, (photo, None, paint, stencil, result), strict=True))
    panels["style"] = _stacked(styles) if styles else None
    return beside([_titled(title, panel) for title, panel in panels.items() if panel is not None])


def _stacked(pictures: list[Pixels]) -> Pixels:
    """Several styles share a panel, one above the other."""
    width = 320
    parts = []
    for picture in pictures:
        height = max(1, round(picture.shape[0] * width / picture.shape[1]))
        gap = np.full((GAP, width, 3), 255, dtype=np.uint8)
        parts += [cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8), gap]
    return np.concatenate(parts[:-1], axis=0)


def _titled(title: str, picture: Pixels) -> Pixels:
    panel = np.pad(fit_height(picture, PANEL_HEIGHT), ((TITLE_HEIGHT, 0), (0, 0), (0, 0)), constant_values=255)
    cv2.putText(panel, title, (4, TITLE_HEIGHT - 10), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (40, 40, 40), 1, cv2.LINE_AA)
    return panel
