"""What a program does over many inputs: the result of each, and which ways its conditions went.

A survey is cheaper than traces: the program is rewritten once so that each condition reports its truth and each loop that
it was entered, and is then called with one input after the other, each call on a cleared stage in the same confined
process. Variants of the program (without its method under test, say) are called with the same inputs. A program that
could reach what a stage does not put back (it imports, say) gets a process for each call.

>>> from execverify.programs import Program
>>> (found,) = survey_many([(Program("def f(n):\\n    return 'big' if n > 3 else 'small'", arguments="3"), ["3", "1"], [])])
>>> [result.value.text for result in found.results], found.untaken
(["'small'", "'small'"], ('line 2: the condition never holds',))
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, tee
from typing import Any

from execverify.errors import ProgramError
from execverify.programs.program import Program, parse_source, vocabulary_of, walk
from execverify.programs.values import Value
from execverify.sandbox.job import Job
from execverify.sandbox.result import Limits, Outcome, Result
from execverify.sandbox.run import INVALID_REPLY, might_need_dedicated_worker, needs_dedicated_worker, result_of, sandbox
from execverify.tracing.runners import COVER

_DEFAULT = Limits()
_OUTCOMES = tuple(map(str, Outcome))

CoverageRequest = tuple[Program, Sequence[str], Sequence[str]]
"""A program, the argument texts to call it with, and sources of variants."""


@dataclass(frozen=True, slots=True)
class BranchOutcome:
    """One way that control can take.

    Attributes:
        line: of the condition or loop.
        what: "condition" (of `if`, `while`, a ternary, a comprehension; each part of an `and` or `or` there) or "loop".
        truth: which way of a condition; True for a loop's body.
    """

    line: int
    what: str
    truth: bool


@dataclass(frozen=True)
class CoverageReport:
    """What a program did.

    Attributes:
        program: what was surveyed.
        inputs: the argument texts.
        results: how each call ended.
        covered: for each call, indexes into `arms`.
        arms: every way there is.
        variants: for each variant, how each call of it ended, up to the first that ended in another way than one of the
            program's that gave a plain value.
    """

    program: Program
    inputs: tuple[str, ...]
    results: tuple[Result, ...]
    covered: tuple[frozenset[int], ...]
    arms: tuple[BranchOutcome, ...]
    variants: tuple[tuple[Result, ...], ...]

    @cached_property
    def ran(self) -> tuple[int, ...]:
        """Indexes of the inputs that gave a plain value."""
        return tuple(i for i, result in enumerate(self.results) if _ran(result))

    @cached_property
    def distinct_results(self) -> int:
        """How many different plain values the inputs gave."""
        return len({_outcome(self.results[index]) for index in self.ran})

    @cached_property
    def uncovered(self) -> tuple[str, ...]:
        """What no input that ran has done, in words: a branch that is never taken, a loop that is never entered."""
        seen = frozenset().union(*(self.covered[index] for index in self.ran))
        never = sorted((arm for index, arm in enumerate(self.arms) if index not in seen), key=lambda arm: arm.line)
        untested = {arm for arm in never if arm.what == "condition" and _other_way(arm) in never}
        return tuple(_never(arm, arm in untested) for arm in never if arm not in untested or arm.truth)

    @cached_property
    def constant(self) -> tuple[str, ...]:
        """Conditions that only ever went one way, in words."""
        return tuple(text for text in self.uncovered if text.endswith("holds"))

    def changes_result(self, variant: int = 0) -> bool:
        """Whether a variant gives another result for any input that ran."""
        ran = frozenset(self.ran)
        pairs = enumerate(zip(self.variants[variant], self.results, strict=False))
        return any(_outcome(other) != _outcome(own) for index, (other, own) in pairs if index in ran)


def select_inputs(survey: CoverageReport, count: int) -> list[int]:
    """Which inputs to keep: the first where it ran, then what goes new ways, then what gives new results."""
    chosen: list[int] = []
    ways: set[int] = set()
    values: set[object] = set()
    left = list(survey.ran)
    while left and len(chosen) < count:
        gains = [(len(survey.covered[i] - ways), _outcome(survey.results[i]) not in values, -i) for i in left]
        best = max(gains) if chosen or left[0] != 0 else gains[0]
        if chosen and not best[0] and not best[1]:
            break
        index = -best[2]
        left.remove(index)
        chosen.append(index)
        ways |= survey.covered[index]
        values.add(_outcome(survey.results[index]))
    return chosen


def survey_many(
    items: Iterable[CoverageRequest], *, limits: Limits = _DEFAULT, workers: int = 1, brief: bool = False
) -> Iterator[CoverageReport]:
    """Surveys, in order.

    A brief survey ends where nothing is left to be seen: two results, every way taken, every variant distinguished. It then
    has fewer inputs than it was given. Where the inputs are not enough for the first two, its variants are never called.

    The limit of steps holds for each call, the timeout for all calls of one program together: a program that breaks it
    has no results at all. Where a process serves one call alone, the timeout is each call's.
    """
    ours, for_jobs = tee((item, _alone(item)) for item in items)
    jobs = (job for item, alone in for_jobs for job in _jobs(item, alone, limits, brief))
    replies = sandbox(0, limits.imports).run_many(jobs, workers)
    for item, alone in ours:
        if not alone:
            yield survey_of(item, next(replies), brief)
            continue
        program, inputs, variants = item
        cells = [[survey_of((program, [text], []), reply) for text, reply in zip(inputs, islice(replies, len(inputs)), strict=True)]
                 for _ in range(1 + len(variants))]  # fmt: skip
        yield _joined(item, cells)


def _alone(item: CoverageRequest) -> bool:
    """Whether each call must have a process for itself."""
    program, _, variants = item
    return needs_dedicated_worker(program.vocabulary) or any(map(_source_reaches_out, variants))


def _source_reaches_out(source: str) -> bool:
    if source.isascii() and not might_need_dedicated_worker(source):  # a glance, which spares nearly all sources the parsing
        return False
    try:
        return needs_dedicated_worker(vocabulary_of(walk(parse_source(source))))
    except ProgramError:
        return False  # it does not run


def _jobs(item: CoverageRequest, alone: bool, limits: Limits, brief: bool) -> Iterator[Job]:
    program, inputs, variants = item
    if not alone:
        extra = {"inputs": list(inputs), "variants": list(variants), "brief": brief}
        yield Job(COVER, program.source, program.entry_point, program.arguments, limits, False, extra)
        return
    for source in (program.source, *variants):
        for text in inputs:
            extra = {"inputs": [text], "variants": [], "brief": False}
            yield Job(COVER, source, program.entry_point, program.arguments, limits, True, extra)


def _joined(item: CoverageRequest, cells: list[list[CoverageReport]]) -> CoverageReport:
    """One survey out of one for each call of the program and of each variant."""
    program, inputs, _ = item
    own, *others = cells
    arms = next((cell.arms for cell in own if cell.arms), ())
    results = tuple(cell.results[0] if cell.arms in (arms, ()) else INVALID_REPLY for cell in own)
    taken = tuple(cell.covered[0] if cell.arms == arms else frozenset[int]() for cell in own)
    return CoverageReport(program, tuple(inputs), results, taken, arms, tuple(_until_other(cell, results) for cell in others))


def _until_other(cells: list[CoverageReport], results: tuple[Result, ...]) -> tuple[Result, ...]:
    ends = [cell.results[0] for cell in cells]
    other = (_ran(own) and _outcome(end) != _outcome(own) for end, own in zip(ends, results, strict=True))
    last = next((place for place, differs in enumerate(other) if differs), len(ends))
    return tuple(ends[: last + 1])


def survey_of(item: CoverageRequest, reply: dict[str, Any], brief: bool = False) -> CoverageReport:
    """The coverage in a reply. An invalid reply was forged by the program, which counts as crashed."""
    program, inputs, variants = item
    try:
        if reply.get("outcome") != Outcome.RETURNED:
            raise _NoSurvey
        arms = tuple(map(_arm, _listed(reply["arms"])))
        results = tuple(map(_result, _listed(reply["results"])))
        taken = tuple(_ways(ways, len(arms)) for ways in _listed(reply["taken"], len(results)))
        others = tuple(tuple(map(_result, _listed(of))) for of in _listed(reply["others"], len(variants)))
        if not (len(results) == len(inputs) or (brief and 0 < len(results) < len(inputs))):
            raise _NoSurvey
        if any(len(of) > len(results) or (inputs and not of and not brief) for of in others):
            raise _NoSurvey
    except (_NoSurvey, KeyError):
        failed = INVALID_REPLY if reply.get("outcome") in (Outcome.RETURNED, Outcome.RAISED) else result_of(reply)
        all_failed = (failed,) * len(inputs)
        return CoverageReport(program, tuple(inputs), all_failed, (frozenset(),) * len(inputs), (), (all_failed,) * len(variants))
    return CoverageReport(program, tuple(inputs[: len(results)]), results, taken, arms, others)


class _NoSurvey(Exception):
    """A reply is not one of the runner's."""


def _listed(field: Any, length: int | None = None) -> list[Any]:
    if not isinstance(field, list) or length not in (None, len(field)):
        raise _NoSurvey
    return field


def _arm(fields: Any) -> BranchOutcome:
    match fields:
        case [int(line), "condition" | "loop" as what, bool(truth)] if type(line) is int:
            return BranchOutcome(line, what, truth)
    raise _NoSurvey


def _ways(fields: Any, count: int) -> frozenset[int]:
    if not all(type(index) is int and 0 <= index < count for index in _listed(fields)):
        raise _NoSurvey
    return frozenset(fields)


def _result(reply: Any) -> Result:
    """One call's end. Its text is compared and never used as a label, so it is not parsed again here."""
    if not isinstance(reply, dict):
        raise _NoSurvey
    outcome, value, error, detail = reply.get("outcome"), reply.get("value"), reply.get("error"), reply.get("detail", "")
    if outcome not in _OUTCOMES or not isinstance(error, str | None) or not isinstance(detail, str):
        raise _NoSurvey
    match value:
        case None if outcome != Outcome.RETURNED:
            return Result(Outcome(outcome), None, detail, error)
        case [str(kind), str(text), None] if outcome == Outcome.RETURNED:
            return Result(Outcome.RETURNED, Value(kind, text, None), detail, error)
        case [str(kind), None, str(opaque)] if outcome == Outcome.RETURNED:
            return Result(Outcome.RETURNED, Value(kind, None, opaque), detail, error)
    raise _NoSurvey


def _ran(result: Result) -> bool:
    return result.value is not None and result.value.text is not None


def _outcome(result: Result) -> tuple[object, ...]:
    value = result.value
    return (result.outcome, value.type, value.text, value.opaque_reason) if value is not None else (result.outcome, result.error)


def _other_way(arm: BranchOutcome) -> BranchOutcome:
    return BranchOutcome(arm.line, arm.what, not arm.truth)


def _never(arm: BranchOutcome, untested: bool) -> str:
    if arm.what == "loop":
        return f"line {arm.line}: the loop is never entered"
    if untested:
        return f"line {arm.line}: the condition is never tested"
    return f"line {arm.line}: the condition {'never' if arm.truth else 'always'} holds"
