"""Lightning's Trainer takes any argument from a config, and checkpoints are written whole."""

import errno
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.demos.boring_classes import BoringModel

from pochoir.config import load_config
from pochoir.errors import ConfigError, StorageError
from pochoir.trainer import build_trainer


def trainer(*overrides: str, **fixed: Any) -> pl.Trainer:
    settings = load_config("train_seg", ["trainer.accelerator=cpu", *overrides]).trainer
    return build_trainer(settings, callbacks=[], logger=False, **{"enable_checkpointing": False, **fixed})


def test_any_argument_reaches_the_trainer() -> None:
    built = trainer(
        "trainer.max_steps=7", "trainer.max_time=00:00:01:00", "trainer.num_nodes=2", "trainer.min_epochs=2"
    )
    assert (built.max_steps, built.min_epochs, built.num_nodes) == (7, 2, 2)
    assert any(isinstance(callback, pl.callbacks.Timer) for callback in built.callbacks)


def test_counts_are_counts_and_shares_are_shares() -> None:
    built = trainer("trainer.limit_train_batches=2", "trainer.limit_val_batches=0.5")
    assert (built.limit_train_batches, built.limit_val_batches) == (2, 0.5)
    assert isinstance(built.limit_train_batches, int)
    assert trainer("trainer.limit_train_batches=1").limit_train_batches == 1
    assert isinstance(trainer("trainer.limit_train_batches=1").limit_train_batches, int)


def test_what_a_task_decides_stands_above_the_settings() -> None:
    assert trainer("trainer.max_epochs=3", max_epochs=5).max_epochs == 5


@pytest.mark.parametrize("override", ["trainer.strategy=dpp", "trainer.max_steps=abc", "trainer.max_time=soon"])
def test_what_lightning_refuses_is_told(override: str) -> None:
    with pytest.raises(ConfigError, match=r"^trainer: "):
        trainer(override)


def test_a_painting_refuses_what_would_harm_it() -> None:
    with pytest.raises(ConfigError, match=r"trainer\.devices: cannot be given, as it has one meaning only"):
        load_config("stylize", ["trainer.devices=2"])
    assert load_config("stylize", ["trainer.detect_anomaly=true"]).trainer.arguments()["detect_anomaly"] is True


def test_a_full_disk_leaves_the_checkpoint_before_it_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "full")

    class FullDisk(pl.Callback):
        def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
            if trainer.current_epoch == 1:
                monkeypatch.setattr(Path, "replace", full)

    settings = load_config("train_seg", ["trainer.accelerator=cpu", "trainer.max_epochs=2"]).trainer
    last = ModelCheckpoint(tmp_path, "last", save_on_train_epoch_end=True, enable_version_counter=False)
    built = build_trainer(settings, callbacks=[FullDisk(), last], logger=False, limit_train_batches=2)
    with pytest.raises(StorageError, match=r"last\.ckpt cannot be written: the disk is full"):
        built.fit(BoringModel())
    assert torch.load(tmp_path / "last.ckpt", weights_only=True)["epoch"] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]
