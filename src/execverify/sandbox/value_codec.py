"""Values that cross between a candidate and a dataset's assertions, as text that is read without running anything.

A plain value crosses as its literal. Other values of the standard library's value types (`Decimal`, `date`, `deque`, `Counter`, ...)
cross as *tagged* plain data: "@", and the literal of a tree in which each tuple begins with a tag. A closed table says which tags there
are and what builds a value of each; nothing that the other side writes names anything else. An object of a class that both sides have
from the problem itself (`ListNode`) crosses as its attributes.

    >>> import decimal
    >>> text = write([decimal.Decimal("1.5"), (1, 2)], lambda value: None)
    >>> text
    "@[[], [('Decimal', '1.5'), ('tuple', 1, 2)]]"
    >>> Reader({}).read(text)
    [Decimal('1.5'), (1, 2)]
"""

import builtins
import collections
import importlib
import keyword
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from execverify.errors import LiteralError
from execverify.programs.literals import parse_literal
from execverify.programs.values import MAX_DEPTH, to_value
from execverify.sandbox.candidate_io import MAX_MESSAGE_CHARS

MARK = "@"
"""How the text of a tagged value begins; no literal does."""

_MOST_ITEMS = 10_000  # of an iterator that tests hand over


class Opaque(Exception):
    """A value cannot cross; the argument says why."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A type that crosses: where it is found, what of a value crosses, and what builds the value again."""

    module: str
    name: str
    take: Callable[[Any], tuple[Any, ...]]
    give: Callable[..., Any] = lambda kind, *parts: kind(*parts)


def _clock(value: Any) -> tuple[Any, ...]:
    return value.hour, value.minute, value.second, value.microsecond, value.fold, value.tzinfo


def _pairs(value: Any) -> tuple[Any, ...]:
    return tuple((key, item) for key, item in value.items())


def _named(value: Any) -> tuple[Any, ...]:
    return type(value).__name__, type(value)._fields, *tuple.__iter__(value)


_FACTORIES = (int, float, str, bool, list, dict, set, tuple)
"""What a `defaultdict` may make; another one loses what it makes."""

_KINDS: dict[str, _Kind] = {
    "Decimal": _Kind("decimal", "Decimal", lambda value: (str(value),)),
    "Fraction": _Kind("fractions", "Fraction", lambda value: (value.numerator, value.denominator)),
    "date": _Kind("datetime", "date", lambda value: (value.year, value.month, value.day)),
    "time": _Kind("datetime", "time", _clock, lambda kind, h, m, s, us, fold, zone: kind(h, m, s, us, zone, fold=fold)),
    "datetime": _Kind(
        "datetime",
        "datetime",
        lambda value: (value.year, value.month, value.day, *_clock(value)),
        lambda kind, y, mo, d, h, m, s, us, fold, zone: kind(y, mo, d, h, m, s, us, zone, fold=fold),
    ),
    "timedelta": _Kind("datetime", "timedelta", lambda value: (value.days, value.seconds, value.microseconds)),
    "timezone": _Kind("datetime", "timezone", lambda value: value.__getinitargs__()),
    "UUID": _Kind("uuid", "UUID", lambda value: (value.int,), lambda kind, number: kind(int=number)),
    "PosixPath": _Kind("pathlib", "PosixPath", lambda value: (str(value),)),
    "PurePosixPath": _Kind("pathlib", "PurePosixPath", lambda value: (str(value),)),
    "PureWindowsPath": _Kind("pathlib", "PureWindowsPath", lambda value: (str(value),)),
    "array": _Kind("array", "array", lambda value: (value.typecode, value.tolist())),
    "slice": _Kind("builtins", "slice", lambda value: (value.start, value.stop, value.step)),
    "namespace": _Kind("types", "SimpleNamespace", lambda value: (dict(vars(value)),), lambda kind, fields: kind(**fields)),
    "deque": _Kind(
        "collections", "deque", lambda value: (value.maxlen, *value), lambda kind, most, *items: kind(items, most)
    ),
    "Counter": _Kind("collections", "Counter", _pairs, lambda kind, *pairs: kind(dict(pairs))),
    "OrderedDict": _Kind("collections", "OrderedDict", _pairs, lambda kind, *pairs: kind(pairs)),
    "defaultdict": _Kind(
        "collections",
        "defaultdict",
        lambda value: (value.default_factory if value.default_factory in _FACTORIES else None, *_pairs(value)),
        lambda kind, factory, *pairs: kind(factory if factory in _FACTORIES else None, pairs),
    ),
}  # fmt: skip
"""The table, by tag."""

_VIEWS: dict[str, tuple[Any, Callable[..., Any]]] = {
    "keys": (type({}.keys()), lambda *items: dict.fromkeys(items).keys()),
    "values": (type({}.values()), lambda *items: dict(enumerate(items)).values()),
    "items": (type({}.items()), lambda *items: dict(items).items()),
}
"""Views of dicts, which are built again as views of a dict."""

_NAMES = (
    "bool int float complex str bytes bytearray list tuple dict set frozenset object range type abs all any bin chr divmod hash hex len "
    "max min oct ord pow repr reversed round sorted sum zip map filter enumerate"
)
_BUILTINS = frozenset(_NAMES.split())
"""Types and functions of Python's own that cross by name."""

_BY_IDENTITY = {id(getattr(builtins, name)): name for name in _BUILTINS}
_BASES: tuple[Any, ...] = (dict, list, tuple, set, frozenset, str, bytes, float, int)
_CONTENT: dict[Any, Callable[[Any], Any]] = {
    dict: lambda value: dict(dict.items(value)), list: lambda value: list(list.__iter__(value)),
    tuple: lambda value: tuple(tuple.__iter__(value)), set: lambda value: set(set.__iter__(value)),
    frozenset: lambda value: frozenset(frozenset.__iter__(value)), str: str.__str__,
    bytes: lambda value: bytes(memoryview(value)), float: float.__float__, int: int.__int__,
}  # fmt: skip
"""How the content of a subclass is had, whatever the subclass says of itself."""

_ITERATORS: tuple[Any, ...] = (
    iter([]), iter(()), iter({}), iter({}.values()), iter({}.items()), iter(set()), iter(""), iter(b""), iter(range(0)),
    iter(range(2**70)), iter(bytearray()), reversed([]), reversed(()), reversed({}), reversed({}.values()), reversed({}.items()),
    map(len, []), filter(len, []), zip(), enumerate([]), (None for _ in ()),
)  # fmt: skip
ITERATORS = frozenset(map(type, _ITERATORS))
"""Python's own iterators; those of `itertools` are found by their module."""


def is_iterator(value: object) -> bool:
    """Whether a value is an iterator of Python's own or of `itertools`."""
    return type(value) in ITERATORS or (type(value).__module__ == "itertools" and hasattr(type(value), "__next__"))


Local = Callable[[Any], Any]
"""What one side says of a value in its own way: a tagged tuple of plain data, a `Shared`, or None."""


@dataclass(frozen=True, slots=True)
class Shared:
    """An object of a class that both sides have.

    Attributes:
        name: of its class.
        origin: its number among the objects that came over with the call at hand; -1 for another one.
    """

    name: str
    origin: int = -1


def no_value(value: Any) -> None:
    """What a side says that knows nothing of its own."""


def write(value: object, local: Local = no_value, rest: Local = no_value, limit: int = MAX_MESSAGE_CHARS) -> str:
    """A value as text that crosses.

    Args:
        value: any object.
        local: says how what only this side knows crosses.
        rest: the same, asked last, for what no table holds and what has no plain content.
        limit: most characters of the text.

    Raises:
        Opaque: it cannot cross, or is too long.
    """
    plain = to_value(value, limit)
    return plain.text if plain.text is not None else Writer(local, rest, limit).text(value)


class Writer:
    """Writes one tagged value, see `write`.

    Attributes:
        objects: what is written of each shared object, in the order of their numbers.
        alive: those objects, so that no two of them have one id.
        numbers: their numbers, by id.
    """

    def __init__(self, local: Local, rest: Local = no_value, limit: int = MAX_MESSAGE_CHARS) -> None:
        self.local = local
        self.rest = rest
        self.limit = limit
        self.objects: list[Any] = []
        self.alive: list[Any] = []
        self.numbers: dict[int, int] = {}

    def text(self, value: object) -> str:
        tree = self.write(value, 0)
        for made, entry in zip(self.alive, self.objects, strict=False):  # the lists grow meanwhile
            entry[2] = {name: self.write(item, 0) for name, item in _attributes(made).items()}
        described = to_value([self.objects, tree], self.limit)
        if described.text is None:
            raise Opaque(described.opaque_reason or "object")
        return MARK + described.text

    def write(self, value: Any, deep: int) -> Any:
        if deep > MAX_DEPTH:
            raise Opaque("too deep")
        kind, deep = type(value), deep + 1
        if kind in (bool, int, float, complex, str, bytes, bytearray, range, type(None), type(Ellipsis)):
            return value
        if kind is list:
            return [self.write(item, deep) for item in value]
        if kind is dict:
            return {self.write(key, deep): self.write(item, deep) for key, item in value.items()}
        if kind in (tuple, set, frozenset):
            return (kind.__name__, *(self.write(item, deep) for item in value))
        if (found := self.local(value)) is not None:
            return self.shared(found, value) if isinstance(found, Shared) else self.tagged(found, deep)
        return self.other(value, deep)

    def tagged(self, found: tuple[Any, ...], deep: int) -> tuple[Any, ...]:
        return (found[0], *(self.write(part, deep) for part in found[1:]))

    def other(self, value: Any, deep: int) -> Any:
        """What the tables hold, or else the content of a subclass."""
        kind: Any = type(value)
        if id(value) in _BY_IDENTITY:
            return ("builtin", _BY_IDENTITY[id(value)])
        for tag, known in _KINDS.items():
            if getattr(sys.modules.get(known.module), known.name, None) is kind:
                return self.tagged((tag, *known.take(value)), deep)
        for tag, (view, _) in _VIEWS.items():
            if isinstance(value, view):
                return self.tagged((tag, *value), deep)
        if issubclass(kind, tuple) and isinstance(getattr(kind, "_fields", None), tuple):
            return self.tagged(("named", *_named(value)), deep)
        base = next((base for base in _BASES if issubclass(kind, base)), None)
        if base is None:
            found = self.rest(value)
            if found is None:
                raise Opaque("object")
            return self.tagged(found, deep)
        return self.write(_CONTENT[base](value), deep)

    def shared(self, found: Shared, value: Any) -> tuple[str, int]:
        """An object stands in a list of its own, once: it may be linked to itself, or in a chain of any length."""
        if id(value) not in self.numbers:
            self.numbers[id(value)] = len(self.objects)
            self.alive.append(value)
            self.objects.append([found.name, found.origin, {}])
        return ("made", self.numbers[id(value)])


def _attributes(value: Any) -> dict[str, Any]:
    """What an object holds, in its dict or in slots."""
    found = dict(vars(value)) if hasattr(value, "__dict__") else {}
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, name) and name not in ("__dict__", "__weakref__"):
                found[name] = getattr(value, name)
    return found


LONGEST_ARGUMENTS = 1_000_000
"""Most characters of the arguments that tests hand over."""


def room_for(arguments: str) -> int:
    """Most characters of what comes back of a call with these arguments: a long list that was sorted is as long."""
    return max(MAX_MESSAGE_CHARS, 2 * len(arguments))


def is_crossing(text: str, limit: int = MAX_MESSAGE_CHARS) -> bool:
    """Whether a text is one that can be read as a value that crossed, as far as its syntax goes."""
    try:
        parse_literal(text.removeprefix(MARK), limit + 1)
    except LiteralError:
        return False
    return True


class Reader:
    """Builds values again.

    Args:
        local: what builds the values of tags that only this side knows, by tag.
        classes: the classes that both sides have, by name.

    Attributes:
        objects: of those classes, in the text that was read last.
    """

    def __init__(self, local: dict[str, Callable[..., Any]], classes: Callable[[str], Any] | None = None) -> None:
        self.local = local
        self.classes = classes
        self.objects: list[Any] = []

    def read(self, text: str, known: list[Any] | None = None) -> Any:
        """A value out of text.

        Args:
            text: as `write` gives it.
            known: the objects that went over with the call at hand; what comes back as one of them *is* it.

        Raises:
            LiteralError: it is no such text.
        """
        tree = parse_literal(text.removeprefix(MARK), 2 * LONGEST_ARGUMENTS + 1)
        self.objects = []
        if not text.startswith(MARK):
            return tree
        if not isinstance(tree, list) or len(tree) != 2 or not isinstance(tree[0], list):
            raise LiteralError("is no tagged value")
        try:
            for name, origin, _ in tree[0]:
                self.objects.append(self.made(name, origin, known or []))
            for made, (_, _, attributes) in zip(self.objects, tree[0], strict=True):
                _hold(made, {str(name): self.give(item) for name, item in attributes.items()})
            return self.give(tree[1])
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError, ImportError) as error:
            raise LiteralError(f"is no tagged value: {type(error).__name__}: {error}") from None

    def made(self, name: str, origin: int, known: list[Any]) -> Any:
        if self.classes is None:
            raise LiteralError("has an object where none may be")
        if origin >= 0:
            return known[origin]
        kind = self.classes(name)
        return kind.__new__(kind)

    def give(self, tree: Any) -> Any:
        if isinstance(tree, list):
            return [self.give(item) for item in tree]
        if isinstance(tree, dict):
            return {self.give(key): self.give(item) for key, item in tree.items()}
        if not isinstance(tree, tuple):
            return tree
        tag, *parts = tree
        if tag == "made":
            return self.objects[parts[0]]
        given = [self.give(part) for part in parts]
        return self.local[tag](*given) if tag in self.local else _build(tag, given)


def _hold(made: Any, attributes: dict[str, Any]) -> None:
    """Gives an object these attributes, and no others."""
    for name in _attributes(made):
        if name not in attributes:
            object.__delattr__(made, name)
    for name, item in attributes.items():
        if _is_of_the_class(type(made), name):
            raise LiteralError(f"gives an object a {name[:40]!r} of its own in the place of its class's")
        object.__setattr__(made, name, item)


def _is_of_the_class(kind: type, name: str) -> bool:
    """Whether a name is a class's method or property, and no place for a value (a slot, or a default)."""
    found = next((base.__dict__[name] for base in kind.__mro__ if name in base.__dict__), None)
    if isinstance(found, types.MemberDescriptorType | types.GetSetDescriptorType):
        return False
    return callable(found) or hasattr(type(found), "__get__")


def _build(tag: str, parts: list[Any]) -> Any:
    if tag in ("tuple", "set", "frozenset"):
        return getattr(builtins, tag)(parts)
    if tag in _VIEWS:
        return _VIEWS[tag][1](*parts)
    if tag == "builtin" and parts[0] in _BUILTINS:
        return getattr(builtins, parts[0])
    if tag == "iterator":
        return iter(parts)
    if tag == "named":
        return _named_tuple(*parts)
    known = _KINDS.get(tag)
    if known is None:
        raise LiteralError(f"has an unknown tag {str(tag)[:40]!r}")
    return known.give(getattr(importlib.import_module(known.module), known.name), *parts)


_NAMED: dict[tuple[str, tuple[str, ...]], Any] = {}


def _named_tuple(name: str, fields: tuple[str, ...], *values: Any) -> Any:
    """A named tuple like the one that crossed; a plain tuple where its names are odd."""
    key = (name, fields)
    fit = all(isinstance(word, str) and word.isidentifier() and not keyword.iskeyword(word) for word in (name, *fields))
    if not fit or len(values) != len(fields) or any(word.startswith("_") for word in fields) or len(set(fields)) != len(fields):
        return values
    if key not in _NAMED:
        _NAMED[key] = collections.namedtuple(name, fields)
    return _NAMED[key](*values)


def items_of(value: Any) -> tuple[Any, ...]:
    """The items of an iterator that tests hand over. Raises Opaque where it has too many."""
    items = []
    for item in value:
        items.append(item)
        if len(items) > _MOST_ITEMS:
            raise Opaque("too long")
    return tuple(items)
