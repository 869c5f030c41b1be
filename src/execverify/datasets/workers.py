"""The processes that make spans, one for each core, and what happens when one of them dies.

Each is a fresh interpreter that reads numbers of spans from a socket, writes the span's file, and says so. It ends when the
socket closes, and with its parent whatever happens to that (Linux); what it was writing then is no span yet. A process that
dies is replaced and its span made again; a span that costs three processes is our failure, and is told as that.
"""

import contextlib
import gc
import os
import pickle
import selectors
import signal
import socket
import subprocess
import sys
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from execverify import errors
from execverify.datasets.build_dir import write_error
from execverify.datasets.chunks import CHUNK_SIZE, ChunkStore
from execverify.datasets.config import DatasetConfig
from execverify.datasets.timing import StageTimer
from execverify.errors import DatasetError, ExecVerifyError, SandboxError
from execverify.sandbox.isolation.libc import die_with_parent
from execverify.sandbox.protocol import FrameReader, pack, receive

_PREFETCH = 2  # spans that a process is given at once, so that it never waits for us
_MAX_CRASHES_PER_CHUNK = 3  # processes that a span may cost
_START = "import sys; sys.path.insert(0, {path!r}); from execverify.datasets.workers import main; main({fd}, {parent})"


class _WorkerProcess:
    """One process and the spans that it was given, the oldest first."""

    def __init__(self, setup: str) -> None:
        ours, theirs = socket.socketpair()
        code = _START.format(path=str(Path(__file__).parents[2]), fd=theirs.fileno(), parent=os.getpid())
        with theirs:
            try:
                self.process = subprocess.Popen(
                    [sys.executable, "-P", "-c", code],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    process_group=0,  # Ctrl-C is the parent's to deal with
                )
            except OSError as error:
                ours.close()
                raise SandboxError(f"no process could be started: {error}") from error
        self.socket = ours
        self.inbox = FrameReader()
        self.spans: deque[int] = deque()
        self.send({"setup": setup})

    def send(self, message: Any) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the reading side will see that it is dead
            self.socket.sendall(pack(message))

    def end(self) -> int:
        """Ends it at once, and with it all that it started; how it ended."""
        self.socket.close()
        self.process.kill()
        return self.process.wait()


class WorkerPool:
    """Processes that make the spans of a recipe. A context manager: none of them outlives it.

    Args:
        recipe: what to make.
        spans: where to put it.
        workers: how many processes.

    Attributes:
        clock: where their time went.
        ready: numbers of the spans that a build before had made.
    """

    def __init__(self, recipe: DatasetConfig, spans: ChunkStore, workers: int) -> None:
        self.clock = StageTimer()
        self._setup = pickle.dumps((recipe, str(spans.folder))).hex()
        self._spans = spans
        self._workers = workers
        self._hands: list[_WorkerProcess] = []
        self._selector = selectors.DefaultSelector()
        self._deaths: Counter[int] = Counter()
        self._again: list[int] = []
        self._done: set[int] = set()
        self.ready: set[int] = set()
        self._next = 0  # the first span that nobody was given

    def __enter__(self) -> "WorkerPool":
        return self

    def __exit__(self, *_: object) -> None:
        for hand in self._hands:
            hand.end()
        self._hands.clear()
        self._selector.close()

    def completed(self) -> Iterator[int]:
        """The numbers of finished spans from 0 on, in order, without end.

        Raises:
            SandboxError: a span cannot be made here (our failure).
            DatasetError: a span cannot be written.
        """
        wanted = 0
        while True:
            self._dispatch(wanted)
            while wanted in self._done:
                self._done.remove(wanted)
                yield wanted
                wanted += 1
                self._dispatch(wanted)
            self._wait()

    def recompute(self, number: int) -> None:
        """Has a span made anew whose file turned out not to be whole."""
        self._spans.remove(number)
        self.ready.discard(number)
        self._again.append(number)
        while number not in self._done:
            self._dispatch(number)
            self._wait()
        self._done.remove(number)

    def _dispatch(self, wanted: int) -> None:
        """Gives each process what to do; never runs far ahead of what is wanted next."""
        while True:
            hand = min(self._hands, key=lambda hand: len(hand.spans), default=None)
            may_hire = len(self._hands) < self._workers
            if hand is not None and len(hand.spans) >= _PREFETCH and not may_hire:
                return
            number = self._upcoming(wanted)
            if number is None:
                return
            if hand is None or (hand.spans and may_hire):
                hand = self._start_worker()
            hand.spans.append(number)
            hand.send({"span": number})

    def _upcoming(self, wanted: int) -> int | None:
        if self._again:
            self._again.sort(reverse=True)
            return self._again.pop()
        while self._next < wanted + 4 * _PREFETCH * self._workers:
            number, self._next = self._next, self._next + 1
            if not self._spans.has(number):
                return number
            self._done.add(number)
            self.ready.add(number)
        return None

    def _start_worker(self) -> _WorkerProcess:
        hand = _WorkerProcess(self._setup)
        self._hands.append(hand)
        self._selector.register(hand.socket, selectors.EVENT_READ, hand)
        return hand

    def _wait(self) -> None:
        for key, _ in self._selector.select() if any(hand.spans for hand in self._hands) else ():
            hand: _WorkerProcess = key.data
            try:
                data = hand.socket.recv(1 << 16)
            except ConnectionResetError:
                data = b""
            if not data:
                self._on_worker_exit(hand)
                continue
            hand.inbox.feed(data)
            while (reply := hand.inbox.next()) is not None:
                self._on_reply(hand, reply)

    def _on_reply(self, hand: _WorkerProcess, reply: dict[str, Any]) -> None:
        if "error" in reply:
            kind = getattr(errors, reply["error"], None)
            if isinstance(kind, type) and issubclass(kind, ExecVerifyError):
                raise kind(reply["message"])
            raise RuntimeError(f"a process of the build failed:\n{reply['message']}")
        self._done.add(hand.spans.popleft())
        self.clock.add(reply["seconds"])

    def _on_worker_exit(self, hand: _WorkerProcess) -> None:
        """A process has died: the span that it was at is counted against it, the ones behind it go back."""
        self._selector.unregister(hand.socket)
        self._hands.remove(hand)
        status = hand.end()
        if not hand.spans:
            return
        first = hand.spans[0]
        self._deaths[first] += 1
        if self._deaths[first] >= _MAX_CRASHES_PER_CHUNK:
            how = signal.Signals(-status).name if status < 0 else f"status {status}"
            raise SandboxError(
                f"a process of the build died {_MAX_CRASHES_PER_CHUNK} times at items {first * CHUNK_SIZE} to {first * CHUNK_SIZE + CHUNK_SIZE - 1}, last with {how}: "
                "is there enough memory? Use fewer --workers; what was made is kept"
            )
        self._again += hand.spans


# ------------------------------------------------------------------------------------------------- in each process


def main(fd: int, parent: int) -> None:
    """Makes spans as they are asked for, until the socket closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    gc.set_threshold(100_000, 20, 100)  # syntax trees come and go by the thousand: a fifth of the time, at Python's own setting
    if os.getppid() != parent:
        return
    with socket.socket(fileno=fd) as sock, contextlib.suppress(EOFError, ConnectionResetError, BrokenPipeError):
        _serve(sock)


def _serve(sock: socket.socket) -> None:
    import traceback

    inbox = FrameReader()
    setup = receive(sock, inbox)["setup"]
    try:
        recipe, folder = pickle.loads(bytes.fromhex(setup))
        worker = _Worker(recipe, ChunkStore(Path(folder)))
        while True:
            seconds = worker.make(receive(sock, inbox)["span"])
            sock.sendall(pack({"seconds": seconds}))
    except ExecVerifyError as error:
        sock.sendall(pack({"error": type(error).__name__, "message": str(error)}))
    except (EOFError, ConnectionResetError, BrokenPipeError):
        raise
    except Exception:
        sock.sendall(pack({"error": "", "message": traceback.format_exc()}))


class _Worker:
    """Makes spans and writes them."""

    def __init__(self, recipe: DatasetConfig, spans: ChunkStore) -> None:
        from execverify.datasets.batch_generate import BatchGenerator
        from execverify.datasets.generate import ItemGenerator

        self.maker = ItemGenerator(recipe)
        self.inside = BatchGenerator(self.maker)
        self.spans = spans

    def make(self, number: int) -> dict[str, float]:
        """Makes and writes a span; returns the seconds that it took, by stage."""
        clock = self.maker.clock
        before = dict(clock.seconds)
        lines = self.inside.lines(range(number * CHUNK_SIZE, (number + 1) * CHUNK_SIZE))
        with clock.stage("write"):
            try:
                self.spans.write(number, lines)
            except OSError as error:
                raise DatasetError(write_error(self.spans.folder.parent, error)) from None
        return {name: seconds - before[name] for name, seconds in clock.seconds.items()}
