"""What is painted: a content, the styles that it is painted in, and what lies over them; at any size."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pochoir.images.resizing import Size, fit_area, resize
from pochoir.stylization.colors import is_grey, luminance, match_colors
from pochoir.stylization.guides import Labels

LEAST_STYLE = 16
"""Short side in pixels that no style is shrunk below: one feature at the encoder's last stride."""


@dataclass(frozen=True)
class Before:
    """What the frame before of a film became, where it is in this one.

    picture: `[1, 3, H, W]` in [0, 1]. trusted: `[1, 1, H, W]` in [0, 1], 1 where this one is to look the same; how much
    it is to, says `weight`.
    """

    picture: Tensor
    trusted: Tensor
    weight: float

    def resized(self, size: Size) -> "Before":
        return replace(self, picture=resize(self.picture, size), trusted=resize(self.trusted, size))

    def to(self, device: torch.device) -> "Before":
        return replace(self, picture=self.picture.to(device), trusted=self.trusted.to(device))


@dataclass(frozen=True)
class Subject:
    """What is painted, at the size it is painted in; tensors on any one device, float32 in [0, 1].

    content: `[1, 3, H, W]`. styles: `[1, 3, h, w]` each, of any sizes, with their `blend` weights that sum to 1.
    style_regions: `[1, 1, h, w]` each, 1 where a style is looked at; None, for one or for all: everywhere. style_scale:
    a style is shrunk to the content's area times its square, but not below `LEAST_STYLE`. region: `[1, 1, H, W]`, the
    alpha that paint is laid over the content by; what shows at all is painted as if it were 1. None paints everything.
    keep_colors: off, luminance or match (Gatys et al. 2016). keep: `[1, 1, H, W]` in [0, 1], the content counts
    `keep_weight` times where it is 1, and once where it is 0. labels: parts of the content, each of which takes its
    paint from the part of the styles that has its label; None: all from all. before: of a film; None: a picture alone.
    """

    content: Tensor
    styles: Sequence[Tensor]
    blend: Sequence[float]
    style_scale: float = 1.0
    region: Tensor | None = None
    keep_colors: str = "off"
    style_regions: Sequence[Tensor | None] | None = None
    keep: Tensor | None = None
    keep_weight: float = 1.0
    labels: Labels | None = None
    before: Before | None = None

    @property
    def guided_styles(self) -> list[tuple[Tensor, Tensor | None]]:
        """The styles, each with its region."""
        return list(zip(self.styles, self.style_regions or [None] * len(self.styles), strict=True))

    @property
    def parts(self) -> list[tuple[Tensor | None, list[Tensor | None]]]:
        """Guides of the content, each with those of the styles whose paint it takes; None: everywhere.

        One pair, or one for each label, in which guides lie within what is painted and what of a style is looked at.
        """
        seen = [seen for _, seen in self.guided_styles]
        if self.labels is None:
            return [(self.region, seen)]
        of_styles = zip(*(style.split(1, dim=1) for style in self.labels.styles), strict=True)
        return [
            (_within(own, self.region), [_within(*pair) for pair in zip(styles, seen, strict=True)])
            for own, styles in zip(self.labels.content.split(1, dim=1), of_styles, strict=True)
        ]

    @property
    def unguided(self) -> "Subject":
        """The same, all of whose content counts alike and takes its paint from all of the styles."""
        return replace(self, keep=None, labels=None)

    @property
    def looked_at(self) -> dict[str, Tensor]:
        """Where the content and then each style is looked at, `[1, 1, h, w]` in [0, 1], by what messages call it."""
        named = {"the picture" if self.region is None else "the region": (self.content, self.region)}
        for number, guided in enumerate(self.guided_styles):
            named[f"style {number}" if len(self.styles) > 1 else "the style"] = guided
        return {
            name: torch.ones_like(picture[:, :1]) if guide is None else guide
            for name, (picture, guide) in named.items()
        }

    @property
    def is_grey(self) -> bool:
        """Whether content and styles are, or styles become so: what is painted then is grey, too."""
        return is_grey(self.content) and (self.keep_colors == "match" or all(map(is_grey, self.styles)))

    def fitted(self, size: Size) -> "Subject":
        """The same content at another size, with what lies over it, beside the same styles."""
        return replace(
            self,
            content=resize(self.content, size),
            region=None if self.region is None else resize(self.region, size),
            keep=None if self.keep is None else resize(self.keep, size),
            labels=None if self.labels is None else self.labels.resized(size),
            before=None if self.before is None else self.before.resized(size),
        )

    def seen(self) -> "Subject":
        """What the encoder is shown: recoloured styles where they match, and pictures in grey, exactly, where the
        colours are kept or there are none.
        """
        shown = self
        if self.keep_colors == "match":
            styles = [match_colors(style, self.content, self.region, seen) for style, seen in self.guided_styles]
            shown = replace(self, styles=styles, keep_colors="off")
        if self.keep_colors == "luminance" or self.is_grey:
            content, *styles = (luminance(picture) for picture in (shown.content, *shown.styles))
            before = shown.before and replace(shown.before, picture=luminance(shown.before.picture))
            shown = replace(shown, content=content, styles=styles, before=before, keep_colors="off")
        return shown

    def at(self, size: Size) -> "Subject":
        """The same subject at another size; the styles follow."""
        area = size[0] * size[1] * self.style_scale**2
        sizes = [fit_area((style.shape[-2], style.shape[-1]), area, least=LEAST_STYLE) for style in self.styles]
        guided = list(zip(self.guided_styles, sizes, strict=True))
        return replace(
            self.fitted(size),
            styles=[resize(style, of_style) for (style, _), of_style in guided],
            style_regions=[None if seen is None else resize(seen, of_style) for (_, seen), of_style in guided],
            labels=None if self.labels is None else self.labels.resized(size, sizes),
        )

    def to(self, device: torch.device) -> "Subject":
        """The same subject on another device."""
        return replace(
            self,
            content=self.content.to(device),
            styles=[style.to(device) for style in self.styles],
            style_regions=[None if seen is None else seen.to(device) for _, seen in self.guided_styles],
            region=None if self.region is None else self.region.to(device),
            keep=None if self.keep is None else self.keep.to(device),
            labels=None if self.labels is None else self.labels.to(device),
            before=None if self.before is None else self.before.to(device),
        )


def _within(guide: Tensor, region: Tensor | None) -> Tensor:
    return guide if region is None else guide * region
