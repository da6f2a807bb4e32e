"""Settings of painting, and of the task `stylize`."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from pochoir.assets import FILES, PREFIX, painted_styles
from pochoir.config.base import (
    ExistingPath,
    ExistingPaths,
    LoggerName,
    NotNegative,
    PainterWeights,
    Seed,
    Settings,
    Share,
    StylePath,
    is_folder,
)
from pochoir.config.training import PaintTrainerConfig
from pochoir.errors import number_of, suggestion

VGG_BLOCKS = {"vgg19": (2, 2, 4, 4, 4), "vgg16": (2, 2, 3, 3, 3)}
"""Encoders and how many convolutions stand before each of their five poolings."""

Side = Annotated[int, Field(ge=32, le=16384)]


def vgg_layers(name: str) -> list[str]:
    """Names of an encoder's layers in order: conv1_1, relu1_1, conv1_2, …"""
    return [
        f"{kind}{block}_{index}"
        for block, count in enumerate(VGG_BLOCKS[name], start=1)
        for index in range(1, count + 1)
        for kind in ("conv", "relu")
    ]


class EncoderConfig(Settings):
    """The frozen VGG whose features say what content and style are, and which of its layers are looked at."""

    name: Literal["vgg19", "vgg16"]
    weights: str
    """bundled (VGG-19: the original ImageNet weights, from a package), torchvision, or the path of a state dict."""
    preprocessing: Literal["auto", "caffe", "torchvision"]
    """What the weights expect: caffe is BGR in 0 … 255 less the mean, torchvision is RGB by mean and deviation. auto:
    caffe for the bundled ones, torchvision for the others."""
    precision: Literal["auto", "float32", "bfloat16"]
    """What the encoder computes in; auto: bfloat16 where the device has units for it. The picture, the Gram matrices
    and the losses are always float32."""
    pooling: Literal["max", "average"]
    content_layers: list[str]
    style_layers: list[str]
    content_layer_weights: list[float] | None
    """One a content layer, relative to each other; null: all alike."""
    style_layer_weights: list[float] | None

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of all layers that are looked at, each once."""
        return tuple(dict.fromkeys([*self.content_layers, *self.style_layers]))

    def problems(self) -> Iterable[str]:
        if self.weights == "bundled" and self.name != "vgg19":
            yield f"weights: only vgg19 comes bundled; {self.name} takes torchvision or a path"
        if self.weights not in {"bundled", "torchvision"} and not Path(self.weights).expanduser().is_file():
            yield f"weights: '{self.weights}' is neither a file nor one of bundled, torchvision"
        for kind in ("content_layers", "style_layers"):
            layers, weights = getattr(self, kind), getattr(self, f"{kind[:-1]}_weights")
            yield from (f"{kind}: {problem}" for problem in self._layer_problems(layers))
            if weights is not None:
                yield from (f"{kind[:-1]}_weights: {problem}" for problem in weight_problems(weights, len(layers)))

    def _layer_problems(self, layers: list[str]) -> Iterable[str]:
        known = vgg_layers(self.name)
        for layer in layers:
            if layer not in known:
                advice = suggestion(layer, known)
                yield f"unknown layer '{layer}'{advice} ({self.name} has conv1_1, relu1_1 … {known[-1]})"
        if len(set(layers)) < len(layers):
            yield f"{', '.join(layers)} names a layer twice"


def weight_problems(weights: list[float], count: int) -> list[str]:
    """What is wrong with relative weights of `count` things."""
    if len(weights) != count:
        return [f"{len(weights)} weights for {count}; give one for each"]
    if any(not math.isfinite(weight) or weight < 0 for weight in weights) or (count and sum(weights) == 0):
        return [f"{weights} must be finite, none negative, and not all zero"]
    return []


class RecipeConfig(Settings):
    """What is minimised, and how: losses, weights, the pyramid and the optimiser."""

    content_weight: NotNegative
    style_weight: NotNegative
    tv_weight: NotNegative
    """Total variation: against grain."""
    style_loss: Literal["gram", "wasserstein", "sliced"]
    """Gram matrices (Gatys et al. 2015), the Wasserstein-2 distance of Gaussians fitted to the features, or the sliced
    Wasserstein distance of the features themselves (Heitz et al. 2021)."""
    normalization: Literal["relative", "gatys2015"]
    """relative: every term is a share of its target's own size, so that a weight means the same at every image size,
    layer and region. gatys2015: the sums of the paper, gram only."""
    optimizer: Literal["lbfgs", "adam"]
    lr: Annotated[float, Field(ge=1e-6, le=100)]
    """Step length of L-BFGS, or Adam's peak learning rate, which falls to zero by a cosine in every level."""
    history: Annotated[int, Field(ge=1, le=100)]
    """Steps that L-BFGS remembers; each costs two pictures of memory."""
    image: Literal["sigmoid", "pixels"]
    """What is optimised: z, of which the picture is a sigmoid that reaches a twentieth beyond [0, 1], or the pixels
    themselves. What is beyond is clipped at the end."""
    coarsest: Annotated[int, Field(ge=32, le=8192)]
    """Long side of the coarsest pyramid level in pixels; each level has twice the one before, up to the picture."""
    steps: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)]
    """Evaluations of each level, coarsest first; the last number holds for all levels beyond."""
    depths: Annotated[list[Annotated[int, Field(ge=1, le=5)]], Field(min_length=1)]
    """Deepest block of encoder layers that each level looks at, as `steps`: what deeper layers see is settled at coarse
    levels already, and a level without its last blocks is several times as fast."""
    tolerance: Share
    """A level ends early when 10 steps together lower the loss by less than this share; 0 never."""

    def problems(self) -> Iterable[str]:
        if self.content_weight == self.style_weight == self.tv_weight == 0:
            yield "style_weight: all weights are 0, so there is nothing to minimise"
        if self.normalization == "gatys2015" and self.style_loss != "gram":
            yield f"style_loss: {self.style_loss} is not in the paper; normalization=gatys2015 needs gram"


class KeepConfig(Settings):
    """Where more of the content is kept, such as faces."""

    mask: ExistingPath | None
    """A mask picture of the content's shape, white where more is kept; in any of the forms of `masks` of `partial`."""
    weight: Annotated[float, Field(ge=1, le=10000)]
    """How many times the content counts there; everywhere else it counts as without."""


class GuidesConfig(Settings):
    """Which part of a painting paints which part of the content: label pictures, in which equal greys or colours mean
    the same part.
    """

    content: ExistingPath | None
    """Labels of the content, a picture of its shape."""
    style: ExistingPaths | None
    """Labels of the style, a picture of its shape; of several styles one each. Every label of the content must be
    there."""

    def problems(self) -> Iterable[str]:
        if (self.content is None) != (self.style is None):
            missing = "content" if self.content is None else "style"
            yield f"{missing}: missing; labels pair parts of the content with parts of the style, so give both"


class UsedPainterConfig(Settings):
    """The painter of method=painter and init=painter."""

    weights: PainterWeights | None
    """One that comes with the project, or the file of one; null: whichever of the former knows the style."""
    strength: Share
    """Of method=painter: 0 is the photo, 1 is the paint."""
    measured: bool
    """Of method=painter: whether the errors of each picture are measured, which takes longer than painting it."""


class PaintConfig(Settings):
    """What all painting shares, whatever is painted."""

    encoder: EncoderConfig
    recipe: RecipeConfig
    trainer: PaintTrainerConfig
    keep: KeepConfig
    guides: GuidesConfig
    logger: LoggerName
    init: str
    """What the optimisation starts from: content, noise, style, painter (what one makes of it), or the path of a
    picture."""
    painter: UsedPainterConfig
    keep_colors: Literal["off", "luminance", "match"]
    """luminance: the colours of the content under the brightness of the painting; match: the style's colours are first
    given the content's mean and covariance (Gatys et al. 2016)."""
    size: Side | None
    """Long side of the result in pixels; null: as the content."""
    max_size: Side
    """Long side of what is painted when `size` is null: `stylize` shrinks its content to it, `partial` keeps the photo
    and enlarges the paint."""
    style_scale: Annotated[float, Field(ge=0.05, le=20)]
    """Size of the style's brush strokes: the style is scaled to the picture's area, times this in each direction."""
    memory: Annotated[float, Field(ge=0.1, allow_inf_nan=False)] | None
    """Gigabytes the run may use; null: what is free. Larger plans are reduced, and the run says how."""
    milestones: Annotated[int, Field(ge=0, le=1000)]
    """Pictures on the way: progress/*.png, progress.gif and TensorBoard."""
    suffix: Literal[".png", ".jpg", ".webp", ".tif"]
    """Format of the result."""
    seed: Seed

    @property
    def at_once(self) -> bool:
        """Whether a painter paints, and nothing is optimised."""
        return getattr(self, "method", None) == "painter"

    @property
    def measured(self) -> bool:
        """Whether errors of what is painted are measured, which takes the pictures of its styles."""
        return not self.at_once or self.painter.measured

    @property
    def given_styles(self) -> list[str]:
        """Pictures and names of styles, as they were given; none from Python, where they are arguments."""
        return []

    def painter_problems(self) -> Iterable[str]:
        """What of painters does not go with the rest."""
        if self.at_once and self.keep_colors == "match":
            yield "keep_colors: match recolours a style, which a painter has learned as it is; luminance works"
        for key, given in (("keep.mask", self.keep.mask), ("guides.content", self.guides.content)):
            if self.at_once and given:
                yield f"{key}: is for optimising; a painter paints all alike, so leave it out, or method=optimize"
        if self.at_once and self.style_scale != 1:
            yield "style_scale: is for optimising; a painter's strokes are as large as it has learned, so leave it out"
        if self.at_once and self.init != "content":
            yield f"init: {self.init} is what optimising begins with, and a painter paints at once; leave it out"
        known = painted_styles()
        named = [style for style in self.given_styles if style in known and not Path(style).exists()]
        if named and not self.at_once:
            drawn = f", such as {PREFIX}{named[0]}" if named[0] in FILES else ""
            yield f"style: '{named[0]}' is known to painters, and no picture; give method=painter, or a picture{drawn}"
        elif named and self.measured:
            yield f"style: '{named[0]}' is known to painters, and no picture to measure errors by; give a picture"

    def problems(self) -> Iterable[str]:
        if self.init not in {"content", "noise", "style", "painter"} and not Path(self.init).expanduser().is_file():
            yield f"init: '{self.init}' is neither a picture nor one of content, noise, style, painter"
        for kind in ("content", "style"):
            if getattr(self.recipe, f"{kind}_weight") and not getattr(self.encoder, f"{kind}_layers"):
                yield f"encoder.{kind}_layers: there are none for recipe.{kind}_weight to weigh; set that to 0"
        if self.trainer.gradient_clip_val and self.recipe.optimizer == "lbfgs":
            yield (
                "trainer.gradient_clip_val: L-BFGS infers curvature from gradients, clipped ones mislead it; "
                "set null, or recipe.optimizer=adam"
            )
        styles = self.given_styles
        many_contents, many_styles = is_folder(getattr(self, "content", None)), any(map(is_folder, styles))
        if self.keep.mask and many_contents:
            yield "keep.mask: is of one content; content is a folder"
        if self.guides.content and many_contents:
            yield "guides.content: is of one content; content is a folder"
        if self.guides.style and many_styles:
            yield "guides.style: is of one style each; of these, one is a folder"
        if not self.recipe.style_weight and self.guides.content:
            yield "guides.content: recipe.style_weight is 0, so that nothing takes paint from anything"
        if self.keep.mask and not self.recipe.content_weight:
            yield "keep.mask: recipe.content_weight is 0, of which any number of times is nothing"
        labelled = self.guides.style
        labelled = [labelled] if isinstance(labelled, str) else labelled  # what is refused is looked at as it was given
        if labelled and styles and len(labelled) != len(styles) and not many_styles:
            told = f"{number_of('label picture', len(labelled))} for {number_of('style', len(styles))}"
            yield f"guides.style: {told}; give one for each, in their order"


class StylizeConfig(PaintConfig):
    """The task `stylize`."""

    content: ExistingPath | None
    """A picture, or a folder of pictures."""
    style: StylePath | None
    """A picture, or a folder of pictures, or the name of a style that a painter knows ..."""
    styles: list[StylePath] | None
    """... or a list of pictures: every content is painted in every style, unless they are blended."""
    blend: list[float] | None
    """Weights of `styles` in one blended style; null: each style gives a picture of its own."""
    method: Literal["optimize", "painter"]
    """optimize: the picture is the parameter; painter: a network that has learned the style paints at once."""

    @property
    def given_styles(self) -> list[str]:
        return [style for style in (self.style, *(self.styles or [])) if style]

    def problems(self) -> Iterable[str]:
        yield from super().problems()
        if self.style and self.styles:
            yield "style: give either style=<picture or folder> or styles=[<picture>,…]"
        if self.blend is not None and self.styles is not None:
            yield from (f"blend: {problem}" for problem in weight_problems(self.blend, len(self.styles)))
        yield from self.painter_problems()

    def lacking(self) -> Iterable[str]:
        if not self.content:
            yield "content: missing; give it as content=<picture or folder>"
        if not (self.style or self.styles):
            yield "style: missing; give either style=<picture or folder> or styles=[<picture>,…]"
        if self.blend is not None and self.styles is None:
            yield "blend: are weights of styles=[<picture>,…], which are missing"
