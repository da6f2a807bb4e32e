"""Masks on photos: what torchvision pastes, without torch."""

import numpy as np
import pytest
import torch
from torchvision.models.detection.roi_heads import paste_masks_in_image

from pochoir.segmentation.pasting import pasted, placed


@pytest.mark.parametrize("size", [(100, 130), (37, 400)])
def test_as_torchvision_pastes(size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    cells = torch.rand(40, 28, 28, generator=generator)
    corners = torch.rand(40, 2, 2, generator=generator) * torch.tensor([size[1], size[0]])
    boxes = torch.cat([corners.amin(dim=1), corners.amax(dim=1)], dim=1)
    boxes[0] = torch.tensor([3, 3, 3.2, 3.4])  # less than a pixel
    boxes[1] = torch.tensor([0, 0, size[1], size[0]])
    expected = paste_masks_in_image(cells[:, None], boxes, size)[:, 0].numpy()
    np.testing.assert_allclose(pasted(cells.numpy(), boxes.numpy(), size), expected, rtol=0, atol=2e-5)
    assert pasted(cells[:0].numpy(), boxes[:0].numpy(), size).shape == (0, *size)


def test_only_the_part_of_the_photo_that_a_mask_reaches_is_made() -> None:
    there = placed(np.ones((28, 28), np.float32), np.array([500, 300, 540, 380], np.float32), (6000, 8000))
    assert there.mask.shape == (86, 44)  # with the ring around
    assert there.window == (slice(297, 383), slice(498, 542))
