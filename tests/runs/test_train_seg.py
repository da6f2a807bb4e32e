"""Whole runs on a tiny dataset: what they leave behind, resuming, interrupting, several processes."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from omegaconf import OmegaConf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN

from pochoir.config import FolderDataset, SegmenterConfig, TrainSegConfig
from pochoir.config.validation import validate
from pochoir.data.datamodule import SegmentationData
from pochoir.data.folder import MaskFolder
from pochoir.errors import ConfigError, DataError, NonFiniteLossError, WeightsError
from pochoir.runs.checkpoints import BestCheckpoint
from pochoir.runs.train_seg import check_resumable, train, validation_interval
from pochoir.segmentation.models import build_segmenter
from pochoir.segmentation.module import SegmentationModule

ROOT = Path(__file__).parents[2]


def script(config: TrainSegConfig, folder: Path, *overrides: str) -> list[str]:
    """The command line that trains with the dataset and the weights of `config` into `folder`."""
    assert isinstance(config.dataset, FolderDataset)
    return [
        sys.executable,
        str(ROOT / "scripts/train_seg.py"),
        "dataset=folder",
        f"dataset.images={config.dataset.images}",
        f"dataset.masks={config.dataset.masks}",
        "dataset.val=5",
        "dataset.num_workers=0",
        f"segmenter.weights={config.segmenter.weights}",
        "segmenter.min_size=96",
        "optim.lr=0.0001",
        f"hydra.run.dir={folder}",
        *overrides,
        "trainer.progress_bar=false",
    ]


def files_in(folder: Path) -> set[str]:
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {"events" if name.startswith("events.out.tfevents") else name for name in found}


def state_of(path: Path) -> dict[str, torch.Tensor]:
    return torch.load(path, weights_only=True)["state_dict"]


def test_the_script_leaves_exactly_these_files(tiny: TrainSegConfig, tmp_path: Path) -> None:
    command = script(tiny, tmp_path, "trainer=smoke", "shown=1")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    (picture,) = (tmp_path / "predictions").glob("00_*.png")
    assert files_in(tmp_path) == {
        ".hydra/config.yaml",
        ".hydra/hydra.yaml",
        ".hydra/overrides.yaml",
        "checkpoints/best.ckpt",
        "checkpoints/last.ckpt",
        "events",
        "hparams.yaml",
        "metrics.json",
        f"predictions/{picture.name}",
        "predictions/sheet.png",
        "run.md",
        "samples.png",
        "split.json",
        "train_seg.log",
    }
    assert metrics["split"] == {"train": 18, "val": 5, "test": 0}
    assert "Average precision" in done.stdout


def test_metrics_record_last_best_and_where_they_come_from(trained: tuple[Path, float]) -> None:
    folder, objective = trained
    metrics = json.loads((folder / "metrics.json").read_text())
    assert [row["epoch"] for row in metrics["history"]] == [1, 2]
    assert metrics["last"] == metrics["history"][-1]
    assert metrics["best"]["mask_ap"] == max(row["mask_ap"] for row in metrics["history"]) == objective > 0.1
    assert metrics["test_of_best"]["mask_ap"] > 0.1
    assert metrics["split"] == {"train": 16, "val": 5, "test": 2}
    assert metrics["seconds"] >= metrics["train_seconds"] > 0
    assert metrics["versions"]["torch"] == version("torch")
    assert len(metrics["split_digest"]) == 16
    assert -1 not in metrics["last"].values()


def test_checkpoints_load_without_running_code(trained: tuple[Path, float]) -> None:
    folder, _ = trained
    names = sorted(path.name for path in (folder / "checkpoints").iterdir())
    assert names == ["best.ckpt", "last.ckpt"]
    for name in names:
        checkpoint = torch.load(folder / "checkpoints" / name, weights_only=True)
        assert checkpoint["hyper_parameters"]["segmenter"]["name"] == "maskrcnn_lite"


def test_tensorboard_gets_scalars_pictures_and_the_config(trained: tuple[Path, float]) -> None:
    folder, _ = trained
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()
    tags = events.Tags()
    losses = ("loss_classifier", "loss_box_reg", "loss_mask", "loss_objectness", "loss_rpn_box_reg")
    assert {"train/loss", *(f"train/{name}" for name in losses)} <= set(tags["scalars"])
    assert {"val/mask_ap", "val/box_ap", "val/mask_ap50", "val/mask_ap75", "val/mask_ar100"} <= set(tags["scalars"])
    assert any(tag.startswith("lr-") for tag in tags["scalars"])
    assert {"val/00", "val/01", "val/precision_recall"} <= set(tags["images"])
    assert len(events.Images("val/00")) == 2  # the same photo after each validation
    text = events.Tensors("config/text_summary")[0].tensor_proto.string_val[0].decode()
    assert "min_size: 96" in text


class Stop(pl.Callback):
    """Presses Ctrl-C when the second epoch begins."""

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.current_epoch == 1:
            raise KeyboardInterrupt


def test_an_interrupted_run_resumes_to_the_same_result(
    trained: tuple[Path, float],
    taught: TrainSegConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole, _ = trained
    handler = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(SegmentationModule, "configure_callbacks", lambda self: [Stop()])
        with pytest.raises(SystemExit):
            train(taught, tmp_path / "first")
    signal.signal(signal.SIGINT, handler)  # Lightning ignores further Ctrl-Cs of a process that is about to end
    last = tmp_path / "first" / "checkpoints" / "last.ckpt"
    assert f"ckpt={last}" in capsys.readouterr().out

    torch.rand(17)  # the global random state of the resuming process is another
    workers = replace(taught.dataset, num_workers=1)  # and its samples are loaded elsewhere
    train(replace(taught, ckpt=str(last), dataset=workers), tmp_path / "second")
    train(taught, tmp_path / "first")  # in its own folder, as a job of a sweep is
    for folder in (tmp_path / "first", tmp_path / "second"):
        resumed, uninterrupted = (state_of(f / "checkpoints" / "last.ckpt") for f in (folder, whole))
        for name, value in uninterrupted.items():
            assert torch.equal(resumed[name], value), name
    best, best_of_whole = (state_of(f / "checkpoints" / "best.ckpt") for f in (tmp_path / "second", whole))
    assert all(torch.equal(best[name], value) for name, value in best_of_whole.items())
    rows = [json.loads((f / "metrics.json").read_text())["history"] for f in (tmp_path / "second", whole)]
    assert [{**row, "seconds": 0} for row in rows[0]] == [{**row, "seconds": 0} for row in rows[1]]


def test_a_resumed_run_keeps_an_earlier_best_in_its_own_folder(tmp_path: Path) -> None:
    first = BestCheckpoint(tmp_path / "first")
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "best.ckpt").write_text("weights")
    first.best_model_path = str(tmp_path / "first" / "best.ckpt")
    first.best_model_score = torch.tensor(0.6)
    second = BestCheckpoint(tmp_path / "second")
    second.load_state_dict(first.state_dict())
    assert second.best_model_score == first.best_model_score
    assert second.best_model_path == str(tmp_path / "second" / "best.ckpt")
    assert (tmp_path / "second" / "best.ckpt").read_text() == "weights"


def test_ctrl_c_ends_the_script_and_keeps_the_last_checkpoint(tiny: TrainSegConfig, tmp_path: Path) -> None:
    settings = ("trainer.max_epochs=500", "trainer.check_val_every_n_epoch=500", "trainer.limit_train_batches=2")
    process = subprocess.Popen(
        script(tiny, tmp_path, *settings),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    last = tmp_path / "checkpoints" / "last.ckpt"
    deadline = time.monotonic() + 120
    while not last.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.2)
    time.sleep(1.5)  # into another epoch
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 1, output
    assert f"ckpt={last}" in output
    assert "Traceback" not in output
    assert state_of(last)


def test_two_processes_get_the_evaluation_of_one(taught: TrainSegConfig, tmp_path: Path) -> None:
    """Five validation photos on two processes: the sampler pads with a repeated one."""
    overrides = ("trainer=ddp", "trainer.accelerator=cpu", "trainer.max_epochs=1", "trainer.limit_train_batches=2")
    done = subprocess.run(
        script(taught, tmp_path, *overrides),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / "metrics.json").read_text())

    config = validate(OmegaConf.load(tmp_path / ".hydra" / "config.yaml"), TrainSegConfig)  # type: ignore[arg-type]
    weights = str(tmp_path / "checkpoints" / "last.ckpt")
    module = SegmentationModule(replace(config.segmenter, weights=weights), config.optim)
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False)
    trainer.validate(module, datamodule=SegmentationData(config.dataset, config.augment), verbose=False)
    assert len(module.records) == 5
    assert module.evaluation is not None
    one = {name: round(value, 4) for name, value in module.evaluation.metrics.items()}
    two = {name: value for name, value in metrics["last"].items() if name not in ("epoch", "seconds")}
    assert one == pytest.approx(two, abs=1e-4)
    assert one["mask_ap"] > 0.1  # else the comparison says little


def test_a_loss_that_is_not_finite_stops_with_the_pictures_names(
    tiny: TrainSegConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real NaN: weights that blew up, not a mocked loss."""

    def broken(config: SegmenterConfig) -> GeneralizedRCNN:
        network = build_segmenter(config)
        with torch.no_grad():
            network.roi_heads.box_predictor.cls_score.bias.fill_(float("nan"))
        return network

    monkeypatch.setattr("pochoir.segmentation.module.build_segmenter", broken)
    with pytest.raises(NonFiniteLossError, match=r"not finite in epoch 0, step 0 .*\d\d\.png, \d\d\.png"):
        train(tiny, tmp_path)


def test_a_split_of_another_run_is_not_resumed(
    trained: tuple[Path, float], taught: TrainSegConfig, tmp_path: Path
) -> None:
    last = trained[0] / "checkpoints" / "last.ckpt"
    other = replace(taught, ckpt=str(last), dataset=replace(taught.dataset, split_seed=1))
    with pytest.raises(ConfigError, match="another split"):
        train(other, tmp_path)
    reused = replace(other, dataset=replace(other.dataset, split_file=str(trained[0] / "split.json")))
    assert train(reused, tmp_path) is not None  # its epochs are all done: nothing is trained, the record is written


def test_a_checkpoint_of_another_network_is_not_resumed(trained: tuple[Path, float], tiny: TrainSegConfig) -> None:
    module = SegmentationModule(tiny.segmenter, tiny.optim)
    module.network.roi_heads.box_predictor.cls_score = torch.nn.Linear(256, 3)
    with pytest.raises(WeightsError, match=r"cls_score.weight is \[2, 256\], the network's is \[3, 256\]"):
        check_resumable(module, trained[0] / "checkpoints" / "last.ckpt")


def test_weights_alone_are_not_resumed(tiny: TrainSegConfig, tmp_path: Path) -> None:
    module = SegmentationModule(tiny.segmenter, tiny.optim)
    torch.save({"state_dict": module.state_dict()}, tmp_path / "weights.ckpt")
    with pytest.raises(ConfigError, match=r"segmenter\.weights="):
        train(replace(tiny, ckpt=str(tmp_path / "weights.ckpt")), tmp_path)


def test_a_new_run_starts_from_the_weights_of_another(trained: tuple[Path, float], tiny: TrainSegConfig) -> None:
    best = trained[0] / "checkpoints" / "best.ckpt"
    module = SegmentationModule(replace(tiny.segmenter, weights=str(best)), tiny.optim)
    state = state_of(best)
    assert all(torch.equal(value, state[name]) for name, value in module.state_dict().items())


@pytest.mark.parametrize(
    ("max_epochs", "at_most", "interval"), [(16, 4, 4), (14, 4, 2), (5, 4, 1), (9, 4, 3), (2, 4, 2), (1, 1, 1)]
)
def test_the_last_epoch_is_always_measured(max_epochs: int, at_most: int, interval: int) -> None:
    assert validation_interval(max_epochs, at_most) == interval


def test_early_stopping_ends_a_run_that_no_longer_improves(tiny: TrainSegConfig, tmp_path: Path) -> None:
    settings = replace(tiny.trainer, max_epochs=6, early_stopping=1, limit_train_batches=1)
    optim = replace(tiny.optim, lr=1e-8)
    train(replace(tiny, trainer=settings, optim=optim, shown=0), tmp_path)
    assert len(json.loads((tmp_path / "metrics.json").read_text())["history"]) < 6


def test_check_data_reports_and_stops(tiny: TrainSegConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(replace(tiny, check_data=True), tmp_path) is None
    assert files_in(tmp_path) == {"data.json", "samples.png"}
    report = json.loads((tmp_path / "data.json").read_text())
    assert report["train"]["images"] == 16
    assert report["val"]["images"] == 5
    assert report["train"]["problems"] == []
    assert "instances" in capsys.readouterr().out


def test_validation_photos_without_any_object_are_an_error(
    tiny: TrainSegConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = MaskFolder.read

    def empty(self: MaskFolder, index: int) -> Any:
        sample = read(self, index)
        return replace(sample, masks=sample.masks[:0], crowd=sample.crowd[:0])

    monkeypatch.setattr(MaskFolder, "read", empty)
    with pytest.raises(DataError, match="none of the 5 val photos holds an object"):
        train(replace(tiny, trainer=replace(tiny.trainer, max_epochs=1, limit_train_batches=1)), tmp_path)
