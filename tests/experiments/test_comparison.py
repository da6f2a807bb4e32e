"""Runs compared: which are found, the terminal's table, and the page in a real browser."""

import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from pochoir.errors import DataError
from pochoir.experiments.comparison import compare, comparison_page, find_runs, print_table
from pochoir.images import write_image

ROOT = Path(__file__).parents[2]
BROWSER_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sweep of two jobs, one of which failed, and a run of its own."""
    for name, weight, loss in (("sweep/0", 1, 0.5), ("sweep/1", 10, None), ("alone", 3, 0.125)):
        place = tmp_path / name
        (place / ".hydra").mkdir(parents=True)
        settings = f"seed: 0\nrecipe:\n  style_weight: {weight}\n  steps: [{weight}]\nstyle: <b>.jpg\n"
        (place / ".hydra" / "config.yaml").write_text(settings)
        (place / ".hydra" / "overrides.yaml").write_text(f"- recipe.style_weight={weight}\n")
        if loss is None:
            failed = {"status": "failed", "overrides": [], "error": "too <small>", "objective": 1e6}
            (place / "status.json").write_text(json.dumps(failed))
        else:
            write_image(place / "result.png", np.full((30, 40, 3), 10 * weight, dtype=np.uint8))
            (place / "metrics.json").write_text(json.dumps({"loss": loss, "seconds": 4.0}))
    (tmp_path / "sweep" / "sweep.json").write_text(json.dumps({"swept": ["recipe.style_weight"]}))
    return tmp_path


def test_sweeps_stand_for_their_jobs_and_nothing_is_named_twice(folder: Path) -> None:
    runs = find_runs([str(folder / "sweep"), str(folder / "sw*" / "0"), str(folder / "al*")])
    assert [(run.name, run.status) for run in runs] == [("0", "finished"), ("1", "failed"), ("alone", "finished")]


@pytest.mark.parametrize(("pattern", "message"), [("no*", "no such folder"), (".", "no run has been there")])
def test_what_is_no_run_is_named(folder: Path, pattern: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        find_runs([str(folder / pattern)])


def test_the_table_shows_what_differs(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    compare([str(folder / "sweep"), str(folder / "alone")], folder / "page.html")
    text = capsys.readouterr().out.partition("With pictures")[0]
    assert "style_weight" in text
    assert "steps" in text
    assert "seed" not in text
    assert "0.125" in text


def test_a_narrow_terminal_shows_less_and_says_so(folder: Path) -> None:
    runs = find_runs([str(folder / "sweep"), str(folder / "alone")])
    told = {name: [name] * len(runs) for name in ("alpha", "beta", "gamma")}
    for width, left in ((100, ""), (48, "Without beta, gamma: the terminal")):
        out = io.StringIO()
        print_table(Console(file=out, width=width, force_terminal=True, color_system=None), runs, told)
        assert left in out.getvalue()
        assert ("beta" in out.getvalue().partition("Without")[0]) == (not left)
        assert "0.125" in out.getvalue()
    out = io.StringIO()
    print_table(Console(file=out, width=10), runs, told)  # no terminal
    assert "gamma" in out.getvalue()


def test_the_page_holds_all_it_needs(folder: Path) -> None:
    page = comparison_page(find_runs([str(folder / "sweep"), str(folder / "alone")]))
    assert page.count("data:image/jpeg;base64,") == 2
    assert "too &lt;small&gt;" in page
    assert not re.search(r"(src|href)=\"(?!data:)", page)


def test_a_caption_says_nothing_of_what_a_run_does_not_have(folder: Path) -> None:
    for name, told in (("alone", "region:\n  margin: null\nmethod: paste\n"), ("sweep/0", "")):
        config = folder / name / ".hydra" / "config.yaml"
        config.write_text(config.read_text() + told)
    page = comparison_page(find_runs([str(folder / "alone"), str(folder / "sweep")]))
    captions = re.findall(r"<figcaption>.*", page)
    assert [("method = paste" in one, "region.margin" in one) for one in captions] == [(True, False)] + 2 * [
        (False, False)
    ]
    assert page.count("<td>null</td>") == 1


def test_the_script_prints_and_writes(folder: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts" / "compare.py")]
    done = subprocess.run(
        [*command, "sweep", "alone", "--html", "page.html"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "0.125" in done.stdout
    assert (folder / "page.html").exists()
    wrong = subprocess.run([*command, "nothing"], cwd=folder, capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stderr) == (2, "DataError: nothing: no such folder\n")


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("", ["0", "1", "alone"]),
        ("#sort=loss", ["alone", "0", "1"]),
        ("#sort=-recipe.style_weight", ["1", "alone", "0"]),
    ],
)
def test_a_browser_sorts_rows_and_pictures(folder: Path, order: str, names: list[str]) -> None:
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("needs chromium")
    page = folder / "page.html"
    page.write_text(comparison_page(find_runs([str(folder / "sweep"), str(folder / "alone")])))
    command = [
        browser,
        *BROWSER_FLAGS,
        f"--user-data-dir={folder / 'profile'}",
        "--dump-dom",
        f"{page.as_uri()}{order}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    table = done.stdout.split("<tbody>")[1]
    assert re.findall(r"<tr data-row=\"\d\">\s*<td>([^<]+)</td>", table) == names
    assert re.findall(r"<figcaption><b>([^<]+)</b>", done.stdout) == names
    assert ('aria-sort="' in done.stdout.split("<script>")[0]) == bool(order)
