"""What is in a dataset: a report of its samples and problems, and a grid of augmented ones."""

import hashlib
import logging
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from torch.utils.data import DataLoader, Dataset

from pochoir.data.datamodule import SegmentationData
from pochoir.data.dataset import SegmentationDataset, pair_of
from pochoir.data.shrinking import InputSize
from pochoir.data.source import ONE_CLASS, Remark, Sample, counted, labels_of
from pochoir.data.targets import check_target
from pochoir.data.usable import PURPOSES, first_with_object, reasons, require_no_faults, tells_of_objects
from pochoir.errors import DataError, bullets, number_of, some
from pochoir.files import write_json
from pochoir.images import Pixels, to_pixels, write_image
from pochoir.images.overlays import draw_instances, grid

logger = logging.getLogger(__name__)

GRID_SAMPLES = 16
WHOLE = 0.995
"""Share of a picture from which on an instance is all of it."""
FEW_SAMPLES = 32
"""So many are read sooner than processes are started to read them."""


@dataclass(frozen=True)
class SampleReport:
    """One sample; sizes in pixels, `shares` of the instances of the picture, remarks by the source and of what it is.

    problem: why it cannot be used; then all else is empty. digest: equal for equal pictures. objects: the classes, by
    name, of those that are no crowds.
    """

    name: str
    problem: str = ""
    size: tuple[int, int] = (0, 0)
    shares: tuple[float, ...] = ()
    crowds: int = 0
    digest: str = ""
    remarks: tuple[Remark, ...] = ()
    objects: tuple[str, ...] = ()


def look_at(
    name: str,
    sample: Sample,
    *,
    classes: Sequence[str] = ONE_CLASS,
    seen_at: InputSize | None = None,
    most: int | None = None,
) -> SampleReport:
    """What there is to say of a sample. seen_at: the network's input; most: objects that it can find in a photo."""
    height, width = sample.image.shape[:2]
    areas = [int(np.count_nonzero(mask)) for mask in sample.masks]
    objects = int(np.count_nonzero(areas))
    remarks = list(sample.remarks)
    if most is not None and objects > most:
        what = f"photos have more objects than are looked for: segmenter.max_detections={most}"
        remarks.append(Remark(f"{name} ({objects})", what, lost=False))
    smallest = 16 / (seen_at.scale(height, width) / seen_at.zoom) ** 2 if seen_at else 0
    seen: set[bytes] = set()
    for number, (mask, area) in enumerate(zip(sample.masks, areas, strict=True)):
        for what in _oddities(mask, area, smallest, seen):
            remarks.append(Remark(f"{name} {number}", what, lost=False))
    return SampleReport(
        name,
        size=(height, width),
        shares=tuple(area / (height * width) for area in areas if area),
        crowds=int(np.count_nonzero(sample.crowd)),
        digest=hashlib.sha256(np.ascontiguousarray(sample.image).data).hexdigest(),
        remarks=tuple(remarks),
        objects=tuple(
            classes[label - 1]
            for label, area, crowd in zip(labels_of(sample, classes, name), areas, sample.crowd, strict=True)
            if area and not crowd
        ),
    )


def _oddities(mask: NDArray[np.bool_], area: int, smallest: float, seen: set[bytes]) -> Iterator[str]:
    """What is odd about an instance; `seen` are the digests of the photo's others, to which its own is added."""
    if not area:
        return
    digest = hashlib.sha256(np.packbits(mask).data).digest()
    if digest in seen:
        yield "instances are exact copies of another of their photo"
    seen.add(digest)
    if area >= WHOLE * mask.size:
        yield "instances are all of their picture"
    if area < smallest:
        yield "instances are smaller than 16 pixels to the network: larger segmenter.min_size and max_size show more"
    elif area >= 9 and not cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0).any():
        yield "instances have no solid core, nowhere 3×3 pixels: outlines instead of areas, or scattered pixels?"


class _Reports(Dataset[SampleReport]):
    """The reports of some samples of a dataset, as they come from disk."""

    def __init__(self, dataset: SegmentationDataset, places: list[int], seen_at: InputSize | None, most: int) -> None:
        self.source = dataset.source
        self.classes = dataset.classes
        self.indices = [dataset.indices[place] for place in places]
        self.seen_at = seen_at
        self.most = most

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, place: int) -> SampleReport:
        index = self.indices[place]
        name = self.source.names[index]
        try:
            sample = self.source.read(index)
            check_target(*pair_of(sample, index, name, self.classes), len(self.classes))
            return look_at(name, sample, classes=self.classes, seen_at=self.seen_at, most=self.most)
        except DataError as error:
            return SampleReport(name, problem=str(error))


def read_all(
    dataset: SegmentationDataset, title: str, *, seen_at: InputSize | None, most: int, limit: int | None
) -> list[SampleReport]:
    """Load every sample once, un-augmented, on all cores; what cannot be used is listed, not raised.

    limit: load at most so many, spread evenly over all.
    """
    count = min(limit or len(dataset), len(dataset))
    places = [number * len(dataset) // count for number in range(count)]
    loader = DataLoader(
        _Reports(dataset, places, seen_at, most),
        batch_size=None,
        num_workers=_cores() if count > FEW_SAMPLES else 0,
        collate_fn=_as_it_is,
    )
    return list(track(loader, total=count, description=f"Reading {title}", console=Console(stderr=True)))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _as_it_is(report: Any) -> Any:
    return report


def summary(reports: list[SampleReport], of: int) -> dict[str, Any]:
    """Counts over one part of a dataset of `of` samples; sizes in pixels, areas as shares of the image."""
    good = [report for report in reports if not report.problem]
    by_class = Counter(name for report in good for name in report.objects)
    kinds: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for report in good:
        for remark in report.remarks:
            kinds[remark.what, remark.lost].append(remark.where)
    return {
        "images": len(good),
        **({"looked_at": f"{len(reports)} of {of}"} if len(reports) < of else {}),
        **({"instances_by_class": dict(by_class)} if len(by_class) > 1 else {}),
        "instances": sum(len(report.shares) - report.crowds for report in good),
        "crowd_regions": sum(report.crowds for report in good),
        "images_without_objects": sum(not report.objects for report in good),
        "height": _spread([report.size[0] for report in good]),
        "width": _spread([report.size[1] for report in good]),
        "mask_area_share": _spread([share for report in good for share in report.shares]),
        "remarks": [
            {"what": what, "not_trained_on": lost, "count": len(where), "where": where}
            for (what, lost), where in kinds.items()
        ],
        "problems": [report.problem for report in reports if report.problem],
    }


def copies(parts: dict[str, list[SampleReport]]) -> list[list[str]]:
    """Groups of pictures that are equal, pixel by pixel, as `part: name`."""
    groups: dict[str, list[str]] = defaultdict(list)
    for part, reports in parts.items():
        for report in reports:
            if not report.problem:
                groups[report.digest].append(f"{part}: {report.name}")
    return [group for group in groups.values() if len(group) > 1]


def augmented_grid(dataset: SegmentationDataset, count: int) -> Pixels:
    """The first `count` readable training samples as they are trained on, masks drawn over them."""
    pictures: list[Pixels] = []
    failures: list[str] = []
    for index in range(len(dataset)):
        if len(pictures) == count:
            break
        try:
            image, target = dataset[index]
        except DataError as error:
            failures.append(str(error))
            continue
        labels = target["labels"].tolist() if len(dataset.classes) > 1 else []
        names = [dataset.classes[label - 1] for label in labels]
        pictures.append(draw_instances(to_pixels(image), target["masks"].numpy() != 0, names))
    if not pictures:
        raise DataError("not one training sample can be read:" + bullets(reasons(failures)))
    return grid(pictures, columns=4)


def report_samples(data: SegmentationData, folder: Path, *, most: int, limit: int | None = None) -> None:
    """Tell, and write `data.json` and `samples.png` into `folder`; raises `DataError` when samples cannot be used.

    most: objects that the network can find in a photo. limit: see `read_all`.
    """
    unaugmented = SegmentationDataset(data.train.source, data.train.indices)
    parts = {
        part: (dataset, read_all(dataset, part, seen_at=data.input_size, most=most, limit=limit))
        for part, dataset in (("train", unaugmented), ("val", data.val), ("test", data.test))
        if len(dataset)
    }
    summaries = {part: summary(reports, len(dataset)) for part, (dataset, reports) in parts.items()}
    equal = copies({part: reports for part, (_, reports) in parts.items()})
    write_json(folder / "data.json", {**summaries, "copies": equal})
    for part, (_, reports) in parts.items():
        told = {name: value for name, value in summaries[part].items() if name not in {"problems", "remarks"}}
        logger.info("\n".join([part, *(f"  {name.replace('_', ' ')}: {value}" for name, value in told.items())]))
        if lines := counted(remark for report in reports for remark in report.remarks):
            logger.warning("  look at (all of them: %s):%s", folder / "data.json", bullets(lines))
    if equal:
        groups = some(" = ".join(group) for group in equal)
        logger.warning("%d pictures are there more than once: %s", len(equal), groups)
    if problems := [problem for part in summaries.values() for problem in part["problems"]]:
        raise DataError(f"{number_of('sample', len(problems))} cannot be used:{bullets(reasons(problems))}")
    require_no_faults(dataset for dataset, _ in parts.values())
    for part, (dataset, _) in parts.items():
        if part == "test":
            tells_of_objects(dataset)
        else:
            first_with_object(dataset, PURPOSES[part])
    write_image(folder / "samples.png", augmented_grid(data.train, GRID_SAMPLES))
    logger.info(f"Augmented samples: {folder / 'samples.png'}")


def _spread(values: list[int] | list[float]) -> str:
    if not values:
        return "-"
    low, median, high = np.quantile(values, [0, 0.5, 1])
    return f"{low:.3g} to {high:.3g}, median {median:.3g}"
