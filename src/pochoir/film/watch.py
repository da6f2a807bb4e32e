"""What the parts of the work take."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Watch:
    """Seconds by name of a part of the work; parts: those that are told even if they take none."""

    def __init__(self, *parts: str) -> None:
        self.seconds = dict.fromkeys(parts, 0.0)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds = {**self.seconds, name: self.seconds.get(name, 0.0) + time.perf_counter() - started}

    def clear(self) -> None:
        """All parts that there were, at no time."""
        self.seconds = dict.fromkeys(self.seconds, 0.0)
