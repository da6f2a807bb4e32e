"""What a network finds in a photo, masks as it predicts them: small, however large the photo is."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN
from torchvision.models.detection.transform import resize_boxes

from pochoir.data.source import ONE_CLASS
from pochoir.images import Pixels
from pochoir.segmentation.instances import Instances, captions_of, mask_scores_of
from pochoir.segmentation.pasting import Size, placed


class View(NamedTuple):
    """A mask `[M, M]` in [0, 1] over a box `[4]`, xyxy in the photo's pixels, both float32."""

    box: NDArray[np.float32]
    cells: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Detections:
    """N instances of a photo, best first, whose masks are pasted one by one, when they are asked for.

    boxes, scores, labels, mask_scores, classes: as `Instances` have them, on the CPU. views: of each, where its mask
    comes from; one, or several where it was seen in parts: the mask is the largest of them.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor
    mask_scores: Tensor
    views: Sequence[Sequence[View]]
    cells: int
    photo: Pixels
    classes: tuple[str, ...] = ONE_CLASS

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def size(self) -> Size:
        """The photo's (height, width)."""
        height, width, _ = self.photo.shape
        return height, width

    def captions(self) -> list[str]:
        """What is written at each, see `captions_of`."""
        return captions_of(self.labels, self.scores, self.classes)

    def solid(self, threshold: float) -> Iterator[NDArray[np.bool_]]:
        """One mask `[H, W]` after the other: a pixel belongs to it from this probability on."""
        for views in self.views:
            mask = np.full(self.size, threshold <= 0)
            for view in views:
                there = placed(view.cells, view.box, self.size)
                mask[there.window] |= there.mask >= threshold
            yield mask

    def instances(self) -> Instances:
        """With all masks pasted: 4 bytes for each pixel of the photo and instance."""
        masks = np.zeros((len(self), *self.size), dtype=np.float32)
        for mask, views in zip(masks, self.views, strict=True):
            for view in views:
                there = placed(view.cells, view.box, self.size)
                np.maximum(mask[there.window], there.mask, out=mask[there.window])
        columns = (self.boxes, self.scores, self.labels, torch.from_numpy(masks), self.mask_scores)
        return Instances(*columns, self.cells, self.photo, self.classes)


def detect(network: GeneralizedRCNN, image: Tensor) -> dict[str, Tensor]:
    """A Mask R-CNN's detections without torchvision's last step, which pastes every mask at the image's size.

    image: `[3, H, W]` in [0, 1]. network: in evaluation mode. Returns boxes `[N, 4]` xyxy in the image's pixels,
    labels, scores, mask_scores `[N]`, and masks `[N, M, M]` in [0, 1], cells over the boxes; see `pasting.placed`.
    """
    images, _ = network.transform([image])
    features = network.backbone(images.tensors)
    if isinstance(features, Tensor):
        features = OrderedDict([("0", features)])
    proposals, _ = network.rpn(images, features)
    found = network.roi_heads(features, proposals, images.image_sizes)[0][0]
    return {
        "boxes": resize_boxes(found["boxes"], images.image_sizes[0], image.shape[-2:]),
        "labels": found["labels"],
        "scores": found["scores"],
        "mask_scores": mask_scores_of(found),
        "masks": found["masks"][:, 0],
    }
