"""Settings of the tasks that train, use, measure and export a segmenter."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pochoir.config.base import (
    Accelerator,
    Count,
    ExistingPath,
    LoggerName,
    Natural,
    Seed,
    Settings,
    Share,
    Tiles,
    TrainedWeights,
)
from pochoir.config.datasets import DatasetConfig
from pochoir.config.training import LoaderConfig, NetworkTrainerConfig, ScheduleConfig

Zoom = Annotated[float, Field(ge=0.05, le=10)]


class AugmentConfig(Settings):
    """Training-time augmentation; probabilities in [0, 1], zero switches a step off."""

    flip: Share
    """Probability of a horizontal flip."""
    scale_min: Zoom
    """Scale jitter: smallest zoom; 1 and 1 switch it off."""
    scale_max: Zoom
    """Scale jitter: largest zoom."""
    crop: Share
    """Probability of a random crop, which also changes the aspect."""
    crop_min: Annotated[float, Field(ge=0.05, le=1)]
    """Smallest share of each side that a crop keeps."""
    photometric: Share
    """Probability of a change of brightness, contrast, saturation and hue; blur and grey are rarer."""
    copy_paste: Share
    """Probability that instances of other training photos are pasted in front."""
    copy_paste_photos: Annotated[int, Field(ge=1, le=10)]
    """Largest number of photos that are pasted from; each sample draws its own."""
    copy_paste_scale_min: Zoom
    """Scale jitter of the photos that are pasted from: smallest zoom, ..."""
    copy_paste_scale_max: Zoom
    """... largest zoom."""

    def problems(self) -> Iterable[str]:
        for name, low, high in (
            ("scale", self.scale_min, self.scale_max),
            ("copy_paste_scale", self.copy_paste_scale_min, self.copy_paste_scale_max),
        ):
            if low > high:
                yield f"{name}_min: {low:g} is larger than {name}_max, {high:g}"


class NetworkConfig(Settings):
    """A Mask R-CNN; how many classes it has follows from the dataset."""

    weights: str
    """One of `named`, or the path of a checkpoint."""
    trained_layers: Annotated[int, Field(ge=0, le=5)]
    """How many of the backbone's five stages are trained, counted from the deepest."""
    min_size: Annotated[int, Field(ge=64, le=4096)]
    """Short side of the network's input in pixels ..."""
    max_size: Annotated[int, Field(ge=64, le=8192)]
    """... unless the long side would exceed this."""
    score_threshold: Share
    """Detections below are not found, and so not evaluated (torchvision's .05)."""
    max_detections: Annotated[int, Field(ge=1, le=1000)]
    """Detections a photo; COCO's AP looks at 100."""

    named: ClassVar[tuple[str, ...]]
    """Words that `weights` may be."""

    def problems(self) -> Iterable[str]:
        if self.min_size > self.max_size:
            yield f"min_size: {self.min_size} is larger than max_size, {self.max_size}"
        if self.weights not in self.named and not Path(self.weights).expanduser().is_file():
            yield f"weights: '{self.weights}' is neither a checkpoint file nor one of {', '.join(self.named)}"


class LiteConfig(NetworkConfig):
    """The network that trains on a laptop."""

    name: Literal["maskrcnn_lite"]

    named: ClassVar[tuple[str, ...]] = ("person", "imagenet", "none")


class ResNetConfig(NetworkConfig):
    """torchvision's networks."""

    name: Literal["maskrcnn_resnet50", "maskrcnn_resnet50_v2"]

    named: ClassVar[tuple[str, ...]] = ("coco", "imagenet", "none")


SegmenterConfig = Annotated[LiteConfig | ResNetConfig, Field(discriminator="name")]


class OptimConfig(ScheduleConfig):
    """An optimiser with a warm-up and a schedule, stepped every batch."""

    name: Literal["adamw", "sgd"]
    backbone_lr: Annotated[float, Field(ge=0, le=10)]
    """Factor on `lr` for the pretrained backbone."""
    weight_decay: Annotated[float, Field(ge=0, le=10)]
    momentum: Annotated[float, Field(ge=0, le=0.9999)]
    """Momentum of SGD; AdamW's first beta."""


class TrainSegConfig(Settings):
    """The task `train_seg`."""

    dataset: DatasetConfig
    loader: LoaderConfig
    augment: AugmentConfig
    segmenter: SegmenterConfig
    optim: OptimConfig
    trainer: NetworkTrainerConfig
    logger: LoggerName
    steps: Count
    """Optimiser steps that a training aims at where neither `trainer.max_epochs` nor `trainer.max_steps` says it."""
    least_epochs: Count
    """How often each photo is seen even so, where there are many."""
    validations: Count
    """How many there are, about; the last epoch is always measured."""
    ema_decay: Annotated[float, Field(ge=0, le=0.99999)]
    """Decay of an exponential moving average of the weights, which is then evaluated and kept; it begins shorter, and
    ends with this. 0 switches it off."""
    early_stopping: Natural
    """Stop after so many validations without a better mask AP; 0 never stops early."""
    seed: Seed
    resume: ExistingPath | None
    """The `last.ckpt` of a run, to go on with it."""
    check_data: bool
    """Report on the dataset, write a grid of augmented samples, and stop."""
    check_limit: Count | None
    """Photos of a part that `check_data` looks at, spread evenly over all; null looks at all."""
    show_threshold: Share
    """Detections below are not drawn."""
    shown: Annotated[int, Field(ge=0, le=100)]
    """Validation photos whose predictions are drawn."""


class PredictSegConfig(Settings):
    """The task `predict_seg`."""

    weights: TrainedWeights
    input: ExistingPath
    """A picture, or a folder of pictures."""
    score_threshold: Share
    """Instances below are not found."""
    mask_threshold: Share
    """A pixel belongs to an instance from this probability on."""
    tiles: Tiles | None
    """Look at overlapping tiles of so many pixels beside the whole photo, for small objects; null: the whole alone."""
    accelerator: Accelerator


class EvalSegConfig(Settings):
    """The task `eval_seg`."""

    weights: TrainedWeights
    dataset: DatasetConfig
    part: Literal["all", "train", "val", "test"]
    """All photos, or those of a part of the dataset's split."""
    tiles: Tiles | None
    """As `predict_seg` has it."""
    accelerator: Accelerator
    show_threshold: Share
    """Detections below are not drawn."""
    shown: Annotated[int, Field(ge=0, le=100)]
    """Photos whose predictions are drawn."""


class ExportSegConfig(Settings):
    """The task `export_seg`."""

    weights: TrainedWeights
    file: str
    """What is written: a `.safetensors`, or an `.onnx` with its constants in a `.json` beside it."""
    min_size: Annotated[int, Field(ge=64, le=4096)] | None
    """Short side of the exported network's input, which may be larger than what it was trained with; null keeps it."""
    max_size: Annotated[int, Field(ge=64, le=8192)] | None
    """Its longest long side; null keeps it."""

    def problems(self) -> Iterable[str]:
        if not self.file.endswith((".safetensors", ".onnx")):
            yield f"file: '{self.file}' must end in .safetensors or .onnx"
