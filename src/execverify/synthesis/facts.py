"""What conditions imply about whole numbers: whether a condition is decided by those around it, so that it has one outcome alone.

>>> facts = [holds("len(x) > 3")]
>>> [is_decided(facts, text) for text in ("len(x) >= 2", "len(x) <= 3", "len(x) < 6", "len(y) > 3", "n % 3 < 0")]
[True, True, False, False, True]
"""

import functools
import operator
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

_NUMBERS = range(-60, 120)
_SIGNS: dict[str, Callable[[int, int], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_SUBJECT = r"(?P<subject>(?:(?! and | or | in | if |not )[^<>=!%])+?)"
_COMPARISON = re.compile(rf"{_SUBJECT}(?: % (?P<divisor>[1-9]\d*))? (?P<sign>[<>]=?|[!=]=) (?P<limit>-?\d+)")
_BETWEEN = re.compile(rf"(?P<low>-?\d+) <= {_SUBJECT} <= (?P<high>-?\d+)")


class Fact(NamedTuple):
    """The text of an expression, and which numbers it can be: bit i stands for number i of `_NUMBERS`."""

    subject: str
    numbers: int


def holds(condition: str, truth: bool = True) -> Fact | None:
    """What is known where a condition holds, or does not; None if that is nothing about a number."""
    if (found := _COMPARISON.fullmatch(condition)) is not None:
        numbers = _compared(found["sign"], int(found["limit"]), int(found["divisor"] or 0))
    elif (found := _BETWEEN.fullmatch(condition)) is not None:
        numbers = within(found["subject"], int(found["low"]), int(found["high"])).numbers
    else:
        return None
    everything = _possible(found["subject"])
    return Fact(found["subject"], numbers & everything if truth else ~numbers & everything)


def within(subject: str, low: int, high: int) -> Fact:
    """That an expression is a number from `low` to `high`."""
    return Fact(subject, sum(1 << index for index, number in enumerate(_NUMBERS) if low <= number <= high))


def is_decided(facts: Iterable[Fact], condition: str) -> bool:
    """Whether a condition always has the same outcome where some facts hold."""
    fact = holds(condition)
    if fact is None:
        return False
    known = _possible(fact.subject)
    for other in facts:
        if other.subject == fact.subject:
            known &= other.numbers
    return not known & fact.numbers or not known & ~fact.numbers


@functools.cache
def _compared(sign: str, limit: int, divisor: int) -> int:
    compare = _SIGNS[sign]
    return sum(1 << index for index, number in enumerate(_NUMBERS) if compare(number % divisor if divisor else number, limit))


def _possible(subject: str) -> int:
    return _LENGTHS if subject.startswith("len(") and subject.endswith(")") else _ALL


_ALL = (1 << len(_NUMBERS)) - 1
_LENGTHS = within("", 0, _NUMBERS[-1]).numbers
