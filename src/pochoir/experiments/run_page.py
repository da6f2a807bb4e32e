"""run.md: a run on one page, for people and for pages that render Markdown."""

import html
import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hydra import compose
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from pochoir.experiments.records import flat, metrics_of, pictures_of
from pochoir.experiments.versions import versions
from pochoir.files import read_json, write_bytes

SHOWN_PICTURES = 4
HIDDEN_LETTERS = 4
"""Shorter values of the environment are no secrets, and would be found in the middle of words."""

MARKUP = re.compile(r"[\\`*~|]|(?<![^\W_])_|_(?![^\W_])|(?<=\])(?=[(\[])")
"""What Markdown takes for more than itself; underscores within words it does not, nor brackets that nothing follows."""


def write_run_page(folder: Path, config: Any, *, error: str = "") -> None:
    """Write run.md of the Hydra run that goes on: command, outcome, pictures, changed settings, versions.

    config: the composed config as plain dictionaries and lists, interpolations unresolved. What it takes from the
    environment stands as the interpolation wherever it appears. Pictures are linked relative to the page.
    """
    hydra = HydraConfig.get()
    command = f"pochoir {hydra.job.name} {shlex.join(hydra.overrides.task)}".rstrip()
    defaults = OmegaConf.to_container(compose(hydra.job.config_name))
    hidden = environment_values([config, *hydra.overrides.task, *hydra.overrides.hydra])
    page = run_page(folder, command, changed(config, defaults), error, hidden)
    write_bytes(folder / "run.md", page.encode())


def run_page(
    folder: Path, command: str, settings: Mapping[str, Any], error: str = "", hidden: Mapping[str, str] | None = None
) -> str:
    """The text of the page; settings: what differs from the defaults. hidden: values, and what stands for them."""
    metrics = read_json(folder / "metrics.json") or {}
    pictures = pictures_of(folder)[:SHOWN_PICTURES]

    def text(value: Any) -> str:
        return _escaped(without(f"{value:.5g}" if isinstance(value, float) else str(value), hidden or {}))

    def table(title: str, rows: Mapping[str, Any]) -> str:
        lines = [f"| {text(name)} | {text(value)} |".replace("\n", " ") for name, value in rows.items()]
        return "\n".join([f"## {title}", "", "| | |", "|---|---|", *lines]) if rows else ""

    notes = "\n".join(f"- {text(note)}" for note in metrics.get("notes", []))
    parts = [
        f"# {text(folder.name)}",
        _fenced(without(command, hidden or {})),
        f"**Not finished.** {text(error)}" if error else "",
        "\n\n".join(f"![{text(path.stem)}]({quote(path.relative_to(folder).as_posix())})" for path in pictures),
        table("Metrics", metrics_of(folder)),
        f"## Notes\n{notes}" if notes else "",
        table("Settings that differ from the defaults", settings),
        table("Versions", metrics.get("versions") or versions()),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def changed(config: Any, defaults: Any) -> dict[str, Any]:
    """Settings by their flat names that the defaults do not have, or have otherwise."""
    before = flat(defaults, ".")
    return {name: value for name, value in flat(config, ".").items() if name not in before or before[name] != value}


def environment_values(unresolved: Any) -> dict[str, str]:
    """What a config takes from the environment: value to interpolation, `${oc.env:HOME}`, the longest value first."""
    names = re.findall(r"\$\{oc\.env:\s*(\w+)", str(unresolved))
    values = {
        os.environ[name]: f"${{oc.env:{name}}}" for name in names if len(os.environ.get(name, "")) >= HIDDEN_LETTERS
    }
    return dict(sorted(values.items(), key=lambda item: -len(item[0])))


def without(text: str, hidden: Mapping[str, str]) -> str:
    """A text in which others stand for hidden values."""
    for value, shown in hidden.items():
        text = text.replace(value, shown)
    return text


def _escaped(text: str) -> str:
    """Markdown that shows the text itself: no HTML, no code, emphasis, links or cells of a table."""
    return re.sub(MARKUP, r"\\\g<0>", html.escape(text, quote=False))


def _fenced(command: str) -> str:
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", command)), default=0))
    return f"{fence}sh\n{command}\n{fence}"
