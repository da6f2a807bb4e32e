"""What comes in from a person's own files: photos, styles, and pictures whose settings are read back."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from nicegui import events, ui

from pochoir.assets import located
from pochoir.errors import PochoirError
from pochoir.images import read_settings
from pochoir.studio.pages import parts
from pochoir.studio.readback import differences, settings_in, wish_of
from pochoir.studio.state import Studio, Style
from pochoir.studio.tabs import Tab
from pochoir.studio.wishes import Setup, Wish
from pochoir.stylization.job import read_paintable

Note = Callable[[], Any]
"""Puts elements beside the photo."""


class Incoming:
    """Takes uploads into the tab's folder, and hands them on.

    photo: gets a photo; of a painted picture also what was wished for, and what says so beside it. style: gets a style.
    setup: what the page paints by now.
    """

    def __init__(
        self,
        tab: Tab,
        studio: Studio,
        *,
        photo: Callable[[Path, Wish | None, Note | None], Awaitable[None]],
        style: Callable[[Style], Any],
        setup: Callable[[], Setup],
    ) -> None:
        self.tab = tab
        self.studio = studio
        self.megabytes = studio.settings.upload_mb
        self.photo = photo
        self.style = style
        self.setup = setup
        parts.uploader("photo", self._photo_came, self._refused, self.megabytes)
        parts.uploader("style", self._style_came, self._refused, self.megabytes)

    async def _photo_came(self, event: events.UploadEventArguments) -> None:
        path = await self._taken(event)
        if path is None:
            return
        told = settings_in(await parts.in_thread(_embedded, path))
        if told is None:
            await self.photo(path, None, None)
            return
        wish, missing = wish_of(told, self._find)
        reasons = differences(told, self.setup())

        def note() -> None:
            ui.label(_told_of(wish, missing, reasons)).classes("quiet").props("role=status")
            if wish.content:
                parts.small("Paint over the picture instead", "layers", lambda: self.photo(path, None, None))

        await self.photo(Path(located(wish.content)) if wish.content else path, wish, note)

    async def _style_came(self, event: events.UploadEventArguments) -> None:
        path = await self._taken(event)
        if path is not None and await parts.told(read_paintable, path) is not None:
            self.style(Style(str(path), path))

    async def _taken(self, event: events.UploadEventArguments) -> Path | None:
        content = await event.file.read()
        path = await parts.told(self.tab.take, event.file.name, content)
        if path is not None and self.tab.names[path] != event.file.name:
            ui.notify(f"It is called {self.tab.names[path]} here, in the command, too.", type="info", timeout=8000)
        return path

    def _find(self, name: str) -> str | None:
        offered = (style.value for style in self.studio.styles if name in (style.value, Path(style.value).name))
        return self.tab.find(name) or next(offered, None)

    def _refused(self) -> None:
        ui.notify(f"That is no picture, or has more than {self.megabytes:g} MB.", type="negative")


def ask_for(kind: str) -> None:
    """Open the browser's dialog for a "photo" or a "style"."""
    ui.run_javascript(
        f"getElement(Number(document.querySelector('[data-uploader={kind}]').id.slice(1))).$refs.qRef.pickFiles()"
    )


def _told_of(wish: Wish, missing: Sequence[str], reasons: Sequence[str]) -> str:
    """What is shown of a painted picture, and how it is painted again.

    missing: files that are not at hand; reasons: why else it would be another picture.
    """
    if wish.content:
        drop = f"Drop {', '.join(dict.fromkeys(missing))} on the styles, then the picture once more."
        following = " ".join([*([drop] if missing else []), *reasons]) or "Paint makes it again."
        return f"The settings in the picture were read, and this is the photo it was made of. {following}"
    photo, *others = dict.fromkeys(missing)
    wanted = f"{photo} here, {', '.join(others)} on the styles" if others else f"{photo} here"
    return (
        f"This is the painted picture itself: {photo}, the photo it was made of, is not at hand. "
        f"To paint that again, drop {wanted}, then the picture once more."
    )


def _embedded(path: Path) -> str:
    """The settings in a picture; empty where there are none, or where it is none, which who opens it says."""
    try:
        return read_settings(path) or ""
    except PochoirError:
        return ""
