"""Downloads against a real server on 127.0.0.1 with every bad habit, and archives that attack."""

import io
import re
import stat
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from pochoir.data import download as module
from pochoir.data.download import ArchiveError, download, unpack_zip
from pochoir.errors import DataError

BODY = bytes(i * 7 % 251 for i in range(300_000))  # no period that a wrong offset could hide in


class Server(ThreadingHTTPServer):
    """Serves `body` at every path; the attributes switch on what real servers get wrong."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = BODY
        self.etag: str | None = '"v1"'
        self.last_modified: str | None = None
        self.statuses: list[int] = []  # answered first, one per request
        self.drop_after: list[int] = []  # bytes sent of each body until the connection is cut
        self.ranges = True
        self.honours_if_range = True
        self.shift = 0  # added to the offset asked for
        self.range_limit: int | None = None  # bytes that one answer to a Range gives at most
        self.chunked = False
        self.requests: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/data.zip"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        server = self.server
        server.requests.append(dict(self.headers))
        self.close_connection = True
        if server.statuses:
            self.send_response(server.statuses.pop(0))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start, body = 0, server.body
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        validator = self.headers.get("If-Range")
        current = {server.etag, server.last_modified}
        if wanted and server.ranges and (validator is None or validator in current or not server.honours_if_range):
            start = int(wanted[1]) + server.shift
            if start >= len(server.body):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(server.body)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body = server.body[start:][: server.range_limit]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{start + len(body) - 1}/{len(server.body)}")
        else:
            self.send_response(200)
        if server.etag:
            self.send_header("ETag", server.etag)
        if server.last_modified:
            self.send_header("Last-Modified", server.last_modified)
        if server.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        sent = body[: server.drop_after.pop(0)] if server.drop_after else body
        if server.chunked:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(sent), sent) if sent else b"")
            if len(sent) == len(body):
                self.wfile.write(b"0\r\n\r\n")
        else:
            self.wfile.write(sent)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(module, "BACKOFF", 0.001)
    monkeypatch.setattr(module, "CHUNK", 1000)  # the bytes of an unfinished chunk are lost, so drops come at multiples
    with Server() as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield http
        http.shutdown()
        thread.join()


def left_over(target: Path) -> set[str]:
    return {path.name for path in target.parent.iterdir()} - {target.name}


def interrupted(server: Server, target: Path, at: int) -> None:
    """Leave behind what a download that was cut off `at` bytes leaves."""
    server.drop_after = [at] + [0] * (module.ATTEMPTS - 1)
    with pytest.raises(DataError, match="broke off"):
        download(server.url, target)
    assert target.with_name("data.zip.part").read_bytes() == server.body[:at]
    server.requests.clear()


def test_plain_download_makes_folders_and_leaves_nothing_beside(server: Server, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "data.zip"
    assert download(server.url, target) == target
    assert target.read_bytes() == BODY
    assert left_over(target) == set()
    assert server.requests[0]["Accept-Encoding"] == "identity"


def test_existing_target_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "data.zip").write_bytes(b"complete")
    assert download(server.url, tmp_path / "data.zip").read_bytes() == b"complete"
    assert server.requests == []


@pytest.mark.parametrize("etag, last_modified", [('"v1"', None), (None, "Mon, 01 Jan 2007 10:00:00 GMT")])
def test_dropped_connection_is_continued_within_one_call(
    server: Server, tmp_path: Path, etag: str | None, last_modified: str | None
) -> None:
    server.etag, server.last_modified = etag, last_modified
    server.drop_after = [100_000, 50_000]
    target = download(server.url, tmp_path / "data.zip")
    assert target.read_bytes() == BODY
    assert [request.get("Range") for request in server.requests] == [None, "bytes=100000-", "bytes=150000-"]
    assert server.requests[1]["If-Range"] == (etag or last_modified)
    assert left_over(target) == set()


def test_chunked_body_that_breaks_off_is_not_taken_for_complete(server: Server, tmp_path: Path) -> None:
    server.chunked = True
    server.drop_after = [100_000]
    assert download(server.url, tmp_path / "data.zip").read_bytes() == BODY
    assert len(server.requests) == 2


def test_next_call_continues_the_last(server: Server, tmp_path: Path) -> None:
    target = tmp_path / "data.zip"
    interrupted(server, target, 120_000)
    assert not target.exists()
    assert download(server.url, target).read_bytes() == BODY
    assert [request.get("Range") for request in server.requests] == ["bytes=120000-"]


def test_server_without_ranges_starts_anew(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    server.drop_after = [100_000]
    assert download(server.url, tmp_path / "data.zip").read_bytes() == BODY
    assert server.requests[1]["Range"] == "bytes=100000-"


@pytest.mark.parametrize("honours_if_range", [True, False])
def test_changed_file_is_not_glued_together(server: Server, tmp_path: Path, honours_if_range: bool) -> None:
    target = tmp_path / "data.zip"
    interrupted(server, target, 120_000)
    server.body, server.etag, server.honours_if_range = bytes(reversed(BODY)), '"v2"', honours_if_range
    assert download(server.url, target).read_bytes() == server.body


@pytest.mark.parametrize("etag", [None, 'W/"v1"'])
def test_bytes_without_strong_validator_are_not_continued(server: Server, tmp_path: Path, etag: str | None) -> None:
    server.etag = etag
    target = tmp_path / "data.zip"
    server.drop_after = [100_000]
    assert download(server.url, target).read_bytes() == BODY
    assert ["Range" in request for request in server.requests] == [False, False]


def test_bytes_of_another_url_are_not_continued(server: Server, tmp_path: Path) -> None:
    target = tmp_path / "data.zip"
    interrupted(server, target, 120_000)
    assert download(f"{server.url}?other", target).read_bytes() == BODY
    assert "Range" not in server.requests[0]


@pytest.mark.parametrize("note", [None, "", "[]", '{"url": 1}', "{"])
def test_bytes_with_a_damaged_note_are_not_continued(server: Server, tmp_path: Path, note: str | None) -> None:
    target = tmp_path / "data.zip"
    interrupted(server, target, 120_000)
    path = tmp_path / "data.zip.part.json"
    path.unlink() if note is None else path.write_text(note)
    assert download(server.url, target).read_bytes() == BODY
    assert "Range" not in server.requests[0]


def test_range_that_starts_elsewhere_is_refused(server: Server, tmp_path: Path) -> None:
    target = tmp_path / "data.zip"
    interrupted(server, target, 120_000)
    server.shift = 1
    assert download(server.url, target).read_bytes() == BODY
    assert ["Range" in request for request in server.requests] == [True, False]


def test_server_that_gives_less_than_asked_for_is_asked_for_the_rest(server: Server, tmp_path: Path) -> None:
    server.drop_after = [100_000]
    server.range_limit = 80_000
    assert download(server.url, tmp_path / "data.zip").read_bytes() == BODY
    assert [request.get("Range") for request in server.requests[1:]] == [
        f"bytes={start}-" for start in (100_000, 180_000, 260_000)
    ]


def test_pauses_between_attempts_double(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(module, "time", SimpleNamespace(sleep=pauses.append))
    server.drop_after = [1000, 1000, 1000]
    download(server.url, tmp_path / "data.zip")
    assert pauses == [module.BACKOFF * factor for factor in (1, 2, 4)]


def test_complete_part_only_needs_its_rename(server: Server, tmp_path: Path) -> None:
    target = tmp_path / "data.zip"
    interrupted(server, target, 120_000)
    target.with_name("data.zip.part").write_bytes(BODY)
    assert download(server.url, target).read_bytes() == BODY
    assert len(server.requests) == 1  # the 416
    assert left_over(target) == set()


def test_part_longer_than_the_file_starts_anew(server: Server, tmp_path: Path) -> None:
    target = tmp_path / "data.zip"
    interrupted(server, target, 120_000)
    target.with_name("data.zip.part").write_bytes(BODY + b"more")
    assert download(server.url, target).read_bytes() == BODY


def test_truncated_content_is_an_error_and_kept_for_the_next_call(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    server.drop_after = [1000] * module.ATTEMPTS
    with pytest.raises(DataError, match=r"data\.zip: the download broke off 5 times.* 1000 of 300000 bytes"):
        download(server.url, tmp_path / "data.zip")
    assert len(server.requests) == module.ATTEMPTS
    assert left_over(tmp_path / "data.zip") == {"data.zip.part", "data.zip.part.json"}


def test_missing_file_is_reported_at_once(server: Server, tmp_path: Path) -> None:
    server.statuses = [404]
    with pytest.raises(DataError, match=re.escape(f"{server.url}: the server answered 404 Not Found")):
        download(server.url, tmp_path / "data.zip")
    assert len(server.requests) == 1
    assert list(tmp_path.iterdir()) == []


def test_busy_server_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.statuses = [503, 503]
    assert download(server.url, tmp_path / "data.zip").read_bytes() == BODY


def test_server_that_stays_busy_is_named(server: Server, tmp_path: Path) -> None:
    server.statuses = [503] * 10
    with pytest.raises(DataError, match="the server answered 503"):
        download(server.url, tmp_path / "data.zip")


def test_no_connection_is_said_in_words(server: Server, tmp_path: Path) -> None:
    url = server.url
    server.server_close()
    with pytest.raises(DataError, match=re.escape(f"{url}: cannot be downloaded: Failed to establish")) as caught:
        download(url, tmp_path / "data.zip")
    assert "object at 0x" not in str(caught.value)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/data.zip", "data.zip", "http://"])
def test_unusable_url_is_named(tmp_path: Path, url: str) -> None:
    with pytest.raises(DataError, match=re.escape(f"{url}: cannot be downloaded")):
        download(url, tmp_path / "data.zip")


def test_unwritable_folder_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=r"file.*: cannot be written"):
        download(server.url, tmp_path / "file" / "data.zip")


def make_zip(path: Path, members: dict[str, bytes], **changes: object) -> Path:
    """A zip with `members`; `changes` are set as attributes of each member's entry."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            for key, value in changes.items():
                setattr(info, key, value)
            file.writestr(info, content)
    return path


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("top", ["", "Top/"])
def test_unpacks_with_and_without_top_folder(tmp_path: Path, top: str) -> None:
    archive = make_zip(tmp_path / "a.zip", {f"{top}x/1.txt": b"one", f"{top}2.txt": b"two"})
    unpack_zip(archive, tmp_path / "new" / "folder")
    assert tree(tmp_path / "new" / "folder") == {"x/1.txt": b"one", "2.txt": b"two"}
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["folder"]


def test_single_file_is_no_top_folder(tmp_path: Path) -> None:
    unpack_zip(make_zip(tmp_path / "a.zip", {"only.txt": b"1"}), tmp_path / "folder")
    assert tree(tmp_path / "folder") == {"only.txt": b"1"}


def test_additions_of_finder_are_no_second_top_folder(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"Top/1.txt": b"1", "__MACOSX/Top/._1.txt": b"-"})
    unpack_zip(archive, tmp_path / "folder")
    assert tree(tmp_path / "folder") == {"1.txt": b"1"}


def test_overlong_name_is_refused(tmp_path: Path) -> None:
    refused(make_zip(tmp_path / "a.zip", {"x" * 300: b"1"}), tmp_path, "'x+' cannot be read")


def refused(archive: Path, tmp_path: Path, match: str) -> None:
    before = tree(tmp_path)
    with pytest.raises(ArchiveError, match=match) as caught:
        unpack_zip(archive, tmp_path / "inner" / "folder")
    assert str(archive) in str(caught.value)
    assert tree(tmp_path) == before
    assert not (tmp_path / "inner").exists() or list((tmp_path / "inner").iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["../evil.txt", "a/../../evil.txt", "/evil.txt", "//host/evil.txt", "C:/evil.txt", "c:evil.txt", "..\\evil.txt"],
)
def test_member_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    archive = make_zip(tmp_path / "a.zip", {"good.txt": b"1", name: b"2"})
    refused(archive, tmp_path, f"member {re.escape(repr(name))} (leaves|has an absolute|has a backslash)")


def test_nul_in_a_path_is_refused(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"good.txt-.png": b"1"})
    archive.write_bytes(archive.read_bytes().replace(b"good.txt-.png", b"good.txt\0.png"))
    refused(archive, tmp_path, "NUL")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(tmp_path: Path, kind: int) -> None:
    archive = make_zip(
        tmp_path / "a.zip", {"link": b"/etc/passwd"}, create_system=3, external_attr=(kind | 0o777) << 16
    )
    refused(archive, tmp_path, "member 'link' is a link or a device")


def test_encrypted_member_is_refused(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"secret": b"1"})
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)
    refused(archive, tmp_path, "member 'secret' is encrypted")


def test_other_compression_is_refused(tmp_path: Path) -> None:
    refused(
        make_zip(tmp_path / "a.zip", {"x": b"1"}, compress_type=zipfile.ZIP_BZIP2), tmp_path, "'x' is compressed by"
    )


@pytest.mark.parametrize("first, second", [("a", "a/b"), ("a/b", "a"), ("a", "a/")])
def test_path_that_is_both_file_and_folder_is_refused(tmp_path: Path, first: str, second: str) -> None:
    refused(make_zip(tmp_path / "a.zip", {first: b"", second: b""}), tmp_path, f"'{second}' cannot be read")


def test_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"ä.txt": b"1"})  # non-ASCII, so marked as UTF-8
    archive.write_bytes(archive.read_bytes().replace("ä".encode(), b"\xff\xff"))
    refused(archive, tmp_path, "table of contents cannot be read")


def test_absurd_expansion_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_UNPACKED", 1_000_000)
    refused(make_zip(tmp_path / "a.zip", {"s": b"1", "bomb": bytes(2_000_000)}), tmp_path, "2000001 bytes.*'bomb'")
    unpack_zip(make_zip(tmp_path / "b.zip", {"full": bytes(1_000_000)}), tmp_path / "allowed")
    assert (tmp_path / "allowed" / "full").stat().st_size == 1_000_000


def test_member_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"bomb": bytes(2_000_000)})
    content = archive.read_bytes().replace((2_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    archive.write_bytes(content)
    refused(archive, tmp_path, "'bomb' cannot be read")


def test_damaged_member_is_named(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"first": b"1", "second": BODY})
    content = bytearray(archive.read_bytes())
    content[content.index(b"second") + 100] ^= 0xFF
    archive.write_bytes(content)
    refused(archive, tmp_path, "'second' cannot be read")


@pytest.mark.parametrize("content", [b"", b"<html>Please log in to the network</html>", None])
def test_what_is_no_zip_is_refused(tmp_path: Path, content: bytes | None) -> None:
    archive = make_zip(tmp_path / "a.zip", {"x": BODY})
    archive.write_bytes(archive.read_bytes()[:-30] if content is None else content)
    refused(archive, tmp_path, "not a sound zip archive")


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
            unpack_zip(tmp_path / "a.zip", tmp_path / f"{position}")
        except ArchiveError:
            broken += 1
            assert not (tmp_path / f"{position}").exists()
    assert broken > len(sound) / 3


def test_existing_folder_is_not_touched(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"x": b"new"})
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "x").write_bytes(b"old")
    with pytest.raises(DataError, match="exists already"):
        unpack_zip(archive, tmp_path / "folder")
    assert tree(tmp_path / "folder") == {"x": b"old"}


def test_unwritable_parent_is_no_fault_of_the_archive(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot be unpacked to") as caught:
        unpack_zip(make_zip(tmp_path / "a.zip", {"x": b"1"}), tmp_path / "file" / "folder")
    assert not isinstance(caught.value, ArchiveError)
