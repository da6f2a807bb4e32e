"""What a sweep comes to: its tables, a contact sheet and a plot of the metrics, in its folder."""

from pathlib import Path
from statistics import fmean, stdev

from rich.console import Console

from pochoir.experiments.comparison import print_table
from pochoir.experiments.records import SWEEP, Run, knobs, read_sweep
from pochoir.experiments.sweep_figures import headlines, metrics_figure, sweep_sheet, write_figure
from pochoir.files import csv_text, read_json, write_bytes


def summarize(folder: Path) -> int:
    """Write the tables, contact_sheet.png and metrics.png of a sweep, print the table, return how many jobs failed.

    Jobs that were broken off count as failed.
    """
    runs, swept = write_table(folder)
    written = ["summary.csv", "summary_by_knob.csv"] if repeats(runs, swept) else ["summary.csv"]
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
    """Write summary.csv of a sweep as far as it is, and summary_by_knob.csv where jobs differ by more than knobs.

    Returns its runs and the keys that it varies.
    """
    runs, swept = read_sweep(folder), read_json(folder / SWEEP)["swept"]
    write_bytes(folder / "summary.csv", summary_csv(runs, swept).encode())
    if repeats(runs, swept):
        write_bytes(folder / "summary_by_knob.csv", by_knob_csv(runs, swept).encode())
    return runs, swept


def repeats(runs: list[Run], swept: list[str]) -> bool:
    """Whether there is a knob that was tried with one value on several pictures or seeds."""
    return bool(knobs(swept)) and len(_by_knob(runs, knobs(swept))) < len(runs)


def by_knob_csv(runs: list[Run], swept: list[str]) -> str:
    """One line for each value of the knobs, the swept keys that are no pictures or seeds: how many jobs it had, how
    many of them finished, and of each headline metric the mean and the sample standard deviation over these.
    """
    keys, metrics = knobs(swept), headlines(runs)
    titles = [f"{metric} {what}" for metric in metrics for what in ("mean", "deviation")]
    rows = []
    for values, jobs in _by_knob(runs, keys).items():
        finished = [job for job in jobs if job.status == "finished"]
        measured = ([job.metrics[metric] for job in finished if metric in job.metrics] for metric in metrics)
        rows.append([*values, len(jobs), len(finished), *(number for each in measured for number in _moments(each))])
    return csv_text([[*keys, "jobs", "finished", *titles], *rows])


def _by_knob(runs: list[Run], keys: list[str]) -> dict[tuple[str, ...], list[Run]]:
    groups: dict[tuple[str, ...], list[Run]] = {}
    for run in runs:
        groups.setdefault(tuple(run.swept.get(key, "") for key in keys), []).append(run)
    return groups


def _moments(values: list[float]) -> tuple[float | str, float | str]:
    return fmean(values) if values else "", stdev(values) if len(values) > 1 else ""


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
