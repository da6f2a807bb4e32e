"""Mask R-CNN for a laptop: EfficientNet-Lite0, a normalised feature pyramid and slim heads (He et al. 2017)."""

from collections import OrderedDict
from functools import partial
from typing import Any

import timm
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead, FastRCNNPredictor
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import FeaturePyramidNetwork, LastLevelMaxPool

from pochoir.segmentation.folding import fold_batch_norms
from pochoir.weights import efficientnet_lite0_imagenet

ARCHITECTURE = "tf_efficientnet_lite0"
CHANNELS = 96
LEVELS = ("0", "1", "2")  # strides 8, 16, 32; max pooling adds stride 64. Stride 4 would take half of all time
group_norm = partial(nn.GroupNorm, 16)  # batches are too small for batch statistics


class LitePyramid(nn.Module):
    """`[B, 3, H, W]` normalised images to an `OrderedDict` of `[B, 96, H/s, W/s]`, strides s of 8, 16, 32, 64.

    trained_layers: how many of the five stages of the body are trained, counted from the deepest. Batch norm is frozen.
    """

    def __init__(self, *, imagenet: bool, trained_layers: int) -> None:
        super().__init__()
        # the first two of timm's five feature levels (strides 2 and 4) are left out
        body: Any = timm.create_model(ARCHITECTURE, features_only=True, out_indices=(2, 3, 4))
        if imagenet:
            names = list(timm.create_model(ARCHITECTURE).state_dict())
            state = efficientnet_lite0_imagenet(names)
            body.load_state_dict({key: state[key] for key in body.state_dict()})
        channels = body.feature_info.channels()
        stages = stages_of(body)
        for stage in stages[: len(stages) - trained_layers]:
            for module in stage:
                module.requires_grad_(False)
        fold_batch_norms(body)
        self.body = body
        self.fpn = FeaturePyramidNetwork(channels, CHANNELS, extra_blocks=LastLevelMaxPool(), norm_layer=group_norm)
        self.out_channels = CHANNELS

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        return self.fpn(OrderedDict(zip(LEVELS, self.body(images), strict=True)))


def stages_of(body: Any) -> list[list[nn.Module]]:
    """The body's five stages, each ending where its stride does: stem, then strides 4, 8, 16 and 32."""
    blocks = list(body.blocks)
    return [[body.conv_stem, body.bn1, blocks[0]], [blocks[1]], [blocks[2]], [blocks[3], blocks[4]], blocks[5:]]


def maskrcnn_lite(*, imagenet: bool, trained_layers: int, **kwargs: Any) -> MaskRCNN:
    """Two-class Mask R-CNN of under 9 million parameters on EfficientNet-Lite0.

    imagenet: start the body from ImageNet weights, which come with a package and need no network.
    kwargs: what `torchvision.models.detection.MaskRCNN` takes (`min_size`, `box_score_thresh`, ...).
    """
    pyramid = LitePyramid(imagenet=imagenet, trained_layers=trained_layers)
    anchors = AnchorGenerator(
        sizes=((24, 34), (48, 68), (96, 136), (192, 300)),
        aspect_ratios=((1.0, 2.0, 3.0),) * 4,  # height / width of upright figures
    )
    return MaskRCNN(
        pyramid,
        rpn_anchor_generator=anchors,
        rpn_head=RPNHead(CHANNELS, 6),
        box_roi_pool=MultiScaleRoIAlign(LEVELS, output_size=7, sampling_ratio=2),
        box_head=FastRCNNConvFCHead((CHANNELS, 7, 7), [CHANNELS, CHANNELS], [256], norm_layer=group_norm),
        box_predictor=FastRCNNPredictor(256, 2),
        mask_roi_pool=MultiScaleRoIAlign(LEVELS, output_size=14, sampling_ratio=2),
        mask_head=MaskRCNNHeads(CHANNELS, [CHANNELS] * 4, 1, norm_layer=group_norm),
        mask_predictor=MaskRCNNPredictor(CHANNELS, CHANNELS, 2),
        # of the usual 512: heads dominate on a CPU, and a photo has few figures
        box_batch_size_per_image=64,
        rpn_pre_nms_top_n_train=1000,
        rpn_post_nms_top_n_train=1000,
        rpn_pre_nms_top_n_test=500,
        rpn_post_nms_top_n_test=300,
        image_mean=[0.5, 0.5, 0.5],  # of the ImageNet weights
        image_std=[0.5, 0.5, 0.5],
        **kwargs,
    )
