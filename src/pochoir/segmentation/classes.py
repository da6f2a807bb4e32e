"""Names of classes: which a checkpoint tells apart, heads that begin from other classes, and labels matched by name."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pochoir.data.source import ONE_CLASS
from pochoir.errors import ConfigError

HEADS = ("box_predictor.cls_score", "box_predictor.bbox_pred", "mask_predictor.mask_fcn_logits")
"""Layers with a block of rows for the background, and one for each class."""


def classes_in(checkpoint: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of labels 1, 2, … of a checkpoint; one that does not tell has one class."""
    return tuple(checkpoint.get("hyper_parameters", {}).get("classes", ONE_CLASS))


def with_heads_for(
    classes: Sequence[str], state: Mapping[str, Tensor], theirs: Sequence[str], own: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """A network's tensors, trained on the classes `theirs`, for a network of `classes` that now has the tensors `own`.

    A class of the same name goes on with what was learnt. From a network of one class every class begins as that one,
    with its share of the probability, so that the background's stays about what it was; their scores are set as far
    apart as those in `own`, because equal ones would not teach the layers before them to tell classes apart. Others
    begin as they are in `own`. Layers that are not of `theirs` are left as they are.
    """
    origins = _origins(classes, theirs)
    state = dict(state)
    if origins == list(range(len(theirs) + 1)):
        return state
    for name, tensor in state.items():
        layer = ".".join(name.split(".")[-3:-1])
        if layer not in HEADS or name not in own or len(tensor) % (len(theirs) + 1):
            continue
        there = tensor.unflatten(0, (len(theirs) + 1, -1))
        here = own[name].detach().unflatten(0, (len(origins), -1)).clone()
        if there.shape[1:] != here.shape[1:]:
            continue
        apart = here - here[1:].mean(dim=0)
        for place, origin in enumerate(origins):
            if origin is not None:
                here[place] = there[origin]
                sharing = origins.count(origin)
                if sharing > 1 and name.endswith("cls_score.bias"):
                    here[place] -= math.log(sharing)
                if sharing > 1 and name.endswith("cls_score.weight"):
                    here[place] += apart[place]
        state[name] = here.flatten(0, 1)
    return state


def begun_anew(classes: Sequence[str], theirs: Sequence[str]) -> list[str]:
    """Those of `classes` that have nothing to begin from in a network of the classes `theirs`."""
    return [name for name, origin in zip(classes, _origins(classes, theirs)[1:], strict=True) if origin is None]


def _origins(classes: Sequence[str], theirs: Sequence[str]) -> list[int | None]:
    """The label there from which each label here begins, that of the background first; None: from nothing."""
    if len(theirs) == 1:
        return [0, *(1 for _ in classes)]
    numbers = {name: number for number, name in enumerate(theirs, start=1)}
    return [0, *(numbers.get(name) for name in classes)]


def matching(network: Sequence[str], dataset: Sequence[str]) -> Tensor:
    """For the labels 0, 1, 2, … of a network those of a dataset, by name: `[1 + classes]` int64, 0 where it has none.

    One class on both sides is the same, if one of them has no name of its own. Raises `ConfigError` that says what
    differs where the network does not know all of the dataset's classes.
    """
    if len(network) == len(dataset) == 1 and ONE_CLASS in (tuple(network), tuple(dataset)):
        return torch.tensor([0, 1])
    if unknown := [name for name in dataset if name not in network]:
        hint = "dataset.categories chooses among its classes"
        if tuple(dataset) == ONE_CLASS:
            hint = "a COCO JSON tells them apart with dataset.merge=false"
        raise ConfigError(
            f"weights: the network finds {', '.join(network)}; the dataset has {', '.join(dataset)}, of which it does "
            f"not know {', '.join(unknown)}; {hint}"
        )
    numbers = {name: number for number, name in enumerate(dataset, start=1)}
    return torch.tensor([0, *(numbers.get(name, 0) for name in network)])
