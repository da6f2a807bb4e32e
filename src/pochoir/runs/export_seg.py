"""A trained segmenter as a small file of plain tensors, to share and to start from, or as ONNX for other programs."""

import logging
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN
from torchvision.transforms.v2.functional import resize

from pochoir.assets import located
from pochoir.config import ExportSegConfig, SegmenterConfig
from pochoir.errors import WeightsError
from pochoir.experiments.versions import versions
from pochoir.files import write_bytes, write_json
from pochoir.images import read_rgb, to_tensor
from pochoir.segmentation.export import constants, differences, to_onnx
from pochoir.segmentation.segmenter import trained_segmenter
from pochoir.weights import metadata_of

CHECKED_AT = ((240, 320), (517, 389))
"""Sizes of the photo, height and width, at which an ONNX file is compared with PyTorch."""

log = logging.getLogger(__name__)


def run(settings: ExportSegConfig, folder: Path) -> None:
    """Write a trained network as half-precision safetensors that say which segmenter it is and its classes, or as ONNX.

    What takes a checkpoint takes the first, but it cannot be resumed from. Beside an ONNX file, a JSON of the same stem
    tells what a program must know to use it; it is written once onnxruntime agrees with PyTorch on the photo that comes
    with the project, and on noise. Detectors trained at one size often do best at a larger one (Touvron et al. 2019),
    which both may ship with. Raises `WeightsError` when `weights` is no checkpoint of train_seg's, holds a weight that
    half precision cannot (beyond 65504), or gives something else in onnxruntime, `ConfigError` when min_size is larger
    than max_size, and where packages for ONNX are missing.
    """
    own, network, classes = trained_segmenter(settings.weights)
    own = own.but(min_size=settings.min_size or own.min_size, max_size=settings.max_size or own.max_size)
    file = Path(settings.file).expanduser()
    if file.suffix == ".onnx":
        _write_onnx(own, network.eval(), classes, file)
    else:
        _write_safetensors(own, network, classes, file, settings.weights)
    count = sum(tensor.numel() for tensor in network.state_dict().values())
    log.info("%s: %s weights, %.1f MB", file, f"{count:,}", file.stat().st_size / 1e6)


def _write_safetensors(
    own: SegmenterConfig, network: GeneralizedRCNN, classes: Sequence[str], file: Path, weights: str
) -> None:
    state = {name: tensor.half().contiguous() for name, tensor in network.state_dict().items()}
    if wrong := [name for name, tensor in state.items() if not tensor.isfinite().all()]:
        raise WeightsError(f"{weights}: {', '.join(wrong)} do not fit into half precision")
    write_bytes(file, save(state, metadata_of({"segmenter": own.model_dump(), "classes": classes})))


def _write_onnx(own: SegmenterConfig, network: GeneralizedRCNN, classes: Sequence[str], file: Path) -> None:
    network.transform.min_size, network.transform.max_size = (own.min_size,), own.max_size
    images = _images()
    graph = to_onnx(network, images[0])
    apart = differences(network, graph, images)
    write_bytes(file, graph)
    known = {"segmenter": own.model_dump(), "differences_from_pytorch": apart, "versions": versions()}
    write_json(file.with_suffix(".json"), constants(network, classes, known))
    log.info("%s: sizes, thresholds and names", file.with_suffix(".json"))


def _images() -> list[Tensor]:
    """A person at two sizes, and noise, in which nothing may be found."""
    photo = to_tensor(read_rgb(Path(located("builtin:portrait"))))
    noise = torch.rand(3, 96, 200, generator=torch.Generator().manual_seed(0))
    return [*(resize(photo, list(size), antialias=True) for size in CHECKED_AT), noise]
