"""A wish is painted in a folder, by the functions that the command calls, and seen as it grows."""

import io
import json
import shutil
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytorch_lightning as pl

from pochoir.assets import FILES, PREFIX
from pochoir.errors import DataError
from pochoir.files import read_json, write_bytes, write_json
from pochoir.images import Picture, Pixels, read_picture, read_settings, write_image
from pochoir.images.overlays import fit_height, within
from pochoir.inspection.painting import SIDE, Glimpse, Growing
from pochoir.runs.partial import partials
from pochoir.runs.stylize import stylize
from pochoir.studio.finding import Photo, Thing, finder_of, write_masks
from pochoir.studio.jobs import Job
from pochoir.studio.readback import CHOSEN, told_of
from pochoir.studio.wishes import Asked, Setup, Wish, asked_for, renamed, style_name, wants_masks
from pochoir.studio.work import record, recorded, settings_of
from pochoir.stylization.job import Job as PaintJob

GLIMPSE_SECONDS = 0.7
DOWNLOAD = "download"
"""Folder of what is made for the page alone."""


@dataclass(frozen=True, eq=False)
class Painted:
    """A finished picture. result: as the command leaves it; download: the same with the person's own file names inside.
    before: the photo, as large as the result, in a format that every browser shows.

    asked: the command, by these names. names: of the files that it was painted of, by their places. notes: what the run
    has to say of it, such as that it was ended early.
    """

    wish: Wish
    folder: Path
    result: Path
    download: Path
    before: Path
    asked: Asked
    names: Mapping[str, str]
    notes: tuple[str, ...]
    seconds: float

    @property
    def alpha(self) -> Path | None:
        """The stencil; None where all of the photo is painted."""
        path = self.folder / "alpha.png"
        return path if path.is_file() else None

    @property
    def masks(self) -> Path:
        """The folder of the masks that it was painted by, if by any."""
        return masks_of(self.folder)

    def discard(self) -> None:
        """Remove its files."""
        for folder in (self.folder, self.masks):
            shutil.rmtree(folder, ignore_errors=True)


def masks_of(folder: Path) -> Path:
    """Where the masks of a picture lie: beside its folder, which is a run like any other."""
    return folder.parent / f"{folder.name}_masks"


def paint(
    wish: Wish,
    things: Sequence[Thing],
    photo: Photo,
    setup: Setup,
    folder: Path,
    names: Mapping[Path, str],
    job: Job,
) -> Painted:
    """Paint a wish without problems; things: the objects of its `chosen`. names: files by the names that people know.

    Raises `PochoirError`s with plain messages.
    """
    masks = write_masks(things, masks_of(folder)) if wants_masks(wish) else []
    asked = asked_for(wish, setup, masks)
    settings = settings_of(asked.task, asked.overrides)
    record(folder, settings.model_dump(mode="json"), asked.overrides)
    watch = Growth(photo.picture, wish.targets, job)
    if asked.task == "stylize":
        (metrics,) = stylize(settings, folder, watch.callbacks).results.values()
    else:
        found = not masks and wish.chosen[0].box is None
        finder = finder_of(photo) if found else None
        (metrics,) = partials(settings, folder, finder=finder, watch=watch.callbacks).results.values()
    known = {str(path): name for path, name in names.items()} | {mask: Path(mask).name for mask in masks}
    result, download = folder / "result.png", folder / DOWNLOAD / download_name(wish, names)
    picture = read_picture(result)
    write_shown(result, picture, download, wish, known)
    before = folder / DOWNLOAD / "before.jpg"
    write_image(before, _sized(photo.picture.on_white, *picture.size))
    return Painted(
        wish,
        folder,
        result,
        download,
        before,
        replace(asked, settings=renamed(asked.settings, known)),
        known,
        tuple(metrics.get("notes", ())),
        metrics["seconds"],
    )


class Growth:
    """What there is of the whole picture while its parts are painted one after the other."""

    def __init__(self, photo: Picture, targets: int, job: Job) -> None:
        self.canvas = within(photo.on_white, SIDE).copy()
        self.scale = max(self.canvas.shape[:2]) / max(photo.size)
        self.targets = targets
        self.job = job
        self.begun = 0

    def callbacks(self, part: PaintJob) -> list[pl.Callback]:
        """What looks on while a part is painted. Raises `DataError` for a picture that nobody wants any more."""
        if self.job.is_dropped:
            raise DataError("nobody waits for this picture any more")
        self.begun += 1
        before, since = self.begun - 1, time.monotonic()

        def show(glimpse: Glimpse) -> None:
            if self.job.is_stopped and before:
                return  # a part that was hardly begun hides what was there
            self.canvas = laid(self.canvas, glimpse.pixels, part, self.scale)
            done = (before + glimpse.done) / max(self.targets, self.begun)
            rest = max(self.targets - self.begun, 0)
            left = glimpse.seconds_left + rest * (time.monotonic() - since + glimpse.seconds_left)  # all as long as it
            self.job.show(self.canvas, done, left)

        return [Growing(show, lambda: self.job.is_stopped, seconds=GLIMPSE_SECONDS)]


def laid(canvas: Pixels, glimpse: Pixels, part: PaintJob, scale: float) -> Pixels:
    """A part's picture in its place on a canvas, `scale` times the photo's size; only where it is painted."""
    if part.box is None:
        height, width = canvas.shape[:2]
        return _sized(glimpse, height, width)
    left, top, right, bottom = (round(side * scale) for side in part.box)
    bottom, right = min(bottom, canvas.shape[0]), min(right, canvas.shape[1])
    if bottom <= top or right <= left:
        return canvas
    new = canvas.copy()
    place = new[top:bottom, left:right]
    assert part.region is not None
    alpha = np.rint(part.region * 255).astype(np.uint8)[..., None].repeat(3, axis=2)
    held = _sized(alpha, bottom - top, right - left) > 0
    place[held] = _sized(glimpse, bottom - top, right - left)[held]
    return new


def _sized(picture: Pixels, height: int, width: int) -> Pixels:
    fitted = fit_height(picture, height)
    if fitted.shape[1] == width:
        return fitted
    import cv2

    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)


def download_name(wish: Wish, names: Mapping[Path, str]) -> str:
    """photo_ink.png, of the photo's and the styles' own names."""
    content = names.get(Path(wish.content), style_name(wish.content))
    return "_".join([Path(content).stem, *map(style_name, wish.styles)])[:100] + ".png"


def write_shown(result: Path, picture: Picture, download: Path, wish: Wish, names: Mapping[str, str]) -> None:
    """The picture of a result, with settings that name files as people know them, and no place on this machine."""
    told = json.loads(read_settings(result) or "{}") | {CHOSEN: told_of(wish)}
    names = {**{str(file): PREFIX + name for name, file in FILES.items()}, **names}
    write_image(download, picture.pixels, alpha=picture.alpha, settings=json.dumps(renamed(told, names)))


def bundle(painted: Painted) -> bytes:
    """A ZIP with all that makes the picture again: photo, paintings, masks, the command, its settings as a YAML."""
    buffer = io.BytesIO()
    used = {painted.wish.content, *painted.wish.styles, *map(str, painted.masks.glob("*.png"))}
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.write(painted.download, painted.download.name)
        if painted.alpha is not None:
            file.write(painted.alpha, "alpha.png")
        for path, name in painted.names.items():
            if path in used:
                file.write(path, name)
        file.writestr("command.sh", painted.asked.command() + "\n")
        file.writestr("experiment/picture.yaml", painted.asked.experiment())
    return buffer.getvalue()


def keep(painted: Painted, outputs: Path) -> Path:
    """Copy a picture's run to where runs lie, for the gallery, with files by their names; returns its folder."""
    name = f"{datetime.now():%Y-%m-%d_%H-%M-%S}"
    names = (name, *(f"{name}_{number}" for number in range(2, 100)))
    place = next(place for one in names if not (place := outputs / painted.asked.task / one).exists())
    shutil.copytree(painted.folder, place, ignore=shutil.ignore_patterns(DOWNLOAD, "progress"))
    shutil.copyfile(painted.download, place / painted.result.name)
    record(place, renamed(recorded(place), painted.names), painted.asked.overrides)
    for file in place.rglob("*.json"):
        write_json(file, renamed(read_json(file), painted.names))
    write_bytes(place / "command.sh", (painted.asked.command() + "\n").encode())
    return place
