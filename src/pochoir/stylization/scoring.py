"""What a saved picture is worth: its losses under its recipe, and errors on one scale, whatever the recipe."""

from collections.abc import Mapping

import torch
from torch import Tensor

from pochoir.config import EncoderConfig, RecipeConfig
from pochoir.stylization.encoder import Encoder
from pochoir.stylization.objective import Objective
from pochoir.stylization.subject import Subject

REFEREE = RecipeConfig.model_construct(
    content_weight=1.0, style_weight=1.0, tv_weight=0.0, style_loss="gram", normalization="relative"
)
"""What an objective must know to score by; there is nothing to optimise."""


@torch.no_grad()
def scores(
    image: Tensor, encoder: Encoder, subject: Subject, layers: EncoderConfig, tile: int | None = None
) -> dict[str, float]:
    """Relative errors of a saved picture `[1, 3, H, W]` in [0, 1] of the subject's size, by a float32 encoder.

    `style_error`: the mean over the style layers of `|G - A|^2 / |A|^2` of Gram matrices; `content_error`: that of
    `|F - P|^2 / |P|^2` over the content layers. 0 is a perfect match. With a region, all of it inside, and of what is
    inside alone: the unpainted rest of the picture is not looked at. Whatever is kept and whatever is labelled counts
    like all else. tile: see `Objective`.
    """
    everything = layers.but(content_layer_weights=None, style_layer_weights=None)
    return _errors(Objective(encoder, subject.unguided, everything, REFEREE, tile=tile), image)[1]


@torch.no_grad()
def losses_and_scores(
    image: Tensor,
    encoder: Encoder,
    subject: Subject,
    layers: EncoderConfig,
    recipe: RecipeConfig,
    tile: int | None = None,
) -> tuple[dict[str, float], dict[str, float]]:
    """The named losses of a picture under its recipe, and its `scores`; one look serves both where it can."""
    objective = Objective(encoder, subject, layers, recipe, tile=tile)
    named, errors = _errors(objective, image)
    told = set(objective.content_weights) == set(layers.content_layers) and set(objective.style_weights) == set(
        layers.style_layers
    )
    guided = subject.keep is not None or subject.labels is not None
    if told and not guided and recipe.normalization == "relative" and recipe.style_loss == "gram":
        return named, errors
    return named, scores(image, encoder, subject, layers, tile)


def _errors(objective: Objective, image: Tensor) -> tuple[dict[str, float], dict[str, float]]:
    """Named losses, and their means by kind with the weights taken out."""
    named = {name: float(value) for name, value in objective(image).items()}

    def mean(kind: str, weights: Mapping[str, float]) -> float:
        values = [named[f"{kind}/{layer}"] / weight for layer, weight in weights.items()]
        return sum(values) / len(values) if values else 0.0

    return named, {
        "style_error": mean("style", objective.style_weights),
        "content_error": mean("content", objective.content_weights),
    }
