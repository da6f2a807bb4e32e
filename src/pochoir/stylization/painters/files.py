"""Painters as files: a checkpoint of train_painter, or what is exported of one, and starting from either."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import torch
from pydantic import ValidationError
from safetensors.torch import save
from torch import Tensor

from pochoir.assets import known_painters, painter_path
from pochoir.config import PainterConfig
from pochoir.errors import ConfigError, WeightsError, suggested_file
from pochoir.files import write_bytes
from pochoir.stylization.painters.network import Painter
from pochoir.weights import load_strictly, metadata_of, network_state, read_checkpoint

OF_STYLES = (".scales", ".shifts")
"""Ends of the names of what belongs to styles: a row each."""
TOLD = ("painter", "styles", "size", "style_scale")
"""What an exported painter says of itself."""


class TrainedPainter(NamedTuple):
    """A painter from a file. size: the long side in pixels of the pictures that its strokes were learned in;
    style_scale: how large they are there.
    """

    config: PainterConfig
    network: Painter
    size: int
    style_scale: float


def trained_painter(weights: str | PathLike[str]) -> TrainedPainter:
    """A painter that comes with the project, by its name, or that of a file; on the CPU, ready to paint.

    Raises `WeightsError` naming a file that is not there, or no painter.
    """
    path = painter_path(str(weights))
    if not path.is_file():
        raise WeightsError(f"{path}: no such painter{suggested_file(path)}; {known_painters(str(weights))}")
    checkpoint = read_checkpoint(path)
    told = checkpoint.get("hyper_parameters", {})
    if missing := [name for name in TOLD if name not in told]:
        raise WeightsError(f"{path}: is no painter, as it does not tell its {', '.join(missing)}")
    try:
        config = PainterConfig.model_validate(told["painter"])
    except ValidationError as error:
        raise WeightsError(f"{path}: is of another version of painters ({error.error_count()} settings)") from error
    network = Painter(config, told["styles"])
    load_strictly(network, network_state(checkpoint, path), str(path))
    return TrainedPainter(config, network.eval(), told["size"], told["style_scale"])


def export(checkpoint: Path, file: Path) -> None:
    """Write a painter's checkpoint as a small file in half precision, which cannot be resumed from.

    Raises `WeightsError` for weights beyond what half precision holds.
    """
    stored = read_checkpoint(checkpoint)
    state = {name: tensor.half().contiguous() for name, tensor in network_state(stored, checkpoint).items()}
    if wrong := [name for name, tensor in state.items() if not tensor.isfinite().all()]:
        raise WeightsError(f"{checkpoint}: {', '.join(wrong)} do not fit into half precision")
    told = stored["hyper_parameters"]
    write_bytes(file, save(state, metadata_of({name: told[name] for name in TOLD})))


def start_from(network: Painter, config: PainterConfig) -> None:
    """Give a network of `config` the weights of the painter that it names: styles of the same name their scales and
    shifts, new ones the mean.

    Raises `ConfigError` where the painter is another network, `WeightsError` where it is none.
    """
    weights = config.weights
    own, base, *_ = trained_painter(weights)
    for name, value in own:
        if name not in ("weights", "trained") and value != getattr(config, name):
            raise ConfigError(f"painter.{name}: {getattr(config, name)} is not what {weights} has; give {value}")
    places = {name: place for place, name in enumerate(base.styles)}
    state = {
        name: _rows(tensor, network.styles, places) if name.endswith(OF_STYLES) else tensor
        for name, tensor in base.state_dict().items()
    }
    load_strictly(network, state, str(painter_path(weights)))


def _rows(tensor: Tensor, styles: tuple[str, ...], places: Mapping[str, int]) -> Tensor:
    mean: Any = tensor.mean(dim=0)
    return torch.stack([tensor[places[name]] if name in places else mean for name in styles])
