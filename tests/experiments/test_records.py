"""Runs read back: status, numbers, swept values; and the figures and tables that a sweep comes to."""

import csv
import io
import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import yaml

from pochoir.experiments.records import (
    Run,
    metrics_of,
    overrides_of,
    read_run,
    read_sweep,
    run_label,
    short_names,
    sweep_around,
    swept_settings,
    swept_values,
    typed,
)
from pochoir.experiments.run_page import changed, environment_values, run_page
from pochoir.experiments.sweep_figures import metrics_figure, sweep_sheet
from pochoir.experiments.sweep_summary import by_knob_csv, repeats, summary_csv
from pochoir.images import write_image

SWEPT = ["recipe.style_weight", "encoder.style_layers"]


def job(number: int, weight: str, layers: str, loss: float | None, picture: Path | None = None) -> Run:
    metrics = {} if loss is None else {"loss": loss, "style_error": loss / 2}
    status = "failed" if loss is None else "finished"
    swept = dict(zip(SWEPT, (weight, layers), strict=True))
    return Run(str(number), Path(), status, "" if metrics else "bad", loss, 1.5, metrics, {}, swept, picture)


@pytest.fixture
def grid(tmp_path: Path) -> list[Run]:
    """Two weights by two lists of layers; the last failed."""
    path = tmp_path / "result.png"
    write_image(path, np.full((30, 40, 3), 200, dtype=np.uint8))
    values = [("1", "[a]"), ("1", "[a,b]"), ("10", "[a]"), ("10", "[a,b]")]
    return [
        job(index, *value, None if index == 3 else 0.1 * (index + 1), None if index == 3 else path)
        for index, value in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [("10", 10), ("1e-3", 0.001), ("[relu1_1,relu2_1]", "relu1_1 relu2_1"), ("quick", "quick"), ("true", True)],
)
def test_values_of_the_command_line_become_what_can_be_sorted(text: str, value: object) -> None:
    assert typed(text) == value
    assert type(typed(text)) is type(value)


def test_keys_are_short_where_that_tells_them_apart() -> None:
    assert short_names(["recipe.lr", "encoder.name"]) == {"recipe.lr": "lr", "encoder.name": "name"}
    assert short_names(["recipe.lr", "optim.lr"]) == {"recipe.lr": "recipe.lr", "optim.lr": "optim.lr"}


def test_a_label_can_be_a_folder() -> None:
    assert run_label({"style": "a/b.jpg", "encoder.style_layers": "[x,y]"}) == "style=a_b.jpg style_layers=x,y"
    assert run_label({}) == ""


def test_a_run_without_results_is_unfinished(tmp_path: Path) -> None:
    assert read_run(tmp_path).status == "unfinished"
    (tmp_path / "status.json").write_text(json.dumps({"status": "running", "overrides": []}))
    assert read_run(tmp_path).status == "unfinished"


def test_numbers_of_several_pictures_are_their_means(tmp_path: Path) -> None:
    for name, loss in (("a", 1.0), ("b", 3.0)):
        (tmp_path / name).mkdir()
        metrics = {"loss": loss, "losses": {"tv": loss}, "size": {"height": 9}, "notes": ["x"], "versions": {"a": "1"}}
        (tmp_path / name / "metrics.json").write_text(json.dumps(metrics))
    assert metrics_of(tmp_path) == {"loss": 2.0, "losses/tv": 2.0}


def test_swept_values_are_those_of_the_job(tmp_path: Path) -> None:
    (tmp_path / "sweep.json").write_text(json.dumps({"swept": ["a.b"]}))
    (tmp_path / "0" / ".hydra").mkdir(parents=True)
    (tmp_path / "0" / ".hydra" / "overrides.yaml").write_text("- c=1\n- +a.b=[x,y]\n")
    assert swept_values(tmp_path / "0") == {"a.b": "[x,y]"}
    assert swept_values(tmp_path) == {}


def test_numbers_of_jobs_are_typed(tmp_path: Path) -> None:
    (tmp_path / "sweep.json").write_text(json.dumps({"swept": ["lr", "layers"]}))
    (tmp_path / "0" / ".hydra").mkdir(parents=True)
    (tmp_path / "0" / ".hydra" / "overrides.yaml").write_text("- lr=1e-3\n- layers=[x,y]\n")
    assert swept_settings(tmp_path / "0") == {"lr": 0.001, "layers": "x y"}


@pytest.mark.parametrize("names", [["2", "10"], ["lr=0.5", "lr=2,seed=1", "lr=10"], ["a", "b"]])
def test_jobs_are_found_whatever_they_are_called(tmp_path: Path, names: list[str]) -> None:
    for name in reversed(names):
        (tmp_path / name / ".hydra").mkdir(parents=True)
    (tmp_path / ".submitit").mkdir()
    assert [run.name for run in read_sweep(tmp_path)] == names


def test_jobs_are_found_in_folders_of_folders(tmp_path: Path) -> None:
    (tmp_path / "sweep.json").write_text(json.dumps({"swept": ["content"]}))
    for name in ("content=/a b/10.jpg", "content=/a b/9.jpg", "content=/a b/9.jpg/regions/object_0"):
        (tmp_path / name / ".hydra").mkdir(parents=True)
    for number in (9, 10):
        overrides = tmp_path / f"content=/a b/{number}.jpg" / ".hydra" / "overrides.yaml"
        overrides.write_text(f"- content='/a b/{number}.jpg'\n")
    runs = read_sweep(tmp_path)
    assert [run.name for run in runs] == ["content=/a b/9.jpg", "content=/a b/10.jpg"]
    assert [run.swept for run in runs] == [{"content": "/a b/9.jpg"}, {"content": "/a b/10.jpg"}]
    assert sweep_around(runs[0].folder / "regions") == tmp_path
    assert sweep_around(tmp_path) is None


def test_texts_of_the_command_line_lose_their_quotes(tmp_path: Path) -> None:
    (tmp_path / ".hydra").mkdir()
    words = ["a='a b, c=[1].jpg'", r"b=builtin\:ink", "+c=[x,y]", r"d='it\'s \${e}.png'", "~seed", "lr=1e-3"]
    (tmp_path / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump(words))
    values = ["a b, c=[1].jpg", "builtin:ink", "[x,y]", "it's ${e}.png", "", "1e-3"]
    assert list(overrides_of(tmp_path).values()) == values


def test_the_table_holds_every_job_and_its_error(grid: list[Run]) -> None:
    rows = list(csv.DictReader(io.StringIO(summary_csv(grid, SWEPT))))
    assert [row["recipe.style_weight"] for row in rows] == ["1", "1", "10", "10"]
    assert [row["status"] for row in rows] == ["finished"] * 3 + ["failed"]
    assert float(rows[1]["loss"]) == pytest.approx(0.2)
    assert (rows[3]["loss"], rows[3]["error"]) == ("", "bad")


def test_the_sheet_has_a_row_and_a_column_for_each_value(grid: list[Run]) -> None:
    cells = sweep_sheet(grid, SWEPT).axes
    assert [cell.get_title() for cell in cells] == ["style_layers = a", "style_layers = a, b", "", ""]
    assert [cell.get_ylabel() for cell in cells] == ["style_weight = 1", "", "style_weight = 10", ""]
    assert [len(cell.images) for cell in cells] == [1, 1, 1, 0]
    assert "failed: bad" in cells[3].texts[0].get_text()


def test_scattered_jobs_stand_in_their_order(grid: list[Run]) -> None:
    scattered = [job(index, str(index), f"[{index}]", 0.5, grid[0].picture) for index in range(6)]
    titles = [cell.get_title() for cell in sweep_sheet(scattered, SWEPT).axes]
    assert titles[4].replace("\n", " ") == "4: style_weight = 4, style_layers = 4"


KNOB = ["recipe.lr", "seed", "content", "style"]


@pytest.fixture
def knob(tmp_path: Path) -> list[Run]:
    """Two values of a knob, named first, on two seeds and two pictures; one job failed."""
    path = tmp_path / "result.png"
    write_image(path, np.full((30, 40, 3), 200, dtype=np.uint8))
    runs = []
    for number, (lr, seed, content) in enumerate(product(("0.5", "2"), ("1", "2"), ("x/a b.jpg", "builtin:ink"))):
        swept = dict(zip(KNOB, (lr, seed, content, "y/oil.png"), strict=True))
        failed = number == 7
        metrics = {} if failed else {"style_error": number / 10, "losses/tv": 1.0}
        status = "failed" if failed else "finished"
        runs.append(Run(str(number), Path(), status, "", None, 1.0, metrics, {}, swept, None if failed else path))
    return runs


def test_the_values_of_a_knob_are_compared_over_pictures_and_seeds(knob: list[Run]) -> None:
    assert repeats(knob, KNOB)
    rows = list(csv.DictReader(io.StringIO(by_knob_csv(knob, KNOB))))
    assert list(rows[0]) == ["recipe.lr", "jobs", "finished", "style_error mean", "style_error deviation"]
    assert [(row["recipe.lr"], row["jobs"], row["finished"]) for row in rows] == [("0.5", "4", "4"), ("2", "4", "3")]
    assert float(rows[0]["style_error mean"]) == pytest.approx((0 + 0.1 + 0.2 + 0.3) / 4)
    assert float(rows[0]["style_error deviation"]) == pytest.approx((0.05 / 3) ** 0.5)
    assert float(rows[1]["style_error mean"]) == pytest.approx(0.5)
    alone = [run for run in knob if (run.swept["seed"], run.swept["content"]) == ("1", "builtin:ink")]
    assert not repeats(alone, KNOB)
    assert not repeats(knob, KNOB[1:])  # nothing but pictures and seeds
    assert by_knob_csv(alone, KNOB).splitlines()[1] == "0.5,1,1,0.1,"


def test_the_sheet_of_a_knob_has_a_row_for_each_picture_and_seed(knob: list[Run]) -> None:
    cells = sweep_sheet(knob, KNOB).axes
    assert [cell.get_title() for cell in cells[:2]] == ["lr = 0.5", "lr = 2"]
    labels = [cell.get_ylabel().replace("\n", " ") for cell in cells[::2]]
    assert labels == [
        f"seed = {seed}, content = {content}, style = oil" for seed in (1, 2) for content in ("a b", "ink")
    ]
    (axes,) = [each for each in metrics_figure(knob, KNOB).axes if each.get_title() == "style_error"]
    assert axes.get_xlabel() == "recipe.lr"
    assert len(axes.lines) == 4


def test_a_knob_may_be_words(knob: list[Run]) -> None:
    words = [replace(run, swept={**run.swept, "recipe.lr": f"w{run.swept['recipe.lr']}"}) for run in knob]
    assert metrics_figure(words, KNOB).axes[0].get_xlabel() == "recipe.lr"  # though the seed is a number


def test_metrics_are_drawn_over_the_key_that_is_a_number(grid: list[Run]) -> None:
    axes = metrics_figure(grid, SWEPT).axes
    assert [each.get_title() for each in axes] == ["loss", "style_error"]
    assert axes[0].get_xlabel() == "recipe.style_weight"
    lines = {str(line.get_label()): np.asarray(line.get_xydata()).tolist() for line in axes[0].lines}
    assert lines["style_layers = a"] == [[1, pytest.approx(0.1)], [10, pytest.approx(0.3)]]
    assert len(lines["style_layers = a,b"]) == 1


def test_the_page_tells_command_changes_and_outcome(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text(json.dumps({"loss": 0.25, "notes": ["smaller"], "versions": {"torch": "9"}}))
    write_image(tmp_path / "result.png", np.zeros((8, 8, 3), dtype=np.uint8))
    page = run_page(tmp_path, "python scripts/x.py a=1", changed({"a": 1, "b": {"c": 2}}, {"a": 0, "b": {"c": 2}}))
    assert "python scripts/x.py a=1" in page
    assert "| loss | 0.25 |" in page
    assert "- smaller" in page
    assert "![result](result.png)" in page
    assert "| a | 1 |" in page
    assert "b.c" not in page
    assert "| torch | 9 |" in page
    assert "**Not finished.** too small" in run_page(tmp_path, "x", {}, "too small")


def test_names_of_files_are_text_on_the_page(tmp_path: Path) -> None:
    """Whatever they are called: a page may be shown by a web server."""
    (tmp_path / "metrics.json").write_text(json.dumps({"notes": ["<img src=x onerror=alert(1)>.jpg"], "versions": {}}))
    page = run_page(
        tmp_path,
        "pochoir stylize 'content=```<b>.jpg'",
        {"content": "<b>|`a`|[x](javascript:y) __init__ style_weight"},
        "<script>alert(1)</script>.jpg: *no* picture",
    )
    outside = page.replace("````sh\npochoir stylize 'content=```<b>.jpg'\n````", "")
    assert len(outside) < len(page)
    assert "<" not in outside
    assert r"| content | &lt;b&gt;\|\`a\`\|[x]\(javascript:y) \_\_init\_\_ style_weight |" in outside
    assert r"**Not finished.** &lt;script&gt;alert(1)&lt;/script&gt;.jpg: \*no\* picture" in outside


def test_pictures_with_any_name_are_linked(tmp_path: Path) -> None:
    write_image(tmp_path / "predictions" / "sheet.png", np.zeros((8, 8, 3), dtype=np.uint8))
    write_image(tmp_path / "result.a b)<c>.png", np.zeros((8, 8, 3), dtype=np.uint8))
    assert "![result.a b)&lt;c&gt;](result.a%20b%29%3Cc%3E.png)" in run_page(tmp_path, "x", {})


def test_values_of_the_environment_are_not_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither where they are settings nor where an error names a file."""
    monkeypatch.setenv("SECRET_PLACE", "/home/me/<secret>")
    monkeypatch.setenv("SHORT", "1")
    monkeypatch.delenv("ABSENT", raising=False)
    config = {"root": "${oc.env:SECRET_PLACE}/a", "list": ["${oc.env:SHORT}", {"x": "${oc.env: ABSENT,data}"}]}
    hidden = environment_values(config)
    assert hidden == {"/home/me/<secret>": "${oc.env:SECRET_PLACE}"}
    page = run_page(
        tmp_path,
        "pochoir stylize content=/home/me/<secret>/b.jpg",
        {"content": "/home/me/<secret>/b.jpg"},
        "/home/me/<secret>/b.jpg: no picture",
        hidden,
    )
    assert "secret>" not in page
    assert page.count("${oc.env:SECRET_PLACE}/b.jpg") == 3
