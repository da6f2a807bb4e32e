"""The painter's network: any size, styles and their blends, statistics inside a region."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from pochoir.config import PainterConfig, load_config
from pochoir.stylization.painters.network import EPS, ConditionalNorm, Painter, one_style

SMALL = ["styles=.", "painter.width=4", "painter.blocks=1", "painter.kernel=3"]


def config(*more: str) -> PainterConfig:
    return load_config("train_painter", [*SMALL, *more]).painter


@pytest.fixture
def painter() -> Painter:
    """Two styles that differ."""
    torch.manual_seed(0)
    network = Painter(config(), ["dots", "lines"]).eval()
    for name, parameter in network.named_parameters():
        if name.endswith((".scales", ".shifts")):
            torch.nn.init.normal_(parameter, 1.0, 0.5)
    return network.requires_grad_(False)


def noise(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("size", [(16, 16), (33, 50), (41, 38), (64, 35)])
@pytest.mark.parametrize("depthwise", ["false", "true"])
def test_paint_has_the_size_of_the_photo(size: tuple[int, int], depthwise: str) -> None:
    network = Painter(config(f"painter.depthwise={depthwise}"), ["dots", "lines"])
    paint = network(noise(2, 3, *size), one_style(torch.tensor([0, 1]), 2))
    assert paint.shape == (2, 3, *size)
    assert paint.dtype == torch.float32
    assert float(paint.min()) >= -0.05 and float(paint.max()) <= 1.05


def test_a_batch_of_styles_is_each_by_itself(painter: Painter) -> None:
    photos = noise(2, 3, 24, 20)
    both = painter(photos, one_style(torch.tensor([1, 0]), 2))
    for place, style in enumerate((1, 0)):
        alone = painter(photos[place : place + 1], one_style(torch.tensor([style]), 2))
        torch.testing.assert_close(both[place : place + 1], alone)
    assert (both[0] - painter(photos[:1], one_style(torch.tensor([0]), 2))[0]).abs().max() > 0.01


def test_a_blend_mixes_scales_and_shifts(painter: Painter) -> None:
    norm = painter.first.norm
    x, shares = noise(1, 4, 9, 7), torch.tensor([[0.3, 0.7]])
    normalised = functional.instance_norm(x, eps=EPS)
    scale, shift = (0.3 * values[0] + 0.7 * values[1] for values in (norm.scales, norm.shifts))
    expected = normalised * scale[:, None, None] + shift[:, None, None]
    torch.testing.assert_close(norm(x, shares, None), expected)


def test_statistics_are_those_of_the_region() -> None:
    """Inside a region, what is normalised is as if nothing else were there."""
    norm = ConditionalNorm(3, 1)
    x, region = noise(1, 3, 12, 10), torch.zeros(1, 1, 12, 10)
    region[..., 2:8, 3:9] = 1
    alone = functional.instance_norm(x[..., 2:8, 3:9], eps=EPS)
    torch.testing.assert_close(norm(x, torch.ones(1, 1), region)[..., 2:8, 3:9], alone)
    everywhere = norm(x, torch.ones(1, 1), torch.ones_like(region))
    torch.testing.assert_close(everywhere, functional.instance_norm(x, eps=EPS))


def test_learning_and_painting_normalise_alike(painter: Painter) -> None:
    """Either is by the way that is faster for it."""
    x, blend = noise(2, 4, 9, 7), one_style(torch.tensor([1, 0]), 2)
    learning = painter.first.norm(x, blend, None)
    with torch.no_grad():
        torch.testing.assert_close(painter.first.norm(x, blend, None), learning)


def test_what_is_far_from_a_region_does_not_change_its_paint(painter: Painter) -> None:
    photo, region = noise(1, 3, 48, 96), torch.zeros(1, 1, 48, 96)
    region[..., :24] = 1
    other = photo.clone()
    other[..., 72:] = 0  # farther than the network sees
    blend = one_style(torch.tensor([0]), 2)
    inside, of_other = (painter(picture, blend, region)[..., :24] for picture in (photo, other))
    torch.testing.assert_close(inside, of_other)
    whole, of_whole = (painter(picture, blend)[..., :24] for picture in (photo, other))
    assert (whole - of_whole).abs().max() > 1e-3  # by the statistics of all


def test_the_default_is_small_enough_to_ship() -> None:
    network = Painter(load_config("train_painter", ["styles=."]).painter, [f"{number}" for number in range(16)])
    weights = sum(parameter.numel() for parameter in network.parameters())
    assert 2 * weights < 3_000_000  # bytes in half precision
