"""Several datasets as one: their samples side by side, and how many of each an epoch takes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from pochoir.data.source import ONE_CLASS, Remark, Sample, Source, classes_of, fault_of, labels_of, may_hold_objects
from pochoir.seeding import mixed_seed


class Mixture:
    """The samples of several sources, one source after the other; a sample is called `<part>/<name>`.

    Classes of one name are one class, whatever their numbers are in the parts.
    """

    def __init__(self, parts: Mapping[str, Source]) -> None:
        self.names = [f"{part}/{name}" for part, source in parts.items() for name in source.names]
        self._samples = [(source, index) for source in parts.values() for index in range(len(source.names))]
        self.classes = tuple(dict.fromkeys(name for source in parts.values() for name in classes_of(source)))

    def read(self, index: int) -> Sample:
        """Load a sample of whichever part it belongs to."""
        source, own_index = self._samples[index]
        sample = source.read(own_index)
        if self.classes == ONE_CLASS:
            return sample
        own = classes_of(source)
        numbers = np.array([self.classes.index(name) + 1 for name in own], dtype=np.int64)
        return replace(sample, labels=numbers[labels_of(sample, own, self.names[index]) - 1])

    def fault(self, index: int) -> Remark | None:
        """What its part knows to be wrong with a sample."""
        return fault_of(*self._samples[index])

    def holds_objects(self, index: int) -> bool:
        """Whether there may be something to train on, as its part knows."""
        return may_hold_objects(*self._samples[index])


class MixtureDraw:
    """Which samples an epoch takes: `counts[p]` of the samples `parts[p]`, a pure function of (seed, epoch).

    A part goes through all its samples in random order, and on from where the last epoch ended, before one comes again:
    over many epochs its samples are seen equally often, also when an epoch takes fewer than there are, or more.
    """

    def __init__(self, parts: Sequence[Sequence[int]], counts: Sequence[int], *, seed: int = 0) -> None:
        self.parts = [list(part) for part in parts]
        self.counts = list(counts)
        self.seed = seed

    def __len__(self) -> int:
        return sum(self.counts)

    def __call__(self, epoch: int) -> list[int]:
        """The epoch's samples, part by part; shuffling them is the sampler's business."""
        drawn: list[int] = []
        for number, (part, count) in enumerate(zip(self.parts, self.counts, strict=True)):
            start, end = epoch * count, (epoch + 1) * count
            for turn in range(start // max(1, len(part)), -(-end // max(1, len(part)))):
                first = turn * len(part)
                drawn += self._shuffled(number, turn)[max(0, start - first) : end - first]
        return drawn

    def _shuffled(self, number: int, turn: int) -> list[int]:
        generator = torch.Generator().manual_seed(mixed_seed(self.seed, number, turn))
        part = self.parts[number]
        return [part[place] for place in torch.randperm(len(part), generator=generator).tolist()]


def share_out(length: int, weights: Sequence[float]) -> list[int]:
    """Whole numbers in proportion to `weights`, `length` in total (the method of largest remainders).

    weights: at least 0, and not all 0.
    """
    exact = [length * weight / sum(weights) for weight in weights]
    counts = [int(share) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda index: counts[index] - exact[index])
    for index in by_remainder[: length - sum(counts)]:
        counts[index] += 1
    return counts
