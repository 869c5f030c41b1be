"""Completions in files, and which row each belongs to."""

from collections.abc import Sequence
from typing import Any, TypeVar

from execverify.datasets.rows_io import read_lines
from execverify.errors import RowError
from execverify.questions.task import Task
from execverify.rewards.code.unit_tests import UnitTestTask
from execverify.rewards.parse import completion_text
from execverify.utils.messages import count_phrase

Judged = TypeVar("Judged", bound=Task | UnitTestTask)


def read_completions(path: str, tasks: Sequence[Judged]) -> list[tuple[Judged, str]]:
    """Completions of a JSONL file, each with its task.

    A line is a text, or an object with "completion" (text, or chat messages whose last one counts) and, where all lines
    have it, "id": the row's. Without ids, line n belongs to row n. With ids, a row may have several completions.

    Raises:
        RowError: a line without a completion, an id that no row has, a row without a completion, or another number.
    """
    given: list[tuple[str, str | None, str]] = []
    for where, value in read_lines(path, "completions"):
        given.append((where, *_entry(value, where)))
    if any(name is not None for _, name, _ in given):
        return _by_id(path, given, tasks)
    if len(given) != len(tasks):
        raise RowError(
            f"{path} has {count_phrase(len(given), 'completion')} for {count_phrase(len(tasks), 'row')}: give one for each row, or ids"
        )
    return [(task, text) for task, (_, _, text) in zip(tasks, given, strict=True)]


def _entry(value: Any, where: str) -> tuple[str | None, str]:
    name = value.get("id") if isinstance(value, dict) else None
    text = completion_text(value.get("completion") if isinstance(value, dict) else value)
    if text is None:
        raise RowError(f"{where} has no completion: write a text, or an object with 'completion' and 'id'")
    return (None if name is None else str(name)), text


def _by_id(path: str, given: list[tuple[str, str | None, str]], tasks: Sequence[Judged]) -> list[tuple[Judged, str]]:
    by_id = {task.id: task for task in tasks}
    if len(by_id) < len(tasks):
        raise RowError("two rows have the same id, so completions cannot be given by id: give them in the order of the rows")
    pairs = []
    for where, name, text in given:
        if name is None:
            raise RowError(f"{where} has no id, but other lines have: give ids on all lines or on none")
        if name not in by_id:
            raise RowError(f"{where}: no row has the id {name!r}")
        pairs.append((by_id[name], text))
    missing = by_id.keys() - {task.id for task, _ in pairs}
    if missing:
        raise RowError(
            f"{path} has no completion for {len(missing)} of {count_phrase(len(tasks), 'row')}, such as {sorted(missing)[0]!r}"
        )
    return pairs
