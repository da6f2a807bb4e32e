"""Painting films from their typed config: in parts that are safe once they are written, then joined, then looked at."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch

from pochoir.composition.crops import margin_at
from pochoir.composition.stencil import segmenter_of
from pochoir.config import FilmConfig
from pochoir.errors import DataError
from pochoir.experiments.memory import PeakMemory
from pochoir.experiments.records import holds_same
from pochoir.experiments.versions import versions
from pochoir.files import csv_text, read_json, write_bytes, write_json, written
from pochoir.film.clips import Clip, open_clip
from pochoir.film.encoding import PART_SUFFIX, Part, join
from pochoir.film.filming import Filming, Shot
from pochoir.film.painting import SEEN, FramePainter, OptimizingBrush, PainterBrush
from pochoir.film.stencils import Stencils
from pochoir.images import Pixels, read_picture, write_image
from pochoir.inspection.film import PREVIEW_FRAMES, FilmProgress, preview, strip
from pochoir.inspection.loggers import add_picture, show_config
from pochoir.runs.events import all_settings, logger_in, show_outcome
from pochoir.runs.interruption import held_back, told_how_to_continue
from pochoir.segmentation.segmenter import Segmenter

INDIFFERENT = ("trainer.", "logger", "part", "milestones", "memory")
"""Settings, or groups of them, that do not decide what is painted."""
ALPHA = "alpha.mkv"
STATE = "state.pt"
"""Beside the parts: all that there is to know to go on after the last of them."""

log = logging.getLogger(__name__)


@dataclass
class Begun:
    """What is done of a film: rows, one a frame, and the state after the last of them."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    state: dict[str, Any] | None = None
    parts: list[int] = field(default_factory=list)
    """Numbers of the frames that they begin with."""


def run(config: FilmConfig, folder: Path) -> float | None:
    """Paint into `folder`; returns how much the film flickers inside the stencil, as a multiple of what it did before
    (see `film.motion.warping_error`).
    """
    ratio = film(config, folder)["e_warp"]["ratio"]
    return None if ratio is None else float(ratio)


def film(config: FilmConfig, folder: Path) -> dict[str, Any]:
    """Paint a film into `folder`; returns what its metrics.json holds.

    Writes result.mp4 (or .mkv) with the film's own times and sound, alpha.mkv (the stencil, nothing lost), figure.png
    (frames, stencils, what was painted), preview.gif, frames.csv, metrics.json and what its logger writes; meanwhile
    parts/. A film that was broken off goes on. Raises `DataError` where it cannot be read, where nothing of its first
    frame is what was asked for, and `ConfigError` where the folder holds another film.
    """
    assert config.content is not None  # as the task's check has it
    decisive = {name: value for name, value in all_settings(config).items() if not name.startswith(INDIFFERENT)}
    if holds_same(folder, decisive, "film") and (finished := read_json(folder / "metrics.json")) is not None:
        return dict(finished)
    clip = open_clip(Path(config.content).expanduser(), Fraction(config.folder_rate).limit_denominator(1001))
    write_json(folder / "settings.json", decisive)
    begun = _begun(folder / "parts")
    with told_how_to_continue(folder), PeakMemory() as memory:
        filming = filming_of(config, clip)
        if begun.state is not None:
            filming.restore(begun.state)
            log.info("%d frames are done; going on", len(begun.rows))
        try:
            _paint(config, clip, filming, begun, folder)
        finally:
            result = _joined(config, clip, begun, folder)
        return _record(config, clip, begun, folder, result, memory.gigabytes)


def filming_of(config: FilmConfig, clip: Clip) -> Filming:
    """What paints a clip, loaded."""
    styles = [Path(style).expanduser() for style in config.given_styles]
    names = [style.stem for style in styles]
    find = None if config.gives_objects else doubting_segmenter(config)
    margin = margin_at(clip.size, config.region, config.max_size)
    if config.at_once:
        return Filming(Stencils(config, find), FramePainter(PainterBrush(config, names), margin + SEEN))
    brush = OptimizingBrush(config, [read_picture(style) for style in styles], names)
    return Filming(Stencils(config, find), FramePainter(brush, margin))


def doubting_segmenter(config: FilmConfig) -> Segmenter:
    """The segmenter of a config, loaded, which tells of doubtful objects, too."""
    score = min(config.find.score_threshold, config.track.doubtful)
    find = config.find.model_copy(update={"score_threshold": score})
    return segmenter_of(config.model_copy(update={"find": find}))


def _begun(parts: Path) -> Begun:
    """What is safe of an earlier session."""
    state = parts / STATE
    return Begun(**torch.load(state, weights_only=False)) if state.is_file() else Begun()


def _paint(config: FilmConfig, clip: Clip, filming: Filming, begun: Begun, folder: Path) -> None:
    """Paint what is left, part by part; what is done when it is broken off is a part, too."""
    done, total = len(begun.rows), _total(config, clip)
    left = None if config.frames is None else config.frames - done
    shots = filming.shots(islice(clip.frames(done), left))
    with FilmProgress(total, done, bar=config.trainer.enable_progress_bar) as progress:
        while _part(config, clip, filming, begun, folder / "parts", shots, progress):
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
    first = len(begun.rows)
    name = f"{first:06d}"
    rows: list[dict[str, Any]] = []
    picture = Part(folder / f"{name}{PART_SUFFIX}", clip, config.suffix, crf=config.crf)
    alpha = Part(folder / f"{name}_alpha{PART_SUFFIX}", clip, ".mkv", is_grey=True)
    state = filming.state()
    try:
        for shot in chain([next_one], islice(shots, config.part - 1)):
            with held_back():
                picture.write(shot.pixels, shot.frame.time)
                alpha.write(np.rint(shot.alpha * 255).astype(np.uint8), shot.frame.time)
                rows.append(_row(shot))
                state = filming.state()
            progress.advance()
    finally:
        with held_back():
            picture.close()
            alpha.close()
            if rows:
                begun.rows, begun.state = [*begun.rows, *rows], state
                begun.parts = [*begun.parts, first]
                with written(folder / STATE) as file:
                    torch.save(vars(begun), file)
    return len(rows) == config.part


def _row(shot: Shot) -> dict[str, Any]:
    """What is told of a frame."""
    errors = {name: total / pixels if pixels else None for name, (total, pixels) in shot.errors.items()}
    return {
        "frame": shot.frame.number,
        "time": float(shot.frame.time),
        "objects": list(shot.objects),
        "area": float(shot.alpha.mean()),
        "e_warp_film": errors.get("film"),
        "e_warp_paint": errors.get("paint"),
        **{f"seconds_{name}": round(seconds, 4) for name, seconds in shot.seconds.items()},
    }


def _total(config: FilmConfig, clip: Clip) -> int | None:
    counts = [count for count in (clip.count, config.frames) if count is not None]
    return min(counts) if counts else None


def _joined(config: FilmConfig, clip: Clip, begun: Begun, folder: Path) -> Path:
    """The film as far as it is done."""
    result = folder / f"result{config.suffix}"
    if begun.parts:
        parts = [folder / "parts" / f"{number:06d}" for number in begun.parts]
        join([part.with_suffix(PART_SUFFIX) for part in parts], result, clip.path if clip.sound else None)
        join([part.with_name(f"{part.name}_alpha{PART_SUFFIX}") for part in parts], folder / ALPHA)
    return result


def _record(
    config: FilmConfig, clip: Clip, begun: Begun, folder: Path, result: Path, gigabytes: float
) -> dict[str, Any]:
    """Figure, preview, table and metrics.json; the parts are joined and go."""
    rows = begun.rows
    if not rows:
        raise DataError(f"{clip.path}: holds no frames")
    write_bytes(folder / "frames.csv", _table(rows).encode())
    outside, figure = _looked_at(config, clip, rows, folder, result)
    e_warp = {name: _mean(rows, f"e_warp_{name}") for name in ("film", "paint")}
    ratio = e_warp["paint"] / e_warp["film"] if e_warp["film"] and e_warp["paint"] is not None else None
    seconds = {name: fmean(row[name] for row in rows) for name in rows[-1] if name.startswith("seconds_")}
    metrics: dict[str, Any] = {
        "frames": len(rows),
        "frames_per_second": round(1 / sum(seconds.values()), 3),
        "seconds_per_frame": {name.removeprefix("seconds_"): round(value, 4) for name, value in seconds.items()},
        "e_warp": {**e_warp, "ratio": ratio},
        "objects": _objects(rows),
        "area": fmean(row["area"] for row in rows),
        "outside": outside,
        "method": config.method,
        "size": {"height": clip.size[0], "width": clip.size[1]},
        "peak_memory_gb": gigabytes,
        "notes": [] if any(row["objects"] for row in rows) else ["no object was found in any frame"],
        "versions": versions(),
    }
    for note in metrics["notes"]:
        log.warning("%s: %s", clip.path, note)
    logger = logger_in(folder, config.logger)
    show_config(logger, config)
    for row in rows:
        told = {name: row[name] for name in ("area", "e_warp_film", "e_warp_paint") if row[name] is not None}
        logger.log_metrics(told, row["frame"])
    add_picture(logger, "figure", figure, 0)
    outcome = {"saved/e_warp": e_warp["paint"], "saved/ratio": ratio, "saved/fps": metrics["frames_per_second"]}
    show_outcome(logger, folder, config, {name: value for name, value in outcome.items() if value is not None})
    write_json(folder / "metrics.json", metrics)
    for path in (folder / "parts").iterdir():
        path.unlink()
    (folder / "parts").rmdir()
    log.info(
        "%s: %d frames, %.2f a second; inside the stencil it flickers %s times as much as the film did",
        *(result, len(rows), metrics["frames_per_second"], "-" if ratio is None else f"{ratio:.2f}"),
    )
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


def _objects(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Of each number in which frames it was painted first and last, and in how many."""
    seen: dict[int, list[int]] = {}
    for row in rows:
        for number in row["objects"]:
            seen.setdefault(number, []).append(row["frame"])
    return {str(number): {"first": of[0], "last": of[-1], "frames": len(of)} for number, of in sorted(seen.items())}


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[_cell(row.get(name)) for name in names] for row in rows]
    return csv_text([names, *cells])


def _cell(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, list) else "" if value is None else value


def _mean(rows: Sequence[Mapping[str, Any]], name: str) -> float | None:
    values = [row[name] for row in rows if row[name] is not None]
    return fmean(values) if values else None
