r"""Unit tests of a ground truth or of a row, read once, so that a mistake in them is an error and never a reward of 0.

    >>> tests = parse_tests('{"inputs": [[1, 2], [3, 4]], "outputs": [3, 7], "fn_name": "add"}')
    >>> tests.format, tests.entry_point, [(test.given, test.expected) for test in tests.tests]
    (<UnitTestFormat.CALL: 'call'>, 'add', [('1, 2', ('3',)), ('3, 4', ('7',))])
    >>> parse_tests({"asserts": ["assert add(1, 2) == 3"]}).entry_point
    'add'
    >>> parse_tests({"inputs": ["1 2\n"], "outputs": ["3\n"]}).format
    <UnitTestFormat.STDIN: 'stdin'>

The forms (paper, section 3, unit-test rewards; Eurus-2-RL's schema, and HumanEval's and MBPP's):

- `inputs`, `outputs` and `fn_name`: each input is the list of a call's arguments, each output what it returns.
- `inputs` and `outputs`: each input is what stands in stdin, each output what must stand in stdout.
- `asserts`, and where needed `setup` and `entry_point`: Python statements, one test each.
- `test` and where needed `entry_point`: code with a function `check(candidate)`, with asserts, or with test functions.
- `program` and `questions`: a row of kind `code_generation`, whose inputs and results are Python literals; where it has no
  solution of its own, also results that were JSON, the inputs and outputs of a program, or asserts (see `TEST_KINDS`).
- the record of a published set, see `execverify.rewards.code.record_formats`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from execverify.errors import ExecVerifyError, RowError
from execverify.programs.literals import parse_literal
from execverify.programs.program import read_arguments
from execverify.questions.question import ASSERT_TEST, JSON_TEST, SETTING, STDIN_TEST, TEST_KINDS, UNIT_TEST
from execverify.questions.rows import VERSION, Row, from_row
from execverify.questions.task import CODE_GENERATION, Task
from execverify.rewards.code.asserts import modules_needed, parse_test_code
from execverify.rewards.code.record_formats import read_record
from execverify.rewards.code.test_formats import (
    MAX_RESULT,
    UnitTest,
    UnitTestFormat,
    UnitTests,
    code_of,
    function_of,
    json_value,
    limits_of,
    names_of,
)
from execverify.rewards.compare import OUTPUT_RULES

__all__ = [
    "MAX_RESULT",
    "GroundTruth",
    "UnitTest",
    "UnitTestFormat",
    "UnitTestTask",
    "UnitTests",
    "parse_tests",
    "questions_of",
    "task_from_row",
    "tests_of",
    "tests_of_row",
]  # fmt: skip

GroundTruth = str | Mapping[str, Any] | list[Any]


def parse_tests(truth: GroundTruth) -> UnitTests:
    """The tests that a ground truth writes down.

    Args:
        truth: a mapping in one of the forms above, a list of test cases or asserts, the JSON text of one, or test code. A field that is
            None counts as absent.

    Raises:
        RowError: it is in none of the forms, holds no test, or is not whole; the message says where.
    """
    if isinstance(truth, str) and truth.lstrip().startswith("{") and '"questions"' in truth:
        found = json_value(truth, "the tests")
        truth = found if isinstance(found, dict) and "questions" in found else truth
    if isinstance(truth, Mapping) and truth.get("questions") is not None:
        return tests_of_row({name: value for name, value in truth.items() if value is not None})
    return read_record(truth).tests


def tests_of(task: Task) -> UnitTests:
    """The tests of a code-generation task."""
    tests = tuple(UnitTest(question.text, question.answers) for question in task.questions)
    return UnitTests(UnitTestFormat.CALL, tests, task.program.entry_point)


def tests_of_row(row: Mapping[str, Any]) -> UnitTests:
    """The tests that a row of kind `code_generation` writes down; it may have a solution of its own, or none.

    Raises:
        RowError: it is not whole.
    """
    program = row.get("program") or {}
    if not isinstance(program, Mapping):
        raise RowError("a row's program has fields, and it is none")
    if program.get("source"):
        return tests_of(from_row({**row, "kind": CODE_GENERATION}))
    entries = list(row.get("questions") or ())
    settings = _settings([entry for entry in entries if isinstance(entry, Mapping) and entry.get("kind") == SETTING])
    entries = [entry for entry in entries if not isinstance(entry, Mapping) or entry.get("kind") != SETTING]
    kinds = {entry.get("kind") if isinstance(entry, Mapping) else None for entry in entries}
    if len(kinds) != 1 or not kinds <= set(TEST_KINDS):
        raise RowError(f"a code-generation row needs unit tests, all of one kind: {', '.join(TEST_KINDS)}")
    kind = str(next(iter(kinds)))
    tests = tuple(_written_test(entry, kind) for entry in entries)
    if kind == STDIN_TEST:
        return UnitTests(UnitTestFormat.STDIN, tests, **settings)
    name = (
        None
        if kind == JSON_TEST and program.get("entry_point") is None
        else function_of(program.get("entry_point"), "entry_point")
    )
    if kind == ASSERT_TEST:
        tests = tuple(replace(test, needs=modules_needed(test.given, settings.get("setup", ""))) for test in tests)
        return UnitTests(UnitTestFormat.ASSERT, tests, name, **settings)
    return UnitTests(UnitTestFormat.CALL, tests, name, from_json=kind == JSON_TEST, **settings)


_SETTINGS = ("setup", "names", "context", "compare", "checker", "time_limit", "memory_limit")


def _settings(entries: list[Any]) -> dict[str, Any]:
    """What a row says of its tests beside them, as fields of `UnitTests`: JSON text in one entry of kind `test_setting`."""
    if not entries:
        return {}
    found = json_value(str(entries[0].get("text")), "the setting of the tests")
    if len(entries) > 1 or not isinstance(found, dict) or not set(found) <= set(_SETTINGS):
        raise RowError(f"a row has one setting of its tests, with the fields {', '.join(_SETTINGS)}")
    settings = limits_of(found)
    for name in ("setup", "context", "checker"):
        if found.get(name):
            settings[name] = code_of(found[name], name)
    if found.get("names"):
        settings["names"] = names_of(found["names"], "names")
    if found.get("compare"):
        if found["compare"] not in OUTPUT_RULES:
            raise RowError(f"compare must be one of {', '.join(OUTPUT_RULES)}, not {found['compare']!r}")
        settings["compare"] = found["compare"]
    return settings


def questions_of(tests: UnitTests) -> list[Row]:
    """Tests as the questions of a row, from which `tests_of_row` reads them; those that cannot be judged are left out."""
    kinds = {
        UnitTestFormat.STDIN: STDIN_TEST,
        UnitTestFormat.ASSERT: ASSERT_TEST,
        UnitTestFormat.CALL: JSON_TEST if tests.from_json else UNIT_TEST,
    }
    defaults = {field.name: field.default for field in fields(UnitTests)}
    settings = {name: value for name in _SETTINGS if (value := getattr(tests, name)) != defaults[name]}
    beside = [_question(SETTING, json.dumps(settings), ())] if settings else []
    return beside + [_question(kinds[tests.format], test.given, test.expected) for test in tests.tests if not test.unsupported]


def _question(kind: str, text: str, answers: tuple[str, ...]) -> Row:
    return {"kind": kind, "line": 0, "visit": 0, "variable": None, "text": text, "answers": list(answers)}


def _written_test(entry: Mapping[str, Any], kind: str) -> UnitTest:
    text: Any = entry.get("text")
    answers: Any = entry.get("answers")
    whole = isinstance(text, str) and isinstance(answers, list | tuple) and all(isinstance(one, str) for one in answers)
    if not whole or bool(answers) == (kind == ASSERT_TEST):
        raise RowError("a unit test needs a text and a list of answers, all text; an assertion has no answers")
    assert answers is not None
    if kind == ASSERT_TEST:
        parse_test_code(str(text), "an assertion")
        return UnitTest(str(text))
    if kind != STDIN_TEST:
        try:
            read_arguments(str(text))
            for answer in answers:
                parse_literal(answer, MAX_RESULT)
        except ExecVerifyError as error:
            raise RowError(f"a unit test cannot be used: {error}") from None
    return UnitTest(str(text), tuple(answers))


@dataclass(frozen=True, slots=True)
class UnitTestTask:
    """A code-generation row that has no solution of its own: there is nothing to trace, and a completion can be judged.

    Attributes:
        id: the row's.
        tests: what judges a completion.
        kind: "code_generation".
    """

    id: str
    tests: UnitTests
    kind: str = CODE_GENERATION


def task_from_row(row: Row) -> Task | UnitTestTask:
    """What a row writes down, as far as completions are judged by it.

    Raises:
        RowError: the row cannot be used.
    """
    if row.get("kind") == CODE_GENERATION and not (row.get("program") or {}).get("source"):
        if row.get("version", VERSION) != VERSION:
            return from_row(row)  # refuses it
        return UnitTestTask(str(row.get("id", "")), tests_of_row(row))
    return from_row(row)
