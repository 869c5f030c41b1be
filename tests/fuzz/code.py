"""Code answers for the fuzzer: completions in every wrapping and with every damage, and what a candidate's process may say.

Most candidates are not run: their replies are made up, and go through what reads the replies of real ones (`parse_result`). So
the judge meets replies that no honest process gives. Some run in the sandbox, for real.
"""

import json
import random
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from unittest import mock

from execverify.programs.values import to_value
from execverify.rewards import Score, UnitTestConfig, Verdict, parse_tests, unit_test_scores
from execverify.rewards.code import grade
from execverify.rewards.code.extract import extract_code
from execverify.rewards.code.unit_tests import UnitTestFormat, UnitTests
from execverify.sandbox.result import Limits, Outcome, Result
from execverify.sandbox.sessions import ALLOWED_MESSAGES, INVALID_REPLY, parse_result
from tests.fuzz.completions import damaged_text, noise, random_literal


@dataclass(frozen=True)
class Problem:
    """Tests, a solution, and what it gives for each test: a value, or what it prints."""

    truth: dict[str, Any]
    gold: str
    gives: tuple[Any, ...]
    tolerance: float = 0.0


def _row(answers: list[str]) -> dict[str, Any]:
    test = {"kind": "unit_test", "line": 0, "visit": 0, "variable": None}
    questions = [{**test, "text": str(number), "answers": [answer]} for number, answer in enumerate(answers)]
    return {"program": {"source": "def f(n):\n    return n", "entry_point": "f"}, "questions": questions}


_LITERALS: list[Any] = [{1: (2.5, "é")}, {3, frozenset({1})}, [None, True, -0.0, b"x"], range(3), 10**30]
PROBLEMS = (
    Problem(
        {"inputs": [[1], [2]], "outputs": [{"1": [1.5, "a", None]}, {"2": []}], "fn_name": "f"},
        "def f(n):\n    return {n: [1.5, 'a', None] if n == 1 else []}\n",
        ({1: [1.5, "a", None]}, {2: ()}),
    ),
    Problem(
        {"inputs": [[[1, 2]], [[]]], "outputs": [0.1, [[1]]], "fn_name": "g"},
        "class Solution:\n    def g(self, a: List[int]):\n        return 0.1 if a else [[1]]\n",
        (0.1, [[1]]),
        1e-6,
    ),
    Problem(
        _row([to_value(value).text or "" for value in _LITERALS]),
        "def f(n):\n    x = [{1: (2.5, 'é')}, {3, frozenset({1})}, [None, True, -0.0, b'x'], range(3), 10 ** 30]\n    return x[n]\n",
        tuple(_LITERALS),
    ),
    Problem(
        {"inputs": ["1\n", "2\n"], "outputs": ["1\nYes", "2"]},
        "n = input()\nprint(n)\nif n == '1':\n    print('Yes')\n",
        ("1\nYes\n", "2 \n\n"),
    ),
    Problem(
        {"inputs": ["1"], "outputs": ["0.5 " + "1" * 5_000 + "\n-3"]},
        "print(0.5, '1' * 5000)\nprint(-3)\n",
        ("0.5000001 " + "1" * 5_000 + ".0\n-3\n",),
        1e-6,
    ),
    Problem({"asserts": ["assert h(1) == 2", "assert h(0) == 1"]}, "def h(n):\n    return n + 1\n", (None, None)),
)

# ------------------------------------------------------------------------------------------------------- the completions

_TAGS = (
    *("python", "Python", "py", "python3", "python3.11", "Python 3.11", "{.python}", "{python}", "python:f.py", "python,linenos"),
    "",
)
_PROSE = ("", "Here it is.\n", "So `f` gives x; see below:\n\n", "1. First\n2. Then ~5 steps\n", "\ud800\x00 \u200b\n")

_AFTER = ("", "This adds.", "</answer>", "Output:\n```\n3\n```")


def wrapped(rng: random.Random, source: str) -> str:
    """A completion that gives a program, in one of the ways that are read."""
    tag, marks, indent = rng.choice(_TAGS), rng.choice(("```", "````", "~~~")), rng.choice(("", "", "  ", "\t"))
    odd = rng.choice(("", "", "", "\u200b", "\xa0"))
    lines = "\n".join(indent + line for line in source.rstrip("\n").split("\n"))
    block = f"{odd}{indent}{marks}{tag}{odd}\n{lines}\n{indent}{marks}{odd}\n"
    after = rng.choice(("", "It adds.\n", "```text\n3\n```\n"))
    if tag:
        after += rng.choice(("", "Output:\n```\n3\n```\n"))
    form = rng.randrange(6)
    if form == 0:
        return f"{rng.choice(_PROSE)}<answer>\n{block}{after}</answer>{rng.choice(('', ' done', '<|im_end|>'))}"
    if form == 1:
        return f"<think>```python\n1\n```{rng.choice(_PROSE)}</think>{block}{after}"
    if form == 2:
        return f"{rng.choice(_PROSE)}Answer: ```{tag or 'python'}\n{source}```\n{after}"
    if form == 3:
        return f"{source}```\n{rng.choice(_AFTER)}"
    if form == 4:
        return f"{rng.choice(_PROSE)}{odd}{indent}```python\n{lines}\n{rng.choice(('', '<|im_end|>', '</s>'))}"
    return f"{rng.choice(_PROSE)}{block}{after}"


_KILLERS = (
    *("f'" + "{a}" * 30_000 + "'", "a" + "\u0316\u0300" * 40_000, "if 1:\n x=1\n" + "elif 1:\n x=1\n" * 990),
    *("```\n" * 90_000, "~~~\n```python\n" * 20_000, "x\n" * 45_000, "```python " * 40_000, "`" * 300_000, " " * 300_000),
    *("(" * 90_000, "'" * 90_000, "\\" * 90_000, "\n" * 300_000, "f'{" * 30_000, "0x" + "f" * 90_000, "{" * 90_000, "9" * 90_000),
)


def completion(rng: random.Random, problem: Problem) -> tuple[str, bool]:
    """A completion, and whether it gives the solution."""
    sort = rng.random()
    if sort < 0.3:
        return wrapped(rng, problem.gold), True
    if sort < 0.6:
        return damaged_text(rng, wrapped(rng, problem.gold)), False
    if sort < 0.8:
        return wrapped(rng, damaged_text(rng, problem.gold)), False
    if sort < 0.99:
        return wrapped(rng, noise(rng)) if rng.random() < 0.5 else noise(rng), False
    text = rng.choice(_KILLERS)
    return (wrapped(rng, text) if rng.random() < 0.7 else problem.gold + text + problem.gold), False


# ------------------------------------------------------------------------------------------------------------ the replies

_VALUES = (
    *(
        "range(1180591620717411303424, 0)",
        "range(0, -9223372036854775808)",
        "{0x" + "f" * 50_000 + ": 1}",
        "{0x1: 1, 1: 2}",
        "nan",
    ),
    *("f'" + "{a}" * 30_000 + "'", "[" * 90 + "]" * 90, "'\ud800'", "[" + "1," * 40_000 + "]", "{'1': [1.5, 'a', None]}", ""),
)


def reply(rng: random.Random, gives: Any, form: UnitTestFormat) -> list[str | None]:
    """What a process may say of one test: the seven fields of a result, honest or not."""
    value = to_value(gives, 100_000)
    stdout = gives if form == UnitTestFormat.STDIN else ""
    if rng.random() < 0.4:
        return ["returned", value.type, value.text, value.opaque_reason, "", None, stdout]
    outcome = rng.choice(
        ("returned", "returned", "returned", "raised", "out_of_memory", "too_much_output", "forbidden", "sandbox_error", "x")
    )
    text = rng.choice((value.text, rng.choice(_VALUES), random_literal(rng), damaged_text(rng, value.text or "x"), None))
    kind = rng.choice((value.type, "range", "dict", "int", "list", noise(rng)))
    detail, error = (
        rng.choice(("", noise(rng), "\udc80", "x" * 2_000)),
        rng.choice((None, "ValueError", "AssertionError", noise(rng))),
    )
    printed = rng.choice((stdout, noise(rng), damaged_text(rng, stdout or "1"), "1" * 5_000 + ".0", "1e9999 0.5", "\ud800"))
    fields: list[str | None] = [
        outcome,
        kind,
        text,
        rng.choice((None, "object")) if text is None else None,
        detail,
        error,
        printed,
    ]
    return fields[: rng.choice((7, 7, 7, 7, 7, 7, 6))]


def results(rng: random.Random, problem: Problem, form: UnitTestFormat, honest: bool) -> tuple[Result, ...]:
    """The results that are made of replies."""
    found = []
    for gives in problem.gives:
        said = (
            ["returned", *_fields(gives), "", None, gives if form == UnitTestFormat.STDIN else ""]
            if honest
            else reply(rng, gives, form)
        )
        try:
            found.append(parse_result(said, ALLOWED_MESSAGES["call", "working"]["result"], max_output=10_000_000))
        except ValueError:
            found.append(Result(Outcome.CRASHED, detail=INVALID_REPLY))
    return tuple(found)


def _fields(gives: Any) -> tuple[str, str | None, str | None]:
    value = to_value(gives, 100_000)
    return value.type, value.text, value.opaque_reason


@contextmanager
def forged(made: tuple[Result, ...]) -> Iterator[None]:
    """The sandbox replaced by results."""
    with mock.patch.multiple(grade, run_candidates=lambda *_, **__: iter([made]), run_asserts=lambda *_, **__: iter([made])):
        yield


# ------------------------------------------------------------------------------------------------------------- the verdict

_REAL = 400  # of so many cases, one runs in the sandbox
QUICK = Limits(timeout=1.0)
_read = {id(problem): parse_tests(json.dumps(problem.truth)) for problem in PROBLEMS}


def judged(rng: random.Random) -> tuple[Score, str | None, str, float]:
    """One case: its score, what is wrong with it, its completion, and the processor seconds that judging took here."""
    problem = rng.choice(PROBLEMS)
    tests = _read[id(problem)]
    text, gold = completion(rng, problem)
    rule = UnitTestConfig(float_tolerance=problem.tolerance, binary=rng.random() < 0.1, strict=False)
    if rng.randrange(_REAL) == 0:
        score = unit_test_scores([(problem.truth, text)], rule=rule, limits=QUICK)[0]
        return score, _real_fault(score, gold), text, 0.0
    honest = rng.random() < 0.3
    made = results(rng, problem, tests.format, honest)
    begun = time.process_time()
    with forged(made):
        score = unit_test_scores([(problem.truth, text)], rule=rule)[0]
    seconds = time.process_time() - begun
    return score, _fault(score, problem, tests, made, gold, gold and honest, text), text, seconds


def _real_fault(score: Score, gold: bool) -> str | None:
    if score.reward is None:
        return "is called our failure"
    return "is not paid" if gold and score.reward < 1.0 else None


def _fault(
    score: Score, problem: Problem, tests: UnitTests, made: tuple[Result, ...], gold: bool, right: bool, text: str
) -> str | None:
    if score.reward is None or not 0 <= score.reward <= 1.05:
        return f"earns {score.reward}"
    if any(part.verdict == Verdict.UNREADABLE for part in score.parts):
        return next(part.why for part in score.parts if part.verdict == Verdict.UNREADABLE)
    if gold and (extract_code(text, tests.entry_point).source or "").strip() != problem.gold.strip():
        return f"is read as {extract_code(text, tests.entry_point)}"
    if right and score.reward < 1.0:
        return f"earns {score.reward} although it is right"
    for test, result, part in zip(tests.tests, made, score.parts[1:], strict=True):
        if part.right and not _may_be_right(problem, tests, test.expected, result):
            return f"is paid for {result}"
    return None


def _may_be_right(problem: Problem, tests: UnitTests, expected: tuple[str, ...], result: Result) -> bool:
    """Whether a result can be right, by the fuzzer's own judge."""
    from tests.fuzz.answers import alike, evaluated, parsed

    if result.outcome != Outcome.RETURNED:
        return False
    if tests.format == UnitTestFormat.STDIN:
        return _same_tokens(result.stdout, expected[0], problem.tolerance)
    if tests.format == UnitTestFormat.ASSERT:
        return True
    given = evaluated(parsed(((result.value and result.value.text) or "").strip(), "eval").body)
    wanted = [evaluated(parsed(text, "eval").body) for text in expected]
    if problem.tolerance and isinstance(given, float):
        return any(isinstance(value, float) and abs(value - given) <= problem.tolerance for value in wanted)
    return any(alike(given, value) or (tests.from_json and alike(_as_json(given), value)) for value in wanted)


def _as_json(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_as_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key) if type(key) is int else key: _as_json(item) for key, item in value.items()}
    return value


def _same_tokens(given: str, expected: str, tolerance: float) -> bool:
    ours, theirs = ([line.split() for line in text.rstrip(" \t\r\n").split("\n")] for text in (given, expected))
    if not tolerance:
        return ours == theirs
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        return len(ours) == len(theirs) and all(
            len(a) == len(b) and all(x == y or _close(x, y, tolerance) for x, y in zip(a, b, strict=True))
            for a, b in zip(ours, theirs, strict=True)
        )
    finally:
        sys.set_int_max_str_digits(limit)


def _close(given: str, expected: str, tolerance: float) -> bool:
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", given):
        return False
    off = abs(Fraction(given) - Fraction(expected))
    return off == 0 if re.fullmatch(r"[+-]?\d+", expected) else off <= Fraction(tolerance) * (1 + 2 * abs(Fraction(expected)))
