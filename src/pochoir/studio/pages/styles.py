"""The styles: a strip of them, and what gets the one that is chosen."""

from collections.abc import Callable
from html import escape
from typing import Any

from nicegui import ui

from pochoir.studio.choices import BACKGROUND, Choices
from pochoir.studio.pages import parts
from pochoir.studio.pages.incoming import ask_for
from pochoir.studio.state import Studio, Style
from pochoir.studio.tabs import Tab
from pochoir.studio.wishes import label_of


class StyleStrip:
    """Shows what can get a style, and all styles that there are.

    dress: gives a style to what is aimed at. changed: called when something else is aimed at. can_paint: whether a
    style can be had in the time that is chosen.
    """

    def __init__(
        self,
        studio: Studio,
        tab: Tab,
        choices: Choices,
        *,
        dress: Callable[[str], Any],
        changed: Callable[[], Any],
        can_paint: Callable[[Style], bool],
    ) -> None:
        self.studio = studio
        self.tab = tab
        self.choices = choices
        self.dress = dress
        self.changed = changed
        self.can_paint = can_paint
        self.own: list[Style] = []
        self._buttons: dict[str, tuple[Style, ui.element]] = {}
        with ui.element("section").classes("sheet w-full").props("aria-label='Styles'"):
            parts.heading("Choose a style for")
            self._targets_seen()
            self._strip_seen()

    def add(self, style: Style) -> None:
        """A picture of one's own."""
        self.own.append(style)
        self._strip_seen.refresh()

    def refresh(self) -> None:
        """Show what is chosen. The strip itself stays: no click on it is lost while others are answered."""
        for style, button in self._buttons.values():
            parts.press(button, self._is_chosen(style.value))
            button.classes(**{"remove" if self.can_paint(style) else "add": "dim"})
        self._targets_seen.refresh()

    @ui.refreshable_method
    def _targets_seen(self) -> None:
        with ui.row().classes("gap-2 my-2 items-center").props("role=group aria-label='What gets the style'"):
            for target in self.choices.targets:
                self._target(target)

    def _target(self, target: int) -> None:
        if target == BACKGROUND:
            label = "Background" if self.choices.dressed else "The whole photo"
        else:
            label = self.choices.things[target].label
        style = self.choices.style_of(target)
        told = f"{label}: {label_of(style)}" if style else label
        aimed = target == self.choices.target
        parts.chip(told, lambda: self.aim(target), pressed=aimed, key=f"target-{target}")

    @ui.refreshable_method
    def _strip_seen(self) -> None:
        with ui.element("div").classes("strip").props("data-drop=style role=group aria-label='Styles'"):
            for number, style in enumerate(self.studio.styles):
                self._style(style, f"/style/{number}")
            for style in self.own:
                assert style.picture is not None
                self._style(style, self.tab.show(style.picture) + "?thumbnail=1")
            with ui.element("button").classes("style").props("type=button").on("click", lambda: ask_for("style")):
                ui.html('<div class="none" aria-hidden="true">+</div>', sanitize=False)
                ui.html("<span>own picture</span>", sanitize=False)

    def _style(self, style: Style, address: str) -> None:
        key, pressed = f"style-{style.label}", self._is_chosen(style.value)
        with parts.toggle("style", lambda: self.dress(style.value), pressed=pressed, key=key) as button:
            ui.html(f'<img src="{address}" alt="" loading="lazy"><span>{escape(style.label)}</span>', sanitize=False)
        known = " (at once)" if style.value in self.studio.known else ""
        for name in ("aria-label", "title"):
            button.props[name] = style.label + (" (at once only)" if style.picture is None else known)
        self._buttons[style.value] = style, button

    def _is_chosen(self, style: str) -> bool:
        return self.choices.style_of(self.choices.target) == style

    def aim(self, target: int) -> None:
        """Say what the next style is for."""
        self.choices.target = target
        self.changed()
