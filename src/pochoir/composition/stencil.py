"""The stencil of a photo: find its objects, choose some, fit their edges, and say what is painted in which style."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from pochoir.composition.border import boundary_f, edge_agreement
from pochoir.composition.crops import margin_at
from pochoir.composition.edges import Alpha, alpha_of, in_8_bits, predicted_radius
from pochoir.composition.given import from_box, from_coco, from_masks, masks_of
from pochoir.composition.keeping import keep_map
from pochoir.composition.regions import Region, background_region, object_regions
from pochoir.config import PartialConfig, RegionConfig, StencilConfig
from pochoir.devices import device_of
from pochoir.errors import ConfigError, DataError
from pochoir.images import Picture, to_pixels, to_tensor
from pochoir.images.resizing import Size, fit, resize
from pochoir.segmentation.instances import Instances
from pochoir.segmentation.segmenter import Segmenter

log = logging.getLogger(__name__)

GIVEN_RADIUS = 2.0
"""Pixels that the edge of a given mask may move."""


@dataclass(frozen=True, eq=False)
class Stencil:
    """A photo, at the size of the result, and the regions of it that are painted.

    alpha: of all regions together, `[H, W]`. border: how good the edge is, see `composition.border`. keep: `[H, W]` in
    [0, 1], where the photo counts `keep.weight` times; None: nowhere.
    """

    photo: Picture
    regions: list[Region]
    alpha: Alpha
    border: dict[str, float]
    keep: Alpha | None = None


def find(photo: Picture, config: PartialConfig, segmenter: Callable[[], Segmenter] | None = None) -> Instances:
    """All instances of a photo, from whichever source the config names, at the photo's size.

    segmenter: gives the config's, should it be asked; None: it is loaded.
    """
    given = _given(photo, config)
    if given is not None:
        return replace(given, photo=photo.on_white)
    return (segmenter() if segmenter else segmenter_of(config))(photo)


def segmenter_of(config: StencilConfig) -> Segmenter:
    """The trained segmenter of a config, loaded."""
    device = device_of(config.trainer.accelerator, "trainer.accelerator")
    find = config.find
    return Segmenter(find.weights, device=device, score_threshold=find.score_threshold, tiles=find.tiles)


def _given(photo: Picture, config: PartialConfig) -> Instances | None:
    if (key := config.found_by_name) and config.content is None:
        raise ConfigError(f"{key}: finds a photo by its file's name; give that as content=<photo>, too")
    content = Path(config.content or "").expanduser()
    if config.annotations is not None:
        return from_coco(Path(config.annotations).expanduser(), content, photo.size)
    given = masked(config, photo, content)
    if given is not None and not given.masks.any():
        where = "box: in it" if config.box else f"masks: for {photo.name}, in {', '.join(config.masks or [])},"
        raise DataError(f"{where} there is no object; all is background")
    return given


def masked(config: StencilConfig, photo: Picture, file: Path) -> Instances | None:
    """The objects of a photo that mask pictures or a box tell; None where the config has neither.

    file: the photo's, by whose name its mask is found in a folder of them.
    """
    if config.masks is not None:
        folder = config.masks_folder
        masks = masks_of(file, folder) if folder else [Path(mask).expanduser() for mask in config.masks]
        return from_masks(masks, photo.size)
    return None if config.box is None else from_box(config.box, photo.on_white)


def cut(
    photo: Picture,
    instances: Instances,
    chosen: Sequence[int],
    styles: int,
    config: PartialConfig,
    *,
    paints_background: bool = False,
) -> Stencil:
    """The stencil of the chosen instances, front first, their edges fitted to the photo's.

    styles: how many there are for objects; with `paints_background` one more, numbered after them, is the background's.
    Raises `DataError` where instances are those of another photo, where styles are assigned to another number of them,
    and where nothing is left to paint.
    """
    height, width = instances.masks.shape[1:]
    if (height, width) != photo.size:
        own = f"{photo.size[1]}×{photo.size[0]}"
        raise DataError(f"objects: they are those of a photo of {width}×{height} pixels; this one has {own}")
    radii = [edge_radius(config.region, instances.boxes[index].tolist(), instances.cells) for index in chosen]
    masks = [instances.masks[index].numpy() for index in chosen]
    finished = [instances.cells is None and bool(((mask > 0) & (mask < 1)).any()) for mask in masks]
    truth = from_masks([Path(config.truth).expanduser()], photo.size).masks.numpy() if config.truth else None
    if config.size is not None and config.size != max(photo.size):
        factor, size = config.size / max(photo.size), fit(photo.size, config.size)
        photo, radii = _resized(photo, size), [radius * factor for radius in radii]
        masks = [_resized_mask(mask, size) for mask in masks]
        truth = None if truth is None else np.stack([_resized_mask(mask, size) for mask in truth])
    pixels = photo.filled
    alphas = [
        in_8_bits(mask) if is_alpha else alpha_of(mask, pixels, config.region, radius=radius)
        for mask, radius, is_alpha in zip(masks, radii, finished, strict=True)
    ]
    regions = _regions(config, alphas, chosen, styles, photo.size)
    if paints_background:
        regions.append(background_region(alphas, styles))
    regions = [region for region in regions if region.alpha.any()]
    if not regions:
        raise DataError(f"region={config.region.name}: nothing of the photo is left to paint")
    alpha = np.minimum(np.sum([region.alpha for region in regions], axis=0), 1).astype(np.float32)
    objects, unrefined = np.maximum.reduce(alphas) >= 0.5, np.maximum.reduce(masks) >= config.region.mask_threshold
    border = {
        "edge_agreement": edge_agreement(objects, pixels),
        "edge_agreement_unrefined": edge_agreement(unrefined, pixels),
    }
    if truth is not None:
        known = truth.max(axis=0) >= 0.5
        border |= {"boundary_f": boundary_f(objects, known), "boundary_f_unrefined": boundary_f(unrefined, known)}
    return Stencil(photo, regions, alpha, border, keep_map(config.keep, photo.size, alphas))


def _regions(
    config: PartialConfig, alphas: list[Alpha], chosen: Sequence[int], styles: int, size: Size
) -> list[Region]:
    if config.region.name == "background":
        return [background_region(alphas, 0)]
    assigned = config.assign or [index % styles for index in range(len(chosen))]
    if len(assigned) != len(chosen):
        raise DataError(f"assign: {len(assigned)} styles for {len(chosen)} chosen instances, {list(chosen)}")
    if max(assigned) >= styles:
        raise ConfigError(f"assign: {assigned} must be numbers of styles, from 0 to {styles - 1}")
    if unused := sorted(set(range(styles)) - set(assigned)):
        log.warning("styles: of %d for %d objects, those numbered %s paint nothing", styles, len(chosen), unused)
    return object_regions(alphas, chosen, assigned, margin=margin_at(size, config.region, config.max_size))


def edge_radius(region: RegionConfig, box: list[float], cells: int | None) -> float:
    """Pixels that the edge of an object may move; box: around it, xyxy. cells: see `Instances`."""
    if region.radius is not None:
        return region.radius
    return GIVEN_RADIUS if cells is None else predicted_radius(box, cells)


def _resized(photo: Picture, size: Size) -> Picture:
    pixels = to_pixels(resize(to_tensor(photo.pixels)[None], size)[0])
    alpha = None if photo.alpha is None else cv2.resize(photo.alpha, size[::-1]).astype(np.uint8)
    return replace(photo, pixels=pixels, alpha=alpha)


def _resized_mask(mask: np.ndarray, size: Size) -> Alpha:
    return cv2.resize(mask.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA).astype(np.float32)
