"""A picture painted in a folder: continued where it was broken off, watched, and with a record beside it."""

import hashlib
import json
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from numpy.typing import NDArray
from pytorch_lightning.loggers import Logger

from pochoir.config import PaintConfig
from pochoir.errors import NonFiniteLossError
from pochoir.experiments.memory import PeakMemory
from pochoir.experiments.records import holds_same
from pochoir.experiments.versions import versions
from pochoir.files import read_json, write_json
from pochoir.images import read_picture, write_image
from pochoir.inspection.loggers import add_picture, show_charts, show_config
from pochoir.inspection.painting import Growing, Milestones, painting_panel, write_film
from pochoir.inspection.progress import progress
from pochoir.runs.checkpoints import last_checkpoint
from pochoir.runs.events import all_settings, logger_in, show_outcome
from pochoir.runs.interruption import CheckpointOnSignal
from pochoir.stylization.job import Job, paint_job
from pochoir.stylization.painting import Painting
from pochoir.stylization.plan import Plan
from pochoir.stylization.pyramid import Level, pyramid

CHECKPOINT_EVERY_STEPS = 20
CHECKPOINT_EVERY_TILED_STEPS = 5
"""A step takes minutes there: more than the gigabytes of a checkpoint take to be written."""
LOSS_CHARTS = {
    "losses": {"all": ["^loss$", "^style$", "^content$", "^tv$"], "style": ["^style/"], "content": ["^content/"]}
}
OUTCOME = ("loss", "style_error", "content_error", "seconds")
"""What paintings are compared by."""
DECISIVE = ("init", "keep_colors", "style_scale", "suffix")
"""Settings that decide what is painted and saved, besides those of encoder, recipe and trainer."""
INDIFFERENT = ("trainer.accelerator", "trainer.log_every_n_steps", "trainer.enable_progress_bar")
"""Those of these that do not."""

Watch = Callable[[Job], Sequence[pl.Callback]]
"""What else looks on while a job is painted, such as a program that shows the picture: callbacks of the Trainer. Of
what is painted at once `Growing` alone is told."""

log = logging.getLogger(__name__)


def unwatched(job: Job) -> Sequence[pl.Callback]:
    """Nobody else looks on."""
    return ()


def paint_in(folder: Path, job: Job, watch: Watch = unwatched) -> tuple[Painting, dict[str, Any]]:
    """Paint a job in a folder; returns the painting and what its metrics.json holds.

    Writes result.png (or another `suffix`) with the settings in its metadata and panel.png, or for a region paint.png,
    the paint alone; progress/, progress.gif, metrics.json, settings.json, plan.json and what its logger writes; while
    it runs, last.ckpt. What is finished in this folder is not painted again, what was begun is continued by its plan.
    Raises `ConfigError` where the folder holds another picture, and `NonFiniteLossError` after saving last_good.png.
    """
    decisive = what_decides(job)
    finished = _finished(folder, job, decisive)
    if finished is not None:
        return finished
    if job.config.at_once:
        write_json(folder / "settings.json", decisive)
        return _painted_at_once(folder, job, watch)
    begun = read_json(folder / "plan.json")
    plan = Plan.from_json(begun) if begun else job.plan()
    write_json(folder / "settings.json", decisive)
    write_json(folder / "plan.json", plan.to_json())
    last = folder / "last.ckpt"
    logger = logger_in(folder, job.config.logger)
    show_config(logger, job.config)
    show_charts(logger, LOSS_CHARTS)
    with PeakMemory() as memory, _last_good_kept(folder):
        painting = paint_job(
            job,
            plan,
            callbacks=[*callbacks_in(folder, job, pyramid(plan.size, plan.recipe, plan.tile)), *watch(job)],
            logger=logger,
            resume=last if last.exists() else None,
        )
    metrics = _record(folder, job, plan, painting, memory.gigabytes, logger)
    last.unlink(missing_ok=True)
    return painting, metrics


def _painted_at_once(folder: Path, job: Job, watch: Watch) -> tuple[Painting, dict[str, Any]]:
    """The picture and its metrics.json alone: a log of nothing would take longer than painting."""
    painting = paint_job(job)
    for looker in watch(job):
        if isinstance(looker, Growing):
            looker.see(painting.paint)
    told: dict[str, Any] = {
        "seconds": round(painting.seconds, 3),
        "notes": list(painting.notes),
        "versions": versions(),
    }
    if painting.losses:
        told |= {
            "loss": painting.loss,
            "losses": painting.losses,
            "style_error": painting.style_error,
            "content_error": painting.content_error,
        }
    path = result_path(folder, job)
    pixels, alpha = (painting.pixels, painting.alpha) if job.region is None else (painting.paint, None)
    write_image(path, pixels, alpha=alpha, settings=_settings(job))
    write_json(folder / "metrics.json", told)
    log.info("%s: painted in %.2f s", path, painting.seconds)
    return painting, told


def callbacks_in(folder: Path, job: Job, levels: list[Level]) -> list[pl.Callback]:
    """What watches a picture that is painted in a folder, and keeps its last state there."""
    config = job.config
    callbacks: list[pl.Callback] = [CheckpointOnSignal(folder / "last.ckpt")]
    if config.milestones:
        callbacks.append(Milestones(folder / "progress", levels, config.milestones))
    callbacks += progress(job.name, bar=config.trainer.enable_progress_bar)
    every = CHECKPOINT_EVERY_STEPS if levels[-1].tile is None else CHECKPOINT_EVERY_TILED_STEPS
    return [*callbacks, last_checkpoint(folder, every_steps=every)]


def result_path(folder: Path, job: Job) -> Path:
    """What a folder keeps of a job: the picture, of a region its paint."""
    return folder / ("paint.png" if job.region is not None else f"result{job.config.suffix}")


def what_decides(job: Job) -> dict[str, Any]:
    """All that the picture depends on, flat and in JSON's types: what a continued run must have in common."""
    groups = ("encoder.", "recipe.", "trainer.")
    told = {name: value for name, value in all_settings(job.config).items() if name not in INDIFFERENT}
    return {
        **{name: value for name, value in told.items() if name in DECISIVE or name.startswith(groups)},
        "size": job.side,
        "seed": job.config.seed if job.config.init == "noise" else None,
        "content": _digest(job.content.pixels, job.content.alpha),
        "styles": [_digest(style.pixels, style.alpha) for style in job.styles],
        "blend": list(job.blend),
        "region": _digest(job.region),
        "keep": None if job.keep is None else [_digest(job.keep), job.config.keep.weight],
        "labels": None if job.labels is None else _digest(job.labels.content, *job.labels.styles),
        **(_of_painter(job) if job.config.at_once or job.config.init == "painter" else {}),
    }


def _of_painter(job: Job) -> dict[str, Any]:
    config = job.config
    return {
        "method": "painter" if config.at_once else "optimize",
        **{f"painter.{name}": value for name, value in config.painter},
        "style_names": list(job.style_names),
    }


def show_saved(logger: Logger, folder: Path, config: PaintConfig, metrics: dict[str, Any]) -> None:
    """What paintings are compared by."""
    show_outcome(logger, folder, config, {f"saved/{name}": metrics[name] for name in OUTCOME})


def _finished(folder: Path, job: Job, decisive: dict[str, Any]) -> tuple[Painting, dict[str, Any]] | None:
    if not holds_same(folder, decisive, "picture"):
        return None
    metrics = read_json(folder / "metrics.json")
    if metrics is None:
        return None
    saved = read_picture(result_path(folder, job))
    unmeasured = {"losses": {}, "style_error": math.nan, "content_error": math.nan, "evaluations": 0}
    told = {name: metrics.get(name, unmeasured.get(name)) for name in (*unmeasured, "seconds")}
    notes, tile = tuple(metrics["notes"]), metrics.get("tile")
    return Painting(saved.pixels, saved.pixels, **told, notes=notes, alpha=saved.alpha, tile=tile), metrics


@contextmanager
def _last_good_kept(folder: Path) -> Iterator[None]:
    try:
        yield
    except NonFiniteLossError as error:
        good = folder / "last_good.png"
        write_image(good, error.last_good)
        raise NonFiniteLossError(f"{error}. The last good picture: {good}") from None


def _record(folder: Path, job: Job, plan: Plan, painting: Painting, gigabytes: float, logger: Logger) -> dict[str, Any]:
    metrics: dict[str, Any] = {
        "loss": painting.loss,
        "losses": painting.losses,
        "style_error": painting.style_error,
        "content_error": painting.content_error,
        "evaluations": painting.evaluations,
        "seconds": round(painting.seconds, 2),
        "peak_memory_gb": gigabytes,
        "size": {"height": plan.size[0], "width": plan.size[1]},
        "precision": plan.precision,
        "tile": plan.tile,
        "notes": list(painting.notes),
        "versions": versions(),
    }
    path = result_path(folder, job)
    if job.region is None:
        write_image(path, painting.pixels, alpha=painting.alpha, settings=_settings(job))
        panel = painting_panel(job.content.on_white, [style.on_white for style in job.styles], painting.pixels)
        write_image(folder / "panel.png", panel)
        add_picture(logger, "panel", panel, painting.evaluations)
    else:
        write_image(path, painting.paint)
    show_saved(logger, folder, job.config, metrics)
    if milestones := sorted((folder / "progress").glob("*.png")):
        write_film(milestones, folder / "progress.gif")
    write_json(folder / "metrics.json", metrics)
    log.info(
        "%s: %d evaluations in %.1f s, style error %.4f, content error %.3f",
        path,
        painting.evaluations,
        painting.seconds,
        painting.style_error,
        painting.content_error,
    )
    return metrics


def _settings(job: Job) -> str:
    return json.dumps({**all_settings(job.config), "blend": list(job.blend)})


def _digest(*values: NDArray[Any] | None) -> str:
    """Sixteen hexadecimal digits that tell pictures apart, whatever their files are called."""
    digest = hashlib.sha256()
    for value in values:
        digest.update(b"none" if value is None else f"{value.shape}".encode() + value.tobytes())
    return digest.hexdigest()[:16]
