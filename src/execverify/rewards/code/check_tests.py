"""Whether the tests of a problem can tell right from wrong: a reference solution passes them, and an answer without work does not.

>>> truth = {"asserts": ["assert f(1) == 2", "assert (f(2) == 3, 'wrong')", "assert f(3) == 5"], "entry_point": "f"}
>>> check = check_tests(truth, ["def f(n):\\n    return n + 1"])
>>> [str(standing) for standing in check.standings], str(check.standing)
(['solved by the reference', 'passed by anything', 'passed by nothing'], 'passed by nothing')
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from execverify.rewards.code.checkers import hold_always
from execverify.rewards.code.grade import IDLE, PAPER_UNIT_TESTS, TEST_LIMITS, UnitTestConfig, mismatch_reason, unit_test_score
from execverify.rewards.code.test_formats import UnitTestFormat, UnitTests
from execverify.rewards.code.unit_tests import GroundTruth, parse_tests
from execverify.rewards.parts import GradedPart, Verdict
from execverify.sandbox.result import Limits

MAX_REFERENCES = 3
"""How many reference solutions are tried: published ones are wrong now and then."""


class UnitTestValidity(StrEnum):
    """What is known of a test, or of all tests of a problem."""

    SOLVED = "solved by the reference"
    NOTHING = "passed by nothing"
    ANYTHING = "passed by anything"
    UNSUPPORTED = "unsupported"
    FAILED = "our failure"
    UNKNOWN = "no reference"


@dataclass(frozen=True, slots=True)
class TestCheck:
    """What is known of the tests of a problem.

    Attributes:
        validities: of each test, in order.
        reasons: why it is not solved; empty where it is.
    """

    __test__ = False  # no test of pytest's

    validities: tuple[UnitTestValidity, ...]
    reasons: tuple[str, ...]

    @property
    def validity(self) -> UnitTestValidity:
        """Of all tests: solved where every one that judges is; else the worst of what they are."""
        for worst in (
            UnitTestValidity.FAILED,
            UnitTestValidity.NOTHING,
            UnitTestValidity.SOLVED,
            UnitTestValidity.UNKNOWN,
            UnitTestValidity.ANYTHING,
        ):
            if worst in self.validities:
                return worst
        return UnitTestValidity.UNSUPPORTED


def check_tests(
    tests: GroundTruth | UnitTests,
    solutions: Sequence[str] = (),
    *,
    rule: UnitTestConfig = PAPER_UNIT_TESTS,
    limits: Limits = TEST_LIMITS,
    allow_weak_isolation: bool = False,
) -> TestCheck:
    """Runs the tests of a problem against its reference solutions, and against answers without work.

    Args:
        tests: a ground truth as in `read_tests`, or what that gave.
        solutions: programs that solve the problem; the best of the first `MOST_REFERENCES` counts.
        rule, limits, allow_weak_isolation: as for `unit_test_score`.

    Raises:
        RowError: tests that cannot be read.
        InsufficientIsolationError: hostile code cannot be confined here.
    """
    read = tests if isinstance(tests, UnitTests) else parse_tests(tests)
    best: TestCheck | None = None
    for solution in solutions[:MAX_REFERENCES]:
        score = unit_test_score(read, _answer(solution), rule=rule, limits=limits, allow_weak_isolation=allow_weak_isolation)
        found = _check([part for part in score.parts if part.kind == "unit_test"])
        if best is None or _solved(found) > _solved(best):
            best = found
        if found.validity == UnitTestValidity.SOLVED:
            break
    return best if best is not None else _unsolved(read, rule, limits, allow_weak_isolation)


def _answer(solution: str) -> str:
    """A solution as a completion; one that is published with fences is one already."""
    if "```" in solution.lstrip()[:3]:
        return f"<answer>\n{solution}\n</answer>"
    fence = "```"
    while fence in solution:
        fence += "`"
    return f"<answer>\n{fence}python\n{solution}\n{fence}\n</answer>"


def _solved(check: TestCheck) -> int:
    return sum(standing == UnitTestValidity.SOLVED for standing in check.validities)


def _check(parts: Sequence[GradedPart]) -> TestCheck:
    return TestCheck(tuple(map(_standing, parts)), tuple(part.why for part in parts))


def _standing(part: GradedPart) -> UnitTestValidity:
    if part.verdict == Verdict.UNSUPPORTED:
        return UnitTestValidity.ANYTHING if part.why.endswith(IDLE) else UnitTestValidity.UNSUPPORTED
    if part.verdict == Verdict.GRADER_ERROR:
        return UnitTestValidity.FAILED
    return UnitTestValidity.SOLVED if part.right else UnitTestValidity.NOTHING


def _unsolved(tests: UnitTests, rule: UnitTestConfig, limits: Limits, allow_weak_isolation: bool) -> TestCheck:
    """What is known without a reference: what reading tells, and what every answer passes."""
    places = [number for number, test in enumerate(tests.tests) if not mismatch_reason(test, rule)]
    idle: set[int] = set()
    if tests.format == UnitTestFormat.ASSERT and places:
        given = [tests.tests[number].given for number in places]
        options = {"limits": limits, "imports": rule.imports, "allow_weak_isolation": allow_weak_isolation}
        held = hold_always(tests.setup, given, tests.entry_point, tests.names, tests.context, **options)
        idle = {places[number] for number in held}
    whys = [mismatch_reason(test, rule) or (f"it {IDLE}" if number in idle else "") for number, test in enumerate(tests.tests)]
    standings = [
        UnitTestValidity.UNSUPPORTED
        if number not in places
        else UnitTestValidity.ANYTHING
        if number in idle
        else UnitTestValidity.UNKNOWN
        for number in range(len(tests.tests))
    ]
    return TestCheck(tuple(standings), tuple(whys))
