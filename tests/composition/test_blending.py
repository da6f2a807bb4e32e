"""Paint over a photo: exact inside, untouched outside."""

import numpy as np

from pochoir.composition.blending import composite, leak
from pochoir.composition.crops import Crop

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
