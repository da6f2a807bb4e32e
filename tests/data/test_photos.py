"""Photos of an annotation file that was written on another system, or in another folder."""

import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from pochoir.data.photos import BACKSLASH, LAST_PART, OTHER_FORM, find_photos, hint

COMPOSED, APART = (unicodedata.normalize(form, "jürg.jpg") for form in ("NFC", "NFD"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("photos/a.jpg", "photos/b.jpg", "photos/train/a.jpg", f"photos/{APART}", "other/z.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path / "photos"


@pytest.mark.parametrize(
    ("name", "found", "way"),
    [
        ("a.jpg", "a.jpg", None),
        ("train/a.jpg", "train/a.jpg", None),
        ("./train/a.jpg", "./train/a.jpg", None),
        (COMPOSED, APART, OTHER_FORM),
        ("train\\a.jpg", "train/a.jpg", BACKSLASH),
        ("images\\b.jpg", "b.jpg", LAST_PART),
        ("https://example.org/upload/b.jpg", "b.jpg", LAST_PART),
        ("c.jpg", None, None),
        ("train/b.jpg", "b.jpg", LAST_PART),
    ],
)
def test_a_photo_is_found_however_its_name_is_written(
    folder: Path, name: str, found: str | None, way: str | None
) -> None:
    assert find_photos(folder, [name]) == ([found], Counter([way] if way else []))


def test_two_names_never_share_a_photo_by_their_last_part(folder: Path) -> None:
    assert find_photos(folder, ["x/b.jpg", "y/b.jpg"])[0] == [None, None]
    assert "share a name" in hint(folder, ["x/b.jpg", "y/b.jpg"], ["x/b.jpg", "y/b.jpg"])


@pytest.mark.parametrize(
    ("missing", "advice"),
    [
        ("z.jpg", "other: with dataset=coco, set dataset.images to that"),
        ("photos/b.jpg", r"set dataset.images to that"),
        ("https://example.org/c.jpg", "the names are URLs"),
        ("c.jpg", "put them there"),
    ],
)
def test_what_to_do_about_missing_photos(folder: Path, missing: str, advice: str) -> None:
    assert advice in hint(folder, [missing], [missing])
    assert "set dataset.images" not in hint(folder, [missing], [missing, "no/where.jpg"])  # some are there by accident


def test_a_folder_without_pictures_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    assert "holds no pictures" in hint(tmp_path, ["a.jpg"], ["a.jpg"])
    assert "holds no pictures" in hint(tmp_path / "absent", ["a.jpg"], ["a.jpg"])
