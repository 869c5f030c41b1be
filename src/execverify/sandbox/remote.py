"""Inside the confined process of a candidate's tests: assertions run here, and the candidate somewhere else.

The tests are a dataset's, and trusted; the candidate is not, so the two share no memory. What the tests call by the candidate's
names are proxies: a call's arguments go as text through the caller to the candidate's process, and what it returned comes back as
text (see `crossing.py`), or what it raised as types' names and arguments. Lists, dicts, sets and objects that the candidate changed are
changed here as well, in place; what it printed is printed here.

What cannot cross stays there, under a number. Where the tests use a class of the candidate's (`Stack()`), its objects are asked for
whatever the tests ask of them, never whether they *equal* anything: that is decided here. Arithmetic with a value of the tests' is that
same question (`abs(f(3) - 7) < 1e-6`), so only objects that the tests have made themselves calculate. Of other objects only the truth
and the text are known. Which object is which is decided here, by what was called; the candidate's process is not believed. Where a test
asks for more, nothing is decided: the outcome is "unsupported".
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
from execverify.sandbox.value_codec import LONGEST_ARGUMENTS, Opaque, Reader, Shared, Writer, is_iterator, items_of

OF_THE_TEST = ("an argument of ", "the test ")
"""How a reason begins where the test, and not the candidate, needs what it cannot have."""

_LITTLE = 1_000  # characters of a candidate's from which no argument grows too long
_MOST_AT_ONCE = 1_000  # items of an iterator that are asked for together


class _Unsupported(BaseException):
    """Something cannot cross; not an Exception, so that no test swallows it."""


class RemoteCandidate:
    """The way to the candidate.

    Args:
        channel: to the caller.
        classes: names of the candidate's of which the tests use the objects as objects.
        shared: names of classes that both sides have.
        namespace: of the tests.

    Attributes:
        unsupported: why something could not cross in the assertion at hand; None where everything could.
        crossed: the exceptions that came over in the assertion at hand, and how each is told.
        called: whether the candidate was called at all.
        steered: whether the candidate has put anything but plain values into the tests' hands: what is refused from then on
            may be its doing.
        received: characters of all values that it gave.
    """

    def __init__(self, channel: Channel, classes: list[str], shared: list[str], namespace: dict[str, Any]) -> None:
        self.channel = channel
        self.classes = frozenset(classes)
        self.shared = frozenset(shared)
        self.namespace = namespace
        self.unsupported: str | None = None
        self.last_exception: list[tuple[BaseException, str]] = []
        self.called = self.tainted = False
        self.opening = self.making = False
        """Whether what the call at hand gives may be asked for everything, and whether it may calculate."""
        self.makers: set[str] = set()
        """Names of the candidate's classes, by which the tests make objects."""
        self.received = 0
        self.own: dict[int, str] = {}
        """What stands for names of the candidate's, by identity."""
        self.kinds: dict[str, type] = {}
        """Types of the candidate's objects, by name, made here: they hold nothing of its."""
        self.errors: dict[str, type[BaseException]] = {}
        self.calculating: set[int] = set()
        """Numbers of the objects that the tests have made themselves, or calculated from such."""
        self.far: dict[int, Any] = {}
        """What stands for values that stayed there, by number."""
        local: dict[str, Any] = {"remote": self.remote, "iterator": self.iterator, "awaited": _awaited}
        self.reader = Reader(local, self.shared_class)

    # ------------------------------------------------------------------------------------------------------------- names

    def bind(self, name: str, kind: str, text: str | None) -> None:
        """Makes a name of the candidate's known to the tests."""
        last = name.rpartition(".")[2]
        if kind == "exception" and text is not None and last in self.classes:
            self.namespace[last] = self.errors[last] = type(last, (_built_in(text.split(",")),), {})
        elif kind == "class" and last in self.classes:
            self.namespace[last] = self.remote_class(name)
        elif kind in ("function", "class", "exception"):
            self.namespace[last] = self.proxy(name)
        elif kind == "value" and text is not None:
            with contextlib.suppress(LiteralError, RecursionError):  # forged: the name stays undefined
                self.namespace[last] = self.reader.read(text)

    def proxy(self, name: str) -> Any:
        """A function that is called here and runs there."""

        def function(*positional: Any, **named: Any) -> Any:
            return self.call(name, list(positional), named)

        function.__name__ = function.__qualname__ = name.rpartition(".")[2]
        function.__module__ = "solution"
        self.own[id(function)] = name
        return function

    def remote_class(self, name: str) -> Any:
        """A class that is called here, and makes its objects there."""
        made = _RemoteType(name, (Remote,), {"__module__": "solution"})
        type.__setattr__(made, "_execverify", (self, name))
        self.own[id(made)] = name
        self.kinds[name] = made
        self.makers.add(name)
        return made

    def shared_class(self, name: str) -> Any:
        if name not in self.shared:
            raise KeyError(name)
        return self.namespace[name]

    # ------------------------------------------------------------------------------------------------------------- calls

    def call(self, name: str, positional: list[Any], named: dict[str, Any]) -> Any:
        """One call of the candidate's, or, where the name begins with a dot, something that is asked of a value there."""
        writer = Writer(self.local, limit=LONGEST_ARGUMENTS)
        text = self.arguments(writer, name, positional, named)
        self.called = True
        of = positional[0] if name.startswith(".") and positional else None
        self.opening = name.rpartition(".")[2] in self.classes if of is None else name != ".next"
        self.making = name in self.makers if of is None else name in _CALCULATING and _calculates(of)
        self.channel.say("call", name, text)
        answer = self.channel.hear()
        self.received += len(answer["text"] or "") + len(answer["state"] or "")
        if answer["stdout"]:
            sys.stdout.write(answer["stdout"])
        if answer["state"] is not None:
            self.tainted = True
            _update_in_place([positional, named], self.read(answer["state"], writer.alive))
        if answer["unsupported"] is not None:
            self.tainted = True
            self.refuse(answer["unsupported"])
        if answer["error"] is not None:
            error = self.exception(answer)
            self.last_exception.append((error, answer["detail"]))
            raise error
        return self.read(answer["text"], writer.alive)

    def arguments(self, writer: Writer, name: str, positional: list[Any], named: dict[str, Any]) -> str:
        plain = to_value([positional, named], LONGEST_ARGUMENTS)
        if plain.text is not None:
            return plain.text
        try:
            return writer.text([positional, named])
        except (Opaque, RecursionError) as why:
            # Only what the tests alone decide may say "an argument of": those who judge leave such a test out.
            own = not self.tainted and (str(why) == "object" or self.received <= _LITTLE)
            self.refuse(f"{'an argument of' if own else 'what is handed to'} {name} is not plain data ({why})")
            raise

    def read(self, text: str, known: list[Any]) -> Any:
        """A value of the candidate's; the reading is guarded, because it wrote the text."""
        try:
            return self.reader.read(text, known)
        except (LiteralError, RecursionError) as error:
            self.tainted = True
            self.refuse(f"what it gave cannot be read: it {error}")

    def local(self, value: Any) -> Any:
        """How what only this side knows crosses."""
        if id(value) in self.own:
            return ("heldout", self.own[id(value)])
        if issubclass(type(value), OpaqueRemoteValue):
            return ("remote", object.__getattribute__(value, "_execverify")[1])
        name = type(value).__name__
        if name in self.shared and type(value) is self.namespace.get(name):
            return Shared(name)
        return ("iterator", *items_of(value)) if is_iterator(value) else None

    def refuse(self, why: str) -> None:
        self.unsupported = why
        raise _Unsupported(why)

    # -------------------------------------------------------------------------------------------------- what stayed there

    def remote(self, number: int, name: str, truth: bool | None, named: bool) -> Any:
        """What stands for a value that stayed there. (`named` is what the candidate's process says of it, and decides nothing.)"""
        self.tainted = True
        if number not in self.far:
            known = self.kinds.get(name) if name in self.makers else None
            if known is None:
                known = _RemoteType(name, (Remote,), {}) if self.opening else type(name, (OpaqueRemoteValue,), {})
            made: Any = object.__new__(known)
            self.far[number] = made
            object.__setattr__(made, "_execverify", (self, number, name, truth))
            if self.making and issubclass(known, Remote):
                self.calculating.add(number)
        return self.far[number]

    def iterator(self, number: int, generator: bool) -> Any:
        """An iterator whose items are there; more and more of them are fetched at once."""
        self.tainted = True
        if number not in self.far:
            items = self.items(number)
            self.far[number] = items if generator else map(_same, items)
        return self.far[number]

    def items(self, number: int) -> Any:
        asked, more = 1, True
        there = OpaqueRemoteValue()
        object.__setattr__(there, "_execverify", (self, number, "iterator", True))
        while more:
            items, more = self.call(".next", [there, asked], {})
            yield from items
            asked = min(2 * asked, _MOST_AT_ONCE)

    def exception(self, answer: dict[str, Any]) -> BaseException:
        """An exception like the candidate's: of a built-in type, of one that the tests know, or of one made here with its name."""
        names = (answer["base"] or "").split(",")
        base: type[BaseException] = next((self.errors[name] for name in names if name in self.errors), _built_in(names))
        if issubclass(base, StopIteration | StopAsyncIteration | GeneratorExit):
            return RuntimeError(f"it raised {answer['error']}")  # which would end a loop of the tests', as in a generator
        name = answer["error"] if str(answer["error"]).isidentifier() else "Exception"
        kind: type[BaseException] = base if base.__name__ == name else type(name, (base,), {})
        unicode = next((fields for error, fields in _UNICODE_ERRORS.items() if issubclass(base, error)), None)
        if unicode is not None:  # CPython reads at their offsets, wherever those point
            return kind(*unicode, answer["detail"])
        try:
            arguments: Any = self.reader.read(answer["arguments"]) if answer["arguments"] is not None else [answer["detail"]]
            made: BaseException = kind(*arguments)
            str(made)
        except Exception:  # a type that wants other arguments
            named: BaseException = type(name, (Exception,), {})(answer["detail"])
            return named
        return made


_UNICODE_ERRORS: dict[type[BaseException], tuple[Any, ...]] = {
    UnicodeDecodeError: ("utf-8", b"?", 0, 1), UnicodeEncodeError: ("utf-8", "?", 0, 1), UnicodeTranslateError: ("?", 0, 1),
}  # fmt: skip


def _same(item: Any) -> Any:
    return item


async def _awaited(value: Any) -> Any:
    return value


def _built_in(names: list[str]) -> type[BaseException]:
    """The exception type that is built in, which is named last."""
    base: Any = getattr(builtins, names[-1], Exception)
    if not (isinstance(base, type) and issubclass(base, BaseException)) or issubclass(base, BaseExceptionGroup):
        return Exception
    return base


class OpaqueRemoteValue:
    """Something of the candidate's that cannot cross. Its truth is known and its text may be asked for; all else is refused."""

    def __bool__(self) -> bool:
        bridge, _, name, truth = object.__getattribute__(self, "_execverify")
        if truth is None:
            bridge.refuse(f"it returned a {name} that does not say whether it is true")
        return bool(truth)

    def __str__(self) -> str:
        return _asked(self, "__str__")  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return _asked(self, "__repr__")  # type: ignore[no-any-return]

    def __eq__(self, other: object) -> Any:
        return True if other is self else _unsupported(self)

    def __ne__(self, other: object) -> Any:
        return False if other is self else _unsupported(self)

    __hash__ = None  # type: ignore[assignment]

    def __getattribute__(self, name: str) -> Any:
        return _unsupported(self)


def _asked(beyond: OpaqueRemoteValue, operation: str, *arguments: Any) -> Any:
    bridge: RemoteCandidate = object.__getattribute__(beyond, "_execverify")[0]
    return bridge.call(f".{operation}", [beyond, *arguments], {})


def _unsupported(beyond: OpaqueRemoteValue, *_: object) -> Any:
    bridge, _number, name, _truth = object.__getattribute__(beyond, "_execverify")
    bridge.refuse(f"it returned a {name}, which is not plain data (object)")


class _RemoteType(type):
    """The type of a class of the candidate's."""

    def __call__(cls, *positional: Any, **named: Any) -> Any:
        bridge, name = type.__getattribute__(cls, "_execverify")
        return bridge.call(name, list(positional), named)

    def __getattr__(cls, attribute: str) -> Any:
        bridge, _ = type.__getattribute__(cls, "_execverify")
        return bridge.call(".get", [cls, attribute], {})


class Remote(OpaqueRemoteValue, metaclass=_RemoteType):
    """An object of a class that the tests use: it answers, but what it equals is never its to say."""

    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            return object.__getattribute__(self, name)
        return _asked(self, "get", name)

    def __setattr__(self, name: str, value: Any) -> None:
        _asked(self, "set", name, value)

    def __delattr__(self, name: str) -> None:
        _asked(self, "delete", name)

    def __bool__(self) -> bool:
        return bool(_asked(self, "__bool__"))

    def __format__(self, how: str) -> str:
        return str(_asked(self, "__format__", how))

    def __call__(self, *positional: Any, **named: Any) -> Any:
        bridge: RemoteCandidate = object.__getattribute__(self, "_execverify")[0]
        return bridge.call(".__call__", [self, *positional], named)


def _operation(name: str) -> Any:
    return lambda self, *arguments: _asked(self, name, *arguments)


def _calculation(name: str) -> Any:
    return lambda self, *arguments: _asked(self, name, *arguments) if _calculates(self) else _unsupported(self)


def _calculates(value: Any) -> bool:
    """Whether a value is an object that the tests have made themselves, or calculated from such."""
    if not issubclass(type(value), Remote):
        return False
    bridge, number, _, _ = object.__getattribute__(value, "_execverify")
    return number in bridge.calculating


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
    """Gives a value the state of another, in place as far as both are of one type that can change; returns what stands for it."""
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
        return here if all(ours is part for ours, part in zip(here, parts, strict=True)) else there
    else:
        return there
    return here


def run_tests(case: dict[str, Any], channel: Channel, console: StdStreams) -> None:
    """Runs a dataset's assertions, from the first one wanted on, and says how each ended."""
    module = types.ModuleType("tests")
    sys.modules["tests"] = module
    namespace = module.__dict__
    namespace[RUN] = run_test
    sys.modules["pytest"] = pytest_module()
    bridge = RemoteCandidate(channel, case["classes"], case["shared"], namespace)
    for name, kind, text in case["bindings"]:
        bridge.bind(name, kind, text)
    tested = (case["entry_point"] or "").rpartition(".")[2]
    candidates = namespace.get(tested)
    ended = _ended(case["setup"], namespace, bridge, console)
    if ended[0] not in ("returned", "unsupported"):
        ours = ended[0] == "raised" and not bridge.called
        outcome = "our failure" if ours else ended[0]
        channel.say("unloaded", outcome, None, None, None, f"the tests' setup failed: {ended[4]}", ended[5], "")
        return
    if ended[0] == "unsupported":
        channel.say("unloaded", *ended)
        return
    if candidates is not None:  # the setup may hold a function of that name
        namespace[tested] = candidates
    channel.say("loaded")
    for text in case["tests"]:
        channel.say("result", *_ended(text, namespace, bridge, console))


def _ended(code: str, namespace: dict[str, Any], bridge: RemoteCandidate, console: StdStreams) -> Fields:
    bridge.unsupported = None
    bridge.last_exception.clear()
    console.begin("")
    outcome, detail, name = "returned", "", None
    try:
        exec(compile(code, "<program>", "exec", dont_inherit=True), namespace)
    except MemoryError:
        outcome, detail = "out of memory", "the test asked for more memory than it may have"
    except BaseException as error:
        told = describe_exception(error)
        outcome, detail, name = told["outcome"], told["detail"], told["error"]
        theirs = next((text for crossed, text in bridge.last_exception if crossed is error), None)
        if theirs is not None:
            detail = theirs
        elif (
            isinstance(error, ImportError) and not bridge.last_exception
        ):  # the tests' own: no exception of the candidate's led there
            outcome, detail, name = "unsupported", f"the test needs what it cannot have: {error}"[:300], None
    if bridge.unsupported is not None:
        outcome, detail, name = "unsupported", bridge.unsupported, None
    if outcome != "returned":
        return (outcome, None, None, None, " ".join(detail.split()), name, "")
    return ("returned", "NoneType", "None", None, "", None, "")
