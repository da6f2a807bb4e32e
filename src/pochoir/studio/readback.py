"""The settings inside a picture, read back: what was wished for when it was painted."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pochoir.assets import FILES, PREFIX
from pochoir.studio.wishes import QUALITIES, Chosen, Look, Quality, Setup, Wish, ordered, recipe_of, strength_of

CHOSEN = "studio.chosen"
"""Beside the settings: the objects as they were clicked on and drawn, which masks do not tell."""
Find = Callable[[str], str | None]
"""The place of a file that was named, as far as it is at hand."""


def settings_in(text: str) -> dict[str, Any] | None:
    """What `write_image` embedded, flat by name; None where it is something else."""
    try:
        told = json.loads(text)
    except ValueError:
        return None
    is_ours = isinstance(told, dict) and isinstance(told.get("content"), str) and "recipe.steps" in told
    return told if is_ours else None


def wish_of(told: Mapping[str, Any], find: Find) -> tuple[Wish, list[str]]:
    """The wish of embedded settings, and the names of files that are not at hand: nothing is painted in their place.

    find: the photo and the styles by their names; what comes with the project is found by itself.
    """
    missing: list[str] = []

    def at_hand(path: str | None) -> str | None:
        if path is None:
            return None
        found = builtin(path) or find(Path(path).name)
        if found is None:
            missing.append(Path(path).name)
        return found

    content = at_hand(told.get("content")) or ""
    styles = [at_hand(style) for style in told.get("styles") or [told.get("style")] if style]
    background = at_hand(told.get("background_style"))
    chosen = _chosen(told)
    if "region.name" not in told:  # of stylize: all of the photo
        return Wish(content, (), (styles or [None])[0], look_of(told)), missing
    if told["region.name"] == "background":
        return Wish(content, tuple(chosen), (styles or [None])[0], look_of(told)), missing
    dressed = [
        Chosen(one.index, one.box, styles[number % len(styles)] if styles else None)
        for number, one in enumerate(chosen)
    ]
    return Wish(content, tuple(dressed), background, look_of(told)), missing


def differences(told: Mapping[str, Any], setup: Setup) -> list[str]:
    """Why embedded settings do not make the same picture here, as far as files are not the reason: a sentence each."""
    found = []
    weights, size = told.get("find.weights", setup.weights), told.get("max_size", setup.size)
    chosen = _chosen(told)
    if "region.name" in told and not chosen:
        found.append("Which objects were painted is not told: choose them, and their styles.")
    if weights != setup.weights and any(one.index is not None for one in chosen):
        found.append(f"Its objects were found by {weights}, here by {setup.weights}: look whether they are those.")
    if size != setup.size:
        found.append(f"It was painted with a long side of {size} pixels at most, here {setup.size} are (size).")
    return found


def told_of(wish: Wish) -> list[Any]:
    """The objects of a wish in JSON's types, in the order of their styles."""
    return [[one.index, None if one.box is None else list(one.box)] for one in ordered(wish)]


def builtin(path: str) -> str | None:
    """`builtin:<name>` of a file that comes with the project, wherever that was installed."""
    if path.startswith(PREFIX):
        return path if path.removeprefix(PREFIX) in FILES else None
    for name, file in FILES.items():
        if Path(path).parts[-2:] == file.parts[-2:]:
            return PREFIX + name
    return None


def look_of(told: Mapping[str, Any]) -> Look:
    """How all was painted; a recipe of one's own is taken for the nearest that has a name.

    What went on from a painter's picture is `quick`, which does so where there is a painter: see `possible`.
    """
    quality = _quality(told)
    strength = (
        told.get("painter.strength", 1.0)
        if quality == "at_once"
        else strength_of(quality, told.get("recipe.content_weight", recipe_of(quality).content_weight))
    )
    return Look(
        quality="quick" if quality == "finish" else quality,
        strength=strength,
        style_scale=told.get("style_scale", Look.style_scale),
        keep_colors=told.get("keep_colors", Look.keep_colors),
        feather=told.get("region.feather", Look.feather),
    )


def _quality(told: Mapping[str, Any]) -> Quality:
    if told.get("method") == "painter":
        return "at_once"
    named = [quality for quality in QUALITIES if quality != "at_once"]
    same = [quality for quality in named if recipe_of(quality).steps == told["recipe.steps"]]
    work = {quality: sum(recipe_of(quality).steps) for quality in named}
    return (same or sorted(named, key=lambda quality: abs(work[quality] - sum(told["recipe.steps"]))))[0]


def _chosen(told: Mapping[str, Any]) -> list[Chosen]:
    if CHOSEN in told:
        return [Chosen(index, None if box is None else tuple(box)) for index, box in told[CHOSEN]]
    if told.get("box"):
        return [Chosen(box=tuple(told["box"]))]
    return [Chosen(index=index) for index in told.get("region.indices") or []]
