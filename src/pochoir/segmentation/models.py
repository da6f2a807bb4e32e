"""Build the network that a segmenter config asks for, with its weights."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from timm.layers import freeze_batch_norm_2d
from torchvision.models import ResNet50_Weights
from torchvision.models.detection import (
    MaskRCNN_ResNet50_FPN_V2_Weights,
    MaskRCNN_ResNet50_FPN_Weights,
    maskrcnn_resnet50_fpn,
    maskrcnn_resnet50_fpn_v2,
)
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN
from torchvision.models.detection.mask_rcnn import MaskRCNNPredictor

from pochoir.assets import WEIGHTS
from pochoir.config import SegmenterConfig
from pochoir.data.source import ONE_CLASS
from pochoir.segmentation.classes import begun_anew, classes_in, with_heads_for
from pochoir.segmentation.lite import maskrcnn_lite
from pochoir.weights import load_strictly, network_file, network_state, read_checkpoint, torchvision_state

OFFLINE_CHOICE = "segmenter=maskrcnn_lite, whose ImageNet weights come with a package"

log = logging.getLogger(__name__)


def build_segmenter(config: SegmenterConfig, classes: Sequence[str] = ONE_CLASS) -> GeneralizedRCNN:
    """Mask R-CNN that takes a list of `[3, H, W]` images in [0, 1] of any sizes.

    classes: names of the labels 1, 2, …; weights of a network of other classes begin them, see `with_heads_for`.

    Raises `WeightsError` when weights cannot be had or do not fit the network.
    """
    network = _BUILDERS[config.name](
        config,
        num_classes=1 + len(classes),  # the background is one
        min_size=config.min_size,
        max_size=config.max_size,
        box_score_thresh=config.score_threshold,
        box_detections_per_img=config.max_detections,
    )
    if config.weights in WEIGHTS or config.weights not in config.named:
        path = network_file(config.weights)
        checkpoint = read_checkpoint(path)
        theirs = classes_in(checkpoint)
        if anew := begun_anew(classes, theirs):
            log.info("%s knows %s; begun anew: %s", path, ", ".join(theirs), ", ".join(anew))
        state = with_heads_for(classes, network_state(checkpoint, path), theirs, network.state_dict())
        load_strictly(network, state, str(path))
    return network


def _lite(config: SegmenterConfig, **kwargs: Any) -> GeneralizedRCNN:
    return maskrcnn_lite(imagenet=config.weights == "imagenet", trained_layers=config.trained_layers, **kwargs)


def _resnet50(
    config: SegmenterConfig,
    *,
    build: Callable[..., GeneralizedRCNN],
    coco: Any,
    published_without_eps: bool,
    num_classes: int,
    **kwargs: Any,
) -> GeneralizedRCNN:
    network = build(weights=None, weights_backbone=None, **kwargs)
    body = network.backbone.body
    if config.weights == "coco":
        network.load_state_dict(torchvision_state(coco, OFFLINE_CHOICE))
        if published_without_eps:
            _absorb_eps(body)
    elif config.weights == "imagenet":
        state = torchvision_state(ResNet50_Weights.IMAGENET1K_V1, OFFLINE_CHOICE)
        body.load_state_dict({key: value for key, value in state.items() if not key.startswith("fc.")})
    network.backbone.body = freeze_batch_norm_2d(body)
    for name in ("conv1", "layer1", "layer2", "layer3", "layer4")[: 5 - config.trained_layers]:
        network.backbone.body[name].requires_grad_(False)

    heads = network.roi_heads
    heads.box_predictor = FastRCNNPredictor(heads.box_predictor.cls_score.in_features, num_classes)
    mask_channels = heads.mask_predictor.conv5_mask.in_channels
    heads.mask_predictor = MaskRCNNPredictor(mask_channels, heads.mask_predictor.conv5_mask.out_channels, num_classes)
    return network


def _absorb_eps(body: torch.nn.Module) -> None:
    """Scale batch norm so that it gives with its eps what the published weights give without.

    torchvision runs its first COCO weights with an eps of 0, which no checkpoint records.
    """
    with torch.no_grad():
        for module in body.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                assert module.running_var is not None
                module.weight.mul_(((module.running_var + module.eps) / module.running_var).sqrt())


_BUILDERS: dict[str, Callable[..., GeneralizedRCNN]] = {
    "maskrcnn_lite": _lite,
    "maskrcnn_resnet50": partial(
        _resnet50, build=maskrcnn_resnet50_fpn, coco=MaskRCNN_ResNet50_FPN_Weights.COCO_V1, published_without_eps=True
    ),
    "maskrcnn_resnet50_v2": partial(
        _resnet50,
        build=maskrcnn_resnet50_fpn_v2,
        coco=MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1,
        published_without_eps=False,
    ),
}
