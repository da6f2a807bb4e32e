"""Fetch an archive over HTTP and unpack it, so that neither a broken line nor a broken archive leaves half a result."""

import errno
import json
import re
import stat
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

import requests
from requests.adapters import HTTPAdapter
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from urllib3.util import Retry

from pochoir.errors import DataError

ATTEMPTS = 5  # requests for one file, as long as bodies keep breaking off
BACKOFF = 0.5  # seconds before the second attempt; doubled for each further one
CHUNK = 1 << 14  # bytes; what a break in the line loses at most
MAX_UNPACKED = 2 << 30  # bytes; far above any archive fetched here, far below what fills a disk

_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError)
# In a new folder of our own only the archive can cause these: clashing or overlong paths, offsets before its start.
_ZIP_ERRNOS = frozenset({errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EINVAL})


class ArchiveError(DataError):
    """An archive is corrupt or unsafe; fetching it again may help, unlike with a full disk."""


class _BrokenBodyError(Exception):
    """The answer ended early or does not continue what is there: worth another request."""


class _Partial:
    """`<target>.part` and, beside it, which version of which file its bytes belong to."""

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(f"{target.name}.part")
        self._note = target.with_name(f"{target.name}.part.json")

    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def validator(self, url: str) -> str | None:
        """ETag or Last-Modified of the bytes that are there; None where they cannot be continued."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            return note["validator"] if note["url"] == url else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def discard(self) -> None:
        self._note.unlink(missing_ok=True)  # first: bytes without a note are never continued
        self.path.unlink(missing_ok=True)

    def start(self, url: str, validator: str | None) -> None:
        self.discard()
        self.path.touch()
        if validator is not None:
            self._note.write_text(json.dumps({"url": url, "validator": validator}), encoding="utf-8")

    def finish(self, target: Path) -> None:
        self.path.replace(target)
        self._note.unlink(missing_ok=True)


def download(url: str, target: Path, *, timeout: float = 30.0) -> Path:
    """Download `url` to `target` with a progress bar, continuing `<target>.part` where the server allows it.

    A `target` that exists is complete, because it appears by one rename at the end, and is returned as it is.
    `timeout`: seconds without a byte, or without a connection, until an attempt counts as failed.
    Raises `DataError`, naming the URL or the file; what was fetched until then stays for the next call.
    """
    if target.is_file():
        return target
    part = _Partial(target)
    problem = None
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _session() as session, Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
            bar = progress.add_task(target.name, total=None)
            for attempt in range(ATTEMPTS):
                if attempt:
                    time.sleep(BACKOFF * 2 ** (attempt - 1))
                try:
                    for size, total in _fetch(session, url, part, timeout):
                        progress.update(bar, completed=size, total=total)
                except _BrokenBodyError as error:
                    problem = error
                else:
                    part.finish(target)
                    return target
    except requests.RequestException as error:  # an OSError too, so it has to come first
        raise DataError(f"{url}: cannot be downloaded: {_reason(error)}") from error
    except OSError as error:
        raise DataError(f"{error.filename or target}: cannot be written: {error.strerror or error}") from error
    raise DataError(f"{url}: the download broke off {ATTEMPTS} times, the last time because {problem}")


def _session() -> requests.Session:
    session = requests.Session()
    # Retry covers what happens before the body: connecting, and servers that are busy for a moment.
    retry = Retry(
        total=3,
        backoff_factor=BACKOFF,
        status_forcelist=(429, 500, 502, 503, 504),
        raise_on_status=False,
        respect_retry_after_header=False,  # it may ask for hours
    )
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    session.headers["Accept-Encoding"] = "identity"  # ranges and lengths must count the file's own bytes
    return session


def _fetch(session: requests.Session, url: str, part: _Partial, timeout: float) -> Iterator[tuple[int, int | None]]:
    """One request that adds what is missing to `part`; yields (bytes there, bytes in all or None)."""
    known = part.validator(url)
    headers = {} if known is None else {"Range": f"bytes={part.size()}-", "If-Range": known}
    with session.get(url, headers=headers, stream=True, timeout=timeout) as response:
        start, total = _content_range(response)
        if response.status_code == 416 and known is not None:
            if total == part.size():
                return  # only the final rename was missing
            part.discard()
            raise _BrokenBodyError("the server could not continue the file")
        if response.status_code == 206 and known is not None:
            # Some servers answer a Range without looking at If-Range.
            if start != part.size() or _validator(response) not in {None, known}:
                part.discard()
                raise _BrokenBodyError("the file on the server has changed")
        elif response.status_code == 200:
            part.start(url, _validator(response))
            length = response.headers.get("Content-Length", "")
            total = int(length) if length.isdecimal() else None
        else:
            raise DataError(f"{url}: the server answered {response.status_code} {response.reason}")
        size = part.size()
        yield size, total
        with part.path.open("ab") as file:
            try:
                for chunk in response.iter_content(CHUNK):
                    size += file.write(chunk)
                    yield size, total
            except (requests.exceptions.ChunkedEncodingError, requests.ConnectionError) as error:
                raise _BrokenBodyError(f"only {size} of {total or 'all'} bytes came") from error
    if total is not None and size != total:
        raise _BrokenBodyError(f"{size} instead of {total} bytes came")


def _content_range(response: requests.Response) -> tuple[int | None, int | None]:
    """(first byte, length of the whole file) of a Content-Range, each None where not stated (RFC 9110, 14.4)."""
    match = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", response.headers.get("Content-Range", ""))
    start, total = match.groups() if match else (None, None)
    return (int(start) if start else None), (int(total) if total and total != "*" else None)


def _validator(response: requests.Response) -> str | None:
    """What If-Range may carry: a strong ETag, else Last-Modified (RFC 9110, 13.1.5)."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified")


def _reason(error: requests.RequestException) -> str:
    """The innermost cause in words, without the connection objects that urllib3 prints in front of it."""
    cause = error.args[0] if error.args else error
    return re.sub(r"^(HTTPS?Connection(Pool)?\(.*?\)|<.*?>): ", "", str(getattr(cause, "reason", None) or cause))


def unpack_zip(archive: Path, folder: Path) -> None:
    """Unpack a zip so that `folder` appears complete or not at all; a single top folder is left out of the paths.

    Raises `ArchiveError`, naming archive and member, when a member is corrupt, encrypted, neither a plain file nor a
    folder, or leaves the folder, or when all would take more than `MAX_UNPACKED` bytes; `DataError` when `folder`
    exists or cannot be written.
    """
    if folder.exists():
        raise DataError(f"{folder}: exists already, so {archive} is not unpacked there")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
            content = Path(temporary) / "content"
            content.mkdir()
            _extract(archive, content)
            entries = list(content.iterdir())
            (entries[0] if len(entries) == 1 and entries[0].is_dir() else content).rename(folder)
    except OSError as error:
        raise DataError(f"{archive}: cannot be unpacked to {folder}: {error.strerror or error}") from error


def _extract(archive: Path, content: Path) -> None:
    member = "its table of contents"
    try:
        with zipfile.ZipFile(archive) as file:
            members = [m for m in file.infolist() if not m.filename.startswith("__MACOSX/")]  # Finder's additions
            for info in members:
                if problem := _member_problem(info):
                    raise ArchiveError(f"{archive}: member {info.orig_filename!r} {problem}; nothing was unpacked")
            # The sizes stated are binding: zipfile reads no more than that of each member.
            total = sum(info.file_size for info in members)
            if total > MAX_UNPACKED:
                largest = max(members, key=lambda info: info.file_size)
                raise ArchiveError(
                    f"{archive}: would take {total} bytes unpacked ({MAX_UNPACKED} are allowed), "
                    f"{largest.file_size} of them for {largest.filename!r}; nothing was unpacked"
                )
            for info in members:
                member = repr(info.filename)
                file.extract(info, content)  # checks the CRC
    except (*_ZIP_ERRORS, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _ZIP_ERRNOS:
            raise
        raise ArchiveError(f"{archive}: not a sound zip archive, {member} cannot be read ({error})") from error


def _member_problem(info: zipfile.ZipInfo) -> str | None:
    name = info.orig_filename  # `filename` is already cut at NUL and has the system's separators replaced
    if "\\" in name or "\0" in name:
        return "has a backslash or NUL in its path"
    if name.startswith("/") or PureWindowsPath(name).drive:
        return "has an absolute path"
    if ".." in name.split("/"):
        return "leaves the folder"
    if stat.S_IFMT(info.external_attr >> 16) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "is a link or a device"
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        return "is compressed by something else than deflate"
    return "is encrypted" if info.flag_bits & 1 else None
