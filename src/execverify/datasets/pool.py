"""A function over many things in several processes, with the results in order and little memory.

>>> list(mapped(len, ["a", "bb"], workers=1))
[1, 2]
"""

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from multiprocessing import get_context
from typing import TypeVar

from execverify.errors import SandboxError
from execverify.execution.confine import die_with_parent

Item = TypeVar("Item")
Made = TypeVar("Made")

_AHEAD = 3  # items that each process has waiting for it, so that it never waits for us


def mapped(function: Callable[[Item], Made], items: Iterable[Item], workers: int) -> Iterator[Made]:
    """What a function makes of items, in their order; items are read as they are needed.

    Args:
        function: of a module's top level, or a `functools.partial` of one.
        items: what it is given, one at a time; a single one is not worth a process, and is worked on here.
        workers: how many processes; 1 works in this one. More start fresh interpreters, so that a script which calls this
            needs its `if __name__ == "__main__"`.

    Raises:
        SandboxError: a process died (our failure); whatever the function raises.
    """
    items = iter(items)
    first = list(islice(items, 2))
    if workers <= 1 or len(first) < 2:
        yield from map(function, chain(first, items))
        return
    waiting: deque[Future[Made]] = deque()
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin) as pool:
        try:
            for item in chain(first, items):
                waiting.append(pool.submit(function, item))
                if len(waiting) > _AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise SandboxError("a process died at work: is there enough memory? Use fewer workers") from None
        finally:
            for future in waiting:
                future.cancel()


def chunked(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of `size` items; the last one may be shorter."""
    items = iter(items)
    while chunk := list(islice(items, size)):
        yield chunk


def _begin() -> None:
    """In each process: it ends with its parent, and Ctrl-C is the parent's to deal with."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
