"""One call of `Sandbox.run_many`: jobs spread over lanes, the clock watched, the replies in order."""

import os
import selectors
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator

from execverify.sandbox.connections import MAX_IN_FLIGHT, WorkerConnection
from execverify.sandbox.job import Job, Reply
from execverify.sandbox.result import Outcome

_LONGEST_SLEEP = 3600.0  # what a selector can surely take
_CLEAN = frozenset({"returned", "raised", "not deterministic"})
_OUTCOMES = tuple(map(str, Outcome))


class Batch:
    """Spreads jobs over lanes and collects the replies in order.

    `lease` gives a lane (a fresh one where asked for), `give_back` takes one that may serve again.
    """

    def __init__(
        self,
        jobs: Iterator[Job],
        workers: int,
        lease: Callable[[bool], WorkerConnection],
        give_back: Callable[[WorkerConnection], None],
    ) -> None:
        self.lease = lease
        self.give_back = give_back
        self.source = enumerate(jobs)
        self.requeued: deque[tuple[int, Job]] = deque()  # jobs that a dying worker had not begun
        self.workers = workers
        self.lanes: list[WorkerConnection] = []
        self.selector = selectors.DefaultSelector()
        self.done: dict[int, Reply] = {}
        self.exhausted = False

    def replies(self) -> Iterator[Reply]:
        wanted = 0
        while True:
            self.fill(wanted)
            while wanted in self.done:
                yield self.done.pop(wanted)
                wanted += 1
                self.fill(wanted)
            if not any(lane.jobs for lane in self.lanes):
                if self.exhausted and not self.requeued and not self.done:
                    return
                continue
            self.wait()

    def fill(self, wanted: int) -> None:
        """Hands out jobs while a lane has room and not too many replies wait for an earlier one."""
        while True:
            job = self.peek()
            if job is None or job[0] - wanted > 2 * MAX_IN_FLIGHT * self.workers:
                break
            lane = self.pick_connection(job[1])
            if lane is None:
                break
            self.requeued.popleft()
            lane.send(*job)
        for lane in self.lanes:
            if lane.outbox:
                lane.flush()
                self.watch(lane)

    def peek(self) -> tuple[int, Job] | None:
        if not self.requeued and not self.exhausted:
            following = next(self.source, None)
            if following is None:
                self.exhausted = True
            else:
                self.requeued.append(following)
        return self.requeued[0] if self.requeued else None

    def pick_connection(self, job: Job) -> WorkerConnection | None:
        """A lane with room: an idle one, a new one while there may be more, else the least busy; None if none has room."""
        usable = [lane for lane in self.lanes if not lane.draining and not job.dedicated_worker]
        best = min(usable, key=lambda lane: len(lane.jobs), default=None)
        if best is not None and not best.jobs:
            return best
        busy = sum(1 for lane in self.lanes if lane.jobs)
        if busy < self.workers:
            lane = self.lease(job.dedicated_worker)
            self.lanes.append(lane)
            lane.watched = selectors.EVENT_READ
            self.selector.register(lane.sock, lane.watched, lane)
            return lane
        return best if best is not None and best.has_capacity else None

    def watch(self, lane: WorkerConnection) -> None:
        """Waits for room to write only while there is something to write."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if lane.outbox else 0)
        if events != lane.watched:
            lane.watched = events
            self.selector.modify(lane.sock, events, lane)

    def wait(self) -> None:
        """Sleeps until a worker speaks, can be written to, or has run out of time."""
        now = time.monotonic()
        soonest = min(lane.deadline for lane in self.lanes)
        for key, events in self.selector.select(min(max(0.0, soonest - now), _LONGEST_SLEEP)):
            lane: WorkerConnection = key.data
            if events & selectors.EVENT_WRITE:
                lane.flush()
                self.watch(lane)
            if events & selectors.EVENT_READ:
                self.read(lane)
        now = time.monotonic()
        for lane in [lane for lane in self.lanes if lane.deadline <= now]:
            limit = lane.jobs[0][1].limits.timeout
            self.on_exit(lane, {"outcome": "timed out", "detail": f"it ran longer than {limit:g} s"})
        for lane in [lane for lane in self.lanes if lane.draining and not lane.jobs]:
            self.drop(lane).end()

    def read(self, lane: WorkerConnection) -> None:
        try:
            data = lane.sock.recv(1 << 16)
            lane.inbox.feed(data)
            while lane.jobs and (reply := lane.inbox.next()) is not None:
                if not isinstance(reply, dict) or reply.get("outcome") not in _OUTCOMES:
                    raise ValueError("no reply of ours")
                if reply["outcome"] not in _CLEAN:  # what it left behind must not meet the jobs that were sent ahead
                    self.on_exit(lane, reply)
                    return
                self.done[lane.close_input()] = reply
        except BlockingIOError:
            return
        except (OSError, ValueError, RecursionError):
            data = b""
        if not data:
            self.on_exit(lane, None)

    def on_exit(self, lane: WorkerConnection, reply: Reply | None) -> None:
        """A worker is gone or must go: its oldest job gets the reply, the jobs behind it go back."""
        status = self.drop(lane).end()
        if not lane.jobs:
            return
        index, _ = lane.jobs.popleft()
        if reply is None:
            # Where the zygote is gone, its workers went with it, and the program is not to blame.
            outcome = "our failure" if status is None else "died"
            reply = {"outcome": outcome, "detail": describe_exit(status)}
        self.done[index] = reply
        self.requeued.extendleft(reversed(lane.jobs))
        lane.jobs.clear()

    def drop(self, lane: WorkerConnection) -> WorkerConnection:
        self.lanes.remove(lane)
        self.selector.unregister(lane.sock)
        return lane

    def close(self) -> None:
        for lane in list(self.lanes):
            self.drop(lane)
            if lane.jobs or lane.draining:
                lane.end()
            else:
                self.give_back(lane)
        self.selector.close()


def describe_exit(status: int | None) -> str:
    """How a process ended, in words, by its wait status; None where it was lost."""
    if status is None:
        return "the confined processes were lost"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        known = {known.value: known.name for known in signal.Signals}
        return f"the process was ended by {known.get(number, f'signal {number}')}"
    return f"the process exited with status {os.waitstatus_to_exitcode(status)}"
