"""Objects for tests: rectangles of a picture as instances."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pochoir.composition.given import certain
from pochoir.segmentation.instances import Instances


def block_instances(size: tuple[int, int], blocks: Sequence[Any]) -> Instances:
    """One for each block, a pair of slices of a picture of (height, width)."""
    masks = np.zeros((len(blocks), *size), dtype=bool)
    for mask, block in zip(masks, blocks, strict=True):
        mask[block] = True
    return certain(masks)
