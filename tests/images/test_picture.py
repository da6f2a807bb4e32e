"""A picture in memory, and its other shapes."""

import dataclasses

import numpy as np
import pytest
import torch

from pochoir.images import Picture, to_pixels, to_tensor


@pytest.fixture
def stored() -> np.ndarray:
    """2 × 3 pixels of six different reds."""
    pixels = np.zeros((2, 3, 3), np.uint8)
    pixels[..., 0] = np.arange(6).reshape(2, 3) * 40
    return pixels


def test_a_picture_is_frozen_and_its_size_is_height_by_width(stored: np.ndarray) -> None:
    picture = Picture(stored)
    assert picture.size == (2, 3)
    assert picture.alpha is None
    with pytest.raises(dataclasses.FrozenInstanceError):
        picture.alpha = stored[..., 0]  # type: ignore[misc]


def test_pil_pictures_are_copies_and_have_the_alpha_that_there_is(stored: np.ndarray) -> None:
    assert Picture(stored).pil.mode == "RGB"
    image = Picture(stored, stored[..., 0]).pil
    assert image.mode == "RGBA"
    assert np.array_equal(np.asarray(image), np.dstack([stored, stored[..., 0]]))
    image.putpixel((2, 1), (1, 2, 3, 4))
    assert stored[1, 2].tolist() == [200, 0, 0]


def test_transparent_pixels_are_white_on_white(stored: np.ndarray) -> None:
    assert Picture(stored).on_white is stored
    alpha = np.array([[0, 255, 255], [51, 255, 255]], np.uint8)
    seen = Picture(stored, alpha).on_white
    assert seen[0, 0].tolist() == [255, 255, 255]
    assert seen[1, 0].tolist() == [228, 204, 204]
    assert np.array_equal(seen[:, 1:], stored[:, 1:])


def test_tensors_and_pixels_are_each_others_inverse(stored: np.ndarray) -> None:
    tensor = to_tensor(stored)
    assert tensor.shape == (3, 2, 3)
    assert tensor[0, 1, 2] == torch.tensor(200) / 255
    assert np.array_equal(to_pixels(tensor), stored)
    assert np.array_equal(to_pixels(tensor.requires_grad_()), stored)


def test_clear_pixels_are_filled_with_the_nearest_colour_that_is_seen() -> None:
    pixels = np.zeros((3, 5, 3), dtype=np.uint8)
    pixels[:, 0], pixels[:, 4], pixels[:, 1:4] = (200, 0, 0), (0, 0, 200), (0, 255, 0)
    alpha = np.zeros((3, 5), dtype=np.uint8)
    alpha[:, 0], alpha[:, 4] = 255, 7
    filled = Picture(pixels, alpha).filled
    assert filled[1, :, 0].tolist()[:2] == [200, 200]
    assert filled[1, :, 2].tolist()[3:] == [200, 200]
    assert (filled[..., 1] == 0).all()
    assert Picture(pixels).filled is pixels
    assert (Picture(pixels, np.zeros_like(alpha)).filled == 255).all()
