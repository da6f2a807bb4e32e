"""What the command does to its whole process, and no library call does: logging, limits, denormals, warnings."""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

PROGRESS = "pochoir.progress"
"""Logger of lines that a progress bar makes superfluous on a terminal."""


def prepare_process() -> None:
    """Make the process fit for training and painting: called once, after the settings are known to be good."""
    import torch
    from PIL import Image

    from pochoir.images import MAX_PIXELS

    torch.set_flush_denormal(True)  # an untrained mask head's denormal gradients slow a CPU twentyfold
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow's own limit is below the 200 Mpx of phones
    with suppress(ImportError):
        from pillow_heif import register_heif_opener

        register_heif_opener()
    for name in ("pytorch_lightning", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.ERROR)  # no advertisements
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    warnings.filterwarnings("ignore", message=".*LeafSpec.*")


class LogFile(logging.FileHandler):
    """A file that tells when each message came. Where it cannot be written, what needs the disk says so."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(file, encoding="utf-8")
        self.setFormatter(logging.Formatter("%(asctime)s %(message)s"))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        pass

    def close(self) -> None:
        with suppress(OSError):
            super().close()


@contextmanager
def logging_to(file: Path, *, bar: bool = False) -> Iterator[None]:
    """The project's messages on the terminal, and with their times in a file; beside a bar, progress in it alone."""
    terminal = logging.StreamHandler(sys.stdout)
    terminal.setFormatter(logging.Formatter("%(message)s"))
    # errors are told by whoever ends the program
    terminal.addFilter(lambda record: record.levelno < logging.ERROR and not (bar and record.name == PROGRESS))
    with _handled_by(terminal, LogFile(file)):
        yield


def silenced() -> AbstractContextManager[None]:
    """None of the project's messages: another process tells."""
    return _handled_by(logging.NullHandler())


@contextmanager
def _handled_by(*handlers: logging.Handler) -> Iterator[None]:
    logger = logging.getLogger("pochoir")
    level, propagate = logger.level, logger.propagate
    logger.setLevel(logging.INFO)
    logger.propagate = False  # Hydra shows its own messages by handlers of the root
    for handler in handlers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.propagate = propagate
        for handler in handlers:
            logger.removeHandler(handler)
            handler.close()
