"""What every validation measured and how long the epochs took; part of the checkpoint, so that it survives a resume."""

import time
from typing import Any

import pytorch_lightning as pl


class History(pl.Callback):
    """`rows`: one dictionary a validation with `epoch` (from 1), the metrics without prefix, and seconds so far.

    `train_seconds` and `train_images` sum over all epochs, validation left out: their ratio is the training speed.
    objective: the metric that tells the best row, the highest or by mode `min` the lowest. What validated is a module
    whose `evaluation.metrics` are its numbers by name.
    """

    def __init__(self, objective: str, *, mode: str = "max") -> None:
        self.objective = objective
        self.mode = mode
        self.rows: list[dict[str, float]] = []
        self.train_seconds = 0.0
        self.train_images = 0
        self.val_seconds = 0.0
        self._started = 0.0

    @property
    def best(self) -> dict[str, float] | None:
        """The row of the best objective, the first of equals."""
        best = max if self.mode == "max" else min
        return best(self.rows, key=lambda row: row[self.objective], default=None)

    @property
    def last(self) -> dict[str, float] | None:
        return self.rows[-1] if self.rows else None

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if self._started == 0.0:
            self._started = time.perf_counter()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        now = time.perf_counter()
        self.train_seconds += now - self._started
        self._started = now  # loading the next batch counts as training
        self.train_images += len(batch[0]) * trainer.world_size

    def on_validation_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self._val_started = time.perf_counter()
        self._started = 0.0

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self.val_seconds += time.perf_counter() - self._val_started
        self._started = 0.0
        if pl_module.evaluation is not None and trainer.state.fn == "fit":
            seconds = round(self.train_seconds + self.val_seconds, 1)
            metrics = {name: round(value, 4) for name, value in pl_module.evaluation.metrics.items()}
            self.rows.append({"epoch": trainer.current_epoch + 1, "seconds": seconds, **metrics})

    def state_dict(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "train_seconds": self.train_seconds,
            "train_images": self.train_images,
            "val_seconds": self.val_seconds,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for name, value in state_dict.items():
            setattr(self, name, value)
