"""What a candidate's messages mean: its results, kept apart from what only we can say.

`Tested` is one process that runs all tests of a candidate. `Asserted` is two: one for the candidate, one for the tests.
"""

import ast
import functools
import marshal
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from execverify.errors import LiteralError
from execverify.programs.literals import parse_untrusted
from execverify.programs.program import call_values
from execverify.programs.values import Value
from execverify.sandbox.batch import describe_exit
from execverify.sandbox.candidate_io import MAX_MESSAGE_CHARS
from execverify.sandbox.result import Limits, Outcome, Result
from execverify.sandbox.run import is_value
from execverify.sandbox.scheduler import Connection, MessageTexts, Scheduler, Session
from execverify.sandbox.value_codec import is_crossing, room_for

_START = 30.0  # seconds that a process may take before it is ready: our time, not the candidate's
_ATTEMPTS = 3  # at a test that we failed to run
_WALL = 5.0  # times the processor time of a test: what it may take by the clock where it sleeps or the machine is busy
_BUDGET = 10.0  # times the time of one test: what a candidate may spend on tests that it misses, where nothing else is said
_QUICK = 0.05  # seconds by the clock in which a test cannot have cost much, so that nobody is asked
_SHORTEST = 0.02  # seconds between two looks at a process's processor time

_NONE: frozenset[str] = frozenset()
_ENDS = frozenset(map(str, (Outcome.RAISED, Outcome.OUT_OF_MEMORY, Outcome.TOO_MUCH_OUTPUT, Outcome.FORBIDDEN)))
_GIVES = _ENDS | {str(Outcome.RETURNED)}
_TESTS_END = _ENDS | {str(Outcome.UNSUPPORTED), str(Outcome.SANDBOX_ERROR)}

ALLOWED_MESSAGES: dict[tuple[str, str], dict[str, frozenset[str]]] = {
    ("call", "loading"): {"loaded": _NONE, "unloaded": _ENDS},
    ("call", "working"): {"result": _GIVES},
    ("stdin", "working"): {"result": _GIVES},
    ("answer", "loading"): {"loaded": _NONE, "unloaded": _ENDS},
    ("answer", "naming"): {"name": _NONE},
    ("answer", "idle"): {},
    ("answer", "called"): {"answer": _GIVES},
    ("test", "waiting"): {},
    ("test", "setup"): {"call": _NONE, "loaded": _NONE, "unloaded": _TESTS_END},
    ("test", "setup called"): {},
    ("test", "working"): {"call": _NONE, "result": _TESTS_END | _GIVES},
    ("test", "working called"): {},
}
"""What a process may say, by its role and by what it is at, and the outcomes that each message may carry.

The roles "call", "stdin" and "answer" are a candidate's process. All that it can say is how its own load ended, what one call of
its gave, and what its names are. That an assertion held is said by a process of role "test" alone, in which no code of a
candidate runs."""

CANDIDATE_ROLES = frozenset(("call", "stdin", "answer"))
_FIRST_STATE = {"call": "loading", "stdin": "working", "answer": "loading", "test": "waiting"}
_LONGEST_DETAIL = 1_000
_KEPT_OUTPUT = 10_000  # characters of what a function prints, which decides nothing

Plan = dict[str, Any]
"""What a process is told, see `trial.py`."""


def bound(limits: Limits) -> int:
    """Most bytes of one message of a process under these limits: its output, a value, and some lines."""
    return 4 * limits.output + 8 * MAX_MESSAGE_CHARS + 100_000


def budget(limits: Limits) -> float:
    """Seconds that a candidate may spend on tests that it misses."""
    return limits.budget if limits.budget is not None else _BUDGET * limits.timeout


def session_setup(role: str, source: str, tests: tuple[str, ...], limits: Limits, **more: Any) -> Plan:
    """What a process is told."""
    return {
        "role": role,
        "source": source,
        "tests": list(tests),
        "memory": limits.memory,
        "output": limits.output,
        "file_size": limits.file_size,
        "seconds": (max(1, len(tests)) + 2) * limits.timeout + 5,  # only a second line: see `_Judged.has_time`
        **more,
    }


def read_message(line: Connection, texts: MessageTexts) -> tuple[str, MessageTexts, frozenset[str]]:
    """A message's kind, its fields, and the outcomes that it may carry; raises ValueError where the process may not send it now."""
    what, *fields = texts or [None]
    allowed = ALLOWED_MESSAGES[line.role, line.state]
    if what is None or what not in allowed:
        raise ValueError("an unexpected message")
    return what, fields, allowed[what]


def result_in(fields: MessageTexts, outcomes: frozenset[str], kept: int = _KEPT_OUTPUT) -> Result:
    """A result out of a message, with so many characters of its output; raises ValueError where the process may not say so."""
    if len(fields) != 7:
        raise ValueError("no result")
    outcome, kind, text, opaque, detail, error, stdout = fields
    if outcome not in outcomes or detail is None or stdout is None or len(detail) > _LONGEST_DETAIL or len(error or "") > 1000:
        raise ValueError("no result")
    stdout = stdout[:kept]
    if outcome != Outcome.RETURNED:
        return Result(Outcome(outcome), None, " ".join(detail.split()), error, stdout)
    if not is_value([kind, text, opaque], MAX_MESSAGE_CHARS):
        raise ValueError("no value")
    return Result(Outcome.RETURNED, Value(kind or "", text, opaque), "", None, stdout)


INVALID_REPLY = "the process answered with what is no answer"

Judge = Callable[[int, Result], bool]
"""Looks at a test's result as it arrives, by the test's number; says whether it passed."""


_NO_ARGUMENTS = marshal.dumps(([], {}))
_LONGEST_INPUT = 4_000_000  # characters of a test's arguments


@functools.lru_cache(maxsize=4_096)
def encode_arguments(text: str) -> bytes | str:
    """A call's arguments as marshal has them, or the text itself where it has not; raises LiteralError for what is no literal.

    (Remembered, because many candidates have the same tests.)
    """
    tree: Any = parse_untrusted(f"_({text}\n)", "eval", _LONGEST_INPUT)
    if not isinstance(tree.body, ast.Call) or not isinstance(tree.body.func, ast.Name):
        raise LiteralError("do not form one call")
    positional, named = call_values(tree.body)
    if "range" in text or "bytearray" in text:
        return text
    return marshal.dumps((list(positional), named))


class _CountedSession(Session):
    """What all cases with processes have in common: so many results are wanted, under these limits.

    Processor time decides, so that a busy machine fails no honest candidate; the clock is only the larger, outer limit. The
    processor time is asked for when the clock says that a test may have had its time, so that tests that are quick cost nothing.
    """

    limits: Limits
    count: int

    def __init__(self) -> None:
        super().__init__()
        self.began = 0.0
        """When the test at hand began."""
        self.before = 0.0
        """Seconds by the clock that earlier tests in the same processes took: at least their processor time, where one thread ran."""
        self.wasted = 0.0
        """Seconds spent on tests that were missed: of processor time, or by the clock where they waited."""
        self.known = 0.0
        """Seconds of processor time of the processes when they were last asked."""
        self.since = 0.0
        """Seconds by the clock of the quick tests since then."""
        self.waited = False
        """Whether the test at hand had its time by the clock alone."""

    @property
    def done(self) -> bool:
        return len(self.results) >= self.count

    def fill(self, result: Result) -> None:
        """The same result for all tests that are left."""
        self.results += [result] * (self.count - len(self.results))

    def parse_header(self, line: Connection, texts: MessageTexts) -> None:
        """What the process says before any of the candidate's code runs, and which can therefore be believed."""
        what, *fields = texts or [None]
        if what == "refused":
            self.fill(Result(Outcome.SANDBOX_ERROR, detail=f"the process could not be confined: {fields[0]}"))
            return
        if what != "ready":
            raise ValueError("an unexpected message")
        line.state = _FIRST_STATE[line.role]
        self.before = self.known = self.since = 0.0
        self.start_timer()

    def start_timer(self) -> None:
        """The time of the next test begins."""
        self.began = time.monotonic()
        self.deadline = self.began + self.limits.timeout
        self.waited = False

    def processor_time(self, took: float) -> float:
        """Seconds that the test at hand has cost, which took so long by the clock.

        A busy machine makes it take longer and cost no more. Quick tests are not asked for: they cost what they took.
        """
        if took < _QUICK:
            self.since += took
            return took
        if self.waited:
            return took
        used = self.used()
        if used is None:  # it is gone
            return min(took, self.limits.timeout)
        cost = max(0.0, used - self.known - self.since)
        self.known, self.since = used, 0.0
        return min(took, cost)

    def used(self) -> float | None:
        """Seconds of processor time of the processes at work; None where nobody knows."""
        seconds = [line.zygote.processor_time(line.number) for line in self.lines if line.ready]
        return None if not seconds or None in seconds else sum(filter(None, seconds))

    def stop_timer(self, passed: bool) -> None:
        """The test at hand has ended. Where those that were missed have used up what there is for them, the others are not run.

        (What is passed costs nothing, so that an honest candidate never runs out, however many tests there are.)
        """
        took = time.monotonic() - self.began
        self.before += took
        self.wasted += self.processor_time(took) * (not passed)
        if self.wasted >= budget(self.limits) and not self.done:
            why = f"tests that were not passed took {budget(self.limits):g} s together"
            self.fill(Result(Outcome.NOT_RUN, detail=why))

    def postpone(self, seconds: float) -> None:
        super().postpone(seconds)
        self.began += seconds

    def has_time(self) -> bool:
        """Whether the test at hand may go on, although the clock asks: it has had little of the processor."""
        now = time.monotonic()
        last = self.began + _WALL * self.limits.timeout
        used = self.used()
        if used is None:
            return False
        left = self.limits.timeout - (used - self.before)
        self.waited = left > 0 and now >= last
        if left <= 0 or now >= last:
            return False
        self.deadline = min(last, now + max(left, _SHORTEST))
        return True

    def timeout_message(self) -> Result:
        return Result(Outcome.TIMED_OUT, detail=f"it ran longer than {self.limits.timeout:g} s")


class CallSession(_CountedSession):
    """One process, and all calls of a candidate in it; a fresh one after a call that it did not survive.

    Each run of a program (role "stdin") has a process of its own.
    """

    def __init__(self, told: Plan, limits: Limits, stop_early: bool, judge: Judge | None = None) -> None:
        super().__init__()
        self.told = told
        self.bad: dict[int, str] = {}
        if told["role"] == "call":
            self.read_tests()
        self.limits = limits
        self.stop_early = stop_early
        self.judge = judge
        self.count = len(told["tests"])
        self.loaded = False
        self.attempts = 0

    def read_tests(self) -> None:
        """Reads the arguments of all calls; a test that has none is our failure, and is run without any."""
        for index, text in enumerate(self.told["tests"]):
            try:
                self.told["tests"][index] = encode_arguments(text)
            except LiteralError as error:
                self.bad[index] = f"the test's arguments are no literals: {error}"
                self.told["tests"][index] = _NO_ARGUMENTS

    @property
    def is_program(self) -> bool:
        return bool(self.told["role"] == "stdin")

    def start(self, docket: Scheduler) -> None:
        """A fresh process for the tests that are left, or for the next run of a program."""
        self.loaded = False
        line = docket.connect(self, bound(self.limits), self.told["role"])
        first = len(self.results)
        line.send({**self.told, "tests": self.told["tests"][first : first + 1 if self.is_program else None]})
        self.deadline = time.monotonic() + _START

    def on_message(self, line: Connection, texts: MessageTexts, docket: Scheduler) -> None:
        if not line.ready:
            self.parse_header(line, texts)
            return
        what, fields, outcomes = read_message(line, texts)
        if what == "loaded":
            if fields:
                raise ValueError("an unexpected message")
            self.loaded, line.state = True, "working"
        elif what == "unloaded":
            self.fill(result_in(fields, outcomes))
        else:
            self.note(result_in(fields, outcomes, self.limits.output if self.is_program else _KEPT_OUTPUT))
            if self.is_program:
                docket.terminate(line)
                if not self.done:
                    self.start(docket)

    def note(self, result: Result) -> None:
        """The result of the test at hand, which is judged where it arrives, and kept without what only the judge needed."""
        index = len(self.results)
        why = self.bad.get(index)
        if why is not None:
            result = Result(Outcome.SANDBOX_ERROR, detail=why)
        passed = result.outcome == Outcome.RETURNED
        if self.judge is not None:
            passed = self.judge(index, result)
            result = replace(result, value=None, stdout="")
        self.results.append(result)
        self.attempts = 0
        self.stop_timer(passed)
        self.start_timer()
        if self.stop_early and not passed:
            self.fill(Result(Outcome.NOT_RUN, detail="an earlier test failed"))

    def on_exit(self, line: Connection, status: int | None, docket: Scheduler) -> None:
        if not line.ready or status is None:
            docket.sandbox.discard_forkserver(line.zygote)
            self.attempts += 1
            if self.attempts >= _ATTEMPTS:
                self.fill(Result(Outcome.SANDBOX_ERROR, detail=describe_exit(status)))
        else:
            self.over(Result(Outcome.CRASHED, detail=describe_exit(status)))
        if not self.done:
            self.start(docket)

    def over(self, result: Result) -> None:
        """The process is gone, and its test has this result; so have all that are left where it had not even loaded."""
        if not self.is_program and not self.loaded:
            self.fill(result)
        else:
            self.note(result)

    def on_timeout(self, docket: Scheduler) -> None:
        (line,) = self.lines
        if line.ready and self.has_time():
            return
        docket.terminate(line)
        if line.ready:
            self.over(self.timeout_message())
        else:
            self.fill(Result(Outcome.SANDBOX_ERROR, detail=f"the process was not ready after {_START:g} s"))
        if not self.done:
            self.start(docket)


class AssertSession(_CountedSession):
    """Two processes: one holds the candidate, one the tests; what they say to each other passes through here as text.

    The candidate's process comes first. When it has loaded the module and said what each name that the tests use is, the tests'
    process gets to work. The clock runs for both together.
    """

    def __init__(
        self,
        candidate: Plan,
        tests: Plan,
        needs: list[frozenset[str]],
        setup_needs: frozenset[str],
        limits: Limits,
        stop_early: bool,
    ) -> None:
        super().__init__()
        self.candidate = candidate
        self.tests = tests
        self.needs = needs
        """For each assertion, the names of the candidate's that it (or the setup) uses."""
        self.setup_needs = setup_needs
        """Those that the setup uses while it is loaded."""
        self.limits = limits
        self.stop_early = stop_early
        self.count = len(tests["tests"])
        self.attempts = 0
        self.kinds: dict[str, tuple[str, str | None]] = {}
        self.place: list[int] = []
        """Which assertions the tests' process is at work on, the first one now."""
        self.answering: Connection | None = None
        self.testing: Connection | None = None
        self.touched = False
        """Whether the tests' process has anything of the candidate's: how it ends from then on is the candidate's doing."""
        self.asked = ""
        """What the tests' process has called last."""
        self.room = MAX_MESSAGE_CHARS
        """Most characters of a value in the answer."""

    def start(self, docket: Scheduler) -> None:
        """Two fresh processes for the assertions that are left."""
        self.kinds, self.touched = {}, False
        self.answering = docket.connect(self, bound(self.limits), "answer")
        self.testing = docket.connect(self, bound(self.limits), "test")
        self.answering.send(self.candidate)
        self.deadline = time.monotonic() + _START

    def on_message(self, line: Connection, texts: MessageTexts, docket: Scheduler) -> None:
        if not line.ready:
            self.parse_header(line, texts)
            if line.role == "test":
                line.state = "setup"
            return
        what, fields, outcomes = read_message(line, texts)
        if line is self.answering:
            self.answered(line, what, fields, outcomes, docket)
        else:
            self.tested(line, what, fields, outcomes)

    # ------------------------------------------------------------------------------------------ the candidate's process

    def answered(self, line: Connection, what: str, fields: MessageTexts, outcomes: frozenset[str], docket: Scheduler) -> None:
        """A message of the candidate's process. Nothing here can say that an assertion held."""
        names = self.candidate["names"]
        if what == "unloaded":
            self.fail(result_in(fields, outcomes))
        elif what == "loaded":
            if fields:
                raise ValueError("an unexpected message")
            line.state = "naming"
            self.start_tests(docket)
        elif what == "name":
            if len(self.kinds) < len(names):
                self.kinds[names[len(self.kinds)]] = _kind_in(fields)
            self.start_tests(docket)
        else:
            self.relay(line, fields, outcomes, docket)

    def fail(self, result: Result) -> None:
        """All assertions that are left end like this, which is not with success."""
        if result.outcome == Outcome.RETURNED:
            raise ValueError("a candidate's process cannot say that an assertion held")
        self.fill(result)

    def start_tests(self, docket: Scheduler) -> None:
        """When all names are known: the tests that can be run with them are sent, the others are not decided."""
        if len(self.kinds) < len(self.candidate["names"]):
            return
        assert self.testing is not None and self.answering is not None
        self.answering.state = "idle"
        if (why := self.not_created()) is not None:
            self.fail(why)
            return
        first = len(self.results)
        self.place = [index for index in range(first, self.count) if not self.protocol_error(index)]
        self.skip_resolved()
        if self.done:
            return
        bindings = [[name, *kind] for name, kind in self.kinds.items()]
        self.touched = any(kind != "function" for kind, _ in self.kinds.values())
        texts = [self.tests["tests"][index] for index in self.place]
        self.testing.send({**self.tests, "tests": texts, "bindings": bindings})
        if self.testing.ready:
            self.start_timer()
        else:
            self.deadline = time.monotonic() + _START

    def not_created(self) -> Result | None:
        """What every test comes to where the candidate does not make what is tested: nobody else's will do."""
        name = self.tests["entry_point"]
        kind, _ = self.kinds.get(name, ("function", None))
        if kind == "missing":
            return Result(Outcome.RAISED, detail=f"NameError: the code does not define {name!r}", error="NameError")
        if kind in ("value", "other") and self.tests["calls"]:
            return Result(Outcome.RAISED, detail=f"TypeError: {name!r} of the code cannot be called", error="TypeError")
        return None

    def protocol_error(self, index: int) -> str | None:
        """A name that an assertion uses and that is nothing which can cross."""
        return next((name for name in sorted(self.needs[index]) if self.kinds[name][0] == "other"), None)

    def skip_resolved(self) -> None:
        """Notes the assertions before the next one at work that cannot be decided."""
        while not self.done and (not self.place or len(self.results) < self.place[0]):
            name = self.protocol_error(len(self.results))
            self.note(Result(Outcome.UNSUPPORTED, detail=f"{name} is neither a function nor plain data"))

    def relay(self, line: Connection, fields: MessageTexts, outcomes: frozenset[str], docket: Scheduler) -> None:
        """A call's answer, on its way to the tests."""
        assert self.testing is not None
        *told, base, arguments, state, crossing = fields
        result = result_in(told, outcomes, self.limits.output)
        # The tests' process reads them, guarded; here they only pass through.
        if any(len(text or "") > self.room + 1 for text in (state, arguments, crossing)):
            raise ValueError("a value that is too long")
        line.state = "idle"
        self.testing.state = self.testing.state.removesuffix(" called")
        if result.outcome not in (Outcome.RETURNED, Outcome.RAISED):
            self.cut(result, docket)
            return
        self.touched = True
        self.testing.send(
            {
                "text": crossing if result.value is None or result.value.text is None else result.value.text,
                "unsupported": _mismatch_reason(result, crossing, state, self.asked),
                "error": result.error,
                "detail": result.detail,
                "base": base,
                "arguments": arguments,
                "stdout": result.stdout,
                "state": state or None,
            }
        )

    # ------------------------------------------------------------------------------------------------ the tests' process

    def tested(self, line: Connection, what: str, fields: MessageTexts, outcomes: frozenset[str]) -> None:
        """A message of the tests' process."""
        if what == "call":
            name, arguments = fields
            assert self.answering is not None
            line.state += " called"
            self.answering.state = "called"
            self.asked, self.room = name or "", room_for(arguments or "")
            self.answering.send({"name": name, "arguments": arguments})
        elif what == "loaded":
            line.state = "working"
        elif what == "unloaded":
            result = result_in(fields, outcomes)
            if result.outcome == Outcome.SANDBOX_ERROR and self.setup_needs:
                result = replace(result, outcome=Outcome.RAISED)  # it may be what the setup was handed
            self.fill(result)
        else:
            self.place.pop(0)
            self.note(result_in(fields, outcomes))
            self.skip_resolved()

    # ------------------------------------------------------------------------------------------------------------ both

    def note(self, result: Result) -> None:
        """The result of the assertion at hand."""
        self.results.append(result)
        self.attempts = 0
        self.stop_timer(result.outcome in (Outcome.RETURNED, Outcome.UNSUPPORTED))
        self.start_timer()
        if self.stop_early and result.outcome not in (Outcome.RETURNED, Outcome.UNSUPPORTED):
            self.fill(Result(Outcome.NOT_RUN, detail="an earlier test failed"))

    def cut(self, result: Result, docket: Scheduler) -> None:
        """The assertion at hand ends here; what is left begins anew, unless it would end before its first assertion again."""
        is_set_up = self.testing is not None and self.testing.state.startswith("working")
        for line in list(self.lines):
            docket.terminate(line)
        if is_set_up:
            self.note(result)
        else:
            self.fail(result)
        if not self.done:
            self.start(docket)

    def on_exit(self, line: Connection, status: int | None, docket: Scheduler) -> None:
        if line.ready and status is not None:
            ours = line is self.testing and not self.touched
            self.cut(Result(Outcome.SANDBOX_ERROR if ours else Outcome.CRASHED, detail=describe_exit(status)), docket)
            return
        docket.sandbox.discard_forkserver(line.zygote)
        self.attempts += 1
        if self.attempts >= _ATTEMPTS:
            self.fill(Result(Outcome.SANDBOX_ERROR, detail=describe_exit(status)))
            return
        for other in list(self.lines):
            docket.terminate(other)
        self.start(docket)

    def is_the_tests_own(self) -> bool:
        """Whether the tests used up the time by themselves: they have nothing of the candidate's, and it has hardly worked."""
        if self.answering is None or self.answering.state != "idle" or self.touched:
            return False
        used = self.answering.zygote.processor_time(self.answering.number)
        return used is not None and used < self.limits.timeout / 2

    def on_timeout(self, docket: Scheduler) -> None:
        if self.answering is not None and self.answering.ready:
            if self.has_time():
                return
            if self.is_the_tests_own():
                self.fill(Result(Outcome.SANDBOX_ERROR, detail=f"the tests themselves ran longer than {self.limits.timeout:g} s"))
            else:
                self.cut(self.timeout_message(), docket)
        else:
            self.fill(Result(Outcome.SANDBOX_ERROR, detail=f"the process was not ready after {_START:g} s"))


def _kind_in(fields: MessageTexts) -> tuple[str, str | None]:
    """What a candidate's process says of one of its names."""
    match fields:
        case ["function" | "class" | "missing" | "other" as kind, None]:
            return kind, None
        case ["exception", str(lineage)] if len(lineage) <= 1_000:
            return "exception", lineage
        case ["value", str(text)] if is_crossing(text):
            return "value", text
    raise ValueError("no kind of name")


def _mismatch_reason(result: Result, crossing: str | None, state: str | None, asked: str) -> str | None:
    """Why a call's answer cannot be passed on."""
    if state is None and not asked.startswith("."):
        return "it made an argument something that cannot cross"
    value = result.value
    if value is not None and value.text is None and crossing is None:
        return f"it returned a {value.type}, which is not plain data ({value.opaque_reason})"
    return None


class ResolvedSession(Session):
    """A case whose results are known without any process."""

    def __init__(self, result: Result, count: int) -> None:
        super().__init__()
        self.results = [result] * count

    @property
    def done(self) -> bool:
        return True

    def start(self, docket: Scheduler) -> None:
        raise AssertionError("there is nothing to begin")

    def on_message(self, line: Connection, texts: MessageTexts, docket: Scheduler) -> None:
        raise AssertionError("there is nobody to hear")

    def on_exit(self, line: Connection, status: int | None, docket: Scheduler) -> None:
        raise AssertionError("there is nothing to lose")

    def on_timeout(self, docket: Scheduler) -> None:
        raise AssertionError("there is no deadline")
