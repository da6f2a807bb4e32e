"""What is logged, and by which logger: small pictures, and few; what one does not take is left out."""

import csv
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import yaml
from pytorch_lightning.loggers import Logger, MLFlowLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from pochoir.config import load_config
from pochoir.data.dataset import SegmentationDataset
from pochoir.data.source import Sample
from pochoir.errors import ConfigError
from pochoir.inspection.loggers import add_picture, build_logger, log_outcome, show_charts, show_config, where_to_look
from pochoir.inspection.painting import Milestones
from pochoir.inspection.panels import ValidationPanels
from pochoir.segmentation.evaluation import ImageRecord, evaluate
from pochoir.stylization.pyramid import Level


def events(folder: Path) -> Any:
    return EventAccumulator(str(folder), size_guidance={"images": 0}).Reload()


class Black:
    """Six black photos without objects."""

    names = tuple(f"{index}.png" for index in range(6))

    def read(self, index: int) -> Sample:
        return Sample(np.zeros((8, 8, 3), np.uint8), np.zeros((0, 8, 8), bool), np.zeros(0, bool))


@pytest.mark.parametrize(
    ("size", "shown"), [((1500, 2048), (750, 1024)), ((3000, 10), (1024, 3)), ((600, 1024), (600, 1024))]
)
def test_pictures_are_small(tmp_path: Path, size: tuple[int, int], shown: tuple[int, int]) -> None:
    logger = build_logger("tensorboard", tmp_path)
    add_picture(logger, "panel", np.zeros((*size, 3), dtype=np.uint8), 3)
    logger.finalize("success")
    (picture,) = events(tmp_path).Images("panel")
    assert (picture.step, picture.height, picture.width) == (3, *shown)


@pytest.mark.parametrize(("count", "shown"), [(1, [100]), (3, [33, 67, 100]), (12, [25, 50, 75, 100])])
def test_few_milestones_are_shown_the_last_among_them(tmp_path: Path, count: int, shown: list[int]) -> None:
    milestones = Milestones(tmp_path, [Level((32, 32), 60), Level((64, 64), 40)], count)
    assert sorted(milestones.shown) == shown
    assert len(milestones.steps) == count


def test_few_validation_photos_are_shown_and_all_are_kept(tmp_path: Path) -> None:
    photos = SegmentationDataset(Black(), range(6))
    logger = build_logger("tensorboard", tmp_path)
    trainer: Any = SimpleNamespace(is_global_zero=True, loggers=[logger], global_step=7)
    records = [ImageRecord(i + 1, (8, 8), [], []) for i in range(6)]
    module: Any = SimpleNamespace(records=records, evaluation=evaluate(records), classes=("object",))
    ValidationPanels(photos, tmp_path / "kept", shown=6, threshold=0.5).on_validation_end(trainer, module)
    logger.finalize("success")
    names = {"sheet.png", "measures.png", *(f"0{i}_{i}.png" for i in range(6))}
    assert {path.name for path in (tmp_path / "kept").iterdir()} == names
    assert events(tmp_path).Tags()["images"] == [*(f"val/0{i}" for i in range(4)), "val/measures"]


def test_settings_are_text_and_hyperparameters_what_can_be_sorted(tmp_path: Path) -> None:
    logger = build_logger("tensorboard", tmp_path, "seed=1")
    config = load_config("stylize", ["seed=1"])
    show_config(logger, config)
    log_outcome(logger, {"seed": 1, "layers": ["a"], "size": None}, {"loss": 0.5})
    read = events(tmp_path / "seed=1")
    text = read.Tensors("config/text_summary")[0].tensor_proto.string_val[0].decode()
    assert yaml.safe_load(text.strip("`").removeprefix("yaml")) == config.model_dump(mode="json")
    assert read.Scalars("loss")[0].value == 0.5


def shown_all(logger: Logger) -> None:
    """All that a run asks of its logger."""
    config = load_config("stylize", ["seed=1"])
    show_config(logger, config)
    show_charts(logger, {"losses": {"all": ["^loss$"]}})
    for step in (1, 2):
        logger.log_metrics({"loss": 1 / step}, step)
    add_picture(logger, "val/worst/0", np.full((30, 40, 3), 99, dtype=np.uint8), 2)
    log_outcome(logger, {"seed": 1, "layers": ["a"]}, {"best/mask_ap": 0.5})


def test_csv_keeps_numbers_and_settings_also_of_the_session_before(tmp_path: Path) -> None:
    for _ in range(2):
        logger = build_logger("csv", tmp_path, "seed=1")
        shown_all(logger)
    names = ["hparams.yaml", "metrics.csv", "metrics_1.csv"]
    assert sorted(path.name for path in (tmp_path / "seed=1").iterdir()) == names
    assert where_to_look(logger, tmp_path) == str(tmp_path / "seed=1" / "metrics.csv")
    for name in names[1:]:
        with (tmp_path / "seed=1" / name).open() as file:
            rows = list(csv.DictReader(file))
        assert [row["loss"] for row in rows if row["loss"]] == ["1.0", "0.5"]
        assert rows[-1]["best/mask_ap"] == "0.5"
    assert yaml.safe_load((tmp_path / "seed=1" / "hparams.yaml").read_text()) == {"seed": 1, "layers": "['a']"}


def test_wandb_keeps_runs_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    for name in ("one", "two"):  # in one process, as a series of pictures is painted
        logger = build_logger("wandb", tmp_path / name)
        shown_all(logger)
        assert logger.experiment.config["recipe"]["content_weight"] > 0
        assert logger.experiment.summary["best/mask_ap"] == 0.5
        (kept,) = (tmp_path / name).glob("wandb/offline-run-*")
        assert where_to_look(logger, tmp_path) == f"wandb sync {kept}"
        assert list(kept.glob("files/media/images/**/*.png"))
    wandb.finish()


def test_wandb_without_an_account_says_how_to_go_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb = pytest.importorskip("wandb")
    wandb.teardown()  # it keeps what the environment said first
    for name in ("WANDB_MODE", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match=r"logger: wandb: .*; WANDB_MODE=offline keeps the run in its folder"):
        build_logger("wandb", tmp_path)


def test_mlflow_keeps_runs_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///runs.db")
    logger = cast(MLFlowLogger, build_logger("mlflow", tmp_path / "mine"))
    shown_all(logger)
    run = logger.experiment.get_run(logger.run_id)
    assert (run.info.run_name, run.info.status) == ("mine", "FINISHED")
    assert run.data.metrics == {"loss": 0.5, "best/mask_ap": 0.5}
    assert run.data.params["seed"] == "1"
    artifacts = {each.path for each in logger.experiment.list_artifacts(logger.run_id)}
    assert artifacts == {"config.yaml", "images"}
    assert where_to_look(logger, tmp_path) == "mlflow ui --backend-store-uri sqlite:///runs.db"


def test_without_a_logger_nothing_is_shown() -> None:
    add_picture(None, "panel", np.zeros((4, 4, 3), dtype=np.uint8), 0)
    log_outcome(None, {}, {})
