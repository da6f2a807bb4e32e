"""Stencils of a film: which objects are painted in which frame, where, and in which style."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pochoir.composition.edges import Alpha, alpha_of, exclusive, in_8_bits
from pochoir.composition.regions import background_region
from pochoir.composition.selection import select
from pochoir.composition.stencil import edge_radius, masked
from pochoir.config import FilmConfig
from pochoir.data.targets import boxes_from_masks
from pochoir.errors import DataError
from pochoir.film.clips import Frame
from pochoir.film.motion import Motion
from pochoir.film.tracking import SOLID, Track, Tracker
from pochoir.images import Picture
from pochoir.segmentation.instances import Instances

Find = Callable[[Any], Instances]
"""A segmenter: instances of a picture `[H, W, 3]` uint8."""


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
    """A stencil for each frame in turn. Objects are chosen in the first one, by the numbers that they have there; where
    all are, those that come later are, too.

    find: a segmenter, asked for every `find.every`-th frame; not where a mask picture is given for each. Raises
    `DataError` where nothing of the first frame is what was asked for, and where a frame's mask is missing.
    """

    def __init__(self, config: FilmConfig, find: Find | None) -> None:
        self.config = config
        self._find = find
        self.tracker = Tracker(config.track, sure=config.find.score_threshold, makes_new=not config.gives_objects)
        self.chosen: list[int] = []
        """Of the first frame."""
        self.takes_all = False
        """Whether objects that come later are painted."""
        self._alphas: dict[int, Alpha] = {}

    def of(self, frame: Frame, motion: Motion | None) -> FrameStencil:
        """The stencil of the next frame; motion: from the one before, None for the first."""
        if motion is None:
            self._begin(frame)
        else:
            self.tracker.move(motion)
            given = self._given(frame) if self.config.masks_folder else None
            if given is not None:
                self.tracker.find(given, frame.pixels)
            elif self._find is not None and frame.number % self.config.find.every == 0:
                self.tracker.find(self._find(frame.pixels).above(self.config.track.doubtful), frame.pixels)
        tracks = [track for number, track in self.tracker.present.items() if self.takes_all or number in self.chosen]
        self._alphas = {track.number: self._alpha(track, frame, motion) for track in tracks}
        return self._stencil(tracks, (frame.pixels.shape[0], frame.pixels.shape[1]))

    def _begin(self, frame: Frame) -> None:
        instances = self._seen(frame) if (given := self._given(frame)) is None else given
        rule = self.config.region
        self.takes_all = rule.choose == "all" and not (rule.indices or rule.point or rule.box)
        self.tracker.begin(instances, frame.pixels)
        if len(instances) or not self.takes_all:
            try:
                self.chosen = select(instances, rule)
            except DataError as error:
                raise DataError(f"{self.config.content}: in the first frame: {error}") from None

    def _seen(self, frame: Frame) -> Instances:
        assert self._find is not None
        return self._find(frame.pixels).above(self.config.find.score_threshold)

    def _given(self, frame: Frame) -> Instances | None:
        return masked(self.config, Picture(frame.pixels), Path(frame.name or f"{frame.number:05d}.png"))

    def _alpha(self, track: Track, frame: Frame, motion: Motion | None) -> Alpha:
        """Alpha of an object, held still along the motion, also where one look finds more of it than another.

        What remains of where it was is rounded towards nothing, so that it ends.
        """
        region = self.config.region
        (box,) = boxes_from_masks(torch.from_numpy(track.solid[None])).tolist()
        radius = edge_radius(region, box, track.cells if track.solid.any() else None)
        alpha = alpha_of(track.mask, frame.pixels, region, radius=radius)
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
        return {
            "tracker": self.tracker.state(),
            "chosen": self.chosen,
            "takes_all": self.takes_all,
            "alphas": self._alphas,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.tracker.restore(state["tracker"])
        self.chosen, self.takes_all, self._alphas = state["chosen"], state["takes_all"], state["alphas"]
