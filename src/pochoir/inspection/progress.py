"""How far a segmenter or a picture is: a bar on a terminal, and lines for logs and wherever a bar cannot be drawn."""

import logging
import time
from collections.abc import Mapping
from datetime import timedelta
from importlib.util import find_spec
from typing import Any

import pytorch_lightning as pl
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from pochoir.stylization.stylizer import Stylizer

BAR_SECONDS = 0.2
"""From one look of the bar to the next: reading losses makes a GPU wait."""
LINE_SECONDS = 60
"""A longer level or epoch has lines on the way."""
MEASURES = ("mask_ap", "mask_ap50", "box_ap", "loss", "style_error", "content_error")
"""Of a validation, those that stand in a line."""

log = logging.getLogger("pochoir.progress")


def progress(name: str = "", *, bar: bool) -> list[pl.Callback]:
    """What tells of a training or a painting: lines always, and a bar where one is wanted and can be drawn.

    name: what stands before them, where several pictures are painted.
    """
    lines: list[pl.Callback] = [ProgressLines(name)]
    return [*lines, ProgressBar(name)] if bar and drawable() else lines


def shows_bar(settings: Any) -> bool:
    """Whether a task of these settings draws a bar, which makes the lines superfluous on a terminal."""
    return getattr(getattr(settings, "trainer", None), "enable_progress_bar", False) and drawable()


def drawable() -> bool:
    console = Console(stderr=True)
    return console.is_terminal or (console.is_jupyter and find_spec("ipywidgets") is not None)


class ProgressBar(pl.Callback):
    """A bar over all levels or epochs: where it is, losses, time passed, and time left by the latest pace."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self._looked = 0.0
        self._progress: Progress | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        parts = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[where]}")
        times = TimeElapsedColumn(), TimeRemainingColumn()
        self._progress = Progress(
            *parts, *times, console=Console(stderr=True), refresh_per_second=1 / BAR_SECONDS, transient=True
        )
        self._task = self._progress.add_task(self.name, total=1.0, where="")
        self._progress.start()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if self._progress is not None and time.perf_counter() - self._looked >= BAR_SECONDS:
            where = f"{place(trainer, pl_module)}: {numbers(losses(trainer, pl_module))}"
            self._progress.update(self._task, completed=share_done(trainer, pl_module), where=where)
            self._looked = time.perf_counter()

    def on_validation_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if self._progress is not None:
            self._progress.update(self._task, where=f"epoch {trainer.current_epoch + 1}: validating")

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._stop()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()


class ProgressLines(pl.Callback):
    """A line a level, an epoch, a validation and a minute: losses or measures, time passed and, by the pace, time left.

    They go to the logger `pochoir.progress`.
    """

    def __init__(self, name: str = "") -> None:
        self.name = f"{name}: " if name else ""

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._started = self._told = time.perf_counter()
        self._done_before = share_done(trainer, pl_module)
        self._told_step = trainer.global_step

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self._losses = losses(trainer, pl_module)  # Lightning forgets them before the epoch's end
        if trainer.is_last_batch or time.perf_counter() - self._told >= LINE_SECONDS:
            self._tell_losses(trainer, pl_module)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self._told_step != trainer.global_step:  # a level that stalled has no last batch
            self._tell_losses(trainer, pl_module)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        if trainer.state.fn == "fit" and not trainer.sanity_checking and pl_module.evaluation is not None:
            found = {name: value for name, value in pl_module.evaluation.metrics.items() if name in MEASURES}
            self._tell(trainer, f"validated after epoch {trainer.current_epoch + 1}: {numbers(found)}")

    def _tell_losses(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._told_step = trainer.global_step
        done, passed = share_done(trainer, pl_module), time.perf_counter() - self._started
        left = passed * (1 - done) / max(done - self._done_before, 1e-9)
        about = f", about {clock(left)} left" if 0 < done < 1 else ""
        self._tell(trainer, f"{place(trainer, pl_module)}: {numbers(self._losses)}", about)

    def _tell(self, trainer: pl.Trainer, text: str, about: str = "") -> None:
        self._told = time.perf_counter()
        if trainer.is_global_zero:
            log.info("%s%s; %s passed%s", self.name, text, clock(self._told - self._started), about)


def share_done(trainer: pl.Trainer, module: pl.LightningModule) -> float:
    """How much of all work is done, in [0, 1]; 0 throughout where the Trainer has no last step.

    A picture's steps are weighed by their work: those of large levels take longer, and of shallow ones less long.
    """
    if isinstance(module, Stylizer):
        levels, level = module.levels, module.level
        done = sum(before.work for before in levels[:level]) + levels[level].look * len(module.totals)
        return done / sum(each.work for each in levels)
    return trainer.global_step / trainer.estimated_stepping_batches


def place(trainer: pl.Trainer, module: pl.LightningModule) -> str:
    """Level or epoch, and the step in it."""
    if isinstance(module, Stylizer):
        level, (height, width) = module.levels[module.level], module.levels[module.level].size
        step = f"step {len(module.totals)}/{level.steps}"
        return f"level {module.level + 1}/{len(module.levels)} ({width}×{height}), {step}"
    epochs = f"/{trainer.max_epochs}" if (trainer.max_epochs or 0) > 0 else ""
    step = f"step {trainer.fit_loop.batch_idx + 1}/{trainer.num_training_batches}"
    return f"epoch {trainer.current_epoch + 1}{epochs}, {step}"


def losses(trainer: pl.Trainer, module: pl.LightningModule) -> dict[str, Any]:
    """The last step's loss and its parts, as numbers or as tensors of one."""
    if isinstance(module, Stylizer):
        return {"loss": module.totals[-1], **module.parts}
    found = trainer.callback_metrics.items()
    return {name.removeprefix("train/"): value for name, value in found if name.startswith("train/")}


def numbers(named: Mapping[str, Any]) -> str:
    return " ".join(f"{name} {float(value):.4g}" for name, value in named.items())


def clock(seconds: float) -> str:
    """Hours, minutes and seconds: 0:01:02."""
    return str(timedelta(seconds=round(seconds)))
