"""Thick brush strokes along a swirling night sky."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pochoir.assets.fields import Field, fractal, grid, noise, shrunk

NIGHT = np.array([(16, 24, 70), (26, 52, 120), (44, 92, 160), (92, 146, 190), (160, 190, 200)], dtype=np.float32)
LIGHT = np.array([(250, 214, 80), (244, 176, 46), (252, 240, 180)], dtype=np.float32)
LAYERS = ((0.060, 5.0, 700), (0.035, 3.0, 1800), (0.022, 1.9, 3600))
"""Of strokes, back to front: length as a share of the long side, thickness in 1/600 of it, and how many."""


def draw(size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.uint8]:
    """`[H, W, 3]` uint8 RGB: whirls of blue with stars, every stroke with its bristles, light and shade."""
    large = (size[0] * 2, size[1] * 2)
    side = max(large)
    angle, glow = _sky(large, rng)
    tone = np.clip(0.5 + 0.30 * fractal(large, rng, cells=6), 0, 1)
    picture = np.full((*large, 3), (20, 32, 84), dtype=np.uint8)
    for length, thickness, count in LAYERS:
        width = max(2, round(thickness * side / 600))
        steps = max(4, round(length * side / 6))
        starts = rng.random((count, 2)) * large
        for start in starts:
            points = _along(angle, start, steps, 6 * side / 1200)
            row, column = points[len(points) // 2][::-1].clip(0, np.array(large) - 1).astype(int)
            color = _color(float(tone[row, column]), float(glow[row, column]), rng)
            _stroke(picture, points, color, width, rng)
    return shrunk(picture, size)


def _sky(size: tuple[int, int], rng: np.random.Generator) -> tuple[Field, Field]:
    """Direction of the strokes in radians, and how much of a star's light there is, `[H, W]` each."""
    y, x = grid(size)
    side = max(size)
    angle = 0.25 + 0.9 * noise(size, rng, cells=3)
    along, across = np.cos(angle), np.sin(angle)
    glow = np.zeros(size, dtype=np.float32)
    for index in range(7):
        center = rng.uniform(0.08, 0.92, 2) * size
        radius = side * rng.uniform(0.05, 0.17)
        dy, dx = y - center[0], x - center[1]
        distance = np.hypot(dy, dx) + 1
        pull = np.exp(-((distance / (1.6 * radius)) ** 2)) * 3
        turn = 1 if index % 2 else -1
        along, across = along - turn * pull * dy / distance, across + turn * pull * dx / distance
        glow = np.maximum(glow, np.exp(-((distance / (0.55 * radius)) ** 2)))
        glow = np.maximum(glow, 0.55 * np.exp(-(((distance - radius) / (0.12 * radius)) ** 2)))
    return np.arctan2(across, along).astype(np.float32), glow


def _along(angle: Field, start: NDArray, steps: int, step: float) -> NDArray:
    """Points (x, y) of a stroke that follows the field."""
    limit = np.array(angle.shape) - 1
    place, points = np.array(start, dtype=np.float64), []
    for _ in range(steps):
        row, column = place.clip(0, limit).astype(int)
        points.append(place[::-1].copy())
        direction = angle[row, column]
        place = place + step * np.array([np.sin(direction), np.cos(direction)])
    return np.array(points)


def _color(tone: float, glow: float, rng: np.random.Generator) -> NDArray:
    place = np.clip(tone + rng.normal(0, 0.12), 0, 0.999) * (len(NIGHT) - 1)
    below = int(place)
    night = NIGHT[below] + (place - below) * (NIGHT[below + 1] - NIGHT[below])
    mixed = night + np.clip(glow * rng.uniform(0.7, 1.3), 0, 1) * (LIGHT[rng.integers(len(LIGHT))] - night)
    return np.clip(mixed + rng.normal(0, 9, 3), 0, 255)


def _stroke(picture: NDArray[np.uint8], points: NDArray, color: NDArray, width: int, rng: np.random.Generator) -> None:
    """The body of a stroke, its shade below, its light above, and a few bristles."""

    def line(offset: float, factor: float, thickness: int) -> None:
        shifted = np.rint(points + offset * np.array([0.3, 1.0])).astype(np.int32)
        cv2.polylines(picture, [shifted], False, np.clip(color * factor, 0, 255).tolist(), thickness, cv2.LINE_AA)

    line(0.45 * width, 0.55, width)
    line(0, 1.0, width)
    line(-0.3 * width, 1.25, max(1, width // 4))
    for _ in range(2):
        line(rng.uniform(-0.3, 0.4) * width, rng.uniform(0.8, 1.15), 1)
