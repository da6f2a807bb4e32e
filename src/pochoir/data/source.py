"""What every dataset must be able to do: name its samples and read one."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Sample:
    """One annotated photo as it comes from disk, before any augmentation.

    image: `[H, W, 3]` uint8 RGB.
    masks: `[N, H, W]` bool, one instance each; they may overlap; N may be 0.
    crowd: `[N]` bool, True where the mask covers a group that evaluation ignores and training leaves out.
    """

    image: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    crowd: NDArray[np.bool_]


class Source(Protocol):
    """A dataset: `names[i]` identifies a sample for people (a file name), `read(i)` loads it.

    `read` raises `DataError`, naming the file, when the sample cannot be used.
    """

    @property
    def names(self) -> Sequence[str]: ...

    def read(self, index: int) -> Sample: ...


def leads_outside(name: str) -> bool:
    """Whether a file name in an annotation file or archive leaves the folder that it is relative to; links aside."""
    path = Path(os.path.normpath(name))
    return bool(path.anchor) or path.parts[:1] == ("..",)
