"""Losses on batches are those of single pictures, and the referee's errors are the referee's."""

import pytest
import torch
from torch import Tensor

from pochoir.config import TrainPainterConfig, load_config
from pochoir.errors import DataError
from pochoir.stylization.encoder import Encoder
from pochoir.stylization.objective import Objective
from pochoir.stylization.painters.objective import PainterObjective, errors
from pochoir.stylization.scoring import scores
from pochoir.stylization.subject import Subject

FINE = ["styles=.", "encoder.content_layers=[relu3_1]", "encoder.style_layers=[relu1_1,relu2_1,relu3_1]"]


@pytest.fixture(scope="module")
def settings() -> TrainPainterConfig:
    return load_config("train_painter", FINE)


@pytest.mark.parametrize("kind", ["gram", "wasserstein"])
def test_a_batch_is_the_mean_of_single_pictures(
    encoder: Encoder, settings: TrainPainterConfig, blobs: Tensor, stripes: Tensor, kind: str
) -> None:
    loss = settings.loss.but(style_loss=kind)
    recipe = load_config("stylize").recipe.but(
        content_weight=loss.content_weight, tv_weight=loss.tv_weight, style_loss=kind
    )
    photos = torch.cat([blobs, blobs.flip(-1)])
    paint = torch.cat([blobs * 0.5, 1 - blobs])
    styles = [stripes, stripes.roll(1, dims=1)]
    objective = PainterObjective(encoder, styles, settings.encoder, loss, area=96 * 80)
    found = objective(paint, objective.contents(photos), [1, 0])
    each = []
    for place, style in enumerate((1, 0)):
        subject = Subject(photos[place : place + 1], [styles[style]], [1.0]).at((96, 80))
        single = Objective(encoder, subject, settings.encoder, recipe)
        each.append(single(paint[place : place + 1]))
    for name, value in found.items():
        assert float(value) == pytest.approx(sum(float(one[name]) for one in each) / 2, rel=1e-3), name
    assert set(found) == set(each[0])


def test_errors_are_the_referees(
    encoder: Encoder, settings: TrainPainterConfig, blobs: Tensor, stripes: Tensor
) -> None:
    referee = settings.loss.but(content_weight=2.0, tv_weight=0.0)
    objective = PainterObjective(encoder, [stripes], settings.encoder, referee, area=96 * 80)
    paint = (blobs * 0.5 * 255).round() / 255
    found = errors(objective(paint, objective.contents(blobs), [0]), objective)
    subject = Subject(blobs, [stripes], [1.0]).at((96, 80))
    assert found == pytest.approx(scores(paint, encoder, subject, settings.encoder), rel=1e-4)


def test_a_style_is_looked_at_where_it_is_visible(
    encoder: Encoder, settings: TrainPainterConfig, blobs: Tensor, stripes: Tensor
) -> None:
    """What lies below transparent pixels of a style is not learned."""
    half = torch.zeros_like(stripes[:, :1])
    half[..., :48] = 1
    painted_over = torch.where(half > 0, stripes, torch.zeros_like(stripes))
    area = float(stripes.shape[-1] * stripes.shape[-2])
    one, other = (
        PainterObjective(encoder, [style], settings.encoder, settings.loss, area=area, regions=[half]).targets[0]
        for style in (stripes, painted_over)
    )
    for layer, target in one.items():
        assert float((target - other[layer]).norm() / target.norm()) < 0.1, layer
    with pytest.raises(DataError, match="most of it is transparent"):
        PainterObjective(encoder, [stripes], settings.encoder, settings.loss, area=area, regions=[half * 0])
