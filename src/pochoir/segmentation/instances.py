"""The instances that a segmenter finds in one picture."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from pochoir.data.source import ONE_CLASS
from pochoir.images import Pixels
from pochoir.images.overlays import draw_instances

COLUMNS = ("boxes", "scores", "labels", "masks", "mask_scores")


@dataclass(frozen=True, eq=False)
class Instances:
    """N instances at the image's own resolution, best first; N may be 0.

    boxes: `[N, 4]` float32 pixels xyxy, x1 and y1 exclusive. scores: `[N]` in [0, 1]. labels: `[N]` int64.
    masks: `[N, H, W]` float32 soft in [0, 1]. mask_scores: `[N]` in [0, 1], see `mask_scores_of`. cells: a side of the
    grid over its box in which each mask was predicted; None for masks that were given. photo: what they were found in,
    `[H, W, 3]` uint8; None where it is not known. classes: names of the labels 1, 2, …. Raises `ValueError` for columns
    of unequal lengths.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor
    masks: Tensor
    mask_scores: Tensor
    cells: int | None = None
    photo: Pixels | None = None
    classes: tuple[str, ...] = ONE_CLASS

    def __post_init__(self) -> None:
        lengths = {name: len(getattr(self, name)) for name in COLUMNS}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"instances: of everything there must be one for each; there are {lengths}")

    def __repr__(self) -> str:
        scores = ", ".join(self.captions(numbered=False))
        return f"Instances({len(self)} in {self.masks.shape[-1]}×{self.masks.shape[-2]} pixels, scores {scores or '-'})"

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, which: int | slice | Sequence[int] | Tensor | NDArray[Any]) -> "Instances":
        """Some of them, as `Instances` of the same photo: those at an index, a slice, indices, or where a mask says so.

        Raises `IndexError` for one that is not there.
        """
        try:
            kept = torch.arange(len(self))[which].reshape(-1)
        except IndexError:
            raise IndexError(f"{which}: there are {len(self)} instances, counted from 0") from None
        return replace(self, **{name: getattr(self, name)[kept] for name in COLUMNS})

    def __iter__(self) -> Iterator["Instances"]:
        """One after the other, each as `Instances` of one."""
        return (self[index] for index in range(len(self)))

    @property
    def names(self) -> list[str]:
        """The class of each, see `names_of`."""
        return names_of(self.labels, self.classes)

    def captions(self, *, numbered: bool = True) -> list[str]:
        """What is written at each, see `captions_of`."""
        return captions_of(self.labels, self.scores, self.classes, numbered=numbered)

    def above(self, score: float) -> "Instances":
        """Those with at least this score."""
        return self[self.scores >= score]

    def picture(self, mask_threshold: float = 0.5) -> Image.Image:
        """The photo, white where it is not known, with every instance tinted, outlined, and its number, class and
        score.

        mask_threshold: a pixel belongs to an instance from this probability on.
        """
        photo = np.full((*self.masks.shape[1:], 3), 255, np.uint8) if self.photo is None else self.photo
        solid = (self.masks >= mask_threshold).numpy()
        return Image.fromarray(draw_instances(photo, solid, self.captions()))

    def _repr_png_(self) -> bytes:
        """What notebooks show."""
        buffer = BytesIO()
        self.picture().save(buffer, "PNG")
        return buffer.getvalue()


def names_of(labels: Tensor, classes: Sequence[str]) -> list[str]:
    """The classes of labels `[N]`, by their names; by the label where that has none."""
    known = dict(enumerate(classes, start=1))
    return [known.get(label, str(label)) for label in labels.tolist()]


def captions_of(labels: Tensor, scores: Tensor, classes: Sequence[str], *, numbered: bool = True) -> list[str]:
    """Of each its number, its class unless there is but the one without a name, and its score."""
    named = tuple(classes) != ONE_CLASS
    return [
        (f"{index} " if numbered else "") + (f"{name} " if named else "") + f"{score:.2f}"
        for index, (name, score) in enumerate(zip(names_of(labels, classes), scores.tolist(), strict=True))
    ]


def mask_scores_of(output: Mapping[str, Tensor]) -> Tensor:
    """Scores `[N]` by which a network's masks are ranked (Mask Scoring R-CNN, Huang et al. 2019).

    A box may be surer than its mask. torchvision's own networks have one score for both.
    """
    return output.get("mask_scores", output["scores"])
