"""The stencil of a photo: find its objects, choose some, fit their edges, and say what is painted in which style."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pochoir.composition.border import boundary_f, edge_agreement
from pochoir.composition.edges import Alpha, alpha_of, predicted_radius
from pochoir.composition.regions import Region, background_region, object_regions
from pochoir.composition.selection import select
from pochoir.composition.stencils import from_box, from_coco, from_masks
from pochoir.config import PartialConfig
from pochoir.errors import DataError
from pochoir.images import Picture, to_pixels, to_tensor, write_image
from pochoir.images.resizing import fit, resize
from pochoir.inspection.stencil import numbered
from pochoir.segmentation.instances import Instances
from pochoir.segmentation.segmenter import Predictor, choose_device

GIVEN_RADIUS = 2.0
"""Pixels that the edge of a given mask may move."""


@dataclass(frozen=True)
class Stencil:
    """A photo, at the size of the result, and the regions of it that are painted.

    alpha: of all regions together, `[H, W]`. border: how good the edge is, see `composition.border`.
    """

    photo: Picture
    regions: list[Region]
    alpha: Alpha
    border: dict[str, float]


def cut_stencil(config: PartialConfig, photo: Picture, folder: Path) -> Stencil:
    """Find, choose and refine; writes instances.png, with every instance numbered, into `folder`.

    Raises `DataError` when nothing is chosen, with a list of what was found.
    """
    instances = find(config, photo)
    overlay = folder / "instances.png"
    solid = (instances.masks >= config.region.mask_threshold).numpy()
    write_image(overlay, numbered(photo.pixels, solid, instances.scores.tolist()))
    try:
        chosen = select(instances, config.region)
    except DataError as error:
        raise DataError(f"{config.content}: {error}\nEvery instance with its number: {overlay}") from None
    radii = [_radius(config, instances, index) for index in chosen]
    masks = [instances.masks[index].numpy() for index in chosen]
    truth = from_masks([Path(config.truth).expanduser()], masks[0].shape).masks.numpy() if config.truth else None
    if config.size is not None and config.size != max(masks[0].shape):
        factor = config.size / max(masks[0].shape)
        size = fit((masks[0].shape[0], masks[0].shape[1]), config.size)
        photo, radii = _resized(photo, size), [radius * factor for radius in radii]
        masks = [_resized_mask(mask, size) for mask in masks]
        truth = None if truth is None else np.stack([_resized_mask(mask, size) for mask in truth])
    alphas = [
        alpha_of(mask, photo.pixels, config.region, radius=radius) for mask, radius in zip(masks, radii, strict=True)
    ]
    regions = _regions(config, alphas, chosen, photo)
    alpha = np.minimum(np.sum([region.alpha for region in regions], axis=0), 1).astype(np.float32)
    objects, unrefined = np.maximum.reduce(alphas) >= 0.5, np.maximum.reduce(masks) >= config.region.mask_threshold
    border = {
        "edge_agreement": edge_agreement(objects, photo.pixels),
        "edge_agreement_unrefined": edge_agreement(unrefined, photo.pixels),
    }
    if truth is not None:
        known = truth.max(axis=0) >= 0.5
        border |= {"boundary_f": boundary_f(objects, known), "boundary_f_unrefined": boundary_f(unrefined, known)}
    return Stencil(photo, regions, alpha, border)


def find(config: PartialConfig, photo: Picture) -> Instances:
    """All instances of a photo, from whichever source the config names, at the photo's size."""
    size = (photo.pixels.shape[0], photo.pixels.shape[1])
    if config.masks is not None:
        return from_masks([Path(mask).expanduser() for mask in config.masks], size)
    if config.annotations is not None:
        return from_coco(Path(config.annotations).expanduser(), Path(config.content).expanduser(), size)
    if config.box is not None:
        return from_box(config.box, photo.pixels)
    assert config.segmenter.ckpt is not None  # as the config's check has it
    accelerator = {"gpu": "cuda"}.get(config.trainer.accelerator, config.trainer.accelerator)
    predictor = Predictor.from_checkpoint(
        Path(config.segmenter.ckpt).expanduser(),
        device=choose_device(accelerator),
        score_threshold=config.segmenter.score_threshold,
    )
    return predictor(to_tensor(photo.pixels))


def _regions(config: PartialConfig, alphas: list[Alpha], chosen: list[int], photo: Picture) -> list[Region]:
    styles = [Path(style).expanduser() for style in config.styles or [config.style or ""]]
    if config.region.name == "background":
        return [background_region(alphas, styles[0])]
    assigned = config.assign or [index % len(styles) for index in range(len(chosen))]
    if len(assigned) != len(chosen):
        raise DataError(f"assign: {len(assigned)} styles for {len(chosen)} chosen instances, {chosen}")
    margin = round(config.region.margin / min(1.0, config.max_size / max(photo.pixels.shape)))
    regions = object_regions(alphas, chosen, [styles[index] for index in assigned], margin=margin)
    if config.background_style:
        regions.append(background_region(alphas, Path(config.background_style).expanduser()))
    return regions


def _radius(config: PartialConfig, instances: Instances, index: int) -> float:
    if config.region.radius is not None:
        return config.region.radius
    if instances.cells is None:
        return GIVEN_RADIUS
    return predicted_radius(instances.boxes[index].tolist(), instances.cells)


def _resized(photo: Picture, size: tuple[int, int]) -> Picture:
    pixels = to_pixels(resize(to_tensor(photo.pixels)[None], size)[0])
    return Picture(pixels, None if photo.alpha is None else cv2.resize(photo.alpha, size[::-1]).astype(np.uint8))


def _resized_mask(mask: np.ndarray, size: tuple[int, int]) -> Alpha:
    return cv2.resize(mask.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA).astype(np.float32)
