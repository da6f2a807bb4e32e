"""Whole trainings of a tiny painter on drawn pictures: it learns, resumes exactly, and leaves what it says."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from pochoir.config import TrainPainterConfig, load_config
from pochoir.data.photo_data import PhotoData
from pochoir.errors import ConfigError, DataError, NonFiniteLossError, WeightsError
from pochoir.images import read_rgb, to_pixels, write_image
from pochoir.inspection.painting import contact_sheet
from pochoir.runs.train import train
from pochoir.runs.train_painter import length_of, module_of, run, styles_of
from pochoir.stylization.painters.files import export, trained_painter
from pochoir.stylization.painters.network import one_style


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photos/ of ten pictures of discs, and styles/ of two: red and blue hatching."""
    folder = tmp_path_factory.mktemp("scenes")
    rng = np.random.default_rng(0)
    for index in range(10):
        picture = np.full((64, 80, 3), rng.integers(60, 200, 3), dtype=np.uint8)
        for _ in range(4):
            x, y, radius = (int(number) for number in rng.integers(8, 60, 3))
            cv2.circle(picture, (x, y), radius // 3 + 4, [int(level) for level in rng.integers(0, 255, 3)], -1)
        write_image(folder / "photos" / f"{index}.png", picture)
    y, x = np.mgrid[:64, :80]
    for name, on in (("red", (x + y) // 4 % 2), ("blue", (x - y) // 4 % 2)):
        strong, weak = 235 - 40 * on, 60 * on
        channels = [strong, weak, weak] if name == "red" else [weak, weak, strong]
        write_image(folder / "styles" / f"{name}.png", np.stack(channels, axis=-1).astype(np.uint8))
    return folder


@pytest.fixture(scope="session")
def words(scenes: Path) -> list[str]:
    """Two epochs of five steps, the encoder's first blocks alone."""
    return [
        f"styles={scenes / 'styles'}",
        f"content={scenes / 'photos'}",
        *("photos.size=64", "photos.crop=32", "photos.val=2", "loader.num_workers=0", "shown=1"),
        *("painter.width=4", "painter.blocks=1", "painter.kernel=3", "encoder.precision=float32"),
        *("encoder.content_layers=[relu2_1]", "encoder.style_layers=[relu1_1,relu2_1]"),
        *("consistency.shift=2", "optim.lr=0.01", "ema_decay=0.5", "steps=10", "validations=2"),
        *("trainer.enable_progress_bar=false", "trainer.log_every_n_steps=1"),
    ]


@pytest.fixture(scope="session")
def tiny(words: list[str]) -> TrainPainterConfig:
    settings: TrainPainterConfig = load_config("train_painter", words)
    return settings


@pytest.fixture(scope="session")
def trained(tiny: TrainPainterConfig, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float | None]:
    folder = tmp_path_factory.mktemp("trained")
    return folder, run(tiny, folder)


def state_of(path: Path) -> dict[str, torch.Tensor]:
    return torch.load(path, weights_only=True)["state_dict"]


def assert_same(one: Path, other: Path) -> None:
    there, here = state_of(one), state_of(other)
    assert there.keys() == here.keys()
    assert all(torch.equal(there[name], here[name]) for name in there)


def test_a_run_leaves_these_files(trained: tuple[Path, float]) -> None:
    folder, objective = trained
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {name for name in found if not name.startswith("events")} == {
        *("checkpoints/best.ckpt", "checkpoints/last.ckpt", "painter.safetensors", "hparams.yaml"),
        *("samples.png", "sheet.png", "metrics.json"),
    }
    metrics = json.loads((folder / "metrics.json").read_text())
    assert [row["epoch"] for row in metrics["history"]] == [1, 2]
    assert (
        metrics["best"]["loss"] == min(row["loss"] for row in metrics["history"]) == pytest.approx(objective, abs=1e-4)
    )
    assert {"style_error/red", "content_error/blue", "style_error", "content_error"} <= metrics["last"].keys()


def test_checkpoints_hold_the_painter_and_no_encoder(trained: tuple[Path, float]) -> None:
    names = state_of(trained[0] / "checkpoints" / "last.ckpt")
    assert {name.partition(".")[0] for name in names} == {"network"}
    assert not any("conv1_1" in name for name in names)


def test_what_is_watched_is_in_tensorboard(trained: tuple[Path, float]) -> None:
    events = EventAccumulator(str(trained[0])).Reload()
    scalars = set(events.Tags()["scalars"])
    parts = {"train/loss", "train/content", "train/style", "train/tv", "train/consistency"}
    assert parts | {"val/loss", "val/style_error", "val/style_error/red", "val/content_error/blue"} <= scalars
    assert events.Tags()["images"] == ["val/00"]


def test_the_sheet_shows_what_is_kept(tiny: TrainPainterConfig, trained: tuple[Path, float], scenes: Path) -> None:
    """Paint by averaged weights, as checkpoints hold them."""
    folder, _ = trained
    network = trained_painter(folder / "checkpoints" / "last.ckpt").network
    photo = PhotoData(tiny.content, tiny.photos, tiny.loader, epoch_length=10).val[0][None]
    with torch.no_grad():
        paints = [network(photo, one_style(torch.tensor([number]), 2)).clamp(0, 1)[0] for number in range(2)]
    styles = [read_rgb(scenes / "styles" / f"{name}.png") for name in ("blue", "red")]
    sheet = contact_sheet([to_pixels(photo[0])], styles, [[to_pixels(paint) for paint in paints]])
    assert np.abs(sheet.astype(int) - read_rgb(folder / "sheet.png").astype(int)).max() <= 1


def test_two_processes_get_the_evaluation_of_one(tiny: TrainPainterConfig, words: list[str], tmp_path: Path) -> None:
    """Two held-out photos in two styles on two processes, each of which paints one."""
    command = [sys.executable, "-m", "pochoir", "train_painter", *words, "trainer=ddp", "trainer.accelerator=cpu"]
    done = subprocess.run(
        [*command, "steps=4", "trainer.enable_progress_bar=false", f"hydra.run.dir={tmp_path}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "metrics.json").read_text())["last"]
    module = module_of(tiny, styles_of(tiny.styles or {}))
    module.load_state_dict(state_of(tmp_path / "checkpoints" / "last.ckpt"))
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False)
    data = PhotoData(tiny.content, tiny.photos, tiny.loader, epoch_length=10)
    trainer.validate(module, datamodule=data, verbose=False)
    assert module.evaluation is not None
    assert {name: told[name] for name in module.evaluation.metrics} == pytest.approx(
        module.evaluation.metrics, abs=1e-4
    )


def test_without_photos_it_says_that_drawn_ones_teach_less(
    tiny: TrainPainterConfig, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(tiny.but(content=None, steps=1, validations=1), tmp_path)
    assert "content: no photos are given; drawn scenes teach less" in caplog.text


def test_it_learns(tiny: TrainPainterConfig, tmp_path: Path) -> None:
    """A tenth of the first validation's style error is gone within sixty steps of a small network."""
    settings = tiny.but(steps=60, validations=6, shown=0, optim=tiny.optim.but(lr=0.02))
    run(settings, tmp_path)
    errors = [row["style_error"] for row in json.loads((tmp_path / "metrics.json").read_text())["history"]]
    assert errors[-1] < 0.9 * errors[0], errors


def test_a_run_that_was_broken_off_goes_on_exactly(
    tiny: TrainPainterConfig, trained: tuple[Path, float], tmp_path: Path
) -> None:
    """Within an epoch, too: the same weights as of one that was not."""

    class BrokenOffError(Exception):
        pass

    def broken_off(settings: TrainPainterConfig, after: int) -> None:
        import pochoir.runs.train_painter as module

        class Breaking(module.CheckpointOnSignal):
            def on_train_batch_end(self, trainer: Any, *args: Any, **kwargs: Any) -> None:
                if trainer.global_step == after:
                    trainer.save_checkpoint(tmp_path / "checkpoints" / "last.ckpt")
                    raise BrokenOffError

        with pytest.MonkeyPatch.context() as patch, pytest.raises(BrokenOffError):
            patch.setattr(module, "CheckpointOnSignal", Breaking)
            run(settings, tmp_path)

    broken_off(tiny, 3)
    broken_off(tiny, 7)
    run(tiny, tmp_path)
    assert_same(trained[0] / "checkpoints" / "last.ckpt", tmp_path / "checkpoints" / "last.ckpt")
    assert json.loads((tmp_path / "metrics.json").read_text())["history"][-1]["epoch"] == 2


def test_other_settings_do_not_go_on_with_a_run(
    tiny: TrainPainterConfig, trained: tuple[Path, float], tmp_path: Path
) -> None:
    ckpt = trained[0] / "checkpoints" / "last.ckpt"
    other = tiny.but(resume=str(ckpt), loss=tiny.loss.but(style_weight=3.0))
    with pytest.raises(ConfigError, match=r"other settings.*\n  - loss.style_weight: 1.0 there, now 3.0"):
        run(other, tmp_path)
    only = tiny.but(resume=str(trained[0] / "painter.safetensors"))
    with pytest.raises(ConfigError, match=r"holds weights only; start a new run from it with painter.weights="):
        run(only, tmp_path)


def test_the_exported_painter_is_the_best_in_half_precision(trained: tuple[Path, float]) -> None:
    folder, _ = trained
    painter = trained_painter(folder / "painter.safetensors")
    assert painter.network.styles == ("blue", "red")
    assert (painter.config.width, painter.size, painter.style_scale) == (4, 64, 1.0)
    best = trained_painter(folder / "checkpoints" / "best.ckpt").network
    photo, blend = torch.rand(1, 3, 32, 40), one_style(torch.tensor([1]), 2)
    with torch.no_grad():
        difference = (painter.network(photo, blend) - best(photo, blend)).abs().max()
    assert float(difference) < 0.5 / 255
    assert (folder / "painter.safetensors").stat().st_size < 40_000


def test_a_style_of_ones_own_is_learned_on_a_painter_that_stays(
    tiny: TrainPainterConfig, trained: tuple[Path, float], scenes: Path, tmp_path: Path
) -> None:
    """Only the scales and shifts change, they begin as the mean of the base's, and the style error falls."""
    base = trained_painter(trained[0] / "painter.safetensors").network.state_dict()
    picture = np.zeros((64, 80, 3), dtype=np.uint8)
    picture[::6] = (40, 255, 40)
    write_image(tmp_path / "green.png", picture)
    own = tiny.painter.but(weights=str(trained[0] / "painter.safetensors"), trained=None)
    settings = tiny.but(styles=[str(tmp_path / "green.png")], painter=own, steps=40, validations=4)
    run(settings, tmp_path / "run")
    learned = trained_painter(tmp_path / "run" / "checkpoints" / "last.ckpt").network
    assert learned.styles == ("green",)
    for name, tensor in learned.state_dict().items():
        if name.endswith((".scales", ".shifts")):
            assert tensor.shape[0] == 1
            assert not torch.equal(tensor[0], base[name].mean(dim=0)), name
        else:
            torch.testing.assert_close(tensor, base[name], rtol=0, atol=1e-7)
    errors = [row["style_error"] for row in json.loads((tmp_path / "run/metrics.json").read_text())["history"]]
    assert errors[-1] < errors[0]


def test_another_network_than_the_painters_is_told(
    tiny: TrainPainterConfig, trained: tuple[Path, float], tmp_path: Path
) -> None:
    own = tiny.painter.but(weights=str(trained[0] / "painter.safetensors"), width=8)
    with pytest.raises(ConfigError, match=r"painter\.width: 8 is not what .*painter\.safetensors has; give 4"):
        run(tiny.but(painter=own), tmp_path)
    with pytest.raises(ConfigError, match="trained: styles needs a painter to start from"):
        tiny.painter.but(trained="styles")
    with pytest.raises(ConfigError, match="'shiped' is no file, nor none; painters that come with the project"):
        tiny.painter.but(weights="shiped")
    with pytest.raises(WeightsError, match=r"person.safetensors: is no painter, as it does not tell its painter"):
        from pochoir.assets import weights_path

        trained_painter(weights_path("person"))


def test_weights_beyond_half_precision_are_refused(trained: tuple[Path, float], tmp_path: Path) -> None:
    checkpoint = torch.load(trained[0] / "checkpoints" / "best.ckpt", weights_only=True)
    checkpoint["state_dict"]["network.last.bias"] += 1e6
    torch.save(checkpoint, tmp_path / "large.ckpt")
    with pytest.raises(WeightsError, match=r"last\.bias do not fit into half precision"):
        export(tmp_path / "large.ckpt", tmp_path / "painter.safetensors")


def test_a_loss_that_is_not_finite_names_styles(tiny: TrainPainterConfig, tmp_path: Path) -> None:
    broken = tiny.but(optim=tiny.optim.but(lr=10.0, warmup=0.0), trainer=tiny.trainer.but(gradient_clip_val=None))
    loss = broken.loss.but(style_weight=1e300)
    with pytest.raises(NonFiniteLossError, match=r"styles of the batch: (red, blue|blue, red)\. Try"):
        run(broken.but(loss=loss), tmp_path)


def test_styles_are_called_by_their_files_or_as_one_likes(scenes: Path, tmp_path: Path) -> None:
    assert list(styles_of([str(scenes / "styles")])) == ["blue", "red"]
    write_image(tmp_path / "red.jpg", np.zeros((8, 8, 3), dtype=np.uint8))
    with pytest.raises(ConfigError, match="styles: two are called red; rename one of the files"):
        styles_of([str(scenes / "styles"), str(tmp_path / "red.jpg")])
    assert list(styles_of({"sunset": str(tmp_path / "red.jpg")})) == ["sunset"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"styles: .*empty holds no pictures"):
        styles_of([str(tmp_path / "empty")])


def test_validations_are_evenly_spread(tiny: TrainPainterConfig) -> None:
    assert length_of(tiny.but(steps=100, validations=8)) == (8, 13)
    assert length_of(tiny.but(steps=3, validations=8)) == (8, 1)
    assert length_of(tiny.but(steps=100, validations=8, trainer=tiny.trainer.but(max_epochs=3))) == (3, 13)


def test_python_trains_as_the_command_does(words: list[str], tmp_path: Path) -> None:
    found = train("train_painter", [*words, "steps=2", "validations=1"], tmp_path / "run")
    assert found.metrics["best/loss"] > 0
    assert (tmp_path / "run" / "painter.safetensors").is_file()
    assert found.picture == tmp_path / "run" / "sheet.png"
