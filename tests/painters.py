"""Painters for tests: networks of no training, whose styles differ."""

from pathlib import Path

import torch
from safetensors.torch import save
from torch import nn

from pochoir.config import load_config
from pochoir.stylization.painters.network import Painter
from pochoir.weights import metadata_of


def a_painter(*styles: str) -> Painter:
    """A tiny one."""
    config = load_config("train_painter", ["styles=.", "painter.width=4", "painter.blocks=1", "painter.kernel=3"])
    torch.manual_seed(0)
    network = Painter(config.painter, styles).eval()
    for name, parameter in network.named_parameters():
        if name.endswith((".scales", ".shifts")):
            nn.init.normal_(parameter, 1.0, 0.5)
    return network.requires_grad_(False)


def write_painter(file: Path, *styles: str) -> Path:
    """Its file, as export_painter writes it."""
    network = a_painter(*styles)
    told = {"width": 4, "blocks": 1, "kernel": 3, "depthwise": False, "weights": "none", "trained": None}
    metadata = metadata_of({"painter": told, "styles": list(styles), "size": 512, "style_scale": 1.0})
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(
        save({name: tensor.half().contiguous() for name, tensor in network.state_dict().items()}, metadata)
    )
    return file
