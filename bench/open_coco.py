"""Opening an annotation file of COCO's size: through this project, and through pycocotools as torchvision does.

    python bench/open_coco.py

Makes a file of 118,000 photos with 860,000 objects, outlined by as many numbers as COCO's (1.15 parts of 20 points),
and photos of 640×480 to go with it. Each program, a process of its own, opens it until a first sample can be read, and
reads samples in two more processes. Prints seconds, peak memory, and what each of the two others holds alone.
Writes outputs/bench/open_coco.json.
"""

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools.coco import COCO
from rich.table import Table
from torch.utils.data import DataLoader, Dataset

from console import console
from pochoir.data.coco import CocoInstances
from pochoir.data.dataset import SegmentationDataset
from pochoir.data.usable import first_with_object, require_no_faults
from pochoir.experiments.versions import versions
from pochoir.files import write_json

LINKS = 10_000
"""So many names share one file of a photo: file systems allow no more than some ten thousand."""
READ = 200
"""Samples that each further process reads."""


def make(folder: Path, photos: int, annotations: int) -> None:
    """instances.json and images/ with as many photos and annotations."""
    (folder / "images").mkdir()
    draw = np.random.default_rng(0)
    names = [f"{number:012d}.jpg" for number in range(photos)]
    for number, name in enumerate(names):
        if number % LINKS == 0:
            original = folder / "images" / name
            Image.fromarray(draw.integers(0, 256, (480, 640, 3), dtype=np.uint8)).save(original)
        else:
            (folder / "images" / name).hardlink_to(original)
    images = [{"id": number, "file_name": name, "height": 480, "width": 640} for number, name in enumerate(names)]
    with (folder / "instances.json").open("w") as file:
        file.write(f'{{"images": {json.dumps(images)}, "categories": [{{"id": 1, "name": "person"}}], "annotations": [')
        for number in range(annotations):
            parts = [_ellipse(draw) for _ in range(1 + (draw.random() < 0.15))]
            annotation = {"id": number, "image_id": int(draw.integers(photos)), "category_id": 1, "iscrowd": 0}
            annotation |= {"segmentation": parts, "area": 100.0, "bbox": [0, 0, 10, 10]}
            file.write(("," if number else "") + json.dumps(annotation))
        file.write("]}")


def _ellipse(draw: np.random.Generator) -> list[float]:
    angles = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    middle, radii = draw.uniform((80, 80), (560, 400)), draw.uniform(5, 70, 2)
    points = middle + radii * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return points.round(2).ravel().tolist()


class Theirs(Dataset[int]):
    """What `torchvision.datasets.CocoDetection` holds and reads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "images"
        self.coco = COCO(folder / "instances.json")
        self.ids = sorted(self.coco.imgs)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> int:
        number = self.ids[index]
        np.asarray(Image.open(self.folder / self.coco.loadImgs(number)[0]["file_name"]).convert("RGB"))
        return sum(int(self.coco.annToMask(one).sum()) for one in self.coco.loadAnns(self.coco.getAnnIds(number)))


class Ours(Dataset[int]):
    """What `train_seg` does before its first step."""

    def __init__(self, folder: Path) -> None:
        self.source = CocoInstances(folder / "instances.json", folder / "images")
        dataset = SegmentationDataset(self.source, range(len(self.source.names)))
        require_no_faults([dataset])
        first_with_object(dataset, "train on")

    def __len__(self) -> int:
        return len(self.source.names)

    def __getitem__(self, index: int) -> int:
        return int(self.source.read(index).masks.sum())


def measure(opened: Callable[[Path], Dataset[int]], folder: Path, connection: Any) -> None:
    """Seconds and bytes of opening, in this process."""
    started = time.perf_counter()
    dataset = opened(folder)
    dataset[0]
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    samples = iter(DataLoader(dataset, batch_size=None, shuffle=True, num_workers=2, persistent_workers=True))
    for _ in range(2 * READ):
        next(samples)
    workers = [_held_alone(child.pid) for child in multiprocessing.active_children()]
    connection.send({"seconds": seconds, "peak": peak, "workers": workers})


def _held_alone(pid: int) -> int:
    """Bytes that a process shares with no other."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=118_000)
    parser.add_argument("--annotations", type=int, default=860_000)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=os.environ.get("TMPDIR")))
    try:
        make(folder, arguments.photos, arguments.annotations)
        size = (folder / "instances.json").stat().st_size
        measured: dict[str, list[dict[str, Any]]] = {"ours": [], "pycocotools": []}
        for _ in range(arguments.rounds):
            for name, opened in (("ours", Ours), ("pycocotools", Theirs)):
                mine, its = multiprocessing.Pipe()
                process = multiprocessing.get_context("spawn").Process(target=measure, args=(opened, folder, its))
                process.start()
                measured[name].append(mine.recv())
                process.join()
    finally:
        shutil.rmtree(folder)
    table = Table(title=f"{arguments.photos:,} photos, {arguments.annotations:,} annotations, {size / 1e6:.0f} MB")
    for column in ("", "seconds", "peak GB", "GB each further process holds alone"):
        table.add_column(column, justify="right")
    for name, rounds in measured.items():
        workers = [f"{max(one['workers']) / 1e9:.2f}" for one in rounds]
        table.add_row(
            name,
            " ".join(f"{one['seconds']:.1f}" for one in rounds),
            " ".join(f"{one['peak'] / 1e9:.2f}" for one in rounds),
            " ".join(workers),
        )
    console.print(table)
    write_json(Path("outputs/bench/open_coco.json"), {"bytes": size, "measured": measured, "versions": versions()})


if __name__ == "__main__":
    main()
