"""A sweep at a glance: its pictures on one sheet, its metrics over what was swept."""

from io import BytesIO
from pathlib import Path
from textwrap import fill
from typing import Any

from matplotlib.figure import Figure

from pochoir.assets import PREFIX
from pochoir.experiments.records import TRIED_ON, Run, knobs, short_names, typed
from pochoir.files import write_bytes
from pochoir.images import read_rgb
from pochoir.images.overlays import fit_height

HEADLINES = (
    *("loss", "style_error", "content_error", "best/loss", "best/style_error", "best/content_error"),
    *("best/mask_ap", "best/box_ap", "mask_ap", "box_ap", "seconds"),
)
"""Metrics that tell most about a run, of whatever script."""
CELL_HEIGHT = 2.6
"""Inches, at 100 dots; pictures are as wide as they are."""
CELL_WIDTHS = 2.0, 5.0
"""Inches: narrower ones have no room for labels, wider ones none beside each other."""
LABEL_LETTERS = 34
LOGARITHMIC_FROM = 10
"""Largest value over smallest from which on an axis is logarithmic."""


def headlines(runs: list[Run]) -> list[str]:
    """Those of `HEADLINES` that were measured."""
    return [name for name in HEADLINES if any(name in run.metrics for run in runs)]


def sweep_sheet(runs: list[Run], swept: list[str]) -> Figure:
    """The jobs' pictures, labelled: the last swept key along the top, all others down the side.

    Knobs come after what they are tried on: a row a content, style and seed, where these are swept beside one knob.
    What failed says why. Where a grid would be mostly empty, as after an optimiser, or would hold two jobs in a place,
    the jobs stand in their order, each under its own values.
    """
    swept = [*(key for key in swept if key in TRIED_ON), *knobs(swept)]
    names = short_names(swept)
    rows = _values(runs, swept[:-1], names)
    columns = _values(runs, swept[-1:], names)
    places = {(_label(run, swept[:-1], names), _label(run, swept[-1:], names)): run for run in runs}
    if len(places) < len(runs) or len(rows) * len(columns) > 2 * len(runs):
        return _listed(runs, swept, names)
    figure = _canvas(len(rows), len(columns), runs)
    cells = figure.subplots(len(rows), len(columns), squeeze=False)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            _draw(cells[i, j], places.get((row, column)))
            if i == 0:
                cells[i, j].set_title(_wrapped(column), fontsize=9)
            if j == 0:
                cells[i, j].set_ylabel(_wrapped(row), fontsize=9)
    return figure


def _listed(runs: list[Run], swept: list[str], names: dict[str, str]) -> Figure:
    columns = min(len(runs), max(2, round(len(runs) ** 0.5)))
    rows = -(-len(runs) // columns)
    figure = _canvas(rows, columns, runs)
    cells = figure.subplots(rows, columns, squeeze=False).flat
    for cell, run in zip(cells, [*runs, *[None] * (rows * columns - len(runs))], strict=True):
        _draw(cell, run)
        if run is not None:
            cell.set_title(_wrapped(f"{run.name}: {_label(run, swept, names)}"), fontsize=9)
    return figure


def metrics_figure(runs: list[Run], swept: list[str]) -> Figure:
    """Every headline metric over the knob that is a number (the last of several), one line for each setting of the
    other keys; over words where no knob is one, over pictures or seeds where nothing else is swept.
    """
    names = short_names(swept)
    measured = [run for run in runs if run.metrics]
    compared = knobs(swept) or swept
    numeric = [key for key in compared if all(_is_number(run.swept.get(key, "")) for run in measured)]
    along = (numeric or compared)[-1] if compared else None
    others = [key for key in swept if key != along]
    shown = headlines(runs)
    figure = Figure(figsize=(4.2 * len(shown), 3.6), dpi=100, layout="constrained")
    for axes, metric in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        lines: dict[str, list[tuple[Any, float]]] = {}
        for run in measured:
            if metric in run.metrics:
                x = typed(run.swept.get(along, "")) if along in numeric else run.swept.get(along or "", run.name)
                lines.setdefault(_label(run, others, names), []).append((x, run.metrics[metric]))
        for label, points in lines.items():
            ordered = sorted(points) if along in numeric else points
            axes.plot(*zip(*ordered, strict=True), marker="o", label=label)
        if along in numeric and _spans([typed(run.swept[along]) for run in measured]):
            axes.set_xscale("log")
        axes.set(xlabel=along or "job", title=metric)
        axes.grid(alpha=0.3)
    if others:
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=min(3, len(labels)), fontsize=8)
    return figure


def write_figure(figure: Figure, path: Path) -> None:
    """Save as PNG, whole or not at all."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    write_bytes(path, buffer.getvalue())


def _canvas(rows: int, columns: int, runs: list[Run]) -> Figure:
    pictures = [run.picture for run in runs if run.picture is not None][:1]
    wanted = CELL_HEIGHT * (_aspect(pictures[0]) if pictures else 1.0)
    width = min(max(wanted, CELL_WIDTHS[0]), CELL_WIDTHS[1]) + 0.1
    return Figure(figsize=(columns * width + 0.5, rows * CELL_HEIGHT + 0.4), dpi=100, layout="constrained")


def _aspect(path: Path) -> float:
    height, width = read_rgb(path).shape[:2]
    return width / height


def _draw(cell: Any, run: Run | None) -> None:
    cell.set(xticks=[], yticks=[])
    if run is not None and run.picture is not None:
        cell.imshow(fit_height(read_rgb(run.picture), int(CELL_HEIGHT * 100)), interpolation="antialiased")
    elif run is not None:
        text = fill(f"{run.status}: {run.error}", LABEL_LETTERS, max_lines=6)
        cell.text(0.5, 0.5, text, ha="center", va="center", fontsize=8, transform=cell.transAxes)
    for side in cell.spines.values():
        side.set_visible(run is not None and run.picture is None)


def _values(runs: list[Run], keys: list[str], names: dict[str, str]) -> list[str]:
    return list(dict.fromkeys(_label(run, keys, names) for run in runs))


def _label(run: Run, keys: list[str], names: dict[str, str]) -> str:
    return ", ".join(f"{names[key]} = {_shown(run.swept[key])}" for key in keys if key in run.swept)


def _shown(value: str) -> str:
    """A list without brackets, a file by its name alone."""
    name = value.rpartition("/")[2]
    return Path(name).stem if Path(name).suffix[1:].isalpha() else name.removeprefix(PREFIX).strip("[]")


def _wrapped(label: str) -> str:
    return fill(label.replace(",", ", ").replace(",  ", ", "), LABEL_LETTERS)


def _is_number(value: str) -> bool:
    read = typed(value) if value else ""
    return isinstance(read, int | float) and not isinstance(read, bool)


def _spans(values: list[Any]) -> bool:
    return min(values) > 0 and max(values) / min(values) >= LOGARITHMIC_FROM
