"""The running processes as the caller holds them: the zygote, and the lane to each of its workers."""

import contextlib
import importlib.util
import itertools
import os
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from execverify.errors import SandboxError
from execverify.sandbox.isolation import ALL_LAYERS, IsolationConfig
from execverify.sandbox.job import Job
from execverify.sandbox.protocol import CONTROL_REQUEST, FrameReader, receive

MAX_IN_FLIGHT = 16
"""Jobs sent ahead to one worker, so that it never waits for us; refilled when half of them are done."""

_HARNESSES = (  # named, not imported: later rooms stay later
    "execverify.sandbox.runners", "execverify.tracing.recorder", "execverify.tracing.coverage_runs", "execverify.tracing.expression_watch",
    "execverify.tracing.expressions", "execverify.tracing.expression_probe", "execverify.tracing.events", "execverify.tracing.settrace_check",
)  # fmt: skip
_FOR_CANDIDATES = ("execverify.sandbox.remote",)
_JOBS_PER_WORKER = 5_000  # then a fresh one: what programs leave behind cannot add up
_START = """
import sys, types
sys.path.append({path!r})
room = sys.modules["execverify.sandbox"] = types.ModuleType("execverify.sandbox")
room.__path__ = [{path!r} + "/execverify/sandbox"]
from execverify.sandbox.forkserver import main
main(*{arguments!r})
"""  # the room without its front: what the caller's side needs would be copied at every fork
_ONE_THREAD = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}  # a process with threads cannot be forked


def _folders_of(imports: Collection[str]) -> list[str]:
    """The folders in which modules are found; raises SandboxError for one that is not installed.

    They only serve to find the modules before the first fork: what programs may read is less, see `zygote.py`.
    """
    folders: dict[str, None] = {}
    for name in sorted(imports):
        top = name.partition(".")[0]
        found = importlib.util.find_spec(top) if all(map(str.isidentifier, name.split("."))) else None
        if found is None:
            raise SandboxError(f"programs may import {name!r}, but it is not installed here: pip install {top}")
        if top in sys.stdlib_module_names:
            continue
        places = list(found.submodule_search_locations or ()) or ([found.origin] if found.origin else [])
        folders.update((str(Path(place).absolute().parent), None) for place in places)
    return list(folders)


class ForkServerHandle:
    """The running parent of the forks."""

    def __init__(
        self,
        hash_seed: int,
        imports: Collection[str] = (),
        choice: IsolationConfig = ALL_LAYERS,
        untrusted: bool = False,
        harnesses: Sequence[str] = (),
    ) -> None:
        folders = _folders_of(imports)
        self.owner = os.getpid()
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)
        self.root = tempfile.mkdtemp(prefix="execverify-")
        ours, theirs = socket.socketpair()
        modules = [*(_FOR_CANDIDATES if untrusted else _HARNESSES), *harnesses]
        arguments = (theirs.fileno(), self.root, modules, sorted(imports), folders, choice.plain(), untrusted)
        code = _START.format(path=str(Path(__file__).parents[2]), arguments=arguments)
        try:
            with theirs:
                self.process = subprocess.Popen(
                    [sys.executable, "-s", "-S", "-P", "-B", "-W", "ignore::SyntaxWarning", "-c", code],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    env={"PYTHONHASHSEED": str(hash_seed), "PYTHONUTF8": "1", "LC_ALL": "C", **_ONE_THREAD},
                    cwd=self.root,
                    pass_fds=(theirs.fileno(),),
                )
        except OSError as error:
            shutil.rmtree(self.root, ignore_errors=True)
            raise SandboxError(f"the confined process could not be started: {error}") from error
        self.control = ours
        self.inbox = FrameReader()
        hello = self._handshake()
        self.layers: dict[str, str] = hello["layers"]
        self.init: int | None = hello["init"]

    def _handshake(self) -> dict[str, Any]:
        assert self.process.stderr is not None
        with self.process.stderr as stderr:
            try:
                hello: dict[str, Any] = receive(self.control, self.inbox)
                return hello
            except (EOFError, OSError):
                said = stderr.read().decode(errors="replace").strip().splitlines()
        self.close()
        raise SandboxError(f"the confined process could not be started: {said[-1] if said else 'it gave no reason'}")

    def alive(self) -> bool:
        return self.process.poll() is None

    def connect(self) -> "WorkerConnection":
        """A worker for trusted programs."""
        number, sock = self.fork(b"T")
        return WorkerConnection(self, number, sock)

    def fork(self, kind: bytes) -> tuple[int, socket.socket]:
        """Asks for a worker, and does not wait for it: its number and our end of its socket, which does not block.

        Where no process could be forked, the socket says that its peer is gone.
        """
        ours, theirs = socket.socketpair()
        number = next(self.numbers)
        try:
            with theirs, self.lock:
                socket.send_fds(self.control, [CONTROL_REQUEST.pack(kind, number)], [theirs.fileno()])
        except BaseException:
            ours.close()
            raise
        ours.setblocking(False)
        return number, ours

    def end(self, number: int) -> int | None:
        """Kills and reaps a worker; its wait status, or None where it was never there or the zygote itself is gone."""
        with self.lock:
            try:
                self.control.sendall(CONTROL_REQUEST.pack(b"E", number))
                status: int | None = receive(self.control, self.inbox)["status"]
            except (OSError, EOFError):
                return None
        return status

    def processor_time(self, number: int) -> float | None:
        """Seconds of processor time of a worker; None where nobody knows."""
        with self.lock:
            try:
                self.control.sendall(CONTROL_REQUEST.pack(b"C", number))
                seconds: float | None = receive(self.control, self.inbox)["seconds"]
            except (OSError, EOFError):
                return None
        return seconds

    def discard(self, number: int) -> None:
        """Kills a worker, and does not wait for its end."""
        with self.lock, contextlib.suppress(OSError):
            self.control.sendall(CONTROL_REQUEST.pack(b"D", number))

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


class WorkerConnection:
    """One worker and the jobs that were sent to it, oldest first; the oldest is the one it is at."""

    def __init__(self, zygote: ForkServerHandle, number: int, sock: socket.socket) -> None:
        self.zygote = zygote
        self.number = number
        self.sock = sock
        self.inbox = FrameReader()
        self.outbox = bytearray()
        self.jobs: deque[tuple[int, Job]] = deque()
        self.deadline = float("inf")
        self.served = 0
        self.has_capacity = True  # takes more jobs ahead: until the window is full, then again when half of it is done
        self.watched = selectors.EVENT_READ
        self.draining = False  # takes no further job

    def send(self, index: int, job: Job) -> None:
        if not self.jobs:
            self.deadline = time.monotonic() + job.limits.timeout
        self.jobs.append((index, job))
        self.served += 1
        self.has_capacity = self.has_capacity and len(self.jobs) < MAX_IN_FLIGHT
        self.draining = self.draining or job.dedicated_worker or self.served >= _JOBS_PER_WORKER
        self.outbox += job.message()

    def flush(self) -> None:
        """Sends what the socket takes. A broken pipe is left for the read side to see."""
        with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            while self.outbox:
                del self.outbox[: self.sock.send(self.outbox)]

    def close_input(self) -> int:
        """Takes the oldest job off; the next one's time starts now. Returns the job's index."""
        index, _ = self.jobs.popleft()
        self.has_capacity = self.has_capacity or len(self.jobs) <= MAX_IN_FLIGHT // 2
        self.deadline = time.monotonic() + self.jobs[0][1].limits.timeout if self.jobs else float("inf")
        return index

    def end(self) -> int | None:
        self.sock.close()
        return self.zygote.end(self.number)
