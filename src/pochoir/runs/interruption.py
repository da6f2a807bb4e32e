"""Ctrl-C while a picture is painted: the step is finished, a checkpoint kept, and then the run ends."""

import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytorch_lightning as pl

from pochoir.experiments.records import SWEEP

log = logging.getLogger(__name__)


class CheckpointOnInterrupt(pl.Callback):
    """Saves to `path` at the end of the step in which SIGINT or SIGTERM came, then raises `KeyboardInterrupt`.

    Within a step the optimiser's state is half changed. A second signal is not waited for.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.interrupted = False
        self._before: dict[int, Any] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                self._before[number] = signal.signal(number, self._remember)
            except ValueError:  # signals belong to the main thread; another one cannot be interrupted
                return

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if self.interrupted:
            trainer.save_checkpoint(self.path)
            raise KeyboardInterrupt

    def teardown(self, trainer: pl.Trainer, pl_module: Any, stage: str) -> None:
        self._restore()

    def on_exception(self, trainer: pl.Trainer, pl_module: Any, exception: BaseException) -> None:
        self._restore()

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self.interrupted = True
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}


@contextmanager
def told_how_to_continue(folder: Path) -> Iterator[None]:
    """Say how to go on with what Ctrl-C ends, and end the program."""
    try:
        yield
    except KeyboardInterrupt:
        in_sweep = (folder.parent / SWEEP).is_file()
        place = f"hydra.sweep.dir={folder.parent}" if in_sweep else f"hydra.run.dir={folder}"
        log.info("Interrupted; continue by the same command with %s", place)
        sys.exit(1)
