"""Values as text: the canonical literal of a plain value, and the way back.

Everything that leaves a confined process, stands in a row, or is written by a model is *text*. This module is the one
place where text becomes a value (`parse_literal`) and a value becomes text (`value_of`), so that a gold answer, an
argument and a model's answer are all read by the same rules. Nothing is ever evaluated: `parse_literal` walks the syntax
tree and builds values from constants alone.

A *plain* value is exactly one of: NoneType, bool, int, float, complex, str, bytes, bytearray, range, ellipsis, list,
tuple, dict, set, frozenset, nested in each other. Subclasses are not plain: `MyInt(3)` is not `3`. What has no literal
that reads back as an equal value of the same type is *opaque*: it keeps its type name and the reason, and no text.

    >>> value_of({2, 1})
    Value(type='set', text='{1, 2}', opaque=None)
    >>> value_of(float("inf")).text
    "float('inf')"
    >>> parse_literal("frozenset({1, 2})") == frozenset({1, 2})
    True
    >>> value_of(len)
    Value(type='builtin_function_or_method', text=None, opaque='object')
"""

import ast
import math
import re
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from execverify.errors import LiteralError

MAX_TEXT = 10_000
"""Longest canonical text, in characters; a longer value is opaque, never cut."""

MAX_DEPTH = 64
"""Deepest nesting of containers. CPython's own parser refuses 200 brackets; a value must survive being written."""

_MAX_INT_BITS = 14_000  # 4,215 decimal digits: under the 4,300 that CPython converts to text


@dataclass(frozen=True, slots=True)
class Value:
    """A value as data: the exact type name and the canonical literal.

    Attributes:
        type: `type(x).__name__`.
        text: literal that evaluates to an equal value of the same type; None where the value is opaque.
        opaque: None, or why there is no text: "object" (no literal exists), "subclass" (of a plain type), "too long",
            "too deep", "cycle", or "nan" (a NaN as a set element or dict key cannot be compared).
    """

    type: str
    text: str | None
    opaque: str | None = None

    def __str__(self) -> str:
        """`value; type`, the form of a state answer."""
        return f"{self.text}; {self.type}" if self.text is not None else f"<{self.opaque}>; {self.type}"


class _Opaque(Exception):
    """Raised inside the writer when a part has no literal; its argument is the reason."""


_repr = repr  # bound here: a program may patch what the builtins hold
_TYPE_NAME = type.__dict__["__name__"].__get__  # a metaclass cannot lie to this one
_PLAIN = (int, str, float, complex, bytes, bytearray, range, list, tuple, dict, set, frozenset)
_SMALL = 10**18  # integers whose repr is sure to be short
_CROWD = 100  # elements of one hash
_FEW = 1_000  # items, or characters, whose repr is sure to be short

# Types are told apart by identity: to look one up in a dict or a set would run its metaclass's __hash__.
_TEXT, _INTEGER, _WORDS = {id(str)}, {id(int)}, {id(bool), id(type(None))}


def value_of(obj: object, limit: int = MAX_TEXT) -> Value:
    """The `Value` of any object. Runs no code of the object's own: only exact built-in types are looked into.

    A value whose text would be longer than `limit` characters is opaque.
    """
    return Value(*describe(obj, limit))


def describe(obj: object, limit: int = MAX_TEXT) -> tuple[str, str | None, str | None]:
    """The fields of an object's `Value`: type name, literal, reason why it is opaque."""
    quick = _QUICK.get(id(type(obj)))
    if quick is not None and (text := quick(obj)) is not None:
        return type(obj).__name__, text, None
    try:
        text = _written(obj, comparing=False, limit=limit)
    except _Opaque as why:
        return _TYPE_NAME(type(obj)), None, str(why)
    return type(obj).__name__, text, None


# Most values of most programs are small and simple, and their repr is the canonical text. Each of these says so, or None.


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
    except _Opaque:
        return None


def _written(obj: object, *, comparing: bool, limit: int) -> str:
    text = _Writer(comparing, limit).write(obj, ())
    if len(text) > limit:
        raise _Opaque("too long")
    return text


class _Writer:
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
            raise _Opaque("subclass" if issubclass(type(obj), _PLAIN) else "object")
        return writer(self, obj, above)

    def write_key(self, obj: object, above: tuple[int, ...]) -> str:
        self.keys += 1
        text = self.write(obj, above)
        self.keys -= 1
        return text

    def spend(self, amount: int) -> None:
        self.spent += amount
        if self.spent > self.limit:
            raise _Opaque("too long")

    def integer(self, obj: int, _: object) -> str:
        if -_SMALL < obj < _SMALL:
            return _repr(obj)
        if obj.bit_length() > _MAX_INT_BITS:
            raise _Opaque("too long")
        return _repr(obj)

    def sized(self, obj: str | bytes, _: object) -> str:
        self.spend(len(obj))
        return _repr(obj)

    def real(self, obj: float, _: object) -> str:
        if math.isfinite(obj):
            return _repr(obj)
        if obj != obj and self.keys:
            raise _Opaque("nan")
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
        for bound in (obj.start, obj.stop, obj.step):
            self.integer(bound, ())
        if self.comparing:  # ranges are equal where their items are
            count = len(obj) if obj.stop.bit_length() < 62 > obj.start.bit_length() else 2
            obj = (
                range(0)
                if not count
                else range(obj[0], obj[0] + 1)
                if count == 1
                else range(obj[0], obj[-1] + obj.step, obj.step)
            )
        return _repr(obj)

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
            raise _Opaque("cycle")
        if len(above) >= MAX_DEPTH:
            raise _Opaque("too deep")
        return (*above, id(obj))


_WRITERS: dict[int, Callable[[_Writer, Any, Any], str]] = {
    id(int): _Writer.integer,
    id(str): _Writer.sized,
    id(bytes): _Writer.sized,
    id(bytearray): _Writer.sized,
    id(float): _Writer.real,
    id(complex): _Writer.imaginary,
    id(bool): _Writer.fixed,
    id(type(None)): _Writer.fixed,
    id(type(Ellipsis)): _Writer.fixed,
    id(range): _Writer.span,
    id(list): _Writer.items,
    id(tuple): _Writer.items,
    id(dict): _Writer.mapping,
    id(set): _Writer.unordered,
    id(frozenset): _Writer.unordered,
}


def _in_order(written: list[tuple[str, object]]) -> list[str]:
    """Set elements in an order that no hash seed changes: by value where one type, else by type name and text.

    (All elements have been written, so all are plain and may be compared.)
    """
    kinds = {type(item) for _, item in written}
    if len(kinds) == 1 and kinds <= {int, str, float, bytes}:
        return [text for text, _ in sorted(written, key=lambda pair: pair[1])]  # type: ignore[arg-type, return-value]
    return [text for text, _ in sorted(written, key=lambda pair: (type(pair[1]).__name__, pair[0]))]


# ---------------------------------------------------------------------------------------------------------------- reading

_NAMES = {"Ellipsis": Ellipsis}
_BUILDERS = frozenset({"set", "frozenset", "float", "complex", "range", "bytearray", "bytes"})
_FLOAT_WORDS = frozenset({"inf", "-inf", "+inf", "nan", "-nan", "infinity", "-infinity"})
MAX_SOURCE = 4 * MAX_TEXT
"""Longest text that is read as a literal where nothing else is said, in characters."""
_PARSED_NAME = "<execverify literal>"
_MAY_WARN = re.compile(r"\\|[\d.][A-Za-z_]")  # an escape, or a number that touches a letter as in `1if x`
_warnings_lock = threading.Lock()


def parse_literal(text: str, limit: int = MAX_SOURCE) -> object:
    """The value of a literal, typed exactly; nothing is evaluated.

    Takes all that `Value.text` can be: constants, containers, signs, `a+bj`, `set()`, `frozenset({..})`, `float('inf')`,
    `complex(a, b)`, `range(..)`, `bytearray(b'..')`, `Ellipsis`.

    Raises:
        LiteralError: the text is no such literal, or is longer than `limit` (four times `MAX_TEXT`) or deeper than
            `MAX_DEPTH`.
    """
    return literal_of(parse_expression(text, limit))


def parse_expression(text: str, limit: int = MAX_SOURCE) -> ast.expr:
    """Syntax tree of one expression, read without running anything; raises LiteralError if it is none."""
    tree = parse_quietly(text.strip(), "eval", limit)
    assert isinstance(tree, ast.Expression)
    return tree.body


def parse_quietly(text: str, mode: str, limit: int = MAX_SOURCE) -> ast.AST:
    """`ast.parse` for text of unknown origin: bounded, every failure a LiteralError, and no warning printed.

    CPython warns about odd escapes such as `'\\d'` while it parses; under `-W error` that would turn a right answer into
    a syntax error. The filter is narrow (our own file name), so that a race between threads leaves nothing behind.
    """
    if len(text) > limit:
        raise LiteralError(f"is longer than {limit} characters")
    try:
        return parse_without_warnings(text, mode)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise LiteralError(f"is not Python: {_reason(error)}") from None


def parse_without_warnings(text: str, mode: str) -> ast.AST:
    """`ast.parse`, with its own errors but without its warnings."""
    if _MAY_WARN.search(text) is None:
        return ast.parse(text, _PARSED_NAME, mode)
    with _warnings_lock, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=_PARSED_NAME)
        return ast.parse(text, _PARSED_NAME, mode)


def _reason(error: Exception) -> str:
    if isinstance(error, MemoryError | RecursionError):
        return "nested too deeply"
    return (error.msg if isinstance(error, SyntaxError) else str(error)) or type(error).__name__


def literal_of(node: ast.expr, depth: int = 0) -> object:
    """Value of a syntax tree that is a literal; see `parse_literal`."""
    if depth > MAX_DEPTH + 3:  # a sum of a signed number in the innermost container
        raise LiteralError("is nested too deeply")
    reader = _READERS.get(type(node))
    if reader is None:
        raise LiteralError(f"is not a literal: it holds {_what(node)}")
    return reader(node, depth + 1)


def _what(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return f"the name {node.id[:40]!r}"
    if isinstance(node, ast.Call):
        return "a call"
    return f"an expression ({type(node).__name__})"


def _read_constant(node: ast.Constant, _: int) -> object:
    return node.value


def _read_name(node: ast.Name, _: int) -> object:
    if node.id in _NAMES:
        return _NAMES[node.id]
    raise LiteralError(f"is not a literal: it holds {_what(node)}")


def _read_elements(nodes: list[ast.expr], depth: int) -> list[object]:
    return [literal_of(node, depth) for node in nodes]


def _read_set(node: ast.Set, depth: int) -> object:
    elements = _read_elements(node.elts, depth)
    _refuse_crowds(elements)
    return _hashed(set, elements)


def _read_dict(node: ast.Dict, depth: int) -> object:
    if None in node.keys:
        raise LiteralError("is not a literal: it unpacks a dict")
    keys = [literal_of(key, depth) for key in node.keys if key is not None]
    _refuse_crowds(keys)
    return _hashed(dict, zip(keys, _read_elements(node.values, depth), strict=True))


def _refuse_crowds(keys: list[Any]) -> None:
    """Elements of one hash cost the square of their number; a hundred of them were put together on purpose."""
    if len(keys) > _CROWD:
        try:
            crowd = Counter(map(hash, keys)).most_common(1)[0][1]
        except TypeError:
            return  # told where they are put together
        if crowd > _CROWD:
            raise LiteralError(f"has {crowd} elements of one hash")


def _hashed(kind: Callable[[Any], object], parts: object) -> object:
    try:
        return kind(parts)
    except TypeError as error:
        raise LiteralError(f"is not a literal: {error}") from None


def _read_sign(node: ast.UnaryOp, depth: int) -> object:
    value = literal_of(node.operand, depth)
    if type(value) in (int, float, complex) and isinstance(node.op, ast.USub | ast.UAdd):
        return -value if isinstance(node.op, ast.USub) else +value  # type: ignore[operator]
    raise LiteralError("is not a literal: only a sign before a number is")


def _read_sum(node: ast.BinOp, depth: int) -> complex:
    """`a+bj` and `a-bj`, the way complex numbers are written; no other arithmetic is a literal."""
    imaginary = node.right.value if isinstance(node.right, ast.Constant) else None
    if type(imaginary) is complex and isinstance(node.op, ast.Add | ast.Sub):
        real = literal_of(node.left, depth)
        if isinstance(real, int | float) and type(real) is not bool:
            return _complex(real, imaginary.imag if isinstance(node.op, ast.Add) else -imaginary.imag)
    raise LiteralError("is not a literal: it holds an operation")


def _complex(real: Any, imaginary: Any) -> complex:
    try:
        return complex(real, imaginary)
    except OverflowError:
        raise LiteralError("is not a literal: a part of the complex number is too large") from None


def _read_call(node: ast.Call, depth: int) -> object:
    name = node.func.id if isinstance(node.func, ast.Name) else None
    if name not in _BUILDERS or node.keywords:
        raise LiteralError("is not a literal: it holds a call")
    # `frozenset({1})` is one container, not two.
    arguments = _read_elements(node.args, depth - 1 if name in ("set", "frozenset") else depth)
    kinds = tuple(map(type, arguments))
    if name in ("set", "frozenset") and (not kinds or (len(kinds) == 1 and kinds[0] in (set, frozenset, list, tuple))):
        if arguments and isinstance(arguments[0], list | tuple):
            _refuse_crowds(list(arguments[0]))
        return _hashed(set if name == "set" else frozenset, *(arguments or [()]))
    if name == "float" and kinds == (str,) and str(arguments[0]).strip(" \t").lower() in _FLOAT_WORDS:
        return float(arguments[0])  # type: ignore[arg-type]
    if name == "complex" and len(kinds) == 2 and set(kinds) <= {int, float}:
        return _complex(*arguments)
    if name == "range" and 1 <= len(kinds) <= 3 and set(kinds) == {int} and (len(kinds) < 3 or arguments[2] != 0):
        return range(*arguments)  # type: ignore[call-overload]
    if name in ("bytearray", "bytes") and kinds in ((), (bytes,)):
        content = b"".join(part for part in arguments if isinstance(part, bytes))
        return bytearray(content) if name == "bytearray" else content
    raise LiteralError(f"is not a literal: this form of {name}(...)")


_READERS: dict[type[ast.expr], Callable[[Any, int], object]] = {
    ast.Constant: _read_constant,
    ast.Name: _read_name,
    ast.List: lambda node, depth: _read_elements(node.elts, depth),
    ast.Tuple: lambda node, depth: tuple(_read_elements(node.elts, depth)),
    ast.Set: _read_set,
    ast.Dict: _read_dict,
    ast.UnaryOp: _read_sign,
    ast.BinOp: _read_sum,
    ast.Call: _read_call,
}
