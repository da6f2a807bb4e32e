"""Looking at a picture that is painted: as it grows, milestones on disk and in what is logged, a film, the panel."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
from PIL import Image, ImageDraw, ImageFont

from pochoir.files import write_bytes
from pochoir.images import Pixels, to_pixels, write_image
from pochoir.images.overlays import GAP, beside, fit_height, within
from pochoir.inspection.loggers import PICTURES, add_picture, logger_of
from pochoir.inspection.progress import share_done
from pochoir.stylization.pyramid import Level

CELL = (240, 320)
"""(height, width) in pixels of a picture's place on a contact sheet."""
FILM_HEIGHT = 320
FRAME_MILLISECONDS = 180
LAST_FRAME_MILLISECONDS = 2000
SIDE = 1024
"""Longest side in pixels of pictures on the way, and height of a panel: those of a print would be hundreds of MB."""


class Milestones(pl.Callback):
    """Pictures on the way: PNGs in `folder`, of which they make a film at the end, and a few of them are logged."""

    def __init__(self, folder: Path, levels: list[Level], count: int) -> None:
        self.folder = folder
        total = sum(level.steps for level in levels)
        self.steps = {round(total * (index + 1) / count) for index in range(count)}
        self.shown = sorted(self.steps)[:: min(-1, -len(self.steps) // PICTURES)]

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if trainer.global_step in self.steps:
            pixels = within(to_pixels(pl_module.picture()[0]), SIDE)
            write_image(self.folder / f"{trainer.global_step:05d}.png", pixels)
            if trainer.global_step in self.shown:
                add_picture(logger_of(trainer), "picture", pixels, trainer.global_step)


@dataclass(frozen=True, eq=False)
class Glimpse:
    """A picture on its way: `[h, w, 3]` uint8 of any size, the share of all work that is done, in [0, 1], and seconds
    left by the pace so far.
    """

    pixels: Pixels
    done: float
    seconds_left: float


class Growing(pl.Callback):
    """Shows a picture while it is painted, and ends it with what is there when it is asked to.

    show: takes a `Glimpse`, in the thread that paints. ended: asked after every step. seconds: from one glimpse to the
    next, at least.
    """

    def __init__(self, show: Callable[[Glimpse], None], ended: Callable[[], bool], *, seconds: float = 1.0) -> None:
        self.show = show
        self.ended = ended
        self.seconds = seconds

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self._started = self._shown = time.perf_counter()
        self._done_before = share_done(trainer, pl_module)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        now = time.perf_counter()
        if now - self._shown >= self.seconds:
            self._shown = now
            done = share_done(trainer, pl_module)
            left = (now - self._started) * (1 - done) / max(done - self._done_before, 1e-9)
            self.show(Glimpse(within(to_pixels(pl_module.picture()[0]), SIDE), done, left))
        if self.ended():
            trainer.should_stop = True

    def see(self, paint: Pixels) -> None:
        """Show what was painted at once."""
        self.show(Glimpse(within(paint, SIDE), 1.0, 0.0))


def write_film(pictures: list[Path], path: Path) -> None:
    """An animated GIF of pictures of different sizes, all scaled to one height; the last stays a while."""
    frames = []
    for picture in pictures:
        with Image.open(picture) as image:
            frames.append(Image.fromarray(fit_height(np.asarray(image.convert("RGB")), FILM_HEIGHT)))
    size = frames[-1].size
    frames = [frame if frame.size == size else frame.resize(size) for frame in frames]
    buffer = BytesIO()
    durations = [FRAME_MILLISECONDS] * (len(frames) - 1) + [LAST_FRAME_MILLISECONDS]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0)
    write_bytes(path, buffer.getvalue())


def painting_panel(content: Pixels, styles: list[Pixels], result: Pixels) -> Pixels:
    """Content, styles and result in a row, as high as the result, up to `SIDE`."""
    return beside([fit_height(content, min(result.shape[0], SIDE)), *styles, result])


def contact_sheet(contents: list[Pixels], styles: list[Pixels], results: list[list[Pixels | None]]) -> Pixels:
    """Contents down the left, styles along the top, and in row i and column j the result of content i in style j.

    None leaves a cell white. Every picture keeps its aspect within a cell of `CELL` (height, width) pixels.
    """
    rows = [[None, *styles], *([content, *row] for content, row in zip(contents, results, strict=True))]
    sheet = [np.concatenate([_cell(picture) for picture in row], axis=1) for row in rows]
    return np.concatenate(sheet, axis=0)


def name_cell(name: str) -> Pixels:
    """In place of a picture that there is none of: its name, a word a line."""
    cell = Image.new("RGB", CELL[::-1], "white")
    font = ImageFont.load_default(CELL[1] // 12)
    middle = CELL[1] / 2, CELL[0] / 2
    ImageDraw.Draw(cell).multiline_text(middle, name.replace("_", "\n"), "black", font, anchor="mm", align="center")
    return np.asarray(cell)


def thumbnail(picture: Pixels) -> Pixels:
    """As large as it is on a contact sheet."""
    inner = CELL[0] - 2 * GAP, CELL[1] - 2 * GAP
    height = min(inner[0], max(1, int(inner[1] * picture.shape[0] / picture.shape[1])))
    return fit_height(picture, height)[:, : inner[1]]


def _cell(picture: Pixels | None) -> Pixels:
    cell = np.full((*CELL, 3), 255, dtype=np.uint8)
    if picture is not None:
        small = thumbnail(picture)
        top, left = (CELL[0] - small.shape[0]) // 2, (CELL[1] - small.shape[1]) // 2
        cell[top : top + small.shape[0], left : left + small.shape[1]] = small
    return cell
