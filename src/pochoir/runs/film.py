"""Painting films from their typed config: in parts that are safe once they are written, then joined, then looked at."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import torch

from pochoir.config import FilmConfig
from pochoir.errors import DataError
from pochoir.experiments.memory import PeakMemory
from pochoir.experiments.records import holds_same
from pochoir.experiments.versions import versions
from pochoir.files import read_json, write_bytes, write_json, written
from pochoir.film.clips import Clip, open_clip
from pochoir.film.encoding import ALPHA
from pochoir.film.filming import Filming, Shot, filming_of
from pochoir.images import Pixels, write_image
from pochoir.inspection.film import PREVIEW_FRAMES, FilmProgress, preview, strip
from pochoir.inspection.loggers import add_picture, show_config
from pochoir.runs.camera import live
from pochoir.runs.events import logger_in, show_outcome
from pochoir.runs.frames import decisive_settings, measures, table
from pochoir.runs.interruption import held_back, told_how_to_continue
from pochoir.runs.recording import PARTS, Recording, joined

STATE = "state.pt"
"""Beside the parts: all that there is to know to go on after the last of them."""

log = logging.getLogger(__name__)


@dataclass
class Begun:
    """What is done of a film: rows, one a frame, and the state after the last of them."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    state: dict[str, Any] | None = None
    parts: list[str] = field(default_factory=list)
    """Names of its recordings: the numbers of the frames that they begin with."""


def run(config: FilmConfig, folder: Path) -> float | None:
    """Paint into `folder`; returns how much the film flickers inside the stencil, as a multiple of what it did before
    (see `film.motion.warping_error`).
    """
    ratio = (film(config, folder) if config.camera is None else live(config, folder))["e_warp"]["ratio"]
    return None if ratio is None else float(ratio)


def film(config: FilmConfig, folder: Path) -> dict[str, Any]:
    """Paint a film into `folder`; returns what its metrics.json holds.

    Writes result.mp4 (or .mkv) with the film's own times and sound, alpha.mkv (the stencil, nothing lost), figure.png
    (frames, stencils, what was painted), preview.gif, frames.csv, metrics.json and what its logger writes; meanwhile
    parts/. A film that was broken off goes on. Raises `DataError` where it cannot be read, where nothing of its first
    frame is what was asked for, and `ConfigError` where the folder holds another film.
    """
    assert config.content is not None  # as the task's check has it
    decisive = decisive_settings(config)
    if holds_same(folder, decisive, "film") and (finished := read_json(folder / "metrics.json")) is not None:
        return dict(finished)
    clip = open_clip(Path(config.content).expanduser(), Fraction(config.folder_rate).limit_denominator(1001))
    write_json(folder / "settings.json", decisive)
    begun = _begun(folder / PARTS)
    with told_how_to_continue(folder), PeakMemory() as memory:
        filming = filming_of(config, clip.size)
        if begun.state is not None:
            filming.restore(begun.state)
            log.info("%d frames are done; going on", len(begun.rows))
        try:
            _paint(config, clip, filming, begun, folder)
        finally:
            result = _joined(config, clip, begun, folder)
        return _record(config, clip, begun, folder, result, memory.gigabytes)


def _begun(parts: Path) -> Begun:
    """What is safe of an earlier session."""
    state = parts / STATE
    return Begun(**torch.load(state, weights_only=False)) if state.is_file() else Begun()


def _paint(config: FilmConfig, clip: Clip, filming: Filming, begun: Begun, folder: Path) -> None:
    """Paint what is left, part by part; what is done when it is broken off is a part, too."""
    done, total = len(begun.rows), _total(config, clip)
    known = done + filming.follower.ahead
    left = None if config.frames is None else config.frames - known
    shots = filming.shots(islice(clip.frames(known), left))
    with FilmProgress(total, done, bar=config.trainer.enable_progress_bar) as progress:
        while _part(config, clip, filming, begun, folder / PARTS, shots, progress):
            pass


def _part(
    config: FilmConfig,
    clip: Clip,
    filming: Filming,
    begun: Begun,
    folder: Path,
    shots: Iterator[Shot],
    progress: FilmProgress,
) -> bool:
    """Paint the next part; returns whether there may be more."""
    if (next_one := next(shots, None)) is None:
        return False
    name = f"{len(begun.rows):06d}"
    recording = Recording(config, clip, folder, name)
    state = filming.state()
    try:
        for shot in chain([next_one], islice(shots, config.part - 1)):
            with held_back():
                recording.add(shot)
                state = filming.state()
            progress.advance()
    finally:
        with held_back():
            recording.close()
            if recording.rows:
                begun.rows, begun.state = [*begun.rows, *recording.rows], state
                begun.parts = [*begun.parts, name]
                with written(folder / STATE) as file:
                    torch.save(vars(begun), file)
    return len(recording.rows) == config.part


def _total(config: FilmConfig, clip: Clip) -> int | None:
    counts = [count for count in (clip.count, config.frames) if count is not None]
    return min(counts) if counts else None


def _joined(config: FilmConfig, clip: Clip, begun: Begun, folder: Path) -> Path:
    """The film as far as it is done."""
    result = folder / f"result{config.suffix}"
    if begun.parts:
        joined(folder / PARTS, begun.parts, result, clip.path if clip.sound else None)
    return result


def _record(
    config: FilmConfig, clip: Clip, begun: Begun, folder: Path, result: Path, gigabytes: float
) -> dict[str, Any]:
    """Figure, preview, table and metrics.json; the parts are joined and go."""
    rows = begun.rows
    if not rows:
        raise DataError(f"{clip.path}: holds no frames")
    write_bytes(folder / "frames.csv", table(rows).encode())
    outside, figure = _looked_at(config, clip, rows, folder, result)
    told = measures(rows)
    flicker = told["e_warp"]
    metrics: dict[str, Any] = {
        **told,
        "frames_per_second": round(1 / sum(told["seconds_per_frame"].values()), 3),
        "outside": outside,
        "method": config.method,
        "size": {"height": clip.size[0], "width": clip.size[1]},
        "peak_memory_gb": gigabytes,
        "versions": versions(),
    }
    for note in metrics["notes"]:
        log.warning("%s: %s", clip.path, note)
    logger = logger_in(folder, config.logger)
    show_config(logger, config)
    for row in rows:
        numbers = {name: row[name] for name in ("area", "e_warp_film", "e_warp_paint") if row[name] is not None}
        logger.log_metrics(numbers, row["frame"])
    add_picture(logger, "figure", figure, 0)
    outcome = {"e_warp": flicker["paint"], "ratio": flicker["ratio"], "fps": metrics["frames_per_second"]}
    known = {f"saved/{name}": value for name, value in outcome.items() if value is not None}
    show_outcome(logger, folder, config, known)
    write_json(folder / "metrics.json", metrics)
    rmtree(folder / PARTS)
    ratio = flicker["ratio"]
    steady = "" if not ratio else f"; inside the stencil it flickers {ratio:.2f} times as much as the film did"
    log.info("%s: %d frames, %.2f a second%s", result, len(rows), metrics["frames_per_second"], steady)
    return metrics


def _looked_at(
    config: FilmConfig, clip: Clip, rows: Sequence[Mapping[str, Any]], folder: Path, result: Path
) -> tuple[dict[str, Any], Pixels]:
    """Read film, stencil and result once more: what encoding changed where nothing was painted, and the figure."""
    count = len(rows)
    shown = set(np.linspace(0, count - 1, min(count, max(1, config.milestones))).round().astype(int).tolist())
    step = max(1, round(clip.rate / 12))
    columns: list[tuple[Pixels, Pixels, Pixels]] = []
    moving: list[Pixels] = []
    pixels = changed = largest = 0
    total = 0.0
    films = (clip.frames(), open_clip(result, clip.rate).frames(), open_clip(folder / ALPHA, clip.rate).frames())
    for number, (own, painted, alpha) in enumerate(zip(*films, strict=False)):
        stencil = alpha.pixels[..., 0]
        difference = np.abs(painted.pixels.astype(np.int16) - own.pixels)[stencil == 0]
        pixels += len(difference)
        changed += int((difference > 0).any(axis=-1).sum())
        largest = max(largest, int(difference.max(initial=0)))
        total += float(difference.sum())
        if number in shown:
            columns.append((own.pixels, stencil, painted.pixels))
        if number % step == 0 and len(moving) < PREVIEW_FRAMES:
            moving.append(painted.pixels)
    figure = strip(columns)
    write_image(folder / "figure.png", figure)
    write_bytes(folder / "preview.gif", preview(moving, float(step / clip.rate)))
    outside = {
        "codec": "H.264" if config.suffix == ".mp4" else "FFV1",
        "pixels": pixels,
        "changed_pixels": changed,
        "largest": largest,
        "mean": total / (3 * pixels) if pixels else 0.0,
    }
    return outside, figure
