"""What one pyramid level minimises: targets measured once, then a dictionary of named losses for any picture."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from pochoir.config import EncoderConfig, RecipeConfig
from pochoir.errors import ConfigError, DataError
from pochoir.stylization import losses
from pochoir.stylization.encoder import CHANNELS, Encoder, block_of, propagate, stride
from pochoir.stylization.region import spread
from pochoir.stylization.style_losses import style_loss_of
from pochoir.stylization.subject import Subject
from pochoir.stylization.tiling import Tile, summed, tiles_of
from pochoir.stylization.vanishing import unpaired, vanishing


@dataclass(frozen=True, eq=False)
class Part:
    """By layer, where a part of the content is (nowhere: everywhere), what share of all that is, and what is to be
    reached there: see `style_losses`.
    """

    guides: Mapping[str, Tensor]
    shares: Mapping[str, float]
    targets: Mapping[str, Any]


class Objective:
    """Losses of a picture of a subject's size, by name: `content/relu4_2`, `style/relu1_1`, …, `tv`, and of a frame
    that comes after another `temporal`; their sum is what is minimised.

    With a region only what lies in it is looked at: the picture is spread over all else first, see `region.spread`.
    Beside a photo, misty paintings themselves had errors of 5 to 11 at relu5_1 (people left out of photos of 256
    pixels), and paint that was to lower them was dotted along its border. depth: the deepest block of layers that is
    looked at, unless no style layer would be left. Layers at which a picture or region vanishes are left out; raises
    `DataError` that names them where no style layer is left. tile: side in pixels of the tiles that a larger picture is
    looked at by, one after the other; the losses are the same. Raises `ConfigError` for a style loss that needs all of
    a picture at once.

    With labels a layer's style loss is `sum_c s_c L_c`: L_c is that of label c alone, its statistics taken over its own
    guides, and s_c its share of what is painted. L_c changes with a feature by 1 / (the label's mass), so that the
    shares leave every pixel the pull that it has without labels, however large its label is; a label that vanishes at
    a layer, in the content or in a style, leaves the others' pull as it is.
    """

    def __init__(
        self,
        encoder: Encoder,
        subject: Subject,
        layers: EncoderConfig,
        recipe: RecipeConfig,
        *,
        depth: int = 5,
        tile: int | None = None,
    ) -> None:
        self.encoder = encoder
        self.recipe = recipe
        self.tile = tile
        self.style_loss = style_loss_of(recipe.style_loss, as_in_paper=recipe.normalization == "gatys2015")
        self.region = subject.region
        self.before = subject.before
        self.content_weights = layer_weights(layers.content_layers, layers.content_layer_weights, recipe.content_weight)
        self.style_weights = layer_weights(layers.style_layers, layers.style_layer_weights, recipe.style_weight)
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
            self.parts = self._parts(subject)
            self.layers = list(dict.fromkeys([*self.content_weights, *self.style_weights]))
            self.tiles = self._tiles(subject.content)
            self.guides = _propagated(self.region, self.content_weights)
            kept = _propagated(subject.keep, self.content_weights)
            self.times = {layer: 1 + (subject.keep_weight - 1) * keep for layer, keep in kept.items()}
            self.content_targets = self._content_targets(self._seen(subject.content))
            self.content_sizes = {layer: self._content_size(layer) for layer in self.content_weights}
            across = subject.content[..., :-1, :-1]
            self.tv_region = None if self.region is None else self.region[..., :-1, :-1]
            self.tv_mass = losses.mass(across, self.tv_region)

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        """image: `[1, 3, H, W]` in [0, 1], paint alone or a saved picture; returns scalars, already weighted."""
        sums = summed(self._sums, self._seen(image), self.tiles)
        named: dict[str, Tensor] = {}
        for layer, weight in self.content_weights.items():
            named[f"content/{layer}"] = weight * self._content_loss(sums["content", layer], layer)
        for layer, weight in self.style_weights.items():
            of_parts = [
                part.shares.get(layer, 1.0) * self.style_loss.distance(_of((number, layer), sums), part.targets[layer])
                for number, part in enumerate(self.parts)
                if layer in part.targets
            ]
            named[f"style/{layer}"] = weight * torch.stack(of_parts).sum()
        if self.recipe.tv_weight > 0:
            named["tv"] = self.recipe.tv_weight * (sums["tv",] / self.tv_mass).mean()
        if self.before is not None:
            named["temporal"] = self.before.weight * losses.temporal_loss(
                image, self.before.picture, self.before.trusted, self.region
            )
        return named

    def _sums(self, image: Tensor, tile: Tile) -> dict[tuple, Tensor]:
        """All that the losses are made of, over what counts of what a tile sees of a picture."""
        features = self.encoder.features(image, self.layers) if self.layers else {}
        found = {layer: tile.inner(values, stride(layer)) for layer, values in features.items()}
        sums: dict[tuple, Tensor] = {}
        for layer in self.content_weights:
            target, guide, times = (_core(of, layer, tile) for of in (self.content_targets, self.guides, self.times))
            assert target is not None
            sums["content", layer] = losses.squared_error(found[layer], target.float(), guide, times)
        for number, part in enumerate(self.parts):
            for layer in part.targets:
                measured = self.style_loss.measured(found[layer], _core(part.guides, layer, tile))
                sums |= {(number, layer, name): value for name, value in measured.items()}
        if self.recipe.tv_weight > 0:
            region = None if self.tv_region is None else tile.core(self.tv_region)
            sums["tv",] = losses.total(tile.inner(losses.steepness(image)), region)
        return sums

    def _content_loss(self, error: Tensor, layer: str) -> Tensor:
        if self.recipe.normalization == "gatys2015":
            return losses.gatys_content_loss(error)
        return losses.relative_error(error, self.content_sizes[layer])

    def _seen(self, image: Tensor) -> Tensor:
        return image if self.region is None else spread(image, self.region)

    def _tiles(self, image: Tensor) -> list[Tile]:
        tiles = tiles_of((image.shape[-2], image.shape[-1]), self.tile, self.layers)
        if len(tiles) > 1 and self.style_weights and not self.style_loss.adds_up:
            raise ConfigError(
                f"recipe.style_loss: {self.recipe.style_loss} needs the whole picture at once, which is painted in "
                f"tiles of {self.tile} pixels; gram and wasserstein add up over tiles"
            )
        return tiles

    def _leave_out(self, layers: Iterable[str]) -> None:
        for layer in layers:
            self.content_weights.pop(layer, None)
            self.style_weights.pop(layer, None)

    def _content_targets(self, content: Tensor) -> dict[str, Tensor]:
        """Features of the content; of several tiles in the encoder's own type, which loses nothing and may be half."""
        if len(self.tiles) == 1:
            return self.encoder.features(content, self.content_weights)
        targets = {}
        for layer in self.content_weights:
            cells = [side // stride(layer) for side in content.shape[-2:]]
            channels = CHANNELS[block_of(layer) - 1]
            targets[layer] = torch.empty(1, channels, *cells, dtype=self.encoder.dtype, device=content.device)
        for tile in self.tiles:
            for layer, found in self.encoder.features(tile.seen(content), targets).items():
                tile.core(targets[layer], stride(layer)).copy_(tile.inner(found, stride(layer)))
        return targets

    def _content_size(self, layer: str) -> Tensor:
        """Squares of the content's features per channel."""
        squares = [
            losses.total(
                tile.core(self.content_targets[layer], stride(layer)).float().square(), _core(self.guides, layer, tile)
            )
            for tile in self.tiles
        ]
        return torch.stack(squares).sum(dim=0)

    def _parts(self, subject: Subject) -> list[Part]:
        """What is painted from what; layers at which every label vanishes are left out."""
        guides, in_styles = zip(*subject.parts, strict=True)
        lost = [unpaired([own, *of], self.style_weights) if subject.labels else [] for own, of in subject.parts]
        layers = [[layer for layer in self.style_weights if layer not in gone] for gone in lost]
        if left := [layer for layer in self.style_weights if not any(layer in of_part for of_part in layers)]:
            if len(left) == len(self.style_weights):
                raise DataError(f"guides: every label is too small at {', '.join(left)}: paint a larger picture")
            for layer in left:
                del self.style_weights[layer]
        self.layers = list(self.style_weights)
        measured = [
            self._measured(style, [_propagated(guide, of) for guide, of in zip(seen, layers, strict=True)], layers)
            for style, seen in zip(subject.styles, zip(*in_styles, strict=True), strict=True)
        ]
        propagated = [_propagated(guide, self.style_weights) for guide in guides]
        masses = [{layer: float(guide.sum()) for layer, guide in own.items()} for own in propagated]
        return [
            Part(
                propagated[number],
                {layer: mass / sum(of[layer] for of in masses) for layer, mass in masses[number].items()},
                {
                    layer: self.style_loss.target([_of((number, layer), of) for of in measured], subject.blend)
                    for layer in of_part
                },
            )
            for number, of_part in enumerate(layers)
        ]

    def _measured(
        self, style: Tensor, guides: Sequence[Mapping[str, Tensor]], layers: Sequence[Sequence[str]]
    ) -> dict[tuple, Tensor]:
        """Measures of a style by part, layer and name; guides and layers are those of the parts."""

        def sums(image: Tensor, tile: Tile) -> dict[tuple, Tensor]:
            features = self.encoder.features(image, self.layers)
            return {
                (number, layer, name): value
                for number, (own, of_part) in enumerate(zip(guides, layers, strict=True))
                for layer in of_part
                for name, value in self.style_loss.measured(
                    tile.inner(features[layer], stride(layer)), _core(own, layer, tile)
                ).items()
            }

        return summed(sums, style, self._tiles(style))


def layer_weights(layers: list[str], relative: list[float] | None, total: float) -> dict[str, float]:
    """Share of `total` of each layer; layers without weight are not looked at."""
    shares = relative or [1.0] * len(layers)
    whole = sum(shares)
    return {layer: total * share / whole for layer, share in zip(layers, shares, strict=True) if total * share > 0}


def _propagated(guide: Tensor | None, layers: Iterable[str]) -> dict[str, Tensor]:
    return {} if guide is None else propagate(guide, layers)


def _of(key: tuple[int, str], sums: Mapping[tuple, Tensor]) -> dict[str, Tensor]:
    """Of all sums those of a part and layer, by name."""
    return {name[-1]: value for name, value in sums.items() if name[:-1] == key}


def _core(values: Mapping[str, Tensor], layer: str, tile: Tile) -> Tensor | None:
    """What counts of a layer's; None where there is nothing for it."""
    return tile.core(values[layer], stride(layer)) if layer in values else None
