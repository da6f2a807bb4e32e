"""The LightningDataModule: a source, split, augmented and batched reproducibly on any number of processes."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytorch_lightning as pl
from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler

from pochoir.config import AugmentConfig, DatasetConfig
from pochoir.data.dataset import Pair, SegmentationDataset, collate
from pochoir.data.mixture import MixtureDraw
from pochoir.data.opening import epoch_draw, open_dataset
from pochoir.data.transforms import training_transforms


class EpochSampler(DistributedSampler[Pair]):
    """Shuffles by (seed, epoch) and hands out (epoch, index), so that augmentation can depend on the epoch.

    draw: the indices that an epoch takes; None takes all of `dataset`. first_epoch: what a pass is at least, because
    Lightning's `set_epoch` comes too late for the first pass of a resumed run, which would begin with the order of
    epoch 0. With one process it is an ordinary shuffle.
    """

    def __init__(
        self,
        dataset: SegmentationDataset,
        *,
        draw: MixtureDraw | None = None,
        first_epoch: Callable[[], int] = int,
        **kwargs: Any,
    ) -> None:
        super().__init__(dataset if draw is None else draw, shuffle=True, **kwargs)  # type: ignore[arg-type]
        self.draw = draw
        self.first_epoch = first_epoch

    def __iter__(self) -> Iterator[tuple[int, int]]:  # type: ignore[override]
        self.epoch = max(self.epoch, self.first_epoch())
        places = (int(place) for place in super().__iter__())  # type: ignore[call-overload]
        if self.draw is None:
            return ((self.epoch, place) for place in places)
        drawn = self.draw(self.epoch)
        return ((self.epoch, drawn[place]) for place in places)


class SegmentationData(pl.LightningDataModule):
    """Train, validation and test loaders of the dataset that the config names.

    `split` tells the parts by sample name. Raises `DataError` or `ConfigError` at construction.
    """

    def __init__(self, dataset: DatasetConfig, augment: AugmentConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = dataset
        self.seed = seed
        self._first_epoch = 0
        opened = open_dataset(dataset)
        self.source, self.val_source, self.split = opened.source, opened.val_source, opened.split
        pasted = replace(augment, scale_min=augment.copy_paste_scale_min, scale_max=augment.copy_paste_scale_max)
        self._draw = epoch_draw(dataset, self.split.train, seed=seed)
        self.train = SegmentationDataset(
            *opened.part("train"),
            augment=training_transforms(augment),
            copy_paste=augment.copy_paste,
            copy_paste_photos=augment.copy_paste_photos,
            paste_augment=training_transforms(pasted),
            seed=seed,
        )
        self.val = SegmentationDataset(*opened.part("val"))
        self.test = SegmentationDataset(*opened.part("test"))

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
                dataset,
                draw=self._draw,
                first_epoch=lambda: self._first_epoch,
                num_replicas=world,
                rank=rank,
                seed=self.seed,
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
