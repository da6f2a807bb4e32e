"""The slim Mask R-CNN: its size, its pyramid, what it returns, and that it starts from a sane place."""

import pytest
import timm
import torch
from torch import Tensor
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN

from pochoir.data.figures import Figures
from pochoir.data.targets import Target, make_target
from pochoir.segmentation.lite import ARCHITECTURE, LitePyramid, maskrcnn_lite, stages_of
from pochoir.weights import efficientnet_lite0_imagenet

LOSSES = {"loss_classifier", "loss_box_reg", "loss_mask", "loss_objectness", "loss_rpn_box_reg"}


@pytest.fixture(scope="module")
def network() -> GeneralizedRCNN:
    torch.manual_seed(0)
    return maskrcnn_lite(
        imagenet=False, trained_layers=2, min_size=128, max_size=160, box_score_thresh=0.0, box_detections_per_img=5
    )


@pytest.fixture(scope="module")
def sample() -> tuple[Tensor, Target]:
    drawn = Figures(length=2, size=(128, 160)).read(1)
    assert len(drawn.masks) > 1
    target = make_target(torch.tensor(drawn.masks), torch.tensor(drawn.crowd), 1, "figure")
    return torch.tensor(drawn.image).permute(2, 0, 1) / 255, target


def test_six_and_a_half_million_parameters(network: GeneralizedRCNN) -> None:
    assert sum(parameter.numel() for parameter in network.parameters()) / 1e6 == pytest.approx(6.5, abs=0.05)


def test_four_normalised_levels_of_96_channels_and_a_fine_one(network: GeneralizedRCNN) -> None:
    levels = network.backbone(torch.rand(2, 3, 128, 192))
    fine = levels.pop("fine")
    assert tuple(fine.shape) == (2, 48, 128 // 4, 192 // 4)
    assert 0.2 < fine.std() < 1.2
    expected = [(2, 96, 128 // stride, 192 // stride) for stride in (8, 16, 32, 64)]
    assert [tuple(level.shape) for level in levels.values()] == expected
    assert network.backbone.out_channels == 96
    assert all(0.8 < level.std() < 1.2 for level in levels.values())  # 4 to 11 without the pyramid's norms


def test_each_stage_halves_the_picture() -> None:
    body = timm.create_model(ARCHITECTURE)
    features, sides = torch.rand(1, 3, 64, 64), []
    with torch.no_grad():
        for stage in stages_of(body):
            for module in stage:
                features = module(features)
            sides.append(features.shape[-1])
    assert sides == [32, 16, 8, 4, 2]


def test_imagenet_weights_give_the_classifiers_features() -> None:
    classifier = timm.create_model(ARCHITECTURE)
    state = efficientnet_lite0_imagenet(list(classifier.state_dict()))
    classifier = timm.create_model(ARCHITECTURE, features_only=True, out_indices=(1, 2, 3, 4)).eval()
    classifier.load_state_dict({key: state[key] for key in classifier.state_dict()})
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        loaded, untrained = (
            LitePyramid(imagenet=imagenet, trained_layers=5).eval().body(images) for imagenet in (True, False)
        )
        expected = classifier(images)
    for features, theirs, random in zip(loaded, expected, untrained, strict=True):
        torch.testing.assert_close(features, theirs, rtol=1e-3, atol=1e-4)  # folding kept eps and activation
        assert not torch.allclose(features, random, atol=0.1)


def test_an_untrained_mask_head_is_unsure_rather_than_wrong(
    network: GeneralizedRCNN, sample: tuple[Tensor, Target]
) -> None:
    """Without norms in pyramid and heads the first mask loss is near 20, and training diverges."""
    image, target = sample
    torch.manual_seed(0)
    with torch.no_grad():
        losses = network.train()([image], [target])
    assert set(losses) == LOSSES
    assert 0.1 < losses["loss_mask"] < 5
    assert losses["loss_classifier"] == pytest.approx(1.5 * 0.693, abs=0.2)  # two stages of two equally likely classes
    assert losses["loss_objectness"] == pytest.approx(0.693, abs=0.05)


def test_a_photo_without_objects_trains(network: GeneralizedRCNN, sample: tuple[Tensor, Target]) -> None:
    """Every trainable parameter gets a gradient, which several processes wait for."""
    image, _ = sample
    empty = make_target(torch.zeros(0, *image.shape[-2:]), torch.zeros(0, dtype=torch.bool), 1, "empty")
    network.zero_grad()
    losses = network.train()([image], [empty])
    assert set(losses) == LOSSES
    torch.stack(list(losses.values())).sum().backward()
    assert losses["loss_mask"] == losses["loss_box_reg"] == losses["loss_rpn_box_reg"] == 0
    assert losses["loss_objectness"] > 0
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
        else:
            assert parameter.grad is None, name


def test_detections_are_in_pixels_of_the_original_pictures(network: GeneralizedRCNN) -> None:
    network.eval()
    images = [torch.rand(3, 100, 130), torch.rand(3, 300, 200)]
    with torch.no_grad():
        outputs = network(images)
    for image, output in zip(images, outputs, strict=True):
        height, width = image.shape[-2:]
        assert output["masks"].shape == (5, 1, height, width)
        assert 0 <= output["masks"].min() <= output["masks"].max() <= 1
        assert output["labels"].tolist() == [1] * 5
        assert output["scores"].tolist() == sorted(output["scores"].tolist(), reverse=True)
        assert output["boxes"].shape == (5, 4)
        assert output["boxes"].min() >= 0
        assert (output["boxes"].amax(0) <= torch.tensor([width, height, width, height])).all()
    assert outputs[1]["boxes"][:, 3].max() > 160  # beyond the network's own input
