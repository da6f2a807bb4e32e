"""Where AP is lost, told: one record whose errors are known, in the log, as CSV and for metrics.json."""

import csv
import logging
from pathlib import Path
from typing import Any

import pytest

from pochoir.inspection.lost import show_lost
from records import photo

A, PART_OF_A, B = (2, 2, 12, 12), (2, 2, 12, 6), (48, 20, 60, 40)


@pytest.fixture
def told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    """A has a poor outline of .4, B, at the frame, is missed, and there is a crowd; AP50 is 0."""
    item = photo([(A, 2, False), (B, 2, False), ((30, 2, 45, 15), 2, True)], [(PART_OF_A, 2, 0.9, 0.9)])
    with caplog.at_level(logging.INFO):
        return show_lost([item], ["street/a.jpg"], tmp_path, threshold=0.5, classes=("cup", "bag"))


def test_what_is_lost_and_found_is_for_the_metrics(told: dict[str, Any]) -> None:
    lost = told["lost"]
    assert {name: gain for name, gain in lost["mask"].items() if gain} == {"localisation": round(51 / 101, 4)}
    assert lost["mask"] == lost["box"]
    assert lost["masks_in_boxes"] == {"ap50": 0, "ap75": 0}
    assert told["found"] == {"all": 0, "small": 0, "truncated": 0, "whole": 0, "apart": 0}


def test_each_error_has_a_row(told: dict[str, Any], tmp_path: Path) -> None:
    rows = list(csv.DictReader((tmp_path / "errors.csv").open()))
    assert [row["of"] for row in rows] == ["mask"] * 8 + ["box"] * 8
    of_masks = {row["error"]: (float(row["ap50_gain"]), row["count"]) for row in rows[:8]}
    assert of_masks["localisation"] == (0.505, "1")
    assert of_masks["missed"] == (0, "1")  # without B the other is as badly outlined as before
    assert of_masks["false_negatives"] == (0, "")


def test_each_object_has_a_row(told: dict[str, Any], tmp_path: Path) -> None:
    first, second = csv.DictReader((tmp_path / "objects.csv").open())
    assert (first["photo"], first["object"], first["class"], first["size"]) == ("street/a.jpg", "1", "bag", "small")
    assert (first["outcome"], first["area"], first["truncated"], first["mask_iou"]) == ("poor", "100.0", "False", "")
    assert (second["outcome"], second["truncated"], second["crowding"]) == ("missed", "True", "0.0")


def test_both_tables_are_logged(told: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    lines = [line.getMessage().split() for line in caplog.get_records("setup")]
    assert ["localisation", "0.505", "1", "0.505", "1"] in lines
    assert ["all", "not", "found", "0.000", "0.000"] in lines
    assert ["all", "2", "0.000", "0.500", "0.500", "0.000", "0.000"] in lines
    assert ["truncated", "1", "0.000", "0.000", "1.000", "0.000", "0.000"] in lines
