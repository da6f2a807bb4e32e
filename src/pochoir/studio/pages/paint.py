"""Paint: a photo, its objects, a style for each, how, and the picture."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from nicegui import ui

from pochoir.assets import PREFIX, located
from pochoir.images import write_image
from pochoir.images.overlays import within as made_smaller
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
from pochoir.studio.state import Studio, Style
from pochoir.studio.tabs import Tab
from pochoir.studio.wishes import Look, Wish, label_of, possible, problems

GETS = {
    "quick": "No painter knows all of these styles: Paint optimises them, by quick.",
    "finish": "Goes on from the painter's picture.",
}
"""Where what is painted differs from what was asked for."""
GRID = "grid grid-cols-1 lg:grid-cols-[minmax(0,1fr)_380px] lg:grid-rows-[auto_1fr] gap-4 w-full items-start"
PLACES = (
    "lg:col-start-1 lg:row-start-1",
    "lg:col-start-2 lg:row-start-1 lg:row-span-2 flex flex-col gap-4 lg:sticky lg:top-16 lg:max-h-[calc(100vh-5rem)] "
    "lg:overflow-y-auto",
    "lg:col-start-1 lg:row-start-2",
)


class PaintPart:
    """Brings together what is chosen of a photo, how it is painted, and the easel; the page follows each change."""

    def __init__(self, studio: Studio, tab: Tab) -> None:
        self.studio = studio
        self.tab = tab
        self.setup = studio.setup
        self.choices = Choices()
        self.look = Look(quality="at_once" if studio.known else "quick")
        self._opened = self._newest = 0
        self._begun: Wish | None = None
        self._build()

    # What is seen

    def _build(self) -> None:
        Incoming(self.tab, self.studio, photo=self.open, style=self._add_style, setup=lambda: self.setup)
        # read from top to bottom: photo, styles, how, picture; where there is room, the picture is below the photo
        with ui.element("div").classes(GRID):
            photo, side, picture = (ui.element("div").classes(f"w-full min-w-0 {place}") for place in PLACES)
        with photo:
            self.sheet = PhotoSheet(self.choices, portrait=self.take_portrait, changed=self._chose)
        with picture:
            self.easel = Easel(self.studio, self.tab, refine=self.refine, ended=self._ended)
        with side:
            self.strip = StyleStrip(
                self.studio,
                self.tab,
                self.choices,
                dress=self.dress,
                changed=self._refresh,
                can_paint=lambda style: style.picture is not None or self.look.quality == "at_once",
            )
            self._look_seen()

    @ui.refreshable_method
    def _look_seen(self) -> None:
        with ui.element("section").classes("sheet w-full").props("aria-label='How'"):
            parts.heading("How")
            self.strokes = look_of(self.look, self.change, at_once=bool(self.studio.known))
            if len(self.studio.segmenters) > 1:
                names = {one: _name_of(one) for one in self.studio.segmenters}
                parts.choice("Objects found by", names, self.setup.weights, self._find_by)
            self._go_seen()

    @ui.refreshable_method
    def _go_seen(self) -> None:
        wrong, wish = self._wrong, self.wish
        self.easel.compare(wish)
        parts.enable(self.strokes, wish.look.quality != "at_once")
        go = ui.button("Paint", icon="brush", on_click=self.paint)
        go.props("no-caps unelevated color=accent data-key=go").classes("w-full mt-3")
        go.set_enabled(not wrong and not self.easel.is_busy)
        told = wrong or ("" if self.look.quality == wish.look.quality else GETS[wish.look.quality])
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
        self._opened += 1
        number = self._opened
        shown = self.tab.own / f"shown_{number}.png"
        with parts.waiting("Looking for people …"):
            photo = await parts.told(load, path, self.setup)
            if photo is not None:
                await parts.in_thread(write_image, shown, made_smaller(photo.picture.on_white, SHOWN_SIDE))
        if photo is None or number < self._newest:  # one that was asked for later is there already
            return
        self._newest = number
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
        lost = self.choices.take(wish)
        if lost:
            told = f"Of the chosen objects {lost} cannot be found again: choose what is meant."
            ui.notify(told, type="warning", timeout=10000, close_button="Close")

    def dress(self, style: str) -> None:
        """Give the style to what is aimed at, or take it away; what can be had at once is painted at once."""
        self.choices.dress(style)
        self._refresh()
        self._at_once()

    def _chose(self) -> None:
        """Other objects are chosen: what can be had at once follows, without the page leaving the photo."""
        self._refresh()
        self._at_once(follow=False)

    def _add_style(self, style: Style) -> None:
        self.strip.add(style)
        self.dress(style.value)

    def change(self, **look: Any) -> None:
        """Another quality, strength and so on."""
        self.look = replace(self.look, **look)
        self.strip.refresh()
        self._go_seen.refresh()
        self._at_once()

    def _at_once(self, *, follow: bool = True) -> None:
        if self.wish.look.quality == "at_once" and not self._wrong and not self.easel.is_busy:
            self.paint(follow=follow)

    def paint(self, *, follow: bool = True) -> None:
        """Put the wish into the queue: of the device, or for what is painted at once the short one.

        follow: whether the page goes to the picture.
        """
        photo = self.sheet.photo
        assert photo is not None
        wish, things, setup, names = self.wish, self.choices.chosen_things, self.setup, dict(self.tab.names)
        folder = self.tab.own / f"picture_{len(self.easel.jobs)}"
        title = f"{photo.path.stem} in {', '.join(map(label_of, wish.styles))}"
        job = Job(title, lambda job: paint(wish, things, photo, setup, folder, names, job))
        self._begun = wish
        self.easel.begin(job, at_once=wish.look.quality == "at_once", follow=follow)
        self._go_seen.refresh()  # not the sliders, one of which may be held

    def _ended(self) -> None:
        """What was changed while something was painted at once is painted, too."""
        self._go_seen.refresh()
        if self.wish != self._begun:
            self._at_once(follow=False)

    def refine(self, look: Look) -> None:
        """Paint the same with more time, unless what was chosen since cannot be painted so."""
        self.look = look
        self._look_seen.refresh()
        self.strip.refresh()
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


def _name_of(weights: str) -> str:
    """What a segmenter is called: of a training's best weights the folder of the run."""
    path = Path(weights)
    return path.parts[-3] if path.parent.name == "checkpoints" and len(path.parts) > 2 else path.name
