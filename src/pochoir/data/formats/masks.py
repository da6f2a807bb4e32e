"""Pictures beside masks: two folders, as PennFudan and PASCAL VOC have them, or `a_mask.png` beside `a.jpg`."""

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from pochoir.data.folder import MaskFolder, read_sample
from pochoir.data.formats.found import Choice, Found, Parts, settings
from pochoir.data.formats.tree import Tree, by_stage, stage_of
from pochoir.data.mask_pictures import Void
from pochoir.data.source import Sample
from pochoir.errors import DataError, some

log = logging.getLogger(__name__)

PICTURES = {
    "images",
    "image",
    "imgs",
    "img",
    "photos",
    "photo",
    "pictures",
    "pngimages",
    "jpegimages",
    "inputs",
    "input",
}
MASKS = {
    "masks",
    "mask",
    "pedmasks",
    "segmentationobject",
    "instances",
    "labels",
    "annotations",
    "gt",
    "targets",
    "seg",
}
"""What folders of pictures and of masks are called, in lower case."""
VOC = "segmentationobject"
"""PASCAL VOC's instances: only some of its photos have them."""
SUFFIXES = ("_mask", "-mask", ".mask", " mask", "_masks", "_seg", "_segmentation", "_label", "_instances", "_gt")
"""What a mask's name may have after its photo's."""
SEMANTIC = "_classes.csv"
"""What Roboflow writes beside masks of classes, which do not tell objects of a class apart."""


class MaskPairs:
    """Photos and their mask pictures, pair by pair; a mask is what `MaskFolder` takes, as are void and turned."""

    def __init__(self, pairs: Sequence[tuple[Path, Path]], *, void: Void = "auto", turned: bool = True) -> None:
        self.pairs = list(pairs)
        self.void = void
        self.turned = turned
        self.names = [photo.name for photo, _ in self.pairs]

    def read(self, index: int) -> Sample:
        """Load one photo and split its mask into instances."""
        photo, mask = self.pairs[index]
        return read_sample(photo, [mask], void=self.void, turned=self.turned)


def find_masks(tree: Tree) -> list[Found]:
    """Every pair of folders, and every folder with pairs; several are parts of one dataset where they say so."""
    found: dict[tuple[str, ...], list[tuple[Path, Path]]] = {}
    for masks in tree.picture_folders:
        for images in tree.picture_folders:
            if (place := _place(tree, images, PICTURES)) is not None and place == _place(tree, masks, MASKS):
                found.setdefault(place, []).append((images, masks))
    pairs = [pair for listed in found.values() for pair in listed]
    pairs += [(folder, folder) for folder in tree.picture_folders if _holds_pairs(tree, folder)]
    if parts := by_stage(pairs, [tree.stage(images) for images, _ in pairs]):
        return [_found(tree, parts)]
    return [_found(tree, {"all": pair}) for pair in pairs]


def _place(tree: Tree, folder: Path, names: set[str]) -> tuple[str, ...] | None:
    """The path of a folder without the part that tells what is in it, equal for pictures and masks; None: no such."""
    parts = folder.relative_to(tree.root).parts
    for place in reversed(range(len(parts))):
        if parts[place].lower() in names:
            return parts[:place] + parts[place + 1 :]
        if not stage_of(parts[place]):
            return None
    return None


def _holds_pairs(tree: Tree, folder: Path) -> bool:
    stems = {path.stem for path in tree.pictures(folder)}
    return any(_photo_stem(stem, stems) for stem in stems)


def _photo_stem(stem: str, stems: set[str]) -> str | None:
    """The stem of the photo that this is the mask of, by a suffix."""
    tries = (stem.removesuffix(suffix) for suffix in SUFFIXES if stem.endswith(suffix))
    return next((one for one in tries if one in stems), None)


def _found(tree: Tree, parts: dict[str, tuple[Path, Path]]) -> Found:
    told = []
    for part, (images, masks) in parts.items():
        where = tree.told(images) if images == masks else f"{tree.told(images)} and {tree.told(masks)}"
        told.append(where if part == "all" else f"{part}: {where}")
    images, masks = next(iter(parts.values()))
    if len(parts) > 1:
        explicit = settings("auto", root=tree.root, format="masks")
    elif images == masks or _is_by_suffix(tree, images, masks):
        explicit = settings("auto", root=images if images == masks else images.parent, format="masks")
    else:
        explicit = settings("folder", images=images, masks=masks)
    return Found("masks", f"pictures beside masks, {'; '.join(told)}", explicit, partial(_read, tree, parts))


def _read(tree: Tree, parts: dict[str, tuple[Path, Path]], choice: Choice) -> Parts:
    if choice.categories is not None or not choice.merge:
        raise DataError("dataset.categories, dataset.merge: masks have no categories; leave them out")
    return {part: _source(tree, images, masks, choice) for part, (images, masks) in parts.items()}


def _source(tree: Tree, images: Path, masks: Path, choice: Choice) -> MaskFolder | MaskPairs:
    if images == masks:
        pairs = _pairs_within(tree, images)
    elif masks.name.lower() == VOC:
        pairs = _pairs_of_some(tree, images, masks)
    elif _is_by_suffix(tree, images, masks):
        pairs = _pairs(tree.pictures(images), tree.pictures(masks))
    else:
        return MaskFolder(images, masks, void=choice.void, turned=choice.turned)
    return MaskPairs(pairs, void=choice.void, turned=choice.turned)


def _is_by_suffix(tree: Tree, images: Path, masks: Path) -> bool:
    photos = {path.stem for path in tree.pictures(images)}
    stems = {path.stem for path in tree.pictures(masks)}
    return not photos & stems and any(_photo_stem(stem, photos) for stem in stems)


def _pairs_within(tree: Tree, folder: Path) -> list[tuple[Path, Path]]:
    if (folder / SEMANTIC).exists():
        raise DataError(
            f"{folder}: these masks tell classes ({SEMANTIC}), not the objects of a class from each other; export "
            "'COCO Segmentation' from Roboflow instead"
        )
    pictures = tree.pictures(folder)
    stems = {path.stem for path in pictures}
    masks = [path for path in pictures if _photo_stem(path.stem, stems)]
    return _pairs([path for path in pictures if path not in masks], masks)


def _pairs(photos: Sequence[Path], masks: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Raises `DataError` that lists photos without a mask, masks without a photo, and stems that are there twice."""
    by_stem = {path.stem: path for path in photos}
    mask_of: dict[str, Path] = {}
    problems = [f"{path} and {by_stem[path.stem].name} share a stem" for path in photos if by_stem[path.stem] != path]
    for path in masks:
        stem = _photo_stem(path.stem, set(by_stem))
        if stem is None:
            problems.append(f"{path} has no picture")
        elif stem in mask_of:
            problems.append(f"{path} and {mask_of[stem].name} are masks of one picture")
        else:
            mask_of[stem] = path
    problems += [f"{path} has no mask" for path in photos if path.stem not in mask_of]
    if problems:
        more = [f"… and {len(problems) - 10} more"] if len(problems) > 10 else []
        raise DataError(
            "pictures and masks are paired by name, but" + "".join(f"\n  {p}" for p in problems[:10] + more)
        )
    return [(by_stem[stem], mask_of[stem]) for stem in sorted(mask_of)]


def _pairs_of_some(tree: Tree, images: Path, masks: Path) -> list[tuple[Path, Path]]:
    photos = {path.stem: path for path in tree.pictures(images)}
    of_masks = {path.stem: path for path in tree.pictures(masks)}
    if lost := sorted(of_masks.keys() - photos.keys()):
        raise DataError(f"{masks}: {len(lost)} masks have no photo in {images}: {some(lost)}")
    if bare := sorted(photos.keys() - of_masks.keys()):
        log.info("%s: %d photos have no mask, and are passed over: %s", images, len(bare), some(bare))
    return [(photos[stem], path) for stem, path in sorted(of_masks.items())]
