"""A trained segmenter as a small file of plain tensors, to be shared and started from."""

from dataclasses import asdict, replace
from pathlib import Path

from safetensors.torch import save

from pochoir.errors import WeightsError
from pochoir.files import write_bytes
from pochoir.segmentation.predictor import trained_segmenter
from pochoir.weights import metadata_of


def export(checkpoint: Path, file: Path) -> None:
    """Write the network of a train_seg checkpoint as half-precision safetensors that say which segmenter it is.

    What takes a checkpoint takes such a file, but it cannot be resumed from. Raises `WeightsError` when `checkpoint`
    is none of train_seg's, or holds a weight that half precision cannot (beyond 65504).
    """
    settings, network = trained_segmenter(checkpoint)
    state = {name: tensor.half().contiguous() for name, tensor in network.state_dict().items()}
    if wrong := [name for name, tensor in state.items() if not tensor.isfinite().all()]:
        raise WeightsError(f"{checkpoint}: {', '.join(wrong)} do not fit into half precision")
    own = metadata_of({"segmenter": asdict(replace(settings, weights="none"))})
    write_bytes(file, save(state, own))
    print(f"{file}: {sum(tensor.numel() for tensor in state.values()):,} weights, {file.stat().st_size / 1e6:.1f} MB")
