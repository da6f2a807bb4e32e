"""All segmenters: two classes, settings that reach torchvision, frozen parts, and weights that mean what they meant."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import ResNet50_Weights
from torchvision.models.detection import (
    MaskRCNN_ResNet50_FPN_V2_Weights,
    MaskRCNN_ResNet50_FPN_Weights,
    maskrcnn_resnet50_fpn,
    maskrcnn_resnet50_fpn_v2,
)
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN

from pochoir.config import SegmenterConfig, load_config
from pochoir.errors import WeightsError
from pochoir.segmentation.models import build_segmenter

RESNET_STAGES = (("conv1",), ("layer1",), ("layer2",), ("layer3",), ("layer4",))
STAGES = {
    "maskrcnn_lite": (
        ("conv_stem", "blocks.0"),
        ("blocks.1",),
        ("blocks.2",),
        ("blocks.3", "blocks.4"),
        ("blocks.5", "blocks.6"),
    ),
    "maskrcnn_resnet50": RESNET_STAGES,
    "maskrcnn_resnet50_v2": RESNET_STAGES,
}
"""The five stages of each body by the names of their modules; batch norm is frozen and has no parameters."""
TORCHVISIONS: dict[str, tuple[Any, Any]] = {
    "maskrcnn_resnet50": (maskrcnn_resnet50_fpn, MaskRCNN_ResNet50_FPN_Weights),
    "maskrcnn_resnet50_v2": (maskrcnn_resnet50_fpn_v2, MaskRCNN_ResNet50_FPN_V2_Weights),
}


def small(name: str, **changes: Any) -> SegmenterConfig:
    values = {"weights": "none", "min_size": 96, "max_size": 160, "score_threshold": 0.3, "max_detections": 7}
    return load_config("train_seg", [f"segmenter={name}"]).segmenter.but(**{**values, **changes})


def without_memory(config: SegmenterConfig) -> GeneralizedRCNN:
    """A network of shapes without values, which is built at once."""
    with torch.device("meta"):
        return build_segmenter(config)


@pytest.fixture(scope="module", params=STAGES)
def network(request: pytest.FixtureRequest) -> GeneralizedRCNN:
    torch.manual_seed(0)
    return build_segmenter(small(request.param))


def test_two_classes(network: GeneralizedRCNN) -> None:
    heads = network.roi_heads
    assert heads.box_predictor.cls_score.out_features == 2
    assert heads.box_predictor.bbox_pred.out_features == 2 * 4
    assert heads.mask_predictor.mask_fcn_logits.out_channels == 2


@pytest.mark.parametrize("name", STAGES)
def test_several_classes_have_a_head_each(name: str) -> None:
    with torch.device("meta"):
        heads = build_segmenter(small(name), ("balloon", "person", "dog")).roi_heads
    for stage in getattr(heads, "stages", [heads]):
        assert stage.box_predictor.cls_score.out_features == 4
        assert stage.box_predictor.bbox_pred.out_features == 4 * 4
    assert heads.mask_predictor.mask_fcn_logits.out_channels == 4


def test_settings_reach_torchvision(network: GeneralizedRCNN) -> None:
    assert network.transform.min_size == (96,)
    assert network.transform.max_size == 160
    assert network.roi_heads.score_thresh == 0.3
    assert network.roi_heads.detections_per_img == 7


def test_batch_norm_of_the_body_is_frozen(network: GeneralizedRCNN) -> None:
    body = network.backbone.body
    assert not [name for name, module in body.named_modules() if isinstance(module, nn.BatchNorm2d)]
    before = {name: value.clone() for name, value in body.state_dict().items()}
    assert any(name.endswith(("running_var", "scale")) for name in before)
    network.train()
    body(torch.rand(2, 3, 64, 64))
    assert all(torch.equal(value, before[name]) for name, value in body.state_dict().items())


@pytest.mark.parametrize("trained_layers", range(6))
@pytest.mark.parametrize("name", STAGES)
def test_the_deepest_stages_are_trained(name: str, trained_layers: int) -> None:
    network = without_memory(small(name, trained_layers=trained_layers))
    prefixes = tuple(f"{module}." for stage in STAGES[name][5 - trained_layers :] for module in stage)
    parameters = dict(network.backbone.body.named_parameters())
    trained = {key for key, value in parameters.items() if value.requires_grad}
    assert trained == {key for key in parameters if key.startswith(prefixes)}
    heads = [network.backbone.fpn, network.rpn, network.roi_heads]
    if name == "maskrcnn_lite":
        heads.append(network.backbone.fine)
    assert all(value.requires_grad for head in heads for value in head.parameters())


def test_the_stages_are_the_whole_body(network: GeneralizedRCNN, request: pytest.FixtureRequest) -> None:
    """Otherwise the test above would say nothing of what it does not list."""
    prefixes = tuple(f"{module}." for stage in STAGES[request.node.callspec.params["network"]] for module in stage)
    assert all(key.startswith(prefixes) for key, _ in network.backbone.body.named_parameters())


# COCO and ImageNet weights of torchvision, replaced by random ones of the same shapes


def random_body(shapes: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Values for a ResNet whose batch norm divides by so little that its eps matters; zeros outside of the body."""
    generator = torch.Generator().manual_seed(0)
    state = {}
    for key, like in shapes.items():
        value = torch.zeros(like.shape)
        if key.endswith("running_var"):
            value = 10 ** torch.empty(like.shape).uniform_(-6, -4, generator=generator)
        elif "body." in key and like.ndim == 4:
            value = torch.randn(like.shape, generator=generator) / like[0].numel() ** 0.5
        elif "body." in key and key.endswith("weight"):
            value = torch.full(like.shape, 10**-2.5)
        state[key] = value
    return state


def serve(monkeypatch: pytest.MonkeyPatch, weights: Any, state: Mapping[str, Tensor]) -> None:
    monkeypatch.setattr(weights, "get_state_dict", lambda self, **kwargs: dict(state))


@pytest.mark.parametrize("name", TORCHVISIONS)
def test_coco_weights_give_torchvisions_features(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first ones were trained without an eps in batch norm, which torchvision sets after loading."""
    build, weights = TORCHVISIONS[name]
    with torch.device("meta"):
        shapes = build(weights=None, weights_backbone=None).state_dict()
    state = random_body(shapes)
    if name == "maskrcnn_resnet50":  # published from a network with frozen batch norm, which does not count
        state = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
    serve(monkeypatch, weights, state)
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        theirs = build(weights=weights.COCO_V1, weights_backbone=None).eval().backbone.body(images)
        ours = build_segmenter(small(name, weights="coco")).eval().backbone.body(images)
    assert list(ours) == list(theirs)
    for level, expected in theirs.items():
        assert expected.std() > 0
        torch.testing.assert_close(ours[level], expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())


def test_imagenet_weights_land_in_the_body(monkeypatch: pytest.MonkeyPatch) -> None:
    with torch.device("meta"):
        shapes = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None).backbone.state_dict()
    state = {key.removeprefix("body."): value for key, value in random_body(shapes).items() if key.startswith("body.")}
    serve(monkeypatch, ResNet50_Weights, {**state, "fc.weight": torch.zeros(1000, 2048), "fc.bias": torch.zeros(1000)})
    loaded = build_segmenter(small("maskrcnn_resnet50", weights="imagenet")).backbone.body.state_dict()
    assert len(loaded) == 53 * 5  # 53 convolutions, each with four tensors of batch norm
    assert all(torch.equal(value, state[key]) for key, value in loaded.items())


# checkpoints of one's own


@pytest.fixture(scope="module")
def lite() -> GeneralizedRCNN:
    return build_segmenter(small("maskrcnn_lite"))


@pytest.fixture(scope="module")
def ckpt(lite: GeneralizedRCNN, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As Lightning saves it: the network is a member of the module."""
    path = tmp_path_factory.mktemp("ckpt") / "best.ckpt"
    torch.save({"state_dict": {f"network.{key}": value for key, value in lite.state_dict().items()}}, path)
    return path


def test_weights_of_a_checkpoint(lite: GeneralizedRCNN, ckpt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(ckpt.parent))
    again = build_segmenter(small("maskrcnn_lite", weights="~/best.ckpt")).state_dict()
    assert again.keys() == lite.state_dict().keys()
    assert all(torch.equal(again[key], value) for key, value in lite.state_dict().items())


def test_a_checkpoint_of_another_network(ckpt: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        without_memory(small("maskrcnn_resnet50", weights=str(ckpt)))
    first, *differences, last = str(caught.value).splitlines()
    assert first == f"{ckpt} does not fit the network, but another, or an earlier version of it:"
    assert differences[0] == "  - backbone.body.conv1.weight is missing"
    assert len(differences) == 8
    assert last.endswith("more")


def test_a_training_of_several_classes_starts_from_weights_of_one(lite: GeneralizedRCNN, ckpt: Path) -> None:
    state = lite.state_dict()
    several = build_segmenter(small("maskrcnn_lite", weights=str(ckpt)), ("balloon", "person")).state_dict()
    differing = {key for key, value in several.items() if value.shape != state[key].shape}
    assert len(differing) == 2 * 4 + 2  # weights and biases of two stages' scores and moves, and of the masks
    assert all(torch.equal(value, state[key]) for key, value in several.items() if key not in differing)
    for key in differing:
        rows = len(several[key]) // 3
        first, second = several[key][rows : 2 * rows], several[key][2 * rows :]
        assert torch.equal(first, second) == (not key.endswith("cls_score.weight"))  # those are set apart


def test_a_training_starts_from_weights_of_other_classes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "pochoir")
    theirs = build_segmenter(small("maskrcnn_lite"), ("dog", "person"))
    path = tmp_path / "two.ckpt"
    torch.save({"state_dict": theirs.state_dict(), "hyper_parameters": {"classes": ["dog", "person"]}}, path)
    again = build_segmenter(small("maskrcnn_lite", weights=str(path)), ("person", "cat", "dog"))
    there, here = (network.roi_heads.box_predictor.cls_score.weight for network in (theirs, again))
    assert torch.equal(here[[0, 1, 3]], there[[0, 2, 1]])
    assert f"{path} knows dog, person; begun anew: cat" in caplog.text
