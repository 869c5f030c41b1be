"""Values that are close to a value and are not it: what a wrong answer is made of.

Whether two values are the same is decided here anew, not by `rewards.compare`: an attack must not be judged by the
function that it tests.
"""

import itertools
import math
from collections.abc import Callable, Iterator

from execverify.programs.values import to_value

Change = Callable[[object], Iterator[object]]
"""Gives other values for a value; what it gives may turn out to be the same."""

_MOST = 12  # values that one change gives for one value
_LONGEST = 2_000  # elements of a container that is looked into


def same(first: object, second: object) -> bool:
    """Whether two plain values are equal by type and content, all the way down."""
    return _typed(first) == _typed(second)


def _typed(value: object) -> object:
    """A hashable stand-in, equal for values of the same type and content and for no others."""
    name = type(value).__name__
    if isinstance(value, float):
        return name, "nan" if math.isnan(value) else value.hex()
    if isinstance(value, complex):
        return name, _typed(value.real), _typed(value.imag)
    if isinstance(value, list | tuple):
        return name, tuple(map(_typed, value))
    if isinstance(value, set | frozenset):
        return name, frozenset(map(_typed, value))
    if isinstance(value, dict):
        return name, frozenset((_typed(key), _typed(item)) for key, item in value.items())
    return name, bytes(value) if isinstance(value, bytearray) else value


def wrong_literals(value: object, *changes: Change) -> Iterator[str]:
    """Literals of what the changes make of a value or of one part of it, and that are not the value."""
    for change in changes:
        others = itertools.islice(_changed(value, change), _MOST)
        yield from (text for other in others if not same(other, value) and (text := to_value(other).text) is not None)


def _changed(value: object, change: Change) -> Iterator[object]:
    """The value changed, and copies of it with one part changed."""
    yield from change(value)
    if isinstance(value, list | tuple) and len(value) <= _LONGEST:
        for i, item in enumerate(value):
            for other in _changed(item, change):
                yield type(value)([*value[:i], other, *value[i + 1 :]])
    if isinstance(value, dict) and len(value) <= _LONGEST:
        for key, item in value.items():
            yield from ({**value, key: other} for other in _changed(item, change))
            yield from (_renamed(value, key, other) for other in change(key) if _hashable(other))


def _renamed(value: dict[object, object], key: object, other: object) -> dict[object, object]:
    return {other if old is key else old: item for old, item in value.items()}


def _hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def in_order(value: set[object] | frozenset[object]) -> list[object]:
    """The elements in an order that no hash seed changes."""
    return sorted(value, key=lambda item: str(to_value(item).text))


# ---------------------------------------------------------------------------------------------------------------- changes


def retyped_numbers(value: object) -> Iterator[object]:
    """1, True, 1.0 and 1+0j, each for the others."""
    if isinstance(value, int):
        yield from (int(value), bool(value))
        if value.bit_length() < 1000:
            yield from (float(value), complex(value))
    elif isinstance(value, float):
        yield complex(value)
        if math.isfinite(value):
            yield int(value)


def retyped_sequences(value: object) -> Iterator[object]:
    """List, tuple and range, each for the others."""
    if isinstance(value, list | tuple | range) and len(value) <= _LONGEST:
        yield from (list(value), tuple(value), dict(enumerate(value)))


def retyped_sets(value: object) -> Iterator[object]:
    """Set and frozenset, each for the other; lists and dicts for both."""
    if isinstance(value, set | frozenset):
        yield from (set(value), frozenset(value), in_order(value), dict.fromkeys(in_order(value)))


def retyped_text(value: object) -> Iterator[object]:
    """Text, bytes and bytearray, each for the others."""
    if isinstance(value, str):
        data = value.encode("utf-8", "surrogatepass")
        yield from (data, bytearray(data), list(value))
    elif isinstance(value, bytes | bytearray):
        yield from (bytes(value), bytearray(value), value.decode("latin-1"), list(value))


def retyped_dicts(value: object) -> Iterator[object]:
    """A dict's items, keys or values alone."""
    if isinstance(value, dict):
        yield from (list(value.items()), list(value), list(value.values()), tuple(value.items()))


def falsy_values(value: object) -> Iterator[object]:
    """All that is false, each for the others."""
    if value is None or value in (0, "", (), b"") or value in ([], {}, set(), frozenset()):
        yield from (None, False, 0, 0.0, "", [], (), {}, set(), "None")


def signs(value: object) -> Iterator[object]:
    """The number with the other sign, zeros too."""
    if isinstance(value, int | float | complex):
        yield -value


def adjacent_values(value: object) -> Iterator[object]:
    """The value next to it: one more, one less, one element too many or too few."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, value - 1, value * 10)
    elif isinstance(value, float):
        yield from (math.nextafter(value, math.inf), math.nextafter(value, -math.inf), value + 1, round(value, 1))
    elif isinstance(value, str):
        yield from (f"{value} ", f" {value}", value[:-1], value[::-1], value.swapcase(), value.strip(), f"{value}\n")
    elif isinstance(value, bytes | bytearray):
        yield from (value[:-1], value[::-1], value + value[:1], value[1:])
    elif isinstance(value, list | tuple):
        items = list(value)
        yield from map(type(value), (items[:-1], items[::-1], items + items[:1], items[1:] + items[:1]))
    elif isinstance(value, dict):
        pairs = list(value.items())
        yield from (dict(pairs[1:]), dict(pairs[:-1]), dict(zip(value, [item for _, item in pairs[::-1]], strict=True)))
    elif isinstance(value, set | frozenset):
        yield from (type(value)(in_order(value)[1:]), value | {"and more"})
    elif isinstance(value, range):
        yield from (range(value.start, value.stop + value.step, value.step), range(value.start + 1, value.stop, value.step))


def not_numbers(value: object) -> Iterator[object]:
    """NaN and the infinities for every float, and for all else."""
    yield from (math.nan, math.inf, -math.inf)


def wrapped(value: object) -> Iterator[object]:
    """The value one container deeper, or one less deep."""
    yield from ([value], (value,), [[value]], {0: value})
    if isinstance(value, list | tuple | str) and value:
        yield value[0]


def written(value: object) -> Iterator[object]:
    """The text of the value for the value."""
    if isinstance(value, str | bytes | int | float | complex | None):
        yield str(value)
    yield to_value(value).text


def emptied(value: object) -> Iterator[object]:
    """The empty or zero value of the same type."""
    if isinstance(value, bool | int | float | complex | str | bytes | bytearray | list | tuple | dict | set | frozenset):
        yield type(value)()


def common_guesses(value: object) -> Iterator[object]:
    """What is often right."""
    yield from (None, True, False, 0, 1, -1, 2, "", [], {}, (), set(), 0.0, "None", "a", Ellipsis)
