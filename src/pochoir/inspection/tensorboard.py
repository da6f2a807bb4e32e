"""The TensorBoard side of a Trainer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from omegaconf import OmegaConf
from pytorch_lightning.loggers import TensorBoardLogger

from pochoir.experiments.records import short_names, swept_values, typed

LABEL_LETTERS = 120


def event_logger(folder: Path) -> TensorBoardLogger:
    """A run's logger. In a sweep, the events lie in a folder named by the swept values: TensorBoard's run name."""
    return TensorBoardLogger(folder, name="", version=run_label(swept_values(folder)), default_hp_metric=False)


def run_label(swept: Mapping[str, str]) -> str:
    """`style_weight=10 style_layers=relu1_1,relu2_1`: short keys, nothing that a file's name cannot hold."""
    names = short_names(swept)
    label = " ".join(f"{names[key]}={value.strip('[]')}" for key, value in swept.items())
    return label.replace("/", "_")[:LABEL_LETTERS]


def writer_of(trainer: pl.Trainer) -> Any:
    """The Trainer's event writer, or None where it logs elsewhere or not at all."""
    loggers = [logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]
    return loggers[0].experiment if loggers else None


def show_config(writer: Any, config: Any) -> None:
    """Write a typed config as text, in YAML."""
    writer.add_text("config", f"```yaml\n{OmegaConf.to_yaml(OmegaConf.structured(config))}\n```")


def show_charts(writer: Any, charts: Mapping[str, Mapping[str, list[str]]]) -> None:
    """Lay out custom scalars: section -> chart -> regular expressions of the tags that it shows together."""
    layout = {section: {name: ["Multiline", tags] for name, tags in parts.items()} for section, parts in charts.items()}
    writer.add_custom_scalars(layout)


def log_outcome(
    logger: TensorBoardLogger, folder: Path, settings: Mapping[str, Any], metrics: Mapping[str, float]
) -> None:
    """Write a run's line of the HParams tab: its final metrics, and of the settings those that the sweep around it
    varies, or all of a run of its own.
    """
    swept = {key: typed(value) for key, value in swept_values(folder).items()}
    everything = {
        name: value if isinstance(value, bool | int | float) else str(value) for name, value in settings.items()
    }
    logger.log_hyperparams(swept or everything, dict(metrics))
    logger.finalize("success")
