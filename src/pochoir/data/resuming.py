"""Samples in an order that a resumed training goes on with: functions of (seed, epoch), and where an epoch stopped."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytorch_lightning as pl
from torch.utils.data import Dataset
from torch.utils.data.distributed import DistributedSampler

from pochoir.config import LoaderConfig
from pochoir.data.mixture import MixtureDraw


class EpochSampler(DistributedSampler[Any]):
    """Shuffles by (seed, epoch) and hands out (epoch, index), so that augmentation can depend on the epoch.

    draw: the indices that an epoch takes; None takes all of `dataset`. begin: the epoch that a pass is of at least, as
    Lightning's `set_epoch` comes too late for the first pass of a resumed run, which would begin with the order of
    epoch 0; and how many of that epoch's indices have been taken before. With one process it is an ordinary shuffle.
    """

    def __init__(
        self,
        dataset: Dataset[Any],
        *,
        draw: MixtureDraw | None = None,
        begin: Callable[[], tuple[int, int]] = lambda: (0, 0),
        **kwargs: Any,
    ) -> None:
        taken_from: Any = dataset if draw is None else draw
        super().__init__(taken_from, shuffle=True, **kwargs)
        self.draw = draw
        self.begin = begin

    def __iter__(self) -> Iterator[tuple[int, int]]:
        first, taken = self.begin()
        self.epoch = max(self.epoch, first)
        places: Iterator[int] = (int(place) for place in super().__iter__())
        places = islice(places, taken if self.epoch == first else 0, None)
        if self.draw is None:
            return ((self.epoch, place) for place in places)
        drawn = self.draw(self.epoch)
        return ((self.epoch, drawn[place]) for place in places)


class ResumableData(pl.LightningDataModule):
    """A LightningDataModule whose checkpoints say where in an epoch its training samples stopped: `_begin` is what an
    `EpochSampler` begins with.
    """

    def __init__(self, loader: LoaderConfig) -> None:
        super().__init__()
        self.loader = loader
        self._begin = (0, 0)

    def state_dict(self) -> dict[str, int]:
        """The epoch to resume with, and how many of its batches are done: none where an epoch ends."""
        assert self.trainer is not None
        loop = self.trainer.fit_loop
        epochs = loop.epoch_progress.state_dict()["current"]
        ended = epochs["processed"] == epochs["ready"]
        return {"next_epoch": self.trainer.current_epoch + ended, "batches": 0 if ended else loop.batch_idx + 1}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        self._begin = state_dict["next_epoch"], state_dict.get("batches", 0) * self.loader.batch_size
