"""Every content in every style: each pair in a folder of its own, a sheet and a table of all, failures at the end."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pochoir.errors import PochoirError, SomeInputsFailedError, StorageError, number_of
from pochoir.files import csv_text, write_bytes
from pochoir.images import Pixels, read_rgb, write_image
from pochoir.images.overlays import beside
from pochoir.inspection.painting import contact_sheet, name_cell, thumbnail
from pochoir.runs.interruption import told_how_to_continue

MEASURES = ("loss", "style_error", "content_error", "area", "seconds")
"""What the table has of each picture, as far as its task measures it."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pair:
    """A content and what it is painted in: one style, or several for one picture; `folder` is where that goes."""

    name: str
    content: Path
    styles: tuple[Path, ...]
    folder: Path


@dataclass
class PaintingSummary:
    """Metrics by name of the pair, and why others have none."""

    results: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def objective(self) -> float | None:
        """Mean loss of the saved pictures: what a sweep minimises."""
        losses = [result["loss"] for result in self.results.values() if "loss" in result]  # of a painter's nobody knows
        return sum(losses) / len(losses) if losses else None

    def outcome(self) -> float | None:
        """The objective; raises `SomeInputsFailedError` where some of several pictures have failed."""
        if self.failures:
            raise SomeInputsFailedError(f"{number_of('picture', len(self.failures))} could not be painted")
        return self.objective


def pairs_of(contents: Sequence[Path], choices: Sequence[Sequence[Path]], folder: Path) -> list[Pair]:
    """Every content with every choice of styles; a single pair takes the folder itself."""
    alone = len(contents) * len(choices) == 1
    pairs: dict[str, Pair] = {}
    for content in contents:
        for styles in choices:
            name = f"{content.stem}__{'_'.join(style.stem for style in styles)}"
            if name in pairs:  # a.jpg and a.png, or equal names in two folders
                name = f"{name}_{len(pairs)}"
            pairs[name] = Pair(name, content, tuple(styles), folder if alone else folder / name)
    return list(pairs.values())


def paint_pairs(
    pairs: Sequence[Pair], folder: Path, paint: Callable[[Pair], Mapping[str, Any]], suffix: str
) -> PaintingSummary:
    """Paint one pair after the other; a picture that cannot be painted does not stop the rest.

    paint: paints a pair in its folder, as result<suffix>, or keeps what is finished there, and returns its metrics.
    Several pictures have a table in `folder`, summary.csv, from the first on, and in the end a contact sheet,
    sheet.png. Raises the `PochoirError` of a single picture, and `StorageError`, which is that of all.
    """
    summary = PaintingSummary()
    with told_how_to_continue(folder):
        for number, pair in enumerate(pairs, start=1):
            if len(pairs) > 1:
                log.info("%d/%d %s", number, len(pairs), pair.name)
            try:
                summary.results[pair.name] = paint(pair)
            except StorageError:
                raise
            except PochoirError as error:
                if len(pairs) == 1:
                    raise
                summary.failures[pair.name] = str(error)
            if len(pairs) > 1:
                write_bytes(folder / "summary.csv", summary_csv(pairs[:number], summary).encode())
    if len(pairs) > 1:
        painted = [pair for pair in pairs if pair.name in summary.results]
        if painted:
            write_image(folder / "sheet.png", _sheet(painted, suffix))
        files = "summary.csv, sheet.png" if painted else "summary.csv"
        log.info("%d of %d pictures painted: %s (%s)", len(painted), len(pairs), folder, files)
    for name, failure in summary.failures.items():
        log.warning("failed: %s: %s", name, failure)
    return summary


def summary_csv(pairs: Sequence[Pair], summary: PaintingSummary) -> str:
    """A line a picture: its name, content and styles, whether it is finished, what was measured, and why not."""
    measured = [name for name in MEASURES if any(name in result for result in summary.results.values())]
    rows = [
        [
            *(pair.name, pair.content, " ".join(map(str, pair.styles))),
            "finished" if pair.name in summary.results else "failed",
            *(summary.results.get(pair.name, {}).get(name, "") for name in measured),
            " ".join(summary.failures.get(pair.name, "").split()),
        ]
        for pair in pairs
    ]
    return csv_text([["picture", "content", "styles", "status", *measured, "failure"], *rows])


def _sheet(painted: Sequence[Pair], suffix: str) -> Pixels:
    """What was painted, contents by styles; what nothing was made of has no row or column."""
    places = {(pair.content, pair.styles): thumbnail(read_rgb(pair.folder / f"result{suffix}")) for pair in painted}
    contents, styles = (list(dict.fromkeys(part)) for part in zip(*places, strict=True))
    results = [[places.get((content, style)) for style in styles] for content in contents]
    headings = [beside([_heading(path) for path in paths]) for paths in styles]
    return contact_sheet([thumbnail(read_rgb(content)) for content in contents], headings, results)


def _heading(style: Path) -> Pixels:
    """Its picture; of a style that painters know, and nobody else, its name."""
    return thumbnail(read_rgb(style)) if style.exists() else name_cell(style.name)
