"""A function over many things in several processes, with the results in order and little memory.

>>> list(mapped(len, ["a", "bb"], workers=1))
[1, 2]
"""

import os
import queue
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any, TypeVar

from execverify.errors import SandboxError
from execverify.sandbox.isolation.libc import die_with_parent

Item = TypeVar("Item")
Made = TypeVar("Made")

_AHEAD = 3  # items that each process has waiting for it, so that it never waits for us
_SHUTDOWN_TIMEOUT = 5.0  # seconds
_START = "import sys; sys.path.insert(0, {path!r}); from execverify.datasets.parallel import serve; serve({fd}, {parent})"


def parallel_map(function: Callable[[Item], Made], items: Iterable[Item], workers: int) -> Iterator[Made]:
    """What a function makes of items, in their order; items are read as they are needed.

    Args:
        function: of a module's top level, or a `functools.partial` of one.
        items: what it is given, one at a time; a single one is not worth a process, and is worked on here.
        workers: how many processes; 1 works in this one. (`multiprocessing` would run the caller's script again in each.)

    Raises:
        SandboxError: a process died (our failure); whatever the function raises.
    """
    items = iter(items)
    first = list(islice(items, 2))
    if workers <= 1 or len(first) < 2:
        yield from map(function, chain(first, items))
        return
    hands = [_WorkerProcess() for _ in range(workers)]
    idle: queue.SimpleQueue[_WorkerProcess] = queue.SimpleQueue()
    for hand in hands:
        idle.put(hand)

    def work(item: Item) -> Made:
        hand = idle.get()
        try:
            made: Made = hand.do(function, item)
            return made
        finally:
            idle.put(hand)

    waiting: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(workers) as threads:
        try:
            for item in chain(first, items):
                waiting.append(threads.submit(work, item))
                if len(waiting) > _AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
            for hand in hands:
                hand.close()


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of `size` items; the last one may be shorter."""
    items = iter(items)
    while chunk := list(islice(items, size)):
        yield chunk


class _WorkerProcess:
    """A process that does what it is told."""

    def __init__(self) -> None:
        self.pipe, theirs = Pipe()
        code = _START.format(path=str(Path(__file__).parents[2]), fd=theirs.fileno(), parent=os.getpid())
        with theirs:
            self.process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.DEVNULL, pass_fds=(theirs.fileno(),))

    def do(self, function: Callable[[Any], Any], item: object) -> Any:
        try:
            self.pipe.send((function, item))
            done, made = self.pipe.recv()
        except (EOFError, OSError):
            raise SandboxError("a process died at work: is there enough memory? Use fewer workers") from None
        if not done:
            raise made
        return made

    def close(self) -> None:
        """Ends the process: by itself, so that it clears up behind it, or else at once."""
        self.pipe.close()
        try:
            self.process.wait(_SHUTDOWN_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def serve(fd: int, parent: int) -> None:
    """In each process: does what comes until nothing more can. It ends with its parent; Ctrl-C is the parent's to deal with."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    if os.getppid() != parent:  # it ended before we could ask to be told
        return
    with Connection(fd) as pipe:
        while True:
            try:
                function, item = pipe.recv()
            except (EOFError, OSError):
                return
            try:
                reply = (True, function(item))
            except Exception as error:
                reply = (False, error)
            try:
                pipe.send(reply)
            except OSError:
                return
