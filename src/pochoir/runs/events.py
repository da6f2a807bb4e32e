"""A run's side of TensorBoard: what every task logs to, and the line that it leaves in the HParams tab."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import TensorBoardLogger

from pochoir.config import Settings
from pochoir.experiments.records import flat, run_label, swept_settings, swept_values
from pochoir.inspection.tensorboard import event_logger, log_outcome


def logger_in(folder: Path) -> TensorBoardLogger:
    """The logger of a run; a job of a sweep is called by what that varies."""
    return event_logger(folder, run_label(swept_values(folder)))


def all_settings(settings: Settings) -> dict[str, Any]:
    """Settings, flat and in JSON's types."""
    return flat(settings.model_dump(mode="json"), ".")


def show_outcome(logger: TensorBoardLogger, folder: Path, settings: Settings, outcome: Mapping[str, float]) -> None:
    """A run's line of the HParams tab: of a job of a sweep what that varies, else all settings."""
    log_outcome(logger, swept_settings(folder) or all_settings(settings), outcome)
