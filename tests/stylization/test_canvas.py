"""The picture as a parameter, and back."""

import pytest
import torch

from pochoir.images import to_tensor
from pochoir.stylization.canvas import MARGIN, to_image, to_parameter


@pytest.mark.parametrize("kind", ["sigmoid", "pixels"])
def test_a_picture_survives_its_parameter(kind: str) -> None:
    image = torch.rand(1, 3, 9, 7)
    torch.testing.assert_close(to_image(to_parameter(image, kind), kind), image, atol=MARGIN, rtol=0)


def test_black_and_white_have_finite_parameters() -> None:
    ends = to_parameter(torch.tensor([0.0, 1.0]), "sigmoid")
    assert torch.isfinite(ends).all()
    assert (to_image(ends, "sigmoid") * 255).round().tolist() == [2, 253]


def test_black_and_white_are_no_flatter_than_a_fifth_of_grey() -> None:
    z = to_parameter(torch.tensor([0.0, 0.5, 1.0]), "sigmoid").requires_grad_()
    to_image(z, "sigmoid").sum().backward()
    black, grey, white = z.grad.tolist()
    assert black == pytest.approx(white, rel=1e-4)
    assert black > grey / 6


@pytest.mark.parametrize("kind", ["sigmoid", "pixels"])
def test_a_parameter_is_contiguous_whatever_the_picture_is(kind: str) -> None:
    picture = to_tensor(torch.zeros(4, 5, 3, dtype=torch.uint8).numpy())[None]
    assert not picture.is_contiguous()
    assert to_parameter(picture, kind).is_contiguous()
