"""EvalPlus's way to judge code (Liu et al. 2023, arXiv 2305.01210), for HumanEval+ and MBPP+.

A program's function is called with the inputs of the original benchmark (*base*) and with EvalPlus's own (*plus*), and its results
stand against those of the reference solution. A program is right by the base where it is right on every base input, and right by
the plus, the figure that is quoted, where it is right on all inputs. Base and plus inputs run in a process of their own each.

The programs, the reference too, run in the sandbox for hostile code, and their results cross as plain data: what is no plain
value crosses as its type's name, so an object that claims to equal everything is wrong; what would be longer than 90,000 characters
crosses as a digest, and is compared exactly. The comparison is made outside.

*Official*: `==`; where the results differ and there is a tolerance, equal types and lengths and numpy's `allclose` with a relative
tolerance of 1e-7. The tolerance is the problem's; where that is 0, it becomes 1e-6 at the first result that is a float or holds
nothing but floats, and stays so for the inputs after it. A few problems have a rule of their own. A call may take one second,
or four times as long as the reference took for its slowest input, if that is longer.

*Strict*: every result has the very type and content of the reference's. Where the problem leaves the order open, order is left
open; where any root of a polynomial will do, any does.
"""

import functools
import importlib.util
import math
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from execverify.errors import EvaluationError, LiteralError
from execverify.evaluation.answers import BARE, Answer
from execverify.evaluation.benchmark import Benchmark, Item, Mark, Record
from execverify.evaluation.code_answers import CODE, code_answer, code_completion, constant_function
from execverify.evaluation.data import Row, Source, load_rows
from execverify.evaluation.facts import facts_of
from execverify.evaluation.statistics import pass_at_k
from execverify.execution.candidates import Candidate, run_candidates
from execverify.execution.outcome import Limits, Outcome, Result
from execverify.programs.literals import equality_key, parse_literal, parse_without_warnings, value_of
from execverify.programs.program import shorten

FIELDS = ("task_id", "prompt", "entry_point", "canonical_solution", "base_input", "plus_input", "atol")
LEAST_TIME, TIME_FACTOR = 1.0, 4.0
RULE = (
    "EvalPlus's: every base and plus input gives the reference's result by == or within the problem's tolerance, "
    "and a few problems' own rules; the score of the base inputs alone stands under `more`"
)
STRICT = "every result has the reference's very type and content, without a tolerance"

_LONGEST = 1_000_000
_MEMORY = 4 * 1024**3
_REFERENCE_TIME = 300.0
_FIRST_FEW = 6
_RELATIVE, _FLOATS = 1e-7, 1e-6

_CALLED = """\
import hashlib, time
TEXT = {text!r}
NAME = {name!r}
SPACE = {{}}
exec(TEXT, SPACE)
PLAIN = (str, bytes, float, complex, bytearray, range, type(None), type(...))


def plain(value, depth=0):
    kind = type(value)
    if kind in PLAIN or kind is bool:
        return value
    if kind is int:
        return value if value.bit_length() < 4000 else ("<int>", hex(value))
    if depth > 40:
        return ("<deep>", kind.__name__)
    if kind in (list, tuple, set, frozenset):
        return kind(plain(part, depth + 1) for part in value)
    if kind is dict:
        return {{plain(key, depth + 1): plain(part, depth + 1) for key, part in value.items()}}
    if str(getattr(kind, "__module__", "")).startswith("numpy") and hasattr(value, "item") and getattr(value, "shape", None) == ():
        return ("<like>", kind.__name__, plain(value.item(), depth + 1))
    for base in (bool, int, float, complex, str, bytes, list, tuple, set, frozenset, dict):
        if issubclass(kind, base):
            return ("<like>", kind.__name__, plain(base(value), depth + 1))
    return ("<object>", kind.__name__)


def shorter(value):
    text = repr(value)
    return value if len(text) < 90000 else ("<long>", type(value).__name__, hashlib.sha256(text.encode()).hexdigest())


def crossing(value):
    if type(value) not in (list, tuple) or len(value) < 100000:
        return shorter(plain(value))
    seen = hashlib.sha256()
    for part in value:
        seen.update(repr(part).encode() + b";")
    return ("<long>", type(value).__name__, seen.hexdigest())


def call(*arguments):
    began = time.perf_counter()
    given = crossing(SPACE[NAME](*arguments))
    return [given, time.perf_counter() - began]
"""

Oracle = Callable[[tuple[Any, ...], Any, Any, float], bool]
"""From arguments, result, expected result and tolerance to whether the result is right, whatever `==` says."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a data set does its own way.

    Attributes:
        inputs: makes the arguments of its JSON what the problems ask for.
        also: by entry point, what is right although `==` says otherwise.
        instead: by entry point, what decides alone.
        as_sets: entry points whose results are compared as sets.
        not_none: entry points of which only counts whether they return something.
    """

    inputs: Callable[[str, list[list[Any]]], list[Any]] = lambda _, inputs: inputs
    also: Mapping[str, Oracle] = field(default_factory=dict)
    instead: Mapping[str, Oracle] = field(default_factory=dict)
    as_sets: frozenset[str] = frozenset()
    not_none: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Problem:
    """One problem. Each is itself alone, so that what is worked out for it can be kept with it."""

    id: str
    prompt: str
    entry_point: str
    reference: str
    base: tuple[tuple[Any, ...], ...]
    plus: tuple[tuple[Any, ...], ...]
    atol: float
    rules: Rules

    @functools.cached_property
    def texts(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The arguments of each call as text: of the base, of the plus."""
        return self._texts(self.base), self._texts(self.plus)

    def _texts(self, inputs: Sequence[Sequence[Any]]) -> tuple[str, ...]:
        texts = []
        for arguments in inputs:
            each = [value_of(argument, _LONGEST).text for argument in arguments]
            if None in each:
                raise EvaluationError(f"{self.id} has an argument that is no plain data")
            texts.append(", ".join(text for text in each if text is not None))
        return tuple(texts)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the reference gives for the inputs of one kind, and the time for one call; `why` where it gave nothing."""

    values: tuple[Any, ...] = ()
    seconds: float = LEAST_TIME
    why: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a program is by one kind of inputs: official, strict (None: we failed), and why not."""

    official: bool | None
    strict: bool | None
    why: str = ""


_expected: "weakref.WeakKeyDictionary[Problem, tuple[Expected, Expected]]" = weakref.WeakKeyDictionary()
_verdicts: "weakref.WeakKeyDictionary[Problem, dict[str, tuple[Verdict, Verdict]]]" = weakref.WeakKeyDictionary()


class EvalPlus(Benchmark):
    """A data set in EvalPlus's form."""

    template = CODE
    constants = ("None", "True", "False", "0", "[]", "''")
    rules = Rules()

    def items(self, source: Source) -> list[Item]:
        """The rows of the release's file; base and plus inputs are what its JSON holds."""
        rows = load_rows(source, self.about.name, self.about.origin, self.about.hub, FIELDS)
        return [self._item(row) for row in rows]

    def _item(self, row: Row) -> Item:
        base, plus = (
            tuple(map(tuple, self.rules.inputs(row["task_id"], row[name] or []))) for name in ("base_input", "plus_input")
        )
        reference = row["prompt"] + row["canonical_solution"]
        problem = Problem(
            str(row["task_id"]), row["prompt"], row["entry_point"], reference, base, plus, float(row["atol"]), self.rules
        )
        told = f"{len(base)} base and {len(plus)} plus inputs"
        fields = {"task": _task(row["prompt"], row["entry_point"]), "prompt": row["prompt"], "entry_point": row["entry_point"]}
        return Item(problem.id, ("plus",), (reference,), row["prompt"], told, fields, facts_of(reference), problem)

    def extract(self, item: Item, completion: str, style: str) -> Answer:
        """The program. A bare text that does not define the function is what follows the prompt."""
        problem: Problem = item.held
        answer = code_answer(completion, style, problem.entry_point)
        if style == BARE and answer.official is not None and f"def {problem.entry_point}(" not in answer.official:
            whole = problem.prompt + answer.official
            return Answer(whole, whole)
        return answer

    def gold(self, item: Item) -> str:
        """The reference."""
        return item.expected[0]

    def constant(self, item: Item, text: str) -> str:
        """A function that returns the same always."""
        return constant_function(item.held.entry_point, text)

    def complete(self, item: Item, answer: str, style: str) -> str:
        """The program as a block."""
        return code_completion(answer, style)

    def judge(self, answers: Sequence[tuple[Item, Answer]], workers: int) -> list[tuple[Mark, ...]]:
        """One mark each: right on base and plus. Equal programs run once."""
        found = judged([(item.held, answer.official) for item, answer in answers], workers)
        return [(_mark(answer, verdicts),) for (_, answer), verdicts in zip(answers, found, strict=True)]

    def more(self, records: Sequence[Record]) -> dict[str, Any]:
        """The figures of the base inputs alone."""
        pairs = [(record.item.held, answer.official) for record in records for answer in record.answers]
        verdicts = iter(judged(pairs, 1))  # known by now
        rows = [[next(verdicts) for _ in record.answers] for record in records]
        return {"base": {name: _base(rows, name) for name in ("official", "strict")}}


def _base(rows: Sequence[Sequence[tuple[Verdict, Verdict] | None]], name: str) -> dict[str, float]:
    told = [[False if each is None else getattr(each[0], name) for each in row] for row in rows]
    known = [[verdict for verdict in row if verdict is not None] for row in told]
    counted = [row for row in known if row]
    least = min(map(len, counted), default=0)
    figures = {k: [pass_at_k(len(row), sum(row), k) for row in counted] for k in (1, 5, 10) if k <= least}
    return {f"pass_at_{k}": round(100 * math.fsum(each) / len(each), 4) for k, each in figures.items()}


def _task(prompt: str, entry_point: str) -> str:
    return f"Write a Python program that does what is asked. Its function must be called {entry_point}.\n\n{prompt.strip()}"


def _mark(answer: Answer, verdicts: tuple[Verdict, Verdict] | None) -> Mark:
    if verdicts is None:
        return Mark(False, False, answer.why or "there is no program")
    base, plus = verdicts
    both = [_both(one, other) for one, other in ((base.official, plus.official), (base.strict, plus.strict))]
    why = f"base: {base.why}" if base.why else f"plus: {plus.why}" if plus.why else ""
    return Mark(both[0], both[1], why)


def _both(one: bool | None, other: bool | None) -> bool | None:
    return False if one is False or other is False else None if one is None or other is None else True


# ------------------------------------------------------------------------------------------------------- running programs


def judged(pairs: Sequence[tuple[Problem, str | None]], workers: int) -> list[tuple[Verdict, Verdict] | None]:
    """The verdicts of programs by base and by plus inputs; None where there is no program."""
    wanted = list(dict.fromkeys((problem, source) for problem, source in pairs if source is not None))
    wanted = [(problem, source) for problem, source in wanted if source not in _verdicts.get(problem, {})]
    know_expected([problem for problem, _ in wanted], workers)
    groups: dict[tuple[float, tuple[str, ...]], list[tuple[Problem, str, int]]] = {}
    found: dict[tuple[Problem, str, int], Verdict] = {}
    for problem, source in wanted:
        for kind, expected in enumerate(_expected[problem]):
            job = (problem, source, kind)
            if expected.why:
                found[job] = Verdict(None, None, f"the reference solution gives no results: {expected.why}")
            elif not expected.values:
                found[job] = Verdict(True, True)
            elif (fault := _why_no_python(source)) is not None:
                found[job] = Verdict(False, False, fault)
            else:
                groups.setdefault((math.ceil(expected.seconds * 2) / 2, _imports(source)), []).append(job)
    for (seconds, imports), jobs in groups.items():
        limits = Limits(timeout=seconds, memory=_MEMORY)
        for most in (_FIRST_FEW, None):  # most wrong programs fall at the first few inputs
            jobs = [job for job in jobs if job not in found]
            candidates = (_candidate(*job, most) for job in jobs)
            results = run_candidates(candidates, limits=limits, workers=workers, imports=imports, stop_early=True)
            for job, its in zip(jobs, results, strict=True):
                verdict = _verdict(job[0], job[2], its)
                if most is None or len(its) == len(job[0].texts[job[2]]) or verdict.official is verdict.strict is False:
                    found[job] = verdict
    for problem, source in wanted:
        both = found[problem, source, 0], found[problem, source, 1]
        if all(verdict.official is not None for verdict in both):  # what we failed to judge is tried again
            _verdicts.setdefault(problem, {})[source] = both
    told: list[tuple[Verdict, Verdict] | None] = []
    for problem, text in pairs:
        if text is None:
            told.append(None)
        else:
            known = _verdicts.get(problem, {}).get(text)
            told.append(known or (found[problem, text, 0], found[problem, text, 1]))
    return told


def know_expected(problems: Sequence[Problem], workers: int) -> None:
    """Runs the reference solutions of problems that have not been run."""
    unknown = [problem for problem in dict.fromkeys(problems) if problem not in _expected]
    candidates = (_candidate(problem, problem.reference, kind) for problem in unknown for kind in (0, 1))
    limits = Limits(timeout=_REFERENCE_TIME, memory=_MEMORY)
    results = run_candidates(candidates, limits=limits, workers=workers, stop_early=True)
    for problem in unknown:
        _expected[problem] = (_known(problem, next(results)), _known(problem, next(results)))


def _known(problem: Problem, results: tuple[Result, ...]) -> Expected:
    values, slowest = [], 0.0
    for result in results:
        given = _given(result)
        if given is None:
            return Expected(why=f"{result.outcome} {result.detail}".rstrip())
        values.append(given[0])
        slowest = max(slowest, given[1])
    return Expected(tuple(values), max(LEAST_TIME, TIME_FACTOR * slowest))


def _candidate(problem: Problem, source: str, kind: int, most: int | None = None) -> Candidate:
    return Candidate(_CALLED.format(text=source, name=problem.entry_point), problem.texts[kind][:most], "call")


def _given(result: Result) -> tuple[Any, float] | None:
    """The value that a call gave and how long it took, by its own account; None where it gave none."""
    if result.outcome != Outcome.RETURNED or result.value is None or result.value.text is None:
        return None
    try:
        match parse_literal(result.value.text, _LONGEST):
            case [given, float(seconds)]:
                return given, seconds
    except LiteralError:
        pass
    return None


def _why_no_python(source: str) -> str | None:
    try:
        parse_without_warnings(source, "exec")
    except (SyntaxError, ValueError) as error:
        return f"the program is not Python: {error}"
    except (MemoryError, RecursionError):
        pass
    return None


def _imports(source: str) -> tuple[str, ...]:
    """numpy, where it is installed and the program speaks of it."""
    return ("numpy",) if "numpy" in source and importlib.util.find_spec("numpy") is not None else ()


# ------------------------------------------------------------------------------------------------------------ comparison


def _verdict(problem: Problem, kind: int, results: Sequence[Result]) -> Verdict:
    inputs = (problem.base, problem.plus)[kind]
    texts, expected = problem.texts[kind], _expected[problem][kind].values
    official: bool | None = True
    strict: bool | None = True
    why, atol = "", problem.atol
    for arguments, text, result, known in zip(inputs, texts, results, expected, strict=False):  # results may be of the first few
        given = _given(result)
        if given is None:
            verdict = None if result.outcome == Outcome.FAILED else False
            told = result.detail or (f"it gives {result.value}" if result.value is not None else str(result.outcome))
            return Verdict(official and verdict, strict and verdict, why or f"{_call(problem, text)}: {told}")
        if official:
            right, atol = same_officially(problem, arguments, given[0], known, atol)
            official = right
        strict = strict and same_strictly(problem, arguments, given[0], known)
        if not (official and strict) and not why:
            why = f"{_call(problem, text)} gives {_shown(given[0])}, not {_shown(known)}"
        if not official and not strict:
            break
    return Verdict(official, strict, why)


def _call(problem: Problem, text: str) -> str:
    return f"{problem.entry_point}({shorten(text, 80)})"


def _shown(value: Any) -> str:
    return shorten(repr(value))


def same_officially(problem: Problem, arguments: tuple[Any, ...], given: Any, known: Any, atol: float) -> tuple[bool, float]:
    """Whether a result is right by the authors' rule, and the tolerance from here on.

    Args:
        problem: whose result it is.
        arguments: what was given.
        given: the result, as it crossed.
        known: the reference's, as it crossed.
        atol: the tolerance so far.
    """
    rules, name = problem.rules, problem.entry_point
    out, exp = bare(given), bare(known)
    try:
        exact = bool(out == exp)
        if name in rules.not_none:
            there = exp is not None
            exact = out == there if isinstance(out, bool) else there == (out is not None)
            exp = there
        elif name in rules.as_sets:
            exact = set(out) == set(exp)
        elif name in rules.also:
            exact = exact or rules.also[name](arguments, out, exp, atol)
        elif name in rules.instead:
            return rules.instead[name](arguments, out, exp, atol), atol
        if atol == 0 and _is_floats(known):
            atol = _FLOATS
        return exact or (atol != 0 and _alike(given, known) and all_close(out, exp, atol)), atol
    except (TypeError, ValueError, OverflowError, ArithmeticError):
        return False, atol


def same_strictly(problem: Problem, arguments: tuple[Any, ...], given: Any, known: Any) -> bool:
    """Whether a result has the type and content of the reference's."""
    rules, name = problem.rules, problem.entry_point
    if name in rules.instead:
        return type(given) is type(known) and same_officially(problem, arguments, given, known, problem.atol)[0]
    ours, theirs = equality_key(given, _LONGEST), equality_key(known, _LONGEST)
    if name in rules.as_sets and type(given) is type(known) and isinstance(given, list | tuple | set):
        keys = [sorted(str(equality_key(part, _LONGEST)) for part in side) for side in (given, known)]
        return keys[0] == keys[1]
    return ours is not None and ours == theirs


def bare(value: Any) -> Any:
    """A result without the names of subclasses, as `==` sees it."""
    match value:
        case ("<like>", str(), inner):
            return bare(inner)
        case ("<int>", str(digits)):
            return int(digits, 16)
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(bare(part) for part in value)
    if type(value) is dict:
        return {bare(key): bare(part) for key, part in value.items()}
    return value


def _is_floats(value: Any) -> bool:
    if isinstance(value, list | tuple) and value and not _is_marked(value):
        return all(_is_float(part) for part in value)
    return _is_float(value)


def _is_float(value: Any) -> bool:
    return isinstance(bare(value), float)


def _is_marked(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) > 1 and isinstance(value[0], str) and value[0].startswith("<")


def _alike(given: Any, known: Any) -> bool:
    """Whether two results have the same type, and the same length where they are sequences."""
    if _is_marked(given) or _is_marked(known):
        if not (_is_marked(given) and _is_marked(known) and given[:2] == known[:2]):
            return False
        given, known = bare(given), bare(known)
    if type(given) is not type(known):
        return False
    return not isinstance(known, list | tuple) or len(given) == len(known)


def all_close(given: Any, known: Any, atol: float) -> bool:
    """numpy's `allclose` for numbers and nested sequences of them, with a relative tolerance of 1e-7.

    Raises:
        TypeError: there are other things than numbers in them.
        ValueError: they are ragged, or their shapes do not go together.
    """
    ours, theirs = _shape(given), _shape(known)
    rank = max(len(ours), len(theirs))
    left, right = ((1,) * (rank - len(shape)) + shape for shape in (ours, theirs))
    if any(a != b and 1 not in (a, b) for a, b in zip(left, right, strict=True)):
        raise ValueError("shapes that do not go together")
    return all(_near(a, b, atol) for a, b in _paired(given, known, len(ours), len(theirs)))


def _shape(value: Any, inside: bool = False) -> tuple[int, ...]:
    """The shape of an array; numpy takes a large integer by itself, and none in an array."""
    if not isinstance(value, list | tuple | range):
        large = inside and isinstance(value, int) and not -(2**63) <= value < 2**64
        if large or not isinstance(value, int | float | complex):
            raise TypeError("no number that numpy has")
        return ()
    shapes = {_shape(part, True) for part in value}
    if len(shapes) > 1:
        raise ValueError("ragged")
    return (len(value), *(shapes.pop() if shapes else ()))


def _paired(one: Any, other: Any, depth: int, below: int) -> Iterator[tuple[Any, Any]]:
    if depth == below == 0:
        yield one, other
    elif depth > below:
        for part in one:
            yield from _paired(part, other, depth - 1, below)
    elif below > depth:
        for part in other:
            yield from _paired(one, part, depth, below - 1)
    else:
        length = 0 if 0 in (len(one), len(other)) else max(len(one), len(other))
        for at in range(length):
            yield from _paired(one[at if len(one) > 1 else 0], other[at if len(other) > 1 else 0], depth - 1, below - 1)


def _near(given: complex, known: complex, atol: float) -> bool:
    if given == known:
        return True
    finite = all(map(math.isfinite, (known.real, known.imag)))
    return finite and abs(given - known) <= atol + _RELATIVE * abs(known)


def as_tuples(value: Any, depth: int | None = None) -> Any:
    """A value whose lists are tuples, from the outside in, so many levels deep; None: all."""
    if not isinstance(value, list) or depth == 0:
        return value
    return tuple(as_tuples(part, None if depth is None else depth - 1) for part in value)
