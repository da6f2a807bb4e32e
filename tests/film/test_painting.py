"""Paint that goes on from the frame before: crops on a grid, what is known of them, and how much of it stays."""

import numpy as np
import pytest

from painters import write_painter
from pochoir.composition.crops import Crop
from pochoir.config import load_config
from pochoir.film.motion import Floats, Motion
from pochoir.film.painting import LEAST, STRIDE, FramePainter, Paint, PainterBrush, Start, on_grid, started

SIZE = (96, 128)


def shift(x: float, y: float) -> Motion:
    ones = np.ones(SIZE, np.float32)
    flow = np.full((*SIZE, 2), (x, y), dtype=np.float32)
    return Motion(flow, -flow, ones, ones)


@pytest.mark.parametrize("crop", [Crop(20, 30, 40, 60), Crop(0, 0, 3, 3), Crop(90, 120, 96, 128), Crop(0, 0, 96, 128)])
def test_crops_hold_what_they_held_on_a_grid(crop: Crop) -> None:
    found = on_grid(crop, SIZE)
    assert found.top % STRIDE == found.left % STRIDE == 0
    assert found.top <= crop.top
    assert found.left <= crop.left
    assert crop.bottom <= found.bottom <= SIZE[0]
    assert crop.right <= found.right <= SIZE[1]
    assert min(found.size) >= LEAST


def test_the_paint_before_is_where_the_picture_went() -> None:
    colours = np.random.default_rng(0).random((64, 64, 3)).astype(np.float32)
    before = Paint(Crop(16, 32, 80, 96), colours)
    start = started(before, Crop(16, 48, 80, 112), shift(-5, 0))
    # what is at column c of this frame was at c - 5: the crop begins at 48, so at 43, which is 11 of the paint before
    assert np.allclose(start.colours[:, :50], colours[:, 11:61], atol=1e-5)
    assert (start.trusted[:, :50] == 1).all()
    assert (start.trusted[:, 55:] == 0).all()  # beyond the crop of the paint before nobody knows


def test_what_is_trusted_stays_by_its_share(tmp_path: pytest.TempPathFactory) -> None:
    weights = write_painter(tmp_path / "painter.safetensors", "waves")
    overrides = [f"painter.weights={weights}", "style=builtin:waves", "temporal.keep=0.75", "trainer.accelerator=cpu"]
    brush = PainterBrush(load_config("film", overrides), ["waves"])
    photo = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    alpha, half = np.ones((64, 64), np.float32), np.zeros((64, 64), np.float32)
    half[:, 32:] = 1
    fresh = brush(photo, alpha, 0, None)
    kept = brush(photo, alpha, 0, Start(np.full((64, 64, 3), 0.25, np.float32), half))
    assert np.allclose(kept[:, :32], fresh[:, :32])
    assert np.allclose(kept[:, 32:], 0.25 * fresh[:, 32:] + 0.75 * 0.25, atol=1e-6)


def test_each_style_has_its_own_paint_and_forgets_what_is_gone() -> None:
    seen: list[tuple[int, bool]] = []

    def brush(photo: np.ndarray, alpha: np.ndarray, style: int, start: Start | None) -> Floats:
        seen.append((style, start is None))
        return np.zeros(photo.shape, np.float32)

    painted = FramePainter(brush, 8)
    frame, alpha = np.zeros((*SIZE, 3), np.uint8), np.ones(SIZE, np.float32)
    painted.on(frame, {0: alpha}, None)
    painted.on(frame, {0: alpha, 1: alpha}, shift(0, 0))
    painted.on(frame, {1: alpha}, shift(0, 0))
    painted.on(frame, {0: alpha, 1: alpha}, shift(0, 0))
    assert seen == [(0, True), (0, False), (1, True), (1, False), (0, True), (1, False)]
