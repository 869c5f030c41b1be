"""Random choices among registered names that do not depend on the order of registration.

`rng.choice(names)` gives another name, and shifts all later draws, whenever a name is added. Here one random token is drawn, each
name gets a score from the token and itself, and the greatest score wins (a rendezvous choice). A new name therefore changes
only those programs in which it wins.

>>> import random
>>> picks = [choose(random.Random(seed), ["a", "b", "c"]) for seed in range(100)]
>>> more = [choose(random.Random(seed), ["d", "c", "b", "a"]) for seed in range(100)]
>>> {new for old, new in zip(picks, more) if new != old}
{'d'}
"""

import functools
import hashlib
import heapq
import random
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")

_BITS = (1 << 64) - 1


def choose(rng: random.Random, options: Iterable[T], name: Callable[[T], str] = str) -> T:
    """One of some options with different names; each is equally likely. Raises ValueError where there is none."""
    token = rng.getrandbits(64)
    return max(options, key=lambda option: _score(token, name(option)))


def choose_order(rng: random.Random, options: Iterable[T], count: int, name: Callable[[T], str] = str) -> list[T]:
    """The first `count` of the options in a random order."""
    token = rng.getrandbits(64)
    return heapq.nlargest(count, options, key=lambda option: _score(token, name(option)))


def _score(token: int, name: str) -> int:
    mixed = token ^ _hash(name)
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _BITS  # the finalizer of SplitMix64
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _BITS
    return mixed ^ mixed >> 31


@functools.cache
def _hash(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
