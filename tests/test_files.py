"""Files are whole or absent; a folder has one run; a disk's refusal is told in words."""

import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pochoir.errors import ConfigError, StorageError
from pochoir.files import locked, storage_error, write_bytes

HOLDING = """
import sys, time
from pathlib import Path
from pochoir.files import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_file_is_written_whole_in_new_folders_and_readable_by_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.bin"
    write_bytes(path, b"old and long")
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o644
    assert [p.name for p in path.parent.iterdir()] == ["a.bin"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail)
        with pytest.raises(StorageError, match=r"a\.bin cannot be written: no space"):
            write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_a_write_that_is_interrupted_leaves_no_temporary_file(tmp_path: Path, monkeypatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_bytes(tmp_path / "a.bin", b"new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("code", "reason"),
    [(errno.ENOSPC, "the disk is full"), (errno.EACCES, "permission denied"), (errno.EROFS, "can only be read")],
)
def test_what_the_disk_refuses_is_told_with_the_file_and_the_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, reason: str
) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def refuse(*_: object) -> None:
        raise OSError(code, "refused")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        with pytest.raises(StorageError, match=rf"a\.bin cannot be written: .*{reason} \(/.* has [\d.]+ GB free\)"):
            write_bytes(path, b"new")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a.bin", b"old")]


def test_a_place_that_takes_no_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for path, why in ((tmp_path / "file" / "a.png", "exists"), (tmp_path / "folder", "Is a directory")):
        with pytest.raises(StorageError, match=f"{path.name} cannot be written: .*{why}"):
            write_bytes(path, b"")


def test_a_full_disk_is_known_where_the_error_names_no_file() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    with pytest.raises(OSError, match="No space") as caught, full.open("wb", buffering=0) as file:
        file.write(b"1")
    assert "the disk is full" in str(storage_error(caught.value))
    assert storage_error(FileNotFoundError(errno.ENOENT, "no such file", "a.png")) is None


def test_a_folder_has_one_run_and_a_killed_one_leaves_it_free(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with locked(folder), pytest.raises(ConfigError, match=r"another run is at work in .*run; wait"), locked(folder):
        pass
    other = subprocess.Popen([sys.executable, "-c", HOLDING, str(folder)], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    with pytest.raises(ConfigError, match="another run"), locked(folder):
        pass
    other.send_signal(signal.SIGKILL)
    other.communicate()
    with locked(folder):
        assert list(folder.iterdir())
    assert list(folder.iterdir()) == []
