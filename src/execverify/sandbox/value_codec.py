"""Encodes values that cross between a candidate's process and its tests' process as text, which is decoded without running any code.

A plain value is encoded as its literal. Other values of the standard library's value types (`Decimal`, `date`, `deque`, `Counter`,
...) are encoded as *tagged* plain data: "@", and the literal of a tree in which each tuple begins with a tag. A closed table holds
the tags and what builds a value of each; the sender cannot name anything else. An object of a class that both processes have from the
problem itself (`ListNode`) is encoded as its attributes.

    >>> import decimal
    >>> text = encode([decimal.Decimal("1.5"), (1, 2)], lambda value: None)
    >>> text
    "@[[], [('Decimal', '1.5'), ('tuple', 1, 2)]]"
    >>> Decoder({}).decode(text)
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
"""The first character of the text of a tagged value. No literal begins with it."""

_MAX_ITEMS = 10_000  # of an iterator that tests pass as an argument


class NotEncodable(Exception):
    """A value cannot be encoded; the argument is the reason."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A type that can be encoded.

    Attributes:
        module, name: where the type is found.
        to_parts: the parts that encode a value.
        from_parts: builds the value from the type and the parts.
    """

    module: str
    name: str
    to_parts: Callable[[Any], tuple[Any, ...]]
    from_parts: Callable[..., Any] = lambda kind, *parts: kind(*parts)


def _clock(value: Any) -> tuple[Any, ...]:
    return value.hour, value.minute, value.second, value.microsecond, value.fold, value.tzinfo


def _pairs(value: Any) -> tuple[Any, ...]:
    return tuple((key, item) for key, item in value.items())


def _named(value: Any) -> tuple[Any, ...]:
    return type(value).__name__, type(value)._fields, *tuple.__iter__(value)


_FACTORIES = (int, float, str, bool, list, dict, set, tuple)
"""The default factories of a `defaultdict` that are encoded; another one is dropped."""

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
        "collections", "deque", lambda value: (value.maxlen, *value), lambda kind, maxlen, *items: kind(items, maxlen)
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
"""The types, by tag."""

_VIEWS: dict[str, tuple[Any, Callable[..., Any]]] = {
    "keys": (type({}.keys()), lambda *items: dict.fromkeys(items).keys()),
    "values": (type({}.values()), lambda *items: dict(enumerate(items)).values()),
    "items": (type({}.items()), lambda *items: dict(items).items()),
}
"""The types of dict views, and what builds a view from its items."""

_NAMES = (
    "bool int float complex str bytes bytearray list tuple dict set frozenset object range type abs all any bin chr divmod hash hex len "
    "max min oct ord pow repr reversed round sorted sum zip map filter enumerate"
)
_BUILTINS = frozenset(_NAMES.split())
"""Built-in types and functions that are encoded by name."""

_BY_IDENTITY = {id(getattr(builtins, name)): name for name in _BUILTINS}
_BASES: tuple[Any, ...] = (dict, list, tuple, set, frozenset, str, bytes, float, int)
_CONTENT: dict[Any, Callable[[Any], Any]] = {
    dict: lambda value: dict(dict.items(value)), list: lambda value: list(list.__iter__(value)),
    tuple: lambda value: tuple(tuple.__iter__(value)), set: lambda value: set(set.__iter__(value)),
    frozenset: lambda value: frozenset(frozenset.__iter__(value)), str: str.__str__,
    bytes: lambda value: bytes(memoryview(value)), float: float.__float__, int: int.__int__,
}  # fmt: skip
"""Reads the content of an instance of a subclass by the methods of its base, which the subclass cannot override."""

_ITERATORS: tuple[Any, ...] = (
    iter([]), iter(()), iter({}), iter({}.values()), iter({}.items()), iter(set()), iter(""), iter(b""), iter(range(0)),
    iter(range(2**70)), iter(bytearray()), reversed([]), reversed(()), reversed({}), reversed({}.values()), reversed({}.items()),
    map(len, []), filter(len, []), zip(), enumerate([]), (None for _ in ()),
)  # fmt: skip
ITERATORS = frozenset(map(type, _ITERATORS))
"""The types of the built-in iterators; those of `itertools` are recognized by their module."""


def is_iterator(value: object) -> bool:
    """Whether a value is a built-in iterator or one of `itertools`."""
    return type(value) in ITERATORS or (type(value).__module__ == "itertools" and hasattr(type(value), "__next__"))


Hook = Callable[[Any], Any]
"""Encodes a value in a way that only one process knows: returns a tagged tuple of plain data, a `SharedObject`, or None."""


@dataclass(frozen=True, slots=True)
class SharedObject:
    """An object of a class that both processes have.

    Attributes:
        name: of its class.
        origin: its number among the objects in the arguments of the current call; -1 for another one.
    """

    name: str
    origin: int = -1


def no_hook(value: Any) -> None:
    """A hook that encodes nothing."""


def encode(value: object, local: Hook = no_hook, fallback: Hook = no_hook, limit: int = MAX_MESSAGE_CHARS) -> str:
    """Encodes a value as text.

    Args:
        value: any object.
        local: encodes values that only this process knows; it is called first.
        fallback: encodes values that are in no table and have no plain content; it is called last.
        limit: most characters of the text.

    Raises:
        NotEncodable: the value cannot be encoded, or is too long.
    """
    plain = to_value(value, limit)
    return plain.text if plain.text is not None else Encoder(local, fallback, limit).encode(value)


class Encoder:
    """Encodes one tagged value, see `encode`.

    Attributes:
        entries: what is encoded of each shared object, in the order of their numbers.
        objects: the shared objects, kept so that no two of them have one id.
        numbers: their numbers, by id.
    """

    def __init__(self, local: Hook, fallback: Hook = no_hook, limit: int = MAX_MESSAGE_CHARS) -> None:
        self.local = local
        self.fallback = fallback
        self.limit = limit
        self.entries: list[Any] = []
        self.objects: list[Any] = []
        self.numbers: dict[int, int] = {}

    def encode(self, value: object) -> str:
        tree = self.to_tree(value, 0)
        for instance, entry in zip(self.objects, self.entries, strict=False):  # both lists grow in the loop
            entry[2] = {name: self.to_tree(item, 0) for name, item in _attributes(instance).items()}
        described = to_value([self.entries, tree], self.limit)
        if described.text is None:
            raise NotEncodable(described.opaque_reason or "object")
        return MARK + described.text

    def to_tree(self, value: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise NotEncodable("too deep")
        kind, depth = type(value), depth + 1
        if kind in (bool, int, float, complex, str, bytes, bytearray, range, type(None), type(Ellipsis)):
            return value
        if kind is list:
            return [self.to_tree(item, depth) for item in value]
        if kind is dict:
            return {self.to_tree(key, depth): self.to_tree(item, depth) for key, item in value.items()}
        if kind in (tuple, set, frozenset):
            return (kind.__name__, *(self.to_tree(item, depth) for item in value))
        if (found := self.local(value)) is not None:
            return self.shared(found, value) if isinstance(found, SharedObject) else self.tagged(found, depth)
        return self.other(value, depth)

    def tagged(self, found: tuple[Any, ...], depth: int) -> tuple[Any, ...]:
        return (found[0], *(self.to_tree(part, depth) for part in found[1:]))

    def other(self, value: Any, depth: int) -> Any:
        """Encodes a value by the tables, or else the content of an instance of a subclass."""
        kind: Any = type(value)
        if id(value) in _BY_IDENTITY:
            return ("builtin", _BY_IDENTITY[id(value)])
        for tag, known in _KINDS.items():
            if getattr(sys.modules.get(known.module), known.name, None) is kind:
                return self.tagged((tag, *known.to_parts(value)), depth)
        for tag, (view, _) in _VIEWS.items():
            if isinstance(value, view):
                return self.tagged((tag, *value), depth)
        if issubclass(kind, tuple) and isinstance(getattr(kind, "_fields", None), tuple):
            return self.tagged(("named", *_named(value)), depth)
        base = next((base for base in _BASES if issubclass(kind, base)), None)
        if base is None:
            found = self.fallback(value)
            if found is None:
                raise NotEncodable("object")
            return self.tagged(found, depth)
        return self.to_tree(_CONTENT[base](value), depth)

    def shared(self, found: SharedObject, value: Any) -> tuple[str, int]:
        """Adds an object to a separate list, once, because it may refer to itself, or be in a chain of any length."""
        if id(value) not in self.numbers:
            self.numbers[id(value)] = len(self.entries)
            self.objects.append(value)
            self.entries.append([found.name, found.origin, {}])
        return ("made", self.numbers[id(value)])


def _attributes(value: Any) -> dict[str, Any]:
    """The attributes of an object, in its dict or in slots."""
    found = dict(vars(value)) if hasattr(value, "__dict__") else {}
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, name) and name not in ("__dict__", "__weakref__"):
                found[name] = getattr(value, name)
    return found


MAX_ARGUMENT_CHARS = 1_000_000
"""Most characters of the arguments that tests pass."""


def max_reply_chars(arguments: str) -> int:
    """Most characters of a value in the reply to a call with these arguments: a long list that was sorted is as long."""
    return max(MAX_MESSAGE_CHARS, 2 * len(arguments))


def is_encoded(text: str, limit: int = MAX_MESSAGE_CHARS) -> bool:
    """Whether a text has the syntax of an encoded value."""
    try:
        parse_literal(text.removeprefix(MARK), limit + 1)
    except LiteralError:
        return False
    return True


class Decoder:
    """Builds values from their text.

    Args:
        local: what builds the values of tags that only this process knows, by tag.
        classes: finds a class that both processes have by its name; None where there are none.

    Attributes:
        objects: the instances of those classes in the text that was decoded last.
    """

    def __init__(self, local: dict[str, Callable[..., Any]], classes: Callable[[str], Any] | None = None) -> None:
        self.local = local
        self.classes = classes
        self.objects: list[Any] = []

    def decode(self, text: str, known: list[Any] | None = None) -> Any:
        """Builds a value.

        Args:
            text: as `encode` returns it.
            known: the objects in the arguments of the current call; an object that refers to one of them *is* that object.

        Raises:
            LiteralError: the text is no encoded value.
        """
        tree = parse_literal(text.removeprefix(MARK), 2 * MAX_ARGUMENT_CHARS + 1)
        self.objects = []
        if not text.startswith(MARK):
            return tree
        if not isinstance(tree, list) or len(tree) != 2 or not isinstance(tree[0], list):
            raise LiteralError("is no tagged value")
        try:
            for name, origin, _ in tree[0]:
                self.objects.append(self.instance(name, origin, known or []))
            for instance, (_, _, attributes) in zip(self.objects, tree[0], strict=True):
                _set_attributes(instance, {str(name): self.from_tree(item) for name, item in attributes.items()})
            return self.from_tree(tree[1])
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError, ImportError) as error:
            raise LiteralError(f"is no tagged value: {type(error).__name__}: {error}") from None

    def instance(self, name: str, origin: int, known: list[Any]) -> Any:
        if self.classes is None:
            raise LiteralError("has an object where none may be")
        if origin >= 0:
            return known[origin]
        kind = self.classes(name)
        return kind.__new__(kind)

    def from_tree(self, tree: Any) -> Any:
        if isinstance(tree, list):
            return [self.from_tree(item) for item in tree]
        if isinstance(tree, dict):
            return {self.from_tree(key): self.from_tree(item) for key, item in tree.items()}
        if not isinstance(tree, tuple):
            return tree
        tag, *parts = tree
        if tag == "made":
            return self.objects[parts[0]]
        values = [self.from_tree(part) for part in parts]
        return self.local[tag](*values) if tag in self.local else _build(tag, values)


def _set_attributes(instance: Any, attributes: dict[str, Any]) -> None:
    """Gives an object these attributes, and removes all others."""
    for name in _attributes(instance):
        if name not in attributes:
            object.__delattr__(instance, name)
    for name, item in attributes.items():
        if _is_class_attribute(type(instance), name):
            raise LiteralError(f"gives an object a {name[:40]!r} of its own in the place of its class's")
        object.__setattr__(instance, name, item)


def _is_class_attribute(kind: type, name: str) -> bool:
    """Whether a name is a method or property of a class, rather than a place for a value (a slot, or a default)."""
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
    return known.from_parts(getattr(importlib.import_module(known.module), known.name), *parts)


_NAMED: dict[tuple[str, tuple[str, ...]], Any] = {}


def _named_tuple(name: str, fields: tuple[str, ...], *values: Any) -> Any:
    """A named tuple with these fields; a plain tuple where its names are invalid."""
    key = (name, fields)
    valid = all(isinstance(word, str) and word.isidentifier() and not keyword.iskeyword(word) for word in (name, *fields))
    if not valid or len(values) != len(fields) or any(word.startswith("_") for word in fields) or len(set(fields)) != len(fields):
        return values
    if key not in _NAMED:
        _NAMED[key] = collections.namedtuple(name, fields)
    return _NAMED[key](*values)


def items_of(value: Any) -> tuple[Any, ...]:
    """The items of an iterator that tests pass as an argument. Raises NotEncodable where there are too many."""
    items = []
    for item in value:
        items.append(item)
        if len(items) > _MAX_ITEMS:
            raise NotEncodable("too long")
    return tuple(items)
