"""Painting runs: what they leave behind, pairs, resuming, colours, sizes, and errors for people."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from pochoir.config import Request, StylizeConfig, load_config
from pochoir.errors import ConfigError, DataError, NonFiniteLossError, SomeInputsFailedError
from pochoir.images import read_picture, read_rgb, read_settings, to_tensor, write_image
from pochoir.runs.stylize import asked_for, job_of, stylize
from pochoir.stylization.colors import luminance
from pochoir.stylization.stylizer import Stylizer

ROOT = Path(__file__).parents[2]
LABELLED = ["guides.content=builtin:ink", "guides.style=builtin:ink"]
FILES = {"result.png", "panel.png", "progress.gif", "metrics.json", "settings.json", "plan.json", "hparams.yaml"}


def noise(seed: int, height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "summary.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    write_image(folder / "contents" / "hill.png", noise(0, 64, 96))
    write_image(folder / "contents" / "lake.png", noise(1, 80, 64))
    write_image(folder / "styles" / "oil.png", noise(2, 72, 72))
    write_image(folder / "styles" / "ink.png", noise(3, 64, 104))
    return folder


@pytest.fixture(scope="module")
def config(pictures: Path) -> StylizeConfig:
    """Two levels of three steps, on shallow layers."""
    defaults = load_config("stylize")
    layers = {"content_layers": ["relu2_1"], "style_layers": ["relu1_1", "relu2_1"]}
    return defaults.but(
        content=str(pictures / "contents" / "hill.png"),
        style=str(pictures / "styles" / "oil.png"),
        encoder=defaults.encoder.but(precision="float32", **layers),
        recipe=defaults.recipe.but(content_weight=0.05, tv_weight=0, coarsest=48, steps=[3]),
        trainer=defaults.trainer.but(accelerator="cpu", log_every_n_steps=1),
        milestones=3,
    )


@pytest.fixture(scope="module")
def painted(config: StylizeConfig, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("painted")
    summary = stylize(config, folder)
    return folder, summary.results["hill__oil"]


def test_a_run_leaves_the_picture_and_its_record(painted: tuple[Path, dict[str, Any]], config: StylizeConfig) -> None:
    folder, metrics = painted
    names = {path.name for path in folder.iterdir() if not path.name.startswith("events")}
    assert names == FILES | {"progress"}
    assert json.loads((folder / "metrics.json").read_text()) == metrics
    assert metrics["evaluations"] == 6
    assert metrics["size"] == {"height": 64, "width": 96}
    assert read_rgb(folder / "result.png").shape == (64, 96, 3)
    assert metrics["loss"] == pytest.approx(sum(metrics["losses"].values()))
    assert set(metrics["losses"]) == {"content/relu2_1", "style/relu1_1", "style/relu2_1"}
    assert 0 < metrics["style_error"] < 1
    assert metrics["seconds"] > 0
    assert 0.1 < metrics["peak_memory_gb"] < 50
    assert json.loads(read_settings(folder / "result.png") or "")["recipe.steps"] == [3]
    assert len(list((folder / "progress").glob("*.png"))) == 3
    with Image.open(folder / "progress.gif") as film:
        assert film.n_frames == 3


def test_the_painting_is_nearer_to_the_style_than_the_content_is(
    painted: tuple[Path, dict[str, Any]], config: StylizeConfig, tmp_path: Path
) -> None:
    """The saved picture is what is scored: hardly painted, it scores worse."""
    idle = config.but(recipe=config.recipe.but(optimizer="adam", lr=1e-6, steps=[1]))
    untouched = stylize(idle, tmp_path).results["hill__oil"]
    assert painted[1]["style_error"] < 0.7 * untouched["style_error"]
    assert untouched["content_error"] < 0.01 < painted[1]["content_error"]


def test_tensorboard_shows_losses_pictures_config_and_hyperparameters(painted: tuple[Path, dict[str, Any]]) -> None:
    events = EventAccumulator(str(painted[0]), size_guidance={"images": 0}).Reload()
    scalars = set(events.Tags()["scalars"])
    assert {"loss", "content", "style", "style/relu1_1", "content/relu2_1", "saved/style_error"} <= scalars
    assert len(events.Scalars("loss")) == 6
    assert len(events.Images("picture")) == 3
    assert len(events.Images("panel")) == 1
    assert "config/text_summary" in events.Tags()["tensors"]
    assert "_hparams_/session_start_info" in events.PluginTagToContent("hparams")


def test_every_content_is_painted_in_every_style(config: StylizeConfig, pictures: Path, tmp_path: Path) -> None:
    many = config.but(content=str(pictures / "contents"), style=str(pictures / "styles"), milestones=0)
    summary = stylize(many, tmp_path)
    assert list(summary.results) == ["hill__ink", "hill__oil", "lake__ink", "lake__oil"]
    assert read_rgb(tmp_path / "lake__ink" / "result.png").shape == (80, 64, 3)
    sheet = read_rgb(tmp_path / "sheet.png")
    assert sheet.shape == (3 * 240, 3 * 320, 3)
    assert (sheet[:240, :320] == 255).all()
    assert sheet[240:, 320:].std() > 20
    assert summary.objective == pytest.approx(np.mean([result["loss"] for result in summary.results.values()]))
    rows = table(tmp_path)
    assert [row["picture"] for row in rows] == list(summary.results)
    assert Path(rows[2]["content"]).name == "lake.png"
    assert Path(rows[2]["styles"]).name == "ink.png"
    for row in rows:
        result = summary.results[row["picture"]]
        for name in ("loss", "style_error", "content_error", "seconds"):
            assert float(row[name]) == result[name]


def test_a_finished_picture_is_kept_and_other_settings_are_refused(config: StylizeConfig, tmp_path: Path) -> None:
    first = stylize(config, tmp_path).results["hill__oil"]
    stamp = (tmp_path / "result.png").stat().st_mtime_ns
    assert stylize(config.but(milestones=5), tmp_path).results["hill__oil"] == first
    assert (tmp_path / "result.png").stat().st_mtime_ns == stamp
    renamed = shutil.copy(config.content, tmp_path / "renamed.png")
    assert stylize(config.but(content=str(renamed)), tmp_path).results["renamed__oil"] == first
    other = config.but(recipe=config.recipe.but(steps=[4]))
    with pytest.raises(ConfigError, match=r"other settings[\s\S]*recipe.steps: \[3\] there, now \[4\]"):
        stylize(other, tmp_path)


def test_what_cannot_be_painted_is_named_at_the_end(config: StylizeConfig, pictures: Path, tmp_path: Path) -> None:
    folder = tmp_path / "contents"
    write_image(folder / "a.png", noise(0, 64, 64))
    (folder / "b.jpg").write_bytes(b"no picture")
    summary = stylize(config.but(content=str(folder), milestones=0), tmp_path / "out")
    assert list(summary.results) == ["a__oil"]
    assert list(summary.failures) == ["b__oil"]
    assert "b.jpg" in summary.failures["b__oil"]
    with pytest.raises(SomeInputsFailedError, match="1 picture could not be painted"):
        summary.outcome()
    a, b = table(tmp_path / "out")
    assert (a["picture"], a["status"], a["failure"]) == ("a__oil", "finished", "")
    assert (b["status"], b["style_error"]) == ("failed", "")
    assert "b.jpg: cannot be read" in b["failure"]
    with pytest.raises(DataError, match=r"b\.jpg"):
        stylize(config.but(content=str(folder / "b.jpg")), tmp_path / "single")


def test_names_of_pairs_do_not_collide(config: StylizeConfig, tmp_path: Path) -> None:
    for suffix in ("png", "jpg"):
        write_image(tmp_path / f"a.{suffix}", noise(0, 64, 64))
    pairs = asked_for(config.but(content=str(tmp_path)), tmp_path)
    assert len({pair.folder for pair in pairs}) == len({pair.name for pair in pairs}) == 2


def test_blended_styles_make_one_picture(config: StylizeConfig, pictures: Path, tmp_path: Path) -> None:
    styles = [str(pictures / "styles" / name) for name in ("oil.png", "ink.png")]
    blended = config.but(style=None, styles=styles, blend=[3, 1], milestones=0)
    (pair,) = asked_for(blended, tmp_path)
    assert job_of(blended, pair).blend == [0.75, 0.25]
    assert list(stylize(blended, tmp_path).results) == ["hill__oil_ink"]


@pytest.mark.parametrize("init", ["noise", "style", "picture"])
def test_starts_from_something_else(config: StylizeConfig, pictures: Path, tmp_path: Path, init: str) -> None:
    path = str(pictures / "styles" / "ink.png") if init == "picture" else init
    recipe = config.recipe.but(optimizer="adam", lr=1e-6, steps=[1])
    stylize(config.but(init=path, recipe=recipe, milestones=0), tmp_path)
    result = read_rgb(tmp_path / "result.png").astype(float)
    content = read_rgb(Path(config.content)).astype(float)
    assert np.abs(result - content).mean() > 20


def test_the_seed_decides_the_noise(config: StylizeConfig, tmp_path: Path) -> None:
    quick = config.but(init="noise", recipe=config.recipe.but(steps=[1]), milestones=0)
    results = []
    for number, seed in enumerate((0, 0, 1)):
        stylize(quick.but(seed=seed), tmp_path / str(number))
        results.append(read_rgb(tmp_path / str(number) / "result.png"))
    assert np.array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


def test_luminance_keeps_the_colours_of_the_content(config: StylizeConfig, tmp_path: Path) -> None:
    stylize(config.but(keep_colors="luminance", milestones=0), tmp_path)
    result, content = (to_tensor(read_rgb(path))[None] for path in (tmp_path / "result.png", Path(config.content)))
    inside = ((result > 0.02) & (result < 0.98)).all(dim=1, keepdim=True).expand_as(result)
    chroma = [picture - luminance(picture) for picture in (result, content)]
    assert (chroma[0] - chroma[1])[inside].abs().mean() < 0.01
    assert (luminance(result) - luminance(content)).abs().mean() > 0.01


def test_matching_gives_the_style_the_contents_colours(config: StylizeConfig, tmp_path: Path) -> None:
    red = noise(0, 64, 96).copy()
    red[..., 1:] //= 6
    write_image(tmp_path / "red.png", red)
    plain, matched = (
        stylize(config.but(content=str(tmp_path / "red.png"), keep_colors=keep, milestones=0), tmp_path / keep)
        for keep in ("off", "match")
    )
    assert plain.results and matched.results
    blue = {keep: read_rgb(tmp_path / keep / "result.png")[..., 2].mean() for keep in ("off", "match")}
    assert blue["match"] < 0.8 * blue["off"]


def test_alpha_is_kept(config: StylizeConfig, tmp_path: Path) -> None:
    alpha = np.zeros((64, 96), np.uint8)
    alpha[:, 30:] = 255
    write_image(tmp_path / "a.png", noise(0, 64, 96), alpha=alpha)
    stylize(config.but(content=str(tmp_path / "a.png"), milestones=0), tmp_path / "out")
    kept = read_picture(tmp_path / "out" / "result.png").alpha
    assert kept is not None
    assert np.array_equal(kept, alpha)


@pytest.mark.parametrize(
    ("settings", "size"),
    [({}, (64, 96)), ({"size": 60}, (40, 60)), ({"size": 120}, (80, 120)), ({"max_size": 72}, (48, 72))],
)
def test_size_of_the_result(
    config: StylizeConfig, tmp_path: Path, caplog: pytest.LogCaptureFixture, settings: Any, size: tuple[int, int]
) -> None:
    caplog.set_level("INFO", "pochoir")
    quick = config.but(recipe=config.recipe.but(steps=[1]), milestones=0)
    stylize(quick.but(**settings), tmp_path)
    assert read_rgb(tmp_path / "result.png").shape[:2] == size
    told = "96×64 is painted with a long side of 72 pixels (max_size); size=96 paints all" in caplog.text
    assert told == ("max_size" in settings)


def test_little_memory_makes_another_plan_and_says_so(
    config: StylizeConfig, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "pochoir")
    (pair,) = asked_for(config, tmp_path)
    need = job_of(config, pair).plan().bytes_needed
    summary = stylize(config.but(memory=(need - 1) / 1e9, milestones=0), tmp_path)
    assert "recipe.history=5 instead of 10: 1.1 GB would be needed" in caplog.text
    assert any("history=5" in note for note in summary.results["hill__oil"]["notes"])


def test_a_loss_that_is_not_finite_leaves_the_last_good_picture(
    config: StylizeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Stylizer.training_step

    def poisoned(self: Stylizer, batch: int, batch_idx: int) -> torch.Tensor:
        if self.global_step == 4:
            self.z.data[:] = float("nan")
        return honest(self, batch, batch_idx)

    monkeypatch.setattr(Stylizer, "training_step", poisoned)
    with pytest.raises(NonFiniteLossError, match=r"step 4.*last_good.png"):
        stylize(config, tmp_path)
    assert read_rgb(tmp_path / "last_good.png").std() > 5


def arguments(config: StylizeConfig, folder: Path, *more: str) -> list[str]:
    return [
        sys.executable,
        "scripts/stylize.py",
        f"content={config.content}",
        f"style={config.style}",
        "trainer.enable_progress_bar=false",
        f"hydra.run.dir={folder}",
        *more,
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_a_checkpoint_that_continues_to_the_same_picture(
    config: StylizeConfig, tmp_path: Path, number: int
) -> None:
    """The whole script, interrupted at a moment that nobody chose."""
    more = ("recipe.coarsest=48", "recipe.steps=[60,10]", "encoder.precision=float32", "milestones=0")
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    subprocess.run(arguments(config, whole, *more), cwd=ROOT, check=True, capture_output=True)
    process = subprocess.Popen(arguments(config, broken, *more), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not (broken / "last.ckpt").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 128 + number
    assert "continue by the same command with hydra.run.dir=" in out
    assert (broken / "last.ckpt").exists()
    assert not (broken / "metrics.json").exists()
    subprocess.run(arguments(config, broken, *more), cwd=ROOT, check=True, capture_output=True)
    assert np.array_equal(read_rgb(broken / "result.png"), read_rgb(whole / "result.png"))
    assert not (broken / "last.ckpt").exists()


class Kill(pl.Callback):
    """Sends SIGTERM in the middle of the third step."""

    def on_before_backward(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == 2:
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("steps", [3, 4])  # the last step of a level, and one before
def test_a_killed_picture_goes_on_at_any_step(
    config: StylizeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    longer = config.but(recipe=config.recipe.but(steps=[steps]), milestones=0)
    with monkeypatch.context() as patch:
        patch.setattr(Stylizer, "configure_callbacks", lambda self: [Kill()])
        with pytest.raises(SystemExit, match="143"):
            stylize(longer, tmp_path / "broken")
    last = tmp_path / "broken" / "last.ckpt"
    assert torch.load(last, weights_only=True)["global_step"] == 3
    stylize(longer, tmp_path / "broken")
    stylize(longer, tmp_path / "whole")
    broken, whole = (read_rgb(tmp_path / name / "result.png") for name in ("broken", "whole"))
    assert np.array_equal(broken, whole)


def test_wrong_settings_are_told_together_and_at_once(config: StylizeConfig, tmp_path: Path) -> None:
    more = ("encoder.style_layers=[relu1_1,conv6_1]", "encoder.precision=bf16-true", "styles=[x.jpg]", "init=nowhere")
    result = subprocess.run(
        arguments(config, tmp_path / "run", *more, "trainer.gradient_clip_val=1", "trainer.precision=16-true"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert not (tmp_path / "run").exists()
    for message in (
        "6 problems in the settings",
        "encoder.style_layers: unknown layer 'conv6_1'; did you mean 'conv5_1'? (vgg19 has conv1_1, relu1_1 …",
        "encoder.precision: 'bf16-true' is not one of auto, float32, bfloat16",
        "styles: 'x.jpg' does not exist",
        "init: 'nowhere' is neither a picture nor one of content, noise, style",
        "trainer.gradient_clip_val: L-BFGS infers curvature",
    ):
        assert message in result.stderr


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["trainer.devices=2"], "trainer.devices: cannot be given"),
        (["style=builtin:ink", "styles=[builtin:ink]"], "style: give either style=<picture or folder> or styles=["),
        (["content=builtin:ink"], "style: missing; give either style=<picture or folder> or styles=[<picture>,…]"),
        (["style=builtin:ink"], "content: missing; give it as content=<picture or folder>"),
        (["guides.style=builtin:ink"], "guides.content: missing; labels pair parts of the content with parts of the"),
        (["keep.weight=0.5"], "keep.weight: 0.5 is out of range; allowed is at least 1"),
        (["keep.mask=builtin:ink", "recipe.content_weight=0"], "keep.mask: recipe.content_weight is 0, of which any"),
        (["keep.mask=builtin:ink", "content=."], "keep.mask: is of one content; content is a folder"),
        ([*LABELLED, "content=."], "guides.content: is of one content; content is a folder"),
        ([*LABELLED, "style=."], "guides.style: is of one style each; of these, one is a folder"),
        ([*LABELLED, "styles=[builtin:ink,.]"], "guides.style: is of one style each; of these, one is a folder"),
        ([*LABELLED, "styles=[builtin:ink,builtin:glass]"], "guides.style: 1 label picture for 2 styles; give one for"),
        ([*LABELLED, "recipe.style_weight=0"], "guides.content: recipe.style_weight is 0, so that nothing takes paint"),
    ],
)
def test_what_a_picture_cannot_be_painted_by(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Request("stylize", overrides).check()
    assert message in str(caught.value)


def test_faces_are_kept_and_parts_paired(config: StylizeConfig, pictures: Path, tmp_path: Path) -> None:
    left = np.zeros((64, 96), dtype=np.uint8)
    left[:, :48] = 255
    write_image(tmp_path / "left.png", left)
    write_image(tmp_path / "oil.png", np.full((72, 72), 255, dtype=np.uint8))
    write_image(tmp_path / "ink.png", np.eye(64, 104, dtype=np.uint8) * 255)
    longer = config.but(recipe=config.recipe.but(steps=[12]), milestones=0)
    kept = longer.but(keep=config.keep.but(mask=str(tmp_path / "left.png"), weight=200.0))
    for one, name in ((longer, "plain"), (kept, "kept")):
        stylize(one, tmp_path / name)
    content = read_rgb(pictures / "contents" / "hill.png").astype(float)
    changes = [abs(read_rgb(tmp_path / name / "result.png") - content) for name in ("plain", "kept")]
    assert changes[1][:, :40].mean() < 0.6 * changes[0][:, :40].mean()
    assert changes[1][:, 56:].mean() > 0.8 * changes[0][:, 56:].mean()
    stylize(kept, tmp_path / "kept")  # which is finished
    with pytest.raises(ConfigError, match=r"holds a picture of other settings(.|\n)*keep:"):
        stylize(longer, tmp_path / "kept")
    both = {"style": None, "styles": [str(pictures / "styles" / f"{name}.png") for name in ("oil", "ink")]}
    labels = [str(tmp_path / "oil.png"), str(tmp_path / "ink.png")]
    guided = longer.but(**both, guides=config.guides.but(content=str(tmp_path / "oil.png"), style=labels))
    with pytest.raises(DataError, match=r"oil\.png: is 72×72 pixels, its picture is 96×64"):
        stylize(guided.but(blend=[1, 1]), tmp_path / "guided")
    white = tmp_path / "white.png"
    write_image(white, np.full((64, 96), 255, dtype=np.uint8))
    guided = guided.but(guides=guided.guides.but(content=str(white)))
    assert len(stylize(guided, tmp_path / "each").results) == 2
    (mixed,) = stylize(guided.but(blend=[1, 1]), tmp_path / "mixed").results.values()
    assert np.isfinite(mixed["loss"])
    assert "label 255 vanishes" not in " ".join(mixed["notes"])
