"""What every script does around its one call: errors for people become one message and an exit code."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pochoir.errors import PochoirError

USER_ERROR = 2
SOME_INPUTS_FAILED = 3


@contextmanager
def plain_errors() -> Iterator[None]:
    """End the program with exit code 2 and the message alone when a `PochoirError` comes out."""
    try:
        yield
    except PochoirError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(USER_ERROR)
