"""One picture painted, from its files to its record."""

import json
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import TensorBoardLogger
from rich.console import Console

from pochoir.config import PaintConfig
from pochoir.errors import NonFiniteLossError
from pochoir.experiments.versions import versions
from pochoir.files import read_json, write_json
from pochoir.images import Picture, read_picture, read_rgb, to_pixels, to_tensor, write_image
from pochoir.images.resizing import resize
from pochoir.inspection.painting import Milestones, PaintProgress, painting_panel, write_film
from pochoir.inspection.tensorboard import event_logger, log_outcome, show_charts, show_config, writer_of
from pochoir.runs.checkpoints import last_checkpoint
from pochoir.runs.interruption import CheckpointOnInterrupt
from pochoir.runs.painting_job import Job, earlier_result, result_path, settings_of
from pochoir.runs.painting_setup import colored, initial_picture, plan_for, subject_of, vanishing_notes
from pochoir.runs.workshop import Workshop
from pochoir.stylization.colors import luminance
from pochoir.stylization.encoder import Encoder
from pochoir.stylization.plan import Plan, gigabytes
from pochoir.stylization.pyramid import Level, pixels_to_see, pyramid
from pochoir.stylization.scoring import losses_and_scores
from pochoir.stylization.stylizer import Stylizer

CHECKPOINT_EVERY_STEPS = 20
LOSS_CHARTS = {
    "losses": {"all": ["^loss$", "^style$", "^content$", "^tv$"], "style": ["^style/"], "content": ["^content/"]}
}
console = Console(highlight=False, soft_wrap=True)


def paint(config: PaintConfig, job: Job, workshop: Workshop) -> dict[str, Any]:
    """Paint one picture and return what its metrics.json holds.

    Writes result.png (or another `suffix`) with the settings in its metadata, panel.png, progress/, progress.gif,
    metrics.json, settings.json, plan.json and event files; while it runs, last.ckpt; with a region, paint.png: the
    paint without the content around it. A picture that is finished in this
    folder is not painted again, a begun one is continued by its plan. Raises `ConfigError` where the folder holds one
    of other settings, and `NonFiniteLossError` after saving last_good.png.
    """
    settings = settings_of(config, job)
    if (earlier := earlier_result(settings, job)) is not None:
        return earlier
    started = time.perf_counter()
    content = read_picture(job.content)
    begun = read_json(job.folder / "plan.json")
    plan = Plan.from_json(begun) if begun else plan_for(config, job, content, workshop)
    levels = pyramid(plan.size, plan.recipe)
    subject = subject_of(config, job, content, plan.size)
    if not begun:
        plan = replace(plan, notes=(*plan.notes, *vanishing_notes(subject, levels, plan.layers)))
    for note in plan.notes:
        console.print(note)
    seconds = workshop.seconds_per_pixel * pixels_to_see(levels)
    console.print(
        f"{job.name}: {plan.size[1]}×{plan.size[0]}, {sum(level.steps for level in levels)} evaluations in "
        f"{len(levels)} levels, about {seconds:.0f} s and {gigabytes(plan.bytes_needed)}"
    )
    stylizer = Stylizer(
        subject,
        initial_picture(config, subject, plan.size),
        encoder=workshop.encoder.cast(plan.dtype),
        levels=levels,
        layers=config.encoder,
        recipe=plan.recipe,
        log_every=config.trainer.log_every_n_steps,
    )
    write_json(job.folder / "settings.json", settings)
    write_json(job.folder / "plan.json", plan.to_json())
    trainer = build_trainer(config, job.name, job.folder, levels)
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


def build_trainer(config: PaintConfig, name: str, folder: Path, levels: list[Level]) -> pl.Trainer:
    """Lightning's Trainer for one picture: an epoch a level; checkpoints, milestones and events go to `folder`."""
    settings = config.trainer
    callbacks: list[pl.Callback] = [CheckpointOnInterrupt(folder / "last.ckpt")]
    if config.milestones:
        callbacks.append(Milestones(folder / "progress", levels, config.milestones))
    if settings.progress_bar:
        callbacks.append(PaintProgress(levels, name))
    callbacks.append(last_checkpoint(folder, every_steps=CHECKPOINT_EVERY_STEPS))
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
        logger=event_logger(folder),
        callbacks=callbacks,
    )
    if (writer := writer_of(trainer)) is not None:
        show_config(writer, config)
        show_charts(writer, LOSS_CHARTS)
    return trainer


def _record(
    config: PaintConfig, job: Job, content: Picture, plan: Plan, stylizer: Stylizer, encoder: Encoder, seconds: float
) -> dict[str, Any]:
    """Save the picture, measure what was saved, in float32, and write the record."""
    device = stylizer.device
    painted = colored(config, content, plan.size, stylizer.picture().cpu())
    path = result_path(config, job)
    alpha = None
    if content.alpha is not None and config.suffix != ".jpg":
        alpha = to_pixels(resize(to_tensor(content.alpha[..., None])[None], plan.size)[0])[..., 0]
    settings = settings_of(config, job)
    write_image(path, to_pixels(painted[0]), alpha=alpha, settings=json.dumps(settings))
    if job.region is not None:
        write_image(job.folder / "paint.png", to_pixels(colored(config, content, plan.size, stylizer.paint().cpu())[0]))
    saved = read_picture(path).pixels

    subject, image = stylizer.subject.at(plan.size).to(device), to_tensor(saved)[None].to(device)
    if config.keep_colors == "luminance":
        image = luminance(image)  # as the subject is grey, too
    losses, errors = losses_and_scores(image, encoder.to(device), subject, config.encoder, plan.recipe)
    metrics: dict[str, Any] = {
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
        outcome = {f"saved/{name}": metrics[name] for name in ("loss", "style_error", "content_error", "seconds")}
        log_outcome(logger, job.folder, settings, outcome)
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
