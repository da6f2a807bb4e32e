"""A clip small enough for tests, as frames, as files and as a film."""

from pathlib import Path

import pytest

from clips import frames, write_clip
from pochoir.images import Pixels


@pytest.fixture(scope="session")
def pictures() -> list[Pixels]:
    return frames()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip"))
