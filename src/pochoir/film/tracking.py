"""Objects that keep their numbers through a film: what is found in a frame, matched with what was there before."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from pochoir.config import TrackingConfig
from pochoir.film.motion import Floats, Motion
from pochoir.images import Pixels
from pochoir.segmentation.instances import Instances

log = logging.getLogger(__name__)

SOLID = 0.5
"""Where a mask is at least this, its object is."""
HIDDEN = 0.5
"""Share of a found object within one that has its number already, from which on it is a part of that one."""
AGAIN = 0.1
"""Intersection over union from which on what was found once was found again: its mask has moved along for some frames
after a single look, and who has no number yet can be taken for nobody else.
"""
VANISHED = 16
"""Pixels: of an object that is followed without being found, no less can be told."""
COLOURS = (16, 8)
"""Bins of hue and saturation of how an object looks."""


@dataclass(frozen=True, eq=False)
class Track:
    """An object and its number.

    mask: `[H, W]` float32 soft in [0, 1], where it is in this frame: found there, or moved on. look: how its colours
    are distributed. cells: see `Instances`. missed: frames since it was found; overlooked: looks
    in a row that did not find it. seen: looks in a row that found it before it had a number.
    """

    number: int
    mask: Floats
    look: Floats
    cells: int | None
    missed: int = 0
    overlooked: int = 0
    seen: int = 1

    @property
    def solid(self) -> NDArray[np.bool_]:
        return self.mask >= SOLID


class Tracker:
    """Follows objects from frame to frame. `present` are those with numbers, by these; `tentative` are those that were
    not found often enough yet; `lost` have left.

    What is found goes to the object whose moved mask it overlaps best (all of them together, by the Hungarian method),
    what was found surely enough and by nobody's mask becomes a new object, once it was found `settings.births` times in
    a row; it takes the number of one that looks like it and has left, or was overlooked as often meanwhile: its mask
    went astray. What nobody finds any more is moved along for `settings.patience` frames. Doubtful finds keep objects
    alive, but make none (ByteTrack, Zhang et al. 2022).
    """

    def __init__(self, settings: TrackingConfig, *, sure: float, makes_new: bool = True) -> None:
        self.settings = settings
        self.sure = sure
        self.makes_new = makes_new
        self.present: dict[int, Track] = {}
        self.tentative: list[Track] = []
        self.lost: dict[int, Track] = {}

    def begin(self, instances: Instances, frame: Pixels) -> None:
        """The first frame: every object has the number that it has in `instances`."""
        for number, mask in enumerate(instances.masks.numpy()):
            self.present[number] = Track(number, mask, look_of(frame, mask), instances.cells)

    def move(self, motion: Motion) -> None:
        """All masks on to the next frame; what has left the picture, or was not found for long, is lost."""
        self.tentative = [_moved(track, motion) for track in self.tentative]
        for number, track in list(self.present.items()):
            there = _moved(track, motion)
            self.present[number] = there
            if there.missed > self.settings.patience or there.solid.sum() < VANISHED:
                self.lost[number] = self.present.pop(number)
                log.info("object %d is out of sight", number)

    def find(self, instances: Instances, frame: Pixels) -> None:
        """What was found in this frame, to which all masks have been moved."""
        instances = instances[(instances.masks >= SOLID).flatten(1).sum(dim=1) >= VANISHED]
        found = [Track(-1, mask, look_of(frame, mask), instances.cells) for mask in instances.masks.numpy()]
        tracks, left = list(self.present.values()), set(range(len(found)))
        pairs = dict(assigned(overlaps(tracks, found), self.settings.min_overlap))
        for row, track in enumerate(tracks):
            if row in pairs:
                self._go_on(track, found[pairs[row]])
                left.remove(pairs[row])
            else:
                self.present[track.number] = replace(track, overlooked=track.overlooked + 1)
        sure = (instances.scores >= self.sure).tolist()
        new = [found[index] for index in sorted(left) if sure[index] and not self._is_part(found[index])]
        self._consider(new if self.makes_new else [])

    def _go_on(self, before: Track, found: Track) -> None:
        look = 0.9 * before.look + 0.1 * found.look  # slowly, as light changes
        self.present[before.number] = replace(found, number=before.number, look=look)

    def _is_part(self, found: Track) -> bool:
        """Whether an object with a number covers most of what was found, say a leg that was found beside it."""
        solid = found.solid
        return any((solid & track.solid).sum() > HIDDEN * solid.sum() for track in self.present.values())

    def _consider(self, new: Sequence[Track]) -> None:
        """Give numbers to what was found often enough."""
        pairs = dict(assigned(overlaps(self.tentative, new), AGAIN))
        seen = {column: self.tentative[row].seen + 1 for row, column in pairs.items()}
        self.tentative = []
        for index, track in enumerate(new):
            known = replace(track, seen=seen.get(index, 1))
            if known.seen < self.settings.births:
                self.tentative.append(known)
                continue
            number = self._numbered(known)
            self.present[number] = replace(known, number=number)

    def _numbered(self, track: Track) -> int:
        astray = {number: other for number, other in self.present.items() if other.overlooked >= self.settings.births}
        gone = {**self.lost, **astray}
        alike = {number: likeness(track.look, other.look) for number, other in gone.items()}
        best = max(alike, key=lambda number: alike[number], default=None)
        if best is not None and alike[best] >= self.settings.alike:
            log.info("object %d is back: it looks like itself (%.2f)", best, alike[best])
            self.lost.pop(best, None)
            return best
        number = max([*self.present, *self.lost], default=-1) + 1
        told = f"; of those that left it is most like {best} ({alike[best]:.2f})" if best is not None else ""
        log.info("object %d is new%s", number, told)
        return number

    def state(self) -> dict[str, Any]:
        """All that there is to know to go on."""
        return {"present": dict(self.present), "tentative": self.tentative, "lost": dict(self.lost)}

    def restore(self, state: dict[str, Any]) -> None:
        self.present, self.tentative, self.lost = state["present"], state["tentative"], state["lost"]


def overlaps(tracks: Sequence[Track], others: Sequence[Track]) -> Floats:
    """`[N, M]`: intersection over union of masks."""
    if not tracks or not others:
        return np.zeros((len(tracks), len(others)), dtype=np.float32)
    rows, columns = (np.stack([track.solid.ravel() for track in part]).astype(np.float32) for part in (tracks, others))
    both = rows @ columns.T
    either = rows.sum(axis=1)[:, None] + columns.sum(axis=1) - both
    return np.asarray(both / np.maximum(1, either), dtype=np.float32)


def assigned(table: Floats, least: float) -> list[tuple[int, int]]:
    """Rows and columns `[N, M]` paired so that the sum over all pairs is largest; pairs below `least` are none."""
    rows, columns = linear_sum_assignment(table, maximize=True)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if table[row, column] >= least]


def look_of(frame: Pixels, mask: Floats) -> Floats:
    """How the colours of an object are distributed: a histogram of hue and saturation, which sums to 1."""
    solid = (mask >= SOLID).astype(np.uint8)
    left, top, width, height = cv2.boundingRect(solid)
    there = np.s_[top : top + height, left : left + width]
    if not solid[there].size:
        return np.zeros(COLOURS, dtype=np.float32)
    hsv = cv2.cvtColor(np.ascontiguousarray(frame[there]), cv2.COLOR_RGB2HSV)
    counted = cv2.calcHist([hsv], [0, 1], np.ascontiguousarray(solid[there]), list(COLOURS), [0, 180, 0, 256])
    return np.asarray(counted / max(1.0, counted.sum()), dtype=np.float32)


def likeness(one: Floats, other: Floats) -> float:
    """Bhattacharyya's coefficient of two histograms, in [0, 1]; 1: equal."""
    return float(np.sqrt(one * other).sum())


def _moved(track: Track, motion: Motion) -> Track:
    return replace(track, mask=motion.moved(track.mask), missed=track.missed + 1)
