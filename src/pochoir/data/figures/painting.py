"""The brush: puts an actor into the image, and keeps account of which samples show it, hence of exact masks."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pochoir.data.figures.raster import Image
from pochoir.data.figures.shapes import Part

Box = tuple[slice, slice]  # rows, columns

SUPERSAMPLING = 3  # odd: of 9 samples a pixel, one side always has the majority
_CIRCLE = np.stack([np.cos(np.linspace(0, 2 * np.pi, 20, False)), np.sin(np.linspace(0, 2 * np.pi, 20, False))], -1)
# Nested layers make a hull look round: the radius shrinks, and the centre moves towards the light by no more than
# was lost, so that a layer never leaves the one below.
_SHRINK, _SHIFT = np.array([1, 0.86, 0.7, 0.52, 0.32]), np.array([0, 0.13, 0.26, 0.38, 0.5])
_BRIGHTNESS = (78, 104, 120, 134, 146)  # of 128


@dataclass(frozen=True)
class Actor:
    """Something standing in the scene, in pixels of the finished image; painted in the order of `ground`."""

    parts: list[Part]
    x: float
    ground: float
    height: float
    is_figure: bool


def paint(image: Image, owner: NDArray[np.uint16], actor: Actor, number: int, light: NDArray[np.float64]) -> Box:
    """Paint an actor over `image` `[H, W, 3]`, and `number` over the samples of `owner` that it covers.

    owner: `[H, W]` times `SUPERSAMPLING`. light: where it comes from, `[2]` x and y. Returns the box of what was
    painted, in pixels, empty where the actor is out of the picture.
    """
    circles = np.array([circle for part in actor.parts for circle in part.circles], np.float64) * actor.height
    circles[:, :2] += actor.x, actor.ground
    radii = circles[:, 2:]
    x0, y0 = np.maximum(np.floor((circles[:, :2] - radii).min(0)) - 1, 0).astype(int).tolist()
    x1, y1 = np.minimum(np.ceil((circles[:, :2] + radii).max(0)) + 1, image.shape[1::-1]).astype(int).tolist()
    if x0 >= x1 or y0 >= y1:
        return slice(0, 0), slice(0, 0)
    # The outline of every circle, `[circles, 20, 2]`, finely for the region; `[5, circles, 20, 2]` for the shading.
    centres = circles[:, :2] - (x0, y0)
    edge = _fixed(SUPERSAMPLING * (centres[:, None] + radii[:, None] * _CIRCLE + 0.5) - 0.5)
    centres = centres + _SHIFT[:, None, None] * light * radii
    layers = _fixed(centres[:, :, None] + (_SHRINK[:, None, None] * radii)[:, :, None] * _CIRCLE)

    codes = {material: 1 + 2 * i for i, material in enumerate(dict.fromkeys(part.material for part in actor.parts))}
    region = np.zeros(((y1 - y0) * SUPERSAMPLING, (x1 - x0) * SUPERSAMPLING), np.uint8)
    shade = np.full((y1 - y0, x1 - x0), _BRIGHTNESS[1], np.uint8)
    start = 0
    for part in actor.parts:
        stop = start + len(part.circles)
        cv2.fillConvexPoly(region, cv2.convexHull(edge[start:stop].reshape(-1, 2)), codes[part.material], shift=4)
        for outline, brightness in zip(layers[:, start:stop], _BRIGHTNESS, strict=True):
            cv2.fillConvexPoly(shade, cv2.convexHull(outline.reshape(-1, 2)), brightness, shift=4)
        start = stop

    covered = region > 0
    table = np.zeros((1, 256, 3), np.uint8)
    for material, code in codes.items():  # the code of the colour, then that of the accent
        table[0, code : code + 2] = material.colour, material.accent
        if material.pattern != "plain":
            period = max(material.period * actor.height, 2) * SUPERSAMPLING
            across = (np.arange(region.shape[1]) / period % 1 < 0.5)[None, :]
            down = (np.arange(region.shape[0]) / period % 1 < 0.5)[:, None]
            accent = {"stripes": down, "bars": across, "checks": down ^ across, "dots": down & across}[material.pattern]
            region[(region == code) & accent] += 1
    paints = cv2.LUT(cv2.merge([region] * 3), table)  # black where nothing is covered: already weighted by coverage

    size = x1 - x0, y1 - y0
    paints = cv2.resize(paints, size, interpolation=cv2.INTER_AREA)
    blurred = cv2.blur(shade, (2 * int(0.01 * actor.height) + 1,) * 2)
    paints = cv2.multiply(paints, cv2.merge([blurred] * 3), scale=1 / 128)
    seen_through = cv2.resize(np.where(covered, np.uint8(0), np.uint8(255)), size, interpolation=cv2.INTER_AREA)
    box = slice(y0, y1), slice(x0, x1)
    image[box] = cv2.add(paints, cv2.multiply(image[box], cv2.merge([seen_through] * 3), scale=1 / 255))
    owner[_samples(box)][covered] = number
    return box


def _fixed(points: NDArray[np.float64]) -> NDArray[np.int32]:
    """Coordinates as `cv2.fillConvexPoly` with shift=4 takes them: in sixteenths."""
    return np.round(16 * points).astype(np.int32)


def _samples(box: Box) -> Box:
    """The box of pixels as a box of samples."""
    rows, columns = (slice(s.start * SUPERSAMPLING, s.stop * SUPERSAMPLING) for s in box)
    return rows, columns


def visible(owner: NDArray[np.uint16], number: int, box: Box, height: int, width: int) -> NDArray[np.bool_]:
    """Pixels `[height, width]` of which more than half the samples belong to `number`, none of them outside `box`."""
    mask = np.zeros((height, width), np.bool_)
    if mask[box].size:
        samples = (owner[_samples(box)] == number).astype(np.uint8) * 255
        mask[box] = cv2.resize(samples, mask[box].shape[::-1], interpolation=cv2.INTER_AREA) > 127
    return mask


def cast_shadow(image: Image, actor: Actor, darkness: float) -> None:
    """Darken the ground under an actor, by at most the share `darkness`."""
    height, width = image.shape[:2]
    rx, ry = 0.24 * actor.height + 1, 0.05 * actor.height + 1
    x0, x1 = (int(np.clip(x, 0, width)) for x in (actor.x - rx, actor.x + rx + 1))
    y0, y1 = (int(np.clip(y, 0, height)) for y in (actor.ground - ry, actor.ground + ry + 1))
    across, down = (np.arange(x0, x1) - actor.x) / rx, (np.arange(y0, y1) - actor.ground) / ry
    depth = np.clip(1.5 * (1 - across**2 - down[:, None] ** 2), 0, 1) * darkness
    image[y0:y1, x0:x1] = image[y0:y1, x0:x1] * (1 - depth[..., None])
