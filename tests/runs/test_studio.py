"""The task `studio` says what is missing before it begins."""

import socket
from pathlib import Path

import pytest

from pochoir.config import load_config
from pochoir.errors import ConfigError
from pochoir.runs.studio import run


def test_without_the_extra_it_says_how_to_have_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pochoir.runs.studio.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"studio: needs the extra studio; pip install '\.\[studio\]'"):
        run(load_config("studio"), tmp_path)


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    pytest.importorskip("nicegui", reason="needs the extra studio")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(
            ConfigError, match=rf"port: {port} at 127\.0\.0\.1 cannot be listened at \(.+\); give another"
        ):
            run(load_config("studio", [f"port={port}"]), tmp_path)
