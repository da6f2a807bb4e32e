"""Named losses of a subject: what is minimised is what will be seen, and a region is judged by itself."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from pochoir.config import load_config
from pochoir.errors import DataError
from pochoir.stylization import losses
from pochoir.stylization.colors import match_colors
from pochoir.stylization.encoder import Encoder, propagate
from pochoir.stylization.guides import Labels
from pochoir.stylization.objective import Objective
from pochoir.stylization.painting import vanishing_notes
from pochoir.stylization.region import spread
from pochoir.stylization.scoring import losses_and_scores, scores
from pochoir.stylization.subject import LEAST_STYLE, Subject
from pochoir.stylization.vanishing import vanished, vanishing

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


@pytest.mark.parametrize("style_loss", ["gram", "wasserstein", "sliced"])
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


@pytest.mark.parametrize("style_loss", ["gram", "wasserstein", "sliced"])
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


@pytest.mark.parametrize("narrow", ["content", "style"])
def test_layers_that_a_narrow_picture_does_not_reach_are_left_out(
    encoder: Encoder, subject: Subject, narrow: str
) -> None:
    strip = subject.content[..., :13]
    cut = replace(subject, content=strip) if narrow == "content" else replace(subject, styles=[strip])
    layers = LAYERS.but(content_layers=["relu4_2"], style_layers=["relu1_1", "relu4_1", "relu5_1"])
    name = {"content": "the picture", "style": "the style"}[narrow]
    assert vanishing(cut, layers) == {name: ["relu5_1"]}
    named = Objective(encoder, cut, layers, RECIPE)(cut.content)
    assert set(named) == {"content/relu4_2", "style/relu1_1", "style/relu4_1", "tv"}
    assert all(torch.isfinite(value) for value in named.values())
    with pytest.raises(DataError, match=rf"{name} is too small at relu5_1 \([\d.]+ pixels\): paint a larger"):
        Objective(encoder, cut, layers.but(style_layers=["relu5_1"]), RECIPE)


def test_a_layer_at_which_a_style_vanishes_keeps_its_content(encoder: Encoder, subject: Subject) -> None:
    seen = torch.zeros_like(subject.styles[0][:, :1])
    seen[..., 30:34, 30:34] = 1
    layers = LAYERS.but(content_layers=["relu4_2"], style_layers=["relu1_1", "relu4_1"])
    several = replace(subject, styles=[subject.content, *subject.styles], blend=[0.5, 0.5], style_regions=[None, seen])
    assert vanishing(several, layers) == {"style 1": ["relu4_1"]}
    named = Objective(encoder, several, layers, RECIPE)(subject.content)
    assert set(named) == {"content/relu4_2", "style/relu1_1", "tv"}


@pytest.mark.parametrize("normalization", ["relative", "gatys2015"])
def test_paint_alone_is_judged_as_the_saved_picture_is(encoder: Encoder, subject: Subject, normalization: str) -> None:
    """What lies outside of the region is not looked at, neither of the picture nor of the content."""
    masked = replace(subject, region=region(subject.content))
    recipe = RECIPE.but(normalization=normalization)
    image = torch.rand_like(subject.content)
    saved = torch.where(masked.region > 0, image, subject.content)
    other = replace(masked, content=torch.where(masked.region > 0, subject.content, 1 - image))
    expected = Objective(encoder, masked, LAYERS, recipe)(image)
    for named in (
        Objective(encoder, masked, LAYERS, recipe)(saved),
        Objective(encoder, other, LAYERS, recipe)(image),
    ):
        assert {name: value.item() for name, value in named.items()} == pytest.approx(
            {name: value.item() for name, value in expected.items()}, rel=1e-5
        )


@pytest.mark.parametrize("left_out", [True, False], ids=["background", "object"])
def test_a_painting_behind_a_photo_is_hardly_in_error(
    encoder: Encoder, subject: Subject, stripes: Tensor, left_out: bool
) -> None:
    """Of a smooth painting, a photo full of detail beside it would be most of what is seen."""
    mist = functional.avg_pool2d(stripes, 9, stride=1, padding=4, count_include_pad=False)[..., :72, :80]
    mask = torch.zeros_like(mist[:, :1])
    mask[..., 16:56, 20:60] = 1
    mask = 1 - mask if left_out else mask
    detail = torch.rand(mist.shape, generator=torch.Generator().manual_seed(1))
    masked = Subject(detail, [mist], [1.0], region=mask)
    objective = Objective(encoder, masked, LAYERS.but(style_layers=["relu3_1"]), RECIPE.but(style_weight=1))
    saved = mist * mask + detail * (1 - mask)
    beside = losses.gram(encoder.features(saved, ["relu3_1"])["relu3_1"], objective.guides["relu3_1"])
    error = objective(saved)["style/relu3_1"]
    assert error < 0.4
    assert error < 0.1 * losses.gram_loss(beside, objective.parts[0].targets["relu3_1"])


def test_a_subject_at_another_size_keeps_every_aspect(subject: Subject) -> None:
    small = replace(subject, region=region(subject.content), style_scale=0.5).at((48, 40))
    assert small.content.shape == (1, 3, 48, 40)
    assert small.region is not None
    assert small.region.shape == (1, 1, 48, 40)
    height, width = small.styles[0].shape[-2:]
    assert height / width == pytest.approx(72 / 100, rel=0.05)
    assert height * width == pytest.approx(48 * 40 / 4, rel=0.1)
    assert subject.at((960, 800)).styles[0].shape == subject.styles[0].shape  # never enlarged


@pytest.mark.parametrize("short", [40, LEAST_STYLE, 9])
def test_a_long_style_stays_wide_enough_for_the_encoder(subject: Subject, short: int) -> None:
    strip = torch.rand(1, 3, short, 20 * short)
    assert replace(subject, styles=[strip]).at((48, 40)).styles[0].shape[-2] == min(short, LEAST_STYLE)


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


def halves(of: Tensor, share: float = 0.5) -> Tensor:
    """`[1, 2, H, W]`: a label on the left share of a picture, and one on the rest."""
    left = torch.zeros_like(of[:, :1])
    left[..., : round(share * of.shape[-1])] = 1
    return torch.cat([left, 1 - left], dim=1)


@pytest.fixture
def labelled(subject: Subject) -> Subject:
    """The content's left takes its paint from the style's left quarter."""
    labels = Labels(("left", "right"), halves(subject.content), [halves(subject.styles[0], 0.25)])
    return replace(subject, labels=labels)


def style_losses(named: dict[str, Tensor]) -> dict[str, float]:
    return {name: value.item() for name, value in named.items() if name.startswith("style/")}


def test_what_is_kept_counts_so_many_times(encoder: Encoder, subject: Subject) -> None:
    image = torch.rand_like(subject.content)
    kept = replace(subject, keep=region(subject.content), keep_weight=8.0)
    plain, weighted = (Objective(encoder, of, LAYERS, RECIPE)(image) for of in (subject, kept))
    found, target = (encoder.features(picture, ["relu3_1"])["relu3_1"] for picture in (image, subject.content))
    times = 1 + 7 * propagate(kept.keep, ["relu3_1"])["relu3_1"]
    by_hand = ((found - target).square() * times).sum() / target.square().sum()
    assert weighted["content/relu3_1"].item() == pytest.approx(2 * by_hand.item(), rel=1e-4)
    assert style_losses(weighted) == style_losses(plain)
    everywhere = replace(kept, keep=torch.ones_like(kept.keep))
    eightfold = Objective(encoder, everywhere, LAYERS, RECIPE)(image)["content/relu3_1"].item()
    assert eightfold == pytest.approx(8 * plain["content/relu3_1"].item(), rel=1e-4)


@pytest.mark.parametrize("masked", [False, True], ids=["everything", "region"])
@pytest.mark.parametrize("style_loss", ["gram", "wasserstein", "sliced"])
def test_labels_add_up_the_losses_of_their_parts_by_their_shares(
    encoder: Encoder, labelled: Subject, stripes: Tensor, style_loss: str, masked: bool
) -> None:
    where = region(labelled.content) if masked else torch.ones_like(labelled.content[:, :1])
    assert labelled.labels is not None
    recipe = RECIPE.but(style_loss=style_loss)
    image = torch.rand_like(labelled.content)
    subject = replace(labelled, region=where if masked else None)
    named = Objective(encoder, subject, LAYERS, recipe)(image)
    seen = spread(image, where) if masked else image
    for layer in ("relu1_1", "relu2_1"):
        found, style = (encoder.features(picture, [layer])[layer] for picture in (seen, stripes))
        by_hand = 0.0
        for number in (0, 1):
            own = propagate(labelled.labels.content[:, number : number + 1] * where, [layer])[layer]
            of_style = propagate(labelled.labels.styles[0][:, number : number + 1], [layer])[layer]
            if style_loss == "gram":
                loss = losses.gram_loss(losses.gram(found, own), losses.gram(style, of_style))
            elif style_loss == "wasserstein":
                loss = losses.wasserstein_loss(losses.moments(found, own), losses.moments(style, of_style))
            else:
                along = losses.directions(found.shape[1])
                of_found, of_painting = (
                    losses.ranked(along.T @ x.flatten(2)[0], guide) for x, guide in ((found, own), (style, of_style))
                )
                count = style.shape[-2] * style.shape[-1]
                loss = losses.sliced_wasserstein_loss(of_found, losses.quantiles(of_painting, count))
            by_hand += float(own.sum() / propagate(where, [layer])[layer].sum()) * loss.item()
        assert named[f"style/{layer}"].item() == pytest.approx(10 / 2 * by_hand, rel=1e-4), layer


def test_a_label_takes_paint_from_its_own_part_alone(encoder: Encoder, labelled: Subject) -> None:
    layers = LAYERS.but(style_layers=["relu1_1"])
    image = torch.rand_like(labelled.content)

    def pull(style: Tensor) -> Tensor:
        looked_at = image.clone().requires_grad_()
        named = Objective(encoder, replace(labelled, styles=[style]), layers, RECIPE)(looked_at)
        (gradient,) = torch.autograd.grad(named["style/relu1_1"], looked_at)
        return gradient

    changed = labelled.styles[0].clone()
    changed[..., 30:] = 0.3  # of the style's right three quarters
    before, after = pull(labelled.styles[0]), pull(changed)
    torch.testing.assert_close(before[..., :38], after[..., :38])
    assert (before[..., 42:] - after[..., 42:]).abs().mean() > 0.1 * before[..., 42:].abs().mean()


def test_labels_leave_every_pixel_the_pull_that_it_has_without(encoder: Encoder, subject: Subject) -> None:
    """Textures that are everywhere the same, so that only the division in labels could change anything."""
    generator = torch.Generator().manual_seed(0)
    image, style = (torch.rand(1, 3, 128, 128, generator=generator) ** power for power in (1, 2))
    plain = replace(subject, content=image, styles=[style])
    labels = Labels(("small", "large"), halves(image, 0.125), [halves(style)])
    pulls = []
    for of in (plain, replace(plain, labels=labels)):
        looked_at = image.clone().requires_grad_()
        named = Objective(encoder, of, LAYERS.but(style_layers=["relu1_1"]), RECIPE)(looked_at)
        pulls.append(torch.autograd.grad(named["style/relu1_1"], looked_at)[0])
    for columns in (np.s_[..., 2:14], np.s_[..., 18:]):
        ratio = pulls[1][columns].norm() / pulls[0][columns].norm()
        assert ratio.item() == pytest.approx(1, abs=0.15)


def test_one_label_is_no_label(encoder: Encoder, subject: Subject) -> None:
    image = torch.rand_like(subject.content)
    everything = Labels(("all",), torch.ones_like(image[:, :1]), [torch.ones_like(subject.styles[0][:, :1])])
    plain, one = (
        Objective(encoder, of, LAYERS, RECIPE)(image) for of in (subject, replace(subject, labels=everything))
    )
    assert style_losses(one) == pytest.approx(style_losses(plain), rel=1e-3)


def test_labels_go_with_what_of_a_style_is_seen(encoder: Encoder, labelled: Subject) -> None:
    opaque = torch.ones_like(labelled.styles[0][:, :1])
    opaque[..., :12, :] = 0
    painted_over = labelled.styles[0] * opaque + 0.9 * (1 - opaque)
    image = torch.rand_like(labelled.content)
    shallow = LAYERS.but(style_layers=["conv1_1"])  # which sees a pixel beyond
    one, other = (
        Objective(encoder, replace(labelled, styles=[style], style_regions=[opaque]), shallow, RECIPE)(image)
        for style in (labelled.styles[0], painted_over)
    )
    assert style_losses(one) == pytest.approx(style_losses(other), rel=0.05)


def test_every_blended_style_has_labels_of_its_own(encoder: Encoder, labelled: Subject) -> None:
    assert labelled.labels is not None
    image = torch.rand_like(labelled.content)
    twice = replace(
        labelled,
        styles=[*labelled.styles, labelled.styles[0].flip(-1)],
        blend=[0.5, 0.5],
        labels=replace(labelled.labels, styles=[*labelled.labels.styles, labelled.labels.styles[0].flip(-1)]),
    )
    alone = style_losses(Objective(encoder, labelled, LAYERS, RECIPE)(image))
    mixed = style_losses(Objective(encoder, twice, LAYERS, RECIPE)(image))
    assert mixed == pytest.approx(alone, rel=0.1)  # a mirrored style, with mirrored labels


def test_a_label_that_vanishes_at_a_layer_is_left_out_there_and_told(encoder: Encoder, labelled: Subject) -> None:
    assert labelled.labels is not None
    dot = torch.zeros_like(labelled.content[:, :1])
    dot[..., 40, 40] = 1  # a quarter of a feature at relu2_1
    subject = replace(labelled, labels=replace(labelled.labels, content=torch.cat([dot, 1 - dot], dim=1)))
    objective = Objective(encoder, subject, LAYERS, RECIPE)
    assert [set(part.targets) for part in objective.parts] == [{"relu1_1"}, {"relu1_1", "relu2_1"}]
    assert sum(part.shares["relu2_1"] for part in objective.parts) == pytest.approx(1)
    assert objective.parts[0].shares["relu1_1"] == pytest.approx(1 / (96 * 80))
    assert all(torch.isfinite(value) for value in objective(subject.content).values())
    assert vanishing_notes(subject, [(96, 80)], LAYERS) == ("level 1, 80×96: label left vanishes at relu2_1",)


def test_labels_that_all_vanish_are_an_error(encoder: Encoder, subject: Subject) -> None:
    nothing = torch.zeros_like(subject.content[:, :1])
    labels = Labels(("sky",), nothing, [torch.ones_like(subject.styles[0][:, :1])])
    with pytest.raises(DataError, match="every label is too small at relu1_1, relu2_1"):
        Objective(encoder, replace(subject, labels=labels), LAYERS, RECIPE)


def test_what_lies_over_a_subject_follows_its_size(labelled: Subject) -> None:
    kept = replace(labelled, keep=region(labelled.content))
    for small in (kept.fitted((48, 40)), kept.at((48, 40)), kept.at((48, 40)).to(torch.device("cpu"))):
        assert small.keep is not None
        assert small.keep.shape == (1, 1, 48, 40)
        assert small.labels is not None
        assert small.labels.content.shape == (1, 2, 48, 40)
        assert small.labels.styles[0].shape[-2:] == small.styles[0].shape[-2:]


def test_the_referee_knows_neither_weights_nor_labels(encoder: Encoder, labelled: Subject) -> None:
    image = torch.rand_like(labelled.content)
    guided = replace(labelled, keep=region(image), keep_weight=9.0)
    named, errors = losses_and_scores(image, encoder, guided, LAYERS, RECIPE)
    minimised = Objective(encoder, guided, LAYERS, RECIPE)(image)
    assert named == pytest.approx({name: value.item() for name, value in minimised.items()}, rel=1e-5)
    assert errors == scores(image, encoder, labelled.unguided, LAYERS)


@pytest.mark.parametrize("noise", [0, 2.9])
def test_grey_pictures_are_seen_in_grey(subject: Subject, noise: float) -> None:
    """Also those of lossy files, whose channels are some levels apart."""
    grey = replace(subject, keep_colors="luminance").seen()
    noisy = [picture + noise / 255 * (2 * torch.rand_like(picture) - 1) for picture in (grey.content, *grey.styles)]
    as_read = replace(subject, content=noisy[0], styles=noisy[1:])
    assert as_read.is_grey
    for picture in (as_read.seen().content, *as_read.seen().styles):
        assert torch.equal(picture[:, 0], picture[:, 2])
    matched = replace(as_read, styles=subject.styles, keep_colors="match").seen()
    assert torch.equal(matched.styles[0][:, 0], matched.styles[0][:, 2])
    for coloured in (replace(as_read, styles=subject.styles), replace(as_read, content=subject.content)):
        assert not coloured.is_grey
        assert coloured.seen() is coloured
