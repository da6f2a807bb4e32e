"""Gallery: runs and sweeps, what they measured, and several side by side."""

from collections.abc import Callable
from functools import partial
from html import escape
from pathlib import Path

from nicegui import ui

from pochoir.studio.gallery import Entry, comparison, entries
from pochoir.studio.pages import parts
from pochoir.studio.state import Studio
from pochoir.studio.tabs import Tab


class GalleryPart:
    """What lies under the outputs folder; `refresh` reads it anew."""

    def __init__(self, studio: Studio, tab: Tab, use: Callable[[str], None]) -> None:
        self.studio = studio
        self.tab = tab
        self.use = use
        self.found: list[Entry] = []
        self.chosen: dict[Path, None] = {}
        self.filter = ""
        with ui.column().classes("w-full gap-3"):
            with ui.row().classes("items-center gap-3 w-full"):
                parts.heading("Runs and sweeps")
                ui.input("Filter", on_change=lambda e: self._filter(e.value)).props("dense outlined clearable")
                self.compared = ui.button("Compare", icon="compare", on_click=self.compare).props("no-caps unelevated")
                ui.button("Look again", icon="refresh", on_click=self.refresh).props("no-caps flat dense")
            self._runs_seen()
        self.dialog = ui.dialog().props("maximized")
        self._tell()

    async def refresh(self) -> None:
        """Read the folder."""
        self.found = await parts.in_thread(entries, self.studio.outputs)
        self._runs_seen.refresh()

    def _filter(self, text: str | None) -> None:
        self.filter = (text or "").casefold()
        self._runs_seen.refresh()

    @ui.refreshable_method
    def _runs_seen(self) -> None:
        shown = [entry for entry in self.found if self.filter in f"{entry.name} {entry.painted}".casefold()]
        if not shown:
            none = f"There is no run in {self.studio.outputs}."
            ui.label(f"No run is called so: {self.filter}." if self.found else none).classes("quiet")
        with ui.element("div").classes("gallery").props("role=list"):
            for entry in shown:
                self._entry(entry)

    def _entry(self, entry: Entry) -> None:
        with ui.element("div").classes("sheet").props("role=listitem"):
            if entry.picture is not None:
                address = self.tab.show(entry.picture) + "?thumbnail=1"
                label = escape(entry.name, quote=True)
                ui.html(f'<img src="{address}" loading="lazy" alt="{label}">', sanitize=False)
            ui.label(entry.name).classes("text-sm font-medium break-words mt-1")
            if entry.painted:
                ui.label(entry.painted).classes("text-sm break-words")
            told = ", ".join(f"{name} {value:.3g}" for name, value in entry.measures()[:3])
            ui.label(f"{entry.status}{': ' if told else ''}{told}").classes("quiet")
            with ui.row().classes("items-center justify-between w-full"):
                box = ui.checkbox("Compare", value=entry.folder in self.chosen).props("dense")
                box.on_value_change(lambda event: self._choose(entry.folder, event.value))
                parts.small("Open", "open_in_full", lambda: self._open(entry))
            if entry.segmenter is not None:
                parts.small("Use it in Paint", "brush", partial(self.use, str(entry.segmenter)))

    def _choose(self, folder: Path, chosen: bool) -> None:
        if chosen:
            self.chosen[folder] = None
        else:
            self.chosen.pop(folder, None)
        self._tell()

    def _tell(self) -> None:
        self.compared.set_text(f"Compare {len(self.chosen)}" if self.chosen else "Compare")
        self.compared.set_enabled(bool(self.chosen))

    async def compare(self) -> None:
        """What `pochoir compare` shows of the chosen, here."""
        page = await parts.told(comparison, list(self.chosen))
        if page is None:
            return
        name = f"compare{len(self.tab.pages)}"
        self.tab.pages[name] = page
        self._shown_in_dialog("Side by side")
        with self.dialog, self.body:
            address = f"/text/{self.tab.token}/{name}"
            ui.element("iframe").props(f'src="{address}" title="Runs side by side"').classes("w-full grow border-0")

    def _open(self, entry: Entry) -> None:
        self._shown_in_dialog(entry.name)
        with self.body, ui.column().classes("w-full overflow-auto gap-3"):
            for path in entry.pictures:
                ui.label(path.relative_to(entry.folder).as_posix()).classes("quiet")
                parts.picture(self.tab.show(path), path.name)
            if rows := entry.table():
                ui.table(rows=rows, column_defaults={"align": "left"}).props("dense flat").classes("max-w-full")
            for error in filter(None, (run.error for run in entry.runs)):
                ui.label(error).classes("text-negative whitespace-pre-wrap")

    def _shown_in_dialog(self, title: str) -> None:
        self.dialog.clear()
        with self.dialog:
            self.body = ui.card().classes("w-full h-full no-wrap")
        with self.body, ui.row().classes("items-center justify-between w-full"):
            parts.heading(title)
            ui.button(icon="close", on_click=self.dialog.close).props('flat round aria-label="Close"')
        self.dialog.open()
