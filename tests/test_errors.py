"""Messages for people: what a missing file may be, lists, numbers of things."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pochoir.config import load_config
from pochoir.errors import ConfigError, DataError, PochoirError, WeightsError, bullets, number_of, some
from pochoir.images import read_rgb
from pochoir.segmentation.segmenter import Segmenter


@pytest.mark.parametrize(
    ("use", "kind"),
    [
        (lambda path: Segmenter(path, device="cpu"), WeightsError),
        (read_rgb, DataError),
        (lambda path: load_config("predict_seg", [f"input={path}"]), ConfigError),
    ],
)
def test_a_mistyped_file_is_told_beside_the_one_that_is_there(
    tmp_path: Path, use: Callable[[Path], object], kind: type[PochoirError]
) -> None:
    (tmp_path / "best.ckpt").touch()
    with pytest.raises(kind, match=r"bets\.ckpt.*; did you mean 'best\.ckpt'\?"):
        use(tmp_path / "bets.ckpt")
    with pytest.raises(kind) as error:
        use(tmp_path / "nowhere" / "bets.ckpt")
    assert "did you mean 'best" not in str(error.value)


def test_lists_and_numbers() -> None:
    assert bullets([]) == ""
    assert bullets(["a", 2]) == "\n  - a\n  - 2"
    assert some("abc", 2) == "a, b and 1 more"
    assert [number_of("photo", count) for count in (0, 1, 2)] == ["0 photos", "1 photo", "2 photos"]
