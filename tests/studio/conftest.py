"""A studio that runs, and a real browser to use it by; skipped, with the reason, where there is no browser."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from painters import write_painter

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WAIT = 180_000
"""Milliseconds: the machine may be busy."""
Open = Callable[..., Any]


@pytest.fixture(scope="module")  # its event loop would stand in the way of other tests
def browser() -> Iterator[Any]:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None or find_spec("playwright") is None or find_spec("nicegui") is None:
        pytest.skip("needs a browser (chromium), and the extra studio-test: pip install '.[studio-test]'")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a studio with a painter of no training, and the folder that it works in."""
    folder = tmp_path_factory.mktemp("studio")
    write_painter(folder / "painter.safetensors", "ink", "waves", "great_wave")
    (folder / "photos").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [
        f"port={port}",
        "show=false",
        "size=96",
        "accelerator=cpu",
        "folders=[photos]",
        "upload_mb=2",
        "forget_seconds=10",  # a busy machine may keep a page waiting so long
    ]
    # the toolkit would take what it is started by for a test of its own
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    process = subprocess.Popen(
        [sys.executable, "-m", "pochoir", "studio", "painter.weights=painter.safetensors", *words],
        cwd=folder,
        env={**environment, "TMPDIR": str(folder)},
    )
    address = f"http://127.0.0.1:{port}/"
    _wait_for(address, process)
    yield address, folder
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    assert list(folder.glob("pochoir-studio-*")) == []


def _wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 90
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.3)


@pytest.fixture
def page(browser: Any, studio: tuple[str, Path]) -> Iterator[Any]:
    """A tab that has opened the studio; in the end, nothing was asked for elsewhere, and nothing went wrong."""
    address, _ = studio
    size = {"width": 1280, "height": 900}
    context = browser.new_context(accept_downloads=True, viewport=size, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(WAIT)
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.goto(address)
    page.wait_for_selector(".zone")
    yield page
    context.close()
    own = (address, address.replace("http", "ws"), "data:", "blob:")
    assert [url for url in asked if not url.startswith(own)] == []
    assert wrong == []
