"""How well edges of the segmenter's masks are fitted to the photo's, by `region.refine`, against masks traced by hand.

    python bench/border.py --pennfudan PennFudanPed --photos a/images b/images --masks a/masks b/masks

Of each data set some photos are drawn by a fixed seed, and the person segmenter looks at them. Whom it finds with an
IoU of .5 gets an edge by each method, at the defaults of `pochoir partial`. `--half` keeps every other photo, so that
settings can be chosen on one half and told of the other. Prints a table for each data set: boundary F within .75 % of
the diagonal, and within 2 and 1 pixels at 512, IoU, the distance between the outlines in pixels at 512 (at most 6 a
place), the outline's length by that of the same outline smoothed, and seconds an object. With `--grounds` and the
package pymatting: how far rims are from what they should be, see `rim_errors`. Writes outputs/bench/border.json.
"""

import argparse
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from console import console
from pochoir.assets import located
from pochoir.composition.blending import composite, unpainted
from pochoir.composition.border import Mask, boundary_f, contour
from pochoir.composition.crops import whole
from pochoir.composition.edges import Alpha, alpha_of, predicted_radius
from pochoir.composition.given import from_coco
from pochoir.config import RegionConfig, load_config
from pochoir.experiments.versions import versions
from pochoir.files import write_json
from pochoir.images import Pixels, pictures_at, read_labels, read_rgb
from pochoir.process import prepare_process
from pochoir.segmentation.segmenter import Segmenter

METHODS = ("off", "guided", "grabcut", "matting")
SIDE = 512
"""Pixels are counted in photos of this long side."""
FARTHEST = 6
"""Pixels: a limb that the segmenter has missed is no matter of edges."""
SMOOTH = 3
"""Pixels over which an outline is smoothed to tell how jagged it is."""
PAINT = (200, 30, 120)

Found = dict[str, Any]
"""One object: its photo, its true mask, the segmenter's, and the pixels that its edge may move."""


def samples(photos: Path, masks: Path) -> list[tuple[Path, Path]]:
    """Photos of a folder that have a mask of the same name in the other."""
    named = {path.stem.removesuffix("_mask"): path for path in pictures_at(masks, "--masks")}
    return [(path, named[path.stem]) for path in pictures_at(photos, "--photos") if path.stem in named]


def truths_of(mask: Path) -> list[Mask]:
    """The objects of a mask picture: one of 0 and another value has one."""
    labels = read_labels(mask)
    return [labels == value for value in np.unique(labels) if value]


def matched(photo: Pixels, truths: list[Mask], find: Segmenter, threshold: float) -> Iterator[Found]:
    """Of each truth the instance that agrees best with it, where it does at all."""
    instances = find(photo)
    for truth in truths if len(instances) else []:
        masks = instances.masks.numpy()
        ious = [iou(mask >= threshold, truth) for mask in masks]
        best = int(np.argmax(ious))
        if ious[best] >= 0.5:
            radius = predicted_radius(instances.boxes[best].tolist(), instances.cells or 28)
            yield {"photo": photo, "truth": truth, "mask": masks[best], "radius": radius}


def iou(mask: Mask, truth: Mask) -> float:
    return float((mask & truth).sum() / max(1, (mask | truth).sum()))


def edge_distance(mask: Mask, truth: Mask) -> float:
    """Pixels between two outlines, the mean of both ways."""

    def way(these: Mask, those: Mask) -> float:
        apart = cv2.distanceTransform((~those).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        return float(np.minimum(apart[these] * SIDE / max(mask.shape), FARTHEST).mean())

    found, wanted = contour(mask), contour(truth)
    if not (found.any() and wanted.any()):
        return FARTHEST
    return (way(found, wanted) + way(wanted, found)) / 2


def jaggedness(mask: Mask) -> float:
    """How many times as long an outline is as when it is smoothed."""
    sigma = SMOOTH * max(mask.shape) / SIDE
    smooth = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_REPLICATE) >= 0.5
    return _length(mask) / max(1.0, _length(smooth))


def _length(mask: Mask) -> float:
    outlines, _ = cv2.findContours(np.pad(mask.astype(np.uint8), 1), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    return sum(cv2.arcLength(outline, True) for outline in outlines)


def scored(found: Found, region: RegionConfig) -> dict[str, float]:
    """One object's edge by one method."""
    started = time.perf_counter()
    alpha = alpha_of(found["mask"], found["photo"], region, radius=found["radius"])
    seconds = time.perf_counter() - started
    mask, truth = alpha >= 0.5, found["truth"]
    pixel = max(mask.shape) / SIDE
    return {
        "F": boundary_f(mask, truth),
        "F 2 px": boundary_f(mask, truth, tolerance=2 * pixel),
        "F 1 px": boundary_f(mask, truth, tolerance=pixel),
        "IoU": iou(mask, truth),
        "px off": edge_distance(mask, truth),
        "jagged": jaggedness(mask),
        "seconds": seconds,
    }


def rim_errors(found: Found, ground: Pixels, region: RegionConfig) -> dict[str, float]:
    """Grey levels by which rims are wrong, the photo showing through as it is, and by `unpainted`.

    A person is cut out by matting, with colours of its own (pymatting's estimate), and put before another ground: of
    this photo everything is known. Then its stencil is cut from the segmenter's mask, and object or ground painted in
    one colour; what should come out is that colour and the pure other one, mixed by that stencil.
    """
    from pymatting import estimate_foreground_ml

    matte = alpha_of(found["mask"], found["photo"], region.but(refine="matting"), radius=found["radius"])
    person = 255 * estimate_foreground_ml(found["photo"] / 255.0, matte.astype(np.float64))
    ground = cv2.resize(ground, matte.shape[::-1], interpolation=cv2.INTER_AREA)
    photo = np.rint(np.clip(mixed(person, ground, matte), 0, 255)).astype(np.uint8)
    stencil = alpha_of(found["mask"], photo, region, radius=found["radius"])
    paint = np.broadcast_to(np.array(PAINT, np.uint8), photo.shape)
    errors = {}
    for name, alpha, kept in (("object", stencil, ground), ("background", 1 - stencil, person)):
        rim = (alpha > 0) & (alpha < 1)
        for how, shown in (("photo", photo), ("unpainted", unpainted(photo, alpha))):
            result = composite(shown, [(whole(alpha.shape), paint, alpha)])
            errors[f"{name}, {how}"] = float(abs(result - mixed(paint, kept, alpha))[rim].mean())
    return errors


def mixed(front: NDArray, back: NDArray, alpha: Alpha) -> NDArray:
    return alpha[..., None] * front + (1 - alpha[..., None]) * back


def means(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def show(title: str, rows: dict[str, dict[str, float]]) -> None:
    table = Table("", *next(iter(rows.values())), title=title)
    for name, row in rows.items():
        table.add_row(name, *(f"{value:.3f}" for value in row.values()))
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pennfudan", type=Path, help="its folder")
    parser.add_argument("--photos", type=Path, nargs="*", default=[], help="folders")
    parser.add_argument("--masks", type=Path, nargs="*", default=[], help="one for each of them, with the same names")
    parser.add_argument("--grounds", type=Path, help="a folder of photos without people, for the rims")
    parser.add_argument("--methods", nargs="+", default=METHODS, choices=METHODS)
    parser.add_argument("--count", type=int, default=60, help="photos drawn of each data set")
    parser.add_argument("--half", type=int, choices=(0, 1), help="of these, every other one")
    parser.add_argument("--output", type=Path, default=Path("outputs/bench/border.json"))
    given = parser.parse_args()
    if len(given.photos) != len(given.masks):
        parser.error(f"{len(given.photos)} folders of photos and {len(given.masks)} of masks; give one for each")
    prepare_process()
    region = load_config("partial").region
    find = Segmenter("person", device="cpu", score_threshold=0.5)

    portrait = Path(located("builtin:portrait"))
    outline = from_coco(Path(located("builtin:portrait_outline")), portrait, read_rgb(portrait).shape[:2])
    sets: dict[str, list[tuple[Path, list[Mask]]]] = {"portrait": [(portrait, [outline.masks[0].numpy() > 0])]}
    pairs = list(zip(given.photos, given.masks, strict=True))
    if given.pennfudan:
        pairs.insert(0, (given.pennfudan / "PNGImages", given.pennfudan / "PedMasks"))
    for photos, masks in pairs:
        all_ = samples(photos, masks)
        drawn = random.Random(0).sample(all_, min(given.count, len(all_)))
        chosen = drawn if given.half is None else drawn[given.half :: 2]
        sets[photos.parent.name] = [(photo, truths_of(mask)) for photo, mask in chosen]
    grounds = pictures_at(given.grounds, "--grounds") if given.grounds else []

    results: dict[str, Any] = {}
    for name, photos_of in sets.items():
        found = [
            one for photo, truths in photos_of for one in matched(read_rgb(photo), truths, find, region.mask_threshold)
        ]
        edges = {method: means([scored(one, region.but(refine=method)) for one in found]) for method in given.methods}
        truth = float(np.mean([jaggedness(one["truth"]) for one in found]))
        show(f"{name}: {len(found)} objects; traced outlines are {truth:.3f} jagged", edges)
        results[name] = {"objects": len(found), "edges": edges, "jagged": truth}
        if grounds:
            pairs_of = [(one, read_rgb(random.Random(index).choice(grounds))) for index, one in enumerate(found)]
            results[name]["rims"] = means([rim_errors(one, ground, region) for one, ground in pairs_of])
            show(f"{name}: grey levels off at rims", {"": results[name]["rims"]})
    write_json(given.output, {**results, "versions": versions()})


if __name__ == "__main__":
    main()
