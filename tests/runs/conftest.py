"""A run small enough for tests, and easy enough that it learns something: bright upright bars on a dark ground."""

from pathlib import Path

import numpy as np
import pytest

from pochoir.config import TrainSegConfig, load_config
from pochoir.images import write_image
from pochoir.runs.train_seg import run


@pytest.fixture(scope="session")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images/ and masks/ of 23 pictures of 96 × 96 pixels with one or two bars each."""
    folder = tmp_path_factory.mktemp("bars")
    rng = np.random.default_rng(0)
    for index in range(23):
        image = rng.integers(0, 70, (96, 96, 3), dtype=np.uint8)
        mask = np.zeros((96, 96), dtype=np.uint8)
        for number, left in enumerate((6, 54)[: 1 + index % 2]):
            x, y = left + rng.integers(0, 12), rng.integers(4, 30)
            area = np.s_[y : y + rng.integers(40, 60), x : x + rng.integers(18, 28)]
            image[area] = rng.integers(150, 255, 3)
            mask[area] = number + 1
        write_image(folder / "images" / f"{index:02d}.png", image)
        write_image(folder / "masks" / f"{index:02d}.png", mask)
    return folder


@pytest.fixture(scope="session")
def tiny(bars: Path) -> TrainSegConfig:
    """Two epochs of eight steps."""
    return load_config(
        "train_seg",
        [
            "dataset=folder",
            f"dataset.images={bars / 'images'}",
            f"dataset.masks={bars / 'masks'}",
            "dataset.val=5",
            "dataset.test=2",
            "loader.num_workers=0",
            "augment.scale_min=0.9",
            "augment.scale_max=1.1",
            "augment.copy_paste=0.2",
            "segmenter.weights=imagenet",
            "segmenter.min_size=96",
            "segmenter.max_size=128",
            "optim.lr=0.001",
            "optim.backbone_lr=1",
            "trainer.max_epochs=2",
            "trainer.check_val_every_n_epoch=1",
            "trainer.enable_progress_bar=false",
            "trainer.log_every_n_steps=1",
            "ema_decay=0",
            "shown=2",
        ],
    )


@pytest.fixture(scope="session")
def taught(tiny: TrainSegConfig, tmp_path_factory: pytest.TempPathFactory) -> TrainSegConfig:
    """`tiny` with averaged weights, starting from some that find the bars: what it measures is not all zero."""
    folder = tmp_path_factory.mktemp("taught")
    run(tiny.but(trainer=tiny.trainer.but(max_epochs=4, check_val_every_n_epoch=4), shown=0), folder)
    return tiny.but(
        segmenter=tiny.segmenter.but(weights=str(folder / "checkpoints" / "best.ckpt")),
        optim=tiny.optim.but(lr=1e-4),
        ema_decay=0.5,
    )


@pytest.fixture(scope="session")
def trained(taught: TrainSegConfig, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float | None]:
    """The folder of a finished run of `taught`, and what `run` returned."""
    folder = tmp_path_factory.mktemp("trained")
    return folder, run(taught, folder)
