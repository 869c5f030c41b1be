"""The caller's side of the confined processes: hands out jobs, watches the clock, survives whatever a job does.

    caller ── control socket ── zygote (warm, confined, reads no program)
       │                           ├── worker   one job after another over its own socket
       └── one socket a worker ────└── worker

A worker that hangs or dies costs the job it was at; the jobs behind it go to a fresh worker. The clock runs here, outside:
a job's time starts when the worker can have started it, and ends with SIGKILL to the worker's process group.
"""

import atexit
import contextlib
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from execverify.errors import SandboxError
from execverify.execution.outcome import Limits, Outcome
from execverify.execution.wire import Inbox, pack, receive

Reply = dict[str, Any]
_HARNESSES = ("execverify.execution.call", "execverify.tracing.recorder")  # named, not imported: later rooms stay later
_WINDOW = 16  # jobs sent ahead to one worker, so that it never waits for us; refilled when half of them are done
_JOBS_PER_WORKER = 5_000  # then a fresh one: what programs leave behind cannot add up
_LONGEST_SLEEP = 3600.0  # what a selector can surely take
_CLEAN = frozenset({"returned", "raised", "not deterministic"})
_OUTCOMES = tuple(map(str, Outcome))
_START = "import sys; sys.path.append({path!r}); from execverify.execution.zygote import main; main({fd}, {root!r}, {names!r})"


@dataclass(frozen=True, slots=True)
class Job:
    """One program for one harness.

    Attributes:
        harness: `"module:function"`, a harness that the zygote has loaded.
        source, entry_point, arguments: the program, as text.
        limits: what it may use.
        isolated: whether it must have a worker to itself, before and after.
        extra: plain data for the harness.
    """

    harness: str
    source: str
    entry_point: str
    arguments: str
    limits: Limits = field(default_factory=Limits)
    isolated: bool = False
    extra: dict[str, Any] = field(default_factory=dict)

    def message(self) -> bytes:
        """The job as bytes for the worker."""
        limits = self.limits
        return pack(
            {
                "harness": self.harness,
                "source": self.source,
                "entry_point": self.entry_point,
                "arguments": self.arguments,
                "memory": limits.memory,
                "steps": limits.steps,
                "output": limits.output,
                "file_size": limits.file_size,
                **self.extra,
            }
        )


class Sandbox:
    """Confined processes under one hash seed. Thread-safe; a forked copy of the caller starts processes of its own.

    Use it as a context manager, or leave it to the end of the process: either way nothing stays behind.
    """

    def __init__(self, hash_seed: int = 0) -> None:
        self.hash_seed = hash_seed
        self.layers: dict[str, str] = {}
        self._lock = threading.Lock()
        self._zygote: _Zygote | None = None
        self._idle: list[_Lane] = []
        _open.add(self)

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, job: Job) -> Reply:
        """One job's reply: what the harness gave, or `{"outcome": "timed out" | "died", "detail": ...}`."""
        return next(self.run_many([job]))

    def run_many(self, jobs: Iterable[Job], workers: int = 1) -> Iterator[Reply]:
        """Replies in the order of the jobs, computed by up to `workers` processes at once; jobs are read as needed.

        Raises:
            SandboxError: no confined process could be started.
        """
        batch = _Batch(self, iter(jobs), max(1, workers))
        try:
            yield from batch.replies()
        finally:
            batch.close()

    def close(self) -> None:
        """Ends every process and removes every file. The sandbox may be used again: it starts anew."""
        with self._lock:
            zygote, self._zygote = self._zygote, None
            idle, self._idle = self._idle, []
        for lane in idle:
            lane.sock.close()
        if zygote is not None:
            zygote.close()

    def _lease(self, fresh: bool) -> "_Lane":
        with self._lock:
            if self._zygote is not None and (self._zygote.owner != os.getpid() or not self._zygote.alive()):
                self._forget()
            if self._idle and not fresh:
                return self._idle.pop()
            for attempt in (1, 2):
                if self._zygote is None:
                    self._zygote = _Zygote(self.hash_seed)
                    self.layers = self._zygote.layers
                try:
                    return self._zygote.fork()
                except (OSError, EOFError) as error:
                    self._forget()
                    if attempt == 2:
                        raise SandboxError(f"no confined process could be started: {error}") from error
        raise AssertionError("unreachable")

    def _forget(self) -> None:
        """Drops processes that are another process's, or dead."""
        for lane in self._idle:
            lane.sock.close()
        self._idle = []
        if self._zygote is not None:
            self._zygote.close()
            self._zygote = None

    def _give_back(self, lane: "_Lane") -> None:
        with self._lock:
            if lane.zygote is self._zygote:
                self._idle.append(lane)
                return
        lane.end()


_open: "weakref.WeakSet[Sandbox]" = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for sandbox in list(_open):
        sandbox.close()


def _forget_all() -> None:
    """In a forked copy of the caller: the processes are not ours, and another thread may have held a lock at the fork."""
    for sandbox in list(_open):
        sandbox._lock = threading.Lock()
        sandbox._forget()


os.register_at_fork(after_in_child=_forget_all)


class _Zygote:
    """The running parent of the forks."""

    def __init__(self, hash_seed: int) -> None:
        self.owner = os.getpid()
        self.lock = threading.Lock()
        self.root = tempfile.mkdtemp(prefix="execverify-")
        ours, theirs = socket.socketpair()
        path = str(Path(__file__).parents[2])
        code = _START.format(path=path, fd=theirs.fileno(), root=self.root, names=list(_HARNESSES))
        try:
            with theirs:
                self.process = subprocess.Popen(
                    [sys.executable, "-s", "-S", "-P", "-B", "-W", "ignore::SyntaxWarning", "-c", code],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    env={"PYTHONHASHSEED": str(hash_seed), "PYTHONUTF8": "1", "LC_ALL": "C"},
                    cwd=self.root,
                    pass_fds=(theirs.fileno(),),
                )
        except OSError as error:
            shutil.rmtree(self.root, ignore_errors=True)
            raise SandboxError(f"the confined process could not be started: {error}") from error
        self.control = ours
        self.inbox = Inbox()
        self.layers: dict[str, str] = self._hello()

    def _hello(self) -> dict[str, str]:
        assert self.process.stderr is not None
        with self.process.stderr as stderr:
            try:
                layers: dict[str, str] = receive(self.control, self.inbox)["layers"]
                return layers
            except (EOFError, OSError):
                said = stderr.read().decode(errors="replace").strip().splitlines()
        self.close()
        raise SandboxError(f"the confined process could not be started: {said[-1] if said else 'it gave no reason'}")

    def alive(self) -> bool:
        return self.process.poll() is None

    def fork(self) -> "_Lane":
        ours, theirs = socket.socketpair()
        try:
            with theirs, self.lock:
                socket.send_fds(self.control, [b"fork"], [theirs.fileno()])
                pid = receive(self.control, self.inbox)["pid"]
        except BaseException:
            ours.close()
            raise
        ours.setblocking(False)
        return _Lane(self, pid, ours)

    def end(self, pid: int) -> int | None:
        """Kills and reaps a worker; its wait status, or None where the zygote itself is gone."""
        with self.lock:
            try:
                self.control.sendall(b"%d" % pid)
                status: int = receive(self.control, self.inbox)["status"]
            except (OSError, EOFError):
                return None
        return status

    def close(self) -> None:
        """Ends it with all of its workers. In a forked copy of the caller, only lets go of it."""
        if self.owner != os.getpid():
            self.control.close()
            return
        with contextlib.suppress(OSError):
            self.control.shutdown(socket.SHUT_RDWR)  # unlike closing, this is seen where a forked copy holds the socket too
        self.control.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.root, ignore_errors=True)


class _Lane:
    """One worker and the jobs that were sent to it, oldest first; the oldest is the one it is at."""

    def __init__(self, zygote: _Zygote, pid: int, sock: socket.socket) -> None:
        self.zygote = zygote
        self.pid = pid
        self.sock = sock
        self.inbox = Inbox()
        self.outbox = bytearray()
        self.jobs: deque[tuple[int, Job]] = deque()
        self.deadline = float("inf")
        self.served = 0
        self.room = True  # takes more jobs ahead: until the window is full, then again when half of it is done
        self.watched = selectors.EVENT_READ
        self.retired = False  # takes no further job

    def send(self, index: int, job: Job) -> None:
        if not self.jobs:
            self.deadline = time.monotonic() + job.limits.timeout
        self.jobs.append((index, job))
        self.served += 1
        self.room = self.room and len(self.jobs) < _WINDOW
        self.retired = self.retired or job.isolated or self.served >= _JOBS_PER_WORKER
        self.outbox += job.message()

    def flush(self) -> None:
        """Sends what the socket takes. A broken pipe is left for the read side to see."""
        with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            while self.outbox:
                del self.outbox[: self.sock.send(self.outbox)]

    def finish(self) -> int:
        """Takes the oldest job off; the next one's time starts now. Returns the job's index."""
        index, _ = self.jobs.popleft()
        self.room = self.room or len(self.jobs) <= _WINDOW // 2
        self.deadline = time.monotonic() + self.jobs[0][1].limits.timeout if self.jobs else float("inf")
        return index

    def end(self) -> int | None:
        self.sock.close()
        return self.zygote.end(self.pid)


class _Batch:
    """One call of `run_many`: spreads jobs over lanes and collects the replies in order."""

    def __init__(self, sandbox: Sandbox, jobs: Iterator[Job], workers: int) -> None:
        self.sandbox = sandbox
        self.source = enumerate(jobs)
        self.again: deque[tuple[int, Job]] = deque()  # jobs that a dying worker had not begun
        self.workers = workers
        self.lanes: list[_Lane] = []
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
                if self.exhausted and not self.again and not self.done:
                    return
                continue
            self.wait()

    def fill(self, wanted: int) -> None:
        """Hands out jobs while a lane has room and not too many replies wait for an earlier one."""
        while True:
            job = self.upcoming()
            if job is None or job[0] - wanted > 2 * _WINDOW * self.workers:
                break
            lane = self.lane_for(job[1])
            if lane is None:
                break
            self.again.popleft()
            lane.send(*job)
        for lane in self.lanes:
            if lane.outbox:
                lane.flush()
                self.watch(lane)

    def upcoming(self) -> tuple[int, Job] | None:
        if not self.again and not self.exhausted:
            following = next(self.source, None)
            if following is None:
                self.exhausted = True
            else:
                self.again.append(following)
        return self.again[0] if self.again else None

    def lane_for(self, job: Job) -> _Lane | None:
        """A lane with room: an idle one, a new one while there may be more, else the least busy; None if none has room."""
        usable = [lane for lane in self.lanes if not lane.retired and not job.isolated]
        best = min(usable, key=lambda lane: len(lane.jobs), default=None)
        if best is not None and not best.jobs:
            return best
        busy = sum(1 for lane in self.lanes if lane.jobs)
        if busy < self.workers:
            lane = self.sandbox._lease(fresh=job.isolated)
            self.lanes.append(lane)
            lane.watched = selectors.EVENT_READ
            self.selector.register(lane.sock, lane.watched, lane)
            return lane
        return best if best is not None and best.room else None

    def watch(self, lane: _Lane) -> None:
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
            lane: _Lane = key.data
            if events & selectors.EVENT_WRITE:
                lane.flush()
                self.watch(lane)
            if events & selectors.EVENT_READ:
                self.read(lane)
        now = time.monotonic()
        for lane in [lane for lane in self.lanes if lane.deadline <= now]:
            limit = lane.jobs[0][1].limits.timeout
            self.lose(lane, {"outcome": "timed out", "detail": f"it ran longer than {limit:g} s"})
        for lane in [lane for lane in self.lanes if lane.retired and not lane.jobs]:
            self.drop(lane).end()

    def read(self, lane: _Lane) -> None:
        try:
            data = lane.sock.recv(1 << 18)
            lane.inbox.feed(data)
            while lane.jobs and (reply := lane.inbox.next()) is not None:
                if not isinstance(reply, dict) or reply.get("outcome") not in _OUTCOMES:
                    raise ValueError("no reply of ours")
                if reply["outcome"] not in _CLEAN:  # what it left behind must not meet the jobs that were sent ahead
                    self.lose(lane, reply)
                    return
                self.done[lane.finish()] = reply
        except BlockingIOError:
            return
        except (OSError, ValueError, RecursionError):
            data = b""
        if not data:
            self.lose(lane, None)

    def lose(self, lane: _Lane, reply: Reply | None) -> None:
        """A worker is gone or must go: its oldest job gets the reply, the jobs behind it go back."""
        status = self.drop(lane).end()
        if not lane.jobs:
            return
        index, _ = lane.jobs.popleft()
        if reply is None:
            # Where the zygote is gone, its workers went with it, and the program is not to blame.
            outcome = "our failure" if status is None else "died"
            reply = {"outcome": outcome, "detail": _obituary(status)}
        self.done[index] = reply
        self.again.extendleft(reversed(lane.jobs))
        lane.jobs.clear()

    def drop(self, lane: _Lane) -> _Lane:
        self.lanes.remove(lane)
        self.selector.unregister(lane.sock)
        return lane

    def close(self) -> None:
        for lane in list(self.lanes):
            self.drop(lane)
            if lane.jobs or lane.retired:
                lane.end()
            else:
                self.sandbox._give_back(lane)
        self.selector.close()


def _obituary(status: int | None) -> str:
    if status is None:
        return "the confined processes were lost"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        known = {known.value: known.name for known in signal.Signals}
        return f"the process was ended by {known.get(number, f'signal {number}')}"
    return f"the process exited with status {os.waitstatus_to_exitcode(status)}"
