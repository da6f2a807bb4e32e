"""Pictures that come with the project."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pochoir.assets import STYLES, drawn, located
from pochoir.errors import ConfigError


@pytest.mark.parametrize("kind", STYLES)
def test_a_style_is_the_same_every_time_and_another_with_another_seed(kind: str) -> None:
    first = drawn(kind, (96, 120), seed=0)
    assert first.shape == (96, 120, 3)
    assert first.dtype == np.uint8
    assert (first == drawn(kind, (96, 120), seed=0)).all()
    assert (first != drawn(kind, (96, 120), seed=1)).any(axis=-1).mean() > 0.3


@pytest.mark.parametrize("kind", STYLES)
@pytest.mark.parametrize("size", [(33, 150), (131, 97)])
def test_any_size_has_strong_contrast(kind: str, size: tuple[int, int]) -> None:
    picture = drawn(kind, size, seed=0)
    assert picture.shape == (*size, 3)
    assert picture.mean(axis=-1).std() > 25


def test_styles_are_unlike_each_other() -> None:
    """In colour, contrast, or how fast neighbours change."""
    statistics = []
    for kind in STYLES:
        picture = drawn(kind, (192, 240), seed=0).astype(float)
        saturation = picture.max(axis=-1) - picture.min(axis=-1)
        edges = abs(np.diff(picture, axis=0)).mean()
        statistics.append(np.array([*picture.mean(axis=(0, 1)), *picture.std(axis=(0, 1)), saturation.mean(), edges]))
    for index, one in enumerate(statistics):
        for other in statistics[index + 1 :]:
            assert abs(one - other).max() > 25


def test_names_become_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert located("photos/a.jpg") == "photos/a.jpg"
    path = Path(located("builtin:ink"))
    assert path.parent == tmp_path / "pochoir"
    with Image.open(path) as image:
        assert image.size == (640, 512)
    before = path.stat().st_mtime_ns
    assert located("builtin:ink") == str(path)
    assert path.stat().st_mtime_ns == before
    assert Path(located("builtin:portrait")).is_file()


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(
        ConfigError, match=r"'builtin:oil' is none of .* builtin:portrait, .* builtin:person, builtin:strokes"
    ):
        located("builtin:oil")
