"""Where more of the content is kept: masks, heads and other parts of objects."""

from pathlib import Path

import numpy as np
import pytest

from pochoir.composition.keeping import head_box, keep_map, part_box
from pochoir.config import KeepPartConfig, load_config
from pochoir.errors import DataError
from pochoir.images import write_image

SIZE = (200, 300)


def keep(**settings: object) -> KeepPartConfig:
    found: KeepPartConfig = load_config("partial").keep.but(**settings)
    return found


def block(rows: slice, columns: slice) -> np.ndarray:
    alpha = np.zeros(SIZE, dtype=np.float32)
    alpha[rows, columns] = 1
    return alpha


def test_nothing_is_kept_unless_it_is_asked_for() -> None:
    assert keep_map(keep(), SIZE, [block(np.s_[0:50], np.s_[0:50])]) is None
    assert keep_map(load_config("stylize").keep, SIZE) is None


def test_a_mask_is_kept_with_a_soft_edge(tmp_path: Path) -> None:
    write_image(tmp_path / "mask.png", (block(np.s_[40:160], np.s_[100:200]) * 255).astype(np.uint8))
    config = load_config("stylize").keep.but(mask=str(tmp_path / "mask.png"))
    kept = keep_map(config, SIZE)
    assert kept is not None
    assert kept.dtype == np.float32
    assert kept[60:140, 120:180].min() > 0.999
    assert kept[:20].max() == 0
    edge = kept[100, 90:111]
    assert (np.diff(edge) >= 0).all()
    assert np.diff(edge).max() < 0.2  # 3 pixels of blur
    half = keep_map(config, (100, 150))  # of another size, the same
    assert half is not None
    assert half.mean() == pytest.approx(kept.mean(), rel=0.02)


def test_a_mask_that_keeps_nothing_or_is_of_another_shape_is_told(tmp_path: Path) -> None:
    write_image(tmp_path / "black.png", np.zeros(SIZE, dtype=np.uint8))
    with pytest.raises(DataError, match=r"keep\.mask: .*black\.png is black all over"):
        keep_map(keep(mask=str(tmp_path / "black.png")), SIZE)
    with pytest.raises(DataError, match=r"black\.png: is 300×200 pixels, its photo is 200×200, which is another shape"):
        keep_map(keep(mask=str(tmp_path / "black.png")), (200, 200))


def test_parts_are_per_cent_of_a_box() -> None:
    alpha = block(np.s_[20:120], np.s_[50:250])
    assert part_box(alpha, ["25%", "0%", "50.5%", "100%"]) == (100, 20, 151, 120)
    assert part_box(np.zeros(SIZE, dtype=np.float32), ["0%", "0%", "100%", "22%"]) == (0, 0, 0, 0)


def test_a_head_is_as_high_as_a_body_is_wide() -> None:
    standing = block(np.s_[10:190], np.s_[100:160])
    assert head_box(standing) == (100, 10, 160, 46)
    bust = block(np.s_[20:200], np.s_[50:250])
    assert head_box(bust) == (50, 20, 250, 140)
    lying = block(np.s_[150:180], np.s_[0:300])
    assert head_box(lying) == (0, 150, 300, 180)


def test_the_part_of_every_object_is_kept_and_its_neighbours_are_not() -> None:
    left, right = block(np.s_[20:180], np.s_[20:80]), block(np.s_[60:180], np.s_[82:140])
    right[20:60, 200:210] = 1  # its box reaches over the left one's head
    kept = keep_map(keep(part=["0%", "0%", "100%", "25%"]), SIZE, [left, right])
    assert kept is not None
    assert kept[30:50, 30:70].min() > 0.99  # the left one's upper quarter
    assert kept[30:45, 200:203].min() > 0.98  # the right one's
    assert kept[80:].max() < 0.01
    assert kept[30:44, 100:180].max() < 0.01  # in the box, but nobody's
