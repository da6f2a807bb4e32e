"""Where a film is painted: along the motion, and no longer than an object is there."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from pochoir.composition.given import certain
from pochoir.config import load_config
from pochoir.film.clips import Frame
from pochoir.film.following import Follower
from pochoir.film.motion import Motion
from pochoir.film.stencils import Stencils
from pochoir.film.watch import Watch

SIZE = (40, 60)
ONES = np.ones(SIZE, np.float32)
LEG = np.s_[28:38, 20:40]
"""What of a figure is found in the first frame alone."""
WITHIN = np.s_[32:36, 24:36]
"""Of it, far from its edges."""


def legs(smooth: float, alike: float, count: int) -> list[np.ndarray]:
    """Alpha `WITHIN` the leg in each frame of a film that stands still."""
    config = load_config("film", ["find.every=1", "region.refine=off", f"track.smooth={smooth}"])
    mask = np.zeros((1, *SIZE), np.float32)
    mask[:, 2:28, 10:50] = 1
    whole = mask.copy()
    whole[0][LEG] = 1
    looks = iter([certain(whole), *[certain(mask)] * count])
    still = np.zeros((*SIZE, 2), np.float32)
    motion = Motion(still, still, ONES, ONES * alike)
    picture = np.full((*SIZE, 3), 90, np.uint8)
    frames = [Frame(number, picture, Fraction(number, 24)) for number in range(count)]
    scenes = Follower(config, lambda _: next(looks)).scenes(frames, Watch())
    stencils = Stencils(config)
    return [
        stencils.of(scene if scene.motion is None else replace(scene, motion=motion)).alpha(SIZE)[WITHIN]
        for scene in scenes
    ]


def test_what_is_not_found_any_more_fades_and_ends() -> None:
    values = [float(alpha.mean()) for alpha in legs(smooth=0.75, alike=1, count=40)]
    assert values[:3] == pytest.approx([1, 0.75, 0.5625], abs=2 / 255)
    assert values == sorted(values, reverse=True)
    assert values[-1] == 0  # not a last grey level that stays for good


@pytest.mark.parametrize(("smooth", "alike"), [(0.0, 1.0), (0.75, 0.0)])
def test_it_ends_at_once_where_nothing_is_to_be_held(smooth: float, alike: float) -> None:
    assert [float(alpha.max()) for alpha in legs(smooth, alike, 2)] == [1, 0]
