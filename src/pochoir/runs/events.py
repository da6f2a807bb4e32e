"""A run's side of logging: what it logs to, and the line by which it is compared."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger

from pochoir.config import Settings
from pochoir.experiments.records import flat, run_label, swept_settings, swept_values
from pochoir.inspection.loggers import build_logger, log_outcome


def logger_in(folder: Path, kind: str) -> Logger:
    """The logger of a run; a job of a sweep is called by what that varies."""
    return build_logger(kind, folder, run_label(swept_values(folder)))


def all_settings(settings: Settings) -> dict[str, Any]:
    """Settings, flat and in JSON's types."""
    return flat(settings.model_dump(mode="json"), ".")


def show_outcome(logger: Logger | None, folder: Path, settings: Settings, outcome: Mapping[str, float]) -> None:
    """Settings and metrics that runs are compared by: of a job of a sweep what that varies, else all settings."""
    log_outcome(logger, swept_settings(folder) or all_settings(settings), outcome)
