"""What things cost."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

from . import tables
from .tables import rate_of as lookup

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["announce", "cheapest", "discounted", "most_common", "pairs", "picked", "total"]

STEP = 10


def total(names: Iterable[str], tax: int = 0) -> int:
    """What everything costs.

    >>> total(["tea"])
    4
    """
    result = 0
    for name in names:  # each by itself
        result += tables.PRICES[name]
    return result + tax


def discounted(price: int, kind: str = "none") -> int:
    """A price after a discount."""
    return price - price * lookup(kind) // 100


def cheapest(names, key=None):
    """The cheapest of some things."""
    return min(names, key=key or tables.PRICES.get)


def most_common(words):
    """Each word with its count, the most common first."""
    return Counter(words).most_common()


def pairs(names):
    """Neighbours."""
    previous = None
    for name in names:
        if previous is not None:
            yield previous, name
        previous = name


def picked(names):
    """Any of some things."""
    return random.choice(names)


def announce(name):
    """Writes a price to a file."""
    with open("prices.txt", "w") as file:
        file.write(name)
    return name


def unused(n):
    """No test calls it."""
    return n
