"""What lies over the photo that is clicked on: outlines and numbers, as SVG in pixels of the photo as it is shown."""

from collections.abc import Collection, Sequence

from pochoir.images.overlays import instance_color
from pochoir.studio.finding import SHOWN_SIDE, Thing

THICKNESS = 1 / 350
"""Of a line, as a share of the long side."""
NUMBER = 9
"""Radius of a number's disc in thicknesses of a line."""


def overlay(things: Sequence[Thing], chosen: Collection[int], size: tuple[int, int]) -> str:
    """Every object outlined and numbered from 1; those that are chosen tinted, the others dashed.

    chosen: places in `things`. size: (width, height) of the photo in pixels.
    """
    scale = min(1.0, SHOWN_SIDE / max(size))
    thick = max(size) * scale * THICKNESS
    return "".join(
        _outlined(thing, place, place in chosen, scale, thick) + _numbered(thing, place, scale, thick)
        for place, thing in enumerate(things)
    )


def _outlined(thing: Thing, place: int, chosen: bool, scale: float, thick: float) -> str:
    red, green, blue = instance_color(place)
    width = (2.2 if chosen else 1.4) * thick / scale
    dashes = "none" if chosen else f"{6 * thick / scale:.1f} {4 * thick / scale:.1f}"
    return (
        f'<g transform="scale({scale:.6f})"><path d="{thing.outline}" fill-rule="evenodd" '
        f'fill="rgba({red},{green},{blue},{0.22 if chosen else 0.06})" stroke="rgb({red},{green},{blue})" '
        f'stroke-width="{width:.2f}" stroke-dasharray="{dashes}"/></g>'
    )


def _numbered(thing: Thing, place: int, scale: float, thick: float) -> str:
    x, y = (value * scale for value in thing.top)
    radius = NUMBER * thick
    y = max(y, 1.1 * radius)
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="#fff" stroke="#22303a" '
        f'stroke-width="{thick / 2:.2f}"/>'
        f'<text x="{x:.1f}" y="{y + 0.4 * radius:.1f}" font-size="{1.15 * radius:.1f}" text-anchor="middle" '
        f'font-family="sans-serif" fill="#22303a">{place + 1}</text>'
    )
