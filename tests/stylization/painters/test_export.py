"""Graphs for other programs paint what PyTorch paints, at sizes that they were not made with."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from painters import a_painter
from pochoir.errors import WeightsError
from pochoir.stylization.painters.export import apart, onnx_runner, program_runner, to_onnx, to_program

IMAGES = [
    torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)) for size in ((40, 56), (37, 50), (64, 33))
]


@pytest.mark.parametrize("make, runner", [(to_onnx, onnx_runner), (to_program, program_runner)])
def test_a_graph_paints_the_same_at_any_size(make: Callable[..., bytes], runner: Callable[..., Any]) -> None:
    if make is to_onnx:
        pytest.importorskip("onnx")
        pytest.importorskip("onnxruntime")
    painter = a_painter("waves", "ink")
    assert apart(painter, runner(make(painter, IMAGES[0])), IMAGES) < 0.1


def test_another_paint_is_told() -> None:
    painter, other = a_painter("waves", "ink"), a_painter("waves", "ink")
    other.last.bias += 0.1
    with pytest.raises(WeightsError, match=r"the graph paints otherwise than PyTorch, by \d+\.\d of 255 grey levels"):
        apart(painter, lambda image, blend: other(image, blend).clamp(0, 1), IMAGES[:1])
