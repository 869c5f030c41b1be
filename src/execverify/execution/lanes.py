"""The running processes as the caller holds them: the zygote, and the lane to each of its workers."""

import contextlib
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
from pathlib import Path

from execverify.errors import SandboxError
from execverify.execution.job import Job
from execverify.execution.wire import Inbox, receive

WINDOW = 16
"""Jobs sent ahead to one worker, so that it never waits for us; refilled when half of them are done."""

_HARNESSES = (  # named, not imported: later rooms stay later
    "execverify.execution.call", "execverify.tracing.recorder", "execverify.tracing.survey",
)  # fmt: skip
_JOBS_PER_WORKER = 5_000  # then a fresh one: what programs leave behind cannot add up
_START = "import sys; sys.path.append({path!r}); from execverify.execution.zygote import main; main({fd}, {root!r}, {names!r})"


class Zygote:
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

    def fork(self) -> "Lane":
        ours, theirs = socket.socketpair()
        try:
            with theirs, self.lock:
                socket.send_fds(self.control, [b"fork"], [theirs.fileno()])
                pid = receive(self.control, self.inbox)["pid"]
        except BaseException:
            ours.close()
            raise
        ours.setblocking(False)
        return Lane(self, pid, ours)

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


class Lane:
    """One worker and the jobs that were sent to it, oldest first; the oldest is the one it is at."""

    def __init__(self, zygote: Zygote, pid: int, sock: socket.socket) -> None:
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
        self.room = self.room and len(self.jobs) < WINDOW
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
        self.room = self.room or len(self.jobs) <= WINDOW // 2
        self.deadline = time.monotonic() + self.jobs[0][1].limits.timeout if self.jobs else float("inf")
        return index

    def end(self) -> int | None:
        self.sock.close()
        return self.zygote.end(self.pid)
