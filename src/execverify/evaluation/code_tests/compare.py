"""Whether a result is the reference's: by the authors' rule with its tolerances, and strictly. Both have crossed as plain data."""

import math
from collections.abc import Iterator
from typing import Any

from execverify.evaluation.code_tests.problem import LONGEST, Problem
from execverify.programs.values import equality_key

_RELATIVE, _FLOATS = 1e-7, 1e-6


def same_officially(problem: Problem, arguments: tuple[Any, ...], given: Any, known: Any, atol: float) -> tuple[bool, float]:
    """Whether a result is right by the authors' rule, and the tolerance from here on.

    Args:
        problem: whose result it is.
        arguments: what was given.
        given: the result, as it crossed.
        known: the reference's, as it crossed.
        atol: the tolerance so far.
    """
    rules, name = problem.rules, problem.entry_point
    out, exp = bare(given), bare(known)
    try:
        exact = bool(out == exp)
        if name in rules.not_none:
            there = exp is not None
            exact = out == there if isinstance(out, bool) else there == (out is not None)
            exp = there
        elif name in rules.as_sets:
            exact = set(out) == set(exp)
        elif name in rules.also:
            exact = exact or rules.also[name](arguments, out, exp, atol)
        elif name in rules.instead:
            return rules.instead[name](arguments, out, exp, atol), atol
        if atol == 0 and _is_floats(known):
            atol = _FLOATS
        return exact or (atol != 0 and _alike(given, known) and all_close(out, exp, atol)), atol
    except (TypeError, ValueError, OverflowError, ArithmeticError):
        return False, atol


def same_strictly(problem: Problem, arguments: tuple[Any, ...], given: Any, known: Any) -> bool:
    """Whether a result has the type and content of the reference's."""
    rules, name = problem.rules, problem.entry_point
    if name in rules.instead:
        return type(given) is type(known) and same_officially(problem, arguments, given, known, problem.atol)[0]
    ours, theirs = equality_key(given, LONGEST), equality_key(known, LONGEST)
    if name in rules.as_sets and type(given) is type(known) and isinstance(given, list | tuple | set):
        keys = [sorted(str(equality_key(part, LONGEST)) for part in side) for side in (given, known)]
        return keys[0] == keys[1]
    return ours is not None and ours == theirs


def bare(value: Any) -> Any:
    """A result without the names of subclasses, as `==` sees it."""
    match value:
        case ("<like>", str(), inner):
            return bare(inner)
        case ("<int>", str(digits)):
            return int(digits, 16)
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(bare(part) for part in value)
    if type(value) is dict:
        return {bare(key): bare(part) for key, part in value.items()}
    return value


def _is_floats(value: Any) -> bool:
    if isinstance(value, list | tuple) and value and not _is_marked(value):
        return all(_is_float(part) for part in value)
    return _is_float(value)


def _is_float(value: Any) -> bool:
    return isinstance(bare(value), float)


def _is_marked(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) > 1 and isinstance(value[0], str) and value[0].startswith("<")


def _alike(given: Any, known: Any) -> bool:
    """Whether two results have the same type, and the same length where they are sequences."""
    if _is_marked(given) or _is_marked(known):
        if not (_is_marked(given) and _is_marked(known) and given[:2] == known[:2]):
            return False
        given, known = bare(given), bare(known)
    if type(given) is not type(known):
        return False
    return not isinstance(known, list | tuple) or len(given) == len(known)


def all_close(given: Any, known: Any, atol: float) -> bool:
    """numpy's `allclose` for numbers and nested sequences of them, with a relative tolerance of 1e-7.

    Raises:
        TypeError: there are other things than numbers in them.
        ValueError: they are ragged, or their shapes do not go together.
    """
    ours, theirs = _shape(given), _shape(known)
    rank = max(len(ours), len(theirs))
    left, right = ((1,) * (rank - len(shape)) + shape for shape in (ours, theirs))
    if any(a != b and 1 not in (a, b) for a, b in zip(left, right, strict=True)):
        raise ValueError("shapes that do not go together")
    return all(_near(a, b, atol) for a, b in _paired(given, known, len(ours), len(theirs)))


def _shape(value: Any, inside: bool = False) -> tuple[int, ...]:
    """The shape of an array; numpy takes a large integer by itself, and none in an array."""
    if not isinstance(value, list | tuple | range):
        large = inside and isinstance(value, int) and not -(2**63) <= value < 2**64
        if large or not isinstance(value, int | float | complex):
            raise TypeError("no number that numpy has")
        return ()
    shapes = {_shape(part, True) for part in value}
    if len(shapes) > 1:
        raise ValueError("ragged")
    return (len(value), *(shapes.pop() if shapes else ()))


def _paired(one: Any, other: Any, depth: int, below: int) -> Iterator[tuple[Any, Any]]:
    if depth == below == 0:
        yield one, other
    elif depth > below:
        for part in one:
            yield from _paired(part, other, depth - 1, below)
    elif below > depth:
        for part in other:
            yield from _paired(one, part, depth, below - 1)
    else:
        length = 0 if 0 in (len(one), len(other)) else max(len(one), len(other))
        for at in range(length):
            yield from _paired(one[at if len(one) > 1 else 0], other[at if len(other) > 1 else 0], depth - 1, below - 1)


def _near(given: complex, known: complex, atol: float) -> bool:
    if given == known:
        return True
    finite = all(map(math.isfinite, (known.real, known.imag)))
    return finite and abs(given - known) <= atol + _RELATIVE * abs(known)
