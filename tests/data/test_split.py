"""Splits: drawn by their own seed, written down, read back, refused when they do not fit."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from pochoir.data.split import Split, draw_split, read_split
from pochoir.errors import ConfigError, DataError

NAMES = [f"{number:02d}.png" for number in range(20)]


@pytest.mark.parametrize(
    ("val", "test", "sizes"),
    [
        (5, 3, (12, 5, 3)),
        (0.25, 0.1, (13, 5, 2)),
        (0, 0, (20, 0, 0)),
        (1, 0, (19, 1, 0)),  # 1 is one sample, not all of them
        (0.2, 0, (16, 4, 0)),
        (0.01, 0.01, (18, 1, 1)),  # a share is never rounded to nothing
    ],
)
def test_parts_are_disjoint_and_complete(val: float, test: float, sizes: tuple[int, int, int]) -> None:
    split = draw_split(NAMES, val=val, test=test, seed=3)
    assert (len(split.train), len(split.val), len(split.test)) == sizes
    assert sorted(split.train + split.val + split.test) == NAMES


def test_the_last_of_the_permutation_validate() -> None:
    order = torch.randperm(20, generator=torch.Generator().manual_seed(7)).tolist()
    split = draw_split(NAMES, val=5, test=3, seed=7)
    assert split.val == [NAMES[index] for index in order[-5:]]
    assert split.test == [NAMES[index] for index in order[-8:-5]]
    assert split.train == [NAMES[index] for index in order[:12]]


def test_a_split_neither_uses_nor_changes_the_global_random_state() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = draw_split(NAMES, val=5, test=3, seed=0)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert draw_split(NAMES, val=5, test=3, seed=0) == first
    assert draw_split(NAMES, val=5, test=3, seed=1) != first


@pytest.mark.parametrize(("val", "test"), [(20, 0), (0, 20), (15, 5), (0.9, 0.1), (30, 0)])
def test_nothing_left_to_train_on_is_refused(val: float, test: float) -> None:
    with pytest.raises(ConfigError, match=rf"dataset\.val={val:g} and dataset\.test={test:g} .* has 20 samples"):
        draw_split(NAMES, val=val, test=test, seed=0)


def test_a_split_is_read_back_as_written(tmp_path: Path) -> None:
    split = Split(train=["01.png", "ä.png"], val=["02.png"], test=[])
    split.write(tmp_path / "run" / "split.json")
    read = read_split(tmp_path / "run" / "split.json", ["ä.png", *NAMES])
    assert read == split
    assert read.digest() == split.digest()


def test_digests_tell_splits_apart() -> None:
    splits = [
        Split(train=["a", "b"], val=["c"], test=[]),
        Split(train=["a"], val=["b", "c"], test=[]),
        Split(train=["a", "b"], val=[], test=["c"]),
        Split(train=["a", "b"], val=["d"], test=[]),
    ]
    assert len({split.digest() for split in splits}) == 4
    assert all(len(split.digest()) == 16 for split in splits)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            {"train": ["00.png"], "val": ["gone.png"], "test": ["lost.png"]},
            "2 samples are not in the dataset, gone.png",
        ),
        ({"train": ["00.png"], "val": ["00.png"], "test": []}, "00.png is listed twice"),
        ({"train": ["00.png", "00.png"], "val": [], "test": []}, "00.png is listed twice"),
        ({"train": [], "val": ["00.png"], "test": []}, "nothing to train on"),
        ({"train": ["00.png"], "val": []}, "is no split"),
        ({"train": 3, "val": [], "test": []}, "is no split"),
        (["00.png"], "is no split"),
    ],
)
def test_a_split_that_does_not_fit_is_refused_by_name(tmp_path: Path, content: Any, message: str) -> None:
    path = tmp_path / "split.json"
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=rf"split\.json: {message}"):
        read_split(path, NAMES)


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff\xfe\xff"])
def test_a_file_that_is_no_json_is_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "split.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"split\.json: is no split"):
        read_split(path, NAMES)
