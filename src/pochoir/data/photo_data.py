"""The LightningDataModule of painters: crops to learn on, and held-out photos, on any number of processes."""

from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler

from pochoir.config import LoaderConfig, PhotosConfig
from pochoir.data.crops import Crops, DrawnPhotos, PhotoFiles, Photos, WholePhotos, held_out
from pochoir.data.resuming import EpochSampler, ResumableData


class PhotoData(ResumableData):
    """Crops of photos, `epoch_length` an epoch, and `val` whole photos that none is cut from.

    content: pictures and folders; None: what comes with the project, see `DrawnPhotos`. All photos are seen before one
    comes again, however long epochs are. `train`, `val` and their names are there at once. `hparams`, which checkpoints
    hold, are the settings that decide what is learned. Raises `DataError`.
    """

    def __init__(
        self, content: list[str] | None, photos: PhotosConfig, loader: LoaderConfig, *, epoch_length: int, seed: int = 0
    ) -> None:
        super().__init__(loader)
        self.seed = seed
        self.photos: Photos = DrawnPhotos(seed) if content is None else PhotoFiles(content)
        of_train, of_val = held_out(self.photos.names, photos.val, seed)
        self.train = Crops(self.photos, of_train, photos, epoch_length=epoch_length, seed=seed)
        self.val = WholePhotos(self.photos, of_val, photos.size)
        learned_from: dict[str, Any] = {
            "photos": photos.model_dump(),
            "loader.batch_size": loader.batch_size,
            "epoch_length": epoch_length,
            "photo_names": [self.photos.names[index] for index in of_train],
        }
        self.save_hyperparameters(learned_from, logger=False)

    def train_dataloader(self) -> DataLoader[Tensor]:
        world, rank = self._place()
        sampler = EpochSampler(self.train, begin=lambda: self._begin, num_replicas=world, rank=rank, seed=self.seed)
        return self._loader(self.train, sampler, self.loader.batch_size)

    def val_dataloader(self) -> DataLoader[Tensor]:
        world, rank = self._place()
        return self._loader(self.val, DistributedSampler(self.val, world, rank, shuffle=False), 1)

    def _place(self) -> tuple[int, int]:
        return (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)

    def _loader(self, dataset: Any, sampler: Any, batch_size: int) -> DataLoader[Tensor]:
        workers = self.loader.num_workers
        return DataLoader(
            dataset,
            batch_size=batch_size,
            sampler=sampler,
            num_workers=workers,
            persistent_workers=workers > 0 and batch_size > 1,
            worker_init_fn=_one_thread,
        )


def _one_thread(_: int) -> None:
    torch.set_num_threads(1)  # what trains wants the others
