"""What every script does around its work: errors for people, a page about the run, and a job's part in a sweep."""

import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from pochoir.errors import ConfigError, PochoirError, SomeInputsFailedError
from pochoir.experiments.records import STATUS
from pochoir.experiments.run_page import write_run_page
from pochoir.files import read_json, write_json

USER_ERROR = 2
SOME_INPUTS_FAILED = 3
WORST_LOSS = 1e6
"""Objective of a painting that failed: no loss comes near it, and optimisers want something finite."""


def run_script(config: DictConfig, work: Callable[[Path], float | None], *, worst: float = 0.0) -> float | None:
    """Do `work` in the folder that Hydra has made for it, and return the objective it returns.

    A run of its own ends with exit code 2 and the message alone when a `PochoirError` comes out, with 3 when only some
    of its inputs failed. A job of a multirun never fails its neighbours: how it ended is written to status.json and an
    error makes its objective `worst`, which is finite, as optimisers want it; a job that has finished in this folder is
    not done again. Both leave run.md.
    """
    folder = Path(HydraConfig.get().runtime.output_dir)
    if HydraConfig.get().mode == RunMode.MULTIRUN:
        return _job(config, work, folder, worst)
    try:
        objective = work(folder)
    except PochoirError as error:
        _write_page(config, folder, str(error))
        fail(error)
    _write_page(config, folder)
    return objective


def fail(error: PochoirError) -> None:
    """End the program with an error's message and exit code."""
    print(f"{type(error).__name__}: {error}", file=sys.stderr)
    sys.exit(SOME_INPUTS_FAILED if isinstance(error, SomeInputsFailedError) else USER_ERROR)


def _job(config: DictConfig, work: Callable[[Path], float | None], folder: Path, worst: float) -> float | None:
    overrides = list(HydraConfig.get().overrides.task)
    earlier = read_json(folder / STATUS)
    if earlier is not None and earlier["overrides"] != overrides:
        fail(
            ConfigError(
                f"{folder} holds a job of {' '.join(earlier['overrides'])}, now {' '.join(overrides)}: a sweep is "
                "continued by its own command; choose another hydra.sweep.dir"
            )
        )
    if earlier is not None and earlier["status"] == "finished":
        print(f"{folder}: finished already")
        return earlier["objective"]
    started = time.perf_counter()
    status: dict[str, Any] = {"status": "running", "overrides": overrides}
    write_json(folder / STATUS, status)
    try:
        objective = work(folder)
        status.update(status="finished", objective=objective)
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
    if os.environ.get("LOCAL_RANK", "0") == "0":  # one process of several tells for all
        write_run_page(folder, OmegaConf.to_container(config), error=error)
