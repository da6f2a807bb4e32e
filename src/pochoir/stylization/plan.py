"""What a picture will cost in memory, what it is painted in, and what gives way when memory will not do."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import psutil
import torch

from pochoir.config import VGG_BLOCKS, RecipeConfig
from pochoir.errors import ConfigError
from pochoir.images.resizing import Size, fit
from pochoir.stylization.encoder import CHANNELS, block_of, stride
from pochoir.stylization.pyramid import MIN_SIDE

WEIGHTS_BYTES = 150e6
"""The encoder in float32 and in bfloat16."""
WORKING_SHARE = 0.8
"""Of the free memory: the rest of the machine lives too."""


@dataclass(frozen=True)
class Plan:
    """How one picture is painted: size, the encoder's `precision` (float32 or bfloat16), recipe; and what gave way.

    labels: how many parts of the content take their paint apart from each other.
    """

    size: Size
    precision: str
    recipe: RecipeConfig
    layers: tuple[str, ...]
    notes: tuple[str, ...] = ()
    labels: int = 0

    @property
    def bytes_needed(self) -> float:
        return memory_needed(self.size, self.layers, self.precision, self.recipe, self.labels)

    def to_json(self) -> dict[str, Any]:
        """In JSON's types, so that a run that was broken off goes on as it began, whatever memory is free then."""
        return {**asdict(self), "recipe": self.recipe.model_dump()}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Plan":
        """What `to_json` gave."""
        tuples = {name: tuple(stored[name]) for name in ("size", "layers", "notes")}
        return cls(**{**stored, **tuples, "recipe": RecipeConfig.model_validate(stored["recipe"])})


def free_memory(device: torch.device) -> float:
    """Bytes that a new run may take on the device."""
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
    return WORKING_SHARE * free


def memory_needed(size: Size, layers: tuple[str, ...], precision: str, recipe: RecipeConfig, labels: int = 0) -> float:
    """Bytes that one evaluation with its gradient and the optimiser take at full size, weights included.

    Counted are the activations that the backward pass needs, pooling indices, float32 copies at the layers that are
    looked at with their gradients, once more for each label, and the optimiser's pictures.
    """
    pixels = size[0] * size[1]
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
    total += 3 * CHANNELS[0] * pixels * item  # gradients on their way down, and a convolution's workspace
    pictures = 2 * recipe.history + 8 if recipe.optimizer == "lbfgs" else 8
    return total + pictures * 3 * 4 * pixels + WEIGHTS_BYTES


def fitted(plan: Plan, limit: float) -> Plan:
    """The plan, or the nearest one that needs at most `limit` bytes: Adam, then bfloat16, then a smaller picture.

    Raises `ConfigError` when even the smallest picture does not fit.
    """
    asked = plan.bytes_needed
    if asked <= limit:
        return plan
    why = f"{gigabytes(asked)} would be needed, {gigabytes(limit)} may be used"
    if plan.recipe.optimizer == "lbfgs":
        recipe = plan.recipe.but(optimizer="adam", lr=0.05)
        plan = replace(plan, recipe=recipe, notes=(*plan.notes, f"Adam instead of L-BFGS: {why}"))
    if plan.bytes_needed > limit and plan.precision == "float32":
        plan = replace(plan, precision="bfloat16", notes=(*plan.notes, f"bfloat16 instead of float32: {why}"))
    size, side = plan.size, max(plan.size)
    while plan.bytes_needed > limit:
        side = int(side * 0.95)
        if min(fit(size, side)) < MIN_SIDE:
            raise ConfigError(f"memory: {why}, which does not do for a picture of {MIN_SIDE} pixels")
        plan = replace(plan, size=fit(size, side))
    if plan.size != size:
        note = f"{plan.size[1]}×{plan.size[0]} instead of {size[1]}×{size[0]} pixels: {why}"
        plan = replace(plan, notes=(*plan.notes, note))
    return plan


def gigabytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB"
