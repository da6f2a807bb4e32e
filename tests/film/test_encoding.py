"""Films written in parts: nothing is lost that need not be, times stay, and so does the sound."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from pochoir.film.clips import Clip, open_clip
from pochoir.film.encoding import Part, join
from pochoir.images import Pixels

RATE = Fraction(30000, 1001)


def in_parts(folder: Path, frames: list[Pixels], suffix: str, sound: Path | None = None) -> Path:
    """Frames as a film, written in parts of three, as if each had been all that was done in a session."""
    shape = Clip(folder, (frames[0].shape[0], frames[0].shape[1]), RATE, 1 / RATE)
    parts = []
    for first in range(0, len(frames), 3):
        parts.append(folder / f"{first}.nut")
        with Part(parts[-1], shape, suffix) as part:
            for number, frame in enumerate(frames[first : first + 3], start=first):
                part.write(frame, number / RATE)
    join(parts, folder / f"film{suffix}", sound)
    return folder / f"film{suffix}"


def tone(path: Path, codec: str, seconds: float = 2.0) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=16000, layout="mono")
        wave = np.sin(np.arange(int(16000 * seconds)) * 440 * 2 * np.pi / 16000)
        frame = av.AudioFrame.from_ndarray((wave * 20000).astype(np.int16)[None], format="s16", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_ffv1_loses_nothing(tmp_path: Path, pictures: list[Pixels]) -> None:
    film = in_parts(tmp_path, pictures, ".mkv")
    for frame, own in zip(open_clip(film, RATE).frames(), pictures, strict=True):
        assert (frame.pixels == own).all()


def test_h264_keeps_the_look_and_the_times(tmp_path: Path, pictures: list[Pixels]) -> None:
    flat = [np.full((64, 96, 3), colour, dtype=np.uint8) for colour in ((200, 40, 40), (30, 160, 60), (40, 60, 220))]
    film = in_parts(tmp_path, [*pictures, *flat], ".mp4")
    frames = list(open_clip(film, RATE).frames())
    assert len(frames) == len(pictures) + 3
    assert all(abs(frame.time - number / RATE) < 1e-4 for number, frame in enumerate(frames))
    for frame, own in zip(frames[-3:], flat, strict=True):  # whose colours no subsampling changes
        assert np.abs(frame.pixels.astype(int) - own).max() <= 4


def test_sides_may_be_odd(tmp_path: Path) -> None:
    frames = [np.full((33, 47, 3), 120, dtype=np.uint8)] * 4
    assert open_clip(in_parts(tmp_path, frames, ".mp4"), RATE).size == (33, 47)


def test_grey_is_kept_as_it_is(tmp_path: Path) -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16).repeat(4, axis=0).repeat(4, axis=1)
    shape = Clip(tmp_path, (64, 64), RATE, 1 / RATE)
    with Part(tmp_path / "alpha.nut", shape, ".mkv", is_grey=True) as part:
        part.write(levels, Fraction(0))
    join([tmp_path / "alpha.nut"], tmp_path / "alpha.mkv")
    (frame,) = open_clip(tmp_path / "alpha.mkv", RATE).frames()
    assert (frame.pixels[..., 0] == levels).all()


@pytest.mark.parametrize(("codec", "name"), [("aac", "tone.m4a"), ("pcm_s16le", "tone.wav")])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_the_sound_goes_with_it_as_long_as_there_are_frames(
    tmp_path: Path, pictures: list[Pixels], codec: str, name: str, suffix: str
) -> None:
    film = in_parts(tmp_path, pictures, suffix, tone(tmp_path / name, codec))
    with av.open(str(film)) as container:
        samples = np.concatenate([frame.to_ndarray().mean(axis=0) for frame in container.decode(audio=0)])
        rate = container.streams.audio[0].rate
    assert len(samples) / rate == pytest.approx(len(pictures) / RATE, abs=0.15)
    loudest = np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples)
    assert loudest == pytest.approx(440, abs=8)


def test_a_frame_that_is_no_later_than_the_one_before_is_shown_a_tick_later(tmp_path: Path) -> None:
    shape = Clip(tmp_path, (32, 32), Fraction(25), Fraction(1, 25))
    with Part(tmp_path / "a.nut", shape, ".mkv") as part:
        for _ in range(3):
            part.write(np.zeros((32, 32, 3), dtype=np.uint8), Fraction(0))
    join([tmp_path / "a.nut"], tmp_path / "a.mkv")
    assert [float(frame.time) for frame in open_clip(tmp_path / "a.mkv", RATE).frames()] == [0, 0.04, 0.08]


def test_of_a_part_without_frames_nothing_is_left(tmp_path: Path) -> None:
    with Part(tmp_path / "a.nut", Clip(tmp_path, (32, 32), Fraction(25), Fraction(1, 25)), ".mkv"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_part_that_breaks_off_is_not_there(tmp_path: Path) -> None:
    shape = Clip(tmp_path, (32, 32), Fraction(25), Fraction(1, 25))
    with pytest.raises(RuntimeError), Part(tmp_path / "a.nut", shape, ".mkv") as part:
        part.write(np.zeros((32, 32, 3), dtype=np.uint8), Fraction(0))
        raise RuntimeError
    assert not list(tmp_path.iterdir())
