"""The instances that a segmenter finds in one picture."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Instances:
    """N instances at the image's own resolution, best first; N may be 0.

    boxes: `[N, 4]` float32 pixels xyxy, x1 and y1 exclusive. scores: `[N]` in [0, 1]. labels: `[N]` int64.
    masks: `[N, H, W]` float32 soft in [0, 1].
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor
    masks: Tensor

    def __len__(self) -> int:
        return len(self.scores)

    def above(self, score: float) -> "Instances":
        """Those with at least this score."""
        kept = torch.nonzero(self.scores >= score).flatten()
        return Instances(self.boxes[kept], self.scores[kept], self.labels[kept], self.masks[kept])
