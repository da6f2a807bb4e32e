"""Settings of the scripts that train, use, measure and export a segmenter."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from pochoir.assets import BUILTIN_PERSON
from pochoir.config.datasets import DatasetConfig
from pochoir.config.fields import not_whole, setting


@dataclass
class AugmentConfig:
    """Training-time augmentation; probabilities in [0, 1], zero switches a step off."""

    flip: float = setting(0.5, low=0, high=1)
    """Probability of a horizontal flip."""
    scale_min: float = setting(1.0, low=0.1, high=10)
    """Scale jitter: smallest zoom; 1 and 1 switch it off."""
    scale_max: float = setting(1.0, low=0.1, high=10)
    """Scale jitter: largest zoom."""
    crop: float = setting(0.0, low=0, high=1)
    """Probability of a random crop, which also changes the aspect."""
    crop_min: float = setting(0.6, low=0.05, high=1)
    """Smallest share of each side that a crop keeps."""
    photometric: float = setting(0.5, low=0, high=1)
    """Probability of a change of brightness, contrast, saturation and hue; blur and grey are rarer."""
    copy_paste: float = setting(0.0, low=0, high=1)
    """Probability that instances of other training photos are pasted in front."""
    copy_paste_photos: int = setting(1, low=1, high=10)
    """Largest number of photos that are pasted from; each sample draws its own."""
    copy_paste_scale_min: float = setting(1.0, low=0.05, high=10)
    """Scale jitter of the photos that are pasted from: smallest zoom, ..."""
    copy_paste_scale_max: float = setting(1.0, low=0.05, high=10)
    """... largest zoom."""

    def problems(self) -> list[str]:
        ranges = {
            "scale": (self.scale_min, self.scale_max),
            "copy_paste_scale": (self.copy_paste_scale_min, self.copy_paste_scale_max),
        }
        return [
            f"{name}_min: {low:g} is larger than {name}_max, {high:g}"
            for name, (low, high) in ranges.items()
            if low > high
        ]


@dataclass
class SegmenterConfig:
    """A two-class Mask R-CNN (background and the one foreground class)."""

    name: str = "maskrcnn_lite"
    weights: str = "person"
    """person, coco, imagenet, none, or the path of a checkpoint."""
    trained_layers: int = setting(3, low=0, high=5)
    """How many of the backbone's five stages are trained, counted from the deepest."""
    min_size: int = setting(640, low=64, high=4096)
    """Short side of the network's input in pixels ..."""
    max_size: int = setting(1280, low=64, high=8192)
    """... unless the long side would exceed this."""
    score_threshold: float = setting(0.05, low=0, high=1)
    """Detections below are not evaluated (torchvision's .05); showing them is `show_threshold`'s business."""
    max_detections: int = setting(100, low=1, high=1000)
    """Detections a photo; COCO's AP looks at 100."""

    def problems(self) -> list[str]:
        found = []
        if self.min_size > self.max_size:
            found.append(f"min_size: {self.min_size} is larger than max_size, {self.max_size}")
        named = NAMED_WEIGHTS[self.name]
        if self.weights not in named and not Path(self.weights).expanduser().is_file():
            found.append(
                f"weights: '{self.weights}' is neither a checkpoint file nor one of {', '.join(named)} (of {self.name})"
            )
        return found


@dataclass
class OptimConfig:
    """An optimiser with a warm-up and a schedule, stepped every batch."""

    name: str = setting("adamw", choices=("adamw", "sgd"))
    lr: float = setting(1e-3, low=1e-8, high=10)
    """Peak learning rate."""
    backbone_lr: float = setting(1.0, low=0, high=10)
    """Factor on `lr` for the pretrained backbone."""
    weight_decay: float = setting(0.05, low=0, high=10)
    momentum: float = setting(0.9, low=0, high=0.9999)
    """Momentum of SGD; AdamW's first beta."""
    warmup: float = setting(0.05, low=0, high=1)
    """Share of all steps in which the learning rate grows linearly from a hundredth."""
    schedule: str = setting("cosine", choices=("cosine", "linear", "multistep", "constant"))
    """After the warm-up: down to `lr * final_lr` by cosine or linearly, in tenths at 2/3 and 8/9, or not at all."""
    final_lr: float = setting(0.01, low=0, high=1)
    """Share of `lr` that is left at the end of cosine and linear."""


@dataclass
class TrainerConfig:
    """What is passed to Lightning's Trainer, and the callbacks around it."""

    accelerator: str = setting("cpu", choices=("cpu", "gpu", "auto", "mps"))
    devices: int = setting(1, low=1)
    strategy: str = "auto"
    precision: str = setting("32-true", choices=("32-true", "16-mixed", "bf16-mixed"))
    channels_last: bool = False
    """Memory layout of the weights; GPUs want it, and CPUs gain a little too."""
    max_epochs: int = setting(8, low=1)
    check_val_every_n_epoch: int = setting(1, low=1)
    """Validate at least so often; the interval shrinks to a divisor of `max_epochs`, so that the last is measured."""
    limit_train_batches: float | None = setting(None, low=0)
    """Batches an epoch (a count from 1 on, a share below); null takes all."""
    limit_val_batches: float | None = setting(None, low=0)
    accumulate_grad_batches: int = setting(1, low=1, high=1000)
    """Batches whose gradients make a step. Single photos, accumulated, are not padded to each other's size."""
    gradient_clip: float = setting(5.0, low=0)
    """Largest norm of all gradients together; 0 does not clip."""
    ema_decay: float = setting(0.0, low=0, high=0.99999)
    """Decay of an exponential moving average of the weights, which is then evaluated and kept; 0 switches it off."""
    early_stopping: int = setting(0, low=0)
    """Stop after so many validations without a better mask AP; 0 never stops early."""
    log_every_n_steps: int = setting(10, low=1)
    progress_bar: bool = True

    def problems(self) -> list[str]:
        return not_whole(self, "limit_train_batches", "limit_val_batches")


@dataclass
class TrainSegConfig:
    """`scripts/train_seg.py`."""

    dataset: DatasetConfig = field(default_factory=DatasetConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    segmenter: SegmenterConfig = field(default_factory=SegmenterConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    seed: int = setting(0, low=0)
    ckpt: str | None = None
    """A `last.ckpt` to continue from."""
    check_data: bool = False
    """Report on the dataset, write a grid of augmented samples, and stop."""
    show_threshold: float = setting(0.5, low=0, high=1)
    """Detections below are not drawn; evaluation has `segmenter.score_threshold`."""
    shown: int = setting(8, low=0, high=100)
    """Validation photos whose predictions are drawn."""

    paths: ClassVar[tuple[str, ...]] = ("ckpt",)


@dataclass
class PredictSegConfig:
    """`scripts/predict_seg.py`."""

    ckpt: str = BUILTIN_PERSON
    """A checkpoint of train_seg; the default finds people and comes with the project."""
    input: str = "???"
    """A picture, or a folder of pictures."""
    score_threshold: float = setting(0.5, low=0, high=1)
    """Instances below are left out."""
    mask_threshold: float = setting(0.5, low=0, high=1)
    """A pixel belongs to an instance from this probability on."""
    accelerator: str = setting("auto", choices=("auto", "cpu", "cuda", "mps"))

    paths: ClassVar[tuple[str, ...]] = ("ckpt", "input")


@dataclass
class EvalSegConfig:
    """`scripts/eval_seg.py`."""

    ckpt: str = BUILTIN_PERSON
    """A checkpoint of train_seg; the default finds people and comes with the project."""
    dataset: DatasetConfig = field(default_factory=DatasetConfig)
    part: str = setting("all", choices=("all", "train", "val", "test"))
    """All photos, or those of a part of the dataset's split."""
    accelerator: str = setting("auto", choices=("auto", "cpu", "cuda", "mps"))
    show_threshold: float = setting(0.5, low=0, high=1)
    """Detections below are not drawn."""
    shown: int = setting(8, low=0, high=100)
    """Photos whose predictions are drawn."""

    paths: ClassVar[tuple[str, ...]] = ("ckpt",)


@dataclass
class ExportSegConfig:
    """`scripts/export_seg.py`."""

    ckpt: str = "???"
    """A checkpoint of train_seg."""
    file: str = "???"
    """What is written: a `.safetensors`."""
    min_size: int | None = setting(None, low=64, high=4096)
    """Short side of the exported network's input, which may be larger than what it was trained with; null keeps it."""
    max_size: int | None = setting(None, low=64, high=8192)
    """Its longest long side; null keeps it."""

    paths: ClassVar[tuple[str, ...]] = ("ckpt",)

    def problems(self) -> list[str]:
        if not self.file.endswith(".safetensors"):
            return [f"file: '{self.file}' must end in .safetensors"]
        return []


NAMED_WEIGHTS = {
    "maskrcnn_lite": ("person", "imagenet", "none"),
    "maskrcnn_resnet50": ("coco", "imagenet", "none"),
    "maskrcnn_resnet50_v2": ("coco", "imagenet", "none"),
}
"""Segmenters and the words that their `weights` may be, besides the path of a checkpoint."""
