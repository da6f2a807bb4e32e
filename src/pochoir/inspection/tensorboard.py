"""The TensorBoard side of a Trainer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import yaml
from pydantic import BaseModel
from pytorch_lightning.loggers import TensorBoardLogger

from pochoir.images import Pixels
from pochoir.images.overlays import fit_height

PICTURE_SIDE = 1024
"""Longest side in pixels of pictures in event files; those of the run's folder are as large as they are."""
PICTURES = 4
"""Of a kind, at most: every one is kept at every step that shows it."""


def event_logger(folder: Path, label: str = "") -> TensorBoardLogger:
    """A run's logger. The events lie in a folder named by the label, which is TensorBoard's name of the run."""
    return TensorBoardLogger(folder, name="", version=label, default_hp_metric=False)


def writer_of(trainer: pl.Trainer) -> Any:
    """The Trainer's event writer, or None where it logs elsewhere or not at all."""
    loggers = [logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]
    return loggers[0].experiment if loggers else None


def add_picture(writer: Any, tag: str, pixels: Pixels, step: int) -> None:
    """Show a picture, made no larger than `PICTURE_SIDE`; nothing where there is no writer."""
    if writer is None:
        return
    height, longest = pixels.shape[0], max(pixels.shape[:2])
    if longest > PICTURE_SIDE:
        pixels = fit_height(pixels, max(1, height * PICTURE_SIDE // longest))
    writer.add_image(tag, pixels, step, dataformats="HWC")


def show_config(writer: Any, config: BaseModel) -> None:
    """Write typed settings as text, in YAML."""
    writer.add_text("config", f"```yaml\n{yaml.safe_dump(config.model_dump(mode='json'), sort_keys=False)}\n```")


def show_charts(writer: Any, charts: Mapping[str, Mapping[str, list[str]]]) -> None:
    """Lay out custom scalars: section -> chart -> regular expressions of the tags that it shows together."""
    layout = {section: {name: ["Multiline", tags] for name, tags in parts.items()} for section, parts in charts.items()}
    writer.add_custom_scalars(layout)


def log_outcome(logger: TensorBoardLogger, settings: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
    """Write a run's line of the HParams tab: settings, of which lists and the like are shown as text, and metrics."""
    shown = {name: value if isinstance(value, bool | int | float) else str(value) for name, value in settings.items()}
    logger.log_hyperparams(shown, dict(metrics))
    logger.finalize("success")
