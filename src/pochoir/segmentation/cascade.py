"""Heads that judge and move boxes in several stages (Cascade R-CNN, Cai and Vasconcelos 2018), then draw masks."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection.roi_heads import RoIHeads, fastrcnn_loss, maskrcnn_inference, maskrcnn_loss
from torchvision.ops import boxes as box_ops

EARLY_REJECTION = 0.02
"""A box to which a stage gives a lower probability of a class is not of that class, whatever later stages and the score
threshold say; one that is of none is not looked at again."""
MASKS = 8
"""Boxes a photo whose masks are learnt from: those of one object are much alike, and masks are dear."""

Features = dict[str, Tensor]
Boxes = list[Tensor]
Sizes = list[tuple[int, int]]
Targets = list[dict[str, Tensor]]


class CascadeRoIHeads(RoIHeads):
    """torchvision's heads, with stages before its own that each move the boxes on to the next.

    earlier: the stages before the last, heads without masks, each with the IoU from which on a box is the object, and
    how finely boxes are moved. loss_weights: of each stage, the last included. The others are the last stage's: what
    `RoIHeads` takes. Scores are the mean of all stages' probabilities. From stage to stage a box is moved as its most
    likely class would have it, in training as the class that it holds. Of a photo, up to `MASKS` masks are learnt.
    """

    def __init__(self, earlier: Sequence[RoIHeads], loss_weights: Sequence[float], **last: Any) -> None:
        super().__init__(**last)
        self.earlier = nn.ModuleList(earlier)
        self.loss_weights = loss_weights

    @property
    def stages(self) -> list[RoIHeads]:
        return [*self.earlier, self]

    def forward(
        self, features: Features, proposals: Boxes, image_shapes: Sizes, targets: Targets | None = None
    ) -> tuple[list[dict[str, Tensor]], dict[str, Tensor]]:
        """features: the pyramid. proposals: `[P, 4]` an image, pixels xyxy of the network's input.

        Returns detections (empty in training: boxes, labels, scores, masks `[N, 1, M, M]` within the boxes, and
        mask_scores, the scores times `maskness`), and losses (empty in evaluation): `loss_classifier` and
        `loss_box_reg`, summed over the stages, and `loss_mask`.
        """
        proposals = [boxes.float() for boxes in proposals]
        if self.training:
            assert targets is not None
            return [], self._losses(features, proposals, image_shapes, targets)
        return self._detections(features, proposals, image_shapes), {}

    def _losses(self, features: Features, proposals: Boxes, sizes: Sizes, targets: Targets) -> dict[str, Tensor]:
        classification, regression = [], []
        for stage, weight in zip(self.stages, self.loss_weights, strict=True):
            proposals, matched, labels, moves = stage.select_training_samples(proposals, targets)
            logits, deltas = _judged(stage, features, proposals, sizes)
            stage_losses = fastrcnn_loss(logits, deltas, labels, moves)
            classification.append(weight * stage_losses[0])
            regression.append(weight * stage_losses[1])
            if stage is not self:
                held = torch.cat(labels)
                held = torch.where(held > 0, held, _likeliest(logits))
                proposals = _moved(stage, deltas.detach(), held, proposals, sizes)
        objects = [_some(label > 0, MASKS) for label in labels]
        boxes = [box[chosen] for box, chosen in zip(proposals, objects, strict=True)]
        mask_loss = maskrcnn_loss(
            self._mask_logits(features, boxes, sizes),
            boxes,
            [target["masks"] for target in targets],
            [target["labels"] for target in targets],
            [index[chosen] for index, chosen in zip(matched, objects, strict=True)],
        )
        return {
            "loss_classifier": torch.stack(classification).sum(),
            "loss_box_reg": torch.stack(regression).sum(),
            "loss_mask": mask_loss,
        }

    def _detections(self, features: Features, proposals: Boxes, sizes: Sizes) -> list[dict[str, Tensor]]:
        summed = proposals[0].new_zeros(1)
        rejected = torch.zeros(1, 1, dtype=torch.bool, device=summed.device)  # `[P, C]`, which classes a box is not
        for stage in self.earlier:
            logits, deltas = _judged(stage, features, proposals, sizes)
            probabilities = logits.softmax(-1)
            rejected = rejected | ~(probabilities >= EARLY_REJECTION)
            rejected[:, 0] = False  # the background
            likely = ~rejected[:, 1:].all(dim=1)
            summed, rejected = (summed + probabilities)[likely], rejected[likely]
            boxes = _moved(stage, deltas, _likeliest(logits), proposals, sizes)
            moved = zip(boxes, likely.split(_counts(proposals)), strict=True)
            proposals = [of_image[kept] for of_image, kept in moved]
        logits, deltas = _judged(self, features, proposals, sizes)
        mean = (summed + logits.softmax(-1)) / len(self.stages)
        background = mean[:, :1] + mean.masked_fill(~rejected, 0).sum(dim=1, keepdim=True)
        mean = torch.cat([background, mean.masked_fill(rejected, 0)[:, 1:]], dim=1)
        # by its logarithm, since it is taken for logits, whose softmax gives it back
        boxes, scores, labels = self.postprocess_detections(mean.log(), deltas, proposals, sizes)
        masks = maskrcnn_inference(self._mask_logits(features, boxes, sizes), labels)
        mask_scores = [score * maskness(mask) for score, mask in zip(scores, masks, strict=True)]
        names = ("boxes", "scores", "labels", "masks", "mask_scores")
        columns = (boxes, scores, labels, masks, mask_scores)
        return [dict(zip(names, found, strict=True)) for found in zip(*columns, strict=True)]

    def _mask_logits(self, features: Features, boxes: Boxes, sizes: Sizes) -> Tensor:
        return self.mask_predictor(self.mask_head(self.mask_roi_pool(features, boxes, sizes)))


def maskness(masks: Tensor) -> Tensor:
    """How sure masks are of what they hold (SOLO, Wang et al. 2020): the mean of a mask's probabilities from .5 on.

    masks: `[N, 1, M, M]` in [0, 1]. Returns `[N]` in [0, 1]: at least .5, or 0 for a mask that holds nothing.
    """
    held = masks >= 0.5
    return (masks * held).sum(dim=(1, 2, 3)) / held.sum(dim=(1, 2, 3)).clamp(min=1)


def _counts(boxes: Boxes) -> list[int]:
    return [of_image.shape[0] for of_image in boxes]  # not len, which a traced graph would take for a constant


def _some(chosen: Tensor, count: int) -> Tensor:
    """Indices of up to `count` of the chosen, at random."""
    indices = chosen.nonzero().flatten()
    return indices[torch.randperm(len(indices), device=indices.device)[:count]]


def _judged(stage: RoIHeads, features: Features, proposals: Boxes, sizes: Sizes) -> tuple[Tensor, Tensor]:
    """Class logits `[P, C]` and moves `[P, 4 C]` of all images' boxes; the background is class 0."""
    logits, deltas = stage.box_predictor(stage.box_head(stage.box_roi_pool(features, proposals, sizes)))
    return logits.float(), deltas.float()  # in mixed precision, half pixels would be lost


def _likeliest(logits: Tensor) -> Tensor:
    """The class `[P]` that each box holds most likely, if it holds an object."""
    return logits[:, 1:].argmax(dim=1) + 1


def _moved(stage: RoIHeads, deltas: Tensor, labels: Tensor, proposals: Boxes, sizes: Sizes) -> Boxes:
    """Where a stage would have the boxes if each held an object of the class `labels` `[P]`, within the images."""
    by_class = stage.box_coder.decode(deltas, proposals).reshape(-1, deltas.shape[1] // 4, 4)
    moved = by_class.gather(1, labels[:, None, None].expand(-1, 1, 4))[:, 0].split(_counts(proposals))
    return [box_ops.clip_boxes_to_image(boxes, size) for boxes, size in zip(moved, sizes, strict=True)]
