"""One seed from several numbers, so that a draw depends on what it is for and not on what was drawn before."""

import numpy as np


def mixed_seed(*parts: int) -> int:
    """A well-mixed 64-bit seed of non-negative integers, say (run seed, epoch, sample); order matters."""
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0])
