"""Memory before a picture is painted, and what gives way."""

import json
from dataclasses import replace

import pytest
import torch

from pochoir.config import load_config
from pochoir.errors import ConfigError
from pochoir.stylization.plan import FIXED_BYTES, Plan, alternatives, fitted, free_memory

LAYERS = ("relu4_2", "relu1_1", "relu5_1")
PLAN = Plan((1000, 1500), "float32", load_config("stylize").recipe, LAYERS, content_layers=("relu4_2",))
PRINT = replace(PLAN, size=(4000, 6000))


def test_memory_grows_with_pixels_and_width_of_the_type() -> None:
    need = PLAN.bytes_needed - FIXED_BYTES
    assert replace(PLAN, size=(2000, 3000)).bytes_needed - FIXED_BYTES == pytest.approx(4 * need)
    half = replace(PLAN, precision="bfloat16").bytes_needed - FIXED_BYTES
    assert 0.45 * need < half < 0.75 * need
    assert replace(PLAN, layers=("relu2_1",)).bytes_needed - FIXED_BYTES < 0.7 * need


def test_tiles_need_the_memory_of_one_and_of_the_pictures() -> None:
    """Those are z, what L-BFGS remembers, and the content's features."""
    whole, tiled, smaller = (replace(PRINT, tile=tile).bytes_needed for tile in (None, 1024, 512))
    assert smaller < tiled < 0.3 * whole
    assert replace(PRINT, tile=8192).bytes_needed == whole
    short = replace(PRINT, tile=512, recipe=PRINT.recipe.but(history=5))
    assert smaller - short.bytes_needed == pytest.approx(2 * 5 * 3 * 4 * 4000 * 6000)
    targets = smaller - replace(PRINT, tile=512, content_layers=()).bytes_needed
    assert targets == 4 * 512 * 500 * 750


def test_every_label_costs_a_copy_of_what_is_looked_at() -> None:
    copy = 4 * sum(channels * 1000 * 1500 / stride**2 for channels, stride in ((512, 8), (64, 1), (512, 16)))
    assert replace(PLAN, labels=4).bytes_needed - PLAN.bytes_needed == pytest.approx(4 * copy)
    stored = PLAN.to_json()
    del stored["labels"]  # as runs were begun before there were any
    assert Plan.from_json(stored) == PLAN


def test_a_plan_that_fits_is_left_alone() -> None:
    assert fitted(PLAN, PLAN.bytes_needed) is PLAN


def test_tiles_give_way_first_then_the_history_then_the_optimizer_then_the_type_then_the_size() -> None:
    need = 0.0
    kept = replace(PRINT, tile=512)
    short = replace(kept, recipe=PRINT.recipe.but(history=3), tile=384)
    adam = replace(kept, recipe=PRINT.recipe.but(optimizer="adam"))
    small = replace(adam, tile=256)
    half = replace(small, precision="bfloat16")
    for plan in (PRINT, replace(PRINT, tile=1024), kept, short, adam, small, half):
        found = fitted(PRINT, plan.bytes_needed)
        assert (found.size, found.tile, found.precision) == (plan.size, plan.tile, plan.precision)
        assert (found.recipe.optimizer, found.recipe.history) == (plan.recipe.optimizer, plan.recipe.history)
        assert need == 0 or plan.bytes_needed < need
        need = plan.bytes_needed
    shrunk = fitted(PRINT, 0.9 * need)
    assert shrunk.bytes_needed <= 0.9 * need
    assert shrunk.size[0] < 4000
    assert shrunk.size[0] / shrunk.size[1] == pytest.approx(2 / 3, rel=0.01)
    assert [note.split(" instead of ")[0].split(":")[0] for note in shrunk.notes] == [
        "looked at by tiles of 256 pixels, which takes longer, and changes nothing else",
        "Adam",
        "bfloat16",
        f"{shrunk.size[1]}×{shrunk.size[0]}",
    ]
    assert all("GB would be needed" in note for note in shrunk.notes)
    assert fitted(PRINT, short.bytes_needed).notes[1].startswith("recipe.history=3 instead of 10: ")


def test_a_loss_that_does_not_add_up_has_no_tiles() -> None:
    sliced = replace(PLAN, recipe=PLAN.recipe.but(style_loss="sliced"))
    assert [(one.tile, one.recipe.optimizer, one.precision) for one in alternatives(sliced)] == [
        *[(None, "lbfgs", "float32")] * 4,
        (None, "adam", "float32"),
        (None, "adam", "float32"),
        (None, "adam", "bfloat16"),
    ]


def test_memory_that_does_for_nothing_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"memory: .* would be needed, 0\.9 GB may be used"):
        fitted(PLAN, 0.9e9)


def test_free_memory_is_measured() -> None:
    assert 1e6 < free_memory(torch.device("cpu")) < 1e14


def test_a_plan_survives_its_file() -> None:
    plan = fitted(PLAN, 0.3 * PLAN.bytes_needed)
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
