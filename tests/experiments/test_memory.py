"""A run's peak of memory is its own, not that of a run before it in the same process."""

import numpy as np

from pochoir.experiments.memory import PeakMemory

MEGABYTES = 400


def test_a_run_does_not_inherit_the_peak_of_the_one_before() -> None:
    with PeakMemory() as idle:
        pass
    with PeakMemory() as busy:
        np.ones(MEGABYTES * 125_000)
    with PeakMemory() as later:
        pass
    assert busy.gigabytes - idle.gigabytes > 0.9 * MEGABYTES / 1000
    assert later.gigabytes - idle.gigabytes < 0.1
