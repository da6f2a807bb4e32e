"""What ends a run from outside (Ctrl-C, kill, SLURM): a step is finished, a checkpoint kept, and told how to go on."""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments import SLURMEnvironment
from pytorch_lightning.callbacks import Checkpoint

from pochoir.experiments.records import sweep_around

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGUSR1", "SIGUSR2") if hasattr(signal, name)]
"""Ctrl-C, kill, and the warnings that SLURM (USR1) and submitit (USR2) give before a job's time is up."""
UNHEARD = (signal.SIG_IGN, None)
"""Handlers of signals that are not meant for the run, as Ctrl-C is not for what a shell started in the background."""

log = logging.getLogger(__name__)


class EndedBySignal(SystemExit):
    """Ends the program with the exit code that a shell gives for a signal: 128 and its number."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number


class CheckpointOnSignal(Checkpoint):
    """Saves to `path` after the step in which a signal came, then raises `EndedBySignal`.

    Within a step the optimiser's state is half changed, and a validation looks at averaged weights: at the last step of
    an epoch, the epoch ends first. A second signal is not waited for. Of several processes all end with the one that
    the signal came to. Handlers that others have for a signal (submitit, Lightning on SLURM: both have the job queued
    again) are called once the checkpoint is written, and decide whether the run goes on. Raises nothing where the
    Trainer is not run by the main thread, which alone can hear signals.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._number = 0
        """Of the signal that came; 0: none did."""
        self._told = False
        self._replaced: dict[int, Any] = {}
        self._others: dict[int, Any] = {}

    def setup(self, trainer: pl.Trainer, pl_module: Any, stage: str) -> None:
        # Lightning's own handler of SIGTERM, which comes after this, would end with exit code 0 and keep nothing
        self._others = {signal.SIGTERM: signal.getsignal(signal.SIGTERM)}

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        if threading.current_thread() is threading.main_thread():
            found = {number: signal.getsignal(number) for number in SIGNALS}
            self._replaced = {number: handler for number, handler in found.items() if handler not in UNHEARD}
            self._others = {**self._replaced, **self._others}
            self._hear(dict.fromkeys(SIGNALS, self._remember))

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        whole = (batch_idx + 1) % trainer.accumulate_grad_batches == 0
        if whole and not trainer.is_last_batch:
            self._end_if_asked_to(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self._end_if_asked_to(trainer)

    def on_validation_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if self._number and not self._told:
            log.info("%s: the validation ends first; the same once more ends all at once", _name(self._number))
            self._told = True

    def on_train_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self._hear(self._replaced)

    def on_exception(self, trainer: pl.Trainer, pl_module: Any, exception: BaseException) -> None:
        self._hear(self._replaced)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self._number = number
        self._hear(self._others)

    def _hear(self, handlers: dict[int, Any]) -> None:
        for number in self._replaced:
            signal.signal(number, handlers[number])

    def _end_if_asked_to(self, trainer: pl.Trainer) -> None:
        number = self._number
        if trainer.world_size > 1:
            here = torch.tensor(number, device=trainer.strategy.root_device)
            number = int(trainer.strategy.reduce(here, reduce_op="max"))
        if not number:
            return
        trainer.save_checkpoint(self.path, weights_only=False)
        log.info("%s: %s is written", _name(number), self.path)
        others = self._others.get(number)
        if not callable(others) or others is signal.default_int_handler:
            raise EndedBySignal(number)
        others(number, None)
        self._number, self._told = 0, False
        self._hear(dict.fromkeys(SIGNALS, self._remember))


@contextmanager
def told_how_to_continue(folder: Path) -> Iterator[None]:
    """Say how to go on with what a signal ends, wherever in a run it comes, and end the program by `EndedBySignal`."""
    before = _heard()
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as end:
        number = _signal_of(end)
        if number is None:
            raise
        sweep = sweep_around(folder)
        place = f"hydra.run.dir={folder}" if sweep is None else f"hydra.sweep.dir={sweep}"
        log.info("Ended by %s; continue by the same command with %s", _name(number), place)
        raise EndedBySignal(number) from None
    finally:
        for other, handler in before.items():
            signal.signal(other, handler)


@contextmanager
def held_back() -> Iterator[None]:
    """Do to its end what must not be half done; a signal that comes meanwhile is heard afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in SIGNALS}
    heard = {number: handler for number, handler in before.items() if handler not in UNHEARD}
    for number in heard:
        signal.signal(number, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        for number, handler in heard.items():
            signal.signal(number, handler)
    for number in came:
        signal.raise_signal(number)


def _heard() -> dict[int, Any]:
    """Have signals that nobody hears end the program by an exception; returns the handlers that they had."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    quiet = [number for number in SIGNALS if signal.getsignal(number) is signal.SIG_DFL]
    if SLURMEnvironment.detect():  # Lightning has the job queued again, if it finds this one free
        quiet = [number for number in quiet if number != signal.SIGUSR1]
    return {number: signal.signal(number, _end) for number in quiet}


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise EndedBySignal(number)


def _signal_of(end: BaseException) -> int | None:
    """The signal that a program ends by; None where it ends for another reason."""
    if isinstance(end, EndedBySignal):
        return end.number
    # what Lightning makes of Ctrl-C
    by_hand = isinstance(end, KeyboardInterrupt) or isinstance(end.__context__, KeyboardInterrupt)
    return signal.SIGINT if by_hand else None


def _name(number: int) -> str:
    return signal.Signals(number).name
