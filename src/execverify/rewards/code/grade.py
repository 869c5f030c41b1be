"""How a code answer is judged: its code runs confined on each unit test, and what comes out is compared here, outside.

    >>> truth = {"inputs": [[3], [-1]], "outputs": [4, 0], "fn_name": "f"}
    >>> completion = "<answer>\\n```python\\ndef f(n):\\n    return abs(n) + 1\\n```\\n</answer>"
    >>> score = unit_test_score(truth, completion)
    >>> score.reward
    0.55
    >>> [(part.kind, str(part.verdict), part.why) for part in score.parts]
    [('format', 'right', ''), ('unit_test', 'right', ''), ('unit_test', 'wrong_answer', 'f(-1) gives 2, not 0')]

The reward is the share of unit tests that pass, plus 0.05 for a well-formed answer (paper, section 3; see `read_code` for
the form). A test that no candidate could be judged by is left out of the share and stands in the parts as "unsupported".
Where we failed to judge one test, or none can be judged, the reward is None and never a silent 0.
"""

import functools
import json
import math
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from execverify.errors import InsufficientIsolationError, ProgramError, SandboxError
from execverify.programs.equality import same_value
from execverify.programs.literals import parse_literal
from execverify.programs.program import truncate
from execverify.programs.usual_imports import USUAL_IMPORTS, read_prelude, usual_imports
from execverify.rewards.code.checkers import accepts, checker_program, hold_always
from execverify.rewards.code.extract import ExtractedCode, extract_code, sole_function
from execverify.rewards.code.unit_tests import MAX_RESULT, GroundTruth, UnitTest, UnitTestFormat, UnitTests, parse_tests
from execverify.rewards.compare import (
    EXACT_LINES,
    OUTPUT_RULES,
    first_difference,
    output_parts,
    same_json,
    tolerance_of,
    too_long,
)
from execverify.rewards.guard import bad_row, guarded, unreadable
from execverify.rewards.parts import GradedPart, Score, Verdict
from execverify.sandbox.candidates import Candidate, CandidateWithAsserts, run_asserts, run_candidates, stoppable
from execverify.sandbox.remote import TEST_REASONS
from execverify.sandbox.result import Limits, Outcome, Result
from execverify.sandbox.sessions import Judge

IDLE = "holds whatever comes"
"""How the reason ends for which a test is left out that any answer would pass."""

_KEPT = 2_000  # characters of what code gave or printed that a part carries


@dataclass(frozen=True, slots=True)
class UnitTestConfig:
    """How the outcomes of unit tests become a reward (paper, section 3: unit-test rewards of stage II).

    Attributes:
        binary: 1 where every test passes and else 0, instead of the share of tests that pass; stops at the first that does not.
        format_bonus: what a well-formed answer earns beside.
        strict: whether a result must have the very types of the expected one where that was given as JSON; else a tuple
            is as good as a list and an int key as good as its text (`same_json`), and a result that may have been wrapped
            in a list counts either way.
        float_tolerance: how far finite floats may be off in results and outputs; 0 compares exactly.
        stop_early: whether tests after the first that does not pass count as not passed, without running where possible.
        imports: modules beside the standard library that a candidate may import.
        prelude: imports whose names a candidate may use without importing them; "" for none. They are never what it defines.
        compare: how printed outputs are compared, of `OUTPUT_RULES`; None for each problem's own way.
    """

    binary: bool = False
    format_bonus: float = 0.05
    strict: bool = False
    float_tolerance: float = 0.0
    stop_early: bool = False
    imports: tuple[str, ...] = ()
    prelude: str = USUAL_IMPORTS
    compare: str | None = None

    def __post_init__(self) -> None:
        try:
            read_prelude(self.prelude)
        except ProgramError as error:
            raise ValueError(str(error)) from None
        if not (self.format_bonus >= 0 and math.isfinite(self.format_bonus)):
            raise ValueError(f"format_bonus must be a number, 0 or more, not {self.format_bonus!r}")
        if not self.float_tolerance >= 0:
            raise ValueError(f"float_tolerance must be 0 or more, not {self.float_tolerance!r}")
        if self.compare not in (None, *OUTPUT_RULES):
            raise ValueError(f"compare must be one of {', '.join(OUTPUT_RULES)}, not {self.compare!r}")
        if isinstance(self.imports, str):
            raise ValueError(f"imports must be a tuple of names of modules, not {self.imports!r}")


PAPER_UNIT_TESTS = UnitTestConfig()
"""The paper's rule: the share of tests that pass, plus 0.05 for a well-formed answer."""

TEST_LIMITS = Limits(timeout=4.0)
"""What a candidate may use for each test: 4 s of processor time, 20 s by the clock; 40 s for all tests that it misses."""

_Tests = GroundTruth | UnitTests


def unit_test_score(
    tests: _Tests,
    completion: str,
    *,
    rule: UnitTestConfig = PAPER_UNIT_TESTS,
    limits: Limits = TEST_LIMITS,
    allow_weak_isolation: bool = False,
) -> Score:
    """Judges one completion by unit tests; see `unit_test_scores`. Raises RowError for tests that cannot be read."""
    return unit_test_scores(
        [(tests, completion)], rule=rule, limits=limits, allow_weak_isolation=allow_weak_isolation, raise_errors=True
    )[0]


def unit_test_scores(
    pairs: Iterable[tuple[_Tests, str]],
    *,
    rule: UnitTestConfig = PAPER_UNIT_TESTS,
    limits: Limits = TEST_LIMITS,
    workers: int = 1,
    allow_weak_isolation: bool = False,
    raise_errors: bool = False,
    stop: threading.Event | None = None,
) -> list[Score]:
    """Judges completions by their unit tests.

    Args:
        pairs: tests (a ground truth as in `read_tests`, or what that gave) and a completion's text.
        rule: how outcomes become a reward.
        limits: what a candidate may use for each of its tests.
        workers: how many candidates run at once; one that hangs holds up none of the others.
        allow_weak_isolation: run candidates even where the kernel lacks what confines hostile code. Only for code that you trust.
        raise_errors: raise what is wrong with a row; else its score is None, with one part of kind "row" that says what.
        stop: once it is set, by any thread, what runs is ended within a moment; what was left is our failure.

    Returns:
        Scores in the order of the pairs. Parts: the answer's form, then its tests, in order.

    Raises:
        RowError: tests that cannot be read, with `raise_errors`.
        InsufficientIsolationError: hostile code cannot be confined here; the message names what is missing. (Any other failure of the
            sandbox is a reward of None.)
    """
    return _scores(pairs, rule, limits, workers, allow_weak_isolation, raise_errors, stop or threading.Event())


def _scores(
    pairs: Iterable[tuple[_Tests, str]],
    rule: UnitTestConfig,
    limits: Limits,
    workers: int,
    allow_weak_isolation: bool,
    raise_errors: bool,
    stop: threading.Event,
) -> list[Score]:
    """The scores of `unit_test_scores`; whatever is left when `stop` is set is our failure."""
    problems = [_problem(tests, completion, raise_errors) for tests, completion in pairs]

    def one(problem: "_GradingJob | Score") -> Score:
        return problem if isinstance(problem, Score) else problem.score(rule, limits, allow_weak_isolation, stop)

    if workers == 1 or sum(isinstance(problem, _GradingJob) and problem.runs(rule) for problem in problems) < 2:
        return [one(problem) for problem in problems]
    # A call of the sandbox for each, so that none waits for the results of an earlier one.
    threads = ThreadPoolExecutor(min(workers, len(problems)), "execverify-unit-tests")
    try:
        return list(threads.map(one, problems))
    except BaseException:
        stop.set()  # whoever interrupts is not kept waiting by what hangs
        raise
    finally:
        threads.shutdown(cancel_futures=True)


def _problem(tests: _Tests, completion: str, raise_errors: bool) -> "_GradingJob | Score":
    """What is to be judged, or the score of a row that cannot be used."""
    try:
        return _GradingJob.of(tests if isinstance(tests, UnitTests) else parse_tests(tests), completion)
    except Exception as error:
        if raise_errors:
            raise
        return bad_row(error)


async def unit_test_scores_async(
    pairs: Iterable[tuple[_Tests, str]],
    *,
    rule: UnitTestConfig = PAPER_UNIT_TESTS,
    limits: Limits = TEST_LIMITS,
    workers: int = 1,
    allow_weak_isolation: bool = False,
    raise_errors: bool = False,
) -> list[Score]:
    """`unit_test_scores` for an event loop, which goes on while candidates run.

    A task that is cancelled returns at once; its candidates are ended.
    """
    given = list(pairs)
    return await stoppable(lambda stop: _scores(given, rule, limits, workers, allow_weak_isolation, raise_errors, stop))


_MOST_SECONDS, _MOST_MEMORY = 30.0, 4 * 1024**3


def _limits(tests: UnitTests, limits: Limits) -> Limits:
    """The limits for a problem's tests: its own where it states them, up to 30 s and 4 GB."""
    changes: dict[str, Any] = {}
    if tests.time_limit is not None:
        changes["timeout"] = min(tests.time_limit, max(_MOST_SECONDS, limits.timeout))
    if tests.memory_limit is not None:
        changes["memory"] = min(tests.memory_limit, max(_MOST_MEMORY, limits.memory))
    return replace(limits, **changes) if changes else limits


@dataclass(frozen=True, slots=True)
class _TestRun:
    """What running a completion's tests takes.

    Attributes:
        source, prelude: the candidate's code, and the usual imports before it.
        given: what each supported test gives it.
        judge: grades one result.
        judged: where the graded parts go.
        rule: how tests are graded.
        options: of the runs: limits, imports, isolation.
        stop: ends them.
    """

    source: str
    prelude: str
    given: tuple[str, ...]
    judge: Judge
    judged: list[GradedPart]
    rule: UnitTestConfig
    options: dict[str, Any]
    stop: threading.Event


@dataclass(frozen=True, slots=True)
class _GradingJob:
    """One completion with the tests that judge it."""

    tests: UnitTests
    code: ExtractedCode
    unread: Exception | None = None

    @classmethod
    def of(cls, tests: UnitTests, completion: str) -> "_GradingJob":
        try:
            code = extract_code(completion, tests.entry_point)
            if tests.format == UnitTestFormat.CALL and tests.entry_point is None and code.source is not None:
                name = sole_function(code.source)
                why = "the code has not one function that could be called"
                code = replace(code, entry_point=name) if name else ExtractedCode(None, why=why)
            return cls(tests, code)
        except Exception as error:
            return cls(tests, ExtractedCode(None), error)

    def supported(self, rule: UnitTestConfig) -> list[UnitTest]:
        return [test for test in self.tests.tests if not mismatch_reason(test, rule)]

    def runs(self, rule: UnitTestConfig) -> bool:
        return self.code.source is not None and bool(self.supported(rule))

    def score(self, rule: UnitTestConfig, limits: Limits, allow_weak_isolation: bool, stop: threading.Event) -> Score:
        """Runs the candidate, and puts together what its parts earn."""
        judged: list[GradedPart] = []
        error = self.unread
        if self.runs(rule):
            options: dict[str, Any] = {
                "limits": _limits(self.tests, limits),
                "imports": rule.imports,
                "allow_weak_isolation": allow_weak_isolation,
            }
            error = self.run(judged, rule, options, stop)
        if error is not None:
            asked = [("format", ()), *(("unit_test", test.expected) for test in self.tests.tests)]
            return Score(0.0, tuple(unreadable(kind, expected, None, error) for kind, expected in asked))
        parts = [self.form(), *self.parts(judged, rule)]
        counted = [part for part in parts[1:] if part.verdict != Verdict.UNSUPPORTED]
        if not counted or any(part.verdict == Verdict.GRADER_ERROR for part in counted):
            return Score(None, tuple(parts))
        right = sum(part.right for part in counted)
        share = float(right == len(counted)) if rule.binary else right / len(counted)
        return Score(share + (rule.format_bonus if self.code.follows_format else 0.0), tuple(parts))

    def run(
        self, judged: list[GradedPart], rule: UnitTestConfig, options: dict[str, Any], stop: threading.Event
    ) -> Exception | None:
        """Judges the supported tests as their results arrive. Returns an exception that nobody foresaw."""
        supported = self.supported(rule)

        def judge(index: int, result: Result) -> bool:
            step = functools.partial(_part, self.tests, supported[index], result, rule)
            judged.append(guarded("unit_test", supported[index].expected, None, step))
            return judged[-1].right

        failure = "the judge was stopped"
        try:
            source, entry_point = self.code.source or "", self.code.entry_point
            prelude = usual_imports(source, rule.prelude, but=(entry_point or "").split("."))
            grade = (
                self.run_asserts
                if self.tests.format == UnitTestFormat.ASSERT
                else self.run_checked
                if self.tests.checker
                else self.run_tests
            )
            given = tuple(test.given for test in supported)
            grade(_TestRun(source, prelude, given, judge, judged, rule, options, stop))
        except InsufficientIsolationError:
            raise
        except SandboxError as error:
            failure = str(error)
        except Exception as error:  # what the candidate is made of brought it about: its tests could not be read
            return error
        for index in range(len(judged), len(supported)):
            judge(index, Result(Outcome.SANDBOX_ERROR, detail=failure))
        return None

    def run_tests(self, run: _TestRun) -> None:
        """Calls, and runs of a program: each is judged when it arrives."""
        candidate = Candidate(
            run.source, run.given, self.code.entry_point, self.tests.context, run.prelude, run.judge, self.output(run.rule)
        )
        ends_early = run.rule.stop_early or run.rule.binary
        results = next(run_candidates([candidate], stop_early=ends_early, stop=run.stop, **run.options), ())
        for index in range(len(run.judged), len(results)):
            run.judge(index, results[index])

    def run_asserts(self, run: _TestRun) -> None:
        """Assertions. One that any candidate would pass decides nothing."""
        tests = self.tests
        candidate = CandidateWithAsserts(run.source, tests.setup, run.given, self.code.entry_point, tests.context, run.prelude)
        results = next(
            run_asserts([candidate], stop_early=run.rule.stop_early or run.rule.binary, stop=run.stop, **run.options), ()
        )
        passed = any(result.outcome == Outcome.RETURNED for result in results)
        idle = hold_always(tests.setup, run.given, tests.entry_point, tests.names, tests.context, **run.options) if passed else ()
        for index, result in enumerate(results):
            if index in idle:
                run.judged.append(
                    GradedPart("unit_test", (), None, Verdict.UNSUPPORTED, f"{truncate(run.given[index], 100)} {IDLE}")
                )
            else:
                run.judge(index, result)

    def run_checked(self, run: _TestRun) -> None:
        """Runs of a program whose outputs the problem's own checker judges; it runs confined, like a candidate."""
        candidate = Candidate(
            run.source, run.given, self.code.entry_point, self.tests.context, run.prelude, output=self.output(run.rule)
        )
        results = next(run_candidates([candidate], stop=run.stop, **run.options), ())
        supported = self.supported(run.rule)
        asked = [
            json.dumps([test.given, test.expected[0], result.stdout]) for test, result in zip(supported, results, strict=False)
        ]
        words = next(
            run_candidates([Candidate(checker_program(self.tests.checker), tuple(asked))], stop=run.stop, **run.options), ()
        )
        for index, (result, word) in enumerate(zip(results, words, strict=False)):
            if result.outcome == Outcome.RETURNED:
                run.judged.append(_checked_part(self.tests, supported[index], result, word))
            else:
                run.judge(index, result)

    def output(self, rule: UnitTestConfig) -> int:
        """Characters that the candidate may write: more than any test expects. (A power of two, which says little of them.)"""
        if self.tests.format != UnitTestFormat.STDIN:
            return 0
        return 2 << max(len(expected) for test in self.supported(rule) for expected in test.expected).bit_length()

    def form(self) -> GradedPart:
        if self.code.source is None:
            return GradedPart("format", (), None, Verdict.MISSING, self.code.why)
        return GradedPart("format", (), None, Verdict.RIGHT if self.code.follows_format else Verdict.WRONG, self.code.why)

    def parts(self, judged: list[GradedPart], rule: UnitTestConfig) -> Iterator[GradedPart]:
        """A part for each test, in order."""
        following = iter(judged)
        for test in self.tests.tests:
            why = mismatch_reason(test, rule)
            if why:
                yield GradedPart("unit_test", test.expected, None, Verdict.UNSUPPORTED, why)
            elif self.code.source is None:
                yield GradedPart("unit_test", test.expected, None, Verdict.MISSING, self.code.why)
            else:
                yield next(following)


def mismatch_reason(test: UnitTest, rule: UnitTestConfig) -> str:
    """Why no candidate can be judged by a test under a rule; empty where candidates can."""
    missing = [name for name in test.needs if name not in rule.imports]
    return test.unsupported or (f"it imports {', '.join(missing)}, which is not allowed here" if missing else "")


# ------------------------------------------------------------------------------------------------------------ one test

_OUTCOME_TO_VERDICT = {
    Outcome.RAISED: Verdict.RAISED,
    Outcome.TIMED_OUT: Verdict.TIMED_OUT,
    Outcome.OUT_OF_MEMORY: Verdict.OUT_OF_MEMORY,
    Outcome.TOO_MUCH_OUTPUT: Verdict.TOO_MUCH_OUTPUT,
    Outcome.FORBIDDEN: Verdict.FORBIDDEN,
    Outcome.UNSUPPORTED: Verdict.UNSUPPORTED,
    Outcome.NOT_RUN: Verdict.NOT_RUN,
    Outcome.SANDBOX_ERROR: Verdict.GRADER_ERROR,
}


def _part(tests: UnitTests, test: UnitTest, result: Result, rule: UnitTestConfig) -> GradedPart:
    if result.outcome == Outcome.RETURNED:
        given, why = _GRADERS[tests.format](tests, test, result, rule)
        return GradedPart("unit_test", test.expected, given, Verdict.WRONG if why else Verdict.RIGHT, why)
    if tests.format == UnitTestFormat.ASSERT and result.outcome == Outcome.RAISED and result.error == "AssertionError":
        return GradedPart("unit_test", test.expected, None, Verdict.WRONG, f"{truncate(test.given, 100)} does not hold")
    verdict = _OUTCOME_TO_VERDICT.get(result.outcome, Verdict.CRASHED)
    if verdict == Verdict.UNSUPPORTED and not result.detail.startswith(TEST_REASONS):
        verdict = Verdict.WRONG  # a candidate must not choose which tests count, by what it returns
    return GradedPart("unit_test", test.expected, None, verdict, f"{_shown(tests, test)}: {result.detail or result.outcome}")


def _shown(tests: UnitTests, test: UnitTest) -> str:
    """A test in a few words."""
    if tests.format == UnitTestFormat.CALL:
        return f"{tests.entry_point}({truncate(test.given, 80)})"
    return (
        f"with the input {truncate(repr(test.given), 80)}" if tests.format == UnitTestFormat.STDIN else truncate(test.given, 100)
    )


_Judged = tuple[str | None, str]
"""What a candidate gave, and why it is not right."""


def _grade_call(tests: UnitTests, test: UnitTest, result: Result, rule: UnitTestConfig) -> _Judged:
    value = result.value
    if value is None or value.text is None:
        what = f"what has no literal, a {value.type} ({value.opaque_reason})" if value else "nothing"
        return None, f"{_shown(tests, test)} gives {what}, not {truncate(test.expected[0])}"
    same = same_json if tests.from_json and not rule.strict else same_value
    accepted = test.expected[:1] if rule.strict and tests.from_json else test.expected
    if value.text in accepted:
        return _kept(value.text), ""
    accepted = tuple(expected for expected in accepted if not too_long(value.text, expected))
    given = parse_literal(value.text, MAX_RESULT) if accepted else None
    for expected in accepted:
        if same(given, parse_literal(expected, MAX_RESULT), rule.float_tolerance, limit=MAX_RESULT):
            return _kept(value.text), ""
    return _kept(value.text), f"{_shown(tests, test)} gives {_unlike(value.text, test.expected[0])}"


def _kept(text: str) -> str:
    """What a part carries of a value: the parts of a whole batch are in memory at once."""
    return text if len(text) <= _KEPT else f"{text[: _KEPT - 3]}..."


def _unlike(given: str, expected: str) -> str:
    """Two literals from a little before they first differ."""
    start = next((i for i, (a, b) in enumerate(zip(given, expected, strict=False)) if a != b), min(len(given), len(expected)))
    if start < 40:
        return f"{truncate(given)}, not {truncate(expected)}"
    return f"...{truncate(given[start - 10 :], 50)}, not ...{truncate(expected[start - 10 :], 50)}"


def _checked_part(tests: UnitTests, test: UnitTest, result: Result, checked: Result) -> GradedPart:
    """A part by the word of the problem's checker."""
    said = checked.stdout.split()
    kept = result.stdout[:_KEPT]
    if checked.outcome != Outcome.RETURNED:
        # It is the problem's own, and a candidate's output may be why it fails: then it did not accept that output.
        return GradedPart(
            "unit_test", test.expected, kept, Verdict.WRONG, f"{_shown(tests, test)}: the checker ended: {checked.detail}"
        )
    right = bool(said) and accepts(said[0])
    why = "" if right else f"{_shown(tests, test)}: the checker says {truncate(' '.join(said) or 'nothing', 80)}"
    return GradedPart("unit_test", test.expected, kept, Verdict.RIGHT if right else Verdict.WRONG, why)


def _grade_output(tests: UnitTests, test: UnitTest, result: Result, rule: UnitTestConfig) -> _Judged:
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


def _grade_assert(tests: UnitTests, test: UnitTest, result: Result, rule: UnitTestConfig) -> _Judged:
    return None, ""


_GRADERS: dict[UnitTestFormat, Callable[[UnitTests, UnitTest, Result, UnitTestConfig], _Judged]] = {
    UnitTestFormat.CALL: _grade_call,
    UnitTestFormat.STDIN: _grade_output,
    UnitTestFormat.ASSERT: _grade_assert,
}
