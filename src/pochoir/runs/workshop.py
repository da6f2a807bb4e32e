"""What all pictures of a painting run share."""

import json
import logging
import warnings
from dataclasses import asdict, dataclass

import pytorch_lightning as pl
import torch

from pochoir.config import EncoderConfig, PaintConfig
from pochoir.devices import check_devices
from pochoir.stylization.encoder import Encoder, build_encoder
from pochoir.stylization.plan import choose_dtype


@dataclass(frozen=True)
class Workshop:
    """What all pictures of a run share: the float32 encoder, the device, and the type that is fastest there."""

    encoder: Encoder
    device: torch.device
    dtype: torch.dtype
    seconds_per_pixel: float


def open_workshop(config: PaintConfig) -> Workshop:
    """Quiet Lightning, load the encoder and find out what this machine does best.

    The jobs of a sweep in one process share a workshop where they want the same.

    Raises `WeightsError` without weights, and `ConfigError` without the device.
    """
    for name in ("pytorch_lightning", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    torch.set_flush_denormal(True)
    check_devices(config.trainer.accelerator, config.trainer.devices)
    wanted = json.dumps([asdict(config.encoder), config.trainer.precision, config.trainer.accelerator])
    if wanted not in _opened:
        _opened.clear()  # an encoder is 80 MB
        _opened[wanted] = _open(config)
    return _opened[wanted]


def _open(config: PaintConfig) -> Workshop:
    encoder = build_encoder(config.encoder)
    device = pl.Trainer(accelerator=config.trainer.accelerator, devices=1, barebones=True).strategy.root_device
    dtype, seconds = choose_dtype(config.trainer.precision, encoder, looked_at(config.encoder), device)
    return Workshop(encoder, device, dtype, seconds)


_opened: dict[str, Workshop] = {}
"""The last workshop by what it was asked for."""


def looked_at(layers: EncoderConfig) -> tuple[str, ...]:
    """Names of all layers that a config looks at, each once."""
    return tuple(dict.fromkeys([*layers.content_layers, *layers.style_layers]))
