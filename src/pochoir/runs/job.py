"""One run of a task in its folder: locked, logged, its errors told, its page written; and a job's part in a sweep."""

import importlib
import logging
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from pochoir.config import SCHEMAS, to_settings
from pochoir.config.validation import listed
from pochoir.devices import is_main_process
from pochoir.errors import ConfigError, PochoirError, StorageError
from pochoir.experiments.records import STATUS
from pochoir.experiments.run_page import write_run_page
from pochoir.files import locked, read_json, storage_error, write_json
from pochoir.inspection.progress import shows_bar
from pochoir.process import logging_to, prepare_process, silenced

WORST = {"stylize": 1e6, "partial": 1e6, "film": 1e6, "train_painter": 1e6}
"""Objective of a run that failed: no loss comes near it, and optimisers want something finite. Of APs it is 0."""
KEPT = ("best.ckpt", "last.ckpt", "metrics.json")
"""Files by which a run that ended early can be used or continued."""

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
    in_sweep = HydraConfig.get().mode == RunMode.MULTIRUN
    settings, problems = to_settings(task, config)

    def work() -> float | None:
        if problems:
            raise ConfigError(listed(problems))
        return run(task, settings, folder)

    with at_work(task, settings, folder):
        if in_sweep:
            return _job_of_sweep(config, work, folder, WORST.get(task, 0.0))
        error = "interrupted"
        try:
            done = _told(work, folder)
            error = ""
        except Exception as problem:
            error = _logged(problem)
            raise
        finally:
            _write_page(config, folder, error)
        return done


@contextmanager
def at_work(task: str, settings: Any, folder: Path) -> Iterator[None]:
    """Have a folder to oneself, with the project's messages on the terminal and in <task>.log there.

    One process of several tells for all, and holds the folder. Raises `ConfigError` where another run is at work in it.
    """
    if is_main_process():
        _refuse_foreign(task, folder)
        with locked(folder), logging_to(folder / f"{task}.log", bar=shows_bar(settings)):
            yield
    else:
        try:
            with silenced():
                yield
        finally:
            _remove_unused(folder)


def _refuse_foreign(task: str, folder: Path) -> None:
    """A run would overwrite another task's results, and files of one's own."""
    there = {path.name for path in folder.glob("[!.]*")}
    others = [other for other in SCHEMAS if other != task and f"{other}.log" in there]
    if others:
        raise ConfigError(f"hydra.run.dir: {folder} holds a run of {others[0]}; choose another folder for {task}")
    if there and f"{task}.log" not in there:
        files = ", ".join(sorted(there)[:3]) + (" …" if len(there) > 3 else "")
        raise ConfigError(f"hydra.run.dir: {folder} holds other files ({files}); choose a new folder, or an empty one")


def _remove_unused(folder: Path) -> None:
    """Hydra makes a folder for each process of a training: of another time, and so of another name, it stays empty."""
    with suppress(OSError):
        if {path.name for path in folder.iterdir()} <= {".hydra"}:
            shutil.rmtree(folder)


def run(task: str, settings: Any, folder: Path) -> float | None:
    """Do a task of typed settings in a folder: `pochoir.runs.<task>.run`."""
    prepare_process()
    done: float | None = importlib.import_module(f"pochoir.runs.{task}").run(settings, folder)
    return done


def _told(work: Work, folder: Path) -> float | None:
    """Do the work; a full disk and the like are told as what they are, and what is safe."""
    try:
        return work()
    except (OSError, StorageError) as error:
        known = storage_error(error) if isinstance(error, OSError) else error
        if known is None:
            raise
        safe = [str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.name in KEPT]
        kept = f"safe in {folder} are {', '.join(safe)}" if safe else f"nothing was kept in {folder}"
        raise StorageError(f"{known}; {kept}") from error


def _logged(error: Exception) -> str:
    """An error as it is told, which the log keeps, too: with where it came from, unless its message says all."""
    told = f"{type(error).__name__}: {error}"
    log.error(told, exc_info=None if isinstance(error, PochoirError) else error)
    return told


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
    if not is_main_process():
        return work()
    started = time.perf_counter()
    status: dict[str, Any] = {"status": "running", "overrides": overrides}
    write_json(folder / STATUS, status)
    try:
        status.update(status="finished", objective=_told(work, folder))
    except Exception as error:  # whatever it is, the other jobs go on, and the summary tells of it
        if not isinstance(error, PochoirError):
            traceback.print_exc()
        status.update(status="failed", error=_logged(error), objective=worst)
        print(f"failed: {folder}: {status['error']}", file=sys.stderr)
    status["seconds"] = round(time.perf_counter() - started, 2)
    write_json(folder / STATUS, status)
    _write_page(config, folder, status.get("error", ""))
    return status["objective"]


def _write_page(config: DictConfig, folder: Path, error: str = "") -> None:
    if is_main_process():
        with suppress(OSError, StorageError):  # the disk may be full: the error that is told is the first
            write_run_page(folder, OmegaConf.to_container(config), error=error)
