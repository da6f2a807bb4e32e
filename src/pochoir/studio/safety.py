"""What stands before the server: only this page's own hosts, a password where there is one, and bodies of some size."""

import base64
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from pochoir.errors import DataError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'; connect-src 'self' ws: wss:; frame-ancestors 'self'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'"
)
"""The browser itself fetches nothing from elsewhere, whatever a page says."""


class TooLarge(Exception):  # noqa: N818 (not an error of the program)
    """A request's body is beyond the limit."""


class Guard:
    """ASGI middleware: refuses what is not meant for this page, before anything of it is read.

    hosts: names that the page goes by; others are those of pages elsewhere that resolve to this machine (DNS
    rebinding); empty: any. password: asked for by the browser's own dialog (RFC 7617), for any user's name. body: bytes
    of a request, at most.
    """

    def __init__(self, app: App, *, hosts: frozenset[str], password: str | None, body: int) -> None:
        self.app = app
        self.hosts = hosts
        self.password = password
        self.body = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = _host(headers.get("host", ""))
        origin = headers.get("origin")
        foreign = origin is not None and origin.partition("://")[2] != headers.get("host")
        if foreign or (self.hosts and host not in self.hosts):
            await _refuse(scope, send, 403, "This page goes by another name.")
        elif self.password is not None and not _knows(headers.get("authorization", ""), self.password):
            await _refuse(scope, send, 401, "The studio wants its password.")
        elif _length(headers) > self.body:
            await _refuse(scope, send, 413, "That is too large.")
        else:
            await self._passed(scope, receive, send)

    async def _passed(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken = 0
        begun = False

        async def counted() -> MutableMapping[str, Any]:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if scope["type"] == "http" and taken > self.body:
                raise TooLarge
            return message

        async def guarded(message: MutableMapping[str, Any]) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message = {**message, "headers": [*message.get("headers", []), *_HEADERS]}
            await send(message)

        try:
            await self.app(scope, counted, guarded)
        except TooLarge:
            if not begun:
                await _refuse(scope, send, 413, "That is too large.")


_HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
]


def _host(value: str) -> str:
    """A host without its port, an address of version 6 without its brackets."""
    if value.startswith("["):
        return value[1:].partition("]")[0]
    return value.partition(":")[0]


def _length(headers: dict[str, str]) -> int:
    told = headers.get("content-length", "0")
    return int(told) if told.isdecimal() else 0


def _knows(authorization: str, password: str) -> bool:
    kind, _, given = authorization.partition(" ")
    try:
        told = base64.b64decode(given).decode().partition(":")[2] if kind.lower() == "basic" else ""
    except ValueError:
        return False
    return secrets.compare_digest(told.encode(), password.encode())


async def _refuse(scope: Scope, send: Send, status: int, text: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="Pochoir", charset="UTF-8"'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


def within(path: str, folders: list[Path]) -> Path:
    """A file or folder that a person has named, links followed.

    Raises `DataError` unless it is there and lies in one of the folders that may be read.
    """
    place = Path(path).expanduser()
    candidates = [place] if place.is_absolute() else [place, *(folder / place for folder in folders)]
    for candidate in candidates:
        real = candidate.resolve()
        if real.exists() and any(real.is_relative_to(folder.resolve()) for folder in folders):
            return real
    told = ", ".join(map(str, folders)) or "none"
    raise DataError(f"{path}: is not in the folders that may be read ({told}); folders=[…] names more at the start")
