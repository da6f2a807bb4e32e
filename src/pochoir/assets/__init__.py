"""Pictures that come with the project: a photograph with its outline, and styles that it draws itself.

Settings that name a picture take `builtin:<name>` for them.
"""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pochoir.assets.weights import PERSON, pretrained_path
from pochoir.errors import ConfigError

PREFIX = "builtin:"
STYLES = ("strokes", "waves", "glass", "ink")
PORTRAIT, OUTLINE = "portrait", "portrait_outline"
"""matplotlib's photograph of a person, in the public domain, and a COCO file that outlines her."""
BUILTIN_PERSON = PREFIX + PERSON
"""A segmenter that finds people."""
SIZE = (512, 640)
"""(height, width) in pixels of the styles."""


def located(name: str) -> str:
    """The path of a file; the pictures called `builtin:<name>` are drawn, if need be, into the user's cache.

    Raises `ConfigError` for a name that does not exist.
    """
    if not name.startswith(PREFIX):
        return name
    kind = name.removeprefix(PREFIX)
    if kind == PORTRAIT:
        import matplotlib

        return str(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg")
    if kind == OUTLINE:
        return str(Path(__file__).with_name("portrait.json"))
    if kind == PERSON:
        return str(pretrained_path(PERSON))
    if kind not in STYLES:
        known = ", ".join(PREFIX + known for known in (PORTRAIT, OUTLINE, PERSON, *STYLES))
        raise ConfigError(f"'{name}' is none of what comes with the project: {known}")
    from pochoir.images import write_image

    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    path = cache / "pochoir" / f"{kind}-1.png"  # a new number when a style is drawn differently
    if not path.exists():
        write_image(path, drawn(kind, SIZE, seed=0))
    return str(path)


def drawn(kind: str, size: tuple[int, int], *, seed: int) -> NDArray[np.uint8]:
    """A style of `STYLES`, `[H, W, 3]` uint8 RGB, of (height, width) pixels."""
    from pochoir.assets import glass, ink, strokes, waves

    draw: dict[str, Callable[[tuple[int, int], np.random.Generator], NDArray[np.uint8]]] = {
        "strokes": strokes.draw,
        "waves": waves.draw,
        "glass": glass.draw,
        "ink": ink.draw,
    }
    return draw[kind](size, np.random.default_rng(seed))
