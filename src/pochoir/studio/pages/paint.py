"""Paint: a photo, its objects, a style for each, how, and the picture."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from nicegui import events, ui

from pochoir.assets import PREFIX, located
from pochoir.images import write_image
from pochoir.images.overlays import within as made_smaller
from pochoir.studio.app import Studio, Style
from pochoir.studio.choices import BACKGROUND, Choices
from pochoir.studio.finding import SHOWN_SIDE, Photo, in_box, load
from pochoir.studio.jobs import Job
from pochoir.studio.outlines import overlay
from pochoir.studio.pages import controls, parts
from pochoir.studio.pages.easel import Easel
from pochoir.studio.pages.incoming import Incoming, ask_for
from pochoir.studio.painting import paint
from pochoir.studio.readback import builtin
from pochoir.studio.tabs import Tab
from pochoir.studio.wishes import Look, Wish, label_of, possible, problems, style_name

GETS = {
    "quick": "No painter knows all of these styles: Paint optimises them, by quick.",
    "finish": "Goes on from the painter's picture.",
}
"""Where what is painted differs from what was asked for."""


class PaintPart:
    """What a tab has on its easel; every change goes through a function, and the page follows."""

    def __init__(self, studio: Studio, tab: Tab) -> None:
        self.studio = studio
        self.tab = tab
        self.setup = studio.setup
        self.photo: Photo | None = None
        self.choices = Choices()
        self.look = Look(quality="at_once" if studio.known else "quick")
        self.own: list[Style] = []
        self._address = ""
        self.shown: ui.interactive_image | None = None
        self._buttons: dict[str, ui.element] = {}
        self._build()

    # What is seen

    def _build(self) -> None:
        Incoming(self.tab, self.studio, photo=self.open, style=self._add_style)
        with ui.element("div").classes("grid grid-cols-1 lg:grid-cols-[minmax(0,1fr)_380px] gap-4 w-full"):
            with ui.column().classes("gap-4 w-full min-w-0 max-lg:contents"):  # on a phone: photo, styles, how, picture
                with ui.element("div").classes("w-full order-1"):
                    self._photo_seen()
                with ui.element("div").classes("w-full order-4"):
                    self.easel = Easel(
                        self.studio, self.tab, can_be_had=self._can_be_had, refine=self.refine, ended=self._ended
                    )
            with ui.column().classes("gap-4 w-full min-w-0 max-lg:contents"):
                with ui.element("section").classes("sheet w-full order-2").props("aria-label='Styles'"):
                    parts.heading("Choose a style")
                    self._targets_seen()
                    self._strip_seen()
                with ui.element("div").classes("w-full order-3"):
                    self._look_seen()
        ui.on("picked", lambda event: self.pick(*event.args))
        ui.on("boxed", lambda event: self.draw(*event.args))

    @ui.refreshable_method
    def _photo_seen(self) -> None:
        if self.photo is None:
            controls.empty(lambda: ask_for("photo"), self.take_portrait)
            return
        with ui.element("section").classes("sheet w-full").props("aria-label='Photo'"):
            with ui.row().classes("items-center justify-between w-full mb-2 gap-2"):
                parts.heading("Click on people to choose them" if self.choices.things else "Nobody was found")
                with ui.row().classes("gap-1 items-center"):
                    self.drawing = ui.switch("Draw a box", on_change=self._set_drawing).props("dense")
                    self.drawing.tooltip("Around anything that was not found. With a mouse, just drag.")
                    parts.small("Another photo", "add_photo_alternate", lambda: ask_for("photo"))
            self.shown = ui.interactive_image(self._address, sanitize=False)
            self.shown.classes("drawable").style(parts.fitting(self.photo.size)).props["alt"] = self._told()
            self._outlined()
            self._objects_seen()
            with ui.expansion("A box by numbers").props("dense").classes("quiet mt-1"):
                controls.box_by_numbers(self.photo.size, self._boxed)

    @ui.refreshable_method
    def _objects_seen(self) -> None:
        with ui.row().classes("gap-2 mt-3").props("role=group aria-label='Objects'"):
            for place, thing in enumerate(self.choices.things):
                self._chip(place, thing.label)
            if not self.choices.things:
                ui.label("Draw a box around what is to be painted, or choose a style for all of it.").classes("quiet")

    def _chip(self, place: int, label: str) -> None:
        chosen, style = place in self.choices.dressed, self.choices.dressed.get(place)
        told = f"{label}: {label_of(style)}" if style else f"{label}: as in the photo" if chosen else label
        now = chosen and place == self.choices.target
        controls.chip(told, lambda: self.toggle(place), pressed=chosen, key=f"object-{place}", now=now)

    @ui.refreshable_method
    def _targets_seen(self) -> None:
        with ui.row().classes("gap-2 my-2 items-center").props("role=group aria-label='What gets the style'"):
            ui.label("for").classes("quiet")
            for target in self.choices.targets:
                self._target(target)

    @ui.refreshable_method
    def _strip_seen(self) -> None:
        with ui.element("div").classes("strip").props("data-drop=style role=group aria-label='Styles'"):
            for number, style in enumerate(self.studio.styles):
                self._style(style, f"/style/{number}")
            for style in self.own:
                assert style.picture is not None
                self._style(style, self.tab.show(style.picture) + "?thumbnail=1")
            controls.own_style(lambda: ask_for("style"))

    def _target(self, target: int) -> None:
        if target == BACKGROUND:
            label = "Background" if self.choices.dressed else "The whole photo"
        else:
            label = self.choices.things[target].label
        style = self.choices.style_of(target)
        told = f"{label}: {label_of(style)}" if style else label
        aimed = target == self.choices.target
        controls.chip(told, lambda: self._aim(target), pressed=aimed, key=f"target-{target}")

    def _style(self, style: Style, address: str) -> None:
        pressed = self.choices.style_of(self.choices.target) == style.value
        at_once = style.value in self.studio.known
        button = controls.style(style.label, address, lambda: self.dress(style.value), pressed=pressed, at_once=at_once)
        self._buttons[style.value] = button

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
        wish, busy = possible(self.wish, self.studio.known), self.easel.is_busy
        wrong = next(iter(problems(wish, self.studio.known)), "") if self.photo else "First comes a photo."
        go = ui.button("Paint", icon="brush", on_click=self.paint).props("no-caps unelevated color=accent")
        go.classes("w-full mt-3").set_enabled(not wrong and not busy)
        told = wrong or ("" if self.look.quality == wish.look.quality else GETS[wish.look.quality])
        if told:
            ui.label(told).classes("quiet mt-2").props("role=status")

    # What a person does

    @property
    def wish(self) -> Wish:
        """What is asked for now."""
        content = builtin(str(self.photo.path)) or str(self.photo.path) if self.photo is not None else ""
        return Wish(content, self.choices.chosen, self.choices.background, self.look)

    async def take_portrait(self) -> None:
        """The photo that comes with the project."""
        await self.open(Path(located(PREFIX + "portrait")))

    async def open(self, path: Path, wish: Wish | None = None) -> None:
        """Show a photo with its objects; wish: what is chosen of it."""
        with parts.waiting("Looking for people …"):
            photo = await parts.told(load, path, self.setup)
        if photo is None:
            return
        begun = self.choices.background if self.photo is None else None  # a style that came before the photo
        self.photo, self.choices = photo, Choices(list(photo.things), background=begun)
        shown = self.tab.own / f"shown_{len(self.tab.shown)}.png"
        await parts.in_thread(write_image, shown, made_smaller(photo.picture.on_white, SHOWN_SIDE))
        self._address = self.tab.show(shown)
        self.easel.clear(self._address, photo.size)
        ui.run_javascript("scrollTo({ top: 0 })")
        await self._photo_seen.refresh()  # with it goes the button that may have asked for this
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
                await self._boxed(*one.box)
        self.choices.take(wish)

    def pick(self, x: float, y: float) -> None:
        """A click on the photo, in shares of its width and height."""
        if self.photo is None:
            return
        width, height = self.photo.size
        if self.choices.click(x * width, y * height):
            self._refresh()

    def toggle(self, place: int) -> None:
        """Choose an object, or drop it."""
        self.choices.toggle(place)
        self._refresh()

    async def draw(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """A box on the photo, in shares of its width and height."""
        if self.photo is None:
            return
        self.drawing.set_value(False)
        width, height = self.photo.size
        await self._boxed(min(x0, x1) * width, min(y0, y1) * height, max(x0, x1) * width, max(y0, y1) * height)

    async def _boxed(self, x0: float, y0: float, x1: float, y1: float) -> None:
        assert self.photo is not None
        with parts.waiting("Looking what is in the box …"):
            thing = await parts.told(in_box, self.photo, (x0, y0, x1, y1), self.choices.drawn + 1)
        if thing is not None:
            self.choices.add(thing)
            self._refresh()

    def _aim(self, target: int) -> None:
        self.choices.target = target
        self._refresh()

    def dress(self, style: str) -> None:
        """Give the style to what is aimed at, or take it away; what can be had at once is painted at once."""
        self.choices.dress(style)
        self._refresh()
        self._at_once()

    def _add_style(self, style: Style) -> None:
        self.own.append(style)
        self._strip_seen.refresh()
        self.dress(style.value)

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
        things, photo, setup, names = self.choices.chosen_things, self.photo, self.setup, dict(self.tab.names)
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

    # What follows

    def _refresh(self) -> None:
        """The photo and the strip stay: no click on them is lost while others are answered."""
        self._outlined()
        for value, button in self._buttons.items():
            controls.press(button, self.choices.style_of(self.choices.target) == value)
        for seen in (self._objects_seen, self._targets_seen, self._go_seen):
            seen.refresh()

    def _outlined(self) -> None:
        if self.photo is not None and self.shown is not None:
            self.shown.set_content(overlay(self.choices.things, self.choices.dressed, self.photo.size))

    def _set_drawing(self, event: events.ValueChangeEventArguments) -> None:
        if self.shown is not None:
            self.shown.classes(**{"add" if event.value else "remove": "drawing"})

    def _told(self) -> str:
        count = len(self.choices.things)
        found = "nobody found" if not count else f"{count} found"
        return f"Your photo, {found}. The buttons below choose what is painted."
