"""A picture that is looked at by tiles has the losses, the gradient and the look of the whole one."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from pochoir.config import load_config
from pochoir.errors import ConfigError
from pochoir.stylization.encoder import Encoder, margin_of
from pochoir.stylization.guides import Labels
from pochoir.stylization.objective import Objective
from pochoir.stylization.painting import judged, paint
from pochoir.stylization.subject import Subject
from pochoir.stylization.tiling import summed, tiles_of

CONFIG = load_config("stylize", ["trainer.accelerator=cpu", "encoder.precision=float32"])
LAYERS = CONFIG.encoder.but(content_layers=["relu2_2"], style_layers=["relu1_1", "relu3_1"])
RECIPE = CONFIG.recipe.but(content_weight=1, style_weight=10, tv_weight=0.5)
TILE = 24


@pytest.fixture
def subject(blobs: Tensor, stripes: Tensor) -> Subject:
    """Of a size that no stride divides."""
    return Subject(blobs[..., :93, :71].contiguous(), [stripes, blobs.flip(-1)], [0.3, 0.7])


@pytest.fixture
def region(subject: Subject) -> Tensor:
    region = torch.zeros_like(subject.content[:, :1])
    region[..., 10:80, 15:60] = 1
    region[..., 30:50, :] *= 0.5
    return region


def test_tiles_count_every_feature_once(subject: Subject) -> None:
    size = (93, 71)
    tiles = tiles_of(size, TILE, LAYERS.layers)
    assert len(tiles) == 12
    for stride in (1, 2, 4):
        counted = torch.zeros(size[0] // stride, size[1] // stride)
        for tile in tiles:
            core = tile.core(counted, stride)
            core += 1
            there = tile.seen(torch.zeros(size))
            cells = torch.zeros(there.shape[0] // stride, there.shape[1] // stride)
            assert tile.inner(cells, stride).shape == core.shape
        assert (counted == 1).all()
    assert max(tile.rows.last - tile.rows.first for tile in tiles) <= TILE


@pytest.mark.parametrize("side", [None, 128])
def test_what_fits_a_tile_is_looked_at_whole(side: int | None) -> None:
    (tile,) = tiles_of((93, 71), side, LAYERS.layers)
    assert tile.seen(torch.zeros(93, 71)).shape == (93, 71)


@pytest.mark.parametrize(("layer", "margin"), [("relu1_1", 1), ("conv2_1", 4), ("relu4_2", 40), ("relu5_1", 80)])
def test_margins_are_what_features_see(encoder: Encoder, layer: str, margin: int) -> None:
    """Of a feature in the middle, by its gradient; no narrower margin would begin where its cells do."""
    assert margin_of([layer, "conv1_1"]) == margin
    side = 16 * 12
    image = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0)).requires_grad_()
    features = encoder.features(image, [layer])[layer]
    stride = side // features.shape[-1]
    middle = features.shape[-1] // 2
    features[..., middle, middle].sum().backward()
    assert image.grad is not None
    seen = image.grad.abs().sum(dim=(0, 1, 2)).nonzero().flatten()
    reach = max(stride * middle - int(seen[0]), int(seen[-1]) - (stride * (middle + 1) - 1))
    assert margin - stride < reach <= margin


@pytest.mark.parametrize("guided", ["everything", "region", "labels", "keep"])
@pytest.mark.parametrize("recipe", [{}, {"style_loss": "wasserstein"}, {"normalization": "gatys2015"}], ids=str)
def test_losses_and_gradients_are_those_of_the_whole(
    encoder: Encoder, subject: Subject, region: Tensor, recipe: dict[str, Any], guided: str
) -> None:
    subject = replace(subject, style_regions=[None, region.new_ones(1, 1, 96, 80)])
    if guided == "region":
        subject = replace(subject, region=region)
    elif guided == "labels":
        left = torch.zeros_like(region)
        left[..., :40] = 1
        of_styles = [style.new_zeros(1, 1, *style.shape[-2:]) for style in subject.styles]
        for of_style in of_styles:
            of_style[..., :30, :] = 1
        both = [torch.cat([part, 1 - part], dim=1) for part in (left, *of_styles)]
        subject = replace(subject, labels=Labels(("left", "right"), both[0], both[1:]))
    elif guided == "keep":
        subject = replace(subject, keep=region, keep_weight=5.0)
    start = torch.rand(subject.content.shape, generator=torch.Generator().manual_seed(1))
    found = []
    for tile in (None, TILE):
        objective = Objective(encoder, subject, LAYERS, RECIPE.but(**recipe), tile=tile)
        image = start.clone().requires_grad_()
        named = objective(image)
        torch.stack(list(named.values())).sum().backward()
        assert image.grad is not None
        found.append(({name: value.item() for name, value in named.items()}, image.grad, len(objective.tiles)))
    (whole, slope, one), (tiled, tiled_slope, several) = found
    assert (one, several) == (1, 12)
    near = 5e-3 if "style_loss" in recipe else 1e-4  # the roots of the smallest eigenvalues magnify rounding
    assert tiled == pytest.approx(whole, rel=near)
    assert (tiled_slope - slope).norm() < near * slope.norm()


def test_several_tiles_keep_nothing_but_totals(subject: Subject) -> None:
    """No graph: what a tile computes is forgotten until the gradient asks for it."""
    looks = []

    def look(piece: Tensor, tile: Any) -> dict[str, Tensor]:
        looks.append(torch.is_grad_enabled())
        return {"square": tile.inner(piece.square()).sum(), "sum": tile.inner(piece).sum()}

    image = subject.content.clone().requires_grad_()
    tiles = tiles_of((93, 71), TILE, ["relu1_1"])
    found = summed(look, image, tiles)
    assert looks == [False] * len(tiles)
    assert found["square"].item() == pytest.approx(image.square().sum().item(), rel=1e-5)
    (2 * found["square"] + found["sum"]).backward()
    assert looks == [False] * len(tiles) + [True] * len(tiles)
    assert image.grad is not None
    assert torch.allclose(image.grad, 4 * image + 1)


@pytest.mark.parametrize("keep_colors", ["off", "luminance"])
def test_a_picture_painted_by_tiles_is_the_whole_one_without_seams(
    encoder: Encoder, subject: Subject, region: Tensor, keep_colors: str
) -> None:
    recipe = RECIPE.but(coarsest=48, steps=[4, 3])
    subject = replace(subject, region=region, keep_colors=keep_colors)
    whole, tiled = (
        paint(subject, encoder, recipe, layers=LAYERS, trainer=CONFIG.trainer, tile=tile) for tile in (None, TILE)
    )
    assert (whole.tile, tiled.tile) == (None, TILE)
    difference = np.abs(whole.pixels.astype(int) - tiled.pixels)
    assert difference.max() <= 2
    assert difference.mean() < 0.05
    assert tiled.losses == pytest.approx(whole.losses, rel=1e-2)
    image = torch.from_numpy(whole.pixels.copy()).permute(2, 0, 1)[None].float() / 255
    (_, by_whole), (_, by_tiles) = (judged(image, subject, encoder, LAYERS, recipe, tile) for tile in (None, TILE))
    assert by_tiles == pytest.approx(by_whole, rel=1e-4)


def test_a_loss_that_does_not_add_up_is_refused(encoder: Encoder, subject: Subject) -> None:
    with pytest.raises(ConfigError, match=r"recipe\.style_loss: sliced needs the whole picture at once.*24 pixels"):
        Objective(encoder, subject, LAYERS, RECIPE.but(style_loss="sliced"), tile=TILE)
