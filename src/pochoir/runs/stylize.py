"""Painting runs from their typed config: every content in every style, resumable, with a contact sheet."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from pochoir.config import StylizeConfig
from pochoir.errors import PochoirError
from pochoir.images import Pixels, pictures_at, read_rgb, write_image
from pochoir.images.overlays import beside
from pochoir.inspection.painting import contact_sheet
from pochoir.runs.paint import paint
from pochoir.runs.painting_job import Job, result_path
from pochoir.runs.workshop import open_workshop


@dataclass
class PaintingSummary:
    """Results by job name, and what failed."""

    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    @property
    def objective(self) -> float | None:
        """Mean loss of the saved pictures: what a sweep minimises."""
        losses = [result["loss"] for result in self.results.values()]
        return sum(losses) / len(losses) if losses else None


def stylize(config: StylizeConfig, folder: Path) -> PaintingSummary:
    """Paint every content in every style into `folder`: see `paint` for what a picture leaves behind.

    Several pictures get a folder each and a contact sheet, `sheet.png`; those that cannot be painted are named at the
    end. Given the folder of an earlier run, finished pictures are kept and a begun one is continued. Raises
    `PochoirError`s with plain messages; for a single picture, that of the picture.
    """
    console = Console(highlight=False, soft_wrap=True)
    jobs = list(jobs_of(config, folder))
    workshop = open_workshop(config)
    summary = PaintingSummary()
    for number, job in enumerate(jobs, start=1):
        if len(jobs) > 1:
            console.print(f"{number}/{len(jobs)} {job.name}")
        try:
            summary.results[job.name] = paint(config, job, workshop)
        except SystemExit:  # Lightning's answer to Ctrl-C
            console.print(f"Interrupted; continue with hydra.run.dir={folder}")
            raise
        except PochoirError as error:
            if len(jobs) == 1:
                raise
            summary.failures.append(f"{job.name}: {error}")
    if len(jobs) > 1:
        if summary.results:
            write_image(folder / "sheet.png", _sheet(config, [job for job in jobs if job.name in summary.results]))
        console.print(f"{len(summary.results)} of {len(jobs)} pictures painted: {folder / 'sheet.png'}")
    for failure in summary.failures:
        console.print(f"failed: {failure}", style="red")
    return summary


def jobs_of(config: StylizeConfig, folder: Path) -> Iterator[Job]:
    """Every content with every style, or with all styles blended; raises `DataError` for an empty folder."""
    contents = pictures_at(Path(config.content).expanduser(), "content")
    given = config.styles or [config.style or ""]
    styles = [path for style in given for path in pictures_at(Path(style).expanduser(), "style")]
    if config.blend is not None:
        whole = sum(config.blend)
        choices = [(tuple(styles), tuple(weight / whole for weight in config.blend))]
    else:
        choices = [((style,), (1.0,)) for style in styles]
    alone = len(contents) * len(choices) == 1
    taken: set[str] = set()
    for content in contents:
        for chosen, blend in choices:
            name = f"{content.stem}__{'_'.join(style.stem for style in chosen)}"
            if name in taken:  # a.jpg and a.png, or equal names in two folders
                name = f"{name}_{len(taken)}"
            taken.add(name)
            yield Job(name, content, chosen, blend, folder if alone else folder / name)


def _sheet(config: StylizeConfig, jobs: list[Job]) -> Pixels:
    """What was painted, contents by styles; what nothing was made of has no row or column."""
    painted = {(job.content, job.styles): read_rgb(result_path(config, job)) for job in jobs}
    contents, styles = (list(dict.fromkeys(part)) for part in zip(*painted, strict=True))
    results = [[painted.get((content, style)) for style in styles] for content in contents]
    headings = [beside([read_rgb(path) for path in paths]) for paths in styles]
    return contact_sheet([read_rgb(content) for content in contents], headings, results)
