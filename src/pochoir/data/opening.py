"""From a dataset's config to its samples and their split."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pochoir.config import (
    CocoDataset,
    DatasetConfig,
    FiguresDataset,
    FolderDataset,
    MixtureDataset,
    PennFudanDataset,
    SplitDataset,
)
from pochoir.data.coco import CocoInstances
from pochoir.data.figures import Figures
from pochoir.data.folder import MaskFolder
from pochoir.data.mixture import Mixture, MixtureDraw, share_out
from pochoir.data.pennfudan import PennFudan
from pochoir.data.source import Source
from pochoir.data.split import Split, draw_split, read_split
from pochoir.errors import ConfigError, DataError, PochoirError, suggestion


@dataclass(frozen=True)
class Opened:
    """A dataset that is ready to be read; `val_source` is mostly the same object as `source`."""

    source: Source
    val_source: Source
    split: Split

    def part(self, name: str) -> tuple[Source, list[int]]:
        """Of "train", "val" or "test" the source, and the positions of its samples in the split's order."""
        source = self.val_source if name == "val" else self.source
        where = {sample: index for index, sample in enumerate(source.names)}
        return source, [where[sample] for sample in getattr(self.split, name)]


def open_dataset(config: DatasetConfig) -> Opened:
    """The samples that the config names, with their split.

    Raises `DataError` or `ConfigError`, for a mixture with the name of the part: reading annotations is cheap.
    """
    if isinstance(config, MixtureDataset):
        return _open_mixture(config)
    assert isinstance(config, SplitDataset)
    source, val_source = open_sources(config)
    _refuse_unknown(config.exclude, source, val_source)
    split = _split(config, source, val_source).without(config.exclude)
    if not split.train:
        raise ConfigError("dataset.exclude: leaves nothing to train on")
    return Opened(source, val_source, split)


def open_sources(config: SplitDataset) -> tuple[Source, Source]:
    """The source to train (and test) on and the one to validate on; mostly they are the same object."""
    source: Source
    match config:
        case PennFudanDataset():
            source = PennFudan(Path(config.root).expanduser(), download=config.download)
        case CocoDataset():
            images = Path(config.images).expanduser()
            source = CocoInstances(Path(config.annotations).expanduser(), images, categories=config.categories)
            if config.val_annotations:
                val_images = Path(config.val_images).expanduser() if config.val_images else images
                annotations = Path(config.val_annotations).expanduser()
                return source, CocoInstances(annotations, val_images, categories=config.categories)
        case FolderDataset():
            source = MaskFolder(Path(config.images).expanduser(), Path(config.masks).expanduser())
        case FiguresDataset():
            source = Figures(
                length=config.length,
                size=(config.height, config.width),
                max_figures=config.max_figures,
                seed=config.seed,
            )
        case _:
            raise TypeError(f"no dataset for {type(config).__name__}")
    return source, source


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
        try:
            opened[name] = open_dataset(part)
        except PochoirError as error:
            raise type(error)(f"dataset.parts.{name}: {error}") from None
    source = Mixture({name: part.source for name, part in opened.items()})
    val_source = source
    if any(part.val_source is not part.source for part in opened.values()):
        val_source = Mixture({name: part.val_source for name, part in opened.items()})
    if config.split_file is not None:
        if val_source is not source:
            raise ConfigError("dataset.split_file: excludes val_annotations, as both choose the validation photos")
        excluded = {f"{name}/{sample}" for name, part in config.parts.items() for sample in part.exclude}
        given = read_split(Path(config.split_file).expanduser(), source.names)
        return Opened(source, source, given.without(excluded))
    drawn = {name: asdict(part.split) for name, part in opened.items()}
    split = {
        stage: [f"{name}/{sample}" for name, lists in drawn.items() for sample in lists[stage]]
        for stage in ("train", "val", "test")
    }
    return Opened(source, val_source, Split(**split))


def _split(config: SplitDataset, source: Source, val_source: Source) -> Split:
    if config.split_file is not None:
        return read_split(Path(config.split_file).expanduser(), source.names)
    if val_source is not source:
        _refuse_shared(source, val_source)
        drawn = draw_split(source.names, val=0, test=config.test, seed=config.split_seed)
        return Split(train=drawn.train, val=list(val_source.names), test=drawn.test)
    return draw_split(source.names, val=config.val, test=config.test, seed=config.split_seed)


def _refuse_unknown(excluded: Sequence[str], *sources: Source) -> None:
    names = [name for source in sources for name in source.names]
    if unknown := sorted(set(excluded) - set(names)):
        others = f" (nor are {len(unknown) - 1} more)" if len(unknown) > 1 else ""
        hint = suggestion(unknown[0], names)
        raise ConfigError(f"dataset.exclude: '{unknown[0]}' is the name of no sample{others}{hint}")


def _refuse_shared(source: Source, val_source: Source) -> None:
    assert isinstance(source, CocoInstances)
    assert isinstance(val_source, CocoInstances)
    shared = {source.folder / name for name in source.names} & {val_source.folder / name for name in val_source.names}
    if shared:
        raise DataError(
            f"{len(shared)} photos are in both {source.annotations} and {val_source.annotations}, {min(shared)} for "
            "one: the AP of photos that were trained on says nothing"
        )
