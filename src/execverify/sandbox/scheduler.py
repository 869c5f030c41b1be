"""Cases spread over forks: each candidate gets a process of its own, the clock is watched, results come in order.

A `Case` says what is to be sent and what an answer means; the docket does the waiting. Whatever a process sends, and
whenever it stops, costs its own case alone: messages are bounded, read as plain texts, and a case that gets one which it does
not expect calls its process dead.
"""

import contextlib
import selectors
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from execverify.errors import LiteralError
from execverify.sandbox.connections import ForkServerHandle
from execverify.sandbox.protocol import FrameReader, pack_from_caller, unpack_texts
from execverify.sandbox.result import Result
from execverify.sandbox.sandbox import Sandbox

MessageTexts = list[str | None]
_AHEAD = 64  # cases per worker that may be done before an earlier one is, so that a slow one holds nobody up
_MAX_BUFFERED_CHARS = 64_000_000  # characters in the results of those
_LONGEST_SLEEP = 60.0
_LOOK_FOR_STOP = 0.1  # seconds between two looks at whether the caller wants no more


class Connection:
    """The line to one process: its socket, what came, what is to go.

    `limit` is the most bytes of one message that comes.
    """

    def __init__(
        self, zygote: ForkServerHandle, number: int, sock: socket.socket, case: "Session", limit: int, role: str
    ) -> None:
        self.role = role
        self.state = "starting"
        """What the process is at; with its role it decides what it may say (`cases.MAY_SAY`)."""
        self.zygote = zygote
        self.number = number
        self.sock = sock
        self.case = case
        self.inbox = FrameReader(unpack_texts, limit)
        self.outbox = bytearray()
        self.watched = selectors.EVENT_READ

    @property
    def ready(self) -> bool:
        """Whether the process has read its case and begun with it: what happens from now on may be the candidate's doing."""
        return self.state != "starting"

    def send(self, message: Any) -> None:
        """Puts a message on its way."""
        self.outbox += pack_from_caller(message)
        self.flush()

    def flush(self) -> None:
        """Sends what the socket takes. A broken pipe is left for the read side to see."""
        with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            while self.outbox:
                del self.outbox[: self.sock.send(self.outbox)]


class Session(ABC):
    """One candidate on its way through its tests.

    Attributes:
        results: of the tests that are done, in order.
        deadline: when the process that is at work has had its time, in seconds of `time.monotonic`.
        lines: to the processes that work on it.
    """

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.deadline = float("inf")
        self.lines: list[Connection] = []

    @property
    @abstractmethod
    def done(self) -> bool:
        """Whether every test has its result."""

    @property
    def size(self) -> int:
        """Characters of all results."""
        return sum(len(result.stdout) + len(result.value.text or "" if result.value else "") for result in self.results)

    def postpone(self, seconds: float) -> None:
        """Time that was ours and not the processes'."""
        self.deadline += seconds

    @abstractmethod
    def start(self, docket: "Scheduler") -> None:
        """Starts the processes for what is left to do."""

    @abstractmethod
    def on_message(self, line: Connection, texts: MessageTexts, docket: "Scheduler") -> None:
        """A message came. Raises ValueError where it is none that the process may send."""

    @abstractmethod
    def on_exit(self, line: Connection, status: int | None, docket: "Scheduler") -> None:
        """A process has ended, with this wait status; None where it was lost by our own doing."""

    @abstractmethod
    def on_timeout(self, docket: "Scheduler") -> None:
        """The deadline has passed."""


class Scheduler:
    """One call of `run_candidates` or `run_asserted`."""

    def __init__(self, cases: Iterator[Session], workers: int, sandbox: Sandbox, stop: threading.Event | None = None) -> None:
        self.source = cases
        self.workers = workers
        self.sandbox = sandbox
        self.stop = stop
        self.selector = selectors.DefaultSelector()
        self.active: list[Session] = []
        self.waiting: dict[int, Session] = {}  # begun and not yet given to the caller, by position
        self.begun = self.given = 0
        self.exhausted = False
        self.held = 0
        self.last_poll = time.monotonic()

    def results(self) -> Iterator[tuple[Result, ...]]:
        """The results of each case, in order."""
        while True:
            self.dispatch()
            while self.given in self.waiting and self.waiting[self.given].done:
                case = self.waiting.pop(self.given)
                self.held -= case.size
                yield tuple(case.results)
                self.given += 1
                self.dispatch()
            if self.stop is not None and self.stop.is_set():
                return
            if self.active:
                self.wait()
            elif self.exhausted and not self.waiting:
                return

    def dispatch(self) -> None:
        """Begins cases while a worker is free and not too many results wait for an earlier one."""
        while len(self.active) < self.workers and not self.exhausted:
            if len(self.waiting) > _AHEAD * self.workers or (self.held > _MAX_BUFFERED_CHARS and self.waiting):
                return
            case = next(self.source, None)
            if case is None:
                self.exhausted = True
                return
            self.waiting[self.begun] = case
            self.begun += 1
            self.active.append(case)
            if not case.done:
                case.start(self)
            self.finalize(case)

    def connect(self, case: Session, limit: int, role: str) -> Connection:
        """A line to a fresh process for untrusted code."""
        zygote, number, sock = self.sandbox.start_candidate()
        line = Connection(zygote, number, sock, case, limit, role)
        case.lines.append(line)
        self.selector.register(sock, selectors.EVENT_READ, line)
        return line

    def terminate(self, line: Connection, *, answered: bool = False) -> int | None:
        """Ends a process. Returns how it had ended itself, where that is asked for (it costs a wait)."""
        if line not in line.case.lines:
            return None
        line.case.lines.remove(line)
        self.selector.unregister(line.sock)
        line.sock.close()
        if answered:
            return line.zygote.end(line.number)
        line.zygote.discard(line.number)
        return None

    def wait(self) -> None:
        """Sleeps until a process speaks, can be written to, or has run out of time."""
        now = time.monotonic()
        for case in self.active:
            case.postpone(now - self.last_poll)  # nobody's time runs while our own caller keeps us from listening
        soonest = min(case.deadline for case in self.active)
        speaking: set[Session] = set()
        longest = _LONGEST_SLEEP if self.stop is None else _LOOK_FOR_STOP
        for key, events in self.selector.select(min(max(0.0, soonest - now), longest)):
            line: Connection = key.data
            if line not in line.case.lines:
                continue  # ended by what another one said just now
            if events & selectors.EVENT_WRITE:
                line.flush()
            if events & selectors.EVENT_READ:
                speaking.add(line.case)
                self.read(line)
            self.watch(line)
            self.finalize(line.case)
        now = time.monotonic()
        # What has come in time counts, however long it takes us to read; messages are bounded.
        for case in [case for case in self.active if case.deadline <= now and case not in speaking]:
            case.on_timeout(self)
            self.finalize(case)
        self.last_poll = time.monotonic()

    def watch(self, line: Connection) -> None:
        """Waits for room to write only while there is something to write."""
        if line not in line.case.lines:
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if line.outbox else 0)
        if events != line.watched:
            line.watched = events
            self.selector.modify(line.sock, events, line)

    def read(self, line: Connection) -> None:
        try:
            data = line.sock.recv(1 << 16)
            line.inbox.feed(data)
            while data and not line.case.done and line in line.case.lines and (texts := line.inbox.next()) is not None:
                line.case.on_message(line, texts, self)
        except BlockingIOError:
            return
        except (OSError, ValueError, LiteralError):
            data = b""
        if not data and line in line.case.lines:
            line.case.on_exit(line, self.terminate(line, answered=True), self)

    def finalize(self, case: Session) -> None:
        """Looks after what a case wants to send, and closes it when it is done."""
        for line in list(case.lines):
            self.watch(line)
        if case.done and case in self.active:
            for line in list(case.lines):
                self.terminate(line)
            self.active.remove(case)
            self.held += case.size

    def close(self) -> None:
        """Ends every process that is still at work."""
        for case in self.active:
            for line in list(case.lines):
                self.terminate(line)
        self.active = []
        self.selector.close()
