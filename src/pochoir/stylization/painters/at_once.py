"""Painting at once: a photo, or a region of it, by a painter in one of its styles or in a blend."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from pochoir.assets import PAINTERS, painter_path
from pochoir.errors import ConfigError, suggestion
from pochoir.stylization.painters.files import TrainedPainter, trained_painter
from pochoir.stylization.painters.network import SMALLEST
from pochoir.stylization.vanishing import VANISHED


@lru_cache(maxsize=4)
def _ready(weights: str, changed: float) -> TrainedPainter:
    """A painter that was used before, unless its file has changed since."""
    return trained_painter(weights)


@dataclass(frozen=True, eq=False)
class Look:
    """What to paint in: a painter, and the shares of its styles, `[1, S]`."""

    painter: TrainedPainter
    blend: Tensor


def look_of(weights: str | None, names: Sequence[str], shares: Sequence[float]) -> Look:
    """The painter that knows the styles, and how they are mixed.

    weights: a painter's file or its name; None: whichever of those that come with the project knows them. names: of
    the styles; shares: their weights, which sum to 1. Raises `ConfigError` that tells which styles there are, and how a
    painter is made of a painting; `WeightsError` for a file that is no painter.
    """
    candidates = [weights] if weights is not None else list(PAINTERS)
    known: list[str] = []
    for candidate in candidates:
        path = painter_path(candidate)
        painter = _ready(candidate, path.stat().st_mtime if path.is_file() else 0.0)
        styles = painter.network.styles
        if set(names) <= set(styles):
            blend = torch.zeros(1, len(styles))
            for name, share in zip(names, shares, strict=True):
                blend[0, styles.index(name)] += share
            return Look(painter, blend)
        known += styles
    missing = [name for name in names if name not in known]
    told = f"no painter knows the style {missing[0]}" if missing else f"no painter knows all of {', '.join(names)}"
    there, hint = ", ".join(dict.fromkeys(known)), suggestion((missing or list(names))[0], known)
    raise ConfigError(
        f"style: {told}; they know {there}{hint}. Make one by `pochoir train_painter styles=<painting> …`, and give it "
        "as painter.weights=<its painter.safetensors>; or give method=optimize, or another init, and a picture"
    )


@torch.no_grad()
def paint_at_once(photo: Tensor, look: Look, *, region: Tensor | None = None, strength: float = 1.0) -> Tensor:
    """Paint `[1, 3, H, W]` in [0, 1] of a photo of that shape, on its device.

    region: `[1, 1, H, W]` in [0, 1]: what the painter's statistics are taken of, while all of the photo is painted.
    strength: 0 is the photo, 1 is the paint. Raises `ConfigError` for a photo of few pixels, and where the region is
    too small to take statistics of.
    """
    if min(photo.shape[-2:]) < SMALLEST:
        raise ConfigError(f"size: {photo.shape[-1]}×{photo.shape[-2]} pixels are too few for a painter; {SMALLEST} do")
    if region is not None and float(region.sum()) < VANISHED:
        raise ConfigError(f"region: has {float(region.sum()):.2f} pixels, too few for a painter")
    network = look.painter.network.to(photo.device)  # where it stays
    paint = network(photo, look.blend.to(photo.device), region).clamp(0, 1)
    return torch.lerp(photo, paint, strength)
