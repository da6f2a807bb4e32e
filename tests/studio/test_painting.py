"""What the page paints is what its command paints, bit for bit; and it is seen as it grows."""

import io
import shlex
import zipfile
from pathlib import Path

import numpy as np
import pytest

from painters import write_painter
from pochoir.assets import located
from pochoir.config import load_config
from pochoir.experiments.records import read_run
from pochoir.images import Picture, read_picture, read_rgb, read_settings
from pochoir.inspection.painting import Glimpse
from pochoir.runs.partial import partials
from pochoir.runs.stylize import stylize
from pochoir.studio.finding import Photo, in_box, load
from pochoir.studio.jobs import Job
from pochoir.studio.painting import Growth, Painted, bundle, keep, laid, paint
from pochoir.studio.readback import settings_in, wish_of
from pochoir.studio.wishes import Chosen, Look, Setup, Wish
from pochoir.stylization.job import Job as PaintJob

SIDE = 96
"""Pixels of what is optimised: the parts of the photo keep their size."""


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Setup:
    painter = write_painter(tmp_path_factory.mktemp("painter") / "mine.safetensors", "ink", "waves")
    return Setup(painter=str(painter), accelerator="cpu", size=SIDE)


@pytest.fixture(scope="module")
def photo(setup: Setup, tmp_path_factory: pytest.TempPathFactory) -> Photo:
    """The portrait as an upload."""
    path = tmp_path_factory.mktemp("größe") / "grace.jpg"
    path.write_bytes(Path(located("builtin:portrait")).read_bytes())
    return load(path, setup)


def painted(wish: Wish, photo: Photo, setup: Setup, folder: Path, things: list | None = None) -> tuple[Painted, Job]:
    job = Job("test", lambda job: None)
    chosen = [photo.things[one.index] for one in wish.chosen if one.index is not None] if things is None else things
    return paint(wish, chosen, photo, setup, folder / "picture", {photo.path: "grace.jpg"}, job), job


def test_at_once_and_the_same_by_the_command(photo: Photo, setup: Setup, tmp_path: Path) -> None:
    wish = Wish(str(photo.path), (Chosen(0, style="builtin:ink"),))
    made, job = painted(wish, photo, setup, tmp_path)
    assert (job.glimpses, job.done) == (1, 1.0)  # seen before all of it is saved
    before, after = photo.picture.pixels, read_rgb(made.result)
    assert np.abs(read_rgb(made.before).astype(int) - before).mean() < 3
    outside = read_rgb(made.alpha)[..., 0] == 0 if made.alpha else None
    assert outside is not None
    assert (after[outside] == before[outside]).all()
    assert (after[~outside] != before[~outside]).any()
    command = shlex.split(made.asked.command())
    assert command[:4] == ["pochoir", "partial", "content=grace.jpg", "style=builtin:ink"]
    there = [word.replace("content=", f"content={photo.path.parent}/") for word in command[2:]]
    partials(load_config("partial", there), tmp_path / "command")
    assert (read_rgb(tmp_path / "command" / "result.png") == after).all()


def test_what_goes_on_from_a_painters_picture_is_the_same_by_the_command(
    photo: Photo, setup: Setup, tmp_path: Path
) -> None:
    wish = Wish(str(photo.path), (), "builtin:ink", Look("finish"))
    made, _ = painted(wish, photo, setup, tmp_path)
    there = [word.replace("content=", f"content={photo.path.parent}/") for word in made.asked.overrides]
    settings = load_config("stylize", there)
    assert (settings.init, settings.recipe.steps) == ("painter", [5])
    stylize(settings, tmp_path / "command")
    assert (read_rgb(tmp_path / "command" / "result.png") == read_rgb(made.result)).all()


def test_the_download_holds_its_settings_and_no_place_on_this_machine(
    photo: Photo, setup: Setup, tmp_path: Path
) -> None:
    wish = Wish(str(photo.path), (Chosen(0, style="builtin:ink"),), "builtin:waves", Look(strength=0.5))
    made, _ = painted(wish, photo, setup, tmp_path)
    assert made.download.name == "grace_ink_waves.png"
    assert (read_rgb(made.download) == read_rgb(made.result)).all()
    text = read_settings(made.download) or ""
    assert str(photo.path.parent) not in text
    told = settings_in(text)
    assert told is not None
    assert (told["content"], told["background_style"]) == ("grace.jpg", "builtin:waves")
    assert wish_of(told, {"grace.jpg": str(photo.path)}.get) == (wish, [])


def test_found_and_drawn_are_painted_together_by_masks(photo: Photo, setup: Setup, tmp_path: Path) -> None:
    drawn = in_box(photo, (297.0, 456.0, 471.0, 540.0), 1)
    chosen = (Chosen(0, style="builtin:ink"), Chosen(box=drawn.chosen.box, style="builtin:waves"))
    made, _ = painted(Wish(str(photo.path), chosen), photo, setup, tmp_path, [photo.things[0], drawn])
    assert "masks=[object_0.png,object_1.png]" in made.asked.overrides
    with zipfile.ZipFile(io.BytesIO(bundle(made))) as file:
        names = set(file.namelist())
    assert names == {
        *("grace.jpg", "grace_ink_waves.png", "alpha.png", "object_0.png", "object_1.png"),
        *("command.sh", "experiment/picture.yaml"),
    }


def test_an_optimised_picture_is_seen_as_it_grows_and_ended(
    photo: Photo, setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pochoir.studio.painting.GLIMPSE_SECONDS", 0.0)
    wish = Wish(str(photo.path), (), "builtin:ink", Look("quick"))
    job = Job("test", lambda job: None)
    seen = []

    def show(picture: np.ndarray, done: float, seconds_left: float) -> None:
        seen.append((picture, done, seconds_left))
        if len(seen) == 4:
            job._stopped.set()

    monkeypatch.setattr(job, "show", show)
    made = paint(wish, [], photo, setup, tmp_path / "picture", {}, job)
    assert len(seen) == 4
    assert all(picture.shape == photo.picture.pixels.shape for picture, _, _ in seen)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert any(note.startswith("ended early") for note in made.notes)
    assert made.alpha is None
    assert max(read_rgb(made.result).shape) == SIDE
    assert read_rgb(made.before).shape == read_rgb(made.result).shape
    made.discard()
    assert not made.folder.exists()


def test_a_part_is_laid_in_its_place_and_only_where_it_is_painted() -> None:
    canvas = np.zeros((50, 100, 3), dtype=np.uint8)
    region = np.zeros((40, 40), dtype=np.float32)
    region[:, :20] = 1
    content = Picture(np.zeros((40, 40, 3), dtype=np.uint8))
    part = PaintJob("a", content, [], load_config("partial"), region=region, box=(120, 20, 160, 60))
    shown = laid(canvas, np.full((8, 8, 3), 200, dtype=np.uint8), part, 0.5)
    assert (shown[10:30, 60:70] == 200).all()
    assert shown.sum() == 200 * 20 * 10 * 3
    assert not canvas.any()


def test_parts_that_are_to_come_are_thought_as_long_as_this_one(photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("pochoir.studio.painting.time.monotonic", lambda: now[0])
    job = Job("test", lambda job: None)
    growth = Growth(photo.picture, 3, job)
    part = PaintJob("a", photo.picture, [], load_config("partial"))
    (looker,) = growth.callbacks(part)
    told = []
    for elapsed, done, left in ((4.0, 0.25, 12.0), (16.0, 1.0, 0.0)):
        now[0] = 100.0 + elapsed
        looker.show(Glimpse(photo.picture.pixels, done, left))  # type: ignore[attr-defined]
        told.append((job.done, job.seconds_left))
    assert told == [(pytest.approx(0.25 / 3), 12 + 2 * 16), (pytest.approx(1 / 3), 2 * 16)]


def test_what_is_kept_is_a_run_like_others(photo: Photo, setup: Setup, tmp_path: Path) -> None:
    made, _ = painted(Wish(str(photo.path), (Chosen(0, style="builtin:ink"),)), photo, setup, tmp_path)
    kept = [keep(made, tmp_path / "outputs") for _ in range(2)]  # at once after each other
    assert kept[0] != kept[1]
    records = [file for file in kept[1].rglob("*") if file.suffix in {".json", ".yaml", ".md"}]
    assert len(records) > 3
    for file in (*records, kept[1] / "result.png"):
        assert b"/grace.jpg" not in file.read_bytes()  # nor where its folder's letters are escaped
    run = read_run(kept[1])
    assert run.settings["content"] == "grace.jpg"
    assert run.status == "finished"
    assert run.settings["method"] == "painter"
    assert run.picture is not None
    assert (read_picture(run.picture).pixels == read_rgb(made.result)).all()
