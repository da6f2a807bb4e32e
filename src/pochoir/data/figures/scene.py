"""A scene: who and what is in it, where they stand, and in which order they are painted."""

import numpy as np

from pochoir.data.figures.backdrops import draw_backdrop
from pochoir.data.figures.finish import photograph
from pochoir.data.figures.painting import SUPERSAMPLING, Actor, Box, cast_shadow, paint, visible
from pochoir.data.figures.people import draw_person
from pochoir.data.figures.props import DISTRACTORS, draw_bush, draw_post
from pochoir.data.figures.shapes import Part
from pochoir.data.source import Sample

MIN_VISIBLE = 20  # pixels; less of a figure cannot be recognised, let alone learned
EMPTY_SHARE = 0.06


def draw_scene(rng: np.random.Generator, height: int, width: int, max_figures: int) -> Sample:
    """A random scene of `height` x `width` pixels; a pure function of the state of `rng`.

    A person stands 12 to 85 % of the image high, log-uniform. Nearer means larger and lower, and covers what is behind;
    a mask is the visible part: the pixels of which the person covers more than half. Masks are disjoint, and crowd is
    False. A person with fewer than 20 visible pixels has no mask.
    """
    light = np.array([rng.uniform(0.3, 1) * rng.choice([-1, 1]), -1.0]) / np.sqrt(2)
    horizon = rng.uniform(0.15, 0.5) * height
    image = draw_backdrop(rng, height, width, round(horizon))
    owner = np.zeros((height * SUPERSAMPLING, width * SUPERSAMPLING), np.uint16)  # a figure's number, from 1

    actors = cast_actors(rng, height, width, horizon, max_figures)
    darkness = rng.uniform(0.05, 0.55)
    boxes: list[Box] = []
    for actor in sorted(actors, key=lambda actor: actor.ground):
        cast_shadow(image, actor, darkness)
        box = paint(image, owner, actor, len(boxes) + 1 if actor.is_figure else 0, light)
        if actor.is_figure:
            boxes.append(box)

    masks = [visible(owner, number, box, height, width) for number, box in enumerate(boxes, start=1)]
    masks = [mask for mask in masks if mask.sum() >= MIN_VISIBLE]
    stack = np.stack(masks) if masks else np.zeros((0, height, width), np.bool_)
    return Sample(photograph(rng, image), stack, np.zeros(len(stack), np.bool_))


def cast_actors(rng: np.random.Generator, height: int, width: int, horizon: float, max_figures: int) -> list[Actor]:
    """Who and what is in the scene, and where."""
    eye_level = rng.uniform(0.55, 1.0)  # in standing heights: it ties the size of a person to where the feet are
    smallest = max(0.12 * height, 16)

    def place(near: Actor | None = None) -> tuple[float, float, float]:
        size = float(np.exp(rng.uniform(np.log(smallest), np.log(0.85 * height))))
        x = rng.uniform(0.02, 0.98) * width
        if near is not None:
            size = float(np.clip(near.height * rng.uniform(0.75, 1.33), smallest, 0.85 * height))
            x = near.x + rng.choice([-1, 1]) * rng.uniform(0.1, 0.35) * near.height
        ground = horizon + size * eye_level * rng.uniform(0.95, 1.05)
        return size, x, min(ground, height + 0.2 * size)  # the feet of the nearest may be out of the picture

    figures: list[Actor] = []
    for _ in range(0 if rng.random() < EMPTY_SHARE else rng.integers(1, max_figures + 1)):
        size, x, ground = place(figures[rng.integers(len(figures))] if figures and rng.random() < 0.45 else None)
        figures.append(Actor(_flip(rng, draw_person(rng)), x, ground, size, True))

    others = []
    for _ in range(rng.integers(2, 8)):
        draw, low, high = DISTRACTORS[rng.integers(len(DISTRACTORS))]
        size, x, ground = place()
        others.append(Actor(_flip(rng, draw(rng)), x, ground, size * rng.uniform(low, high), False))
    for figure in figures:
        if rng.random() < 0.25:  # something in front
            draw, share = ((draw_post, rng.uniform(0.6, 1.2)), (draw_bush, rng.uniform(0.2, 0.5)))[rng.integers(2)]
            x = figure.x + rng.uniform(-0.2, 0.2) * figure.height
            others.append(
                Actor(_flip(rng, draw(rng)), x, figure.ground + 0.03 * figure.height, share * figure.height, False)
            )
    return figures + others


def _flip(rng: np.random.Generator, parts: list[Part]) -> list[Part]:
    if rng.random() < 0.5:
        return parts
    return [Part(part.material, tuple((-x, y, r) for x, y, r in part.circles)) for part in parts]
