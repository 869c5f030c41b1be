"""Registries: entries are loaded once, and whole, whatever thread asks first."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from execverify.errors import RowError
from execverify.utils.registry import Registry


def test_threads_that_ask_at_once_see_every_entry() -> None:
    loads = []

    def load() -> None:
        loads.append(1)
        for name in ("first", "second"):
            registry.register(name, 1)
            assert name in registry  # the loading thread sees what it registered
            time.sleep(0.05)

    registry: Registry[int] = Registry("thing", RowError, load)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(registry.get, ["second"] * 8)) == [1] * 8
    assert loads == [1] and registry.names() == ("first", "second")


def test_a_load_that_fails_is_tried_again() -> None:
    fails = [True, False]

    def load() -> None:
        if fails.pop(0):
            raise OSError("no disk")
        registry.register("first", 1)

    registry: Registry[int] = Registry("thing", RowError, load)
    with pytest.raises(OSError, match="no disk"):
        registry.names()
    assert registry.names() == ("first",)
