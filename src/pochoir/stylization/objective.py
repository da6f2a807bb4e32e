"""What one pyramid level minimises: targets measured once, then a dictionary of named losses for any picture."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from pochoir.config import EncoderConfig, RecipeConfig
from pochoir.errors import DataError
from pochoir.images.resizing import Size, fit_area, resize
from pochoir.stylization import losses
from pochoir.stylization.colors import luminance, match_colors
from pochoir.stylization.encoder import Encoder, block_of, propagate

VANISHED = 0.5
"""Features: a region that weighs less at a layer has no statistics there."""


@dataclass(frozen=True)
class Subject:
    """What is painted, at the size it is painted in; tensors on any one device, float32 in [0, 1].

    content: `[1, 3, H, W]`. styles: `[1, 3, h, w]` each, of any sizes, with their `blend` weights that sum to 1.
    style_regions: `[1, 1, h, w]` each, 1 where a style is looked at; None, for one or for all: everywhere. style_scale:
    a style is shrunk to the content's area times its square. region: `[1, 1, H, W]`, 1 where paint goes; None paints
    everything. keep_colors: off, luminance or match (Gatys et al. 2016).
    """

    content: Tensor
    styles: Sequence[Tensor]
    blend: Sequence[float]
    style_scale: float = 1.0
    region: Tensor | None = None
    keep_colors: str = "off"
    style_regions: Sequence[Tensor | None] | None = None

    @property
    def guided_styles(self) -> list[tuple[Tensor, Tensor | None]]:
        """The styles, each with its region."""
        return list(zip(self.styles, self.style_regions or [None] * len(self.styles), strict=True))

    def fitted(self, size: Size) -> "Subject":
        """The same content and region at another size, beside the same styles."""
        region = None if self.region is None else resize(self.region, size)
        return replace(self, content=resize(self.content, size), region=region)

    def seen(self) -> "Subject":
        """What the encoder is shown: grey pictures where the colours are kept, recoloured styles where they match."""
        if self.keep_colors == "luminance":
            content, *styles = (luminance(picture) for picture in (self.content, *self.styles))
            return replace(self, content=content, styles=styles, keep_colors="off")
        if self.keep_colors == "match":
            styles = [match_colors(style, self.content, self.region, seen) for style, seen in self.guided_styles]
            return replace(self, styles=styles, keep_colors="off")
        return self

    def at(self, size: Size) -> "Subject":
        """The same subject at another size; the styles follow."""
        area = size[0] * size[1] * self.style_scale**2
        sizes = [fit_area((style.shape[-2], style.shape[-1]), area) for style in self.styles]
        guided = list(zip(self.guided_styles, sizes, strict=True))
        return replace(
            self,
            content=resize(self.content, size),
            styles=[resize(style, of_style) for (style, _), of_style in guided],
            style_regions=[None if seen is None else resize(seen, of_style) for (_, seen), of_style in guided],
            region=None if self.region is None else resize(self.region, size),
        )

    def to(self, device: torch.device) -> "Subject":
        """The same subject on another device."""
        return replace(
            self,
            content=self.content.to(device),
            styles=[style.to(device) for style in self.styles],
            style_regions=[None if seen is None else seen.to(device) for _, seen in self.guided_styles],
            region=None if self.region is None else self.region.to(device),
        )


class Objective:
    """Losses of a picture of a subject's size, by name: `content/relu4_2`, `style/relu1_1`, …, `tv`; their sum is
    what is minimised.

    With a region the picture is laid over the content by it before it is looked at, so that what is optimised is what
    will be seen. depth: the deepest block of layers that is looked at, unless no style layer would be left. Layers
    at which the region vanishes are left out; raises `DataError` that names them where it does at every style layer.
    """

    def __init__(
        self, encoder: Encoder, subject: Subject, layers: EncoderConfig, recipe: RecipeConfig, *, depth: int = 5
    ) -> None:
        self.encoder = encoder
        self.recipe = recipe
        self.content = subject.content
        self.region = subject.region
        self.content_weights = _weights(layers.content_layers, layers.content_layer_weights, recipe.content_weight)
        self.style_weights = _weights(layers.style_layers, layers.style_layer_weights, recipe.style_weight)
        if any(block_of(layer) <= depth for layer in self.style_weights):
            self._leave_out(layer for layer in layers.content_layers + layers.style_layers if block_of(layer) > depth)
        self.guides: dict[str, Tensor] = {}
        if self.region is not None:
            gone = sorted(vanished(self.region, {*layers.content_layers, *layers.style_layers}))
            if self.style_weights and not set(self.style_weights).difference(gone):
                raise DataError(
                    f"the region is too small at {', '.join(gone)} ({float(self.region.sum()):.1f} pixels of a picture "
                    f"of {tuple(self.region.shape[-2:])}): paint a larger picture, or use finer style layers"
                )
            self._leave_out(gone)
        self.layers = list(dict.fromkeys([*self.content_weights, *self.style_weights]))
        if self.region is not None:
            self.guides = propagate(self.region, self.layers)
        with torch.no_grad():
            self.content_targets = encoder.features(subject.content, self.content_weights)
            self.style_targets = self._style_targets(subject)

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        """image: `[1, 3, H, W]` in [0, 1]; returns scalars, already weighted."""
        if self.region is not None:
            image = image * self.region + self.content * (1 - self.region)
        return self.losses_seen(image)

    def losses_seen(self, image: Tensor) -> dict[str, Tensor]:
        """The same of a picture that lies over the content already, as saved ones do."""
        recipe, region = self.recipe, self.region
        found = self.encoder.features(image, self.layers) if self.layers else {}
        named: dict[str, Tensor] = {}
        for layer, weight in self.content_weights.items():
            named[f"content/{layer}"] = weight * self._content_loss(found[layer], layer)
        for layer, weight in self.style_weights.items():
            named[f"style/{layer}"] = weight * self._style_loss(found[layer], layer)
        if recipe.tv_weight > 0:
            named["tv"] = recipe.tv_weight * losses.total_variation(image, region)
        return named

    def _leave_out(self, layers: Iterable[str]) -> None:
        for layer in layers:
            self.content_weights.pop(layer, None)
            self.style_weights.pop(layer, None)

    def _style_targets(self, subject: Subject) -> dict[str, Any]:
        """A layer's Gram matrix, or (mean, covariance, its root), blended over the styles."""
        found = []
        for style, seen in subject.guided_styles:
            guides = {} if seen is None else propagate(seen, self.style_weights)
            if seen is not None and (gone := vanished(seen, self.style_weights)):
                raise DataError(f"of a style, too little can be seen at {', '.join(gone)}: most of it is transparent")
            features = self.encoder.features(style, self.style_weights)
            found.append({layer: (features[layer], guides.get(layer)) for layer in self.style_weights})
        targets: dict[str, Any] = {}
        for layer in self.style_weights:
            if self.recipe.style_loss == "gram":
                targets[layer] = _blended([losses.gram(*style[layer]) for style in found], subject.blend)
            else:
                moments = [losses.moments(*style[layer]) for style in found]
                mean = _blended([mean for mean, _ in moments], subject.blend)
                covariance = _blended([covariance for _, covariance in moments], subject.blend)
                targets[layer] = (mean, covariance, losses.matrix_sqrt(covariance))
        return targets

    def _style_loss(self, features: Tensor, layer: str) -> Tensor:
        target, guide = self.style_targets[layer], self.guides.get(layer)
        if self.recipe.style_loss == "wasserstein":
            mean, covariance, root = target
            return losses.wasserstein_loss(losses.moments(features, guide), (mean, covariance), root)
        loss = losses.gatys_style_loss if self.recipe.normalization == "gatys2015" else losses.gram_loss
        return loss(losses.gram(features, guide), target)

    def _content_loss(self, features: Tensor, layer: str) -> Tensor:
        target = self.content_targets[layer]
        if self.recipe.normalization == "gatys2015":
            return losses.gatys_content_loss(features, target)
        return losses.content_loss(features, target, self.guides.get(layer))


def vanished(region: Tensor, layers: Iterable[str]) -> list[str]:
    """The layers at which a region `[1, 1, H, W]` has no weight left."""
    return [layer for layer, guide in propagate(region, layers).items() if guide.sum() < VANISHED]


def _weights(layers: list[str], relative: list[float] | None, total: float) -> dict[str, float]:
    """Share of `total` of each layer; layers without weight are not looked at."""
    shares = relative or [1.0] * len(layers)
    whole = sum(shares)
    return {layer: total * share / whole for layer, share in zip(layers, shares, strict=True) if total * share > 0}


def _blended(values: Sequence[Tensor], blend: Sequence[float]) -> Tensor:
    return torch.stack([value * weight for value, weight in zip(values, blend, strict=True)]).sum(dim=0)
