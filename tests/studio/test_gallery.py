"""What lies under the outputs folder is listed as what it is."""

from pathlib import Path

import numpy as np
import pytest

from pochoir.errors import DataError
from pochoir.experiments.records import STATUS, SWEEP
from pochoir.files import write_bytes, write_json
from pochoir.images import write_image
from pochoir.studio.gallery import comparison, entries


def a_run(folder: Path, **metrics: float) -> Path:
    write_bytes(folder / ".hydra" / "config.yaml", b"seed: 1\n")
    write_bytes(folder / ".hydra" / "overrides.yaml", b"- seed=1\n")
    if metrics:
        write_json(folder / "metrics.json", metrics)
        write_image(folder / "result.png", np.zeros((20, 30, 3), dtype=np.uint8))
    return folder


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    a_run(tmp_path / "stylize" / "one", loss=0.5, seconds=3.0)
    a_run(tmp_path / "partial" / "<b>two")
    write_bytes(a_run(tmp_path / "studio" / "session") / "studio.log", b"")
    sweep = tmp_path / "stylize" / "sweeps" / "all"
    write_json(sweep / SWEEP, {"swept": ["seed"]})
    for number in range(2):
        write_json(a_run(sweep / str(number), loss=0.1) / STATUS, {"status": "finished", "overrides": ["seed=1"]})
    return tmp_path


def test_runs_and_sweeps_are_listed_and_sessions_of_the_page_are_not(outputs: Path) -> None:
    found = {entry.name: entry for entry in entries(outputs)}
    assert set(found) == {"stylize/one", "partial/<b>two", "stylize/sweeps/all"}
    assert (found["stylize/one"].status, found["partial/<b>two"].status) == ("finished", "unfinished")
    assert found["stylize/one"].measures() == [("loss", 0.5), ("seconds", 3.0)]
    assert found["stylize/one"].picture == outputs / "stylize" / "one" / "result.png"
    assert found["stylize/sweeps/all"].status == "2 of 2 finished"
    assert found["stylize/one"].table()[0] == {"measure": "loss", "value": "0.5"}
    assert found["stylize/sweeps/all"].table()[1] == {"job": "1", "seed": "1", "status": "finished", "loss": "0.1"}
    assert found["stylize/sweeps/all"].pictures == []
    assert entries(outputs / "none") == []


def test_what_was_trained_can_be_painted_by(outputs: Path) -> None:
    trained = a_run(outputs / "train_seg" / "one", mask_ap=0.5)
    write_bytes(trained / "train_seg.log", b"")
    write_bytes(trained / "checkpoints" / "last.ckpt", b"")  # nothing was measured yet
    assert [entry.segmenter for entry in entries(outputs) if entry.name == "train_seg/one"] == [
        trained / "checkpoints" / "last.ckpt"
    ]
    write_bytes(trained / "checkpoints" / "best.ckpt", b"")
    found = {entry.name: entry.segmenter for entry in entries(outputs)}
    assert found.pop("train_seg/one") == trained / "checkpoints" / "best.ckpt"
    assert set(found.values()) == {None}


def test_a_picture_is_called_by_what_it_is_of(outputs: Path) -> None:
    made = a_run(outputs / "partial" / "three", loss=0.5)
    told = "content: uploads/grace.jpg\nstyles: [builtin:ink, great_wave]\nbackground_style: mine.png\n"
    write_bytes(made / ".hydra" / "config.yaml", told.encode())
    found = {entry.name: entry.painted for entry in entries(outputs)}
    assert found.pop("partial/three") == "grace in ink, great_wave, mine"
    assert set(found.values()) == {""}


def test_what_is_compared_is_on_one_page_with_names_escaped(outputs: Path) -> None:
    page = comparison([outputs / "stylize" / "one", outputs / "partial" / "<b>two"])
    assert "data:image/jpeg;base64," in page
    assert "<b>two" not in page
    assert "&lt;b&gt;two" in page
    with pytest.raises(DataError, match="Choose at least one run"):
        comparison([])
