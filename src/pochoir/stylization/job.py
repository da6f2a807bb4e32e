"""A picture to paint, as people ask for it: pictures and settings, from which a subject and a plan follow."""

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from pochoir.config import EncoderConfig, PaintConfig
from pochoir.devices import device_of
from pochoir.errors import DataError
from pochoir.images import Picture, read_picture, read_rgb, to_pixels, to_tensor
from pochoir.images.files import as_saved
from pochoir.images.resizing import Size, cover, fit, resize
from pochoir.stylization.colors import with_luminance
from pochoir.stylization.encoder import Encoder, build_encoder, precision_of
from pochoir.stylization.guides import LabelPictures
from pochoir.stylization.painters.at_once import look_of, paint_at_once
from pochoir.stylization.painting import Painting, judged, paint
from pochoir.stylization.plan import Plan, fitted, free_memory, gigabytes
from pochoir.stylization.pyramid import pyramid
from pochoir.stylization.subject import Subject

log = logging.getLogger(__name__)

LEAST_SIDE = 8
"""Pixels: of a smaller picture there are no features at the content's usual layer, three poolings deep."""


@dataclass(frozen=True, eq=False)
class Job:
    """A content, the styles that are blended in it, and how it is painted. What is transparent takes no part.

    blend: weights of the styles, which sum to 1. style_names: what painters call them; styles that only painters know
    have no pictures. region: `[H, W]` float32 in [0, 1] of the content's size, 1 where paint goes; None paints
    everything. keep: `[H, W]` float32 in [0, 1], 1 where the content counts `keep.weight` times. labels: of the content
    and of all styles. box: x0, y0, x1, y1 in pixels of the photo that the content is cut from; None: it is a photo of
    its own. name: for messages. Raises `DataError` for pictures too small to paint, or of which nothing can
    be seen.
    """

    name: str
    content: Picture
    styles: Sequence[Picture]
    config: PaintConfig
    blend: Sequence[float] = (1.0,)
    style_names: Sequence[str] = ()
    region: NDArray[Any] | None = None
    keep: NDArray[Any] | None = None
    labels: LabelPictures | None = None
    box: tuple[int, int, int, int] | None = None

    def __post_init__(self) -> None:
        _check(self.content, self.size)
        for style in self.styles:
            _check(style, style.size)

    def subject(self) -> Subject:
        """What is painted, at the content's size."""
        flattened = self.config.suffix == ".jpg"  # onto white, which shines through what is half transparent
        region, visible = _opacity(self.content), None
        if region is not None and not flattened:
            region = (region > 0).float()
        if self.region is not None:
            given = torch.from_numpy(self.region)[None, None]
            region = given if region is None else given * region
        if any(style.alpha is not None for style in self.styles):
            visible = [_opacity(style) for style in self.styles]
        return Subject(
            to_tensor(self.content.on_white if flattened else self.content.filled)[None],
            [to_tensor(style.filled)[None] for style in self.styles],
            self.blend,
            style_scale=self.config.style_scale,
            region=region,
            keep_colors=self.config.keep_colors,
            style_regions=visible,
            keep=None if self.keep is None else torch.from_numpy(self.keep)[None, None],
            keep_weight=self.config.keep.weight,
            labels=None if self.labels is None else self.labels.within(region),
        )

    @property
    def side(self) -> int:
        """Long side of what is painted in pixels, if memory will do."""
        return self.config.size or min(max(self.content.size), self.config.max_size)

    @property
    def size(self) -> Size:
        """(height, width) of what is painted in pixels, if memory will do."""
        return fit(self.content.size, self.side)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is lost of the content's pixels, however it is painted."""
        config, full = self.config, self.content.size
        notes: tuple[str, ...] = ()
        if config.size is None and self.side < max(full):
            notes += (
                f"{self.name}: {full[1]}×{full[0]} is painted with a long side of {self.side} pixels (max_size); "
                f"size={max(full)} paints all of it",
            )
        if self.content.alpha is not None and config.suffix == ".jpg":
            notes += (f"{self.name}: its transparency becomes white, as a JPEG holds none; suffix=.png keeps it",)
        return notes

    def plan(self) -> Plan:
        """Size, precision and recipe; what memory or `max_size` make of them is noted."""
        config = self.config
        device = device_of(config.trainer.accelerator, "trainer.accelerator")
        precision = precision_of(config.encoder, device)
        plan = Plan(
            self.size,
            precision,
            config.recipe,
            config.encoder.layers,
            self.notes,
            labels=0 if self.labels is None else self.labels.count,
            content_layers=tuple(config.encoder.content_layers),
        )
        return fitted(plan, config.memory * 1e9 if config.memory else free_memory(device))


def paint_job(
    job: Job,
    plan: Plan | None = None,
    *,
    callbacks: Sequence[pl.Callback] = (),
    logger: Any = False,
    resume: Path | None = None,
) -> Painting:
    """Paint what a job asks for, by a plan of its own or a given one; see `painting.paint`.

    With method=painter at once, see `painters.at_once`: its errors are measured only if the config says so.
    """
    config = job.config
    if config.at_once:
        return _painted_at_once(job)
    plan = plan or job.plan()
    levels = pyramid(plan.size, plan.recipe, plan.tile)
    encoder = encoder_of(config.encoder)
    for note in plan.notes:
        log.info(note)
    log.info(
        "%s: %d×%d, %d evaluations in %d levels, about %s in %s",
        job.name,
        *plan.size[::-1],
        sum(level.steps for level in levels),
        len(levels),
        gigabytes(plan.bytes_needed),
        plan.precision,
    )
    subject = job.subject().fitted(plan.size)
    painting = paint(
        subject,
        encoder,
        plan.recipe,
        layers=config.encoder.but(precision=plan.precision),
        trainer=config.trainer,
        initial=initial_picture(config, subject, job.style_names, job.blend),
        suffix=config.suffix,
        tile=plan.tile,
        callbacks=callbacks,
        logger=logger,
        resume=resume,
    )
    return replace(_as_transparent(painting, job, plan.size), notes=(*plan.notes, *painting.notes))


def _painted_at_once(job: Job) -> Painting:
    started, config = time.perf_counter(), job.config
    for note in job.notes:
        log.info(note)
    look = look_of(config.painter.weights, job.style_names, job.blend)
    device = device_of(config.trainer.accelerator, "trainer.accelerator")
    subject = job.subject().fitted(job.size)
    content = subject.content.to(device)
    region = None if subject.region is None else subject.region.to(device)
    paint = paint_at_once(content, look, region=region, strength=config.painter.strength)
    if config.keep_colors == "luminance":
        paint = with_luminance(content, paint)
    whole = paint if region is None else torch.lerp(content, paint, region)
    pixels = as_saved(to_pixels(whole[0]), config.suffix)
    painting = Painting(
        pixels=pixels,
        paint=pixels if region is None else to_pixels(paint[0]),
        losses={},
        style_error=math.nan,
        content_error=math.nan,
        evaluations=0,
        seconds=time.perf_counter() - started,
        notes=job.notes,
    )
    if config.painter.measured:
        encoder = encoder_of(config.encoder).cast(torch.float32, device)
        losses, errors = judged(to_tensor(pixels)[None], subject, encoder, config.encoder, config.recipe)
        painting = replace(
            painting, losses=losses, style_error=errors["style_error"], content_error=errors["content_error"]
        )
    return _as_transparent(painting, job, job.size)


def _as_transparent(painting: Painting, job: Job, size: Size) -> Painting:
    """With the alpha of its content, where all of that is painted."""
    alpha, suffix = job.content.alpha, job.config.suffix
    if alpha is None or job.region is not None:
        return painting
    if suffix == ".jpg":
        return replace(painting, paint=painting.pixels)
    alpha = to_pixels(resize(to_tensor(alpha[..., None])[None], size)[0])[..., 0]
    pixels = np.where(alpha[..., None] > 0, painting.paint, painting.pixels)  # what half hides is still paint
    return replace(painting, pixels=pixels, paint=pixels, alpha=alpha)


def initial_picture(
    config: PaintConfig, subject: Subject, style_names: Sequence[str] = (), blend: Sequence[float] = ()
) -> Tensor | None:
    """`[1, 3, H, W]` in [0, 1], of the subject's size: what the coarsest level starts from; None for the content."""
    size = (subject.content.shape[-2], subject.content.shape[-1])
    match config.init:
        case "content":
            return None
        case "noise":
            return torch.rand((1, 3, *size), generator=torch.Generator().manual_seed(config.seed))
        case "style":
            return cover(subject.seen().styles[0], size)
        case "painter":
            look = look_of(config.painter.weights, style_names, blend)
            return paint_at_once(subject.seen().content, look, region=subject.region)
    return cover(to_tensor(read_rgb(Path(config.init).expanduser()))[None], size)


def read_paintable(path: Path) -> Picture:
    """A photo, or a style; raises `DataError` for what is no picture, too small, or transparent throughout."""
    picture = read_picture(path)
    _check(picture, picture.size)
    return picture


def _check(picture: Picture, size: Size) -> None:
    """Raise `DataError` for a picture that is too small at the size that it is looked at in, or all transparent."""
    if min(size) < LEAST_SIDE:
        (height, width), own = size, picture.size
        told = "" if size == own else f", which would be painted at {width}×{height} (size, max_size)"
        raise DataError(
            f"{picture.name}: is {own[1]}×{own[0]} pixels{told}; pictures and styles have at least {LEAST_SIDE} pixels "
            "a side"
        )
    if picture.alpha is not None and not picture.alpha.any():
        raise DataError(f"{picture.name}: is transparent throughout, so there is nothing to see of it")


def _opacity(picture: Picture) -> Tensor | None:
    """`[1, 1, H, W]` in [0, 1], 1 where a picture hides what is behind it; None: it does so throughout."""
    return None if picture.alpha is None else to_tensor(picture.alpha[..., None])[None]


def encoder_of(config: EncoderConfig) -> Encoder:
    """The encoder of a config in float32, loaded once for all that ask for the same."""
    return _encoder(config.but(**_ANY_USE).model_dump_json())


_ANY_USE: dict[str, Any] = {
    **{"precision": "auto", "content_layers": [], "style_layers": []},
    **{"content_layer_weights": None, "style_layer_weights": None},
}
"""Settings that say how an encoder is used, and not which it is."""


@lru_cache(maxsize=1)  # an encoder is 80 MB
def _encoder(config: str) -> Encoder:
    return build_encoder(EncoderConfig.model_validate_json(config))
