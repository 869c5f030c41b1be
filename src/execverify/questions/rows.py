"""A task written down: a row of plain values, and back.

The columns are the contract with every dataset, reward function and reader: `id, kind, prompt, program, questions, level,
constraint, difficulty, split, seed, generator`, and `version`, the version of this contract. Level, constraint, pass
count, samples and a question's variable may be null; a unit test has neither line nor visit.
"""

import functools
from collections.abc import Mapping
from typing import Any

from execverify.errors import ExecVerifyError, QuestionError, RowError
from execverify.programs.literals import parse_literal
from execverify.programs.program import Program, read_arguments
from execverify.programs.values import to_value
from execverify.questions.kinds.base import QUESTION_KINDS
from execverify.questions.question import UNIT_TEST, Question
from execverify.questions.task import ALL_KINDS, CODE_GENERATION, Difficulty, Task
from execverify.utils.registry import PLUGINS
from execverify.utils.validation import expect

VERSION = 2
"""Version of the columns' meaning. A reader refuses rows of another version."""

ROW_KINDS = ALL_KINDS
"""The kinds of rows."""

Row = dict[str, Any]


def to_row(task: Task) -> Row:
    """A task as a row of plain values (str, int, None, lists and dicts)."""
    expect(task, Task, QuestionError, "make one with task(trace)")
    return {
        "version": VERSION,
        "id": task.id,
        "kind": task.kind,
        "prompt": [dict(message) for message in task.prompt],
        "program": {
            "source": task.program.source,
            "entry_point": task.program.entry_point,
            "arguments": task.program.arguments,
            "result": task.result.text,
        },
        "questions": [
            {
                "kind": question.kind,
                "line": question.line,
                "visit": question.visit,
                "variable": question.variable,
                "text": question.text,
                "answers": list(question.answers),
            }
            for question in task.questions
        ],
        "level": task.level,
        "constraint": task.constraint,
        "difficulty": {
            "steps": task.difficulty.steps,
            "branches": task.difficulty.branches,
            "depth": task.difficulty.depth,
            "pass_count": task.difficulty.pass_count,
            "samples": task.difficulty.samples,
        },
        "split": task.split,
        "seed": task.seed,
        "generator": task.generator,
    }


def from_row(row: Row) -> Task:
    """The task that a row writes down.

    The columns that only a reader needs (prompt, level, difficulty ...) may be missing; what judging needs may not.

    Raises:
        RowError: a row of another version, of an unknown kind, or without what it must have.
    """
    if not isinstance(row, Mapping):
        raise RowError(
            f"this takes a row, not {type(row).__name__}: give a row as a dict, as to_row(task) and read_rows(path) make them"
        )
    version = row.get("version", VERSION)
    if version != VERSION:
        raise RowError(f"the row is of version {version}, and this execverify reads version {VERSION}: make the rows again")
    kind = row.get("kind")
    if kind not in ROW_KINDS:
        raise RowError(f"the row's kind is {kind!r}: it must be {' or '.join(ROW_KINDS)}")
    if kind == CODE_GENERATION and not (row.get("program") or {}).get("source"):
        raise RowError(
            "the row has no solution of its own, so there is nothing to run: judge completions of it with `execverify score`"
        )
    try:
        written = _with_first_test(row) if kind == CODE_GENERATION else row["program"]
        program = _program(written["source"], written["entry_point"], written["arguments"])
        if not isinstance(written["result"], str):
            raise TypeError(f"the result is {type(written['result']).__name__}, and no text")
        result = to_value(parse_literal(written["result"]))
        if result.text is None:
            raise RowError(f"its result is opaque ({result.opaque_reason})")
        prompt = tuple({**message} for message in row.get("prompt") or ())
        if kind == "white_box" and row.get("questions") is None:
            raise RowError("a white-box row needs its questions (a list, which may be empty)")
        read = _unit_test if kind == CODE_GENERATION else _question
        questions = tuple(read(entry) for entry in row.get("questions") or ())
        difficulty = Difficulty(**(row.get("difficulty") or {"steps": 0, "branches": 0, "depth": 0}))
    except (KeyError, TypeError, AttributeError) as error:
        raise RowError(f"the row is not whole: {type(error).__name__} {error}") from None
    except ExecVerifyError as error:
        raise RowError(f"the row cannot be used: {error}") from None
    return Task(
        id=str(row.get("id", "")),
        kind=kind,
        prompt=prompt,
        program=program,
        result=result,
        questions=questions,
        difficulty=difficulty,
        level=row.get("level"),
        constraint=row.get("constraint"),
        split=row.get("split", "train"),
        seed=row.get("seed", 0),
        generator=row.get("generator", ""),
    )


@functools.lru_cache(maxsize=4096)
def _program(source: str, entry_point: str, arguments: str) -> Program:
    """Rows of one program come in groups (rollouts, kinds), so a program is parsed once."""
    return Program(source, entry_point, arguments)


def _with_first_test(row: Row) -> Row:
    """The program of a code-generation row, with the call and result of its first unit test where it has none of its own."""
    tests = row.get("questions")
    if not tests:
        raise RowError("a code-generation row needs its unit tests, as questions")
    written = {name: text for name, text in row["program"].items() if text}
    return {"arguments": tests[0]["text"], "result": _answers(tests[0])[0], **written}


def _unit_test(entry: Row) -> Question:
    answers = _answers(entry)
    if entry["kind"] != UNIT_TEST or not isinstance(entry["text"], str):
        raise RowError(f"a code-generation row has questions of kind {UNIT_TEST}, each with a call's arguments as its text")
    read_arguments(entry["text"])
    for answer in answers:
        parse_literal(answer)
    return Question(UNIT_TEST, 0, 0, None, entry["text"], answers)


def _answers(entry: Row) -> tuple[str, ...]:
    answers = entry["answers"]
    if isinstance(answers, str) or not answers or not all(isinstance(answer, str) for answer in answers):
        raise RowError("a question needs a list of answers, all text")
    return tuple(answers)


def _question(entry: Row) -> Question:
    answers = _answers(entry)
    if entry["kind"] not in QUESTION_KINDS:
        known = ", ".join(QUESTION_KINDS)
        raise RowError(f"there is no question kind {entry['kind']!r}: known are {known}; {PLUGINS} names the modules of others")
    if not all(isinstance(entry[name], int) for name in ("line", "visit")):
        raise RowError("a question needs a line and a visit that are numbers")
    if not all(map(QUESTION_KINDS.get(entry["kind"]).is_well_formed, answers)):
        raise RowError(f"a question of kind {entry['kind']} cannot have the answers {', '.join(answers)}")
    return Question(entry["kind"], entry["line"], entry["visit"], entry.get("variable"), entry.get("text", ""), answers)
