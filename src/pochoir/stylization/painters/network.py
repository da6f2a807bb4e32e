"""The painter: a photo through a small convolutional network becomes paint, in one of its styles or in a blend."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from pochoir.config import PainterConfig
from pochoir.stylization.canvas import to_image
from pochoir.stylization.losses import weighted_mean

EPS = 1e-5
SMALLEST = 16
"""Pixels of a picture's side; below, nothing is left to take statistics of."""


class ConditionalNorm(nn.Module):
    """Instance normalisation with a scale and a shift for each style and channel (Dumoulin et al. 2017).

    Its statistics are those of the whole picture, or of a region of it.
    """

    def __init__(self, channels: int, styles: int) -> None:
        super().__init__()
        self.scales = nn.Parameter(torch.ones(styles, channels))
        self.shifts = nn.Parameter(torch.zeros(styles, channels))

    def forward(self, x: Tensor, blend: Tensor, region: Tensor | None) -> Tensor:
        """x: `[B, C, h, w]`; blend: `[B, S]`, shares of the styles; region: `[B, 1, h, w]` in [0, 1]."""
        scales, shifts = ((blend @ values).expand(len(x), -1) for values in (self.scales, self.shifts))
        if region is None and torch.is_grad_enabled():  # the faster way there and back, if not the faster way there
            each = [
                functional.instance_norm(one[None], weight=scale, bias=shift, eps=EPS)
                for one, scale, shift in zip(x, scales, shifts, strict=True)
            ]
            return each[0] if len(each) == 1 else torch.cat(each)
        x = x - weighted_mean(x, region)[:, :, None, None]
        gain = scales * torch.rsqrt(weighted_mean(x.square(), region) + EPS)
        return torch.addcmul(shifts[:, :, None, None].to(x.dtype), x, gain[:, :, None, None].to(x.dtype))


class Layer(nn.Module):
    """A convolution that keeps the frame out by repeating it, its normalisation, and a rectifier where asked for.

    depthwise: a convolution of each channel by itself, and one of all channels at each place (Howard et al. 2017).
    """

    def __init__(
        self, channels: tuple[int, int], kernel: int, styles: int, *, stride: int = 1, depthwise: bool = False
    ) -> None:
        super().__init__()
        self.convolution = _convolution(*channels, kernel, stride, depthwise=depthwise)
        self.norm = ConditionalNorm(channels[1], styles)

    def forward(self, x: Tensor, blend: Tensor, region: Tensor | None, *, rectified: bool = True) -> Tensor:
        x = self.norm(self.convolution(x), blend, region)
        return functional.relu(x, inplace=True) if rectified else x


class Block(nn.Module):
    """A residual block (He et al. 2016), without a rectifier at its end (Gross and Wilber 2016)."""

    def __init__(self, channels: int, styles: int, *, depthwise: bool) -> None:
        super().__init__()
        self.first, self.second = (Layer((channels, channels), 3, styles, depthwise=depthwise) for _ in range(2))

    def forward(self, x: Tensor, blend: Tensor, region: Tensor | None) -> Tensor:
        return x + self.second(self.first(x, blend, region), blend, region, rectified=False)


class Painter(nn.Module):
    """Johnson et al. (2016): convolutions with strides, residual blocks, and enlargement by nearest neighbours before
    convolutions in place of transposed ones (Odena et al. 2016). `styles` are the names of those it paints in.

    Pictures of any size from `SMALLEST` pixels on: each enlargement is to the size before its reduction.
    """

    def __init__(self, config: PainterConfig, styles: Sequence[str]) -> None:
        super().__init__()
        self.styles = tuple(styles)
        width, count, depthwise = config.width, len(self.styles), config.depthwise
        self.first = Layer((3, width), config.kernel, count)
        self.down = nn.ModuleList(
            Layer((channels, 2 * channels), 3, count, stride=2, depthwise=depthwise) for channels in (width, 2 * width)
        )
        self.blocks = nn.ModuleList(Block(4 * width, count, depthwise=depthwise) for _ in range(config.blocks))
        self.up = nn.ModuleList(
            Layer((2 * channels, channels), 3, count, depthwise=depthwise) for channels in (2 * width, width)
        )
        self.last = _convolution(width, 3, config.kernel)
        self.to(memory_format=torch.channels_last)

    def forward(self, image: Tensor, blend: Tensor, region: Tensor | None = None) -> Tensor:
        """Paint of `[B, 3, H, W]` float32 in [0, 1], of the same shape, which may leave [0, 1] by a twentieth.

        blend: `[B, S]`, or `[1, S]` for all, shares of the styles that sum to 1. region: `[B, 1, H, W]` in [0, 1] with
        some weight in each picture: what the normalisation takes its statistics of, while all of the picture is
        painted.
        """
        x = (image - 0.5).contiguous(memory_format=torch.channels_last)
        x = self.first(x, blend, region)
        before = []
        for layer in self.down:
            before.append((x.shape[-2:], region))
            region = _halved(region)
            x = layer(x, blend, region)
        for block in self.blocks:
            x = block(x, blend, region)
        for layer in self.up:
            size, region = before.pop()
            x = layer(functional.interpolate(x, size=size, mode="nearest"), blend, region)
        return to_image(self.last(x).float(), "sigmoid")


def one_style(places: Tensor, count: int) -> Tensor:
    """`[B]` numbers of styles as a blend `[B, S]` of one each."""
    return functional.one_hot(places, count).float()


def _convolution(fan_in: int, channels: int, kernel: int, stride: int = 1, *, depthwise: bool = False) -> nn.Module:
    shape: dict[str, Any] = {"stride": stride, "padding": kernel // 2, "padding_mode": "replicate"}
    if not depthwise:
        return nn.Conv2d(fan_in, channels, kernel, **shape)
    return nn.Sequential(nn.Conv2d(fan_in, fan_in, kernel, groups=fan_in, **shape), nn.Conv2d(fan_in, channels, 1))


def _halved(region: Tensor | None) -> Tensor | None:
    """A region as a convolution of stride 2 and its one pixel of padding place it."""
    return None if region is None else functional.avg_pool2d(region, 2, ceil_mode=True, count_include_pad=False)
