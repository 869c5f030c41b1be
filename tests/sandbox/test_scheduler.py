"""The event loop that jobs and candidates share: what it reads ahead, and whose time runs."""

import time
from collections.abc import Iterator

import pytest

import execverify as ev
from execverify.programs import Program
from execverify.sandbox import Candidate, Job, Outcome, Sandbox, run_candidates
from execverify.sandbox import scheduler as scheduler_module
from execverify.sandbox.run import RUN_CALL, job_for
from execverify.sandbox.scheduler import JobSession, Scheduler

LONG = "def f(n):\n    return 'x' * n"
FLOOD = """
import os, stat, struct
def f():
    for fd in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                os.write(fd, struct.pack("!I", 200_000_000))
                while True:
                    os.write(fd, b"x")
        except OSError:
            pass
"""


def jobs(count: int, source: str = LONG, arguments: str = "1", timeout: float = 5) -> Iterator[Job]:
    for _ in range(count):
        yield job_for(Program(source, arguments=arguments), RUN_CALL, ev.Limits(timeout=timeout))


def test_jobs_are_read_as_they_are_needed() -> None:
    read = []

    def counted() -> Iterator[Job]:
        for job in jobs(1_000):
            read.append(job)
            yield job

    with Sandbox() as box:
        replies = box.run_many(counted())
        for _ in range(3):
            next(replies)
        assert len(read) <= 3 + scheduler_module._MAX_AHEAD
        replies.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("limit", [1_000, 64_000_000])
def test_large_replies_that_wait_for_an_earlier_one_are_bounded(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler_module, "_MAX_BUFFERED_CHARS", limit)
    slow = job_for(Program("def f():\n    for _ in range(10**7): pass", arguments=""), RUN_CALL, ev.Limits(timeout=30))
    with Sandbox() as box:
        scheduler = Scheduler(map(JobSession, [slow, *jobs(60, arguments="20_000")]), 2, box)
        results = scheduler.results()
        next(results)
        waiting = [session for session in scheduler.sessions.values() if session.done]
        assert (len(waiting) <= scheduler_module._MAX_AHEAD // 2) if limit == 1_000 else scheduler.exhausted
        assert [reply["outcome"] for reply in results] == ["returned"] * 60
        assert scheduler.buffered == 0 and not scheduler.sessions and not scheduler.active


def test_time_of_the_caller_does_not_count_against_a_job() -> None:
    with Sandbox() as box:
        replies = box.run_many(jobs(3, arguments="300_000", timeout=0.5))  # each reply takes several reads
        found = []
        for reply in replies:
            found.append(reply["outcome"])
            time.sleep(1)
        assert found == ["returned"] * 3


def test_a_flood_of_bytes_does_not_extend_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler_module, "_READ_GRACE", 0.5)
    with Sandbox() as box:
        began = time.monotonic()
        reply = box.run(Job(RUN_CALL, FLOOD, "f", "", ev.Limits(timeout=0.5), dedicated_worker=True))
        assert reply["outcome"] == Outcome.TIMED_OUT and time.monotonic() - began < 5


def test_jobs_and_candidates_are_served_after_a_close() -> None:
    """A caller that stops early leaves nothing behind that would affect the next call."""
    with Sandbox() as box, Sandbox(untrusted=True) as other:
        replies = box.run_many(jobs(100), workers=2)
        next(replies)
        replies.close()  # type: ignore[attr-defined]
        candidate = Candidate(LONG, tests=("1", "2"), entry_point="f")
        results = run_candidates([candidate] * 20, workers=2, sandbox=other)
        next(results)
        results.close()  # type: ignore[attr-defined]
        assert [reply["outcome"] for reply in box.run_many(jobs(20))] == ["returned"] * 20
        assert len(list(run_candidates([candidate] * 3, sandbox=other))) == 3
