"""A training run from its typed config: data, module, callbacks, Trainer, and the record it leaves."""

import logging
import time
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import (
    EarlyStopping,
    EMAWeightAveraging,
    LearningRateMonitor,
    RichProgressBar,
)
from pytorch_lightning.loggers import TensorBoardLogger
from rich.console import Console
from rich.table import Table

from pochoir.config import TrainSegConfig
from pochoir.data.datamodule import SegmentationData
from pochoir.devices import check_devices
from pochoir.errors import ConfigError
from pochoir.experiments.records import flat
from pochoir.experiments.versions import versions
from pochoir.files import write_json
from pochoir.images import write_image
from pochoir.inspection.panels import ValidationPanels
from pochoir.inspection.samples import augmented_grid, report_samples
from pochoir.inspection.tensorboard import event_logger, log_outcome, show_charts, show_config, writer_of
from pochoir.runs.checkpoints import OBJECTIVE, BestCheckpoint, last_checkpoint
from pochoir.segmentation.history import History
from pochoir.segmentation.module import SegmentationModule
from pochoir.weights import checkpoint_state, load_strictly, network_state, read_checkpoint

START_SAMPLES = 8
CHARTS = {
    "losses": {"train": ["^train/loss"]},
    "average precision": {"mask": ["^val/mask_ap"], "box": ["^val/box_ap"]},
}


def train(config: TrainSegConfig, folder: Path) -> float | None:
    """Fine-tune, evaluate and record into `folder`; returns the best validation mask AP in [0, 1].

    Writes checkpoints/best.ckpt and last.ckpt, event files, split.json, samples.png (augmented), metrics.json and
    predictions/. A run that was broken off in this folder is continued from its last.ckpt. With
    `check_data` only the dataset is looked at and None returned. Raises `PochoirError`s with plain messages.
    """
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)  # no advertisements
    warnings.filterwarnings("ignore", message=".*LeafSpec.*", module="pytorch_lightning")
    torch.set_flush_denormal(True)  # an untrained mask head's denormal gradients slow a CPU twentyfold
    check_devices(config.trainer.accelerator, config.trainer.devices)
    pl.seed_everything(config.seed, verbose=False)
    data = SegmentationData(config.dataset, config.augment, seed=config.seed)
    if config.check_data:
        report_samples(data, folder)
        return None
    if not data.split.val:
        raise ConfigError("dataset.val: there are no validation photos, so no AP to choose the best weights by")
    module = SegmentationModule(
        config.segmenter,
        config.optim,
        seed=config.seed,
        split_digest=data.split.digest(),
        channels_last=config.trainer.channels_last,
    )
    ckpt = Path(config.ckpt).expanduser() if config.ckpt else folder / "checkpoints" / "last.ckpt"
    if config.ckpt is None and ckpt.exists():
        print(f"Continuing {ckpt}")
    if config.ckpt or ckpt.exists():
        check_resumable(module, ckpt)
    history = History()
    trainer = build_trainer(config, folder, data, history)
    if trainer.is_global_zero:
        data.split.write(folder / "split.json")
        _show_start(trainer, config, data, folder)

    started = time.perf_counter()
    _fit(trainer, module, data, ckpt, folder)
    test = _tested(trainer, module, data, folder)
    if trainer.is_global_zero:
        seconds = time.perf_counter() - started
        write_json(folder / "metrics.json", _metrics(config, data, history, test, seconds))
        _log_outcome(trainer, config, history, folder)
        _print_table(history, folder)
    return history.best["mask_ap"] if history.best else None


def build_trainer(config: TrainSegConfig, folder: Path, data: SegmentationData, history: History) -> pl.Trainer:
    """Lightning's Trainer with the callbacks that the config asks for."""
    settings = config.trainer
    panels = ValidationPanels(data.val, folder / "predictions", shown=config.shown, threshold=config.show_threshold)
    callbacks: list[pl.Callback] = [history, panels, LearningRateMonitor(logging_interval="step")]
    if settings.ema_decay > 0:
        callbacks.append(EMAWeightAveraging(decay=settings.ema_decay))
    if settings.early_stopping > 0:
        callbacks.append(EarlyStopping(OBJECTIVE, mode="max", patience=settings.early_stopping))
    if settings.progress_bar:
        callbacks.append(RichProgressBar())
    callbacks += [BestCheckpoint(folder / "checkpoints"), last_checkpoint(folder / "checkpoints")]
    return pl.Trainer(
        accelerator=settings.accelerator,
        devices=settings.devices,
        strategy=settings.strategy,
        precision=settings.precision,  # type: ignore[arg-type]
        max_epochs=settings.max_epochs,
        check_val_every_n_epoch=validation_interval(settings.max_epochs, settings.check_val_every_n_epoch),
        limit_train_batches=_count_or_share(settings.limit_train_batches),
        limit_val_batches=_count_or_share(settings.limit_val_batches),
        accumulate_grad_batches=settings.accumulate_grad_batches,
        gradient_clip_val=settings.gradient_clip or None,
        log_every_n_steps=settings.log_every_n_steps,
        enable_progress_bar=settings.progress_bar,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,  # the samplers of SegmentationData know about processes
        logger=event_logger(folder),
        callbacks=callbacks,
    )


def validation_interval(max_epochs: int, at_most: int) -> int:
    """The largest number of epochs up to `at_most` that divides `max_epochs`: the last epoch is always measured."""
    return next(epochs for epochs in range(min(at_most, max_epochs), 0, -1) if max_epochs % epochs == 0)


def check_resumable(module: SegmentationModule, ckpt: Path) -> None:
    """Raise `WeightsError` or `ConfigError` unless `ckpt` continues this very network on this very split."""
    checkpoint = read_checkpoint(ckpt)
    load_strictly(module.network, network_state(checkpoint, ckpt), str(ckpt))
    if "optimizer_states" not in checkpoint:
        raise ConfigError(f"ckpt: {ckpt} holds weights only; start a new run from it with segmenter.weights={ckpt}")
    digest = checkpoint["hyper_parameters"]["split_digest"]
    if digest != module.hparams["split_digest"]:
        raise ConfigError(
            f"ckpt: {ckpt} was trained on another split ({digest}, now {module.hparams['split_digest']}): its "
            "validation photos may be trained on. Give the run's split.json as dataset.split_file"
        )


def _fit(trainer: pl.Trainer, module: SegmentationModule, data: SegmentationData, ckpt: Path, folder: Path) -> None:
    try:
        trainer.fit(module, datamodule=data, ckpt_path=ckpt if ckpt.exists() else None, weights_only=True)
    except SystemExit:  # Lightning's answer to Ctrl-C
        last = folder / "checkpoints" / "last.ckpt"
        advice = f"continue with ckpt={last}" if last.exists() else "no epoch was finished, so there is no checkpoint"
        print(f"Interrupted in epoch {trainer.current_epoch + 1}; {advice}")
        raise


def _show_start(trainer: pl.Trainer, config: TrainSegConfig, data: SegmentationData, folder: Path) -> None:
    """The config, the layout of the charts, and augmented samples as they are trained on."""
    samples = augmented_grid(data.train, START_SAMPLES)
    write_image(folder / "samples.png", samples)
    if (writer := writer_of(trainer)) is not None:
        show_config(writer, config)
        show_charts(writer, CHARTS)
        writer.add_image("train/samples", samples, 0, dataformats="HWC")


def _log_outcome(trainer: pl.Trainer, config: TrainSegConfig, history: History, folder: Path) -> None:
    if isinstance(trainer.logger, TensorBoardLogger) and history.best is not None:
        outcome = {f"best/{name}": history.best[name] for name in ("mask_ap", "mask_ap50", "box_ap")}
        log_outcome(trainer.logger, folder, flat(asdict(config), "."), outcome)


def _count_or_share(value: float | None) -> int | float | None:
    return int(value) if value is not None and value >= 1 else value


def _tested(trainer: pl.Trainer, module: SegmentationModule, data: SegmentationData, folder: Path) -> Any:
    if not data.split.test:
        return None
    # not by ckpt_path: that would restore the callbacks of the best epoch too, History among them
    best = folder / "checkpoints" / "best.ckpt"
    load_strictly(module.network, checkpoint_state(best), str(best))
    trainer.test(module, datamodule=data, verbose=False)
    assert module.evaluation is not None
    return module.evaluation.metrics


def _metrics(config: TrainSegConfig, data: SegmentationData, history: History, test: Any, seconds: float) -> Any:
    return {
        "last": history.last,
        "best": history.best,
        "test_of_best": test,
        "history": history.rows,
        "split": {part: len(names) for part, names in asdict(data.split).items()},
        "split_digest": data.split.digest(),
        "seconds": round(seconds, 1),
        "train_seconds": round(history.train_seconds, 1),
        "train_images_per_second": round(history.train_images / max(history.train_seconds, 1e-9), 3),
        "seed": config.seed,
        "versions": versions(),
    }


def _print_table(history: History, folder: Path) -> None:
    table = Table(title="Average precision on the validation photos")
    names = ("mask_ap", "mask_ap50", "mask_ap75", "box_ap", "box_ap50", "box_ap75")
    for column in ("", "epoch", *names):
        table.add_column(column, justify="right")
    for title, row in (("last", history.last), ("best", history.best)):
        if row is not None:
            table.add_row(title, f"{row['epoch']}", *(f"{row[name]:.3f}" for name in names))
    console = Console()
    console.print(table)
    console.print(
        f"Truth beside prediction: {folder / 'predictions' / 'sheet.png'}\nLook at it: tensorboard --logdir {folder}",
        highlight=False,
        soft_wrap=True,
    )
