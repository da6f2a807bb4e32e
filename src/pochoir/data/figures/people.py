"""People: a pose, a build, clothes and a head."""

from dataclasses import dataclass

import numpy as np

from pochoir.data.figures.materials import HAIR, SKIN, Material, pick_material, pick_shade
from pochoir.data.figures.props import shape_hat
from pochoir.data.figures.shapes import Part, Point, chain


@dataclass(frozen=True)
class Pose:
    """Angles in radians from straight down, positive towards +x; index 0 is the far side of the body, 1 the near one.

    `breadth` is 1 facing the viewer or turned away, near 0 in profile, looking towards +x.
    """

    breadth: float
    lean: float
    arms: tuple[tuple[float, float], tuple[float, float]]  # upper arm, forearm
    legs: tuple[tuple[float, float], tuple[float, float]]  # thigh, shin


def pick_pose(rng: np.random.Generator) -> Pose:
    kind = str(rng.choice(["stand", "walk", "walk", "walk", "run", "cheer", "wave", "akimbo", "point"]))
    if kind in ("walk", "run"):
        swing = rng.uniform(0.25, 0.5) if kind == "walk" else rng.uniform(0.6, 0.9)
        fold = swing * rng.uniform(0.3, 0.7) if kind == "walk" else rng.uniform(0.8, 1.4)
        elbow = rng.uniform(0.1, 0.6) if kind == "walk" else rng.uniform(1.2, 1.7)
        ahead = int(rng.integers(2))  # which leg is in front
        legs, arms = [(swing, swing - 0.25 * fold)] * 2, [(-swing, elbow - swing)] * 2
        legs[1 - ahead], arms[1 - ahead] = (-swing, -swing - fold), (swing, swing + elbow)
        lean = rng.uniform(0, 0.08) if kind == "walk" else rng.uniform(0.1, 0.3)
        return Pose(rng.uniform(0.15, 0.6), lean, (arms[0], arms[1]), (legs[0], legs[1]))

    def arm(side: int, action: str) -> tuple[float, float]:
        if action == "cheer":
            upper = rng.uniform(2.1, 2.9)
            return side * upper, side * (upper + rng.uniform(-0.3, 0.7))
        if action == "akimbo":
            return side * rng.uniform(0.6, 0.85), -side * rng.uniform(0.7, 1.0)
        if action == "point":
            return side * rng.uniform(1.1, 1.7), side * rng.uniform(1.2, 1.8)
        upper = rng.uniform(0.06, 0.3)
        return side * upper, side * (upper + rng.uniform(-0.2, 0.15))

    actions = {"wave": ("stand", "cheer"), "point": ("stand", "point")}.get(kind, (kind, kind))
    stance = rng.uniform(0.02, 0.2)
    thighs = [(side * stance, side * stance * rng.uniform(0.2, 1)) for side in (-1, 1)]
    pair = arm(-1, actions[0]), arm(1, actions[1])
    return Pose(rng.uniform(0.7, 1), rng.normal(0, 0.04), pair, (thighs[0], thighs[1]))


def draw_person(rng: np.random.Generator) -> list[Part]:
    """A clothed person in a random pose, build and age, painted from the far side to the near one."""
    pose = pick_pose(rng)
    head = rng.uniform(0.135, 0.16) if rng.random() < 0.8 else rng.uniform(0.18, 0.22)  # adults, children
    body, build = 1 - head, rng.uniform(0.85, 1.3)
    skin, hair = Material(pick_shade(rng, SKIN)), Material(pick_shade(rng, HAIR))
    top, bottom, shoes = pick_material(rng), pick_material(rng, 0.2), pick_material(rng, 0)
    dress = rng.random() < 0.3
    if dress and rng.random() < 0.6:
        bottom = top

    hip, leg = (0.0, -0.575 * body), (0.275 * body, 0.265 * body)
    _, shoulder, chin = _limb(hip, (0.345 * body, 0.06 * body), (np.pi - pose.lean, np.pi - 0.7 * pose.lean))
    across = 0.115 * body * build * (0.25 + 0.75 * pose.breadth)

    legs, limbs = [], []
    trouser = 0.0 if dress else float(rng.choice([1.0, 0.55], p=[0.75, 0.25]))
    sleeve = float(rng.choice([1.0, 0.55, 0.0], p=[0.5, 0.35, 0.15]))
    stocking = pick_material(rng, 0) if rng.random() < 0.4 else skin
    for index, side in enumerate((-1, 1)):
        knots = _limb((hip[0] + side * 0.5 * across, hip[1]), leg, pose.legs[index])
        thick = [r * body * (0.6 + 0.4 * build) for r in (0.07, 0.05, 0.034)]
        toe = (0.075 if pose.breadth < 0.65 else side * 0.03) * body
        ankle_x, ankle_y = knots[2]
        parts = [Part(shoes, ((ankle_x, ankle_y + 0.012, 0.034 * body), (ankle_x + toe, ankle_y + 0.02, 0.027 * body)))]
        parts += chain(skin if trouser else stocking, knots, [0.85 * r for r in thick])
        parts += _covered(bottom, knots, thick, trouser)
        legs.append(parts)

        knots = _limb((shoulder[0] + side * across, shoulder[1] + 0.02), (0.19 * body, 0.17 * body), pose.arms[index])
        thick = [r * body * (0.6 + 0.4 * build) for r in (0.042, 0.034, 0.026)]
        knuckles = _limb(knots[2], (0.03 * body, 0.0), pose.arms[index][::-1])
        parts = chain(skin, knuckles[:2], [0.024 * body] * 2)
        parts += chain(skin, knots, [0.8 * r for r in thick]) + _covered(top, knots, thick, sleeve)
        limbs.append(parts)

    depth, waist = 0.052 * body * build, rng.uniform(0.75, 1.05)
    torso = [(shoulder[0] + s * across * 0.8, shoulder[1] + 0.03, 0.045 * body) for s in (-1, 1)]
    torso += [(0.4 * shoulder[0] + s * across * 0.45 * waist, -0.7 * body, depth) for s in (-1, 1)]
    pelvis = [(s * across * 0.5, hip[1], 1.15 * depth) for s in (-1, 1)]
    trunk = [Part(bottom, tuple(pelvis)), Part(top, tuple(torso + [(x, y - 0.03, 0.95 * r) for x, y, r in pelvis]))]
    if dress or rng.random() < 0.12:  # a skirt, or a coat that hangs over the trousers
        fall = rng.uniform(0.3, 0.8) if dress else rng.uniform(0.15, 0.3)
        flare = across * 0.5 + rng.uniform(0.02, 0.12) * fall
        knees = [_limb(hip, leg, angles)[1] for angles in pose.legs]
        reach = [min(fall * x for x, _ in knees), max(fall * x for x, _ in knees)]
        hem = [(x + s * flare, hip[1] + fall * leg[0], 0.045 * body) for s, x in zip((-1, 1), reach, strict=True)]
        trunk.append(
            Part(bottom if dress else top, (*((x, y - 0.12 * body, 0.8 * r) for x, y, r in pelvis), *pelvis, *hem))
        )
    neck = Part(skin, ((shoulder[0], shoulder[1] + 0.01, 0.032 * body), (*chin, 0.03 * body)))
    front = rng.random() < 0.6 or pose.breadth < 0.6
    far, near = limbs  # in profile the body is between the arms, else both arms are behind it or before it
    if pose.breadth > 0.65:
        far, near = ([*far, *near], []) if rng.random() < 0.35 else ([], [*far, *near])
    hair_behind, skull = _draw_head(rng, (chin[0], chin[1] - 0.45 * head), head, skin, hair, 1 - pose.breadth, front)
    person = [*far, *legs[0], *legs[1], *hair_behind, *trunk, neck, *skull, *near]
    floor = max(y + r for part in legs[0] + legs[1] for _, y, r in part.circles)  # the lower foot, whatever the pose
    return [Part(part.material, tuple((x, y - floor, r) for x, y, r in part.circles)) for part in person]


def _limb(start: Point, lengths: tuple[float, float], angles: tuple[float, float]) -> list[Point]:
    points = [start]
    for length, angle in zip(lengths, angles, strict=True):
        points.append((points[-1][0] + length * np.sin(angle), points[-1][1] + length * np.cos(angle)))
    return points


def _covered(material: Material, knots: list[Point], radii: list[float], share: float) -> list[Part]:
    """Cloth over a limb of two segments: all of it (share 1), down to a little before the joint, or none (0)."""
    if share == 0:
        return []
    if share == 1:
        return chain(material, knots, radii)
    (x0, y0), (x1, y1) = knots[:2]
    cut = (x0 + 1.5 * share * (x1 - x0), y0 + 1.5 * share * (y1 - y0))
    return chain(material, [knots[0], cut], [radii[0], 1.1 * radii[1]])


def _draw_head(
    rng: np.random.Generator, centre: Point, size: float, skin: Material, hair: Material, turn: float, front: bool
) -> tuple[list[Part], list[Part]]:
    """A head `size` high: what goes behind the trunk, and the rest.

    `turn` is 1 in profile looking towards +x; the head is seen from behind unless `front`.
    """
    (x, y), r = centre, 0.5 * size
    look = 0.35 * r * turn
    face = Part(skin, ((x + look, y - 0.15 * r, 0.72 * r), (x + 1.2 * look, y + 0.45 * r, 0.5 * r)))
    style = rng.choice(["short", "long", "bun", "bald", "cap", "hat"], p=[0.3, 0.25, 0.1, 0.08, 0.14, 0.13])
    scalp = Part(hair, ((x - 0.2 * look, y - 0.25 * r, 0.8 * r),))
    parts = [] if style == "bald" else [scalp]
    if style == "long":
        fall = rng.uniform(0.6, 1.6)
        parts.append(Part(hair, ((x - look, y - 0.1 * r, 0.78 * r), (x - 1.5 * look, y + fall * r, 0.6 * r))))
    if style == "bun":
        parts.append(Part(hair, ((x - 2 * look, y - r, 0.35 * r),)))
    behind = parts if front else []
    parts = [face] if front else [face, *parts]
    if front and style != "bald":  # the fringe
        parts.append(
            Part(hair, ((x + look - 0.4 * r, y - 0.62 * r, 0.3 * r), (x + look + 0.4 * r, y - 0.65 * r, 0.28 * r)))
        )
    if front:
        dark = Material((40, 30, 28))
        eyes = [-0.28, 0.28] if turn < 0.5 else [0.3]
        parts += [Part(dark, ((x + 1.3 * look + dx * r, y - 0.08 * r, 0.075 * r),)) for dx in eyes]
        mouth_x = x + 1.5 * look
        parts.append(
            Part(dark, ((mouth_x - 0.14 * r, y + 0.5 * r, 0.04 * r), (mouth_x + 0.14 * r, y + 0.5 * r, 0.04 * r)))
        )
    if style in ("cap", "hat"):
        parts += shape_hat(
            pick_material(rng, 0.3), (x, y - 0.5 * r), r, brim=1.35 if style == "hat" else 0.8, peak=look
        )
    return behind, parts
