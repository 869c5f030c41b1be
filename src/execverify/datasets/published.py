"""Programs of a file for `build --from`: programs as such, or the reference solutions of published code problems."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from execverify.errors import ExecVerifyError, RowError
from execverify.programs.program import parse_source, read_arguments
from execverify.programs.records import ProgramRecord, read_programs
from execverify.rewards.code.record_formats import Record, format_of, read_record
from execverify.rewards.code.test_formats import UnitTestFormat
from execverify.utils.read_files import BadLine, first_record, read_records

_WHAT = "programs or code problems"


def programs_in(path: str) -> Iterator[ProgramRecord]:
    """The programs of a file, in its order.

    A record of a published format (`execverify.rewards.code.record_formats`) gives its first reference solution, with the
    arguments of the first
    test that calls it; one that has none, or that asks for a method or for a program with standard input, gives none.

    Args:
        path: a Python file, a file of rows with `code` and `input`, or published records (JSON lines or an array,
            gzipped or not).

    Raises:
        RowError, ProgramError: the file is none of these.
    """
    if Path(path).suffix != ".py" and _is_published(first_record(path, _WHAT)):
        yield from _solutions(read_records(path, _WHAT), Path(path).name.partition(".")[0])
    else:
        yield from read_programs(path)


def _is_published(row: Any) -> bool:
    if not isinstance(row, dict) or (isinstance(row.get("code"), str) and isinstance(row.get("input"), str)):
        return False
    return format_of({name: value for name, value in row.items() if value is not None}) is not None


def _solutions(rows: Iterator[tuple[str, Any]], stem: str) -> Iterator[ProgramRecord]:
    found = False
    for number, (where, row) in enumerate(rows, start=1):
        try:
            record = read_record(row) if not isinstance(row, BadLine) else None
            call = _call(record) if record is not None else None
        except ExecVerifyError:
            continue
        if record is not None and call is not None:
            found = True
            name = record.name or f"{stem}:{number}"
            yield ProgramRecord(record.solutions[0], record.tests.entry_point, call, None, name, where)
    if not found:
        raise RowError(f"no record of {stem} has a function as its reference solution, called with literals in a test")


def _call(record: Record) -> str | None:
    """The arguments of the first test that calls the solution's function with literals; None where there is none."""
    name, tests = record.tests.entry_point, record.tests
    if not record.solutions or name is None or "." in name:
        return None
    body = parse_source(record.solutions[0]).body
    if not any(isinstance(node, ast.FunctionDef) and node.name == name for node in body):
        return None
    if tests.format == UnitTestFormat.CALL:
        return next((test.given for test in tests.tests if not test.unsupported), None)
    texts = (*(test.given for test in tests.tests), tests.setup)  # test functions stand in the setup
    return next((call for text in texts for call in _calls(text, name)), None)


def _calls(test: str, name: str) -> Iterator[str]:
    """The arguments of each call of a function in test code that are literals."""
    tree = ast.parse(test)
    names = {
        name,
        *(argument.arg for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) for argument in node.args.args[:1]),
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in names
            and (node.args or node.keywords)
        ):
            text = ", ".join([*map(ast.unparse, node.args), *map(ast.unparse, node.keywords)])
            try:
                read_arguments(text)
            except ExecVerifyError:
                continue
            yield text
