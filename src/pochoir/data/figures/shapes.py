"""What every shape in a scene is: a list of parts, each the convex hull of a few circles (a limb is the hull of two).

In units of the shape's own height: x to the right, y down, the ground at y = 0, the top of an upright shape at y = -1.
"""

from dataclasses import dataclass
from itertools import pairwise

from pochoir.data.figures.materials import Material

Circle = tuple[float, float, float]  # x, y, radius
Point = tuple[float, float]


@dataclass(frozen=True)
class Part:
    """The convex hull of circles, in one material."""

    material: Material
    circles: tuple[Circle, ...]


def chain(material: Material, points: list[Point], radii: list[float]) -> list[Part]:
    """Tapered segments from each point to the next."""
    knots = [(x, y, r) for (x, y), r in zip(points, radii, strict=True)]
    return [Part(material, pair) for pair in pairwise(knots)]
