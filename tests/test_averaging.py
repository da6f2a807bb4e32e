"""Averaged weights: few steps forget the start, many reach the full length."""

import pytest
import torch

from pochoir.averaging import averaging, warmed_decay


def remains_of_the_start(steps: int, decay: float) -> float:
    average, next_average = torch.ones(()), averaging(decay)
    for step in range(1, steps + 1):
        average = next_average(average, torch.zeros(()), torch.tensor(step))
    return float(average)


@pytest.mark.parametrize("decay", [0.99, 0.998])
def test_few_steps_forget_the_start(decay: float) -> None:
    assert 0.99**24 > 0.78  # what a fixed decay would keep
    assert remains_of_the_start(24, decay) < 1e-5


def test_the_average_ends_with_the_decay_that_was_asked_for() -> None:
    assert warmed_decay(1, 0.99) == pytest.approx(2 / 11)
    assert warmed_decay(480, 0.99) == pytest.approx(481 / 490)
    assert warmed_decay(10_000, 0.99) == 0.99
    assert warmed_decay(100, 0.5) == 0.5


def test_it_is_an_average() -> None:
    same = torch.full((3,), 2.0)
    assert torch.allclose(averaging(0.9)(same, same, 7), same)
    assert averaging(0.9)(torch.zeros(1), torch.ones(1), 100).item() == pytest.approx(0.1)
