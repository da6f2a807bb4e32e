"""Which parameter learns how fast and is decayed how much, and the learning rate over a run."""

from typing import Any

import pytest
import torch
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN

from pochoir.config import OptimConfig, load_config
from pochoir.schedule import build_schedule, learning_rate_factor
from pochoir.segmentation.models import build_segmenter
from pochoir.segmentation.optimizer import build_optimizer

CONFIG = OptimConfig(
    name="adamw",
    lr=0.1,
    backbone_lr=0.5,
    weight_decay=0.01,
    momentum=0.8,
    warmup=0.1,
    schedule="cosine",
    final_lr=0.2,
)


@pytest.fixture(scope="module")
def network() -> GeneralizedRCNN:
    """Shapes without values are enough here."""
    with torch.device("meta"):
        return build_segmenter(load_config("train_seg", ["segmenter.weights=none"]).segmenter)


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_every_trainable_parameter_is_in_the_group_it_belongs_to(network: GeneralizedRCNN, name: str) -> None:
    groups = build_optimizer(network, CONFIG.but(name=name)).param_groups
    found: dict[int, tuple[float, float]] = {}
    for group in groups:
        for parameter in group["params"]:
            assert id(parameter) not in found
            found[id(parameter)] = (group["lr"], group["weight_decay"])
    expected = {}
    for key, parameter in network.named_parameters():
        if parameter.requires_grad:
            decayed = key.endswith("weight") and parameter.ndim in (2, 4)  # neither biases nor norms
            expected[id(parameter)] = (
                pytest.approx(0.05 if key.startswith("backbone.body.") else 0.1),
                0.01 if decayed else 0.0,
            )
    assert found == expected
    assert 0 < len(found) < len(list(network.parameters()))
    assert {decay for _, decay in found.values()} == {0.0, 0.01}


def test_the_optimiser_is_the_one_asked_for(network: GeneralizedRCNN) -> None:
    adamw, sgd = (build_optimizer(network, CONFIG.but(name=name)) for name in ("adamw", "sgd"))
    assert type(adamw) is torch.optim.AdamW
    assert {group["betas"] for group in adamw.param_groups} == {(0.8, 0.999)}
    assert type(sgd) is torch.optim.SGD
    assert {group["momentum"] for group in sgd.param_groups} == {0.8}


def factors(total: int, **changes: Any) -> list[float]:
    config = CONFIG.but(**changes)
    return [learning_rate_factor(step, total, config) for step in range(total + 1)]


@pytest.mark.parametrize("schedule", ["cosine", "linear", "multistep", "constant"])
def test_warmup_grows_linearly_from_a_hundredth(schedule: str) -> None:
    values = factors(100, schedule=schedule)
    assert values[0] == 0.01
    assert values[5] == pytest.approx((0.01 + 1) / 2)
    assert values[9] < 1
    assert values[10] == 1


@pytest.mark.parametrize("schedule", ["cosine", "linear", "multistep", "constant"])
def test_without_warmup_the_peak_comes_first(schedule: str) -> None:
    assert factors(100, schedule=schedule, warmup=0)[0] == 1


def test_a_run_may_be_all_warmup() -> None:
    assert factors(10, warmup=1, schedule="cosine")[9] == pytest.approx(0.01 + 0.99 * 0.9)


def test_cosine() -> None:
    values = factors(100, schedule="cosine")
    assert values[55] == pytest.approx((1 + 0.2) / 2)  # the middle of what follows the warm-up
    assert values[10 + 30] == pytest.approx(0.2 + 0.8 * 0.75)  # a third of it: cos 60° is a half
    assert values[100] == pytest.approx(0.2)
    assert learning_rate_factor(150, 100, CONFIG) == pytest.approx(0.2)  # and not up again


def test_linear() -> None:
    values = factors(100, schedule="linear")
    assert values[10 + 45] == pytest.approx(0.6)
    assert values[10 + 9] == pytest.approx(1 - 0.8 * 0.1)
    assert values[100] == pytest.approx(0.2)


def test_multistep_drops_to_a_tenth_at_two_thirds_and_at_eight_ninths() -> None:
    values = factors(90, schedule="multistep")
    assert values[9:60] == [1] * 51
    assert values[60:80] == pytest.approx([0.1] * 20)
    assert values[80:] == pytest.approx([0.01] * 11)


def test_constant() -> None:
    assert factors(50, schedule="constant")[5:] == [1] * 46


def test_the_schedule_scales_every_group() -> None:
    network: Any = torch.nn.Module()
    network.backbone = torch.nn.Module()
    network.backbone.body = torch.nn.Linear(2, 2, bias=False)
    network.head = torch.nn.Linear(2, 2, bias=False)
    optimizer = build_optimizer(network, CONFIG)
    schedule = build_schedule(optimizer, CONFIG, 20)
    seen = []
    for _ in range(20):
        seen.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        schedule.step()
    assert seen[0] == pytest.approx([0.0005, 0.001])
    assert seen[2] == pytest.approx([0.05, 0.1])
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.01, 0.02])
