"""Settings from overrides, in any thread: Hydra composes for the whole process, so one at a time."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from pochoir.config import Request
from pochoir.files import write_bytes

_composing = threading.Lock()


def settings_of(task: str, overrides: Sequence[str], *, in_python: bool = False) -> Any:
    """The typed settings of a command; in_python: what it works on may be missing. Raises `ConfigError`."""
    with _composing:
        return Request(task, list(overrides)).check(in_python=in_python)


def record(folder: Path, config: Any, overrides: Sequence[str]) -> None:
    """Leave what was asked for where the command leaves it, so that the run can be read back.

    config: all settings, in JSON's types.
    """
    asked = {"config": config, "overrides": list(overrides)}
    for name, content in asked.items():
        write_bytes(folder / ".hydra" / f"{name}.yaml", yaml.safe_dump(content, sort_keys=False).encode())


def recorded(folder: Path) -> Any:
    """The config that `record` left."""
    return yaml.safe_load((folder / ".hydra" / "config.yaml").read_text())
