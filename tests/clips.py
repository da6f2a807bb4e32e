"""A clip for tests: a bright square goes to the right over a ground that stays."""

from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np

from pochoir.film.clips import Clip
from pochoir.film.encoding import Part, join
from pochoir.images import Pixels, write_image

FRAMES, STEP = 8, 3
SIZE = (64, 96)


def square(number: int) -> np.ndarray:
    """Where the square is in a frame: `[64, 96]` bool."""
    mask = np.zeros(SIZE, dtype=bool)
    mask[20:44, 10 + STEP * number : 34 + STEP * number] = True
    return mask


@cache
def frames() -> list[Pixels]:
    """Frames of 64 × 96 pixels; the square's own texture goes with it."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 90, (32, 48, 3), dtype=np.uint8).repeat(2, axis=0).repeat(2, axis=1)
    texture = rng.integers(150, 255, (12, 12, 3), dtype=np.uint8).repeat(2, axis=0).repeat(2, axis=1)
    found = []
    for number in range(FRAMES):
        frame = coarse.copy()
        frame[square(number)] = texture.reshape(-1, 3)
        found.append(frame)
    return found


def write_clip(folder: Path) -> Path:
    """frames/, masks/ of them, and clip.mkv, in which nothing is lost."""
    for number, frame in enumerate(frames()):
        write_image(folder / "frames" / f"{number:05d}.png", frame)
        write_image(folder / "masks" / f"{number:05d}.png", square(number).astype(np.uint8) * 255)
    shape = Clip(folder, SIZE, Fraction(25), Fraction(1, 25))
    with Part(folder / "all.nut", shape, ".mkv") as part:
        for number, frame in enumerate(frames()):
            part.write(frame, Fraction(number, 25))
    join([folder / "all.nut"], folder / "clip.mkv")
    return folder
