"""What is in a scene and is not a person: distractors, what stands before people, and the hats they wear."""

from collections.abc import Callable

import numpy as np

from pochoir.data.figures.materials import NATURE, SKIN, Material, limit, pick_colour, pick_material, pick_shade
from pochoir.data.figures.shapes import Part, Point, chain


def _leaves(rng: np.random.Generator, count: int, centre: Point, spread: Point, radius: float) -> list[Part]:
    colour = pick_shade(rng, NATURE) if rng.random() < 0.7 else pick_colour(rng)
    tints = [Material(limit(*(light * channel for channel in colour))) for light in (0.75, 0.95, 1.15)]
    places = rng.uniform(-1, 1, (count, 2)) * spread + centre
    sizes = radius * rng.uniform(0.6, 1.2, count)
    return [Part(tints[i % 3], ((x, y, r),)) for i, ((x, y), r) in enumerate(zip(places.tolist(), sizes, strict=True))]


def draw_tree(rng: np.random.Generator) -> list[Part]:
    trunk = Part(Material(pick_shade(rng, NATURE)), ((0, -0.02, 0.04), (rng.uniform(-0.05, 0.05), -0.6, 0.025)))
    return [trunk, *_leaves(rng, int(rng.integers(14, 30)), (0, -0.7), (0.2, 0.22), 0.1)]


def draw_bush(rng: np.random.Generator) -> list[Part]:
    return _leaves(rng, int(rng.integers(14, 26)), (0, -0.42), (0.6, 0.32), 0.24)


def draw_post(rng: np.random.Generator) -> list[Part]:
    """A post with nothing, a lamp or a round sign on top: a body with a head."""
    pole, top = pick_material(rng, 0.3), pick_material(rng, 0.2)
    width = rng.uniform(0.015, 0.05)
    parts = [Part(pole, ((0, -0.02, 1.3 * width), (0, -0.85, width)))]
    kind = rng.integers(3)
    if kind == 1:
        parts += [
            Part(pole, ((0, -0.85, width), (0.12, -0.93, 0.7 * width))),
            Part(top, ((0.13, -0.9, 0.05), (0.2, -0.88, 0.04))),
        ]
    elif kind == 2:
        parts.append(Part(top, ((0, -0.88, rng.uniform(0.06, 0.12)),)))
    return parts


def draw_chair(rng: np.random.Generator) -> list[Part]:
    frame, seat = pick_material(rng, 0), pick_material(rng)
    legs = [Part(frame, ((x, -0.02, 0.025), (0.9 * x, -0.45, 0.025))) for x in (-0.24, -0.12, 0.14, 0.26)]
    back = Part(seat, ((-0.24, -0.5, 0.03), (-0.3, -0.95, 0.04), (-0.18, -0.95, 0.04), (-0.14, -0.5, 0.03)))
    return [*legs, back, Part(seat, ((-0.24, -0.45, 0.045), (0.26, -0.45, 0.045), (0.3, -0.4, 0.04)))]


def draw_dress_form(rng: np.random.Generator) -> list[Part]:
    """A tailor's dummy: clothes on a stand, with neither head nor limbs."""
    cloth, stand = pick_material(rng), pick_material(rng, 0)
    wide = rng.uniform(0.1, 0.3)
    parts = [Part(stand, ((0, -0.03, 0.02), (0, -0.5, 0.02))), Part(stand, ((-0.14, -0.02, 0.02), (0.14, -0.02, 0.02)))]
    parts.append(Part(cloth, ((-0.09, -0.6, 0.05), (0.09, -0.6, 0.05), (-wide, -0.25, 0.03), (wide, -0.25, 0.03))))
    parts.append(Part(cloth, ((-0.14, -0.9, 0.05), (0.14, -0.9, 0.05), (-0.07, -0.62, 0.06), (0.07, -0.62, 0.06))))
    return [*parts, Part(Material(pick_shade(rng, SKIN)), ((0, -0.93, 0.04), (0, -0.97, 0.03)))]


def draw_balls(rng: np.random.Generator) -> list[Part]:
    """Balls stacked one on the other, the top one often skin-coloured, sometimes under a hat."""
    radii = [(0.5,), (0.32, 0.17), (0.26, 0.16, 0.1)][rng.integers(3)]
    parts, y = [], 0.0
    for r in radii:
        parts.append(Part(pick_material(rng, 0.4), ((0, y - r, r),)))
        y -= 1.85 * r
    if rng.random() < 0.5:
        parts += shape_hat(pick_material(rng, 0.3), (0, y + 0.4 * radii[-1]), radii[-1], brim=1.2)
    return parts


def draw_animal(rng: np.random.Generator) -> list[Part]:
    coat, spot = pick_material(rng, 0.25), pick_material(rng, 0)
    length, stride = rng.uniform(0.3, 0.5), rng.uniform(0.02, 0.16)
    legs = [
        chain(coat, [(x, -0.5), (x + 0.5 * s, -0.25), (x + s, -0.03)], [0.09, 0.05, 0.035])
        for x in (-length + 0.05, length - 0.05)
        for s in (-stride, stride)
    ]
    head = [Part(coat, ((length, -0.6, 0.1), (length + 0.16, -0.82, 0.08)))]
    head += [Part(coat, ((length + 0.15, -0.84, 0.1), (length + 0.32, -0.78, 0.055)))]
    head += [Part(spot, ((length + 0.1, -0.9, 0.045), (length + 0.06, -0.97, 0.02)))]
    tail = chain(spot, [(-length, -0.6), (-length - 0.16, rng.uniform(-0.8, -0.4))], [0.035, 0.02])
    return [
        *tail,
        *legs[0],
        *legs[2],
        Part(coat, ((-length, -0.55, 0.15), (length, -0.57, 0.16))),
        *legs[1],
        *legs[3],
        *head,
    ]


def draw_bag(rng: np.random.Generator) -> list[Part]:
    cloth, handle = pick_material(rng, 0.6), pick_material(rng, 0)
    arc = [(0.22 * np.cos(a), -0.62 - 0.33 * np.sin(a)) for a in np.linspace(0, np.pi, 7)]
    body = tuple((x, y, 0.06) for x, y in ((-0.4, -0.06), (0.4, -0.06), (-0.32, -0.6), (0.32, -0.6)))
    return [*chain(handle, arc, [0.03] * 7), Part(cloth, body)]


def draw_hat(rng: np.random.Generator) -> list[Part]:
    return shape_hat(pick_material(rng), (0, -0.2), 0.8, brim=rng.uniform(1.1, 1.6))


def shape_hat(material: Material, centre: Point, r: float, *, brim: float, peak: float = 0.0) -> list[Part]:
    """A hat for a head of radius `r`: half of its brim is `brim` radii wide, and `peak` pushes that forwards."""
    x, y = centre
    crown = Part(material, ((x - 0.3 * r, y - 0.3 * r, 0.5 * r), (x + 0.3 * r, y - 0.3 * r, 0.5 * r)))
    edge = ((x - brim * r + 0.8 * peak, y + 0.12 * r, 0.12 * r), (x + brim * r + 1.8 * peak, y + 0.12 * r, 0.12 * r))
    return [crown, Part(material, edge)]


def draw_trousers(rng: np.random.Generator) -> list[Part]:
    """Trousers hung up to dry: legs without anybody in them."""
    cloth, spread = pick_material(rng, 0.3), rng.uniform(0.08, 0.2)
    legs = [Part(cloth, ((s * 0.1, -0.85, 0.1), (s * spread, -0.08, 0.065))) for s in (-1, 1)]
    return [Part(pick_material(rng, 0), ((-0.35, -0.97, 0.015), (0.35, -0.97, 0.015))), *legs]


# What is drawn but never segmented, and how high it is beside a person.
DISTRACTORS: tuple[tuple[Callable[[np.random.Generator], list[Part]], float, float], ...] = (
    (draw_tree, 1.2, 2.6),
    (draw_bush, 0.25, 0.6),
    (draw_post, 0.7, 2.2),
    (draw_chair, 0.5, 0.65),
    (draw_dress_form, 0.75, 1.0),
    (draw_balls, 0.25, 1.0),
    (draw_animal, 0.35, 0.8),
    (draw_bag, 0.2, 0.4),
    (draw_hat, 0.12, 0.3),
    (draw_trousers, 0.5, 0.8),
)
