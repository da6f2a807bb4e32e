"""Motion: what moved is found, what was uncovered is not trusted, and flicker is measured as it is defined."""

import numpy as np
import pytest

from clips import STEP, square
from pochoir.film.motion import Motion, agreeing, motion_between, moved, places_of, warping_error
from pochoir.images import Pixels


def test_what_goes_to_the_right_was_to_the_left(pictures: list[Pixels]) -> None:
    motion = motion_between(pictures[2], pictures[3])
    inside = square(3)
    inside[:24], inside[40:] = False, False
    x, y = np.median(motion.flow[inside], axis=0)
    assert (x, y) == (pytest.approx(-STEP, abs=0.5), pytest.approx(0, abs=0.5))
    there = motion.moved(square(2).astype(np.float32)) >= 0.5
    assert (there & square(3)).sum() / (there | square(3)).sum() > 0.8
    here = motion.moved_back(square(3).astype(np.float32)) >= 0.5
    assert (here & square(2)).sum() / (here | square(2)).sum() > 0.75


def test_a_shift_is_moved_back_exactly() -> None:
    values = np.random.default_rng(0).random((20, 30)).astype(np.float32)
    flow = np.full((20, 30, 2), (2, 1), dtype=np.float32)
    assert np.allclose(moved(values, places_of(flow))[:-1, :-2], values[1:, 2:])
    crop = moved(values, places_of(flow)[5:15, 4:20])
    assert np.allclose(crop, values[6:16, 6:22])


def test_flows_that_contradict_each_other_are_not_trusted() -> None:
    back, forth = np.zeros((16, 16, 2), np.float32), np.zeros((16, 16, 2), np.float32)
    forth[4:8, 4:8] = (3, 0)
    trusted = agreeing(back, forth)
    assert (trusted[4:8, 4:8] == 0).all()
    assert trusted.sum() == 16 * 16 - 16


def test_what_comes_from_outside_the_frame_is_not_trusted() -> None:
    back = np.zeros((16, 16, 2), np.float32)
    back[..., 0] = -3
    trusted = agreeing(back, -back)
    assert (trusted[:, :3] == 0).all()
    assert (trusted[:, 3:] == 1).all()


def test_where_it_looks_otherwise_it_is_not_alike(pictures: list[Pixels]) -> None:
    changed = pictures[0].copy()
    changed[50:60, 60:80] = 255 - changed[50:60, 60:80]
    motion = motion_between(pictures[0], changed)
    assert motion.alike[52:58, 64:76].max() < 0.2
    assert np.median(motion.alike[5:15, 60:90]) > 0.9


def test_the_warping_error_is_that_of_its_definition() -> None:
    before, now = np.full((8, 8, 3), 100, np.uint8), np.full((8, 8, 3), 151, np.uint8)
    ones, flow = np.ones((8, 8), np.float32), np.zeros((8, 8, 2), np.float32)
    trusted = ones.copy()
    trusted[:4] = 0
    where = ones.copy()
    where[:, :2] = 0.5
    total, pixels = warping_error(now, before, Motion(flow, flow, trusted, trusted), where)
    assert pixels == pytest.approx(4 * (6 + 2 * 0.5))
    assert total / pixels == pytest.approx(0.2**2)
