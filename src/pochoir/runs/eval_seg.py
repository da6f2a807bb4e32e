"""COCO AP of a trained segmenter on a dataset that it has not been trained on."""

import time
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from pochoir.config import DatasetConfig, EvalSegConfig
from pochoir.data.dataset import SegmentationDataset
from pochoir.data.opening import open_dataset
from pochoir.data.source import Source
from pochoir.errors import ConfigError
from pochoir.experiments.versions import versions
from pochoir.files import write_json
from pochoir.images import Pixels, to_pixels, write_image
from pochoir.images.overlays import grid
from pochoir.inspection.panels import truth_beside_prediction
from pochoir.segmentation.evaluation import ImageRecord, evaluate, record
from pochoir.segmentation.segmenter import Predictor, choose_device


def measure(config: EvalSegConfig, folder: Path) -> float:
    """Evaluate on photos as they are, at their own resolution; returns the mask AP in [0, 1].

    Writes metrics.json (APs, photos, seconds a photo in the network) and predictions/sheet.png, truth beside
    prediction. Raises `DataError` or `ConfigError` for a dataset that cannot be used, `WeightsError` for a checkpoint.
    """
    datasets = photos_of(config.dataset, config.part)
    predictor = Predictor.from_checkpoint(Path(config.ckpt).expanduser(), device=choose_device(config.accelerator))
    keys = [(dataset, index) for dataset in datasets for index in range(len(dataset))]
    records: list[ImageRecord] = []
    panels: list[Pixels] = []
    seconds = 0.0
    for dataset, index in track(keys, description="Evaluating", console=Console(stderr=True), transient=True):
        image, target = dataset[index]
        started = time.perf_counter()
        found = predictor(image.as_subclass(torch.Tensor))
        seconds += time.perf_counter() - started
        target["image_id"] = torch.tensor(len(records) + 1)
        records.append(record(target, vars(found) | {"masks": found.masks[:, None]}))
        if len(panels) < config.shown:
            panels.append(truth_beside_prediction(to_pixels(image), records[-1], config.show_threshold))
    metrics = evaluate(records).metrics
    if "mask_ap" not in metrics:
        raise ConfigError(f"part: none of the {len(records)} photos holds an object: nothing to measure AP with")
    if panels:
        write_image(folder / "predictions" / "sheet.png", grid(panels, columns=2))
    write_json(
        folder / "metrics.json",
        {
            **metrics,
            "photos": len(records),
            "seconds_per_photo": round(seconds / len(records), 4),
            "versions": versions(),
        },
    )
    _print_table(config, metrics, len(records), folder)
    return metrics["mask_ap"]


def photos_of(config: DatasetConfig, part: str) -> list[SegmentationDataset]:
    """The photos of a part of a dataset's split, unaugmented; `all` are those of all three parts, in order.

    Raises `ConfigError` for a part without photos.
    """
    opened = open_dataset(config)
    if part == "all":
        indices: dict[Source, list[int]] = {}
        for source, of_part in map(opened.part, ("train", "test", "val")):
            indices.setdefault(source, []).extend(of_part)
        return [SegmentationDataset(source, sorted(listed)) for source, listed in indices.items()]
    source, of_part = opened.part(part)
    if not of_part:
        raise ConfigError(f"part: the split has no photos for {part}; set dataset.{part}, or take part=all")
    return [SegmentationDataset(source, of_part)]


def _print_table(config: EvalSegConfig, metrics: dict[str, float], photos: int, folder: Path) -> None:
    names = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ar100")
    table = Table(title=f"Average precision on {photos} photos of {config.dataset.name}")
    for column in ("", *names):
        table.add_column(column, justify="right")
    for kind in ("mask", "box"):
        values = (metrics.get(f"{kind}_{name}") for name in names)
        table.add_row(kind, *("" if value is None else f"{value:.3f}" for value in values))
    console = Console(highlight=False, soft_wrap=True)
    console.print(table)
    console.print(f"Truth beside prediction: {folder / 'predictions' / 'sheet.png'}")
