"""Inside the confined process of a candidate's tests: assertions run here, and the candidate somewhere else.

The tests are a dataset's, and trusted; the candidate is not, so the two share no memory. What the tests call by the candidate's
names are proxies: a call's arguments go as literal text through the caller to the candidate's process, and what it returned
comes back as literal text (a `Counter` as the dict that it equals), or what it raised as a type and plain arguments. Lists,
dicts, sets and bytearrays that the candidate changed are changed here as well, in place. Of what is not plain data only the
truth crosses; where a test asks for more, nothing is decided: the outcome is "unsupported".
"""

import builtins
import types
from typing import Any

from execverify.execution.call import raised
from execverify.execution.streams import LONGEST, Channel, Console, Fields
from execverify.programs.literals import parse_literal
from execverify.programs.values import value_of


class _Unsupported(BaseException):
    """Something cannot cross; not an Exception, so that no test swallows it."""


class Bridge:
    """The way to the candidate.

    Attributes:
        unsupported: why something could not cross in the assertion at hand; None where everything could.
        crossed: the last exception that came over, and how it is told.
        called: whether the candidate was called at all.
        steered: whether the candidate has put anything but plain values into the tests' hands: what is refused from then on
            may be its doing.
    """

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.unsupported: str | None = None
        self.crossed: tuple[BaseException, str] | None = None
        self.called = self.steered = False

    def proxy(self, name: str) -> Any:
        """A function that is called here and runs there."""

        def function(*positional: Any, **named: Any) -> Any:
            return self.call(name, list(positional), named)

        function.__name__ = function.__qualname__ = name.rpartition(".")[2]
        return function

    def call(self, name: str, positional: list[Any], named: dict[str, Any]) -> Any:
        """One call of the candidate's."""
        described = value_of([positional, named], LONGEST)
        if described.text is None:
            # Only what the tests alone decide may say "an argument of": those who judge leave such a test out.
            own = not self.steered and described.opaque in ("object", "subclass")
            self.refuse(f"{'an argument of' if own else 'what is handed to'} {name} is not plain data ({described.opaque})")
        self.called = True
        self.channel.say("call", name, described.text)
        answer = self.channel.hear()
        if answer["state"] is not None:
            self.steered = True
            there = parse_literal(answer["state"], LONGEST)
            _renew([positional, named], there)
        self.steered = self.steered or answer["unsupported"] is not None
        if answer["unsupported"] is not None and answer["truth"] is not None:
            return Beyond(self, answer["unsupported"], answer["truth"] == "true")
        if answer["unsupported"] is not None:
            self.refuse(answer["unsupported"])
        if answer["error"] is not None:
            error = _exception(answer)
            self.crossed = (error, answer["detail"])
            raise error
        return parse_literal(answer["text"], LONGEST)

    def refuse(self, why: str) -> None:
        self.unsupported = why
        raise _Unsupported(why)


class Beyond:
    """Something of the candidate's that cannot cross, of which only the truth is known; whatever else is asked is refused."""

    def __init__(self, bridge: Bridge, why: str, truth: bool) -> None:
        object.__setattr__(self, "ask", (bridge, why, truth))

    def __bool__(self) -> bool:
        truth: bool = object.__getattribute__(self, "ask")[2]
        return truth

    def __getattribute__(self, name: str) -> Any:
        return _refused(self)


def _refused(beyond: Beyond, *_: object) -> Any:
    bridge, why, _truth = object.__getattribute__(beyond, "ask")
    bridge.refuse(why)


_ASKED = (
    "eq ne lt le gt ge hash len iter next contains getitem setitem delitem call repr str format add radd sub rsub mul rmul mod "
    "and or xor rand ror rxor neg int float index complex round enter exit reversed setattr delattr"
)
for _name in _ASKED.split():
    setattr(Beyond, f"__{_name}__", _refused)


def _exception(answer: dict[str, Any]) -> BaseException:
    """An exception like the candidate's: of a built-in type, or of a type made here with its name.

    Name and arguments are the candidate's to choose: nothing that is made of them may fail here, or later when it is shown.
    """
    base: Any = getattr(builtins, answer["base"] or "", Exception)
    if not (isinstance(base, type) and issubclass(base, BaseException)) or issubclass(base, BaseExceptionGroup):
        base = Exception
    name = answer["error"] if str(answer["error"]).isidentifier() else "Exception"
    if issubclass(base, StopIteration | StopAsyncIteration | GeneratorExit):
        return RuntimeError(f"it raised {name}")  # which would end a loop of the tests', as in a generator
    kind: type[BaseException] = base if base.__name__ == name else type(name, (base,), {})
    if base in _UNICODE_ERRORS:  # CPython reads at their offsets, wherever those point
        return kind(*_UNICODE_ERRORS[base], answer["detail"])
    arguments: Any = parse_literal(answer["arguments"]) if answer["arguments"] is not None else [answer["detail"]]
    try:
        made: BaseException = kind(*arguments)
        str(made)
        return made
    except Exception:  # a type that wants other arguments
        named: BaseException = type(name, (Exception,), {})(answer["detail"])
        return named


_UNICODE_ERRORS: dict[type[BaseException], tuple[Any, ...]] = {
    UnicodeDecodeError: ("utf-8", b"?", 0, 1), UnicodeEncodeError: ("utf-8", "?", 0, 1), UnicodeTranslateError: ("?", 0, 1),
}  # fmt: skip


def _renew(here: Any, there: Any) -> Any:
    """Gives a value the state of another, in place as far as both are of one type that can change; returns what stands for it."""
    if type(here) is not type(there):
        return there
    if isinstance(here, list):
        here[:] = [*map(_renew, here, there), *there[len(here) :]]
    elif isinstance(here, dict):
        new = {key: _renew(here[key], value) if key in here else value for key, value in there.items()}
        here.clear()
        here.update(new)
    elif isinstance(here, set):
        if here != there:
            here.clear()
            here.update(there)
    elif isinstance(here, bytearray):
        here[:] = there
    elif isinstance(here, tuple) and len(here) == len(there):
        return tuple(map(_renew, here, there)) if here != there else here
    else:
        return there
    return here


def run_tests(case: dict[str, Any], channel: Channel, console: Console) -> None:
    """Runs a dataset's assertions, from the first one wanted on, and says how each ended."""
    bridge = Bridge(channel)
    module = types.ModuleType("tests")
    namespace = module.__dict__
    for name, kind, text in case["bindings"]:
        if kind == "function":
            namespace[name.rpartition(".")[2]] = bridge.proxy(name)
        elif kind == "value":
            namespace[name] = parse_literal(text, LONGEST)
    last = (case["entry_point"] or "").rpartition(".")[2]
    tested = namespace.get(last)
    ended = _ended(case["setup"], namespace, bridge, console)
    if ended[0] != "returned":
        ours = ended[0] == "raised" and not bridge.called
        outcome = "our failure" if ours else ended[0]
        channel.say("unloaded", outcome, None, None, None, f"the tests' setup failed: {ended[4]}", ended[5], "")
        return
    if tested is not None:  # the setup may hold a function of that name
        namespace[last] = tested
    channel.say("loaded")
    for text in case["tests"]:
        channel.say("result", *_ended(text, namespace, bridge, console))


def _ended(code: str, namespace: dict[str, Any], bridge: Bridge, console: Console) -> Fields:
    bridge.unsupported = bridge.crossed = None
    console.begin("")
    outcome, detail, name = "returned", "", None
    try:
        exec(compile(code, "<program>", "exec", dont_inherit=True), namespace)
    except MemoryError:
        outcome, detail = "out of memory", "the test asked for more memory than it may have"
    except BaseException as error:
        told = raised(error)
        outcome, detail, name = told["outcome"], told["detail"], told["error"]
        if bridge.crossed is not None and bridge.crossed[0] is error:
            detail = bridge.crossed[1]
    if bridge.unsupported is not None:
        outcome, detail, name = "unsupported", bridge.unsupported, None
    if outcome != "returned":
        return (outcome, None, None, None, detail, name, "")
    return ("returned", "NoneType", "None", None, "", None, "")
