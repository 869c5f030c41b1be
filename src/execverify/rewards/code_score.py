"""How a code answer is judged: its code runs confined on each unit test, and what comes out is compared here, outside.

    >>> truth = {"inputs": [[3], [-1]], "outputs": [4, 0], "fn_name": "f"}
    >>> completion = "<answer>\\n```python\\ndef f(n):\\n    return abs(n) + 1\\n```\\n</answer>"
    >>> score = unit_test_score(truth, completion)
    >>> score.reward
    0.55
    >>> [(part.kind, str(part.verdict), part.why) for part in score.parts]
    [('format', 'right', ''), ('unit_test', 'right', ''), ('unit_test', 'wrong answer', 'f(-1) gives 2, not 0')]

The reward is the share of unit tests that pass, plus 0.05 for a well-formed answer (paper, section 3; see `read_code` for
the form). A test that no candidate could be judged by is left out of the share and stands in the parts as "unsupported".
Where we failed to judge one test, or none can be judged, the reward is None and never a silent 0.
"""

import asyncio
import functools
import json
import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from execverify.errors import SandboxError, WeakSandboxError
from execverify.execution.bridge import OF_THE_TEST
from execverify.execution.candidates import AssertedCandidate, Candidate, run_asserted, run_candidates
from execverify.execution.outcome import Limits, Outcome, Result
from execverify.programs.literals import parse_literal
from execverify.programs.program import shorten
from execverify.rewards.checkers import accepts, checker_program, hold_always
from execverify.rewards.code import Code, read_code, sole_function
from execverify.rewards.compare import (
    EXACT_LINES,
    OUTPUT_RULES,
    first_difference,
    output_parts,
    same_json,
    same_value,
    tolerance_of,
)
from execverify.rewards.parts import Part, Score, Verdict
from execverify.rewards.unit_tests import MAX_RESULT, Form, Truth, UnitTest, UnitTests, read_tests

IDLE = "holds whatever comes"
"""How the reason ends for which a test is left out that any answer would pass."""

_KEPT = 2_000  # characters of what code printed that a part carries


@dataclass(frozen=True, slots=True)
class UnitTestRule:
    """How the outcomes of unit tests become a reward (paper, section 3: unit-test rewards of stage II).

    Attributes:
        binary: 1 where every test passes and else 0, instead of the share of tests that pass.
        format_bonus: what a well-formed answer earns beside.
        strict: whether a result must have the very types of the expected one where that was given as JSON; else a tuple
            is as good as a list and an int key as good as its text (`same_json`), and a result that may have been wrapped
            in a list counts either way.
        float_tolerance: how far finite floats may be off in results and outputs; 0 compares exactly.
        stop_early: whether tests after the first that does not pass count as not passed, without running where possible.
        imports: modules beside the standard library that a candidate may import.
        compare: how printed outputs are compared, of `OUTPUT_RULES`; None for each problem's own way.
    """

    binary: bool = False
    format_bonus: float = 0.05
    strict: bool = False
    float_tolerance: float = 0.0
    stop_early: bool = False
    imports: tuple[str, ...] = ()
    compare: str | None = None

    def __post_init__(self) -> None:
        if not (self.format_bonus >= 0 and math.isfinite(self.format_bonus)):
            raise ValueError(f"format_bonus must be a number, 0 or more, not {self.format_bonus!r}")
        if not self.float_tolerance >= 0:
            raise ValueError(f"float_tolerance must be 0 or more, not {self.float_tolerance!r}")
        if self.compare not in (None, *OUTPUT_RULES):
            raise ValueError(f"compare must be one of {', '.join(OUTPUT_RULES)}, not {self.compare!r}")
        if isinstance(self.imports, str):
            raise ValueError(f"imports must be a tuple of names of modules, not {self.imports!r}")


PAPER_TESTS = UnitTestRule()
"""The paper's rule: the share of tests that pass, plus 0.05 for a well-formed answer."""

TEST_LIMITS = Limits(timeout=4.0)
"""What a candidate may use for each test."""

_Tests = Truth | UnitTests


def unit_test_score(
    tests: _Tests,
    completion: str,
    *,
    rule: UnitTestRule = PAPER_TESTS,
    limits: Limits = TEST_LIMITS,
    allow_weak: bool = False,
) -> Score:
    """Judges one completion by unit tests; see `unit_test_scores`."""
    return unit_test_scores([(tests, completion)], rule=rule, limits=limits, allow_weak=allow_weak)[0]


def unit_test_scores(
    pairs: Iterable[tuple[_Tests, str]],
    *,
    rule: UnitTestRule = PAPER_TESTS,
    limits: Limits = TEST_LIMITS,
    workers: int = 1,
    allow_weak: bool = False,
) -> list[Score]:
    """Judges completions by their unit tests.

    Args:
        pairs: tests (a ground truth as in `read_tests`, or what that gave) and a completion's text.
        rule: how outcomes become a reward.
        limits: what a candidate may use for each of its tests.
        workers: how many candidates run at once; one that hangs holds up none of the others.
        allow_weak: run candidates even where the kernel lacks what confines hostile code. Only for code that you trust.

    Returns:
        Scores in the order of the pairs. Parts: the answer's form, then its tests, in order.

    Raises:
        RowError: tests that cannot be read.
        WeakSandboxError: hostile code cannot be confined here; the message names what is missing. (Any other failure of the
            sandbox is a reward of None.)
    """
    problems = [_Problem.of(tests, completion) for tests, completion in pairs]
    running = [problem for problem in problems if problem.runs(rule)]
    one = functools.partial(_results, rule=rule, limits=limits, allow_weak=allow_weak)
    if workers > 1 and len(running) > 1:
        # A call of the sandbox for each, so that none waits for the results of an earlier one.
        with ThreadPoolExecutor(min(workers, len(running)), "execverify-unit-tests") as threads:
            found = list(threads.map(one, running))
    else:
        found = [one(problem) for problem in running]
    results = dict(zip(map(id, running), found, strict=True))
    return [problem.score(results.get(id(problem), _Ran()), rule) for problem in problems]


async def unit_test_scores_async(pairs: Iterable[tuple[_Tests, str]], **settings: Any) -> list[Score]:
    """`unit_test_scores` for an event loop, which goes on while candidates run."""
    return await asyncio.to_thread(unit_test_scores, list(pairs), **settings)


@dataclass(frozen=True, slots=True)
class _Ran:
    """What came of a candidate's tests.

    Attributes:
        results: of the tests that could be run, in order.
        idle: which of them any candidate would pass, see `hold_always`.
        checked: the checker's word for each, where the problem brings one.
    """

    results: tuple[Result, ...] = ()
    idle: frozenset[int] = frozenset()
    checked: tuple[Result, ...] = ()


def _results(problem: "_Problem", *, rule: UnitTestRule, limits: Limits, allow_weak: bool) -> _Ran:
    """What came of a candidate's tests; ours is the failure where the sandbox gives none."""
    tests, entry_point = problem.tests, problem.code.entry_point
    source, given = problem.code.source or "", tuple(test.given for test in problem.supported(rule))
    limits = _limits(tests, limits)
    options: dict[str, Any] = {
        "limits": limits,
        "imports": rule.imports,
        "allow_weak": allow_weak,
        "stop_early": rule.stop_early,
    }
    try:
        if tests.form != Form.ASSERT:
            results = next(run_candidates([Candidate(source, given, entry_point, context=tests.context)], **options))
            return _Ran(results, checked=_checked(problem, rule, results, options) if tests.checker else ())
        results = next(run_asserted([AssertedCandidate(source, tests.setup, given, entry_point, tests.context)], **options))
        passed = any(result.outcome == Outcome.RETURNED for result in results)
        idle = (
            hold_always(tests.setup, given, tests.entry_point, tests.names, tests.context, **_quickly(options)) if passed else ()
        )
        return _Ran(results, frozenset(idle))
    except WeakSandboxError:
        raise
    except SandboxError as error:
        return _Ran((Result(Outcome.FAILED, detail=str(error)),))


_MOST_SECONDS, _MOST_MEMORY = 30.0, 4 * 1024**3
_SPARE = 100_000  # characters that a program may print beyond the longest output that is expected


def _limits(tests: UnitTests, limits: Limits) -> Limits:
    """The limits for a problem's tests: room for what they expect, and its own, up to 30 s and 4 GB, where it states them."""
    changes: dict[str, Any] = {}
    longest = max((len(text) for test in tests.tests for text in test.expected), default=0) if tests.form == Form.STDIN else 0
    if longest + _SPARE > limits.output:
        changes["output"] = longest + _SPARE
    if tests.time_limit is not None:
        changes["timeout"] = min(tests.time_limit, max(_MOST_SECONDS, limits.timeout))
    if tests.memory_limit is not None:
        changes["memory"] = min(tests.memory_limit, max(_MOST_MEMORY, limits.memory))
    return replace(limits, **changes) if changes else limits


def _quickly(options: dict[str, Any]) -> dict[str, Any]:
    return {**options, "stop_early": False}


def _checked(problem: "_Problem", rule: UnitTestRule, results: tuple[Result, ...], options: dict[str, Any]) -> tuple[Result, ...]:
    """What the problem's checker says of each output; run confined, like a candidate."""
    tests = [
        json.dumps([test.given, test.expected[0], result.stdout])
        for test, result in zip(problem.supported(rule), results, strict=False)
    ]
    return next(run_candidates([Candidate(checker_program(problem.tests.checker), tuple(tests))], **_quickly(options)))


@dataclass(frozen=True, slots=True)
class _Problem:
    """One completion with the tests that judge it."""

    tests: UnitTests
    code: Code

    @classmethod
    def of(cls, tests: _Tests, completion: str) -> "_Problem":
        tests = tests if isinstance(tests, UnitTests) else read_tests(tests)
        code = read_code(completion, tests.entry_point)
        if tests.form == Form.CALL and tests.entry_point is None and code.source is not None:
            name = sole_function(code.source)
            code = (
                replace(code, entry_point=name) if name else Code(None, why="the code has not one function that could be called")
            )
        return cls(tests, code)

    def supported(self, rule: UnitTestRule) -> list[UnitTest]:
        return [test for test in self.tests.tests if not why_not(test, rule)]

    def runs(self, rule: UnitTestRule) -> bool:
        return self.code.source is not None and bool(self.supported(rule))

    def score(self, ran: _Ran, rule: UnitTestRule) -> Score:
        parts = [self.form(), *self.judged(ran, rule)]
        counted = [part for part in parts[1:] if part.verdict != Verdict.UNSUPPORTED]
        if not counted or any(part.verdict == Verdict.FAILED for part in counted):
            return Score(None, tuple(parts))
        right = sum(part.right for part in counted)
        share = float(right == len(counted)) if rule.binary else right / len(counted)
        return Score(share + (rule.format_bonus if self.code.well_formed else 0.0), tuple(parts))

    def form(self) -> Part:
        if self.code.source is None:
            return Part("format", (), None, Verdict.NONE, self.code.why)
        return Part("format", (), None, Verdict.RIGHT if self.code.well_formed else Verdict.WRONG, self.code.why)

    def judged(self, ran: _Ran, rule: UnitTestRule) -> Iterator[Part]:
        """A part for each test. What follows a failure of the whole candidate shares it."""
        following = enumerate(ran.results)
        result = Result(Outcome.FAILED, detail="the test was not run")
        stopped, number = False, -1
        for test in self.tests.tests:
            why = why_not(test, rule)
            if why:
                yield Part("unit_test", test.expected, None, Verdict.UNSUPPORTED, why)
            elif self.code.source is None:
                yield Part("unit_test", test.expected, None, Verdict.NONE, self.code.why)
            elif stopped:
                yield Part("unit_test", test.expected, None, Verdict.NOT_RUN, "an earlier test did not pass")
            else:
                number, result = next(following, (number + 1, result))
                part = self.part(test, number, result, ran, rule)
                stopped = rule.stop_early and not part.right and part.verdict not in (Verdict.UNSUPPORTED, Verdict.FAILED)
                yield part

    def part(self, test: UnitTest, number: int, result: Result, ran: _Ran, rule: UnitTestRule) -> Part:
        if number in ran.idle:
            return Part("unit_test", test.expected, None, Verdict.UNSUPPORTED, f"{shorten(test.given, 100)} {IDLE}")
        if ran.checked and result.outcome == Outcome.RETURNED:
            return _checked_part(self.tests, test, result, ran.checked[number])
        return _part(self.tests, test, result, rule)


def why_not(test: UnitTest, rule: UnitTestRule) -> str:
    """Why no candidate can be judged by a test under a rule; empty where candidates can."""
    missing = [name for name in test.needs if name not in rule.imports]
    return test.unsupported or (f"it imports {', '.join(missing)}, which is not allowed here" if missing else "")


# ------------------------------------------------------------------------------------------------------------ one test

_ENDS = {
    Outcome.RAISED: Verdict.RAISED,
    Outcome.TIMED_OUT: Verdict.TIMED_OUT,
    Outcome.OUT_OF_MEMORY: Verdict.OUT_OF_MEMORY,
    Outcome.TOO_MUCH_OUTPUT: Verdict.TOO_MUCH_OUTPUT,
    Outcome.FORBIDDEN: Verdict.FORBIDDEN,
    Outcome.UNSUPPORTED: Verdict.UNSUPPORTED,
    Outcome.NOT_RUN: Verdict.NOT_RUN,
    Outcome.FAILED: Verdict.FAILED,
}


def _part(tests: UnitTests, test: UnitTest, result: Result, rule: UnitTestRule) -> Part:
    if result.outcome == Outcome.RETURNED:
        given, why = _JUDGES[tests.form](tests, test, result, rule)
        return Part("unit_test", test.expected, given, Verdict.WRONG if why else Verdict.RIGHT, why)
    if tests.form == Form.ASSERT and result.outcome == Outcome.RAISED and result.error == "AssertionError":
        return Part("unit_test", test.expected, None, Verdict.WRONG, f"{shorten(test.given, 100)} does not hold")
    verdict = _ENDS.get(result.outcome, Verdict.DIED)
    if verdict == Verdict.UNSUPPORTED and not result.detail.startswith(OF_THE_TEST):
        verdict = Verdict.WRONG  # a candidate must not choose which tests count, by what it returns
    return Part("unit_test", test.expected, None, verdict, f"{_shown(tests, test)}: {result.detail or result.outcome}")


def _shown(tests: UnitTests, test: UnitTest) -> str:
    """A test in a few words."""
    if tests.form == Form.CALL:
        return f"{tests.entry_point}({shorten(test.given, 80)})"
    return f"with the input {shorten(repr(test.given), 80)}" if tests.form == Form.STDIN else shorten(test.given, 100)


_Judged = tuple[str | None, str]
"""What a candidate gave, and why it is not right."""


def _judge_call(tests: UnitTests, test: UnitTest, result: Result, rule: UnitTestRule) -> _Judged:
    value = result.value
    if value is None or value.text is None:
        what = f"what has no literal, a {value.type} ({value.opaque})" if value else "nothing"
        return None, f"{_shown(tests, test)} gives {what}, not {shorten(test.expected[0])}"
    same = same_json if tests.from_json and not rule.strict else same_value
    accepted = test.expected[:1] if rule.strict and tests.from_json else test.expected
    if value.text in accepted:
        return value.text, ""
    given = parse_literal(value.text, MAX_RESULT)
    for expected in accepted:
        if same(given, parse_literal(expected, MAX_RESULT), rule.float_tolerance, limit=MAX_RESULT):
            return value.text, ""
    return value.text, f"{_shown(tests, test)} gives {_unlike(value.text, accepted[0])}"


def _unlike(given: str, expected: str) -> str:
    """Two literals from a little before they first differ."""
    start = next((i for i, (a, b) in enumerate(zip(given, expected, strict=False)) if a != b), min(len(given), len(expected)))
    if start < 40:
        return f"{shorten(given)}, not {shorten(expected)}"
    return f"...{shorten(given[start - 10 :], 50)}, not ...{shorten(expected[start - 10 :], 50)}"


def _checked_part(tests: UnitTests, test: UnitTest, result: Result, checked: Result) -> Part:
    """A part by the word of the problem's checker."""
    said = checked.stdout.split()
    kept = result.stdout[:_KEPT]
    if checked.outcome != Outcome.RETURNED:
        # It is the problem's own, and a candidate's output may be why it fails: then it did not accept that output.
        return Part(
            "unit_test", test.expected, kept, Verdict.WRONG, f"{_shown(tests, test)}: the checker ended: {checked.detail}"
        )
    right = bool(said) and accepts(said[0])
    why = "" if right else f"{_shown(tests, test)}: the checker says {shorten(' '.join(said) or 'nothing', 80)}"
    return Part("unit_test", test.expected, kept, Verdict.RIGHT if right else Verdict.WRONG, why)


def _judge_output(tests: UnitTests, test: UnitTest, result: Result, rule: UnitTestRule) -> _Judged:
    how = rule.compare or tests.compare
    ours, theirs = output_parts(result.stdout, how), output_parts(test.expected[0], how)
    place = first_difference(ours, theirs, tolerance_of(how, rule.float_tolerance))
    kept = result.stdout[:_KEPT]
    if place is None:
        return kept, ""
    given, expected = (_unlike_line(parts, place) for parts in (ours, theirs))
    what = "line" if how == EXACT_LINES else "token"
    return kept, f"{_shown(tests, test)}: {what} {place + 1} of the output is {given}, not {expected}"


def _unlike_line(lines: list[str], line: int) -> str:
    text = repr(lines[line]) if line < len(lines) else "missing"
    return text if len(text) <= 80 else f"{text[:77]}..."


def _judge_assert(tests: UnitTests, test: UnitTest, result: Result, rule: UnitTestRule) -> _Judged:
    return None, ""


_JUDGES: dict[Form, Callable[[UnitTests, UnitTest, Result, UnitTestRule], _Judged]] = {
    Form.CALL: _judge_call,
    Form.STDIN: _judge_output,
    Form.ASSERT: _judge_assert,
}
