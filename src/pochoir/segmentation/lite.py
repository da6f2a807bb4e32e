"""Mask R-CNN for a laptop: EfficientNet-Lite0, a normalised feature pyramid and slim heads (He et al. 2017)."""

from collections import OrderedDict
from functools import partial
from typing import Any, NamedTuple

import timm
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead, FastRCNNPredictor
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.mask_rcnn import MaskRCNNPredictor
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import FeaturePyramidNetwork, LastLevelMaxPool

from pochoir.segmentation.cascade import CascadeRoIHeads
from pochoir.segmentation.fine_masks import FineLevel, FineMaskHead, FineMaskPool
from pochoir.segmentation.folding import fold_batch_norms
from pochoir.weights import efficientnet_lite0_imagenet

ARCHITECTURE = "tf_efficientnet_lite0"
CHANNELS = 96
LEVELS = ("0", "1", "2")  # strides 8, 16, 32; max pooling adds stride 64
FINE = "fine"  # stride 4, for masks alone: with boxes looked for in it, it would take half of all time
FINE_CHANNELS = 48
BOXES = 64  # a photo to learn from, of the usual 512: heads dominate on a CPU, and a photo has few figures
group_norm = partial(nn.GroupNorm, 16)  # batches are too small for batch statistics


class Stage(NamedTuple):
    """Of judging boxes: the IoU from which on a box is the object, how finely it is moved, the weight of its losses."""

    iou: float
    fineness: float
    loss_weight: float


STAGES = (Stage(0.5, 10.0, 1.0), Stage(0.65, 20.0, 0.5))


class LitePyramid(nn.Module):
    """`[B, 3, H, W]` normalised images to an `OrderedDict` of `[B, 96, H/s, W/s]`, strides s of 8, 16, 32, 64, and
    `[B, 48, H/4, W/4]` under the name "fine".

    trained_layers: how many of the five stages of the body are trained, counted from the deepest. Batch norm is frozen.
    """

    def __init__(self, *, imagenet: bool, trained_layers: int) -> None:
        super().__init__()
        # all of timm's five feature levels but the first, of stride 2
        body: Any = timm.create_model(ARCHITECTURE, features_only=True, out_indices=(1, 2, 3, 4))
        if imagenet:
            names = list(timm.create_model(ARCHITECTURE).state_dict())
            state = efficientnet_lite0_imagenet(names)
            body.load_state_dict({key: state[key] for key in body.state_dict()})
        finest, *channels = body.feature_info.channels()
        stages = stages_of(body)
        for stage in stages[: len(stages) - trained_layers]:
            for module in stage:
                module.requires_grad_(False)
        fold_batch_norms(body)
        self.body = body
        self.fpn = FeaturePyramidNetwork(channels, CHANNELS, extra_blocks=LastLevelMaxPool(), norm_layer=group_norm)
        self.fine = FineLevel(finest, CHANNELS, FINE_CHANNELS, group_norm)
        self.out_channels = CHANNELS

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        finest, *levels = self.body(images)
        pyramid = self.fpn(OrderedDict(zip(LEVELS, levels, strict=True)))
        pyramid[FINE] = self.fine(finest, pyramid[LEVELS[0]])
        return pyramid


class PyramidProposals(RegionProposalNetwork):
    """torchvision's proposals, from every level but the fine one."""

    def forward(
        self, images: ImageList, features: dict[str, Tensor], targets: list[dict[str, Tensor]] | None = None
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        return super().forward(images, {name: level for name, level in features.items() if name != FINE}, targets)


def stages_of(body: Any) -> list[list[nn.Module]]:
    """The body's five stages, each ending where its stride does: stem, then strides 4, 8, 16 and 32."""
    blocks = list(body.blocks)
    return [[body.conv_stem, body.bn1, blocks[0]], [blocks[1]], [blocks[2]], [blocks[3], blocks[4]], blocks[5:]]


def maskrcnn_lite(
    *,
    imagenet: bool,
    trained_layers: int,
    min_size: int,
    max_size: int,
    box_score_thresh: float,
    box_detections_per_img: int,
    num_classes: int = 2,
) -> GeneralizedRCNN:
    """Mask R-CNN of 6.5 million parameters on EfficientNet-Lite0, its boxes judged in two stages.

    num_classes: the background is one. imagenet: start the body from ImageNet weights, which come with a package and
    need no network. The others mean what they mean in `torchvision.models.detection.MaskRCNN`.
    """
    proposals = PyramidProposals(
        AnchorGenerator(
            sizes=((24, 34), (48, 68), (96, 136), (192, 300)),
            aspect_ratios=((1.0, 2.0, 3.0),) * 4,  # height / width of upright figures
        ),
        RPNHead(CHANNELS, 6),
        fg_iou_thresh=0.7,
        bg_iou_thresh=0.3,
        batch_size_per_image=256,
        positive_fraction=0.5,
        pre_nms_top_n={"training": 1000, "testing": 500},
        post_nms_top_n={"training": 1000, "testing": 300},
        nms_thresh=0.7,
    )
    heads = CascadeRoIHeads(
        [RoIHeads(**_box_stage(stage, num_classes)) for stage in STAGES[:-1]],
        [stage.loss_weight for stage in STAGES],
        **_box_stage(STAGES[-1], num_classes, score_thresh=box_score_thresh, detections_per_img=box_detections_per_img),
        mask_roi_pool=FineMaskPool(LEVELS, FINE),
        mask_head=FineMaskHead(CHANNELS, FINE_CHANNELS, 64, group_norm),
        mask_predictor=MaskRCNNPredictor(64, 32, num_classes),
    )
    halves = [0.5, 0.5, 0.5]  # mean and deviation that the ImageNet weights were trained with
    return GeneralizedRCNN(
        LitePyramid(imagenet=imagenet, trained_layers=trained_layers),
        proposals,
        heads,
        GeneralizedRCNNTransform(min_size, max_size, halves, halves),
    )


def _box_stage(
    stage: Stage, num_classes: int, *, score_thresh: float = 0.0, detections_per_img: int = 0
) -> dict[str, Any]:
    return {
        "box_roi_pool": MultiScaleRoIAlign(LEVELS, output_size=7, sampling_ratio=2),
        "box_head": FastRCNNConvFCHead((CHANNELS, 7, 7), [CHANNELS, CHANNELS], [256], norm_layer=group_norm),
        "box_predictor": FastRCNNPredictor(256, num_classes),
        "fg_iou_thresh": stage.iou,
        "bg_iou_thresh": stage.iou,
        "batch_size_per_image": BOXES,
        "positive_fraction": 0.25,
        "bbox_reg_weights": (stage.fineness, stage.fineness, stage.fineness / 2, stage.fineness / 2),
        "score_thresh": score_thresh,
        "nms_thresh": 0.5,
        "detections_per_img": detections_per_img,
    }
