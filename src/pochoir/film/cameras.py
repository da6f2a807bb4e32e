"""Cameras in: the newest picture whenever one is asked for; those that nobody had time for are dropped."""

import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from pochoir.errors import DataError
from pochoir.film.clips import Clip, Frame, open_clip
from pochoir.images import Pixels

RATE = Fraction(30)
"""Frames a second, of a film or a camera that does not tell."""
TICK = Fraction(1, 1000)
"""Seconds, of which the times of frames are multiples."""

_set_log_level = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel
"""OpenCV 4's name of it, and 5's."""


class Camera:
    """What a camera sees, watched by a thread until `stop`. pictures: as they come; the first is waited for.

    Raises `DataError` where there is none; later ones are raised by `frames`.
    """

    def __init__(self, name: str, pictures: Iterator[Pixels]) -> None:
        self._pictures = pictures
        self._changed = threading.Condition()
        self._newest: tuple[Pixels, float] | None = None
        self._is_over = False
        self._error: Exception | None = None
        first = next(pictures, None)
        if first is None:
            raise DataError(f"content: {name} gives no pictures")
        self.clip = Clip(Path(name), (first.shape[0], first.shape[1]), RATE, TICK)
        self._thread = threading.Thread(target=self._watch, name=name, daemon=True)
        self._thread.start()

    def frames(self) -> Iterator[Frame]:
        """The newest picture each time, as it comes; its time is when it came."""
        began, number = None, 0
        while (seen := self._next()) is not None:
            pixels, at = seen
            began = at if began is None else began
            yield Frame(number, pixels, round((at - began) / TICK) * TICK)
            number += 1

    def stop(self) -> None:
        """Let go of the camera."""
        self._is_over = True
        self._thread.join()

    def _next(self) -> tuple[Pixels, float] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self._is_over)
            seen, self._newest = self._newest, None
        if seen is None and self._error is not None:
            raise self._error
        return seen

    def _watch(self) -> None:
        try:
            for pixels in self._pictures:
                with self._changed:
                    self._newest = pixels, time.monotonic()
                    self._changed.notify()
                if self._is_over:
                    break
        except Exception as error:  # raised by whoever waits for the next picture
            self._error = error
        finally:
            with self._changed:
                self._is_over = True
                self._changed.notify()


@contextmanager
def opened(name: str) -> Iterator[Camera]:
    """A camera by its number, or the file of a film, played as if a camera saw it.

    Raises `DataError` that names those there are where it cannot be had.
    """
    with closing(_seen(int(name)) if name.isdigit() else _played(Path(name).expanduser())) as pictures:
        camera = Camera(f"camera:{name}", pictures)
        try:
            yield camera
        finally:
            camera.stop()


def _seen(number: int) -> Generator[Pixels, None, None]:
    _set_log_level(0)  # what OpenCV would say is said below
    capture = cv2.VideoCapture(number)
    try:
        if not capture.isOpened():
            raise DataError(
                f"content: camera:{number} cannot be opened: it is not there, in use, or not permitted{_known()}"
            )
        while True:
            is_read, pixels = capture.read()
            if not is_read:
                raise DataError(f"content: camera:{number} gives no more pictures; is it still plugged in?")
            yield np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), dtype=np.uint8)
    finally:
        capture.release()


def _played(path: Path) -> Generator[Pixels, None, None]:
    began = time.monotonic()
    for frame in open_clip(path, RATE).frames():
        time.sleep(max(0.0, float(frame.time) - (time.monotonic() - began)))
        yield frame.pixels


def _known() -> str:
    """The cameras that the system tells of, where it does."""
    numbers = sorted(int(path.name[5:]) for path in Path("/dev").glob("video*") if path.name[5:].isdigit())
    return f"; there are {', '.join(f'camera:{number}' for number in numbers)}" if numbers else ""
