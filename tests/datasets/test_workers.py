"""The pool of worker processes: results in order, errors that cross, workers that die, and none that is left."""

import itertools
import math
import operator
import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from execverify.datasets.workers import WorkerCrashed, WorkerPool, batched, parallel_map
from execverify.errors import RowError


def slow_first(number: int) -> tuple[int, int]:
    time.sleep(0.3 if number == 0 else 0.0)
    return number, os.getpid()


def die_once(marker: str, number: int) -> int:
    if number == 2 and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * 10


def die(status: int) -> None:
    os._exit(status)


def refuse(number: int) -> None:
    raise RowError(f"row {number} is none")


def children() -> list[str]:
    return [word for path in Path(f"/proc/{os.getpid()}/task").glob("*/children") for word in path.read_text().split()]


def test_results_come_in_order_from_several_processes() -> None:
    before = children()
    results = list(parallel_map(slow_first, range(20), workers=2))
    assert [number for number, _ in results] == list(range(20))
    assert 1 <= len({pid for _, pid in results} - {os.getpid()}) <= 2
    assert children() == before


def test_one_item_or_one_worker_needs_no_process() -> None:
    assert list(parallel_map(slow_first, [3], workers=4)) == [(3, os.getpid())]
    assert list(parallel_map(slow_first, [3, 4], workers=1)) == [(3, os.getpid()), (4, os.getpid())]


def test_few_items_are_read_ahead_of_an_endless_source() -> None:
    read: list[int] = []

    def endless() -> Iterator[int]:
        for number in itertools.count():
            read.append(number)
            yield number

    results = parallel_map(math.factorial, endless(), workers=2)
    assert list(itertools.islice(results, 10)) == [math.factorial(number) for number in range(10)]
    results.close()  # type: ignore[attr-defined]
    assert len(read) < 20


def test_an_error_keeps_its_type_and_message() -> None:
    with pytest.raises(RowError, match="row 1 is none"):
        list(parallel_map(refuse, [1, 2, 3], workers=2))
    with pytest.raises(ZeroDivisionError) as caught:
        list(parallel_map(partial(operator.floordiv, 1), [1, 0, 2], workers=2))
    assert "In a worker process" in caught.value.__notes__[0]


def test_a_worker_that_dies_is_replaced_and_its_item_done_again(tmp_path: Path) -> None:
    task = partial(die_once, str(tmp_path / "marker"))
    assert list(parallel_map(task, range(6), workers=2)) == [0, 10, 20, 30, 40, 50]
    assert (tmp_path / "marker").exists()


def test_an_item_that_kills_every_worker_is_given_up() -> None:
    before = children()
    with pytest.raises(WorkerCrashed, match="died 3 times at one item, last with status 7: is there enough memory") as caught:
        list(parallel_map(die, [7, 7], workers=2))
    assert caught.value.item == 7 and children() == before


def test_busy_workers_end_at_once() -> None:
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt), WorkerPool(2) as pool:
        futures = [pool.submit(time.sleep, 60), pool.submit(time.sleep, 60), pool.submit(time.sleep, 60)]
        while sum(future.running() for future in futures) < 2:
            time.sleep(0.01)
        time.sleep(0.5)
        raise KeyboardInterrupt
    assert time.monotonic() - begun < 20
    assert not [pid for pid in children() if b"datasets.workers" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_what_cannot_be_sent_is_said() -> None:
    with pytest.raises(Exception, match="pickle"):
        list(parallel_map(lambda number: number, [1, 2], workers=2))


def test_batches() -> None:
    assert list(batched(range(5), 2)) == [[0, 1], [2, 3], [4]]
