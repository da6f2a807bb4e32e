"""A segmenter as ONNX, for programs without PyTorch: all of the network but the pasting of masks in one graph."""

import tempfile
import warnings
from collections.abc import Mapping, Sequence
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection._utils import BoxCoder
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from pochoir.errors import ConfigError, WeightsError
from pochoir.segmentation.detections import detect

OPSET = 17
OUTPUTS = ("boxes", "labels", "scores", "mask_scores", "masks")
TOLERANCES = {"boxes": 0.1, "labels": 0.0, "scores": 1e-3, "mask_scores": 1e-3, "masks": 0.01}
"""How far both runtimes may be apart, boxes in pixels: they add up in other orders."""


class _Detecting(nn.Module):
    """`detect` of a `[3, H, W]` image as a tuple, in the order of `OUTPUTS`."""

    def __init__(self, network: GeneralizedRCNN) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        found = detect(self.network, image)
        return tuple(found[name] for name in OUTPUTS)


class _TracedTransform(GeneralizedRCNNTransform):
    """torchvision's, its input's size computed as exactly as without tracing, where single precision loses pixels."""

    def resize(self, image: Tensor, target: dict[str, Tensor] | None = None) -> tuple[Tensor, dict[str, Tensor] | None]:
        sides = torch._shape_as_tensor(image)[-2:].double()
        # of one element, not numbers: those the exporter makes single, and 511.99 … pixels of 512
        short, long = (torch.tensor([side], dtype=torch.float64) for side in (self.min_size[-1], self.max_size))
        scale = torch.minimum(short / sides.amin(0, keepdim=True), long / sides.amax(0, keepdim=True))
        height, width = (sides * scale).floor().long().unbind()
        size: Any = (height, width)
        return functional.interpolate(image[None], size=size, mode="bilinear", align_corners=False)[0], target


class _BoxCoder(BoxCoder):
    """torchvision's, for no boxes at all, too: its own asks whether there are any."""

    def decode(self, rel_codes: Tensor, boxes: list[Tensor]) -> Tensor:
        return self.decode_single(rel_codes, torch.cat(boxes)).reshape(-1, int(rel_codes.shape[1]) // 4, 4)


class _GroupNorm(nn.Module):
    """PyTorch's group norm in operations that onnxruntime also takes for no boxes at all."""

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self.groups, self.channels, self.eps = norm.num_groups, norm.num_channels, norm.eps
        self.weight, self.bias = norm.weight, norm.bias

    def forward(self, x: Tensor) -> Tensor:
        count, _, height, width = x.shape
        grouped = x.reshape(count, self.groups, self.channels // self.groups, height, width)
        grouped = grouped - grouped.mean((2, 3, 4), keepdim=True)
        grouped = grouped * torch.rsqrt((grouped * grouped).mean((2, 3, 4), keepdim=True) + self.eps)
        return (
            grouped.reshape(count, self.channels, height, width) * self.weight[:, None, None] + self.bias[:, None, None]
        )


def to_onnx(network: GeneralizedRCNN, example: Tensor) -> bytes:
    """The network as an ONNX graph: input `image`, `[3, height, width]` in [0, 1] of any size; outputs as `detect`.

    Resizing, normalising, proposals, boxes, non-maximum suppression and masks in cells are in it. example: an image to
    trace with. Written by torch's TorchScript exporter: torch.export, on which the newer one builds, stops at
    torchvision's suppression, which asks how many boxes there are. Raises `ConfigError` without the package onnx.
    """
    if find_spec("onnx") is None or find_spec("onnxruntime") is None:
        raise ConfigError("file: .onnx needs the packages onnx and onnxruntime; pip install onnx onnxruntime")
    traced = deepcopy(network).cpu().eval()
    own = traced.transform
    traced.transform = _TracedTransform(
        own.min_size, own.max_size, own.image_mean, own.image_std, own.size_divisible
    ).eval()
    for module in list(traced.modules()):
        if hasattr(module, "box_coder"):
            module.box_coder = _BoxCoder(module.box_coder.weights, module.box_coder.bbox_xform_clip)
    _replace_group_norms(traced)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), torch.no_grad():
        written = Path(folder) / "graph.onnx"
        warnings.simplefilter("ignore")  # what is constant in the graph is so on purpose
        torch.onnx.export(
            _Detecting(traced).eval(),
            (example,),
            written,
            dynamo=False,
            opset_version=OPSET,
            input_names=["image"],
            output_names=list(OUTPUTS),
            dynamic_axes={"image": {1: "height", 2: "width"}, **{name: {0: "objects"} for name in OUTPUTS}},
        )
        return written.read_bytes()


def _replace_group_norms(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.GroupNorm):
            setattr(module, name, _GroupNorm(child))
        else:
            _replace_group_norms(child)


def differences(network: GeneralizedRCNN, graph: bytes, images: Sequence[Tensor]) -> dict[str, float]:
    """How far what onnxruntime gives is from what PyTorch does, by output, at most, over `[3, H, W]` images.

    Raises `WeightsError` for one beyond `TOLERANCES`, and where another number of objects is found.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    worst = dict.fromkeys(OUTPUTS, 0.0)
    for image in images:
        with torch.no_grad():
            expected = detect(network, image)
        given = dict(zip(OUTPUTS, session.run(None, {"image": image.numpy()}), strict=True))
        shapes = {name: (tuple(expected[name].shape), given[name].shape) for name in OUTPUTS}
        if wrong := {name: pair for name, pair in shapes.items() if pair[0] != pair[1]}:
            raise WeightsError(f"the ONNX graph finds other objects than PyTorch in {list(image.shape)}: {wrong}")
        for name in OUTPUTS:
            worst[name] = max(worst[name], float(np.abs(given[name] - expected[name].numpy()).max(initial=0)))
    if beyond := {name: value for name, value in worst.items() if value > TOLERANCES[name]}:
        raise WeightsError(f"the ONNX graph differs from PyTorch by {beyond}; at most {TOLERANCES} is allowed")
    return worst


def constants(network: GeneralizedRCNN, classes: Sequence[str], more: Mapping[str, Any]) -> dict[str, Any]:
    """All that a program must know to use the graph, ready for JSON: sizes, thresholds, names."""
    heads, transform = network.roi_heads, network.transform
    return {
        "input": {
            "image": "[3, height, width] float32, RGB in [0, 1], of any size",
            "resized_inside": {"min_size": transform.min_size[-1], "max_size": transform.max_size},
            "normalised_inside": {"mean": list(transform.image_mean), "std": list(transform.image_std)},
        },
        "outputs": {
            "boxes": "[N, 4] float32, x0, y0, x1, y1 in pixels of the image, best score first",
            "labels": "[N] int64, from 1: places in `classes`",
            "scores": "[N] float32 in [0, 1], of boxes",
            "mask_scores": "[N] float32 in [0, 1], of masks",
            "masks": "[N, M, M] float32 in [0, 1], cells over the boxes: paste them by pochoir/segmentation/pasting.py",
        },
        "classes": list(classes),
        "thresholds": {"score_inside": heads.score_thresh, "nms_inside": heads.nms_thresh, "show": 0.5, "mask": 0.5},
        "max_detections": heads.detections_per_img,
        "opset": OPSET,
        **more,
    }
