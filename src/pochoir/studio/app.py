"""The page's server: what all tabs share, the addresses that files have, and its beginning and end."""

import io
import logging
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import Image

from pochoir.assets import PREFIX, located, painted_styles
from pochoir.config import StudioConfig
from pochoir.errors import ConfigError, PochoirError
from pochoir.images import pictures_at, read_rgb
from pochoir.images.overlays import within as made_smaller
from pochoir.studio import finding, training
from pochoir.studio.jobs import Job, Lane
from pochoir.studio.safety import Guard
from pochoir.studio.tabs import Limits, Tab
from pochoir.studio.training import Training
from pochoir.studio.wishes import Setup, label_of, style_name

BUILTIN_STYLES = ("strokes", "waves", "glass", "ink")
OPEN_TO = frozenset({"localhost", "127.0.0.1", "::1"})
STYLE_SIDE = 160
THUMBNAIL = 320
"""Pixels of a picture's long side in a list."""
LAST_SECONDS = training.LAST_SECONDS + 10.0
"""What a running job gets to end with what is there, when the studio is closed."""
log = logging.getLogger(__name__)


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


def serve(settings: StudioConfig) -> None:
    """Serve the page until Ctrl-C. Raises `ConfigError` where the port is taken."""
    from nicegui import app, ui

    from pochoir.studio.pages.frame import build

    require_free(settings.host, settings.port)
    with tempfile.TemporaryDirectory(prefix="pochoir-studio-", ignore_cleanup_errors=True) as temporary:
        studio = studio_of(settings, Path(temporary))
        Path(studio.outputs).mkdir(parents=True, exist_ok=True)
        threading.Thread(target=_warm_up, args=[studio], daemon=True).start()
        add_files(app, studio)
        build(studio)
        hosts = frozenset() if settings.is_open_to_others else OPEN_TO | {settings.host}
        limit = round(settings.upload_mb * 1e6) + 100_000  # what a form adds to a file
        app.add_middleware(Guard, hosts=hosts, password=settings.password, body=limit)
        log.info("The studio is open: http://%s:%d (Ctrl-C closes it)", settings.host, settings.port)
        with suppress(KeyboardInterrupt), _ended_by_kill():
            ui.run(
                host=settings.host,
                port=settings.port,
                title="Pochoir",
                favicon=FAVICON,
                language="en-US",
                reload=False,
                show=settings.show,
                show_welcome_message=False,
                reconnect_timeout=settings.forget_seconds,
                binding_refresh_interval=None,
            )
        for lane in (studio.long, studio.short):
            lane.close(LAST_SECONDS)
    log.info("The studio is closed")


@contextmanager
def _ended_by_kill() -> Iterator[None]:
    """A `kill` ends the page as Ctrl-C does: the server hands it on once it is closed, which would end all at once."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


FAVICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#274c5e"/>'
    '<circle cx="16" cy="12" r="5" fill="#f4efe6"/><path d="M6 28c0-7 4-10 10-10s10 3 10 10z" fill="#d9643a"/></svg>'
)


def require_free(host: str, port: int) -> None:
    """Raise `ConfigError` unless the port can be listened at."""
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError as error:
            raise ConfigError(
                f"port: {port} at {host} cannot be listened at ({error.strerror}); give another"
            ) from None


def _warm_up(studio: Studio) -> None:
    """Load what finds people before the first photo is there, then the painter and what it shows of its styles."""
    with suppress(PochoirError):
        finding.warm_up(studio.setup)
        for style in studio.styles:
            _of_style(style, studio.settings.painter.weights)


def add_files(app: Any, studio: Studio) -> None:
    """The addresses of files: of each tab its own, by a token that nobody can guess, and thumbnails of styles."""
    from fastapi import HTTPException
    from fastapi.responses import FileResponse, Response

    @app.get("/tab/{token}/{name}")
    def of_tab(token: str, name: str, thumbnail: bool = False, save: bool = False) -> Response:
        tab = studio.tabs.get(token)
        path = None if tab is None else tab.shown.get(name)
        if path is None or not path.is_file():
            raise HTTPException(404)
        headers = {"Cache-Control": "private, max-age=3600"}
        if thumbnail:
            return Response(_thumbnail(path), media_type="image/jpeg", headers=headers)
        return FileResponse(path, filename=path.name if save else None, headers=headers)

    @app.get("/growing/{token}")
    def growing(token: str) -> Response:
        tab = studio.tabs.get(token)
        if tab is None or tab.growing is None:
            raise HTTPException(404)
        return Response(jpeg(tab.growing), media_type="image/jpeg", headers={"Cache-Control": "no-store"})

    @app.get("/text/{token}/{name}")
    def page_of_tab(token: str, name: str) -> Response:
        tab = studio.tabs.get(token)
        text = None if tab is None else tab.pages.get(name)
        if text is None:
            raise HTTPException(404)
        return Response(text, media_type="text/html; charset=utf-8")

    @app.get("/style/{number}")
    def style(number: int) -> Response:
        if not 0 <= number < len(studio.styles):
            raise HTTPException(404)
        content = _of_style(studio.styles[number], studio.settings.painter.weights)
        return Response(content, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=86400"})


@lru_cache(maxsize=64)
def _of_style(style: Style, painter: str | None) -> bytes:
    """A thumbnail of the painting; of a style that only the painter knows, the built-in portrait in it."""
    if style.picture is not None:
        return _thumbnail(style.picture, STYLE_SIDE)
    from pochoir.images import to_pixels, to_tensor
    from pochoir.stylization.painters.at_once import look_of, paint_at_once

    portrait = made_smaller(read_rgb(Path(located(PREFIX + "portrait"))), 2 * STYLE_SIDE)
    painted = paint_at_once(to_tensor(portrait)[None], look_of(painter, [style.value], [1.0]))
    return jpeg(made_smaller(to_pixels(painted[0]), STYLE_SIDE))


def _thumbnail(path: Path, side: int = THUMBNAIL) -> bytes:
    return jpeg(made_smaller(read_rgb(path), side))


def jpeg(pixels: Any, quality: int = 88) -> bytes:
    """Pixels `[H, W, 3]` as a JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
