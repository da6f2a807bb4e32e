"""Seeds mixed of several numbers."""

import torch

from pochoir.seeding import mixed_seed


def test_every_part_and_their_order_matter() -> None:
    parts = [(0, 1, 2), (1, 1, 2), (0, 2, 2), (0, 1, 3), (2, 1, 0), (1, 0, 2)]
    assert len({mixed_seed(*some) for some in parts}) == len(parts)
    assert mixed_seed(0, 1, 2) == mixed_seed(0, 1, 2)


def test_seeds_use_all_64_bits_and_torch_takes_them() -> None:
    seeds = [mixed_seed(number) for number in range(64)]
    assert max(seeds) >= 2**63
    for seed in seeds:
        torch.Generator().manual_seed(seed)
