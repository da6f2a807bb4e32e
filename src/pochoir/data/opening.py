"""From a dataset's settings to its samples and their split."""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path

from typing_extensions import assert_never

from pochoir.config import (
    AutoDataset,
    CocoDataset,
    DatasetConfig,
    FiguresDataset,
    FolderDataset,
    MixtureDataset,
    PennFudanDataset,
    PythonDataset,
    SplitDataset,
)
from pochoir.config.datasets import Part
from pochoir.data.coco import CocoInstances
from pochoir.data.figures import Figures
from pochoir.data.folder import MaskFolder
from pochoir.data.formats import Choice, Parted, open_folder
from pochoir.data.mixture import Mixture, MixtureDraw, share_out
from pochoir.data.pennfudan import PennFudan, fetch_pennfudan
from pochoir.data.source import Source, classes_of
from pochoir.data.split import Split, draw_split, read_split
from pochoir.errors import ConfigError, DataError, PochoirError, suggestion


@dataclass(frozen=True)
class Opened:
    """A dataset that is ready to be read; `val_source` is mostly the same object as `source`.

    Raises `DataError` where they have different classes.
    """

    source: Source
    val_source: Source
    split: Split

    def __post_init__(self) -> None:
        train, val = self.classes, classes_of(self.val_source)
        if train != val:
            raise DataError(
                f"the classes to train on are {', '.join(train)}, those to validate on {', '.join(val)}: give both "
                "sources the same `classes`, in the same order"
            )

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the labels 1, 2, …."""
        return classes_of(self.source)

    def part(self, name: str) -> tuple[Source, list[int]]:
        """Of "train", "val" or "test" the source, and the positions of its samples in the split's order.

        Raises `DataError` where two samples have one name.
        """
        source = self.val_source if name == "val" else self.source
        where = {sample: index for index, sample in enumerate(source.names)}
        if len(where) < len(source.names):
            twice = next(sample for index, sample in enumerate(source.names) if where[sample] != index)
            raise DataError(f"{type(source).__name__}: {twice} is the name of more than one sample")
        return source, [where[sample] for sample in getattr(self.split, name)]


def prepare_dataset(config: DatasetConfig) -> None:
    """Fetch what is not on the disk yet. Raises `DataError` where that cannot be done."""
    match config:
        case PennFudanDataset():
            fetch_pennfudan(_path(config.root), download=config.download)
        case MixtureDataset():
            for name, part in config.parts.items():
                with _naming(name):
                    prepare_dataset(part)


def open_dataset(config: DatasetConfig) -> Opened:
    """The samples that the config names, with their split.

    Raises `DataError` or `ConfigError`, for a mixture with the name of the part: reading annotations is cheap.
    """
    if isinstance(config, MixtureDataset):
        return _open_mixture(config)
    source, val_source = open_sources(config)
    _refuse_unknown(config.exclude, source, val_source)
    split = _split(config, source, val_source).without(config.exclude)
    if not split.train:
        raise ConfigError("dataset.exclude: leaves nothing to train on")
    return Opened(source, val_source, split)


def open_sources(config: Part) -> tuple[Source, Source]:
    """The source to train (and test) on and the one to validate on; mostly they are the same object."""
    source: Source
    match config:
        case PennFudanDataset():
            source = PennFudan(_path(config.root))
        case CocoDataset():
            return _open_coco(config)
        case FolderDataset():
            masks = None if config.masks is None else _path(config.masks)
            source = MaskFolder(_path(config.images), masks, void=config.void, turned=config.exif == "apply")
        case AutoDataset():
            choice = Choice(
                categories=config.categories,
                merge=config.merge,
                crowds_count=config.crowds == "instances",
                void=config.void,
                turned=config.exif == "apply",
            )
            source = open_folder(_path(config.root), format=config.format, choice=choice)
        case FiguresDataset():
            size = config.height, config.width
            source = Figures(length=config.length, size=size, max_figures=config.max_figures, seed=config.seed)
        case PythonDataset():
            source = own_source(config)
        case _:
            assert_never(config)
    return source, source


def own_source(config: PythonDataset) -> Source:
    """Call a class that is named as `package.module.Class`.

    Raises `ConfigError` where it cannot be found, takes other arguments, or makes no `Source`; what the class itself
    raises passes.
    """
    module_name, _, name = config.source.rpartition(".")
    try:
        module = import_module(module_name)
    except (ImportError, TypeError, ValueError) as error:
        raise ConfigError(
            f"dataset.source: '{config.source}' is no package.module.Class that can be imported ({error}); is its "
            "folder on PYTHONPATH?"
        ) from error
    make = getattr(module, name, None)
    if not callable(make):
        known = [word for word, value in vars(module).items() if callable(value)]
        raise ConfigError(f"dataset.source: {module_name} has no class '{name}'{suggestion(name, known)}")
    signature = inspect.signature(make)
    try:
        signature.bind(**config.arguments)
    except TypeError as error:
        raise ConfigError(f"dataset.arguments: {error}; {config.source} takes {signature}") from None
    source = make(**config.arguments)
    if not hasattr(source, "names") or not callable(getattr(source, "read", None)):
        raise ConfigError(
            f"dataset.source: {config.source} lacks names or read(index) -> Sample: see pochoir.data.source.Source"
        )
    return source


def epoch_draw(config: DatasetConfig, train: Sequence[str], *, seed: int) -> MixtureDraw | None:
    """For a mixture, which of the samples called `train` an epoch takes; None where it takes them all."""
    if not isinstance(config, MixtureDataset):
        return None
    parts = [[index for index, name in enumerate(train) if name.startswith(f"{part}/")] for part in config.parts]
    weights = [config.weights[part] for part in config.parts] if config.weights else [len(part) for part in parts]
    counts = share_out(config.epoch_length or len(train), weights)
    for name, part, count in zip(config.parts, parts, counts, strict=True):
        if count and not part:
            raise ConfigError(f"dataset.weights.{name}: {count} photos an epoch of a part with none to train on")
    return MixtureDraw(parts, counts, seed=seed)


def _open_mixture(config: MixtureDataset) -> Opened:
    opened = {}
    for name, part in config.parts.items():
        with _naming(name):
            opened[name] = open_dataset(part)
    source = Mixture({name: part.source for name, part in opened.items()})
    val_source = source
    if any(part.val_source is not part.source for part in opened.values()):
        val_source = Mixture({name: part.val_source for name, part in opened.items()})
    if config.split_file is not None:
        if val_source is not source:
            raise ConfigError("dataset.split_file: excludes val_annotations, as both choose the validation photos")
        excluded = {f"{name}/{sample}" for name, part in config.parts.items() for sample in part.exclude}
        return Opened(source, source, read_split(_path(config.split_file), source.names).without(excluded))
    drawn = {name: asdict(part.split) for name, part in opened.items()}
    split = {
        stage: [f"{name}/{sample}" for name, lists in drawn.items() for sample in lists[stage]]
        for stage in ("train", "val", "test")
    }
    return Opened(source, val_source, Split(**split))


@contextmanager
def _naming(part: str) -> Iterator[None]:
    try:
        yield
    except PochoirError as error:
        raise type(error)(f"dataset.parts.{part}: {error}") from None


def _open_coco(config: CocoDataset) -> tuple[Source, Source]:
    def opened(annotations: str, images: str, classes: Sequence[str] | None = None) -> CocoInstances:
        return CocoInstances(
            _path(annotations),
            _path(images),
            categories=config.categories,
            merge=config.merge,
            classes=classes,
            allow_outside=config.allow_outside,
            crowds_count=config.crowds == "instances",
            turned=config.exif == "apply",
        )

    source = opened(config.annotations, config.images)
    if not config.val_annotations:
        return source, source
    val_source = opened(config.val_annotations, config.val_images or config.images, source.classes)
    shared = source.files() & val_source.files()
    if shared:
        raise DataError(
            f"{len(shared)} photos are in both {source.annotations} and {val_source.annotations}, {min(shared)} for "
            "one: the AP of photos that were trained on says nothing"
        )
    return source, val_source


def _split(config: SplitDataset, source: Source, val_source: Source) -> Split:
    if config.split_file is not None:
        return read_split(_path(config.split_file), source.names)
    if val_source is not source:
        drawn = draw_split(source.names, val=0, test=config.test, seed=config.split_seed)
        return Split(train=drawn.train, val=list(val_source.names), test=drawn.test)
    if isinstance(source, Parted):
        val, test = source.given.get("val", []), source.given.get("test", [])
        shares = {"val": 0 if val else config.val, "test": 0 if test else config.test}
        drawn = draw_split(source.given["train"], **shares, seed=config.split_seed)
        return Split(train=drawn.train, val=val or drawn.val, test=test or drawn.test)
    return draw_split(source.names, val=config.val, test=config.test, seed=config.split_seed)


def _refuse_unknown(excluded: Sequence[str], *sources: Source) -> None:
    names = [name for source in sources for name in source.names]
    if unknown := sorted(set(excluded) - set(names)):
        others = f" (nor are {len(unknown) - 1} more)" if len(unknown) > 1 else ""
        hint = suggestion(unknown[0], names)
        raise ConfigError(f"dataset.exclude: '{unknown[0]}' is the name of no sample{others}{hint}")


def _path(text: str) -> Path:
    return Path(text).expanduser()
