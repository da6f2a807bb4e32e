"""Who is where in a film: objects that are found in some of its frames and followed through those between."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pochoir.composition.stencil import masked
from pochoir.config import FilmConfig
from pochoir.errors import DataError
from pochoir.film.clips import Frame
from pochoir.film.motion import Motion, motion_between
from pochoir.film.tracking import Track, Tracker
from pochoir.film.watch import Watch
from pochoir.images import Picture, Pixels
from pochoir.segmentation.instances import Instances

Find = Callable[[Any], Instances]
"""A segmenter: instances of a picture `[H, W, 3]` uint8."""
AHEAD = 6
"""Frames that are waited for, at most, to see what the next look finds: they are held in memory."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A frame, the motion from the one before (None for the first), the objects in it by their numbers, and what was
    found in it; None: nobody looked.
    """

    frame: Frame
    motion: Motion | None
    objects: dict[int, Track]
    found: Instances | None


class Follower:
    """Objects from frame to frame. Between two looks they are where both say, see `interpolated`: frames are read up
    to the next look before the first of them is told, but for a camera's, which cannot wait.

    find: a segmenter, asked for every `find.every`-th frame; not where a mask picture is given for each. Raises
    `DataError` where a frame's mask is missing.
    """

    def __init__(self, config: FilmConfig, find: Find | None) -> None:
        self.config = config
        self._find = find
        self._looks_ahead = find is not None and config.camera is None
        self._tracker = Tracker(config.track, sure=config.find.score_threshold, makes_new=not config.gives_objects)
        self._before: Pixels | None = None
        self._told: tuple[Scene, ...] = ()
        """Scenes that are known and have not been given away."""
        self._failure: DataError | None = None
        """Why no more can be read; raised once all before it was given away."""

    @property
    def ahead(self) -> int:
        """Frames that were read beyond the last scene that was given away."""
        return len(self._told)

    def scenes(self, frames: Iterable[Frame], watch: Watch) -> Iterator[Scene]:
        """A scene for each frame, and those that an earlier session had read."""
        rest = iter(frames)
        while self._told or self._read(rest, watch):
            scene, *later = self._told
            self._told = tuple(later)
            yield scene
        if self._failure is not None:
            raise self._failure

    def _read(self, frames: Iterator[Frame], watch: Watch) -> bool:
        """Up to the next look; returns whether there was anything left."""
        scenes: list[Scene] = []
        while len(scenes) < (AHEAD if self._looks_ahead else 1):
            with watch("decode"):
                try:
                    frame = next(frames, None)
                except DataError as error:
                    frame, self._failure = None, error
            if frame is None:
                break
            scenes.append(self._scene(frame, watch))
            if scenes[-1].found is not None:
                break
        self._told = tuple(interpolated(scenes))
        return bool(scenes)

    def _scene(self, frame: Frame, watch: Watch) -> Scene:
        with watch("flow"):
            motion = None if self._before is None else motion_between(self._before, frame.pixels)
        with watch("find"):
            if motion is None:
                found = self._seen(frame, self.config.find.score_threshold)
                assert found is not None  # the first frame is looked at
                self._tracker.begin(found, frame.pixels)
            else:
                self._tracker.move(motion)
                found = self._seen(frame, self.config.track.doubtful)
                if found is not None:
                    self._tracker.find(found, frame.pixels)
        self._before = frame.pixels
        return Scene(frame, motion, dict(self._tracker.present), found)

    def _seen(self, frame: Frame, score: float) -> Instances | None:
        """What is given or found in a frame; None: it is not looked at."""
        if self._find is None:
            if frame.number and not self.config.masks_folder:
                return None
            return masked(self.config, Picture(frame.pixels), Path(frame.name or f"{frame.number:05d}.png"))
        return self._find(frame.pixels).above(score) if frame.number % self.config.find.every == 0 else None

    def state(self) -> dict[str, Any]:
        """All that there is to know to go on."""
        return {"tracker": self._tracker.state(), "before": self._before, "told": self._told}

    def restore(self, state: dict[str, Any]) -> None:
        self._tracker.restore(state["tracker"])
        self._before, self._told = state["before"], state["told"]


def interpolated(scenes: Sequence[Scene]) -> list[Scene]:
    """Scenes up to a look, the last of them: what it found is moved back through those before, and mixed with what was
    moved on to them, each by how near it is. An object that is new is there from the first of them on.

    Where the last one is no look, they stay as they are.
    """
    if not scenes or scenes[-1].found is None:
        return list(scenes)
    told = [scenes[-1]]
    back = {number: track for number, track in scenes[-1].objects.items() if track.missed == 0}
    for place in range(len(scenes) - 2, -1, -1):
        scene, motion = scenes[place], scenes[place + 1].motion
        assert motion is not None
        back = {number: replace(track, mask=motion.moved_back(track.mask)) for number, track in back.items()}
        share, objects = (place + 1) / len(scenes), dict(scene.objects)
        for number, track in back.items():
            ahead = objects.get(number)
            mask = track.mask if ahead is None else ahead.mask + share * (track.mask - ahead.mask)
            objects[number] = replace(ahead or track, mask=mask)
        told.insert(0, replace(scene, objects=objects))
    return told
