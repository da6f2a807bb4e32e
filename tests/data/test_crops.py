"""Photos for painters: crops by (seed, epoch, place), photos held out, drawn ones, and what is said of too few."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pochoir.config import PhotosConfig, load_config
from pochoir.data.crops import Crops, DrawnPhotos, PhotoFiles, WholePhotos, held_out, measured_area
from pochoir.data.photo_data import PhotoData
from pochoir.errors import DataError
from pochoir.images import Pixels, write_image

CONFIG = PhotosConfig(size=64, zoom=1.5, crop=32, val=2)


class Grey:
    """Photos of one grey each, by their number."""

    def __init__(self, count: int) -> None:
        self.names = [f"{number}" for number in range(count)]

    def __getitem__(self, index: int) -> Pixels:
        return np.full((40 + index, 60, 3), 10 * index, dtype=np.uint8)


def photo_in(crop: torch.Tensor) -> int:
    return round(float(crop.mean()) * 25.5)


def test_a_crop_is_a_function_of_seed_epoch_and_place() -> None:
    photos = Grey(7)
    one, same = (Crops(photos, range(7), CONFIG, epoch_length=5, seed=1) for _ in range(2))
    torch.testing.assert_close(one[2, 3], same[2, 3], rtol=0, atol=0)
    assert one[2, 3].shape == (3, 32, 32)
    other = Crops(photos, range(7), CONFIG, epoch_length=5, seed=2)
    assert [photo_in(one[0, place]) for place in range(5)] != [photo_in(other[0, place]) for place in range(5)]


def test_all_photos_come_before_one_comes_again() -> None:
    crops = Crops(Grey(7), [0, 1, 2, 4, 5, 6], CONFIG, epoch_length=4)
    seen = [photo_in(crops[epoch, place]) for epoch in range(3) for place in range(4)]
    assert sorted(seen[:6]) == sorted(seen[6:]) == [0, 1, 2, 4, 5, 6]


def test_panoramas_and_small_photos_are_enlarged_to_a_crop(tmp_path: Path) -> None:
    write_image(tmp_path / "wide.png", np.zeros((10, 200, 3), dtype=np.uint8))
    crops = Crops(PhotoFiles([str(tmp_path)]), [0], CONFIG, epoch_length=3)
    assert {tuple(crops[0, place].shape) for place in range(3)} == {(3, 32, 32)}


def test_held_out_photos_are_none_of_the_others_and_drawn_by_the_seed() -> None:
    names = [f"{number}" for number in range(9)]
    train, val = held_out(names, 3, 0)
    assert sorted([*train, *val]) == list(range(9))
    assert len(val) == 3
    assert held_out(names, 3, 0) == (train, val)
    assert held_out(names, 3, 1) != (train, val)


def test_too_few_photos_are_told_with_what_is_needed(tmp_path: Path) -> None:
    write_image(tmp_path / "one.png", np.zeros((40, 40, 3), dtype=np.uint8))
    loader = load_config("train_painter", ["styles=."]).loader
    with pytest.raises(DataError, match=r"content: 1 photos, of which 2 are held out .* content=null draws scenes"):
        PhotoData([str(tmp_path)], CONFIG, loader, epoch_length=4)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"content: .*empty holds no pictures"):
        PhotoFiles([str(tmp_path / "empty")])


def test_folders_are_searched_with_all_in_them(tmp_path: Path) -> None:
    for name in ("a.png", "deeper/b.jpg", "c.png"):
        write_image(tmp_path / "in" / name, np.zeros((8, 8, 3), dtype=np.uint8))
    (tmp_path / "in" / "c.png").rename(tmp_path / "c.png")
    photos = PhotoFiles([str(tmp_path / "in"), str(tmp_path / "c.png")])
    assert [path.name for path in photos.paths] == ["a.png", "b.jpg", "c.png"]


def test_held_out_photos_have_the_area_that_styles_are_measured_for() -> None:
    whole = WholePhotos(Grey(2), [1], 66)
    assert whole[0].shape == (3, 44, 66)
    assert measured_area(66) == 44 * 66


def test_without_photos_scenes_are_drawn_and_the_portrait_is_among_them() -> None:
    drawn = DrawnPhotos()
    assert drawn[0].shape == (341, 512, 3)
    portrait = drawn.names.index("portrait")
    assert drawn[portrait].shape[:2] == (600, 512)
    assert 0.2 < drawn.names.count("portrait") / len(drawn.names) < 0.3


def test_batches_of_processes_are_shares_of_one_epoch(tmp_path: Path) -> None:
    for number in range(6):
        write_image(tmp_path / f"{number}.png", np.full((40, 48, 3), 10 * number, dtype=np.uint8))
    loader = load_config("train_painter", ["styles=.", "loader.num_workers=0"]).loader
    data = PhotoData([str(tmp_path)], CONFIG, loader, epoch_length=8)
    batches = list(data.train_dataloader())
    assert [tuple(batch.shape) for batch in batches] == [(2, 3, 32, 32)] * 4
    assert len(list(data.val_dataloader())) == 2
