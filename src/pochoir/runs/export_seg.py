"""A trained segmenter as a small file of plain tensors, to be shared and started from."""

import logging
from pathlib import Path

from safetensors.torch import save

from pochoir.config import ExportSegConfig
from pochoir.errors import WeightsError
from pochoir.files import write_bytes
from pochoir.segmentation.segmenter import trained_segmenter
from pochoir.weights import metadata_of

log = logging.getLogger(__name__)


def run(settings: ExportSegConfig, folder: Path) -> None:
    """Write a trained network as half-precision safetensors that say which segmenter it is, and its classes.

    What takes a checkpoint takes such a file, but it cannot be resumed from. Detectors trained at one size often do
    best at a larger one (Touvron et al. 2019), which the file may ship with. Raises `WeightsError` when `weights` is no
    checkpoint of train_seg's, or holds a weight that half precision cannot (beyond 65504), `ConfigError` when min_size
    is larger than max_size.
    """
    own, network, classes = trained_segmenter(settings.weights)
    own = own.but(min_size=settings.min_size or own.min_size, max_size=settings.max_size or own.max_size)
    state = {name: tensor.half().contiguous() for name, tensor in network.state_dict().items()}
    if wrong := [name for name, tensor in state.items() if not tensor.isfinite().all()]:
        raise WeightsError(f"{settings.weights}: {', '.join(wrong)} do not fit into half precision")
    file = Path(settings.file).expanduser()
    write_bytes(file, save(state, metadata_of({"segmenter": own.model_dump(), "classes": classes})))
    count = sum(tensor.numel() for tensor in state.values())
    log.info("%s: %s weights, %.1f MB", file, f"{count:,}", file.stat().st_size / 1e6)
