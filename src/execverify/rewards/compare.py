"""Comparisons of code answers: `same_json`, of a result with one that JSON wrote down, and `same_output`, of printed text."""

import math
import re
from decimal import Decimal

from execverify.programs.equality import is_near, same_value
from execverify.programs.values import MAX_INT_BITS, MAX_TEXT


def too_long(given: str, expected: str) -> bool:
    """Whether one literal is so much longer than another, both canonical, that they cannot be equal: it need not be parsed.

    The canonical texts of values that are equal, under any comparison here, differ by a few characters an item: a tuple's comma,
    a key's quotes, the digits of a float within a tolerance (24 for `0.0`).
    """
    return len(given) > 100 + 24 * len(expected)


# ------------------------------------------------------------------------------------------------- results against JSON


def same_json(given: object, expected: object, float_tolerance: float = 0.0, *, limit: int = MAX_TEXT) -> bool:
    """Whether a result is the value that a JSON text writes down.

    JSON has no tuples and no keys but text. So a tuple in the result, at any depth of lists, tuples and dict values, is
    as good as a list, and an int key as good as its decimal text (unless the dict holds that text too). All else is exact:
    `True` is not `1`, `1` is not `1.0`, a set is not a list, and no other key is text.

    Args:
        given: the result, a plain value.
        expected: the value that the JSON text gave.
        float_tolerance, limit: as for `same_value`.
    """
    return same_value(_as_json(given), expected, float_tolerance, limit=limit)


def _as_json(value: object) -> object:
    if isinstance(value, list | tuple):
        return [_as_json(item) for item in value]
    if isinstance(value, dict):
        keys = [_key_text(key) if type(key) is int else key for key in value]
        if len(set(keys)) == len(keys):
            return {key: _as_json(part) for key, part in zip(keys, value.values(), strict=True)}
    return value


def _key_text(key: int) -> object:
    """An int key as JSON would write it; the key itself where that takes more digits than CPython converts."""
    return str(key) if key.bit_length() <= MAX_INT_BITS else key


# ------------------------------------------------------------------------------------------------------ printed outputs

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_FLOAT = re.compile(_NUMBER)
_PARTS = re.compile(f"((?<![0-9A-Za-z_.]){_NUMBER}(?![0-9A-Za-z_.]))")
"""Numbers in a token that stand by themselves, and the texts around them."""

EXACT_LINES, TOKENS, FLOAT_TOKENS = "exact_lines", "tokens", "float_tokens"
OUTPUT_RULES = (EXACT_LINES, TOKENS, FLOAT_TOKENS)
"""How printed outputs are compared, by name.

- `exact_lines`: line by line, see `output_lines`; with a tolerance, lines that differ token by token.
- `tokens`: by what stands between blanks and ends of lines, in order; with a tolerance, numbers by value.
- `float_tokens`: the same, with a tolerance of 1e-6 where no other is given.
"""

FLOAT_TOLERANCE = 1e-6
"""The tolerance of `float_tokens`."""


def output_lines(text: str) -> list[str]:
    """The lines of a printed text, without blanks (spaces, tabs, carriage returns) at their ends or empty lines at its end."""
    lines = [line.rstrip(" \t\r") for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def same_output(given: str, expected: str, float_tolerance: float = 0.0) -> bool:
    """Whether two printed texts have the same lines, as `output_lines` cuts them.

    With a tolerance, lines that differ are compared token by token (tokens stand between blanks): two tokens are equal as
    texts, or, where both are decimal numbers and the expected one is written as a float, by value within the tolerance. An
    expected integer is met by its own value alone, however that is written and however large it is.
    """
    return first_difference(output_lines(given), output_lines(expected), float_tolerance) is None


def output_parts(text: str, rule: str) -> list[str]:
    """The parts of a printed text that a rule compares: lines, or tokens."""
    return output_lines(text) if rule == EXACT_LINES else text.split()


def tolerance_of(rule: str, float_tolerance: float) -> float:
    """The tolerance for numbers under a rule, where a setting asks for this one."""
    return float_tolerance or (FLOAT_TOLERANCE if rule == FLOAT_TOKENS else 0.0)


def first_difference(given: list[str], expected: list[str], float_tolerance: float = 0.0) -> int | None:
    """Index of the first line in which two outputs differ; None where they are the same."""
    for index, (ours, theirs) in enumerate(zip(given, expected, strict=False)):
        if ours != theirs and not (float_tolerance > 0 and _close_lines(ours, theirs, float_tolerance)):
            return index
    return None if len(given) == len(expected) else min(len(given), len(expected))


def _close_lines(given: str, expected: str, tolerance: float) -> bool:
    ours, theirs = given.split(), expected.split()
    return len(ours) == len(theirs) and all(_close_tokens(a, b, tolerance) for a, b in zip(ours, theirs, strict=True))


def _close_tokens(given: str, expected: str, tolerance: float) -> bool:
    """Whether two tokens are the same, or numbers in the same text: `0.3` and `[0.30000000000000004,`."""
    if given == expected:
        return True
    ours, theirs = _PARTS.split(given), _PARTS.split(expected)
    if len(ours) != len(theirs) or ours[::2] != theirs[::2]:
        return False
    return all(_close_numbers(a, b, tolerance) for a, b in zip(ours[1::2], theirs[1::2], strict=True))


def _close_numbers(given: str, expected: str, tolerance: float) -> bool:
    if given == expected:
        return True
    if not _FLOAT.fullmatch(given) or not _FLOAT.fullmatch(expected):
        return False
    if _INTEGER.fullmatch(expected):
        # As decimals: exact, and without the limit of digits that `int` has.
        exponent = given.lower().partition("e")[2]
        return not _INTEGER.fullmatch(given) and len(exponent) <= 4 and Decimal(given) == Decimal(expected)
    ours, theirs = float(given), float(expected)
    return math.isfinite(ours) and math.isfinite(theirs) and is_near(ours, theirs, tolerance)
