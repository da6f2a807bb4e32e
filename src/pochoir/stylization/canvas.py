"""The picture as a parameter: what the optimiser sees of it, and back."""

import torch
from torch import Tensor

REACH = 0.05
"""How far the sigmoid goes beyond 0 and 1: one that ends there is flat at both, and black and white stay bare."""
MARGIN = 2 / 255
"""Pictures begin two 8-bit steps inside: a first step from the very end may go where the sigmoid is flat again."""


def to_parameter(image: Tensor, kind: str) -> Tensor:
    """The parameter of a picture in [0, 1]: for kind `sigmoid` that of `to_image`, for `pixels` the picture itself."""
    if kind == "sigmoid":
        image = torch.logit((image.clamp(MARGIN, 1 - MARGIN) + REACH) / (1 + 2 * REACH))
    return image.clone().contiguous()  # optimisers flatten it


def to_image(parameter: Tensor, kind: str) -> Tensor:
    """The picture of a parameter, `(1 + 2 REACH) sigmoid(z) - REACH` or the parameter itself.

    It may leave [0, 1] while it is optimised: cut off there, it would have no gradient to come back by.
    """
    return (1 + 2 * REACH) * torch.sigmoid(parameter) - REACH if kind == "sigmoid" else parameter
