"""The local engine: batches of records go through the stages in threads, and come out in order.

A batch waits for a model most of the time, so there are more threads than cores. What takes a core runs in worker processes.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

Batch = TypeVar("Batch")
Result = TypeVar("Result")

BATCH_SIZE = 16
"""Records in a batch."""

_WINDOW = 4  # batches that may be finished or under way, for each that may be under way
_TICK = 0.2  # seconds


def run_in_order(
    batches: Iterable[Batch],
    work: Callable[[Batch], Result],
    *,
    concurrency: int,
    may_start: Callable[[int], bool] = lambda waiting: True,
    tick: Callable[[], None] = lambda: None,
) -> Iterator[Result]:
    """Yields the result of each batch in the order of the batches.

    Args:
        batches: read as they are needed; may be endless.
        work: is called in a thread with each batch.
        concurrency: requests to a model that should be under way; there are threads for somewhat more.
        may_start: whether another batch should be started, given the number of those that were and have not been yielded.
        tick: called while waiting, for progress.

    Raises:
        Exception: what `work` raises, at the place of its batch.
    """
    threads = 2 * concurrency // BATCH_SIZE + 3  # some batches have few requests left
    remaining = iter(batches)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="execverify engine")
    futures: deque[Future[Result]] = deque()
    ended = False
    try:
        while True:
            while not ended and len(futures) < _WINDOW * threads and (not futures or may_start(len(futures))):
                batch = next(remaining, None)
                ended = batch is None
                if batch is not None:
                    futures.append(pool.submit(work, batch))
            if not futures:
                return
            while not wait(itertools.islice(futures, 1), timeout=_TICK).done:
                tick()
            yield futures.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
