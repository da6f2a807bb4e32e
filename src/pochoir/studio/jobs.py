"""Long work waits in a queue: one job at a time a device, which can be watched, and stopped."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

from pochoir.errors import PochoirError
from pochoir.images import Pixels

State = Literal["waiting", "running", "done", "failed", "stopped"]
log = logging.getLogger(__name__)
_numbers = count(1)


@dataclass(eq=False)
class Job:
    """Work on its way, which any thread may look at.

    work: does it, and returns what it has made; it looks at `is_stopped`, and may tell `done`, in [0, 1], seconds left,
    and what there is of the picture, `[h, w, 3]` uint8. error: why it failed, in words.
    """

    title: str
    work: Callable[["Job"], Any]
    state: State = "waiting"
    done: float = 0.0
    seconds_left: float | None = None
    glimpse: Pixels | None = None
    glimpses: int = 0
    result: Any = None
    error: str = ""
    is_dropped: bool = False
    """Whether nobody wants what it makes any more: it need not end well."""
    number: int = field(default_factory=lambda: next(_numbers))
    _stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def is_stopped(self) -> bool:
        """Whether it is to end with what is there."""
        return self._stopped.is_set()

    @property
    def is_over(self) -> bool:
        return self.state in ("done", "failed", "stopped")

    def show(self, picture: Pixels, done: float, seconds_left: float) -> None:
        """What there is so far."""
        self.glimpse, self.done, self.seconds_left = picture, done, seconds_left
        self.glimpses += 1


class Lane:
    """What is done one after the other, in a thread of its own: the work of one device."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._waiting: list[Job] = []
        self._running: Job | None = None
        self._changed = threading.Condition()
        threading.Thread(target=self._work, name=f"studio {name}", daemon=True).start()

    def submit(self, job: Job) -> Job:
        """Put it at the end of the queue."""
        with self._changed:
            self._waiting.append(job)
            self._changed.notify_all()
        return job

    def before(self, job: Job) -> list[str]:
        """Titles of what is done before a job that waits, in order."""
        with self._changed:
            if job not in self._waiting:
                return []
            running = [] if self._running is None else [self._running.title]
            return [*running, *(other.title for other in self._waiting[: self._waiting.index(job)])]

    def drop(self, job: Job) -> None:
        """End it as soon as may be: nobody wants it any more."""
        job.is_dropped = True
        self.stop(job)

    def stop(self, job: Job) -> None:
        """End it: one that waits at once, one that runs with what is there."""
        with self._changed:
            job._stopped.set()
            if job in self._waiting:
                self._waiting.remove(job)
                job.state = "stopped"

    def close(self, seconds: float) -> None:
        """End what runs and what waits, and wait for it, but no longer than so many seconds."""
        with self._changed:
            jobs = [*self._waiting, *([] if self._running is None else [self._running])]
        for job in jobs:
            self.stop(job)
        with self._changed:
            self._changed.wait_for(lambda: self._running is None, timeout=seconds)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                job = self._running = self._waiting.pop(0)
                job.state = "running"
            _do(job)
            with self._changed:
                self._running = None
                self._changed.notify_all()


def _do(job: Job) -> None:
    """Whatever goes wrong with a job is told where it was asked for, and the next one is begun."""
    state: State = "done"
    try:
        job.result = job.work(job)
    except PochoirError as error:
        job.error, state = str(error), "failed"
    except BaseException as error:  # SystemExit, too, by which Lightning answers Ctrl-C
        log.exception("%s", job.title)
        job.error, state = f"{type(error).__name__}: {error}", "failed"
    job.glimpse = None
    job.state = "stopped" if job.is_stopped and job.result is None else state
