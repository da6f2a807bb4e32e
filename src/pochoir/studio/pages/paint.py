"""Paint: a photo, its objects, a style for each, how, and the picture."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from nicegui import ui

from pochoir.assets import PREFIX, located
from pochoir.images import write_image
from pochoir.images.overlays import within as made_smaller
from pochoir.studio.app import Studio, Style
from pochoir.studio.choices import Choices
from pochoir.studio.finding import SHOWN_SIDE, load
from pochoir.studio.jobs import Job
from pochoir.studio.pages import parts
from pochoir.studio.pages.easel import Easel
from pochoir.studio.pages.incoming import Incoming, Note
from pochoir.studio.pages.look import look_of
from pochoir.studio.pages.photo import PhotoSheet
from pochoir.studio.pages.styles import StyleStrip
from pochoir.studio.painting import paint
from pochoir.studio.readback import builtin
from pochoir.studio.tabs import Tab
from pochoir.studio.wishes import Look, Wish, label_of, possible, problems

GETS = {
    "quick": "No painter knows all of these styles: Paint optimises them, by quick.",
    "finish": "Goes on from the painter's picture.",
}
"""Where what is painted differs from what was asked for."""


class PaintPart:
    """Brings together what is chosen of a photo, how it is painted, and the easel; the page follows each change."""

    def __init__(self, studio: Studio, tab: Tab) -> None:
        self.studio = studio
        self.tab = tab
        self.setup = studio.setup
        self.choices = Choices()
        self.look = Look(quality="at_once" if studio.known else "quick")
        self._build()

    # What is seen

    def _build(self) -> None:
        Incoming(self.tab, self.studio, photo=self.open, style=self._add_style)
        with ui.element("div").classes("grid grid-cols-1 lg:grid-cols-[minmax(0,1fr)_380px] gap-4 w-full"):
            with ui.column().classes("gap-4 w-full min-w-0 max-lg:contents"):  # on a phone: photo, styles, how, picture
                with ui.element("div").classes("w-full order-1"):
                    self.sheet = PhotoSheet(self.choices, portrait=self.take_portrait, changed=self._refresh)
                with ui.element("div").classes("w-full order-4"):
                    self.easel = Easel(self.studio, self.tab, refine=self.refine, ended=self._ended)
            with ui.column().classes("gap-4 w-full min-w-0 max-lg:contents"):
                with ui.element("div").classes("w-full order-2"):
                    self.strip = StyleStrip(
                        self.studio, self.tab, self.choices, dress=self.dress, changed=self._refresh
                    )
                with ui.element("div").classes("w-full order-3"):
                    self._look_seen()

    @ui.refreshable_method
    def _look_seen(self) -> None:
        with ui.element("section").classes("sheet w-full").props("aria-label='How'"):
            parts.heading("How")
            look_of(self.look, self.change, at_once=bool(self.studio.known))
            if len(self.studio.segmenters) > 1:
                names = {one: Path(one).parts[-3] if "/" in one else one for one in self.studio.segmenters}
                parts.choice("Objects found by", names, self.setup.weights, self._find_by)
            self._go_seen()

    @ui.refreshable_method
    def _go_seen(self) -> None:
        wrong, quality = self._wrong, self.wish.look.quality
        go = ui.button("Paint", icon="brush", on_click=self.paint).props("no-caps unelevated color=accent")
        go.classes("w-full mt-3").set_enabled(not wrong and not self.easel.is_busy)
        told = wrong or ("" if self.look.quality == quality else GETS[quality])
        if told:
            ui.label(told).classes("quiet mt-2").props("role=status")

    def _refresh(self) -> None:
        for seen in (self.sheet, self.strip, self._go_seen):
            seen.refresh()

    # What is asked for

    @property
    def wish(self) -> Wish:
        """What is asked for now, with the quality that it gets."""
        photo = self.sheet.photo
        content = builtin(str(photo.path)) or str(photo.path) if photo is not None else ""
        asked = Wish(content, self.choices.chosen, self.choices.background, self.look)
        return possible(asked, self.studio.known)

    @property
    def _wrong(self) -> str:
        """Why that cannot be painted; empty where it can."""
        return next(iter(problems(self.wish, self.studio.known)), "") if self.sheet.photo else "First comes a photo."

    # What a person does

    async def take_portrait(self) -> None:
        """The photo that comes with the project."""
        await self.open(Path(located(PREFIX + "portrait")))

    async def open(self, path: Path, wish: Wish | None = None, note: Note | None = None) -> None:
        """Show a photo with its objects. wish: what is chosen of it; note: what is to be said of it."""
        with parts.waiting("Looking for people …"):
            photo = await parts.told(load, path, self.setup)
        if photo is None:
            return
        shown = self.tab.own / f"shown_{len(self.tab.shown)}.png"
        await parts.in_thread(write_image, shown, made_smaller(photo.picture.on_white, SHOWN_SIDE))
        address = self.tab.show(shown)
        begun = self.choices.background if self.sheet.photo is None else None  # a style that came before the photo
        self.choices.begin(photo.things, begun)
        self.easel.clear(address, photo.size)
        ui.run_javascript("scrollTo({ top: 0 })")
        await self.sheet.show(photo, address, note)
        if wish is not None:
            await self._choose(wish)
        self._refresh()
        if begun is not None:
            self._at_once()

    async def _choose(self, wish: Wish) -> None:
        at_once = wish.look.quality == "at_once"
        self.look = replace(wish.look, quality="quick") if at_once and not self.studio.known else wish.look
        self._look_seen.refresh()
        if not wish.content:
            return
        for one in wish.chosen:
            if one.box is not None:
                await self.sheet.box(*one.box)
        self.choices.take(wish)

    def dress(self, style: str) -> None:
        """Give the style to what is aimed at, or take it away; what can be had at once is painted at once."""
        self.choices.dress(style)
        self._refresh()
        self._at_once()

    def _add_style(self, style: Style) -> None:
        self.strip.add(style)
        self.dress(style.value)

    def change(self, **look: Any) -> None:
        """Another quality, strength and so on."""
        was = self.look
        self.look = replace(self.look, **look)
        (self._go_seen if self.look.quality == was.quality else self._look_seen).refresh()
        self._at_once()

    def _at_once(self) -> None:
        if self.wish.look.quality == "at_once" and not self._wrong and not self.easel.is_busy:
            self.paint()

    def paint(self) -> None:
        """Put the wish into the queue: of the device, or for what is painted at once the short one."""
        photo = self.sheet.photo
        assert photo is not None
        wish, things, setup, names = self.wish, self.choices.chosen_things, self.setup, dict(self.tab.names)
        folder = self.tab.own / f"picture_{len(self.easel.jobs)}"
        title = f"{photo.path.stem} in {', '.join(map(label_of, wish.styles))}"
        job = Job(title, lambda job: paint(wish, things, photo, setup, folder, names, job))
        self.easel.begin(job, at_once=wish.look.quality == "at_once")
        self._go_seen.refresh()  # not the sliders, one of which may be held

    def _ended(self) -> None:
        """What was changed while something was painted at once is painted, too."""
        self._go_seen.refresh()
        if self.easel.painted is not None and self.easel.painted.wish != self.wish:
            self._at_once()

    def refine(self, look: Look) -> None:
        """Paint the same with more time, unless what was chosen since cannot be painted so."""
        self.look = look
        self._look_seen.refresh()
        if not self._wrong:
            self.paint()

    def use_segmenter(self, weights: str) -> None:
        """Find objects by a network that was just trained."""
        if weights not in self.studio.segmenters:
            self.studio.segmenters.append(weights)
        self._find_by(weights)
        self._look_seen.refresh()

    def _find_by(self, weights: str) -> None:
        self.setup = self.studio.with_weights(weights)
        if self.sheet.photo is not None:
            path = self.sheet.photo.path
            ui.timer(0, lambda: self.open(path), once=True)
