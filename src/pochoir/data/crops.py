"""Photos as painters learn on them: squares cut at random from photos of one size, and whole held-out photos."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from pochoir.assets import located
from pochoir.config import PhotosConfig
from pochoir.data.figures.source import Figures
from pochoir.errors import DataError
from pochoir.images import Pixels, find_all_images, read_picture, read_rgb, to_tensor
from pochoir.images.resizing import cover, fit, resize
from pochoir.seeding import mixed_seed

DRAWN = 400
"""Scenes, where no photos are given."""
EVERY_PORTRAIT = 4
"""One picture in so many is then of the portrait."""
ASPECT = (2, 3)
"""Height to width of held-out photos, or the other way about: what the styles are measured for."""


class Photos(Protocol):
    """Photos by number, with their names."""

    @property
    def names(self) -> Sequence[str]: ...

    def __getitem__(self, index: int) -> Pixels: ...


class PhotoFiles:
    """The pictures that some paths name, folders with all in them. Raises `DataError` for a path without any.

    What is transparent is white.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths: list[Path] = []
        for path in map(Path, paths):
            found = find_all_images(path.expanduser())[0] if path.expanduser().is_dir() else [path.expanduser()]
            if not found:
                raise DataError(f"content: {path} holds no pictures")
            self.paths += found
        self.names = [str(path) for path in self.paths]

    def __getitem__(self, index: int) -> Pixels:
        return read_picture(self.paths[index]).on_white


class DrawnPhotos:
    """What there is without any photos: scenes that are drawn, and the portrait that comes with the project."""

    def __init__(self, seed: int = 0) -> None:
        self.scenes = Figures(length=DRAWN, size=(341, 512), seed=seed)
        self.names = ["portrait" if self._is_portrait(place) else self.scenes.names[place] for place in range(DRAWN)]

    def __getitem__(self, index: int) -> Pixels:
        if self._is_portrait(index):
            return read_rgb(Path(located("builtin:portrait")))
        return self.scenes.read(index).image

    @staticmethod
    def _is_portrait(index: int) -> bool:
        return index % EVERY_PORTRAIT == EVERY_PORTRAIT - 1


class Crops(Dataset[Tensor]):
    """`[3, crop, crop]` float32 in [0, 1], `epoch_length` an epoch, cut from the photos `indices`: by (epoch, place), a
    pure function of them and the seed, and all photos are cut from before one comes again.

    The photo is brought to a long side of `size` times a zoom, log-uniform from 1 to `zoom`, and no less than a crop;
    the square is anywhere in it, mirrored half of the time.
    """

    def __init__(
        self, photos: Photos, indices: Sequence[int], config: PhotosConfig, *, epoch_length: int, seed: int = 0
    ) -> None:
        self.photos = photos
        self.indices = list(indices)
        self.config = config
        self.epoch_length = epoch_length
        self.seed = seed

    def __len__(self) -> int:
        return self.epoch_length

    def __getitem__(self, key: tuple[int, int]) -> Tensor:
        epoch, place = key
        number = epoch * self.epoch_length + place
        rng = np.random.default_rng(mixed_seed(self.seed, number))
        crop, long_side = self.config.crop, self.config.size * self.config.zoom ** rng.random()
        image = to_tensor(self.photos[self._photo(number)])[None]
        height, width = fit((image.shape[-2], image.shape[-1]), round(long_side))
        enough = max(1.0, crop / min(height, width))  # of a panorama
        image = resize(image, (round(height * enough), round(width * enough)))[0]
        top, left = (int(rng.integers(side - crop + 1)) for side in image.shape[-2:])
        image = image[:, top : top + crop, left : left + crop]
        return image.flip(-1) if rng.random() < 0.5 else image

    def _photo(self, number: int) -> int:
        turn, place = divmod(number, len(self.indices))
        order = np.random.default_rng(mixed_seed(self.seed, len(self.indices), turn)).permutation(len(self.indices))
        return self.indices[int(order[place])]


class WholePhotos(Dataset[Tensor]):
    """`[3, H, W]` float32 in [0, 1] of the photos `indices`, with a long side of `size`, cut to 3:2 or 2:3."""

    def __init__(self, photos: Photos, indices: Sequence[int], size: int) -> None:
        self.photos = photos
        self.indices = list(indices)
        self.size = size

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, place: int) -> Tensor:
        image = to_tensor(self.photos[self.indices[place]])[None]
        size = fit(ASPECT, self.size)
        return cover(image, size if image.shape[-1] >= image.shape[-2] else size[::-1])[0]


def measured_area(size: int) -> float:
    """Pixels of a held-out photo whose long side is `size`: what the styles are measured for."""
    height, width = fit(ASPECT, size)
    return float(height * width)


def held_out(names: Sequence[str], count: int, seed: int) -> tuple[list[int], list[int]]:
    """Numbers of the photos to train on, and of `count` others, drawn by the seed. Raises `DataError` for too few."""
    if len(names) < count + 1:
        raise DataError(
            f"content: {len(names)} photos, of which {count} are held out (photos.val): nothing is left to learn on. "
            "Some hundred photos of any kind are enough; content=null draws scenes instead"
        )
    order = torch.randperm(len(names), generator=torch.Generator().manual_seed(seed)).tolist()
    return sorted(order[count:]), sorted(order[:count])
