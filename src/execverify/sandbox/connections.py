"""The caller's side of the sandbox's processes: the fork server, and one connection to each process that it forks."""

import contextlib
import importlib.util
import itertools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from execverify.errors import SandboxError
from execverify.sandbox.isolation import ALL_LAYERS, IsolationConfig
from execverify.sandbox.job import Runner
from execverify.sandbox.protocol import CONTROL_REQUEST, FrameReader, pack_from_caller, receive

if TYPE_CHECKING:
    from execverify.sandbox.scheduler import Session

MAX_IN_FLIGHT = 16
"""Jobs sent ahead to one worker, so that it never waits for the caller. They are refilled when half of them are done."""

_OWN_PACKAGE = __name__.partition(".")[0]
_CANDIDATE_MODULES = ("execverify.sandbox.remote",)  # loaded for candidates, who have no runners
_MAX_JOBS = 5_000  # of one worker; then a fresh one replaces it, so that what programs leave behind cannot add up
_START = """
import sys, types
sys.path.append({path!r})
package = sys.modules["execverify.sandbox"] = types.ModuleType("execverify.sandbox")
package.__path__ = [{path!r} + "/execverify/sandbox"]
from execverify.sandbox.forkserver import main
main(**{arguments!r})
"""  # without the package's __init__: the modules that only the caller needs would be copied at every fork
_ONE_THREAD = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}  # a process with threads cannot be forked


def _import_folders(imports: Collection[str]) -> list[str]:
    """The folders in which the modules that programs may import are found.

    They only serve to find the modules before the first fork. Programs may read less, see `forkserver.py`.

    Raises:
        SandboxError: a module is not installed.
    """
    folders: dict[str, None] = {}
    for name in sorted(imports):
        top = name.partition(".")[0]
        found = _folders(top) if all(map(str.isidentifier, name.split("."))) else None
        if found is None:
            raise SandboxError(f"programs may import {name!r}, but it is not installed here: pip install {top}")
        folders.update(dict.fromkeys(found))
    return list(folders)


def _runner_folders(runners: Collection[Runner]) -> list[str]:
    """The folders in which the modules of runners are found; raises SandboxError for one that cannot be imported."""
    folders: dict[str, None] = {}
    for runner in runners:
        top = runner.module.partition(".")[0]
        found = [] if top == _OWN_PACKAGE else _folders(top)
        if found is None:
            raise SandboxError(f"the runner {runner.name} is in a module that cannot be imported here: is it on sys.path?")
        folders.update(dict.fromkeys(found))
    return list(folders)


def _folders(top: str) -> list[str] | None:
    """The folders that hold an installed top-level module: none for the standard library; None where there is no such module."""
    found = importlib.util.find_spec(top)
    if found is None or top in sys.stdlib_module_names:
        return None if found is None else []
    places = list(found.submodule_search_locations or ()) or ([found.origin] if found.origin else [])
    return [str(Path(place).absolute().parent) for place in places]


class ForkServerHandle:
    """A running fork server.

    Args:
        hash_seed: of the strings in its processes.
        imports: modules that programs may import besides the standard library.
        config: which layers of isolation to leave off.
        untrusted: whether the processes are for candidates, which have no runners.
        runners: what jobs may name.

    Attributes:
        layers: each layer of isolation with "on" or the reason why it is off.
        init: pid of the first process of its process namespace; None without one.

    Raises:
        SandboxError: the fork server could not be started.
    """

    def __init__(
        self,
        hash_seed: int,
        imports: Collection[str] = (),
        config: IsolationConfig = ALL_LAYERS,
        untrusted: bool = False,
        runners: Sequence[Runner] = (),
    ) -> None:
        import_paths = _import_folders(imports)
        runner_paths = _runner_folders(runners)
        self.owner = os.getpid()
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)
        self.root = tempfile.mkdtemp(prefix="execverify-")
        ours, theirs = socket.socketpair()
        arguments = {
            "control_fd": theirs.fileno(),
            "root": self.root,
            "runners": [(runner.module, runner.function) for runner in runners],
            "preload": [*(_CANDIDATE_MODULES if untrusted else ())],
            "imports": sorted(imports),
            "import_paths": import_paths,
            "runner_paths": runner_paths,
            "isolation_config": config.plain(),
            "untrusted": untrusted,
        }
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
        self.reader = FrameReader()
        answer = self._handshake()
        self.layers: dict[str, str] = answer["layers"]
        self.init: int | None = answer["init"]

    def _handshake(self) -> dict[str, Any]:
        assert self.process.stderr is not None
        with self.process.stderr as stderr:
            try:
                answer: dict[str, Any] = receive(self.control, self.reader)
                return answer
            except (EOFError, OSError):
                lines = stderr.read().decode(errors="replace").strip().splitlines()
        self.close()
        raise SandboxError(f"the confined process could not be started: {lines[-1] if lines else 'it gave no reason'}")

    def alive(self) -> bool:
        """Whether the fork server's process runs."""
        return self.process.poll() is None

    def connect(self) -> "WorkerConnection":
        """A fresh worker for trusted programs."""
        number, sock = self.fork(b"T")
        return WorkerConnection(self, number, sock)

    def fork(self, kind: bytes) -> tuple[int, socket.socket]:
        """Requests a process, and does not wait for it.

        Args:
            kind: a letter of the fork server's protocol: T for a worker, U for the process of a candidate.

        Returns:
            The process's number, and the caller's end of its socket, which does not block. Where no process could be forked, the
            socket reports that its peer is gone.
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
        """Kills and reaps a process; returns its wait status, or None where it never existed or the fork server itself is gone."""
        with self.lock:
            try:
                self.control.sendall(CONTROL_REQUEST.pack(b"E", number))
                status: int | None = receive(self.control, self.reader)["status"]
            except (OSError, EOFError):
                return None
        return status

    def processor_time(self, number: int) -> float | None:
        """Seconds of processor time of a process; None where it is unknown."""
        with self.lock:
            try:
                self.control.sendall(CONTROL_REQUEST.pack(b"C", number))
                seconds: float | None = receive(self.control, self.reader)["seconds"]
            except (OSError, EOFError):
                return None
        return seconds

    def discard(self, number: int) -> None:
        """Kills a process, and does not wait for its end."""
        with self.lock, contextlib.suppress(OSError):
            self.control.sendall(CONTROL_REQUEST.pack(b"D", number))

    def close(self) -> None:
        """Ends the fork server with all of its processes. In a forked copy of the caller, only closes the copy's socket."""
        if self.owner != os.getpid():
            self.control.close()
            return
        with contextlib.suppress(OSError):
            self.control.shutdown(socket.SHUT_RDWR)  # unlike closing, this takes effect where a forked copy holds the socket too
        self.control.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.root, ignore_errors=True)


class Connection:
    """The caller's end of the socket to one process.

    Attributes:
        forkserver: the fork server of the process.
        number: the process's number there.
        sock: the socket, which does not block.
        reader: cuts the bytes that arrive into messages.
        role: what the process does; with its state it decides which messages it may send (`sessions.ALLOWED_MESSAGES`).
        state: what the process does now, as far as the caller knows.
        outbox: bytes that are still to be sent.
        events: the selector's events that are watched.
        sessions: the sessions that the process serves, the current one first.
    """

    def __init__(self, forkserver: ForkServerHandle, number: int, sock: socket.socket, reader: FrameReader, role: str) -> None:
        self.forkserver = forkserver
        self.number = number
        self.sock = sock
        self.reader = reader
        self.role = role
        self.state = "starting"
        self.outbox = bytearray()
        self.events = 0
        self.sessions: deque[Session[Any]] = deque()

    @property
    def session(self) -> "Session[Any] | None":
        """The session whose message comes next; None for an idle worker."""
        return self.sessions[0] if self.sessions else None

    @property
    def ready(self) -> bool:
        """Whether a candidate's process has read its setup. From then on the candidate may be responsible for what happens."""
        return self.state != "starting"

    def send(self, message: Any) -> None:
        """Appends a message for a candidate's process to the outbox."""
        self.outbox += pack_from_caller(message)

    def flush(self) -> None:
        """Sends what the socket takes. A broken pipe is noticed when the socket is read."""
        with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            while self.outbox:
                del self.outbox[: self.sock.send(self.outbox)]


class WorkerConnection(Connection):
    """The connection to a worker, which executes the jobs of many sessions in turn.

    Attributes:
        served: jobs that were sent so far.
        has_capacity: whether it takes more jobs ahead: until `MAX_IN_FLIGHT` wait, then again when half of them are done.
        draining: whether it takes no further job, and ends when its jobs are done.
    """

    def __init__(self, forkserver: ForkServerHandle, number: int, sock: socket.socket) -> None:
        super().__init__(forkserver, number, sock, FrameReader(), "worker")
        self.served = 0
        self.has_capacity = True
        self.draining = False

    def enqueue(self, session: "Session[Any]", message: bytes, dedicated: bool) -> None:
        """Appends a session with its request; `dedicated` makes it the worker's last one."""
        self.sessions.append(session)
        self.served += 1
        self.has_capacity = self.has_capacity and len(self.sessions) < MAX_IN_FLIGHT
        self.draining = self.draining or dedicated or self.served >= _MAX_JOBS
        self.outbox += message

    def dequeue(self) -> None:
        """Removes the current session, which is done."""
        self.sessions.popleft()
        self.has_capacity = self.has_capacity or len(self.sessions) <= MAX_IN_FLIGHT // 2
