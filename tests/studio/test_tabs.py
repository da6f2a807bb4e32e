"""What is uploaded keeps its name as far as that is harmless, its limits, and its tab."""

import os
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

from pochoir.errors import DataError
from pochoir.studio.tabs import Limits, Tab, by_name, safe_name


@pytest.fixture
def tab(tmp_path: Path) -> Tab:
    return Tab(tmp_path, Limits(size=20_000, pixels=64 * 64))


def picture(width: int, height: int) -> bytes:
    buffer = BytesIO()
    Image.fromarray(np.zeros((height, width, 3), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def test_an_upload_is_kept_under_its_name(tab: Tab) -> None:
    path = tab.take("../../etc/my photo.png", picture(64, 64))
    assert path.name == "my photo.png"
    assert path.is_relative_to(tab.own)
    assert tab.find("my photo.png") == str(path)


def test_pictures_of_one_name_are_told_apart(tab: Tab) -> None:
    """As pasted ones, which browsers call image.png, all of them."""
    first, second = (tab.take("image.png", picture(side, side)) for side in (64, 8))
    assert first != second
    assert tab.take("image.png", picture(64, 64)) == first
    assert (tab.find("image.png"), tab.find("image_2.png")) == (str(first), str(second))


def test_addresses_are_of_files_as_they_are_now(tab: Tab) -> None:
    path = tab.take('a #1 & 50%20" \u00e9.png', picture(8, 8))
    address = tab.show(path)
    assert tab.show(path) == address
    assert not set('"#&<> ') & set(address)
    assert tab.shown[unquote(address.rpartition("/")[2])] == path
    os.utime(path, ns=(0, 0))
    assert tab.show(path) != address


def test_a_closed_tab_makes_no_files(tab: Tab) -> None:
    tab.close()
    with pytest.raises(DataError, match="closed"):
        tab.take("a.png", picture(8, 8))
    assert list(tab.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.png", picture(65, 64), "a.png: has 65×64 pixels; at most 0.004096 megapixels are taken"),
        ("a.png", bytes(30_000), "a.png: has 0.0 MB; at most 0.02 are taken"),
        ("a.exe", b"MZ", "a.exe: is no picture by its name"),
    ],
)
def test_what_is_beyond_the_limits_is_refused_and_not_kept(tab: Tab, name: str, content: bytes, told: str) -> None:
    with pytest.raises(DataError, match=told):
        tab.take(name, content)
    assert [path for path in tab.folder.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("photo.jpg", "photo.jpg"),
        ("C:\\fakepath\\photo.jpg", "photo.jpg"),
        ("<img src=x onerror=alert(1)>.png", "_img src=x onerror=alert(1)_.png"),
        ("..", "picture"),
        ("a\0b\n.png", "a_b_.png"),
        ("two 'a' %22b%22.png", "two _a_ _b_.png"),
        ("x" * 300 + ".png", "x" * 80 + ".png"),
    ],
)
def test_safe_names(given: str, kept: str) -> None:
    assert safe_name(given) == kept


def test_tabs_have_nothing_of_each_other_and_leave_nothing(tmp_path: Path) -> None:
    one, other = (Tab(tmp_path, Limits(20_000, 4096)) for _ in range(2))
    path = one.take("a.png", picture(8, 8))
    address = one.show(path)
    assert one.token in address
    assert other.token not in address
    assert other.find("a.png") is None
    one.close()
    assert not path.exists()
    assert one.shown == {}
    assert list(tmp_path.iterdir()) == []


def test_messages_call_uploads_by_their_names(tab: Tab) -> None:
    path = tab.take("my photo.png", picture(8, 8))
    assert by_name(f"style: '{path}' is odd; {path}: too") == "style: 'my photo.png' is odd; my photo.png: too"
