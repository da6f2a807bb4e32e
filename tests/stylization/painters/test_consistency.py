"""The consistency loss: nothing for paint that moves with the photo, something for paint that does not."""

import pytest
import torch
from torch import Tensor

from pochoir.config import ConsistencyConfig
from pochoir.stylization.painters.consistency import Move, consistency_loss, moved_and_noisy

SHIFTS = ConsistencyConfig(shift=5, warp=0.0, noise=0.0)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(3)


@pytest.fixture
def photos() -> Tensor:
    return torch.rand((3, 3, 24, 32), generator=torch.Generator().manual_seed(0))


def test_a_shift_moves_whole_pixels(photos: Tensor) -> None:
    move = Move(SHIFTS, 3, (24, 32), seeded())
    moved = move(photos)
    assert not torch.equal(moved, photos)
    for place, (x, y) in enumerate(torch.randint(-5, 6, (3, 2), generator=seeded()).tolist()):
        rows, columns = torch.arange(24) + y, torch.arange(32) + x
        seen = ((rows >= 0) & (rows < 24))[:, None] & ((columns >= 0) & (columns < 32))[None]
        expected = photos[place][:, rows.clamp(0, 23)][:, :, columns.clamp(0, 31)]
        torch.testing.assert_close(moved[place], expected, atol=1e-4, rtol=0)
        torch.testing.assert_close(move.seen[place, 0], seen.float())


def test_paint_that_moves_with_the_photo_costs_nothing(photos: Tensor) -> None:
    move = Move(SHIFTS, 3, (24, 32), seeded())
    assert float(consistency_loss(photos**2, move(photos) ** 2, move)) < 1e-6


def test_paint_that_stays_where_it_was_costs(photos: Tensor) -> None:
    move = Move(SHIFTS, 3, (24, 32), seeded())
    assert float(consistency_loss(photos, photos, move)) == pytest.approx(2, rel=0.1)  # of two independent pictures


def test_a_warp_is_as_large_as_asked_for_and_noise_too(photos: Tensor) -> None:
    move = Move(ConsistencyConfig(shift=0, warp=2.0, noise=0.0), 3, (24, 32), seeded())
    still = Move(ConsistencyConfig(shift=0, warp=0.0, noise=0.0), 3, (24, 32), seeded())
    pixels = (move.grid - still.grid) * torch.tensor([31, 23]) / 2
    assert 1 < float(pixels.abs().max()) < 3  # bicubic between the knots
    torch.testing.assert_close(still(photos), photos, atol=1e-4, rtol=0)
    grey = torch.full_like(photos, 0.5)
    noisy = moved_and_noisy(grey, still, 0.1, seeded())
    assert float((noisy - grey).std()) == pytest.approx(0.1, rel=0.05)
