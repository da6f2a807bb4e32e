"""Painting what a camera sees, from its typed config: shown in a window, and recorded."""

import logging
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from shutil import rmtree
from typing import Any

from pochoir.config import FilmConfig
from pochoir.errors import ConfigError, DataError
from pochoir.experiments.memory import PeakMemory
from pochoir.experiments.records import holds_same
from pochoir.experiments.versions import versions
from pochoir.files import write_bytes, write_json
from pochoir.film.cameras import opened
from pochoir.film.filming import Shot, filming_of
from pochoir.inspection.film import FilmProgress
from pochoir.inspection.window import window
from pochoir.runs.frames import decisive_settings, measures, table
from pochoir.runs.interruption import held_back
from pochoir.runs.recording import PARTS, Recording, joined

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
    with PeakMemory() as memory, opened(config.camera) as camera:
        filming = filming_of(config, camera.clip.size)
        recording = Recording(config, camera.clip, folder / PARTS, "seen")
        log.info("%s: close the window, or press Ctrl-C, to end", config.content)
        started = time.perf_counter()
        try:
            _follow(config, filming.shots(islice(camera.frames(), config.frames)), recording)
        finally:
            seconds = time.perf_counter() - started
            recording.close()
            if recording.rows:
                joined(folder / PARTS, ["seen"], folder / f"result{config.suffix}")
            rmtree(folder / PARTS)
    if not (rows := recording.rows):
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
    for note in metrics["notes"]:
        log.warning("%s: %s", config.content, note)
    log.info("%s: %d frames, %.1f a second", config.content, len(rows), metrics["frames_per_second"])
    return metrics


def _follow(config: FilmConfig, shots: Iterable[Shot], recording: Recording) -> None:
    """Show and record frame after frame until somebody has seen enough."""
    bar = config.trainer.enable_progress_bar
    with window(f"Pochoir: {config.content}") as shown, FilmProgress(config.frames, 0, bar=bar) as progress:
        try:
            for shot in shots:
                with held_back():
                    recording.add(shot)
                progress.advance()
                if shown is not None:
                    shown.show(shot.pixels)
                    if not shown.is_open:
                        return
        except KeyboardInterrupt:
            log.info("ended by Ctrl-C")
