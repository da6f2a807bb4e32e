"""A picture to paint: its files, the settings that decide it, and what an earlier run has made of it."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pochoir.config import PaintConfig
from pochoir.errors import ConfigError
from pochoir.files import read_json

UNCOMPARED = {"milestones", "memory", "trainer.progress_bar", "trainer.log_every_n_steps"}
"""Settings that may differ when a run is continued: the picture does not depend on them."""


@dataclass(frozen=True)
class Job:
    """One picture to paint: its name in the run, its content, the styles blended in it, and where all of it goes.

    region: a grey picture of the content's size, white where paint goes; None paints everything.
    """

    name: str
    content: Path
    styles: tuple[Path, ...]
    blend: tuple[float, ...]
    folder: Path
    region: Path | None = None


def result_path(config: PaintConfig, job: Job) -> Path:
    """Where a job's picture is saved."""
    return job.folder / f"result{config.suffix}"


def settings_of(config: PaintConfig, job: Job) -> dict[str, Any]:
    """What decides the picture, flat and in JSON's types; kept beside it and in its metadata."""
    flat: dict[str, Any] = {}
    for name, value in asdict(config).items():
        group = {f"{name}.{key}": item for key, item in value.items()} if isinstance(value, dict) else {name: value}
        flat.update(group)
    flat["content"] = str(job.content)
    flat["styles"] = [str(style) for style in job.styles]
    flat["blend"] = list(job.blend)
    return {name: value for name, value in flat.items() if name not in UNCOMPARED | {"style"}}


def earlier_result(settings: dict[str, Any], job: Job) -> dict[str, Any] | None:
    """The metrics of a picture that is finished already; raises `ConfigError` for one of other settings."""
    earlier = read_json(job.folder / "settings.json")
    if earlier is None:
        return None
    names = [name for name in {**earlier, **settings} if earlier.get(name) != settings.get(name)]
    if names:
        differences = "\n".join(f"  - {name}: {earlier.get(name)} there, now {settings.get(name)}" for name in names)
        raise ConfigError(f"{job.folder} holds a picture of other settings; choose another folder:\n{differences}")
    return read_json(job.folder / "metrics.json")
