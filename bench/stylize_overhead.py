"""What Lightning's loop costs: the default recipe through it and by a bare loop, taking turns in one process."""

import tempfile
import time
from functools import partial
from pathlib import Path

import torch
from hydra import compose, initialize_config_dir
from torch import Tensor

from pochoir.config import StylizeConfig
from pochoir.config.validation import validate
from pochoir.images import read_rgb, to_tensor
from pochoir.images.resizing import fit, resize
from pochoir.runs.paint import build_trainer
from pochoir.runs.workshop import open_workshop
from pochoir.stylization.canvas import to_image, to_parameter
from pochoir.stylization.encoder import Encoder
from pochoir.stylization.objective import Objective, Subject
from pochoir.stylization.pyramid import Level, enlarge, pyramid
from pochoir.stylization.stylizer import FIRST_STEP, Stylizer

CONF = Path(__file__).resolve().parents[1] / "conf"
ROUNDS = 2


def lightning_overhead(content: Path, style: Path, size: int) -> dict[str, float]:
    """Seconds of the default recipe through Lightning, as `paint` sets it up, and by a bare loop, taking turns."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        given = [f"content='{content}'", f"style='{style}'", "milestones=0", "trainer.progress_bar=false"]
        config = validate(compose("stylize", given), StylizeConfig)
    photo, painting = (to_tensor(read_rgb(path))[None] for path in (content, style))
    photo = resize(photo, fit((photo.shape[-2], photo.shape[-1]), size))
    subject = Subject(photo, [painting], [1.0])
    levels = pyramid((photo.shape[-2], photo.shape[-1]), config.recipe)
    workshop = open_workshop(config)
    painter = workshop.encoder.cast(workshop.dtype)

    def bare() -> float:
        return bare_loop(config, subject, levels, painter)

    def lightning() -> float:
        with tempfile.TemporaryDirectory() as folder:
            stylizer = Stylizer(
                subject, photo, encoder=painter, levels=levels, layers=config.encoder, recipe=config.recipe
            )
            build_trainer(config, content.stem, Path(folder), levels).fit(stylizer)
            return stylizer.totals[-1]

    bare_loop(config, subject, [Level(level.size, 1) for level in levels], painter)  # sets things up
    seconds = {"bare": 0.0, "lightning": 0.0}
    losses = {}
    for number in range(ROUNDS):
        for loop in (bare, lightning) if number % 2 == 0 else (lightning, bare):
            started = time.perf_counter()
            losses[f"{loop.__name__}_loss"] = loop()
            seconds[loop.__name__] += (time.perf_counter() - started) / ROUNDS
    steps = sum(level.steps for level in levels)
    return {**seconds, **losses, "ratio": seconds["lightning"] / seconds["bare"], "evaluations": steps}


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
