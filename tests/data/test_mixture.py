"""How many of each part an epoch of a mixture takes, and which."""

from collections import Counter

import pytest
import torch

from pochoir.data.mixture import MixtureDraw, share_out


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
