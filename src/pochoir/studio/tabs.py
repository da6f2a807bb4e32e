"""What one tab of a browser has: a folder of its own, what was uploaded to it, and the files that it may be shown."""

import re
import secrets
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from PIL import Image

from pochoir.errors import DataError
from pochoir.files import write_bytes
from pochoir.images import Pixels, picture_suffixes

LONGEST_NAME = 80
"""Letters of an uploaded file's name that are kept."""


@dataclass(frozen=True)
class Limits:
    """What an upload may have: bytes, and pixels."""

    size: int
    pixels: int


@dataclass(eq=False)
class Tab:
    """A tab. token: what its addresses begin with, which nobody can guess. names: its files by what they are called, no
    two alike. shown, pages: files and pages of HTML that have an address. growing: the picture that is painted.
    """

    folder: Path
    limits: Limits
    token: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    names: dict[Path, str] = field(default_factory=dict)
    shown: dict[str, Path] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    growing: Pixels | None = None
    is_closed: bool = False
    _addresses: dict[tuple[Path, int], str] = field(default_factory=dict)

    @property
    def own(self) -> Path:
        """Its folder; made when it is first asked for, gone when the tab is closed, after which it is a `DataError`."""
        if self.is_closed:
            raise DataError("the page was closed meanwhile")
        place = self.folder / self.token
        place.mkdir(parents=True, exist_ok=True)
        return place

    def take(self, name: str, content: bytes) -> Path:
        """Keep an uploaded picture under a safe name, with a number where another picture has it; one that is there
        already is not taken twice. Raises `DataError` for what is too large, or no picture.
        """
        name = safe_name(name)
        if len(content) > self.limits.size:
            raise DataError(f"{name}: has {len(content) / 1e6:.1f} MB; at most {self.limits.size / 1e6:g} are taken")
        if Path(name).suffix.lower() not in picture_suffixes():
            raise DataError(f"{name}: is no picture by its name; drop a JPEG, PNG, WebP, TIFF or the like")
        uploads = self.own / "uploads"
        for path in self.names:
            if path.name == name and path.is_relative_to(uploads) and path.read_bytes() == content:
                return path
        path = uploads / str(len(self.names)) / name
        write_bytes(path, content)
        try:
            check_pixels(path, self.limits.pixels)
        except DataError:
            path.unlink()
            raise
        self.call(path, name)
        return path

    def call(self, path: Path, name: str) -> None:
        """Give a file a name, numbered where another file has it."""
        taken, stem, suffix, number = set(self.names.values()), Path(name).stem, Path(name).suffix, 2
        while name in taken:
            name, number = f"{stem}_{number}{suffix}", number + 1
        self.names[path] = name

    def find(self, name: str) -> str | None:
        """The file that is called so."""
        return next((str(path) for path, known in self.names.items() if known == name), None)

    def show(self, path: Path) -> str:
        """The address of a file, for this tab alone, as it stands in HTML; another one when the file has changed."""
        state = path, path.stat().st_mtime_ns
        if state not in self._addresses:
            key = f"{len(self.shown)}-{path.name}"
            self.shown[key] = path
            self._addresses[state] = f"/tab/{self.token}/{quote(key)}"
        return self._addresses[state]

    def close(self) -> None:
        """Remove all that it had."""
        self.is_closed = True
        self.shown.clear()
        shutil.rmtree(self.folder / self.token, ignore_errors=True)


def by_name(message: str) -> str:
    """A message in which uploads are called by their names, without their places on this machine."""
    return re.sub(r"[^\s'\"]*/uploads/\d+/", "", message)


def safe_name(name: str) -> str:
    """A file's name without folders, control letters, and what systems refuse; its ending stays."""
    name = name.replace("%22", '"')  # as browsers send it
    name = re.split(r"[/\\]", name)[-1]
    name = re.sub(r'[\x00-\x1f\x7f<>:"|?*$\']', "_", name).lstrip(".").strip()
    stem, suffix = Path(name).stem[:LONGEST_NAME], Path(name).suffix[:10]
    return f"{stem or 'picture'}{suffix}"


def check_pixels(path: Path, most: int) -> None:
    """Raise `DataError` for a picture of more pixels, by its head alone."""
    try:
        with Image.open(path) as image:
            width, height = image.size
    except Image.DecompressionBombError as error:
        raise DataError(f"{path.name}: {error}") from None
    except Exception:  # a damaged one gets nearly any error; who reads it says which
        return
    if width * height > most:
        raise DataError(f"{path.name}: has {width}×{height} pixels; at most {most / 1e6:g} megapixels are taken")
