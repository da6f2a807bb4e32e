"""A mask branch that draws 56×56 outlines from a level of stride 4, after RefineMask (Zhang et al. 2021), made slim."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads
from torchvision.ops import Conv2dNormActivation, MultiScaleRoIAlign, RoIAlign

FINE_STRIDE = 4
Norm = Callable[[int], nn.Module]


class FineLevel(nn.Module):
    """`[B, body, H, W]` of the body and `[B, pyramid, H/2, W/2]` of the pyramid to `[B, channels, H, W]`.

    Made as a level of the pyramid is, but narrower, with an activation, and for masks alone: proposals and boxes do
    without it.
    """

    def __init__(self, body: int, pyramid: int, channels: int, norm_layer: Norm) -> None:
        super().__init__()
        self.lateral = Conv2dNormActivation(body, channels, 1, norm_layer=norm_layer, activation_layer=None)
        self.above = Conv2dNormActivation(pyramid, channels, 1, norm_layer=norm_layer, activation_layer=None)
        self.smooth = Conv2dNormActivation(channels, channels, 3, norm_layer=norm_layer)

    def forward(self, body: Tensor, pyramid: Tensor) -> Tensor:
        above = functional.interpolate(self.above(pyramid), size=body.shape[-2:], mode="nearest")
        return self.smooth(self.lateral(body) + above)


class FineMaskPool(nn.Module):
    """Of N boxes the pyramid's features, `[N, C, 14, 14]`, and the fine level's, `[N, F, 28, 28]`.

    output_size: the finer of the two, as torchvision's poolers have it.
    """

    def __init__(self, levels: tuple[str, ...], fine: str) -> None:
        super().__init__()
        self.coarse = MultiScaleRoIAlign(levels, output_size=14, sampling_ratio=2)
        # one sample a cell: four would cost as much as the head's convolutions, and boxes of up to 112 pixels need one
        self.align = RoIAlign(28, spatial_scale=1 / FINE_STRIDE, sampling_ratio=1)
        self.fine = fine
        self.output_size = self.align.output_size, self.align.output_size

    def forward(
        self, features: dict[str, Tensor], boxes: list[Tensor], image_shapes: list[tuple[int, int]]
    ) -> tuple[Tensor, Tensor]:
        return self.coarse(features, boxes, image_shapes), self.align(features[self.fine], boxes)


class FineMaskHead(nn.Module):
    """What `FineMaskPool` gives to `[N, channels, 28, 28]`: where the object is, then where exactly it ends."""

    def __init__(self, pyramid: int, fine: int, channels: int, norm_layer: Norm) -> None:
        super().__init__()
        self.coarse = MaskRCNNHeads(pyramid, [pyramid] * 4, 1, norm_layer=norm_layer)
        self.enlarge = nn.ConvTranspose2d(pyramid, pyramid, 2, 2)
        self.join = nn.Sequential(
            Conv2dNormActivation(pyramid + fine, channels, 1, norm_layer=norm_layer),
            Conv2dNormActivation(channels, channels, 3, norm_layer=norm_layer),
        )

    def forward(self, pooled: tuple[Tensor, Tensor]) -> Tensor:
        coarse, fine = pooled
        return self.join(torch.cat([self.enlarge(self.coarse(coarse)).relu(), fine], dim=1))
