"""Paint over a photo: exact inside, untouched outside."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pochoir.composition.blending import composite, leak, unpainted
from pochoir.composition.crops import Crop, whole

PHOTO = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)


def test_composite_is_the_photo_the_paint_or_between() -> None:
    crop = Crop(10, 5, 30, 45)
    paint = np.random.default_rng(1).integers(0, 256, (20, 40, 3), dtype=np.uint8)
    alpha = np.zeros((20, 40), dtype=np.float32)
    alpha[:, :10], alpha[:, 10:20] = 1, 0.5
    result = composite(PHOTO, [(crop, paint, alpha)])
    assert (result[10:30, 5:15] == paint[:, :10]).all()
    middle = (paint[:, 10:20].astype(float) + PHOTO[10:30, 15:25]) / 2
    assert abs(result[10:30, 15:25] - middle).max() <= 0.5
    outside = np.ones((40, 50), dtype=bool)
    outside[10:30, 5:25] = False
    assert (result[outside] == PHOTO[outside]).all()


def test_layers_share_a_pixel() -> None:
    white, black = np.full((40, 50, 3), 255, dtype=np.uint8), np.zeros((40, 50, 3), dtype=np.uint8)
    half = np.full((40, 50), 0.5, dtype=np.float32)
    result = composite(PHOTO, [(Crop(0, 0, 40, 50), white, half), (Crop(0, 0, 40, 50), black, half)])
    assert abs(result.astype(int) - 128).max() <= 1


def test_a_leak_is_counted() -> None:
    alpha = np.zeros((40, 50), dtype=np.float32)
    alpha[:, 25:] = 0.01
    changed = PHOTO.copy()
    changed[3, 4, 1] ^= 8
    changed[:, 30:] = 0  # inside
    report = leak(PHOTO, changed, alpha)
    assert (report["outside_pixels"], report["changed_pixels"], report["largest"]) == (1000, 1, 8)
    assert report["mean"] == 8 / 3000
    assert leak(PHOTO, changed, np.ones_like(alpha)) == {
        **{"outside_pixels": 0, "changed_pixels": 0},
        **{"largest": 0, "mean": 0.0},
    }


OBJECT, GROUND = np.array([210.0, 60, 40]), np.array([40.0, 160, 90])


def disc(soft: float) -> NDArray[np.float32]:
    """Alpha of a disc whose edge is so many pixels wide, at levels of 8 bits."""
    distance = 30 - np.hypot(*(np.mgrid[:100, :120] - np.array([50, 60])[:, None, None]))
    return (np.rint(np.clip(0.5 + distance / soft, 0, 1) * 255) / 255).astype(np.float32)


@pytest.mark.parametrize("paints_object", [True, False])
def test_nothing_of_what_is_painted_shows_at_a_soft_edge(paints_object: bool) -> None:
    alpha = disc(soft=10)
    photo = np.rint(alpha[..., None] * OBJECT + (1 - alpha[..., None]) * GROUND).astype(np.uint8)
    painted, kept = (alpha, GROUND) if paints_object else (1 - alpha, OBJECT)
    left = unpainted(photo, painted)
    soft = (painted > 0) & (painted < 1)
    before, after = (abs(picture[soft] - kept).mean() for picture in (photo, left))
    assert after < 0.15 * before
    assert (left[~soft] == photo[~soft]).all()
    paint = np.full_like(photo, 250)
    result = composite(left, [(whole(painted.shape), paint, painted)])
    wanted = painted[..., None] * 250.0 + (1 - painted[..., None]) * kept
    assert abs(result - wanted).max() < 12
    assert (result[painted == 0] == photo[painted == 0]).all()


def test_a_ground_that_changes_is_told_where_it_is_at_a_soft_edge() -> None:
    alpha = disc(soft=4)
    dawn = np.linspace(GROUND, 255 - GROUND, 120)[None] * np.ones((100, 1, 1))
    photo = np.rint(alpha[..., None] * OBJECT + (1 - alpha[..., None]) * dawn).astype(np.uint8)
    soft = (alpha > 0) & (alpha < 1)
    before, after = (abs(picture[soft] - dawn[soft]).mean() for picture in (photo, unpainted(photo, alpha)))
    assert after < 0.3 * before


def test_a_hard_edge_has_nothing_to_leave() -> None:
    assert unpainted(PHOTO, (np.arange(50) > 20).astype(np.float32) * np.ones((40, 1), np.float32)) is PHOTO
