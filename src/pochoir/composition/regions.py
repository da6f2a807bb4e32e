"""Which part of the photo is painted in which style."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from pochoir.composition.crops import crop_around
from pochoir.composition.edges import Alpha, exclusive

BACKGROUND = "background"


@dataclass(frozen=True, eq=False)
class Region:
    """What is painted as one: alpha `[H, W]` in [0, 1] on the photo, 1 where paint goes, and the number of its style.

    instances: their numbers; none for the background.
    """

    alpha: Alpha
    style: int
    instances: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        return f"object_{'_'.join(map(str, self.instances))}" if self.instances else BACKGROUND


def object_regions(
    alphas: Sequence[Alpha], numbers: Sequence[int], styles: Sequence[int], *, margin: int
) -> list[Region]:
    """Regions of instances, front first: where they overlap, the front one is painted, once.

    alphas: `[H, W]` each; numbers: of the instances; styles: the number of one for each. Instances of one style become
    one region where painting them together takes fewer pixels, with `margin` around them, than apart. An instance that
    others hide has no region.
    """
    regions = [
        Region(alpha, style, (number,))
        for alpha, number, style in zip(exclusive(list(alphas)), numbers, styles, strict=True)
        if alpha.max() > 0.5
    ]
    while (pair := _cheaper_together(regions, margin)) is not None:
        regions = [region for region in regions if region not in pair] + [_united(*pair)]
    return sorted(regions, key=lambda region: numbers.index(region.instances[0]))


def background_region(alphas: Sequence[Alpha], style: int) -> Region:
    """Everything but the instances."""
    covered = np.sum(exclusive(list(alphas)), axis=0)
    return Region(np.clip(1 - covered, 0, 1).astype(np.float32), style)


def _cheaper_together(regions: list[Region], margin: int) -> tuple[Region, Region] | None:
    for one, other in combinations(regions, 2):
        if one.style == other.style and _cost(_united(one, other), margin) <= _cost(one, margin) + _cost(other, margin):
            return one, other
    return None


def _united(one: Region, other: Region) -> Region:
    return Region(np.minimum(one.alpha + other.alpha, 1), one.style, one.instances + other.instances)


def _cost(region: Region, margin: int) -> int:
    height, width = crop_around(region.alpha, margin).size
    return height * width
