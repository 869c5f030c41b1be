"""What a candidate's messages mean: its results, kept apart from what only we can say.

`Tested` is one process that runs all tests of a candidate. `Asserted` is two: one for the candidate, one for the tests.
"""

import ast
import functools
import marshal
import time
from typing import Any

from execverify.errors import LiteralError
from execverify.execution.batch import obituary
from execverify.execution.crossing import is_crossing, room_for
from execverify.execution.docket import Case, Docket, Line, Texts
from execverify.execution.outcome import Limits, Outcome, Result
from execverify.execution.run import is_value
from execverify.execution.streams import LONGEST
from execverify.programs.literals import parse_quietly
from execverify.programs.program import call_values
from execverify.programs.values import Value

_START = 30.0  # seconds that a process may take before it is ready: our time, not the candidate's
_ATTEMPTS = 3  # at a test that we failed to run
_ITS_OWN = frozenset(
    map(str, (Outcome.RETURNED, Outcome.RAISED, Outcome.OUT_OF_MEMORY, Outcome.TOO_MUCH_OUTPUT, Outcome.FORBIDDEN))
)
_LONGEST_DETAIL = 1_000
_KEPT_OUTPUT = 10_000  # characters of what a function prints, which decides nothing

Plan = dict[str, Any]
"""What a process is told, see `trial.py`."""


def bound(limits: Limits) -> int:
    """Most bytes of one message of a process under these limits: its output, a value, and some lines."""
    return 4 * limits.output + 8 * LONGEST + 100_000


def plan(role: str, source: str, tests: tuple[str, ...], limits: Limits, **more: Any) -> Plan:
    """What a process is told."""
    return {
        "role": role,
        "source": source,
        "tests": list(tests),
        "memory": limits.memory,
        "output": limits.output,
        "file_size": limits.file_size,
        "seconds": 4 * limits.timeout * (len(tests) + 1) + 5,
        **more,
    }


def result_in(fields: Texts, outcomes: frozenset[str] = _ITS_OWN, kept: int = _KEPT_OUTPUT) -> Result:
    """A result out of a message, with so many characters of its output; raises ValueError where the process may not say so."""
    if len(fields) != 7:
        raise ValueError("no result")
    outcome, kind, text, opaque, detail, error, stdout = fields
    if outcome not in outcomes or detail is None or stdout is None or len(detail) > _LONGEST_DETAIL or len(error or "") > 1000:
        raise ValueError("no result")
    stdout = stdout[:kept]
    if outcome != Outcome.RETURNED:
        return Result(Outcome(outcome), None, " ".join(detail.split()), error, stdout)
    if not is_value([kind, text, opaque], LONGEST):
        raise ValueError("no value")
    return Result(Outcome.RETURNED, Value(kind or "", text, opaque), "", None, stdout)


FORGED = "the process answered with what is no answer"


_NO_ARGUMENTS = marshal.dumps(([], {}))
_LONGEST_INPUT = 4_000_000  # characters of a test's arguments


@functools.lru_cache(maxsize=4_096)
def marshalled(text: str) -> bytes | str:
    """A call's arguments as marshal has them, or the text itself where it has not; raises LiteralError for what is no literal.

    (Remembered, because many candidates have the same tests.)
    """
    tree: Any = parse_quietly(f"_({text}\n)", "eval", _LONGEST_INPUT)
    if not isinstance(tree.body, ast.Call) or not isinstance(tree.body.func, ast.Name):
        raise LiteralError("do not form one call")
    positional, named = call_values(tree.body)
    if "range" in text or "bytearray" in text:
        return text
    return marshal.dumps((list(positional), named))


class _Judged(Case):
    """What all cases with processes have in common: so many results are wanted, under these limits."""

    limits: Limits
    count: int

    @property
    def done(self) -> bool:
        return len(self.results) >= self.count

    def fill(self, result: Result) -> None:
        """The same result for all tests that are left."""
        self.results += [result] * (self.count - len(self.results))

    def first_word(self, line: Line, what: str | None, fields: Texts) -> None:
        """What the process says before any of the candidate's code runs, and which can therefore be believed."""
        if what == "refused":
            self.fill(Result(Outcome.FAILED, detail=f"the process could not be confined: {fields[0]}"))
            return
        if what != "ready":
            raise ValueError("an unexpected message")
        line.ready = True
        self.deadline = time.monotonic() + self.limits.timeout


class Tested(_Judged):
    """One process, and all tests of a candidate in it; a fresh one after a test that it did not survive."""

    def __init__(self, told: Plan, limits: Limits, stop_early: bool) -> None:
        super().__init__()
        self.told = told
        self.bad: dict[int, str] = {}
        if told["role"] == "call":
            self.read_tests()
        self.limits = limits
        self.stop_early = stop_early
        self.count = len(told["tests"])
        self.loaded = False
        self.attempts = 0

    def read_tests(self) -> None:
        """Reads the arguments of all calls; a test that has none is our failure, and is run without any."""
        for index, text in enumerate(self.told["tests"]):
            try:
                self.told["tests"][index] = marshalled(text)
            except LiteralError as error:
                self.bad[index] = f"the test's arguments are no literals: {error}"
                self.told["tests"][index] = _NO_ARGUMENTS

    def begin(self, docket: Docket) -> None:
        """A fresh process for the tests that are left."""
        self.loaded = False
        line = docket.open(self, bound(self.limits))
        line.send({**self.told, "tests": self.told["tests"][len(self.results) :]})
        self.deadline = time.monotonic() + _START

    def heard(self, line: Line, texts: Texts, docket: Docket) -> None:
        what, *fields = texts or [None]
        if not line.ready:
            self.first_word(line, what, fields)
        elif what == "loaded" and not self.loaded and not fields:
            self.loaded = True
        elif what == "unloaded" and not self.loaded:
            self.fill(result_in(fields))
        elif what == "result":
            kept = self.limits.output if self.told["role"] == "stdin" else _KEPT_OUTPUT
            self.note(result_in(fields, kept=kept))
        else:
            raise ValueError("an unexpected message")

    def note(self, result: Result) -> None:
        """The result of the test at hand."""
        why = self.bad.get(len(self.results))
        self.results.append(result if why is None else Result(Outcome.FAILED, detail=why))
        self.attempts = 0
        self.deadline = time.monotonic() + self.limits.timeout
        if self.stop_early and result.outcome != Outcome.RETURNED:
            self.fill(Result(Outcome.NOT_RUN, detail="an earlier test failed"))

    def lost(self, line: Line, status: int | None, docket: Docket) -> None:
        if not line.ready or status is None:
            docket.sandbox.distrust(line.zygote)
            self.attempts += 1
            if self.attempts >= _ATTEMPTS:
                self.fill(Result(Outcome.FAILED, detail=obituary(status)))
        else:
            self.over(Result(Outcome.DIED, detail=obituary(status)))
        if not self.done:
            self.begin(docket)

    def over(self, result: Result) -> None:
        """The process is gone, and its test has this result; so have all that are left where it had not even loaded."""
        if self.told["role"] != "stdin" and not self.loaded:
            self.fill(result)
        else:
            self.note(result)

    def expired(self, docket: Docket) -> None:
        (line,) = self.lines
        docket.end(line)
        if line.ready:
            self.over(Result(Outcome.TIMED_OUT, detail=f"it ran longer than {self.limits.timeout:g} s"))
        else:
            self.fill(Result(Outcome.FAILED, detail=f"the process was not ready after {_START:g} s"))
        if not self.done:
            self.begin(docket)


class Asserted(_Judged):
    """Two processes: one holds the candidate, one the tests; what they say to each other passes through here as text.

    The candidate's process comes first. When it has loaded the module and said what each name that the tests use is, the tests'
    process gets to work. The clock runs for both together.
    """

    def __init__(self, candidate: Plan, tests: Plan, needs: list[frozenset[str]], limits: Limits, stop_early: bool) -> None:
        super().__init__()
        self.candidate = candidate
        self.tests = tests
        self.needs = needs
        """For each assertion, the names of the candidate's that it (or the setup) uses."""
        self.limits = limits
        self.stop_early = stop_early
        self.count = len(tests["tests"])
        self.attempts = 0
        self.kinds: dict[str, tuple[str, str | None]] = {}
        self.place: list[int] = []
        """Which assertions the tests' process is at work on, the first one now."""
        self.answering: Line | None = None
        self.testing: Line | None = None
        self.loaded = self.calling = self.set_up = False
        self.asked = ""
        """What the tests' process has called last."""
        self.room = LONGEST
        """Most characters of a value in the answer."""

    def begin(self, docket: Docket) -> None:
        """Two fresh processes for the assertions that are left."""
        self.kinds, self.loaded, self.calling, self.set_up = {}, False, False, False
        self.answering = docket.open(self, bound(self.limits))
        self.testing = docket.open(self, bound(self.limits))
        self.answering.send(self.candidate)
        self.deadline = time.monotonic() + _START

    def heard(self, line: Line, texts: Texts, docket: Docket) -> None:
        what, *fields = texts or [None]
        if not line.ready:
            self.first_word(line, what, fields)
        elif line is self.answering:
            self.answered(what, fields, docket)
        else:
            self.tested(what, fields, docket)

    # ------------------------------------------------------------------------------------------ the candidate's process

    def answered(self, what: str | None, fields: Texts, docket: Docket) -> None:
        names = self.candidate["names"]
        if what == "unloaded" and not self.loaded:
            self.fill(result_in(fields))
        elif what == "loaded" and not self.loaded and not fields:
            self.loaded = True
            self.start_tests(docket)
        elif what == "name" and self.loaded and len(self.kinds) < len(names):
            self.kinds[names[len(self.kinds)]] = _kind_in(fields)
            self.start_tests(docket)
        elif what == "answer" and self.calling:
            self.pass_on(fields, docket)
        else:
            raise ValueError("an unexpected message")

    def start_tests(self, docket: Docket) -> None:
        """When all names are known: the tests that can be run with them are sent, the others are not decided."""
        if len(self.kinds) < len(self.candidate["names"]):
            return
        assert self.testing is not None
        if (why := self.unmade()) is not None:
            self.fill(why)
            return
        first = len(self.results)
        self.place = [index for index in range(first, self.count) if not self.strange(index)]
        self.pass_over()
        if self.done:
            return
        bindings = [[name, *kind] for name, kind in self.kinds.items()]
        texts = [self.tests["tests"][index] for index in self.place]
        self.testing.send({**self.tests, "tests": texts, "bindings": bindings})
        self.deadline = time.monotonic() + (self.limits.timeout if self.testing.ready else _START)

    def unmade(self) -> Result | None:
        """What every test comes to where the candidate does not make what is tested: nobody else's will do."""
        name = self.tests["entry_point"]
        kind, _ = self.kinds.get(name, ("function", None))
        if kind == "missing":
            return Result(Outcome.RAISED, detail=f"NameError: the code does not define {name!r}", error="NameError")
        if kind in ("value", "other") and self.tests["calls"]:
            return Result(Outcome.RAISED, detail=f"TypeError: {name!r} of the code cannot be called", error="TypeError")
        return None

    def strange(self, index: int) -> str | None:
        """A name that an assertion uses and that is nothing which can cross."""
        return next((name for name in sorted(self.needs[index]) if self.kinds[name][0] == "other"), None)

    def pass_over(self) -> None:
        """Notes the assertions before the next one at work that cannot be decided."""
        while not self.done and (not self.place or len(self.results) < self.place[0]):
            name = self.strange(len(self.results))
            self.note(Result(Outcome.UNSUPPORTED, detail=f"{name} is neither a function nor plain data"))

    def pass_on(self, fields: Texts, docket: Docket) -> None:
        """A call's answer, on its way to the tests."""
        assert self.testing is not None
        *told, base, arguments, state, crossing = fields
        result = result_in(told, kept=self.limits.output)
        # The tests' process reads them, guarded; here they only pass through.
        if any(len(text or "") > self.room + 1 for text in (state, arguments, crossing)):
            raise ValueError("a value that is too long")
        self.calling = False
        if result.outcome not in (Outcome.RETURNED, Outcome.RAISED):
            self.cut(result, docket)
            return
        self.testing.send(
            {
                "text": crossing if result.value is None or result.value.text is None else result.value.text,
                "unsupported": _why_not(result, crossing, state, self.asked),
                "error": result.error,
                "detail": result.detail,
                "base": base,
                "arguments": arguments,
                "stdout": result.stdout,
                "state": state or None,
            }
        )

    # ------------------------------------------------------------------------------------------------ the tests' process

    def tested(self, what: str | None, fields: Texts, docket: Docket) -> None:
        if what == "call" and not self.calling:
            name, arguments = fields
            assert self.answering is not None
            self.calling, self.asked, self.room = True, name or "", room_for(arguments or "")
            self.answering.send({"name": name, "arguments": arguments})
        elif what == "loaded":
            self.set_up = True
        elif what == "unloaded":
            self.fill(result_in(fields, _THE_TESTS))
        elif what == "result":
            self.place.pop(0)
            self.note(result_in(fields, _THE_TESTS))
            self.pass_over()
        else:
            raise ValueError("an unexpected message")

    # ------------------------------------------------------------------------------------------------------------ both

    def note(self, result: Result) -> None:
        """The result of the assertion at hand."""
        self.results.append(result)
        self.attempts = 0
        self.deadline = time.monotonic() + self.limits.timeout
        if self.stop_early and result.outcome not in (Outcome.RETURNED, Outcome.UNSUPPORTED):
            self.fill(Result(Outcome.NOT_RUN, detail="an earlier test failed"))

    def cut(self, result: Result, docket: Docket) -> None:
        """The assertion at hand ends here; what is left begins anew, unless it would end before its first assertion again."""
        for line in list(self.lines):
            docket.end(line)
        if self.set_up:
            self.note(result)
        else:
            self.fill(result)
        if not self.done:
            self.begin(docket)

    def lost(self, line: Line, status: int | None, docket: Docket) -> None:
        if line.ready and status is not None:
            ours = line is self.testing
            self.cut(Result(Outcome.FAILED if ours else Outcome.DIED, detail=obituary(status)), docket)
            return
        docket.sandbox.distrust(line.zygote)
        self.attempts += 1
        if self.attempts >= _ATTEMPTS:
            self.fill(Result(Outcome.FAILED, detail=obituary(status)))
            return
        for other in list(self.lines):
            docket.end(other)
        self.begin(docket)

    def expired(self, docket: Docket) -> None:
        if all(line.ready for line in self.lines) or self.loaded or (self.answering is not None and self.answering.ready):
            self.cut(Result(Outcome.TIMED_OUT, detail=f"it ran longer than {self.limits.timeout:g} s"), docket)
        else:
            self.fill(Result(Outcome.FAILED, detail=f"the process was not ready after {_START:g} s"))


_THE_TESTS = frozenset({*_ITS_OWN, str(Outcome.UNSUPPORTED), str(Outcome.FAILED)})


def _kind_in(fields: Texts) -> tuple[str, str | None]:
    """What a candidate's process says of one of its names."""
    match fields:
        case ["function" | "class" | "missing" | "other" as kind, None]:
            return kind, None
        case ["exception", str(lineage)] if len(lineage) <= 1_000:
            return "exception", lineage
        case ["value", str(text)] if is_crossing(text):
            return "value", text
    raise ValueError("no kind of name")


def _why_not(result: Result, crossing: str | None, state: str | None, asked: str) -> str | None:
    """Why a call's answer cannot be passed on."""
    if state is None and not asked.startswith("."):
        return "it made an argument something that cannot cross"
    value = result.value
    if value is not None and value.text is None and crossing is None:
        return f"it returned a {value.type}, which is not plain data ({value.opaque})"
    return None


class Settled(Case):
    """A case whose results are known without any process."""

    def __init__(self, result: Result, count: int) -> None:
        super().__init__()
        self.results = [result] * count

    @property
    def done(self) -> bool:
        return True

    def begin(self, docket: Docket) -> None:
        raise AssertionError("there is nothing to begin")

    def heard(self, line: Line, texts: Texts, docket: Docket) -> None:
        raise AssertionError("there is nobody to hear")

    def lost(self, line: Line, status: int | None, docket: Docket) -> None:
        raise AssertionError("there is nothing to lose")

    def expired(self, docket: Docket) -> None:
        raise AssertionError("there is no deadline")
