"""Settings of datasets: where their photos are, and how they are split."""

import math
import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field

from pochoir.config.base import Count, CountOrShare, ExistingPath, NotNegative, Seed, Settings, Words

Exif = Literal["apply", "ignore"]
"""Photos are turned as their EXIF says, as most tools show them, or stay as they are stored, as some annotate them."""

Crowds = Literal["ignore", "instances"]
"""What iscrowd marks is left out of training and ignored by evaluation, or is an instance like others."""
VoidValue = Annotated[int, Field(ge=1, le=2**16)] | Literal["auto", "none"]
"""A mask's value that belongs to nobody, such as a band between objects; auto: 255 beside instance ids."""


class SplitDataset(Settings):
    """A dataset whose split is drawn, or given."""

    val: CountOrShare
    """Validation samples: a count from 1 on, a share of all below 1."""
    test: CountOrShare
    """Test samples, likewise; what remains is trained on."""
    split_seed: Seed
    """Seed of the split's own generator."""
    exclude: Words
    """Names of samples to leave out, such as wrongly annotated ones; the others stay in the parts they were in."""
    split_file: ExistingPath | None
    """A `split.json` of an earlier run, used instead of drawing a split."""


class PennFudanDataset(SplitDataset):
    """170 street photos with 423 pedestrians (Wang et al. 2007), downloaded when absent."""

    name: Literal["pennfudan"]
    root: str
    """Folder with PNGImages/ and PedMasks/."""
    download: bool
    """Fetch the archive when `root` does not exist."""


class CocoDataset(SplitDataset):
    """Instances of a COCO JSON; the chosen categories become the one foreground class, or a class each."""

    name: Literal["coco"]
    images: ExistingPath
    """Folder that the file names in the JSON are relative to."""
    annotations: ExistingPath
    """COCO instance JSON; split into train, validation and test unless `val_annotations` is given."""
    val_annotations: ExistingPath | None
    """COCO instance JSON of the validation photos: then `annotations` is trained on, and none is drawn by `val`."""
    val_images: ExistingPath | None
    """Folder of the validation photos, when another than `images`."""
    categories: Words | None
    """Names of the categories to learn; null takes all."""
    merge: bool
    """The categories become one class; false: each is a class of its own, in the order of `categories`."""
    crowds: Crowds
    exif: Exif
    allow_outside: bool
    """File names in the JSON may lead out of the folder of images."""

    def problems(self) -> Iterable[str]:
        if self.val_annotations and self.split_file:
            yield "val_annotations: excludes split_file, as both choose the validation photos"
        if self.val_images and not self.val_annotations:
            yield "val_images: needs val_annotations, the JSON of these photos"


class FolderDataset(SplitDataset):
    """Pictures and mask pictures with equal stems."""

    name: Literal["folder"]
    images: ExistingPath
    masks: ExistingPath | None
    """PNGs: 0 and one value (an instance), instance ids, or one colour an instance; black is the background. Or a file
    an instance: <photo>_0.png, <photo>_1.png … null: photos without objects."""
    void: VoidValue
    exif: Exif


class AutoDataset(SplitDataset):
    """A folder whose format is found out; where it gives validation or test photos, `val` or `test` draws none."""

    name: Literal["auto"]
    root: ExistingPath
    """Folder of the dataset: COCO JSON, YOLO polygons, VIA, labelme, or pictures beside masks."""
    format: Literal["coco", "yolo", "via", "labelme", "masks"] | None
    """Which of several datasets in the folder; null: the only one."""
    categories: Words | None
    """Names of the categories to learn; null takes all."""
    merge: bool
    """They become one class; false: each is a class of its own, as of `coco`."""
    crowds: Crowds
    void: VoidValue
    exif: Exif


class FiguresDataset(SplitDataset):
    """Procedurally drawn people-like figures; needs no files."""

    name: Literal["figures"]
    length: Annotated[int, Field(ge=2)]
    """Pictures in all parts together."""
    height: Annotated[int, Field(ge=64, le=4096)]
    width: Annotated[int, Field(ge=64, le=4096)]
    max_figures: Annotated[int, Field(ge=1, le=50)]
    seed: Seed


class PythonDataset(SplitDataset):
    """A class of your own with `names` and `read(index)` (see `pochoir.data.source.Source`)."""

    name: Literal["python"]
    source: str
    """`package.module.Class`, importable; called with `arguments`."""
    arguments: dict[str, Any]


Part = Annotated[
    PennFudanDataset | CocoDataset | FolderDataset | AutoDataset | FiguresDataset | PythonDataset,
    Field(discriminator="name"),
]


class MixtureDataset(Settings):
    """Several datasets in one training, each with a split of its own."""

    name: Literal["mixture"]
    parts: dict[str, Part]
    """The datasets, by names of your own; a sample is then called `<part>/<name>`."""
    weights: dict[str, NotNegative]
    """Share of each part in an epoch, in any unit; empty: as many as it has photos."""
    epoch_length: Count | None
    """Photos an epoch; null: as many as there are."""
    split_file: ExistingPath | None
    """A `split.json` of an earlier run, used instead of those of the parts."""

    def problems(self) -> Iterable[str]:
        if not self.parts:
            yield "parts: is empty; a mixture has at least one dataset"
        for name in self.parts:
            if not re.fullmatch(r"[\w-]+", name):
                yield f"parts: '{name}' is no name of letters, digits, _ and -"
        if self.weights and self.weights.keys() != self.parts.keys():
            yield f"weights: are of {', '.join(self.weights)}; the parts are {', '.join(self.parts)}"
        if self.weights and not math.fsum(self.weights.values()):
            yield "weights: are all zero"


DatasetConfig = Annotated[
    PennFudanDataset | CocoDataset | FolderDataset | AutoDataset | FiguresDataset | PythonDataset | MixtureDataset,
    Field(discriminator="name"),
]
