"""A trained segmenter as a small file of plain tensors, to be shared and started from."""

from dataclasses import asdict, replace
from pathlib import Path

from safetensors.torch import save

from pochoir.errors import ConfigError, WeightsError
from pochoir.files import write_bytes
from pochoir.segmentation.segmenter import trained_segmenter
from pochoir.weights import metadata_of


def export(checkpoint: Path, file: Path, *, min_size: int | None = None, max_size: int | None = None) -> None:
    """Write the network of a train_seg checkpoint as half-precision safetensors that say which segmenter it is.

    What takes a checkpoint takes such a file, but it cannot be resumed from. min_size, max_size: of its input in
    pixels; None keeps the checkpoint's. Detectors trained at one size often do best at a larger one (Touvron et al.
    2019). Raises `WeightsError` when `checkpoint` is none of train_seg's, or holds a weight that half precision cannot
    (beyond 65504), `ConfigError` when min_size is larger than max_size.
    """
    settings, network = trained_segmenter(checkpoint)
    settings = replace(
        settings, weights="none", min_size=min_size or settings.min_size, max_size=max_size or settings.max_size
    )
    if problems := settings.problems():
        raise ConfigError("; ".join(problems))
    state = {name: tensor.half().contiguous() for name, tensor in network.state_dict().items()}
    if wrong := [name for name, tensor in state.items() if not tensor.isfinite().all()]:
        raise WeightsError(f"{checkpoint}: {', '.join(wrong)} do not fit into half precision")
    own = metadata_of({"segmenter": asdict(settings)})
    write_bytes(file, save(state, own))
    print(f"{file}: {sum(tensor.numel() for tensor in state.values()):,} weights, {file.stat().st_size / 1e6:.1f} MB")
