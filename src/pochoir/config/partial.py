"""Settings of the task `partial`."""

import re
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from pochoir.assets import WEIGHTS
from pochoir.config.base import (
    ExistingPath,
    ExistingPaths,
    Natural,
    Settings,
    Share,
    StylePath,
    Tiles,
    TrainedWeights,
    Word,
    is_folder,
    problem,
)
from pochoir.config.painting import KeepConfig, PaintConfig

PERCENT = r"^\d+(\.\d*)?%$"
Percent = Annotated[str, Field(pattern=PERCENT)]
Radius = Annotated[float, Field(ge=0, le=500)]


class FindConfig(Settings):
    """A trained segmenter that looks for objects."""

    weights: TrainedWeights
    score_threshold: Share
    """Instances below are not found."""
    tiles: Tiles | None
    """Look at overlapping tiles of so many pixels beside the whole photo, for small objects; null: the whole alone."""


class RegionConfig(Settings):
    """Which of the objects are chosen, and what their edges are like."""

    name: Literal["object", "background"]
    """object: the chosen objects are painted; background: everything but them."""
    classes: Annotated[list[Word], Field(min_length=1)] | None
    """Names of the classes of a segmenter or annotation file that are chosen from; null: all."""
    choose: Literal["all", "best", "largest", "tallest", "leftmost", "rightmost", "center"]
    """Of those that the settings below leave; best is the highest score, center the nearest to the photo's."""
    indices: Annotated[list[Natural], Field(min_length=1)] | None
    """Numbers of instances as on the overlay."""
    point: Annotated[list[float | Percent], Field(min_length=2, max_length=2)] | None
    """x, y in pixels of the photo, or in per cent of its width and height, 50%: the front instance under it."""
    box: list[float] | None
    """x0, y0, x1, y1 in pixels of the photo: the instance whose box agrees best with it."""
    min_size: Share
    """Least area of an instance, as a share of the photo."""
    mask_threshold: Annotated[float, Field(ge=0.01, le=0.99)]
    """A pixel belongs to an instance from this probability on."""
    refine: Literal["guided", "grabcut", "matting", "off"]
    """How an edge is fitted to the photo's within `radius`. guided: by guided filters from coarse to fine (He et al.
    2013); grabcut: then looked for again near to where they have found it (Rother et al. 2004), for masks that are off
    and for clear contrasts; matting: instead by closed form (Levin et al. 2008; needs the extra `matting`), for hair;
    off."""
    radius: Radius | None
    """Pixels that the edge may move; null: 2 for given masks, and as far as a segmenter's mask is coarse for others."""
    feather: Radius
    """Pixels over which the edge is softened, unless a given mask's is soft already."""
    margin: Annotated[int, Field(ge=0, le=4096)]
    """Pixels around an object that its crop holds, counted at `max_size`."""
    crop: bool
    """Paint a crop around each object where that is cheaper than the whole photo."""
    min_side: Annotated[int, Field(ge=32, le=4096)]
    """Long side of a crop; a smaller one is enlarged while it is painted."""

    def problems(self) -> Iterable[str]:
        rules = [name for name in ("indices", "point", "box") if getattr(self, name) is not None]
        if len(rules) > 1:
            yield f"{rules[1]}: {' and '.join(rules)} choose twice; give one of them"
        if self.classes and self.indices:
            yield "indices: classes and indices choose twice; give one of them"
        yield from box_problems(self.box)
        if self.refine == "matting" and find_spec("pymatting") is None:
            yield "refine: matting needs the package pymatting; install it with pip install pymatting, or take guided"


def box_problems(box: list[float] | None) -> Iterable[str]:
    """What is wrong with x0, y0, x1, y1."""
    if box is not None and not (len(box) == 4 and box[0] < box[2] and box[1] < box[3]):
        yield f"box: {box} must be x0, y0, x1, y1 with x0 < x1 and y0 < y1"


def _part(value: Any) -> Any:
    if value is None or value == "head":
        return value
    given = value if isinstance(value, list) else []
    shares = [float(share[:-1]) for share in given if isinstance(share, str) and re.fullmatch(PERCENT, share)]
    if len(shares) == len(given) == 4 and shares[0] < shares[2] <= 100 and shares[1] < shares[3] <= 100:
        return value
    raise problem(f"{value} is neither head nor x0, y0, x1, y1 in per cent of an object's box: [0%,0%,100%,25%]")


class KeepPartConfig(KeepConfig):
    """Where more of the content is kept: under a mask, or a part of every object."""

    part: Annotated[Literal["head"] | list[str] | None, BeforeValidator(_part)]
    """Of each chosen object: its head, guessed from a person's outline, or x0, y0, x1, y1 in per cent of its box,
    [0%,0%,100%,25%]: the upper quarter."""


class StencilConfig(PaintConfig):
    """What is painted in part: where its objects come from, which are chosen, and what they are painted in."""

    style: StylePath | None
    """A picture: the style of everything that is painted ..."""
    styles: list[StylePath] | None
    """... or pictures, one for each chosen instance in order; there are fewer: from the first again."""
    assign: list[Natural] | None
    """Which of `styles` each chosen instance gets, counted from 0; null: in order."""
    background_style: StylePath | None
    """With region=object: a picture that paints all the rest."""
    find: FindConfig
    """Where the objects come from: a trained segmenter, unless one of the following is given ..."""
    masks: ExistingPaths | None
    """... or mask pictures of the photo's shape: 0 and another value, ids, or a colour an instance; or with soft edges,
    which then stay as they are: greys, as alpha.png has them, or an object cut out on a clear ground; or a folder with
    the mask of each photo, of the same name but for the ending ..."""
    box: list[float] | None
    """... or a box, x0, y0, x1, y1 in pixels, whose content is found by GrabCut (Rother et al. 2004)."""
    region: RegionConfig

    @property
    def given_styles(self) -> list[str]:
        """That of the background comes last."""
        return [style for style in (self.style, *(self.styles or []), self.background_style) if style]

    @property
    def gives_objects(self) -> bool:
        """Whether masks or a box say where the objects are, so that nothing is to be found."""
        return self.masks is not None or self.box is not None

    @property
    def masks_folder(self) -> Path | None:
        """The folder of a mask picture for each photo; None: there is none."""
        masks = self._given_masks
        return Path(masks[0]).expanduser() if masks and is_folder(masks[0]) else None

    @property
    def _given_masks(self) -> list[str]:
        """None, one or several; one as it was given, where other settings are refused."""
        return [self.masks] if isinstance(self.masks, str) else self.masks or []

    @property
    def sources(self) -> dict[str, str]:
        """Settings that say where the objects are, and how each is given."""
        return {
            "find.weights": "find.weights=<checkpoint>",
            "masks": "masks=[<picture>,…] or masks=<folder>",
            "box": "box=[x0,y0,x1,y1]",
        }

    def problems(self) -> Iterable[str]:
        yield from super().problems()
        if self.style and self.styles:
            yield "style: give either style=<picture or folder> or styles=[<picture>,…]"
        if is_folder(self.background_style):
            yield f"background_style: '{self.background_style}' is a folder; give one picture"
        if any(map(is_folder, self.styles or [])):
            yield "styles: are pictures, one for each chosen instance; style=<folder> paints in each of it in turn"
        if len(self._given_masks) > 1 and any(map(is_folder, self._given_masks)):
            yield "masks: give the mask pictures of one photo, or one folder of them"
        given = [name for name in self.sources if name != "find.weights" and getattr(self, name) is not None]
        if self.find.weights not in WEIGHTS:
            given.insert(0, "find.weights")
        if len(given) > 1:
            ways = ", ".join(self.sources.values())
            yield f"{given[1]}: {' and '.join(given)} say where the objects are; give one of {ways}"
        yield from box_problems(self.box)
        if self.assign and self.styles and max(self.assign) >= len(self.styles):
            yield f"assign: {self.assign} must be numbers of `styles`, from 0 to {len(self.styles) - 1}"
        if self.region.name == "background" and (len(self.styles or []) > 1 or self.background_style):
            yield "region: background is painted in one style; give style=<picture>"

    def lacking(self) -> Iterable[str]:
        if self.assign is not None and self.styles is None:
            yield "assign: are numbers of styles=[<picture>,…], which are missing"


class PartialConfig(StencilConfig):
    """The task `partial`."""

    keep: KeepPartConfig
    content: ExistingPath | None
    """A photo, or a folder of photos."""
    annotations: ExistingPath | None
    """... or a COCO instance JSON that lists the photo by its name ..."""
    truth: ExistingPath | None
    """A mask picture of what should have been chosen: its edge is compared with that of the stencil."""
    method: Literal["region", "paste", "painter"]
    """region: paint what is seen through the stencil; paste: paint the whole photo, then cut out; painter: a network
    that has learned the style paints at once, as what is seen through the stencil wants it."""

    @property
    def sources(self) -> dict[str, str]:
        order = super().sources
        return {
            **{name: order[name] for name in ("find.weights", "masks")},
            "annotations": "annotations=<COCO JSON>",
            "box": order["box"],
        }

    def problems(self) -> Iterable[str]:
        yield from super().problems()
        if is_folder(self.truth):
            yield f"truth: '{self.truth}' is a folder; give one picture"
        yield from self._of_one_photo() if is_folder(self.content) else ()
        if self.region.name == "background" and self.keep.part:
            yield "keep.part: is of the chosen objects, which region=background leaves unpainted; give keep.mask"
        if self.keep.part and not self.recipe.content_weight:
            yield "keep.part: recipe.content_weight is 0, of which any number of times is nothing"
        if self.keep.part and self.at_once:
            yield "keep.part: is for optimising; a painter paints all alike, so leave it out, or method=region"
        yield from self.painter_problems()

    def lacking(self) -> Iterable[str]:
        if not self.content:
            yield "content: missing; give it as content=<photo or folder>"
        if not (self.style or self.styles):
            yield "style: missing; give either style=<picture or folder> or styles=[<picture>,…]"
        yield from super().lacking()

    def _of_one_photo(self) -> Iterable[str]:
        """What is given of a single photo, where there is a folder of them."""
        instead = "give masks=<folder>, with a mask of the name of each photo, or annotations=<COCO JSON>"
        if not all(map(is_folder, self._given_masks)):
            yield f"masks: are those of one photo, and content is a folder; {instead}"
        if self.box is not None:
            yield f"box: is around an object of one photo, and content is a folder; {instead}"
        if self.truth is not None:
            yield "truth: is the mask of one photo, and content is a folder; leave it out"

    @property
    def found_by_name(self) -> str | None:
        """The setting that tells objects by the name of the photo's file; None: none does."""
        if self.annotations is not None:
            return "annotations"
        return "masks" if self.masks_folder else None
