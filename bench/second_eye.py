"""A second eye: errors by a network that no picture was optimised for, EfficientNet-Lite0 (weights from a package), and
how far a picture's colours are from the painting's, by no network at all.

Whoever minimises an error is good at it. VGG's Gram matrices are what `recipe=default` minimises, so that they say
little about a recipe that minimises something else; what another network sees says more. LPIPS and ArtFID would be the
usual judges, but no package brings the weights of their networks.
"""

from functools import lru_cache

import cv2
import numpy as np
import timm
import torch
from scipy.stats import wasserstein_distance
from torch import Tensor, nn

from pochoir.segmentation.lite import ARCHITECTURE
from pochoir.stylization.losses import EPS, moments, wasserstein_loss
from pochoir.weights import efficientnet_lite0_imagenet

DIRECTIONS = 64
"""Of colour space, along which colours are compared."""


@lru_cache(maxsize=1)
def _network() -> nn.Module:
    names = list(timm.create_model(ARCHITECTURE).state_dict())
    state = efficientnet_lite0_imagenet(names)
    network = timm.create_model(ARCHITECTURE, features_only=True)
    network.load_state_dict({key: state[key] for key in network.state_dict()})
    return network.eval()


@torch.no_grad()
def second_look(image: Tensor, content: Tensor, style: Tensor) -> dict[str, float]:
    """What the second eye says of a picture; all `[1, 3, H, W]` in [0, 1], picture and content of one size.

    `second_content`: mean over five stages of the squared distance of features of unit length, as LPIPS without its
    learnt weights (Zhang et al. 2018), 0 to 2. `second_style`: mean over the stages of the Frechet distance between
    Gaussians of the features of single pictures (Shaham et al. 2019), as a share of the style's second moment.
    `colours`: the sliced Wasserstein-1 distance of all colours, wherever they lie (Bonneel et al. 2015), in CIE Lab,
    where 2.3 between two colours is just seen.
    """
    seen, photo, painting = (_network()(picture * 2 - 1) for picture in (image, content, style))
    contents = [(_unit(one) - _unit(other)).square().sum(dim=1).mean() for one, other in zip(seen, photo, strict=True)]
    styles = [wasserstein_loss(moments(one), moments(other)) for one, other in zip(seen, painting, strict=True)]
    return {
        "second_style": float(torch.stack(styles).mean()),
        "second_content": float(torch.stack(contents).mean()),
        "colours": _colour_distance(_lab(image), _lab(style)),
    }


def _lab(image: Tensor) -> np.ndarray:
    """`[H * W, 3]` of `[1, 3, H, W]` in [0, 1]."""
    return cv2.cvtColor(image[0].permute(1, 2, 0).numpy(), cv2.COLOR_RGB2LAB).reshape(-1, 3)


def _colour_distance(colours: np.ndarray, others: np.ndarray) -> float:
    directions = np.random.default_rng(0).normal(size=(3, DIRECTIONS))
    directions /= np.linalg.norm(directions, axis=0)
    return float(np.mean([wasserstein_distance(colours @ along, others @ along) for along in directions.T]))


def _unit(features: Tensor) -> Tensor:
    return features / features.norm(dim=1, keepdim=True).clamp_min(EPS)
