"""A training is the command, begun and ended by the page, and told by its folder."""

import json
import os
import time
from pathlib import Path

import psutil
import pytest
import torch
from torch.utils.tensorboard import SummaryWriter

from pochoir.config import Request
from pochoir.errors import ConfigError, DataError
from pochoir.studio.jobs import Job, Lane
from pochoir.studio.training import LENGTHS, Training, curves, dataset_of, error_in, planned, train


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "export" / "images").mkdir(parents=True)
    (folder / "export" / "instances.json").write_text("{}")
    (folder / "notes.txt").touch()
    return folder


def test_a_folder_or_an_annotation_file_becomes_a_dataset(data: Path) -> None:
    assert dataset_of("export", [data]) == ["dataset=auto", f"dataset.root={data / 'export'}"]
    coco = dataset_of(str(data / "export" / "instances.json"), [data])
    assert coco[0] == "dataset=coco"
    config = Request("train_seg", coco).check()
    assert config.dataset.images == str(data / "export" / "images")
    with pytest.raises(ConfigError, match=r"notes\.txt: is no annotation file; give a COCO JSON"):
        dataset_of("notes.txt", [data])
    with pytest.raises(DataError, match="is not in the folders that may be read"):
        dataset_of(str(data.parent), [data])
    with pytest.raises(ConfigError, match="First comes a folder"):
        dataset_of(" ", [data])


@pytest.mark.parametrize("length", LENGTHS)
def test_each_length_is_one_of_the_commands(length: str, tmp_path: Path) -> None:
    training = planned(["dataset=figures"], tmp_path, length)
    assert training.folder.parent == tmp_path / "train_seg"
    assert not training.folder.exists()
    assert planned(["dataset=figures"], tmp_path, check=True).overrides == ("dataset=figures", "check_data=true")


def test_wrong_settings_are_told_before_anything_is_begun(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"dataset\.root: 'nowhere' does not exist"):
        planned(["dataset=auto", "dataset.root=nowhere"], tmp_path)


def test_curves_are_those_of_the_events(tmp_path: Path) -> None:
    writer = SummaryWriter(str(tmp_path))
    for step in range(3):
        writer.add_scalar("train/loss", 3 - step, step)
        writer.add_scalar("lr", 0.1, step)
    writer.add_scalar("val/mask_ap", 0.5, 2)
    writer.close()
    found = curves(tmp_path)
    assert found == {"train/loss": [(0, 3.0), (1, 2.0), (2, 1.0)], "val/mask_ap": [(2, 0.5)]}
    assert curves(tmp_path / "none") == {}


def test_the_log_is_told_without_its_times(tmp_path: Path) -> None:
    (tmp_path / "train_seg.log").write_text("2026-11-27 09:09:12,483 step 1; about 0:02:10 left\n  a line below\n")
    training = Training((), tmp_path)
    assert training.log() == "step 1; about 0:02:10 left\n  a line below"
    assert training.time_left() == "0:02:10"


def test_the_last_error_of_a_program_is_told_with_all_its_lines() -> None:
    told = "a warning\nConfigError: 2 problems in the settings:\n  - a\n  - b\n"
    assert error_in(told) == "2 problems in the settings:\n  - a\n  - b"
    assert error_in("nothing") == ""


def test_what_fails_is_told_in_its_own_words(tmp_path: Path) -> None:
    training = Training(("dataset=auto", f"dataset.root={tmp_path}"), tmp_path / "run")
    with pytest.raises(ConfigError, match=str(tmp_path)):
        train(training, Job("test", lambda job: None))


def steps(checkpoint: Path | None) -> int:
    assert checkpoint is not None
    return int(torch.load(checkpoint, weights_only=False, map_location="cpu")["global_step"])


def test_a_training_that_is_stopped_keeps_a_checkpoint_and_goes_on(tmp_path: Path) -> None:
    words = ["dataset=figures", "dataset.length=12", "dataset.height=96", "dataset.width=96", "dataset.val=2"]
    words += ["segmenter.min_size=96", "segmenter.max_size=128", "loader.num_workers=0", "trainer.max_epochs=200"]
    training = Training((*words, "logger=csv"), tmp_path / "run")
    lane = Lane("test")
    job = lane.submit(Job("training", lambda job: train(training, job)))
    until = time.monotonic() + 120
    while "step" not in training.log() and not (training.folder / "samples.png").exists():
        assert time.monotonic() < until and not job.is_over, job.error
        time.sleep(0.2)
    time.sleep(2)
    (process,) = (one for one in psutil.Process().children() if "train_seg" in one.cmdline())
    assert os.getsid(process.pid) != os.getsid(0)  # Ctrl-C of the studio is not for it: it is asked to end once
    lane.stop(job)
    while not job.is_over:
        assert time.monotonic() < until
        time.sleep(0.2)
    assert job.error == ""
    assert "Ended by SIGTERM; continue by the same command" in training.log()
    assert json.loads(json.dumps(training.metrics)) == {}
    assert f"hydra.run.dir={training.folder}" in training.command
    last = training.folder / "checkpoints" / "last.ckpt"
    before, began = steps(last), time.time()
    assert training.weights in (last, last.with_name("best.ckpt"))
    again = lane.submit(Job("training", lambda job: train(training, job)))
    until = time.monotonic() + 120
    while steps(last) <= before or last.stat().st_mtime < began:
        assert time.monotonic() < until and not again.is_over, again.error
        time.sleep(0.5)
    lane.stop(again)
    while not again.is_over:
        assert time.monotonic() < until
        time.sleep(0.2)
    assert again.error == ""
