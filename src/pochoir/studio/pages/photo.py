"""The photo: its objects are clicked on, chosen by their names, or found in a box."""

from collections.abc import Callable
from typing import Any

from nicegui import events, ui

from pochoir.studio.choices import Choices
from pochoir.studio.finding import Photo, in_box
from pochoir.studio.outlines import overlay
from pochoir.studio.pages import parts
from pochoir.studio.pages.incoming import Note, ask_for
from pochoir.studio.wishes import label_of


class PhotoSheet:
    """Shows a photo and its objects, and keeps in `choices` which are chosen.

    portrait: opens the photo that comes with the project. changed: called when other objects are chosen.
    """

    def __init__(self, choices: Choices, *, portrait: Callable[[], Any], changed: Callable[[], Any]) -> None:
        self.choices = choices
        self.portrait = portrait
        self.changed = changed
        self.photo: Photo | None = None
        self._address = ""
        self._note: Note | None = None
        self._image: ui.interactive_image | None = None
        self._seen()
        ui.on("picked", lambda event: self.pick(*event.args))
        ui.on("boxed", lambda event: self.draw(*event.args))

    async def show(self, photo: Photo, address: str, note: Note | None) -> None:
        """Put up a photo, which has an address, and what is to be said of it."""
        self.photo, self._address, self._note = photo, address, note
        await self._seen.refresh()  # with it goes the button that may have asked for this

    def refresh(self) -> None:
        """Show what is chosen. The photo itself stays: no click on it is lost while others are answered."""
        self._outlined()
        self._objects_seen.refresh()

    # What is seen

    @ui.refreshable_method
    def _seen(self) -> None:
        with ui.element("section").classes("sheet w-full").props("aria-label='Photo'"):
            if self.photo is None:
                self._zone_seen()
            else:
                self._photo_seen(self.photo)

    def _zone_seen(self) -> None:
        with ui.element("div").classes("zone").props("data-drop=photo"):
            ui.icon("add_photo_alternate", size="3rem").classes("text-primary")
            ui.label("Drop a photo here").classes("text-xl mt-2")
            ui.label("or paste one from the clipboard").classes("quiet mb-4")
            with ui.row().classes("gap-2 justify-center"):
                own = ui.button("Choose a photo", on_click=lambda: ask_for("photo"))
                own.props("no-caps unelevated data-key=photo")
                portrait = ui.button("Take the built-in portrait", on_click=self.portrait)
                portrait.props("no-caps outline data-key=photo")
        ui.label("Everything stays on this machine.").classes("quiet mt-3 text-center w-full")

    def _photo_seen(self, photo: Photo) -> None:
        things = self.choices.things
        count, kind = len(things), "people" if all(one.label.startswith("person") for one in things) else "objects"
        with ui.row().classes("items-center justify-between w-full mb-2 gap-2"):
            parts.heading(f"Click on {kind} to choose them" if count else "Nobody was found")
            with ui.row().classes("gap-1 items-center"):
                self.drawing = ui.switch("Draw a box", on_change=self._set_drawing).props("dense")
                self.drawing.tooltip("Around anything that was not found. With a mouse, just drag.")
                parts.small("Another photo", "add_photo_alternate", lambda: ask_for("photo")).props("data-key=photo")
        if self._note is not None:
            with ui.row().classes("items-center gap-2 mb-2"):
                self._note()
        self._image = ui.interactive_image(self._address, sanitize=False)
        self._image.classes("drawable").style(parts.fitting(photo.size))
        told = f"{count} found" if count else "nobody found"
        self._image.props["alt"] = f"Your photo, {told}. The buttons below choose what is painted."
        self._outlined()
        self._objects_seen()
        with ui.expansion("A box by numbers").props("dense").classes("quiet mt-1"):
            self._numbers_seen(*photo.size)

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
        parts.chip(told, lambda: self.toggle(place), pressed=chosen, key=f"object-{place}", now=now)

    def _numbers_seen(self, width: int, height: int) -> None:
        sides = {"left": (width, 1), "top": (height, 1), "right": (width, 3), "bottom": (height, 3)}
        with ui.row().classes("items-end gap-2"):
            numbers = [
                ui.number(name, value=most * part // 4, min=0, max=most, format="%d").props("dense outlined")
                for name, (most, part) in sides.items()
            ]
            for number in numbers:
                number.classes("w-24")

            async def told() -> None:
                if any(number.value is None for number in numbers):
                    ui.notify("A box takes all four numbers.", type="negative")
                else:
                    await self.box(*(float(number.value) for number in numbers))

            ui.button("Find the object", on_click=told).props("no-caps outline dense")

    def _outlined(self) -> None:
        if self.photo is not None and self._image is not None:
            self._image.set_content(overlay(self.choices.things, self.choices.dressed, self.photo.size))

    def _set_drawing(self, event: events.ValueChangeEventArguments) -> None:
        if self._image is not None:
            self._image.classes(**{"add" if event.value else "remove": "drawing"})

    # What a person does

    def pick(self, x: float, y: float) -> None:
        """A click on the photo, in shares of its width and height."""
        if self.photo is None:
            return
        width, height = self.photo.size
        if self.choices.click(x * width, y * height):
            self.changed()

    def toggle(self, place: int) -> None:
        """Choose an object, or drop it."""
        self.choices.toggle(place)
        self.changed()

    async def draw(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """A box on the photo, in shares of its width and height."""
        if self.photo is None:
            return
        self.drawing.set_value(False)
        width, height = self.photo.size
        await self.box(x0 * width, y0 * height, x1 * width, y1 * height)

    async def box(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Choose what is in the box between two corners in pixels, as far as it lies in the photo."""
        photo = self.photo
        assert photo is not None
        (left, right), (top, bottom) = (
            sorted(min(max(value, 0.0), float(most)) for value in values)
            for values, most in zip(((x0, x1), (y0, y1)), photo.size, strict=True)
        )
        box = left, top, right, bottom
        with parts.waiting("Looking what is in the box …"):
            thing = await parts.told(in_box, photo, box, self.choices.next_number)
        if thing is not None and self.photo is photo:  # another may have been opened meanwhile
            self.choices.add(thing)
            self.changed()
