"""Painting runs from their typed config: every content in every style, resumable, with a contact sheet."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pochoir.composition.keeping import keep_map
from pochoir.config import StylizeConfig
from pochoir.errors import PochoirError, SomeInputsFailedError, number_of
from pochoir.images import Picture, Pixels, pictures_at, read_picture, read_rgb, write_image
from pochoir.images.overlays import beside
from pochoir.inspection.painting import contact_sheet
from pochoir.runs.interruption import told_how_to_continue
from pochoir.runs.painting import paint_in
from pochoir.stylization.guides import read_guides
from pochoir.stylization.job import Job
from pochoir.stylization.painting import Painting

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pair:
    """A content to be painted in one style, or in several blended ones; `folder` is where it goes.

    labels: files of the styles' labels, as many or none.
    """

    name: str
    content: Path
    styles: tuple[Path, ...]
    blend: tuple[float, ...]
    folder: Path
    labels: tuple[str, ...] = ()


@dataclass
class PaintingSummary:
    """Results by name of the pair, and what failed."""

    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    @property
    def objective(self) -> float | None:
        """Mean loss of the saved pictures: what a sweep minimises."""
        losses = [result["loss"] for result in self.results.values()]
        return sum(losses) / len(losses) if losses else None


def run(config: StylizeConfig, folder: Path) -> float | None:
    """Paint into `folder` and return the mean loss; raises `SomeInputsFailedError` when some of several failed."""
    summary = stylize(config, folder)
    if summary.failures:
        raise SomeInputsFailedError(f"{number_of('picture', len(summary.failures))} could not be painted")
    return summary.objective


def stylize(config: StylizeConfig, folder: Path) -> PaintingSummary:
    """Paint every content in every style into `folder`: see `paint_in` for what a picture leaves behind.

    Several pictures get a folder each and a contact sheet, `sheet.png`; those that cannot be painted are named at the
    end. Given the folder of an earlier run, finished pictures are kept and a begun one is continued. Raises
    `PochoirError`s with plain messages; for a single picture, that of the picture.
    """
    pairs = list(pairs_of(config, folder))
    summary = PaintingSummary()
    painted: dict[Pair, Painting] = {}
    with told_how_to_continue(folder):
        for number, pair in enumerate(pairs, start=1):
            if len(pairs) > 1:
                log.info("%d/%d %s", number, len(pairs), pair.name)
            try:
                painted[pair], summary.results[pair.name] = paint_in(pair.folder, job_of(config, pair))
            except PochoirError as error:
                if len(pairs) == 1:
                    raise
                summary.failures.append(f"{pair.name}: {error}")
    if len(pairs) > 1:
        if painted:
            write_image(folder / "sheet.png", _sheet(painted))
        log.info("%d of %d pictures painted: %s", len(painted), len(pairs), folder / "sheet.png")
    for failure in summary.failures:
        log.warning("failed: %s", failure)
    return summary


def pairs_of(config: StylizeConfig, folder: Path) -> Iterator[Pair]:
    """Every content with every style, or with all styles blended; raises `DataError` for an empty folder."""
    assert config.content is not None  # as the task's check has it
    contents = pictures_at(Path(config.content).expanduser(), "content")
    given = config.styles or [config.style or ""]
    styles = [path for style in given for path in pictures_at(Path(style).expanduser(), "style")]
    labels = tuple(config.guides.style or ())
    if config.blend is not None:
        whole = sum(config.blend)
        choices = [(tuple(styles), tuple(weight / whole for weight in config.blend), labels)]
    else:
        choices = [((style,), (1.0,), labels[number : number + 1]) for number, style in enumerate(styles)]
    alone = len(contents) * len(choices) == 1
    taken: set[str] = set()
    for content in contents:
        for chosen, blend, of_styles in choices:
            name = f"{content.stem}__{'_'.join(style.stem for style in chosen)}"
            if name in taken:  # a.jpg and a.png, or equal names in two folders
                name = f"{name}_{len(taken)}"
            taken.add(name)
            yield Pair(name, content, chosen, blend, folder if alone else folder / name, of_styles)


def job_of(config: StylizeConfig, pair: Pair) -> Job:
    """The pair's files, read; raises `DataError` where one cannot be."""
    files = {"content": str(pair.content), "style": None, "styles": list(map(str, pair.styles))}
    guides = config.guides.model_copy(update={"style": list(pair.labels) or None})
    own = config.model_copy(update={**files, "guides": guides})
    content, styles = read_picture(pair.content), [read_picture(path) for path in pair.styles]
    keep, labels = keep_map(own.keep, content.size), read_guides(own.guides, content, styles)
    return Job(pair.name, content, styles, own, pair.blend, keep=keep, labels=labels)


def _sheet(painted: dict[Pair, Painting]) -> Pixels:
    """What was painted, contents by styles; what nothing was made of has no row or column."""
    places = {(pair.content, pair.styles): _on_white(painting) for pair, painting in painted.items()}
    contents, styles = (list(dict.fromkeys(part)) for part in zip(*places, strict=True))
    results = [[places.get((content, style)) for style in styles] for content in contents]
    headings = [beside([read_rgb(path) for path in paths]) for paths in styles]
    return contact_sheet([read_rgb(content) for content in contents], headings, results)


def _on_white(painting: Painting) -> Pixels:
    return Picture(painting.pixels, painting.alpha).on_white
