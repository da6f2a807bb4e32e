"""The LightningModule that fine-tunes a Mask R-CNN and evaluates it by COCO AP."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from pochoir.config import OptimConfig, SegmenterConfig
from pochoir.config.validation import as_union
from pochoir.data.source import ONE_CLASS
from pochoir.data.targets import Target
from pochoir.errors import DataError, NonFiniteLossError
from pochoir.schedule import build_schedule
from pochoir.seeding import mixed_seed
from pochoir.segmentation.evaluation import Evaluation, ImageRecord, evaluate, record
from pochoir.segmentation.models import build_segmenter
from pochoir.segmentation.optimizer import build_optimizer
from pochoir.trainer import gathered

Batch = tuple[list[Tensor], list[Target]]


class SegmentationModule(pl.LightningModule):
    """Orchestrates: torchvision's five losses in training, pycocotools' AP at the original resolution in evaluation.

    segmenter, optim: settings, or dictionaries of their values, as checkpoints have them: `load_from_checkpoint` needs
    nothing but the file. classes: names of the labels 1, 2, …. split_digest: kept in checkpoints, so that a run is not
    resumed on other validation photos. After a validation or test, `records` and `evaluation` hold what was seen, on
    every process. Raises `WeightsError` when weights cannot be had or do not fit.
    """

    def __init__(
        self,
        segmenter: SegmenterConfig | Mapping[str, Any],
        optim: OptimConfig | Mapping[str, Any],
        *,
        classes: Sequence[str] = ONE_CLASS,
        seed: int = 0,
        split_digest: str = "",
    ) -> None:
        super().__init__()
        settings: SegmenterConfig = as_union(SegmenterConfig, segmenter)
        self.optim = OptimConfig.model_validate(optim)
        self.seed = seed
        self.classes = tuple(classes)
        self.save_hyperparameters(
            {
                "segmenter": settings.but(weights="none").model_dump(),  # all weights are in the checkpoint
                "optim": self.optim.model_dump(),
                "classes": list(classes),
                "seed": seed,
                "split_digest": split_digest,
                "started_from": settings.weights,
            }
        )
        self.network = build_segmenter(settings, self.classes).to(memory_format=torch.channels_last)
        self.records: list[ImageRecord] = []
        self.evaluation: Evaluation | None = None

    def forward(self, images: list[Tensor]) -> list[dict[str, Tensor]]:
        """Detections of `[3, H, W]` images in [0, 1]: boxes xyxy, labels, scores, masks `[N, 1, H, W]` soft."""
        return self.network(images)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        # proposals are sampled at random: a resumed run must draw what an uninterrupted one draws
        torch.manual_seed(mixed_seed(self.seed, self.current_epoch, batch_idx, self.global_rank))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        images, targets = batch
        losses = self.network(images, targets)
        total = torch.stack(list(losses.values())).sum()
        if not torch.isfinite(total):
            parts = ", ".join(f"{name} {float(value.detach()):.4g}" for name, value in losses.items())
            names = ", ".join(target["name"] for target in targets)
            raise NonFiniteLossError(
                f"the loss is not finite in epoch {self.current_epoch}, step {self.global_step} ({parts}); "
                f"pictures of the batch: {names}. Try a smaller optim.lr, or look at them with check_data=true"
            )
        self.log("train/loss", total.detach(), prog_bar=True, batch_size=len(images))
        self.log_dict({f"train/{name}": value.detach() for name, value in losses.items()}, batch_size=len(images))
        return total

    def on_validation_epoch_start(self) -> None:
        self.records = []

    on_test_epoch_start = on_validation_epoch_start

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        images, targets = batch
        outputs = self.network(images)
        self.records += [record(target, output) for target, output in zip(targets, outputs, strict=True)]

    test_step = validation_step

    def on_validation_epoch_end(self) -> None:
        if not self.trainer.sanity_checking:  # of a few photos, which may hold nothing
            self._evaluate("val")

    def on_test_epoch_end(self) -> None:
        self._evaluate("test")

    def _evaluate(self, stage: str) -> None:
        self.records = gathered(self.trainer, self.records)
        evaluation = evaluate(self.records, self.classes) if self.trainer.is_global_zero else None
        self.evaluation = self.trainer.strategy.broadcast(evaluation)
        assert self.evaluation is not None
        if "mask_ap" not in self.evaluation.metrics:
            raise DataError(
                f"none of the {len(self.records)} {stage} photos holds an object: nothing to measure AP with"
            )
        for name, value in self.evaluation.metrics.items():
            # every process has the same value; the mean of them is asked for to spare people Lightning's warnings
            self.log(f"{stage}/{name}", value, prog_bar=name in {"mask_ap", "box_ap"}, sync_dist=True)

    def configure_optimizers(self) -> Any:
        optimizer = build_optimizer(self.network, self.optim)
        schedule = build_schedule(optimizer, self.optim, int(self.trainer.estimated_stepping_batches))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
