"""What the part Paint is made of: the empty easel, chips, styles, a box by numbers, and how all is painted."""

from collections.abc import Awaitable, Callable, Mapping
from html import escape
from typing import Any

from nicegui import ui

from pochoir.studio.pages import parts
from pochoir.studio.wishes import WEAKEST, Look

LABELS = {"at_once": "at once", "quick": "quick", "default": "default", "fine": "fine"}
COLOURS = {"off": "the painting's", "luminance": "the photo's", "match": "the painting's, matched to the photo"}
Action = Callable[[], Any]


def empty(choose: Action, take_portrait: Action) -> None:
    """Where a photo is dropped."""
    with ui.element("section").classes("sheet w-full").props("aria-label='Photo'"):
        with ui.element("div").classes("zone").props("data-drop=photo"):
            ui.icon("add_photo_alternate", size="3rem").classes("text-primary")
            ui.label("Drop a photo here").classes("text-xl mt-2")
            ui.label("or paste one from the clipboard").classes("quiet mb-4")
            with ui.row().classes("gap-2 justify-center"):
                ui.button("Choose a photo", on_click=choose).props("no-caps unelevated")
                ui.button("Take the built-in portrait", on_click=take_portrait).props("no-caps outline")
        ui.label("Everything stays on this machine.").classes("quiet mt-3 text-center w-full")


def chip(text: str, action: Action, *, pressed: bool, key: str, now: bool = False) -> None:
    """A button that is on or off. key: keeps the keyboard's place when it is drawn anew."""
    with _pressed("chip now" if now else "chip", action, pressed=pressed, key=key):
        ui.label(text)


def style(label: str, address: str, action: Action, *, pressed: bool, at_once: bool) -> ui.element:
    """A thumbnail that is chosen or not: see `press`."""
    told = f"{label} (at once)" if at_once else label
    with _pressed("style", action, pressed=pressed, key=f"style-{label}") as button:
        ui.html(f'<img src="{address}" alt="" loading="lazy"><span>{escape(label)}</span>', sanitize=False)
    for name in ("aria-label", "title"):
        button.props[name] = told
    return button


def own_style(choose: Action) -> None:
    """The last in the strip."""
    with ui.element("button").classes("style").props("type=button").on("click", choose):
        ui.html('<div class="none" aria-hidden="true">+</div>', sanitize=False)
        ui.html("<span>own picture</span>", sanitize=False)


def _pressed(kind: str, action: Action, *, pressed: bool, key: str) -> ui.element:
    button = ui.element("button").classes(kind).on("click", action)
    button.props("type=button")
    button.props["data-key"] = key
    press(button, pressed)
    return button


def press(button: ui.element, pressed: bool) -> None:
    """Show a button as on or off."""
    button.props(f"aria-pressed={'true' if pressed else 'false'}")


def box_by_numbers(size: tuple[int, int], drawn: Callable[..., Awaitable[None]]) -> None:
    """A box for who does not draw with a mouse. size: (width, height) in pixels; drawn: takes x0, y0, x1, y1."""
    width, height = size
    sides = {"left": (width, 1), "top": (height, 1), "right": (width, 3), "bottom": (height, 3)}
    with ui.row().classes("items-end gap-2"):
        numbers = [
            ui.number(name, value=most * part // 4, min=0, max=most, format="%d").props("dense outlined")
            for name, (most, part) in sides.items()
        ]
        for number in numbers:
            number.classes("w-24")

        async def told() -> None:
            await drawn(*(float(number.value or 0) for number in numbers))

        ui.button("Find the object", on_click=told).props("no-caps outline dense")


def look_of(look: Look, change: Callable[..., Any], *, at_once: bool) -> None:
    """How all is painted. change: takes what is other now by its name. at_once: whether there is a painter."""
    qualities = {name: label for name, label in LABELS.items() if name != "at_once" or at_once}
    ui.label("Time it may take").classes("quiet mt-2")
    toggle = ui.toggle(qualities, value=look.quality, on_change=lambda event: change(quality=event.value))
    toggle.props("no-caps unelevated dense spread toggle-color=primary aria-label='Time it may take'").classes("w-full")
    parts.slider("Strength", look.strength, (WEAKEST, 1, 0.01), lambda to: change(strength=to))
    scaled = look.quality != "at_once"  # a painter's strokes are as large as it has learned them
    bounds = (0.25, 4.0, 0.05)
    parts.slider("Size of the strokes", look.style_scale, bounds, lambda to: change(style_scale=to), enabled=scaled)
    parts.slider("Soft edge, pixels", look.feather, (0, 30, 0.5), lambda to: change(feather=to))
    choice("Colours", COLOURS, look.keep_colors, lambda to: change(keep_colors=to))


def choice(label: str, options: Mapping[str, str], value: str, changed: Callable[[str], Any]) -> None:
    """One of several words."""
    made = ui.select(dict(options), value=value, label=label, on_change=lambda event: changed(event.value))
    made.props("dense outlined").classes("w-full mt-2")
