"""Write files whole or not at all, by one run a folder, and say in words why a disk will not take them."""

import csv
import errno
import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from pochoir.errors import ConfigError, StorageError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOCK = ".lock"
"""In the folder of a run, while it is at work there."""
TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
"""What systems answer where another process holds the lock."""
REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your share of the disk is used up",
    errno.EROFS: "the disk can only be read",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
}


@contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """Write a file whole or not at all: a temporary neighbour, then one rename. Folders are made as needed.

    Raises `StorageError`, such as where the disk is full or the folder must not be written to; what was there is left
    as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise storage_error(error, path) or StorageError(
            f"{path} cannot be written: {error.strerror or error}"
        ) from error


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Rows as CSV, the first of them the heading."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def write_bytes(path: Path, content: bytes) -> None:
    """The same for what is in memory already."""
    with written(path) as file:
        file.write(content)


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically, indented."""
    write_bytes(path, (json.dumps(content, indent=2) + "\n").encode())


def read_json(path: Path) -> Any:
    """What `write_json` wrote; None where there is no such file."""
    return json.loads(path.read_text()) if path.is_file() else None


def storage_error(error: OSError, path: Path | None = None) -> StorageError | None:
    """What a disk refused, in words: the file, why, which disk, how much is free there; None for all other errors.

    path: the file, where the error itself does not know it.
    """
    reason = REASONS.get(error.errno or 0)
    if reason is None:
        return None
    file = (path or Path(error.filename or ".")).absolute()
    if file.is_file() and not os.access(file, os.R_OK):
        return StorageError(f"{file} cannot be read: {reason}")
    there = next(folder for folder in (file, *file.parents) if os.access(folder, os.F_OK))
    disk = next(folder for folder in (there, *there.parents) if os.path.ismount(folder))
    free = shutil.disk_usage(there).free / 1e9
    return StorageError(f"{file} cannot be written: {reason} ({disk} has {free:.2f} GB free); choose another folder")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a folder to oneself; it is made if need be. Raises `ConfigError` where another run is at work in it.

    The system itself ends the lock with the process, however that ends. Disks that know no locks go without.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / LOCK
    handle = _locked(file)
    if handle is None:
        raise ConfigError(
            f"hydra.run.dir: another run is at work in {folder}; wait for it, end it, or choose another folder"
        )
    try:
        yield
    finally:
        with suppress(OSError):  # Windows keeps open files
            file.unlink()
        os.close(handle)


def _locked(file: Path) -> int | None:
    """A handle that holds the lock; None where another one does."""
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if sys.platform == "win32":
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in TAKEN:
            os.close(handle)
            return None
    if sys.platform == "win32" or (file.exists() and os.path.samestat(os.fstat(handle), file.stat())):
        return handle
    os.close(handle)  # its last owner removed the file in between
    return _locked(file)
