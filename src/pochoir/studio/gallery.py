"""Runs and sweeps under the outputs folder, and several of them side by side."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pochoir.errors import DataError
from pochoir.experiments.comparison import comparison_page, find_runs
from pochoir.experiments.records import SWEEP, Run, pictures_of, read_run, read_sweep
from pochoir.experiments.sweep_figures import headlines
from pochoir.studio.training import weights_of
from pochoir.studio.wishes import style_name

MOST = 200
"""Runs that are listed, the latest first."""
SHEETS = (
    "sheet.png",
    "contact_sheet.png",
    "sweep.png",
    "result.*",
    "figure.png",
    "predictions/sheet.png",
    "samples.png",
)
OF_SWEEP = ("contact_sheet.png", "metrics.png")


@dataclass(frozen=True)
class Entry:
    """A run, or a sweep with its jobs. picture: what tells most of it."""

    folder: Path
    name: str
    runs: tuple[Run, ...]
    is_sweep: bool
    picture: Path | None
    changed: float

    @property
    def status(self) -> str:
        """Of a sweep how many of its jobs are finished."""
        if not self.is_sweep:
            is_check = (self.folder / "data.json").is_file() and not self.runs[0].metrics
            return "check of the data" if is_check else self.runs[0].status
        return f"{sum(run.status == 'finished' for run in self.runs)} of {len(self.runs)} finished"

    def measures(self) -> list[tuple[str, float]]:
        """What tells most, by name; of a sweep nothing, as its jobs differ."""
        if self.is_sweep or not self.runs:
            return []
        run = self.runs[0]
        return [(name, run.metrics[name]) for name in headlines([run])]

    @property
    def pictures(self) -> list[Path]:
        """What it has drawn; of a sweep what shows all its jobs."""
        return pictures_of(self.folder, OF_SWEEP) if self.is_sweep else pictures_of(self.folder)

    @property
    def segmenter(self) -> Path | None:
        """The weights of a training that people are found by."""
        return None if self.is_sweep or not (self.folder / "train_seg.log").is_file() else weights_of(self.folder)

    @property
    def painted(self) -> str:
        """What was painted in which styles, as its settings say; empty for what paints nothing, and for sweeps."""
        settings = {} if self.is_sweep else self.runs[0].settings
        content, styles = settings.get("content"), settings.get("styles") or settings.get("style")
        if not isinstance(content, str) or not styles:
            return ""
        named = [*(styles if isinstance(styles, list) else [styles]), settings.get("background_style")]
        return f"{style_name(content)} in {', '.join(style_name(str(style)) for style in named if style)}"

    def table(self) -> list[dict[str, str]]:
        """A row for each measure; of a sweep one for each job, with what was swept and what tells most."""
        if not self.is_sweep:
            metrics = self.runs[0].metrics
            return [{"measure": name, "value": f"{value:.5g}"} for name, value in metrics.items()]
        names = headlines(list(self.runs))
        return [
            {"job": run.name, **run.swept, "status": run.status}
            | {name: f"{run.metrics[name]:.5g}" if name in run.metrics else "" for name in names}
            for run in self.runs
        ]


def entries(outputs: Path) -> list[Entry]:
    """All runs and sweeps in a folder, wherever in it they are, the latest first; hidden folders are left out."""
    folders: list[Path] = []
    for place, below, _ in os.walk(outputs):
        here = Path(place)
        if (here / SWEEP).is_file() or ((here / ".hydra").is_dir() and here != outputs):
            if not (here / "studio.log").is_file():  # a session of this page
                folders.append(here)
            below.clear()
        below[:] = [name for name in below if not name.startswith(".")]
    folders.sort(key=lambda folder: -folder.stat().st_mtime)
    return [entry_of(folder, outputs) for folder in folders[:MOST]]


def entry_of(folder: Path, outputs: Path) -> Entry:
    """A folder as it is listed."""
    name = folder.relative_to(outputs).as_posix()
    is_sweep = (folder / SWEEP).is_file()
    runs = read_sweep(folder) if is_sweep else [read_run(folder, name)]
    picture = next(iter(pictures_of(folder, SHEETS)), None) or next((run.picture for run in runs if run.picture), None)
    return Entry(folder, name, tuple(runs), is_sweep, picture, folder.stat().st_mtime)


def comparison(folders: Sequence[Path]) -> str:
    """The page that `pochoir compare` writes of them; raises `DataError` where there is nothing to compare."""
    if not folders:
        raise DataError("Choose at least one run to compare.")
    return comparison_page(find_runs([str(folder) for folder in folders]))
