"""Clips: what they say of themselves, their frames, and errors for people."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from pochoir.errors import DataError
from pochoir.film.clips import open_clip
from pochoir.images import Pixels, write_image

RATE = Fraction(24)


def test_a_folder_is_a_clip_at_the_rate_that_is_asked_for(folder: Path, pictures: list[Pixels]) -> None:
    clip = open_clip(folder / "frames", Fraction(12))
    frames = list(clip.frames())
    assert (clip.size, clip.rate, clip.count, clip.sound) == ((64, 96), 12, len(pictures), False)
    assert all((frame.pixels == own).all() for frame, own in zip(frames, pictures, strict=True))
    assert [frame.time for frame in frames[:3]] == [0, Fraction(1, 12), Fraction(2, 12)]
    assert frames[1].name.endswith("00001.png")


def test_a_file_gives_the_frames_that_were_written(folder: Path, pictures: list[Pixels]) -> None:
    clip = open_clip(folder / "clip.mkv", RATE)
    frames = list(clip.frames())
    assert clip.rate == 25
    assert all((frame.pixels == own).all() for frame, own in zip(frames, pictures, strict=True))
    assert float(frames[5].time) == pytest.approx(0.2, abs=1e-3)


@pytest.mark.parametrize("name", ["frames", "clip.mkv"])
def test_reading_may_begin_at_any_frame(folder: Path, name: str) -> None:
    clip = open_clip(folder / name, RATE)
    later, every = list(clip.frames(5)), list(clip.frames())
    assert [frame.number for frame in later] == [5, 6, 7]
    assert (later[0].pixels == every[5].pixels).all()
    assert later[0].time == every[5].time


def test_a_film_that_was_taken_lying_down_is_turned(tmp_path: Path) -> None:
    frame = np.zeros((32, 64, 3), dtype=np.uint8)
    frame[:16, :32] = (250, 30, 30)  # its upper left
    path = tmp_path / "turned.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 32, 64, "yuv444p"
        if not hasattr(stream, "set_display_rotation"):
            pytest.skip("this PyAV cannot write a film that is turned")
        stream.set_display_rotation(90)
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    clip = open_clip(path, RATE)
    (first, *_) = clip.frames()
    with av.open(str(path)) as container:
        assert abs(next(container.decode(video=0)).rotation) == 90
    assert clip.size == first.pixels.shape[:2] == (64, 32)
    quarter = first.pixels[32:, :16] if first.pixels[48, 8, 0] > 200 else first.pixels[:32, 16:]
    assert (quarter[4:-4, 4:-4, 0] > 200).all()  # a turn to one side or the other, and no mirror


def test_what_is_no_film_is_told(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "text.mp4").write_text("no film")
    (tmp_path / "empty").mkdir()
    for path, message in (
        (tmp_path / "none.mp4", "no such file"),
        (tmp_path / "text.mp4", "cannot be read as a film"),
        (tmp_path / "empty", "holds no pictures"),
    ):
        with pytest.raises(DataError, match=message) as told:
            open_clip(path, RATE)
        assert str(path) in str(told.value)


def test_sound_alone_is_no_film(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), dtype=np.int16), layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(DataError, match="sound alone"):
        open_clip(path, RATE)


def test_frames_of_another_size_are_told_by_their_name(tmp_path: Path) -> None:
    for number, size in enumerate(((32, 48), (32, 48), (24, 48))):
        write_image(tmp_path / f"{number}.png", np.zeros((*size, 3), dtype=np.uint8))
    with pytest.raises(DataError, match=r"2\.png: is 48×24 pixels, the frames before are 48×32"):
        list(open_clip(tmp_path, RATE).frames())
