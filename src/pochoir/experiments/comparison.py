"""Runs side by side: a table for the terminal, and one HTML page that needs no other file."""

import base64
import io
import json
from importlib.resources import files
from typing import Any

from jinja2 import Environment
from PIL import Image
from rich.markup import escape
from rich.table import Table

from pochoir.experiments.records import Run, short_names
from pochoir.experiments.sweep_figures import headlines
from pochoir.images import read_rgb

PICTURE_SIDE = 640
JPEG_QUALITY = 85
DISTINCT_SETTINGS = 12
"""A terminal is not wide enough for more."""


def differing_settings(runs: list[Run]) -> list[str]:
    """The settings that are not the same in all runs, in the order of their configs."""
    names = dict.fromkeys(name for run in runs for name in run.settings)
    return [name for name in names if len({_text(run.settings.get(name)) for run in runs}) > 1]


def comparison_table(runs: list[Run]) -> Table:
    """What the runs were told differently, and the metrics that tell most."""
    settings, metrics = differing_settings(runs)[:DISTINCT_SETTINGS], headlines(runs)
    table = Table()
    for title in ("run", *short_names(settings).values()):
        table.add_column(title, overflow="fold")
    for title in ("status", *metrics):
        table.add_column(title, justify="right")
    for run in runs:
        told = [escape(_text(run.settings.get(name))) for name in settings]
        measured = [f"{run.metrics[name]:.4g}" if name in run.metrics else "" for name in metrics]
        table.add_row(run.name, *told, run.status, *measured)
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
            "settings": [_text(run.settings.get(name)) for name in settings],
            "metrics": [run.metrics.get(name) for name in metrics],
            "picture": "" if run.picture is None else _embedded(run),
        }
        for run in runs
    ]
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(rows=rows, settings=settings, metrics=metrics)


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
