"""Clips in: the frames of a film, or the pictures of a folder, one after the other, as they are displayed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from pochoir.errors import DataError, suggested_file
from pochoir.images import Pixels, find_images, read_rgb
from pochoir.images.resizing import Size


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a clip: `[H, W, 3]` uint8 sRGB, when it is shown in seconds, and what its file is called, where it
    has one of its own.
    """

    number: int
    pixels: Pixels
    time: Fraction
    name: str = ""


@dataclass(frozen=True)
class Clip:
    """What can be read frame by frame.

    size: (height, width) as it is displayed. rate: frames a second, about; frames have times of their own. time_base:
    seconds, of which the times are multiples. count: of frames, as far as its file says; None: not known. aspect: width
    of a pixel over its height. pictures: of a folder. sound: whether there is any.
    """

    path: Path
    size: Size
    rate: Fraction
    time_base: Fraction
    count: int | None = None
    aspect: Fraction = Fraction(1)
    pictures: tuple[Path, ...] = ()
    sound: bool = False

    def frames(self, first: int = 0) -> Iterator[Frame]:
        """All frames from a number on; each is read when it is asked for.

        Raises `DataError` naming the file and the frame where it cannot be read, or is of another size.
        """
        frames = self._of_folder(first) if self.pictures else self._of_file(first)
        for frame in frames:
            height, width = frame.pixels.shape[:2]
            if (height, width) != self.size:
                raise DataError(
                    f"{frame.name or f'{self.path}: frame {frame.number}'}: is {width}×{height} pixels, the frames "
                    f"before are {self.size[1]}×{self.size[0]}"
                )
            yield frame

    def _of_folder(self, first: int) -> Iterator[Frame]:
        for number, path in enumerate(self.pictures[first:], start=first):
            yield Frame(number, read_rgb(path), number * self.time_base, str(path))

    def _of_file(self, first: int) -> Iterator[Frame]:
        number = 0
        with _opened(self.path) as container:
            try:
                for decoded in container.decode(container.streams.video[0]):
                    if number >= first:
                        time = Fraction(number) / self.rate if decoded.pts is None else decoded.pts * decoded.time_base
                        yield Frame(number, _displayed(decoded), time)
                    number += 1
            except av.error.FFmpegError as error:
                raise DataError(f"{self.path}: frame {number} cannot be decoded ({error.strerror})") from error


def open_clip(path: Path, folder_rate: Fraction) -> Clip:
    """A film's file, or a folder with its frames, sorted by name.

    folder_rate: frames a second of a folder. Raises `DataError` naming what is not there, holds no frames or sound
    alone, or cannot be read.
    """
    if path.is_dir():
        pictures = tuple(find_images(path))
        if not pictures:
            raise DataError(f"content: {path} holds no pictures to be the frames of a film")
        height, width = read_rgb(pictures[0]).shape[:2]
        base = 1 / folder_rate
        return Clip(path, (height, width), folder_rate, base, len(pictures), pictures=pictures)
    with _opened(path) as container:
        stream = container.streams.video[0]
        rate = stream.average_rate or stream.guessed_rate or folder_rate
        counted = stream.frames or (round(stream.duration * stream.time_base * rate) if stream.duration else 0)
        try:
            first = next(container.decode(stream), None)
        except av.error.FFmpegError as error:
            raise DataError(f"{path}: cannot be decoded ({error.strerror})") from error
        if first is None:
            raise DataError(f"{path}: holds no frames")
        height, width = _displayed(first).shape[:2]
        turned = (height, width) != (first.height, first.width)
        aspect = stream.sample_aspect_ratio or Fraction(1)
        return Clip(
            path,
            (height, width),
            Fraction(rate),
            Fraction(stream.time_base),
            counted or None,
            1 / aspect if turned else aspect,
            sound=bool(container.streams.audio),
        )


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """PyAV's container of a file that holds pictures in motion; what goes wrong is a `DataError` that says why."""
    if not path.is_file():
        raise DataError(f"{path}: no such file{suggested_file(path)}")
    try:
        container = av.open(str(path))
    except av.error.FFmpegError as error:
        raise DataError(f"{path}: cannot be read as a film ({error.strerror})") from error
    with container:
        if not container.streams.video:
            raise DataError(f"{path}: holds no pictures, sound alone")
        container.streams.video[0].thread_type = "AUTO"
        yield container


def _displayed(frame: av.VideoFrame) -> Pixels:
    """`[H, W, 3]` uint8, turned as the film's file says that it is displayed (phones film lying down)."""
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), turns))
