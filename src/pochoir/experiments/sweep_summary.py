"""What a sweep comes to: a table, a contact sheet and a plot of the metrics, in its folder."""

from pathlib import Path

from rich.console import Console

from pochoir.experiments.comparison import print_table
from pochoir.experiments.records import SWEEP, Run, read_sweep
from pochoir.experiments.sweep_figures import headlines, metrics_figure, sweep_sheet, write_figure
from pochoir.files import csv_text, read_json, write_bytes


def summarize(folder: Path) -> int:
    """Write summary.csv, contact_sheet.png and metrics.png of a sweep, print the table, return how many jobs failed.

    Jobs that were broken off count as failed.
    """
    runs, swept = write_table(folder)
    written = ["summary.csv"]
    if any(run.picture for run in runs):
        write_figure(sweep_sheet(runs, swept), folder / "contact_sheet.png")
        written.append("contact_sheet.png")
    if any(headlines(runs)):
        write_figure(metrics_figure(runs, swept), folder / "metrics.png")
        written.append("metrics.png")
    console = Console(highlight=False, soft_wrap=True)
    print_table(console, runs, {key: [run.swept.get(key, "") for run in runs] for key in swept})
    failed = [run for run in runs if run.status != "finished"]
    for run in failed:
        console.print(f"{run.status}: job {run.name}: {run.error or 'no result'}", style="red", markup=False)
    console.print(f"{len(runs) - len(failed)} of {len(runs)} jobs finished: {folder} ({', '.join(written)})")
    console.print(f"Look at it: tensorboard --logdir {folder}")
    return len(failed)


def write_table(folder: Path) -> tuple[list[Run], list[str]]:
    """Write summary.csv of a sweep as far as it is; returns its runs and the keys that it varies."""
    runs, swept = read_sweep(folder), read_json(folder / SWEEP)["swept"]
    write_bytes(folder / "summary.csv", summary_csv(runs, swept).encode())
    return runs, swept


def summary_csv(runs: list[Run], swept: list[str]) -> str:
    """One line a job: its number, the swept keys, status, objective, seconds, all metrics, and the error."""
    names = [name for name in dict.fromkeys(name for run in runs for name in run.metrics) if name != "seconds"]
    rows = []
    for run in runs:
        values = [run.swept.get(key, "") for key in swept]
        numbers = ["" if number is None else number for number in (run.objective, run.seconds)]
        measured = [run.metrics.get(name, "") for name in names]
        rows.append([run.name, *values, run.status, *numbers, *measured, run.error])
    return csv_text([["job", *swept, "status", "objective", "seconds", *names, "error"], *rows])
