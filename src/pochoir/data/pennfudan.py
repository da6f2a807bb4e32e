"""Penn-Fudan: 170 street photos with masks of 423 pedestrians (Wang, Shi, Song and Shen, ACCV 2007).

The paper counts 345; the archive's `added-object-list.txt` names the small and occluded ones labelled since.
"""

import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from pochoir.data.download import ArchiveError, download, unpack_zip
from pochoir.data.source import Sample
from pochoir.errors import DataError
from pochoir.images import read_labels, read_rgb

PENNFUDAN_URL = "https://www.cis.upenn.edu/~jshi/ped_html/PennFudanPed.zip"

PHOTO_NAMES = tuple(f"FudanPed{i:05d}.png" for i in range(1, 75)) + tuple(f"PennPed{i:05d}.png" for i in range(1, 97))
"""The 170 photos of the data set, sorted."""

_SHOWN = 5  # names listed per problem; the count tells the rest


class PennFudan:
    """The Penn-Fudan pedestrians in their original layout, fetched and unpacked on first use.

    Where `root` is absent, `<root>.zip` or `PennFudanPed.zip` beside it is unpacked, else `url` is downloaded to
    `<root>.zip` (unless `download` is False). Raises `DataError` when the data set can be neither found nor fetched,
    or is incomplete; an existing folder is never written to.
    """

    def __init__(self, root: Path, *, download: bool = True, url: str = PENNFUDAN_URL) -> None:
        if not root.exists():
            with _lock(root):
                if not root.exists():
                    _install(root, url, fetch=download)
        if problems := _missing(root):
            raise _incomplete(root, problems)
        self._root = root

    @property
    def names(self) -> Sequence[str]:
        """File names of the photos, sorted."""
        return PHOTO_NAMES

    def read(self, index: int) -> Sample:
        """Photo `index` with one mask per pedestrian, in the order of their ids in the mask file.

        Raises `DataError`, naming the file, when photo or mask cannot be read or their sizes differ.
        """
        image, labels = _read_pair(self._root, self.names[index])
        ids = np.unique(labels)
        masks = labels[None] == ids[ids > 0][:, None, None]
        return Sample(image=image, masks=masks, crowd=np.zeros(len(masks), dtype=bool))


def _lock(root: Path) -> FileLock:
    """Held while `root` is installed: processes of one machine that start together fetch it once."""
    digest = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]
    return FileLock(Path(tempfile.gettempdir()) / f"pochoir-{digest}.lock")


def check_pennfudan(root: Path) -> None:
    """Check that `root` holds exactly the 170 photos and their masks, and decode each of them.

    Raises one `DataError` that lists all that is missing or superfluous and, pair by pair, what is unreadable or of
    unequal size.
    """
    if problems := _missing(root) + _unreadable(root):
        raise _incomplete(root, problems)


def _mask_path(root: Path, name: str) -> Path:
    return root / "PedMasks" / f"{Path(name).stem}_mask.png"


def _read_pair(root: Path, name: str) -> tuple[NDArray[np.uint8], NDArray[np.integer]]:
    photo, mask = root / "PNGImages" / name, _mask_path(root, name)
    image, labels = read_rgb(photo), read_labels(mask)
    if labels.ndim != 2:
        raise DataError(f"{mask}: is a colour picture instead of one pedestrian number per pixel")
    if labels.shape != image.shape[:2]:
        (height, width), (mask_height, mask_width) = image.shape[:2], labels.shape
        raise DataError(f"{mask}: {mask_width} x {mask_height} pixels, but {photo.name} has {width} x {height}")
    return image, labels


def _missing(root: Path) -> list[str]:
    """What a look at the two folders shows; takes milliseconds, so every start can afford it."""
    if not root.is_dir():
        return [f"{root.name} is not a folder"]
    masks = {_mask_path(root, name).name for name in PHOTO_NAMES}
    problems = []
    for folder, kind, expected in (("PNGImages", "photos", set(PHOTO_NAMES)), ("PedMasks", "masks", masks)):
        found = {path.name for path in (root / folder).glob("[!.]*.png")}
        for names, what in ((expected - found, "missing"), (found - expected, "not part of the data set")):
            if names:
                problems.append(f"{folder}: {len(found)} of 170 {kind} there; {what}: {_some(sorted(names))}")
    return problems


def _unreadable(root: Path) -> list[str]:
    problems = []
    for name in PHOTO_NAMES:
        if (root / "PNGImages" / name).exists() and _mask_path(root, name).exists():
            try:
                _read_pair(root, name)
            except DataError as error:
                problems.append(str(error).removeprefix(f"{root}{os.sep}"))
    return problems


def _some(names: list[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _incomplete(root: Path, problems: list[str]) -> DataError:
    lines = "".join(f"\n  - {problem}" for problem in problems)
    return DataError(
        f"{root}: is not the complete Penn-Fudan data set:{lines}\n"
        "Complete the folder, or move it away to have the data set fetched anew."
    )


def _install(root: Path, url: str, *, fetch: bool) -> None:
    """Make `root` from an archive at hand or a downloaded one; it appears checked and complete, or not at all."""
    at_hand = [p for p in (root.with_name(f"{root.name}.zip"), root.with_name("PennFudanPed.zip")) if p.is_file()]
    archive = at_hand[0] if at_hand else root.with_name(f"{root.name}.zip")
    try:
        if not at_hand:
            if not fetch:
                raise DataError("downloading is switched off")
            download(url, archive)
        with tempfile.TemporaryDirectory(dir=root.parent, prefix=f".{root.name}-") as temporary:
            unpacked = Path(temporary) / root.name
            unpack_zip(archive, unpacked)
            if problems := _missing(unpacked) + _unreadable(unpacked):
                raise ArchiveError(
                    "".join([f"{archive}: holds something else or is incomplete:", *(f"\n  - {p}" for p in problems)])
                )
            unpacked.rename(root)
    except ArchiveError as error:
        bad = archive.with_name(f"{archive.name}.bad")
        archive.replace(bad)
        raise _unavailable(root, url, f"{error}\nThe archive was moved to {bad}.") from error
    except DataError as error:
        raise _unavailable(root, url, str(error)) from error
    except OSError as error:
        if not root.is_dir():  # another process may have been faster
            raise _unavailable(root, url, f"{root.parent}: {error.strerror or error}") from error


def _unavailable(root: Path, url: str, reason: str) -> DataError:
    return DataError(
        f"The Penn-Fudan data set is not at {root} and could not be fetched: {reason}\n"
        f"Fetch {url} by other means and put the file at {root.with_name(f'{root.name}.zip')}, from where it is "
        f"unpacked without a network, or put the unpacked folder at {root}.\n"
        "Until then dataset=figures works offline, and dataset=folder or dataset=coco reads pictures of your own."
    )
