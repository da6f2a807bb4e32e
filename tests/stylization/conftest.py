"""An encoder with the real weights, loaded once, and pictures to show it."""

import pytest
import torch
from torch import Tensor

from pochoir.config import load_config
from pochoir.stylization.encoder import Encoder, build_encoder


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return build_encoder(load_config("stylize").encoder)


@pytest.fixture(scope="session")
def blobs() -> Tensor:
    """`[1, 3, 96, 80]`: smooth colour blobs."""
    coarse = torch.rand(1, 3, 6, 5, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.interpolate(coarse, (96, 80), mode="bicubic").clamp(0, 1)


@pytest.fixture(scope="session")
def stripes() -> Tensor:
    """`[1, 3, 72, 100]`: diagonal stripes in two colours."""
    y, x = torch.meshgrid(torch.arange(72), torch.arange(100), indexing="ij")
    on = ((x + y) // 6 % 2).float()
    return torch.stack([on, 0.5 + 0 * on, 1 - on])[None]
