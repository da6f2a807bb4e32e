"""Motion between frames: where everything lay in the frame before, how far that can be trusted, and how far a film
flickers along it.
"""

from dataclasses import dataclass
from functools import cache, cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from pochoir.images import Pixels

Floats = NDArray[np.float32]

SIDE = 640
"""Long side in pixels at which motion is looked for, at most: it costs as much as painting on large frames."""
UNLIKE = 0.2
"""Mean difference of colours in [0, 1] from which on what has moved hardly looks like what is there."""
SOFT = 1.5
"""Pixels (a deviation) over which trust in what looks alike falls."""


@dataclass(frozen=True, eq=False)
class Motion:
    """From the frame before to this one.

    flow: `[H, W, 2]` float32, (x, y) in pixels: what is at p in this frame was at p + flow(p) in the one before.
    forth: the other way: what was at p in the frame before is at p + forth(p) in this one; less exact.
    trusted: `[H, W]` float32, 1 where it was to be seen there, 0 where something has uncovered it, or borders move.
    alike: `[H, W]` float32 in [0, 1], trusted where it looks the same as well: 0 where a fast object was lost, of which
    flows there and back may agree on what is behind it.
    """

    flow: Floats
    forth: Floats
    trusted: Floats
    alike: Floats

    @cached_property
    def places(self) -> Floats:
        """`[H, W, 2]` float32, (x, y): where everything was in the frame before."""
        return places_of(self.flow)

    def moved(self, values: NDArray) -> Floats:
        """Values of the frame before, `[H, W]` or `[H, W, C]` with C up to 4, where they are in this one."""
        return moved(values, self.places)

    def moved_back(self, values: NDArray) -> Floats:
        """Values of this frame, `[H, W]` or `[H, W, C]` with C up to 4, where they were in the frame before."""
        return moved(values, places_of(self.forth))


def places_of(flow: Floats) -> Floats:
    """`[H, W, 2]`, (x, y): p + flow(p) for each p."""
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.stack([x + flow[..., 0], y + flow[..., 1]], axis=-1)


def moved(values: NDArray, places: Floats, *, sharply: bool = False) -> Floats:
    """Values `[H, W]` or `[H, W, C]`, C up to 4, at places `[h, w, 2]`, (x, y) in pixels.

    sharply: by cubic interpolation, of which many in a row blur little, but which may leave the values' range.
    """
    method = cv2.INTER_CUBIC if sharply else cv2.INTER_LINEAR
    x, y = (np.ascontiguousarray(places[..., axis]) for axis in range(2))
    there = cv2.remap(values.astype(np.float32, copy=False), x, y, method, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(there, dtype=np.float32)


def motion_between(before: Pixels, now: Pixels) -> Motion:
    """Motion from one frame to the next, both `[H, W, 3]` uint8, by dense inverse search (Kroeger et al. 2016).

    Trusted is what flows there and back agree on, away from borders of motion (Sundaram et al. 2010; as Ruder et al.
    2016 paint by it), and what does not come from outside the frame.
    """
    height, width = now.shape[:2]
    factor = min(1.0, SIDE / max(height, width))
    small = max(1, round(width * factor)), max(1, round(height * factor))
    first, second = (_grey(frame, small) for frame in (before, now))
    back, forth = _flow(second, first, finest=0), _flow(first, second, finest=1)
    trusted = agreeing(back, forth)
    if (height, width) != back.shape[:2]:
        scale = np.array([width / small[0], height / small[1]], dtype=np.float32)
        back, forth = (np.asarray(cv2.resize(flow, (width, height)) * scale, np.float32) for flow in (back, forth))
        trusted = np.asarray(cv2.resize(trusted, (width, height), interpolation=cv2.INTER_NEAREST), dtype=np.float32)
    difference = cv2.blur(np.abs(now.astype(np.float32) - moved(before, places_of(back))).mean(axis=-1), (5, 5)) / 255
    # where half of what is around is; paint that is kept beside fresh paint would have ragged edges else
    softly = np.minimum(1, 2 * cv2.GaussianBlur(trusted, (0, 0), SOFT))
    return Motion(back, forth, trusted, np.asarray(softly * np.exp(-np.square(difference / UNLIKE)), dtype=np.float32))


def agreeing(back: Floats, forth: Floats) -> Floats:
    """`[H, W]` float32, 1 where the flow back, w, can be trusted: with ŵ the flow forth at p + w(p),
    |w + ŵ|² ≤ .01 (|w|² + |ŵ|²) + .5, and |∇w|² ≤ .01 |w|² + .002 (Ruder et al. 2016, after Sundaram et al. 2010).
    """
    height, width = back.shape[:2]
    places = places_of(back)
    opposite = moved(forth, places)
    length = _squares(back)
    meets = _squares(back + opposite) <= 0.01 * (length + _squares(opposite)) + 0.5
    slopes = sum(_squares(np.asarray(np.gradient(back[..., axis]), np.float32), axis=0) for axis in range(2))
    x, y = places[..., 0], places[..., 1]
    within = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return (meets & (slopes <= 0.01 * length + 0.002) & within).astype(np.float32)


def warping_error(now: Pixels, before: Pixels, motion: Motion, where: Floats) -> tuple[float, float]:
    """Sum of squared differences between a frame and the one before, moved, over what can be trusted, and how many
    pixels that is: E_warp of Lai et al. (2018) is their quotient.

    Frames are `[H, W, 3]` uint8, taken in [0, 1]; squares are means over the channels. where: `[H, W]` in [0, 1],
    weights.
    """
    difference = (now.astype(np.float32) - motion.moved(before)) / 255
    weights = motion.trusted * where
    return float((np.square(difference).mean(axis=-1) * weights).sum()), float(weights.sum())


@cache
def _search(finest: int) -> cv2.DISOpticalFlow:
    """finest: the level of the pyramid that is looked at last, 0 the whole.

    True masks of four clips of DAVIS, moved to the next frame, overlapped its own by .83 with 0 and by .80 with 1, in
    25 and 6 ms; variational refinement, which smooths over the borders of what moves, took .01 from either.
    """
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(finest)
    search.setVariationalRefinementIterations(0)
    return search


def _flow(first: NDArray[np.uint8], second: NDArray[np.uint8], finest: int) -> Floats:
    return np.asarray(_search(finest).calc(first, second, None), dtype=np.float32)  # type: ignore[call-overload]


def _grey(frame: Pixels, size: tuple[int, int]) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    if grey.shape != size[::-1]:
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return np.asarray(grey, dtype=np.uint8)


def _squares(vectors: Floats, axis: int = -1) -> Floats:
    return np.asarray(np.square(vectors).sum(axis=axis), dtype=np.float32)
