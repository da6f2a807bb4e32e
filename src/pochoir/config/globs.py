"""`content=glob:photos/*.jpg` of a multirun: the files that a pattern matches, a job for each."""

import logging
from functools import lru_cache
from glob import glob, has_magic
from pathlib import Path

from pochoir.errors import DataError, some, suggested_file

PREFIX = "glob:"

log = logging.getLogger(__name__)


@lru_cache  # settings are read twice: once to be checked, once for Hydra
def files_matching(pattern: str) -> tuple[str, ...]:
    """The files that a pattern of paths matches, in order; `**` stands for folders within folders.

    Files whose names begin with a dot are none, as to a shell (nor `._a.jpg`, which a Mac leaves beside a.jpg on other
    disks), and where some are pictures, the others are left out and told. Raises `DataError` where nothing matches.
    """
    from pochoir.images import picture_suffixes  # with torch, which wrong settings do not wait for

    found = [Path(path) for path in sorted(glob(str(Path(pattern).expanduser()), recursive=True))]  # noqa: PTH207
    files = [path for path in found if path.is_file() and not path.name.startswith(".")]
    if not files:
        raise DataError(_nothing(pattern))
    pictures = [path for path in files if path.suffix.lower() in picture_suffixes()]
    if others := [path for path in files if pictures and path not in pictures]:
        log.warning("%s%s: left out, as they are no pictures: %s", PREFIX, pattern, some(others))
    return tuple(map(str, pictures or files))


def _nothing(pattern: str) -> str:
    path = Path(pattern).expanduser()
    folder = next(above for above in path.parents if not has_magic(str(above)))
    if not folder.is_dir():
        return f"'{PREFIX}{pattern}' matches nothing: there is no folder {folder.absolute()}{suggested_file(folder)}"
    return f"'{PREFIX}{pattern}' matches no file in {folder.absolute()}"
