"""The optimiser of a detector, from its config."""

import torch
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN

from pochoir.config import OptimConfig


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
