"""The segmenter that comes with the project: it is there, small, described, and finds people."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch

from pochoir.assets import BUILTIN_PERSON, located
from pochoir.assets.weights import PERSON, pretrained_path
from pochoir.composition.stencils import from_coco
from pochoir.config import SegmenterConfig
from pochoir.images import read_rgb, to_tensor
from pochoir.segmentation.models import build_segmenter
from pochoir.segmentation.segmenter import Predictor, trained_segmenter


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.from_checkpoint(pretrained_path(PERSON), score_threshold=0.5)


def test_it_is_small_and_comes_with_its_card() -> None:
    assert 5e6 < pretrained_path(PERSON).stat().st_size < 25e6
    card = files("pochoir.assets.weights").joinpath("person.md").read_text()
    for heading in ("## Data", "## Recipe", "## Measured", "## Limits", "## Licence"):
        assert heading in card


def test_it_goes_by_two_names() -> None:
    assert located(BUILTIN_PERSON) == str(pretrained_path(PERSON))
    network = build_segmenter(SegmenterConfig(weights=PERSON))
    expected = trained_segmenter(pretrained_path(PERSON))[1].state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in network.state_dict().items())


def test_it_finds_the_person_of_the_built_in_portrait(predictor: Predictor) -> None:
    photo = Path(located("builtin:portrait"))
    pixels = read_rgb(photo)
    found = predictor(to_tensor(pixels))
    outline = from_coco(Path(located("builtin:portrait_outline")), photo, pixels.shape[:2]).masks[0] >= 0.5
    mask = found.masks[0] >= 0.5
    assert found.scores[0] > 0.9
    assert (mask & outline).sum() / (mask | outline).sum() > 0.8


def test_it_finds_nobody_where_nobody_is(predictor: Predictor) -> None:
    assert len(predictor(torch.full((3, 300, 400), 0.5))) == 0
    noise = np.random.default_rng(0).random((3, 300, 400), dtype=np.float32)
    assert len(predictor(torch.from_numpy(noise))) == 0
