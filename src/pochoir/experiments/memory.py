"""How much memory a piece of work takes at most."""

from threading import Event, Thread
from types import TracebackType

import psutil
import torch
from typing_extensions import Self

SECONDS = 0.02
"""From one look to the next; an evaluation takes longer."""


class PeakMemory:
    """Within `with PeakMemory() as peak:`, watches what this process holds; `peak.gigabytes` is the most so far.

    The memory of a CUDA GPU is added. What the process held before counts, what it has given back by then does not.
    """

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._held = self._allocated = 0
        self._over = Event()
        self._thread = Thread(target=self._watch, daemon=True)

    @property
    def gigabytes(self) -> float:
        self._look()
        return round((self._held + self._allocated) / 1e9, 2)

    def __enter__(self) -> Self:
        if torch.cuda.is_initialized():
            torch.cuda.reset_peak_memory_stats()
        self._look()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(SECONDS):
            self._look()

    def _look(self) -> None:
        self._held = max(self._held, self._process.memory_info().rss)
        if torch.cuda.is_initialized():
            self._allocated = max(self._allocated, torch.cuda.max_memory_allocated())
