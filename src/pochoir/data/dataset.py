"""A source seen through the target contract: (image, target) pairs, augmented reproducibly for training."""

from collections.abc import Callable, Sequence

import torch
from torch.utils.data import Dataset
from torchvision import tv_tensors

from pochoir.data.copy_paste import paste_instances
from pochoir.data.shrinking import InputSize, shrunk
from pochoir.data.source import Sample, Source, classes_of, labels_of
from pochoir.data.targets import Pair, Target, check_target, make_target
from pochoir.errors import DataError
from pochoir.images import to_tensor
from pochoir.seeding import mixed_seed

Key = int | tuple[int, int]


class SegmentationDataset(Dataset[Pair]):
    """Some samples of a source as image `[3, H, W]` float32 RGB in [0, 1] and target (see `targets`); `classes` are the
    names of its labels.

    Without `augment` a sample is what the source holds, crowds included: evaluation. With it, crowds are left out and
    the sample is a pure function of (seed, epoch, index), whichever process loads it: a resumed run sees what an
    uninterrupted one would have seen. Such a dataset is indexed by (epoch, index); a bare index means epoch 0.
    In the share `copy_paste` of its samples, instances of up to `copy_paste_photos` others are pasted, which
    `paste_augment` (None: `augment`) has changed before. input_size: photos and masks that are larger than the network
    can see are made smaller before.
    """

    def __init__(
        self,
        source: Source,
        indices: Sequence[int],
        *,
        augment: Callable[[Pair], Pair] | None = None,
        copy_paste: float = 0.0,
        copy_paste_photos: int = 1,
        paste_augment: Callable[[Pair], Pair] | None = None,
        input_size: InputSize | None = None,
        seed: int = 0,
    ) -> None:
        self.source = source
        self.classes = classes_of(source)
        self.indices = list(indices)
        self.augment = augment
        self.copy_paste = copy_paste
        self.copy_paste_photos = copy_paste_photos
        self.paste_augment = paste_augment or augment
        self.input_size = input_size
        self.seed = seed

    def __len__(self) -> int:
        return len(self.indices)

    def place_of(self, image_id: int) -> int:
        """Where the sample with an `image_id` is."""
        return self.indices.index(image_id - 1)

    def __getitem__(self, key: Key) -> Pair:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        if self.augment is None:
            image, target = self._read(index)
        else:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(mixed_seed(self.seed, epoch, self.indices[index]))
                image, target = self._augmented(index)
        check_target(image, target, len(self.classes))
        return image, target

    def _augmented(self, index: int) -> Pair:
        assert self.augment is not None
        assert self.paste_augment is not None
        image, target = self.augment(self._training_pair(index))
        if len(self) > 1 and torch.rand(()) < self.copy_paste:
            for _ in range(1 + int(torch.randint(self.copy_paste_photos, ()))):
                other = int(torch.randint(len(self), ()))
                image, target = paste_instances((image, target), self.paste_augment(self._training_pair(other)))
        return image, target

    def _training_pair(self, index: int) -> Pair:
        image, target = self._read(index)
        kept = target["iscrowd"] == 0
        if not kept.all():
            masks, crowd, labels = (target[name][kept] for name in ("masks", "iscrowd", "labels"))
            target = make_target(masks, crowd, int(target["image_id"]), target["name"], labels)
        return image, target

    def _read(self, index: int) -> Pair:
        position = self.indices[index]
        name = self.source.names[position]
        sample = self.source.read(position)
        if self.augment is not None and self.input_size is not None:
            sample = shrunk(sample, self.input_size)
        return pair_of(sample, position, name, self.classes)


def pair_of(sample: Sample, position: int, name: str, classes: Sequence[str]) -> Pair:
    """Image and target of a source's sample. Raises `DataError` where its masks are of another size, or its labels no
    numbers of classes.
    """
    if sample.masks.shape[1:] != sample.image.shape[:2]:
        raise DataError(
            f"{name}: the masks are {list(sample.masks.shape[1:])} pixels, the image {list(sample.image.shape[:2])}"
        )
    masks, crowd = torch.from_numpy(sample.masks), torch.from_numpy(sample.crowd)
    labels = torch.from_numpy(labels_of(sample, classes, name))
    # image ids start at 1: 0 is a value that some COCO tools take for "none"
    return tv_tensors.Image(to_tensor(sample.image)), make_target(masks, crowd, position + 1, name, labels)


def collate(pairs: Sequence[Pair]) -> tuple[list[torch.Tensor], list[Target]]:
    """A batch: images of unequal sizes stay a list, as torchvision's detectors take them."""
    return [image.as_subclass(torch.Tensor) for image, _ in pairs], [target for _, target in pairs]


def told_by_worker(error: DataError) -> DataError:
    """The error as it was raised; torch puts the traceback of a loading process around it."""
    *_, message = str(error).rpartition(f"{DataError.__module__}.{DataError.__qualname__}: ")
    return DataError(message.rstrip())
