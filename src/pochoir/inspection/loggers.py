"""The one place that knows loggers: what a run shows goes to the one that it logs to, if that one takes such things."""

import logging
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import yaml
from pydantic import BaseModel
from pytorch_lightning.loggers import CSVLogger, Logger, MLFlowLogger, TensorBoardLogger, WandbLogger
from pytorch_lightning.utilities import rank_zero_only

from pochoir.errors import ConfigError
from pochoir.images import Pixels
from pochoir.images.overlays import within

PICTURE_SIDE = 1024
"""Longest side in pixels of pictures that are logged; those of the run's folder are as large as they are."""
PICTURES = 4
"""Of a kind, at most: every one is kept at every step that shows it."""
PROJECT = "pochoir"
"""What Weights & Biases (project) and MLflow (experiment) list runs under."""

log = logging.getLogger(__name__)


def build_logger(kind: str, folder: Path, label: str = "") -> Logger:
    """The logger of a run: tensorboard, csv, wandb or mlflow. label: what it calls the run; empty: as the folder.

    TensorBoard and CSV write into `folder`, the events into a folder there that is named by the label; wandb and mlflow
    to where their own environment variables say. Raises `ConfigError` where they refuse.
    """
    match kind:
        case "csv":
            _tell_once("logger=csv keeps numbers and settings; pictures lie in the run's folder alone")
            return _csv_logger(folder / label)
        case "wandb" | "mlflow":
            try:
                return (_wandb_logger if kind == "wandb" else _mlflow_logger)(folder, label or folder.name)
            except Exception as error:  # theirs are many: no account, no server, an unknown address
                offline = "; WANDB_MODE=offline keeps the run in its folder, for `wandb sync`"
                raise ConfigError(f"logger: {kind}: {error}{offline if kind == 'wandb' else ''}") from error
    return TensorBoardLogger(folder, name="", version=label, default_hp_metric=False)


def _csv_logger(folder: Path) -> Logger:
    earlier = folder / "metrics.csv"
    if earlier.exists():  # of the session that is continued: the logger would remove it
        earlier.rename(folder / f"metrics_{len(list(folder.glob('metrics*.csv')))}.csv")
    return CSVLogger(folder, name="", version="")


def _wandb_logger(folder: Path, label: str) -> Logger:
    import wandb

    wandb.finish()  # of the picture before: it would be gone on with
    logger = WandbLogger(name=label, save_dir=folder, project=PROJECT, settings=wandb.Settings(silent=True))
    assert logger.experiment is not None  # begins it: without an account this is where it ends
    return logger


def _mlflow_logger(folder: Path, label: str) -> Logger:
    import mlflow

    logger = MLFlowLogger(PROJECT, label, tracking_uri=mlflow.get_tracking_uri())
    assert logger.experiment is not None
    return logger


def logger_of(trainer: pl.Trainer) -> Logger | None:
    """What a Trainer logs to; None where it logs nothing."""
    return trainer.loggers[0] if trainer.loggers else None


def where_to_look(logger: Logger | None, folder: Path) -> str:
    """What shows what was logged: a command, or a place."""
    match logger:
        case CSVLogger():
            return str(Path(logger.log_dir) / "metrics.csv")
        case WandbLogger():
            run = logger.experiment
            return f"wandb sync {Path(run.dir).parent}" if run.offline else str(run.url)
        case MLFlowLogger():
            return f"mlflow ui --backend-store-uri {logger._tracking_uri}"
    return f"tensorboard --logdir {folder}"


@rank_zero_only
def add_picture(logger: Logger | None, tag: str, pixels: Pixels, step: int) -> None:
    """Show a picture, made no larger than `PICTURE_SIDE`; nothing where the logger takes none."""
    pixels = within(pixels, PICTURE_SIDE)
    match logger:
        case TensorBoardLogger():
            logger.experiment.add_image(tag, pixels, step, dataformats="HWC")
        case WandbLogger():
            logger.log_image(tag, [pixels], step)
        case MLFlowLogger():
            logger.experiment.log_image(logger.run_id, pixels, key=tag, step=step)


@rank_zero_only
def show_config(logger: Logger | None, config: BaseModel) -> None:
    """Log typed settings: as text, in YAML, or as what the logger calls a config."""
    values = config.model_dump(mode="json")
    text = yaml.safe_dump(values, sort_keys=False)
    match logger:
        case TensorBoardLogger():
            logger.experiment.add_text("config", f"```yaml\n{text}\n```")
        case WandbLogger():
            logger.experiment.config.update(values, allow_val_change=True)
        case MLFlowLogger():
            logger.experiment.log_text(logger.run_id, text, "config.yaml")


@rank_zero_only
def show_charts(logger: Logger | None, charts: Mapping[str, Mapping[str, list[str]]]) -> None:
    """Lay out charts: section -> chart -> regular expressions of the tags that it shows together.

    TensorBoard alone wants it; the others' pages are laid out by their readers.
    """
    if isinstance(logger, TensorBoardLogger):
        layout = {
            section: {name: ["Multiline", tags] for name, tags in parts.items()} for section, parts in charts.items()
        }
        logger.experiment.add_custom_scalars(layout)


@rank_zero_only
def log_outcome(logger: Logger | None, settings: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
    """Write what runs are compared by: settings, of which lists and the like are shown as text, and final metrics."""
    shown = {name: value if isinstance(value, bool | int | float) else str(value) for name, value in settings.items()}
    match logger:
        case None:
            return
        case TensorBoardLogger():
            logger.log_hyperparams(shown, dict(metrics))  # the line of the HParams tab
        case WandbLogger():
            logger.experiment.summary.update(dict(metrics))
        case _:
            logger.log_hyperparams(shown)
            logger.log_metrics(dict(metrics))
    logger.finalize("success")


@lru_cache
def _tell_once(message: str) -> None:
    log.info(message)
