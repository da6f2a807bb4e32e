"""The drawn scenes as a `Source`."""

from collections.abc import Sequence

import numpy as np

from pochoir.data.figures.scene import draw_scene
from pochoir.data.source import Sample


class Figures:
    """Drawn scenes of 0 to `max_figures` people among things that are not people; a `Source`.

    size: (height, width) in pixels. Sample i depends only on (`seed`, i, `size`, `max_figures`). Raises ValueError.
    """

    def __init__(self, *, length: int, size: tuple[int, int] = (256, 320), max_figures: int = 5, seed: int = 0) -> None:
        if length < 1:
            raise ValueError(f"length: {length} is not a number of scenes; allowed: 1 or more")
        if len(size) != 2 or min(size) < 64:
            raise ValueError(f"size: {tuple(size)} is not (height, width) in pixels; allowed: 64 or more each")
        if max_figures < 1:
            raise ValueError(f"max_figures: {max_figures} people is too few; allowed: 1 or more")
        if seed < 0:
            raise ValueError(f"seed: {seed} is negative; allowed: 0 or more")
        self.names: Sequence[str] = [f"figure-{index:05d}" for index in range(length)]
        self.size = (size[0], size[1])
        self.max_figures = max_figures
        self.seed = seed

    def read(self, index: int) -> Sample:
        if not 0 <= index < len(self.names):
            raise IndexError(f"index {index}: this dataset has {len(self.names)} scenes, from 0")
        return draw_scene(np.random.default_rng([self.seed, index]), *self.size, self.max_figures)
