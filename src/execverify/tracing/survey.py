"""What a program does over many inputs: the result of each, and which ways its conditions went.

A survey is cheaper than traces: the program is rewritten once so that each condition reports its truth and each loop that
it was entered, and is then called with one input after the other in the same confined process. Variants of the program
(without its method under test, say) are called with the same inputs.

>>> from execverify.programs import Program
>>> (found,) = survey_many([(Program("def f(n):\\n    return 'big' if n > 3 else 'small'", arguments="3"), ["3", "1"], [])])
>>> [result.value.text for result in found.results], found.untaken
(["'small'", "'small'"], ('line 2: the condition never holds',))
"""

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import tee
from types import CodeType
from typing import Any

from execverify.execution.call import StepLimitReached, enact
from execverify.execution.job import Job
from execverify.execution.outcome import Limits, Outcome, Result
from execverify.execution.run import FORGED, reaches_out, result_of, sandbox
from execverify.execution.worker import Stage
from execverify.programs.literals import Value
from execverify.programs.program import Program

_HARNESS = "execverify.tracing.survey:explore"
_TRUTH, _ENTERED = "·T", "·L"
_DEFAULT = Limits()

Item = tuple[Program, Sequence[str], Sequence[str]]
"""A program, the argument texts to call it with, and sources of variants."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One way that control can take.

    Attributes:
        line: of the condition or loop.
        what: "condition" (of `if`, `while`, a ternary, a comprehension) or "loop".
        truth: which way of a condition; True for a loop's body.
    """

    line: int
    what: str
    truth: bool


@dataclass(frozen=True)
class Survey:
    """What a program did.

    Attributes:
        program: what was surveyed.
        inputs: the argument texts.
        results: how each call ended.
        taken: for each call, indexes into `arms`.
        arms: every way there is.
        variants: for each variant, how each call of it ended, up to the first that ended in another way than the program's.
    """

    program: Program
    inputs: tuple[str, ...]
    results: tuple[Result, ...]
    taken: tuple[frozenset[int], ...]
    arms: tuple[Arm, ...]
    variants: tuple[tuple[Result, ...], ...]

    @cached_property
    def ran(self) -> tuple[int, ...]:
        """Indexes of the inputs that gave a plain value."""
        return tuple(i for i, result in enumerate(self.results) if result.value is not None and result.value.text is not None)

    @cached_property
    def distinct_results(self) -> int:
        """How many different values the inputs gave."""
        return len({(result.value.type, result.value.text) for result in self.results if result.value is not None})

    @cached_property
    def untaken(self) -> tuple[str, ...]:
        """What no input that ran has done, in words: a branch that is never taken, a loop that is never entered."""
        seen = frozenset().union(*(self.taken[index] for index in self.ran))
        return tuple(_never(arm) for index, arm in enumerate(self.arms) if index not in seen)

    @cached_property
    def constant(self) -> tuple[str, ...]:
        """Conditions that only ever went one way, in words."""
        return tuple(text for text in self.untaken if "condition" in text)

    def matters(self, variant: int = 0) -> bool:
        """Whether a variant gives another result for any input that ran."""
        ran = frozenset(self.ran)
        pairs = enumerate(zip(self.variants[variant], self.results, strict=False))
        return any(_outcome(other) != _outcome(own) for index, (other, own) in pairs if index in ran)


def choose(survey: Survey, count: int) -> list[int]:
    """Which inputs to keep: the first where it ran, then what goes new ways, then what gives new results."""
    chosen: list[int] = []
    ways: set[int] = set()
    values: set[object] = set()
    left = list(survey.ran)
    while left and len(chosen) < count:
        gains = [(len(survey.taken[i] - ways), _outcome(survey.results[i]) not in values, -i) for i in left]
        best = max(gains) if chosen or left[0] != 0 else gains[0]
        if chosen and not best[0] and not best[1]:
            break
        index = -best[2]
        left.remove(index)
        chosen.append(index)
        ways |= survey.taken[index]
        values.add(_outcome(survey.results[index]))
    return chosen


def survey_many(items: Iterable[Item], *, limits: Limits = _DEFAULT, workers: int = 1) -> Iterator[Survey]:
    """Surveys, in order. The limits hold for all calls of one program together; a program that breaks them has no results."""
    ours, for_jobs = tee(items)
    jobs = (_job(item, limits) for item in for_jobs)
    for item, reply in zip(ours, sandbox().run_many(jobs, workers), strict=False):
        yield _survey_of(item, reply)


def _job(item: Item, limits: Limits) -> Job:
    program, inputs, variants = item
    extra = {"inputs": list(inputs), "variants": list(variants)}
    isolated = reaches_out(program.vocabulary)
    return Job(_HARNESS, program.source, program.entry_point, program.arguments, limits, isolated, extra)


def _survey_of(item: Item, reply: dict[str, Any]) -> Survey:
    program, inputs, variants = item
    try:
        arms = tuple(Arm(int(line), str(what), bool(truth)) for line, what, truth in reply["arms"])
        results = tuple(map(_result, reply["results"]))
        taken = tuple(frozenset(index for index in ways if 0 <= index < len(arms)) for ways in reply["taken"])
        others = tuple(tuple(map(_result, of)) for of in reply["others"])
        if len(results) != len(inputs) or len(taken) != len(inputs) or len(others) != len(variants):
            raise ValueError("another number of results than of inputs")
    except (KeyError, TypeError, ValueError, AttributeError):
        failed = result_of(reply) if reply.get("outcome") not in (Outcome.RETURNED, Outcome.RAISED) else FORGED
        all_failed = (failed,) * len(inputs)
        return Survey(program, tuple(inputs), all_failed, (frozenset(),) * len(inputs), (), (all_failed,) * len(variants))
    return Survey(program, tuple(inputs), results, taken, arms, others)


def _result(reply: dict[str, Any]) -> Result:
    """One call's end. Its text is compared and never used as a label, so it is not parsed again here."""
    value, error = reply.get("value"), reply.get("error")
    if value is not None:
        kind, text, opaque = value
        if not isinstance(kind, str) or not isinstance(text, str | None) or not isinstance(opaque, str | None):
            raise TypeError("no value of ours")
        value = Value(kind, text, opaque)
    return Result(Outcome(reply["outcome"]), value, str(reply.get("detail", "")), error if isinstance(error, str) else None)


def _outcome(result: Result) -> tuple[object, ...]:
    value = result.value
    return (result.outcome, value.type, value.text, value.opaque) if value is not None else (result.outcome, result.error)


def _never(arm: Arm) -> str:
    if arm.what == "loop":
        return f"line {arm.line}: the loop is never entered"
    return f"line {arm.line}: the condition {'never' if arm.truth else 'always'} holds"


# ------------------------------------------------------------------------------------------ in the confined process


def explore(job: dict[str, Any], stage: Stage) -> dict[str, Any]:
    """Harness: calls the program with each input, and each variant likewise."""
    watch = _Watch(job["steps"])
    stage.namespace.update({_TRUTH: watch.truth, _ENTERED: watch.entered})
    calls = [_values(text) for text in job["inputs"]]
    code, arms = _rewritten(job["source"])
    results, taken = _called(code, calls, job, stage, watch)
    others = []
    for source in job["variants"]:
        variant = _variant(source)
        others.append(_called(variant, calls, job, stage, watch, results)[0])
    return {"outcome": "returned", "value": None, "arms": arms, "results": results, "taken": taken, "others": others}


def _variant(source: str) -> CodeType | None:
    try:
        return _rewritten(source)[0]
    except (SyntaxError, ValueError, RecursionError):
        return None


def _values(arguments: str) -> CodeType:
    """Code whose value is what a call is given; the text was read as literals by whoever made the job."""
    return compile(f"(lambda *positional, **named: (positional, named))({arguments}\n)", "<arguments>", "eval", dont_inherit=True)


def _called(
    code: CodeType | None,
    calls: list[CodeType],
    job: dict[str, Any],
    stage: Stage,
    watch: "_Watch",
    against: list[dict[str, Any]] | None = None,
) -> tuple[list[dict[str, Any]], list[list[int]]]:
    """Calls with one input after the other; with `against`, until a result is another than that one's of the program."""
    results: list[dict[str, Any]] = []
    taken: list[list[int]] = []
    for arguments in calls:
        if against is not None and results and results[-1] != against[len(results) - 1]:
            break
        watch.begin()
        if code is None:
            results.append({"outcome": "raised", "error": "SyntaxError", "detail": "SyntaxError"})
        else:
            results.append(enact(lambda: code, job, stage, given=eval(arguments, {})))  # values of its own for every call
        taken.append(sorted(watch.taken))
    return results, taken


class _Watch:
    """Told by the rewritten program which ways it goes; stops it when it goes too many."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.begin()

    def begin(self) -> None:
        self.taken: set[int] = set()
        self.count = 0

    def truth(self, arm: int, test: object) -> bool:
        holds = bool(test)
        self._step(arm if holds else arm + 1)
        return holds

    def entered(self, arm: int) -> None:
        self._step(arm)

    def _step(self, arm: int) -> None:
        self.taken.add(arm)
        self.count += 1
        if self.count > self.limit:
            raise StepLimitReached


def _rewritten(source: str) -> tuple[CodeType, list[tuple[int, str, bool]]]:
    tree = ast.parse(source, "<program>")
    arms: list[tuple[int, str, bool]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.If | ast.While | ast.IfExp):
            node.test = _reported(node.test, arms)
        elif isinstance(node, ast.comprehension):
            node.ifs = [_reported(test, arms) for test in node.ifs]
        if isinstance(node, ast.For | ast.While):
            node.body.insert(0, ast.Expr(_call(_ENTERED, node.lineno, len(arms)), lineno=node.lineno, col_offset=0))
            arms.append((node.lineno, "loop", True))
    return compile(tree, "<program>", "exec", dont_inherit=True), arms


def _reported(test: ast.expr, arms: list[tuple[int, str, bool]]) -> ast.expr:
    made = _call(_TRUTH, test.lineno, len(arms), test)
    arms += [(test.lineno, "condition", True), (test.lineno, "condition", False)]
    return made


def _call(name: str, line: int, arm: int, *rest: ast.expr) -> ast.Call:
    function = ast.Name(name, ast.Load(), lineno=line, col_offset=0)
    return ast.Call(function, [ast.Constant(arm, lineno=line, col_offset=0), *rest], [], lineno=line, col_offset=0)
