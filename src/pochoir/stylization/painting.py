"""Painting in memory: a subject on tensors becomes a painting, with what it is worth."""

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from PIL import Image
from pytorch_lightning.callbacks import Checkpoint
from torch import Tensor

from pochoir.config import EncoderConfig, PaintTrainerConfig, RecipeConfig
from pochoir.errors import NonFiniteLossError
from pochoir.images import Picture, Pixels, to_pixels, to_tensor
from pochoir.images.files import as_saved, write_image
from pochoir.images.resizing import Size
from pochoir.stylization.colors import luminance, with_luminance
from pochoir.stylization.encoder import Encoder, precision_of
from pochoir.stylization.pyramid import pyramid
from pochoir.stylization.scoring import losses_and_scores
from pochoir.stylization.stylizer import Stylizer
from pochoir.stylization.subject import Subject
from pochoir.stylization.vanishing import unpaired, vanishing
from pochoir.trainer import build_trainer

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Painting:
    """A finished picture, and what it is worth.

    pixels: `[H, W, 3]` uint8 sRGB. alpha: `[H, W]` uint8, the content's own; None: opaque. paint: the same without the
    content around a region, `pixels` where everything is painted. losses: of the picture as it is saved, by name; they
    sum to what was minimised. style_error, content_error: see `scoring.scores`; NaN where nobody measured. seconds:
    that painting took, with those of broken-off sessions that it continues. tile: side of the tiles that it was looked
    at by; None: whole.
    """

    pixels: Pixels
    paint: Pixels
    losses: dict[str, float]
    style_error: float
    content_error: float
    evaluations: int
    seconds: float
    notes: tuple[str, ...] = ()
    alpha: NDArray[Any] | None = None
    tile: int | None = None

    @cached_property
    def picture(self) -> Image.Image:
        """As a PIL picture, RGBA where there is alpha."""
        return Picture(self.pixels, self.alpha).pil

    def __repr__(self) -> str:
        height, width, _ = self.pixels.shape
        errors = f"style error {self.style_error:.4f}, content error {self.content_error:.3f}"
        return f"Painting({width}×{height}, {errors}, {self.evaluations} evaluations in {self.seconds:.1f} s)"

    @property
    def loss(self) -> float:
        return sum(self.losses.values())

    def save(self, path: str | Path) -> None:
        """Write it whole or not at all; the ending chooses the format. Raises `DataError`, see `images.write_image`."""
        write_image(Path(path), self.pixels, alpha=self.alpha)

    def _repr_png_(self) -> bytes:
        """What notebooks show."""
        buffer = BytesIO()
        self.picture.save(buffer, "PNG")
        return buffer.getvalue()


def paint(  # noqa: PLR0913 (the last three go to Lightning)
    subject: Subject,
    encoder: Encoder,
    recipe: RecipeConfig,
    *,
    layers: EncoderConfig,
    trainer: PaintTrainerConfig,
    initial: Tensor | None = None,
    suffix: str = ".png",
    tile: int | None = None,
    callbacks: Sequence[pl.Callback] = (),
    logger: Any = False,
    resume: Path | None = None,
    measured: bool = True,
) -> Painting:
    """Paint a subject at the size of its content; see `Subject.fitted` for another.

    encoder: in float32; it stays as it is, and a copy paints in the `precision` of `layers`. initial: `[1, 3, H, W]` in
    [0, 1] of any size, what the coarsest level starts from; None: the content. suffix: the format that the picture is
    judged in. tile: side in pixels of the tiles that larger levels are looked at by, see `Objective`. callbacks,
    logger: of Lightning's Trainer; a callback that sets its `should_stop` ends the painting with what is there, at the
    subject's size, and a note says so. resume: a checkpoint of the same painting, written by such a callback. measured:
    whether the saved picture's errors are, which takes as long as some steps.
    Raises `NonFiniteLossError`, with the last good picture, `DataError` for a region too small to paint, and
    `ConfigError` for a device that is not there.
    """
    started = time.perf_counter()
    seen = subject.seen()
    levels = pyramid((subject.content.shape[-2], subject.content.shape[-1]), recipe, tile)
    notes = vanishing_notes(subject, [level.size for level in levels], layers)
    if seen.is_grey and subject.keep_colors != "luminance":
        notes = ("content and style are seen in grey: so is the paint", *notes)
    for note in notes:
        log.info(note)
    lightning = build_trainer(
        trainer,
        callbacks=callbacks,
        logger=logger,
        devices=1,
        precision="32-true",
        max_epochs=len(levels),
        reload_dataloaders_every_n_epochs=1,
        enable_checkpointing=any(isinstance(callback, Checkpoint) for callback in callbacks),
    )
    device = lightning.strategy.root_device
    stylizer = Stylizer(
        seen,
        seen.content if initial is None else initial,
        encoder=encoder.cast(getattr(torch, precision_of(layers, device)), device),
        levels=levels,
        layers=layers,
        recipe=recipe,
        log_every=trainer.log_every_n_steps,
    )
    stylizer.started = started
    try:
        lightning.fit(stylizer, ckpt_path=resume, weights_only=True)
    except NonFiniteLossError as error:
        error.last_good = to_pixels(stylizer.last_good_picture()[0])
        raise
    except SystemExit as end:
        if isinstance(end.__context__, KeyboardInterrupt):  # Lightning's answer to Ctrl-C
            raise KeyboardInterrupt from None
        raise
    if stylizer.level < len(levels) - 1:
        height, width = levels[stylizer.level].size
        at = f"level {stylizer.level + 1} of {len(levels)}"
        notes = (*notes, f"ended early, in {at}: the picture is enlarged from {width}×{height}")
        stylizer.enlarge_to(len(levels) - 1)
    elif lightning.should_stop:
        notes = (*notes, f"ended early, in the last level, after {stylizer.global_step} evaluations")
    pixels = as_saved(to_pixels(_colored(subject, stylizer.picture().cpu())[0]), suffix)
    alone = pixels if subject.region is None else to_pixels(_colored(subject, stylizer.paint().cpu())[0])
    seconds = time.perf_counter() - stylizer.started
    losses: dict[str, float] = {}
    errors = dict.fromkeys(("style_error", "content_error"), math.nan)
    if measured:
        referee = encoder.cast(encoder.dtype, device)
        losses, errors = judged(to_tensor(pixels)[None], subject, referee, layers, recipe, tile)
    return Painting(
        pixels=pixels,
        paint=alone,
        losses=losses,
        style_error=errors["style_error"],
        content_error=errors["content_error"],
        evaluations=stylizer.global_step,
        seconds=seconds,
        notes=notes,
        tile=tile,
    )


def judged(
    image: Tensor,
    subject: Subject,
    encoder: Encoder,
    layers: EncoderConfig,
    recipe: RecipeConfig,
    tile: int | None = None,
) -> tuple[dict[str, float], dict[str, float]]:
    """Losses and scores of a saved picture `[1, 3, H, W]` of the subject's size, see `scoring.losses_and_scores`."""
    device = encoder.mean.device
    seen = subject.seen().at((image.shape[-2], image.shape[-1])).to(device)
    if seen.is_grey:
        image = luminance(image)  # as the subject is seen
    return losses_and_scores(image.to(device), encoder, seen, layers, recipe, tile)


def vanishing_notes(subject: Subject, sizes: Sequence[Size], layers: EncoderConfig) -> tuple[str, ...]:
    """Notes on the levels at which a picture, the region or a label has no weight in some layers.

    A label is left out there; what else vanishes leaves the layer out.
    """
    notes = []
    for number, size in enumerate(sizes, start=1):
        there, where = subject.at(size), f"level {number}, {size[1]}×{size[0]}"
        lost = vanishing(there, layers)
        notes += [f"{where}: {name} vanishes at {', '.join(gone)}" for name, gone in lost.items()]
        if there.labels is not None:
            left = [layer for layer in layers.style_layers if layer not in chain(*lost.values())]
            for name, (guide, of_styles) in zip(there.labels.names, there.parts, strict=True):
                if gone := unpaired([guide, *of_styles], left):
                    notes.append(f"{where}: label {name} vanishes at {', '.join(gone)}")
    return tuple(notes)


def _colored(subject: Subject, painted: Tensor) -> Tensor:
    """What was painted in grey, in the colours that are kept."""
    has_colors = subject.keep_colors == "luminance" and not subject.is_grey
    return with_luminance(subject.content.cpu(), painted) if has_colors else painted
