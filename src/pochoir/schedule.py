"""The learning rate over a training: a warm-up, then a schedule, stepped after every batch."""

import math

import torch
from torch.optim.lr_scheduler import LambdaLR

from pochoir.config import ScheduleConfig

WARMUP_START = 0.01
MULTISTEP_AT = (2 / 3, 8 / 9)


def learning_rate_factor(step: int, total: int, config: ScheduleConfig) -> float:
    """Share of the peak learning rate at `step` of `total`: linear warm-up, then the schedule."""
    warmup = round(config.warmup * total)
    if step < warmup:
        return WARMUP_START + (1 - WARMUP_START) * step / warmup
    done = (step - warmup) / max(1, total - warmup)
    match config.schedule:
        case "cosine":
            return config.final_lr + (1 - config.final_lr) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
        case "linear":
            return 1 - (1 - config.final_lr) * min(1.0, done)
        case "multistep":
            return 0.1 ** sum(step >= share * total for share in MULTISTEP_AT)
        case _:
            return 1.0


def build_schedule(optimizer: torch.optim.Optimizer, config: ScheduleConfig, total_steps: int) -> LambdaLR:
    """A schedule to be stepped after every batch."""
    return LambdaLR(optimizer, lambda step: learning_rate_factor(step, total_steps, config))
