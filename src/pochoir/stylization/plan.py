"""What a picture will cost in memory, what it is painted in, and what gives way when memory will not do."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import psutil
import torch

from pochoir.config import VGG_BLOCKS, RecipeConfig
from pochoir.errors import ConfigError
from pochoir.images.resizing import Size, fit
from pochoir.stylization.encoder import CHANNELS, block_of, margin_of, stride
from pochoir.stylization.pyramid import MIN_SIDE
from pochoir.stylization.style_losses import style_loss_of

FIXED_BYTES = 1.1e9
"""A process that has imported what it needs, and the encoder in float32 and in bfloat16."""
WORKING_SHARE = 0.8
"""Of the free memory: the rest of the machine lives too."""
TILES = (1024, 768, 512, 384)
"""Sides of tiles in pixels, without their margins: the larger, the less is looked at twice."""
SMALL_TILES = (256,)
"""Where nothing else does: most of what they look at are margins."""
HISTORIES = (5, 4, 3)
"""Steps that L-BFGS may be left with, before it is left altogether."""


@dataclass(frozen=True)
class Plan:
    """How one picture is painted: size, the encoder's `precision` (float32 or bfloat16), recipe, and the side of the
    tiles that it is looked at by (None: whole); and what gave way. layers: all that are looked at, content_layers among
    them. labels: how many parts of the content take their paint apart from each other.
    """

    size: Size
    precision: str
    recipe: RecipeConfig
    layers: tuple[str, ...]
    notes: tuple[str, ...] = ()
    labels: int = 0
    tile: int | None = None
    content_layers: tuple[str, ...] = ()

    @property
    def bytes_needed(self) -> float:
        """What one evaluation with its gradient and the optimiser take at full size, weights included."""
        pixels = self.size[0] * self.size[1]
        seen = pixels if self.tile is None else _seen(self.tile, self.layers)
        need = looking(min(seen, pixels), self.layers, self.precision, self.labels) + FIXED_BYTES
        if seen < pixels:
            item = 4 if self.precision == "float32" else 2
            need += sum(
                item * CHANNELS[block_of(layer) - 1] * pixels / stride(layer) ** 2 for layer in self.content_layers
            )
        return need + pictures(self.recipe) * 3 * 4 * pixels

    def to_json(self) -> dict[str, Any]:
        """In JSON's types, so that a run that was broken off goes on as it began, whatever memory is free then."""
        return {**asdict(self), "recipe": self.recipe.model_dump()}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Plan":
        """What `to_json` gave."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
        }
        return cls(**{**values, "recipe": RecipeConfig.model_validate(stored["recipe"])})


def free_memory(device: torch.device) -> float:
    """Bytes that a new run may take on the device."""
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
    return WORKING_SHARE * free


def pictures(recipe: RecipeConfig) -> int:
    """How many float32 pictures of full size an evaluation and the optimiser hold at once."""
    return 2 * recipe.history + 10 if recipe.optimizer == "lbfgs" else 10


def looking(pixels: float, layers: tuple[str, ...], precision: str, labels: int = 0) -> float:
    """Bytes that looking at so many pixels at once takes, with the gradient.

    Counted are the activations that the backward pass needs, pooling indices, and float32 copies at the layers that are
    looked at with their gradients, once more for each label.
    """
    item = 4 if precision == "float32" else 2
    deepest = max((block_of(layer), int(layer[6])) for layer in layers) if layers else (1, 1)
    total = 0.0
    for block, channels in enumerate(CHANNELS[: deepest[0]], start=1):
        here = pixels / 4 ** (block - 1)
        convolutions = deepest[1] if block == deepest[0] else VGG_BLOCKS["vgg19"][block - 1]
        total += here * channels * item * convolutions
        if block < deepest[0]:
            total += here / 4 * channels * (item + 8)
    total += sum((3 + labels) * 4 * CHANNELS[block_of(layer) - 1] * pixels / stride(layer) ** 2 for layer in layers)
    return total + 3 * CHANNELS[0] * pixels * item  # gradients on their way down, and a convolution's workspace


def fitted(plan: Plan, limit: float) -> Plan:
    """The plan, or the first of its `alternatives` that needs at most `limit` bytes, or a smaller picture by the last.

    Raises `ConfigError` when even the smallest picture does not fit.
    """
    asked = plan.bytes_needed
    if asked <= limit:
        return plan
    why = f"{gigabytes(asked)} would be needed, {gigabytes(limit)} may be used"
    found = plan
    for found in alternatives(plan):
        if found.bytes_needed <= limit:
            break
    size, side = plan.size, max(plan.size)
    while found.bytes_needed > limit:
        side = int(side * 0.95)
        if min(fit(size, side)) < MIN_SIDE:
            raise ConfigError(f"memory: {why}, which does not do for a picture of {MIN_SIDE} pixels")
        found = replace(found, size=fit(size, side))
    return replace(found, notes=(*plan.notes, *(f"{note}: {why}" for note in _gave_way(plan, found))))


def alternatives(plan: Plan) -> Iterator[Plan]:
    """Plans of the same size that need less memory, those first that cost less: time alone, L-BFGS's history, L-BFGS,
    float32. Losses that do not add up over tiles have none of them.
    """
    recipes = [plan.recipe]
    if plan.recipe.optimizer == "lbfgs":
        recipes += [plan.recipe.but(history=history) for history in HISTORIES if history < plan.recipe.history]
        recipes.append(plan.recipe.but(optimizer="adam", lr=0.05))
    tiles, small = (_tiles(sides, plan) or [None] for sides in (TILES, SMALL_TILES))
    for recipe in recipes:
        yield from (replace(plan, recipe=recipe, tile=tile) for tile in tiles)
    for precision in dict.fromkeys((plan.precision, "bfloat16")):
        yield from (replace(plan, recipe=recipes[-1], precision=precision, tile=tile) for tile in small)


def _tiles(sides: Sequence[int], plan: Plan) -> list[int | None]:
    """Those that save anything."""
    pixels = plan.size[0] * plan.size[1]
    adds_up = style_loss_of(plan.recipe.style_loss).adds_up
    return [side for side in sides if adds_up and _seen(side, plan.layers) < pixels]


def _seen(tile: int, layers: Iterable[str]) -> int:
    """Pixels that are looked at for a tile: its own, and the margins."""
    return (tile + 2 * margin_of(layers)) ** 2


def _gave_way(asked: Plan, found: Plan) -> Iterator[str]:
    if found.tile is not None:
        yield f"looked at by tiles of {found.tile} pixels, which takes longer, and changes nothing else"
    if found.recipe.optimizer != asked.recipe.optimizer:
        yield "Adam instead of L-BFGS"
    elif found.recipe.history != asked.recipe.history:
        yield f"recipe.history={found.recipe.history} instead of {asked.recipe.history}"
    if found.precision != asked.precision:
        yield f"{found.precision} instead of {asked.precision}"
    if found.size != asked.size:
        (height, width), (full_height, full_width) = found.size, asked.size
        yield f"{width}×{height} instead of {full_width}×{full_height} pixels"


def gigabytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB"
