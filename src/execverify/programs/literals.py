"""Text as values: literals are read here, and nowhere else, so that a gold answer, an argument and a model's answer are all read by the
same rules. Nothing is ever evaluated: `parse_literal` walks the syntax tree and builds values from constants alone.

    >>> parse_literal("frozenset({1, 2})") == frozenset({1, 2})
    True
"""

import ast
import contextlib
import re
import threading
import unicodedata
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

from execverify.errors import LiteralError
from execverify.programs.values import MAX_DEPTH, MAX_TEXT

_NAMES = {"Ellipsis": Ellipsis}
_CONSTRUCTORS = frozenset({"set", "frozenset", "float", "complex", "range", "bytearray", "bytes"})
_FLOAT_WORDS = frozenset({"inf", "-inf", "+inf", "nan", "-nan", "infinity", "-infinity"})
MAX_SOURCE = 4 * MAX_TEXT
"""Longest text that is read as a literal by default, in characters."""
_EASY_DIGITS = 4_000  # which CPython converts under any setting that it allows by itself
_MOST_DIGITS = 1_000_000
_MAX_HASH_COLLISIONS = 100  # elements of one hash
_PARSED_NAME = "<execverify literal>"
_MAY_WARN = re.compile(r"\\|[\d.][A-Za-z_]")  # an escape, or a number that touches a letter as in `1if x`
_warnings_lock = threading.Lock()
_MOST_PARSES = 5


def parse_literal(text: str, limit: int = MAX_SOURCE) -> object:
    """The value of a literal, typed exactly; nothing is evaluated.

    Takes all that `Value.text` can be: constants, containers, signs, `a+bj`, `set()`, `frozenset({..})`, `float('inf')`,
    `complex(a, b)`, `range(..)`, `bytearray(b'..')`, `Ellipsis`.

    Raises:
        LiteralError: the text is no such literal, or is longer than `limit` (four times `MAX_TEXT`) or deeper than
            `MAX_DEPTH`.
    """
    return literal_of(parse_expression(text, limit))


def read_integer(digits: str) -> int:
    """The integer that decimal digits (and a sign) write down: `int` without its limit of 4,300 digits.

    Takes 20 ms for 100,000 digits; raises ValueError for more than a million.
    """
    if len(digits) <= _EASY_DIGITS:
        return int(digits)
    if len(digits) > _MOST_DIGITS or not re.fullmatch(r"[+-]?[0-9]+", digits):
        raise ValueError(f"it is no integer of at most {_MOST_DIGITS} digits")
    unsigned = _joined_digits(digits.lstrip("+-"))
    return -unsigned if digits[0] == "-" else unsigned


def _joined_digits(digits: str) -> int:
    if len(digits) <= _EASY_DIGITS:
        return int(digits)
    low = len(digits) // 2
    power: int = 10**low
    return _joined_digits(digits[:-low]) * power + _joined_digits(digits[-low:])


def parse_expression(text: str, limit: int = MAX_SOURCE) -> ast.expr:
    """Syntax tree of one expression, read without running anything; raises LiteralError if it is none."""
    if not isinstance(text, str):
        raise LiteralError(f"is {type(text).__name__}, and no text")
    tree = parse_untrusted(text.strip(), "eval", limit)
    assert isinstance(tree, ast.Expression)
    return tree.body


def parse_untrusted(text: str, mode: str, limit: int = MAX_SOURCE) -> ast.AST:
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
    """`ast.parse`, with its own errors but without its warnings; a ValueError for text that is written to be slow to parse."""
    _refuse_slow(text)
    if _MAY_WARN.search(text) is None:
        return _parse(text, mode)
    with _warnings_lock, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=_PARSED_NAME)
        return _parse(text, mode)


def _parse(text: str, mode: str) -> ast.AST:
    """`ast.parse`, again where it fails through another thread.

    CPython 3.11 counts the depth of a tree in one place for all threads. Where two parse at once, the check of this count may fail.
    """
    for _ in range(_MOST_PARSES - 1):
        with contextlib.suppress(SystemError):
            return ast.parse(text, _PARSED_NAME, mode)
    return ast.parse(text, _PARSED_NAME, mode)


# CPython's parser takes time in proportion to a text's length (100,000 characters: 0.4 s at most, `bench/parsing.py`) but for two
# shapes, where it takes the square: an f-string with many fields, whose text it searches for each of them (before 3.12), and a
# name with a long run of combining characters, which it sorts (100,000 of them: two minutes).

_MOST_FIELDS = 50_000_000  # characters of f-strings times their fields: 0.1 s
_MOST_COMBINING = 300  # combining characters in a row; the longest of real text are below ten
_LONG_FOREIGN = re.compile(rf"[^\x00-\x7f]{{{_MOST_COMBINING},}}")
_F_STRING = re.compile(r"[fF][rR]?['\"]")
_QUOTE = re.compile(r"#[^\n]*|([A-Za-z]{0,2})('{3}|\"{3}|'|\")")
_ENDS = {
    quote: re.compile(rf"\\.|{quote}" + (r"|\n" if len(quote) == 1 else ""), re.DOTALL) for quote in ("'", '"', "'" * 3, '"' * 3)
}


def _refuse_slow(text: str) -> None:
    """Raises ValueError where a text's parsing would take the square of its length."""
    if not text.isascii():
        for run in _LONG_FOREIGN.finditer(text):
            if _longest_combining(run[0]) > _MOST_COMBINING:
                raise ValueError("it has a long run of combining characters")
    if len(text) * text.count("{") > _MOST_FIELDS and _F_STRING.search(text) and _fields(text) > _MOST_FIELDS:
        raise ValueError("it has an f-string with too many fields")


def _longest_combining(run: str) -> int:
    longest = length = 0
    for sign in run:
        first = unicodedata.normalize("NFKD", sign)[0]  # some are no combining characters, and become several
        length = length + 1 if unicodedata.combining(first) else 0
        longest = max(longest, length)
    return longest


def _fields(text: str) -> int:
    """The characters of each f-string times its opening braces, in all. A text is cut as Python's tokenizer cuts it."""
    found, at = 0, 0
    while (opening := _QUOTE.search(text, at)) is not None:
        at = opening.end()
        if opening[2] is None:  # a comment
            continue
        start, ends = at, _ENDS[opening[2]]
        while (end := ends.search(text, at)) is not None:
            at = end.end()
            if end[0][0] != "\\":
                break
        if end is None:  # never closed: the parser stops here too
            return found
        if "f" in opening[1].lower():
            found += (at - start) * text.count("{", start, at)
    return found


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
    _refuse_hash_collisions(elements)
    return _hashed(set, elements)


def _read_dict(node: ast.Dict, depth: int) -> object:
    if None in node.keys:
        raise LiteralError("is not a literal: it unpacks a dict")
    keys = [literal_of(key, depth) for key in node.keys if key is not None]
    _refuse_hash_collisions(keys)
    return _hashed(dict, zip(keys, _read_elements(node.values, depth), strict=True))


def _refuse_hash_collisions(keys: list[Any]) -> None:
    """Elements of one hash cost the square of their number; a hundred of them were put together on purpose."""
    if len(keys) > _MAX_HASH_COLLISIONS:
        try:
            crowd = Counter(map(hash, keys)).most_common(1)[0][1]
        except TypeError:
            return  # reported where the parts are combined
        if crowd > _MAX_HASH_COLLISIONS:
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
    if name not in _CONSTRUCTORS or node.keywords:
        raise LiteralError("is not a literal: it holds a call")
    # `frozenset({1})` is one container, not two.
    arguments = _read_elements(node.args, depth - 1 if name in ("set", "frozenset") else depth)
    kinds = tuple(map(type, arguments))
    if name in ("set", "frozenset") and (not kinds or (len(kinds) == 1 and kinds[0] in (set, frozenset, list, tuple))):
        if arguments and isinstance(arguments[0], list | tuple):
            _refuse_hash_collisions(list(arguments[0]))
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
