"""An exponential average of a network's weights that begins short: few steps are enough to forget the start."""

from collections.abc import Callable
from typing import Any

from pytorch_lightning.callbacks import WeightAveraging
from torch import Tensor

LAG = 9
"""The average of n steps reaches back over about a ninth of them, until it has its full length."""


class AveragedWeights(WeightAveraging):
    """Averages the weights after every step by `warmed_decay`; the average is evaluated, and kept in checkpoints.

    decay: in [0, 1), where the average ends up: it then reaches back over about 1 / (1 - decay) steps. With a fixed
    decay of .99 it would be the start's by 79 % after 24 steps.
    """

    def __init__(self, decay: float) -> None:
        super().__init__(use_buffers=True, avg_fn=averaging(decay))

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        return step_idx is not None


def averaging(decay: float) -> Callable[[Tensor, Tensor, Any], Tensor]:
    """What torch's `AveragedModel` asks for: from average, weights and steps so far to the next average."""

    def next_average(average: Tensor, weights: Tensor, steps: Any) -> Tensor:
        kept = warmed_decay(int(steps), decay)
        return kept * average + (1 - kept) * weights

    return next_average


def warmed_decay(steps: int, decay: float) -> float:
    """Share of the average that stays after so many steps: (1 + n) / (1 + n + LAG), `decay` at most.

    The formula is that of TensorFlow's `ExponentialMovingAverage` (`num_updates`).
    """
    return min(decay, (1 + steps) / (1 + steps + LAG))
