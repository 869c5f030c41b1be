"""LiveCodeBench's code generation (Jain et al. 2024, arXiv 2403.07974): contest problems, by stdin or by a function's calls."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from execverify.errors import EvaluationError, LiteralError, RowError
from execverify.evaluation.answers import Answer
from execverify.evaluation.benchmark import Benchmark, BenchmarkInfo, Grade, Item
from execverify.evaluation.code_answers import CODE, code_answer, code_completion
from execverify.evaluation.data import Row, Source, load_rows
from execverify.programs.literals import parse_literal
from execverify.programs.program import truncate
from execverify.programs.values import to_value
from execverify.rewards.code.extract import extract_code
from execverify.rewards.code.record_formats.livecodebench import cases_of
from execverify.rewards.compare import same_json, same_output
from execverify.sandbox.candidates import Candidate, run_candidates
from execverify.sandbox.result import Limits, Outcome, Result
from execverify.utils.messages import count_phrase

ORIGIN = "livecodebench/code_generation_lite on the hub (test*.jsonl)"
FIELDS = ("question_content", "question_id", "starter_code", "public_test_cases", "private_test_cases")
LIMITS = Limits(timeout=6.0, memory=4 * 1024**3, output=20_000_000)
STDIN, CALL = "stdin", "functional"

_MODULES = (
    "string", "re", "datetime", "collections", "heapq", "bisect", "copy", "math", "random", "statistics", "itertools", "functools",
    "operator", "io", "sys", "json",
)  # fmt: skip
PRELUDE = "\n".join(
    [
        *(f"from {name} import *" for name in (*_MODULES, "builtins", "typing")),
        f"import {', '.join(_MODULES)}",
        "sys.setrecursionlimit(50_000)",
    ]
)
"""What the authors put before every program: all names of these modules, and room for deep recursion."""

_LONGEST = 100_000
_LONGEST_INPUT = 4_000_000


@dataclass(frozen=True, eq=False)
class Problem:
    """One problem: its tests as (given, expected), and the function that is called; None for a program that reads stdin."""

    tests: tuple[tuple[str, str], ...]
    function: str | None
    gold: str


class LiveCodeBench(Benchmark):
    """Problems of contests after a date: each with the public and the private tests of its release."""

    about = BenchmarkInfo(
        "livecodebench",
        "a program, or a function, for a contest problem",
        "as many as the release has (1,055 in release_v6)",
        "as its card on the hub says; none of it is shipped",
        ORIGIN,
        "LiveCodeBench's: every public and private test within 6 s each; printed lines equal without blanks at their ends, or as "
        "decimal numbers; results by ==, a tuple as good as a list",
        "printed lines equal as texts but for blanks at line ends; results by type and content of the JSON",
        ("livecodebench/code_generation_lite", "test"),
    )
    template = CODE

    def items(self, source: Source) -> list[Item]:
        """The rows, with private tests plain or packed as the release packs them."""
        rows = load_rows(source, self.about.name, ORIGIN, self.about.hub, FIELDS)
        return [self._item(row) for row in rows]

    def _item(self, row: Row) -> Item:
        name = str(row["question_id"])
        tests = _tests(row["public_test_cases"], name) + _tests(row["private_test_cases"], name)
        kinds = {str(test.get("testtype", STDIN)) for test in tests}
        if len(kinds) != 1 or not kinds <= {STDIN, CALL}:
            raise EvaluationError(f"livecodebench, {name}: its tests must all be of one kind, {STDIN} or {CALL}")
        function = _function(row, name) if kinds == {CALL} else None
        pairs = tuple((str(test["input"]), str(test["output"])) for test in tests)
        if function is not None:
            pairs = tuple((_arguments(given, name), expected) for given, expected in pairs)
        problem = Problem(pairs, function, str(row.get("solution") or _gold(pairs, function)))
        starter = str(row["starter_code"] or "").strip("\n")
        how = (
            f"Begin with this code, and complete it:\n\n{starter}"
            if starter
            else "The program reads standard input and prints the answer."
        )
        fields = {
            "task": f"Write a Python program that solves this problem.\n\n{row['question_content']}\n\n{how}",
            "starter": starter,
        }
        slices = {key: str(row[key]) for key in ("difficulty", "platform") if row.get(key)}
        expected = f"{count_phrase(len(pairs), 'test')} by {'calls of ' + function if function else 'stdin'}"
        return Item(name, ("code",), ("every test passes",), str(row["question_content"]), expected, fields, slices, problem)

    def extract(self, item: Item, completion: str, style: str) -> Answer:
        """The program."""
        return code_answer(completion, style, item.reference.function)

    def gold(self, item: Item) -> str:
        """The row's own solution where it has one; else a program that knows the tests."""
        return str(item.reference.gold)

    def complete(self, item: Item, answer: str, style: str) -> str:
        """The program as a block."""
        return code_completion(answer, style)

    def judge(self, answers: Sequence[tuple[Item, Answer]], workers: int) -> list[tuple[Grade, ...]]:
        """One mark each. Equal programs run once."""
        wanted = list(dict.fromkeys((item.reference, answer.official) for item, answer in answers if answer.official is not None))
        candidates = (_candidate(problem, text) for problem, text in wanted)
        results = run_candidates(candidates, limits=LIMITS, workers=workers, stop_early=True, imports=_MODULES)
        marks = {(problem, text): _mark(problem, its) for (problem, text), its in zip(wanted, results, strict=True)}
        return [
            (Grade(False, False, answer.why) if answer.official is None else marks[item.reference, answer.official],)
            for item, answer in answers
        ]


def _tests(packed: Any, name: str) -> list[dict[str, Any]]:
    """Tests as they are, from JSON, or packed as the release packs them."""
    try:
        found = cases_of(packed, "tests")
    except RowError as error:
        raise EvaluationError(f"livecodebench, {name}: its tests cannot be read: {error}") from None
    if all(isinstance(test, dict) and {"input", "output"} <= test.keys() for test in found):
        return found
    raise EvaluationError(f"livecodebench, {name}: its tests are no list of inputs and outputs")


def _function(row: Row, name: str) -> str:
    given = row.get("metadata") or {}
    try:
        found = (json.loads(given) if isinstance(given, str) else given).get("func_name")
    except (ValueError, AttributeError):
        found = None
    if not isinstance(found, str) or not found.isidentifier():
        raise EvaluationError(f"livecodebench, {name}: its metadata name no function (func_name)")
    return found


def _arguments(text: str, name: str) -> str:
    """A call's arguments, one JSON value a line, as literal text."""
    try:
        values = [to_value(json.loads(line), _LONGEST_INPUT).text for line in text.split("\n") if line.strip()]
    except ValueError as error:
        raise EvaluationError(f"livecodebench, {name}: an input is not JSON, one argument a line: {error}") from None
    return ", ".join(str(value) for value in values)


def _gold(pairs: Sequence[tuple[str, str]], function: str | None) -> str:
    if function is None:
        return f"import sys\nprint({dict(pairs)!r}[sys.stdin.read()])\n"
    known = ((f"({given}{',' if given else ''})", to_value(json.loads(expected), _LONGEST).text) for given, expected in pairs)
    table = ", ".join(f"({given}, {result})" for given, result in known)
    method = (
        f"    def {function}(self, *given):\n        return next(out for known, out in [{table}] if repr(known) == repr(given))"
    )
    return f"class Solution:\n{method}\n"


def _candidate(problem: Problem, text: str) -> Candidate:
    source = text if "__future__" in text else f"{PRELUDE}\n{text}"
    tests = tuple(given for given, _ in problem.tests)
    if problem.function is None:
        return Candidate(source, tests)
    return Candidate(source, tests, extract_code(f"```python\n{text}\n```", problem.function).entry_point or problem.function)


def _mark(problem: Problem, results: Sequence[Result]) -> Grade:
    official, strict, why = True, True, ""
    for (given, expected), result in zip(problem.tests, results, strict=True):
        shown = (
            f"{problem.function}({truncate(given, 80)})" if problem.function else f"with the input {truncate(repr(given), 80)}"
        )
        if result.outcome == Outcome.SANDBOX_ERROR:
            return Grade(None, None, f"{shown}: {result.detail}")
        if result.outcome != Outcome.RETURNED:
            return Grade(False, False, f"{shown}: {result.detail or result.outcome}")
        if problem.function is None:
            judged, given = (printed_alike(result.stdout, expected), same_output(result.stdout, expected)), repr(result.stdout)
        else:
            judged, given = _returned_alike(result, expected), str(result.value)
        official, strict = official and judged[0], strict and judged[1]
        if not (official and strict) and not why:
            why = f"{shown} gives {truncate(given)}, not {truncate(expected)}"
        if not official:
            return Grade(False, False, why)
    return Grade(official, strict, why)


def printed_alike(given: str, expected: str) -> bool:
    """The authors' rule for what is printed: as many lines, each equal without blanks at its ends, or in decimal numbers."""
    ours, theirs = ([line.strip() for line in text.strip().split("\n")] for text in (given, expected))
    return len(ours) == len(theirs) and all(a == b or _numbers_alike(a, b) for a, b in zip(ours, theirs, strict=True))


def _numbers_alike(given: str, expected: str) -> bool:
    try:
        ours, theirs = ([Decimal(token) for token in line.split()] for line in (given, expected))
        return ours == theirs
    except (InvalidOperation, ValueError):
        return False


def _returned_alike(result: Result, expected: str) -> tuple[bool, bool]:
    if result.value is None or result.value.text is None:
        return False, False
    try:
        value, known = parse_literal(result.value.text, _LONGEST), json.loads(expected)
    except (LiteralError, ValueError):
        return False, False
    return (list(value) if isinstance(value, tuple) else value) == known, same_json(value, known, limit=_LONGEST)


BENCHMARK = LiveCodeBench()
