"""Partial style transfer in memory: a photo and its stencil become a picture that is painted where the stencil lets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from pochoir.composition.blending import composite, covered, unpainted
from pochoir.composition.crops import Crop, crop_around, margin_at, whole
from pochoir.composition.regions import Region
from pochoir.composition.stencil import Stencil
from pochoir.config import PartialConfig
from pochoir.devices import device_of
from pochoir.images import Picture, Pixels, to_pixels, to_tensor
from pochoir.images.files import as_saved
from pochoir.images.resizing import resize
from pochoir.stylization.guides import LabelPictures, read_guides
from pochoir.stylization.job import Job, encoder_of, paint_job
from pochoir.stylization.painting import Painting, judged

COARSEST = 64
"""Pixels: a crop has no level with a long side much below, however small it is in its photo."""

PaintJob = Callable[[Job], Painting]


@dataclass(frozen=True, eq=False)
class Patch:
    """A painted region: where it lies in the photo, its paint there `[h, w, 3]` uint8, and how that came about."""

    region: Region
    crop: Crop
    paint: Pixels
    job: Job
    painting: Painting


def paint_regions(
    stencil: Stencil,
    styles: Sequence[Picture | None],
    config: PartialConfig,
    paint: PaintJob = paint_job,
    style_names: Sequence[str] = (),
) -> list[Patch]:
    """Paint every region of a stencil; styles: those that the regions name by their numbers, the background's last.

    A style that only painters know is None. paint: paints a job, say in a folder where it can be continued.
    style_names: what painters call the styles.
    """

    def named(job: Job, style: int) -> Job:
        return replace(job, style_names=style_names[style : style + 1])

    labels = read_guides(config.guides, stencil.photo, [style for style in styles if style is not None])
    style_whole = lru_cache(lambda style: paint(named(_job_of_photo(stencil, styles, style, config, labels), style)))
    # all of them first: what is too small is told before anything is painted
    jobs = [_job_of_region(stencil, region, styles, config, labels) for region in stencil.regions]
    patches = []
    for region, (job, crop) in zip(stencil.regions, jobs, strict=True):
        painting = style_whole(region.style) if config.method == "paste" else paint(named(job, region.style))
        paint_ = to_pixels(resize(to_tensor(painting.paint)[None], crop.size)[0])
        patches.append(Patch(region, crop, paint_, job, painting))
    return patches


def compose(photo: Picture, patches: Sequence[Patch], suffix: str) -> Pixels:
    """The photo with all paint laid over it, as a file of this ending has it: a JPEG on white, where it is transparent.

    Where no region is, it is the photo bit for bit, or what JPEG makes of it. Where paint covers a part of a pixel, the
    rest of it is in the colour of what is not painted.
    """
    painted = np.minimum(np.sum([patch.region.alpha for patch in patches], axis=0), 1)
    ground = np.where(painted[..., None] > 0, unpainted(photo.filled, painted), photo.pixels)
    layers = [(patch.crop, patch.paint, patch.crop.of(patch.region.alpha)) for patch in patches]
    picture = Picture(composite(ground, layers), photo.alpha)
    return as_saved(picture.on_white if suffix == ".jpg" else picture.pixels, suffix)


def scored(shown: Pixels, patch: Patch) -> dict[str, float]:
    """Errors inside a region of a picture as it is shown, at the size that was painted, by the float32 encoder."""
    config = patch.job.config
    size = (patch.painting.paint.shape[0], patch.painting.paint.shape[1])
    part = resize(to_tensor(patch.crop.of(shown))[None], size)
    encoder = encoder_of(config.encoder)
    there = encoder.cast(encoder.dtype, device_of(config.trainer.accelerator))
    subject, tile = patch.job.subject().fitted(size), patch.painting.tile
    return judged(part, subject, there, config.encoder, config.recipe, tile)[1]


def partial_painting(
    stencil: Stencil, patches: Sequence[Patch], saved: Pixels, config: PartialConfig, cut_in: float
) -> tuple[Painting, list[dict[str, Any]]]:
    """The finished picture with the means of its regions' errors, and what is to tell of each region.

    Where the config has nothing measured there are no errors: those of the picture are NaN, and its losses empty.
    cut_in: seconds that the stencil took, to which painting's are added.
    """
    alpha = None if config.suffix == ".jpg" else stencil.photo.alpha
    shown = Picture(saved, alpha).filled
    regions = [
        {
            "name": patch.region.name,
            "instances": list(patch.region.instances),
            "style": patch.region.style,
            "area": float(patch.region.alpha.mean()),
            "crop": list(patch.crop),
            "painted": {"height": patch.painting.paint.shape[0], "width": patch.painting.paint.shape[1]},
            **(scored(shown, patch) if config.measured else {}),
            "evaluations": patch.painting.evaluations,
            "seconds": round(patch.painting.seconds, 2),
        }
        for patch in patches
    ]
    style, content = (
        float(np.mean([region.get(f"{kind}_error", np.nan) for region in regions])) for kind in ("style", "content")
    )
    losses = {"style": config.recipe.style_weight * style, "content": config.recipe.content_weight * content}
    painting = Painting(
        pixels=saved,
        paint=laid_out(patches, saved),
        losses=losses if config.measured else {},
        style_error=style,
        content_error=content,
        evaluations=sum(patch.painting.evaluations for patch in patches),
        seconds=cut_in + sum({id(patch.painting): patch.painting.seconds for patch in patches}.values()),
        notes=tuple(_of_part(patch, note, len(patches)) for patch in patches for note in patch.painting.notes),
        alpha=alpha,
    )
    return painting, regions


def _of_part(patch: Patch, note: str, count: int) -> str:
    """A note of one of several regions says which it is of."""
    name = f"{patch.region.name}: "
    return note if count == 1 or note.startswith(name) else name + note


def laid_out(patches: Sequence[Patch], picture: Pixels) -> Pixels:
    """All paint in its place on white; where crops overlap, that of the front one."""
    if len(patches) == 1:
        return patches[0].paint
    sheet = np.full_like(picture, 255)
    for patch in reversed(patches):
        patch.crop.of(sheet)[:] = patch.paint
    return sheet


def _job_of_region(
    stencil: Stencil,
    region: Region,
    styles: Sequence[Picture | None],
    config: PartialConfig,
    labels: LabelPictures | None,
) -> tuple[Job, Crop]:
    """What is painted for a region: a crop of its own."""
    photo = stencil.photo
    shrunk = min(1.0, config.max_size / max(photo.size))
    cropped = config.region.crop and config.method == "region"
    crop = crop_around(region.alpha, margin_at(photo.size, config.region, config.max_size)) if cropped else None
    crop = crop or whole(photo.size)
    side = max(round(max(crop.size) * shrunk), config.region.min_side if crop.size != photo.size else 0)
    # the levels of a crop are those of the photo that it is cut from: it gets as many evaluations, and costs its share
    share = max(crop.size) / max(photo.size)
    coarsest = max(min(COARSEST, config.recipe.coarsest), round(config.recipe.coarsest * share))
    recipe = config.recipe.model_copy(update={"coarsest": coarsest})
    settings = config.model_copy(update={"size": side, "suffix": ".png", "recipe": recipe})
    alpha = np.rint(crop.of(region.alpha) * 255).astype(np.float32) / 255
    opacity = None if photo.alpha is None else np.ascontiguousarray(crop.of(photo.alpha))
    content = Picture(covered(np.ascontiguousarray(crop.of(photo.filled)), alpha), opacity, photo.name)
    keep = None if stencil.keep is None else np.ascontiguousarray(crop.of(stencil.keep))
    seen = None if labels is None else labels.of(region.style, *crop.slices)
    box = crop.left, crop.top, crop.right, crop.bottom
    pictures = _pictures(styles[region.style])
    job = Job(region.name, content, pictures, settings, region=alpha, keep=keep, labels=seen, box=box)
    return job, crop


def _job_of_photo(
    stencil: Stencil, styles: Sequence[Picture | None], style: int, config: PartialConfig, labels: LabelPictures | None
) -> Job:
    """The whole photo in a style, for `method=paste`."""
    photo = stencil.photo
    side = round(max(photo.size) * min(1.0, config.max_size / max(photo.size)))
    settings = config.model_copy(update={"size": side, "suffix": ".png"})
    seen = None if labels is None else labels.of(style, *whole(photo.size).slices)
    return Job(f"style_{style}", photo, _pictures(styles[style]), settings, keep=stencil.keep, labels=seen)


def _pictures(style: Picture | None) -> list[Picture]:
    return [] if style is None else [style]
