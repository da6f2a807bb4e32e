"""Small things that all parts of the page are made of."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from html import escape
from typing import Any, TypeVar, cast

from nicegui import run, ui

from pochoir.errors import PochoirError
from pochoir.studio.tabs import by_name

T = TypeVar("T")


async def in_thread(work: Callable[..., T], *given: Any) -> T:
    """What work gives, done beside the page."""
    return cast(T, await run.io_bound(work, *given))


async def told(work: Callable[..., T], *given: Any) -> T | None:
    """The same; None where it has failed, which the page then tells in words."""
    try:
        return await in_thread(work, *given)
    except PochoirError as error:
        ui.notify(by_name(str(error)), type="negative", multi_line=True, timeout=10000, close_button="Close")
        return None


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Say what is being done, as long as it is."""
    notice = ui.notification(text, spinner=True, timeout=None)
    try:
        yield
    finally:
        notice.dismiss()


def fitting(size: tuple[int, int]) -> str:
    """Style of a picture of (width, height): no higher than most of the window."""
    return f"max-width: calc(66vh * {size[0] / size[1]:.4f}); margin-inline: auto"


def heading(text: str) -> ui.label:
    """A title that a screen reader can go to."""
    return ui.label(text).classes("heading").props("role=heading aria-level=2")


def small(text: str, icon: str, action: Callable[..., Any]) -> ui.button:
    """A button that stands back."""
    return ui.button(text, icon=icon, on_click=action).props("no-caps flat dense")


def link(text: str, icon: str, address: str) -> None:
    """A download, as a link: it works by the keyboard and with the browser's own menu."""
    ui.button(text, icon=icon).props(f'no-caps outline dense href="{address}" download type=a')


def chip(text: str, action: Callable[[], Any], *, pressed: bool, key: str, now: bool = False) -> None:
    """A button that is on or off; now: the one among those on that the next style is for."""
    with toggle("chip now" if now else "chip", action, pressed=pressed, key=key):
        ui.label(text)


def toggle(kind: str, action: Callable[[], Any], *, pressed: bool, key: str) -> ui.element:
    """A button of a kind that is on or off: see `press`. key: keeps the keyboard's place when it is drawn anew."""
    button = ui.element("button").classes(kind).on("click", action)
    button.props("type=button")
    button.props["data-key"] = key
    press(button, pressed)
    return button


def press(button: ui.element, pressed: bool) -> None:
    """Show a button as on or off."""
    button.props(f"aria-pressed={'true' if pressed else 'false'}")


def choice(label: str, options: Mapping[str, str], value: str, changed: Callable[[str], Any]) -> None:
    """One of several words."""
    made = ui.select(dict(options), value=value, label=label, on_change=lambda event: changed(event.value))
    made.props("dense outlined").classes("w-full mt-2")


def slider(name: str, value: float, bounds: tuple[float, float, float], changed: Callable[[float], None]) -> ui.element:
    """A slider with its name and its value; bounds: least, most, step. What it changes is told when it is let go.

    It is the browser's own, which keyboards and screen readers know.
    """
    least, most, step = bounds
    told = "(event) => emit(event.target.value)"
    with ui.element("label").classes("block w-full mt-2"):
        with ui.row().classes("w-full justify-between items-center"):
            ui.label(name).classes("quiet")
            shown = ui.label(f"{value:g}").classes("quiet")
        made = ui.element("input").classes("w-full").style("accent-color: #274c5e")
        made.props(f'type=range min={least:g} max={most:g} step={step:g} value={value:g} aria-label="{name}"')
        made.props(f'data-key="{name}"')
        made.on("input", lambda event: shown.set_text(f"{float(event.args):g}"), js_handler=told)
        made.on("change", lambda event: changed(float(event.args)), js_handler=told)
    return made


def enable(element: ui.element, enabled: bool) -> None:
    """Let a native element of the browser be used, or not."""
    if enabled:
        element.props(remove="disabled")
    else:
        element.props("disabled")


def uploader(kind: str, came: Callable[..., Any], refused: Callable[[], None], megabytes: float) -> None:
    """Where files of a kind come in, by a drop, the clipboard or a dialog; it is not seen itself."""
    made = ui.upload(auto_upload=True, on_upload=came, on_rejected=refused, max_file_size=round(megabytes * 1e6))
    made.props(f'accept="image/*,.heic,.heif" data-uploader={kind} aria-hidden=true tabindex=-1')
    made.classes("hidden-uploader").on("uploaded", made.reset)


def picture(address: str, label: str) -> None:
    """A picture as large as it is, or as there is room."""
    html = f'<img src="{address}" alt="{escape(label, quote=True)}" style="max-width: 100%; border-radius: 8px">'
    ui.html(html, sanitize=False)


def code(text: str) -> None:
    """Text that is to be copied, with a button that does it."""
    with ui.element("div").classes("relative w-full"):
        with ui.element("pre").classes("command").props("tabindex=0"):
            ui.label(text)
        button = ui.button(icon="content_copy", on_click=lambda: ui.clipboard.write(text))
        button.props('flat dense round size=sm aria-label="Copy"').classes("absolute top-1 right-1")
