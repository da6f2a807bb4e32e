"""What a painter learns by: the losses of style transfer on a batch of paintings, each in a style of its own."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pochoir.config import EncoderConfig, PainterLossConfig
from pochoir.errors import DataError
from pochoir.images.resizing import fit_area, resize
from pochoir.stylization import losses
from pochoir.stylization.encoder import Encoder, propagate
from pochoir.stylization.objective import layer_weights
from pochoir.stylization.style_losses import style_loss_of
from pochoir.stylization.vanishing import vanished


class PainterObjective:
    """Losses of a batch by name: `content/relu4_2`, `style/relu1_1`, …, `tv`, means over the batch; their sum is what
    is minimised, with the consistency loss, which is not of one picture.

    styles: `[1, 3, h, w]` each in [0, 1], shrunk to `area` pixels and measured once. regions: `[1, 1, h, w]` each,
    where a style is looked at; None: everywhere. Raises `DataError` for a style of which nothing can be seen.
    """

    def __init__(
        self,
        encoder: Encoder,
        styles: Sequence[Tensor],
        layers: EncoderConfig,
        loss: PainterLossConfig,
        *,
        area: float,
        regions: Sequence[Tensor | None] | None = None,
    ) -> None:
        self.encoder = encoder
        self.loss = loss
        self.style_loss = style_loss_of(loss.style_loss)
        self.content_weights = layer_weights(layers.content_layers, layers.content_layer_weights, loss.content_weight)
        self.style_weights = layer_weights(layers.style_layers, layers.style_layer_weights, loss.style_weight)
        self.layers = list(dict.fromkeys([*self.content_weights, *self.style_weights]))
        with torch.no_grad():
            self.targets = [
                self._target(style, region, area)
                for style, region in zip(styles, regions or [None] * len(styles), strict=True)
            ]

    def __deepcopy__(self, memo: Any) -> "PainterObjective":
        return self  # an average of a network's weights is copied with its module, and needs no encoder of its own

    @torch.no_grad()
    def contents(self, photos: Tensor) -> dict[str, Tensor]:
        """What paint of these photos `[B, 3, H, W]` is compared with."""
        return self.encoder.features(photos, self.content_weights) if self.content_weights else {}

    def __call__(self, paint: Tensor, contents: Mapping[str, Tensor], styles: Sequence[int]) -> dict[str, Tensor]:
        """paint: `[B, 3, H, W]`; contents: see `contents`; styles: the number of each one's style. Weighted scalars."""
        found = self.encoder.features(paint, self.layers)
        named = {
            f"content/{layer}": weight
            * _mean(
                losses.content_loss(one[None], kept[None])
                for one, kept in zip(found[layer], contents[layer], strict=True)
            )
            for layer, weight in self.content_weights.items()
        }
        for layer, weight in self.style_weights.items():
            named[f"style/{layer}"] = weight * _mean(
                self.style_loss.distance(self.style_loss.measured(one[None], None), self.targets[style][layer])
                for one, style in zip(found[layer], styles, strict=True)
            )
        if self.loss.tv_weight > 0:
            named["tv"] = self.loss.tv_weight * losses.total_variation(paint)
        return named

    def _target(self, style: Tensor, region: Tensor | None, area: float) -> dict[str, Any]:
        """What is to be reached, layer by layer."""
        size = fit_area((style.shape[-2], style.shape[-1]), area)
        guides: Mapping[str, Tensor] = {}
        if region is not None:
            region = resize(region, size)
            if gone := vanished(region, self.style_weights):
                raise DataError(f"of a style, too little can be seen at {', '.join(gone)}: most of it is transparent")
            guides = propagate(region, self.style_weights)
        features = self.encoder.features(resize(style, size), self.style_weights)
        return {
            layer: self.style_loss.target([self.style_loss.measured(found, guides.get(layer))], [1.0])
            for layer, found in features.items()
        }


def errors(named: Mapping[str, Tensor], objective: PainterObjective) -> dict[str, float]:
    """The referee's `style_error` and `content_error` (see `scoring.scores`) of losses under one of its weights."""
    kinds = {"style": objective.style_weights, "content": objective.content_weights}
    return {
        f"{kind}_error": sum(float(named[f"{kind}/{layer}"]) / weight for layer, weight in weights.items())
        / max(1, len(weights))
        for kind, weights in kinds.items()
    }


def _mean(values: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(values)).mean()
