"""Partial style transfer from its typed config: photo, stencil, paint, picture."""

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from pochoir.composition.blending import composite, harmonized, leak
from pochoir.composition.crops import Crop, crop_around, whole
from pochoir.composition.regions import BACKGROUND, Region
from pochoir.config import PartialConfig
from pochoir.experiments.versions import versions
from pochoir.files import write_json
from pochoir.images import Picture, read_picture, read_rgb, to_pixels, to_tensor, write_image
from pochoir.images.overlays import fit_height
from pochoir.images.resizing import resize
from pochoir.inspection.stencil import five_panels
from pochoir.inspection.tensorboard import event_logger, log_outcome, show_config
from pochoir.runs.paint import paint, peak_memory
from pochoir.runs.painting_job import Job, settings_of
from pochoir.runs.painting_setup import subject_of
from pochoir.runs.stencil import Stencil, cut_stencil
from pochoir.runs.workshop import Workshop, open_workshop
from pochoir.stylization.colors import luminance
from pochoir.stylization.scoring import scores

COARSEST = 64
"""Pixels: a crop has no level with a long side much below, however small it is in its photo."""


@dataclass(frozen=True)
class Patch:
    """A painted region: where it lies in the photo, its paint there `[h, w, 3]` uint8, and what painting it took."""

    region: Region
    crop: Crop
    paint: np.ndarray
    job: Job
    metrics: dict[str, Any]


def partial(config: PartialConfig, folder: Path) -> dict[str, Any]:
    """Paint the chosen part of a photo into `folder`; returns what its metrics.json holds.

    Writes result.png (or another `suffix`), figure.png (photo, style, paint, stencil, picture), instances.png
    (numbered), alpha.png, metrics.json, event files, and a folder for each thing that is painted: see `paint`. A run
    that was broken off is continued. Raises `PochoirError`s with plain messages; where nothing is chosen, instances.png
    shows what was found.
    """
    console = Console(highlight=False, soft_wrap=True)
    started = time.perf_counter()
    photo = read_picture(Path(config.content).expanduser())
    stencil = cut_stencil(config, photo, folder)
    write_image(folder / "alpha.png", np.rint(stencil.alpha * 255).astype(np.uint8))
    workshop = open_workshop(config)
    try:
        patches = [_painted(config, region, stencil.photo, workshop, folder) for region in stencil.regions]
    except SystemExit:  # Lightning's answer to Ctrl-C
        console.print(f"Interrupted; continue with hydra.run.dir={folder}")
        raise
    pixels = stencil.photo.pixels
    result = composite(pixels, [(patch.crop, patch.paint, patch.crop.of(patch.region.alpha)) for patch in patches])
    path = folder / f"result{config.suffix}"
    alpha = stencil.photo.alpha if config.suffix != ".jpg" else None
    settings = settings_of(config, Job("", Path(config.content), tuple(r.style for r in stencil.regions), (), folder))
    write_image(path, result, alpha=alpha, settings=json.dumps(settings))
    saved = read_picture(path).pixels

    metrics: dict[str, Any] = {
        "regions": [_judged(config, patch, saved, workshop) for patch in patches],
        "area": float(stencil.alpha.mean()),
        "leak": leak(pixels, saved, stencil.alpha),
        "border": stencil.border,
        "method": config.method,
        "seconds": round(time.perf_counter() - started, 2),
        "peak_memory_gb": round(peak_memory() / 1e9, 2),
        "size": {"height": pixels.shape[0], "width": pixels.shape[1]},
        "notes": [note for patch in patches for note in patch.metrics["notes"]],
        "versions": versions(),
    }
    for kind in ("style_error", "content_error"):
        metrics[kind] = float(np.mean([region[kind] for region in metrics["regions"]]))
    metrics["loss"] = sum(
        weight * metrics[f"{kind}_error"]
        for kind, weight in (("style", config.recipe.style_weight), ("content", config.recipe.content_weight))
    )
    _show(config, stencil, patches, saved, settings, metrics, folder)
    write_json(folder / "metrics.json", metrics)
    console.print(f"{folder / 'figure.png'}: photo, style, paint, stencil, picture")
    console.print(
        f"{path}: {metrics['area']:.0%} of the photo painted in {metrics['seconds']:.1f} s, style error inside "
        f"{metrics['style_error']:.4f}, {metrics['leak']['changed_pixels']} pixels outside changed"
    )
    return metrics


def _painted(config: PartialConfig, region: Region, photo: Picture, workshop: Workshop, folder: Path) -> Patch:
    """Paint a region on a crop of its own (or take its part of the whole photo, styled), and fit it to the photo."""
    full = (photo.pixels.shape[0], photo.pixels.shape[1])
    shrunk = min(1.0, config.max_size / max(full))
    margin = round(config.region.margin / shrunk)
    pasted = config.method == "paste"
    crop = crop_around(region.alpha, margin) if config.region.crop and not pasted else whole(full)
    place = folder / "regions" / region.name
    write_image(place / "content.png", np.ascontiguousarray(crop.of(photo.pixels)))
    write_image(place / "region.png", np.rint(crop.of(region.alpha) * 255).astype(np.uint8))
    judged = Job(region.name, place / "content.png", (region.style,), (1.0,), place, place / "region.png")
    side = max(round(max(crop.size) * shrunk), config.region.min_side if crop.size != full else 0)
    # the levels of a crop are those of the photo that it is cut from: it gets as many evaluations, and costs its share
    share = max(crop.size) / max(full)
    coarsest = max(min(COARSEST, config.recipe.coarsest), round(config.recipe.coarsest * share))
    settings = replace(config, size=side, suffix=".png", recipe=replace(config.recipe, coarsest=coarsest))
    if pasted:
        job = replace(judged, name=region.style.stem, folder=folder / "styled" / region.style.stem, region=None)
        metrics = paint(settings, job, workshop)
        painted = read_rgb(job.folder / "result.png")
    else:
        metrics = paint(settings, judged, workshop)
        painted = read_rgb(place / "paint.png")
    painted = to_pixels(resize(to_tensor(painted)[None], crop.size)[0])
    if config.harmonize == "poisson" and region.name != BACKGROUND:
        painted = harmonized(painted, crop.of(photo.pixels), crop.of(region.alpha))
    return Patch(region, crop, painted, judged, metrics)


def _judged(config: PartialConfig, patch: Patch, saved: np.ndarray, workshop: Workshop) -> dict[str, Any]:
    """Errors inside a region of the saved picture, at the size that was painted, by the float32 encoder."""
    size = (patch.metrics["size"]["height"], patch.metrics["size"]["width"])
    subject = subject_of(config, patch.job, read_picture(patch.job.content), size).at(size)
    image = resize(to_tensor(np.ascontiguousarray(patch.crop.of(saved)))[None], size)
    if config.keep_colors == "luminance":
        image = luminance(image)
    device = workshop.device
    errors = scores(image.to(device), workshop.encoder.to(device), subject.to(device), config.encoder)
    return {
        "name": patch.region.name,
        "instances": list(patch.region.instances),
        "style": str(patch.region.style),
        "area": float(patch.region.alpha.mean()),
        "crop": list(patch.crop),
        "painted": patch.metrics["size"],
        **errors,
        "evaluations": patch.metrics["evaluations"],
        "seconds": patch.metrics["seconds"],
    }


def _show(
    config: PartialConfig,
    stencil: Stencil,
    patches: list[Patch],
    saved: np.ndarray,
    settings: dict[str, Any],
    metrics: dict[str, Any],
    folder: Path,
) -> None:
    """The figure, and all pictures in TensorBoard beside the settings and scores."""
    styles = [read_rgb(style) for style in dict.fromkeys(region.style for region in stencil.regions)]
    painted = patches[0].paint if len(patches) == 1 else _laid_out(patches, saved)
    figure = five_panels(stencil.photo.pixels, styles, painted, stencil.alpha, saved)
    write_image(folder / "figure.png", figure)
    logger = event_logger(folder)
    writer = logger.experiment
    pictures = {"figure": figure, "instances": read_rgb(folder / "instances.png"), "result": saved}
    for name, picture in pictures.items():
        writer.add_image(name, fit_height(picture, min(picture.shape[0], 1024)), 0, dataformats="HWC")
    writer.add_image("alpha", stencil.alpha, 0, dataformats="HW")
    show_config(writer, config)
    outcome = {f"saved/{name}": metrics[name] for name in ("loss", "style_error", "content_error", "seconds")}
    log_outcome(logger, folder, settings, outcome)


def _laid_out(patches: list[Patch], picture: np.ndarray) -> np.ndarray:
    """All paint in its place on white; where crops overlap, that of the front one."""
    sheet = np.full_like(picture, 255)
    for patch in reversed(patches):
        patch.crop.of(sheet)[:] = patch.paint
    return sheet
