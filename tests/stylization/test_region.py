"""What is seen of a picture that is painted in part."""

import pytest
import torch

from pochoir.stylization.region import solid, spread

SQUARE = torch.zeros(1, 1, 37, 50)
SQUARE[..., 6:25, 11:30] = 1


def test_a_region_is_solid_wherever_it_shows() -> None:
    assert solid(torch.tensor([0, 0.001, 1 / 255, 0.5, 1])).tolist() == [0, 0, 1, 1, 1]


@pytest.mark.parametrize("region", [SQUARE, 1 - SQUARE], ids=["object", "background"])
def test_a_picture_is_spread_from_within(region: torch.Tensor) -> None:
    image = torch.rand(1, 3, 37, 50)
    found = spread(image, region)
    inside = region.expand_as(image) > 0
    assert torch.equal(found[inside], image[inside])
    assert torch.allclose(found, spread(torch.where(inside, image, 1 - image), region))
    assert found.min() >= 0
    assert found.max() <= 1
    assert found[~inside].std() < 0.5 * image.std()  # no detail beside the paint


def test_a_colour_is_spread_as_it_is_and_a_slope_goes_on() -> None:
    flat = torch.full((1, 3, 37, 50), 0.3)
    assert torch.allclose(spread(flat, SQUARE), flat, atol=1e-5)
    slope = torch.linspace(0, 1, 50).expand(1, 3, 37, 50)
    left, right = (spread(slope, 1 - SQUARE)[..., 15, column].mean() for column in (14, 26))
    assert left + 0.05 < right


def test_nothing_outside_has_a_gradient() -> None:
    image = torch.rand(1, 3, 37, 50, requires_grad=True)
    spread(image, SQUARE).square().sum().backward()
    assert image.grad is not None
    assert (image.grad[SQUARE.expand_as(image) == 0] == 0).all()
    assert (image.grad[SQUARE.expand_as(image) == 1] != 0).all()
