"""How long a segmenter is trained, and how often it is measured meanwhile: by steps, not by the number of photos."""

import logging
import math
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytorch_lightning as pl
import torch

from pochoir.config import TrainSegConfig
from pochoir.data.datamodule import SegmentationData
from pochoir.errors import number_of

TRAINED_PHOTO = 4.0
"""Seconds of training on a photo for each of looking at one, on two cores; enough for a guess."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Length:
    """epochs, of so many optimiser steps each, with a validation after every `interval` of them."""

    epochs: int
    steps: int
    interval: int


def length_of(settings: TrainSegConfig, photos: int) -> Length:
    """The length of a training on so many photos an epoch.

    `trainer.max_epochs` says it, else `trainer.max_steps`, else the aim: `steps`, unless `least_epochs` are more. The
    last epoch is always one that is measured.
    """
    given = settings.trainer
    batches = math.ceil(photos / (settings.loader.batch_size * given.devices * given.num_nodes))
    limit = given.limit_train_batches
    if limit is not None:
        batches = max(1, min(batches, int(limit)) if limit >= 1 else int(batches * limit))
    steps = math.ceil(batches / given.accumulate_grad_batches)
    max_steps = given.arguments().get("max_steps", -1)
    if given.max_epochs is not None:
        at_most = given.check_val_every_n_epoch or math.ceil(given.max_epochs / settings.validations)
        return Length(given.max_epochs, steps, validation_interval(given.max_epochs, at_most))
    if max_steps > 0:
        epochs = math.ceil(max_steps / steps)  # whose last state is measured, wherever it is
    else:
        epochs = max(settings.least_epochs, math.ceil(settings.steps / steps))
    interval = given.check_val_every_n_epoch or math.ceil(epochs / settings.validations)
    return Length(interval * math.ceil(epochs / interval), steps, interval)


def validation_interval(max_epochs: int, at_most: int) -> int:
    """The largest number of epochs up to `at_most` that divides `max_epochs`: the last epoch is always measured."""
    return next(epochs for epochs in range(min(at_most, max_epochs), 0, -1) if max_epochs % epochs == 0)


class LengthTold(pl.Callback):
    """Says before the first step how long a training will be, and about how long that takes."""

    def __init__(self, length: Length, data: SegmentationData) -> None:
        self.length = length
        self.data = data

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        length, data = self.length, self.data
        if not trainer.is_global_zero or trainer.current_epoch >= length.epochs:
            return
        left = length.epochs - trainer.current_epoch
        look = _seconds_of_a_look(pl_module, data)
        trained = look * TRAINED_PHOTO * left * data.epoch_length / trainer.world_size
        limit, each = trainer.limit_val_batches, math.ceil(len(data.val) / trainer.world_size)
        validated = min(each, limit if isinstance(limit, int) else int(each * limit)) * trainer.world_size
        looked_at = min(len(data.val), validated)
        measured = look * (left // length.interval) * looked_at / trainer.world_size
        log.info(
            "%s: %s%s of %s, measured every %s on %s; about %s",
            number_of("photo", data.epoch_length),
            "" if left == length.epochs else f"{left} of ",
            number_of("epoch", length.epochs),
            number_of("step", length.steps),
            "one" if length.interval == 1 else length.interval,
            number_of("other", looked_at),
            timedelta(seconds=max(1, round(trained + measured))),
        )


@torch.no_grad()
def _seconds_of_a_look(module: Any, data: SegmentationData) -> float:
    """By a clock, for a message only; the network stays as it was."""
    image = data.val[0][0].as_subclass(torch.Tensor).to(module.device)
    modes = [(part, part.training) for part in module.network.modules()]
    module.network.eval()
    try:
        for _ in range(2):  # the first is slower
            started = time.perf_counter()
            found = module.network([image])
            found[0]["scores"].tolist()  # waits for the device
    finally:
        for part, training in modes:
            part.training = training
    return time.perf_counter() - started
