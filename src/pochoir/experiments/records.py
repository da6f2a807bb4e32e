"""A run's folder, read back: what was asked, how it ended, what it measured, what it looks like."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import QuotedString

from pochoir.errors import ConfigError, bullets
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
TRIED_ON = ("content", "style", "styles", "background_style", "input", "seed")
"""Swept keys that say what the others, the knobs, are compared over."""
LABEL_LETTERS = 120


@dataclass(frozen=True)
class Run:
    """One run. status: finished, failed or unfinished. metrics: flat, `best/mask_ap`. settings: flat, `recipe.lr`.

    swept: in a sweep, the keys it varies with this run's values, as text.
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
    """The runs of a sweep, wherever in its folder they are and called by that place, ordered by the numbers in it."""
    names = {job.relative_to(folder).as_posix(): job for job in _jobs_in(folder)}
    return [read_run(names[name], name) for name in sorted(names, key=_by_numbers)]


def _jobs_in(folder: Path) -> Iterator[Path]:
    """A job's name may hold slashes, as that of `hydra.sweep.subdir=${hydra.job.override_dirname}` does."""
    for place, folders, _ in os.walk(folder):
        if ".hydra" in folders:
            yield Path(place)
            folders.clear()  # what lies in a job is its own
        folders[:] = [name for name in folders if not name.startswith(".")]


def _by_numbers(name: str) -> list[str | int]:
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def sweep_around(folder: Path) -> Path | None:
    """The folder of the sweep that a run is a job of; None for a run of its own."""
    return next((above for above in folder.absolute().parents if (above / SWEEP).is_file()), None)


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
    """What the command line of a run has set: key to value, as text, without Hydra's quotes and escapes."""
    given = [text.lstrip("+~") for text in _read_yaml(folder / ".hydra" / "overrides.yaml") or []]
    return {key: _unquoted(value) for key, _, value in (text.partition("=") for text in given)}


def _unquoted(value: str) -> str:
    """A text as it was meant; what is none, such as a list, stays as it stands."""
    read = OverridesParser.create().parse_rule(value, "value") if value else value
    text = read.text if isinstance(read, QuotedString) else read
    return text.replace("\\${", "${") if isinstance(text, str) else value


def swept_values(folder: Path) -> dict[str, str]:
    """The keys that the sweep around a run varies, with the run's values; empty for a run of its own."""
    around, given = sweep_around(folder), overrides_of(folder)
    if around is None or not given:
        return {}
    return {key: given[key] for key in read_json(around / SWEEP)["swept"] if key in given}


def swept_settings(folder: Path) -> dict[str, bool | int | float | str]:
    """The same, typed: what tells the runs of a sweep apart in TensorBoard."""
    return {key: typed(value) for key, value in swept_values(folder).items()}


def knobs(swept: Iterable[str]) -> list[str]:
    """The swept keys that are compared, over pictures and seeds where these are swept, too."""
    return [key for key in swept if key not in TRIED_ON]


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


def holds_same(folder: Path, decisive: Mapping[str, Any], what: str) -> bool:
    """Whether a folder holds, begun or finished, what these settings decide, as its settings.json tells.

    Raises `ConfigError` where it holds another one; what: that is, "picture".
    """
    earlier = read_json(folder / "settings.json")
    if earlier is not None and (changed := differences(earlier, decisive)):
        raise ConfigError(f"{folder} holds a {what} of other settings; choose another folder:{changed}")
    return earlier is not None


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
