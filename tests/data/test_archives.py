"""Archives that are damaged or attack, and servers that say nothing."""

import io
import re
import socket
import time
import zipfile
from pathlib import Path

import pytest

from pochoir.data import archives
from pochoir.data.archives import ArchiveError, fetch, unpack
from pochoir.errors import DataError


def make_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return path


def refused(archive: Path, tmp_path: Path, match: str) -> None:
    with pytest.raises(ArchiveError, match=match) as caught:
        unpack(archive, tmp_path / "folder")
    assert str(archive) in str(caught.value)


@pytest.mark.parametrize("name", ["../evil.txt", "a/../../evil.txt", "/evil.txt", "//host/evil.txt"])
def test_member_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    archive = make_zip(tmp_path / "a.zip", {"good.txt": b"1", name: b"2"})
    refused(archive, tmp_path, f"nothing was unpacked: '{re.escape(name)}' leads out of it")
    assert list(tmp_path.iterdir()) == [archive]


def test_absurd_expansion_is_refused_before_anything_is_written(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(archives, "MAX_UNPACKED", 1_000_000)
    archive = make_zip(tmp_path / "a.zip", {"small": b"1", "bomb": bytes(2_000_000)})
    refused(archive, tmp_path, "2000001 bytes")
    assert list(tmp_path.iterdir()) == [archive]
    unpack(make_zip(tmp_path / "b.zip", {"full": bytes(1_000_000)}), tmp_path / "allowed")
    assert (tmp_path / "allowed" / "full").stat().st_size == 1_000_000


def test_member_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"bomb": bytes(2_000_000)})
    content = archive.read_bytes().replace((2_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    archive.write_bytes(content)
    refused(archive, tmp_path, "'bomb'")


def test_encrypted_member_is_refused(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"secret": b"1"})
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)
    refused(archive, tmp_path, "'secret'.* is encrypted")


@pytest.mark.parametrize("members", [("a", "a/b"), ("a/b", "a"), ("x" * 300,)])
def test_paths_that_no_disk_can_hold_are_the_archives_fault(tmp_path: Path, members: tuple[str, ...]) -> None:
    refused(make_zip(tmp_path / "a.zip", dict.fromkeys(members, b"")), tmp_path, "no sound zip archive")


def test_random_damage_never_escapes_as_another_error(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a", b"some text, some text, some text")
    sound = buffer.getvalue()
    broken = 0
    for position in range(len(sound)):
        damaged = bytearray(sound)
        damaged[position] ^= 0x55
        (tmp_path / "a.zip").write_bytes(damaged)
        try:
            unpack(tmp_path / "a.zip", tmp_path / f"{position}")
        except ArchiveError:
            broken += 1
    assert broken > len(sound) / 3


def test_additions_of_finder_are_left_out(tmp_path: Path) -> None:
    unpack(make_zip(tmp_path / "a.zip", {"Top/1.txt": b"1", "__MACOSX/Top/._1.txt": b"-"}), tmp_path / "folder")
    assert [p.name for p in (tmp_path / "folder").iterdir()] == ["Top"]


def test_server_that_says_nothing_is_not_waited_for_for_ever(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(archives, "TIMEOUT", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a.zip"
        began = time.monotonic()
        with pytest.raises(DataError, match=f"{re.escape(url)}: cannot be downloaded: .*timed out"):
            fetch(url, tmp_path / "a.zip")
    assert time.monotonic() - began < 5
    assert socket.getdefaulttimeout() is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["data.zip", "http://", "nonsense://127.0.0.1/data.zip"])
def test_unusable_url_is_named(tmp_path: Path, url: str) -> None:
    with pytest.raises(DataError, match=re.escape(f"{url}: cannot be downloaded")):
        fetch(url, tmp_path / "data.zip")
