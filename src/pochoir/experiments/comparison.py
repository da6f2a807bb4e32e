"""Runs side by side: which ones, a table for the terminal, and one HTML page that needs no other file."""

import base64
import io
import json
from collections.abc import Mapping, Sequence
from glob import glob
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment
from PIL import Image
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pochoir.errors import DataError
from pochoir.experiments.records import SWEEP, Run, read_run, read_sweep, short_names
from pochoir.experiments.sweep_figures import headlines
from pochoir.files import write_bytes
from pochoir.images import read_rgb

PICTURE_SIDE = 640
JPEG_QUALITY = 85
ENDLESS = 10_000
"""Columns of what is no terminal."""
MARKS = ("metrics.json", ".hydra")
"""What a run leaves in its folder, one or the other at least."""


def compare(patterns: Sequence[str], page: Path) -> list[Run]:
    """Print a table of the runs that the patterns name and write an HTML page of them; returns them.

    Raises `DataError` where a pattern names nothing, or a folder that holds no run.
    """
    runs = find_runs(patterns)
    console = Console(highlight=False, soft_wrap=True)
    told = {name: [_setting(run, name) for run in runs] for name in differing_settings(runs)}
    print_table(console, runs, told)
    write_bytes(page, comparison_page(runs).encode())
    console.print(f"With pictures: {page}", markup=False)
    return runs


def find_runs(patterns: Sequence[str]) -> list[Run]:
    """The runs that folders, or patterns of folders, name; a sweep stands for its jobs. Each once, in order."""
    folders: dict[Path, tuple[str, str]] = {}
    for pattern in patterns:
        given = Path(pattern).expanduser()
        named = [given] if given.is_dir() else map(Path, sorted(glob(str(given))))  # noqa: PTH207 (may be absolute)
        found = [path for path in named if path.is_dir()]
        if not found:
            raise DataError(f"{pattern}: no such folder")
        for folder in found:
            if (folder / SWEEP).is_file():
                folders.update({job.folder: (folder.name, job.name) for job in read_sweep(folder)})
            else:
                folders.setdefault(folder, (folder.parent.name, folder.name))
    several = len({name for _, name in folders.values()}) < len(folders)
    empty = [str(folder) for folder in folders if not any((folder / mark).exists() for mark in MARKS)]
    if empty:
        raise DataError(f"{', '.join(empty)}: no run has been there (neither {' nor '.join(MARKS)})")
    return [read_run(folder, "/".join(names) if several else names[-1]) for folder, names in folders.items()]


def differing_settings(runs: list[Run]) -> list[str]:
    """The settings that are not the same in all runs, in the order of their configs."""
    names = dict.fromkeys(name for run in runs for name in run.settings)
    return [name for name in names if len({_setting(run, name) for run in runs}) > 1]


def print_table(console: Console, runs: list[Run], told: Mapping[str, Sequence[str]]) -> None:
    """Print a row a run, with as much of what each was told as the terminal is wide enough for."""
    if not console.is_terminal:
        console.width = ENDLESS
    shown = dict(told)
    table = runs_table(runs, shown)
    while shown and console.measure(table, options=console.options.update(width=ENDLESS)).maximum > console.width:
        shown.popitem()
        table = runs_table(runs, shown)
    console.print(table)
    if left := list(told)[len(shown) :]:
        console.print(f"Without {', '.join(left)}: the terminal is too narrow", markup=False)


def runs_table(runs: list[Run], told: Mapping[str, Sequence[str]]) -> Table:
    """A row a run: what each was told, by key, and the metrics that tell most."""
    metrics = headlines(runs)
    table = Table()
    for title in ("run", *short_names(told).values()):
        table.add_column(title, overflow="fold")
    for title in ("status", *metrics):
        table.add_column(title, justify="right")
    for index, run in enumerate(runs):
        measured = [f"{run.metrics[name]:.4g}" if name in run.metrics else "" for name in metrics]
        table.add_row(escape(run.name), *(escape(values[index]) for values in told.values()), run.status, *measured)
    return table


def comparison_page(runs: list[Run]) -> str:
    """HTML with everything in it: pictures side by side, and a table of differing settings and all metrics.

    A click on a column sorts rows and pictures by it; `#sort=loss` or `#sort=-loss` in the address does the same.
    """
    settings = differing_settings(runs)
    metrics = list(dict.fromkeys([*headlines(runs), *(name for run in runs for name in run.metrics)]))
    template = files("pochoir.experiments").joinpath("comparison.html.jinja").read_text()
    rows = [
        {
            "name": run.name,
            "status": run.status,
            "error": run.error,
            "settings": [_setting(run, name) for name in settings],
            "metrics": [run.metrics.get(name) for name in metrics],
            "picture": "" if run.picture is None else _embedded(run),
        }
        for run in runs
    ]
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(rows=rows, settings=settings, metrics=metrics)


def _setting(run: Run, name: str) -> str:
    """A setting of a run; empty where its task has none of that name."""
    return _text(run.settings[name]) if name in run.settings else ""


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return value if isinstance(value, str) else json.dumps(value)


def _embedded(run: Run) -> str:
    """A data URI of the run's picture, small enough to look at."""
    assert run.picture is not None
    picture = Image.fromarray(read_rgb(run.picture))
    picture.thumbnail((PICTURE_SIDE, PICTURE_SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
