"""What is painted and its stencil, recorded side by side: parts that grow by a frame at a time, and are joined."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pochoir.config import FilmConfig
from pochoir.film.clips import Clip
from pochoir.film.encoding import ALPHA, PART_SUFFIX, Part, join
from pochoir.film.filming import Shot
from pochoir.runs.frames import row_of

PARTS = "parts"
"""The folder of them, until they are joined."""


class Recording:
    """A part of a film and of its stencil, there once it is closed.

    rows: what is told of its frames.
    """

    def __init__(self, config: FilmConfig, clip: Clip, folder: Path, name: str) -> None:
        picture, stencil = _files(folder, name)
        self._picture = Part(picture, clip, config.suffix, crf=config.crf)
        self._stencil = Part(stencil, clip, ".mkv", is_grey=True)
        self.rows: list[dict[str, Any]] = []

    def add(self, shot: Shot) -> None:
        """Add a frame."""
        self._picture.write(shot.pixels, shot.frame.time)
        self._stencil.write(np.rint(shot.alpha * 255).astype(np.uint8), shot.frame.time)
        self.rows.append(row_of(shot))

    def close(self) -> None:
        """Finish it; of one without frames nothing is left."""
        self._picture.close()
        self._stencil.close()


def joined(parts: Path, names: Sequence[str], result: Path, sound: Path | None = None) -> None:
    """Write the film that recordings in `parts` make, with alpha.mkv beside it; see `join`."""
    files = [_files(parts, name) for name in names]
    join([picture for picture, _ in files], result, sound)
    join([stencil for _, stencil in files], result.with_name(ALPHA))


def _files(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / f"{name}{PART_SUFFIX}", folder / f"{name}_alpha{PART_SUFFIX}"
