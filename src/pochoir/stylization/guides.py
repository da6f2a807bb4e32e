"""Labels that pair parts of the content with parts of the styles: sky takes its paint from the painting's sky."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pochoir.config import GuidesConfig
from pochoir.errors import ConfigError, DataError, number_of
from pochoir.images import Picture, read_labels
from pochoir.images.resizing import Size, resize, same_shape

log = logging.getLogger(__name__)

MAX_LABELS = 32
"""A picture of more values is no label picture."""
GREY = 0x010101
"""Labels are colours as one number; a grey value is so many times this."""
DEEP = 1 << 24
"""Grey values beyond 8 bits are numbered from here on."""
Ids = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LabelPictures:
    """Labels of every pixel, `[H, W]` each: the content's, and those of each style; equal ones belong together."""

    content: Ids
    styles: Sequence[Ids]

    @property
    def count(self) -> int:
        """How many labels the content has."""
        return len(np.unique(self.content))

    def of(self, style: int, rows: slice, columns: slice) -> "LabelPictures":
        """Those of a part of the content and of one of the styles."""
        return LabelPictures(np.ascontiguousarray(self.content[rows, columns]), [self.styles[style]])

    def within(self, region: Tensor | None) -> "Labels":
        """A guide for each label that the region `[1, 1, H, W]` of the content holds; None: all of the content."""
        seen = self.content if region is None else self.content[region[0, 0].numpy() > 0]
        labels = np.unique(seen)
        return Labels(
            tuple(map(name_of, labels.tolist())),
            _one_hot(self.content, labels),
            [_one_hot(style, labels) for style in self.styles],
        )


@dataclass(frozen=True, eq=False)
class Labels:
    """Regions of the content and of its styles that belong together, label by label (Gatys et al. 2017).

    names: of the labels, for messages. content: `[1, L, H, W]` in [0, 1]; styles: `[1, L, h, w]` each.
    """

    names: tuple[str, ...]
    content: Tensor
    styles: Sequence[Tensor]

    def resized(self, content: Size, styles: Sequence[Size] | None = None) -> "Labels":
        """The same at other sizes; styles: None leaves theirs."""
        resized = self.styles if styles is None else list(map(resize, self.styles, styles))
        return replace(self, content=resize(self.content, content), styles=resized)

    def to(self, device: torch.device) -> "Labels":
        """The same on another device."""
        return replace(self, content=self.content.to(device), styles=[style.to(device) for style in self.styles])


def read_guides(config: GuidesConfig, content: Picture, styles: Sequence[Picture]) -> LabelPictures | None:
    """The label pictures that the settings name, at the sizes of the pictures that they are of; None: there are none.

    What is wholly transparent has no label. Raises `ConfigError` for another number of them than of styles, and
    `DataError`, naming the file, for one of another shape than its picture, with more than `MAX_LABELS` values, or
    where a style lacks a label of the content. Labels that styles have besides are logged.
    """
    if config.content is None or config.style is None:
        return None
    if len(config.style) != len(styles):
        raise ConfigError(
            f"guides.style: {number_of('label picture', len(config.style))} for {number_of('style', len(styles))}; "
            "give one for each, in order (that of a background_style last)"
        )
    own, *others = [
        _read(Path(file).expanduser(), picture.size)
        for file, picture in zip([config.content, *config.style], [content, *styles], strict=True)
    ]
    wanted = _shares(own, content)
    for file, labels, style in zip(config.style, others, styles, strict=True):
        there = _shares(labels, style)
        if lacking := [name for name in wanted if name not in there]:
            raise DataError(
                f"{file}: lacks {_listed(lacking)} of the content's labels; {config.content} has "
                f"{_described(wanted)}, the style's has {_described(there)}"
            )
        if idle := [name for name in there if name not in wanted]:
            log.info("%s: the content has no label %s, of which the style gives nothing", file, _listed(idle))
    return LabelPictures(own, others)


def name_of(label: int) -> str:
    """As people know it: a grey value, or a colour, `#ff8000`."""
    if label >= DEEP:
        return str(label - DEEP)
    return str(label // GREY) if label % GREY == 0 else f"#{label:06x}"


def _read(path: Path, size: Size) -> Ids:
    """Labels of a file, by nearest neighbour at the size of its picture."""
    values = read_labels(path, indices=False).astype(np.int64)
    ids = (
        values @ np.array([65536, 256, 1]) if values.ndim == 3 else np.where(values > 255, DEEP + values, GREY * values)
    )
    if (count := len(np.unique(ids))) > MAX_LABELS:
        raise DataError(
            f"{path}: has {count} values; a label picture has one for each part, {MAX_LABELS} at most (was it saved as "
            "JPEG, or with soft edges?)"
        )
    height, width = ids.shape
    if not same_shape((height, width), size):
        raise DataError(
            f"{path}: is {width}×{height} pixels, its picture is {size[1]}×{size[0]}, which is another shape"
        )
    rows, columns = (((np.arange(new) + 0.5) * old / new).astype(int) for new, old in zip(size, ids.shape, strict=True))
    return np.ascontiguousarray(ids[rows[:, None], columns])


def _shares(labels: Ids, picture: Picture) -> dict[str, float]:
    """Names of the labels under what can be seen of a picture, and which share of that each has."""
    seen = labels.ravel() if picture.alpha is None else labels[picture.alpha > 0]
    values, counts = np.unique(seen, return_counts=True)
    return {name_of(value): count / max(1, seen.size) for value, count in zip(values.tolist(), counts, strict=True)}


def _described(shares: dict[str, float]) -> str:
    return ", ".join(f"{name} ({share:.1%})" for name, share in shares.items())


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def _one_hot(ids: Ids, labels: Ids) -> Tensor:
    """`[1, L, H, W]` float32 of `[H, W]`."""
    return torch.from_numpy((ids[None] == labels[:, None, None]).astype(np.float32))[None]
