"""Films out: frames become parts, each a film of its own, which are joined with the sound that they belong to."""

import heapq
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from pochoir.files import written
from pochoir.film.clips import Clip

ALPHA = "alpha.mkv"
"""The stencil of a film, beside it."""
PART_SUFFIX = ".nut"
"""Of parts: a container that keeps any codec, and times as they are."""
CODECS = {".mp4": "libx264", ".mkv": "ffv1"}
"""By the ending of a film: H.264, which everything plays, and FFV1, which loses nothing."""
CONTAINERS = {".mp4": "mp4", ".mkv": "matroska"}
SOUND_OF_MP4 = frozenset({"aac", "ac3", "alac", "eac3", "flac", "mp3", "opus"})
"""Codecs whose sound goes into an MP4 as it is; other sound becomes AAC."""
BT709 = 1
"""FFmpeg's number of the colours of films (ITU-R BT.709)."""


class Part:
    """A film that frames are written to; `with` closes it. It is there, whole, once it is closed.

    suffix: of the film that it becomes a part of. crf: of H.264, lower is better; 18 is hard to tell from the frames.
    is_grey: frames are `[H, W]` uint8, and nothing of them is lost.
    """

    def __init__(self, path: Path, clip: Clip, suffix: str, *, crf: int = 18, is_grey: bool = False) -> None:
        self.path = path
        self.shape = "gray" if is_grey else "rgb24"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._temporary = path.with_name(f".{path.name}")
        self._container = av.open(str(self._temporary), "w", format="nut")
        codec = "ffv1" if is_grey else CODECS[suffix]
        stream: Any = self._container.add_stream(codec, rate=clip.rate)
        stream.height, stream.width = clip.size
        stream.codec_context.time_base = clip.time_base
        if not is_grey:
            stream.codec_context.sample_aspect_ratio = clip.aspect
        if codec == "ffv1":
            stream.pix_fmt = "gray" if is_grey else "bgr0"
        else:
            halves = all(side % 2 == 0 for side in clip.size)  # of the colours, which H.264 players expect
            stream.pix_fmt = "yuv420p" if halves else "yuv444p"
            # frames are in the order that they are shown in, so that parts can be joined as they are
            stream.options = {"crf": str(crf), "preset": "fast", "bf": "0"}
            stream.codec_context.colorspace = stream.codec_context.color_primaries = BT709
            stream.codec_context.color_trc = stream.codec_context.color_range = BT709
        self._stream, self._time_base = stream, clip.time_base
        self._last: int | None = None

    def write(self, pixels: NDArray[np.uint8], time: Fraction) -> None:
        """Add a frame that is shown at a time in seconds, a tick later than the one before at least."""
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=self.shape)
        ticks = round(time / self._time_base)
        self._last = ticks if self._last is None else max(ticks, self._last + 1)
        if self._stream.codec_context.name == "libx264":
            frame = frame.reformat(format=self._stream.pix_fmt, dst_colorspace="ITU709", dst_color_range="MPEG")
        frame.pts, frame.time_base = self._last, self._time_base
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Finish it; of one without frames nothing is left."""
        if self._last is None:
            self._discard()
            return
        self._container.mux(self._stream.encode())
        self._container.close()
        self._temporary.replace(self.path)

    def __enter__(self) -> "Part":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._discard()

    def _discard(self) -> None:
        self._container.close()
        self._temporary.unlink(missing_ok=True)


def join(parts: Sequence[Path], target: Path, sound: Path | None = None) -> None:
    """Write the film that parts are parts of, whole or not at all; nothing is encoded again.

    sound: a file, whose sound goes with it as long as there are frames. The ending of the target chooses the container,
    see `CODECS`.
    """
    with written(target) as file, ExitStack() as stack:
        films = [stack.enter_context(av.open(str(part))) for part in parts]
        out = stack.enter_context(av.open(file, "w", format=CONTAINERS[target.suffix]))
        video = out.add_stream_from_template(films[0].streams.video[0])
        packets = [_timed(_of_parts(films, video))]
        if sound is not None:
            begin, end = _begin(films[0]), _end(films[-1])
            source = stack.enter_context(av.open(str(sound)))
            packets.append(_timed(_heard(source, out, target.suffix, begin, end)))
        for _, packet in heapq.merge(*packets, key=lambda timed: timed[0]):
            out.mux(packet)


def _of_parts(films: Sequence[Any], video: Any) -> Iterator[Any]:
    for film in films:
        for packet in film.demux(film.streams.video[0]):
            if packet.dts is not None:
                packet.stream = video
                yield packet


def _heard(source: Any, out: Any, suffix: str, begin: Fraction, end: Fraction) -> Iterator[Any]:
    """Packets of the first sound of a file from one time to another, for a stream that is added to `out` at once."""
    stream = source.streams.audio[0]
    if suffix != ".mp4" or stream.codec_context.name in SOUND_OF_MP4:
        copied = out.add_stream_from_template(stream)
        return _copied(source, stream, copied, begin, end)
    encoded = out.add_stream("aac", rate=stream.rate)
    return _encoded(source, stream, encoded, begin, end)


def _copied(source: Any, stream: Any, copied: Any, begin: Fraction, end: Fraction) -> Iterator[Any]:
    for packet in source.demux(stream):
        if packet.dts is not None and begin <= packet.dts * packet.time_base < end:
            packet.stream = copied
            yield packet


def _encoded(source: Any, stream: Any, encoded: Any, begin: Fraction, end: Fraction) -> Iterator[Any]:
    for frame in source.decode(stream):
        if frame.pts is None or begin <= frame.pts * frame.time_base < end:
            yield from encoded.encode(frame)
    yield from encoded.encode()


def _timed(packets: Iterator[Any]) -> Iterator[tuple[Fraction, Any]]:
    for packet in packets:
        yield packet.dts * packet.time_base, packet


def _begin(film: Any) -> Fraction:
    stream = film.streams.video[0]
    return Fraction((stream.start_time or 0) * stream.time_base)


def _end(film: Any) -> Fraction:
    """When the last frame of a part has been shown."""
    stream = film.streams.video[0]
    last = max(packet.pts for packet in film.demux(stream) if packet.pts is not None)
    film.seek(0)
    return Fraction(last * stream.time_base) + 1 / Fraction(stream.average_rate or stream.guessed_rate or 24)
