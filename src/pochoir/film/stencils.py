"""Stencils of a film: which objects are painted in which frame, where, and in which style."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from pochoir.composition.edges import Alpha, alpha_of, exclusive, in_8_bits
from pochoir.composition.regions import background_region
from pochoir.composition.selection import select
from pochoir.composition.stencil import edge_radius
from pochoir.config import FilmConfig
from pochoir.data.targets import boxes_from_masks
from pochoir.errors import DataError
from pochoir.film.following import Scene
from pochoir.film.tracking import SOLID, Track


@dataclass(frozen=True, eq=False)
class FrameStencil:
    """Where a frame is painted, by the number of the style: alphas `[H, W]` in [0, 1], which add up to at most 1.

    objects: numbers of those that are in it.
    """

    alphas: dict[int, Alpha]
    objects: tuple[int, ...]

    def alpha(self, size: tuple[int, int]) -> Alpha:
        """Of all styles together."""
        return np.sum([np.zeros(size, np.float32), *self.alphas.values()], axis=0, dtype=np.float32).clip(0, 1)


class Stencils:
    """A stencil for each scene in turn. Objects are chosen in the first one, by the numbers that they have there; where
    all are, those that come later are, too. Raises `DataError` where nothing of the first is what was asked for.
    """

    def __init__(self, config: FilmConfig) -> None:
        self.config = config
        self.chosen: list[int] = []
        """Of the first frame."""
        self.takes_all = False
        """Whether objects that come later are painted."""
        self._alphas: dict[int, Alpha] = {}

    def of(self, scene: Scene) -> FrameStencil:
        """The stencil of the next scene."""
        if scene.motion is None:
            self._choose(scene)
        tracks = [track for number, track in scene.objects.items() if self.takes_all or number in self.chosen]
        self._alphas = {track.number: self._alpha(track, scene) for track in tracks}
        return self._stencil(tracks, (scene.frame.pixels.shape[0], scene.frame.pixels.shape[1]))

    def _choose(self, scene: Scene) -> None:
        rule = self.config.region
        self.takes_all = rule.choose == "all" and not (rule.indices or rule.point or rule.box)
        assert scene.found is not None
        if len(scene.found) or not self.takes_all:
            try:
                self.chosen = select(scene.found, rule)
            except DataError as error:
                raise DataError(f"{self.config.content}: in the first frame: {error}") from None

    def _alpha(self, track: Track, scene: Scene) -> Alpha:
        """Alpha of an object, held still along the motion, also where one look finds more of it than another.

        What remains of where it was is rounded towards nothing, so that it ends.
        """
        region, motion = self.config.region, scene.motion
        (box,) = boxes_from_masks(torch.from_numpy(track.solid[None])).tolist()
        radius = edge_radius(region, box, track.cells if track.solid.any() else None)
        alpha = alpha_of(track.mask, scene.frame.pixels, region, radius=radius)
        before, share = self._alphas.get(track.number), self.config.track.smooth
        if motion is None or before is None or share == 0:
            return alpha
        kept = share * motion.alike * (motion.moved(before) - alpha)
        return in_8_bits(alpha + np.trunc(255 * kept) / 255)

    def _stencil(self, tracks: Sequence[Track], size: tuple[int, int]) -> FrameStencil:
        numbers = [track.number for track in tracks]
        shown = [np.zeros(size, np.float32), *(self._alphas[number] for number in numbers)]
        count, is_background = len(self.config.styles or [self.config.style]), self.config.region.name == "background"
        alphas: dict[int, Alpha] = {}
        if is_background or self.config.background_style is not None:
            behind = background_region(shown, 0 if is_background else count)
            alphas[behind.style] = in_8_bits(behind.alpha)
        if not is_background:
            for number, share in zip(numbers, exclusive(shown)[1:], strict=True):
                style = self._style(number, count)
                alphas[style] = alphas.get(style, 0) + share
        kept = {style: alpha for style, alpha in alphas.items() if (alpha >= SOLID).any()}
        return FrameStencil(kept, tuple(numbers))

    def _style(self, number: int, count: int) -> int:
        """What an object is painted in: what it is assigned, or styles in turn."""
        if number not in self.chosen:
            return number % count
        place = self.chosen.index(number)
        return self.config.assign[place] if self.config.assign else place % count

    def state(self) -> dict[str, Any]:
        """All that there is to know to go on."""
        return {"chosen": self.chosen, "takes_all": self.takes_all, "alphas": self._alphas}

    def restore(self, state: dict[str, Any]) -> None:
        self.chosen, self.takes_all, self._alphas = state["chosen"], state["takes_all"], state["alphas"]
