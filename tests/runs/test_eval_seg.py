"""Measuring a checkpoint on a dataset: the same AP as in training, on whichever part is asked for."""

import csv
import json
import logging
from pathlib import Path

import numpy as np
import pytest

from pochoir.config import EvalSegConfig, FolderDataset, MixtureDataset, TrainSegConfig, load_config
from pochoir.data.opening import open_dataset
from pochoir.errors import ConfigError, DataError
from pochoir.images import read_rgb
from pochoir.runs.eval_seg import photos_of, run


@pytest.fixture(scope="module")
def config(trained: tuple[Path, float | None], tiny: TrainSegConfig) -> EvalSegConfig:
    ckpt = trained[0] / "checkpoints" / "best.ckpt"
    values = [f"weights={ckpt}", "part=val", "accelerator=cpu", "shown=3"]
    return load_config("eval_seg", values).but(dataset=tiny.dataset)


def test_the_validation_of_training_comes_out_again(
    config: EvalSegConfig, trained: tuple[Path, float | None], tmp_path: Path
) -> None:
    best = json.loads((trained[0] / "metrics.json").read_text())["best"]
    assert run(config, tmp_path) == pytest.approx(best["mask_ap"], abs=1e-4)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    for name in ("mask_ap50", "box_ap", "box_ap75"):
        assert metrics[name] == pytest.approx(best[name], abs=1e-4)
    assert metrics["photos"] == 5
    assert metrics["seconds_per_photo"] > 0
    sheet = read_rgb(tmp_path / "predictions" / "sheet.png")
    assert np.ptp(sheet) > 200
    assert (tmp_path / "predictions" / "measures.png").exists()
    counts = metrics["counts"]
    assert (tmp_path / "predictions" / "worst.png").exists() == (counts["missed"] + counts["false"] > 0)
    in_training = json.loads((trained[0] / "metrics.json").read_text())["counts_of_last"]
    assert set(counts) == set(in_training)
    assert counts["true"] + counts["missed"] == in_training["true"] + in_training["missed"] > 4  # all bars


def test_where_ap_is_lost_is_told(config: EvalSegConfig, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        run(config.but(shown=0), tmp_path)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    for kind in ("mask", "box"):
        lost = metrics["lost"][kind]
        assert min(lost.values()) >= 0
        assert metrics[f"{kind}_ap50"] + max(lost.values()) <= 1.0001
        assert (lost["classification"], lost["both"]) == (0, 0)  # of one class
    objects = list(csv.DictReader((tmp_path / "objects.csv").open()))
    assert len(objects) == metrics["counts"]["true"] + metrics["counts"]["missed"]
    found = [row["outcome"] == "found" for row in objects]
    assert metrics["found"]["all"] == pytest.approx(sum(found) / len(found), abs=1e-4)
    assert {row["photo"] for row in objects} == set(open_dataset(config.dataset).split.val)
    assert len((tmp_path / "errors.csv").read_text().splitlines()) == 17
    assert any("(TIDE)" in message for message in caplog.messages)


def test_a_part_is_the_splits(tiny: TrainSegConfig) -> None:
    sizes = {
        part: [len(photos) for photos in photos_of(tiny.dataset, part)] for part in ("train", "val", "test", "all")
    }
    assert sizes == {"train": [16], "val": [5], "test": [2], "all": [23]}
    assert isinstance(tiny.dataset, FolderDataset)
    excluding = tiny.dataset.but(exclude=[open_dataset(tiny.dataset).split.train[0]])
    assert [len(photos) for photos in photos_of(excluding, "all")] == [22]


def test_all_photos_of_a_mixture(tiny: TrainSegConfig) -> None:
    drawn = load_config("train_seg", ["dataset.length=4", "dataset.val=1"]).dataset
    parts = {"bars": tiny.dataset, "drawn": drawn}
    mixture = MixtureDataset(name="mixture", parts=parts, weights={}, epoch_length=None, split_file=None)
    assert [len(photos) for photos in photos_of(mixture, "all")] == [27]


def test_what_is_not_there_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = []
    monkeypatch.setattr("pochoir.data.opening.fetch_pennfudan", lambda root, download: fetched.append((root, download)))
    config = load_config("eval_seg", ["dataset=pennfudan", f"dataset.root={tmp_path}"]).dataset
    with pytest.raises(DataError):
        photos_of(config, "all")
    assert fetched == [(tmp_path, True)]


def test_a_part_without_photos_says_which_setting(config: EvalSegConfig, tmp_path: Path) -> None:
    assert isinstance(config.dataset, FolderDataset)
    with pytest.raises(ConfigError, match=r"part: the split has no photos for test; set dataset\.test"):
        run(config.but(dataset=config.dataset.but(test=0), part="test"), tmp_path)
