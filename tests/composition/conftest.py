"""Settings of partial style transfer, and a photo with two blocks in it."""

import numpy as np
import pytest

from blocks import block_instances
from pochoir.config import PartialConfig, load_config
from pochoir.images import Picture
from pochoir.segmentation.instances import Instances

BLOCKS = (np.s_[20:60, 8:44], np.s_[30:76, 84:120])


@pytest.fixture(scope="session")
def config() -> PartialConfig:
    """The defaults, on shallow layers."""
    defaults: PartialConfig = load_config("partial", ["trainer.accelerator=cpu"])
    layers = {"content_layers": ["relu2_1"], "style_layers": ["relu1_1"]}
    return defaults.but(
        encoder=defaults.encoder.but(precision="float32", **layers), region=defaults.region.but(margin=4, min_side=48)
    )


@pytest.fixture(scope="session")
def photo() -> Picture:
    """96 × 128 pixels, dark, with two bright blocks."""
    pixels = np.random.default_rng(0).integers(30, 70, (96, 128, 3), dtype=np.uint8)
    for block, colour in zip(BLOCKS, ((150, 130, 40), (30, 90, 160)), strict=True):
        pixels[block] += np.array(colour, dtype=np.uint8)
    return Picture(pixels)


@pytest.fixture(scope="session")
def instances() -> Instances:
    """The blocks."""
    return block_instances((96, 128), BLOCKS)
