"""Partial style transfer as a whole: what it leaves behind, what it leaves alone, and errors for people."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from pochoir.composition.given import certain
from pochoir.config import FolderDataset, PartialConfig, Request, TrainSegConfig, load_config
from pochoir.errors import ConfigError, DataError, SomeInputsFailedError
from pochoir.images import Picture, read_labels, read_picture, read_rgb, read_settings, write_image
from pochoir.images.overlays import within
from pochoir.inspection.painting import Glimpse, Growing
from pochoir.runs.partial import partial, partials
from pochoir.segmentation.instances import Instances
from pochoir.stylization.job import Job

ROOT = Path(__file__).parents[2]
SAME = ("crop", "painted", "evaluations", "seconds")
"""What is told of a region and comes from painting it alone."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo of 96 × 128 pixels with two bright blocks, a mask of them, and two styles."""
    folder = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(0)
    photo = rng.integers(30, 70, (96, 128, 3), dtype=np.uint8)
    mask = np.zeros((96, 128), dtype=np.uint8)
    mask[20:60, 8:44], mask[30:76, 84:120] = 1, 2
    photo[mask == 1] += np.array((150, 130, 40), dtype=np.uint8)
    photo[mask == 2] += np.array((30, 90, 160), dtype=np.uint8)
    write_image(folder / "photo.png", photo)
    write_image(folder / "mask.png", mask)
    stripes = (np.indices((64, 64)).sum(axis=0) // 4 % 2)[..., None]
    write_image(folder / "red.png", np.where(stripes, (230, 40, 30), (60, 0, 0)).astype(np.uint8))
    write_image(folder / "green.png", np.where(stripes, (30, 220, 60), (0, 50, 20)).astype(np.uint8))
    return folder


@pytest.fixture(scope="module")
def config(files: Path) -> PartialConfig:
    """Few steps on shallow layers."""
    defaults = load_config("partial")
    layers = {"content_layers": ["relu2_1"], "style_layers": ["relu1_1", "relu2_1"]}
    return defaults.but(
        content=str(files / "photo.png"),
        styles=[str(files / "red.png"), str(files / "green.png")],
        masks=[str(files / "mask.png")],
        truth=str(files / "mask.png"),
        encoder=defaults.encoder.but(precision="float32", **layers),
        recipe=defaults.recipe.but(content_weight=0.02, tv_weight=0, coarsest=64, steps=[40, 6]),
        region=defaults.region.but(margin=4, min_side=48),
        trainer=defaults.trainer.but(accelerator="cpu"),
        milestones=0,
    )


@pytest.fixture(scope="module")
def painted(config: PartialConfig, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("painted")
    return folder, partial(config, folder)


def test_who_looks_on_sees_each_region_in_its_place_and_may_end_it(config: PartialConfig, tmp_path: Path) -> None:
    seen: list[tuple[Job, Glimpse]] = []

    def watch(job: Job) -> list[pl.Callback]:
        return [Growing(lambda glimpse: seen.append((job, glimpse)), lambda: len(seen) >= 3, seconds=0)]

    summary = partials(config, tmp_path, watch=watch)
    assert [job.name for job, _ in seen] == ["object_0"] * 3 + ["object_1"]
    for job, glimpse in seen:
        assert job.box is not None
        left, top, right, bottom = job.box
        assert job.content.size == (bottom - top, right - left)
        assert 0 < glimpse.done < 1 and glimpse.seconds_left > 0
    (metrics,) = summary.results.values()
    assert [region["evaluations"] for region in metrics["regions"]] == [3, 1]
    ended = [note.partition(": ended early")[0] for note in metrics["notes"] if ": ended early" in note]
    assert ended == ["object_0", "object_1"]
    assert metrics["leak"]["changed_pixels"] == 0


def test_a_run_leaves_the_picture_and_its_record(painted: tuple[Path, dict[str, Any]]) -> None:
    folder, metrics = painted
    names = {path.name for path in folder.iterdir() if not path.name.startswith("events")}
    assert names == {
        *("result.png", "figure.png", "instances.png", "alpha.png", "metrics.json", "hparams.yaml", "regions")
    }
    assert json.loads((folder / "metrics.json").read_text()) == metrics
    assert {path.name for path in (folder / "regions").iterdir()} == {"object_0", "object_1"}
    assert json.loads(read_settings(folder / "result.png") or "")["region.mask_threshold"] == 0.6
    assert metrics["area"] == pytest.approx((40 * 36 + 46 * 36) / (96 * 128), rel=0.1)
    assert metrics["border"]["boundary_f"] > 0.95
    assert metrics["border"]["edge_agreement"] > 0.95
    assert 0 < metrics["border"]["fringe"] < 6
    assert [region["style_error"] < 0.3 for region in metrics["regions"]] == [True, True]


def test_outside_the_stencil_nothing_changes(painted: tuple[Path, dict[str, Any]], config: PartialConfig) -> None:
    folder, metrics = painted
    photo, result = read_rgb(Path(config.content)), read_rgb(folder / "result.png")
    outside = read_labels(folder / "alpha.png") == 0
    assert outside.mean() > 0.6
    assert (result[outside] == photo[outside]).all()
    assert metrics["leak"] == {"outside_pixels": outside.sum(), "changed_pixels": 0, "largest": 0, "mean": 0.0}
    assert (result[~outside] != photo[~outside]).any(axis=-1).mean() > 0.9


def test_every_object_gets_its_own_style(painted: tuple[Path, dict[str, Any]]) -> None:
    result = read_rgb(painted[0] / "result.png").astype(int)
    red, green = result[25:55, 13:39].mean(axis=(0, 1)), result[35:71, 89:115].mean(axis=(0, 1))
    assert red[0] > red[1] + 40
    assert green[1] > green[0] + 40
    assert [Path(region["style"]).name for region in painted[1]["regions"]] == ["red.png", "green.png"]


def test_events_show_the_pictures_and_the_scores(painted: tuple[Path, dict[str, Any]]) -> None:
    events = EventAccumulator(str(painted[0])).Reload()
    assert set(events.Tags()["images"]) == {"figure", "instances", "result", "alpha"}
    assert events.Scalars("saved/style_error")[-1].value == pytest.approx(painted[1]["style_error"], rel=1e-5)


def test_assign_gives_styles_by_number(config: PartialConfig, tmp_path: Path) -> None:
    metrics = partial(config.but(assign=[1, 0]), tmp_path)
    assert [Path(region["style"]).name for region in metrics["regions"]] == ["green.png", "red.png"]
    with pytest.raises(DataError, match=r"assign: 1 styles for 2 chosen instances, \[0, 1\]"):
        partial(config.but(assign=[1]), tmp_path / "other")


def test_the_background_is_everything_else(config: PartialConfig, files: Path, tmp_path: Path) -> None:
    background = config.region.but(name="background")
    metrics = partial(config.but(styles=None, style=str(files / "red.png"), region=background), tmp_path)
    photo, result = read_rgb(Path(config.content)), read_rgb(tmp_path / "result.png")
    assert (result[30:50, 18:34] == photo[30:50, 18:34]).all()
    assert (result[80:, :] != photo[80:, :]).any(axis=-1).mean() > 0.9
    assert metrics["leak"]["changed_pixels"] == 0
    assert [region["name"] for region in metrics["regions"]] == ["background"]


def test_objects_and_background_may_both_be_painted(config: PartialConfig, files: Path, tmp_path: Path) -> None:
    one = config.region.but(indices=[0])
    chosen = config.but(region=one, background_style=str(files / "green.png"), truth=None)
    metrics = partial(chosen, tmp_path)
    assert [region["name"] for region in metrics["regions"]] == ["object_0", "background"]
    assert metrics["area"] == pytest.approx(1, abs=1e-3)


def test_paste_styles_the_whole_photo_and_cuts_out(config: PartialConfig, tmp_path: Path) -> None:
    metrics = partial(config.but(method="paste"), tmp_path)
    assert metrics["leak"]["changed_pixels"] == 0
    assert {path.name for path in (tmp_path / "styled").iterdir()} == {"red", "green"}
    assert metrics["regions"][0]["painted"] == {"height": 96, "width": 128}


def test_a_jpeg_reports_what_its_compression_changed(config: PartialConfig, tmp_path: Path) -> None:
    metrics = partial(config.but(suffix=".jpg", region=config.region.but(indices=[0])), tmp_path)
    assert 0 < metrics["leak"]["changed_pixels"] <= metrics["leak"]["outside_pixels"]
    assert metrics["leak"]["mean"] < 10


def test_transparency_is_kept(config: PartialConfig, tmp_path: Path) -> None:
    photo = read_rgb(Path(config.content))
    alpha = np.full(photo.shape[:2], 255, dtype=np.uint8)
    alpha[:, :5] = 0
    write_image(tmp_path / "photo.png", photo, alpha=alpha)
    partial(config.but(content=str(tmp_path / "photo.png")), tmp_path / "run")
    kept = read_picture(tmp_path / "run" / "result.png").alpha
    assert kept is not None
    assert (kept == alpha).all()


def test_a_larger_photo_keeps_its_size(config: PartialConfig, tmp_path: Path) -> None:
    metrics = partial(config.but(max_size=96, region=config.region.but(min_side=32)), tmp_path)
    assert read_rgb(tmp_path / "result.png").shape == (96, 128, 3)
    crop, painted = metrics["regions"][0]["crop"], metrics["regions"][0]["painted"]
    assert painted["height"] == pytest.approx((crop[2] - crop[0]) * 0.75, abs=1)


def test_size_shrinks_photo_and_stencil(config: PartialConfig, tmp_path: Path) -> None:
    metrics = partial(config.but(size=64), tmp_path)
    assert read_rgb(tmp_path / "result.png").shape == (48, 64, 3)
    assert metrics["leak"]["changed_pixels"] == 0
    assert metrics["border"]["boundary_f"] > 0.9


@pytest.mark.parametrize("keep_colors", ["luminance", "match"])
def test_colours_can_be_kept(config: PartialConfig, tmp_path: Path, keep_colors: str) -> None:
    metrics = partial(config.but(keep_colors=keep_colors), tmp_path)
    photo, result = read_rgb(Path(config.content)).astype(int), read_rgb(tmp_path / "result.png").astype(int)
    block = np.s_[25:55, 13:39]
    assert metrics["leak"]["changed_pixels"] == 0
    was, now = (picture[block].mean(axis=(0, 1)) for picture in (photo, result))
    assert was[0] > was[2] + 100  # yellow ...
    assert now[1] > now[2] + 40  # ... and still so, though the style is red


def test_a_finished_region_is_not_painted_again(config: PartialConfig, tmp_path: Path) -> None:
    first = partial(config, tmp_path)
    before = (tmp_path / "regions" / "object_0" / "paint.png").stat().st_mtime_ns
    again = partial(config.but(suffix=".jpg"), tmp_path)  # what comes after the paint may change
    for one, other in zip(first["regions"], again["regions"], strict=True):
        assert [one[name] for name in SAME] == [other[name] for name in SAME]
    assert (tmp_path / "regions" / "object_0" / "paint.png").stat().st_mtime_ns == before
    with pytest.raises(ConfigError, match=r"holds a picture of other settings(.|\n)*recipe\.steps"):
        partial(config.but(recipe=config.recipe.but(steps=[2])), tmp_path)


def test_nothing_chosen_lists_and_draws_what_was_found(config: PartialConfig, tmp_path: Path) -> None:
    missed = config.but(region=config.region.but(point=[64.0, 5.0]))
    with pytest.raises(DataError) as caught:
        partial(missed, tmp_path)
    message = str(caught.value)
    assert "region.point: [64.0, 5.0] hits no instance" in message
    assert "0: score 1.00, box 8,20 to 44,60, 1440 pixels" in message
    assert str(tmp_path / "instances.png") in message
    overlay = read_rgb(tmp_path / "instances.png")
    assert (overlay != read_rgb(Path(config.content))).any()


def test_numbers_are_as_large_on_large_photos(
    config: PartialConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pochoir.runs.partial.SHOWN_SIDE", 64)
    with pytest.raises(DataError):
        partial(config.but(region=config.region.but(point=[64.0, 5.0])), tmp_path)
    overlay = read_rgb(tmp_path / "instances.png")
    changed = (overlay != within(read_rgb(Path(config.content)), 64)).any(axis=-1)
    assert changed.shape == (48, 64)
    assert changed[11:29, 5:21].mean() > 0.9  # half of 8,20 to 44,60


def test_a_region_too_small_for_some_layers_is_noted(config: PartialConfig, files: Path, tmp_path: Path) -> None:
    mask = np.zeros((96, 128), dtype=np.uint8)
    mask[40:43, 60:63] = 255
    write_image(tmp_path / "dot.png", mask)
    deep = config.encoder.but(style_layers=["relu1_1", "relu5_1"])
    whole = config.region.but(crop=False, refine="off", feather=0)
    metrics = partial(
        config.but(masks=[str(tmp_path / "dot.png")], truth=None, encoder=deep, region=whole), tmp_path / "run"
    )
    assert any("the region vanishes at" in note and "relu5_1" in note for note in metrics["notes"])
    assert np.isfinite(metrics["style_error"])


def test_objects_may_come_from_a_checkpoint(
    config: PartialConfig, trained: tuple[Path, float | None], tiny: TrainSegConfig, tmp_path: Path
) -> None:
    folder, _ = trained
    assert isinstance(tiny.dataset, FolderDataset)
    found = config.but(
        content=str(Path(tiny.dataset.images) / "01.png"),
        masks=None,
        truth=None,
        find=config.find.but(weights=str(folder / "checkpoints" / "best.ckpt"), score_threshold=0.3),
    )
    metrics = partial(found, tmp_path)
    assert metrics["regions"]
    assert metrics["leak"]["changed_pixels"] == 0


@pytest.fixture
def folders(files: Path, tmp_path: Path) -> Path:
    """photos/ of two and an empty one, masks/ of theirs but one's, paintings/ of two."""
    photo, mask = read_rgb(files / "photo.png"), read_labels(files / "mask.png")
    write_image(tmp_path / "photos" / "a.png", photo)
    write_image(tmp_path / "photos" / "b.jpg", photo[:, :72])
    write_image(tmp_path / "photos" / "empty.png", photo)
    write_image(tmp_path / "photos" / "lost.png", photo)
    write_image(tmp_path / "masks" / "a.png", mask)
    write_image(tmp_path / "masks" / "b.png", mask[:, :72])
    write_image(tmp_path / "masks" / "empty.png", np.zeros_like(mask))
    for name in ("red", "green"):
        write_image(tmp_path / "paintings" / f"{name}.png", read_rgb(files / f"{name}.png"))
    return tmp_path


def of_folders(config: PartialConfig, folders: Path, **changes: Any) -> PartialConfig:
    """One step for each picture."""
    given: dict[str, Any] = {
        "content": str(folders / "photos"),
        "style": str(folders / "paintings"),
        "styles": None,
        "masks": [str(folders / "masks")],
        "truth": None,
        "region": config.region.but(indices=[0], min_side=48),
        "recipe": config.recipe.but(steps=[2]),
    }
    return config.but(**{**given, **changes})


def test_every_photo_is_painted_in_every_style(config: PartialConfig, folders: Path) -> None:
    out = folders / "out"
    asked = of_folders(config, folders)
    summary = partials(asked, out)
    assert list(summary.results) == ["a__green", "a__red", "b__green", "b__red"]
    assert list(summary.failures) == ["empty__green", "empty__red", "lost__green", "lost__red"]
    assert "there is no object; all is background" in summary.failures["empty__red"]
    assert f"{folders / 'masks' / 'lost.png'}, the mask of lost.png, is not there" in summary.failures["lost__red"]
    with pytest.raises(SomeInputsFailedError, match="4 pictures could not be painted"):
        summary.outcome()
    styles = [Path(result["regions"][0]["style"]).stem for result in summary.results.values()]
    assert styles == ["green", "red", "green", "red"]
    with (out / "summary.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["finished"] * 4 + ["failed"] * 4
    assert float(rows[0]["area"]) == summary.results["a__green"]["area"] > 0.1
    assert read_rgb(out / "sheet.png").shape == (3 * 240, 3 * 320, 3)
    assert read_rgb(out / "b__red" / "result.png").shape == (96, 72, 3)
    assert {path.name for path in (out / "a__red" / "regions").iterdir()} == {"object_0"}
    painted = out / "a__red" / "regions" / "object_0" / "paint.png"
    before = painted.stat().st_mtime_ns
    again = partials(asked, out)
    assert painted.stat().st_mtime_ns == before
    assert again.results["b__red"]["style_error"] == summary.results["b__red"]["style_error"]


def test_styles_are_one_for_each_object_of_every_photo(config: PartialConfig, folders: Path, files: Path) -> None:
    styles = [str(files / "red.png"), str(files / "green.png")]
    (folders / "photos" / "lost.png").unlink()
    (folders / "photos" / "empty.png").unlink()
    asked = of_folders(config, folders, style=None, styles=styles, region=config.region.but(min_side=48))
    summary = partials(asked, folders / "out")
    used = {name: [Path(region["style"]).stem for region in r["regions"]] for name, r in summary.results.items()}
    assert used == {"a__red_green": ["red", "green"], "b__red_green": ["red"]}


def test_a_photo_is_looked_at_once_by_one_segmenter(
    config: PartialConfig, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It finds the blocks of a photo by their brightness, and nobody in `empty`."""
    seen: list[tuple[int, int]] = []
    loaded: list[PartialConfig] = []

    def segmenter_of(config: PartialConfig) -> Callable[[Picture], Instances]:
        loaded.append(config)
        return find

    def find(photo: Picture) -> Instances:
        seen.append(photo.size)
        return certain((photo.pixels.max(axis=2) > 100)[None])

    write_image(folders / "photos" / "empty.png", np.zeros((96, 128, 3), dtype=np.uint8))
    monkeypatch.setattr("pochoir.runs.partial.segmenter_of", segmenter_of)
    summary = partials(of_folders(config, folders, masks=None), folders / "out")
    assert len(loaded) == 1
    assert seen == [(96, 128), (96, 72), (96, 128), (96, 128)]
    assert len(summary.results) == 6
    assert list(summary.failures) == ["empty__green", "empty__red"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["masks=[masks/a.png]"], "masks: are those of one photo, and content is a folder; give masks=<folder>"),
        (["masks=[masks,masks/a.png]"], "masks: give the mask pictures of one photo, or one folder of them"),
        (["box=[1,2,30,40]"], "box: is around an object of one photo, and content is a folder; give masks=<folder>"),
        (["truth=masks/a.png"], "truth: is the mask of one photo, and content is a folder; leave it out"),
        (["background_style=paintings"], "background_style: 'paintings' is a folder; give one picture"),
        (["style=null", "styles=[paintings]"], "style=<folder> paints in each of it in turn"),
    ],
)
def test_what_is_of_one_photo_is_refused_for_many(
    folders: Path, monkeypatch: pytest.MonkeyPatch, overrides: list[str], message: str
) -> None:
    monkeypatch.chdir(folders)
    Request("partial", ["content=photos", "style=paintings", "masks=masks", "region.point=[3,4]"]).check()
    with pytest.raises(ConfigError) as caught:
        Request("partial", ["content=photos", "style=paintings", *overrides]).check()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["box=[1,2,3,4]"], "box: masks and box say where the objects are; give one of find.weights="),
        (["region.point=[1]"], "region.point: [1] has 1 values; allowed are at least 2"),
        (["region.point=[1,2]", "region.indices=[0]"], "region.point: indices and point choose twice"),
        (["region=nothing"], "region: 'nothing' is unknown; allowed: background, object"),
        (["keep.part=[0%,50%,100%,40%]"], "keep.part: ['0%', '50%', '100%', '40%'] is neither head nor x0, y0, x1, y1"),
        (["keep.part=[0,0,100,40]"], "keep.part: [0, 0, 100, 40] is neither head nor x0, y0, x1, y1 in per cent"),
        (["keep.part=face"], "keep.part: face is neither head nor x0, y0, x1, y1 in per cent of an object's box"),
        (["keep.part=head", "recipe.content_weight=0"], "keep.part: recipe.content_weight is 0, of which any number"),
        (
            ["keep.part=head", "region=background"],
            "keep.part: is of the chosen objects, which region=background leaves",
        ),
        (["assign=[0]"], "assign: are numbers of styles=[<picture>,…], which are missing"),
        (["segmenter.ckpt=best.ckpt"], "segmenter: unknown setting; it is called find, with find.weights"),
        (["find.weights=builtin:person"], "'builtin:person' is now called 'person'"),
    ],
)
def test_wrong_settings_are_errors_for_people(files: Path, overrides: list[str], message: str) -> None:
    given = [f"content={files / 'photo.png'}", f"style={files / 'red.png'}", f"masks=[{files / 'mask.png'}]"]
    with pytest.raises(ConfigError) as caught:
        Request("partial", [*given, *overrides]).check()
    assert message in str(caught.value)


def test_matting_without_its_package_is_said_before_anything_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pochoir.config.partial.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"region\.refine: matting needs the package pymatting; install it with pip"):
        load_config("partial", ["region.refine=matting"])


def test_the_script_ends_with_a_message(files: Path, tmp_path: Path) -> None:
    command = [sys.executable, ROOT / "scripts/partial.py", f"content={files / 'photo.png'}", "region=nothing"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "ConfigError: 2 problems" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_colours_below_transparent_pixels_of_a_photo_change_nothing(
    config: PartialConfig, tmp_path: Path, suffix: str
) -> None:
    photo = read_rgb(Path(config.content))
    alpha = np.full(photo.shape[:2], 255, dtype=np.uint8)
    alpha[:, :30] = 0  # through the first block
    results = []
    for number, hidden in enumerate(((255, 0, 255), (0, 0, 0))):
        pixels = photo.copy()
        pixels[:, :30] = hidden
        content = tmp_path / f"{number}.png"
        write_image(content, pixels, alpha=alpha)
        metrics = partial(config.but(content=str(content), suffix=suffix), tmp_path / str(number))
        assert metrics["leak"]["changed_pixels"] == 0 or suffix == ".jpg"
        results.append(read_picture(tmp_path / str(number) / f"result{suffix}"))
    one, other = results
    assert np.array_equal(one.pixels[:, 30:], other.pixels[:, 30:])
    if suffix == ".jpg":
        assert np.array_equal(one.pixels, other.pixels)
        assert one.pixels[:, :20].min() > 240
    else:
        assert np.array_equal(one.alpha, alpha)


def test_an_alpha_that_was_written_is_taken_as_it_is(config: PartialConfig, tmp_path: Path) -> None:
    partial(config, tmp_path / "first")
    alpha = tmp_path / "first" / "alpha.png"
    partial(config.but(masks=[str(alpha)]), tmp_path / "again")
    assert np.array_equal(read_labels(alpha), read_labels(tmp_path / "again" / "alpha.png"))


def test_the_heads_that_are_kept_are_shown(config: PartialConfig, tmp_path: Path) -> None:
    plain = partial(config.but(region=config.region.but(indices=[0])), tmp_path / "plain")
    kept = config.but(region=config.region.but(indices=[0]), keep=config.keep.but(part="head", weight=500.0))
    metrics = partial(kept, tmp_path / "kept")
    shown = read_labels(tmp_path / "kept" / "keep.png")
    assert shown.shape == (96, 128)
    assert shown[24:36, 12:40].min() > 250  # the block is 36 pixels wide and 40 high, so that its head has 22 of these
    assert shown[46:].max() == 0
    assert not (tmp_path / "plain" / "keep.png").exists()
    photo = read_rgb(Path(config.content)).astype(float)
    changes = [abs(read_rgb(tmp_path / name / "result.png") - photo) for name in ("plain", "kept")]
    head, body = np.s_[22:38, 10:42], np.s_[46:58, 10:42]
    assert changes[1][head].mean() < 0.7 * changes[0][head].mean()
    assert changes[1][body].mean() > 0.6 * changes[0][body].mean()
    assert metrics["content_error"] < plain["content_error"]
