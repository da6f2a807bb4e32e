"""run.md: a run on one page, for people and for pages that render Markdown."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra import compose
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from pochoir.experiments.records import flat, metrics_of, pictures_of
from pochoir.experiments.versions import versions
from pochoir.files import read_json, write_bytes

SHOWN_PICTURES = 4


def write_run_page(folder: Path, config: Any, *, error: str = "") -> None:
    """Write run.md of the Hydra run that goes on: command, outcome, pictures, changed settings, versions.

    config: the composed config as plain dictionaries and lists. Pictures are linked relative to the page.
    """
    hydra = HydraConfig.get()
    command = f"python scripts/{hydra.job.name}.py {shlex.join(hydra.overrides.task)}".rstrip()
    defaults = OmegaConf.to_container(compose(hydra.job.config_name))
    write_bytes(folder / "run.md", run_page(folder, command, changed(config, defaults), error).encode())


def run_page(folder: Path, command: str, settings: Mapping[str, Any], error: str = "") -> str:
    """The text of the page; settings: what differs from the defaults."""
    metrics = read_json(folder / "metrics.json") or {}
    pictures = pictures_of(folder)[:SHOWN_PICTURES]
    parts = [
        f"# {folder.name}",
        f"```sh\n{command}\n```",
        f"**Failed.** {error}" if error else "",
        "\n\n".join(f"![{path.stem}]({path.relative_to(folder).as_posix()})" for path in pictures),
        _table("Metrics", metrics_of(folder)),
        "\n".join(["## Notes", *(f"- {note}" for note in metrics.get("notes", []))]) if metrics.get("notes") else "",
        _table("Settings that differ from the defaults", settings),
        _table("Versions", metrics.get("versions") or versions()),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def changed(config: Any, defaults: Any) -> dict[str, Any]:
    """Settings by their flat names that the defaults do not have, or have otherwise."""
    before = flat(defaults, ".")
    return {name: value for name, value in flat(config, ".").items() if name not in before or before[name] != value}


def _table(title: str, rows: Mapping[str, Any]) -> str:
    if not rows:
        return ""
    lines = [f"| {name} | {_cell(value)} |" for name, value in rows.items()]
    return "\n".join([f"## {title}", "", "| | |", "|---|---|", *lines])


def _cell(value: Any) -> str:
    text = f"{value:.5g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")
