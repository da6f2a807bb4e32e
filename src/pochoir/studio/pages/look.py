"""How all is painted: time, strength, strokes, edge and colours."""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from pochoir.studio.pages import parts
from pochoir.studio.wishes import WEAKEST, Look

LABELS = {"at_once": "at once", "finish": "quick", "quick": "quick", "default": "default", "fine": "fine"}
OFFERED = ("at_once", "quick", "default", "fine")
"""Of the qualities; quick becomes finish by itself: see `wishes.possible`."""
COLOURS = {"off": "the painting's", "luminance": "the photo's", "match": "the painting's, matched to the photo"}


def look_of(look: Look, change: Callable[..., Any], *, at_once: bool) -> ui.element:
    """How all is painted; returns the slider of the strokes, which a painter does not heed.

    change: takes what is other now by its name. at_once: whether there is a painter.
    """
    qualities = {name: LABELS[name] for name in OFFERED if name != "at_once" or at_once}
    ui.label("Time it may take").classes("quiet mt-2")
    toggle = ui.toggle(qualities, value=look.quality, on_change=lambda event: change(quality=event.value))
    toggle.props("no-caps unelevated dense spread toggle-color=primary aria-label='Time it may take'").classes("w-full")
    parts.slider("Strength", look.strength, (WEAKEST, 1, 0.01), lambda to: change(strength=to))
    size = (0.25, 4.0, 0.05)
    strokes = parts.slider("Size of the strokes", look.style_scale, size, lambda to: change(style_scale=to))
    parts.slider("Soft edge, pixels", look.feather, (0, 30, 0.5), lambda to: change(feather=to))
    parts.choice("Colours", COLOURS, look.keep_colors, lambda to: change(keep_colors=to))
    return strokes
