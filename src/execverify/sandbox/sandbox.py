"""The caller's side of the confined processes: hands out jobs, watches the clock, survives whatever a job does.

    caller ── control socket ── zygote (warm, confined, reads no program)
       │                           ├── worker   one job after another over its own socket
       └── one socket a worker ────└── worker

A worker that hangs or dies costs the job it was at; the jobs behind it go to a fresh worker. The clock runs here, outside:
a job's time starts when the worker can have started it, and ends with SIGKILL to the worker's process group.
"""

import atexit
import contextlib
import functools
import os
import socket
import threading
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, TypeVar

from execverify.errors import SandboxError
from execverify.sandbox import isolation
from execverify.sandbox.batch import Batch
from execverify.sandbox.connections import ForkServerHandle, WorkerConnection
from execverify.sandbox.isolation import ALL_LAYERS, IsolationConfig
from execverify.sandbox.job import Job, Reply

_Made = TypeVar("_Made")


def sandbox_of(hash_seed: int, imports: Collection[str] = ()) -> "Sandbox":
    """This process's sandbox for trusted programs that may import these modules; started when first used, closed at exit."""
    return _sandbox_of(hash_seed, tuple(sorted(set(imports))))


@functools.cache
def _sandbox_of(hash_seed: int, imports: tuple[str, ...]) -> "Sandbox":
    return Sandbox(hash_seed, imports)


def sandbox_for(imports: Collection[str]) -> "Sandbox":
    """This process's sandbox for candidates that may import these modules; started when first used, closed at exit."""
    return _sandbox_for(tuple(sorted(set(imports))))


@functools.cache
def _sandbox_for(imports: tuple[str, ...]) -> "Sandbox":
    return Sandbox(0, imports, untrusted=True)


class Sandbox:
    """Confined processes under one hash seed. Thread-safe; a forked copy of the caller starts processes of its own.

    Args:
        hash_seed: of the processes' strings.
        imports: modules that are loaded before the first fork, and may be imported by programs.
        choice: layers to leave off.
        untrusted: whether the processes are for candidates: they load less, so that forks are cheaper.
        harnesses: modules whose functions jobs may name besides those of these rooms.

    Use it as a context manager, or leave it to the end of the process: either way nothing stays behind.
    """

    def __init__(
        self,
        hash_seed: int = 0,
        imports: Collection[str] = (),
        choice: IsolationConfig = ALL_LAYERS,
        untrusted: bool = False,
        harnesses: Collection[str] = (),
    ) -> None:
        self.hash_seed = hash_seed
        self.imports = tuple(sorted(imports))
        self.choice = choice
        self.untrusted = untrusted
        self.harnesses = tuple(harnesses)
        self.layers: dict[str, str] = {}
        self._lock = threading.Lock()
        self._zygote: ForkServerHandle | None = None
        self._idle: list[WorkerConnection] = []
        self._prestarted: tuple[ForkServerHandle, int, socket.socket] | None = None
        _open.add(self)

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        """A sandbox travels as its settings: whoever unpickles it starts processes of its own."""
        return Sandbox, (self.hash_seed, self.imports, self.choice, self.untrusted, self.harnesses)

    def run(self, job: Job) -> Reply:
        """One job's reply: what the harness gave, or `{"outcome": "timed out" | "died", "detail": ...}`."""
        return next(self.run_many([job]))

    def run_many(self, jobs: Iterable[Job], workers: int = 1) -> Iterator[Reply]:
        """Replies in the order of the jobs, computed by up to `workers` processes at once; jobs are read as needed.

        Raises:
            SandboxError: no confined process could be started.
        """
        batch = Batch(iter(jobs), max(1, workers), self._acquire, self._release)
        try:
            yield from batch.replies()
        finally:
            batch.close()

    def close(self) -> None:
        """Ends every process and removes every file. The sandbox may be used again: it starts anew."""
        with self._lock:
            zygote, self._zygote = self._zygote, None
            idle, self._idle = self._idle, []
            spare, self._prestarted = self._prestarted, None
        for sock in [*(lane.sock for lane in idle), *(spare[2:] if spare else ())]:
            sock.close()
        if zygote is not None:
            zygote.close()

    def require_isolation(self, allow_weak: bool) -> None:
        """Sees to it that untrusted code is confined here.

        Raises:
            WeakSandboxError: a layer that untrusted code needs is off, and nobody said that this is allowed.
        """
        with self._lock:
            self._started()
        if not allow_weak and os.environ.get(isolation.ALLOW_WEAK) != "1":
            isolation.require_layers(self.layers)

    def start_candidate(self) -> tuple[ForkServerHandle, int, socket.socket]:
        """A fresh process for one candidate: who forks it, its number there, and our end of its socket."""
        with self._lock:
            self._started()  # which drops a spare of a zygote that is dead
            ready, self._prestarted = self._prestarted, None
            if ready is None:
                ready = self._with_restart(_forked)
            with contextlib.suppress(OSError):  # the next one is forked while this one works
                self._prestarted = _forked(ready[0])
            return ready

    def discard_forkserver(self, zygote: ForkServerHandle) -> None:
        """A process was lost before it could begin: whoever forked it is replaced."""
        with self._lock:
            if zygote is self._zygote:
                self._drop_stale()

    def _acquire(self, fresh: bool) -> WorkerConnection:
        with self._lock:
            self._started()
            if self._idle and not fresh:
                return self._idle.pop()
            return self._with_restart(lambda zygote: zygote.connect())

    def _started(self) -> ForkServerHandle:
        """The zygote, alive and our own."""
        if self._zygote is not None and (self._zygote.owner != os.getpid() or not self._zygote.alive()):
            self._drop_stale()
        if self._zygote is None:
            self._zygote = ForkServerHandle(self.hash_seed, self.imports, self.choice, self.untrusted, self.harnesses)
            self.layers = self._zygote.layers
        return self._zygote

    def _with_restart(self, work: Callable[[ForkServerHandle], _Made]) -> _Made:
        """Something that needs the zygote, tried again where it turns out to have died."""
        try:
            return work(self._started())
        except OSError:
            self._drop_stale()
        try:
            return work(self._started())
        except OSError as error:
            self._drop_stale()
            raise SandboxError(f"no confined process could be started: {error}") from error

    def _drop_stale(self) -> None:
        """Drops processes that are another process's, or dead."""
        for lane in self._idle:
            lane.sock.close()
        self._idle = []
        if self._prestarted is not None:
            self._prestarted[2].close()
            self._prestarted = None
        if self._zygote is not None:
            self._zygote.close()
            self._zygote = None

    def _release(self, lane: WorkerConnection) -> None:
        with self._lock:
            if lane.zygote is self._zygote:
                self._idle.append(lane)
                return
        lane.end()


def _forked(zygote: ForkServerHandle) -> tuple[ForkServerHandle, int, socket.socket]:
    return (zygote, *zygote.fork(b"U"))


_open: "weakref.WeakSet[Sandbox]" = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for sandbox in list(_open):
        sandbox.close()


def _forget_all() -> None:
    """In a forked copy of the caller: the processes are not ours, and another thread may have held a lock at the fork."""
    for sandbox in list(_open):
        sandbox._lock = threading.Lock()
        sandbox._drop_stale()


os.register_at_fork(after_in_child=_forget_all)
