"""The one place that builds Lightning's Trainer: any of its arguments from a config, and checkpoints written whole."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.plugins.io import TorchCheckpointIO
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from pochoir.config.training import TrainerConfig
from pochoir.devices import check_devices
from pochoir.errors import ConfigError
from pochoir.files import written

T = TypeVar("T")
SHARES = ("limit_train_batches", "limit_val_batches", "limit_test_batches", "val_check_interval", "overfit_batches")
"""Arguments that Lightning takes for a share when they are floats, for a count when they are integers."""


class AtomicCheckpoints(TorchCheckpointIO):
    """Checkpoints that appear by one rename: a full disk leaves the one before as it was."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        with written(Path(path)) as file:
            torch.save(checkpoint, file)


def build_trainer(config: TrainerConfig, *, callbacks: Sequence[pl.Callback], **fixed: Any) -> pl.Trainer:
    """A Trainer with what the config says and what the task itself decides; it draws no bar of its own and no summary.

    Raises `ConfigError` for a device that is not there, and for what Lightning refuses.
    """
    arguments = {**config.arguments(), **fixed}
    arguments.update({name: _count_or_share(arguments[name]) for name in SHARES if name in arguments})
    check_devices(config.accelerator, arguments.get("devices", 1))
    # where Lightning keeps what it continues on SLURM; it would be the working directory, which several runs share
    arguments["default_root_dir"] = next(
        (each.dirpath for each in callbacks if isinstance(each, ModelCheckpoint)), None
    )
    arguments.update(enable_progress_bar=False, plugins=[AtomicCheckpoints()], callbacks=list(callbacks))
    arguments.setdefault("enable_model_summary", False)
    try:
        return pl.Trainer(**arguments)
    except (MisconfigurationException, ValueError, TypeError, RuntimeError) as error:
        raise ConfigError(f"trainer: {error}") from error


def _count_or_share(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value >= 1 else value


def gathered(trainer: pl.Trainer, items: list[T]) -> list[T]:
    """The items of all processes, in the order of their ranks."""
    if trainer.world_size == 1:
        return items
    everyone: list[Any] = [None] * trainer.world_size
    torch.distributed.all_gather_object(everyone, items)
    return [item for part in everyone for item in part]
