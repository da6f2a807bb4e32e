"""Layers at which what is looked at is too small: pooled so often, nothing of it is left."""

from collections.abc import Iterable

from torch import Tensor

from pochoir.config import EncoderConfig
from pochoir.stylization.encoder import propagate
from pochoir.stylization.subject import Subject

VANISHED = 0.5
"""Features: a region that weighs less at a layer has no statistics there."""


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
