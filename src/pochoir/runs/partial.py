"""Partial style transfer from its typed config: photo, stencil, paint, picture, record; and that of many photos."""

import json
import logging
import time
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pochoir.composition.blending import leak
from pochoir.composition.border import fringe
from pochoir.composition.partial import Patch, compose, paint_regions, partial_painting
from pochoir.composition.selection import select
from pochoir.composition.stencil import Stencil, cut, find, segmenter_of
from pochoir.config import PartialConfig
from pochoir.errors import DataError
from pochoir.experiments.memory import PeakMemory
from pochoir.experiments.versions import versions
from pochoir.files import write_json
from pochoir.images import Picture, Pixels, pictures_at, read_picture, write_image
from pochoir.images.overlays import draw_instances, within
from pochoir.inspection.loggers import add_picture, show_config
from pochoir.inspection.stencil import five_panels
from pochoir.runs.events import all_settings, logger_in
from pochoir.runs.painting import Watch, paint_in, show_saved, unwatched
from pochoir.runs.pairs import PaintingSummary, Pair, paint_pairs, pairs_of
from pochoir.segmentation.instances import Instances
from pochoir.stylization.job import Job
from pochoir.stylization.painting import Painting

log = logging.getLogger(__name__)

SHOWN_SIDE = 2048
"""Longest side in pixels of instances.png."""
Finder = Callable[[Path], tuple[Picture, Instances]]
"""Reads a photo and finds its objects."""


def run(config: PartialConfig, folder: Path) -> float | None:
    """Paint into `folder` and return the mean loss inside the painted regions of the saved pictures.

    Raises `SomeInputsFailedError` when some of several failed.
    """
    return partials(config, folder).outcome()


def partials(
    config: PartialConfig, folder: Path, *, finder: Finder | None = None, watch: Watch = unwatched
) -> PaintingSummary:
    """Paint the chosen part of every photo in every style into `folder`: see `partial` for what each leaves behind.

    Several pictures get a folder each, a contact sheet and a table: see `paint_pairs`. The segmenter is loaded once,
    and looks at a photo once; finder: instead of it, for who has looked already. Raises `PochoirError`s with plain
    messages; for a single picture, that of the picture.
    """
    assert config.content is not None  # as the task's check has it
    contents = pictures_at(Path(config.content).expanduser(), "content")
    finder = finder or finder_of(config)

    def paint(pair: Pair) -> dict[str, Any]:
        return partial(of_pair(config, pair), pair.folder, finder, watch)

    return paint_pairs(pairs_of(contents, style_choices(config), folder), folder, paint, config.suffix)


def style_choices(config: PartialConfig) -> list[list[Path]]:
    """The styles of each picture that is made of a photo: one for all that is painted in turn, or all of `styles`."""
    first, *others = style_paths(config)
    return [[style, *others] for style in pictures_at(first, "style")] if config.style else [[first, *others]]


def of_pair(config: PartialConfig, pair: Pair) -> PartialConfig:
    """The settings of one picture."""
    style = str(pair.styles[0]) if config.style else None
    return config.model_copy(update={"content": str(pair.content), "style": style})


def finder_of(config: PartialConfig) -> Finder:
    """By one segmenter, loaded when it is asked for first; of one photo after the other, each is looked at once."""
    segmenter = cache(lambda: segmenter_of(config))

    @lru_cache(maxsize=1)
    def found(content: Path) -> tuple[Picture, Instances]:
        photo = read_picture(content)
        return photo, find(photo, config.model_copy(update={"content": str(content)}), segmenter)

    return found


def partial(
    config: PartialConfig, folder: Path, finder: Finder | None = None, watch: Watch = unwatched
) -> dict[str, Any]:
    """Paint the chosen part of a photo into `folder`; returns what its metrics.json holds.

    Writes result.png (or another `suffix`), figure.png (photo, style, paint, stencil, picture), instances.png
    (numbered), alpha.png, keep.png (where more of the photo is kept), metrics.json, what its logger writes, and a
    folder for each thing that is painted: see `paint_in`. A run that was broken off is continued. Raises
    `PochoirError`s with plain messages; where nothing is chosen, instances.png shows what was found.
    """
    started = time.perf_counter()
    paths = style_paths(config)
    styles = [read_picture(path) if path.exists() or not config.at_once else None for path in paths]
    assert config.content is not None  # as the task's check has it
    with PeakMemory() as memory:
        photo, instances = (finder or finder_of(config))(Path(config.content).expanduser())
        overlay = _show_instances(photo, instances, config, folder)
        chosen = choose(instances, config, folder)
        on_all = config.background_style is not None
        stencil = cut(photo, instances, chosen, len(styles) - on_all, config, paints_background=on_all)
        write_image(folder / "alpha.png", np.rint(stencil.alpha * 255).astype(np.uint8))
        if stencil.keep is not None:
            write_image(folder / "keep.png", np.rint(stencil.keep * 255).astype(np.uint8))
        cut_in = time.perf_counter() - started
        names = [path.stem for path in paths]
        patches = paint_regions(
            stencil, styles, config, lambda job: paint_in(_place(folder, job, paths), job, watch)[0], names
        )
        result = compose(stencil.photo, patches, config.suffix)
        painting, regions = partial_painting(stencil, patches, result, config, cut_in)
    for region in regions:
        region["style"] = str(paths[region["style"]])
    metrics = _metrics(config, stencil, painting, regions, memory.gigabytes)
    _record(config, stencil, patches, painting, styles, overlay, metrics, folder)
    return metrics


def style_paths(config: PartialConfig) -> list[Path]:
    """The files of the styles that regions name by their numbers, that of the background last."""
    given = config.styles or [config.style or ""]
    background = [config.background_style] if config.background_style else []
    return [Path(style).expanduser() for style in (*given, *background)]


def choose(instances: Instances, config: PartialConfig, folder: Path) -> list[int]:
    """Numbers of the chosen instances; raises `DataError` that lists all and says where they are drawn."""
    try:
        return select(instances, config.region)
    except DataError as error:
        overlay = folder / "instances.png"
        raise DataError(f"{config.content}: {error}\nEvery instance with its number: {overlay}") from None


def _show_instances(photo: Picture, instances: Instances, config: PartialConfig, folder: Path) -> Pixels:
    """Of large photos a smaller picture: numbers are as large on all, and who looks for one waits."""
    seen = within(photo.on_white, SHOWN_SIDE)
    size = seen.shape[1::-1]
    masks = (cv2.resize(mask, size, interpolation=cv2.INTER_AREA) for mask in instances.masks.numpy())
    solid = (mask >= config.region.mask_threshold for mask in masks)
    overlay = draw_instances(seen, solid, instances.captions())
    write_image(folder / "instances.png", overlay)
    return overlay


def _place(folder: Path, job: Job, paths: Sequence[Path]) -> Path:
    if job.region is not None:
        return folder / "regions" / job.name
    number = int(job.name.rpartition("_")[2])
    same = [path.stem for path in paths].count(paths[number].stem) > 1
    return folder / "styled" / (f"{paths[number].stem}_{number}" if same else paths[number].stem)


def _metrics(
    config: PartialConfig, stencil: Stencil, painting: Painting, regions: list[dict[str, Any]], gigabytes: float
) -> dict[str, Any]:
    height, width = stencil.photo.size
    photo = stencil.photo.on_white if config.suffix == ".jpg" else stencil.photo.pixels
    shown = Picture(painting.pixels, painting.alpha).on_white
    errors = {"style_error": painting.style_error, "content_error": painting.content_error}
    return {
        **({"loss": painting.loss, **errors} if config.measured else {}),
        "regions": regions,
        "area": float(stencil.alpha.mean()),
        "leak": leak(photo, painting.pixels, stencil.alpha),
        "border": stencil.border | {"fringe": fringe(shown, [region.alpha for region in stencil.regions])},
        "method": config.method,
        "seconds": round(painting.seconds, 2),
        "peak_memory_gb": gigabytes,
        "size": {"height": height, "width": width},
        "notes": list(painting.notes),
        "versions": versions(),
    }


def _record(
    config: PartialConfig,
    stencil: Stencil,
    patches: Sequence[Patch],
    painting: Painting,
    styles: Sequence[Picture | None],
    overlay: Pixels,
    metrics: dict[str, Any],
    folder: Path,
) -> None:
    """The picture, the figure, both logged beside settings and scores, and metrics.json."""
    path = folder / f"result{config.suffix}"
    write_image(path, painting.pixels, alpha=painting.alpha, settings=json.dumps(all_settings(config)))
    used = [styles[number] for number in dict.fromkeys(patch.region.style for patch in patches)]
    shown = [style.on_white for style in used if style is not None]
    figure = five_panels(stencil.photo.on_white, shown, painting.paint, stencil.alpha, painting.pixels)
    write_image(folder / "figure.png", figure)
    logger = logger_in(folder, config.logger)
    for name, picture in (("figure", figure), ("instances", overlay), ("result", painting.pixels)):
        add_picture(logger, name, picture, 0)
    grey = np.rint(stencil.alpha[..., None] * 255).astype(np.uint8).repeat(3, axis=2)
    add_picture(logger, "alpha", grey, 0)
    show_config(logger, config)
    if config.measured:
        show_saved(logger, folder, config, metrics)
    write_json(folder / "metrics.json", metrics)
    log.info("%s: photo, style, paint, stencil, picture", folder / "figure.png")
    log.info(
        "%s: %.0f %% of the photo painted in %.1f s, %s%d pixels outside changed",
        path,
        100 * metrics["area"],
        painting.seconds,
        f"style error inside {painting.style_error:.4f}, " if config.measured else "",
        metrics["leak"]["changed_pixels"],
    )
