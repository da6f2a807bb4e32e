"""What comes with the project is there, small and described, and the segmenter finds people."""

import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch

from pochoir.assets import FILES, WEIGHTS, located, weights_path
from pochoir.composition.given import from_coco
from pochoir.config import load_config
from pochoir.errors import ConfigError
from pochoir.images import read_picture, read_rgb
from pochoir.segmentation.models import build_segmenter
from pochoir.segmentation.segmenter import Segmenter, trained_segmenter

STYLES = ("strokes", "waves", "glass", "ink")


@pytest.fixture(scope="module")
def people() -> Segmenter:
    return Segmenter("person", device="cpu", score_threshold=0.5)


@pytest.mark.parametrize("style", STYLES)
def test_a_style_is_a_small_file_of_strong_contrast(style: str) -> None:
    path = Path(located(f"builtin:{style}"))
    picture = read_picture(path)
    assert path.stat().st_size < 400_000
    assert picture.pixels.shape == (512, 640, 3)
    assert picture.alpha is None
    assert picture.pixels.mean(axis=-1).std() > 25


def test_styles_are_unlike_each_other() -> None:
    """In colour, contrast, or how fast neighbours change."""
    statistics = []
    for style in STYLES:
        picture = read_rgb(Path(located(f"builtin:{style}"))).astype(float)
        saturation = picture.max(axis=-1) - picture.min(axis=-1)
        edges = abs(np.diff(picture, axis=0)).mean()
        statistics.append(np.array([*picture.mean(axis=(0, 1)), *picture.std(axis=(0, 1)), saturation.mean(), edges]))
    for index, one in enumerate(statistics):
        for other in statistics[index + 1 :]:
            assert abs(one - other).max() > 25


def test_every_name_is_a_file_and_files_keep_theirs() -> None:
    assert all(Path(located(f"builtin:{name}")).is_file() for name in FILES)
    assert all(weights_path(name).is_file() for name in WEIGHTS)
    assert located("photos/a.jpg") == "photos/a.jpg"
    assert weights_path("~/last.ckpt") == Path("~/last.ckpt").expanduser()


def test_unknown_names_list_the_known_and_the_old_word_tells_the_new() -> None:
    with pytest.raises(ConfigError, match=r"'builtin:oil' is none of .* builtin:portrait, .* builtin:strokes, .*ink$"):
        located("builtin:oil")
    with pytest.raises(ConfigError, match="did you mean 'builtin:strokes'"):
        located("builtin:stroke")
    for resolve in (located, weights_path):
        with pytest.raises(ConfigError, match="'builtin:person' is now called 'person'"):
            resolve("builtin:person")


def test_nothing_heavy_is_imported_and_nothing_written(tmp_path: Path) -> None:
    code = (
        "import sys; from pochoir.assets import located; located('builtin:ink'); located('builtin:portrait'); "
        "print(*{'torch', 'numpy', 'matplotlib', 'cv2'} & set(sys.modules))"
    )
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
    assert list(tmp_path.iterdir()) == []


def test_the_segmenter_is_small_and_comes_with_its_card() -> None:
    assert 5e6 < weights_path("person").stat().st_size < 25e6
    card = files("pochoir.assets").joinpath("person.md").read_text()
    for heading in ("## Data", "## Recipe", "## Measured", "## Limits", "## Licence"):
        assert heading in card


def test_a_network_that_is_built_by_its_name_has_its_weights() -> None:
    network = build_segmenter(load_config("train_seg").segmenter)
    expected = trained_segmenter("person")[1].state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in network.state_dict().items())


def test_it_finds_the_person_of_the_built_in_portrait(people: Segmenter) -> None:
    photo = Path(located("builtin:portrait"))
    pixels = read_rgb(photo)
    found = people(pixels)
    outline = from_coco(Path(located("builtin:portrait_outline")), photo, pixels.shape[:2]).masks[0] >= 0.5
    mask = found.masks[0] >= 0.5
    assert found.scores[0] > 0.9
    assert (mask & outline).sum() / (mask | outline).sum() > 0.8


def test_it_finds_nobody_where_nobody_is(people: Segmenter) -> None:
    assert len(people(torch.full((3, 300, 400), 0.5))) == 0
    noise = np.random.default_rng(0).random((300, 400, 3), dtype=np.float32)
    assert len(people(noise)) == 0
