"""The one comparison of values: by type and content, all the way down.

`True` is not `1`, `1` is not `1.0`, a list is not a tuple; the order of sets and of dict keys does not matter. Two floats
are equal where they are the same number: NaN is NaN, and `0.0` is not `-0.0` (they print differently, and `1 / x` tells them
apart). With a tolerance, finite floats may differ by that much, relative to the larger or absolute below 1; integers
never may.
"""

import functools
import math

from execverify.errors import LiteralError
from execverify.programs.literals import parse_literal
from execverify.programs.values import MAX_TEXT, equality_key


def same_value(given: object, expected: object, float_tolerance: float = 0.0, *, limit: int = MAX_TEXT) -> bool:
    """Whether two plain values are equal by type and content.

    An opaque value equals nothing; nor does one whose canonical text is longer than `limit` characters.
    """
    ours, theirs = equality_key(given, limit), equality_key(expected, limit)
    if ours is None or theirs is None:
        return False
    return ours == theirs or (float_tolerance > 0 and _close(given, expected, float_tolerance, limit))


def _close(given: object, expected: object, tolerance: float, limit: int) -> bool:
    if type(given) is not type(expected):
        return False
    if isinstance(given, float) and isinstance(expected, float):
        return is_near(given, expected, tolerance)
    if isinstance(given, complex) and isinstance(expected, complex):
        return is_near(given.real, expected.real, tolerance) and is_near(given.imag, expected.imag, tolerance)
    if isinstance(given, list | tuple) and isinstance(expected, list | tuple):
        return len(given) == len(expected) and all(_close(a, b, tolerance, limit) for a, b in zip(given, expected, strict=True))
    if isinstance(given, dict) and isinstance(expected, dict):
        ours = {equality_key(key, limit): value for key, value in given.items()}
        theirs = {equality_key(key, limit): value for key, value in expected.items()}
        return ours.keys() == theirs.keys() and all(_close(ours[key], theirs[key], tolerance, limit) for key in ours)
    return equality_key(given, limit) == equality_key(expected, limit)


def is_near(given: float, expected: float, tolerance: float) -> bool:
    """Whether two floats are the same number, or finite and within a tolerance: relative to the larger, absolute below 1."""
    if given == expected or (given != given and expected != expected):
        return True
    if math.isinf(given) or math.isinf(expected):
        return False
    return abs(given - expected) <= tolerance * max(1.0, abs(given), abs(expected))


def is_value(given: object, literal: str, float_tolerance: float = 0.0) -> bool:
    """Whether a plain value is the one that a trusted literal writes down.

    Raises:
        LiteralError: the literal's own value is too long or too deep to be compared.
    """
    if equality_key(given) == literal_key(literal):
        return True
    return float_tolerance > 0 and same_value(given, parse_literal(literal), float_tolerance)


@functools.lru_cache(maxsize=65536)  # reference answers come again with every rollout, so each is read once
def literal_key(literal: str) -> str:
    """The equality key of a trusted literal.

    Raises:
        LiteralError: its value is too long or too deep to be compared.
    """
    return comparable(equality_key(parse_literal(literal)))


def comparable(key: str | None) -> str:
    """An equality key that is there.

    Raises:
        LiteralError: it is not.
    """
    if key is None:
        raise LiteralError("the task's own value is opaque: it is too long or too deep to be compared")
    return key
