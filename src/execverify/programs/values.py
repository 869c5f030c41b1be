"""Values as text: the canonical literal of a plain value. The way back is `programs/literals.py`.

Everything that leaves a confined process, stands in a row, or is written by a model is *text*; here is the one place where a value
becomes text.

A *plain* value is exactly one of: NoneType, bool, int, float, complex, str, bytes, bytearray, range, ellipsis, list,
tuple, dict, set, frozenset, nested in each other. Subclasses are not plain: `MyInt(3)` is not `3`. What has no literal
that reads back as an equal value of the same type is *opaque*: it keeps its type name and the reason, and no text.

    >>> to_value({2, 1})
    Value(type='set', text='{1, 2}', opaque_reason=None)
    >>> to_value(float("inf")).text
    "float('inf')"
    >>> to_value(len)
    Value(type='builtin_function_or_method', text=None, opaque_reason='object')
"""

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

MAX_TEXT = 10_000
"""Longest canonical text, in characters; a longer value is opaque, never cut."""

MAX_DEPTH = 64
"""Deepest nesting of containers. CPython's own parser refuses 200 brackets; a value must survive being written."""

MAX_INT_BITS = 14_000
"""Largest integer that is written in decimal, in bits: 4,215 digits, under the 4,300 that CPython converts to text."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value as data: the exact type name and the canonical literal.

    Attributes:
        type: `type(x).__name__`.
        text: literal that evaluates to an equal value of the same type; None where the value is opaque.
        opaque_reason: None, or why there is no text: "object" (no literal exists), "subclass" (of a plain type), "too long",
            "too deep", "cycle", or "nan" (a NaN as a set element or dict key cannot be compared).
    """

    type: str
    text: str | None
    opaque_reason: str | None = None

    def __str__(self) -> str:
        """`value; type`, the form of a state answer."""
        return f"{self.text}; {self.type}" if self.text is not None else f"<{self.opaque_reason}>; {self.type}"


class _NotLiteral(Exception):
    """Raised inside the writer when a part has no literal; its argument is the reason."""


_repr = repr  # bound here: a program may patch what the builtins hold
_TYPE_NAME = type.__dict__["__name__"].__get__  # a metaclass cannot lie to this one
_PLAIN = (int, str, float, complex, bytes, bytearray, range, list, tuple, dict, set, frozenset)
_SMALL = 10**18  # integers whose repr is sure to be short
_FEW = 1_000  # items, or characters, whose repr is sure to be short

# Types are distinguished by identity: to look one up in a dict or a set would run its metaclass's __hash__.
_TEXT, _INTEGER, _WORDS = {id(str)}, {id(int)}, {id(bool), id(type(None))}


def to_value(obj: object, limit: int = MAX_TEXT) -> Value:
    """The `Value` of any object. Runs no code of the object's own: only exact built-in types are looked into.

    A value whose text would be longer than `limit` characters is opaque; so is an integer of more than 4,215 decimal digits.
    With a limit above `MAX_TEXT`, such an integer is written in hexadecimal, which Python converts without a limit of its own.
    """
    return Value(*to_fields(obj, limit))


def to_fields(obj: object, limit: int = MAX_TEXT) -> tuple[str, str | None, str | None]:
    """The fields of an object's `Value`: type name, literal, reason why it is opaque."""
    quick = _QUICK.get(id(type(obj)))
    if quick is not None and (text := quick(obj)) is not None:
        return type(obj).__name__, text, None
    try:
        text = _written(obj, comparing=False, limit=limit)
    except _NotLiteral as why:
        return _TYPE_NAME(type(obj)), None, str(why)
    return type(obj).__name__, text, None


# Most values of most programs are small and simple, and their repr is the canonical text. Each of these returns that text, or None.


def _quick_text(obj: str) -> str | None:
    return _repr(obj) if len(obj) < _FEW else None


def _quick_integer(obj: int) -> str | None:
    return _repr(obj) if -_SMALL < obj < _SMALL else None


def _quick_items(obj: Collection[Any]) -> str | None:
    return _repr(obj) if _is_simple(obj) else None


def _is_simple(items: Collection[Any]) -> bool:
    """Whether items are few, and all short texts, or all small integers, or all truth values and None."""
    if len(items) > _FEW:
        return False
    kinds = set(map(id, map(type, items)))
    if kinds == _TEXT:
        return sum(map(len, items)) < _FEW
    if kinds == _INTEGER:
        return bool(min(items) > -_SMALL and max(items) < _SMALL)
    return kinds <= _WORDS


_QUICK: dict[int, Callable[[Any], str | None]] = {
    id(int): _quick_integer,
    id(str): _quick_text,
    id(bool): _repr,
    id(type(None)): _repr,
    id(list): _quick_items,
    id(tuple): _quick_items,
}


def equality_key(obj: object, limit: int = MAX_TEXT) -> str | None:
    """Text that two plain values share where type and content are equal all the way down, and only there.

    It is the canonical literal with dict keys in sorted order; None for an opaque value, which equals nothing.
    """
    try:
        return _written(obj, comparing=True, limit=limit)
    except _NotLiteral:
        return None


def _written(obj: object, *, comparing: bool, limit: int) -> str:
    text = _LiteralWriter(comparing, limit).write(obj, ())
    if len(text) > limit:
        raise _NotLiteral("too long")
    return text


class _LiteralWriter:
    """Writes one value.

    Attributes:
        comparing: whether to write the same for all equal values: dict keys sorted, ranges and zeros in one form.
        limit: most characters of the text.
        spent: bounds the work on huge values before their text exists.
        keys: how many dict keys and set elements we are inside of; a NaN there cannot be compared.
    """

    def __init__(self, comparing: bool, limit: int) -> None:
        self.comparing = comparing
        self.limit = limit
        self.spent = 0
        self.keys = 0

    def write(self, obj: object, above: tuple[int, ...]) -> str:
        writer = _WRITERS.get(id(type(obj)))
        if writer is None:
            raise _NotLiteral("subclass" if issubclass(type(obj), _PLAIN) else "object")
        return writer(self, obj, above)

    def write_key(self, obj: object, above: tuple[int, ...]) -> str:
        self.keys += 1
        text = self.write(obj, above)
        self.keys -= 1
        return text

    def spend(self, amount: int) -> None:
        self.spent += amount
        if self.spent > self.limit:
            raise _NotLiteral("too long")

    def integer(self, obj: int, _: object) -> str:
        if -_SMALL < obj < _SMALL:
            return _repr(obj)
        if obj.bit_length() <= MAX_INT_BITS:
            return _repr(obj)
        if self.limit <= MAX_TEXT:
            raise _NotLiteral("too long")
        self.spend(obj.bit_length() // 4)
        return hex(obj)

    def sized(self, obj: str | bytes, _: object) -> str:
        self.spend(len(obj))
        return _repr(obj)

    def real(self, obj: float, _: object) -> str:
        if math.isfinite(obj):
            return _repr(obj)
        if obj != obj and self.keys:
            raise _NotLiteral("nan")
        return f"float('{obj!r}')"

    def imaginary(self, obj: complex, _: object) -> str:
        # The sign of a zero part is not kept: Python's own `-2j` reads back as (-0-2j). Infinities and NaN have no literal.
        obj = complex(obj.real + 0.0, obj.imag + 0.0)
        if math.isfinite(obj.real) and math.isfinite(obj.imag):
            return _repr(obj)
        return f"complex({self.real(obj.real, ())}, {self.real(obj.imag, ())})"

    def fixed(self, obj: object, _: object) -> str:
        return _repr(obj)

    def span(self, obj: range, _: object) -> str:
        if self.comparing:
            obj = _normal(obj)
        start, stop, step = (self.integer(bound, ()) for bound in (obj.start, obj.stop, obj.step))
        return f"range({start}, {stop})" if obj.step == 1 else f"range({start}, {stop}, {step})"

    def items(self, obj: list[object] | tuple[object, ...], above: tuple[int, ...]) -> str:
        if not obj:
            return _repr(obj)
        self.spend(2 * len(obj))
        if _is_simple(obj):
            return _repr(obj)
        above = self.enter(obj, above)
        parts = ", ".join([self.write(item, above) for item in obj])
        if type(obj) is list:
            return f"[{parts}]"
        return f"({parts},)" if len(obj) == 1 else f"({parts})"

    def mapping(self, obj: dict[object, object], above: tuple[int, ...]) -> str:
        self.spend(4 * len(obj))
        if not self.comparing and _is_simple(obj) and _is_simple(obj.values()):
            return _repr(obj)
        above = self.enter(obj, above)
        pairs = [(self.write_key(key, above), self.write(value, above)) for key, value in obj.items()]
        if self.comparing:
            pairs.sort()
        return "{" + ", ".join([f"{key}: {value}" for key, value in pairs]) + "}"

    def unordered(self, obj: set[object] | frozenset[object], above: tuple[int, ...]) -> str:
        name = type(obj).__name__
        if not obj:
            return f"{name}()"
        self.spend(2 * len(obj))
        above = self.enter(obj, above)
        written = [(self.write_key(item, above), item) for item in obj]
        inner = "{" + ", ".join(_in_order(written)) + "}"
        return inner if name == "set" else f"frozenset({inner})"

    def enter(self, obj: object, above: tuple[int, ...]) -> tuple[int, ...]:
        """One container deeper; `above` holds the ids of the containers we are inside of (all alive, so ids are safe)."""
        if id(obj) in above:
            raise _NotLiteral("cycle")
        if len(above) >= MAX_DEPTH:
            raise _NotLiteral("too deep")
        return (*above, id(obj))


_WRITERS: dict[int, Callable[[_LiteralWriter, Any, Any], str]] = {
    id(int): _LiteralWriter.integer,
    id(str): _LiteralWriter.sized,
    id(bytes): _LiteralWriter.sized,
    id(bytearray): _LiteralWriter.sized,
    id(float): _LiteralWriter.real,
    id(complex): _LiteralWriter.imaginary,
    id(bool): _LiteralWriter.fixed,
    id(type(None)): _LiteralWriter.fixed,
    id(type(Ellipsis)): _LiteralWriter.fixed,
    id(range): _LiteralWriter.span,
    id(list): _LiteralWriter.items,
    id(tuple): _LiteralWriter.items,
    id(dict): _LiteralWriter.mapping,
    id(set): _LiteralWriter.unordered,
    id(frozenset): _LiteralWriter.unordered,
}


def _normal(obj: range) -> range:
    """The one range that stands for all with the same items. (`len` and `obj[0]` of a range fail beyond 2**63.)"""
    start, step = obj.start, obj.step
    count = max(0, (obj.stop - start + step - (1 if step > 0 else -1)) // step)
    if count < 2:
        return range(start, start + 1) if count else range(0)
    return range(start, start + count * step, step)


def _in_order(written: list[tuple[str, object]]) -> list[str]:
    """Set elements in an order that no hash seed changes: by value where one type, else by type name and text.

    (All elements have been written, so all are plain and may be compared.)
    """
    kinds = {type(item) for _, item in written}
    if len(kinds) == 1 and kinds <= {int, str, float, bytes}:
        return [text for text, _ in sorted(written, key=lambda pair: pair[1])]  # type: ignore[arg-type, return-value]
    return [text for text, _ in sorted(written, key=lambda pair: (type(pair[1]).__name__, pair[0]))]
