"""A run's folder, read back: what was asked, how it ended, what it measured, what it looks like."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import yaml

from pochoir.errors import bullets
from pochoir.files import read_json

STATUS = "status.json"
SWEEP = "sweep.json"
PICTURES = (
    *("figure.png", "result.*", "panel.png", "sheet.png", "predictions/sheet.png", "predictions/worst.png"),
    *("predictions/measures.png", "samples.png", "progress.gif"),
)
"""What a run may have drawn, the most telling first."""
RESULTS = ("result.*", "sheet.png", "predictions/sheet.png", "overlays/*.png", "samples.png")
"""The same, what came out first."""
UNMEASURED = ("size", "versions", "split", "seed", "history", "notes")
"""Parts of metrics.json that are no measurements."""
LABEL_LETTERS = 120


@dataclass(frozen=True)
class Run:
    """One run. status: finished, failed or unfinished. metrics: flat, `best/mask_ap`. settings: flat, `recipe.lr`.

    swept: in a sweep, the keys it varies with this run's values, as they stand on the command line.
    """

    name: str
    folder: Path
    status: str
    error: str = ""
    objective: float | None = None
    seconds: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    swept: Mapping[str, str] = field(default_factory=dict)
    picture: Path | None = None


def read_run(folder: Path, name: str | None = None) -> Run:
    """Read the folder of a run of any script, finished or not."""
    metrics = metrics_of(folder)
    known = read_json(folder / STATUS) or {"status": "finished" if metrics else "unfinished"}
    status = known["status"] if known["status"] in ("finished", "failed") else "unfinished"
    return Run(
        name=name or folder.name,
        folder=folder,
        status=status,
        error=known.get("error", ""),
        objective=known.get("objective") if status == "finished" else None,
        seconds=known.get("seconds", metrics.get("seconds")),
        metrics=metrics,
        settings=flat(_read_yaml(folder / ".hydra" / "config.yaml") or {}, "."),
        swept=swept_values(folder),
        picture=next(iter(pictures_of(folder, RESULTS)), None),
    )


def read_sweep(folder: Path) -> list[Run]:
    """The runs of a sweep, ordered by the numbers in their names, which are no more than that by default."""
    jobs = [path for path in folder.iterdir() if (path / ".hydra").is_dir()]
    return [read_run(path) for path in sorted(jobs, key=_by_numbers)]


def _by_numbers(path: Path) -> list[str | int]:
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", path.name)]


def metrics_of(folder: Path) -> dict[str, float]:
    """The numbers of a run's metrics.json; of a run of several pictures, their means."""
    own = read_json(folder / "metrics.json")
    found = [own] if own is not None else [read_json(path) for path in sorted(folder.glob("*/metrics.json"))]
    tables = [_numbers(metrics) for metrics in found]
    names = dict.fromkeys(name for table in tables for name in table)
    return {name: fmean(table[name] for table in tables if name in table) for name in names}


def pictures_of(folder: Path, patterns: Iterable[str] = PICTURES) -> list[Path]:
    """The pictures that a run has left, in the order of `patterns`."""
    return [path for pattern in patterns for path in sorted(folder.glob(pattern))]


def overrides_of(folder: Path) -> dict[str, str]:
    """What the command line of a run has set: key to value, as text."""
    given = [text.lstrip("+~") for text in _read_yaml(folder / ".hydra" / "overrides.yaml") or []]
    return dict(text.partition("=")[::2] for text in given)


def swept_values(folder: Path) -> dict[str, str]:
    """The keys that the sweep around a run varies, with the run's values; empty for a run of its own."""
    sweep = read_json(folder.parent / SWEEP)
    if sweep is None:
        return {}
    given = overrides_of(folder)
    return {key: given[key] for key in sweep["swept"] if key in given}


def swept_settings(folder: Path) -> dict[str, bool | int | float | str]:
    """The same, typed: what tells the runs of a sweep apart in TensorBoard."""
    return {key: typed(value) for key, value in swept_values(folder).items()}


def run_label(swept: Mapping[str, str]) -> str:
    """`style_weight=10 style_layers=relu1_1,relu2_1`: short keys, nothing that a file's name cannot hold."""
    names = short_names(swept)
    label = " ".join(f"{names[key]}={value.strip('[]')}" for key, value in swept.items())
    return label.replace("/", "_")[:LABEL_LETTERS]


def typed(value: str) -> bool | int | float | str:
    """A value of the command line as TensorBoard can sort it: a number where it is one, lists joined."""
    read = yaml.safe_load(value)
    if isinstance(read, list):
        return " ".join(str(item) for item in read)
    if isinstance(read, str):  # YAML 1.1 takes 1e-3 for a word
        try:
            return float(read)
        except ValueError:
            return read
    return read if isinstance(read, bool | int | float) else value


def short_names(keys: Iterable[str]) -> dict[str, str]:
    """Keys by the last part of their names, where that tells them apart."""
    keys = list(keys)
    short = [key.rpartition(".")[2] for key in keys]
    return dict(zip(keys, short if len(set(short)) == len(short) else keys, strict=True))


def differences(there: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What settings in a folder have otherwise than those of now, a line each; empty where they are the same."""
    names = [name for name in {**there, **now} if there.get(name) != now.get(name)]
    return bullets(f"{name}: {there.get(name)} there, now {now.get(name)}" for name in names)


def flat(nested: Mapping[str, Any], separator: str, prefix: str = "") -> dict[str, Any]:
    """A mapping of mappings as one, names joined."""
    result: dict[str, Any] = {}
    for name, value in nested.items():
        if isinstance(value, Mapping):
            result.update(flat(value, separator, f"{prefix}{name}{separator}"))
        else:
            result[f"{prefix}{name}"] = value
    return result


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    measured = {name: value for name, value in metrics.items() if name not in UNMEASURED}
    found = flat(measured, "/").items()
    return {name: float(value) for name, value in found if isinstance(value, int | float) and value is not True}


def _read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text()) if path.is_file() else None
