"""Paint: a photo, its objects, a style for each, how, and the picture."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from nicegui import events, ui

from pochoir.assets import PREFIX, located
from pochoir.errors import PochoirError
from pochoir.images import read_settings, write_image
from pochoir.images.overlays import within as made_smaller
from pochoir.studio.app import Studio, Style
from pochoir.studio.finding import SHOWN_SIDE, Photo, Thing, hit, in_box, load
from pochoir.studio.jobs import Job
from pochoir.studio.outlines import overlay
from pochoir.studio.pages import controls, parts
from pochoir.studio.pages.easel import Easel
from pochoir.studio.painting import paint
from pochoir.studio.readback import builtin, settings_in, wish_of
from pochoir.studio.tabs import Tab
from pochoir.studio.wishes import (
    Chosen,
    Look,
    Wish,
    is_known,
    possible,
    problems,
    style_name,
)

BACKGROUND = -1
"""The target that is no object: all the rest."""


class PaintPart:
    """What a tab has on its easel; every change goes through a function, and the page follows."""

    def __init__(self, studio: Studio, tab: Tab) -> None:
        self.studio = studio
        self.tab = tab
        self.setup = studio.setup
        self.photo: Photo | None = None
        self.things: list[Thing] = []
        self.dressed: dict[int, str | None] = {}
        """The chosen objects by their place in `things`, and their styles."""
        self.background: str | None = None
        self.target = BACKGROUND
        self.look = Look(quality="at_once" if studio.known else "quick")
        self.own: list[Style] = []
        self._address = ""
        self._build()

    # What is seen

    def _build(self) -> None:
        parts.uploader("photo", self._photo_came, self._refused, self.studio.settings.upload_mb)
        parts.uploader("style", self._style_came, self._refused, self.studio.settings.upload_mb)
        with ui.element("div").classes("grid grid-cols-1 lg:grid-cols-[minmax(0,1fr)_380px] gap-4 w-full"):
            with ui.column().classes("gap-4 w-full min-w-0 max-lg:contents"):  # on a phone: photo, styles, how, picture
                with ui.element("div").classes("w-full order-1"):
                    self._photo_seen()
                with ui.element("div").classes("w-full order-4"):
                    self.easel = Easel(
                        self.studio, self.tab, can_be_had=self._can_be_had, refine=self.refine, ended=self._ended
                    )
            with ui.column().classes("gap-4 w-full min-w-0 max-lg:contents"):
                with ui.element("div").classes("w-full order-2"):
                    self._choices_seen()
                with ui.element("div").classes("w-full order-3"):
                    self._look_seen()
        ui.on("picked", lambda event: self.pick(*event.args))
        ui.on("boxed", lambda event: self.draw(*event.args))

    @ui.refreshable_method
    def _photo_seen(self) -> None:
        if self.photo is None:
            controls.empty(lambda: self._ask("photo"), self.take_portrait)
            return
        with ui.element("section").classes("sheet w-full").props("aria-label='Photo'"):
            with ui.row().classes("items-center justify-between w-full mb-2 gap-2"):
                parts.heading("Click on people to choose them")
                with ui.row().classes("gap-1 items-center"):
                    self.drawing = ui.switch("Draw a box", on_change=self._set_drawing).props("dense")
                    self.drawing.tooltip("Around anything that was not found. With a mouse, just drag.")
                    parts.small("Another photo", "add_photo_alternate", lambda: self._ask("photo"))
            self.shown = ui.interactive_image(
                self._address, content=overlay(self.things, self.dressed, self.photo.size), sanitize=False
            )
            self.shown.classes("drawable").style(parts.fitting(self.photo.size)).props["alt"] = self._told()
            with ui.row().classes("gap-2 mt-3").props("role=group aria-label='Objects'"):
                for place, thing in enumerate(self.things):
                    self._chip(place, thing.label)
                if not self.things:
                    ui.label("Nobody was found: draw a box around what is to be painted.").classes("quiet")
            with ui.expansion("A box by numbers").props("dense").classes("quiet mt-1"):
                controls.box_by_numbers(self.photo.size, self._boxed)

    def _chip(self, place: int, label: str) -> None:
        chosen, style = place in self.dressed, self.dressed.get(place)
        told = f"{label}: {style_name(style)}" if style else f"{label}: as in the photo" if chosen else label
        now = chosen and place == self.target
        controls.chip(told, lambda: self.toggle(place), pressed=chosen, key=f"object-{place}", now=now)

    @ui.refreshable_method
    def _choices_seen(self) -> None:
        with ui.element("section").classes("sheet w-full").props("aria-label='Styles'"):
            parts.heading("What in which style")
            with ui.row().classes("gap-2 my-2").props("role=group aria-label='What gets the style'"):
                for place in [*sorted(self.dressed), BACKGROUND]:
                    self._target(place)
            ui.label("in the style of").classes("quiet mb-1")
            with ui.element("div").classes("strip").props("data-drop=style role=group aria-label='Styles'"):
                for number, style in enumerate(self.studio.styles):
                    self._style(style, f"/style/{number}")
                for style in self.own:
                    assert style.picture is not None
                    self._style(style, self.tab.show(style.picture) + "?thumbnail=1")
                controls.own_style(lambda: self._ask("style"))

    def _target(self, place: int) -> None:
        if place == BACKGROUND:
            label, style = ("Background" if self.dressed else "The whole photo"), self.background
        else:
            label, style = self.things[place].label, self.dressed[place]
        told = f"{label}: {style_name(style) if style else 'photo'}"
        controls.chip(told, lambda: self._aim(place), pressed=place == self.target, key=f"target-{place}")

    def _style(self, style: Style, address: str) -> None:
        pressed, at_once = self._current() == style.value, is_known(style.value, self.studio.known)
        controls.style(style.label, address, lambda: self.dress(style.value), pressed=pressed, at_once=at_once)

    @ui.refreshable_method
    def _look_seen(self) -> None:
        with ui.element("section").classes("sheet w-full").props("aria-label='How'"):
            parts.heading("How")
            controls.look_of(self.look, self.change, at_once=bool(self.studio.known))
            if len(self.studio.segmenters) > 1:
                names = {one: Path(one).parts[-3] if "/" in one else one for one in self.studio.segmenters}
                controls.choice("Objects found by", names, self.setup.weights, self._find_by)
            self._go_seen()

    @ui.refreshable_method
    def _go_seen(self) -> None:
        wrong = list(problems(possible(self.wish, self.studio.known), self.studio.known)) if self.photo else []
        busy = self.easel.is_busy
        ready = self.photo is not None and not wrong
        with ui.row().classes("w-full mt-3 gap-2 no-wrap"):
            go = ui.button("Paint", icon="brush", on_click=self.paint).props("no-caps unelevated color=accent")
            go.classes("grow").set_enabled(ready and not busy)
            if busy:
                ui.button("Stop", icon="stop", on_click=self.easel.stop).props("no-caps outline color=negative")
        if self.photo is not None and wrong:
            ui.label(wrong[0]).classes("quiet mt-2").props("role=status")
        elif self.look.quality != possible(self.wish, self.studio.known).look.quality:
            ui.label("No painter knows all of these styles: they are optimised, by quick.").classes("quiet mt-2")

    # What a person does

    @property
    def wish(self) -> Wish:
        """What is asked for now."""
        chosen = [replace(self.things[place].chosen, style=self.dressed[place]) for place in sorted(self.dressed)]
        content = builtin(str(self.photo.path)) or str(self.photo.path) if self.photo is not None else ""
        return Wish(content, tuple(chosen), self.background, self.look)

    async def take_portrait(self) -> None:
        """The photo that comes with the project."""
        await self.open(Path(located(PREFIX + "portrait")))

    async def open(self, path: Path, wish: Wish | None = None) -> None:
        """Show a photo with its objects; wish: what is chosen of it."""
        photo = await parts.told(load, path, self.setup)
        if photo is None:
            return
        self.photo, self.things = photo, list(photo.things)
        self.dressed, self.background, self.target = {}, None, BACKGROUND
        shown = self.tab.own / f"shown_{len(self.tab.shown)}.png"
        await parts.in_thread(write_image, shown, made_smaller(photo.picture.on_white, SHOWN_SIDE))
        self._address = self.tab.show(shown)
        self.easel.clear(self._address, photo.size)
        if wish is not None:
            await self._choose(wish)
        self._refresh()

    async def _choose(self, wish: Wish) -> None:
        for one in wish.chosen:
            if one.box is not None:
                await self._boxed(*one.box)
            place = next((n for n, thing in enumerate(self.things) if _same(thing.chosen, one)), None)
            if place is not None:
                self.dressed[place] = one.style
        self.background = wish.background
        self.target = min(self.dressed, default=BACKGROUND)

    def pick(self, x: float, y: float) -> None:
        """A click on the photo, in shares of its width and height."""
        if self.photo is None:
            return
        width, height = self.photo.size
        thing = hit(self.things, x * width, y * height)
        if thing is not None:
            self.toggle(self.things.index(thing))

    def toggle(self, place: int) -> None:
        """Choose an object, or drop it."""
        if place in self.dressed:
            del self.dressed[place]
            self.target = max(self.dressed, default=BACKGROUND)
        else:
            self.dressed[place] = None
            self.target = place
        self._refresh()

    async def draw(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """A box on the photo, in shares of its width and height."""
        if self.photo is None:
            return
        width, height = self.photo.size
        await self._boxed(min(x0, x1) * width, min(y0, y1) * height, max(x0, x1) * width, max(y0, y1) * height)

    async def _boxed(self, x0: float, y0: float, x1: float, y1: float) -> None:
        assert self.photo is not None
        number = 1 + len([thing for thing in self.things if thing.chosen.box is not None])
        thing = await parts.told(in_box, self.photo, (x0, y0, x1, y1), number)
        if thing is None:
            return
        self.things.append(thing)
        self.toggle(len(self.things) - 1)

    def _aim(self, place: int) -> None:
        self.target = place
        self._refresh()

    def _current(self) -> str | None:
        return self.background if self.target == BACKGROUND else self.dressed.get(self.target)

    def dress(self, style: str) -> None:
        """Give the style to what is aimed at, or take it away; what can be had at once is painted at once."""
        new = None if self._current() == style else style
        if self.target == BACKGROUND:
            self.background = new
        else:
            self.dressed[self.target] = new
        self._refresh()
        self._at_once()

    def change(self, **look: Any) -> None:
        """Another quality, strength and so on."""
        was = self.look
        self.look = replace(self.look, **look)
        (self._go_seen if self.look.quality == was.quality else self._look_seen).refresh()
        self._at_once()

    def _at_once(self) -> None:
        wish, known = self.wish, self.studio.known
        if (
            self.photo is not None
            and not self.easel.is_busy
            and wish.look.quality == "at_once"
            and not list(problems(wish, known))
        ):
            self.paint()

    def paint(self) -> None:
        """Put the wish into the queue: of the device, or for what is painted at once the short one."""
        assert self.photo is not None
        wish = possible(self.wish, self.studio.known)
        ordered = sorted(self.dressed, key=lambda place: self.things[place].chosen.index is None)
        things = [self.things[place] for place in ordered]
        photo, setup, names = self.photo, self.setup, dict(self.tab.names)
        folder = self.tab.own / f"picture_{len(self.easel.jobs)}"
        title = f"{photo.path.stem} in {', '.join(map(style_name, wish.styles))}"
        job = Job(title, lambda job: paint(wish, things, photo, setup, folder, names, job))
        self.easel.begin(job, at_once=wish.look.quality == "at_once")
        self._go_seen.refresh()  # not the sliders, one of which may be held

    def _can_be_had(self, look: Look) -> bool:
        return not list(problems(replace(self.wish, look=look), self.studio.known))

    def _ended(self) -> None:
        """What was changed while something was painted at once is painted, too."""
        self._go_seen.refresh()
        painted = self.easel.painted
        if painted is not None and painted.wish != possible(self.wish, self.studio.known):
            self._at_once()

    def refine(self, look: Look) -> None:
        """Paint the same with more time."""
        self.look = look
        self._look_seen.refresh()
        self.paint()

    def use_segmenter(self, weights: str) -> None:
        """Find objects by a network that was just trained."""
        if weights not in self.studio.segmenters:
            self.studio.segmenters.append(weights)
        self._find_by(weights)
        self._look_seen.refresh()

    def _find_by(self, weights: str) -> None:
        self.setup = self.studio.with_weights(weights)
        if self.photo is not None:
            path = self.photo.path
            ui.timer(0, lambda: self.open(path), once=True)

    # What comes in

    async def _photo_came(self, event: events.UploadEventArguments) -> None:
        path = await self._taken(event)
        if path is None:
            return
        told = settings_in(await parts.in_thread(_embedded, path))
        if told is None:
            await self.open(path)
            return
        wish, missing = wish_of(told, self.tab.find)
        self.look = (
            wish.look if self.studio.known or wish.look.quality != "at_once" else replace(wish.look, quality="quick")
        )
        self._look_seen.refresh()
        await self.open(Path(located(wish.content)) if wish.content else path, wish if wish.content else None)
        said = "The settings in this picture were read."
        if missing:
            said += f" Drop these too, then the picture again: {', '.join(dict.fromkeys(missing))}."
        ui.notify(said, type="info", multi_line=True, timeout=8000)

    async def _style_came(self, event: events.UploadEventArguments) -> None:
        path = await self._taken(event)
        if path is not None:
            self.own.append(Style(str(path), path.stem, path))
            self.dress(str(path))

    async def _taken(self, event: events.UploadEventArguments) -> Path | None:
        content = await event.file.read()
        return await parts.told(self.tab.take, event.file.name, content)

    def _refused(self) -> None:
        limit = self.studio.settings.upload_mb
        ui.notify(f"That is no picture, or has more than {limit:g} MB.", type="negative")

    def _ask(self, kind: str) -> None:
        ui.run_javascript(
            f"getElement(Number(document.querySelector('[data-uploader={kind}]').id.slice(1))).$refs.qRef.pickFiles()"
        )

    # What follows

    def _refresh(self) -> None:
        for seen in (self._photo_seen, self._choices_seen, self._go_seen):
            seen.refresh()

    def _set_drawing(self, event: events.ValueChangeEventArguments) -> None:
        self.shown.classes(**{"add" if event.value else "remove": "drawing"})

    def _told(self) -> str:
        count = len(self.things)
        found = "nobody found" if not count else f"{count} found"
        return f"Your photo, {found}. The buttons below choose what is painted."


def _same(one: Chosen, other: Chosen) -> bool:
    return (one.index, one.box) == (other.index, other.box)


def _embedded(path: Path) -> str:
    """The settings in a picture; empty where there are none, or where it is none, which who opens it says."""
    try:
        return read_settings(path) or ""
    except PochoirError:
        return ""
