"""The LightningDataModule: a source, split, augmented and batched reproducibly on any number of processes."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler

from pochoir.config import AugmentConfig, CocoDataset, DatasetConfig, FiguresDataset, FolderDataset, PennFudanDataset
from pochoir.data.coco import CocoInstances
from pochoir.data.dataset import Pair, SegmentationDataset, collate
from pochoir.data.figures import Figures
from pochoir.data.folder import MaskFolder
from pochoir.data.pennfudan import PennFudan
from pochoir.data.source import Source
from pochoir.data.split import Split, draw_split, read_split
from pochoir.data.transforms import training_transforms
from pochoir.errors import DataError


class EpochSampler(DistributedSampler[Pair]):
    """Shuffles by (seed, epoch) and hands out (epoch, index), so that augmentation can depend on the epoch.

    first_epoch: what a pass is at least. Lightning's `set_epoch` comes too late for the first pass of a resumed run,
    which would begin with the order of epoch 0. With one process it is an ordinary shuffle.
    """

    def __init__(self, dataset: SegmentationDataset, *, first_epoch: Callable[[], int] = int, **kwargs: Any) -> None:
        super().__init__(dataset, shuffle=True, **kwargs)
        self.first_epoch = first_epoch

    def __iter__(self) -> Iterator[tuple[int, int]]:  # type: ignore[override]
        self.epoch = max(self.epoch, self.first_epoch())
        return ((self.epoch, int(index)) for index in super().__iter__())  # type: ignore[call-overload]


class SegmentationData(pl.LightningDataModule):
    """Train, validation and test loaders of the dataset that the config names.

    `split` tells the parts by sample name. With validation files of its own, a COCO dataset has two sources; otherwise
    `val_source` is `source`. Raises `DataError` or `ConfigError` at construction: reading annotations is cheap.
    """

    def __init__(self, dataset: DatasetConfig, augment: AugmentConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = dataset
        self.seed = seed
        self._first_epoch = 0
        self.source, self.val_source = open_sources(dataset)
        self.split = self._split()
        where = {name: index for index, name in enumerate(self.source.names)}
        val_where = {name: index for index, name in enumerate(self.val_source.names)}
        self.train = SegmentationDataset(
            self.source,
            [where[name] for name in self.split.train],
            augment=training_transforms(augment),
            copy_paste=augment.copy_paste,
            seed=seed,
        )
        self.val = SegmentationDataset(self.val_source, [val_where[name] for name in self.split.val])
        self.test = SegmentationDataset(self.source, [where[name] for name in self.split.test])

    def _split(self) -> Split:
        config, names = self.config, self.source.names
        if config.split_file is not None:
            return read_split(Path(config.split_file).expanduser(), names)
        if self.val_source is not self.source:
            _refuse_shared(self.source, self.val_source)
            drawn = draw_split(names, val=0, test=config.test, seed=config.split_seed)
            return Split(train=drawn.train, val=list(self.val_source.names), test=drawn.test)
        return draw_split(names, val=config.val, test=config.test, seed=config.split_seed)

    def state_dict(self) -> dict[str, int]:
        """Checkpoints are written when an epoch ends: the next is the one to resume with."""
        assert self.trainer is not None
        return {"next_epoch": self.trainer.current_epoch + 1}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        self._first_epoch = state_dict["next_epoch"]

    def train_dataloader(self) -> DataLoader[Pair]:
        return self._loader(self.train, shuffle=True)

    def val_dataloader(self) -> DataLoader[Pair]:
        return self._loader(self.val, shuffle=False)

    def test_dataloader(self) -> DataLoader[Pair]:
        return self._loader(self.test, shuffle=False)

    def _loader(self, dataset: SegmentationDataset, *, shuffle: bool) -> DataLoader[Pair]:
        world = self.trainer.world_size if self.trainer else 1
        rank = self.trainer.global_rank if self.trainer else 0
        sampler: DistributedSampler[Pair]
        if shuffle:
            sampler = EpochSampler(
                dataset, first_epoch=lambda: self._first_epoch, num_replicas=world, rank=rank, seed=self.seed
            )
        else:
            sampler = DistributedSampler(dataset, num_replicas=world, rank=rank, shuffle=False)
        workers = self.config.num_workers
        return DataLoader(
            dataset,
            batch_size=self.config.batch_size if shuffle else 1,
            sampler=sampler,
            num_workers=workers,
            collate_fn=collate,
            persistent_workers=workers > 0 and shuffle,
            drop_last=False,
        )


def _refuse_shared(source: Source, val_source: Source) -> None:
    assert isinstance(source, CocoInstances)
    assert isinstance(val_source, CocoInstances)
    shared = {source.folder / name for name in source.names} & {val_source.folder / name for name in val_source.names}
    if shared:
        raise DataError(
            f"{len(shared)} photos are in both {source.annotations} and {val_source.annotations}, {min(shared)} for "
            "one: the AP of photos that were trained on says nothing"
        )


def open_sources(config: DatasetConfig) -> tuple[Source, Source]:
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
