"""Memory before a picture is painted, and what gives way."""

import json
from dataclasses import replace

import pytest
import torch

from pochoir.config import load_config
from pochoir.errors import ConfigError
from pochoir.stylization.plan import Plan, fitted, free_memory

LAYERS = ("relu4_2", "relu1_1", "relu5_1")
PLAN = Plan((1000, 1500), "float32", load_config("stylize").recipe, LAYERS)


def test_memory_grows_with_pixels_and_width_of_the_type() -> None:
    weights = 150e6
    need = PLAN.bytes_needed - weights
    assert replace(PLAN, size=(2000, 3000)).bytes_needed - weights == pytest.approx(4 * need)
    half = replace(PLAN, precision="bfloat16").bytes_needed - weights
    assert 0.45 * need < half < 0.75 * need
    assert replace(PLAN, layers=("relu2_1",)).bytes_needed - weights < 0.7 * need


def test_every_label_costs_a_copy_of_what_is_looked_at() -> None:
    copy = 4 * sum(channels * 1000 * 1500 / stride**2 for channels, stride in ((512, 8), (64, 1), (512, 16)))
    assert replace(PLAN, labels=4).bytes_needed - PLAN.bytes_needed == pytest.approx(4 * copy)
    stored = PLAN.to_json()
    del stored["labels"]  # as runs were begun before there were any
    assert Plan.from_json(stored) == PLAN


def test_a_plan_that_fits_is_left_alone() -> None:
    assert fitted(PLAN, PLAN.bytes_needed) is PLAN


def test_adam_gives_way_first_then_the_type_then_the_size() -> None:
    need = PLAN.bytes_needed
    adam = fitted(PLAN, 0.99 * need)
    assert (adam.recipe.optimizer, adam.precision, adam.size) == ("adam", "float32", PLAN.size)
    half = fitted(PLAN, 0.7 * need)
    assert (half.recipe.optimizer, half.precision, half.size) == ("adam", "bfloat16", PLAN.size)
    small = fitted(PLAN, 0.3 * need)
    assert small.size[0] < 1000
    assert small.size[0] / small.size[1] == pytest.approx(2 / 3, rel=0.01)
    for plan, limit in ((adam, 0.99), (half, 0.7), (small, 0.3)):
        assert plan.bytes_needed <= limit * need
    assert [note.split(":")[0].split(" instead")[0] for note in small.notes[:2]] == ["Adam", "bfloat16"]
    assert "instead of 1500×1000 pixels" in small.notes[2]
    assert "GB would be needed" in small.notes[2]


def test_memory_that_does_for_nothing_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"memory: .* would be needed, 0\.1 GB may be used"):
        fitted(PLAN, 0.1e9)


def test_free_memory_is_measured() -> None:
    assert 1e6 < free_memory(torch.device("cpu")) < 1e14


def test_a_plan_survives_its_file() -> None:
    plan = fitted(PLAN, 0.3 * PLAN.bytes_needed)
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
