"""Looking at a film that is painted: how far it is, a strip of its frames, a preview that moves."""

import logging
import time
from io import BytesIO
from types import TracebackType

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from pochoir.images import Pixels
from pochoir.images.overlays import beside, fit_height, within
from pochoir.inspection.progress import LINE_SECONDS, clock, drawable

STRIP_HEIGHT = 200
"""Pixels of a frame on the strip."""
PREVIEW_SIDE = 320
"""Longest side in pixels of the preview."""
PREVIEW_FRAMES = 60
"""It has at most so many, one after the other from the start on, or every so many."""

log = logging.getLogger("pochoir.progress")


class FilmProgress:
    """Tells of frames as they are done: a bar where one is wanted and can be drawn, a line a minute else.

    total: of frames; None: not known. done: by earlier sessions.
    """

    def __init__(self, total: int | None, done: int, *, bar: bool) -> None:
        self.total, self.done, self._before = total, done, done
        self._started = self._told = time.perf_counter()
        parts = TextColumn("frame {task.completed:.0f}/{task.total}"), BarColumn(), TextColumn("{task.fields[pace]}")
        times = TimeElapsedColumn(), TimeRemainingColumn()
        self._bar = (
            Progress(*parts, *times, console=Console(stderr=True), transient=True) if bar and drawable() else None
        )

    def __enter__(self) -> "FilmProgress":
        if self._bar is not None:
            self._bar.start()
            self._task = self._bar.add_task("", total=self.total, completed=self.done, pace="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self) -> None:
        self.done += 1
        passed = time.perf_counter() - self._started
        pace = (self.done - self._before) / max(passed, 1e-9)
        if self._bar is not None:
            self._bar.update(self._task, completed=self.done, pace=f"{pace:.2f} frames/s")
        if time.perf_counter() - self._told >= LINE_SECONDS:
            self._told = time.perf_counter()
            whole, left = "", ""
            if self.total:
                whole, left = f"/{self.total}", f", about {clock(max(0, self.total - self.done) / pace)} left"
            log.info("frame %d%s: %.2f frames/s; %s passed%s", self.done, whole, pace, clock(passed), left)


def strip(frames: list[tuple[Pixels, NDArray[np.uint8], Pixels]]) -> Pixels:
    """Frames of a film in columns: the frame, its stencil `[H, W]` uint8, what was painted."""
    columns = [
        np.concatenate([fit_height(part, STRIP_HEIGHT) for part in (frame, _in_colour(alpha), painted)], axis=0)
        for frame, alpha, painted in frames
    ]
    return beside(columns)


def preview(frames: list[Pixels], seconds: float) -> bytes:
    """A GIF of frames `[H, W, 3]` uint8, each shown so long."""
    pictures = [Image.fromarray(within(frame, PREVIEW_SIDE)) for frame in frames]
    buffer = BytesIO()
    pictures[0].save(
        buffer, "GIF", save_all=True, append_images=pictures[1:], duration=max(20, round(1000 * seconds)), loop=0
    )
    return buffer.getvalue()


def _in_colour(grey: NDArray[np.uint8]) -> Pixels:
    return np.repeat(grey[..., None], 3, axis=-1)
