"""The task `studio`: the page, until it is ended."""

from importlib.util import find_spec
from pathlib import Path

from pochoir.config import StudioConfig
from pochoir.errors import ConfigError


def run(settings: StudioConfig, folder: Path) -> None:
    """Serve the page until Ctrl-C; `folder` holds its log, and nothing else.

    Raises `ConfigError` where the extra `studio` is not installed, and where the port is taken.
    """
    if find_spec("nicegui") is None:
        raise ConfigError("studio: needs the extra studio; pip install '.[studio]' in the checkout brings it along")
    from pochoir.studio.server import serve

    serve(settings)
