"""The instances that a segmenter finds in one picture."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Instances:
    """N instances at the image's own resolution, best first; N may be 0.

    boxes: `[N, 4]` float32 pixels xyxy, x1 and y1 exclusive. scores: `[N]` in [0, 1]. labels: `[N]` int64.
    masks: `[N, H, W]` float32 soft in [0, 1]. mask_scores: `[N]` in [0, 1], see `mask_scores_of`. cells: a side of the
    grid over its box in which each mask was predicted; None for masks that were given.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor
    masks: Tensor
    mask_scores: Tensor
    cells: int | None = None

    def __len__(self) -> int:
        return len(self.scores)

    def above(self, score: float) -> "Instances":
        """Those with at least this score."""
        kept = torch.nonzero(self.scores >= score).flatten()
        return replace(
            self,
            boxes=self.boxes[kept],
            scores=self.scores[kept],
            labels=self.labels[kept],
            masks=self.masks[kept],
            mask_scores=self.mask_scores[kept],
        )


def mask_scores_of(output: Mapping[str, Tensor]) -> Tensor:
    """Scores `[N]` by which a network's masks are ranked (Mask Scoring R-CNN, Huang et al. 2019).

    A box may be surer than its mask. torchvision's own networks have one score for both.
    """
    return output.get("mask_scores", output["scores"])
