"""The page's server: its beginning and end, and the addresses that files have."""

import io
import logging
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import HTTPException
from fastapi.responses import FileResponse, Response
from nicegui import app, ui
from PIL import Image

from pochoir.assets import PREFIX, located
from pochoir.config import StudioConfig
from pochoir.errors import ConfigError, PochoirError
from pochoir.images import read_rgb, to_pixels, to_tensor
from pochoir.images.overlays import within as made_smaller
from pochoir.studio import finding, training
from pochoir.studio.pages.frame import build
from pochoir.studio.safety import Guard
from pochoir.studio.state import Studio, Style, studio_of
from pochoir.stylization.painters.at_once import look_of, paint_at_once

OPEN_TO = frozenset({"localhost", "127.0.0.1", "::1"})
STYLE_SIDE = 160
THUMBNAIL = 320
"""Pixels of a picture's long side in a list."""
LAST_SECONDS = training.LAST_SECONDS + 10.0
"""What a running job gets to end with what is there, when the studio is closed."""
log = logging.getLogger(__name__)


def serve(settings: StudioConfig) -> None:
    """Serve the page until Ctrl-C. Raises `ConfigError` where the port is taken."""
    require_free(settings.host, settings.port)
    with tempfile.TemporaryDirectory(prefix="pochoir-studio-", ignore_cleanup_errors=True) as temporary:
        studio = studio_of(settings, Path(temporary))
        Path(studio.outputs).mkdir(parents=True, exist_ok=True)
        threading.Thread(target=_warm_up, args=[studio], daemon=True).start()
        add_files(studio)
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


def add_files(studio: Studio) -> None:
    """The addresses of files: of each tab its own, by a token that nobody can guess, and thumbnails of styles."""

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
