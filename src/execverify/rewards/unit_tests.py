r"""Unit tests as data: what a ground truth says, read once, so that a mistake in it is an error and never a reward of 0.

    >>> tests = read_tests('{"inputs": [[1, 2], [3, 4]], "outputs": [3, 7], "fn_name": "add"}')
    >>> tests.form, tests.entry_point, [(test.given, test.expected) for test in tests.tests]
    (<Form.CALL: 'call'>, 'add', [('1, 2', ('3',)), ('3, 4', ('7',))])
    >>> read_tests({"asserts": ["assert add(1, 2) == 3"]}).entry_point
    'add'
    >>> read_tests({"inputs": ["1 2\n"], "outputs": ["3\n"]}).form
    <Form.STDIN: 'stdin'>

The forms (paper, section 3, unit-test rewards; Eurus-2-RL's schema, and HumanEval's and MBPP's):

- `inputs`, `outputs` and `fn_name`: each input is the list of a call's arguments, each output what it returns.
- `inputs` and `outputs`: each input is what stands in stdin, each output what must stand in stdout.
- `asserts`, and where needed `setup` and `entry_point`: Python statements, one test each.
- `test` and `entry_point`: code with a function `check(candidate)`.
- `program` and `questions`: a row of kind `code_generation`, whose inputs and results are Python literals; where it has no
  solution of its own, also results that were JSON, or the inputs and outputs of a program (see `TEST_KINDS`).
"""

import functools
import json
import keyword
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from execverify.errors import ExecVerifyError, RowError
from execverify.programs.literals import parse_literal, read_integer
from execverify.programs.program import read_arguments
from execverify.programs.values import value_of
from execverify.questions.question import JSON_TEST, STDIN_TEST, TEST_KINDS, UNIT_TEST
from execverify.questions.rows import VERSION, Row, from_row
from execverify.questions.task import CODE_GENERATION, Task
from execverify.rewards.asserts import called_function, parse_tests, split_check, split_module, why_unsupported, with_imports

MAX_RESULT = 100_000
"""Longest literal of a result that is compared, in characters: as long as one that a candidate can give back."""

_MAX_ARGUMENT = 1_000_000
Truth = str | Mapping[str, Any]
_FORMS = "inputs and outputs (with fn_name for a function), asserts, or test and entry_point"


class Form(StrEnum):
    """How a candidate is tested: by calls of a function, as a program with stdin, or by test code."""

    CALL = "call"
    STDIN = "stdin"
    ASSERT = "assert"


@dataclass(frozen=True, slots=True)
class UnitTest:
    """One test.

    Attributes:
        given: a call's arguments as literal text, the text of stdin, or test code that asserts.
        expected: accepted results as literal text, or the one text of stdout; none for test code.
        unsupported: why no candidate can be judged by it; empty where candidates can.
    """

    given: str
    expected: tuple[str, ...] = ()
    unsupported: str = ""


@dataclass(frozen=True, slots=True)
class UnitTests:
    """The tests of one problem.

    Attributes:
        form: how a candidate is tested.
        tests: one test or more, in order.
        entry_point: what is called, `f` or `Solution.f`; None for programs with stdin.
        setup: code that test code needs before it; trusted like the tests.
        from_json: whether expected results were JSON, which has no tuples.
    """

    form: Form
    tests: tuple[UnitTest, ...]
    entry_point: str | None = None
    setup: str = ""
    from_json: bool = False


def read_tests(truth: Truth) -> UnitTests:
    """The tests that a ground truth writes down.

    Args:
        truth: a mapping in one of the forms above, or its JSON text. A field that is None counts as absent.

    Raises:
        RowError: it is in none of the forms, holds no test, or is not whole; the message says where.
    """
    if isinstance(truth, str):
        return _read_text(truth)
    if not isinstance(truth, Mapping):
        raise RowError(f"the tests must be a JSON object, not {type(truth).__name__}")
    fields = {name: value for name, value in truth.items() if value is not None}
    if "questions" in fields:
        return tests_of_row(fields)
    if "asserts" in fields:
        return _asserts(fields)
    if "test" in fields:
        return _check(fields)
    if "inputs" not in fields or "outputs" not in fields:
        raise RowError(f"the tests have {', '.join(sorted(map(str, fields))) or 'no fields'}: give {_FORMS}")
    return _pairs(fields)


def tests_of(task: Task) -> UnitTests:
    """The tests of a code-generation task."""
    tests = tuple(UnitTest(question.text, question.answers) for question in task.questions)
    return UnitTests(Form.CALL, tests, task.program.entry_point)


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
    kinds = {entry.get("kind") if isinstance(entry, Mapping) else None for entry in entries}
    if len(kinds) != 1 or not kinds <= set(TEST_KINDS):
        raise RowError(f"a code-generation row needs unit tests, all of one kind: {', '.join(TEST_KINDS)}")
    kind = str(next(iter(kinds)))
    tests = tuple(_written_test(entry, kind) for entry in entries)
    if kind == STDIN_TEST:
        return UnitTests(Form.STDIN, tests)
    return UnitTests(Form.CALL, tests, _function(program.get("entry_point"), "entry_point"), from_json=kind == JSON_TEST)


def questions_of(tests: UnitTests) -> list[Row]:
    """Tests as the questions of a row, from which `tests_of_row` reads them; those that cannot be judged are left out.

    Raises:
        RowError: they are test code, which no row holds.
    """
    if tests.form == Form.ASSERT:
        raise RowError("test code cannot be the questions of a row: keep it in a column `ground_truth`")
    kind = STDIN_TEST if tests.form == Form.STDIN else JSON_TEST if tests.from_json else UNIT_TEST
    return [
        {"kind": kind, "line": 0, "visit": 0, "variable": None, "text": test.given, "answers": list(test.expected)}
        for test in tests.tests
        if not test.unsupported
    ]


def _written_test(entry: Mapping[str, Any], kind: str) -> UnitTest:
    text, answers = entry.get("text"), entry.get("answers")
    whole = isinstance(text, str) and isinstance(answers, list | tuple) and all(isinstance(one, str) for one in answers)
    if not whole or not answers:
        raise RowError("a unit test needs a text and a list of answers, all text")
    if kind != STDIN_TEST:
        try:
            read_arguments(str(text))
            for answer in answers:
                parse_literal(answer, MAX_RESULT)
        except ExecVerifyError as error:
            raise RowError(f"a unit test cannot be used: {error}") from None
    return UnitTest(str(text), tuple(answers))


@dataclass(frozen=True, slots=True)
class Problem:
    """A code-generation row that has no solution of its own: there is nothing to trace, and a completion can be judged.

    Attributes:
        id: the row's.
        tests: what judges a completion.
        kind: "code_generation".
    """

    id: str
    tests: UnitTests
    kind: str = CODE_GENERATION


def task_or_problem(row: Row) -> Task | Problem:
    """What a row writes down, as far as completions are judged by it.

    Raises:
        RowError: the row cannot be used.
    """
    if row.get("kind") == CODE_GENERATION and not (row.get("program") or {}).get("source"):
        if row.get("version", VERSION) != VERSION:
            return from_row(row)  # refuses it
        return Problem(str(row.get("id", "")), tests_of_row(row))
    return from_row(row)


@functools.lru_cache(maxsize=1024)
def _read_text(text: str) -> UnitTests:
    """Rollouts of one problem come in groups, so its tests are read once."""
    truth = _json(text, "the tests")
    if not isinstance(truth, dict):
        raise RowError(f"the tests must be a JSON object, not {type(truth).__name__}")
    return read_tests(truth)


def _json(text: str, what: str) -> Any:
    try:
        return json.loads(text, parse_int=read_integer)
    except ValueError as error:
        raise RowError(f"{what} cannot be read as JSON: {error}") from None
    except RecursionError:
        raise RowError(f"{what} cannot be read as JSON: it is nested too deeply") from None


# -------------------------------------------------------------------------------------------------- inputs and outputs


def _pairs(fields: Mapping[str, Any]) -> UnitTests:
    inputs, outputs = (_entries(fields[name], name) for name in ("inputs", "outputs"))
    if len(inputs) != len(outputs):
        raise RowError(f"there are {len(inputs)} inputs and {len(outputs)} outputs: give one output for each input")
    name = fields.get("fn_name") or None
    if name is None:
        pairs = enumerate(zip(inputs, outputs, strict=True))
        tests = tuple(UnitTest(_text(a, f"inputs[{i}]"), (_text(b, f"outputs[{i}]"),)) for i, (a, b) in pairs)
        return UnitTests(Form.STDIN, tests)
    calls = zip(map(_literals, _arguments(inputs)), map(_results, _outputs(inputs, outputs)), strict=True)
    tests = tuple(_call(given, expected) for given, expected in calls)
    return UnitTests(Form.CALL, tests, _function(name, "fn_name"), from_json=True)


def _entries(value: Any, name: str) -> Sequence[Any]:
    if isinstance(value, str):
        value = _json(value, name)
    if not isinstance(value, list | tuple):
        raise RowError(f"{name} must be a list, not {type(value).__name__}")
    if not value:
        raise RowError(f"{name} are empty: a problem without tests cannot be judged")
    return value


def _function(name: Any, field: str) -> str:
    parts = name.split(".") if isinstance(name, str) else []
    if not 1 <= len(parts) <= 2 or not all(part.isidentifier() and not keyword.iskeyword(part) for part in parts):
        raise RowError(f"{field} must be the name of a function, or of a method as in Solution.f, not {name!r}")
    return str(name)


def _text(entry: Any, what: str) -> str:
    """A text; a number as it is written, and a list of both as lines."""
    if isinstance(entry, str):
        return entry
    if isinstance(entry, int | float) and not isinstance(entry, bool):
        return str(entry)
    if isinstance(entry, list | tuple) and not any(isinstance(line, list | tuple) for line in entry):
        return "\n".join(_text(line, what) for line in entry)
    raise RowError(f"{what} must be text, or a list of lines, and without fn_name it is {_kind(entry)}")


def _arguments(inputs: Sequence[Any]) -> list[list[Any]]:
    """The arguments of each call: a list, or a text with one argument in JSON on each line."""
    found = []
    for number, entry in enumerate(inputs):
        if isinstance(entry, str):
            entry = [_json(line, f"inputs[{number}]") for line in entry.split("\n") if line.strip()]
        if not isinstance(entry, list | tuple):
            raise RowError(f"inputs[{number}] must be the list of a call's arguments, and it is {_kind(entry)}")
        found.append(list(entry))
    return found


def _outputs(inputs: Sequence[Any], outputs: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The accepted results of each call.

    Where the inputs are JSON texts, so are the outputs. Where every output is a list of one item, nobody can tell whether
    the results were wrapped, and the item is accepted too.
    """
    if all(isinstance(entry, str) for entry in inputs):
        outputs = [_json(out, f"outputs[{i}]") if isinstance(out, str) else out for i, out in enumerate(outputs)]
    if all(isinstance(out, list | tuple) and len(out) == 1 for out in outputs):
        return [(out, out[0]) for out in outputs]
    return [(out,) for out in outputs]


def _literals(arguments: list[Any]) -> str | None:
    """The arguments of a call as literal text; None where one is too long or too deep to be written."""
    texts = [value_of(argument, _MAX_ARGUMENT).text for argument in arguments]
    return None if None in texts else ", ".join(text for text in texts if text is not None)


def _results(accepted: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(text for value in accepted if (text := value_of(value, MAX_RESULT).text) is not None)


def _call(given: str | None, expected: tuple[str, ...]) -> UnitTest:
    if given is None:
        return UnitTest("", expected, "its arguments are too long or too deep")
    return UnitTest(given, expected, "" if expected else "its result is too long or too deep to be compared")


def _kind(value: Any) -> str:
    return "null" if value is None else f"of type {type(value).__name__}"


# ------------------------------------------------------------------------------------------------------------ test code


def _asserts(fields: Mapping[str, Any]) -> UnitTests:
    setup = _setup(fields)
    entries = fields["asserts"]
    if isinstance(entries, str):
        before, entries = split_module(entries, "asserts")
        setup = f"{setup}\n{before}".strip("\n")
    if not isinstance(entries, list | tuple) or not all(isinstance(entry, str) for entry in entries):
        raise RowError("asserts must be a list of texts, each with a statement such as assert f(3) == 4")
    if not entries:
        raise RowError("asserts are empty: a problem without tests cannot be judged")
    for number, entry in enumerate(entries):
        parse_tests(entry, f"asserts[{number}]")
    name = fields.get("entry_point") or fields.get("fn_name") or called_function(setup, entries)
    name = _function(name, "entry_point")
    tests = [UnitTest(entry, (), why_unsupported(entry, {name.rpartition(".")[2]})) for entry in entries]
    return UnitTests(Form.ASSERT, tuple(tests), name, with_imports(setup, entries, name))


def _check(fields: Mapping[str, Any]) -> UnitTests:
    source = fields["test"]
    if not isinstance(source, str) or "entry_point" not in fields:
        raise RowError("test must be code with a function check(candidate), and entry_point the name of what it checks")
    name = _function(fields["entry_point"], "entry_point")
    before, parameter, checks = split_check(source)
    function = name.rpartition(".")[2]
    tests = [UnitTest(f"{check}\ncheck({function})", (), why_unsupported(check, {parameter, function})) for check in checks]
    setup = with_imports(f"{_setup(fields)}\n{before}".strip("\n"), checks, name)
    return UnitTests(Form.ASSERT, tuple(tests), name, setup)


def _setup(fields: Mapping[str, Any]) -> str:
    setup = fields.get("setup", "")
    if isinstance(setup, list | tuple) and all(isinstance(line, str) for line in setup):
        setup = "\n".join(setup)
    if not isinstance(setup, str):
        raise RowError("setup must be code, or a list of lines of it")
    parse_tests(setup, "the setup")
    return setup
