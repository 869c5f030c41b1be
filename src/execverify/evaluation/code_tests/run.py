"""Programs and references, run on a problem's inputs in the sandbox; equal programs once."""

import importlib.util
import math
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from execverify.errors import LiteralError
from execverify.evaluation.code_tests.compare import same_officially, same_strictly
from execverify.evaluation.code_tests.problem import LONGEST, Problem
from execverify.programs.literals import parse_literal, parse_without_warnings
from execverify.programs.program import truncate
from execverify.sandbox.candidates import Candidate, run_candidates
from execverify.sandbox.result import Limits, Outcome, Result

LEAST_TIME, TIME_FACTOR = 1.0, 4.0

_MEMORY = 4 * 1024**3
_REFERENCE_TIME = 300.0
_FIRST_PASS_INPUTS = 6

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


def grade(pairs: Sequence[tuple[Problem, str | None]], workers: int) -> list[tuple[Verdict, Verdict] | None]:
    """The verdicts of programs by base and by plus inputs; None where there is no program."""
    wanted = list(dict.fromkeys((problem, source) for problem, source in pairs if source is not None))
    wanted = [(problem, source) for problem, source in wanted if source not in _verdicts.get(problem, {})]
    compute_expected([problem for problem, _ in wanted], workers)
    groups: dict[tuple[float, tuple[str, ...]], list[tuple[Problem, str, int]]] = {}
    found: dict[tuple[Problem, str, int], Verdict] = {}
    for problem, source in wanted:
        for kind, expected in enumerate(_expected[problem]):
            job = (problem, source, kind)
            if expected.why:
                found[job] = Verdict(None, None, f"the reference solution gives no results: {expected.why}")
            elif not expected.values:
                found[job] = Verdict(True, True)
            elif (error := _why_no_python(source)) is not None:
                found[job] = Verdict(False, False, error)
            else:
                groups.setdefault((math.ceil(expected.seconds * 2) / 2, _imports(source)), []).append(job)
    for (seconds, imports), jobs in groups.items():
        limits = Limits(timeout=seconds, memory=_MEMORY)
        for most in (_FIRST_PASS_INPUTS, None):  # most wrong programs fall at the first few inputs
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
    graded: list[tuple[Verdict, Verdict] | None] = []
    for problem, text in pairs:
        if text is None:
            graded.append(None)
        else:
            known = _verdicts.get(problem, {}).get(text)
            graded.append(known or (found[problem, text, 0], found[problem, text, 1]))
    return graded


def compute_expected(problems: Sequence[Problem], workers: int) -> None:
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
        match parse_literal(result.value.text, LONGEST):
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


def _verdict(problem: Problem, kind: int, results: Sequence[Result]) -> Verdict:
    inputs = (problem.base, problem.plus)[kind]
    texts, expected = problem.texts[kind], _expected[problem][kind].values
    official: bool | None = True
    strict: bool | None = True
    why, atol = "", problem.atol
    for arguments, text, result, known in zip(inputs, texts, results, expected, strict=False):  # results may be of the first few
        given = _given(result)
        if given is None:
            verdict = None if result.outcome == Outcome.SANDBOX_ERROR else False
            outcome = result.detail or (f"it gives {result.value}" if result.value is not None else str(result.outcome))
            return Verdict(official and verdict, strict and verdict, why or f"{_call(problem, text)}: {outcome}")
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
    return f"{problem.entry_point}({truncate(text, 80)})"


def _shown(value: Any) -> str:
    return truncate(repr(value))
