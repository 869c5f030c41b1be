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

import ast
import marshal
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain, islice, repeat, tee
from types import CodeType
from typing import Any, TypeVar

from execverify.errors import ProgramError
from execverify.execution.call import StepLimitReached, enact
from execverify.execution.job import Job
from execverify.execution.outcome import Limits, Outcome, Result
from execverify.execution.run import FORGED, may_reach_out, reaches_out, result_of, sandbox
from execverify.execution.worker import Stage
from execverify.programs.literals import Value
from execverify.programs.program import Program, parse_arguments, parse_source, values_of, vocabulary_of, walk

_HARNESS = "execverify.tracing.survey:explore"
_DEFAULT = Limits()
_OUTCOMES = tuple(map(str, Outcome))

Item = tuple[Program, Sequence[str], Sequence[str]]
"""A program, the argument texts to call it with, and sources of variants."""


@dataclass(frozen=True, slots=True)
class Arm:
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
class Survey:
    """What a program did.

    Attributes:
        program: what was surveyed.
        inputs: the argument texts.
        results: how each call ended.
        taken: for each call, indexes into `arms`.
        arms: every way there is.
        variants: for each variant, how each call of it ended, up to the first that ended in another way than one of the
            program's that gave a plain value.
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
        return tuple(i for i, result in enumerate(self.results) if _ran(result))

    @cached_property
    def distinct_results(self) -> int:
        """How many different plain values the inputs gave."""
        return len({_outcome(self.results[index]) for index in self.ran})

    @cached_property
    def untaken(self) -> tuple[str, ...]:
        """What no input that ran has done, in words: a branch that is never taken, a loop that is never entered."""
        seen = frozenset().union(*(self.taken[index] for index in self.ran))
        never = sorted((arm for index, arm in enumerate(self.arms) if index not in seen), key=lambda arm: arm.line)
        untested = {arm for arm in never if arm.what == "condition" and _other_way(arm) in never}
        return tuple(_never(arm, arm in untested) for arm in never if arm not in untested or arm.truth)

    @cached_property
    def constant(self) -> tuple[str, ...]:
        """Conditions that only ever went one way, in words."""
        return tuple(text for text in self.untaken if text.endswith("holds"))

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


def survey_many(items: Iterable[Item], *, limits: Limits = _DEFAULT, workers: int = 1, brief: bool = False) -> Iterator[Survey]:
    """Surveys, in order.

    A brief survey ends where nothing is left to be seen: two results, every way taken, every variant told apart. It then
    has fewer inputs than it was given. Where the inputs are not enough for the first two, its variants are never called.

    The limit of steps holds for each call, the timeout for all calls of one program together: a program that breaks it
    has no results at all. Where a process serves one call alone, the timeout is each call's.
    """
    ours, for_jobs = tee((item, _alone(item)) for item in items)
    jobs = (job for item, alone in for_jobs for job in _jobs(item, alone, limits, brief))
    replies = sandbox().run_many(jobs, workers)
    for item, alone in ours:
        if not alone:
            yield survey_of(item, next(replies), brief)
            continue
        program, inputs, variants = item
        cells = [[survey_of((program, [text], []), reply) for text, reply in zip(inputs, islice(replies, len(inputs)), strict=True)]
                 for _ in range(1 + len(variants))]  # fmt: skip
        yield _joined(item, cells)


def _alone(item: Item) -> bool:
    """Whether each call must have a process for itself."""
    program, _, variants = item
    return reaches_out(program.vocabulary) or any(map(_source_reaches_out, variants))


def _source_reaches_out(source: str) -> bool:
    if source.isascii() and not may_reach_out(source):  # a glance, which spares nearly all sources the parsing
        return False
    try:
        return reaches_out(vocabulary_of(walk(parse_source(source))))
    except ProgramError:
        return False  # it does not run


def _jobs(item: Item, alone: bool, limits: Limits, brief: bool) -> Iterator[Job]:
    program, inputs, variants = item
    if not alone:
        extra = {"inputs": list(inputs), "variants": list(variants), "brief": brief}
        yield Job(_HARNESS, program.source, program.entry_point, program.arguments, limits, False, extra)
        return
    for source in (program.source, *variants):
        for text in inputs:
            extra = {"inputs": [text], "variants": [], "brief": False}
            yield Job(_HARNESS, source, program.entry_point, program.arguments, limits, True, extra)


def _joined(item: Item, cells: list[list[Survey]]) -> Survey:
    """One survey out of one for each call of the program and of each variant."""
    program, inputs, _ = item
    own, *others = cells
    arms = next((cell.arms for cell in own if cell.arms), ())
    results = tuple(cell.results[0] if cell.arms in (arms, ()) else FORGED for cell in own)
    taken = tuple(cell.taken[0] if cell.arms == arms else frozenset[int]() for cell in own)
    return Survey(program, tuple(inputs), results, taken, arms, tuple(_until_other(cell, results) for cell in others))


def _until_other(cells: list[Survey], results: tuple[Result, ...]) -> tuple[Result, ...]:
    ends = [cell.results[0] for cell in cells]
    other = (_ran(own) and _outcome(end) != _outcome(own) for end, own in zip(ends, results, strict=True))
    told = next((place for place, differs in enumerate(other) if differs), len(ends))
    return tuple(ends[: told + 1])


def survey_of(item: Item, reply: dict[str, Any], brief: bool = False) -> Survey:
    """What a reply says; a reply that the harness does not give is the program's own, which then has died."""
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
        failed = FORGED if reply.get("outcome") in (Outcome.RETURNED, Outcome.RAISED) else result_of(reply)
        all_failed = (failed,) * len(inputs)
        return Survey(program, tuple(inputs), all_failed, (frozenset(),) * len(inputs), (), (all_failed,) * len(variants))
    return Survey(program, tuple(inputs[: len(results)]), results, taken, arms, others)


class _NoSurvey(Exception):
    """A reply is none of the harness's."""


def _listed(field: Any, length: int | None = None) -> list[Any]:
    if not isinstance(field, list) or length not in (None, len(field)):
        raise _NoSurvey
    return field


def _arm(fields: Any) -> Arm:
    match fields:
        case [int(line), "condition" | "loop" as what, bool(truth)] if type(line) is int:
            return Arm(line, what, truth)
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
    return (result.outcome, value.type, value.text, value.opaque) if value is not None else (result.outcome, result.error)


def _other_way(arm: Arm) -> Arm:
    return Arm(arm.line, arm.what, not arm.truth)


def _never(arm: Arm, untested: bool) -> str:
    if arm.what == "loop":
        return f"line {arm.line}: the loop is never entered"
    if untested:
        return f"line {arm.line}: the condition is never tested"
    return f"line {arm.line}: the condition {'never' if arm.truth else 'always'} holds"


# ------------------------------------------------------------------------------------------ in the confined process


_Made = TypeVar("_Made")


def explore(job: dict[str, Any], stage: Stage) -> dict[str, Any]:
    """Harness: calls the program with each input, and each variant likewise, until it ends in another way."""
    return explored(job, stage, map(given_by, job["inputs"]))


Given = Callable[[], tuple[Sequence[Any], dict[str, Any]]]
"""Makes the values of a call anew for each call of it; raises ProgramError where there are none."""


def explored(job: dict[str, Any], stage: Stage, inputs: Iterable[Given]) -> dict[str, Any]:
    """The reply of `explore` for inputs that are made when they are needed, whatever the job says of them."""
    program = _Explored(job, job["source"], stage)
    variants = [_Explored(job, source, stage) for source in job["variants"]]
    for given in inputs:
        program.call(given)
        if job["brief"] and program.has_shown_itself and all(variant.follows(program) for variant in variants):
            break
    if not job["brief"] or program.has_shown_itself:
        for variant in variants:
            variant.follows(program)
    others = [variant.results for variant in variants]
    return {
        "outcome": "returned",
        "value": None,
        "arms": program.arms,
        "results": program.results,
        "taken": program.taken,
        "others": others,
    }


class _Explored:
    """A source and how its calls ended so far."""

    def __init__(self, job: dict[str, Any], source: str, stage: Stage) -> None:
        self.job = {**job, "source": source}
        self.stage = stage
        self.calls: list[Given] = []
        self.results: list[dict[str, Any]] = []
        self.taken: list[list[int]] = []
        self.ways: set[int] = set()
        self.values: set[tuple[str, str]] = set()
        self.differs = False

    @cached_property
    def compiled(self) -> tuple[CodeType | BaseException, list[tuple[int, str, bool]]]:
        """Its code, or what hinders it; and its arms."""
        return _compiled(self.job["source"])

    @property
    def arms(self) -> list[tuple[int, str, bool]]:
        """Every way there is."""
        return self.compiled[1]

    def call(self, given: Given) -> None:
        """Calls it once more."""
        result, ways = _called(self.compiled, given, self.job, self.stage)
        self.calls.append(given)
        self.results.append(result)
        self.taken.append(ways)
        if _is_plain(result):
            self.ways.update(ways)
            self.values.add(tuple(result["value"][:2]))

    @property
    def has_shown_itself(self) -> bool:
        """Whether it gave two results and went every way."""
        return len(self.values) > 1 and len(self.ways) == len(self.arms)

    def follows(self, program: "_Explored") -> bool:
        """Makes the calls that the program made, up to one that ends in another way; whether there is one."""
        for place in range(len(self.calls), len(program.calls)):
            if self.differs:
                break
            self.call(program.calls[place])
            own = program.results[place]
            self.differs = _is_plain(own) and self.results[-1] != own
        return self.differs


def _is_plain(reply: dict[str, Any]) -> bool:
    return reply["outcome"] == "returned" and reply["value"][1] is not None


def given_by(text: str) -> Given:
    """The arguments that a text says."""
    try:
        call = parse_arguments(text)
    except ProgramError as error:
        return partial(_or_raise, error)
    return partial(values_of, call)


def given_as(positional: Sequence[object], named: dict[str, object]) -> Given | None:
    """Arguments by their values, of which copies are made. None where a copy could differ: a set need not keep its order."""
    if not all(map(_is_copied, (*positional, *named.values()))):
        return None
    given: Any = positional, named
    image = marshal.dumps(given, 2)  # 2: what is there twice is two things in the copy
    return partial(marshal.loads, image)


def _is_copied(value: object) -> bool:
    kind = type(value)
    if kind is list or kind is tuple:
        return all(map(_is_copied, value))  # type: ignore[call-overload]
    if kind is dict:
        return all(map(_is_copied, value)) and all(map(_is_copied, value.values()))  # type: ignore[call-overload, attr-defined]
    return kind is str or kind is int or kind is float or kind is bool or value is None


def _called(
    compiled: tuple[CodeType | BaseException, list[Any]], make: Given, job: dict[str, Any], stage: Stage
) -> tuple[dict[str, Any], list[int]]:
    """How one call ends, on a stage that is as at the start, and which ways it went."""
    code, arms = compiled
    try:
        given = make()  # values of its own for every call
    except ProgramError as error:
        return {"outcome": "raised", "error": "ProgramError", "detail": str(error)}, []
    watch = _Watch(len(arms), job["steps"])
    stage.clear()
    stage.builtins.__dict__.update(watch.names)
    reply = stage.judged(_enacted(code, given, job, watch, stage))
    kept = ("outcome", "value") if reply["outcome"] == "returned" else ("outcome", "error", "detail")
    return {field: reply[field] for field in kept if field in reply}, watch.ways


def _enacted(
    code: CodeType | BaseException,
    given: tuple[Sequence[Any], dict[str, Any]],
    job: dict[str, Any],
    watch: "_Watch",
    stage: Stage,
) -> dict[str, Any]:
    reply = enact(lambda: _or_raise(code), job, stage, given=given)
    watch.ends()  # what the call leaves behind (a generator, say) goes no way of the call's
    if watch.spent and reply["outcome"] in ("returned", "raised"):  # the program caught what was to stop it
        return {"outcome": "too many steps", "detail": f"it took more than {job['steps']} steps"}
    return reply


def _or_raise(made: _Made | BaseException) -> _Made:
    if isinstance(made, BaseException):
        raise made
    return made


class _Spent(Iterator[int]):
    """What comes after the last step: the end, however often it is asked for."""

    def __init__(self, watch: "_Watch") -> None:
        self.watch = watch

    def __next__(self) -> int:
        self.watch.spent = True
        raise StepLimitReached


class _Watch:
    """What the rewritten program counts with.

    Each arm, and the body of all loops together, has an iterator of zeros, and `0 in iterator` is the program's way to
    take one out: a test that costs no call and no frame, so that a recursion ends at the depth where it would without.
    """

    def __init__(self, arms: int, limit: int) -> None:
        self.limit = limit
        self.spent = False
        self.ways: list[int] = []
        self._left = [repeat(0, limit) for _ in range(arms)]
        end = _Spent(self)
        self.names: dict[str, Any] = {_name(arm): chain(left, end) for arm, left in enumerate(self._left)}
        self.names[_STEP] = chain(repeat(0, limit), end)

    def ends(self) -> None:
        """Keeps the ways that were taken until now."""
        self.ways = [arm for arm, left in enumerate(self._left) if left.__length_hint__() < self.limit]


_STEP = "·"


def _name(arm: int) -> str:
    return f"·{arm}"


def _compiled(source: str) -> tuple[CodeType | BaseException, list[tuple[int, str, bool]]]:
    """The rewritten program, or what hinders it; and its arms."""
    arms: list[tuple[int, str, bool]] = []
    try:
        tree = _rewritten(ast.parse(source, "<program>"), arms)
        return compile(tree, "<program>", "exec", dont_inherit=True), arms
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return error, arms


def _rewritten(tree: ast.Module, arms: list[tuple[int, str, bool]]) -> ast.Module:
    for node in walk(tree):
        if isinstance(node, ast.If | ast.While | ast.IfExp):
            node.test = _reported(node.test, arms)
        elif isinstance(node, ast.comprehension):
            node.ifs = [_reported(test, arms) for test in node.ifs]
        if isinstance(node, ast.For | ast.AsyncFor | ast.While):
            marks = [_taken(_name(len(arms)), node.lineno), _taken(_STEP, node.lineno)]
            node.body[:0] = [ast.Expr(mark, **_at(node.lineno)) for mark in marks]
            arms.append((node.lineno, "loop", True))
    return tree


def _reported(test: ast.expr, arms: list[tuple[int, str, bool]]) -> ast.expr:
    """`test` as `0 in held if test else 0 not in failed`: the same truth, and it is told which way it went.

    Of `and` and `or`, each part is a test: one that never decides is as good as none.
    """
    if isinstance(test, ast.BoolOp):
        test.values = [_reported(part, arms) for part in test.values]
        return test
    line, arm = test.lineno, len(arms)
    arms += [(line, "condition", True), (line, "condition", False)]
    return ast.IfExp(test, _taken(_name(arm), line), _taken(_name(arm + 1), line, ast.NotIn()), **_at(line))


def _taken(name: str, line: int, how: ast.cmpop | None = None) -> ast.expr:
    zero, iterator = ast.Constant(0, **_at(line)), ast.Name(name, ast.Load(), **_at(line))
    return ast.Compare(zero, [how or ast.In()], [iterator], **_at(line))


def _at(line: int) -> dict[str, Any]:
    return {"lineno": line, "col_offset": 0, "end_lineno": line, "end_col_offset": 0}
