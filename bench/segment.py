"""Finding people in photos: the segmenter that comes with the project beside torchvision's ResNet-50 Mask R-CNN.

    python bench/segment.py photos

Photo by photo, in turns, in one process. torchvision's network runs at its defaults (800 pixels, 1000 proposals) with
random weights, and a score threshold that nothing passes: it is spared the mask head and the pasting, and ours is not.
Ours as ONNX, where onnxruntime is installed, runs on as many threads, from its own graph, masks pasted.
Prints seconds a photo, their ratio, and where ours spends them. Writes outputs/bench/segment.json.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Sized
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor, nn
from torchvision.models.detection import maskrcnn_resnet50_fpn
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN

from console import console
from pochoir.experiments.versions import versions
from pochoir.files import write_json
from pochoir.images import Pixels, pictures_at, read_rgb, to_tensor
from pochoir.segmentation.export import to_onnx
from pochoir.segmentation.pasting import pasted
from pochoir.segmentation.segmenter import Segmenter

SHOWN = 0.5
"""The score threshold of partial.py and predict_seg.py."""


def timed(find: Callable[[Pixels], Sized], photo: Pixels) -> tuple[float, int]:
    """Seconds, and how many instances were found."""
    started = time.perf_counter()
    found = find(photo)
    return time.perf_counter() - started, len(found)


def parts_of(network: GeneralizedRCNN) -> dict[str, list[nn.Module]]:
    """The modules of `maskrcnn_lite` that are timed, none of them within another."""
    heads = network.roi_heads
    return {
        "resizing": [network.transform],
        "backbone": [network.backbone.body],
        "pyramid": [network.backbone.fpn],
        "fine level": [network.backbone.fine],
        "proposals": [network.rpn],
        "box pooling": [stage.box_roi_pool for stage in heads.stages],
        "box heads": [stage.box_head for stage in heads.stages],
        "mask pooling": [heads.mask_roi_pool],
        "mask head": [heads.mask_head],
    }


def time_parts(network: GeneralizedRCNN, seconds: dict[str, float]) -> None:
    """Add up in `seconds` what each part takes from now on."""
    parts = [(name, module) for name, modules in parts_of(network).items() for module in modules]
    for name, module in parts:
        begun: list[float] = []
        module.register_forward_pre_hook(lambda *_, begun=begun: begun.append(time.perf_counter()))

        def stop(*_: object, name: str = name, begun: list[float] = begun) -> None:
            seconds[name] += time.perf_counter() - begun.pop()

        module.register_forward_hook(stop)


def as_onnx(network: GeneralizedRCNN, example: Pixels) -> Callable[[Pixels], Sized]:
    """The network in onnxruntime, masks pasted as a program without PyTorch would."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(to_onnx(network, to_tensor(example)), options)

    def find(photo: Pixels) -> Sized:
        image = np.ascontiguousarray(photo.transpose(2, 0, 1), np.float32) / 255
        boxes, _, _, _, cells = session.run(None, {"image": image})
        return pasted(cells, boxes, photo.shape[:2])

    return find


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="a folder of photos")
    parser.add_argument("--count", type=int, default=20, help="photos to look at")
    arguments = parser.parse_args()
    torch.set_flush_denormal(True)

    photos = [read_rgb(path) for path in pictures_at(arguments.photos, "photos")[: arguments.count]]
    ours = Segmenter("person", device="cpu", score_threshold=SHOWN)
    theirs = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, box_score_thresh=1.0).eval()

    @torch.inference_mode()
    def torchvisions(photo: Pixels) -> Tensor:
        return theirs([to_tensor(photo)])[0]["scores"]

    programs: dict[str, Callable[[Pixels], Sized]] = {"ours": ours, "torchvision": torchvisions}
    if find_spec("onnx") and find_spec("onnxruntime"):
        programs["ours, ONNX"] = as_onnx(ours.network, photos[0])
    for find in programs.values():
        find(photos[0])
    times: dict[str, list[float]] = {name: [] for name in programs}
    found = dict.fromkeys(programs, 0)
    for photo in track(photos, description="Segmenting", console=Console(stderr=True), transient=True):
        for name, find in programs.items():
            seconds, count = timed(find, photo)
            times[name].append(seconds)
            found[name] += count
    parts: dict[str, float] = defaultdict(float)
    time_parts(ours.network, parts)
    whole = sum(timed(ours, photo)[0] for photo in photos)
    parts["choosing boxes, pasting masks"] = whole - sum(parts.values())

    medians = {name: median(values) for name, values in times.items()}
    table = Table(title=f"Seconds a photo, {len(photos)} photos")
    for column in ("", "median", "worst", "found"):
        table.add_column(column, justify="right")
    for name, values in times.items():
        table.add_row(name, f"{medians[name]:.3f}", f"{max(values):.3f}", f"{found[name]}")
    console.print(table)
    console.print(f"{medians['torchvision'] / medians['ours']:.1f} times as fast", highlight=False)
    for name, spent in sorted(parts.items(), key=lambda item: -item[1]):
        console.print(f"{spent / whole:6.1%}  {name}", highlight=False)
    write_json(
        Path("outputs/bench/segment.json"),
        {"seconds": times, "found": found, "parts": parts, "threads": torch.get_num_threads(), "versions": versions()},
    )


if __name__ == "__main__":
    main()
