"""One picture painted, from its files to its record."""

import json
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import TensorBoardLogger
from rich.console import Console
from torch import Tensor

from pochoir.config import EncoderConfig, StylizeConfig
from pochoir.errors import NonFiniteLossError
from pochoir.files import read_json, write_json
from pochoir.images import Picture, read_picture, read_rgb, to_pixels, to_tensor, write_image
from pochoir.inspection.painting import Milestones, PaintProgress, painting_panel, write_film
from pochoir.inspection.tensorboard import show_config
from pochoir.runs.checkpoints import last_checkpoint
from pochoir.runs.devices import check_devices
from pochoir.runs.interruption import CheckpointOnInterrupt
from pochoir.runs.painting_job import Job, earlier_result, result_path, settings_of
from pochoir.runs.versions import versions
from pochoir.stylization.colors import luminance, match_colors, with_luminance
from pochoir.stylization.encoder import Encoder, build_encoder
from pochoir.stylization.objective import Subject
from pochoir.stylization.plan import Plan, choose_dtype, fitted, free_memory, gigabytes
from pochoir.stylization.pyramid import Level, Size, cover, fit, pixels_to_see, pyramid, resize
from pochoir.stylization.scoring import losses_and_scores
from pochoir.stylization.stylizer import Stylizer

CHECKPOINT_EVERY_STEPS = 20
console = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Workshop:
    """What all pictures of a run share: the float32 encoder, the device, and the type that is fastest there."""

    encoder: Encoder
    device: torch.device
    dtype: torch.dtype
    seconds_per_pixel: float


def open_workshop(config: StylizeConfig) -> Workshop:
    """Load the encoder and find out what this machine does best.

    Raises `WeightsError` without weights, and `ConfigError` without the device.
    """
    check_devices(config.trainer.accelerator, config.trainer.devices)
    encoder = build_encoder(config.encoder)
    device = pl.Trainer(accelerator=config.trainer.accelerator, devices=1, barebones=True).strategy.root_device
    dtype, seconds = choose_dtype(config.trainer.precision, encoder, looked_at(config.encoder), device)
    return Workshop(encoder, device, dtype, seconds)


def looked_at(layers: EncoderConfig) -> tuple[str, ...]:
    """Names of all layers that a config looks at, each once."""
    return tuple(dict.fromkeys([*layers.content_layers, *layers.style_layers]))


def paint(config: StylizeConfig, job: Job, workshop: Workshop) -> dict[str, Any]:
    """Paint one picture and return what its metrics.json holds.

    Writes result.png (or another `suffix`) with the settings in its metadata, panel.png, progress/, progress.gif,
    metrics.json, settings.json, plan.json and event files; while it runs, last.ckpt. A picture that is finished in this
    folder is not painted again, a begun one is continued by its plan. Raises `ConfigError` where the folder holds one
    of other settings, and `NonFiniteLossError` after saving last_good.png.
    """
    settings = settings_of(config, job)
    if (earlier := earlier_result(settings, job)) is not None:
        return earlier
    started = time.perf_counter()
    content = read_picture(job.content)
    begun = read_json(job.folder / "plan.json")
    plan = Plan.from_json(begun) if begun else _plan(config, content, workshop)
    for note in plan.notes:
        console.print(note)
    levels = pyramid(plan.size, plan.recipe)
    subject = _subject(config, job, content, plan.size)
    seconds = workshop.seconds_per_pixel * pixels_to_see(levels)
    console.print(
        f"{job.name}: {plan.size[1]}×{plan.size[0]}, {sum(level.steps for level in levels)} evaluations in "
        f"{len(levels)} levels, about {seconds:.0f} s and {gigabytes(plan.bytes_needed)}"
    )
    stylizer = Stylizer(
        subject,
        _initial(config, subject, plan.size),
        encoder=workshop.encoder.cast(plan.dtype),
        levels=levels,
        layers=config.encoder,
        recipe=plan.recipe,
        log_every=config.trainer.log_every_n_steps,
    )
    write_json(job.folder / "settings.json", settings)
    write_json(job.folder / "plan.json", plan.to_json())
    trainer = build_trainer(config, job, levels)
    _fit(trainer, stylizer, job)
    return _record(config, job, content, plan, stylizer, workshop.encoder, time.perf_counter() - started)


def _fit(trainer: pl.Trainer, stylizer: Stylizer, job: Job) -> None:
    last = job.folder / "last.ckpt"
    try:
        trainer.fit(stylizer, ckpt_path=last if last.exists() else None, weights_only=True)
    except NonFiniteLossError as error:
        good = job.folder / "last_good.png"
        write_image(good, to_pixels(stylizer.last_good_picture()[0]))
        raise NonFiniteLossError(f"{error}. The last good picture: {good}") from None


def build_trainer(config: StylizeConfig, job: Job, levels: list[Level]) -> pl.Trainer:
    """Lightning's Trainer for one picture: an epoch a level, checkpoints, milestones and events in the job's folder."""
    settings = config.trainer
    callbacks: list[pl.Callback] = [CheckpointOnInterrupt(job.folder / "last.ckpt")]
    if config.milestones:
        callbacks.append(Milestones(job.folder / "progress", levels, config.milestones))
    if settings.progress_bar:
        callbacks.append(PaintProgress(levels, job.name))
    callbacks.append(last_checkpoint(job.folder, every_steps=CHECKPOINT_EVERY_STEPS))
    trainer = pl.Trainer(
        accelerator=settings.accelerator,
        devices=settings.devices,
        precision="32-true",
        max_epochs=len(levels),
        reload_dataloaders_every_n_epochs=1,
        gradient_clip_val=settings.gradient_clip or None,
        accumulate_grad_batches=settings.accumulate_grad_batches,
        log_every_n_steps=settings.log_every_n_steps,
        enable_progress_bar=False,
        enable_model_summary=False,
        logger=TensorBoardLogger(job.folder, name="", version="", default_hp_metric=False),
        callbacks=callbacks,
    )
    show_config(trainer, config)
    return trainer


def _plan(config: StylizeConfig, content: Picture, workshop: Workshop) -> Plan:
    """Size, type and recipe; what memory or `max_size` make of them is noted."""
    full: Size = (content.pixels.shape[0], content.pixels.shape[1])
    notes: tuple[str, ...] = ()
    side = config.size or max(full)
    if config.size is None and side > config.max_size:
        side = config.max_size
        notes += (
            f"{config.content}: {full[1]}×{full[0]} is painted with a long side of {side} pixels (max_size); "
            f"size={max(full)} paints all of it",
        )
    if content.alpha is not None and config.suffix == ".jpg":
        notes += (f"{config.content}: its transparency is lost, as a JPEG holds none; suffix=.png keeps it",)
    plan = Plan(fit(full, side), workshop.dtype, config.recipe, looked_at(config.encoder), notes)
    return fitted(plan, config.memory * 1e9 if config.memory else free_memory(workshop.device))


def _subject(config: StylizeConfig, job: Job, content: Picture, size: Size) -> Subject:
    """Content and styles as tensors, their colours treated as `keep_colors` asks."""
    image = resize(to_tensor(content.pixels)[None], size)
    styles = [to_tensor(read_rgb(path))[None] for path in job.styles]
    if config.keep_colors == "match":
        styles = [match_colors(style, image) for style in styles]
    elif config.keep_colors == "luminance":
        image, *styles = (luminance(picture) for picture in (image, *styles))
    return Subject(image, styles, job.blend, config.style_scale)


def _initial(config: StylizeConfig, subject: Subject, size: Size) -> Tensor:
    """`[1, 3, H, W]` in [0, 1]: what the coarsest level starts from."""
    if config.init == "content":
        return subject.content
    if config.init == "noise":
        generator = torch.Generator().manual_seed(config.seed)
        return torch.rand(subject.content.shape, generator=generator)
    if config.init == "style":
        return cover(subject.styles[0], size)
    return cover(to_tensor(read_rgb(Path(config.init).expanduser()))[None], size)


def _record(
    config: StylizeConfig, job: Job, content: Picture, plan: Plan, stylizer: Stylizer, encoder: Encoder, seconds: float
) -> dict[str, Any]:
    """Save the picture, measure what was saved, in float32, and write the record."""
    device = stylizer.device
    painted = stylizer.picture().cpu()
    if config.keep_colors == "luminance":
        painted = with_luminance(resize(to_tensor(content.pixels)[None], plan.size), painted)
    path = result_path(config, job)
    alpha = None
    if content.alpha is not None and config.suffix != ".jpg":
        alpha = to_pixels(resize(to_tensor(content.alpha[..., None])[None], plan.size)[0])[..., 0]
    settings = settings_of(config, job)
    write_image(path, to_pixels(painted[0]), alpha=alpha, settings=json.dumps(settings))
    saved = read_picture(path).pixels

    subject, image = stylizer.subject.at(plan.size).to(device), to_tensor(saved)[None].to(device)
    if config.keep_colors == "luminance":
        image = luminance(image)  # as the subject is grey, too
    losses, errors = losses_and_scores(image, encoder.to(device), subject, config.encoder, plan.recipe)
    metrics = {
        "loss": sum(losses.values()),
        "losses": losses,
        **errors,
        "evaluations": stylizer.global_step,
        "seconds": round(seconds, 2),
        "peak_memory_gb": round(peak_memory() / 1e9, 2),
        "size": {"height": plan.size[0], "width": plan.size[1]},
        "precision": str(plan.dtype).removeprefix("torch."),
        "notes": list(plan.notes),
        "versions": versions(),
    }
    panel = painting_panel(content.pixels, [read_rgb(style) for style in job.styles], saved)
    write_image(job.folder / "panel.png", panel)
    logger = stylizer.trainer.logger
    if isinstance(logger, TensorBoardLogger):
        logger.experiment.add_image("panel", panel, stylizer.global_step, dataformats="HWC")
        logger.log_hyperparams(
            {name: value if isinstance(value, bool | int | float) else str(value) for name, value in settings.items()},
            {f"saved/{name}": metrics[name] for name in ("loss", "style_error", "content_error", "seconds")},
        )
        logger.finalize("success")
    milestones = sorted((job.folder / "progress").glob("*.png"))
    if milestones:
        write_film(milestones, job.folder / "progress.gif")
    write_json(job.folder / "metrics.json", metrics)
    (job.folder / "last.ckpt").unlink(missing_ok=True)
    console.print(
        f"{path}: {metrics['evaluations']} evaluations in {seconds:.1f} s, style error {metrics['style_error']:.4f}, "
        f"content error {metrics['content_error']:.3f}"
    )
    return metrics


def peak_memory() -> float:
    """Bytes of memory that this process has held at most so far, and a GPU's for it."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    held = kilobytes * (1 if sys.platform == "darwin" else 1024)
    return held + (torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0)
