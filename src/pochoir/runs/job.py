"""One run of a task in its folder: locked, logged, its errors told, its page written; and a job's part in a sweep."""

import importlib
import logging
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from pochoir.config import to_settings
from pochoir.config.validation import listed
from pochoir.devices import is_main_process
from pochoir.errors import ConfigError, PochoirError
from pochoir.experiments.records import STATUS
from pochoir.experiments.run_page import write_run_page
from pochoir.files import locked, read_json, storage_error, write_json
from pochoir.inspection.progress import shows_bar
from pochoir.process import logging_to, prepare_process

WORST = {"stylize": 1e6, "partial": 1e6}
"""Objective of a painting that failed: no loss comes near it, and optimisers want something finite. Of APs it is 0."""
SAFE = ("checkpoints/last.ckpt", "checkpoints/best.ckpt", "last.ckpt", "metrics.json")
"""What a run that ends early may have kept."""

log = logging.getLogger(__name__)
Work = Callable[[], float | None]


def run_job(task: str, config: DictConfig) -> float | None:
    """Do a task in the folder that Hydra has made for it, and return its objective.

    Raises the `PochoirError` that comes out, after run.md tells of it. A job of a multirun never fails its neighbours:
    how it ended is written to status.json and an error makes its objective the worst, which is finite, as optimisers
    want it; a job that has finished in this folder is not done again. Raises `ConfigError` for a folder in which
    another run is at work.
    """
    folder = Path(HydraConfig.get().runtime.output_dir)
    main = is_main_process()
    settings, problems = to_settings(task, config)
    bar = settings is not None and shows_bar(settings)
    with locked(folder) if main else nullcontext(), logging_to(folder / f"{task}.log" if main else None, bar=bar):

        def work() -> float | None:
            if settings is None:
                raise ConfigError(listed(problems))
            if lacking := list(settings.lacking()):
                raise ConfigError(listed(lacking))
            return run(task, settings, folder)

        if HydraConfig.get().mode == RunMode.MULTIRUN:
            return _job_of_sweep(config, work, folder, WORST.get(task, 0.0))
        error = ""
        try:
            return _told(work, folder)
        except PochoirError as problem:
            error = str(problem)
            log.error("%s: %s", type(problem).__name__, problem)
            raise
        finally:
            _write_page(config, folder, error)


def run(task: str, settings: Any, folder: Path) -> float | None:
    """Do a task of typed settings in a folder: `pochoir.runs.<task>.run`."""
    prepare_process()
    done: float | None = importlib.import_module(f"pochoir.runs.{task}").run(settings, folder)
    return done


def _told(work: Work, folder: Path) -> float | None:
    """Do the work; a full disk and the like are told as what they are, and what is safe."""
    try:
        return work()
    except OSError as error:
        known = storage_error(error)
        if known is None:
            raise
        safe = [name for name in SAFE if (folder / name).is_file()]
        kept = f"safe in {folder} are {', '.join(safe)}" if safe else f"nothing was kept in {folder}"
        raise type(known)(f"{known}; {kept}") from error


def _job_of_sweep(config: DictConfig, work: Work, folder: Path, worst: float) -> float | None:
    overrides = list(HydraConfig.get().overrides.task)
    earlier = read_json(folder / STATUS)
    if earlier is not None and earlier["overrides"] != overrides:
        raise ConfigError(
            f"{folder} holds a job of {' '.join(earlier['overrides'])}, now {' '.join(overrides)}: a sweep is "
            "continued by its own command; choose another hydra.sweep.dir"
        )
    if earlier is not None and earlier["status"] == "finished":
        log.info("%s: finished already", folder)
        return earlier["objective"]
    started = time.perf_counter()
    status: dict[str, Any] = {"status": "running", "overrides": overrides}
    write_json(folder / STATUS, status)
    try:
        status.update(status="finished", objective=_told(work, folder))
    except Exception as error:  # whatever it is, the other jobs go on, and the summary tells of it
        if not isinstance(error, PochoirError):
            traceback.print_exc()
        status.update(status="failed", error=f"{type(error).__name__}: {error}", objective=worst)
        print(f"failed: {folder}: {status['error']}", file=sys.stderr)
    status["seconds"] = round(time.perf_counter() - started, 2)
    write_json(folder / STATUS, status)
    _write_page(config, folder, status.get("error", ""))
    return status["objective"]


def _write_page(config: DictConfig, folder: Path, error: str = "") -> None:
    if is_main_process():  # one process of several tells for all
        with suppress(OSError):  # the disk may be full: the error that is told is the first
            write_run_page(folder, OmegaConf.to_container(config), error=error)
