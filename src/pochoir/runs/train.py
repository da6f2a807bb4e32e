"""Python's way to train: what the command does, from a notebook or a program."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import yaml

from pochoir.config import load_config
from pochoir.devices import is_main_process
from pochoir.errors import ConfigError, suggestion
from pochoir.experiments.records import Run, read_run
from pochoir.files import write_bytes
from pochoir.runs.job import at_work, run

TRAININGS = ("train_seg", "train_painter")


def train(task: str = "train_seg", overrides: Sequence[str] = (), folder: str | Path | None = None) -> Run:
    """Train as `pochoir train_seg …` does: `pochoir.train("train_seg", ["dataset=pennfudan", "seed=1"])`.

    folder: where the run goes; None: outputs/<task>/<date>_<time>/. A run that was broken off in it is continued.
    Returns what the run has left: its folder, metrics such as `best/mask_ap` or `best/loss`, a picture; nothing in the
    processes that Lightning starts to help. Raises `PochoirError`s with plain messages, `ConfigError` with all that is
    wrong with the settings.
    """
    if task not in TRAININGS:
        raise ConfigError(f"'{task}' trains nothing; there is {', '.join(TRAININGS)}{suggestion(task, TRAININGS)}")
    settings = load_config(task, overrides)
    folder = Path(folder or f"outputs/{task}/{datetime.now():%Y-%m-%d_%H-%M-%S}").expanduser()
    with at_work(task, settings, folder):
        if is_main_process():  # Lightning may start this very program for others, which only help
            asked = {"config": settings.model_dump(mode="json"), "overrides": list(overrides)}
            for name, content in asked.items():  # where the command leaves them, too
                write_bytes(folder / ".hydra" / f"{name}.yaml", yaml.safe_dump(content, sort_keys=False).encode())
        run(task, settings, folder)
    return read_run(folder)
