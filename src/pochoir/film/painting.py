"""Paint of a film: each frame's goes on from the one before's, moved along with the picture."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch

from pochoir.composition.blending import covered
from pochoir.composition.crops import Crop, crop_around
from pochoir.composition.edges import Alpha
from pochoir.config import FilmConfig
from pochoir.devices import device_of
from pochoir.film.motion import Floats, Motion, moved
from pochoir.images import Picture, Pixels, to_tensor
from pochoir.images.resizing import fit, resize
from pochoir.stylization.colors import with_luminance
from pochoir.stylization.job import Job, encoder_of, initial_picture
from pochoir.stylization.painters.at_once import look_of, paint_at_once
from pochoir.stylization.painting import paint
from pochoir.stylization.subject import Before, Subject

STRIDE = 16
"""Pixels that crops are multiples of: an object that moves is painted on the same grid from frame to frame."""
LEAST = 64
"""Pixels: a side of a crop, at least."""
SEEN = 48
"""Pixels around an object that a painter is shown beyond `region.margin`: what it sees from inside."""


@dataclass(frozen=True, eq=False)
class Paint:
    """Of one style: where it lies in the frame, and its colours there, `[h, w, 3]` float32 in [0, 1]."""

    crop: Crop
    colours: Floats


@dataclass(frozen=True, eq=False)
class Start:
    """What the paint before became, where a crop of this frame is: colours `[h, w, 3]` float32 in [0, 1], and how far
    they are to be trusted, `[h, w]` in [0, 1].
    """

    colours: Floats
    trusted: Floats


class Brush(Protocol):
    """Paints a crop of a frame where alpha `[h, w]` is, in a style by its number; start: None for what is new."""

    def __call__(self, photo: Pixels, alpha: Alpha, style: int, start: Start | None) -> Floats: ...


class FramePainter:
    """Paints frame after frame, each style by itself; `paints` are those of the last frame, by the style's number."""

    def __init__(self, brush: Brush, margin: int) -> None:
        self.brush = brush
        self.margin = margin
        self.paints: dict[int, Paint] = {}

    def on(self, frame: Pixels, alphas: dict[int, Alpha], motion: Motion | None) -> dict[int, Paint]:
        """Paint of each style of a frame `[H, W, 3]` uint8; motion: from the one before."""
        painted = {}
        for style, alpha in alphas.items():
            crop = on_grid(crop_around(alpha, self.margin), (frame.shape[0], frame.shape[1]))
            before = self.paints.get(style)
            start = None if motion is None or before is None else started(before, crop, motion)
            photo = covered(np.ascontiguousarray(crop.of(frame)), crop.of(alpha))
            colours = self.brush(photo, crop.of(alpha), style, start)
            painted[style] = Paint(crop, colours)
        self.paints = painted
        return painted

    def state(self) -> dict[str, Any]:
        """All that there is to know to go on."""
        return {"paints": self.paints}

    def restore(self, state: dict[str, Any]) -> None:
        self.paints = state["paints"]


def on_grid(crop: Crop, size: tuple[int, int]) -> Crop:
    """A crop out to multiples of `STRIDE`, of `LEAST` pixels a side, within a frame of (height, width)."""
    spans = []
    for first, last, side in ((crop.top, crop.bottom, size[0]), (crop.left, crop.right, size[1])):
        begin = first // STRIDE * STRIDE
        end = min(side, max(-(-last // STRIDE) * STRIDE, begin + LEAST))
        spans.append((max(0, min(begin, (end - LEAST) // STRIDE * STRIDE)), end))
    (top, bottom), (left, right) = spans
    return Crop(top, left, bottom, right)


def started(before: Paint, crop: Crop, motion: Motion) -> Start:
    """The paint before, moved to where a crop of this frame is; what lay beyond its crop is not trusted."""
    height, width = motion.trusted.shape
    canvas, is_known = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.float32)
    canvas[before.crop.slices], is_known[before.crop.slices] = before.colours, 1
    places = motion.places[crop.slices]
    colours = moved(canvas, places, sharply=True).clip(0, 1)
    known = (moved(is_known, places) > 1 - 1e-3).astype(np.float32)
    return Start(colours, motion.alike[crop.slices] * known)


class PainterBrush:
    """Paints at once, by a painter; a share `temporal.keep` of what can be trusted of the paint before stays."""

    def __init__(self, config: FilmConfig, style_names: Sequence[str]) -> None:
        self.config = config
        self.looks = [look_of(config.painter.weights, [name], [1.0]) for name in style_names]
        self.device = device_of(config.trainer.accelerator, "trainer.accelerator")

    def __call__(self, photo: Pixels, alpha: Alpha, style: int, start: Start | None) -> Floats:
        config = self.config
        content = to_tensor(photo)[None].to(self.device)
        region = torch.from_numpy(np.ascontiguousarray(alpha))[None, None].to(self.device)
        size = (photo.shape[0], photo.shape[1])
        seen = fit(size, min(max(size), config.max_size))
        paint = paint_at_once(
            resize(content, seen), self.looks[style], region=resize(region, seen), strength=config.painter.strength
        )
        paint = resize(paint, size).clamp(0, 1)
        if config.keep_colors == "luminance":
            paint = with_luminance(content, paint)
        fresh: Floats = paint[0].permute(1, 2, 0).cpu().numpy()
        if start is None:
            return fresh
        share = config.temporal.keep * start.trusted[..., None]
        return np.asarray(fresh + share * (start.colours - fresh), dtype=np.float32)


class OptimizingBrush:
    """Paints by optimising: the first frame by `recipe`, those after it by `next_recipe` from the paint before, which
    a temporal loss holds where it can be trusted (Ruder et al. 2016).
    """

    def __init__(self, config: FilmConfig, styles: Sequence[Picture], style_names: Sequence[str]) -> None:
        self.config = config
        self.styles = styles
        self.style_names = style_names
        trainer = config.trainer.but(enable_progress_bar=False)
        self.settings = config.model_copy(update={"suffix": ".png", "trainer": trainer})

    def __call__(self, photo: Pixels, alpha: Alpha, style: int, start: Start | None) -> Floats:
        config, size = self.config, (photo.shape[0], photo.shape[1])
        region = np.ascontiguousarray(alpha, dtype=np.float32)
        names = self.style_names[style : style + 1]
        job = Job("frame", Picture(photo), [self.styles[style]], self.settings, region=region, style_names=names)
        subject = job.subject().fitted(fit(size, min(max(size), config.max_size)))
        initial: torch.Tensor | None
        if start is None:
            initial = initial_picture(self.settings, subject, names, (1.0,))
        else:
            subject, initial = self._from(start, subject)
        painting = paint(
            subject,
            encoder_of(config.encoder),
            config.recipe if start is None else config.next_recipe,
            layers=config.encoder,
            trainer=self.settings.trainer,
            initial=initial,
            measured=False,
        )
        return resize(to_tensor(painting.paint)[None], size)[0].permute(1, 2, 0).numpy()

    def _from(self, start: Start, subject: Subject) -> tuple[Subject, torch.Tensor]:
        size = (subject.content.shape[-2], subject.content.shape[-1])
        picture = resize(torch.from_numpy(start.colours).permute(2, 0, 1)[None], size)
        trusted = resize(torch.from_numpy(np.ascontiguousarray(start.trusted))[None, None], size)
        temporal = self.config.temporal
        initial = torch.lerp(subject.content, picture, trusted * (1 - temporal.fresh))
        return replace(subject, before=Before(picture, trusted, temporal.weight)), initial
