"""How quickly the studio answers, in a headless browser: people outlined, paint seen, picture saved.

python bench/studio.py [photo.jpg …] [--repeats 6]

Of each photo (without any: the portrait that comes with the project) the medians over the repeats, with the least and
the most: seconds from the photo's being dropped until its people are outlined, and from the click on a style, for the
first of them, until its paint is seen and until the picture is saved. The page is opened anew for each. What the page
asked for elsewhere, if anything, ends the run. Needs the extra `studio-test` and a chromium.
"""

import argparse
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from pochoir.assets import PREFIX, located

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
WAIT = 180_000
"""Milliseconds."""
OUTLINED = """() => {
  const photo = document.querySelector(".drawable img");
  return photo?.naturalWidth > 0 && document.querySelector(".drawable svg path");
}"""
SEEN = """() => [...document.querySelectorAll(".compare img + img, img[src*='/growing/']")]
  .some((image) => image.complete && image.naturalWidth > 0)"""
SAVED = """() => document.querySelector(".compare img + img")?.naturalWidth > 0"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="*", type=Path)
    parser.add_argument("--repeats", type=int, default=6)
    parser.add_argument("--style", default="ink")
    arguments = parser.parse_args()
    photos = [path.absolute() for path in arguments.photos] or [Path(located(PREFIX + "portrait"))]
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        words = [f"port={port}", "show=false", "accelerator=cpu"]
        server = subprocess.Popen(
            [sys.executable, "-m", "pochoir", "studio", *words], cwd=folder, stdout=subprocess.DEVNULL
        )
        try:
            measure(f"http://127.0.0.1:{port}/", photos, arguments.style, arguments.repeats, server)
        finally:
            server.terminate()
            server.wait(60)


def measure(address: str, photos: list[Path], style: str, repeats: int, server: "subprocess.Popen[bytes]") -> None:
    """Print a line for each photo."""
    while not answers(address):
        if server.poll() is not None:
            sys.exit("the studio ended")
        time.sleep(0.3)
    time.sleep(15)  # it looks at a photo and at its styles by itself first
    with sync_playwright() as playwright:
        found = next(filter(None, map(shutil.which, BROWSERS)), None)
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.set_default_timeout(WAIT)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        for photo in photos:
            times = [timed(page, address, photo, style) for _ in range(repeats)]
            told = [
                f"{statistics.median(part):.1f} s ({min(part):.1f} to {max(part):.1f})"
                for part in zip(*times, strict=True)
            ]
            print(f"{photo.name}: outlined {told[0]}, seen {told[1]}, saved {told[2]}, of {repeats}", flush=True)
        browser.close()
    elsewhere = sorted({url for url in asked if not url.startswith((address, "data:", "blob:"))})
    if elsewhere:
        sys.exit(f"asked for elsewhere: {', '.join(elsewhere)}")


def answers(address: str) -> bool:
    """Whether the studio is open."""
    try:
        urllib.request.urlopen(address, timeout=5).close()
    except OSError:
        return False
    return True


def timed(page: Any, address: str, photo: Path, style: str) -> tuple[float, float, float]:
    """Seconds until a photo is outlined, and from a click on a style until it is seen, and saved."""
    page.goto(address)
    page.wait_for_selector(".zone")
    page.wait_for_timeout(1000)
    began = time.perf_counter()
    page.set_input_files("[data-uploader=photo] input[type=file]", photo)
    page.wait_for_function(OUTLINED)
    outlined = time.perf_counter() - began
    page.locator("[aria-label=Objects] button").first.click()
    page.wait_for_selector("[aria-label=Objects] [aria-pressed=true]")
    began = time.perf_counter()
    page.locator(".strip").get_by_role("button", name=style).first.click()
    page.wait_for_function(SEEN)
    seen = time.perf_counter() - began
    page.wait_for_function(SAVED)
    return outlined, seen, time.perf_counter() - began


if __name__ == "__main__":
    main()
