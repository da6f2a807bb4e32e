"""What a person wants of a photo, and the settings of the command that does it: pure functions, no page."""

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml

from pochoir.assets import PREFIX
from pochoir.config import load_config
from pochoir.config.overrides import written

Quality = Literal["at_once", "finish", "quick", "default", "fine"]
"""A painter's picture, one that goes on from it, and three that are optimised from the photo on."""
QUALITIES: tuple[Quality, ...] = ("at_once", "finish", "quick", "default", "fine")
REFINED: Mapping[Quality, Quality] = {"at_once": "quick", "finish": "default", "quick": "default", "default": "fine"}
WEAKEST = 0.01
"""Least strength: at 0 nothing is painted."""
STRENGTHS = 100.0
"""How many times the photo counts at strength 0 what it counts at strength 1, where the picture is optimised."""
GROUPS = ("recipe", "region")
"""Settings that choose a YAML."""
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Look:
    """How all is painted. strength: 0 is the photo, 1 the paint. feather: pixels that an edge is softened over."""

    quality: Quality = "at_once"
    strength: float = 1.0
    style_scale: float = 1.0
    keep_colors: Literal["off", "luminance", "match"] = "off"
    feather: float = 1.0


@dataclass(frozen=True)
class Chosen:
    """An object: by its number among those that the segmenter finds, or by a box around it in pixels of the photo.

    style: a picture, `builtin:<name>`, or the name of a style that a painter knows; None: it stays as in the photo.
    """

    index: int | None = None
    box: Box | None = None
    style: str | None = None


@dataclass(frozen=True)
class Wish:
    """A photo, the objects that are chosen of it, what paints all the rest (None: nothing), and how."""

    content: str
    chosen: tuple[Chosen, ...] = ()
    background: str | None = None
    look: Look = field(default_factory=Look)

    @property
    def styles(self) -> list[str]:
        """Each that is used, once."""
        used = [*(one.style for one in self.chosen), self.background]
        return list(dict.fromkeys(style for style in used if style is not None))

    @property
    def targets(self) -> int:
        """How many things are painted one after the other."""
        return len([one for one in self.chosen if one.style]) + (self.background is not None)


@dataclass(frozen=True)
class Setup:
    """What the whole studio was started with: see `StudioConfig`."""

    weights: str = "person"
    painter: str | None = None
    accelerator: str = "auto"
    size: int = 1024


@dataclass(frozen=True)
class Asked:
    """A task and its settings, by their names."""

    task: str
    settings: Mapping[str, Any]

    @property
    def overrides(self) -> tuple[str, ...]:
        """The settings as they stand on a command line."""
        return tuple(written(key, value) for key, value in self.settings.items())

    def command(self) -> str:
        """A line for a shell."""
        return f"pochoir {self.task} {shlex.join(self.overrides)}"

    def experiment(self) -> str:
        """A YAML: saved as experiment/picture.yaml, `pochoir <task> -cd . experiment=picture` does the same."""
        values: dict[str, Any] = {}
        chosen = []
        for key, value in self.settings.items():
            if key in GROUPS:
                chosen.append({f"override /{key}": value})
            else:
                place = values
                *sections, name = key.split(".")
                for section in sections:
                    place = place.setdefault(section, {})
                place[name] = value
        head = f"# @package _global_\n# pochoir {self.task} -cd . experiment=picture\n"
        told = {"defaults": chosen, **values} if chosen else values
        return head + yaml.safe_dump(told, sort_keys=False, allow_unicode=True)


def style_name(style: str) -> str:
    """What painters call a style: its file's name without the ending."""
    return Path(style.removeprefix(PREFIX)).stem


def label_of(style: str) -> str:
    """What the page calls a style."""
    name = style_name(style)
    return name if is_picture(style) else name.replace("_", " ")


def is_picture(style: str) -> bool:
    """Whether it can be optimised for; other styles are names that only a painter knows."""
    return style.startswith(PREFIX) or "." in style or "/" in style


def problems(wish: Wish, known: Collection[str]) -> Iterable[str]:
    """What cannot be painted as it is wished, and what to do about it.

    known: the styles that the painter knows, as they stand in wishes; a picture of one's own may have such a name, too.
    """
    if not wish.styles:
        yield "Choose a style for an object or for the background."
    kept = [one for one in wish.chosen if one.style is None]
    if kept and wish.background and len(kept) < len(wish.chosen):
        yield (
            "An object that stays as in the photo, beside one that is painted and a painted background, takes two "
            "rounds: paint the background first, then drop that picture here, and paint over it."
        )
    unknown = [label_of(style) for style in wish.styles if style not in known]
    unpainted = [label_of(style) for style in wish.styles if not is_picture(style)]
    if unknown and unpainted:
        yield (
            f"Only the painter knows {', '.join(unpainted)}, and it does not know {', '.join(unknown)}: take another "
            f"style for one of them, or drop a picture of {', '.join(unpainted)} on the styles."
        )
        return
    if wish.look.quality == "at_once" and unknown:
        yield f"No painter knows {', '.join(unknown)}: choose quick, default or fine."
    if wish.look.quality != "at_once" and unpainted:
        yield f"Only the painter knows {', '.join(unpainted)}: choose 'at once', or drop a picture of the style."
    if wish.look.quality == "at_once" and wish.look.keep_colors == "match":
        yield "A painter has learned its styles as they are: keep the photo's colours by 'luminance'."


def possible(wish: Wish, known: Collection[str]) -> Wish:
    """The wish with the quality that it gets. A painter that does not know all styles gives way to `quick`; to one that
    does, `quick` becomes `finish`, which goes on from its picture.
    """
    by_painter = set(wish.styles) <= set(known)
    changed: dict[Quality, Quality] = {"quick": "finish"} if by_painter else {"at_once": "quick"}
    quality = changed.get(wish.look.quality, wish.look.quality)
    return replace(wish, look=replace(wish.look, quality=quality))


def refined(look: Look) -> Look | None:
    """The same look, with more time; None after the last."""
    quality = REFINED.get(look.quality)
    return None if quality is None else replace(look, quality=quality)


def wants_masks(wish: Wish) -> bool:
    """Whether its objects can only be told by masks: `partial` takes numbers of what is found, or one box."""
    drawn = [one for one in wish.chosen if one.box is not None]
    return len(drawn) > 1 or 0 < len(drawn) < len(wish.chosen)


def asked_for(wish: Wish, setup: Setup, masks: Sequence[str] = ()) -> Asked:
    """The command that paints a wish without `problems`.

    masks: files with the masks of its objects, in their order, where it `wants_masks`.
    """
    chosen = ordered(wish)
    told: dict[str, Any] = {"content": wish.content}
    if not chosen:
        told["style"] = wish.background
        return Asked("stylize", told | _look(wish.look, setup))
    if all(one.style is None for one in chosen):
        told |= {"region": "background", "style": wish.background}
    else:
        styles = [one.style for one in chosen]
        alike = len(set(styles)) == 1
        told |= {"style": styles[0]} if alike else {"styles": styles}
        if wish.background is not None:
            told["background_style"] = wish.background
    if masks:
        told["masks"] = list(masks)
    elif chosen[0].box is not None:
        told["box"] = list(chosen[0].box)
    else:
        if setup.weights != Setup.weights:
            told["find.weights"] = setup.weights
        told["region.indices"] = [one.index for one in chosen]
    if wish.look.feather != Look.feather:
        told["region.feather"] = wish.look.feather
    return Asked("partial", told | _look(wish.look, setup))


def ordered(wish: Wish) -> list[Chosen]:
    """As `partial` takes them: those that were found by their numbers, then those that were drawn."""
    found = sorted((one for one in wish.chosen if one.index is not None), key=lambda one: one.index or 0)
    return [*found, *(one for one in wish.chosen if one.index is None)]


def _look(look: Look, setup: Setup) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if look.quality in ("at_once", "finish"):
        told |= {"method": "painter"} if look.quality == "at_once" else {"init": "painter"}
        if setup.painter is not None:
            told["painter.weights"] = setup.painter
    if look.quality == "at_once":
        if look.strength < 1:
            told["painter.strength"] = look.strength
    else:
        if look.quality != "default":
            told["recipe"] = look.quality
        if look.strength < 1:
            told["recipe.content_weight"] = content_weight(look.quality, look.strength)
        if look.style_scale != Look.style_scale:
            told["style_scale"] = look.style_scale
    if look.keep_colors != Look.keep_colors:
        told["keep_colors"] = look.keep_colors
    if setup.size != Setup.size:
        told["max_size"] = setup.size
    if setup.accelerator != Setup.accelerator:
        told["trainer.accelerator"] = setup.accelerator
    return told


@lru_cache
def recipe_of(quality: str) -> Any:
    """The recipe of a quality, as conf/ has it."""
    return load_config("stylize", [f"recipe={quality}"]).recipe


def content_weight(quality: str, strength: float) -> float:
    """The recipe's own at strength 1, `STRENGTHS` times that at 0, to three digits."""
    return float(f"{recipe_of(quality).content_weight * STRENGTHS ** (1 - strength):.3g}")


def strength_of(quality: str, weight: float) -> float:
    """The strength of a content weight: the other way round, to two digits."""
    from math import log

    own = recipe_of(quality).content_weight
    return round(min(1.0, max(WEAKEST, 1 - log(max(weight, 1e-9) / own) / log(STRENGTHS))), 2)


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Settings, or values of them, with files called as the person has them instead of by places on this machine."""
    if isinstance(value, Mapping):
        return {key: renamed(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [renamed(one, names) for one in value]
    return names.get(value, value) if isinstance(value, str) else value
