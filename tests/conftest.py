"""What holds for every test: nothing asks a hub, where a machine without one would wait for minutes; suites are marked by path."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")

pytest_plugins = ["tests.helpers.fixed_items"]
_TESTS = Path(__file__).parent
collect_ignore = ["data/repository"]
SUITES = {
    "sandbox": ("sandbox",),
    "training": ("training",),
    "external": (
        "evaluation/test_cruxeval_x.py",
        "evaluation/test_reval_authors.py",
        "models/test_models_real.py",
        "training/test_training_smollm2.py",
        "training/test_training_verifiers.py",
        "training/test_training_verl.py",
    ),
}
"""Marker -> the folders and files, below `tests/`, whose tests have it."""


@pytest.fixture(autouse=True, scope="module")
def _no_event_loop_is_left() -> Iterator[None]:
    """A file that leaves an event loop running in this thread makes `asyncio.run` fail in a later file of the same process."""
    yield
    assert asyncio._get_running_loop() is None, "this file left an event loop running"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with the suites that its path belongs to."""
    for item in items:
        for marker, paths in SUITES.items():
            if any(item.path.is_relative_to(_TESTS / path) for path in paths):
                item.add_marker(marker)
