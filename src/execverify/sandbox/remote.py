"""Inside the confined process of a candidate's tests: runs the assertions, and calls the candidate in its own process.

The tests come from a dataset, and are trusted; the candidate is not, so the two share no memory. The candidate's names are proxies
here: the arguments of a call go as text through the caller to the candidate's process, and its result comes back as text (see
`value_codec.py`), or its exception as names of types and arguments. Lists, dicts, sets and objects that the candidate changed are
changed here as well, in place; what it printed is printed here.

A value that cannot be encoded stays in the candidate's process, under a number. Where the tests use a class of the candidate
(`Stack()`), operations on its objects are forwarded, but never whether they *equal* anything: that is decided here. Arithmetic with
a value of the tests is equivalent to that question (`abs(f(3) - 7) < 1e-6`), so only objects that the tests have created themselves
may calculate. Of other objects only the truth value and the text are known. Which object is which is decided here, by what was
called; the candidate's process is not trusted. Where a test needs more, nothing is decided: the outcome is "unsupported".
"""

import builtins
import contextlib
import sys
import types
from typing import Any

from execverify.errors import LiteralError
from execverify.programs.values import to_value
from execverify.sandbox.candidate_io import Channel, Fields, StdStreams
from execverify.sandbox.pytest_substitute import RUN, run_test
from execverify.sandbox.pytest_substitute import module as pytest_module
from execverify.sandbox.runners import describe_exception
from execverify.sandbox.value_codec import (
    MAX_ARGUMENT_CHARS,
    Decoder,
    Encoder,
    NotEncodable,
    SharedObject,
    is_iterator,
    items_of,
)

TEST_REASONS = ("an argument of ", "the test ")
"""How the reason of the outcome "unsupported" begins where the test, not the candidate, is responsible for it."""

_FEW_CHARS = 1_000  # of values from the candidate, with which no argument becomes too long
_MAX_FETCHED = 1_000  # items of an iterator that are requested together


class _Unsupported(BaseException):
    """A test needs something that is not supported. Not an Exception, so that no test catches it."""


class RemoteCandidate:
    """The candidate, as the tests call it.

    Args:
        channel: to the caller.
        classes: the candidate's names whose objects the tests use as objects.
        shared: names of classes that both processes have.
        namespace: of the tests.

    Attributes:
        unsupported: why the current assertion is not supported; None where it is.
        exceptions: those of the candidate in the current assertion, each with its description.
        called: whether the candidate was called at all.
        tainted: whether the tests have received anything but plain values from the candidate: it may be responsible for what is
            not supported from then on.
        is_open: whether all operations are allowed on what the current call returns.
        may_calculate: whether what the current call returns may calculate.
        constructors: names of the candidate's classes, with which the tests create objects.
        received: characters of all values from the candidate.
        own: names of the candidate, by the id of the proxy.
        types: the proxy types of the candidate's objects, by name; they contain nothing of the candidate.
        errors: the exception types of the candidate, by name.
        calculating: numbers of the objects that the tests have created themselves, or calculated from such.
        proxies: what represents the values in the candidate's process, by number.
    """

    def __init__(self, channel: Channel, classes: list[str], shared: list[str], namespace: dict[str, Any]) -> None:
        self.channel = channel
        self.classes = frozenset(classes)
        self.shared = frozenset(shared)
        self.namespace = namespace
        self.unsupported: str | None = None
        self.exceptions: list[tuple[BaseException, str]] = []
        self.called = self.tainted = False
        self.is_open = self.may_calculate = False
        self.constructors: set[str] = set()
        self.received = 0
        self.own: dict[int, str] = {}
        self.types: dict[str, type] = {}
        self.errors: dict[str, type[BaseException]] = {}
        self.calculating: set[int] = set()
        self.proxies: dict[int, Any] = {}
        local: dict[str, Any] = {"remote": self.remote, "iterator": self.iterator, "awaited": _awaited}
        self.decoder = Decoder(local, self.shared_class)

    # ------------------------------------------------------------------------------------------------------------- names

    def bind(self, name: str, kind: str, text: str | None) -> None:
        """Defines a name of the candidate in the namespace of the tests."""
        last = name.rpartition(".")[2]
        if kind == "exception" and text is not None and last in self.classes:
            self.namespace[last] = self.errors[last] = type(last, (_built_in(text.split(",")),), {})
        elif kind == "class" and last in self.classes:
            self.namespace[last] = self.remote_class(name)
        elif kind in ("function", "class", "exception"):
            self.namespace[last] = self.proxy(name)
        elif kind == "value" and text is not None:
            with contextlib.suppress(LiteralError, RecursionError):  # a forged message: the name stays undefined
                self.namespace[last] = self.decoder.decode(text)

    def proxy(self, name: str) -> Any:
        """A function that is called here and runs in the candidate's process."""

        def function(*positional: Any, **named: Any) -> Any:
            return self.call(name, list(positional), named)

        function.__name__ = function.__qualname__ = name.rpartition(".")[2]
        function.__module__ = "solution"
        self.own[id(function)] = name
        return function

    def remote_class(self, name: str) -> Any:
        """A class that is called here, and creates its objects in the candidate's process."""
        made = _RemoteType(name, (Remote,), {"__module__": "solution"})
        type.__setattr__(made, "_execverify", (self, name))
        self.own[id(made)] = name
        self.types[name] = made
        self.constructors.add(name)
        return made

    def shared_class(self, name: str) -> Any:
        if name not in self.shared:
            raise KeyError(name)
        return self.namespace[name]

    # ------------------------------------------------------------------------------------------------------------- calls

    def call(self, name: str, positional: list[Any], named: dict[str, Any]) -> Any:
        """Calls a function of the candidate, or, where the name begins with a dot, requests an operation on one of its values."""
        encoder = Encoder(self.local, limit=MAX_ARGUMENT_CHARS)
        text = self.arguments(encoder, name, positional, named)
        self.called = True
        target = positional[0] if name.startswith(".") and positional else None
        self.is_open = name.rpartition(".")[2] in self.classes if target is None else name != ".next"
        self.may_calculate = name in self.constructors if target is None else name in _CALCULATING and _calculates(target)
        self.channel.send("call", name, text)
        answer = self.channel.receive()
        self.received += len(answer["text"] or "") + len(answer["state"] or "")
        if answer["stdout"]:
            sys.stdout.write(answer["stdout"])
        if answer["state"] is not None:
            self.tainted = True
            _update_in_place([positional, named], self.read(answer["state"], encoder.objects))
        if answer["unsupported"] is not None:
            self.tainted = True
            self.refuse(answer["unsupported"])
        if answer["error"] is not None:
            error = self.exception(answer)
            self.exceptions.append((error, answer["detail"]))
            raise error
        return self.read(answer["text"], encoder.objects)

    def arguments(self, encoder: Encoder, name: str, positional: list[Any], named: dict[str, Any]) -> str:
        plain = to_value([positional, named], MAX_ARGUMENT_CHARS)
        if plain.text is not None:
            return plain.text
        try:
            return encoder.encode([positional, named])
        except (NotEncodable, RecursionError) as reason:
            # Only where the tests alone are responsible, the reason begins with "an argument of": graders leave such a test out.
            own = not self.tainted and (str(reason) == "object" or self.received <= _FEW_CHARS)
            self.refuse(f"{'an argument of' if own else 'a value passed to'} {name} is not plain data ({reason})")
            raise

    def read(self, text: str, known: list[Any]) -> Any:
        """Decodes a value of the candidate, which wrote the text: an invalid one is not supported."""
        try:
            return self.decoder.decode(text, known)
        except (LiteralError, RecursionError) as error:
            self.tainted = True
            self.refuse(f"what it gave cannot be read: it {error}")

    def local(self, value: Any) -> Any:
        """Encodes what only this process knows."""
        if id(value) in self.own:
            return ("name", self.own[id(value)])
        if issubclass(type(value), OpaqueRemoteValue):
            return ("remote", object.__getattribute__(value, "_execverify")[1])
        name = type(value).__name__
        if name in self.shared and type(value) is self.namespace.get(name):
            return SharedObject(name)
        return ("iterator", *items_of(value)) if is_iterator(value) else None

    def refuse(self, reason: str) -> None:
        """Ends the current assertion as not supported."""
        self.unsupported = reason
        raise _Unsupported(reason)

    # -------------------------------------------------------------------------------------------------- remote values

    def remote(self, number: int, name: str, truth: bool | None, named: bool) -> Any:
        """A proxy of a value in the candidate's process. (`named` is a claim of that process, and is ignored.)"""
        self.tainted = True
        if number not in self.proxies:
            known = self.types.get(name) if name in self.constructors else None
            if known is None:
                known = _RemoteType(name, (Remote,), {}) if self.is_open else type(name, (OpaqueRemoteValue,), {})
            proxy: Any = object.__new__(known)
            self.proxies[number] = proxy
            object.__setattr__(proxy, "_execverify", (self, number, name, truth))
            if self.may_calculate and issubclass(known, Remote):
                self.calculating.add(number)
        return self.proxies[number]

    def iterator(self, number: int, generator: bool) -> Any:
        """An iterator whose items are in the candidate's process; they are fetched in blocks of growing size."""
        self.tainted = True
        if number not in self.proxies:
            items = self.items(number)
            self.proxies[number] = items if generator else map(_same, items)
        return self.proxies[number]

    def items(self, number: int) -> Any:
        count, more = 1, True
        iterator = OpaqueRemoteValue()
        object.__setattr__(iterator, "_execverify", (self, number, "iterator", True))
        while more:
            items, more = self.call(".next", [iterator, count], {})
            yield from items
            count = min(2 * count, _MAX_FETCHED)

    def exception(self, answer: dict[str, Any]) -> BaseException:
        """An exception like the candidate's: of a built-in type, of one that the tests know, or of a new one with its name."""
        names = (answer["base"] or "").split(",")
        base: type[BaseException] = next((self.errors[name] for name in names if name in self.errors), _built_in(names))
        if issubclass(base, StopIteration | StopAsyncIteration | GeneratorExit):
            return RuntimeError(f"it raised {answer['error']}")  # the original would end a loop of the tests
        name = answer["error"] if str(answer["error"]).isidentifier() else "Exception"
        kind: type[BaseException] = base if base.__name__ == name else type(name, (base,), {})
        unicode = next((fields for error, fields in _UNICODE_ERRORS.items() if issubclass(base, error)), None)
        if unicode is not None:  # CPython reads at their offsets without checking them
            return kind(*unicode, answer["detail"])
        try:
            arguments: Any = self.decoder.decode(answer["arguments"]) if answer["arguments"] is not None else [answer["detail"]]
            copy: BaseException = kind(*arguments)
            str(copy)
        except Exception:  # a type that takes other arguments
            named: BaseException = type(name, (Exception,), {})(answer["detail"])
            return named
        return copy


_UNICODE_ERRORS: dict[type[BaseException], tuple[Any, ...]] = {
    UnicodeDecodeError: ("utf-8", b"?", 0, 1), UnicodeEncodeError: ("utf-8", "?", 0, 1), UnicodeTranslateError: ("?", 0, 1),
}  # fmt: skip


def _same(item: Any) -> Any:
    return item


async def _awaited(value: Any) -> Any:
    return value


def _built_in(names: list[str]) -> type[BaseException]:
    """The built-in exception type, which is the last of the names."""
    base: Any = getattr(builtins, names[-1], Exception)
    if not (isinstance(base, type) and issubclass(base, BaseException)) or issubclass(base, BaseExceptionGroup):
        return Exception
    return base


class OpaqueRemoteValue:
    """A value of the candidate that cannot be encoded. Its truth value is known, and its text is available; nothing else is supported."""

    def __bool__(self) -> bool:
        candidate, _, name, truth = object.__getattribute__(self, "_execverify")
        if truth is None:
            candidate.refuse(f"it returned a {name} without a truth value")
        return bool(truth)

    def __str__(self) -> str:
        return _request(self, "__str__")  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return _request(self, "__repr__")  # type: ignore[no-any-return]

    def __eq__(self, other: object) -> Any:
        return True if other is self else _unsupported(self)

    def __ne__(self, other: object) -> Any:
        return False if other is self else _unsupported(self)

    __hash__ = None  # type: ignore[assignment]

    def __getattribute__(self, name: str) -> Any:
        return _unsupported(self)


def _request(remote: OpaqueRemoteValue, operation: str, *arguments: Any) -> Any:
    candidate: RemoteCandidate = object.__getattribute__(remote, "_execverify")[0]
    return candidate.call(f".{operation}", [remote, *arguments], {})


def _unsupported(remote: OpaqueRemoteValue, *_: object) -> Any:
    candidate, _number, name, _truth = object.__getattribute__(remote, "_execverify")
    candidate.refuse(f"it returned a {name}, which is not plain data (object)")


class _RemoteType(type):
    """The metaclass of the proxies of the candidate's classes."""

    def __call__(cls, *positional: Any, **named: Any) -> Any:
        candidate, name = type.__getattribute__(cls, "_execverify")
        return candidate.call(name, list(positional), named)

    def __getattr__(cls, attribute: str) -> Any:
        candidate, _ = type.__getattribute__(cls, "_execverify")
        return candidate.call(".get", [cls, attribute], {})


class Remote(OpaqueRemoteValue, metaclass=_RemoteType):
    """An object of a class that the tests use: operations are forwarded to it, except whether it equals another value."""

    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            return object.__getattribute__(self, name)
        return _request(self, "get", name)

    def __setattr__(self, name: str, value: Any) -> None:
        _request(self, "set", name, value)

    def __delattr__(self, name: str) -> None:
        _request(self, "delete", name)

    def __bool__(self) -> bool:
        return bool(_request(self, "__bool__"))

    def __format__(self, spec: str) -> str:
        return str(_request(self, "__format__", spec))

    def __call__(self, *positional: Any, **named: Any) -> Any:
        candidate: RemoteCandidate = object.__getattribute__(self, "_execverify")[0]
        return candidate.call(".__call__", [self, *positional], named)


def _operation(name: str) -> Any:
    return lambda self, *arguments: _request(self, name, *arguments)


def _calculation(name: str) -> Any:
    return lambda self, *arguments: _request(self, name, *arguments) if _calculates(self) else _unsupported(self)


def _calculates(value: Any) -> bool:
    """Whether a value is an object that the tests have created themselves, or calculated from such."""
    if not issubclass(type(value), Remote):
        return False
    candidate, number, _, _ = object.__getattribute__(value, "_execverify")
    return number in candidate.calculating


_FORWARDED = "len iter getitem setitem delitem enter exit"
_CALCULATED = "add sub mul truediv floordiv mod pow matmul and or xor neg pos abs invert"
_CALCULATING = frozenset(f".__{name}__" for name in _CALCULATED.split())
_REFUSED = (
    "lt le gt ge hash len iter next contains getitem setitem delitem call format add radd sub rsub mul rmul mod "
    "and or xor rand ror rxor neg int float index complex round enter exit reversed setattr delattr"
)
for _name in _FORWARDED.split():
    setattr(Remote, f"__{_name}__", _operation(f"__{_name}__"))
for _name in _CALCULATED.split():
    setattr(Remote, f"__{_name}__", _calculation(f"__{_name}__"))
for _name in _REFUSED.split():
    setattr(OpaqueRemoteValue, f"__{_name}__", _unsupported)


def _update_in_place(here: Any, there: Any) -> Any:
    """Gives a value the state of another, in place where both are of one mutable type; returns the updated or the other value."""
    if here is there or type(here) is not type(there):
        return there
    if isinstance(here, list):
        here[:] = [*map(_update_in_place, here, there), *there[len(here) :]]
    elif isinstance(here, dict):
        new = {key: _update_in_place(here[key], value) if key in here else value for key, value in there.items()}
        here.clear()
        here.update(new)
    elif isinstance(here, set):
        here.clear()
        here.update(there)
    elif isinstance(here, bytearray):
        here[:] = there
    elif type(here).__name__ == "deque":
        here.clear()
        here.extend(there)
    elif isinstance(here, tuple) and len(here) == len(there):
        parts = tuple(map(_update_in_place, here, there))
        return here if all(own is part for own, part in zip(here, parts, strict=True)) else there
    else:
        return there
    return here


def run_tests(setup: dict[str, Any], channel: Channel, streams: StdStreams) -> None:
    """Runs the assertions of a setup, and reports how each ended."""
    module = types.ModuleType("tests")
    sys.modules["tests"] = module
    namespace = module.__dict__
    namespace[RUN] = run_test
    sys.modules["pytest"] = pytest_module()
    candidate = RemoteCandidate(channel, setup["classes"], setup["shared"], namespace)
    for name, kind, text in setup["bindings"]:
        candidate.bind(name, kind, text)
    tested = (setup["entry_point"] or "").rpartition(".")[2]
    entry_point = namespace.get(tested)
    ended = _run_code(setup["setup"], namespace, candidate, streams)
    if ended[0] not in ("returned", "unsupported"):
        tests_failed = ended[0] == "raised" and not candidate.called
        outcome = "sandbox_error" if tests_failed else ended[0]
        channel.send("unloaded", outcome, None, None, None, f"the tests' setup failed: {ended[4]}", ended[5], "")
        return
    if ended[0] == "unsupported":
        channel.send("unloaded", *ended)
        return
    if entry_point is not None:  # the setup may define a function of that name
        namespace[tested] = entry_point
    channel.send("loaded")
    for text in setup["tests"]:
        channel.send("result", *_run_code(text, namespace, candidate, streams))


def _run_code(code: str, namespace: dict[str, Any], candidate: RemoteCandidate, streams: StdStreams) -> Fields:
    """Runs the setup or an assertion; the fields of its result."""
    candidate.unsupported = None
    candidate.exceptions.clear()
    streams.begin("")
    outcome, detail, name = "returned", "", None
    try:
        exec(compile(code, "<program>", "exec", dont_inherit=True), namespace)
    except MemoryError:
        outcome, detail = "out_of_memory", "the test asked for more memory than it may have"
    except BaseException as error:
        described = describe_exception(error)
        outcome, detail, name = described["outcome"], described["detail"], described["error"]
        remote_detail = next((text for remote, text in candidate.exceptions if remote is error), None)
        if remote_detail is not None:
            detail = remote_detail
        elif (
            isinstance(error, ImportError) and not candidate.exceptions
        ):  # raised by the tests: no exception of the candidate caused it
            outcome, detail, name = "unsupported", f"the test needs what is not available: {error}"[:300], None
    if candidate.unsupported is not None:
        outcome, detail, name = "unsupported", candidate.unsupported, None
    if outcome != "returned":
        return (outcome, None, None, None, " ".join(detail.split()), name, "")
    return ("returned", "NoneType", "None", None, "", None, "")
