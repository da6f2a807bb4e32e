"""What a folder's picture depends on: nothing else may keep a run from being continued."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytorch_lightning.callbacks import ModelCheckpoint

from pochoir.config import StylizeConfig, load_config
from pochoir.files import write_json
from pochoir.images import Picture
from pochoir.runs.painting import callbacks_in, paint_in, what_decides
from pochoir.stylization.guides import LabelPictures
from pochoir.stylization.job import Job
from pochoir.stylization.pyramid import Level

CONFIG: StylizeConfig = load_config("stylize")
PIXELS = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
OPAQUE = np.full((40, 60), 255, dtype=np.uint8)
IDS = np.zeros((40, 60), dtype=np.int64)


def job(**changes: Any) -> Job:
    return Job("cat", Picture(PIXELS), [Picture(PIXELS[::2])], CONFIG.but(**changes))


def but(group: str, **changes: Any) -> dict[str, Any]:
    return {group: getattr(CONFIG, group).but(**changes)}


@pytest.mark.parametrize(
    "changes",
    [
        {"milestones": 3},
        {"memory": 4.0},
        {"seed": 7},  # of a noise that is not asked for
        {"max_size": 2048},  # the content is smaller
        {"size": 60},  # as it is
        but("keep", weight=3.0),  # of nothing
        but("trainer", accelerator="cpu", enable_progress_bar=False, log_every_n_steps=1),
    ],
)
def test_what_does_not_change_the_picture_may_change(changes: dict[str, Any]) -> None:
    assert what_decides(job(**changes)) == what_decides(job())


@pytest.mark.parametrize(
    "changes",
    [
        {"init": "noise"},
        {"keep_colors": "match"},
        {"size": 61},
        {"max_size": 59},
        {"style_scale": 0.5},
        {"suffix": ".jpg"},
        but("recipe", steps=[1]),
        but("encoder", precision="float32"),
        but("trainer", max_time="00:00:01:00"),  # any argument of the Trainer may end it early
    ],
)
def test_what_changes_the_picture_is_told(changes: dict[str, Any]) -> None:
    assert what_decides(job(**changes)) != what_decides(job())


def test_the_seed_decides_noise() -> None:
    assert what_decides(job(init="noise", seed=1)) != what_decides(job(init="noise"))


def test_pictures_are_told_apart_by_what_they_show_and_not_by_their_names() -> None:
    same = job()
    assert what_decides(replace(same, name="dog")) == what_decides(same)
    others = (
        {"content": Picture(PIXELS[:, ::-1])},
        {"content": Picture(PIXELS.reshape(60, 40, 3))},
        {"content": Picture(PIXELS, OPAQUE // 2)},
        {"styles": [Picture(PIXELS)]},
        {"styles": [*same.styles, Picture(PIXELS)], "blend": (0.5, 0.5)},
        {"region": OPAQUE / np.float32(255)},
        {"keep": OPAQUE / np.float32(255)},
        {"keep": OPAQUE / np.float32(255), "config": CONFIG.but(**but("keep", weight=3.0))},
        {"labels": LabelPictures(IDS, [IDS])},
        {"labels": LabelPictures(IDS, [IDS + 1])},
    )
    told = [what_decides(replace(same, **changes)) for changes in others]  # type: ignore[arg-type]
    assert all(one != other for number, one in enumerate([*told, what_decides(same)]) for other in told[:number])


def test_a_print_is_painted_by_the_tiles_of_its_plan(tmp_path: Path) -> None:
    shallow = but("encoder", content_layers=["relu2_1"], style_layers=["relu1_1"], precision="float32")
    quick = job(**shallow, **but("recipe", steps=[2]), logger="csv", milestones=0)
    write_json(tmp_path / "plan.json", replace(quick.plan(), tile=16).to_json())
    painting, metrics = paint_in(tmp_path, quick)
    assert painting.tile == metrics["tile"] == 16
    assert metrics["evaluations"] == 2
    assert paint_in(tmp_path, quick)[0].tile == 16  # finished, and read again


def test_steps_by_tiles_are_kept_more_often(tmp_path: Path) -> None:
    """They take minutes."""
    every = {}
    for tile in (None, 512):
        kept = callbacks_in(tmp_path, job(), [Level((32, 32), 9, tile=tile)])
        (every[tile],) = (one._every_n_train_steps for one in kept if isinstance(one, ModelCheckpoint))
    assert every[512] < every[None]
