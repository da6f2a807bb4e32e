"""What Lightning's loop costs: the default recipe through it and by a bare loop, taking turns in one process."""

import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from pochoir.config import StylizeConfig, load_config
from pochoir.devices import device_of
from pochoir.images import read_picture
from pochoir.inspection.loggers import build_logger
from pochoir.runs.painting import callbacks_in
from pochoir.stylization.canvas import to_image, to_parameter
from pochoir.stylization.encoder import Encoder
from pochoir.stylization.job import Job, encoder_of, paint_job
from pochoir.stylization.objective import Objective
from pochoir.stylization.pyramid import Level, enlarge, pyramid
from pochoir.stylization.stylizer import FIRST_STEP
from pochoir.stylization.subject import Subject


class LastLoss(pl.Callback):
    """The loss of the last step."""

    def on_train_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self.value = pl_module.totals[-1]


def lightning_overhead(content: Path, style: Path, size: int, rounds: int) -> dict[str, Any]:
    """Seconds of the default recipe through Lightning, as a run sets it up, and by a bare loop, taking turns."""
    overrides = [f"size={size}", "milestones=0", "trainer.enable_progress_bar=false"]
    config: StylizeConfig = load_config("stylize", overrides)
    job = Job(content.stem, read_picture(content), [read_picture(style)], config)
    plan = job.plan()
    levels = pyramid(plan.size, plan.recipe)
    device = device_of(config.trainer.accelerator)
    subject = job.subject().fitted(plan.size).to(device)
    painter = encoder_of(config.encoder).cast(getattr(torch, plan.precision), device)

    def bare() -> tuple[float, float]:
        started = time.perf_counter()
        loss = bare_loop(config, subject, levels, painter)
        return time.perf_counter() - started, loss

    def lightning() -> tuple[float, float]:
        with tempfile.TemporaryDirectory() as name:
            folder, last = Path(name), LastLoss()
            callbacks = [*callbacks_in(folder, job, levels), last]
            painting = paint_job(job, plan, callbacks=callbacks, logger=build_logger("tensorboard", folder))
        return painting.seconds, last.value

    bare_loop(config, subject, [Level(level.size, 1) for level in levels], painter)  # sets things up
    seconds: dict[str, list[float]] = {"bare": [], "lightning": []}
    losses = {}
    for number in range(rounds):
        for loop in (bare, lightning) if number % 2 == 0 else (lightning, bare):
            passed, losses[f"{loop.__name__}_loss"] = loop()
            seconds[loop.__name__].append(passed)
    means = {name: fmean(all_of_them) for name, all_of_them in seconds.items()}
    return {
        **means,
        **losses,
        "ratio": means["lightning"] / means["bare"],
        "rounds": seconds,
        "evaluations": sum(level.steps for level in levels),
    }


def bare_loop(config: StylizeConfig, subject: Subject, levels: list[Level], painter: Encoder) -> float:
    """What a Stylizer does, without Lightning; returns the last loss."""
    recipe, image, last = config.recipe, subject.content, torch.tensor(0.0)
    for level in levels:
        objective = Objective(painter, subject.at(level.size), config.encoder, recipe)
        z = to_parameter(enlarge(image, subject.content, level.size), recipe.image).requires_grad_()
        optimizer = torch.optim.LBFGS(
            [z], lr=recipe.lr, max_iter=1, history_size=recipe.history, tolerance_grad=0, tolerance_change=0
        )
        for step in range(level.steps):
            optimizer.param_groups[0]["lr"] = FIRST_STEP * z.numel() if step == 0 else recipe.lr
            last = optimizer.step(partial(_evaluate, z, optimizer, objective, recipe.image))
        image = to_image(z.detach(), recipe.image)
    return float(last.detach())


def _evaluate(z: Tensor, optimizer: torch.optim.Optimizer, objective: Objective, kind: str) -> Tensor:
    optimizer.zero_grad()
    loss = torch.stack(list(objective(to_image(z, kind)).values())).sum()
    loss.backward()
    return loss
