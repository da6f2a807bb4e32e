"""Settings of `scripts/partial.py`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from pochoir.assets import BUILTIN_PERSON, located
from pochoir.config.fields import setting
from pochoir.config.stylization import PaintConfig


@dataclass
class FinderConfig:
    """A trained segmenter that looks for objects."""

    ckpt: str | None = BUILTIN_PERSON
    """A checkpoint of train_seg; the default finds people and comes with the project."""
    score_threshold: float = setting(0.5, low=0, high=1)
    """What is found below does not exist."""

    paths: ClassVar[tuple[str, ...]] = ("ckpt",)


@dataclass
class RegionConfig:
    """Which of the objects are chosen, and what their edges are like."""

    name: str = "object"
    """object: the chosen objects are painted; background: everything but them."""
    choose: str = setting("all", choices=("all", "best", "largest"))
    """Of those that the settings below leave; best is the highest score."""
    indices: list[int] | None = None
    """Numbers of instances as on the overlay."""
    point: list[float] | None = None
    """x, y in pixels of the photo: the front instance under it."""
    box: list[float] | None = None
    """x0, y0, x1, y1 in pixels of the photo: the instance whose box agrees best with it."""
    min_score: float = setting(0.0, low=0, high=1)
    min_size: float = setting(0.0, low=0, high=1)
    """Least area of an instance, as a share of the photo."""
    mask_threshold: float = setting(0.6, low=0.01, high=0.99)
    """A pixel belongs to an instance from this probability on."""
    refine: str = setting("guided", choices=("guided", "grabcut", "matting", "off"))
    """How an edge is fitted to the photo's. guided: softened along it by a guided filter (He et al. 2013), for masks
    that are about right; grabcut: looked for within `radius` (Rother et al. 2004), for masks that are off; matting:
    closed form (Levin et al. 2008; needs the extra `matting`), for hair; off."""
    radius: float | None = setting(None, low=0, high=500)
    """Pixels that the edge may move; null: 2 for given masks, and as far as a segmenter's mask is coarse for others."""
    feather: float = setting(1.0, low=0, high=500)
    """Pixels over which the edge is softened."""
    margin: int = setting(16, low=0, high=4096)
    """Pixels of the photo around an object that are looked at while it is painted, counted at `max_size`."""
    crop: bool = True
    """Paint a crop around each object where that is cheaper than the whole photo."""
    min_side: int = setting(160, low=32, high=4096)
    """Long side of a crop; a smaller one is enlarged while it is painted."""

    def problems(self) -> list[str]:
        found = []
        rules = [name for name in ("indices", "point", "box") if getattr(self, name) is not None]
        if len(rules) > 1:
            found.append(f"{rules[1]}: {' and '.join(rules)} choose twice; give one of them")
        if self.indices is not None and (not self.indices or min(self.indices) < 0):
            found.append(f"indices: {self.indices} must be one number or more, from 0 on")
        if self.point is not None and len(self.point) != 2:
            found.append(f"point: {self.point} must be x and y")
        found += box_problems("box", self.box)
        return found


def box_problems(name: str, box: list[float] | None) -> list[str]:
    """What is wrong with x0, y0, x1, y1."""
    if box is None or (len(box) == 4 and box[0] < box[2] and box[1] < box[3]):
        return []
    return [f"{name}: {box} must be x0, y0, x1, y1 with x0 < x1 and y0 < y1"]


@dataclass
class PartialConfig(PaintConfig):
    """`scripts/partial.py`."""

    content: str = "???"
    """A photo."""
    style: str | None = None
    """A picture: the style of everything that is painted ..."""
    styles: list[str] | None = None
    """... or pictures, one for each chosen instance in order; there are fewer: from the first again."""
    assign: list[int] | None = None
    """Which of `styles` each chosen instance gets, counted from 0; null: in order."""
    background_style: str | None = None
    """With region=object: a picture that paints all the rest."""
    segmenter: FinderConfig = field(default_factory=FinderConfig)
    """Where the objects come from: a trained segmenter, unless one of the following is given ..."""
    masks: list[str] | None = None
    """... or mask pictures of the photo's size: 0 and another value, ids, or a colour an instance ..."""
    annotations: str | None = None
    """... or a COCO instance JSON that lists the photo by its name ..."""
    box: list[float] | None = None
    """... or a box, x0, y0, x1, y1 in pixels, whose content is found by GrabCut (Rother et al. 2004)."""
    truth: str | None = None
    """A mask picture of what should have been chosen: its edge is compared with that of the stencil."""
    region: RegionConfig = field(default_factory=RegionConfig)
    method: str = setting("region", choices=("region", "paste"))
    """region: paint what is seen through the stencil; paste: paint the whole photo, then cut out."""
    harmonize: str = setting("off", choices=("off", "poisson"))
    """poisson: the paint takes the photo's brightness and colour at its border (Perez et al. 2003)."""

    paths: ClassVar[tuple[str, ...]] = (
        "content",
        "style",
        "styles",
        "background_style",
        "masks",
        "annotations",
        "truth",
    )

    def given_instances(self) -> list[str]:
        """Which of the settings that give instances are set; without any, the segmenter looks for them."""
        return [name for name in ("masks", "annotations", "box") if getattr(self, name) is not None]

    def problems(self) -> list[str]:
        found = super().problems()
        if (self.style is None) == (not self.styles):
            found.append("style: give either style=<picture> or styles=[<picture>,…]")
        for name in ("content", "style", "background_style", "truth"):
            if getattr(self, name) and Path(getattr(self, name)).expanduser().is_dir():
                found.append(f"{name}: '{getattr(self, name)}' is a folder; give one picture")
        given = self.given_instances()
        if self.segmenter.ckpt not in (None, BUILTIN_PERSON, located(BUILTIN_PERSON)):
            given.insert(0, "segmenter.ckpt")
        if len(given) > 1 or not (given or self.segmenter.ckpt):
            what = f"{' and '.join(given)} are given" if given else "nothing says where the objects are"
            found.append(
                f"segmenter.ckpt: {what}; give one of segmenter.ckpt=<checkpoint>, masks=[<picture>,…], "
                "annotations=<COCO JSON>, box=[x0,y0,x1,y1]"
            )
        found += box_problems("box", self.box)
        if self.assign is not None and any(not 0 <= index < len(self.styles or []) for index in self.assign):
            found.append(f"assign: {self.assign} must be numbers of `styles`, from 0 to {len(self.styles or []) - 1}")
        if self.region.name == "background":
            if len(self.styles or []) > 1 or self.background_style:
                found.append("region: background is painted in one style; give style=<picture>")
            if self.harmonize == "poisson":
                found.append("harmonize: poisson needs something around the paint; use it with region=object")
        return found
