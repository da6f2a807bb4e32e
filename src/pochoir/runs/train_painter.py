"""A painter's training from its typed settings: photos, styles, module, Trainer, and the record that it leaves."""

import hashlib
import logging
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import LearningRateMonitor
from torch import Tensor

from pochoir.averaging import AveragedWeights
from pochoir.config import TrainPainterConfig
from pochoir.data.crops import measured_area
from pochoir.data.photo_data import PhotoData
from pochoir.devices import check_devices, device_of
from pochoir.errors import ConfigError, DataError, number_of
from pochoir.experiments.records import differences, flat
from pochoir.experiments.versions import versions
from pochoir.files import write_json
from pochoir.images import Picture, find_images, read_picture, to_pixels, to_tensor, write_image
from pochoir.images.overlays import grid
from pochoir.inspection.loggers import logger_of, show_charts, show_config, where_to_look
from pochoir.inspection.painters import PainterPanels
from pochoir.inspection.progress import progress
from pochoir.runs.checkpoints import BestCheckpoint, last_checkpoint
from pochoir.runs.events import logger_in, show_outcome
from pochoir.runs.history import History
from pochoir.runs.interruption import CheckpointOnSignal, told_how_to_continue
from pochoir.stylization.encoder import precision_of
from pochoir.stylization.job import encoder_of
from pochoir.stylization.painters.files import export, start_from
from pochoir.stylization.painters.module import PainterModule
from pochoir.stylization.painters.objective import PainterObjective
from pochoir.trainer import build_trainer
from pochoir.weights import read_checkpoint

OBJECTIVE = "val/loss"
"""What the best weights are chosen by."""
CHECKPOINT_EVERY_STEPS = 100
EXPORTED = "painter.safetensors"
START_SAMPLES = 8
CHARTS = {
    "losses": {"train": ["^train/"]},
    "styles": {"style error": ["^val/style_error"], "content error": ["^val/content_error"], "loss": ["^val/loss$"]},
}
OUTCOME = ("loss", "style_error", "content_error")
"""What runs are compared by."""

log = logging.getLogger(__name__)


def run(settings: TrainPainterConfig, folder: Path) -> float | None:
    """Train a painter and record into `folder`; returns the best validation loss.

    Writes checkpoints/best.ckpt and last.ckpt, painter.safetensors (the best, small, after every validation), sheet.png
    (held-out photos by styles), samples.png (what it learns on), metrics.json and what its logger writes. A run that
    was broken off in this folder is continued from its last.ckpt. Raises `PochoirError`s with plain messages.
    """
    given = settings.trainer
    check_devices(given.accelerator, given.devices)  # before anything is read
    pl.seed_everything(settings.seed, verbose=False)
    epochs, steps = length_of(settings)
    photos = steps * settings.loader.batch_size * given.accumulate_grad_batches * given.devices * given.num_nodes
    data = PhotoData(settings.content, settings.photos, settings.loader, epoch_length=photos, seed=settings.seed)
    styles = styles_of(settings.styles or {})
    module = module_of(settings, styles)
    ckpt = checkpoint_to_go_on_from(settings, folder, module, data)
    history = History("loss", mode="min")
    trainer = build_trainer(
        given,
        callbacks=callbacks_in(folder, settings, history, data, list(styles.values())),
        max_epochs=epochs,
        check_val_every_n_epoch=given.check_val_every_n_epoch or 1,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,  # the samplers of PhotoData know about processes
        logger=logger_in(folder, settings.logger),
    )
    if trainer.is_global_zero:
        show_config(logger_of(trainer), settings)
        show_charts(logger_of(trainer), CHARTS)
        _show_start(data, styles, epochs, steps, folder)
        if settings.content is None:
            log.warning("content: no photos are given; drawn scenes teach less, so give a folder of some, if you can")
    started = time.perf_counter()
    with told_how_to_continue(folder):
        trainer.fit(module, datamodule=data, ckpt_path=ckpt, weights_only=True)
    if trainer.is_global_zero:
        metrics = {
            "last": history.last,
            "best": history.best,
            "history": history.rows,
            "seconds": round(time.perf_counter() - started, 1),
            "train_seconds": round(history.train_seconds, 1),
            "train_images_per_second": round(history.train_images / max(history.train_seconds, 1e-9), 3),
            "seed": settings.seed,
            "versions": versions(),
        }
        write_json(folder / "metrics.json", metrics)
        _show_outcome(trainer, settings, history, list(styles), folder)
    return history.best["loss"] if history.best else None


def length_of(settings: TrainPainterConfig) -> tuple[int, int]:
    """Epochs, one a validation, and optimiser steps of each."""
    steps = max(1, math.ceil(settings.steps / settings.validations))
    return settings.trainer.max_epochs or settings.validations, steps


def styles_of(paths: Mapping[str, str] | Sequence[str]) -> dict[str, Picture]:
    """The styles by name, without others those of their files. Raises `DataError` for a folder without pictures, and
    `ConfigError` for two of one name.
    """
    if isinstance(paths, Mapping):
        return {name: read_picture(Path(path).expanduser()) for name, path in paths.items()}
    files: list[Path] = []
    for path in (Path(path).expanduser() for path in paths):
        found = find_images(path) if path.is_dir() else [path]
        if not found:
            raise DataError(f"styles: {path} holds no pictures")
        files += found
    styles: dict[str, Picture] = {}
    for file in files:
        if file.stem in styles:
            raise ConfigError(f"styles: two are called {file.stem}; rename one of the files")
        styles[file.stem] = read_picture(file)
    return styles


def module_of(settings: TrainPainterConfig, styles: dict[str, Picture]) -> PainterModule:
    """The painter with what it learns by, its styles measured once by an encoder on the device it is trained on."""
    device = device_of(settings.trainer.accelerator, "trainer.accelerator")
    encoder = encoder_of(settings.encoder)
    area = measured_area(settings.photos.size) * settings.loss.style_scale**2
    pictures = [to_tensor(style.filled)[None].to(device) for style in styles.values()]
    visible: list[Tensor | None] = [
        None if style.alpha is None else to_tensor(style.alpha[..., None])[None].to(device) for style in styles.values()
    ]
    everything = settings.encoder.but(content_layer_weights=None, style_layer_weights=None)
    referee = settings.loss.but(content_weight=1.0, style_weight=1.0, tv_weight=0.0, style_loss="gram")
    learned_by, judged_by = (
        PainterObjective(encoder.cast(dtype, device), pictures, layers, loss, area=area, regions=visible)
        for dtype, layers, loss in (
            (getattr(torch, precision_of(settings.encoder, device)), settings.encoder, settings.loss),
            (torch.float32, everything, referee),
        )
    )
    module = PainterModule(
        settings.painter,
        settings.optim,
        styles=list(styles),
        objective=learned_by,
        referee=judged_by,
        consistency=settings.consistency,
        told={
            "size": settings.photos.size,
            "style_scale": settings.loss.style_scale,
            "encoder": settings.encoder.model_dump(),
            "loss": settings.loss.model_dump(),
            "consistency": settings.consistency.model_dump(),
            "steps": settings.steps,
            "style_digests": [_digest(style) for style in styles.values()],
        },
        seed=settings.seed,
    )
    if settings.painter.weights != "none":
        start_from(module.network, settings.painter)
    return module


def callbacks_in(
    folder: Path, settings: TrainPainterConfig, history: History, data: PhotoData, styles: Sequence[Picture]
) -> list[pl.Callback]:
    """What watches a training in a folder, and keeps its states there."""
    checkpoints = folder / "checkpoints"
    shown = min(settings.shown, len(data.val))
    callbacks = [
        history,
        PainterPanels(data.val, [style.on_white for style in styles], folder, shown=shown),
        LearningRateMonitor(logging_interval="step"),
        *progress(bar=settings.trainer.enable_progress_bar),
        ExportedBest(checkpoints, OBJECTIVE, mode="min"),
        last_checkpoint(checkpoints),
        last_checkpoint(checkpoints, every_steps=CHECKPOINT_EVERY_STEPS),
        CheckpointOnSignal(checkpoints / "last.ckpt"),
    ]
    return [*callbacks, AveragedWeights(settings.ema_decay)] if settings.ema_decay > 0 else callbacks


class ExportedBest(BestCheckpoint):
    """`best.ckpt`, and beside its folder the painter of it as a small file, whenever there is a better one."""

    _exported: Tensor | None = None

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        super().on_validation_end(trainer, pl_module)
        self._export(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        super().on_train_epoch_end(trainer, pl_module)  # where Lightning saves instead if every epoch is validated
        self._export(trainer)

    def _export(self, trainer: pl.Trainer) -> None:
        if trainer.is_global_zero and self.best_model_score is not self._exported:
            self._exported, best = self.best_model_score, Path(self.best_model_path)
            export(best, best.parents[1] / EXPORTED)


def checkpoint_to_go_on_from(
    settings: TrainPainterConfig, folder: Path, module: PainterModule, data: PhotoData
) -> Path | None:
    """The last.ckpt of a run that was broken off in this folder, else what `resume` names; None begins anew.

    Raises `ConfigError` unless it continues this very training.
    """
    ckpt = folder / "checkpoints" / "last.ckpt"
    if ckpt.exists():
        log.info("Continuing %s", ckpt)
    elif settings.resume:
        ckpt = Path(settings.resume).expanduser()
    else:
        return None
    checkpoint = read_checkpoint(ckpt)
    if "optimizer_states" not in checkpoint:
        raise ConfigError(f"resume: {ckpt} holds weights only; start a new run from it with painter.weights={ckpt}")
    told = {**checkpoint["hyper_parameters"], **checkpoint.get("datamodule_hyper_parameters", {})}
    now = {**dict(module.hparams), **dict(data.hparams)}
    there, here = (
        flat({**one, "ema": ema}, ".")
        for one, ema in ((told, "averaging_state" in checkpoint), (now, settings.ema_decay > 0))
    )
    if changed := differences(there, here):
        raise ConfigError(f"resume: {ckpt} is of a training by other settings; choose another folder:{changed}")
    return ckpt


def _show_start(data: PhotoData, styles: dict[str, Picture], epochs: int, steps: int, folder: Path) -> None:
    samples = [data.train[0, place] for place in range(min(START_SAMPLES, len(data.train)))]
    write_image(folder / "samples.png", grid([to_pixels(sample) for sample in samples], columns=4))
    log.info(
        "%s on %s, measured every %s on %s; styles: %s",
        number_of("step", epochs * steps),
        number_of("photo", len(data.train.indices)),
        number_of("step", steps),
        number_of("other", len(data.val)),
        ", ".join(styles),
    )


def _show_outcome(
    trainer: pl.Trainer, settings: TrainPainterConfig, history: History, styles: Sequence[str], folder: Path
) -> None:
    """What runs are compared by, and a table of the styles."""
    best = history.best
    if best is None:
        return
    show_outcome(logger_of(trainer), folder, settings, {f"best/{name}": best[name] for name in OUTCOME})
    log.info("Errors on the held-out photos, of the best weights (epoch %d)", best["epoch"])
    width = max(len("median"), *map(len, styles))
    log.info("%s", f"{'':{width}}  {'style':>7}  {'content':>7}")
    for title, ending in (*((name, f"/{name}") for name in styles), ("median", "")):
        errors = (best[f"{kind}_error{ending}"] for kind in ("style", "content"))
        log.info("%s", f"{title:{width}}" + "".join(f"  {error:7.3f}" for error in errors))
    log.info("The painter: %s", folder / EXPORTED)
    log.info("Held-out photos in every style: %s", folder / "sheet.png")
    log.info("Look at it: %s", where_to_look(logger_of(trainer), folder))


def _digest(style: Picture) -> str:
    """Tells pictures apart, whatever their files are called."""
    alpha = b"" if style.alpha is None else style.alpha.tobytes()
    return hashlib.sha256(f"{style.size}".encode() + style.pixels.tobytes() + alpha).hexdigest()[:16]
