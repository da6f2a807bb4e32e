"""What comes in from a person's own files: photos, styles, and pictures whose settings are read back."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from nicegui import events, ui

from pochoir.assets import located
from pochoir.errors import PochoirError
from pochoir.images import read_settings
from pochoir.studio.app import Studio, Style
from pochoir.studio.pages import parts
from pochoir.studio.readback import settings_in, wish_of
from pochoir.studio.tabs import Tab
from pochoir.studio.wishes import Wish


class Incoming:
    """Takes uploads into the tab's folder, and hands them on.

    photo: gets a photo, and what was wished for where a painted picture told it. style: gets a style.
    """

    def __init__(
        self,
        tab: Tab,
        studio: Studio,
        *,
        photo: Callable[[Path, Wish | None], Awaitable[None]],
        style: Callable[[Style], Any],
    ) -> None:
        self.tab = tab
        self.studio = studio
        self.megabytes = studio.settings.upload_mb
        self.photo = photo
        self.style = style
        parts.uploader("photo", self._photo_came, self._refused, self.megabytes)
        parts.uploader("style", self._style_came, self._refused, self.megabytes)

    async def _photo_came(self, event: events.UploadEventArguments) -> None:
        path = await self._taken(event)
        if path is None:
            return
        told = settings_in(await parts.in_thread(_embedded, path))
        if told is None:
            await self.photo(path, None)
            return
        wish, missing = wish_of(told, self._find)
        await self.photo(Path(located(wish.content)) if wish.content else path, wish)
        lacking = ", ".join(dict.fromkeys(missing))
        following = f"Drop these too, then the picture again: {lacking}." if lacking else "Paint makes it again."
        ui.notify(f"The settings in this picture were read. {following}", type="info", multi_line=True, timeout=8000)

    async def _style_came(self, event: events.UploadEventArguments) -> None:
        path = await self._taken(event)
        if path is not None:
            self.style(Style(str(path), path))

    async def _taken(self, event: events.UploadEventArguments) -> Path | None:
        content = await event.file.read()
        return await parts.told(self.tab.take, event.file.name, content)

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


def _embedded(path: Path) -> str:
    """The settings in a picture; empty where there are none, or where it is none, which who opens it says."""
    try:
        return read_settings(path) or ""
    except PochoirError:
        return ""
