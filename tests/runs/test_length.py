"""How long a training is: by steps unless it is said, whatever the number of photos, and always measured at its end."""

import logging
from typing import Any

import pytest

from pochoir.config import TrainSegConfig, load_config
from pochoir.runs.length import Length, length_of, validation_interval
from pochoir.runs.train_seg import run

DEFAULTS = ["trainer=cpu", "steps=480", "least_epochs=4", "validations=4"]


def length(photos: int, *overrides: str) -> Length:
    config: TrainSegConfig = load_config("train_seg", [*DEFAULTS, *overrides])
    return length_of(config, photos)


@pytest.mark.parametrize(
    ("photos", "epochs", "steps", "interval"),
    [(6, 160, 3, 40), (14, 72, 7, 18), (61, 16, 31, 4), (120, 8, 60, 2), (500, 4, 250, 1), (5000, 4, 2500, 1)],
)
def test_a_training_aims_at_steps_and_sees_every_photo(photos: int, epochs: int, steps: int, interval: int) -> None:
    """From 120 photos on these are what the defaults were measured with."""
    assert length(photos) == Length(epochs, steps, interval)


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["trainer.max_epochs=9"], Length(9, 60, 3)),
        (["trainer.max_epochs=7"], Length(7, 60, 1)),
        (["+trainer.max_steps=100"], Length(2, 60, 1)),  # two epochs hold them
        (["trainer.check_val_every_n_epoch=3"], Length(9, 60, 3)),
        (["trainer.max_epochs=8", "trainer.check_val_every_n_epoch=3"], Length(8, 60, 2)),
        (["loader.batch_size=1"], Length(4, 120, 1)),
        (["trainer.devices=2"], Length(16, 30, 4)),
        (["trainer.num_nodes=2", "trainer.devices=2"], Length(32, 15, 8)),
        (["trainer.accumulate_grad_batches=4"], Length(32, 15, 8)),
        (["trainer.limit_train_batches=6"], Length(80, 6, 20)),
        (["trainer.limit_train_batches=0.5"], Length(16, 30, 4)),
    ],
)
def test_what_is_given_decides(overrides: list[str], expected: Length) -> None:
    assert length(120, *overrides) == expected


@pytest.mark.parametrize(
    ("max_epochs", "at_most", "interval"), [(16, 4, 4), (14, 4, 2), (5, 4, 1), (9, 4, 3), (2, 4, 2), (1, 1, 1)]
)
def test_the_last_epoch_is_always_measured(max_epochs: int, at_most: int, interval: int) -> None:
    assert validation_interval(max_epochs, at_most) == interval


def test_a_run_says_beforehand_how_long_it_will_be(
    tiny: TrainSegConfig, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    trainer = tiny.trainer.but(max_epochs=None, check_val_every_n_epoch=None)
    short = tiny.but(trainer=trainer, steps=12, least_epochs=1, validations=1, shown=0)
    with caplog.at_level(logging.INFO):
        run(short, tmp_path)
    assert any(
        message.startswith("16 photos: 2 epochs of 8 steps, measured every 2 on 5 others; about 0:")
        for message in caplog.messages
    )
    caplog.clear()
    limited = short.but(trainer=trainer.but(limit_val_batches=2))
    with caplog.at_level(logging.INFO):
        run(limited, tmp_path / "limited")
    assert any("measured every 2 on 2 others" in message for message in caplog.messages)
    caplog.clear()
    with caplog.at_level(logging.INFO):
        run(short, tmp_path)
    assert any("nothing is left to do" in message for message in caplog.messages)
    assert not any("epochs of" in message for message in caplog.messages)
