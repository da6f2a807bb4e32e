"""What all tabs share: settings, styles, queues, and the trainings that outlive them."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pochoir.assets import PREFIX, located, painted_styles
from pochoir.config import StudioConfig
from pochoir.images import pictures_at
from pochoir.studio.jobs import Job, Lane
from pochoir.studio.tabs import Limits, Tab
from pochoir.studio.training import Training
from pochoir.studio.wishes import Setup, label_of, style_name

BUILTIN_STYLES = ("strokes", "waves", "glass", "ink")


@dataclass(frozen=True)
class Style:
    """What can be chosen to paint in. value: what the settings take. picture: of its thumbnail; None: there is none."""

    value: str
    picture: Path | None

    @property
    def label(self) -> str:
        return label_of(self.value)


@dataclass(eq=False)
class Studio:
    """What all tabs share. long: the device's queue. short: what takes a second, which does not wait for hours.
    known: the styles that the painter knows, by their values. trainings: those that were begun, with their jobs; they
    outlive the tab.
    """

    settings: StudioConfig
    place: Path
    setup: Setup
    known: frozenset[str]
    styles: tuple[Style, ...]
    long: Lane = field(default_factory=lambda: Lane("device"))
    short: Lane = field(default_factory=lambda: Lane("at once"))
    tabs: dict[str, Tab] = field(default_factory=dict)
    segmenters: list[str] = field(default_factory=list)
    trainings: list[tuple[Training, Job]] = field(default_factory=list)

    @property
    def outputs(self) -> Path:
        return Path(self.settings.outputs).expanduser().absolute()

    @property
    def readable(self) -> list[Path]:
        """Folders that may be read, beside the uploads of each tab."""
        return [self.outputs, *(Path(folder).expanduser().absolute() for folder in self.settings.folders)]

    def open_tab(self) -> Tab:
        limits = Limits(round(self.settings.upload_mb * 1e6), round(self.settings.upload_megapixels * 1e6))
        tab = Tab(self.place, limits)
        for style in self.styles:
            if style.picture is not None and style.value == str(style.picture):  # one's own
                tab.call(style.picture, style.picture.name)
        self.tabs[tab.token] = tab
        return tab

    def close_tab(self, tab: Tab, jobs: Sequence[Job]) -> None:
        """End its paintings, and remove what it had once they have ended."""
        self.tabs.pop(tab.token, None)
        for job in jobs:
            for lane in (self.long, self.short):
                lane.drop(job)

        def remove() -> None:
            while not all(job.is_over for job in jobs):
                time.sleep(0.2)
            tab.close()

        threading.Thread(target=remove, daemon=True).start()

    def told_of_waiting(self, job: Job) -> str:
        """How many come before a job that waits; not what they are, as they may be another tab's."""
        before = [title for lane in (self.long, self.short) for title in lane.before(job)]
        return f"Waits for {len(before)} before it" if before else "Begins"

    def with_weights(self, weights: str) -> Setup:
        return replace(self.setup, weights=weights)


def studio_of(settings: StudioConfig, place: Path) -> Studio:
    """The studio of its settings; raises `PochoirError`s for a painter that is none, and folders without pictures."""
    setup = Setup(settings.weights, settings.painter.weights, settings.accelerator, settings.size)
    names = known_styles(settings.painter.weights)
    styles = tuple(offered(names, settings.styles))
    known = frozenset(style.value for style in styles if style_name(style.value) in names)
    studio = Studio(settings, place, setup, known, styles)
    studio.segmenters.append(settings.weights)
    return studio


def known_styles(painter: str | None) -> list[str]:
    """The styles that a painter knows; None: those that come with the project."""
    if painter is None:
        return list(painted_styles())
    from pochoir.stylization.painters.files import trained_painter

    return list(trained_painter(painter).network.styles)


def offered(known: Sequence[str], own: Sequence[str]) -> list[Style]:
    """The styles of the strip: those that come with pictures, one's own, and those that only the painter knows.

    Of a painter of one's own such styles want a picture of their name: settings take bare names of shipped ones alone.
    """
    styles = [Style(PREFIX + name, Path(located(PREFIX + name))) for name in BUILTIN_STYLES]
    for given in own:
        paths = pictures_at(Path(given).expanduser().absolute(), "styles")
        styles += [Style(str(path), path) for path in paths]
    there = {style_name(style.value) for style in styles}
    named = [name for name in known if name not in there and name in painted_styles()]
    return [*styles, *(Style(name, None) for name in named)]
