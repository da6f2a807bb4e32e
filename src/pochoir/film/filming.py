"""A film, frame by frame: what moved, where the stencil is, what is painted, and what that looks like."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pochoir.composition.blending import composite, unpainted
from pochoir.composition.crops import margin_at
from pochoir.composition.edges import Alpha
from pochoir.composition.stencil import segmenter_of
from pochoir.config import FilmConfig
from pochoir.film.clips import Frame
from pochoir.film.following import Follower, Scene
from pochoir.film.motion import warping_error
from pochoir.film.painting import SEEN, FramePainter, OptimizingBrush, PainterBrush
from pochoir.film.stencils import Stencils
from pochoir.film.watch import Watch
from pochoir.images import Pixels, read_picture
from pochoir.images.resizing import Size
from pochoir.segmentation.segmenter import Segmenter


@dataclass(frozen=True, eq=False)
class Shot:
    """A painted frame.

    pixels: `[H, W, 3]` uint8. alpha: `[H, W]` in [0, 1]; where it is 0, pixels are the frame's own. objects: numbers of
    those in the stencil. errors: `E_warp` of the frame itself and of what was painted, each inside the stencil, as sum
    of squares and number of pixels, see `motion.warping_error`; None for the first. seconds: by part of the work.
    """

    frame: Frame
    pixels: Pixels
    alpha: Alpha
    objects: tuple[int, ...]
    errors: dict[str, tuple[float, float]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


class Filming:
    """Paints one frame after the other; what it must know of those before is its `state`."""

    def __init__(self, follower: Follower, stencils: Stencils, painter: FramePainter) -> None:
        self.follower = follower
        self.stencils = stencils
        self.painter = painter
        self._before: Pixels | None = None
        self._shown: Pixels | None = None

    def shots(self, frames: Iterable[Frame]) -> Iterator[Shot]:
        """Every frame, painted, when it is asked for."""
        watch = Watch("decode", "flow", "find")  # of several frames at once, where it is looked ahead
        for scene in self.follower.scenes(frames, watch):
            yield self._shot(scene, watch)
            watch.clear()

    def _shot(self, scene: Scene, watch: Watch) -> Shot:
        frame, motion = scene.frame, scene.motion
        with watch("find"):
            stencil = self.stencils.of(scene)
        with watch("paint"):
            paints = self.painter.on(frame.pixels, stencil.alphas, motion)
        with watch("compose"):
            alpha = stencil.alpha((frame.pixels.shape[0], frame.pixels.shape[1]))
            layers = [
                (paint.crop, np.rint(paint.colours * 255).astype(np.uint8), paint.crop.of(stencil.alphas[style]))
                for style, paint in paints.items()
            ]
            pixels = composite(unpainted(frame.pixels, alpha), layers)
        errors = {}
        with watch("measure"):
            if motion is not None:
                assert self._before is not None and self._shown is not None
                errors = {
                    "film": warping_error(frame.pixels, self._before, motion, alpha),
                    "paint": warping_error(pixels, self._shown, motion, alpha),
                }
        self._before, self._shown = frame.pixels, pixels
        return Shot(frame, pixels, alpha, stencil.objects, errors, watch.seconds)

    def state(self) -> dict[str, Any]:
        """All that there is to know to go on."""
        return {
            "before": self._before,
            "shown": self._shown,
            "follower": self.follower.state(),
            "stencils": self.stencils.state(),
            "painter": self.painter.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self._before, self._shown = state["before"], state["shown"]
        self.follower.restore(state["follower"])
        self.stencils.restore(state["stencils"])
        self.painter.restore(state["painter"])


def filming_of(config: FilmConfig, size: Size) -> Filming:
    """What paints frames of a size in pixels, loaded."""
    styles = [Path(style).expanduser() for style in config.given_styles]
    names = [style.stem for style in styles]
    find = None if config.gives_objects else doubting_segmenter(config)
    margin = margin_at(size, config.region, config.max_size)
    if config.at_once:
        painter = FramePainter(PainterBrush(config, names), margin + SEEN)
    else:
        brush = OptimizingBrush(config, [read_picture(style) for style in styles], names)
        painter = FramePainter(brush, margin)
    return Filming(Follower(config, find), Stencils(config), painter)


def doubting_segmenter(config: FilmConfig) -> Segmenter:
    """The segmenter of a config, loaded, which tells of doubtful objects, too."""
    score = min(config.find.score_threshold, config.track.doubtful)
    find = config.find.model_copy(update={"score_threshold": score})
    return segmenter_of(config.model_copy(update={"find": find}))
