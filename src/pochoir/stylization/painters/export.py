"""A painter for other programs: as ONNX, or as a graph of torch.export, with the shares of its styles as an input."""

import tempfile
import warnings
from collections.abc import Callable, Sequence
from copy import deepcopy
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pochoir.errors import ConfigError, WeightsError
from pochoir.stylization.painters.network import Painter

OPSET = 17
TOLERANCE = 1.0
"""Grey levels of 255 that a graph's paint may be apart from PyTorch's: sums are added up in other orders."""
LARGEST = 16384
INPUTS = ("image", "blend")


class _Painting(nn.Module):
    """A painter whose paint is a picture: clipped."""

    def __init__(self, network: Painter) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, blend: Tensor) -> Tensor:
        return self.network(image, blend).clamp(0, 1)


def to_onnx(network: Painter, example: Tensor) -> bytes:
    """The painter as an ONNX graph: inputs `image`, `[1, 3, height, width]` in [0, 1] of any size, and `blend`,
    `[1, S]` shares of the styles; output `paint`, of the image's shape. example: an image to trace with.

    Raises `ConfigError` without the package onnx.
    """
    if find_spec("onnx") is None or find_spec("onnxruntime") is None:
        raise ConfigError("file: .onnx needs the packages onnx and onnxruntime; pip install onnx onnxruntime")
    blend = torch.full((1, len(network.styles)), 1 / len(network.styles))
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), torch.no_grad():
        written = Path(folder) / "graph.onnx"
        warnings.simplefilter("ignore")  # what is constant in the graph is so on purpose
        sides = {2: "height", 3: "width"}
        torch.onnx.export(
            _painting(network),
            (example, blend),
            written,
            dynamo=False,
            opset_version=OPSET,
            input_names=list(INPUTS),
            output_names=["paint"],
            dynamic_axes={"image": sides, "paint": sides},
        )
        return written.read_bytes()


def to_program(network: Painter, example: Tensor) -> bytes:
    """The painter as a program of torch.export, as `torch.export.load` reads it; inputs and output as `to_onnx`'s."""
    sides = {2: torch.export.Dim("height", min=32, max=LARGEST), 3: torch.export.Dim("width", min=32, max=LARGEST)}
    blend = torch.full((1, len(network.styles)), 1 / len(network.styles))
    with torch.no_grad():
        program = torch.export.export(
            _painting(network), (example, blend), dynamic_shapes={"image": sides, "blend": None}
        )
    buffer = BytesIO()
    torch.export.save(program, buffer)
    return buffer.getvalue()


def onnx_runner(graph: bytes) -> Callable[[Tensor, Tensor], Tensor]:
    """What onnxruntime makes of an image and a blend."""
    import onnxruntime

    session: Any = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return lambda *inputs: torch.from_numpy(
        session.run(None, {name: value.numpy() for name, value in zip(INPUTS, inputs, strict=True)})[0]
    )


def program_runner(program: bytes) -> Callable[[Tensor, Tensor], Tensor]:
    """What a program of torch.export makes of an image and a blend."""
    return torch.export.load(BytesIO(program)).module()


def apart(network: Painter, run: Callable[[Tensor, Tensor], Tensor], images: Sequence[Tensor]) -> float:
    """How many grey levels a graph's paint is from PyTorch's, at most, over images `[1, 3, H, W]`, in every style and
    in a blend of all. Raises `WeightsError` beyond `TOLERANCE`.
    """
    painting, count = _painting(network), len(network.styles)
    blends = torch.cat([torch.eye(count), torch.full((1, count), 1 / count)])
    worst = 0.0
    for image in images:
        for blend in blends:
            with torch.no_grad():
                expected = painting(image, blend[None])
                given = run(image, blend[None])
            worst = max(worst, 255 * float(np.abs(given.numpy() - expected.numpy()).max()))
    if worst > TOLERANCE:
        raise WeightsError(f"the graph paints otherwise than PyTorch, by {worst:.1f} of 255 grey levels")
    return worst


def _painting(network: Painter) -> nn.Module:
    return _Painting(deepcopy(network).cpu()).eval().requires_grad_(False)
