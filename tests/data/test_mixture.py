"""How many of each part an epoch of a mixture takes, and which, and what its classes are."""

from collections import Counter
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from pochoir.data.mixture import Mixture, MixtureDraw, share_out
from pochoir.data.source import Sample
from pochoir.errors import DataError


def test_a_part_is_gone_through_before_a_sample_comes_again() -> None:
    draw = MixtureDraw([range(7), range(100, 102)], [3, 5])
    epochs = [draw(epoch) for epoch in range(14)]
    assert all(len(epoch) == len(draw) == 8 for epoch in epochs)
    first = [index for epoch in epochs for index in epoch if index < 100]
    assert all(sorted(first[start : start + 7]) == list(range(7)) for start in range(0, len(first), 7))
    second = Counter(index for epoch in epochs for index in epoch if index >= 100)
    assert second == {100: 35, 101: 35}
    assert all(Counter(epoch)[100] in {2, 3} for epoch in epochs)


def test_an_epoch_depends_on_seed_and_number_alone() -> None:
    torch.manual_seed(1)
    draw = MixtureDraw([range(50), range(50, 60)], [20, 5], seed=3)
    late = draw(4)
    torch.manual_seed(2)
    again = MixtureDraw([range(50), range(50, 60)], [20, 5], seed=3)
    assert [again(epoch) for epoch in range(5)][4] == late == draw(4)
    assert MixtureDraw([range(50), range(50, 60)], [20, 5], seed=4)(4) != late


def test_turns_differ() -> None:
    draw = MixtureDraw([range(30)], [30])
    assert draw(0) != draw(1)


def test_a_part_may_be_empty_or_left_out() -> None:
    assert MixtureDraw([[], [5, 6]], [0, 2])(3) in ([5, 6], [6, 5])
    assert MixtureDraw([[1, 2, 3], [5, 6]], [0, 2])(3) in ([5, 6], [6, 5])


@pytest.mark.parametrize(
    "length, weights, counts",
    [
        (10, [1, 1], [5, 5]),
        (1000, [0.55, 0.25, 0.2], [550, 250, 200]),
        (10, [1, 1, 1], [4, 3, 3]),
        (7, [3, 0, 1], [5, 0, 2]),
        (1, [0.2, 0.5, 0.3], [0, 1, 0]),
        (3, [1e9, 1e9, 1e9], [1, 1, 1]),
    ],
)
def test_shares_are_whole_numbers_that_add_up(length: int, weights: list[float], counts: list[int]) -> None:
    assert share_out(length, weights) == counts


def part(classes: tuple[str, ...] | None, labels: list[int] | None) -> Any:
    """A source of one sample, with as many instances as it has labels."""
    count = len(labels or [1])
    made = Sample(np.zeros((8, 8, 3), np.uint8), np.ones((count, 8, 8), bool), np.zeros(count, bool))
    sample = made if labels is None else replace(made, labels=np.array(labels))
    named = {} if classes is None else {"classes": classes}
    return SimpleNamespace(names=["a.png"], read=[sample].__getitem__, **named)


def test_classes_are_merged_by_name() -> None:
    mixture = Mixture(
        {
            "one": part(("person", "dog"), [2, 1]),
            "two": part(("bear", "person"), [1, 2, 2]),
            "three": part(None, None),
        }
    )
    assert mixture.classes == ("person", "dog", "bear", "object")
    assert [mixture.read(index).labels.tolist() for index in range(3)] == [[2, 1], [3, 1, 1], [4]]


def test_parts_without_classes_make_one_class() -> None:
    mixture = Mixture({"one": part(None, None), "two": part(("object",), [1])})
    assert mixture.classes == ("object",)
    assert mixture.read(0).labels is None


def test_labels_that_a_part_does_not_know_are_named() -> None:
    mixture = Mixture({"one": part(("person", "dog"), [0, 3])})
    with pytest.raises(DataError, match=r"^one/a\.png: labels \[0, 3\] are not all numbers of classes \(1 p"):
        mixture.read(0)
