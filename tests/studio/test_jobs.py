"""One job at a time a lane, in order; what waits can be taken back, what runs can be ended."""

import threading
import time
from typing import Any

from pochoir.errors import DataError
from pochoir.studio.jobs import Job, Lane


def over(*jobs: Job) -> None:
    until = time.monotonic() + 10
    while not all(job.is_over for job in jobs):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_one_after_the_other_and_what_is_before() -> None:
    lane, free, running = Lane("test"), threading.Event(), []

    def work(job: Job) -> str:
        running.append(job.title)
        free.wait(10)
        return job.title

    first, second, third = (lane.submit(Job(name, work)) for name in ("first", "second", "third"))
    while not running:
        time.sleep(0.01)
    assert running == ["first"]
    assert (first.state, second.state) == ("running", "waiting")
    assert lane.before(third) == ["first", "second"]
    lane.stop(second)
    assert second.state == "stopped"
    assert lane.before(third) == ["first"]
    free.set()
    over(first, third)
    assert running == ["first", "third"]
    assert first.result == "first"


def test_what_runs_ends_with_what_is_there() -> None:
    lane = Lane("test")

    def work(job: Job) -> str:
        while not job.is_stopped:
            time.sleep(0.01)
        return "so far"

    job = lane.submit(Job("long", work))
    lane.stop(job)
    over(job)
    assert job.result in ("so far", None)
    assert job.state == ("stopped" if job.result is None else "done")


def test_a_job_that_fails_is_told_and_the_next_is_done() -> None:
    def refuse(job: Job) -> Any:
        raise DataError("a.png: is empty")

    def end(job: Job) -> Any:
        raise SystemExit(130)

    lane = Lane("test")
    jobs = [
        lane.submit(Job("refused", refuse)),
        lane.submit(Job("ended", end)),
        lane.submit(Job("done", lambda job: 1)),
    ]
    over(*jobs)
    assert [job.state for job in jobs] == ["failed", "failed", "done"]
    assert jobs[0].error == "a.png: is empty"
    assert jobs[1].error == "SystemExit: 130"


def test_a_lane_that_is_closed_ends_its_jobs() -> None:
    lane = Lane("test")

    def work(job: Job) -> None:
        while not job.is_stopped:
            time.sleep(0.01)

    jobs = [lane.submit(Job(name, work)) for name in "ab"]
    lane.close(10)
    assert all(job.is_over for job in jobs)
