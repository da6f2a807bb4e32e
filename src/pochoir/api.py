"""Python's way in: pictures in memory, found, painted, and painted through the stencil."""

import logging
import time
import warnings
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from pochoir.assets import located, painted_styles
from pochoir.composition.keeping import keep_map
from pochoir.composition.partial import compose, paint_regions, partial_painting
from pochoir.composition.selection import select
from pochoir.composition.stencil import cut
from pochoir.composition.stencil import find as find_as_told
from pochoir.config import PartialConfig, StylizeConfig, load_config
from pochoir.config.painting import weight_problems
from pochoir.errors import ConfigError
from pochoir.images import Picture, PictureLike, as_picture
from pochoir.inspection.progress import progress as progress_callbacks
from pochoir.segmentation.instances import Instances
from pochoir.segmentation.segmenter import Segmenter
from pochoir.stylization.guides import read_guides
from pochoir.stylization.job import Job, paint_job
from pochoir.stylization.painting import Painting


def find(
    photo: PictureLike,
    *,
    weights: str | PathLike[str] | None = None,
    score_threshold: float | None = None,
    tiles: int | None = None,
    device: str = "auto",
) -> Instances:
    """The objects of a photo, best first: `pochoir.find("photo.jpg")`.

    photo: a path, a PIL picture, an array or a tensor, see `images.as_picture`. weights: the name of a network that
    comes with the project, or a checkpoint. score_threshold: instances below are not found. None: what `partial` finds
    by, people from .5 on. tiles: pixels of overlapping tiles to look at, too, for small objects. Raises
    `PochoirError`s with plain messages.
    """
    given = {"score_threshold": score_threshold, "tiles": tiles}
    told = load_config("partial", [f"find.{name}={value}" for name, value in given.items() if value is not None]).find
    return Segmenter(weights or told.weights, device=device, score_threshold=told.score_threshold, tiles=told.tiles)(
        photo
    )


def stylize(
    content: PictureLike,
    style: PictureLike | Sequence[PictureLike],
    *,
    recipe: str | None = None,
    overrides: Sequence[str] = (),
    blend: Sequence[float] | None = None,
    progress: bool = True,
) -> Painting:
    """A photo in the style of a painting: `pochoir.stylize("photo.jpg", "painting.jpg", recipe="quick")`.

    Pictures as `images.as_picture` takes them; with `overrides=["method=painter"]` the name of a style that a painter
    knows will do. Several styles are mixed, by the weights `blend` or in equal parts.
    recipe: default, quick, fine, gatys2015. overrides: other settings, as they stand on the command line:
    `["size=512", "recipe.style_weight=3"]`. Raises `PochoirError`s with plain messages.
    """
    config: StylizeConfig = load_config("stylize", _overrides(recipe, overrides))
    _refuse(config, "content", "style", "styles", "blend")
    styles, names = _styles(style, config), _names(style)
    weights = [1.0] * len(names) if blend is None else list(blend)
    if problems := weight_problems(weights, len(names)):
        raise ConfigError(f"blend: {problems[0]}")
    shares = [weight / sum(weights) for weight in weights]
    picture = as_picture(content, "content")
    pictures = [one for one in styles if one is not None]
    keep, labels = keep_map(config.keep, picture.size), read_guides(config.guides, picture, pictures)
    return _painted(Job("painting", picture, pictures, config, shares, names, keep=keep, labels=labels), progress)


def partial(
    photo: PictureLike,
    style: PictureLike | Sequence[PictureLike],
    *,
    objects: Instances | None = None,
    background: PictureLike | None = None,
    recipe: str | None = None,
    overrides: Sequence[str] = (),
    progress: bool = True,
) -> Painting:
    """The objects of a photo painted, the rest as it was, bit for bit: `pochoir.partial("photo.jpg", "painting.jpg")`.

    objects: which ones, such as `pochoir.find(photo)[0]`; None: the people that are found, all of them or those that
    `region.…` chooses. Several styles: one for each object, in order. background: a style for the rest. Otherwise as
    `stylize`. Raises `PochoirError`s with plain messages, `DataError` where nothing is found.
    """
    started = time.perf_counter()
    config: PartialConfig = load_config("partial", _overrides(recipe, overrides))
    _refuse(config, "style", "styles", "background_style", *([] if config.found_by_name else ["content"]))
    if objects is not None:
        _refuse(config, "masks", "annotations", "box", instead="objects or this one, not both")
    picture = as_picture(photo, "photo")
    styles = _styles(style, config)
    behind = [] if background is None else [_style(background, "background", config)]
    if config.region.name == "background" and len(styles + behind) > 1:
        raise ConfigError("region=background: is painted in one style; give one, and no `background`")
    found = find_as_told(picture, config) if objects is None else objects
    if not isinstance(found, Instances):
        raise ConfigError(
            f"objects: give Instances, such as pochoir.find(photo)[0], not {type(found).__name__}; masks of your own "
            "are overrides=['masks=[mask.png]']"
        )
    chosen = select(found, config.region)
    stencil = cut(picture, found, chosen, len(styles), config, paints_background=bool(behind))
    cut_in = time.perf_counter() - started
    names = [*_names(style), *([] if background is None else _names(background))]
    patches = paint_regions(stencil, styles + behind, config, lambda job: _painted(job, progress), names)
    result = compose(stencil.photo, patches, config.suffix)
    return partial_painting(stencil, patches, result, config, cut_in)[0]


def _painted(job: Job, progress: bool) -> Painting:
    """Without Lightning's own messages, which a notebook would show at every picture."""
    logger = logging.getLogger("pytorch_lightning")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return paint_job(job, callbacks=progress_callbacks(job.name, bar=progress))
    finally:
        logger.setLevel(level)


def _overrides(recipe: str | None, overrides: Sequence[str]) -> list[str]:
    if isinstance(overrides, str):
        raise ConfigError(f"overrides: give a list of them, ['{overrides}']")
    return [*([] if recipe is None else [f"recipe={recipe}"]), *overrides]


def _refuse(config: StylizeConfig | PartialConfig, *names: str, instead: str = "it as an argument") -> None:
    """Overrides of what is given as an argument would be ignored."""
    for name in names:
        if getattr(config, name) is not None:
            raise ConfigError(f"{name}: is no override here; give {instead}")


def _styles(style: PictureLike | Sequence[PictureLike], config: StylizeConfig | PartialConfig) -> list[Picture | None]:
    several = _several(style)
    if not several:
        raise ConfigError("style: give a picture, or several")
    return [_style(one, "style", config) for one in several]


def _style(style: PictureLike, name: str, config: StylizeConfig | PartialConfig) -> Picture | None:
    """None for the name of a style, where a painter that knows it is all that is asked."""
    is_named = isinstance(style, str) and not config.measured and style in painted_styles()
    return None if is_named else as_picture(style, name)


def _names(style: PictureLike | Sequence[PictureLike]) -> list[str]:
    """What painters call styles: the stems of their files."""
    paths = [located(one) if isinstance(one, str) else one for one in _several(style)]
    return [Path(path).stem if isinstance(path, str | PathLike) else "" for path in paths]


def _several(style: PictureLike | Sequence[PictureLike]) -> Sequence[Any]:
    return style if isinstance(style, list | tuple) else [style]
