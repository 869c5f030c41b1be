"""Worker processes: apply a function to many items in several processes, and give the results in order.

Each worker is a fresh interpreter, attended by one thread here. A worker that dies is replaced, and its item is tried again.
Workers ignore Ctrl-C, which this process handles, and end with it (on Linux even if it is killed).

>>> list(parallel_map(len, ["a", "bb"], workers=1))
[1, 2]
"""

import contextlib
import gc
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from itertools import chain, islice
from multiprocessing.connection import Connection, Pipe
from typing import Any, Self, TypeVar

from execverify.errors import ExecVerifyError, SandboxError
from execverify.sandbox.isolation.libc import die_with_parent
from execverify.utils.registry import load_plugins

_log = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")
Final = TypeVar("Final")

_PREFETCH = 3  # items per worker that are submitted before the first result is awaited
_MAX_CRASHES = 3  # workers that one item may cost
_SHUTDOWN_TIMEOUT = 5.0  # seconds
_START = "import sys; sys.path[:] = {path!r}; from execverify.datasets.workers import serve; serve({fd}, {parent})"

_GC_THRESHOLDS = (100_000, 20, 100)
"""For processes that parse many programs: syntax trees die young by the thousand, and Python's default costs a fifth of the time."""


class WorkerCrashed(SandboxError):
    """A worker process died again and again at one item.

    Attributes:
        item: the item.
        cause: the signal or the exit status that the last one ended with.
    """

    def __init__(self, item: object, status: int) -> None:
        self.item, self._status = item, status
        self.cause = signal.Signals(-status).name if status < 0 else f"status {status}"
        super().__init__(died_at("one item", self.cause, "Use fewer workers"))

    def __reduce__(self) -> tuple[type["WorkerCrashed"], tuple[object, int]]:
        return WorkerCrashed, (self.item, self._status)


def died_at(work: str, cause: str, hint: str) -> str:
    """The message for workers that died again and again."""
    return f"a worker process died {_MAX_CRASHES} times at {work}, last with {cause}: is there enough memory? {hint}"


class WorkerPool:
    """Worker processes, started when they are needed. A context manager: none of them outlives it.

    `multiprocessing` and `concurrent.futures.ProcessPoolExecutor` are not used: they run the caller's script again in each
    worker, and they give up all items when one worker dies.

    Args:
        workers: how many processes, at least 1.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._threads = ThreadPoolExecutor(workers)  # each has one call under way
        self._own = threading.local()  # the worker of each thread
        self._started: list[_Worker] = []
        self._lock = threading.Lock()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._started:
            worker.close()
        self._threads.shutdown()

    def submit(self, function: Callable[[Item], Result], item: Item) -> "Future[Result]":
        """Starts one call. Function, item and result must be picklable.

        The future raises WorkerCrashed if `_MAX_CRASHES` workers died at the item, and whatever the function raises.
        """
        return self._threads.submit(self._call, function, item)

    def submit_then(
        self, function: Callable[[Item], Result], item: Item, then: Callable[[Item, Result], Final]
    ) -> "Future[Final]":
        """Starts one call, and calls `then` with the item and the result in a thread of this process. The future has what it returns."""
        return self._threads.submit(lambda: then(item, self._call(function, item)))

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yields the results in the order of the items, which may be endless: few are read ahead."""
        return self.in_order(self.submit(function, item) for item in items)

    def in_order(self, futures: "Iterable[Future[Result]]") -> Iterator[Result]:
        """Yields the results of futures, which may be endless: few are read ahead."""
        waiting: deque[Future[Result]] = deque()
        for future in futures:
            waiting.append(future)
            if len(waiting) > _PREFETCH * self.workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _call(self, function: Callable[[Item], Result], item: Item) -> Result:
        status = 0
        for _ in range(_MAX_CRASHES):
            worker = self._worker()
            try:
                result, error = worker.call(function, item)
            except (EOFError, ConnectionError):
                status = worker.kill()
                _log.info("a worker process ended (status %d) and is replaced: its work is done again", status)
                del self._own.worker
                continue
            if error is not None:
                raise error
            return result  # type: ignore[no-any-return]
        raise WorkerCrashed(item, status)

    def _worker(self) -> "_Worker":
        """This thread's worker."""
        with self._lock:
            if self._closed:
                raise CancelledError
            if not hasattr(self._own, "worker"):
                self._own.worker = _Worker()
                self._started.append(self._own.worker)
        worker: _Worker = self._own.worker
        return worker


class _Worker:
    """One worker process."""

    def __init__(self) -> None:
        self.pipe, theirs = Pipe()
        self.busy = False
        code = _START.format(path=sys.path, fd=theirs.fileno(), parent=os.getpid())
        with theirs:
            try:
                self.process = subprocess.Popen(
                    [sys.executable, "-P", "-c", code],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    process_group=0,  # a terminal's Ctrl-C does not reach what the worker starts
                )
            except OSError as error:
                self.pipe.close()
                raise SandboxError(f"no process could be started: {error}") from error

    def call(self, function: Callable[[Any], Any], item: object) -> tuple[Any, Exception | None]:
        """The function's result, or the error that it raised; EOFError or ConnectionError where the process died."""
        message = pickle.dumps((function, item))
        self.busy = True
        self.pipe.send_bytes(message)
        reply: tuple[Any, Exception | None] = pickle.loads(self.pipe.recv_bytes())
        self.busy = False
        return reply

    def kill(self) -> int:
        """Ends the process at once, and what it started with it. Returns its exit status."""
        self.process.kill()
        return self.process.wait()

    def close(self) -> None:
        """Ends the process: an idle one by itself, so that it cleans up; a busy one at once."""
        if self.busy:
            self.kill()
            return
        self.pipe.close()
        try:
            self.process.wait(_SHUTDOWN_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill()


Workers = int | WorkerPool
"""A number of processes on this machine, or a pool that is open, such as a `RayPool`."""


def open_pool(workers: Workers) -> contextlib.AbstractContextManager[WorkerPool]:
    """A pool of so many processes, which ends with the block; or the given pool, which does not."""
    return contextlib.nullcontext(workers) if isinstance(workers, WorkerPool) else WorkerPool(workers)


def parallel_map(function: Callable[[Item], Result], items: Iterable[Item], workers: Workers) -> Iterator[Result]:
    """Yields a function's results in the order of the items, which are read as they are needed.

    Args:
        function: of a module's top level, or a `functools.partial` of one.
        items: one argument for each call.
        workers: how many processes, or a pool. 1 process is this one, and so is that of a single item.

    Raises:
        WorkerCrashed: workers died (our failure); whatever the function raises.
    """
    if isinstance(workers, WorkerPool):
        yield from workers.map(function, items)
        return
    items = iter(items)
    first = list(islice(items, 2))
    if workers <= 1 or len(first) < 2:
        yield from map(function, chain(first, items))
        return
    with WorkerPool(workers) as pool:
        yield from pool.map(function, chain(first, items))


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of `size` items; the last one may be shorter."""
    items = iter(items)
    while batch := list(islice(items, size)):
        yield batch


# ------------------------------------------------------------------------------------------------- in each worker


def serve(fd: int, parent: int) -> None:
    """Answers calls until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    gc.set_threshold(*_GC_THRESHOLDS)
    load_plugins()
    if os.getppid() != parent:  # it ended before this process could ask to end with it
        return
    with Connection(fd) as pipe, contextlib.suppress(EOFError, ConnectionError):
        while True:
            pipe.send_bytes(_reply(pipe.recv_bytes()))


def _reply(message: bytes) -> bytes:
    try:
        function, item = pickle.loads(message)
        return pickle.dumps((function(item), None))
    except Exception as error:
        where = traceback.format_exc()
        if not isinstance(error, ExecVerifyError):
            error.add_note(f"In a worker process:\n{where}")
        try:
            reply = pickle.dumps((None, error))
            pickle.loads(reply)
        except Exception:  # an error that cannot be pickled
            reply = pickle.dumps((None, RuntimeError(f"a worker process failed:\n{where}")))
        return reply
