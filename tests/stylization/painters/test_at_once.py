"""Painting at once: the painter that knows a style, blends, strength, regions, and what is said of the rest."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from painters import write_painter
from pochoir.errors import ConfigError
from pochoir.stylization.painters import at_once
from pochoir.stylization.painters.at_once import look_of, paint_at_once


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(write_painter(tmp_path / "mine.safetensors", "waves", "ink"))


@pytest.fixture
def photo() -> Tensor:
    return torch.rand(1, 3, 40, 52, generator=torch.Generator().manual_seed(0))


def test_a_blend_gives_each_style_its_share(file: str) -> None:
    assert look_of(file, ["ink"], [1.0]).blend.tolist() == [[0.0, 1.0]]
    assert look_of(file, ["ink", "waves"], [0.25, 0.75]).blend.tolist() == [[0.75, 0.25]]


def test_without_a_file_the_painter_that_knows_the_style_is_taken(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = str(write_painter(tmp_path / "other.safetensors", "oil"))
    monkeypatch.setattr(at_once, "PAINTERS", (other, file))
    assert look_of(None, ["ink"], [1.0]).painter.network.styles == ("waves", "ink")
    with pytest.raises(ConfigError, match="no painter knows all of oil, ink; they know oil, waves, ink"):
        look_of(None, ["oil", "ink"], [0.5, 0.5])


def test_an_unknown_style_is_told_with_those_there_are_and_how_one_is_made(file: str) -> None:
    message = (
        r"style: no painter knows the style wave; they know waves, ink; did you mean 'waves'\?.*"
        r"`pochoir train_painter styles=<painting> …`, and give it as painter\.weights="
    )
    with pytest.raises(ConfigError, match=message):
        look_of(file, ["wave"], [1.0])


def test_strength_goes_from_the_photo_to_the_paint(file: str, photo: Tensor) -> None:
    look = look_of(file, ["waves"], [1.0])
    paint = paint_at_once(photo, look)
    assert paint.shape == photo.shape
    assert float(paint.min()) >= 0
    assert float(paint.max()) <= 1
    assert torch.equal(paint_at_once(photo, look, strength=0.0), photo)
    torch.testing.assert_close(paint_at_once(photo, look, strength=0.5), (photo + paint) / 2)


def test_a_region_gives_the_statistics(file: str, photo: Tensor) -> None:
    look, region = look_of(file, ["waves"], [1.0]), torch.zeros(1, 1, 40, 52)
    region[..., :20] = 1
    inside = paint_at_once(photo, look, region=region)
    assert (inside - paint_at_once(photo, look)).abs().max() > 1e-3
    torch.testing.assert_close(paint_at_once(photo, look, region=torch.ones_like(region)), paint_at_once(photo, look))
    with pytest.raises(ConfigError, match=r"region: has 0\.10 pixels"):
        paint_at_once(photo, look, region=torch.full_like(region, 0.1 / region.numel()))


def test_too_small_a_photo_is_told(file: str) -> None:
    with pytest.raises(ConfigError, match="size: 40×8 pixels are too few for a painter; 16 do"):
        paint_at_once(torch.zeros(1, 3, 8, 40), look_of(file, ["waves"], [1.0]))
