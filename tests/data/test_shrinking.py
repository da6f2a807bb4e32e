"""Large photos are trained on at the size that the network looks at."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from pochoir.data.dataset import SegmentationDataset
from pochoir.data.shrinking import InputSize, shrunk
from pochoir.data.source import Sample, Source


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (InputSize(20, 60), (20, 30)),
        (InputSize(20, 24), (16, 24)),
        (InputSize(20, 60, zoom=1.5), (30, 45)),
        (InputSize(40, 60), (40, 60)),
        (InputSize(100, 200), (40, 60)),
        (InputSize(30, 60, zoom=2), (40, 60)),
    ],
)
def test_a_photo_gets_the_size_that_the_network_sees(
    sample: Callable[..., Sample], size: InputSize, expected: tuple[int, int]
) -> None:
    small = shrunk(sample(40, 60, (6, 4, 30, 20)), size)
    assert small.image.shape == (*expected, 3)
    assert small.masks.shape == (1, *expected)


def test_masks_shrink_with_their_photo_and_keep_their_places(sample: Callable[..., Sample]) -> None:
    large = sample(40, 60, (6, 4, 30, 20), (0, 0, 60, 40), (1, 1, 2, 2), crowd=(1,))
    small = shrunk(large, InputSize(20, 60))
    expected = np.zeros((20, 30), bool)
    expected[2:10, 3:15] = True
    assert np.array_equal(small.masks[0], expected)
    assert small.masks[1].all()
    assert not small.masks[2].any()  # a quarter of a pixel
    assert small.crowd.tolist() == [False, True, False]
    means = large.image.reshape(20, 2, 30, 2, 3).mean(axis=(1, 3))
    assert np.abs(small.image - means).max() <= 0.5


def test_training_alone_sees_small_photos(sample: Callable[..., Sample], source: Callable[..., Source]) -> None:
    photos = source(sample(40, 60, (6, 4, 30, 20)))
    seen = InputSize(20, 60)
    same: Any = torch.nn.Identity()
    image, target = SegmentationDataset(photos, [0], augment=same, input_size=seen)[0]
    assert image.shape == (3, 20, 30)
    assert target["area"].tolist() == [12 * 8]
    assert SegmentationDataset(photos, [0], input_size=seen)[0][0].shape == (3, 40, 60)
