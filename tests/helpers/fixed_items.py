"""The items of benchmarks whose data are fixed and are ours, made once in a process: each evaluation would run their programs again."""

import functools
from collections.abc import Iterator
from dataclasses import replace

import pytest

from execverify.evaluation import benchmark
from execverify.evaluation.benchmark import Item
from execverify.evaluation.data import Source

_NAMES = ("heldout", "library-io")
_REAL = {name: benchmark(name).items for name in _NAMES}


@functools.cache
def _made(name: str, source: Source) -> tuple[Item, ...]:
    return tuple(_REAL[name](replace(source, workers=2)))


@pytest.fixture(scope="module")
def fixed_items() -> Iterator[None]:
    """Give evaluations of a module the items that are there already; data of a file are read anew."""

    def items(name: str, source: Source) -> list[Item]:
        return _REAL[name](source) if source.path is not None else list(_made(name, replace(source, workers=1)))

    with pytest.MonkeyPatch.context() as patch:
        for name in _NAMES:
            patch.setattr(benchmark(name), "items", functools.partial(items, name))
        yield
