"""The same Mask R-CNN, trained through this project and through a plain torchvision loop, in one run.

    python bench/train_seg.py --root data/PennFudanPed --epochs 5

Both start from the same weights, see the same split at 384 pixels with flips as the only augmentation, take the same
AdamW steps with the same schedule, and are scored by the same pycocotools evaluation. Prints photos per second and AP
of both, and where a step of the plain loop spends its time. Writes outputs/bench/train_seg.json.
"""

import argparse
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from rich.table import Table
from torch.utils.data import DataLoader, Dataset
from torchvision import tv_tensors
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN
from torchvision.ops import masks_to_boxes
from torchvision.transforms import v2

from console import console
from pochoir.config import PennFudanDataset, TrainSegConfig, load_config
from pochoir.data.datamodule import SegmentationData
from pochoir.experiments.versions import versions
from pochoir.files import write_json
from pochoir.process import prepare_process
from pochoir.runs.train_seg import opened, run
from pochoir.schedule import build_schedule
from pochoir.segmentation.evaluation import evaluate, record
from pochoir.segmentation.models import build_segmenter
from pochoir.segmentation.optimizer import build_optimizer


class TutorialDataset(Dataset):
    """PennFudan as torchvision's tutorial reads it."""

    def __init__(self, root: Path, names: list[str]) -> None:
        self.root, self.names = root, names
        self.flip = v2.RandomHorizontalFlip(0.5)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, dict[str, Any]]:
        name = self.names[index]
        image = np.asarray(Image.open(self.root / "PNGImages" / name).convert("RGB"))
        ids = np.asarray(Image.open(self.root / "PedMasks" / f"{Path(name).stem}_mask.png"))
        labels = np.unique(ids)[1:]
        masks = torch.from_numpy(ids[None] == labels[:, None, None]).to(torch.uint8)
        boxes = masks_to_boxes(masks) + torch.tensor([0.0, 0.0, 1.0, 1.0])
        target = {
            "boxes": tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=image.shape[:2]),
            "labels": torch.ones(len(labels), dtype=torch.int64),
            "masks": tv_tensors.Mask(masks),
        }
        picture = tv_tensors.Image(torch.from_numpy(image.copy()).permute(2, 0, 1).float() / 255)
        return self.flip(picture, target)


def plain_loop(config: TrainSegConfig, data: SegmentationData) -> dict[str, Any]:
    """Train as the tutorial does; returns photos per second, AP and the seconds spent on each part of a step."""
    torch.manual_seed(config.seed)
    assert isinstance(config.dataset, PennFudanDataset)
    network = build_segmenter(config.segmenter).to(memory_format=torch.channels_last)
    loader = DataLoader(
        TutorialDataset(Path(config.dataset.root), data.split.train),
        batch_size=config.loader.batch_size,
        shuffle=True,
        num_workers=config.loader.num_workers,
        collate_fn=lambda pairs: tuple(zip(*pairs, strict=True)),
    )
    epochs = config.trainer.max_epochs
    optimizer = build_optimizer(network, config.optim)
    schedule = build_schedule(optimizer, config.optim, epochs * len(loader))
    spent: dict[str, float] = defaultdict(float)
    _time_parts(network, spent)
    seconds = 0.0
    network.train()
    for _ in range(epochs):
        started = marked = time.perf_counter()
        for images, targets in loader:
            marked = _add(spent, "waiting for data", marked)
            losses = network(list(images), list(targets))
            total = torch.stack(list(losses.values())).sum()
            marked = time.perf_counter()
            optimizer.zero_grad()
            total.backward()
            marked = _add(spent, "backward", marked)
            torch.nn.utils.clip_grad_norm_(network.parameters(), config.trainer.gradient_clip_val or float("inf"))
            optimizer.step()
            schedule.step()
            marked = _add(spent, "optimizer", marked)
        seconds += time.perf_counter() - started
    photos = epochs * len(data.split.train)
    parts = dict(spent)  # before the evaluation adds to the forward parts
    return {"photos_per_second": photos / seconds, "parts": parts, **_scores(network, data)}


def through_pochoir(config: TrainSegConfig) -> dict[str, Any]:
    """Train through the project and read what its run recorded."""
    with tempfile.TemporaryDirectory() as folder:
        run(config, Path(folder))
        metrics = json.loads((Path(folder) / "metrics.json").read_text())
    return {
        "photos_per_second": metrics["train_images_per_second"],
        "mask_ap": metrics["last"]["mask_ap"],
        "box_ap": metrics["last"]["box_ap"],
    }


def _add(spent: dict[str, float], part: str, since: float) -> float:
    now = time.perf_counter()
    spent[part] += now - since
    return now


def _time_parts(network: GeneralizedRCNN, spent: dict[str, float]) -> None:
    """Sum the seconds of the forward pass by part, while training."""
    for name, module in (
        ("forward: resize, normalise", network.transform),
        ("forward: backbone and pyramid", network.backbone),
        ("forward: proposals", network.rpn),
        ("forward: box and mask heads", network.roi_heads),
    ):
        module.forward = _timed(module.forward, name, spent)


def _timed(forward: Callable[..., Any], name: str, spent: dict[str, float]) -> Callable[..., Any]:
    def timed(*args: Any, **kwargs: Any) -> Any:
        started = time.perf_counter()
        result = forward(*args, **kwargs)
        spent[name] += time.perf_counter() - started
        return result

    return timed


@torch.inference_mode()
def _scores(network: GeneralizedRCNN, data: SegmentationData) -> dict[str, float]:
    network.eval()
    records = []
    for index in range(len(data.val)):
        image, target = data.val[index]
        records.append(record(target, network([image])[0]))
    metrics = evaluate(records).metrics
    return {"mask_ap": metrics["mask_ap"], "box_ap": metrics["box_ap"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path("data/PennFudanPed"))
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("outputs/bench/train_seg.json"))
    given = parser.parse_args()
    config = load_config(
        "train_seg",
        [
            "dataset=pennfudan",
            f"dataset.root={given.root}",
            f"loader.num_workers={given.workers}",
            "augment.scale_min=1",
            "augment.scale_max=1",
            "augment.photometric=0",
            "segmenter.min_size=384",
            "segmenter.max_size=768",
            f"trainer.max_epochs={given.epochs}",
            f"trainer.check_val_every_n_epoch={given.epochs}",
            "trainer.enable_progress_bar=false",
            "ema_decay=0",
            "shown=0",
        ],
    )
    prepare_process()  # for both: with denormal numbers the first epoch of either takes many times as long
    results = {"pochoir": through_pochoir(config)}
    results["plain loop"] = plain_loop(config, opened(config))
    parts = results["plain loop"].pop("parts")
    table = Table(title=f"{given.epochs} epochs of {given.root.name}, {torch.get_num_threads()} threads")
    for column in ("", "photos / s", "mask AP", "box AP"):
        table.add_column(column, justify="right")
    for name, row in results.items():
        table.add_row(name, *(f"{row[key]:.3f}" for key in ("photos_per_second", "mask_ap", "box_ap")))
    console.print(table)
    whole = sum(parts.values())
    for name, seconds in sorted(parts.items(), key=lambda item: -item[1]):
        console.print(f"{seconds / whole:6.1%}  {name}")
    write_json(given.output, {**results, "seconds_by_part": parts, "versions": versions()})


if __name__ == "__main__":
    main()
