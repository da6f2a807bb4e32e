"""A training run from its typed settings: data, module, Trainer, and the record that it leaves."""

import logging
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import EarlyStopping, LearningRateMonitor

from pochoir.averaging import AveragedWeights
from pochoir.config import TrainSegConfig
from pochoir.data.datamodule import SegmentationData
from pochoir.data.dataset import told_by_worker
from pochoir.data.shrinking import InputSize
from pochoir.data.usable import PURPOSES, first_with_object, require_no_faults, tells_of_objects
from pochoir.devices import check_devices, is_main_process
from pochoir.errors import ConfigError, DataError
from pochoir.experiments.records import differences, flat
from pochoir.experiments.versions import versions
from pochoir.files import write_json
from pochoir.images import write_image
from pochoir.inspection.classes import log_classes
from pochoir.inspection.loggers import add_picture, logger_of, show_charts, show_config, where_to_look
from pochoir.inspection.mistakes import COUNTED
from pochoir.inspection.panels import ValidationPanels
from pochoir.inspection.progress import progress
from pochoir.inspection.samples import augmented_grid, report_samples
from pochoir.runs.checkpoints import BestCheckpoint, last_checkpoint
from pochoir.runs.events import logger_in, show_outcome
from pochoir.runs.history import History
from pochoir.runs.interruption import CheckpointOnSignal, told_how_to_continue
from pochoir.runs.length import Length, LengthTold, length_of
from pochoir.segmentation.classes import classes_in
from pochoir.segmentation.module import SegmentationModule
from pochoir.trainer import build_trainer
from pochoir.weights import checkpoint_state, load_strictly, network_state, read_checkpoint

OBJECTIVE = "val/mask_ap"
"""What the best weights are chosen by."""
START_SAMPLES = 8
CHARTS = {
    "losses": {"train": ["^train/loss"]},
    "average precision": {"mask": ["^val/mask_ap\\d*$"], "box": ["^val/box_ap\\d*$"]},
    "average precision by size": {"mask": ["^val/mask_ap_"], "box": ["^val/box_ap_"]},
}
TABLE = ("mask_ap", "mask_ap50", "mask_ap75", "box_ap", "box_ap50", "box_ap75")
OUTCOME = ("mask_ap", "mask_ap50", "box_ap")
"""What runs are compared by."""

log = logging.getLogger(__name__)


def run(settings: TrainSegConfig, folder: Path) -> float | None:
    """Fine-tune, evaluate and record into `folder`; returns the best validation mask AP in [0, 1].

    Writes checkpoints/best.ckpt and last.ckpt, split.json, samples.png (augmented), metrics.json, predictions/ and what
    its logger writes. A run that was broken off in this folder is continued from its last.ckpt. Of several processes,
    on one machine or more, the main one alone writes; each reads `resume` and the photos. With `check_data` only the
    dataset is looked at and None returned. Raises `PochoirError`s with plain messages.
    """
    check_devices(settings.trainer.accelerator, settings.trainer.devices)  # before anything is fetched
    pl.seed_everything(settings.seed, verbose=False)
    data = opened(settings)
    if settings.check_data:
        if is_main_process():
            report_samples(data, folder, most=settings.segmenter.max_detections, limit=settings.check_limit)
        return None
    require_usable(data, limited=settings.trainer.limit_val_batches is not None)
    module = SegmentationModule(
        settings.segmenter,
        settings.optim,
        classes=data.classes,
        seed=settings.seed,
        split_digest=data.split.digest(),
    )
    ckpt, done = checkpoint_to_go_on_from(settings, folder, module, data)
    history = History("mask_ap")
    panels = ValidationPanels(data.val, folder / "predictions", shown=settings.shown, threshold=settings.show_threshold)
    length = length_of(settings, data.epoch_length)
    if done >= length.epochs:
        log.info("All %d epochs are in %s: nothing is left to do; trainer.max_epochs says more", length.epochs, ckpt)
    trainer = trainer_of(settings, folder, data, length, history, panels)
    if trainer.is_global_zero:
        data.split.write(folder / "split.json")
        _show_start(trainer, settings, data, folder)
    started = time.perf_counter()
    with told_how_to_continue(folder):
        try:
            trainer.fit(module, datamodule=data, ckpt_path=ckpt, weights_only=True)
        except DataError as error:
            raise told_by_worker(error) from None
        test = _tested(trainer, module, data, folder) if len(data.test) and history.best else None
    if trainer.is_global_zero:
        metrics = _metrics(settings, data, history, panels, test, time.perf_counter() - started)
        write_json(folder / "metrics.json", metrics)
        _show_outcome(trainer, settings, data, history, panels, folder)
    return history.best["mask_ap"] if history.best else None


def opened(settings: TrainSegConfig) -> SegmentationData:
    """The photos, before a Trainer asks for them: what is learned depends on the split, and what is drawn on both."""
    network, zoom = settings.segmenter, max(1.0, settings.augment.scale_max)
    seen_at = InputSize(network.min_size, network.max_size, zoom)
    data = SegmentationData(settings.dataset, settings.augment, settings.loader, input_size=seen_at, seed=settings.seed)
    data.prepare_data()
    data.setup()
    if not (data.split.val or settings.check_data):
        raise ConfigError("dataset.val: there are no validation photos, so no AP to choose the best weights by")
    return data


def require_usable(data: SegmentationData, *, limited: bool) -> None:
    """Raise `DataError` that says why unless there are objects to train on and to measure by.

    limited: not all validation photos are looked at; one with an object then comes first. Test photos without any are
    left out with a warning.
    """
    require_no_faults((data.train, data.val, data.test))
    first_with_object(data.train, PURPOSES["train"])
    place = first_with_object(data.val, PURPOSES["val"])
    if limited:
        data.val.indices.insert(0, data.val.indices.pop(place))
    if len(data.test) and not tells_of_objects(data.test):
        data.test.indices.clear()


def trainer_of(
    settings: TrainSegConfig,
    folder: Path,
    data: SegmentationData,
    length: Length,
    history: History,
    panels: ValidationPanels,
) -> pl.Trainer:
    """Lightning's Trainer with the callbacks that the settings ask for."""
    given = settings.trainer
    callbacks = [
        history,
        panels,
        LearningRateMonitor(logging_interval="step"),
        LengthTold(length, data),
        *progress(bar=given.enable_progress_bar),
        BestCheckpoint(folder / "checkpoints", OBJECTIVE),
        last_checkpoint(folder / "checkpoints"),
        CheckpointOnSignal(folder / "checkpoints" / "last.ckpt"),
    ]
    if settings.ema_decay > 0:
        callbacks.append(AveragedWeights(settings.ema_decay))
    if settings.early_stopping > 0:
        callbacks.append(EarlyStopping(OBJECTIVE, mode="max", patience=settings.early_stopping))
    return build_trainer(
        given,
        callbacks=callbacks,
        max_epochs=length.epochs,
        check_val_every_n_epoch=length.interval,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,  # the samplers of SegmentationData know about processes
        logger=logger_in(folder, settings.logger),
    )


def checkpoint_to_go_on_from(
    settings: TrainSegConfig, folder: Path, module: SegmentationModule, data: SegmentationData
) -> tuple[Path | None, int]:
    """The last.ckpt of a run that was broken off in this folder, else what `resume` names, and epochs it finished.

    None begins anew.
    """
    beside = {**data.hparams, "ema_decay": settings.ema_decay > 0}
    ckpt = folder / "checkpoints" / "last.ckpt"
    if ckpt.exists():  # also where the run itself began by resuming another: it has come further since
        log.info("Continuing %s", ckpt)
        if not settings.resume:
            beside["started_from"] = settings.segmenter.weights
    elif settings.resume:
        ckpt = Path(settings.resume).expanduser()
    else:
        return None, 0
    return ckpt, check_resumable(module, ckpt, beside)


def check_resumable(module: SegmentationModule, ckpt: Path, beside: Mapping[str, Any] | None = None) -> int:
    """How many epochs are finished in `ckpt`, which may have been written within the next.

    Raises `WeightsError` or `ConfigError` unless it continues this very training. Compared are classes, network,
    optimiser, seed, and what is given `beside`, as far as the checkpoint tells of them, and the split.
    """
    checkpoint = read_checkpoint(ckpt)
    if "hyper_parameters" in checkpoint and (theirs := classes_in(checkpoint)) != module.classes:
        raise ConfigError(
            f"resume: {ckpt} was trained on the classes {', '.join(theirs)}; now they are {', '.join(module.classes)}. "
            f"Start a new run from it with segmenter.weights={ckpt}"
        )
    load_strictly(module.network, network_state(checkpoint, ckpt), str(ckpt))
    if "optimizer_states" not in checkpoint:
        raise ConfigError(f"resume: {ckpt} holds weights only; start a new run from it with segmenter.weights={ckpt}")
    told = {
        **checkpoint["hyper_parameters"],
        **checkpoint.get("datamodule_hyper_parameters", {}),
        "ema_decay": "averaging_state" in checkpoint,
    }
    decisive = {name: module.hparams[name] for name in ("segmenter", "optim", "seed")} | dict(beside or {})
    there, now = (flat({name: one[name] for name in decisive if name in told}, ".") for one in (told, decisive))
    if changed := differences(there, {**there, **now}):
        raise ConfigError(f"resume: {ckpt} is of a training by other settings; choose another folder:{changed}")
    digest = checkpoint["hyper_parameters"]["split_digest"]
    if digest != module.hparams["split_digest"]:
        raise ConfigError(
            f"resume: {ckpt} was trained on another split ({digest}, now {module.hparams['split_digest']}): its "
            "validation photos may be trained on. Give all settings of that run again, dataset.… among them, or for "
            "other photos its split.json as dataset.split_file"
        )
    return int(checkpoint[SegmentationData.__name__]["next_epoch"])


def _show_start(trainer: pl.Trainer, settings: TrainSegConfig, data: SegmentationData, folder: Path) -> None:
    """The settings, the layout of the charts, and augmented samples as they are trained on."""
    samples = augmented_grid(data.train, START_SAMPLES)
    write_image(folder / "samples.png", samples)
    logger = logger_of(trainer)
    show_config(logger, settings)
    show_charts(logger, CHARTS)
    add_picture(logger, "train/samples", samples, 0)


def _tested(trainer: pl.Trainer, module: SegmentationModule, data: SegmentationData, folder: Path) -> Any:
    # not by ckpt_path: that would restore the callbacks of the best epoch too, History among them; and other machines
    # need not see the folder of the main process
    best = folder / "checkpoints" / "best.ckpt"
    state = trainer.strategy.broadcast(checkpoint_state(best) if trainer.is_global_zero else {})
    load_strictly(module.network, state, str(best))
    trainer.test(module, datamodule=data, verbose=False)
    assert module.evaluation is not None
    return module.evaluation.metrics


def _metrics(
    settings: TrainSegConfig,
    data: SegmentationData,
    history: History,
    panels: ValidationPanels,
    test: Any,
    seconds: float,
) -> dict[str, Any]:
    return {
        "last": history.last,
        "best": history.best,
        "counts_of_last": panels.counts,
        "test_of_best": test,
        "history": history.rows,
        "split": {part: len(names) for part, names in asdict(data.split).items()},
        "split_digest": data.split.digest(),
        "seconds": round(seconds, 1),
        "train_seconds": round(history.train_seconds, 1),
        "train_images_per_second": round(history.train_images / max(history.train_seconds, 1e-9), 3),
        "seed": settings.seed,
        "versions": versions(),
    }


def _show_outcome(
    trainer: pl.Trainer,
    settings: TrainSegConfig,
    data: SegmentationData,
    history: History,
    panels: ValidationPanels,
    folder: Path,
) -> None:
    """What runs are compared by, and tables for the terminal and the log."""
    rows = {title: row for title, row in (("last", history.last), ("best", history.best)) if row is not None}
    if rows:
        outcome = {f"best/{name}": rows["best"][name] for name in OUTCOME}
        show_outcome(logger_of(trainer), folder, settings, outcome)
    log.info("Average precision on the validation photos")
    for title, epoch, *cells in [
        ("", "epoch", *TABLE),
        *((title, str(row["epoch"]), *(f"{row[name]:.3f}" for name in TABLE)) for title, row in rows.items()),
    ]:
        log.info("%s", f"{title:4} {epoch:>6}" + "".join(f"{cell:>11}" for cell in cells))
    if "best" in rows:
        log_classes(rows["best"], data.classes, title="best, by class")
        log.info("Best weights: %s", folder / "checkpoints" / "best.ckpt")
    if panels.counts:
        log.info("Last epoch: %s", COUNTED % panels.counts)
    if settings.shown:
        log.info("Truth beside prediction: %s", folder / "predictions" / "sheet.png")
        log.info("The photos with the most mistakes: %s", folder / "predictions" / "worst.png")
    log.info("Look at it: %s", where_to_look(logger_of(trainer), folder))
