"""Convolutions with their frozen batch norms folded in: the same function in fewer passes over the activations."""

from collections.abc import Callable

import torch
from timm.layers import BatchNormAct2d, Conv2dSame, conv2d_same
from torch import Tensor, nn
from torch.nn import functional


class FoldedConv2d(nn.Module):
    """`act(conv2d(x, scale * weight) + shift)`: a convolution, the batch norm after it, frozen, and its activation.

    The convolution's own `weight` is what is trained and saved; `scale` and `shift`, `[channels]`, are constants from
    the norm's statistics. A norm of its own would read and write every activation once more, forwards and backwards.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, conv: nn.Conv2d, norm: BatchNormAct2d) -> None:
        super().__init__()
        assert conv.bias is None
        assert norm.running_mean is not None
        assert norm.running_var is not None
        self.weight = conv.weight
        with torch.no_grad():
            scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
            self.register_buffer("scale", scale)
            self.register_buffer("shift", norm.bias - norm.running_mean * scale)
        self.act = norm.act
        self.convolve: Callable[..., Tensor] = conv2d_same if isinstance(conv, Conv2dSame) else functional.conv2d
        self.geometry = conv.stride, conv.padding, conv.dilation, conv.groups

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.convolve(x, self.weight * self.scale[:, None, None, None], self.shift, *self.geometry))


def fold_batch_norms(module: nn.Module) -> None:
    """Replace every convolution of timm's that a batch norm follows by a `FoldedConv2d`, and the norm by nothing."""
    convolution = ""
    for name, child in list(module.named_children()):
        if isinstance(child, BatchNormAct2d):
            setattr(module, convolution, FoldedConv2d(getattr(module, convolution), child))
            setattr(module, name, nn.Identity())
        elif isinstance(child, nn.Conv2d):
            convolution = name
        else:
            fold_batch_norms(child)
