"""Painting runs from their typed config: every content in every style, resumable, with a contact sheet."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pochoir.composition.keeping import keep_map
from pochoir.config import StylizeConfig
from pochoir.images import pictures_at, read_picture
from pochoir.runs.painting import Watch, paint_in, unwatched
from pochoir.runs.pairs import PaintingSummary, Pair, paint_pairs, pairs_of
from pochoir.stylization.guides import read_guides
from pochoir.stylization.job import Job


def run(config: StylizeConfig, folder: Path) -> float | None:
    """Paint into `folder` and return the mean loss; raises `SomeInputsFailedError` when some of several failed."""
    return stylize(config, folder).outcome()


def stylize(config: StylizeConfig, folder: Path, watch: Watch = unwatched) -> PaintingSummary:
    """Paint every content in every style into `folder`: see `paint_in` for what a picture leaves behind.

    Several pictures get a folder each, a contact sheet and a table: see `paint_pairs`. Given the folder of an earlier
    run, finished pictures are kept and a begun one is continued. Raises `PochoirError`s with plain messages; for a
    single picture, that of the picture.
    """

    def painted(pair: Pair) -> dict[str, Any]:
        return paint_in(pair.folder, job_of(config, pair), watch)[1]

    return paint_pairs(asked_for(config, folder), folder, painted, config.suffix)


def asked_for(config: StylizeConfig, folder: Path) -> list[Pair]:
    """Every content with every style, or with all styles blended; raises `DataError` for an empty folder."""
    assert config.content is not None  # as the task's check has it
    styles = style_paths(config)
    choices = [(style,) for style in styles] if config.blend is None else [tuple(styles)]
    return pairs_of(pictures_at(Path(config.content).expanduser(), "content"), choices, folder)


def style_paths(config: StylizeConfig) -> list[Path]:
    """All styles, those of a folder one by one; raises `DataError` for an empty folder."""
    given = config.styles or [config.style or ""]
    return [path for style in given for path in pictures_at(Path(style).expanduser(), "style")]


def labels_of(config: StylizeConfig, styles: Sequence[Path]) -> list[str] | None:
    """The label pictures of some of the styles, each of which has one."""
    if config.guides.style is None:
        return None
    labels = dict(zip(style_paths(config), config.guides.style, strict=True))
    return [labels[style] for style in styles]


def job_of(config: StylizeConfig, pair: Pair) -> Job:
    """The pair's files, read; raises `DataError` where one cannot be."""
    files = {"content": str(pair.content), "style": None, "styles": list(map(str, pair.styles))}
    guides = config.guides.model_copy(update={"style": labels_of(config, pair.styles)})
    own = config.model_copy(update={**files, "guides": guides})
    weights = config.blend or [1.0]
    blend = [weight / sum(weights) for weight in weights]
    content = read_picture(pair.content)
    styles = [read_picture(path) for path in pair.styles if path.exists() or not config.at_once]
    keep, labels = keep_map(own.keep, content.size), read_guides(own.guides, content, styles)
    names = [path.stem for path in pair.styles]
    return Job(pair.name, content, styles, own, blend, names, keep=keep, labels=labels)
