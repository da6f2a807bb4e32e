"""The picture as a parameter: what the optimiser sees of it, and back."""

import torch
from torch import Tensor

MARGIN = 1 / 512
"""A sigmoid reaches 0 and 1 only at infinity: pictures begin half an 8-bit step inside."""


def to_parameter(image: Tensor, kind: str) -> Tensor:
    """The parameter of a picture in [0, 1]: its logit for kind `sigmoid`, itself for `pixels`."""
    parameter = torch.logit(image.clamp(MARGIN, 1 - MARGIN)) if kind == "sigmoid" else image.clone()
    return parameter.contiguous()  # optimisers flatten it


def to_image(parameter: Tensor, kind: str) -> Tensor:
    """The picture of a parameter; of kind `pixels` it may leave [0, 1] while it is optimised."""
    return torch.sigmoid(parameter) if kind == "sigmoid" else parameter
