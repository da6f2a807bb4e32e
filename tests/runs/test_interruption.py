"""Signals that end a run: a checkpoint, the exit code of a signal, and what others want done about it."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from pochoir.config import FolderDataset, TrainSegConfig, load_config
from pochoir.runs.checkpoints import last_checkpoint
from pochoir.runs.interruption import SIGNALS, CheckpointOnSignal, EndedBySignal, told_how_to_continue
from pochoir.runs.train_seg import run
from pochoir.segmentation.module import SegmentationModule
from pochoir.trainer import build_trainer

ROOT = Path(__file__).parents[2]


class Line(pl.LightningModule):
    """Fits a line."""

    def __init__(self) -> None:
        super().__init__()
        self.line = torch.nn.Linear(1, 1)

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        return self.line(batch).square().mean()

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Send(pl.Callback):
    """Sends a signal to the process that trains, in the middle of a step."""

    def __init__(self, number: int, step: int) -> None:
        self.number = number
        self.step = step

    def on_before_backward(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            os.kill(os.getpid(), self.number)


def fit(folder: Path, *callbacks: pl.Callback, **more: Any) -> pl.Trainer:
    """Two epochs of four steps."""
    settings = load_config("train_seg", ["trainer.max_epochs=2"]).trainer
    kept = [last_checkpoint(folder, every_steps=100), CheckpointOnSignal(folder / "last.ckpt")]
    trainer = build_trainer(settings, callbacks=[*callbacks, *kept], logger=False, **more)
    with told_how_to_continue(folder):
        trainer.fit(Line(), DataLoader(torch.ones(4, 1)))  # type: ignore[arg-type]
    return trainer


def steps_in(file: Path) -> int:
    steps: int = torch.load(file, weights_only=True)["global_step"]
    return steps


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_a_fit_after_its_step_and_with_its_exit_code(
    number: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pochoir")
    heard = [signal.getsignal(each) for each in SIGNALS]
    with pytest.raises(EndedBySignal) as end:
        fit(tmp_path, Send(number, step=1))
    assert end.value.code == 128 + number
    assert steps_in(tmp_path / "last.ckpt") == 2
    assert f"Ended by {signal.Signals(number).name}; continue by the same command with hydra.run.dir=" in caplog.text
    assert [signal.getsignal(each) for each in SIGNALS] == heard


def test_gradients_that_are_added_up_are_not_torn_apart(tmp_path: Path) -> None:
    class First(Send):
        def on_train_batch_start(self, trainer: pl.Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
            if batch_idx == 0:
                os.kill(os.getpid(), self.number)

    with pytest.raises(EndedBySignal):
        fit(tmp_path, First(signal.SIGTERM, step=-1), accumulate_grad_batches=2)
    assert steps_in(tmp_path / "last.ckpt") == 1


def test_after_a_fit_signals_are_heard_as_before(tmp_path: Path) -> None:
    """Handlers of a Trainer that is done would swallow them: a painting between two pictures could not be killed."""
    heard = [signal.getsignal(each) for each in SIGNALS]
    fit(tmp_path)
    assert [signal.getsignal(each) for each in SIGNALS] == heard
    with pytest.raises(EndedBySignal, match="143"), told_how_to_continue(tmp_path):
        fit(tmp_path)
        os.kill(os.getpid(), signal.SIGTERM)
        pytest.fail("goes on")


def test_a_handler_of_others_is_called_once_all_is_written_and_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGUSR2, lambda number, frame: seen.append(steps_in(tmp_path / "last.ckpt")))
    try:
        trainer = fit(tmp_path, Send(signal.SIGUSR2, step=1), Send(signal.SIGUSR2, step=5))
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert seen == [2, 6]
    assert trainer.global_step == 8


def test_lightning_still_has_slurm_queue_the_job_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scontrol = tmp_path / "bin" / "scontrol"
    scontrol.parent.mkdir()
    scontrol.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\n')
    scontrol.chmod(0o755)
    monkeypatch.setenv("PATH", f"{scontrol.parent}:{os.environ['PATH']}")
    job = {"JOB_ID": "77", "JOB_NAME": "train", "NTASKS": "1", "PROCID": "0", "LOCALID": "0", "NODEID": "0"}
    for name, value in job.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    monkeypatch.chdir(tmp_path)
    fit(tmp_path / "run", Send(signal.SIGUSR1, step=1))  # until SLURM ends it
    assert (tmp_path / "asked").read_text() == "requeue 77\n"
    assert steps_in(tmp_path / "run" / "last.ckpt") == 2
    assert list(tmp_path.glob("*.ckpt")) == []  # in the working directory, another run would take it for its own
    with pytest.raises(EndedBySignal, match="143"):
        fit(tmp_path / "run", Send(signal.SIGTERM, step=3))


def sending(monkeypatch: pytest.MonkeyPatch, number: int, step: int) -> None:
    monkeypatch.setattr(SegmentationModule, "configure_callbacks", lambda self: [Send(number, step)])


@pytest.mark.parametrize("step", [10, 7])  # within the second epoch; the last of the first, which then is validated
def test_a_training_goes_on_within_an_epoch_to_the_same_result(
    trained: tuple[Path, float],
    taught: TrainSegConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: int,
) -> None:
    last = tmp_path / "checkpoints" / "last.ckpt"
    with monkeypatch.context() as patch:
        sending(patch, signal.SIGUSR2, step)
        with pytest.raises(EndedBySignal):
            run(taught, tmp_path)
    assert steps_in(last) == step + 1
    run(taught.but(loader=taught.loader.but(num_workers=1)), tmp_path)
    states = [
        torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for folder in (tmp_path, trained[0])
    ]
    assert all(torch.equal(states[0][name], value) for name, value in states[1].items())
    rows = [json.loads((folder / "metrics.json").read_text())["history"] for folder in (tmp_path, trained[0])]
    assert [{**row, "seconds": 0} for row in rows[0]] == [{**row, "seconds": 0} for row in rows[1]]


def test_submitit_queues_an_interrupted_job_again(tiny: TrainSegConfig, tmp_path: Path) -> None:
    """By the local executor, whose controller starts a job again that asks for it, as SLURM would."""
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    assert isinstance(tiny.dataset, FolderDataset)
    command = [
        *(sys.executable, str(ROOT / "scripts" / "train_seg.py"), "-m", "hydra/launcher=submitit_local"),
        *("hydra.launcher.timeout_min=5", "hydra.sweep.dir=sweep", "seed=0", "dataset=folder", "dataset.val=5"),
        *(f"dataset.images={tiny.dataset.images}", f"dataset.masks={tiny.dataset.masks}", "loader.num_workers=0"),
        *("segmenter.weights=imagenet", "segmenter.min_size=96", "trainer.max_epochs=10", "shown=0"),
        *("trainer.check_val_every_n_epoch=10", "trainer.limit_train_batches=2", "trainer.enable_progress_bar=false"),
    ]
    job = tmp_path / "sweep" / "0"
    sweep = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + 120
    while not (job / "checkpoints" / "last.ckpt").exists() and time.monotonic() < deadline and sweep.poll() is None:
        time.sleep(0.1)
    (worker,) = (each for each in psutil.Process(sweep.pid).children(True) if "submitit.core._submit" in each.cmdline())
    worker.send_signal(signal.SIGUSR2)
    output, _ = sweep.communicate(timeout=240)
    assert sweep.returncode == 0, output
    told = (job / "train_seg.log").read_text()
    assert "SIGUSR2: " in told
    assert f"Continuing {job / 'checkpoints' / 'last.ckpt'}" in told
    assert json.loads((job / "status.json").read_text())["status"] == "finished"
    assert steps_in(job / "checkpoints" / "last.ckpt") == 10 * 2
