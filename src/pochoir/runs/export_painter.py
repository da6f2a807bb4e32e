"""A trained painter as a small file, to share and to start from, or as a graph for other programs."""

import logging
from pathlib import Path

import torch
from torch import Tensor

from pochoir.assets import located, painter_path
from pochoir.config import ExportPainterConfig
from pochoir.experiments.versions import versions
from pochoir.files import write_bytes, write_json
from pochoir.images import read_rgb, to_tensor
from pochoir.images.resizing import resize
from pochoir.stylization.painters.export import (
    LARGEST,
    OPSET,
    apart,
    onnx_runner,
    program_runner,
    to_onnx,
    to_program,
)
from pochoir.stylization.painters.files import export, trained_painter

CHECKED_AT = ((240, 320), (341, 227))
"""Sizes of the photo, height and width, at which a graph is compared with PyTorch."""

log = logging.getLogger(__name__)


def run(settings: ExportPainterConfig, folder: Path) -> None:
    """Write a painter as half-precision safetensors, which every task takes, as ONNX, or as a program of torch.export.

    Beside a graph, a JSON of the same stem tells what a program must know to use it; both are written once its paint is
    within a grey level of PyTorch's, on the photo that comes with the project at two sizes, and on noise. Raises
    `WeightsError` where it is not, when `weights` is no painter or holds what half precision cannot, and `ConfigError`
    where packages for ONNX are missing.
    """
    painter, file = trained_painter(settings.weights), Path(settings.file).expanduser()
    network = painter.network
    if file.suffix == ".safetensors":
        export(painter_path(settings.weights), file)
    else:
        images = _images()
        make, runner = (to_onnx, onnx_runner) if file.suffix == ".onnx" else (to_program, program_runner)
        graph = make(network, images[0])
        levels = apart(network, runner(graph), images)
        write_bytes(file, graph)
        told = {
            "inputs": {
                "image": f"[1, 3, height, width] float32, RGB in [0, 1], 32 to {LARGEST} pixels a side",
                "blend": f"[1, {len(network.styles)}] float32, shares of the styles, which sum to 1",
            },
            "outputs": {"paint": "[1, 3, height, width] float32, RGB in [0, 1]"},
            "styles": list(network.styles),
            "size": painter.size,
            "style_scale": painter.style_scale,
            "grey_levels_from_pytorch": levels,
            "opset": OPSET,
            "painter": painter.config.model_dump(),
            "versions": versions(),
        }
        write_json(file.with_suffix(".json"), told)
        log.info("%s: styles and sizes", file.with_suffix(".json"))
    log.info("%s: %d styles, %.1f MB", file, len(network.styles), file.stat().st_size / 1e6)


def _images() -> list[Tensor]:
    photo = to_tensor(read_rgb(Path(located("builtin:portrait"))))[None]
    noise = torch.rand(1, 3, 97, 131, generator=torch.Generator().manual_seed(0))
    return [*(resize(photo, size) for size in CHECKED_AT), noise]
