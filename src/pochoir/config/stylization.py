"""Settings of `scripts/stylize.py`."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from pochoir.config.fields import setting
from pochoir.errors import suggestion

VGG_BLOCKS = {"vgg19": (2, 2, 4, 4, 4), "vgg16": (2, 2, 3, 3, 3)}
"""Encoders and how many convolutions stand before each of their five poolings."""

SINGLE_PRECISION = ("auto", "float32", "bfloat16")
REFUSED_PRECISION = {
    "fp16": "its range overflows in Gram matrices",
    "16-mixed": "its range overflows in Gram matrices",
    "16-true": "its range overflows in Gram matrices",
    "bf16-true": "the picture itself would have 8 bits of mantissa: banding",
}


def vgg_layers(name: str) -> list[str]:
    """Names of an encoder's layers in order: conv1_1, relu1_1, conv1_2, …"""
    return [
        f"{kind}{block}_{index}"
        for block, count in enumerate(VGG_BLOCKS[name], start=1)
        for index in range(1, count + 1)
        for kind in ("conv", "relu")
    ]


@dataclass
class EncoderConfig:
    """The frozen VGG whose features say what content and style are, and which of its layers are looked at."""

    name: str = "vgg19"
    weights: str = "bundled"
    """bundled (VGG-19: the original ImageNet weights, from a package), torchvision, or the path of a state dict."""
    preprocessing: str = setting("auto", choices=("auto", "caffe", "torchvision"))
    """What the weights expect: caffe is BGR in 0 … 255 less the mean, torchvision is RGB by mean and deviation. auto:
    caffe for the bundled ones, torchvision for the others."""
    pooling: str = setting("max", choices=("max", "average"))
    content_layers: list[str] = field(default_factory=lambda: ["relu4_2"])
    style_layers: list[str] = field(default_factory=lambda: [f"relu{block}_1" for block in range(1, 6)])
    content_layer_weights: list[float] | None = None
    """One a content layer, relative to each other; null: all alike."""
    style_layer_weights: list[float] | None = None

    def problems(self) -> list[str]:
        found = []
        if self.weights == "bundled" and self.name != "vgg19":
            found.append(f"weights: only vgg19 comes bundled; {self.name} takes torchvision or a path")
        if self.weights not in {"bundled", "torchvision"} and not Path(self.weights).expanduser().is_file():
            found.append(f"weights: '{self.weights}' is neither a file nor one of bundled, torchvision")
        for kind in ("content_layers", "style_layers"):
            layers, weights = getattr(self, kind), getattr(self, f"{kind[:-1]}_weights")
            found += [f"{kind}: {problem}" for problem in self._layer_problems(layers)]
            if weights is not None:
                found += [f"{kind[:-1]}_weights: {problem}" for problem in weight_problems(weights, len(layers))]
        return found

    def _layer_problems(self, layers: list[str]) -> list[str]:
        known = vgg_layers(self.name)
        found = []
        for layer in layers:
            if layer not in known:
                advice = suggestion(layer, known)
                found.append(f"unknown layer '{layer}'{advice} ({self.name} has conv1_1, relu1_1 … {known[-1]})")
        if len(set(layers)) < len(layers):
            found.append(f"{', '.join(layers)} names a layer twice")
        return found


def weight_problems(weights: list[float], count: int) -> list[str]:
    """What is wrong with relative weights of `count` things."""
    if len(weights) != count:
        return [f"{len(weights)} weights for {count}; give one for each"]
    if any(not math.isfinite(weight) or weight < 0 for weight in weights) or (count and sum(weights) == 0):
        return [f"{weights} must be finite, none negative, and not all zero"]
    return []


@dataclass
class RecipeConfig:
    """What is minimised, and how: losses, weights, the pyramid and the optimiser."""

    content_weight: float = setting(1.0, low=0)
    style_weight: float = setting(1.0, low=0)
    tv_weight: float = setting(0.0, low=0)
    """Total variation: against grain."""
    style_loss: str = setting("gram", choices=("gram", "wasserstein"))
    """Gram matrices (Gatys et al. 2015), or the Wasserstein-2 distance of Gaussians fitted to the features."""
    normalization: str = setting("relative", choices=("relative", "gatys2015"))
    """relative: every term is a share of its target's own size, so that a weight means the same at every image size,
    layer and region. gatys2015: the sums of the paper, gram only."""
    optimizer: str = setting("lbfgs", choices=("lbfgs", "adam"))
    lr: float = setting(1.0, low=1e-6, high=100)
    """Step length of L-BFGS, or Adam's peak learning rate, which falls to zero by a cosine in every level."""
    history: int = setting(10, low=1, high=100)
    """Steps that L-BFGS remembers; each costs two pictures of memory."""
    image: str = setting("sigmoid", choices=("sigmoid", "pixels"))
    """What is optimised: z, of which the picture is the sigmoid and so never leaves [0, 1], or the pixels themselves,
    which are clipped at the end."""
    coarsest: int = setting(128, low=32, high=8192)
    """Long side of the coarsest pyramid level in pixels; each level has twice the one before, up to the picture."""
    steps: list[int] = field(default_factory=lambda: [100, 45, 22])
    """Evaluations of each level, coarsest first; the last number holds for all levels beyond."""
    depths: list[int] = field(default_factory=lambda: [5])
    """Deepest block of encoder layers that each level looks at, as `steps`: what deeper layers see is settled at coarse
    levels already, and a level without its last blocks is several times as fast."""
    tolerance: float = setting(0.0, low=0, high=1)
    """A level ends early when 10 steps together lower the loss by less than this share; 0 never."""

    def problems(self) -> list[str]:
        found = []
        if not self.steps or any(count < 1 for count in self.steps):
            found.append(f"steps: {self.steps} must be one number or more, each at least 1")
        if not self.depths or any(not 1 <= depth <= 5 for depth in self.depths):
            found.append(f"depths: {self.depths} must be one number or more, each from 1 to 5")
        if self.content_weight == self.style_weight == self.tv_weight == 0:
            found.append("style_weight: all weights are 0, so there is nothing to minimise")
        if self.normalization == "gatys2015" and self.style_loss != "gram":
            found.append(f"style_loss: {self.style_loss} is not in the paper; normalization=gatys2015 needs gram")
        return found


@dataclass
class PaintTrainerConfig:
    """What Lightning's Trainer is told. A picture is one parameter: most of what a Trainer can do would harm it."""

    accelerator: str = setting("auto", choices=("auto", "cpu", "gpu", "mps"))
    devices: int = setting(1, low=1)
    precision: str = "auto"
    """Of the encoder: float32, bfloat16, or auto: bfloat16 where the device computes in it. The picture, the Gram
    matrices and the losses are always float32."""
    gradient_clip: float = setting(0.0, low=0)
    """Adam only; 0 does not clip."""
    accumulate_grad_batches: int = setting(1, low=1)
    log_every_n_steps: int = setting(10, low=1)
    progress_bar: bool = True

    def problems(self) -> list[str]:
        found = []
        if self.precision in REFUSED_PRECISION:
            found.append(
                f"precision: {self.precision} is refused, because {REFUSED_PRECISION[self.precision]}; "
                "bfloat16 runs the encoder alone in 16 bits"
            )
        elif self.precision not in SINGLE_PRECISION:
            found.append(f"precision: '{self.precision}' is not one of {', '.join(SINGLE_PRECISION)}")
        if self.devices > 1:
            found.append(
                f"devices: {self.devices} devices cannot share one picture; give each its own pictures, "
                "say by one process a device"
            )
        if self.accumulate_grad_batches > 1:
            found.append(
                f"accumulate_grad_batches: {self.accumulate_grad_batches} would add up the gradient of the same "
                "picture; 1 is the only meaning"
            )
        return found


@dataclass
class PaintConfig:
    """What the painting scripts share."""

    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    recipe: RecipeConfig = field(default_factory=RecipeConfig)
    trainer: PaintTrainerConfig = field(default_factory=PaintTrainerConfig)
    init: str = "content"
    """What the optimisation starts from: content, noise, style, or the path of a picture."""
    keep_colors: str = setting("off", choices=("off", "luminance", "match"))
    """luminance: the colours of the content under the brightness of the painting; match: the style's colours are first
    given the content's mean and covariance (Gatys et al. 2016)."""
    size: int | None = setting(None, low=32, high=16384)
    """Long side of the result in pixels; null: as the content."""
    max_size: int = setting(1024, low=32, high=16384)
    """Long side of what is painted when `size` is null: `stylize` shrinks its content to it, `partial` keeps the photo
    and enlarges the paint."""
    style_scale: float = setting(1.0, low=0.05, high=20)
    """Size of the style's brush strokes: the style is scaled to the picture's area, times this in each direction."""
    memory: float | None = setting(None, low=0.1)
    """Gigabytes the run may use; null: what is free. Larger plans are reduced, and the run says how."""
    milestones: int = setting(12, low=0, high=1000)
    """Pictures on the way: progress/*.png, progress.gif and TensorBoard."""
    suffix: str = setting(".png", choices=(".png", ".jpg", ".webp", ".tif"))
    """Format of the result."""
    seed: int = setting(0, low=0)

    def problems(self) -> list[str]:
        found = []
        if self.init not in {"content", "noise", "style"} and not Path(self.init).expanduser().is_file():
            found.append(f"init: '{self.init}' is neither a picture nor one of content, noise, style")
        if self.trainer.gradient_clip > 0 and self.recipe.optimizer == "lbfgs":
            found.append(
                "trainer.gradient_clip: L-BFGS infers curvature from gradients, clipped ones mislead it; "
                "set 0, or recipe.optimizer=adam"
            )
        return found


@dataclass
class StylizeConfig(PaintConfig):
    """`scripts/stylize.py`."""

    content: str = "???"
    """A picture, or a folder of pictures."""
    style: str | None = None
    """A picture, or a folder of pictures ..."""
    styles: list[str] | None = None
    """... or a list of pictures: every content is painted in every style, unless they are blended."""
    blend: list[float] | None = None
    """Weights of `styles` in one blended style; null: each style gives a picture of its own."""

    paths: ClassVar[tuple[str, ...]] = ("content", "style", "styles")

    def problems(self) -> list[str]:
        found = super().problems()
        if (self.style is None) == (not self.styles):
            found.append("style: give either style=<picture or folder> or styles=[<picture>,…]")
        if self.blend is not None:
            found += [f"blend: {problem}" for problem in weight_problems(self.blend, len(self.styles or []))]
        return found
