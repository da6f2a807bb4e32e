"""The LightningModule whose parameter is the picture: one epoch a pyramid level, one evaluation a step."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LRScheduler

from pochoir.config import EncoderConfig, RecipeConfig
from pochoir.errors import ConfigError, NonFiniteLossError
from pochoir.images.resizing import resize
from pochoir.stylization.canvas import to_image, to_parameter
from pochoir.stylization.colors import luminance
from pochoir.stylization.encoder import Encoder
from pochoir.stylization.objective import Objective
from pochoir.stylization.pyramid import Level, enlarge
from pochoir.stylization.region import solid
from pochoir.stylization.subject import Subject

FIRST_STEP = 0.03
"""Mean change of a value of z in the first step of a level."""
LEAP = 2.0
"""A step that multiplies the loss by more was too long ..."""
SHORTER = 0.1
"""... and so much of it is taken instead ..."""
SHORTENINGS = 8
"""... at most so many times: a loss of next to nothing is not found again, as rounding alone doubles it."""
STALLED_STEPS = 10
"""`recipe.tolerance` compares losses this many steps apart."""


class Stylizer(pl.LightningModule):
    """Paints a subject from coarse to fine. `z` is the parameter, of one channel where the subject is grey, `picture()`
    what it stands for, `totals` the losses of this level so far, `parts` the last ones by kind, `started` when it began
    by `time.perf_counter`; of a continued painting so much earlier as it had taken.

    initial: `[1, 3, H, W]` in [0, 1] of any size, what the coarsest level starts from. log_every: steps from one log of
    the losses to the next, the Trainer's `log_every_n_steps` (nine values cost as much as a small step).

    The encoder, on the Trainer's device, stays outside the module's state: checkpoints hold z, the optimiser, the level
    and its losses so far, and continue at any step as if nothing had happened. Needs a Trainer with
    `max_epochs=len(levels)` and `reload_dataloaders_every_n_epochs=1`.
    """

    def __init__(
        self,
        subject: Subject,
        initial: Tensor,
        *,
        encoder: Encoder,
        levels: list[Level],
        layers: EncoderConfig,
        recipe: RecipeConfig,
        log_every: int = 10,
    ) -> None:
        super().__init__()
        self.subject = subject
        self.levels = levels
        self.layers = layers
        self.recipe = recipe
        self.log_every = log_every
        self.level = 0
        self.is_grey = subject.is_grey
        self.z = self._parameter(resize(initial, levels[0].size))
        self.started = time.perf_counter()
        self.totals: list[float] = []
        self.parts: dict[str, float] = {}
        self.last_good = self.z.detach().clone()
        self._encoder = (encoder,)  # in a tuple, as a module would join the state
        self._objective: Objective | None = None

    @torch.no_grad()
    def picture(self) -> Tensor:
        """`[1, 3, H, W]` in [0, 1] at the current level's size; outside a region it is the content."""
        return self._finished(self.z)

    @torch.no_grad()
    def paint(self) -> Tensor:
        """The same without the content around a region: what is laid over the content by it."""
        return self._image(self.z).clamp(0, 1)

    @torch.no_grad()
    def last_good_picture(self) -> Tensor:
        """The last picture whose losses were finite."""
        return self._finished(self.last_good)

    def setup(self, stage: str) -> None:
        """Refuse what Lightning would run silently wrong."""
        trainer = self.trainer
        problems = []
        if trainer.num_devices * trainer.num_nodes > 1:
            problems.append("devices: a picture cannot be shared; give each device pictures of its own")
        if trainer.precision != "32-true":
            problems.append(f"precision: {trainer.precision} would round the picture itself: banding")
        if trainer.accumulate_grad_batches > 1:
            problems.append("accumulate_grad_batches: would add up the gradient of the same picture")
        if trainer.gradient_clip_val and self.recipe.optimizer == "lbfgs":
            problems.append("gradient_clip_val: L-BFGS infers curvature from gradients; clipped ones mislead it")
        if problems:
            raise ConfigError("\n".join(problems))

    def train_dataloader(self) -> "Steps":
        return Steps(self.levels[min(self.trainer.current_epoch, len(self.levels) - 1)].steps)

    def on_train_batch_start(self, batch: int, batch_idx: int) -> int | None:
        # not a hook of the epoch's start: a run resumed at the end of one has none at the start of the next
        if self.level != self.trainer.current_epoch:
            self._enter_level(self.trainer.current_epoch)
        if self._objective is None:
            self._objective = self._build_objective()
        return -1 if self._has_stalled() else None

    def training_step(self, batch: int, batch_idx: int) -> Tensor:
        named, total = self._losses()
        for _ in range(SHORTENINGS):
            if not self._has_leapt(total):
                break
            self._shorten_the_step()
            named, total = self._losses()
        if not torch.isfinite(total):
            parts = ", ".join(f"{name} {float(value.detach()):.4g}" for name, value in named.items())
            raise NonFiniteLossError(
                f"the loss is not finite in step {self.global_step} of level {self.level + 1} ({parts}). "
                "Try encoder.precision=float32, a smaller recipe.lr, or recipe.optimizer=adam"
            )
        if self.last_good.shape == self.z.shape:
            self.last_good.copy_(self.z.detach())
        else:
            self.last_good = self.z.detach().clone()
        self.totals.append(float(total.detach()))
        self.parts = _sums_by_kind(named)
        if (self.global_step + 1) % self.log_every == 0:
            detached = {name: value.detach() for name, value in named.items()}
            self.log_dict({"loss": total.detach(), **self.parts, **detached}, batch_size=1)
        return total

    def configure_optimizers(self) -> Any:
        recipe = self.recipe
        optimizer: torch.optim.Optimizer
        schedule: LRScheduler
        if recipe.optimizer == "lbfgs":
            # one evaluation a step, so that a step of Lightning is one; the tolerances would end steps unseen
            optimizer = torch.optim.LBFGS(
                [self.z], lr=recipe.lr, max_iter=1, history_size=recipe.history, tolerance_grad=0, tolerance_change=0
            )
            # its first step is as long as lr, summed over all values: nothing but rounding errors to infer curvature of
            first = FIRST_STEP * self.z.numel()
            schedule = LambdaLR(optimizer, lambda step: first if step == 0 else 1.0)
        else:
            optimizer = torch.optim.Adam([self.z], lr=recipe.lr)
            schedule = CosineAnnealingLR(optimizer, self.levels[self.level].steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        spent = time.perf_counter() - self.started
        checkpoint["stylizer"] = {"level": self.level, "totals": self.totals, "seconds": spent}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        stored = checkpoint["stylizer"]
        self.level, self.totals = stored["level"], stored["totals"]
        self.started -= stored["seconds"]
        self.z = nn.Parameter(torch.empty_like(checkpoint["state_dict"]["z"], device=self.z.device))
        self._objective = None

    def _parameter(self, image: Tensor) -> nn.Parameter:
        return nn.Parameter(to_parameter(luminance(image)[:, :1] if self.is_grey else image, self.recipe.image))

    def _image(self, z: Tensor) -> Tensor:
        """`[1, 3, H, W]` of the parameter."""
        return to_image(z, self.recipe.image).expand(-1, 3, -1, -1)

    def enlarge_to(self, index: int) -> None:
        """Carry the picture over to the size of a level, which is not painted yet."""
        self._objective = None
        image = self._image(self.z.detach())
        self.level = index
        size = self.levels[index].size
        if self.recipe.content_weight > 0:
            image = enlarge(image, self.subject.content.to(image), size)
        self.z = self._parameter(resize(image, size))
        self.totals = []

    def _enter_level(self, index: int) -> None:
        """Carry the picture over to the next size, with an optimiser of its own."""
        for optimizer in self.trainer.optimizers:
            optimizer.state.clear()  # many pictures, which would stand beside those of the new level
        self.enlarge_to(index)
        self.trainer.strategy.setup_optimizers(self.trainer)

    def _build_objective(self) -> Objective:
        level = self.levels[self.level]
        subject = self.subject.at(level.size).to(self.device)
        if subject.region is not None:
            subject = replace(subject, region=solid(subject.region))
        return Objective(self._encoder[0], subject, self.layers, self.recipe, depth=level.depth, tile=level.tile)

    def _losses(self) -> tuple[dict[str, Tensor], Tensor]:
        """By name, and their sum."""
        assert self._objective is not None
        named = self._objective(self._image(self.z))
        return named, torch.stack(list(named.values())).sum()

    def _has_leapt(self, total: Tensor) -> bool:
        """Whether the last step of L-BFGS went far too far, as may happen where there was next to no curvature."""
        return self.recipe.optimizer == "lbfgs" and bool(self.totals) and float(total.detach()) > LEAP * self.totals[-1]

    @torch.no_grad()
    def _shorten_the_step(self) -> None:
        """Go back most of the way of the last step, and have L-BFGS know."""
        (optimizer,) = self.trainer.optimizers
        state = optimizer.state[self.z]
        self.z.add_(state["d"].view_as(self.z), alpha=(SHORTER - 1) * float(state["t"]))
        state["t"] *= SHORTER

    def _has_stalled(self) -> bool:
        if self.recipe.tolerance == 0 or len(self.totals) <= STALLED_STEPS:
            return False
        before, now = self.totals[-STALLED_STEPS - 1], self.totals[-1]
        return before - now < self.recipe.tolerance * before

    def _finished(self, z: Tensor) -> Tensor:
        image = self._image(z).clamp(0, 1)
        if self.subject.region is None:
            return image
        subject = self.subject.at((image.shape[-2], image.shape[-1])).to(image.device)
        assert subject.region is not None
        return image * subject.region + subject.content * (1 - subject.region)


def _sums_by_kind(named: dict[str, Tensor]) -> dict[str, float]:
    """Of losses named kind/layer, the sum of each kind."""
    sums: dict[str, float] = {}
    for name, value in named.items():
        kind, _, layer = name.partition("/")
        if layer:
            sums[kind] = sums.get(kind, 0.0) + float(value.detach())
    return sums


class Steps:
    """A loader of so many virtual items. It has a state, if an empty one, and so can be resumed within an epoch."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.count))

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass
