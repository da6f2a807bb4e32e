"""Heads by the names of classes: what a class begins from, and which labels of network and dataset are the same."""

import math

import pytest
import torch
from torch import Tensor

from pochoir.errors import ConfigError
from pochoir.segmentation.classes import begun_anew, classes_in, matching, with_heads_for

LAYERS = ("roi_heads.box_predictor", "roi_heads.earlier.0.box_predictor")


def heads(count: int, start: float = 0.0) -> dict[str, Tensor]:
    """The head layers of a network of `count` classes and the background: every value another one."""
    rows = count + 1
    state = {}
    for number, layer in enumerate(LAYERS):
        at = start + 1000 * number
        state[f"{layer}.cls_score.weight"] = torch.arange(rows * 3.0).reshape(rows, 3) + at
        state[f"{layer}.cls_score.bias"] = torch.arange(float(rows)) + at
        state[f"{layer}.bbox_pred.weight"] = torch.arange(rows * 4 * 3.0).reshape(rows * 4, 3) + at
        state[f"{layer}.bbox_pred.bias"] = torch.arange(rows * 4.0) + at
    state["roi_heads.mask_predictor.mask_fcn_logits.weight"] = torch.arange(rows * 5.0).reshape(rows, 5, 1, 1) + start
    state["roi_heads.mask_predictor.mask_fcn_logits.bias"] = torch.arange(float(rows)) + start
    state["rpn.head.bbox_pred.weight"] = torch.arange(12.0).reshape(12, 1) + start  # of anchors, not of classes
    return state


def test_every_class_begins_as_the_one_and_the_background_stays_as_likely() -> None:
    there, fresh = heads(1), heads(3, 500)
    state = with_heads_for(("a", "b", "c"), there, ("object",), fresh)
    assert {name: value.shape for name, value in state.items()} == {name: value.shape for name, value in fresh.items()}
    for layer in LAYERS:
        before, after = (one[f"{layer}.cls_score.bias"].softmax(0) for one in (there, state))
        torch.testing.assert_close(after, torch.stack([before[0], *[before[1] / 3] * 3]))
        weights, expected, apart = (one[f"{layer}.cls_score.weight"] for one in (state, there, fresh))
        torch.testing.assert_close(weights[0], expected[0])
        torch.testing.assert_close(weights[1:].mean(dim=0), expected[1])
        torch.testing.assert_close(weights[1:] - weights[1], apart[1:] - apart[1])
        moves, expected = state[f"{layer}.bbox_pred.weight"], there[f"{layer}.bbox_pred.weight"]
        assert torch.equal(moves[:4], expected[:4])
        assert all(torch.equal(moves[4 * label : 4 * label + 4], expected[4:]) for label in (1, 2, 3))
    masks = state["roi_heads.mask_predictor.mask_fcn_logits.weight"]
    assert torch.equal(masks, there["roi_heads.mask_predictor.mask_fcn_logits.weight"][[0, 1, 1, 1]])
    assert torch.equal(state["rpn.head.bbox_pred.weight"], there["rpn.head.bbox_pred.weight"])
    assert begun_anew(("a", "b", "c"), ("object",)) == []


def test_classes_go_on_by_their_names_and_others_begin_anew() -> None:
    there, fresh = heads(2), heads(3, 500)
    classes, theirs = ("cat", "person", "dog"), ("dog", "cat")
    state = with_heads_for(classes, there, theirs, fresh)
    name = "roi_heads.box_predictor.cls_score"
    for part in ("weight", "bias"):
        expected = fresh[f"{name}.{part}"].clone()
        expected[0], expected[1], expected[3] = (there[f"{name}.{part}"][row] for row in (0, 2, 1))
        assert torch.equal(state[f"{name}.{part}"], expected)
    assert begun_anew(classes, theirs) == ["person"]


@pytest.mark.parametrize(
    ("classes", "theirs"),
    [(("object",), ("object",)), (("cat",), ("object",)), (("cat",), ("dog",)), (("cat", "dog"), ("cat", "dog"))],
)
def test_classes_of_equal_number_and_names_keep_every_bit(classes: tuple[str, ...], theirs: tuple[str, ...]) -> None:
    there = heads(len(theirs))
    state = with_heads_for(classes, there, theirs, heads(len(classes), 500))
    assert all(torch.equal(state[name], value) for name, value in there.items())


def test_layers_that_are_not_of_these_classes_are_left_to_the_strict_loading() -> None:
    there = heads(4)  # says nothing of its classes
    assert with_heads_for(("a", "b"), there, ("object",), heads(2)).keys() == there.keys()
    state = with_heads_for(("a", "b"), there, ("object",), heads(2))
    assert all(torch.equal(state[name], value) for name, value in there.items())


def test_checkpoints_tell_their_classes_and_old_ones_have_one() -> None:
    assert classes_in({"hyper_parameters": {"classes": ["dog", "cat"]}}) == ("dog", "cat")
    assert classes_in({"hyper_parameters": {"seed": 1}}) == classes_in({}) == ("object",)


def test_labels_are_matched_by_name() -> None:
    assert matching(("cat", "dog", "cow"), ("dog", "cat")).tolist() == [0, 2, 1, 0]
    assert matching(("object",), ("object",)).tolist() == [0, 1]
    assert matching(("object",), ("dog",)).tolist() == [0, 1]  # a network of one class, be it called what it may
    assert matching(("dog",), ("object",)).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("network", "dataset", "message"),
    [
        (
            ("cat", "dog"),
            ("dog", "cow"),
            r"finds cat, dog; the dataset has dog, cow, of which .* know cow; data",
        ),
        (("cat", "dog"), ("object",), r"know object; a COCO JSON tells them apart with dataset\.merge=false"),
        (("object",), ("cat", "dog"), r"finds object; the dataset has cat, dog, of which it does not know cat, dog"),
        (("cat",), ("dog",), r"finds cat; the dataset has dog"),
    ],
)
def test_what_differs_is_told(network: tuple[str, ...], dataset: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        matching(network, dataset)


def test_logits_share_by_the_number_of_classes() -> None:
    bias = with_heads_for(("a", "b"), heads(1), ("object",), heads(2))["roi_heads.box_predictor.cls_score.bias"]
    torch.testing.assert_close(bias, torch.tensor([0.0, 1 - math.log(2), 1 - math.log(2)]))


def test_scores_that_begin_as_one_send_different_gradients_back() -> None:
    """With equal rows, telling one class from the other would not reach the layers before."""
    network = {name: torch.rand(value.shape) for name, value in heads(2).items()}
    state = with_heads_for(("a", "b"), heads(1), ("object",), network)
    features = torch.ones(3, requires_grad=True)
    logits = state["roi_heads.box_predictor.cls_score.weight"] @ features
    (logits[1] - logits[2]).backward()
    assert features.grad is not None
    assert features.grad.abs().min() > 0
