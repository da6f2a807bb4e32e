"""What goes into event files: small pictures, and few."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from pochoir.config import load_config
from pochoir.inspection.painting import Milestones
from pochoir.inspection.panels import ValidationPanels
from pochoir.inspection.tensorboard import add_picture, event_logger, log_outcome, show_config
from pochoir.segmentation.evaluation import ImageRecord, evaluate
from pochoir.stylization.pyramid import Level


def events(folder: Path) -> Any:
    return EventAccumulator(str(folder), size_guidance={"images": 0}).Reload()


@pytest.mark.parametrize(
    ("size", "shown"), [((1500, 2048), (750, 1024)), ((3000, 10), (1024, 3)), ((600, 1024), (600, 1024))]
)
def test_pictures_are_small(tmp_path: Path, size: tuple[int, int], shown: tuple[int, int]) -> None:
    logger = event_logger(tmp_path)
    add_picture(logger.experiment, "panel", np.zeros((*size, 3), dtype=np.uint8), 3)
    logger.finalize("success")
    (picture,) = events(tmp_path).Images("panel")
    assert (picture.step, picture.height, picture.width) == (3, *shown)


def test_no_writer_shows_nothing() -> None:
    add_picture(None, "panel", np.zeros((4, 4, 3), dtype=np.uint8), 0)


@pytest.mark.parametrize(("count", "shown"), [(1, [100]), (3, [33, 67, 100]), (12, [25, 50, 75, 100])])
def test_few_milestones_are_shown_the_last_among_them(tmp_path: Path, count: int, shown: list[int]) -> None:
    milestones = Milestones(tmp_path, [Level((32, 32), 60), Level((64, 64), 40)], count)
    assert sorted(milestones.shown) == shown
    assert len(milestones.steps) == count


def test_few_validation_photos_are_shown_and_all_are_kept(tmp_path: Path) -> None:
    photos: Any = [(torch.zeros(3, 8, 8), {"image_id": torch.tensor(i), "name": f"{i}.png"}) for i in range(6)]
    logger = event_logger(tmp_path)
    trainer: Any = SimpleNamespace(is_global_zero=True, loggers=[logger], global_step=7)
    records = [ImageRecord(i, (8, 8), [], []) for i in range(6)]
    module: Any = SimpleNamespace(records=records, evaluation=evaluate(records), classes=("object",))
    ValidationPanels(photos, tmp_path / "kept", shown=6, threshold=0.5).on_validation_end(trainer, module)
    logger.finalize("success")
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {"sheet.png", *(f"0{i}_{i}.png" for i in range(6))}
    assert [tag for tag in events(tmp_path).Tags()["images"] if "/0" in tag] == [f"val/0{i}" for i in range(4)]


def test_settings_are_text_and_hyperparameters_what_can_be_sorted(tmp_path: Path) -> None:
    logger = event_logger(tmp_path, "seed=1")
    config = load_config("stylize", ["seed=1"])
    show_config(logger.experiment, config)
    log_outcome(logger, {"seed": 1, "layers": ["a"], "size": None}, {"loss": 0.5})
    read = events(tmp_path / "seed=1")
    text = read.Tensors("config/text_summary")[0].tensor_proto.string_val[0].decode()
    assert yaml.safe_load(text.strip("`").removeprefix("yaml")) == config.model_dump(mode="json")
    assert read.Scalars("loss")[0].value == 0.5
