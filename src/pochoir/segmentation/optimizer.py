"""Optimiser and learning-rate schedule of a detector, from their config."""

import math

import torch
from torch.optim.lr_scheduler import LambdaLR
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN

from pochoir.config import OptimConfig

WARMUP_START = 0.01
MULTISTEP_AT = (2 / 3, 8 / 9)


def build_optimizer(network: GeneralizedRCNN, config: OptimConfig) -> torch.optim.Optimizer:
    """AdamW or SGD over the trainable parameters; norms and biases are not decayed, the pretrained body learns at
    `backbone_lr * lr`."""
    body = {id(parameter) for parameter in network.backbone.body.parameters()}
    groups: dict[tuple[bool, bool], list[torch.nn.Parameter]] = {}
    for parameter in network.parameters():
        if parameter.requires_grad:
            groups.setdefault((id(parameter) in body, parameter.ndim > 1), []).append(parameter)
    settings = [
        {
            "params": parameters,
            "lr": config.lr * (config.backbone_lr if in_body else 1.0),
            "weight_decay": config.weight_decay if decayed else 0.0,
        }
        for (in_body, decayed), parameters in groups.items()
    ]
    if config.name == "sgd":
        return torch.optim.SGD(settings, lr=config.lr, momentum=config.momentum)
    return torch.optim.AdamW(settings, lr=config.lr, betas=(config.momentum, 0.999))


def learning_rate_factor(step: int, total: int, config: OptimConfig) -> float:
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


def build_schedule(optimizer: torch.optim.Optimizer, config: OptimConfig, total_steps: int) -> LambdaLR:
    """A schedule to be stepped after every batch."""
    return LambdaLR(optimizer, lambda step: learning_rate_factor(step, total_steps, config))
