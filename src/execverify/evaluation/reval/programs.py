"""The runs that REval's data ask about: functions with arguments, and the bodies of unittest methods, as programs to watch."""

import ast
import textwrap
import unittest
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from execverify.errors import EvaluationError, LiteralError, ProgramError
from execverify.evaluation.data import Row, rows_of
from execverify.evaluation.program_features import program_features
from execverify.evaluation.reval.official_rule import filled, indented, with_selves
from execverify.programs.literals import parse_literal, parse_untrusted
from execverify.programs.program import Program, arguments_text, parse_source, split_lines

ORIGIN = "https://github.com/r-eval/REval (data/DREval_data.jsonl and data/DREval_tasks.jsonl; they carry no licence)"
DATA, TASKS = "DREval_data.jsonl", "DREval_tasks.jsonl"
HOLE = "??"
ENTRY = "_reval_run"
"""The function that we add to make a run of a test method."""

_CASE, _INSTANCE = "_RevalCase", "_reval_case"
_CALL = f"{_INSTANCE}.runTest()"

HOLE_NAME = "__hole__"


@dataclass
class SkipCounts:
    """What could not be judged, by reason; filled while items are made."""

    counts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Fixture:
    """The unittest class that a run of a test method belongs to.

    Attributes:
        case: its name.
        setup: the text of its own `setUp`, as prompts show it; empty where it has none.
    """

    case: str
    setup: str


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a program under test.

    Attributes:
        name: task and input.
        code: the code under test.
        prompt_text: the call, or the body of the test method.
        before: code that an output assertion needs before it.
        assertion: the assertion (for classes, the body of a test method) with `??`.
        fixture: where the body of a test method belongs; None for a function's run.
        gold: the assertion with the data's own values for `??`; None where they have none.
        slices: properties of the code.
        imports: installed modules that may be imported.
        left: what could not be judged, of all runs that were made.
    """

    name: str
    code: str
    prompt_text: str
    before: str
    assertion: str
    fixture: Fixture | None
    gold: str | None
    slices: Mapping[str, str]
    imports: tuple[str, ...]
    left: "SkipCounts" = field(compare=False)


Asked = tuple[Run, Program | str, list[Row]]
"""A run, the program that makes it (or why there is none), and its probes."""


def read_runs(path: Path | None, left: SkipCounts, imports: tuple[str, ...] = ()) -> tuple[int, Iterator[Asked]]:
    """How many runs the data ask about, and each of them as a program to watch, with its probes. A run is made when it is taken.

    Args:
        path: the folder of the data, or a file in it.
        left: what cannot be judged; runs keep it.
        imports: installed modules that programs may import; runs keep them.

    Raises:
        EvaluationError: there are no such data, or they do not belong together.
    """
    data, tasks = _files(path)
    rows = {row["task_id"]: row for row in _rows(data, ("task_id", "code", "inputs"))}
    entries = list(_rows(tasks, ("task_id", "tasks")))
    for entry in entries:
        if entry["task_id"] not in rows:
            raise EvaluationError(f"{tasks}: there is no program {entry['task_id']!r} in {data}")
    runs = (run for entry in entries for run in _runs(rows[entry["task_id"]], entry["tasks"], data, left, imports))
    return sum(len(entry["tasks"]) for entry in entries), runs


def _files(path: Path | None) -> tuple[Path, Path]:
    if path is None:
        raise EvaluationError(f"reval needs its data: give --data FOLDER with {DATA} and {TASKS}; they come from {ORIGIN}")
    if path.is_file() and path.name not in (DATA, TASKS):
        raise EvaluationError(f"{path} is not reval's data: give the folder with {DATA} and {TASKS}; they come from {ORIGIN}")
    folder = path.parent if path.is_file() else path
    if not (folder / DATA).is_file() and (folder / "data" / DATA).is_file():  # a clone of the authors' repository
        folder /= "data"
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


def _runs(row: Row, tasks: Sequence[Row], path: Path, left: SkipCounts, imports: tuple[str, ...]) -> Iterator[Asked]:
    """The runs of a program, each as a program to watch, with its probes."""
    slices = program_features(row["code"])
    for entry in tasks:
        index = entry["input_idx"]
        try:
            given = str(row["inputs"][index])
        except (IndexError, TypeError):
            raise EvaluationError(f"{path}: {row['task_id']} has no input {index}") from None
        name = f"{row['task_id']}/{index}"
        assertion = str(entry.get("output_pred") or "")
        make = _of_a_class if row.get("test") else _of_a_function
        prompt_text, before, fixture, gold, program = make(row, index, given, assertion)
        kind = "function" if fixture is None else "class"
        run = Run(name, row["code"], prompt_text, before, assertion, fixture, gold, {"tested": kind, **slices}, imports, left)
        yield run, program, entry["task"]


_Parts = tuple[str, str, Fixture | None, str | None, Program | str]
"""Of a run: how it is prompt_text, the code before its assertion, its fixture, its gold answer, its program or why it has none."""


def _of_a_function(row: Row, index: int, given: str, assertion: str) -> _Parts:
    """A function called with arguments: literals where they are, else a call of the expression as it is written."""
    code, entry_point = row["code"], row["entry_point"]
    outputs = row.get("outputs") or []
    output = outputs[index] if index < len(outputs) and isinstance(outputs[index], str) else None
    gold = assertion.replace(HOLE, output) if output is not None and HOLE in assertion else None
    prompt_text = f"`{entry_point}(*{given})`"
    try:
        value = parse_literal(given)
        program = Program(code, entry_point, arguments_text((value if isinstance(value, tuple) else (value,), {})))
        return f"`{entry_point}({program.arguments})`", code, None, gold, program
    except (LiteralError, ProgramError):
        pass
    try:
        return (
            prompt_text,
            code,
            None,
            gold,
            Program(f"{code}\n\n\ndef {ENTRY}():\n    return {entry_point}(*({given}))\n", ENTRY, ""),
        )
    except ProgramError as error:
        return prompt_text, code, None, gold, str(error)


def _of_a_class(row: Row, index: int, given: str, assertion: str) -> _Parts:
    """The body of a test method, in the class that the input belongs to: what `setUp` does has happened before the run."""
    test = textwrap.dedent(str(row["test"]))
    before = f"{row['code']}\n\n\nimport unittest\n{test}\n"
    body = given.strip("\n")
    try:
        fixtures = _fixtures(test, row["entry_point"])
        if index >= len(fixtures):
            return body, before, Fixture("unittest.TestCase", ""), None, "the test has no class for this input"
        fixture = fixtures[index]
        source = before + _method(fixture.case, with_self(body)) + f"\n\ndef {ENTRY}():\n    {_CALL}\n"
        program: Program | str = Program(source, ENTRY, "")
    except ProgramError as error:
        return body, before, Fixture("unittest.TestCase", ""), None, str(error)
    return body, before, fixture, _completed(assertion, body), program


def _fixtures(test: str, entry_point: str) -> list[Fixture]:
    """The classes of tests, in their order: those that the data number their inputs by, with a test method of their own."""
    found: list[Fixture] = []
    for node in parse_source(test).body:
        if isinstance(node, ast.ClassDef) and node.name.startswith(f"{entry_point}Test"):
            methods = {inner.name: inner for inner in node.body if isinstance(inner, ast.FunctionDef)}
            if any(name.startswith("test") for name in methods):
                setup = methods.get("setUp")
                found.append(Fixture(node.name, "" if setup is None else "\n".join(map(ast.unparse, setup.body))))
    return found


def _completed(assertion: str, body: str) -> str | None:
    """A body in the form of the assertion with holes, which the authors made of it; None where it is another text."""
    try:
        wanted, given = parse_untrusted(assertion.replace(HOLE, HOLE_NAME), "exec"), parse_untrusted(body, "exec")
    except LiteralError:
        return None
    return ast.unparse(given) if HOLE in assertion and holes(wanted, given) is not None else None


def holes(wanted: Any, given: Any) -> list[ast.AST] | None:
    """What a tree has in place of the holes of another one, in order; None where they differ elsewhere."""
    if isinstance(wanted, ast.Name) and wanted.id == HOLE_NAME:
        return [given] if isinstance(given, ast.expr) else None
    if type(wanted) is not type(given):
        return None
    if isinstance(wanted, ast.AST):
        return holes(*([getattr(tree, name, None) for name in wanted._fields] for tree in (wanted, given)))
    if not isinstance(wanted, list):
        return [] if wanted == given else None
    if len(wanted) != len(given):
        return None
    found: list[ast.AST] = []
    for one, other in zip(wanted, given, strict=True):
        part = holes(one, other)
        if part is None:
            return None
        found += part
    return found


def with_self(body: str) -> str:
    """A test's body whose assertions are bare calls, as the data write them, with `self.` before each.

    Raises:
        ProgramError: it is not Python.
    """
    places = [
        (node.lineno, node.col_offset)
        for node in ast.walk(parse_source(body))
        if isinstance(node, ast.Name) and node.id.startswith("assert") and hasattr(unittest.TestCase, node.id)
    ]
    lines = [line.encode() for line in split_lines(body)]  # columns count bytes
    for line, column in sorted(places, reverse=True):
        lines[line - 1] = lines[line - 1][:column] + b"self." + lines[line - 1][column:]
    return b"\n".join(lines).decode()


def _method(case: str, body: str) -> str:
    """Code that makes an instance of a test class with this body of a method, and sets it up."""
    return (
        f"\n\ndef _reval_body(self):\n{indented(body)}\n\n\nclass {_CASE}({case}):\n    runTest = _reval_body\n\n\n"
        f"{_INSTANCE} = {_CASE}('runTest')\n{_INSTANCE}.setUp()\n"
    )


def text_to_run(run: Run, given: str | None) -> str | None:
    """The program whose run decides on a completed assertion; None where it is wrong without a run."""
    text = None if given is None else filled(given, run.assertion)
    if text is None:
        return None
    if run.fixture is None:
        return f"{run.before}\n{text}"
    return f"{run.before}{_method(run.fixture.case, with_selves(text))}{_CALL}\n"
