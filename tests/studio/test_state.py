"""What the page offers follows from what comes with the project, and from what it is started with."""

from pathlib import Path

import numpy as np
import pytest

from painters import write_painter
from pochoir.config import load_config
from pochoir.errors import DataError
from pochoir.images import write_image
from pochoir.studio.state import offered, studio_of


def test_styles_that_only_the_painter_knows_come_after_those_with_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pochoir.studio.state.painted_styles", lambda: ("ink", "starry_night"))
    write_image(tmp_path / "own" / "mine.png", np.zeros((8, 8, 3), dtype=np.uint8))
    styles = offered(["ink", "starry_night", "of_a_painter_of_ones_own"], [str(tmp_path / "own")])
    assert [(style.value, style.label) for style in styles] == [
        *((f"builtin:{name}", name) for name in ("strokes", "waves", "glass", "ink")),
        (str(tmp_path / "own" / "mine.png"), "mine"),
        ("starry_night", "starry night"),
    ]


def test_a_studio_knows_the_styles_of_its_painter_and_what_it_may_read(tmp_path: Path) -> None:
    painter = write_painter(tmp_path / "painter.safetensors", "waves", "ink")
    words = [f"painter.weights={painter}", f"folders=[{tmp_path}]", f"outputs={tmp_path / 'outputs'}"]
    studio = studio_of(load_config("studio", words), tmp_path)
    assert studio.known == {"builtin:waves", "builtin:ink"}
    assert studio.readable == [tmp_path / "outputs", tmp_path]
    assert (studio.setup.painter, studio.setup.size) == (str(painter), 1024)


def test_a_folder_without_pictures_is_no_style(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"styles: .* holds no pictures"):
        offered([], [str(tmp_path / "empty")])
