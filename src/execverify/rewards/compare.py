"""The one comparison of values: by type and content, all the way down.

`True` is not `1`, `1` is not `1.0`, a list is not a tuple; the order of sets and of dict keys does not matter. Two floats
are equal where they are the same number: NaN is NaN, and `0.0` is not `-0.0` (they print differently, and `1 / x` tells them
apart). With a tolerance, finite floats may differ by that much, relative to the larger or absolute below 1; integers
never may.
"""

import math

from execverify.programs.literals import equality_key


def same_value(given: object, expected: object, float_tolerance: float = 0.0) -> bool:
    """Whether two plain values are equal by type and content. An opaque value equals nothing."""
    ours, theirs = equality_key(given), equality_key(expected)
    if ours is None or theirs is None:
        return False
    return ours == theirs or (float_tolerance > 0 and _close(given, expected, float_tolerance))


def _close(given: object, expected: object, tolerance: float) -> bool:
    if type(given) is not type(expected):
        return False
    if isinstance(given, float) and isinstance(expected, float):
        return _near(given, expected, tolerance)
    if isinstance(given, complex) and isinstance(expected, complex):
        return _near(given.real, expected.real, tolerance) and _near(given.imag, expected.imag, tolerance)
    if isinstance(given, list | tuple) and isinstance(expected, list | tuple):
        return len(given) == len(expected) and all(_close(a, b, tolerance) for a, b in zip(given, expected, strict=True))
    if isinstance(given, dict) and isinstance(expected, dict):
        ours = {equality_key(key): value for key, value in given.items()}
        theirs = {equality_key(key): value for key, value in expected.items()}
        return ours.keys() == theirs.keys() and all(_close(ours[key], theirs[key], tolerance) for key in ours)
    return equality_key(given) == equality_key(expected)


def _near(given: float, expected: float, tolerance: float) -> bool:
    if given == expected or (given != given and expected != expected):
        return True
    if math.isinf(given) or math.isinf(expected):
        return False
    return abs(given - expected) <= tolerance * max(1.0, abs(given), abs(expected))
