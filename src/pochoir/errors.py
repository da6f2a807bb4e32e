"""Errors that are meant for the person at the keyboard: one message, no traceback needed."""

import sys
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar, NoReturn


class PochoirError(Exception):
    """Base of every error whose message alone tells what is wrong and what to do."""

    exit_code: ClassVar[int] = 2
    """What a program that ends by it returns."""


class ConfigError(PochoirError):
    """One or more settings are wrong; the message lists all of them."""


class DataError(PochoirError):
    """A file or an annotation cannot be used; the message names it."""


class WeightsError(PochoirError):
    """Pretrained weights or a checkpoint cannot be found, fetched or fitted to the model."""


class StorageError(PochoirError):
    """A file cannot be written: the disk is full or read-only, or the folder belongs to somebody else."""


class NonFiniteLossError(PochoirError):
    """Training met a loss that is not a finite number; the message names the pictures of the batch."""

    last_good: Any = None
    """Of a painting: the pixels `[H, W, 3]` uint8 of the last picture whose losses were finite."""


class SomeInputsFailedError(PochoirError):
    """Some of several inputs could not be worked on; all others were."""

    exit_code = 3


def fail(error: PochoirError) -> NoReturn:
    """End the program with an error's message and exit code."""
    print(f"{type(error).__name__}: {error}", file=sys.stderr)
    sys.exit(error.exit_code)


def suggestion(word: str, allowed: Iterable[str], prefix: str = "") -> str:
    """What to add to a message about an unknown `word`: "; did you mean '…'?", or nothing where none is close."""
    close = get_close_matches(word, list(allowed), n=1)
    return f"; did you mean '{prefix}{close[0]}'?" if close else ""


def suggested_file(path: Path) -> str:
    """What to add to a message about a file that is missing: the one in its folder that may have been meant."""
    try:
        return suggestion(path.name, [entry.name for entry in path.parent.iterdir()])
    except OSError:
        return ""


def number_of(noun: str, count: int) -> str:
    """ "1 photo", "2 photos"."""
    return f"{count} {noun}" + ("" if count == 1 else "s")


def bullets(lines: Iterable[object]) -> str:
    """What to add to a message that a list follows: a line for each."""
    return "".join(f"\n  - {line}" for line in lines)


def some(names: Iterable[object], shown: int = 5) -> str:
    """The first few of many, and how many there are besides: "1.jpg, 2.jpg and 7 more"."""
    listed = [str(name) for name in names]
    rest = len(listed) - shown
    return ", ".join(listed[:shown]) + (f" and {rest} more" if rest > 0 else "")
