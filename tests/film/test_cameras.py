"""Cameras: the newest picture is seen, and errors reach whoever waits for one."""

import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from clips import FRAMES, frames, write_clip
from pochoir.errors import DataError
from pochoir.film.cameras import Camera, opened
from pochoir.images import Pixels


def test_a_film_is_played_at_its_own_pace(tmp_path: Path) -> None:
    folder = write_clip(tmp_path)
    with opened(str(folder / "clip.mkv")) as camera:
        seen = list(camera.frames())
    of_clip = [next(number for number in range(FRAMES) if (frame.pixels == frames()[number]).all()) for frame in seen]
    assert of_clip == sorted(set(of_clip))
    assert of_clip[-1] == FRAMES - 1  # the last one waits for whoever is late
    times = [float(frame.time) for frame in seen]
    assert times[0] == 0
    assert times == sorted(times)
    assert times[-1] == pytest.approx((of_clip[-1] - of_clip[0]) / 25, abs=0.04)


def test_what_nobody_had_time_for_is_dropped(tmp_path: Path) -> None:
    folder = write_clip(tmp_path)
    with opened(str(folder / "clip.mkv")) as camera:
        seen = []
        for frame in camera.frames():
            seen.append(frame)
            time.sleep(0.3)
    assert len(seen) < FRAMES
    assert [frame.number for frame in seen] == list(range(len(seen)))
    assert (seen[-1].pixels == frames()[-1]).all()


def test_it_is_let_go_of_when_nobody_looks_any_more() -> None:
    looked = []

    def endless() -> Iterator[Pixels]:
        while True:
            looked.append(1)
            yield np.zeros((4, 4, 3), np.uint8)
            time.sleep(0.001)

    camera = Camera("camera:0", endless())
    assert next(camera.frames()).pixels.shape == (4, 4, 3)
    camera.stop()
    count = len(looked)
    time.sleep(0.02)
    assert len(looked) == count


class Plugged:
    """In place of OpenCV's: two pictures, all blue, then none."""

    def __init__(self, number: int) -> None:
        self.left = 2 if number == 0 else 0
        self.opened = number == 0

    def isOpened(self) -> bool:  # noqa: N802
        return self.opened

    def read(self) -> tuple[bool, Pixels | None]:
        self.left -= 1
        blue = np.zeros((4, 6, 3), np.uint8)
        blue[..., 0] = 200  # OpenCV's order
        return (True, blue) if self.left >= 0 else (False, None)

    def release(self) -> None:
        self.opened = False


def test_a_camera_that_is_unplugged_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", Plugged)
    with opened("0") as camera:
        assert camera.clip.size == (4, 6)
        with pytest.raises(DataError, match="camera:0 gives no more pictures; is it still plugged in"):
            for frame in camera.frames():
                assert frame.pixels[0, 0].tolist() == [0, 0, 200]


def test_a_camera_that_is_not_there_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", Plugged)
    with (
        pytest.raises(DataError, match="camera:7 cannot be opened: it is not there, in use, or not permitted"),
        opened("7"),
    ):
        pass
