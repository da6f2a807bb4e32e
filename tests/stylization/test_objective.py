"""Named losses of a subject: what is minimised is what will be seen, and a region is judged by itself."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from pochoir.config import load_config
from pochoir.errors import DataError
from pochoir.stylization import losses
from pochoir.stylization.colors import match_colors
from pochoir.stylization.encoder import Encoder
from pochoir.stylization.objective import Objective, Subject, vanished

CONFIG = load_config("stylize")
LAYERS = CONFIG.encoder.but(content_layers=["relu3_1"], style_layers=["relu1_1", "relu2_1"])
RECIPE = CONFIG.recipe.but(content_weight=2, style_weight=10, tv_weight=0.5)


@pytest.fixture
def subject(blobs: Tensor, stripes: Tensor) -> Subject:
    return Subject(blobs, [stripes], [1.0])


def region(of: Tensor) -> Tensor:
    mask = torch.zeros_like(of[:, :1])
    mask[..., 20:70, 10:60] = 1
    return mask


def test_losses_have_names_and_their_weights(encoder: Encoder, subject: Subject, stripes: Tensor) -> None:
    image = torch.rand_like(subject.content)
    named = Objective(encoder, subject, LAYERS, RECIPE)(image)
    assert list(named) == ["content/relu3_1", "style/relu1_1", "style/relu2_1", "tv"]
    found, wanted = (losses.gram(encoder.features(picture, ["relu2_1"])["relu2_1"]) for picture in (image, stripes))
    assert named["style/relu2_1"].item() == pytest.approx(10 / 2 * losses.gram_loss(found, wanted).item(), rel=1e-4)
    deep, target = (encoder.features(picture, ["relu3_1"])["relu3_1"] for picture in (image, subject.content))
    assert named["content/relu3_1"].item() == pytest.approx(2 * losses.content_loss(deep, target).item(), rel=1e-4)
    assert named["tv"].item() == pytest.approx(0.5 * losses.total_variation(image).item(), rel=1e-4)


def test_the_content_has_no_content_error_and_the_style_no_style_error(encoder: Encoder, subject: Subject) -> None:
    named = Objective(encoder, subject, LAYERS, RECIPE)(subject.content)
    assert named["content/relu3_1"].item() == pytest.approx(0, abs=1e-6)
    assert named["style/relu1_1"] > 0.01
    itself = replace(subject, styles=[subject.content])
    named = Objective(encoder, itself, LAYERS, RECIPE)(subject.content)
    assert named["style/relu1_1"].item() == pytest.approx(0, abs=1e-6)


def test_layer_weights_are_shares_and_zero_leaves_a_layer_out(encoder: Encoder, subject: Subject) -> None:
    image = torch.rand_like(subject.content)
    plain = Objective(encoder, subject, LAYERS, RECIPE)(image)
    weighted = Objective(encoder, subject, LAYERS.but(style_layer_weights=[3, 1]), RECIPE)(image)
    assert weighted["style/relu1_1"].item() == pytest.approx(1.5 * plain["style/relu1_1"].item(), rel=1e-5)
    assert weighted["style/relu2_1"].item() == pytest.approx(0.5 * plain["style/relu2_1"].item(), rel=1e-5)
    alone = Objective(encoder, subject, LAYERS.but(style_layer_weights=[0, 1]), RECIPE)
    assert "style/relu1_1" not in alone(image)
    assert "relu1_1" not in alone.layers


def test_a_depth_leaves_deeper_layers_out_and_others_as_they_are(encoder: Encoder, subject: Subject) -> None:
    image = torch.rand_like(subject.content)
    whole = Objective(encoder, subject, LAYERS, RECIPE)(image)
    shallow = Objective(encoder, subject, LAYERS, RECIPE, depth=2)(image)
    assert set(shallow) == {"style/relu1_1", "style/relu2_1", "tv"}
    assert shallow["style/relu2_1"].item() == pytest.approx(whole["style/relu2_1"].item(), rel=1e-6)
    deep = LAYERS.but(style_layers=["relu3_1"])  # a picture without any style layer would not be painted
    assert "style/relu3_1" in Objective(encoder, subject, deep, RECIPE, depth=2)(image)


@pytest.mark.parametrize("style_loss", ["gram", "wasserstein"])
def test_blended_styles_lie_between(encoder: Encoder, subject: Subject, stripes: Tensor, style_loss: str) -> None:
    other = 1 - stripes.flip(-1) * 0.5
    recipe = RECIPE.but(style_loss=style_loss)
    image = torch.rand_like(subject.content)

    def style(styles: list[Tensor], blend: list[float]) -> float:
        named = Objective(encoder, replace(subject, styles=styles, blend=blend), LAYERS, recipe)(image)
        return sum(value.item() for name, value in named.items() if name.startswith("style/"))

    assert style([stripes, other], [1, 0]) == pytest.approx(style([stripes], [1]), rel=1e-4)
    assert style([stripes, stripes], [0.3, 0.7]) == pytest.approx(style([stripes], [1]), rel=1e-4)
    assert style([stripes, other], [0.5, 0.5]) != pytest.approx(style([stripes], [1]), rel=0.01)


@pytest.mark.parametrize("style_loss", ["gram", "wasserstein"])
def test_outside_the_region_the_picture_does_not_matter(encoder: Encoder, subject: Subject, style_loss: str) -> None:
    masked = replace(subject, region=region(subject.content))
    objective = Objective(encoder, masked, LAYERS, RECIPE.but(style_loss=style_loss))
    image = torch.rand_like(subject.content).requires_grad_()
    torch.stack(list(objective(image).values())).sum().backward()
    assert image.grad is not None
    inside = masked.region.expand_as(image).bool()
    assert (image.grad[~inside] == 0).all()
    assert (image.grad[inside] != 0).float().mean() > 0.99


def test_a_region_of_everything_is_no_region(encoder: Encoder, subject: Subject) -> None:
    image = torch.rand_like(subject.content)
    whole = Objective(encoder, replace(subject, region=torch.ones_like(image[:, :1])), LAYERS, RECIPE)(image)
    for name, value in Objective(encoder, subject, LAYERS, RECIPE)(image).items():
        assert whole[name].item() == pytest.approx(value.item(), rel=1e-3), name


def test_layers_at_which_a_region_vanishes_are_left_out(encoder: Encoder, subject: Subject) -> None:
    dot = torch.zeros_like(subject.content[:, :1])
    dot[..., 40:42, 40:42] = 1  # a quarter of a feature at relu3_1
    assert vanished(dot, ["relu1_1", "relu2_1", "relu3_1"]) == ["relu3_1"]
    named = Objective(encoder, replace(subject, region=dot), LAYERS, RECIPE)(subject.content)
    assert set(named) == {"style/relu1_1", "style/relu2_1", "tv"}
    assert all(torch.isfinite(value) for value in named.values())


def test_a_region_that_vanishes_at_every_style_layer_is_an_error(encoder: Encoder, subject: Subject) -> None:
    dot = torch.zeros_like(subject.content[:, :1])
    dot[..., 40, 40] = 0.4
    with pytest.raises(DataError, match=r"too small at relu1_1, relu2_1, relu3_1 \(0\.4 pixels"):
        Objective(encoder, replace(subject, region=dot), LAYERS, RECIPE)


def test_saved_pictures_are_judged_as_they_are(encoder: Encoder, subject: Subject) -> None:
    """What lies outside the region is seen, where it is seen at all, as it was saved."""
    masked = replace(subject, region=region(subject.content) * 0.5)
    objective = Objective(encoder, masked, LAYERS, RECIPE)
    image = torch.rand_like(subject.content)
    laid_over = image * masked.region + subject.content * (1 - masked.region)
    for name, value in objective(image).items():
        assert objective.losses_seen(laid_over)[name].item() == pytest.approx(value.item(), rel=1e-5), name


def test_a_subject_at_another_size_keeps_every_aspect(subject: Subject) -> None:
    small = replace(subject, region=region(subject.content), style_scale=0.5).at((48, 40))
    assert small.content.shape == (1, 3, 48, 40)
    assert small.region is not None
    assert small.region.shape == (1, 1, 48, 40)
    height, width = small.styles[0].shape[-2:]
    assert height / width == pytest.approx(72 / 100, rel=0.05)
    assert height * width == pytest.approx(48 * 40 / 4, rel=0.1)
    assert subject.at((960, 800)).styles[0].shape == subject.styles[0].shape  # never enlarged


def test_gatys_normalization_is_the_papers(encoder: Encoder, subject: Subject, stripes: Tensor) -> None:
    recipe = RECIPE.but(normalization="gatys2015", tv_weight=0.0)
    image = torch.rand_like(subject.content)
    named = Objective(encoder, subject, LAYERS, recipe)(image)
    found, wanted = (encoder.features(picture, ["relu3_1"])["relu3_1"] for picture in (image, subject.content))
    content = 2 * 0.5 * float((found - wanted).square().sum())
    assert named["content/relu3_1"].item() == pytest.approx(content, rel=1e-4)


def test_a_fitted_subject_keeps_its_styles(subject: Subject) -> None:
    fitted = replace(subject, region=region(subject.content), keep_colors="match").fitted((48, 40))
    assert fitted.content.shape == (1, 3, 48, 40)
    assert fitted.region is not None
    assert fitted.region.shape == (1, 1, 48, 40)
    assert fitted.styles is subject.styles
    assert fitted.keep_colors == "match"


def test_what_is_seen_is_grey_or_recoloured(subject: Subject) -> None:
    assert subject.seen() is subject
    grey = replace(subject, keep_colors="luminance").seen()
    for picture in (grey.content, *grey.styles):
        assert torch.equal(picture[:, 0], picture[:, 2])
    masked = replace(subject, region=region(subject.content), keep_colors="match").seen()
    assert torch.equal(masked.content, subject.content)
    assert torch.equal(masked.styles[0], match_colors(subject.styles[0], subject.content, masked.region))
    assert grey.keep_colors == masked.keep_colors == "off"  # it has been seen to
