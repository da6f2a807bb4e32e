"""Numbers for the quality of an edge."""

import numpy as np
import pytest

from pochoir.composition.border import boundary_f, contour, edge_agreement, fringe

DISC = np.hypot(*(np.mgrid[:80, :80] - 40)) < 20


def test_the_contour_is_the_outermost_pixels() -> None:
    square = np.zeros((8, 8), dtype=bool)
    square[2:6, 2:6] = True
    assert contour(square).sum() == 12
    assert not contour(np.ones((8, 8), dtype=bool)).any()  # the frame is no edge


def test_equal_masks_score_one_and_far_ones_zero() -> None:
    assert boundary_f(DISC, DISC) == 1
    assert boundary_f(np.roll(DISC, 60, axis=1)[:, :40], DISC[:, :40], tolerance=0) < 0.2
    assert boundary_f(np.zeros_like(DISC), DISC) == 0
    assert boundary_f(np.zeros_like(DISC), np.zeros_like(DISC)) == 1


@pytest.mark.parametrize(("tolerance", "score"), [(3.0, 1.0), (0.5, 0.0)])
def test_a_shift_counts_beyond_the_tolerance(tolerance: float, score: float) -> None:
    band = np.zeros((40, 40), dtype=bool)
    band[10:] = True  # one straight edge
    assert boundary_f(np.roll(band, 2, axis=0) & band, band, tolerance=tolerance) == score


SOFT = np.clip((22 - np.hypot(*(np.mgrid[:80, :80] - 40))) / 4, 0, 1).astype(np.float32)
RED, BLUE, GREEN = (np.array(colour, dtype=np.float32) for colour in ((200, 60, 50), (60, 70, 190), (20, 220, 40)))


def over(paint: np.ndarray) -> np.ndarray:
    return np.rint(SOFT[..., None] * paint + (1 - SOFT[..., None]) * BLUE).astype(np.uint8)


def test_mixtures_of_both_sides_are_no_fringe_and_another_colour_is() -> None:
    assert fringe(over(RED), [SOFT]) < 2
    rim = (SOFT > 0) & (SOFT < 1)
    assert fringe(over(np.where(rim[..., None], GREEN, RED)), [SOFT]) > 40
    grain = np.random.default_rng(0).normal(0, 12, (80, 80, 3))  # strokes differ from their mean, and are none
    assert fringe(over(np.clip(RED + grain, 0, 255)), [SOFT]) < 2


def test_every_regions_rim_counts_and_there_may_be_none() -> None:
    picture = over(np.where(((SOFT > 0) & (SOFT < 1))[..., None], GREEN, RED))
    assert fringe(picture, [SOFT, 1 - SOFT]) == fringe(picture, [SOFT]) > 0
    assert fringe(picture, [DISC.astype(np.float32)]) == 0
    assert fringe(picture, [np.full_like(SOFT, 0.5)]) == 0  # nothing clear to compare with


def test_agreement_is_high_on_the_photos_edge_and_low_beside_it() -> None:
    photo = np.where(DISC, 220, 30).astype(np.uint8)[..., None].repeat(3, axis=-1)
    assert edge_agreement(DISC, photo) > 0.95
    assert edge_agreement(np.hypot(*(np.mgrid[:80, :80] - 40)) < 27, photo) < 0.05
