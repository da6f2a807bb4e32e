"""Colours and patterns: what figures, things and backgrounds alike are made of."""

from dataclasses import dataclass

import numpy as np

Colour = tuple[float, float, float]  # RGB, 0 to 255

SKIN = ((244, 208, 177), (231, 180, 143), (207, 150, 110), (170, 112, 76), (124, 78, 52), (82, 52, 38))
HAIR = ((28, 22, 20), (62, 40, 26), (104, 70, 40), (176, 132, 72), (214, 184, 126), (140, 64, 34), (168, 164, 160))
PATTERNS = ("stripes", "bars", "checks", "dots")
NATURE = ((62, 92, 44), (98, 122, 58), (44, 70, 50), (134, 128, 70), (96, 72, 48), (128, 104, 78))


@dataclass(frozen=True)
class Material:
    """A colour (RGB, 0 to 255) and, unless `pattern` is "plain", an accent repeated every `period` heights."""

    colour: Colour
    accent: Colour = (0, 0, 0)
    pattern: str = "plain"
    period: float = 0.05


def pick_colour(rng: np.random.Generator) -> Colour:
    """A colour for clothes, things and backgrounds alike, so that no colour tells a figure from the rest."""
    kind = rng.random()
    if kind < 0.4:
        return pick_shade(rng, SKIN if kind < 0.15 else NATURE if kind < 0.3 else HAIR)
    grey, spread = rng.uniform(30, 235), rng.uniform(4, 18 if kind < 0.6 else 75)
    red, green, blue = rng.standard_normal(3).tolist()
    mean = (red + green + blue) / 3
    return limit(grey + spread * (red - mean), grey + spread * (green - mean), grey + spread * (blue - mean))


def pick_shade(rng: np.random.Generator, tones: tuple[Colour, ...]) -> Colour:
    """One of `tones`, mixed with another and made a little lighter or darker."""
    first, second = tones[rng.integers(len(tones))], tones[rng.integers(len(tones))]
    share, light = rng.uniform(0, 0.4), rng.uniform(0.85, 1.12)
    return limit(*(light * (a + share * (b - a)) for a, b in zip(first, second, strict=True)))


def limit(red: float, green: float, blue: float) -> Colour:
    """The nearest colour that is neither black nor white, so that shading and patterns still show."""
    return min(max(red, 8), 250), min(max(green, 8), 250), min(max(blue, 8), 250)


def pick_material(rng: np.random.Generator, patterned: float = 0.4) -> Material:
    """A random material that has a pattern with the probability `patterned`."""
    if rng.random() >= patterned:
        return Material(pick_colour(rng))
    return Material(pick_colour(rng), pick_colour(rng), PATTERNS[rng.integers(4)], rng.uniform(0.025, 0.08))
