"""Breaking waves as a woodblock print."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pochoir.assets.fields import fractal, grained, grid, shrunk

PAPER = (234, 222, 194)
FOAM = (242, 236, 218)
LINE = (22, 34, 66)
BLUES = ((176, 196, 200), (104, 146, 172), (58, 100, 146), (34, 66, 116), (24, 46, 92))
ROWS = 6
"""Of waves, the farthest first."""


def draw(size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.uint8]:
    """`[H, W, 3]` uint8 RGB: rows of cresting waves in graded Prussian blues, with fingers of foam, on paper."""
    large = (size[0] * 2, size[1] * 2)
    height, width = large
    y, _ = grid(large)
    dusk = np.clip(1 - y / (0.55 * height), 0, 1)[..., None]
    sky = np.array(PAPER) * (1 - 0.35 * dusk) + np.array((150, 158, 150)) * 0.35 * dusk
    picture = np.clip(sky + 5 * fractal(large, rng, cells=5)[..., None], 0, 255).astype(np.uint8)
    for row in range(ROWS):
        near = row / (ROWS - 1)
        length = width * (0.20 + 0.36 * near) * rng.uniform(0.9, 1.1)
        tall = height * (0.05 + 0.17 * near) * rng.uniform(0.85, 1.15)
        level = height * (0.20 + 0.72 * near**1.1)
        _wave(picture, _profile(width, length, rng.random()), level, tall, rng)
    return grained(shrunk(picture, size).astype(np.float32), rng, strength=4)


def _profile(width: int, length: float, phase: float) -> NDArray:
    """Points of a row of leaning waves: x in pixels, and height from 0 in a trough to 1 on a crest."""
    t = np.linspace(-1, width / length + 1, 1600)
    turn = 2 * np.pi * (t + phase)
    high = ((1 + np.cos(turn)) / 2) ** 1.6
    lean = 0.30 * high**2 + 0.10 * np.sin(turn)  # crests hang over to the right
    return np.stack([(t + lean) * length, high], axis=-1)


def _wave(picture: NDArray[np.uint8], profile: NDArray, level: float, tall: float, rng: np.random.Generator) -> None:
    side = max(picture.shape[:2])
    thick = max(2, side // 420)
    bands = len(BLUES) * 2
    for band in range(bands + 1):  # contours, one below the other
        drop = tall * (0.02 + 0.16 * band) + tall * 0.05 * np.sin(profile[:, 0] / side * 40 + band)
        swing = 1 - 0.55 * band / bands
        line = np.stack([profile[:, 0] + 0.10 * tall * band, level - tall * swing * profile[:, 1] + drop], axis=-1)
        closed = np.concatenate([line, [(picture.shape[1] * 2, picture.shape[0] * 2), (-side, picture.shape[0] * 2)]])
        blue = BLUES[min(len(BLUES) - 1, (band * 3 // 2) % len(BLUES) if band % 3 else 4)]
        color = FOAM if band % 4 == 1 else blue
        cv2.fillPoly(picture, [np.rint(closed).astype(np.int32)], color, cv2.LINE_AA)
        cv2.polylines(picture, [np.rint(line).astype(np.int32)], False, LINE, thick, cv2.LINE_AA)
    crest = np.stack([profile[:, 0], level - tall * profile[:, 1]], axis=-1)
    _foam(picture, crest[profile[:, 1] > 0.45], tall, thick, rng)


def _foam(picture: NDArray[np.uint8], crest: NDArray, tall: float, thick: int, rng: np.random.Generator) -> None:
    """Scallops along the crest, claws that reach over, and spray."""
    for outline in (True, False):  # all outlines lie below all fills
        state = np.random.default_rng(int(crest.sum()) % 2**32)
        for x, y in crest[::5]:
            radius = tall * state.uniform(0.05, 0.13)
            for finger in range(3):
                reach = finger * radius * 0.9
                center = round(x + reach + state.normal(0, 2)), round(y + 0.5 * reach - 0.3 * radius)
                size = max(1, round(radius * (1 - 0.27 * finger)))
                cv2.circle(
                    picture, center, size + thick if outline else size, LINE if outline else FOAM, -1, cv2.LINE_AA
                )
    for x, y in crest[::4]:
        away = rng.exponential(0.22, 2) * tall
        center = round(x + rng.normal(0, 1) * away[0] + 0.3 * tall), round(y - away[1])
        cv2.circle(picture, center, max(1, round(tall * rng.uniform(0.008, 0.028))), FOAM, -1, cv2.LINE_AA)
