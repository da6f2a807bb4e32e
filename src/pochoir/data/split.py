"""Which samples are trained on, validated on and tested on: drawn by seed, written down, read back."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from pochoir.errors import ConfigError, DataError, number_of
from pochoir.files import write_bytes


@dataclass(frozen=True)
class Split:
    """Disjoint lists of sample names."""

    train: list[str]
    val: list[str]
    test: list[str]

    def without(self, names: Collection[str]) -> "Split":
        """The same lists but for some names."""
        return Split(**{part: [name for name in listed if name not in names] for part, listed in asdict(self).items()})

    def digest(self) -> str:
        """Sixteen hexadecimal digits that tell splits apart."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:16]

    def write(self, path: Path) -> None:
        """Write the lists as JSON, atomically."""
        write_bytes(path, json.dumps(asdict(self), indent=1).encode())


def draw_split(names: Sequence[str], *, val: float, test: float, seed: int) -> Split:
    """Shuffle by a generator of its own; the last `val` names validate, the `test` before them test.

    val, test: counts from 1 on, shares of all below 1; a share above 0 is one sample at least. Raises `ConfigError`
    when nothing is left to train on.
    """
    total = len(names)
    val_count, test_count = (_count(part, total) for part in (val, test))
    train_count = total - val_count - test_count
    if train_count < 1:
        raise ConfigError(
            f"dataset.val={val:g} and dataset.test={test:g} leave nothing to train on: the dataset has "
            f"{number_of('sample', total)}"
        )
    order = torch.randperm(total, generator=torch.Generator().manual_seed(seed)).tolist()
    shuffled = [names[index] for index in order]
    return Split(
        train=shuffled[:train_count],
        test=shuffled[train_count : train_count + test_count],
        val=shuffled[total - val_count :],
    )


def _count(part: float, total: int) -> int:
    if part >= 1:
        return int(part)
    return max(1, round(part * total)) if part > 0 else 0


def read_split(path: Path, names: Sequence[str]) -> Split:
    """A split written by an earlier run; every name in it must be one of `names`, in one part only.

    Raises `DataError` naming the file and what does not fit.
    """
    try:
        content = json.loads(path.read_bytes())
        split = Split(**{part: [str(name) for name in content[part]] for part in ("train", "val", "test")})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: is no split with the lists train, val and test ({error!r})") from None
    listed = split.train + split.val + split.test
    unknown = sorted(set(listed) - set(names))
    if unknown:
        raise DataError(f"{path}: {len(unknown)} samples are not in the dataset, {unknown[0]} for one")
    if len(set(listed)) < len(listed):
        twice = next(name for name in listed if listed.count(name) > 1)
        raise DataError(f"{path}: {twice} is listed twice")
    if not split.train:
        raise DataError(f"{path}: nothing to train on")
    return split
