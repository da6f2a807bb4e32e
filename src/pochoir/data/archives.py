"""Fetch an archive and unpack it, so that neither a broken line nor a broken archive leaves half a result."""

import socket
import tempfile
import zipfile
from http.client import HTTPException
from pathlib import Path

from torchvision.datasets.utils import download_url

from pochoir.data.source import leads_outside
from pochoir.errors import DataError
from pochoir.files import storage_error

TIMEOUT = 30.0  # seconds without a byte
MAX_UNPACKED = 2 << 30  # bytes; far above any archive fetched here, far below what fills a disk


class ArchiveError(DataError):
    """An archive is damaged or unsafe; fetching it again may help, unlike with a full disk."""


def fetch(url: str, target: Path) -> None:
    """Download `url` with a progress bar; `target` appears by one rename at the end.

    Raises `DataError`, naming the URL and the reason.
    """
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)  # torchvision's downloader has none of its own: a silent server would hold it
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as temporary:
            download_url(url, temporary, target.name)
            (Path(temporary) / target.name).replace(target)
    except (OSError, HTTPException, RuntimeError, ValueError) as error:
        raise DataError(f"{url}: cannot be downloaded: {str(error).strip('<>')}") from error
    finally:
        socket.setdefaulttimeout(patience)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip into `folder`, which is new and need not be complete where this raises.

    Raises `ArchiveError`, naming archive and member, when it is damaged, would leave the folder, or would take more
    than `MAX_UNPACKED` bytes, and `StorageError` when the disk refuses.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            members = [one for one in file.infolist() if not one.filename.startswith("__MACOSX/")]  # Finder's additions
            problems = [f"'{one.filename}' leads out of it" for one in members if leads_outside(one.filename)]
            # zipfile unpacks no more of a member than the size that it states
            if (total := sum(one.file_size for one in members)) > MAX_UNPACKED:
                problems.append(f"it would take {total} bytes unpacked ({MAX_UNPACKED} are allowed)")
            if not problems:
                file.extractall(folder, members)
    except Exception as error:  # zipfile and its decompressors have a dozen kinds, and only promise to raise
        if isinstance(error, OSError) and (refused := storage_error(error, None if error.filename else folder)):
            raise refused from error
        raise ArchiveError(f"{archive}: is no sound zip archive, or not all of it ({error})") from error
    if problems:
        raise ArchiveError(f"{archive}: nothing was unpacked: {'; '.join(problems)}")
