"""Settings of the task that trains painters."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from pochoir.assets import PAINTERS, known_painters
from pochoir.config.base import (
    Count,
    ExistingPath,
    ExistingPaths,
    LoggerName,
    NotNegative,
    PainterWeights,
    Seed,
    Settings,
)
from pochoir.config.painting import EncoderConfig
from pochoir.config.training import LoaderConfig, NetworkTrainerConfig, ScheduleConfig

NamedPaths = Annotated[
    dict[str, ExistingPath] | ExistingPaths, BeforeValidator(lambda value: [value] if isinstance(value, str) else value)
]
"""Files by names of one's own, or several files or folders; one stands for a list of it."""


class PainterConfig(Settings):
    """The network that paints."""

    width: Annotated[int, Field(ge=2, le=256)]
    """Channels at full size; twice as many at half of it, four times as many at a quarter."""
    blocks: Annotated[int, Field(ge=1, le=32)]
    """Residual blocks at a quarter of the size."""
    kernel: Literal[3, 5, 7, 9]
    """Side in pixels of the first and the last convolution."""
    depthwise: bool
    """Convolutions of each channel by itself, each followed by one of all channels at a place: less work."""
    weights: str
    """What to start from: none, a painter that comes with the project, or the file of one."""
    trained: Literal["styles", "all"] | None
    """styles: only the scales and shifts of the styles, on the network of `weights`; all: the whole network; null: the
    former where there are `weights`, else the latter."""

    @property
    def only_styles(self) -> bool:
        """Whether the network stays as it is, but for the scales and shifts."""
        return self.trained == "styles" or (self.trained is None and self.weights != "none")

    def problems(self) -> Iterable[str]:
        named = ("none", *PAINTERS)
        if self.weights not in named and not Path(self.weights).expanduser().is_file():
            yield f"weights: '{self.weights}' is no file, nor none; {known_painters(self.weights)}"
        if self.weights == "none" and self.trained == "styles":
            yield "trained: styles needs a painter to start from, as weights=…; all trains one from nothing"


class PainterLossConfig(Settings):
    """What a painter learns by. Losses are relative to their targets' own size, as those of recipe=default."""

    content_weight: NotNegative
    style_weight: NotNegative
    tv_weight: NotNegative
    """Total variation: against grain."""
    consistency_weight: NotNegative
    """The paint of a moved and noisy photo is to be the paint, moved; costs the network a second look."""
    style_loss: Literal["gram", "wasserstein"]
    """Gram matrices (Gatys et al. 2015), or the Wasserstein-2 distance of Gaussians fitted to the features."""
    style_scale: Annotated[float, Field(ge=0.05, le=20)]
    """Size of the brush strokes, as of `stylize`, in pictures whose long side is `photos.size`."""

    def problems(self) -> Iterable[str]:
        if self.content_weight == self.style_weight == 0:
            yield "style_weight: neither style nor content has a weight, so there is nothing to learn"


class ConsistencyConfig(Settings):
    """How a photo is changed for the consistency loss."""

    shift: Annotated[int, Field(ge=0, le=256)]
    """Largest shift in pixels, along each side."""
    warp: Annotated[float, Field(ge=0, le=64)]
    """Largest displacement of a smooth warp, in pixels."""
    noise: Annotated[float, Field(ge=0, le=1)]
    """Standard deviation of the noise, of a range of 1."""


class PhotosConfig(Settings):
    """What of the photos is trained on, and what is held out."""

    size: Annotated[int, Field(ge=64, le=4096)]
    """Long side in pixels that photos are brought to; the styles are measured for pictures of this size ..."""
    zoom: Annotated[float, Field(ge=1, le=8)]
    """... up to so many times it, drawn anew each time: things of all distances."""
    crop: Annotated[int, Field(ge=32, le=4096)]
    """Side in pixels of the squares that are cut out of them."""
    val: Count
    """Photos that are held out, and painted in every style to choose the best weights by."""

    def problems(self) -> Iterable[str]:
        if self.crop > self.size:
            yield f"crop: {self.crop} is larger than size, {self.size}"


class TrainPainterConfig(Settings):
    """The task `train_painter`."""

    styles: NamedPaths | None
    """Pictures, or folders of pictures, each of which is a style and called by its file's name; or pictures by name."""
    content: ExistingPaths | None
    """Photos to learn on: folders, with all in them, or pictures. null: drawn scenes, and the built-in portrait."""
    photos: PhotosConfig
    painter: PainterConfig
    encoder: EncoderConfig
    loss: PainterLossConfig
    consistency: ConsistencyConfig
    optim: ScheduleConfig
    loader: LoaderConfig
    trainer: NetworkTrainerConfig
    logger: LoggerName
    steps: Count
    """Optimiser steps, where neither `trainer.max_epochs` nor `trainer.max_steps` says it."""
    validations: Count
    """How many there are, evenly spread; what lies between two is an epoch."""
    ema_decay: Annotated[float, Field(ge=0, le=0.99999)]
    """Decay of an exponential moving average of the weights, as of `train_seg`. 0 switches it off."""
    seed: Seed
    resume: ExistingPath | None
    """The `last.ckpt` of a run, to go on with it."""
    shown: Annotated[int, Field(ge=0, le=100)]
    """Held-out photos that are drawn, in every style."""

    def problems(self) -> Iterable[str]:
        for kind in ("content", "style"):
            if getattr(self.loss, f"{kind}_weight") and not getattr(self.encoder, f"{kind}_layers"):
                yield f"encoder.{kind}_layers: there are none for loss.{kind}_weight to weigh; set that to 0"

    def lacking(self) -> Iterable[str]:
        if not self.styles:
            yield "styles: missing; give them as styles=<picture or folder> or styles=[<picture>,…]"


class ExportPainterConfig(Settings):
    """The task `export_painter`."""

    weights: PainterWeights
    file: str
    """What is written: a `.safetensors`, an `.onnx`, or a `.pt2`, the latter two with a `.json` beside them."""

    def problems(self) -> Iterable[str]:
        if not self.file.endswith((".safetensors", ".onnx", ".pt2")):
            yield f"file: '{self.file}' must end in .safetensors, .onnx or .pt2"
