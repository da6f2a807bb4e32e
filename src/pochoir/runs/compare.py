"""Runs side by side: which ones, in the terminal, on a page."""

from glob import glob
from pathlib import Path

from rich.console import Console

from pochoir.errors import DataError
from pochoir.experiments.comparison import comparison_page, comparison_table
from pochoir.experiments.records import SWEEP, Run, read_run, read_sweep
from pochoir.files import write_bytes

MARKS = ("metrics.json", ".hydra")
"""What a run leaves in its folder, one or the other at least."""


def compare(patterns: list[str], page: Path) -> list[Run]:
    """Print a table of the runs that the patterns name and write an HTML page of them; returns them.

    Raises `DataError` where a pattern names nothing, or a folder that holds no run.
    """
    runs = find_runs(patterns)
    console = Console(highlight=False, soft_wrap=True)
    console.print(comparison_table(runs))
    write_bytes(page, comparison_page(runs).encode())
    console.print(f"With pictures: {page}")
    return runs


def find_runs(patterns: list[str]) -> list[Run]:
    """The runs that folders, or patterns of folders, name; a sweep stands for its jobs. Each once, in order."""
    folders: dict[Path, None] = {}
    for pattern in patterns:
        named = glob(str(Path(pattern).expanduser()))  # noqa: PTH207 (the pattern may be absolute)
        found = [Path(path) for path in sorted(named) if Path(path).is_dir()]
        if not found:
            raise DataError(f"{pattern}: no such folder")
        for folder in found:
            jobs = [run.folder for run in read_sweep(folder)] if (folder / SWEEP).is_file() else [folder]
            folders.update(dict.fromkeys(jobs))
    several = len({folder.name for folder in folders}) < len(folders)
    empty = [str(folder) for folder in folders if not any((folder / mark).exists() for mark in MARKS)]
    if empty:
        raise DataError(f"{', '.join(empty)}: no run has been there (neither {' nor '.join(MARKS)})")
    return [read_run(folder, f"{folder.parent.name}/{folder.name}" if several else None) for folder in folders]
