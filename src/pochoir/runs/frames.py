"""What is told of the frames of a film: what decides them, a row each, and what rows say together."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from pochoir.config import FilmConfig
from pochoir.files import csv_text
from pochoir.film.filming import Shot
from pochoir.runs.events import all_settings

INDIFFERENT = ("trainer.", "logger", "part", "milestones", "memory")
"""Settings, or groups of them, that do not decide what is painted."""

NOBODY = "no object was found in any frame, so nothing is painted; a lower find.score_threshold finds more"


def decisive_settings(config: FilmConfig) -> dict[str, Any]:
    """Those that decide what is painted."""
    return {name: value for name, value in all_settings(config).items() if not name.startswith(INDIFFERENT)}


def row_of(shot: Shot) -> dict[str, Any]:
    """What is told of a frame."""
    errors = {name: total / pixels if pixels else None for name, (total, pixels) in shot.errors.items()}
    return {
        "frame": shot.frame.number,
        "time": float(shot.frame.time),
        "objects": list(shot.objects),
        "area": float(shot.alpha.mean()),
        "e_warp_film": errors.get("film"),
        "e_warp_paint": errors.get("paint"),
        **{f"seconds_{name}": round(seconds, 4) for name, seconds in shot.seconds.items()},
    }


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """As CSV."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[_cell(row.get(name)) for name in names] for row in rows]
    return csv_text([names, *cells])


def measures(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of metrics.json: what rows say together. Seconds are means by part of the work."""
    names = [name for name in rows[-1] if name.startswith("seconds_")]
    e_warp = {name: _mean(rows, f"e_warp_{name}") for name in ("film", "paint")}
    ratio = e_warp["paint"] / e_warp["film"] if e_warp["film"] and e_warp["paint"] is not None else None
    return {
        "frames": len(rows),
        "seconds_per_frame": {name.removeprefix("seconds_"): round(_mean(rows, name) or 0, 4) for name in names},
        "e_warp": {**e_warp, "ratio": ratio},
        "objects": _objects(rows),
        "area": _mean(rows, "area"),
        "notes": [] if any(row["objects"] for row in rows) else [NOBODY],
    }


def _objects(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Of each number in which frames it was painted first and last, and in how many."""
    seen: dict[int, list[int]] = {}
    for row in rows:
        for number in row["objects"]:
            seen.setdefault(number, []).append(row["frame"])
    return {str(number): {"first": of[0], "last": of[-1], "frames": len(of)} for number, of in sorted(seen.items())}


def _mean(rows: Sequence[Mapping[str, Any]], name: str) -> float | None:
    """Of the frames that have it; None: none has."""
    values = [row[name] for row in rows if row[name] is not None]
    return fmean(values) if values else None


def _cell(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, list) else "" if value is None else value
