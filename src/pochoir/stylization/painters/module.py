"""The LightningModule that trains a painter: photos in, paint in drawn styles, the losses of style transfer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from pochoir.config import ConsistencyConfig, PainterConfig, ScheduleConfig
from pochoir.errors import NonFiniteLossError
from pochoir.schedule import build_schedule
from pochoir.seeding import mixed_seed
from pochoir.stylization.painters.consistency import Move, consistency_loss, moved_and_noisy
from pochoir.stylization.painters.network import Painter, one_style
from pochoir.stylization.painters.objective import PainterObjective, errors
from pochoir.trainer import gathered


@dataclass(frozen=True)
class Validation:
    """metrics: `loss`, `style_error` and `content_error`, medians over the styles of means over the held-out photos,
    and both of each style, as `style_error/<name>`.
    """

    metrics: dict[str, float]


class PainterModule(pl.LightningModule):
    """Orchestrates: each photo of a batch in a style drawn by (seed, epoch, batch), held-out photos in every style.

    painter, optim: settings, or dictionaries of their values, as checkpoints have them. objective: what is learned by;
    referee: the same styles' errors in float32, see `scoring.scores`; both None: paints only. told: what else a painter
    is to know of itself, see `painter.TrainedPainter`. `evaluation` holds the last validation, on every process.
    """

    def __init__(
        self,
        painter: PainterConfig | Mapping[str, Any],
        optim: ScheduleConfig | Mapping[str, Any],
        *,
        styles: Sequence[str],
        objective: PainterObjective | None = None,
        referee: PainterObjective | None = None,
        consistency: ConsistencyConfig | None = None,
        told: Mapping[str, Any] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.painter = PainterConfig.model_validate(painter)
        self.optim = ScheduleConfig.model_validate(optim)
        self.consistency = consistency
        self.seed = seed
        self.save_hyperparameters(
            {
                "painter": self.painter.but(weights="none", trained=None).model_dump(),
                "optim": self.optim.model_dump(),
                "styles": list(styles),
                "seed": seed,
                "started_from": self.painter.weights,
                "only_styles": self.painter.only_styles,
                **(told or {}),
            }
        )
        self.network = Painter(self.painter, styles)
        if self.painter.only_styles:
            for name, parameter in self.network.named_parameters():
                parameter.requires_grad = name.endswith((".scales", ".shifts"))
        self._objectives = (objective, referee)  # in a tuple: encoders are no part of the state
        self._rows: list[dict[str, Any]] = []
        self.evaluation: Validation | None = None

    def forward(self, photos: Tensor, blend: Tensor, region: Tensor | None = None) -> Tensor:
        return self.network(photos, blend, region)

    def training_step(self, photos: Tensor, batch_idx: int) -> Tensor:
        objective, count = self._objectives[0], len(self.network.styles)
        assert objective is not None
        generator = torch.Generator().manual_seed(
            mixed_seed(self.seed, self.current_epoch, batch_idx, self.global_rank)
        )
        styles = drawn_styles(len(photos), count, generator)
        blend = one_style(styles, count).to(photos.device)
        paint = self.network(photos, blend)
        # of the network alone: its features have a type of their own, and what is summed over pixels needs float32
        with torch.autocast(photos.device.type, enabled=False):
            named = objective(paint, objective.contents(photos), styles.tolist())
        if objective.loss.consistency_weight > 0:
            assert self.consistency is not None
            move = Move(self.consistency, len(photos), (photos.shape[-2], photos.shape[-1]), generator)
            again = self.network(moved_and_noisy(photos, move, self.consistency.noise, generator), blend)
            named["consistency"] = objective.loss.consistency_weight * consistency_loss(paint, again, move)
        total = torch.stack(list(named.values())).sum()
        if not torch.isfinite(total):
            parts = ", ".join(f"{name} {float(value.detach()):.4g}" for name, value in named.items())
            told = ", ".join(self.network.styles[style] for style in styles)
            raise NonFiniteLossError(
                f"the loss is not finite in epoch {self.current_epoch}, step {self.global_step} ({parts}); styles of "
                f"the batch: {told}. Try a smaller optim.lr, or encoder.precision=float32"
            )
        self.log("train/loss", total.detach(), prog_bar=True, batch_size=len(photos))
        self.log_dict({f"train/{kind}": value for kind, value in _by_kind(named).items()}, batch_size=len(photos))
        return total

    def on_validation_epoch_start(self) -> None:
        self._rows = []

    def validation_step(self, photos: Tensor, batch_idx: int) -> None:
        referee = self._objectives[1]
        assert referee is not None
        contents = referee.contents(photos)
        for number, name in enumerate(self.network.styles):
            blend = one_style(torch.tensor([number]), len(self.network.styles)).to(photos.device)
            with torch.autocast(photos.device.type, enabled=False):
                paint = (self.network(photos, blend).clamp(0, 1) * 255).round() / 255  # as it is saved
                self._rows.append({"style": name, **errors(referee(paint, contents, [number]), referee)})

    def on_validation_epoch_end(self) -> None:
        rows, objective = gathered(self.trainer, self._rows), self._objectives[0]
        assert objective is not None
        self.evaluation = Validation(
            summarised(rows, style=objective.loss.style_weight, content=objective.loss.content_weight)
        )
        for name, value in self.evaluation.metrics.items():
            # every process has the same value; the mean of them is asked for to spare people Lightning's warnings
            self.log(f"val/{name}", value, prog_bar=name == "loss", sync_dist=True)

    def configure_optimizers(self) -> Any:
        learned = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        optimizer = torch.optim.Adam(learned, lr=self.optim.lr)
        schedule = build_schedule(optimizer, self.optim, int(self.trainer.estimated_stepping_batches))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def drawn_styles(pictures: int, styles: int, generator: torch.Generator) -> Tensor:
    """`[pictures]` numbers of styles: all before one comes again."""
    turns = [torch.randperm(styles, generator=generator) for _ in range(-(-pictures // styles))]
    return torch.cat(turns)[:pictures]


def summarised(rows: Sequence[Mapping[str, Any]], *, style: float, content: float) -> dict[str, float]:
    """Metrics of rows of `style`, `style_error` and `content_error`, a row a picture; style, content: weights of both
    in `loss`.
    """
    kinds = ("style_error", "content_error")
    names = list(dict.fromkeys(row["style"] for row in rows))
    each = {
        f"{kind}/{name}": fmean(row[kind] for row in rows if row["style"] == name) for kind in kinds for name in names
    }
    middle = {kind: median(each[f"{kind}/{name}"] for name in names) for kind in kinds}
    mean = {kind: fmean(row[kind] for row in rows) for kind in kinds}
    return {"loss": style * mean["style_error"] + content * mean["content_error"], **middle, **each}


def _by_kind(named: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of losses named kind/layer, the sum of each kind."""
    sums: dict[str, Tensor] = {}
    for name, value in named.items():
        kind = name.partition("/")[0]
        sums[kind] = sums.get(kind, torch.zeros_like(value)) + value.detach()
    return sums
