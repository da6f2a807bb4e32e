"""What one pyramid level minimises: targets measured once, then a dictionary of named losses for any picture."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from pochoir.config import EncoderConfig, RecipeConfig
from pochoir.errors import DataError
from pochoir.images.resizing import Size, fit_area, resize
from pochoir.stylization import losses
from pochoir.stylization.colors import is_grey, luminance, match_colors
from pochoir.stylization.encoder import Encoder, block_of, propagate
from pochoir.stylization.guides import Labels
from pochoir.stylization.region import spread

VANISHED = 0.5
"""Features: a region that weighs less at a layer has no statistics there."""
LEAST_STYLE = 16
"""Short side in pixels that no style is shrunk below: one feature at the encoder's last stride."""


@dataclass(frozen=True)
class Subject:
    """What is painted, at the size it is painted in; tensors on any one device, float32 in [0, 1].

    content: `[1, 3, H, W]`. styles: `[1, 3, h, w]` each, of any sizes, with their `blend` weights that sum to 1.
    style_regions: `[1, 1, h, w]` each, 1 where a style is looked at; None, for one or for all: everywhere. style_scale:
    a style is shrunk to the content's area times its square, but not below `LEAST_STYLE`. region: `[1, 1, H, W]`, the
    alpha that paint is laid over the content by; what shows at all is painted as if it were 1. None paints everything.
    keep_colors: off, luminance or match (Gatys et al. 2016). keep: `[1, 1, H, W]` in [0, 1], the content counts
    `keep_weight` times where it is 1, and once where it is 0. labels: parts of the content, each of which takes its
    paint from the part of the styles that has its label; None: all from all.
    """

    content: Tensor
    styles: Sequence[Tensor]
    blend: Sequence[float]
    style_scale: float = 1.0
    region: Tensor | None = None
    keep_colors: str = "off"
    style_regions: Sequence[Tensor | None] | None = None
    keep: Tensor | None = None
    keep_weight: float = 1.0
    labels: Labels | None = None

    @property
    def guided_styles(self) -> list[tuple[Tensor, Tensor | None]]:
        """The styles, each with its region."""
        return list(zip(self.styles, self.style_regions or [None] * len(self.styles), strict=True))

    @property
    def parts(self) -> list[tuple[Tensor | None, list[Tensor | None]]]:
        """Guides of the content, each with those of the styles whose paint it takes; None: everywhere.

        One pair, or one for each label, in which guides lie within what is painted and what of a style is looked at.
        """
        seen = [seen for _, seen in self.guided_styles]
        if self.labels is None:
            return [(self.region, seen)]
        of_styles = zip(*(style.split(1, dim=1) for style in self.labels.styles), strict=True)
        return [
            (_within(own, self.region), [_within(*pair) for pair in zip(styles, seen, strict=True)])
            for own, styles in zip(self.labels.content.split(1, dim=1), of_styles, strict=True)
        ]

    @property
    def unguided(self) -> "Subject":
        """The same, all of whose content counts alike and takes its paint from all of the styles."""
        return replace(self, keep=None, labels=None)

    @property
    def looked_at(self) -> dict[str, Tensor]:
        """Where the content and then each style is looked at, `[1, 1, h, w]` in [0, 1], by what messages call it."""
        named = {"the picture" if self.region is None else "the region": (self.content, self.region)}
        for number, guided in enumerate(self.guided_styles):
            named[f"style {number}" if len(self.styles) > 1 else "the style"] = guided
        return {
            name: torch.ones_like(picture[:, :1]) if guide is None else guide
            for name, (picture, guide) in named.items()
        }

    @property
    def is_grey(self) -> bool:
        """Whether content and styles are, or styles become so: what is painted then is grey, too."""
        return is_grey(self.content) and (self.keep_colors == "match" or all(map(is_grey, self.styles)))

    def fitted(self, size: Size) -> "Subject":
        """The same content at another size, with what lies over it, beside the same styles."""
        return replace(
            self,
            content=resize(self.content, size),
            region=None if self.region is None else resize(self.region, size),
            keep=None if self.keep is None else resize(self.keep, size),
            labels=None if self.labels is None else self.labels.resized(size),
        )

    def seen(self) -> "Subject":
        """What the encoder is shown: recoloured styles where they match, and pictures in grey, exactly, where the
        colours are kept or there are none.
        """
        shown = self
        if self.keep_colors == "match":
            styles = [match_colors(style, self.content, self.region, seen) for style, seen in self.guided_styles]
            shown = replace(self, styles=styles, keep_colors="off")
        if self.keep_colors == "luminance" or self.is_grey:
            content, *styles = (luminance(picture) for picture in (shown.content, *shown.styles))
            shown = replace(shown, content=content, styles=styles, keep_colors="off")
        return shown

    def at(self, size: Size) -> "Subject":
        """The same subject at another size; the styles follow."""
        area = size[0] * size[1] * self.style_scale**2
        sizes = [fit_area((style.shape[-2], style.shape[-1]), area, least=LEAST_STYLE) for style in self.styles]
        guided = list(zip(self.guided_styles, sizes, strict=True))
        return replace(
            self.fitted(size),
            styles=[resize(style, of_style) for (style, _), of_style in guided],
            style_regions=[None if seen is None else resize(seen, of_style) for (_, seen), of_style in guided],
            labels=None if self.labels is None else self.labels.resized(size, sizes),
        )

    def to(self, device: torch.device) -> "Subject":
        """The same subject on another device."""
        return replace(
            self,
            content=self.content.to(device),
            styles=[style.to(device) for style in self.styles],
            style_regions=[None if seen is None else seen.to(device) for _, seen in self.guided_styles],
            region=None if self.region is None else self.region.to(device),
            keep=None if self.keep is None else self.keep.to(device),
            labels=None if self.labels is None else self.labels.to(device),
        )


@dataclass(frozen=True, eq=False)
class Part:
    """By layer, where a part of the content is (nowhere: everywhere), what share of all of it that is, and a Gram
    matrix or (mean, covariance, its root) to be reached there.
    """

    guides: Mapping[str, Tensor]
    shares: Mapping[str, float]
    targets: Mapping[str, Any]


class Objective:
    """Losses of a picture of a subject's size, by name: `content/relu4_2`, `style/relu1_1`, …, `tv`; their sum is
    what is minimised.

    With a region only what lies in it is looked at: the picture is spread over all else first, see `region.spread`.
    Beside a photo, misty paintings themselves had errors of 5 to 11 at relu5_1 (people left out of photos of 256
    pixels), and paint that was to lower them was dotted along its border. depth: the deepest block of layers that is
    looked at, unless no style layer would be left. Layers at which a picture or region vanishes are left out; raises
    `DataError` that names them where no style layer is left.

    With labels a layer's style loss is `sum_c s_c L_c`: L_c is that of label c alone, its statistics taken over its own
    guides, and s_c its share of what is painted. L_c changes with a feature by 1 / (the label's mass), so that the
    shares leave every pixel the pull that it has without labels, however large its label is; a label that vanishes at
    a layer, in the content or in a style, leaves the others' pull as it is.
    """

    def __init__(
        self, encoder: Encoder, subject: Subject, layers: EncoderConfig, recipe: RecipeConfig, *, depth: int = 5
    ) -> None:
        self.encoder = encoder
        self.recipe = recipe
        self.region = subject.region
        self.content_weights = _weights(layers.content_layers, layers.content_layer_weights, recipe.content_weight)
        self.style_weights = _weights(layers.style_layers, layers.style_layer_weights, recipe.style_weight)
        if any(block_of(layer) <= depth for layer in self.style_weights):
            self._leave_out(layer for layer in layers.content_layers + layers.style_layers if block_of(layer) > depth)
        gone = vanishing(subject, layers)
        if self.style_weights and not set(self.style_weights).difference(*gone.values()):
            small = "; ".join(
                f"{name} is too small at {', '.join(sorted(lost))} ({float(subject.looked_at[name].sum()):.1f} pixels)"
                for name, lost in gone.items()
            )
            raise DataError(f"{small}: paint a larger picture, or use finer style layers")
        self._leave_out(chain(*gone.values()))
        with torch.no_grad():
            self.content_targets = encoder.features(self._seen(subject.content), self.content_weights)
            self.parts = self._parts(subject)
        self.layers = list(dict.fromkeys([*self.content_weights, *self.style_weights]))
        self.guides = {} if self.region is None else propagate(self.region, self.layers)
        self.times: dict[str, Tensor] = {}
        if subject.keep is not None:
            kept = propagate(subject.keep, self.content_weights)
            self.times = {layer: 1 + (subject.keep_weight - 1) * keep for layer, keep in kept.items()}

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        """image: `[1, 3, H, W]` in [0, 1], paint alone or a saved picture; returns scalars, already weighted."""
        recipe, region = self.recipe, self.region
        image = self._seen(image)
        found = self.encoder.features(image, self.layers) if self.layers else {}
        named: dict[str, Tensor] = {}
        for layer, weight in self.content_weights.items():
            named[f"content/{layer}"] = weight * self._content_loss(found[layer], layer)
        for layer, weight in self.style_weights.items():
            named[f"style/{layer}"] = weight * self._style_loss(found[layer], layer)
        if recipe.tv_weight > 0:
            named["tv"] = recipe.tv_weight * losses.total_variation(image, region)
        return named

    def _seen(self, image: Tensor) -> Tensor:
        return image if self.region is None else spread(image, self.region)

    def _leave_out(self, layers: Iterable[str]) -> None:
        for layer in layers:
            self.content_weights.pop(layer, None)
            self.style_weights.pop(layer, None)

    def _parts(self, subject: Subject) -> list[Part]:
        """What is painted from what; layers at which every label vanishes are left out."""
        features = [self.encoder.features(style, self.style_weights) for style in subject.styles]
        parts = []
        for guide, of_styles in subject.parts:
            lost = unpaired([guide, *of_styles], self.style_weights) if subject.labels else []
            layers = [layer for layer in self.style_weights if layer not in lost]
            in_styles = [_propagated(of_style, layers) for of_style in of_styles]
            found = [
                {layer: (of_style[layer], guides.get(layer)) for layer in layers}
                for of_style, guides in zip(features, in_styles, strict=True)
            ]
            parts.append((_propagated(guide, self.style_weights), self._targets(found, layers, subject.blend)))
        if left := [layer for layer in self.style_weights if not any(layer in targets for _, targets in parts)]:
            if len(left) == len(self.style_weights):
                raise DataError(f"guides: every label is too small at {', '.join(left)}: paint a larger picture")
            for layer in left:
                del self.style_weights[layer]
        masses = [{layer: float(guide.sum()) for layer, guide in guides.items()} for guides, _ in parts]
        return [
            Part(guides, {layer: mass / sum(of[layer] for of in masses) for layer, mass in own.items()}, targets)
            for (guides, targets), own in zip(parts, masses, strict=True)
        ]

    def _targets(
        self, found: list[dict[str, tuple[Tensor, Tensor | None]]], layers: list[str], blend: Sequence[float]
    ) -> dict[str, Any]:
        """A layer's Gram matrix, or (mean, covariance, its root), blended over features and guides of the styles."""
        targets: dict[str, Any] = {}
        for layer in layers:
            if self.recipe.style_loss == "gram":
                targets[layer] = _blended([losses.gram(*style[layer]) for style in found], blend)
            else:
                moments = [losses.moments(*style[layer]) for style in found]
                mean = _blended([mean for mean, _ in moments], blend)
                covariance = _blended([covariance for _, covariance in moments], blend)
                targets[layer] = (mean, covariance, losses.matrix_sqrt(covariance))
        return targets

    def _style_loss(self, features: Tensor, layer: str) -> Tensor:
        of_parts = [
            part.shares.get(layer, 1.0) * self._distance(features, part.guides.get(layer), part.targets[layer])
            for part in self.parts
            if layer in part.targets
        ]
        return torch.stack(of_parts).sum()

    def _distance(self, features: Tensor, guide: Tensor | None, target: Any) -> Tensor:
        if self.recipe.style_loss == "wasserstein":
            mean, covariance, root = target
            return losses.wasserstein_loss(losses.moments(features, guide), (mean, covariance), root)
        loss = losses.gatys_style_loss if self.recipe.normalization == "gatys2015" else losses.gram_loss
        return loss(losses.gram(features, guide), target)

    def _content_loss(self, features: Tensor, layer: str) -> Tensor:
        target = self.content_targets[layer]
        if self.recipe.normalization == "gatys2015":
            return losses.gatys_content_loss(features, target, self.guides.get(layer), self.times.get(layer))
        return losses.content_loss(features, target, self.guides.get(layer), self.times.get(layer))


def vanishing(subject: Subject, layers: EncoderConfig) -> dict[str, list[str]]:
    """The layers at which the content or a style, at the size that it has, has no weight left, by its name."""
    (content, region), *styles = subject.looked_at.items()
    found = {content: vanished(region, layers.layers)}
    found |= {style: vanished(seen, layers.style_layers) for style, seen in styles}
    return {name: lost for name, lost in found.items() if lost}


def vanished(region: Tensor, layers: Iterable[str]) -> list[str]:
    """The layers at which a region `[1, 1, H, W]` has no weight left."""
    return [layer for layer, guide in propagate(region, layers).items() if guide.sum() < VANISHED]


def unpaired(guides: Iterable[Tensor | None], layers: Iterable[str]) -> list[str]:
    """The layers at which one of several guides has no weight left."""
    layers = list(layers)
    gone = {layer for guide in guides if guide is not None for layer in vanished(guide, layers)}
    return [layer for layer in layers if layer in gone]


def _within(guide: Tensor, region: Tensor | None) -> Tensor:
    return guide if region is None else guide * region


def _propagated(guide: Tensor | None, layers: Iterable[str]) -> dict[str, Tensor]:
    return {} if guide is None else propagate(guide, layers)


def _weights(layers: list[str], relative: list[float] | None, total: float) -> dict[str, float]:
    """Share of `total` of each layer; layers without weight are not looked at."""
    shares = relative or [1.0] * len(layers)
    whole = sum(shares)
    return {layer: total * share / whole for layer, share in zip(layers, shares, strict=True) if total * share > 0}


def _blended(values: Sequence[Tensor], blend: Sequence[float]) -> Tensor:
    return torch.stack([value * weight for value, weight in zip(values, blend, strict=True)]).sum(dim=0)
