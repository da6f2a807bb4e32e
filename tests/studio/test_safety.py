"""The guard before the server, and which folders may be read."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest

from pochoir.config import load_config
from pochoir.errors import ConfigError, DataError
from pochoir.studio.safety import POLICY, Guard, within

HOSTS = frozenset({"127.0.0.1", "localhost"})


async def inner(scope: Any, receive: Any, send: Any) -> None:
    """Reads all of a body and says how long it is."""
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(length).encode()})


def answer(guard: Guard, headers: dict[str, str], body: list[bytes] | None = None, kind: str = "http") -> list[Any]:
    parts = body or [b""]
    given = [(name.encode(), value.encode()) for name, value in headers.items()]
    messages = [
        {"type": "http.request", "body": part, "more_body": number < len(parts) - 1}
        for number, part in enumerate(parts)
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(guard({"type": kind, "headers": given}, receive, send))
    return sent


def guard(**changes: Any) -> Guard:
    return Guard(inner, **{"hosts": HOSTS, "password": None, "body": 100, **changes})


def status(*given: Any, **more: Any) -> int:
    return answer(*given, **more)[0]["status"]


def test_its_own_page_is_answered_and_told_to_fetch_nothing_from_elsewhere() -> None:
    sent = answer(guard(), {"host": "127.0.0.1:8080", "origin": "http://127.0.0.1:8080"})
    assert sent[0]["status"] == 200
    assert (b"content-security-policy", POLICY.encode()) in sent[0]["headers"]


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1:8080", "origin": "http://evil.example"},
        {"host": "127.0.0.1:8080", "origin": "http://127.0.0.1:3000"},
        {"host": "127.0.0.1:8080", "origin": "null"},
        {},
    ],
)
def test_other_pages_are_refused(headers: dict[str, str]) -> None:
    assert status(guard(), headers) == 403
    assert answer(guard(), headers, kind="websocket") == [{"type": "websocket.close", "code": 1008}]


def test_a_password_is_asked_for_and_known() -> None:
    locked = guard(password="open sesame")
    asked = answer(locked, {"host": "localhost"})
    assert asked[0]["status"] == 401
    assert any(name == b"www-authenticate" for name, _ in asked[0]["headers"])

    def with_password(word: str) -> int:
        token = base64.b64encode(f"anybody:{word}".encode()).decode()
        return status(locked, {"host": "localhost", "authorization": f"Basic {token}"})

    assert with_password("open sesame") == 200
    assert with_password("open") == 401
    assert status(locked, {"host": "localhost", "authorization": "Basic not-base64"}) == 401


def test_a_body_beyond_the_limit_is_refused_told_or_untold() -> None:
    assert status(guard(), {"host": "localhost", "content-length": "101"}) == 413
    assert status(guard(), {"host": "localhost"}, [bytes(60), bytes(60)]) == 413
    assert answer(guard(), {"host": "localhost"}, [bytes(60), bytes(40)])[1]["body"] == b"100"


def test_only_folders_that_were_named_are_read(tmp_path: Path) -> None:
    photos, secret = tmp_path / "photos", tmp_path / "secret"
    (photos / "train").mkdir(parents=True)
    secret.mkdir()
    (photos / "link").symlink_to(secret)
    assert within(str(photos / "train"), [photos]) == photos / "train"
    assert within("train", [photos]) == photos / "train"
    for place in (secret, photos / ".." / "secret", photos / "link", photos / "missing"):
        with pytest.raises(DataError, match=r"is not in the folders that may be read \(.*photos\)"):
            within(str(place), [photos])


def test_others_are_let_in_by_a_password_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POCHOIR_STUDIO_PASSWORD", raising=False)
    for host in ("127.0.0.1", "localhost", "::1", "127.0.0.2"):
        assert load_config("studio", [f"host='{host}'"]).password is None
    for host in ("0.0.0.0", "192.168.1.5", "::", "box.example"):
        with pytest.raises(ConfigError, match=r"host: .* is reached by other machines, which wants a password"):
            load_config("studio", [f"host='{host}'"])
    with pytest.raises(ConfigError, match="password"):
        load_config("studio", ["host=0.0.0.0", "password=short"])
    monkeypatch.setenv("POCHOIR_STUDIO_PASSWORD", "open sesame")
    assert load_config("studio", ["host=0.0.0.0"]).password == "open sesame"
