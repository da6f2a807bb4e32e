"""What prints take: each painted by a `pochoir stylize` of its own, its peak of memory beside what was planned.

    python bench/print.py --content photo.jpg --style painting.jpg --size 3000 6000 --memory 8 --set recipe=quick

The peak is that of the whole process, as the system counts it (Linux). Writes a run a
size and print.json into outputs/bench/print/.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.table import Table

from console import console
from pochoir.experiments.versions import versions
from pochoir.files import read_json, write_json
from pochoir.stylization.plan import Plan

COLUMNS = ("size", "tile", "planned_gb", "peak_gb", "seconds", "evaluations", "style_error", "content_error")


def measured(folder: Path, overrides: list[str]) -> dict[str, Any]:
    """Paint into a folder by a process of its own; what it took, and what became of it."""
    started = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "pochoir", "stylize", *overrides, f"hydra.run.dir={folder}"])
    _, status, used = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{folder}: the painting failed")
    metrics, plan = read_json(folder / "metrics.json"), Plan.from_json(read_json(folder / "plan.json"))
    return {
        **{name: metrics[name] for name in ("tile", "evaluations", "style_error", "content_error", "notes")},
        "size": f"{plan.size[1]}×{plan.size[0]}",
        "planned_gb": plan.bytes_needed / 1e9,
        "peak_gb": used.ru_maxrss * 1024 / 1e9,
        "seconds": time.perf_counter() - started,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--content", type=Path, required=True)
    parser.add_argument("--style", type=Path, required=True)
    parser.add_argument("--size", type=int, nargs="+", default=[1500, 3000, 6000], help="long sides in pixels")
    parser.add_argument("--memory", type=float, default=8.0, help="gigabytes that each may use")
    parser.add_argument("--output", type=Path, default=Path("outputs/bench/print"))
    parser.add_argument("--set", nargs="*", default=[], help="other settings")
    given = parser.parse_args()
    rows = []
    for size in given.size:
        told = [f"content={given.content}", f"style={given.style}", f"size={size}", f"memory={given.memory}"]
        rows.append(measured(given.output.resolve() / str(size), [*told, *given.set]))
        write_json(given.output / "print.json", {"command": sys.argv, "rows": rows, "versions": versions()})
    table = Table(*COLUMNS, title=f"Prints within {given.memory:g} GB")
    for row in rows:
        table.add_row(*(f"{row[name]:.3g}" if isinstance(row[name], float) else str(row[name]) for name in COLUMNS))
    console.print(table)


if __name__ == "__main__":
    main()
