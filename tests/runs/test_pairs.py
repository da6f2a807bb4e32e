"""Many pictures, whatever paints them: their folders, the table, the sheet, and what fails."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pochoir.errors import DataError, SomeInputsFailedError, StorageError
from pochoir.images import read_rgb, write_image
from pochoir.runs.pairs import Pair, paint_pairs, pairs_of

GREY = np.full((30, 40, 3), 90, dtype=np.uint8)


def pictures(folder: Path, *names: str) -> list[Path]:
    for name in names:
        write_image(folder / name, GREY)
    return [folder / name for name in names]


def paint(pair: Pair) -> dict[str, Any]:
    """In red; of `bad` nothing."""
    if pair.content.stem == "bad":
        raise DataError("nobody\nis there")
    write_image(pair.folder / "result.png", np.full((30, 40, 3), (250, 0, 0), dtype=np.uint8))
    return {"loss": 2.0, "style_error": 0.5, "content_error": 1.0, "area": 0.25, "seconds": 3.0, "notes": []}


def test_every_content_has_every_choice_of_styles() -> None:
    contents, styles = [Path("x/a.jpg"), Path("x/a.png"), Path("b.jpg")], [Path("oil.jpg"), Path("ink.jpg")]
    pairs = pairs_of(contents, [styles[:1], styles], Path("out"))
    assert [(pair.content, len(pair.styles)) for pair in pairs] == [(path, n) for path in contents for n in (1, 2)]
    assert [pair.name for pair in pairs][:3] == ["a__oil", "a__oil_ink", "a__oil_2"]
    assert len({pair.name for pair in pairs}) == 6
    assert [pair.folder for pair in pairs] == [Path("out") / pair.name for pair in pairs]
    (alone,) = pairs_of(contents[:1], [styles], Path("out"))
    assert alone.folder == Path("out")


def test_a_failure_does_not_stop_the_rest(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    contents = pictures(tmp_path / "in", "a.png", "bad.png", "c.png")
    styles = [pictures(tmp_path / "in", name) for name in ("oil.png", "ink.png")]
    summary = paint_pairs(pairs_of(contents, styles, tmp_path), tmp_path, paint, ".png")
    assert list(summary.results) == ["a__oil", "a__ink", "c__oil", "c__ink"]
    assert summary.objective == 2.0
    with pytest.raises(SomeInputsFailedError, match="2 pictures could not be painted"):
        summary.outcome()
    assert "failed: bad__ink: nobody" in caplog.text
    with (tmp_path / "summary.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        *("picture", "content", "styles", "status"),
        *("loss", "style_error", "content_error", "area", "seconds", "failure"),
    ]
    assert [row["status"] for row in rows] == ["finished", "finished", "failed", "failed", "finished", "finished"]
    assert (rows[0]["content"], rows[0]["styles"]) == (str(contents[0]), str(styles[0][0]))
    assert (rows[0]["area"], rows[2]["area"], rows[2]["failure"]) == ("0.25", "", "nobody is there")
    sheet = read_rgb(tmp_path / "sheet.png")
    assert sheet.shape == (3 * 240, 3 * 320, 3)  # no row for what failed
    assert sheet[360, 480].tolist() == [250, 0, 0]
    assert sheet[360, 160].tolist() == [90, 90, 90]


def test_a_style_without_a_picture_heads_its_column_by_its_name(tmp_path: Path) -> None:
    contents = pictures(tmp_path / "in", "a.png")
    paint_pairs(pairs_of(contents, [[Path("ink")], [Path("blue_horses")]], tmp_path), tmp_path, paint, ".png")
    heads = [read_rgb(tmp_path / "sheet.png")[:240, 320 * column : 320 * (column + 1)] for column in (1, 2)]
    dark = [(head < 128).all(axis=-1) for head in heads]
    spans = [np.ptp(np.flatnonzero(where.any(axis=1))) for where in dark]
    assert 0 < spans[0] < spans[1]  # a line, and two


def test_a_single_picture_fails_as_itself(tmp_path: Path) -> None:
    (pair,) = pairs_of(pictures(tmp_path, "bad.png"), [pictures(tmp_path, "oil.png")], tmp_path)
    with pytest.raises(DataError, match="nobody"):
        paint_pairs([pair], tmp_path, paint, ".png")
    assert not (tmp_path / "summary.csv").exists()


def test_a_full_disk_is_no_failure_of_a_picture(tmp_path: Path) -> None:
    def full(pair: Pair) -> dict[str, Any]:
        raise StorageError("the disk is full")

    pairs = pairs_of(pictures(tmp_path, "a.png", "b.png"), [pictures(tmp_path, "oil.png")], tmp_path)
    with pytest.raises(StorageError):
        paint_pairs(pairs, tmp_path, full, ".png")


def test_what_is_ended_has_its_table_as_far_as_it_came(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def ended(pair: Pair) -> dict[str, Any]:
        if pair.content.stem == "b":
            raise KeyboardInterrupt
        return paint(pair)

    caplog.set_level("INFO", "pochoir")
    pairs = pairs_of(pictures(tmp_path, "a.png", "b.png"), [pictures(tmp_path, "oil.png")], tmp_path)
    with pytest.raises(SystemExit, match="130"):
        paint_pairs(pairs, tmp_path, ended, ".png")
    assert f"continue by the same command with hydra.run.dir={tmp_path}" in caplog.text
    assert len((tmp_path / "summary.csv").read_text().splitlines()) == 2
