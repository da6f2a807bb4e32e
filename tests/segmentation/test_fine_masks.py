"""The mask branch: shapes, where its features come from, and that both of its sources count."""

from functools import partial

import pytest
import torch
from torch import nn

from pochoir.segmentation.fine_masks import FineLevel, FineMaskHead, FineMaskPool

NORM = partial(nn.GroupNorm, 4)


def test_the_fine_level_is_the_bodys_size_and_sees_both() -> None:
    torch.manual_seed(0)
    level = FineLevel(6, 16, 8, NORM)
    body, pyramid = torch.randn(2, 6, 24, 32, requires_grad=True), torch.randn(2, 16, 12, 16, requires_grad=True)
    fine = level(body, pyramid)
    assert fine.shape == (2, 8, 24, 32)
    fine[:, :, 5, 7].sum().backward()
    for features in (body, pyramid):
        assert features.grad is not None
        assert features.grad.abs().sum() > 0


@pytest.mark.parametrize("size", [(56, 84), (280, 336)], ids=["stride 8", "stride 16"])
def test_a_box_is_pooled_where_it_lies(size: tuple[int, int]) -> None:
    """Of features that hold their own x and y, cell k of n reads x0 + (k + 1/2) / n of the width."""
    y, x = torch.meshgrid(torch.arange(96.0), torch.arange(80.0), indexing="ij")
    fine = torch.stack([x, y])[None] * 4  # in pixels of an image four times as large
    coarse = fine[..., ::2, ::2]
    width, height = size
    box = torch.tensor([[24.0, 20.0, 24.0 + width, 20.0 + height]])
    pool = FineMaskPool(("0", "1"), "fine")
    features = {"0": coarse, "1": coarse[..., ::2, ::2], "fine": fine}
    pooled = pool(features, [box], [(384, 320)])
    assert pool.output_size == (28, 28)
    for values, cells in zip(pooled, (14, 28), strict=True):
        assert values.shape == (1, 2, cells, cells)
        steps = (torch.arange(cells) + 0.5) / cells
        torch.testing.assert_close(values[0, 0, 3], 24 + width * steps, atol=1e-3, rtol=0)
        torch.testing.assert_close(values[0, 1, :, 3], 20 + height * steps, atol=1e-3, rtol=0)


def test_the_head_joins_what_is_coarse_and_what_is_fine() -> None:
    torch.manual_seed(0)
    head = FineMaskHead(16, 8, 12, NORM)
    coarse, fine = torch.randn(3, 16, 14, 14, requires_grad=True), torch.randn(3, 8, 28, 28, requires_grad=True)
    joined = head((coarse, fine))
    assert joined.shape == (3, 12, 28, 28)
    joined[0].square().sum().backward()
    for features in (coarse, fine):
        assert features.grad is not None
        assert features.grad[0].abs().sum() > 0
        assert features.grad[1:].abs().sum() == 0  # one instance's mask is no business of another


def test_no_box_gives_no_mask() -> None:
    head = FineMaskHead(16, 8, 12, NORM)
    assert head((torch.randn(0, 16, 14, 14), torch.randn(0, 8, 28, 28))).shape == (0, 12, 28, 28)
