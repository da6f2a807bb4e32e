"""A convolution with its frozen norm folded in is the same function, with the same weight to train."""

import pytest
import torch
from timm.layers import BatchNormAct2d, Conv2dSame
from torch import nn

from pochoir.segmentation.folding import FoldedConv2d, fold_batch_norms


def norm(channels: int) -> BatchNormAct2d:
    layer = BatchNormAct2d(channels, act_layer=nn.ReLU6, eps=1e-3)
    with torch.no_grad():
        for tensor, low, high in (
            (layer.weight, 0.5, 2.0),
            (layer.bias, -1.0, 1.0),
            (layer.running_mean, -1.0, 1.0),
            (layer.running_var, 0.5, 2.0),
        ):
            assert tensor is not None
            tensor.uniform_(low, high)
    return layer.eval()


@pytest.mark.parametrize(
    "conv",
    [
        nn.Conv2d(6, 8, 1, bias=False),
        nn.Conv2d(6, 6, 5, padding=2, groups=6, bias=False),
        Conv2dSame(6, 8, 3, stride=2, bias=False),
        nn.Conv2d(6, 8, 3, dilation=2, bias=False),
    ],
    ids=["pointwise", "depthwise", "strided", "dilated"],
)
def test_it_is_the_same_function(conv: nn.Conv2d) -> None:
    torch.manual_seed(0)
    after, x = norm(conv.out_channels), torch.randn(2, 6, 11, 14)
    expected = after(conv(x))
    expected.square().sum().backward()
    assert conv.weight.grad is not None
    gradient, conv.weight.grad = conv.weight.grad.clone(), None
    folded = FoldedConv2d(conv, after)
    found = folded(x)
    torch.testing.assert_close(found, expected)
    found.square().sum().backward()
    torch.testing.assert_close(folded.weight.grad, gradient, rtol=1e-4, atol=1e-3)
    assert dict(folded.named_parameters()).keys() == {"weight"}
    assert folded.state_dict().keys() == {"weight", "scale", "shift"}


def test_every_norm_that_follows_a_convolution_goes() -> None:
    torch.manual_seed(0)
    inner = nn.Sequential(nn.Conv2d(8, 8, 1, bias=False), norm(8))
    network = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), norm(8), inner, nn.Conv2d(8, 2, 1)).eval()
    x = torch.randn(1, 3, 9, 9)
    expected = network(x)
    fold_batch_norms(network)
    torch.testing.assert_close(network(x), expected)
    assert [type(module).__name__ for module in network] == ["FoldedConv2d", "Identity", "Sequential", "Conv2d"]
    assert not [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
