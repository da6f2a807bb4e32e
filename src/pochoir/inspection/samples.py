"""What is in a dataset: a report of its samples and problems, and a grid of augmented ones."""

import logging
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from pochoir.data.datamodule import SegmentationData
from pochoir.data.dataset import SegmentationDataset
from pochoir.errors import DataError
from pochoir.files import write_json
from pochoir.images import Pixels, to_pixels, write_image
from pochoir.images.overlays import draw_instances, grid

logger = logging.getLogger(__name__)

GRID_SAMPLES = 16


@dataclass
class SampleReport:
    """Counts over one part of a dataset; sizes are (height, width) in pixels, areas shares of the image."""

    images: int = 0
    instances: int = 0
    crowds: int = 0
    without_objects: int = 0
    heights: list[int] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    areas: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add(self, image: Tensor, crowd: Tensor, area: Tensor) -> None:
        self.images += 1
        self.crowds += int(crowd.sum())
        self.instances += int((crowd == 0).sum())
        self.without_objects += len(crowd) == 0
        self.heights.append(image.shape[-2])
        self.widths.append(image.shape[-1])
        self.areas += (area / (image.shape[-2] * image.shape[-1])).tolist()

    def summary(self) -> dict[str, object]:
        return {
            "images": self.images,
            "instances": self.instances,
            "crowd_regions": self.crowds,
            "images_without_objects": self.without_objects,
            "height": _spread(self.heights),
            "width": _spread(self.widths),
            "mask_area_share": _spread(self.areas),
            "problems": self.problems,
        }


def read_all(dataset: SegmentationDataset, title: str) -> SampleReport:
    """Load every sample once, un-augmented; what cannot be used is listed, not raised."""
    report = SampleReport()
    for index in track(range(len(dataset)), description=f"Reading {title}", console=Console(stderr=True)):
        try:
            image, target = dataset[index]
        except DataError as error:
            report.problems.append(str(error))
            continue
        report.add(image, target["iscrowd"], target["area"])
    return report


def augmented_grid(dataset: SegmentationDataset, count: int) -> Pixels:
    """The first `count` readable training samples as they are trained on, masks drawn over them."""
    pictures: list[Pixels] = []
    for index in range(len(dataset)):
        if len(pictures) == count:
            break
        try:
            image, target = dataset[index]
        except DataError:
            continue
        pictures.append(draw_instances(to_pixels(image), target["masks"].numpy() != 0))
    if not pictures:
        raise DataError("not one training sample can be read")
    return grid(pictures, columns=4)


def report_samples(data: SegmentationData, folder: Path) -> None:
    """Tell, and write `data.json` and `samples.png` into `folder`; raises `DataError` when samples cannot be used."""
    unaugmented = SegmentationDataset(data.train.source, data.train.indices)
    reports = {
        part: read_all(dataset, part)
        for part, dataset in (("train", unaugmented), ("val", data.val), ("test", data.test))
        if len(dataset)
    }
    summary = {part: report.summary() for part, report in reports.items()}
    write_json(folder / "data.json", summary)
    for part, values in summary.items():
        lines = [f"  {name.replace('_', ' ')}: {value}" for name, value in values.items() if name != "problems"]
        logger.info("\n".join([part, *lines]))
    repeated = Counter(problem for report in reports.values() for problem in report.problems)
    write_image(folder / "samples.png", augmented_grid(data.train, GRID_SAMPLES))
    logger.info(f"Augmented samples: {folder / 'samples.png'}")
    if repeated:
        raise DataError(f"{len(repeated)} samples cannot be used:\n  " + "\n  ".join(repeated))


def _spread(values: list[int] | list[float]) -> str:
    if not values:
        return "-"
    low, median, high = (
        float(value)
        for value in torch.tensor(values, dtype=torch.float64).quantile(
            torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)
        )
    )
    return f"{low:.3g} to {high:.3g}, median {median:.3g}"
