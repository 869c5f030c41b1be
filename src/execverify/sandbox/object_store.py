"""In a candidate's process: keeps the values that cannot be encoded, each under a number by which the tests can refer to it.

The tests' process calls functions by name, and requests operations on a kept value by its number: an attribute, a method, the next
items of an iterator, the text of an object. The reply is always a value, which the tests' process compares.
"""

import operator
import types
from collections.abc import Callable
from typing import Any

from execverify.sandbox.candidate_io import MAX_MESSAGE_CHARS
from execverify.sandbox.value_codec import Decoder, NotEncodable, SharedObject, encode, is_iterator

_OPERATIONS: dict[str, Callable[..., Any]] = {
    **{f".{name}": getattr(operator, name) for name in (
        "__getitem__", "__setitem__", "__delitem__", "__add__", "__sub__", "__mul__", "__truediv__", "__floordiv__", "__mod__", "__pow__",
        "__matmul__", "__and__", "__or__", "__xor__", "__neg__", "__pos__", "__abs__", "__invert__",
    )},
    ".__str__": str, ".__repr__": repr, ".__len__": len, ".__iter__": iter, ".__bool__": bool, ".__format__": format,
    ".__enter__": lambda value: value.__enter__(), ".__exit__": lambda value, *ended: value.__exit__(*ended),
    ".__call__": lambda value, *given, **named: value(*given, **named),
    ".get": getattr, ".set": setattr, ".delete": delattr,
}  # fmt: skip
"""The operations on kept values. They begin with a dot, which no name of a candidate does."""


class ObjectStore:
    """The candidate's values that the tests refer to.

    Args:
        lookup: finds a name of the candidate; raises NameError.
        classes: names whose objects the tests use as objects: all operations are allowed on what these return.
        shared: names of the classes that both processes have.

    Attributes:
        kept: the values, by number.
        numbers: their numbers, by id.
        failed: the exception to raise at the next item of an iterator, by the iterator's id.
        origins: numbers of the shared objects in the arguments of the current call, by id.
        is_open: whether all operations are allowed on what the current call returns.
    """

    def __init__(self, lookup: Callable[[str], Any], classes: list[str], shared: list[str]) -> None:
        self.lookup = lookup
        self.classes = frozenset(classes)
        self.shared = frozenset(shared)
        self.kept: list[Any] = []
        self.numbers: dict[int, int] = {}
        self.failed: dict[int, BaseException] = {}
        self.origins: dict[int, int] = {}
        self.is_open = False
        self.decoder = Decoder({"name": lookup, "remote": self.kept.__getitem__}, self.shared_class)

    def shared_class(self, name: str) -> Any:
        if name not in self.shared:
            raise KeyError(name)
        return self.lookup(name)

    def arguments(self, text: str) -> tuple[list[Any], dict[str, Any]]:
        """Decodes the arguments of a call: a list of the positional ones, a dict of the named ones."""
        positional, named = self.decoder.decode(text)
        self.origins = {id(made): number for number, made in enumerate(self.decoder.objects)}
        return positional, named

    def function(self, name: str) -> Callable[..., Any]:
        """The function that a call names: one of the candidate, or an operation on a kept value."""
        if name == ".next":
            self.is_open = False
            return self.items
        if name in _OPERATIONS:
            self.is_open = True
            return _OPERATIONS[name]
        self.is_open = name in self.classes
        found: Callable[..., Any] = self.lookup(name)
        return found

    def items(self, iterator: Any, count: int) -> tuple[list[Any], bool]:
        """The next items of an iterator, and whether there may be more. An exception after the first item is raised at the next call."""
        failed = self.failed.pop(id(iterator), None)
        if failed is not None:
            raise failed
        found: list[Any] = []
        while len(found) < count:
            try:
                found.append(next(iterator))
            except StopIteration:
                return found, False
            except Exception as error:
                if not found:
                    raise
                self.failed[id(iterator)] = error
                return found, True
        return found, True

    def resolve(self, value: Any) -> Any:
        """Runs a coroutine, and returns its result as one that is still to be awaited; returns another value as it is."""
        if type(value) is not types.CoroutineType:
            return value
        import asyncio

        return Awaited(asyncio.run(value))

    def encode(self, value: Any, limit: int = MAX_MESSAGE_CHARS) -> str | None:
        """A value as text; None where it cannot be encoded."""
        try:
            return encode(value, self.local, self.reference, limit)
        except (NotEncodable, RecursionError):
            return None

    def local(self, value: Any) -> Any:
        kind = type(value)
        if kind is Awaited:
            return ("awaited", value.value)
        if is_iterator(value):
            return ("iterator", self.keep(value), kind is types.GeneratorType)
        name = kind.__name__
        if name in self.shared and self.is_shared(kind, name):
            return SharedObject(name, self.origins.get(id(value), -1))
        return None

    def is_shared(self, kind: type, name: str) -> bool:
        try:
            return kind is self.lookup(name)
        except NameError:  # the candidate has deleted it
            return False

    def reference(self, value: Any) -> Any:
        name = type.__dict__["__name__"].__get__(type(value))
        is_open = self.is_open or name in self.classes
        return ("remote", self.keep(value), str(name)[:100], _truthiness(value), is_open)

    def keep(self, value: Any) -> int:
        if id(value) not in self.numbers:
            self.numbers[id(value)] = len(self.kept)
            self.kept.append(value)
        return self.numbers[id(value)]


class Awaited:
    """The result of a coroutine."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _truthiness(value: object) -> bool | None:
    """Whether a value is true, which is all that some tests need; None where it raises."""
    try:
        return bool(value)
    except BaseException:
        return None


def exception_fields(error: BaseException) -> tuple[str, str | None]:
    """The base classes of an exception, and its arguments where they can be encoded."""
    try:
        arguments = encode(list(error.args))
    except (NotEncodable, RecursionError):
        arguments = None
    return base_names(type(error)), arguments if arguments is None or len(arguments) <= 10_000 else None


def base_names(kind: type) -> str:
    """The names of a type and of its bases, up to the first that is built in."""
    names = []
    for base in kind.__mro__:
        names.append(str(type.__dict__["__name__"].__get__(base)))
        if base.__module__ == "builtins":
            break
    return ",".join(names)[-1_000:]


def describe_name(store: ObjectStore, path: str) -> tuple[str, str | None]:
    """What a name of the candidate is, for a test that uses it: "function", "class", "exception", "value", "missing" or "other"."""
    try:
        found = store.lookup(path)
    except NameError:
        return ("missing", None)
    except BaseException:
        return ("other", None)
    if isinstance(found, type):
        return ("exception", base_names(found)) if issubclass(found, BaseException) else ("class", None)
    if callable(found):
        return ("function", None)
    text = store.encode(found)
    return ("other", None) if text is None else ("value", text)
