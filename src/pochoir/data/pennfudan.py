"""Penn-Fudan: 170 street photos with masks of 423 pedestrians (Wang, Shi, Song and Shen, ACCV 2007).

The paper counts 345; the archive's `added-object-list.txt` names the small and occluded ones labelled since.
"""

import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pochoir.data.archives import ArchiveError, fetch, unpack
from pochoir.data.folder import read_sample
from pochoir.data.source import Sample
from pochoir.errors import DataError, StorageError, bullets, some

PENNFUDAN_URL = "https://www.cis.upenn.edu/~jshi/ped_html/PennFudanPed.zip"

PHOTO_NAMES = tuple(f"FudanPed{i:05d}.png" for i in range(1, 75)) + tuple(f"PennPed{i:05d}.png" for i in range(1, 97))
"""The 170 photos of the data set, sorted."""


class PennFudan:
    """The Penn-Fudan pedestrians in their original layout; `fetch_pennfudan` brings them.

    Raises `DataError` when the folder is absent or incomplete.
    """

    names: Sequence[str] = PHOTO_NAMES

    def __init__(self, root: Path) -> None:
        if not root.exists():
            raise _unavailable(root, PENNFUDAN_URL, "prepare_data() fetches it, and was not called")
        if problems := _missing(root):
            raise _incomplete(root, problems)
        self._root = root

    def read(self, index: int) -> Sample:
        """Photo `index` with one mask per pedestrian, in the order of their ids in the mask file.

        Raises `DataError`, naming the file, when photo or mask cannot be read or their sizes differ.
        """
        return _read(self._root, self.names[index])


def fetch_pennfudan(root: Path, *, download: bool = True, url: str = PENNFUDAN_URL) -> None:
    """Make `root`, unless it exists, from `<root>.zip` or `PennFudanPed.zip` beside it, or from a download.

    It appears checked and complete, or not at all; processes that do this at once do each other no harm. Raises
    `DataError` that says what to put where.
    """
    if root.exists():
        return
    archive = root.with_name(f"{root.name}.zip")
    try:
        if not archive.is_file():
            if (other := root.with_name("PennFudanPed.zip")).is_file():
                archive = other
            elif download:
                fetch(url, archive)
            else:
                raise DataError("downloading is switched off")
        _install(archive, root)
    except ArchiveError as error:
        bad = archive.with_name(f"{archive.name}.bad")
        with suppress(FileNotFoundError):  # another process was faster
            archive.replace(bad)
        raise _unavailable(root, url, f"{error}\nThe archive was moved to {bad}.") from error
    except (DataError, StorageError) as error:
        raise _unavailable(root, url, str(error)) from error


def check_pennfudan(root: Path) -> None:
    """Check that `root` holds exactly the 170 photos and their masks, and decode each of them.

    Raises one `DataError` that lists all that is missing or superfluous and, pair by pair, what is unreadable or of
    unequal size.
    """
    if problems := _missing(root) + _unreadable(root):
        raise _incomplete(root, problems)


def _mask_path(root: Path, name: str) -> Path:
    return root / "PedMasks" / f"{Path(name).stem}_mask.png"


def _read(root: Path, name: str) -> Sample:
    return read_sample(root / "PNGImages" / name, [_mask_path(root, name)], coloured=False)


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
                problems.append(f"{folder}: {len(found)} of 170 {kind} there; {what}: {some(sorted(names))}")
    return problems


def _unreadable(root: Path) -> list[str]:
    problems = []
    for name in PHOTO_NAMES:
        if (root / "PNGImages" / name).exists() and _mask_path(root, name).exists():
            try:
                _read(root, name)
            except DataError as error:
                problems.append(str(error).removeprefix(f"{root}{os.sep}"))
    return problems


def _incomplete(root: Path, problems: list[str]) -> DataError:
    lines = bullets(problems)
    return DataError(
        f"{root}: is not the complete Penn-Fudan data set:{lines}\n"
        "Complete the folder, or move it away to have the data set fetched anew."
    )


def _install(archive: Path, root: Path) -> None:
    try:
        with tempfile.TemporaryDirectory(dir=root.parent, prefix=f".{root.name}-") as temporary:
            content = Path(temporary) / root.name
            unpack(archive, content)
            unpacked = next(content.glob("**/PNGImages"), content / "PNGImages").parent  # a top folder or not
            if problems := _missing(unpacked) + _unreadable(unpacked):
                raise ArchiveError(
                    "".join([f"{archive}: holds something else or is incomplete:", *(f"\n  - {p}" for p in problems)])
                )
            unpacked.rename(root)
    except OSError as error:
        if not root.is_dir():  # another process may have been faster
            raise DataError(f"{root.parent}: {error.strerror or error}") from error


def _unavailable(root: Path, url: str, reason: str) -> DataError:
    return DataError(
        f"The Penn-Fudan data set is not at {root}: {reason}\n"
        f"Fetch {url} by other means and put the file at {root.with_name(f'{root.name}.zip')}, from where it is "
        f"unpacked without a network, or put the unpacked folder at {root}.\n"
        "Until then dataset=figures works offline, and dataset=folder or dataset=coco reads pictures of your own."
    )
