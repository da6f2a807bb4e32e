"""Settings of datasets: where their photos are, how they are split and loaded."""

import math
import os
import re
from dataclasses import dataclass, field
from typing import ClassVar

from pochoir.config.fields import not_whole, setting


@dataclass
class DatasetConfig:
    """What every dataset has: a split that may be given, and how it is loaded."""

    name: str = "figures"
    split_file: str | None = None
    """A `split.json` of an earlier run, used instead of drawing a split."""
    batch_size: int = setting(2, low=1)
    num_workers: int = setting(1, low=0)
    """Processes that load samples; 0 loads in the training process."""

    paths: ClassVar[tuple[str, ...]] = ("split_file",)


@dataclass
class SplitDataset(DatasetConfig):
    """A dataset whose split is drawn."""

    val: float = setting(0.2, low=0)
    """Validation samples: a count from 1 on, a share of all below 1."""
    test: float = setting(0.0, low=0)
    """Test samples, likewise; what remains is trained on."""
    split_seed: int = setting(0, low=0)
    """Seed of the split's own generator."""
    exclude: list[str] = field(default_factory=list)
    """Names of samples to leave out, such as wrongly annotated ones; the others stay in the parts they were in."""

    def problems(self) -> list[str]:
        return not_whole(self, "val", "test")


@dataclass
class PennFudanDataset(SplitDataset):
    """170 street photos with 423 pedestrians (Wang et al. 2007), downloaded when absent."""

    root: str = field(default_factory=lambda: os.environ.get("POCHOIR_PENNFUDAN", "data/PennFudanPed"))
    """Folder with PNGImages/ and PedMasks/."""
    download: bool = True
    """Fetch the archive when `root` does not exist."""


@dataclass
class CocoDataset(SplitDataset):
    """Instances of a COCO JSON; the chosen categories become the one foreground class."""

    images: str = "???"
    """Folder that the file names in the JSON are relative to."""
    annotations: str = "???"
    """COCO instance JSON; split into train, validation and test unless `val_annotations` is given."""
    val_annotations: str | None = None
    """COCO instance JSON of the validation photos: then `annotations` is trained on, and none is drawn by `val`."""
    val_images: str | None = None
    """Folder of the validation photos, when another than `images`."""
    categories: list[str] | None = None
    """Names of the categories to learn; null takes all."""

    paths: ClassVar[tuple[str, ...]] = ("split_file", "images", "annotations", "val_annotations", "val_images")

    def problems(self) -> list[str]:
        found = super().problems()
        if self.val_annotations and self.split_file:
            found.append("val_annotations: excludes split_file, as both choose the validation photos")
        if self.val_images and not self.val_annotations:
            found.append("val_images: needs val_annotations, the JSON of these photos")
        return found


@dataclass
class FolderDataset(SplitDataset):
    """Pictures and mask pictures with equal stems."""

    images: str = "???"
    masks: str = "???"
    """PNGs: 0 and one value (an instance), instance ids, or one colour an instance; black is the background."""

    paths: ClassVar[tuple[str, ...]] = ("split_file", "images", "masks")


@dataclass
class FiguresDataset(SplitDataset):
    """Procedurally drawn people-like figures; needs no files."""

    length: int = setting(400, low=2)
    """Pictures in all parts together."""
    height: int = setting(256, low=64, high=4096)
    width: int = setting(320, low=64, high=4096)
    max_figures: int = setting(5, low=1, high=50)
    seed: int = setting(0, low=0)


@dataclass
class MixtureDataset(DatasetConfig):
    """Several datasets in one training, each with a split of its own."""

    parts: dict[str, SplitDataset] = field(default_factory=dict)
    """The datasets, by names of your own; a sample is then called `<part>/<name>`."""
    weights: dict[str, float] = field(default_factory=dict)
    """Share of each part in an epoch, in any unit; empty: as many as it has photos."""
    epoch_length: int | None = setting(None, low=1)
    """Photos an epoch; null: as many as there are."""

    def problems(self) -> list[str]:
        if not self.parts:
            return ["parts: is empty; a mixture has at least one dataset"]
        found = []
        for name in self.parts:
            if not re.fullmatch(r"[\w-]+", name):
                found.append(f"parts: '{name}' is no name of letters, digits, _ and -")
        for name, part in self.parts.items():
            for key in ("batch_size", "num_workers"):
                if getattr(part, key) != getattr(DatasetConfig, key):
                    found.append(f"parts.{name}.{key}: is one for all parts; give it as dataset.{key}=…")
        if self.weights and self.weights.keys() != self.parts.keys():
            found.append(f"weights: are of {', '.join(self.weights)}; the parts are {', '.join(self.parts)}")
        if wrong := {name: weight for name, weight in self.weights.items() if not 0 <= weight < math.inf}:
            found.append(f"weights: {wrong} are no numbers from 0 on")
        elif self.weights and not sum(self.weights.values()):
            found.append("weights: are all zero")
        return found
