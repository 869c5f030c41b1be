"""The runs that REval's data ask about: functions with arguments, and the bodies of unittest methods, as programs to watch."""

import ast
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from execverify.errors import EvaluationError, LiteralError, ProgramError
from execverify.evaluation.data import Row, rows_of
from execverify.evaluation.facts import facts_of
from execverify.programs.literals import parse_literal
from execverify.programs.program import Program, arguments_text, parse_source, split_lines

ORIGIN = "https://github.com/r-eval/REval (data/DREval_data.jsonl and data/DREval_tasks.jsonl; they carry no licence)"
DATA, TASKS = "DREval_data.jsonl", "DREval_tasks.jsonl"
HOLE = "??"
ENTRY = "_reval_run"
"""The function that we add to make a run of a test method."""

_CASE = "_RevalCase"


@dataclass
class Left:
    """What could not be judged, by reason; filled while items are made."""

    counts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a program under test.

    Attributes:
        name: task and input.
        code: the code under test.
        told: how the run is told in prompts.
        before: code that an output assertion needs before it.
        assertion: the assertion with `??`.
        case: name of the unittest class whose method's body the run is; None for a function's.
        output: the output that the data give for `??`, as text; None where they give none.
        slices: properties of the code.
        left: what of the whole benchmark could not be judged.
    """

    name: str
    code: str
    told: str
    before: str
    assertion: str
    case: str | None
    output: str | None
    slices: Mapping[str, str]
    left: "Left" = field(compare=False)


def read_runs(path: Path | None, left: Left) -> list[tuple[Run, Program, list[Row]]]:
    """Every run that the data ask about, as a program to watch, with its probes.

    Args:
        path: the folder of the data, or a file in it.
        left: what cannot be judged; runs keep it.

    Raises:
        EvaluationError: there are no such data, or they do not belong together.
    """
    data, tasks = _files(path)
    rows = {row["task_id"]: row for row in _rows(data, ("task_id", "code", "inputs"))}
    found: list[tuple[Run, Program, list[Row]]] = []
    for entry in _rows(tasks, ("task_id", "tasks")):
        row = rows.get(entry["task_id"])
        if row is None:
            raise EvaluationError(f"{tasks}: there is no program {entry['task_id']!r} in {data}")
        found += _runs(row, entry["tasks"], data, left)
    return found


def _files(path: Path | None) -> tuple[Path, Path]:
    if path is None:
        raise EvaluationError(f"reval needs its data: give --data FOLDER with {DATA} and {TASKS}; they come from {ORIGIN}")
    folder = path if path.is_dir() else path.parent
    for name in (DATA, TASKS):
        if not (folder / name).is_file():
            raise EvaluationError(f"{folder / name}: no such file; reval's data come from {ORIGIN}")
    return folder / DATA, folder / TASKS


def _rows(path: Path, fields: Sequence[str]) -> Iterator[Row]:
    for number, row in rows_of(path):
        missing = [name for name in fields if name not in row]
        if missing:
            raise EvaluationError(f"{path}:{number} is no row of reval: it has no {', '.join(missing)}")
        yield row


def _runs(row: Row, tasks: Sequence[Row], path: Path, left: Left) -> Iterator[tuple[Run, Program, list[Row]]]:
    """The runs of a program, each as a program to watch, with its probes."""
    code, test = row["code"], row.get("test")
    slices = facts_of(code)
    outputs = row.get("outputs") or []
    for entry in tasks:
        index = entry["input_idx"]
        try:
            given = row["inputs"][index]
        except IndexError:
            raise EvaluationError(f"{path}: {row['task_id']} has no input {index}") from None
        output = outputs[index] if index < len(outputs) and isinstance(outputs[index], str) else None
        name = f"{row['task_id']}/{index}"
        assertion = str(entry.get("output_pred") or "")
        if test:
            body = _body(str(given))
            case, before = _case_of(str(test)), f"{code}\n\n\nimport unittest\n{textwrap.dedent(str(test))}\n"
            run = Run(name, code, "this test\n\n" + body, before, assertion, case, output, {"kind": "class", **slices}, left)
            program = Program(before + method(case, body), ENTRY, "")
        else:
            entry_point = row["entry_point"]
            program = _function(code, entry_point, str(given), name)
            told = f"{entry_point}({program.arguments})" if program.entry_point == entry_point else f"{entry_point}(*{given})"
            run = Run(name, code, f"`{told}`", code, assertion, None, output, {"kind": "function", **slices}, left)
        yield run, program, entry["task"]


def _function(code: str, entry_point: str, given: str, name: str) -> Program:
    """A function with its arguments: literals where they are, else a call of the expression as it is written."""
    try:
        value = parse_literal(given)
        return Program(code, entry_point, arguments_text((value if isinstance(value, tuple) else (value,), {})))
    except (LiteralError, ProgramError):
        pass
    try:
        return Program(f"{code}\n\n\ndef {ENTRY}():\n    return {entry_point}(*({given}))\n", ENTRY, "")
    except ProgramError as error:
        raise EvaluationError(f"reval: {name} is not a usable program: {error}") from None


def _body(text: str) -> str:
    """The statements of a test method, at the left margin."""
    body = textwrap.dedent(text.expandtabs(4)).strip("\n")
    try:
        tree = parse_source(body)
    except ProgramError:
        return body
    if len(tree.body) == 1 and isinstance(tree.body[0], ast.FunctionDef):  # the method itself
        lines = split_lines(body)[tree.body[0].body[0].lineno - 1 :]
        return textwrap.dedent("\n".join(lines))
    return body


def _case_of(test: str) -> str:
    """The unittest class of some tests: the last one."""
    try:
        classes = [node.name for node in parse_source(textwrap.dedent(test)).body if isinstance(node, ast.ClassDef)]
    except ProgramError as error:
        raise EvaluationError(f"reval: a test is not Python: {error}") from None
    return classes[-1] if classes else "unittest.TestCase"


def method(case: str, body: str) -> str:
    """Code that defines a run of a test method's body, with all that its class sets up."""
    return (
        f"\n\nclass {_CASE}({case}):\n    def runTest(self):\n{textwrap.indent(body or 'pass', ' ' * 8)}\n\n\n"
        f"def {ENTRY}():\n    case = {_CASE}('runTest')\n    case.setUp()\n    case.runTest()\n    case.tearDown()\n"
    )
