"""Whole runs on a tiny dataset: what they leave behind, resuming, interrupting, several processes."""

import json
import logging
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN

from pochoir.config import FolderDataset, SegmenterConfig, TrainSegConfig, load_config
from pochoir.data.datamodule import SegmentationData
from pochoir.data.folder import MaskFolder
from pochoir.data.source import Sample
from pochoir.errors import ConfigError, DataError, NonFiniteLossError, WeightsError
from pochoir.runs.checkpoints import BestCheckpoint
from pochoir.runs.train import train
from pochoir.runs.train_seg import OBJECTIVE, check_resumable, opened, require_usable, run
from pochoir.segmentation.models import build_segmenter
from pochoir.segmentation.module import SegmentationModule

ROOT = Path(__file__).parents[2]


def overrides_of(config: TrainSegConfig, *more: str) -> list[str]:
    """What trains with the dataset and the weights of `config`."""
    assert isinstance(config.dataset, FolderDataset)
    return [
        "dataset=folder",
        f"dataset.images={config.dataset.images}",
        f"dataset.masks={config.dataset.masks}",
        "dataset.val=5",
        "loader.num_workers=0",
        f"segmenter.weights={config.segmenter.weights}",
        "segmenter.min_size=96",
        "optim.lr=0.0001",
        *more,
        "trainer.enable_progress_bar=false",
    ]


def script(config: TrainSegConfig, folder: Path, *overrides: str) -> list[str]:
    """The command line that trains with the dataset and the weights of `config` into `folder`."""
    file = str(ROOT / "scripts/train_seg.py")
    return [sys.executable, file, *overrides_of(config, f"hydra.run.dir={folder}", *overrides)]


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
    worst = sorted((tmp_path / "predictions").glob("worst*/*")) + list((tmp_path / "predictions").glob("worst.png"))
    assert len(worst) == 2  # two batches from ImageNet's weights find no bars
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
        "predictions/measures.png",
        "predictions/sheet.png",
        *(f"predictions/{path.relative_to(tmp_path / 'predictions')}" for path in worst),
        "run.md",
        "samples.png",
        "split.json",
        "train_seg.log",
    }
    assert metrics["split"] == {"train": 18, "val": 5, "test": 0}
    assert "Average precision" in done.stdout
    counts = metrics["counts_of_last"]
    assert f"{counts['true']} objects found, {counts['false']} false, {counts['missed']} missed" in done.stdout
    assert "predictions/worst.png" in (tmp_path / "run.md").read_text()


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
    assert {"val/00", "val/01", "val/measures"} <= set(tags["images"])
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
    caplog: pytest.LogCaptureFixture,
) -> None:
    whole, _ = trained
    handler = signal.getsignal(signal.SIGINT)
    caplog.set_level(logging.INFO, "pochoir")
    with monkeypatch.context() as patch:
        patch.setattr(SegmentationModule, "configure_callbacks", lambda self: [Stop()])
        with pytest.raises(SystemExit):
            run(taught, tmp_path / "first")
    signal.signal(signal.SIGINT, handler)  # Lightning ignores further Ctrl-Cs of a process that is about to end
    last = tmp_path / "first" / "checkpoints" / "last.ckpt"
    assert f"Ended by SIGINT; continue by the same command with hydra.run.dir={tmp_path / 'first'}" in caplog.text

    torch.rand(17)  # the global random state of the resuming process is another
    workers = taught.loader.but(num_workers=1)  # and its samples are loaded elsewhere
    run(taught.but(resume=str(last), loader=workers), tmp_path / "second")
    run(taught, tmp_path / "first")  # in its own folder, as a job of a sweep is
    for folder in (tmp_path / "first", tmp_path / "second"):
        resumed, uninterrupted = (state_of(f / "checkpoints" / "last.ckpt") for f in (folder, whole))
        for name, value in uninterrupted.items():
            assert torch.equal(resumed[name], value), name
    best, best_of_whole = (state_of(f / "checkpoints" / "best.ckpt") for f in (tmp_path / "second", whole))
    assert all(torch.equal(best[name], value) for name, value in best_of_whole.items())
    rows = [json.loads((f / "metrics.json").read_text())["history"] for f in (tmp_path / "second", whole)]
    assert [{**row, "seconds": 0} for row in rows[0]] == [{**row, "seconds": 0} for row in rows[1]]


def test_a_resumed_run_keeps_an_earlier_best_in_its_own_folder(tmp_path: Path) -> None:
    first = BestCheckpoint(tmp_path / "first", OBJECTIVE)
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "best.ckpt").write_text("weights")
    first.best_model_path = str(tmp_path / "first" / "best.ckpt")
    first.best_model_score = torch.tensor(0.6)
    second = BestCheckpoint(tmp_path / "second", OBJECTIVE)
    second.load_state_dict(first.state_dict())
    assert second.best_model_score == first.best_model_score
    assert second.best_model_path == str(tmp_path / "second" / "best.ckpt")
    assert (tmp_path / "second" / "best.ckpt").read_text() == "weights"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_script_and_keeps_the_last_checkpoint(
    tiny: TrainSegConfig, tmp_path: Path, number: int
) -> None:
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
    process.send_signal(number)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 128 + number, output
    assert f"continue by the same command with hydra.run.dir={tmp_path}" in output
    assert "Traceback" not in output
    assert state_of(last)


def evaluation_of_one(config: TrainSegConfig, weights: Path) -> dict[str, float]:
    """What a single process measures of a checkpoint."""
    module = SegmentationModule(config.segmenter.but(weights=str(weights)), config.optim)
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False)
    data = SegmentationData(config.dataset, config.augment, config.loader)
    trainer.validate(module, datamodule=data, verbose=False)
    assert len(module.records) == 5
    assert module.evaluation is not None
    metrics = {name: round(value, 4) for name, value in module.evaluation.metrics.items()}
    assert metrics["mask_ap"] > 0.1  # else a comparison says little
    return metrics


def measured(row: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in row.items() if name not in ("epoch", "seconds")}


TWO_BATCHES = ("trainer=ddp", "trainer.accelerator=cpu", "trainer.max_epochs=1", "trainer.limit_train_batches=2")


@pytest.mark.parametrize("program", ["script", "command"])
def test_two_processes_get_the_evaluation_of_one(taught: TrainSegConfig, tmp_path: Path, program: str) -> None:
    """Five validation photos on two processes: the sampler pads with a repeated one."""
    command = script(taught, tmp_path, *TWO_BATCHES)
    if program == "command":
        command[1:2] = [str(Path(sys.executable).with_name("pochoir")), "train_seg"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    config = load_config("train_seg", overrides_of(taught))
    one = evaluation_of_one(config, tmp_path / "checkpoints" / "last.ckpt")
    assert one == pytest.approx(measured(metrics["last"]), abs=1e-4)


def on_two_nodes(folders: tuple[Path, Path], overrides: list[str]) -> None:
    """Train by torchrun, as on two machines of one process each; each has a run folder of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    nodes = []
    for rank, folder in enumerate(folders):
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--nnodes=2", f"--node_rank={rank}"]
        where = ["--nproc_per_node=1", "--master_addr=127.0.0.1", f"--master_port={port}"]
        command = [*torchrun, *where, str(ROOT / "scripts/train_seg.py"), *overrides, f"hydra.run.dir={folder}"]
        folder.parent.mkdir(exist_ok=True)
        output = (folder.parent / f"{folder.name}.txt").open("w")
        nodes.append(subprocess.Popen(command, cwd=folder.parent, stdout=output, stderr=subprocess.STDOUT))
    for node, folder in zip(nodes, folders, strict=True):
        assert node.wait(timeout=240) == 0, (folder.parent / f"{folder.name}.txt").read_text()


def test_two_nodes_train_and_resume(taught: TrainSegConfig, tmp_path: Path) -> None:
    nodes = ("trainer.devices=1", "trainer.num_nodes=2", "dataset.test=2", "shown=0")
    overrides = overrides_of(taught, *TWO_BATCHES, *nodes)
    first, other = tmp_path / "first", tmp_path / "other"
    on_two_nodes((first, other), overrides)
    assert not other.exists()  # the main process alone writes
    last = first / "checkpoints" / "last.ckpt"
    metrics = json.loads((first / "metrics.json").read_text())
    one = evaluation_of_one(load_config("train_seg", overrides_of(taught, "dataset.test=2")), last)
    assert one == pytest.approx(measured(metrics["last"]), abs=1e-4)
    assert metrics["test_of_best"]["mask_ap"] > 0.1

    second = tmp_path / "second"
    on_two_nodes((second, other), [*overrides, f"resume={last}", "trainer.max_epochs=2"])
    history = json.loads((second / "metrics.json").read_text())["history"]
    assert [row["epoch"] for row in history] == [1, 2]
    assert measured(history[0]) == measured(metrics["last"])
    assert torch.load(second / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] == 4


def test_a_loss_that_is_not_finite_stops_with_the_pictures_names(
    tiny: TrainSegConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real NaN: weights that blew up, not a mocked loss."""

    def broken(config: SegmenterConfig, classes: Sequence[str]) -> GeneralizedRCNN:
        network = build_segmenter(config, classes)
        with torch.no_grad():
            network.roi_heads.box_predictor.cls_score.bias.fill_(float("nan"))
        return network

    monkeypatch.setattr("pochoir.segmentation.module.build_segmenter", broken)
    with pytest.raises(NonFiniteLossError, match=r"not finite in epoch 0, step 0 .*\d\d\.png, \d\d\.png"):
        run(tiny, tmp_path)


def test_a_split_of_another_run_is_not_resumed(
    trained: tuple[Path, float], taught: TrainSegConfig, tmp_path: Path
) -> None:
    last = trained[0] / "checkpoints" / "last.ckpt"
    other = taught.but(resume=str(last), dataset=taught.dataset.but(split_seed=1))
    with pytest.raises(ConfigError, match="another split"):
        run(other, tmp_path)
    reused = other.but(dataset=other.dataset.but(split_file=str(trained[0] / "split.json")))
    assert run(reused, tmp_path) is not None  # its epochs are all done: nothing is trained, the record is written


def test_a_training_by_other_settings_is_not_resumed(trained: tuple[Path, float], taught: TrainSegConfig) -> None:
    other = taught.but(optim=taught.optim.but(lr=0.5), seed=7)
    with pytest.raises(ConfigError, match=r"optim\.lr: 0.0001 there, now 0.5\n  - seed: 0 there, now 7"):
        run(other, trained[0])
    other = taught.but(augment=taught.augment.but(flip=0.1), ema_decay=0.0)
    with pytest.raises(ConfigError, match=r"augment\.flip: 0.5 there, now 0.1\n  - ema_decay: True there, now False"):
        run(other, trained[0])
    other = taught.but(segmenter=taught.segmenter.but(weights="person"))
    with pytest.raises(ConfigError, match=r"started_from: .*best\.ckpt there, now person"):
        run(other, trained[0])


def test_a_checkpoint_of_another_network_is_not_resumed(trained: tuple[Path, float], tiny: TrainSegConfig) -> None:
    module = SegmentationModule(tiny.segmenter, tiny.optim)
    module.network.roi_heads.box_predictor.cls_score = torch.nn.Linear(256, 3)
    with pytest.raises(WeightsError, match=r"cls_score.weight is \[2, 256\], the network's is \[3, 256\]"):
        check_resumable(module, trained[0] / "checkpoints" / "last.ckpt")


def test_weights_alone_are_not_resumed(tiny: TrainSegConfig, tmp_path: Path) -> None:
    module = SegmentationModule(tiny.segmenter, tiny.optim)
    torch.save({"state_dict": module.state_dict()}, tmp_path / "weights.ckpt")
    with pytest.raises(ConfigError, match=r"segmenter\.weights="):
        run(tiny.but(resume=str(tmp_path / "weights.ckpt")), tmp_path)


def test_a_new_run_starts_from_the_weights_of_another(trained: tuple[Path, float], tiny: TrainSegConfig) -> None:
    best = trained[0] / "checkpoints" / "best.ckpt"
    module = SegmentationModule(tiny.segmenter.but(weights=str(best)), tiny.optim)
    state = state_of(best)
    assert all(torch.equal(value, state[name]) for name, value in module.state_dict().items())


def test_early_stopping_ends_a_run_that_no_longer_improves(tiny: TrainSegConfig, tmp_path: Path) -> None:
    trainer = tiny.trainer.but(max_epochs=6, limit_train_batches=1.0)
    run(tiny.but(trainer=trainer, optim=tiny.optim.but(lr=1e-8), early_stopping=1, shown=0), tmp_path)
    assert len(json.loads((tmp_path / "metrics.json").read_text())["history"]) < 6


@pytest.mark.parametrize("limit", [{"max_steps": 3}, {"max_time": {"milliseconds": 1}}])
def test_what_a_limit_breaks_off_is_measured_and_can_go_on(
    tiny: TrainSegConfig, tmp_path: Path, limit: dict[str, Any]
) -> None:
    trainer = tiny.trainer.but(max_epochs=3, check_val_every_n_epoch=3, limit_train_batches=4.0)
    assert run(tiny.but(trainer=trainer.but(**limit), shown=0), tmp_path) is not None
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert [row["epoch"] for row in metrics["history"]] == [1]
    assert metrics["test_of_best"] is not None
    run(tiny.but(trainer=trainer, shown=0), tmp_path)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert [row["epoch"] for row in metrics["history"]] == [1, 3]


def test_python_trains_as_the_command_does(tiny: TrainSegConfig, tmp_path: Path) -> None:
    overrides = overrides_of(tiny, "trainer=smoke", "shown=1")
    done = train("train_seg", overrides, tmp_path / "run")
    assert done.status == "finished"
    assert done.metrics["best/mask_ap"] == done.metrics["last/mask_ap"]
    assert done.settings["segmenter.min_size"] == 96
    assert done.picture == tmp_path / "run" / "predictions" / "sheet.png"
    told = (tmp_path / "run" / "train_seg.log").read_text()
    assert "Average precision" in told
    assert f"Best weights: {tmp_path / 'run' / 'checkpoints' / 'best.ckpt'}" in told
    again = train("train_seg", overrides, done.folder)  # it is finished: nothing is trained
    assert again.metrics["best/mask_ap"] == done.metrics["best/mask_ap"]
    with pytest.raises(ConfigError, match=r"optim\.lrr: unknown setting; did you mean 'optim\.lr'"):
        train("train_seg", ["optim.lrr=1"])
    with pytest.raises(ConfigError, match="did you mean 'train_seg'"):
        train("train_sg")


def test_check_data_reports_and_stops(tiny: TrainSegConfig, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "pochoir")
    assert run(tiny.but(check_data=True), tmp_path) is None
    assert files_in(tmp_path) == {"data.json", "samples.png"}
    report = json.loads((tmp_path / "data.json").read_text())
    assert report["train"]["images"] == 16
    assert report["val"]["images"] == 5
    assert report["train"]["problems"] == []
    assert "instances" in caplog.text


def empty(names: Collection[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Take all objects from the photos with these names."""
    read = MaskFolder.read

    def emptied(self: MaskFolder, index: int) -> Sample:
        sample = read(self, index)
        if self.names[index] not in names:
            return sample
        return replace(sample, masks=sample.masks[:0], crowd=sample.crowd[:0])

    monkeypatch.setattr(MaskFolder, "read", emptied)


@pytest.mark.parametrize("part", ["train", "val"])
def test_photos_without_any_object_stop_a_run_before_its_first_step(
    tiny: TrainSegConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    emptied = set(getattr(opened(tiny).split, part))
    empty(emptied, monkeypatch)
    purpose = {"train": "train on", "val": "validate on"}[part]
    with pytest.raises(DataError, match=rf"nothing to {purpose}: none of {len(emptied)} samples holds an object"):
        run(tiny, tmp_path)
    assert not (tmp_path / "checkpoints").exists()


def test_test_photos_without_any_object_are_left_out(
    tiny: TrainSegConfig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    data = opened(tiny)
    assert data.split.test
    empty(data.split.test, monkeypatch)
    require_usable(data, limited=False)
    assert len(data.test) == 0
    assert "nothing to test on" in caplog.text


def test_a_limited_validation_begins_with_an_object(tiny: TrainSegConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    data = opened(tiny)
    empty(data.split.val[:3], monkeypatch)
    require_usable(data, limited=False)
    assert data.val[0][1]["name"] == data.split.val[0]
    require_usable(data, limited=True)
    assert data.val[0][1]["name"] == data.split.val[3]
    assert sorted(data.val[place][1]["name"] for place in range(5)) == sorted(data.split.val)


def test_a_sample_that_breaks_in_a_loading_process_is_told_in_a_sentence(
    tiny: TrainSegConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = MaskFolder.read
    broken = opened(tiny).split.train[-1]

    def break_one(self: MaskFolder, index: int) -> Any:
        if self.names[index] == broken:
            raise DataError(f"{broken}: has been deleted")
        return read(self, index)

    monkeypatch.setattr(MaskFolder, "read", break_one)
    with pytest.raises(DataError) as caught:
        run(tiny.but(loader=tiny.loader.but(num_workers=1)), tmp_path)
    assert str(caught.value) == f"{broken}: has been deleted"
