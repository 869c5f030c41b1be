"""In a candidate's process: what of its values cannot cross stays here, under a number by which the tests may ask for more.

The tests' process calls functions by name, and asks for what it was given by number: an attribute, a method, the next items of an
iterator, the text of an object. Whatever it asks, the answer is a value again, and compared over there.
"""

import operator
import types
from collections.abc import Callable
from typing import Any

from execverify.sandbox.candidate_io import MAX_MESSAGE_CHARS
from execverify.sandbox.value_codec import Opaque, Reader, Shared, is_iterator, write

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
"""What may be asked of a value here; no name of a candidate's begins with a dot."""


class ObjectStore:
    """What the tests were given of a candidate's.

    Args:
        named: finds a name of the candidate's; raises NameError.
        classes: names of which the tests use the objects as objects: what these give may be asked for everything.
        shared: names of the classes that both sides have.
    """

    def __init__(self, named: Callable[[str], Any], classes: list[str], shared: list[str]) -> None:
        self.named = named
        self.classes = frozenset(classes)
        self.shared = frozenset(shared)
        self.kept: list[Any] = []
        self.numbers: dict[int, int] = {}
        self.failed: dict[int, BaseException] = {}
        self.origins: dict[int, int] = {}
        self.open = False
        """Whether what the call at hand gives may be asked for everything."""
        self.reader = Reader({"heldout": named, "remote": self.kept.__getitem__}, self.shared_class)

    def shared_class(self, name: str) -> Any:
        if name not in self.shared:
            raise KeyError(name)
        return self.named(name)

    def arguments(self, text: str) -> tuple[list[Any], dict[str, Any]]:
        """The arguments of a call: a list of the positional ones, a dict of the named ones."""
        positional, named = self.reader.read(text)
        self.origins = {id(made): number for number, made in enumerate(self.reader.objects)}
        return positional, named

    def function(self, name: str) -> Callable[..., Any]:
        """What is called: a name of the candidate's, or something that is asked of a value here."""
        if name == ".next":
            self.open = False
            return self.items
        if name in _OPERATIONS:
            self.open = True
            return _OPERATIONS[name]
        self.open = name in self.classes
        found: Callable[..., Any] = self.named(name)
        return found

    def items(self, iterator: Any, most: int) -> tuple[list[Any], bool]:
        """The next items of an iterator, and whether there may be more. What goes wrong after the first is raised the next time."""
        failed = self.failed.pop(id(iterator), None)
        if failed is not None:
            raise failed
        found: list[Any] = []
        while len(found) < most:
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

    def settled(self, value: Any) -> Any:
        """A value that is not awaited any more: a coroutine is run here, and its result goes over as one that is still to be awaited."""
        if type(value) is not types.CoroutineType:
            return value
        import asyncio

        return Awaited(asyncio.run(value))

    def text(self, value: Any, limit: int = MAX_MESSAGE_CHARS) -> str | None:
        """A value as text that crosses; None where it cannot."""
        try:
            return write(value, self.local, self.release, limit)
        except (Opaque, RecursionError):
            return None

    def local(self, value: Any) -> Any:
        kind = type(value)
        if kind is Awaited:
            return ("awaited", value.value)
        if is_iterator(value):
            return ("iterator", self.keep(value), kind is types.GeneratorType)
        name = kind.__name__
        if name in self.shared and self.is_shared(kind, name):
            return Shared(name, self.origins.get(id(value), -1))
        return None

    def is_shared(self, kind: type, name: str) -> bool:
        try:
            return kind is self.named(name)
        except NameError:  # the candidate has unmade it
            return False

    def release(self, value: Any) -> Any:
        name = type.__dict__["__name__"].__get__(type(value))
        open_to_all = self.open or name in self.classes
        return ("remote", self.keep(value), str(name)[:100], _truthiness(value), open_to_all)

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
    """Whether a value counts as true, which is all that some tests ask; None where it does not say."""
    try:
        return bool(value)
    except BaseException:
        return None


def traits(error: BaseException) -> tuple[str, str | None]:
    """The lineage of an exception, and its arguments where they can cross."""
    try:
        arguments = write(list(error.args))
    except (Opaque, RecursionError):
        arguments = None
    return lineage(type(error)), arguments if arguments is None or len(arguments) <= 10_000 else None


def lineage(kind: type) -> str:
    """The names of a type and of those that it derives from, up to the first that is built in."""
    names = []
    for base in kind.__mro__:
        names.append(str(type.__dict__["__name__"].__get__(base)))
        if base.__module__ == "builtins":
            break
    return ",".join(names)[-1_000:]


def object_traits_kind(shelf: ObjectStore, path: str) -> tuple[str, str | None]:
    """What a name of the candidate's is, for a test that uses it: a function, a class, an exception, a value, missing, or another thing."""
    try:
        found = shelf.named(path)
    except NameError:
        return ("missing", None)
    except BaseException:
        return ("other", None)
    if isinstance(found, type):
        return ("exception", lineage(found)) if issubclass(found, BaseException) else ("class", None)
    if callable(found):
        return ("function", None)
    text = shelf.text(found)
    return ("other", None) if text is None else ("value", text)
