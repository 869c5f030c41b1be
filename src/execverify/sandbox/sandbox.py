"""The pool of confined processes: starts the fork server, provides workers and candidates' processes, and ends them all.

    caller ── control socket ── fork server (preloaded, confined, reads no program)
       │                           ├── worker   executes one job after another, over its own socket
       └── one socket a worker ────└── worker

A worker that hangs or crashes costs the job that it executes; `scheduler.py` sends the jobs behind it to another worker. Deadlines
are watched in the caller: a job's time starts when the worker can have started it, and ends with SIGKILL to the worker's process
group.
"""

import atexit
import contextlib
import functools
import logging
import os
import socket
import threading
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, TypeVar

from execverify.errors import SandboxError
from execverify.sandbox import isolation
from execverify.sandbox.connections import ForkServerHandle, WorkerConnection
from execverify.sandbox.isolation import ALL_LAYERS, IsolationConfig
from execverify.sandbox.job import Job, Reply, Runner, registered_runners
from execverify.sandbox.scheduler import JobSession, Scheduler

_log = logging.getLogger(__name__)

_Made = TypeVar("_Made")


def sandbox_of(hash_seed: int, imports: Collection[str] = ()) -> "Sandbox":
    """This process's sandbox for trusted programs that may import these modules; started when first used, closed at exit."""
    return _sandbox_of(hash_seed, tuple(sorted(set(imports))), registered_runners())


@functools.cache
def _sandbox_of(hash_seed: int, imports: tuple[str, ...], runners: tuple[Runner, ...]) -> "Sandbox":
    return Sandbox(hash_seed, imports, runners=runners)


def sandbox_for(imports: Collection[str]) -> "Sandbox":
    """This process's sandbox for candidates that may import these modules; started when first used, closed at exit."""
    return _sandbox_for(tuple(sorted(set(imports))))


@functools.cache
def _sandbox_for(imports: tuple[str, ...]) -> "Sandbox":
    return Sandbox(0, imports, untrusted=True)


class Sandbox:
    """Confined processes under one hash seed. Thread-safe; a forked copy of the caller starts processes of its own.

    Use it as a context manager, or leave it to the end of the process: no process and no file remains in either case.

    Args:
        hash_seed: of the processes' strings.
        imports: modules that are loaded before the first fork, and that programs may import.
        config: which layers of isolation to leave off.
        untrusted: whether the processes are for candidates. They have no runners and load less, so that forks are cheaper.
        runners: what jobs may name besides the runners that are registered by now.

    Raises:
        ValueError: runners were given for candidates.
    """

    def __init__(
        self,
        hash_seed: int = 0,
        imports: Collection[str] = (),
        config: IsolationConfig = ALL_LAYERS,
        untrusted: bool = False,
        runners: Collection[Runner] = (),
    ) -> None:
        if untrusted and runners:
            raise ValueError("a sandbox for candidates has no runners: leave out runners, or untrusted=True")
        self.hash_seed = hash_seed
        self.imports = tuple(sorted(imports))
        self.config = config
        self.untrusted = untrusted
        self.runners = () if untrusted else tuple(dict.fromkeys((*registered_runners(), *runners)))
        self.layers: dict[str, str] = {}
        self._lock = threading.Lock()
        self._forkserver: ForkServerHandle | None = None
        self._idle: list[WorkerConnection] = []
        self._prestarted: tuple[ForkServerHandle, int, socket.socket] | None = None
        _open.add(self)

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        """A sandbox is pickled as its settings: the unpickled copy starts processes of its own."""
        return Sandbox, (self.hash_seed, self.imports, self.config, self.untrusted, self.runners)

    def run(self, job: Job) -> Reply:
        """One job's reply: what its runner returned, or how its process ended, such as `{"outcome": "crashed", "detail": ...}`."""
        return next(self.run_many([job]))

    def run_many(self, jobs: Iterable[Job], workers: int = 1) -> Iterator[Reply]:
        """Executes jobs, and yields their replies in the order of the jobs.

        A job whose runner is not one of the sandbox's has the outcome "sandbox_error".

        Args:
            jobs: read as they are needed.
            workers: how many processes are at work at once.

        Raises:
            SandboxError: no confined process could be started.
        """
        yield from Scheduler(map(JobSession, jobs), workers, self).results()

    def close(self) -> None:
        """Ends every process and removes every file. The sandbox may be used again: it starts anew."""
        with self._lock:
            forkserver, self._forkserver = self._forkserver, None
            idle, self._idle = self._idle, []
            prestarted, self._prestarted = self._prestarted, None
        for sock in [*(worker.sock for worker in idle), *(prestarted[2:] if prestarted else ())]:
            sock.close()
        if forkserver is not None:
            forkserver.close()

    def require_isolation(self, allow_weak_isolation: bool) -> None:
        """Checks that untrusted code is confined here.

        Args:
            allow_weak_isolation: whether to allow weaker isolation; so does the environment variable `EXECVERIFY_ALLOW_WEAK_ISOLATION=1`.

        Raises:
            InsufficientIsolationError: a layer that untrusted code needs is off, and weaker isolation is not allowed.
        """
        with self._lock:
            self._started()
        if not allow_weak_isolation and os.environ.get(isolation.ALLOW_WEAK) != "1":
            isolation.require_layers(self.layers)

    def start_candidate(self) -> tuple[ForkServerHandle, int, socket.socket]:
        """A fresh process for one candidate: its fork server, its number there, and the caller's end of its socket."""
        with self._lock:
            self._started()  # which drops the prestarted process of a fork server that is dead
            ready, self._prestarted = self._prestarted, None
            if ready is None:
                ready = self._with_restart(_forked)
            with contextlib.suppress(OSError):  # the next one is forked while this one works
                self._prestarted = _forked(ready[0])
            return ready

    def discard_forkserver(self, forkserver: ForkServerHandle) -> None:
        """Replaces a fork server one of whose processes ended before it could begin."""
        with self._lock:
            if forkserver is self._forkserver:
                self._drop_stale()

    def acquire_worker(self, fresh: bool) -> WorkerConnection:
        """A worker for trusted programs: an idle one, or a new one where there is none or a fresh one is needed."""
        with self._lock:
            self._started()
            if self._idle and not fresh:
                return self._idle.pop()
            return self._with_restart(lambda forkserver: forkserver.connect())

    def release_worker(self, worker: WorkerConnection) -> None:
        """Takes back an idle worker that may serve again."""
        with self._lock:
            if worker.forkserver is self._forkserver:
                self._idle.append(worker)
                return
        worker.sock.close()
        worker.forkserver.end(worker.number)

    def _started(self) -> ForkServerHandle:
        """The fork server, alive and started by this process."""
        if self._forkserver is not None and (self._forkserver.owner != os.getpid() or not self._forkserver.alive()):
            self._drop_stale()
        if self._forkserver is None:
            self._forkserver = ForkServerHandle(self.hash_seed, self.imports, self.config, self.untrusted, self.runners)
            self.layers = self._forkserver.layers
            _log.debug(
                "sandbox started: hash seed %d, imports %s, layers %s", self.hash_seed, list(self.imports), sorted(self.layers)
            )
        return self._forkserver

    def _with_restart(self, work: Callable[[ForkServerHandle], _Made]) -> _Made:
        """Something that needs the fork server, tried again where it turns out to have ended."""
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
        """Drops processes that belong to another process, or have ended."""
        for worker in self._idle:
            worker.sock.close()
        self._idle = []
        if self._prestarted is not None:
            self._prestarted[2].close()
            self._prestarted = None
        if self._forkserver is not None:
            self._forkserver.close()
            self._forkserver = None


def _forked(forkserver: ForkServerHandle) -> tuple[ForkServerHandle, int, socket.socket]:
    return (forkserver, *forkserver.fork(b"U"))


_open: "weakref.WeakSet[Sandbox]" = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for sandbox in list(_open):
        sandbox.close()


def _drop_inherited() -> None:
    """In a forked copy of the caller: the processes belong to the original, and another thread may have held a lock at the fork."""
    for sandbox in list(_open):
        sandbox._lock = threading.Lock()
        sandbox._drop_stale()


os.register_at_fork(after_in_child=_drop_inherited)
