"""Painting what a camera sees, from its typed config: shown in a window, and recorded."""

import logging
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from pochoir.config import FilmConfig
from pochoir.errors import ConfigError, DataError
from pochoir.experiments.memory import PeakMemory
from pochoir.experiments.records import holds_same
from pochoir.experiments.versions import versions
from pochoir.files import write_bytes, write_json
from pochoir.film.cameras import opened
from pochoir.film.encoding import ALPHA, PART_SUFFIX, Part, join
from pochoir.film.filming import Shot, filming_of
from pochoir.inspection.film import FilmProgress
from pochoir.inspection.window import window
from pochoir.runs.frames import decisive_settings, measures, row_of, table
from pochoir.runs.interruption import held_back

log = logging.getLogger(__name__)


def live(config: FilmConfig, folder: Path) -> dict[str, Any]:
    """Paint what a camera sees until its window is closed, Ctrl-C comes or `frames` are done; returns what
    metrics.json holds.

    Each frame is the newest picture, and those that nobody had time for are dropped. Writes result.mp4 (or .mkv) as it
    was shown, alpha.mkv, frames.csv and metrics.json. Raises `DataError` where the camera cannot be had or leaves,
    with what was recorded kept, and `ConfigError` where the folder holds a recording.
    """
    assert config.camera is not None
    decisive = decisive_settings(config)
    if holds_same(folder, decisive, "film"):
        raise ConfigError(f"{folder} holds a recording; choose another folder")
    write_json(folder / "settings.json", decisive)
    rows: list[dict[str, Any]] = []
    with PeakMemory() as memory, opened(config.camera) as camera:
        filming = filming_of(config, camera.clip.size)
        recording = folder / f"result{PART_SUFFIX}", folder / f"alpha{PART_SUFFIX}"
        picture = Part(recording[0], camera.clip, config.suffix, crf=config.crf)
        alpha = Part(recording[1], camera.clip, ".mkv", is_grey=True)
        log.info("%s: close the window, or press Ctrl-C, to end", config.content)
        started = time.perf_counter()
        try:
            _follow(config, filming.shots(islice(camera.frames(), config.frames)), picture, alpha, rows)
        finally:
            seconds = time.perf_counter() - started
            picture.close()
            alpha.close()
            if rows:
                join([recording[0]], folder / f"result{config.suffix}")
                join([recording[1]], folder / ALPHA)
            for path in recording:
                path.unlink(missing_ok=True)
    if not rows:
        raise DataError(f"content: {config.content} was ended before its first frame")
    write_bytes(folder / "frames.csv", table(rows).encode())
    metrics = {
        **measures(rows),
        "frames_per_second": round(len(rows) / seconds, 3),
        "method": config.method,
        "size": {"height": camera.clip.size[0], "width": camera.clip.size[1]},
        "peak_memory_gb": memory.gigabytes,
        "versions": versions(),
    }
    write_json(folder / "metrics.json", metrics)
    log.info("%s: %d frames, %.1f a second", config.content, len(rows), metrics["frames_per_second"])
    return metrics


def _follow(config: FilmConfig, shots: Iterable[Shot], picture: Part, alpha: Part, rows: list[dict[str, Any]]) -> None:
    """Show and record frame after frame, and add a row of each, until somebody has seen enough."""
    bar = config.trainer.enable_progress_bar
    with window(f"Pochoir: {config.content}") as shown, FilmProgress(config.frames, 0, bar=bar) as progress:
        try:
            for shot in shots:
                with held_back():
                    picture.write(shot.pixels, shot.frame.time)
                    alpha.write(np.rint(shot.alpha * 255).astype(np.uint8), shot.frame.time)
                    rows.append(row_of(shot))
                progress.advance()
                if shown is not None:
                    shown.show(shot.pixels)
                    if not shown.is_open:
                        return
        except KeyboardInterrupt:
            log.info("ended by Ctrl-C")
