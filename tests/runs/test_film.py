"""Films as a whole: what is left alone, what is written, going on, and errors for people."""

import csv
import json
from collections.abc import Iterator
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from clips import FRAMES, SIZE, frames, square, write_clip
from painters import write_painter
from pochoir.composition.given import certain
from pochoir.config import FilmConfig, load_config
from pochoir.errors import ConfigError, DataError
from pochoir.film.cameras import Camera
from pochoir.film.clips import Clip, Frame, open_clip
from pochoir.film.filming import Shot
from pochoir.images import write_image
from pochoir.runs import film as runs_film
from pochoir.runs.film import film
from pochoir.runs.interruption import EndedBySignal
from pochoir.runs.recording import Recording
from pochoir.segmentation.instances import Instances


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip with masks, a painter of two styles, and their pictures."""
    folder = write_clip(tmp_path_factory.mktemp("files"))
    write_painter(folder / "painter.safetensors", "waves", "ink")
    rng = np.random.default_rng(1)
    for name in ("waves", "ink"):
        write_image(folder / f"{name}.png", rng.integers(0, 255, (64, 64, 3), dtype=np.uint8))
    return folder


@pytest.fixture(scope="module")
def config(files: Path) -> FilmConfig:
    """A painter, masks of every frame, and nothing that is lost by encoding."""
    return load_config(
        "film",
        [
            f"content={files / 'clip.mkv'}",
            f"style={files / 'waves.png'}",
            f"painter.weights={files / 'painter.safetensors'}",
            f"masks=[{files / 'masks'}]",
            "suffix=.mkv",
            "region.margin=4",
            "trainer.accelerator=cpu",
            "trainer.enable_progress_bar=false",
            "part=3",
        ],
    )


@pytest.fixture(scope="module")
def painted(config: FilmConfig, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("painted")
    return folder, film(config, folder)


def pixels_of(path: Path) -> list[np.ndarray]:
    return [frame.pixels for frame in open_clip(path, Fraction(25)).frames()]


def test_outside_the_stencil_every_frame_is_the_films_own(painted: tuple[Path, dict[str, Any]]) -> None:
    folder, metrics = painted
    results, alphas = pixels_of(folder / "result.mkv"), pixels_of(folder / "alpha.mkv")
    assert len(results) == len(alphas) == FRAMES
    for number, (result, alpha, own) in enumerate(zip(results, alphas, frames(), strict=True)):
        outside = alpha[..., 0] == 0
        assert (result[outside] == own[outside]).all()
        assert ((alpha[..., 0] >= 128) == square(number)).mean() > 0.98
        assert (result[square(number)] != own[square(number)]).mean() > 0.9
    assert metrics["outside"] == {
        "codec": "FFV1",
        "pixels": sum(int((alpha[..., 0] == 0).sum()) for alpha in alphas),
        **{"changed_pixels": 0, "largest": 0, "mean": 0.0},
    }


def test_what_a_film_leaves(painted: tuple[Path, dict[str, Any]]) -> None:
    folder, metrics = painted
    left = {path.name.split(".")[0] if "tfevents" in path.name else path.name for path in folder.iterdir()}
    assert left - {"hparams.yaml"} == {
        *("result.mkv", "alpha.mkv", "figure.png", "preview.gif", "frames.csv", "metrics.json", "settings.json"),
        "events",
    }
    assert metrics["frames"] == FRAMES
    assert metrics["objects"] == {"0": {"first": 0, "last": FRAMES - 1, "frames": FRAMES}}
    with (folder / "frames.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["frame"]) for row in rows] == list(range(FRAMES))
    errors = [float(row["e_warp_paint"]) for row in rows[1:]]
    assert metrics["e_warp"]["paint"] == pytest.approx(np.mean(errors))
    assert rows[0]["e_warp_paint"] == ""


def test_a_finished_film_is_not_painted_again(config: FilmConfig, painted: tuple[Path, dict[str, Any]]) -> None:
    folder, metrics = painted
    before = (folder / "result.mkv").stat().st_mtime_ns
    assert film(config, folder) == metrics
    assert (folder / "result.mkv").stat().st_mtime_ns == before
    with pytest.raises(ConfigError, match=r"temporal\.keep"):
        film(config.but(temporal=config.temporal.but(keep=0.1)), folder)


@pytest.mark.parametrize("broken_off_at", [2, 3, 5])
def test_what_is_broken_off_goes_on_to_the_same_film(
    config: FilmConfig,
    painted: tuple[Path, dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    broken_off_at: int,
) -> None:
    of_clip = Clip.frames

    def broken(self: Clip, first: int = 0) -> Iterator[Frame]:
        for frame in of_clip(self, first):
            if frame.number == broken_off_at:
                raise KeyboardInterrupt
            yield frame

    with monkeypatch.context() as patched:
        patched.setattr(Clip, "frames", broken)
        with pytest.raises(EndedBySignal):
            film(config, tmp_path)
    assert len(pixels_of(tmp_path / "result.mkv")) == broken_off_at  # what is done can be looked at
    film(config, tmp_path)
    for name in ("result.mkv", "alpha.mkv"):
        for one, other in zip(pixels_of(tmp_path / name), pixels_of(painted[0] / name), strict=True):
            assert (one == other).all()


@pytest.mark.parametrize("broken_off_at", [1, 2, 5])
def test_broken_off_between_two_looks_it_goes_on_to_the_same_film(
    config: FilmConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken_off_at: int
) -> None:
    def bright(pixels: np.ndarray) -> Instances:
        return certain((pixels.min(axis=-1) > 120).astype(np.float32)[None])

    monkeypatch.setattr("pochoir.film.filming.segmenter_of", lambda _: bright)
    looking = config.but(masks=None)
    film(looking, tmp_path / "whole")
    add = Recording.add

    def broken(self: Recording, shot: Shot) -> None:
        if shot.frame.number == broken_off_at:
            raise KeyboardInterrupt
        add(self, shot)

    with monkeypatch.context() as patched:
        patched.setattr(Recording, "add", broken)
        with pytest.raises(EndedBySignal):
            film(looking, tmp_path / "parts")
    assert len(pixels_of(tmp_path / "parts" / "result.mkv")) == broken_off_at
    film(looking, tmp_path / "parts")
    for name in ("result.mkv", "alpha.mkv"):
        for one, other in zip(*(pixels_of(tmp_path / folder / name) for folder in ("parts", "whole")), strict=True):
            assert (one == other).all()


def test_the_paint_before_makes_it_flicker_less(
    config: FilmConfig, painted: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    temporal = config.temporal.but(keep=0.0)
    alone = film(config.but(temporal=temporal), tmp_path)
    assert painted[1]["e_warp"]["paint"] < 0.8 * alone["e_warp"]["paint"]


def test_by_optimising_each_frame_goes_on_from_the_one_before(config: FilmConfig, tmp_path: Path) -> None:
    few = {"coarsest": 64, "tv_weight": 0.0}
    recipe = config.recipe.but(steps=[12], **few)
    slow = config.but(
        method="optimize",
        frames=3,
        encoder=config.encoder.but(
            precision="float32", content_layers=["relu2_1"], style_layers=["relu1_1", "relu2_1"]
        ),
        recipe=recipe,
        next_recipe=recipe.but(steps=[4]),
        temporal=config.temporal.but(weight=50.0),
    )
    held = film(slow, tmp_path / "held")
    free = film(slow.but(next_recipe=recipe, temporal=config.temporal.but(weight=0.0, fresh=1.0)), tmp_path / "free")
    assert held["outside"]["changed_pixels"] == 0
    assert held["e_warp"]["paint"] < free["e_warp"]["paint"]


def test_background_and_object_have_styles_of_their_own(config: FilmConfig, files: Path, tmp_path: Path) -> None:
    both = film(config.but(background_style=str(files / "ink.png"), frames=2), tmp_path / "both")
    behind = film(config.but(region=config.region.but(name="background"), frames=2), tmp_path / "behind")
    assert both["area"] == pytest.approx(1, abs=1e-3)
    assert behind["area"] == pytest.approx(1 - square(0).mean(), abs=0.03)
    kept = square(0)
    kept[:24], kept[40:], kept[:, :14], kept[:, 30:] = False, False, False, False
    assert (pixels_of(tmp_path / "behind" / "result.mkv")[0][kept] == frames()[0][kept]).all()


def test_what_h264_changes_is_told(config: FilmConfig, tmp_path: Path) -> None:
    metrics = film(config.but(suffix=".mp4", frames=3), tmp_path)
    assert metrics["outside"]["codec"] == "H.264"
    assert metrics["outside"]["changed_pixels"] > 0
    assert 0 < metrics["outside"]["mean"] <= metrics["outside"]["largest"]


def finder(*masks: np.ndarray) -> Any:
    """In place of a segmenter: finds these in every frame, the surest first."""

    def find(pixels: np.ndarray) -> Instances:
        found = certain(np.stack(masks) if masks else np.zeros((0, *SIZE), np.float32))
        scores = torch.linspace(0.9, 0.8, len(found))
        return Instances(found.boxes, scores, found.labels, found.masks, scores)

    return find


def test_one_object_is_chosen_in_the_first_frame(
    config: FilmConfig, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, right = np.zeros(SIZE, np.float32), np.zeros(SIZE, np.float32)
    left[8:40, 4:28], right[8:40, 60:90] = 1, 1
    monkeypatch.setattr("pochoir.film.filming.segmenter_of", lambda _: finder(left, right))
    one = config.but(masks=None, content=str(files / "frames"), frames=4)
    region = one.region.but(choose="rightmost")
    assert list(film(one.but(region=region), tmp_path / "right")["objects"]) == ["1"]
    styles = [str(files / "waves.png"), str(files / "ink.png")]
    assert list(film(one.but(style=None, styles=styles), tmp_path / "both")["objects"]) == ["0", "1"]
    with pytest.raises(DataError, match=r"in the first frame: region\.point: .* hits no instance"):
        film(one.but(region=one.region.but(point=[45.0, 60.0])), tmp_path / "none")


def test_a_film_without_objects_stays_as_it_is_and_says_so(
    config: FilmConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pochoir.film.filming.segmenter_of", lambda _: finder())
    metrics = film(config.but(masks=None, frames=3), tmp_path)
    assert [note[:32] for note in metrics["notes"]] == ["no object was found in any frame"]
    assert metrics["area"] == 0
    assert metrics["e_warp"]["ratio"] is None
    for result, own in zip(pixels_of(tmp_path / "result.mkv"), frames(), strict=False):
        assert (result == own).all()


def test_a_missing_mask_is_told_and_what_is_done_is_kept(config: FilmConfig, files: Path, tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    for number in range(4):
        write_image(masks / f"{number:05d}.png", square(number).astype(np.uint8) * 255)
    with pytest.raises(DataError, match=r"00004\.png, the mask of 00004\.png, is not there"):
        film(config.but(masks=[str(masks)]), tmp_path / "run")
    assert len(pixels_of(tmp_path / "run" / "result.mkv")) == 4


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("content=nowhere.mp4", "content: 'nowhere.mp4' does not exist"),
        ("suffix=.avi", "suffix: '.avi' is not one of .mp4, .mkv"),
        ("keep.mask=builtin:ink", "keep.mask: is of one picture"),
        ("find.every=0", "find.every: 0"),
        ("temporal.keep=1", "temporal.keep: 1"),
        ("content=camera:nowhere.mp4", "content: 'camera:nowhere.mp4' is no camera; give camera:<number>"),
    ],
)
def test_wrong_settings_are_told(override: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem.replace(".", r"\.")):
        load_config("film", [override])


class SomeWindow:
    """In place of a desktop's: closed after so many pictures."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.pictures: list[np.ndarray] = []

    @property
    def is_open(self) -> bool:
        return len(self.pictures) < self.most

    def show(self, pixels: np.ndarray) -> None:
        self.pictures.append(pixels)


def seen_by_camera(
    config: FilmConfig, files: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> tuple[FilmConfig, SomeWindow]:
    """The clip as if a camera saw it, its square found in every frame, in a window that is closed after so many."""
    square_here = np.zeros(SIZE, np.float32)
    square_here[20:44, 10:34] = 1
    shown = SomeWindow(most)
    monkeypatch.setattr("pochoir.film.filming.segmenter_of", lambda _: finder(square_here))
    monkeypatch.setattr("pochoir.runs.camera.window", lambda _: nullcontext(shown))
    live = config.but(content=f"camera:{files / 'clip.mkv'}", masks=None)
    return live, shown


def test_what_a_camera_sees_is_shown_and_recorded(
    config: FilmConfig, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live, shown = seen_by_camera(config, files, monkeypatch, most=100)
    assert runs_film.run(live, tmp_path) is not None
    recorded, alphas = pixels_of(tmp_path / "result.mkv"), pixels_of(tmp_path / "alpha.mkv")
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["frames"] == len(recorded) == len(shown.pictures) == len(alphas) >= 2
    assert all((one == other).all() for one, other in zip(recorded, shown.pictures, strict=True))
    outside = alphas[0][..., 0] == 0
    assert any((recorded[0][outside] == own[outside]).all() for own in frames())
    assert (alphas[0][24:40, 14:30, 0] == 255).all()
    with pytest.raises(ConfigError, match="holds a recording; choose another folder"):
        runs_film.run(live, tmp_path)


def test_a_closed_window_ends_the_recording(
    config: FilmConfig, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live, _ = seen_by_camera(config, files, monkeypatch, most=1)
    runs_film.run(live, tmp_path)
    assert len(pixels_of(tmp_path / "result.mkv")) == 1


def test_of_a_camera_that_leaves_the_recording_is_kept(
    config: FilmConfig, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live, shown = seen_by_camera(config, files, monkeypatch, most=100)

    def leaving(self: Camera) -> Iterator[Frame]:
        yield Frame(0, frames()[0], Fraction(0))
        yield Frame(1, frames()[1], Fraction(1, 25))
        raise DataError("content: camera:0 gives no more pictures")

    monkeypatch.setattr(Camera, "frames", leaving)
    with pytest.raises(DataError, match="gives no more pictures"):
        runs_film.run(live, tmp_path)
    assert len(pixels_of(tmp_path / "result.mkv")) == len(shown.pictures) == 2
    assert not list(tmp_path.glob("*.nut"))


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("method=optimize", "method: optimize takes seconds a frame, and a camera does not wait"),
        ("masks=[builtin:ink]", "masks: are of frames that are known beforehand"),
    ],
)
def test_what_a_camera_does_not_go_with_is_told(override: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        load_config("film", ["content=camera:0", "style=waves", override])
