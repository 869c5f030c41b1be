"""Completions in files, and which row each belongs to."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from execverify.errors import RowError
from execverify.questions.rows import Row
from execverify.questions.task import Task
from execverify.rewards.code.unit_tests import UnitTestTask, task_from_row
from execverify.rewards.parse import completion_text
from execverify.utils.messages import count_phrase
from execverify.utils.read_files import BadLine, OnBad, read_records

Judged = TypeVar("Judged", bound=Task | UnitTestTask)

_Given = tuple[str, str | None, str]
"""The place of a completion, the id of its row, and its text."""


def tasks_of_rows(rows: Iterable[Row | BadLine], on_bad: OnBad) -> list[Task | UnitTestTask | None]:
    """The task of each row; None where there is none, so that the n-th task is that of line n.

    Args:
        rows: what `read_row_lines` gives.
        on_bad: called with the reason where a row has no task.
    """
    tasks: list[Task | UnitTestTask | None] = []
    for row in rows:
        try:
            if isinstance(row, BadLine):
                raise RowError(row.why)
            tasks.append(task_from_row(row))
        except (RowError, RecursionError) as error:
            on_bad(str(error))
            tasks.append(None)
    return tasks


def read_completions(path: str, tasks: Sequence[Judged | None], on_bad: OnBad | None = None) -> list[tuple[Judged, str]]:
    """Completions of a JSONL file, each with its task.

    A line is a text, or an object with "completion" (text, or chat messages whose last one counts) and, where all lines
    have it, "id": the row's. Without ids, line n belongs to row n. With ids, a row may have several completions.

    Args:
        path: the file, or `-` for standard input.
        tasks: those of the rows, in order; None where a row cannot be used. Its completion is then left out.
        on_bad: called with the message of each line that cannot be used, which is left out. None: such a line is an error.

    Raises:
        RowError: a line without a completion or with an id that no row has, where `on_bad` is None or no line can be used; a row
            without a completion, where no bad line can be its own; without ids, another number of lines than of rows.
    """
    wrong: list[str] = []

    def reject(why: str) -> None:
        if on_bad is None:
            raise RowError(why)
        wrong.append(why)
        on_bad(why)

    lines: list[_Given | None] = []
    for where, value in read_records(path, "completions"):
        found = _entry(value, where)
        if isinstance(found, str):
            reject(found)
        lines.append(None if isinstance(found, str) else found)
    given = [line for line in lines if line is not None]
    if any(name is not None for _, name, _ in given):
        pairs = _by_id(given, tasks, reject)
        if pairs:
            _check_complete(path, pairs, tasks, len(wrong))
    elif not given and wrong:
        pairs = []
    elif len(lines) != len(tasks):
        raise RowError(
            f"{path} has {count_phrase(len(lines), 'completion')} for {count_phrase(len(tasks), 'row')}: give one for each row, or ids"
        )
    else:
        pairs = [(task, line[2]) for task, line in zip(tasks, lines, strict=True) if task is not None and line is not None]
    if wrong and not pairs:
        raise RowError(wrong[0])
    return pairs


def _entry(value: Any, where: str) -> _Given | str:
    """What a line holds, or the message why it cannot be used."""
    if isinstance(value, BadLine):
        return value.why
    name = value.get("id") if isinstance(value, dict) else None
    text = completion_text(value.get("completion") if isinstance(value, dict) else value)
    if text is None:
        return f"{where} has no completion: write a text, or an object with 'completion' and 'id'"
    return where, None if name is None else str(name), text


def _by_id(given: Sequence[_Given], tasks: Sequence[Judged | None], reject: OnBad) -> list[tuple[Judged, str]]:
    known = [task for task in tasks if task is not None]
    by_id = {task.id: task for task in known}
    if len(by_id) < len(known):
        raise RowError("two rows have the same id, so completions cannot be given by id: give them in the order of the rows")
    pairs = []
    for where, name, text in given:
        if name is None:
            reject(f"{where} has no id, but other lines have: give ids on all lines or on none")
        elif name not in by_id:
            reject(f"{where}: no row has the id {name!r}")
        else:
            pairs.append((by_id[name], text))
    return pairs


def _check_complete(path: str, pairs: Sequence[tuple[Judged, str]], tasks: Sequence[Judged | None], bad: int) -> None:
    """Raises RowError where more rows have no completion than there are lines that cannot be used."""
    missing = {task.id for task in tasks if task is not None} - {task.id for task, _ in pairs}
    if len(missing) > bad:
        raise RowError(
            f"{path} has no completion for {len(missing)} of {count_phrase(len(tasks), 'row')}, such as {min(missing)!r}"
        )
