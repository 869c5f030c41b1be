"""The event loop of the sandbox: it starts sessions, watches their processes and deadlines, and yields their results in order.

A `Session` is one unit of work: it opens processes, reacts to what they send and to how they end, and has a result. A job is
the simplest session: one request to a worker, one reply (`JobSession`). The sessions of candidates are in `sessions.py`.

A process can only affect its current session, whatever it sends and whenever it ends. An unexpected message counts as a crash of the
process. Jobs that were sent ahead to it are started again on another worker.
"""

import os
import selectors
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from execverify.errors import LiteralError
from execverify.sandbox.connections import Connection, WorkerConnection
from execverify.sandbox.job import Job, Reply
from execverify.sandbox.protocol import FrameReader, unpack_strings
from execverify.sandbox.result import Outcome

if TYPE_CHECKING:
    from execverify.sandbox.sandbox import Sandbox

_R = TypeVar("_R")
_MAX_AHEAD = 64  # sessions per worker that may be started while an earlier one is not done, so that a slow one delays no other
_MAX_BUFFERED_CHARS = 64_000_000  # characters in the results that wait for an earlier one
_MAX_SLEEP = 60.0  # seconds in one call of the selector
_STOP_POLL = 0.1  # seconds between two looks at the caller's stop event
_READ_GRACE = 5.0  # seconds after a deadline in which data that keep arriving are still read
_REUSABLE = frozenset(map(str, (Outcome.RETURNED, Outcome.RAISED, Outcome.NONDETERMINISTIC)))  # the worker takes the next job
_OUTCOMES = tuple(map(str, Outcome))  # no set: a forged outcome may not be hashable


class Session(ABC, Generic[_R]):
    """One unit of work.

    Attributes:
        deadline: when the current work must be done, in seconds of `time.monotonic`.
        connections: to the processes that work on it.
    """

    def __init__(self) -> None:
        self.deadline = float("inf")
        self.connections: list[Connection] = []

    @property
    @abstractmethod
    def done(self) -> bool:
        """Whether the result is complete."""

    @property
    @abstractmethod
    def result(self) -> _R:
        """The result, once the session is done."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Characters of the result, about."""

    def try_start(self, scheduler: "Scheduler[_R]") -> bool:
        """Starts the session where a process may be used for it; returns whether one was."""
        if not scheduler.has_free_slot:
            return False
        scheduler.activate(self)
        return True

    @abstractmethod
    def start(self, scheduler: "Scheduler[_R]") -> None:
        """Starts what is left to do, and sets the deadline."""

    def postpone(self, seconds: float) -> None:
        """Extends the deadline by time for which the processes are not responsible."""
        self.deadline += seconds

    @abstractmethod
    def on_message(self, connection: Connection, message: Any, scheduler: "Scheduler[_R]") -> None:
        """Handles a message. Raises ValueError where the process may not send it."""

    @abstractmethod
    def on_exit(self, connection: Connection, status: int | None, scheduler: "Scheduler[_R]") -> None:
        """Handles the end of a process. `status` is its wait status; None where it ended because the sandbox failed."""

    @abstractmethod
    def on_timeout(self, scheduler: "Scheduler[_R]") -> None:
        """Handles the deadline."""

    def release(self, scheduler: "Scheduler[_R]") -> None:
        """Gives up the processes when the session is done."""
        for connection in list(self.connections):
            scheduler.terminate(connection)


class JobSession(Session[Reply]):
    """One job: one request to a worker, one reply."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job
        self.reply: Reply | None = None
        self._size = 0
        self._worker: WorkerConnection | None = None

    @property
    def done(self) -> bool:
        return self.reply is not None

    @property
    def result(self) -> Reply:
        assert self.reply is not None
        return self.reply

    @property
    def size(self) -> int:
        return self._size

    def try_start(self, scheduler: "Scheduler[Reply]") -> bool:
        """Sends the job to a worker, possibly behind other jobs; its time starts when it becomes the current one."""
        worker = scheduler.pick_worker(self.job.dedicated_worker)
        if worker is None:
            return False
        self._worker = worker
        self.connections.append(worker)
        worker.enqueue(self, self.job.message(), self.job.dedicated_worker)
        if worker.session is self:
            scheduler.activate(self)
        return True

    def start(self, scheduler: "Scheduler[Reply]") -> None:
        self.deadline = time.monotonic() + self.job.limits.timeout

    def on_message(self, connection: Connection, message: Any, scheduler: "Scheduler[Reply]") -> None:
        if not isinstance(message, dict) or message.get("outcome") not in _OUTCOMES:
            raise ValueError("not a reply")
        self.reply, self._size = message, connection.reader.length
        if message["outcome"] not in _REUSABLE:  # what the program left behind must not affect the jobs that were sent ahead
            scheduler.terminate(connection, wait=True)

    def on_exit(self, connection: Connection, status: int | None, scheduler: "Scheduler[Reply]") -> None:
        outcome = Outcome.SANDBOX_ERROR if status is None else Outcome.CRASHED
        self.reply = {"outcome": str(outcome), "detail": describe_exit(status)}

    def on_timeout(self, scheduler: "Scheduler[Reply]") -> None:
        (worker,) = self.connections
        scheduler.terminate(worker, wait=True)
        self.reply = {"outcome": str(Outcome.TIMED_OUT), "detail": f"it ran longer than {self.job.limits.timeout:g} s"}

    def release(self, scheduler: "Scheduler[Reply]") -> None:
        """Lets the worker go on with its next job, where there is one."""
        worker, self._worker = self._worker, None
        if worker is None or not self.connections:  # terminated
            return
        self.connections.clear()
        worker.dequeue()
        if worker.session is not None:
            scheduler.activate(worker.session)
        elif worker.draining:
            scheduler.terminate(worker, wait=True)


class Scheduler(Generic[_R]):
    """One call of `Sandbox.run_many`, `run_candidates` or `run_asserts`.

    Args:
        sessions: read as they are needed.
        workers: how many sessions are at work at once.
        sandbox: where processes come from.
        stop: ends every process, and the results, soon after another thread sets it.
    """

    def __init__(
        self, sessions: Iterator[Session[_R]], workers: int, sandbox: "Sandbox", stop: threading.Event | None = None
    ) -> None:
        self.source = sessions
        self.workers = max(1, workers)
        self.sandbox = sandbox
        self.stop = stop
        self.selector = selectors.DefaultSelector()
        self.connections: set[Connection] = set()
        self.pool: list[WorkerConnection] = []  # those of the connections that serve jobs
        self.active: list[Session[_R]] = []  # sessions whose time runs; each occupies a slot
        self.sessions: dict[int, Session[_R]] = {}  # read and not yet yielded, by position
        self.requeued: deque[Session[_R]] = deque()  # read, and to be started before others
        self.next_index = 0
        self.yielded = 0
        self.buffered = 0
        self.exhausted = False

    def results(self) -> Iterator[_R]:
        """The results of the sessions, in order. Ends every process when it is closed."""
        try:
            while True:
                self._dispatch()
                while (session := self.sessions.get(self.yielded)) is not None and session.done:
                    del self.sessions[self.yielded]
                    self.yielded += 1
                    self.buffered -= session.size
                    began = time.monotonic()
                    yield session.result
                    self._postpone_since(began)
                    self._dispatch()
                if self.stop is not None and self.stop.is_set():
                    return
                if self.active:
                    self._wait()
                elif self.exhausted and not self.sessions:
                    return
        finally:
            self._close()

    # ------------------------------------------------------------------------------------------------------ starting

    @property
    def has_free_slot(self) -> bool:
        """Whether fewer sessions are at work than there may be."""
        return len(self.active) < self.workers

    def activate(self, session: Session[_R]) -> None:
        """Starts a session: its time runs from now on."""
        self.active.append(session)
        session.start(self)

    def pick_worker(self, dedicated: bool) -> WorkerConnection | None:
        """A worker for a job: an idle one, else a new one in a free slot, else the least busy one; None if none has capacity.

        Args:
            dedicated: whether the job needs a fresh one.
        """
        usable = [worker for worker in self.pool if not worker.draining and not dedicated]
        best = min(usable, key=lambda worker: len(worker.sessions), default=None)
        if best is not None and not best.sessions:
            return best
        if self.has_free_slot:
            began = time.monotonic()
            worker = self.sandbox.acquire_worker(dedicated)
            self._postpone_since(began)
            self.pool.append(worker)
            self._watch_new(worker)
            return worker
        return best if best is not None and best.has_capacity else None

    def connect(self, session: Session[_R], limit: int, role: str) -> Connection:
        """A connection to a fresh process for a candidate.

        Args:
            session: whose process it is.
            limit: most bytes of one message of the process.
            role: what the process does.
        """
        began = time.monotonic()
        forkserver, number, sock = self.sandbox.start_candidate()
        self._postpone_since(began)
        connection = Connection(forkserver, number, sock, FrameReader(unpack_strings, limit), role)
        connection.sessions.append(session)
        session.connections.append(connection)
        self._watch_new(connection)
        return connection

    def _dispatch(self) -> None:
        """Starts sessions while there is capacity and not too many results wait for an earlier one."""
        while (session := self._next_session()) is not None:
            if session.done:  # without any process
                self.buffered += session.size
            elif not session.try_start(self):
                self.requeued.appendleft(session)
                break
        for connection in self.connections:
            if connection.outbox:
                self._flush(connection)

    def _next_session(self) -> Session[_R] | None:
        if self.requeued:
            return self.requeued.popleft()
        if self.exhausted or len(self.sessions) >= _MAX_AHEAD * self.workers:
            return None
        if self.buffered > _MAX_BUFFERED_CHARS and self.sessions:
            return None
        if not self.has_free_slot and not any(worker.has_capacity and not worker.draining for worker in self.pool):
            return None
        began = time.monotonic()
        session = next(self.source, None)
        self._postpone_since(began)
        if session is None:
            self.exhausted = True
            return None
        self.sessions[self.next_index] = session
        self.next_index += 1
        return session

    def _postpone_since(self, began: float) -> None:
        """Extends all deadlines by the time that other code of the caller took: nothing was read meanwhile."""
        away = time.monotonic() - began
        for session in self.active:
            session.postpone(away)

    # --------------------------------------------------------------------------------------------------- the event loop

    def _wait(self) -> None:
        """Sleeps until a process has sent something, takes more, or has run out of time."""
        soonest = min(session.deadline for session in self.active)
        longest = _MAX_SLEEP if self.stop is None else _STOP_POLL
        received: set[Session[_R]] = set()
        for key, events in self.selector.select(min(max(0.0, soonest - time.monotonic()), longest)):
            connection: Connection = key.data
            if connection not in self.connections:
                continue  # ended by the message of another process just now
            session = connection.session
            if events & selectors.EVENT_READ:
                if session is not None:
                    received.add(session)
                self._read(connection)
            if session is not None:
                self._settle(session)
            if connection in self.connections:
                self._flush(connection)
        now = time.monotonic()
        for session in [session for session in self.active if session.deadline <= now]:
            # What arrived in time counts, however long it takes to read; messages are bounded.
            if session not in received or session.deadline + _READ_GRACE <= now:
                session.on_timeout(self)
                self._settle(session)

    def _read(self, connection: Connection) -> None:
        """Reads what has arrived, and passes whole messages to the sessions of the connection."""
        session = connection.session
        try:
            data = connection.sock.recv(1 << 16)
            connection.reader.feed(data)
            while data and connection in self.connections and (message := connection.reader.next()) is not None:
                session = connection.session
                if session is None:
                    raise ValueError("a message without a request")
                session.on_message(connection, message, self)
                if session.done:
                    self._finish(session)
        except BlockingIOError:
            return
        except (OSError, ValueError, LiteralError, RecursionError):
            data = b""
        if not data and connection in self.connections:
            session = connection.session
            status = self.terminate(connection, wait=True)
            if session is not None:
                session.on_exit(connection, status, self)
                self._settle(session)

    def _watch_new(self, connection: Connection) -> None:
        self.connections.add(connection)
        connection.events = selectors.EVENT_READ
        self.selector.register(connection.sock, connection.events, connection)

    def _flush(self, connection: Connection) -> None:
        """Sends what can be sent, and waits for the socket to take more only while there is more."""
        if connection.outbox:
            connection.flush()
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.outbox else 0)
        if events != connection.events:
            connection.events = events
            self.selector.modify(connection.sock, events, connection)

    # --------------------------------------------------------------------------------------------------------- ending

    def _settle(self, session: Session[_R]) -> None:
        """Sends what a session has to send, and finishes it where it is done."""
        if session.done:
            self._finish(session)
        for connection in session.connections:
            self._flush(connection)

    def _finish(self, session: Session[_R]) -> None:
        if session in self.active:
            self.active.remove(session)
            self.buffered += session.size
            session.release(self)

    def terminate(self, connection: Connection, *, wait: bool = False) -> int | None:
        """Ends a process. Sessions behind its current one are started again elsewhere.

        Args:
            wait: whether to wait for its end.

        Returns:
            Its wait status, if waited for; None also where it ended because the sandbox failed.
        """
        if connection not in self.connections:
            return None
        self._forget(connection)
        connection.sock.close()
        for session in connection.sessions:
            session.connections.remove(connection)
        self.requeued.extendleft(reversed(list(connection.sessions)[1:]))
        connection.sessions.clear()
        if wait:
            return connection.forkserver.end(connection.number)
        connection.forkserver.discard(connection.number)
        return None

    def _forget(self, connection: Connection) -> None:
        self.connections.remove(connection)
        self.selector.unregister(connection.sock)
        if isinstance(connection, WorkerConnection):
            self.pool.remove(connection)

    def _close(self) -> None:
        """Ends every process that is at work, and gives idle workers back."""
        for connection in list(self.connections):
            is_worker = isinstance(connection, WorkerConnection)
            if isinstance(connection, WorkerConnection) and not connection.sessions and not connection.draining:
                self._forget(connection)
                self.sandbox.release_worker(connection)
            else:
                self.terminate(connection, wait=is_worker)
        self.selector.close()


def describe_exit(status: int | None) -> str:
    """How a process ended, in words.

    Args:
        status: its wait status; None where it ended because the sandbox failed.
    """
    if status is None:
        return "the confined processes were lost"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        known = {known.value: known.name for known in signal.Signals}
        return f"the process was ended by {known.get(number, f'signal {number}')}"
    return f"the process exited with status {os.waitstatus_to_exitcode(status)}"
