"""The TensorBoard side of a Trainer."""

from typing import Any

import pytorch_lightning as pl
from omegaconf import OmegaConf
from pytorch_lightning.loggers import TensorBoardLogger


def writer_of(trainer: pl.Trainer) -> Any:
    """The Trainer's event writer, or None where it logs elsewhere or not at all."""
    loggers = [logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]
    return loggers[0].experiment if loggers else None


def show_config(writer: Any, config: Any) -> None:
    """Write a typed config as text, in YAML."""
    writer.add_text("config", f"```yaml\n{OmegaConf.to_yaml(OmegaConf.structured(config))}\n```")
