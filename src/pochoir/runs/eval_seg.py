"""COCO AP of a trained segmenter on a dataset that it has not been trained on."""

import logging
import time
from dataclasses import replace
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import track

from pochoir.config import DatasetConfig, EvalSegConfig
from pochoir.data.dataset import SegmentationDataset
from pochoir.data.opening import open_dataset, prepare_dataset
from pochoir.data.source import Source
from pochoir.data.usable import require_no_faults
from pochoir.devices import device_of
from pochoir.errors import ConfigError, number_of
from pochoir.experiments.versions import versions
from pochoir.files import write_json
from pochoir.images import Pixels, to_pixels, write_image
from pochoir.images.overlays import grid
from pochoir.inspection.classes import log_classes
from pochoir.inspection.lost import show_lost
from pochoir.inspection.mistakes import COUNTED, show_mistakes
from pochoir.inspection.panels import truth_beside_prediction
from pochoir.segmentation.classes import matching
from pochoir.segmentation.evaluation import ImageRecord, evaluate, record
from pochoir.segmentation.segmenter import Segmenter

TABLE = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ar100")

log = logging.getLogger(__name__)


def run(settings: EvalSegConfig, folder: Path) -> float:
    """Evaluate on photos as they are, at their own resolution; returns the mask AP in [0, 1].

    Writes metrics.json (APs, where they are lost, photos, seconds a photo in the network, counts), errors.csv (each
    type of error), objects.csv (what became of each) and predictions/: sheet.png (truth beside prediction),
    worst.png and worst/ (the photos with the most mistakes), measures.png (curves, sizes, counts). Classes of network
    and dataset are matched by name. Raises `DataError` or `ConfigError` for a dataset that cannot be used,
    `WeightsError` for a checkpoint.
    """
    segmenter = Segmenter(settings.weights, device=device_of(settings.accelerator), tiles=settings.tiles)
    datasets = photos_of(settings.dataset, settings.part)
    require_no_faults(datasets)
    classes = datasets[0].classes
    label_there = matching(segmenter.classes, classes)
    if unmeasured := [name for name, label in zip(segmenter.classes, label_there[1:], strict=True) if not label]:
        log.info("Left out, as the dataset does not know them: %s", ", ".join(unmeasured))
    keys = [(dataset, index) for dataset in datasets for index in range(len(dataset))]
    records: list[ImageRecord] = []
    names: list[str] = []
    panels: list[Pixels] = []
    seconds = 0.0
    for dataset, index in track(keys, description="Evaluating", console=Console(stderr=True), transient=True):
        image, target = dataset[index]
        photo = to_pixels(image)
        started = time.perf_counter()
        found = segmenter(photo)
        seconds += time.perf_counter() - started
        found = replace(found, labels=label_there[found.labels])
        found = found[found.labels > 0]
        names.append(target["name"])
        target["image_id"] = torch.tensor(len(records) + 1)
        records.append(record(target, vars(found) | {"masks": found.masks[:, None]}))
        if len(panels) < settings.shown:
            panels.append(truth_beside_prediction(photo, records[-1], settings.show_threshold, classes))
    evaluation = evaluate(records, classes)
    metrics = evaluation.metrics
    if "mask_ap" not in metrics:
        raise ConfigError(f"part: none of the {len(records)} photos holds an object: nothing to measure AP with")
    if panels:
        write_image(folder / "predictions" / "sheet.png", grid(panels, columns=2))

    def photo_of(item: ImageRecord) -> tuple[str, Pixels]:
        dataset, index = keys[item.image_id - 1]
        return names[item.image_id - 1], to_pixels(dataset[index][0])

    *_, counts = show_mistakes(
        records,
        evaluation.of_classes(classes),
        photo_of,
        folder / "predictions",
        threshold=settings.show_threshold,
        shown=settings.shown,
    )
    log.info("Average precision on %s of %s", number_of("photo", len(records)), settings.dataset.name)
    log.info("    %s", "".join(f"{name:>10}" for name in TABLE))
    for kind in ("mask", "box"):
        values = (metrics.get(f"{kind}_{name}") for name in TABLE)
        log.info("%-4s%s", kind, "".join(f"{'' if value is None else f'{value:.3f}':>10}" for value in values))
    log_classes(metrics, classes)
    lost = show_lost(records, names, folder, threshold=settings.show_threshold, classes=classes)
    measured = {"counts": counts, "photos": len(records), "seconds_per_photo": round(seconds / len(records), 4)}
    write_json(folder / "metrics.json", {**metrics, **lost, **measured, "versions": versions()})
    log.info("Counts: %s", COUNTED % counts)
    log.info("Truth beside prediction: %s", folder / "predictions" / "sheet.png")
    log.info("The photos with the most mistakes: %s", folder / "predictions" / "worst.png")
    return metrics["mask_ap"]


def photos_of(config: DatasetConfig, part: str) -> list[SegmentationDataset]:
    """The photos of a part of a dataset's split, unaugmented; `all` are those of all three parts, in order.

    Fetches what is not on the disk yet. Raises `ConfigError` for a part without photos.
    """
    prepare_dataset(config)
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
