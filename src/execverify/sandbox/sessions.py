"""The sessions of candidates: which messages their processes may send, and what the messages mean.

`CallSession` is one process that runs all tests of a candidate. `AssertSession` is two: one for the candidate, one for the tests.
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
from execverify.sandbox.candidate_io import MAX_MESSAGE_CHARS
from execverify.sandbox.connections import Connection
from execverify.sandbox.result import Limits, Outcome, Result
from execverify.sandbox.run import is_value
from execverify.sandbox.scheduler import Scheduler, Session, describe_exit
from execverify.sandbox.value_codec import is_encoded, max_reply_chars

Results = tuple[Result, ...]
"""The result of a session: one `Result` for each test, in order."""

Message = list[str | None]
_START_TIMEOUT = 30.0  # seconds until a process must be ready; they do not count against the candidate
_MAX_ATTEMPTS = 3  # at a test that the sandbox failed to run
_WALL_FACTOR = 5.0  # the wall-clock limit of a test in terms of its processor time, for tests that sleep and for busy machines
_BUDGET_FACTOR = 10.0  # the default budget for failed tests in terms of the timeout of one
_QUICK = 0.05  # seconds by the wall clock in which a test cannot have cost much, so that its processor time is not requested
_MIN_POLL = 0.02  # seconds between two looks at a process's processor time

_NONE: frozenset[str] = frozenset()
_FAILURES = frozenset(map(str, (Outcome.RAISED, Outcome.OUT_OF_MEMORY, Outcome.TOO_MUCH_OUTPUT, Outcome.FORBIDDEN)))
_CALL_OUTCOMES = _FAILURES | {str(Outcome.RETURNED)}
_TEST_FAILURES = _FAILURES | {str(Outcome.UNSUPPORTED), str(Outcome.SANDBOX_ERROR)}

ALLOWED_MESSAGES: dict[tuple[str, str], dict[str, frozenset[str]]] = {
    ("call", "loading"): {"loaded": _NONE, "unloaded": _FAILURES},
    ("call", "working"): {"result": _CALL_OUTCOMES},
    ("stdin", "working"): {"result": _CALL_OUTCOMES},
    ("answer", "loading"): {"loaded": _NONE, "unloaded": _FAILURES},
    ("answer", "naming"): {"name": _NONE},
    ("answer", "idle"): {},
    ("answer", "called"): {"answer": _CALL_OUTCOMES},
    ("test", "waiting"): {},
    ("test", "setup"): {"call": _NONE, "loaded": _NONE, "unloaded": _TEST_FAILURES},
    ("test", "setup called"): {},
    ("test", "working"): {"call": _NONE, "result": _TEST_FAILURES | _CALL_OUTCOMES},
    ("test", "working called"): {},
}
"""The messages that a process may send, by its role and state, each with the outcomes that it may carry.

The roles "call", "stdin" and "answer" are a candidate's process. It can only report how its own load ended, what one of its calls
returned, and what its names are. Only a process of role "test", which runs no code of a candidate, reports that an assertion held."""

CANDIDATE_ROLES = frozenset(("call", "stdin", "answer"))
_FIRST_STATE = {"call": "loading", "stdin": "working", "answer": "loading", "test": "waiting"}
_MAX_DETAIL = 1_000
_MAX_OUTPUT = 10_000  # characters that are kept of what a function prints, which no verdict depends on

Setup = dict[str, Any]
"""The first message to a process, see `candidate_worker.py`."""


def max_message_bytes(limits: Limits) -> int:
    """Most bytes of one message of a process under these limits: its output, a value, and some lines."""
    return 4 * limits.output + 8 * MAX_MESSAGE_CHARS + 100_000


def failed_test_budget(limits: Limits) -> float:
    """Seconds that a candidate may spend on tests that it does not pass."""
    return limits.budget if limits.budget is not None else _BUDGET_FACTOR * limits.timeout


def session_setup(role: str, source: str, tests: tuple[str, ...], limits: Limits, **more: Any) -> Setup:
    """The first message to a process of this role."""
    return {
        "role": role,
        "source": source,
        "tests": list(tests),
        "memory": limits.memory,
        "output": limits.output,
        "file_size": limits.file_size,
        "seconds": (max(1, len(tests)) + 2) * limits.timeout + 5,  # a second limit, behind `_CountedSession.has_time`
        **more,
    }


def read_message(connection: Connection, message: Message) -> tuple[str, Message, frozenset[str]]:
    """A message's kind, its fields, and the outcomes that it may carry; raises ValueError where the process may not send it now."""
    kind, *fields = message or [None]
    allowed = ALLOWED_MESSAGES[connection.role, connection.state]
    if kind is None or kind not in allowed:
        raise ValueError("an unexpected message")
    return kind, fields, allowed[kind]


def parse_result(fields: Message, outcomes: frozenset[str], max_output: int = _MAX_OUTPUT) -> Result:
    """The result in a message.

    Args:
        fields: of the message.
        outcomes: those that the message may carry.
        max_output: characters to keep of the output.

    Raises:
        ValueError: they are no result, or one with another outcome.
    """
    if len(fields) != 7:
        raise ValueError("no result")
    outcome, kind, text, opaque, detail, error, stdout = fields
    if outcome not in outcomes or detail is None or stdout is None or len(detail) > _MAX_DETAIL or len(error or "") > 1000:
        raise ValueError("no result")
    stdout = stdout[:max_output]
    if outcome != Outcome.RETURNED:
        return Result(Outcome(outcome), None, " ".join(detail.split()), error, stdout)
    if not is_value([kind, text, opaque], MAX_MESSAGE_CHARS):
        raise ValueError("no value")
    return Result(Outcome.RETURNED, Value(kind or "", text, opaque), "", None, stdout)


INVALID_REPLY = "the process sent an invalid reply"

Judge = Callable[[int, Result], bool]
"""Takes a test's number and its result as soon as it arrives, and returns whether the test passed."""


_NO_ARGUMENTS = marshal.dumps(([], {}))
_MAX_INPUT = 4_000_000  # characters of a test's arguments


@functools.lru_cache(maxsize=4_096)
def encode_arguments(text: str) -> bytes | str:
    """A call's arguments, marshalled, or the text itself where marshal cannot encode them; raises LiteralError for other text.

    (Cached, because many candidates have the same tests.)
    """
    tree: Any = parse_untrusted(f"_({text}\n)", "eval", _MAX_INPUT)
    if not isinstance(tree.body, ast.Call) or not isinstance(tree.body.func, ast.Name):
        raise LiteralError("do not form one call")
    positional, named = call_values(tree.body)
    if "range" in text or "bytearray" in text:
        return text
    return marshal.dumps((list(positional), named))


class _CountedSession(Session[Results]):
    """A session with a fixed number of results, under limits.

    The limit is processor time, so that no candidate fails because the machine is busy; the wall clock is only a larger, outer limit.
    Processor time is requested when a test may have used up its time by the wall clock, so that quick tests cost nothing.

    Attributes:
        results: of the tests that are done, in order.
        began: when the current test began, in seconds of `time.monotonic`.
        earlier: seconds by the wall clock that earlier tests in the same processes took. That is at least their processor time, where
            they ran one thread.
        wasted: seconds spent on tests that did not pass: of processor time, or by the wall clock where they waited.
        measured: seconds of processor time of the processes when it was last requested.
        quick: seconds by the wall clock of the quick tests since then.
        waited: whether the current test used up its time by the wall clock alone.
    """

    limits: Limits
    count: int

    def __init__(self) -> None:
        super().__init__()
        self.results: list[Result] = []
        self.began = 0.0
        self.earlier = 0.0
        self.wasted = 0.0
        self.measured = 0.0
        self.quick = 0.0
        self.waited = False

    @property
    def done(self) -> bool:
        return len(self.results) >= self.count

    @property
    def result(self) -> Results:
        return tuple(self.results)

    @property
    def size(self) -> int:
        return sum(len(result.stdout) + len(result.value.text or "" if result.value else "") for result in self.results)

    def fill(self, result: Result) -> None:
        """Gives all remaining tests the same result."""
        self.results += [result] * (self.count - len(self.results))

    def parse_header(self, connection: Connection, message: Message) -> None:
        """Handles the first message, which a process sends before any code of the candidate runs, so that it can be trusted."""
        kind, *fields = message or [None]
        if kind == "refused":
            self.fill(Result(Outcome.SANDBOX_ERROR, detail=f"the process could not be confined: {fields[0]}"))
            return
        if kind != "ready":
            raise ValueError("an unexpected message")
        connection.state = _FIRST_STATE[connection.role]
        self.earlier = self.measured = self.quick = 0.0
        self.start_timer()

    def start_timer(self) -> None:
        """Starts the time of the next test."""
        self.began = time.monotonic()
        self.deadline = self.began + self.limits.timeout
        self.waited = False

    def test_cost(self, elapsed: float) -> float:
        """Seconds that the current test has cost, which took `elapsed` seconds by the wall clock.

        A busy machine makes a test take longer, but cost no more. Quick tests are not measured: they cost what they took.
        """
        if elapsed < _QUICK:
            self.quick += elapsed
            return elapsed
        if self.waited:
            return elapsed
        used = self.processor_time()
        if used is None:  # the process has ended
            return min(elapsed, self.limits.timeout)
        cost = max(0.0, used - self.measured - self.quick)
        self.measured, self.quick = used, 0.0
        return min(elapsed, cost)

    def processor_time(self) -> float | None:
        """Seconds of processor time of the processes at work; None where it is unknown."""
        seconds = [each.forkserver.processor_time(each.number) for each in self.connections if each.ready]
        return None if not seconds or None in seconds else sum(filter(None, seconds))

    def stop_timer(self, passed: bool) -> None:
        """Ends the time of the current test. Where failed tests have used up the budget, the remaining tests are not run.

        (A passed test costs nothing, so that a correct candidate never exceeds the budget, however many tests there are.)
        """
        elapsed = time.monotonic() - self.began
        self.earlier += elapsed
        self.wasted += self.test_cost(elapsed) * (not passed)
        budget = failed_test_budget(self.limits)
        if self.wasted >= budget and not self.done:
            self.fill(Result(Outcome.NOT_RUN, detail=f"tests that were not passed took {budget:g} s together"))

    def postpone(self, seconds: float) -> None:
        super().postpone(seconds)
        self.began += seconds

    def has_time(self) -> bool:
        """Whether the current test may go on after its deadline, because it had little processor time; extends the deadline then."""
        now = time.monotonic()
        last = self.began + _WALL_FACTOR * self.limits.timeout
        used = self.processor_time()
        if used is None:
            return False
        left = self.limits.timeout - (used - self.earlier)
        self.waited = left > 0 and now >= last
        if left <= 0 or now >= last:
            return False
        self.deadline = min(last, now + max(left, _MIN_POLL))
        return True

    def timeout_result(self) -> Result:
        return Result(Outcome.TIMED_OUT, detail=f"it ran longer than {self.limits.timeout:g} s")

    def fill_not_ready(self) -> None:
        self.fill(Result(Outcome.SANDBOX_ERROR, detail=f"the process was not ready after {_START_TIMEOUT:g} s"))

    def give_up_after(self, attempts: int, status: int | None) -> bool:
        """Gives all remaining tests the outcome "sandbox_error" after so many attempts; returns whether it did."""
        if attempts >= _MAX_ATTEMPTS:
            self.fill(Result(Outcome.SANDBOX_ERROR, detail=describe_exit(status)))
        return self.done


class CallSession(_CountedSession):
    """One process that makes all calls of a candidate; a fresh one after a call that ended it.

    Each run of a program (role "stdin") has a process of its own.
    """

    def __init__(self, setup: Setup, limits: Limits, stop_early: bool, judge: Judge | None = None) -> None:
        super().__init__()
        self.setup = setup
        self.unreadable: dict[int, str] = {}
        """Why a test's arguments cannot be read, by the test's number."""
        self.is_program = setup["role"] == "stdin"
        if not self.is_program:
            self.read_tests()
        self.limits = limits
        self.stop_early = stop_early
        self.judge = judge
        self.count = len(setup["tests"])
        self.loaded = False
        self.attempts = 0

    def read_tests(self) -> None:
        """Reads the arguments of all calls. A test whose arguments cannot be read is run without any, as a sandbox error."""
        for index, text in enumerate(self.setup["tests"]):
            try:
                self.setup["tests"][index] = encode_arguments(text)
            except LiteralError as error:
                self.unreadable[index] = f"the test's arguments are no literals: {error}"
                self.setup["tests"][index] = _NO_ARGUMENTS

    def start(self, scheduler: Scheduler[Results]) -> None:
        """Starts a fresh process for the remaining tests, or for the next run of a program."""
        self.loaded = False
        connection = scheduler.connect(self, max_message_bytes(self.limits), self.setup["role"])
        first = len(self.results)
        connection.send({**self.setup, "tests": self.setup["tests"][first : first + 1 if self.is_program else None]})
        self.deadline = time.monotonic() + _START_TIMEOUT

    def on_message(self, connection: Connection, message: Message, scheduler: Scheduler[Results]) -> None:
        if not connection.ready:
            self.parse_header(connection, message)
            return
        kind, fields, outcomes = read_message(connection, message)
        if kind == "loaded":
            if fields:
                raise ValueError("an unexpected message")
            self.loaded, connection.state = True, "working"
        elif kind == "unloaded":
            self.fill(parse_result(fields, outcomes))
        else:
            self.add_result(parse_result(fields, outcomes, self.limits.output if self.is_program else _MAX_OUTPUT))
            if self.is_program:
                scheduler.terminate(connection)
                if not self.done:
                    self.start(scheduler)

    def add_result(self, result: Result) -> None:
        """Judges the result of the current test, and keeps it without the data that only the judge needed."""
        index = len(self.results)
        reason = self.unreadable.get(index)
        if reason is not None:
            result = Result(Outcome.SANDBOX_ERROR, detail=reason)
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

    def on_exit(self, connection: Connection, status: int | None, scheduler: Scheduler[Results]) -> None:
        if not connection.ready or status is None:
            scheduler.sandbox.discard_forkserver(connection.forkserver)
            self.attempts += 1
            self.give_up_after(self.attempts, status)
        else:
            self.process_ended(Result(Outcome.CRASHED, detail=describe_exit(status)))
        if not self.done:
            self.start(scheduler)

    def process_ended(self, result: Result) -> None:
        """Gives the result to the current test; to all remaining ones where the process had not loaded the candidate."""
        if not self.is_program and not self.loaded:
            self.fill(result)
        else:
            self.add_result(result)

    def on_timeout(self, scheduler: Scheduler[Results]) -> None:
        (connection,) = self.connections
        if connection.ready and self.has_time():
            return
        scheduler.terminate(connection)
        if connection.ready:
            self.process_ended(self.timeout_result())
        else:
            self.fill_not_ready()
        if not self.done:
            self.start(scheduler)


class AssertSession(_CountedSession):
    """Two processes, one for the candidate and one for the tests, whose messages to each other are relayed as text.

    The candidate's process starts first. When it has loaded the module and reported what each name is that the tests use, the tests'
    process gets to work. The time runs for both together.

    Args:
        candidate_setup: of the candidate's process.
        test_setup: of the tests' process.
        needs: for each assertion, the candidate's names that it or the tests' setup uses.
        setup_needs: those that the tests' setup uses while it is loaded.
        limits: of each process; the timeout is each assertion's.
        stop_early: whether to run no assertion after the first that failed.

    Attributes:
        name_kinds: what each of the candidate's names is, as far as its process has reported it.
        pending: numbers of the assertions that were sent to the tests' process and have no result, the current one first.
        exposed: whether the tests' process holds any data of the candidate's: the candidate is responsible for its end from then on.
        called_name: what the tests' process has called last.
        max_value_chars: most characters of a value in the reply to that call.
    """

    def __init__(
        self,
        candidate_setup: Setup,
        test_setup: Setup,
        needs: list[frozenset[str]],
        setup_needs: frozenset[str],
        limits: Limits,
        stop_early: bool,
    ) -> None:
        super().__init__()
        self.candidate_setup = candidate_setup
        self.test_setup = test_setup
        self.needs = needs
        self.setup_needs = setup_needs
        self.limits = limits
        self.stop_early = stop_early
        self.count = len(test_setup["tests"])
        self.attempts = 0
        self.name_kinds: dict[str, tuple[str, str | None]] = {}
        self.pending: list[int] = []
        self.candidate: Connection | None = None
        self.tests: Connection | None = None
        self.exposed = False
        self.called_name = ""
        self.max_value_chars = MAX_MESSAGE_CHARS

    def start(self, scheduler: Scheduler[Results]) -> None:
        """Starts two fresh processes for the remaining assertions."""
        self.name_kinds, self.exposed = {}, False
        self.candidate = scheduler.connect(self, max_message_bytes(self.limits), "answer")
        self.tests = scheduler.connect(self, max_message_bytes(self.limits), "test")
        self.candidate.send(self.candidate_setup)
        self.deadline = time.monotonic() + _START_TIMEOUT

    def on_message(self, connection: Connection, message: Message, scheduler: Scheduler[Results]) -> None:
        if not connection.ready:
            self.parse_header(connection, message)
            if connection.role == "test":
                connection.state = "setup"
            return
        kind, fields, outcomes = read_message(connection, message)
        if connection is self.candidate:
            self.on_candidate_message(connection, kind, fields, outcomes, scheduler)
        else:
            self.on_test_message(connection, kind, fields, outcomes)

    # ------------------------------------------------------------------------------------------ the candidate's process

    def on_candidate_message(
        self, connection: Connection, kind: str, fields: Message, outcomes: frozenset[str], scheduler: Scheduler[Results]
    ) -> None:
        """Handles a message of the candidate's process. None can report that an assertion held."""
        names = self.candidate_setup["names"]
        if kind == "unloaded":
            self.fail_remaining(parse_result(fields, outcomes))
        elif kind == "loaded":
            if fields:
                raise ValueError("an unexpected message")
            connection.state = "naming"
            self.start_tests()
        elif kind == "name":
            if len(self.name_kinds) < len(names):
                self.name_kinds[names[len(self.name_kinds)]] = _parse_name_kind(fields)
            self.start_tests()
        else:
            self.relay_reply(connection, fields, outcomes, scheduler)

    def fail_remaining(self, result: Result) -> None:
        """Gives all remaining assertions a result that is not a success."""
        if result.outcome == Outcome.RETURNED:
            raise ValueError("a candidate's process cannot report that an assertion held")
        self.fill(result)

    def start_tests(self) -> None:
        """Once all names are known, sends the tests that can be run with them; the others are not decided."""
        if len(self.name_kinds) < len(self.candidate_setup["names"]):
            return
        assert self.tests is not None and self.candidate is not None
        self.candidate.state = "idle"
        if (failure := self.missing_entry_point()) is not None:
            self.fail_remaining(failure)
            return
        first = len(self.results)
        self.pending = [index for index in range(first, self.count) if not self.opaque_name(index)]
        self.skip_undecided()
        if self.done:
            return
        bindings = [[name, *kind] for name, kind in self.name_kinds.items()]
        self.exposed = any(kind != "function" for kind, _ in self.name_kinds.values())
        texts = [self.test_setup["tests"][index] for index in self.pending]
        self.tests.send({**self.test_setup, "tests": texts, "bindings": bindings})
        if self.tests.ready:
            self.start_timer()
        else:
            self.deadline = time.monotonic() + _START_TIMEOUT

    def missing_entry_point(self) -> Result | None:
        """The result of every test where the candidate does not define what is tested; None where it does."""
        name = self.test_setup["entry_point"]
        kind, _ = self.name_kinds.get(name, ("function", None))
        if kind == "missing":
            return Result(Outcome.RAISED, detail=f"NameError: the code does not define {name!r}", error="NameError")
        if kind in ("value", "other") and self.test_setup["calls"]:
            return Result(Outcome.RAISED, detail=f"TypeError: {name!r} of the code cannot be called", error="TypeError")
        return None

    def opaque_name(self, index: int) -> str | None:
        """A name that an assertion uses and that has no form in the tests' process."""
        return next((name for name in sorted(self.needs[index]) if self.name_kinds[name][0] == "other"), None)

    def skip_undecided(self) -> None:
        """Adds the results of the assertions before the current one that cannot be decided."""
        while not self.done and (not self.pending or len(self.results) < self.pending[0]):
            name = self.opaque_name(len(self.results))
            self.add_result(Result(Outcome.UNSUPPORTED, detail=f"{name} is neither a function nor plain data"))

    def relay_reply(
        self, connection: Connection, fields: Message, outcomes: frozenset[str], scheduler: Scheduler[Results]
    ) -> None:
        """Sends the reply to a call on to the tests."""
        assert self.tests is not None
        *result_fields, base, arguments, state, encoded = fields
        result = parse_result(result_fields, outcomes, self.limits.output)
        # The tests' process reads these texts with precautions; here they only pass through.
        if any(len(text or "") > self.max_value_chars + 1 for text in (state, arguments, encoded)):
            raise ValueError("a value that is too long")
        connection.state = "idle"
        self.tests.state = self.tests.state.removesuffix(" called")
        if result.outcome not in (Outcome.RETURNED, Outcome.RAISED):
            self.end_test(result, scheduler)
            return
        self.exposed = True
        self.tests.send(
            {
                "text": encoded if result.value is None or result.value.text is None else result.value.text,
                "unsupported": _unsupported_reason(result, encoded, state, self.called_name),
                "error": result.error,
                "detail": result.detail,
                "base": base,
                "arguments": arguments,
                "stdout": result.stdout,
                "state": state or None,
            }
        )

    # ------------------------------------------------------------------------------------------------ the tests' process

    def on_test_message(self, connection: Connection, kind: str, fields: Message, outcomes: frozenset[str]) -> None:
        """Handles a message of the tests' process."""
        if kind == "call":
            name, arguments = fields
            assert self.candidate is not None
            connection.state += " called"
            self.candidate.state = "called"
            self.called_name, self.max_value_chars = name or "", max_reply_chars(arguments or "")
            self.candidate.send({"name": name, "arguments": arguments})
        elif kind == "loaded":
            connection.state = "working"
        elif kind == "unloaded":
            result = parse_result(fields, outcomes)
            if result.outcome == Outcome.SANDBOX_ERROR and self.setup_needs:
                result = replace(result, outcome=Outcome.RAISED)  # a value of the candidate's may be the cause
            self.fill(result)
        else:
            self.pending.pop(0)
            self.add_result(parse_result(fields, outcomes))
            self.skip_undecided()

    # ------------------------------------------------------------------------------------------------------------ both

    def add_result(self, result: Result) -> None:
        """Adds the result of the current assertion."""
        failed = result.outcome not in (Outcome.RETURNED, Outcome.UNSUPPORTED)
        self.results.append(result)
        self.attempts = 0
        self.stop_timer(not failed)
        self.start_timer()
        if self.stop_early and failed:
            self.fill(Result(Outcome.NOT_RUN, detail="an earlier test failed"))

    def end_test(self, result: Result, scheduler: Scheduler[Results]) -> None:
        """Ends the current assertion and both processes, and starts fresh ones for the rest.

        Where the setup did not get to the first assertion, it would not the next time either: then all remaining ones fail.
        """
        is_set_up = self.tests is not None and self.tests.state.startswith("working")
        for connection in list(self.connections):
            scheduler.terminate(connection)
        if is_set_up:
            self.add_result(result)
        else:
            self.fail_remaining(result)
        if not self.done:
            self.start(scheduler)

    def on_exit(self, connection: Connection, status: int | None, scheduler: Scheduler[Results]) -> None:
        if connection.ready and status is not None:
            tests_failed = connection is self.tests and not self.exposed
            outcome = Outcome.SANDBOX_ERROR if tests_failed else Outcome.CRASHED
            self.end_test(Result(outcome, detail=describe_exit(status)), scheduler)
            return
        scheduler.sandbox.discard_forkserver(connection.forkserver)
        self.attempts += 1
        if self.give_up_after(self.attempts, status):
            return
        for other in list(self.connections):
            scheduler.terminate(other)
        self.start(scheduler)

    def tests_alone_timed_out(self) -> bool:
        """Whether the tests used up the time by themselves: they hold nothing of the candidate's, and it has hardly worked."""
        if self.candidate is None or self.candidate.state != "idle" or self.exposed:
            return False
        used = self.candidate.forkserver.processor_time(self.candidate.number)
        return used is not None and used < self.limits.timeout / 2

    def on_timeout(self, scheduler: Scheduler[Results]) -> None:
        if self.candidate is None or not self.candidate.ready:
            self.fill_not_ready()
        elif self.has_time():
            return
        elif self.tests_alone_timed_out():
            self.fill(Result(Outcome.SANDBOX_ERROR, detail=f"the tests themselves ran longer than {self.limits.timeout:g} s"))
        else:
            self.end_test(self.timeout_result(), scheduler)


def _parse_name_kind(fields: Message) -> tuple[str, str | None]:
    """What a candidate's process reports of one of its names; raises ValueError for an invalid report."""
    match fields:
        case ["function" | "class" | "missing" | "other" as kind, None]:
            return kind, None
        case ["exception", str(bases)] if len(bases) <= 1_000:
            return "exception", bases
        case ["value", str(text)] if is_encoded(text):
            return "value", text
    raise ValueError("no kind of name")


def _unsupported_reason(result: Result, encoded: str | None, state: str | None, called_name: str) -> str | None:
    """Why the reply to a call cannot be sent on; None where it can."""
    if state is None and not called_name.startswith("."):
        return "it made an argument something that cannot cross"
    value = result.value
    if value is not None and value.text is None and encoded is None:
        return f"it returned a {value.type}, which is not plain data ({value.opaque_reason})"
    return None


class ResolvedSession(Session[Results]):
    """A session whose results are known without any process."""

    def __init__(self, result: Result, count: int) -> None:
        super().__init__()
        self._results = (result,) * count

    @property
    def done(self) -> bool:
        return True

    @property
    def result(self) -> Results:
        return self._results

    @property
    def size(self) -> int:
        return 0

    def start(self, scheduler: Scheduler[Results]) -> None:
        raise AssertionError("a resolved session does not start")

    def on_message(self, connection: Connection, message: Message, scheduler: Scheduler[Results]) -> None:
        raise AssertionError("a resolved session has no processes")

    def on_exit(self, connection: Connection, status: int | None, scheduler: Scheduler[Results]) -> None:
        raise AssertionError("a resolved session has no processes")

    def on_timeout(self, scheduler: Scheduler[Results]) -> None:
        raise AssertionError("a resolved session has no deadline")
