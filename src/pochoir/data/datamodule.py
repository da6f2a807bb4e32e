"""The LightningDataModule: a source, split, augmented and batched reproducibly on any number of processes."""

from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler
from typing_extensions import Self

from pochoir.config import AugmentConfig, DatasetConfig, LoaderConfig
from pochoir.data.dataset import SegmentationDataset, collate
from pochoir.data.opening import Opened, epoch_draw, open_dataset, prepare_dataset
from pochoir.data.resuming import EpochSampler, ResumableData
from pochoir.data.shrinking import InputSize
from pochoir.data.source import Source
from pochoir.data.split import Split
from pochoir.data.targets import Pair
from pochoir.data.transforms import training_transforms


class SegmentationData(ResumableData):
    """Train, validation and test loaders of the dataset that the settings name, or `of` sources of one's own.

    input_size: of the network; larger photos are trained on at that size. Constructing one reads nothing:
    `prepare_data` fetches, `setup` opens (`train`, `val`, `test` and their `split` by sample name are there from then
    on). A Trainer calls both; both may be called before, and again. They raise `DataError` or `ConfigError`. `classes`
    are the names of labels. `hparams`, which checkpoints hold, are the settings that decide what is learned.
    """

    split: Split
    classes: tuple[str, ...]
    train: SegmentationDataset
    val: SegmentationDataset
    test: SegmentationDataset

    def __init__(
        self,
        dataset: DatasetConfig | Opened,
        augment: AugmentConfig,
        loader: LoaderConfig,
        *,
        input_size: InputSize | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(loader)
        self.dataset = dataset
        self.augment = augment
        self.input_size = input_size
        self.seed = seed
        learned_from = {"augment": augment.model_dump(), "loader.batch_size": loader.batch_size}
        self.save_hyperparameters(learned_from, logger=False)

    @classmethod
    def of(cls, train: Source, val: Source, *, augment: AugmentConfig, loader: LoaderConfig, seed: int = 0) -> Self:
        """All samples of one source to train on, all of another to validate on."""
        split = Split(train=list(train.names), val=list(val.names), test=[])
        return cls(Opened(train, val, split), augment, loader, seed=seed)

    def prepare_data(self) -> None:
        if not isinstance(self.dataset, Opened):
            prepare_dataset(self.dataset)

    def setup(self, stage: str | None = None) -> None:
        if hasattr(self, "split"):
            return
        if isinstance(self.dataset, Opened):
            opened, self._draw = self.dataset, None
        else:
            opened = open_dataset(self.dataset)
            self._draw = epoch_draw(self.dataset, opened.split.train, seed=self.seed)
        self.classes = opened.classes
        augment = self.augment
        pasted = augment.but(scale_min=augment.copy_paste_scale_min, scale_max=augment.copy_paste_scale_max)
        self.train = SegmentationDataset(
            *opened.part("train"),
            augment=training_transforms(augment),
            copy_paste=augment.copy_paste,
            copy_paste_photos=augment.copy_paste_photos,
            paste_augment=training_transforms(pasted),
            input_size=self.input_size,
            seed=self.seed,
        )
        self.val = SegmentationDataset(*opened.part("val"))
        self.test = SegmentationDataset(*opened.part("test"))
        self.split = opened.split

    @property
    def epoch_length(self) -> int:
        """Training samples that an epoch takes."""
        return len(self.train if self._draw is None else self._draw)

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
                begin=lambda: self._begin,
                num_replicas=world,
                rank=rank,
                seed=self.seed,
            )
        else:
            sampler = DistributedSampler(dataset, num_replicas=world, rank=rank, shuffle=False)
        workers = self.loader.num_workers
        return DataLoader(
            dataset,
            batch_size=self.loader.batch_size if shuffle else 1,
            sampler=sampler,
            num_workers=workers,
            collate_fn=collate,
            persistent_workers=workers > 0 and shuffle,
            drop_last=False,
        )
