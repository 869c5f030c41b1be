"""Rows in the form of the paper's authors: records of their `rl_dataset.json`, read and written.

    type              "io_mixed" (white-box questions) or "oi" (input prediction)
    func_str, func_name, func_args, result
                      the program, its call, and the literal text of what the call returns
    prompt_str        the prompt
    questions         {"path_questions": [text, ...], "state_questions": [text, ...]}
    question_answers  {"path_answers": [[line text, ...], ...], "state_as": [[[type, value], ...], ...]}, {} for "oi"

Answers come in that order: every question about the next statement, then every one about a state. The value of a string stands without
quotes. The labels of the authors' tracer are wrong in places, because it counts calls and returns as visits of a line; so records are
traced anew and get the answers of that run.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from execverify.datasets.from_programs import SkippedProgram
from execverify.errors import ExecVerifyError, LiteralError, RowError
from execverify.programs.equality import is_value
from execverify.programs.literals import parse_literal
from execverify.programs.program import Program
from execverify.programs.values import to_value
from execverify.questions.kinds.base import QUESTION_KINDS
from execverify.questions.prompts import DEFAULT, prompt_text
from execverify.questions.question import KINDS, NO_STATE, Question, fits_on_answer_line
from execverify.questions.rows import Row, from_row, to_row
from execverify.questions.statements import layout_of
from execverify.questions.task import Task, task
from execverify.tracing.trace import Trace, trace_many
from execverify.utils.read_files import BadLine, first_record, read_records

_KINDS = {"io_mixed": "white_box", "oi": "input_prediction"}
_PATH = re.compile(r"immediately after line (\d+): .* has been executed for the (\d+) time\?", re.DOTALL)
_STATE = re.compile(r"Is line (\d+): .* of the variable '(\w+)' after line \d+ has been executed for the (\d+) time\?", re.DOTALL)
_CHUNK = 128
TEMPLATE = "authors"
"""The prompt template of records that are written."""

Label = tuple[Question, tuple[str, ...]]
"""A question, and its answers in the record; none where they are no answers of its kind."""


@dataclass
class AuthorsReport:
    """What became of the records; filled while rows are made.

    Attributes:
        records: how many were read.
        rows: how many rows were made, by kind.
        questions: how many questions they have.
        relabelled: of these, how many have other answers in the run than in the record.
        left_out: how many questions cannot be asked about the run.
        drops: the records that gave no row.
    """

    records: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    questions: int = 0
    relabelled: int = 0
    left_out: int = 0
    drops: list[SkippedProgram] = field(default_factory=list)


def is_authors_record(record: Any) -> bool:
    """Whether a record has the authors' form."""
    return isinstance(record, Mapping) and record.get("type") in _KINDS and isinstance(record.get("func_str"), str)


def is_authors_file(source: str) -> bool:
    """Whether the first record that can be used has the authors' form, in a file of JSON."""
    if not source.endswith((".json", ".jsonl", ".json.gz", ".jsonl.gz")):
        return False
    try:
        return is_authors_record(first_record(source, "records"))
    except RowError:
        return False


def authors_rows(
    source: str,
    account: AuthorsReport,
    *,
    split: str = "train",
    template: str = DEFAULT,
    keep_prompts: bool = False,
    workers: int = 1,
) -> Iterator[Row]:
    """Rows of the records of a file, in its order.

    Args:
        source: a file of JSON lines or one JSON array, gzipped or not.
        account: filled as rows are made.
        split: written into the rows.
        template: the prompt template.
        keep_prompts: leave the prompts, the questions and their answers as the record has them; a record whose answers are no values of
            the types that they name is dropped. Else the answers are those of a new run, and questions that cannot be asked about it
            are left out.
        workers: processes that run programs at once.

    Raises:
        RowError: the file cannot be read.
        QuestionError: there is no such template.
        SandboxError: programs cannot be run here (our failure).
    """
    prompt_text(
        "input_prediction", Program("def f():\n    return 0"), "0", (), template
    )  # a missing template is reported at once
    remaining = read_records(source, "records in the authors' form")
    while chunk := list(islice(remaining, _CHUNK)):
        read: list[tuple[str, Mapping[str, Any], Program]] = []
        for where, record in chunk:
            account.records += 1
            try:
                read.append((where, record, _program(record)))
            except ExecVerifyError as error:
                account.drops.append(SkippedProgram(where, where, "it is no record of the authors' form", str(error)))
        for (where, record, _), run in zip(read, trace_many([one for *_, one in read], workers=workers), strict=True):
            try:
                made = _task(record, run, where, template, keep_prompts, account)
            except ExecVerifyError as error:
                reason, _, detail = str(error).partition(": ")
                account.drops.append(SkippedProgram(where, where, reason, detail))
                continue
            account.rows[made.kind] += 1
            account.questions += len(made.questions)
            yield to_row(replace(made, split=split))


def _program(record: Any) -> Program:
    if isinstance(record, BadLine):
        raise RowError(record.why)
    if not is_authors_record(record):
        raise RowError("it needs the fields type, func_str, func_name, func_args and result")
    return Program(str(record["func_str"]), str(record.get("func_name", "f")), str(record.get("func_args", "")))


def _task(record: Mapping[str, Any], run: Trace, where: str, template: str, keep: bool, account: AuthorsReport) -> Task:
    kind = _KINDS[record["type"]]
    if run.result.outcome != "returned" or run.result.value is None or run.result.value.text is None:
        raise RowError(f"its program does not return a plain value: {run.result.outcome} {run.result.detail}")
    try:
        expected = parse_literal(str(record.get("result")))
    except LiteralError as error:
        raise RowError(f"its result is no literal: it {error}") from None
    if not is_value(expected, run.result.value.text):
        raise RowError(f"its result is not what the run gives: {run.result.value.text[:80]}")
    base = task(run, kind=kind, limit=0, template=template, generator="authors")
    labels = list(_labels(record)) if kind == "white_box" else []
    questions = _kept(labels, run, account) if keep else _checked(labels, run, account)
    text = (
        str(record.get("prompt_str", "")) if keep else prompt_text(kind, run.program, base.result.text or "", questions, template)
    )
    if not text.strip():
        raise RowError("it has no prompt: there is no text in prompt_str")
    return replace(base, questions=questions, prompt=({"role": "user", "content": text},))


def _labels(record: Mapping[str, Any]) -> Iterator[Label]:
    """The questions of a record, in the order of their answers."""
    asked, given = record.get("questions") or {}, record.get("question_answers") or {}
    for name, answers, read in (
        ("path_questions", "path_answers", _path_label),
        ("state_questions", "state_as", _state_label),
    ):
        texts, labels = asked.get(name) or [], given.get(answers) or []
        if len(texts) != len(labels):
            raise RowError(f"its questions and answers are not as many: {len(texts)} {name}, {len(labels)} {answers}")
        for text, label in zip(texts, labels, strict=True):
            yield read(str(text), label)


def _path_label(text: str, label: Sequence[Any]) -> Label:
    found = _PATH.search(text)
    if found is None:
        raise RowError(f"a question of it cannot be read: {text[:80]}")
    answers = tuple(dict.fromkeys(str(one).strip() for one in label))
    return Question("next_statement", int(found[1]), int(found[2]), None, text, answers), answers


def _state_label(text: str, label: Sequence[Any]) -> Label:
    found = _STATE.search(text)
    if found is None:
        raise RowError(f"a question of it cannot be read: {text[:80]}")
    answers = tuple(answer for one in label if (answer := _state_answer(one)))
    return Question("variable_state", int(found[1]), int(found[3]), found[2], text, answers), answers


def _state_answer(label: Any) -> str:
    """`value; type` of a label `(type, value)`; empty where the value has another type."""
    kind, text = str(label[0]).strip(), str(label[1])
    try:
        value = to_value(text if kind == "str" else parse_literal(text))
    except LiteralError:
        return ""
    return str(value) if value.type == kind and value.text is not None else ""


def _kept(labels: Sequence[Label], run: Trace, account: AuthorsReport) -> tuple[Question, ...]:
    """The questions with the answers of the record."""
    if any(not answers for _, answers in labels):
        raise RowError("an answer of it is no value of its type: it cannot be kept as it is")
    answers = _answers_of(run)
    for question, given in labels:
        account.relabelled += not _agree(given, answers.get((question.kind, question.line, question.visit, question.variable)))
    return tuple(question for question, _ in labels)


def _checked(labels: Sequence[Label], run: Trace, account: AuthorsReport) -> tuple[Question, ...]:
    """The questions that can be asked about the run, with its answers and our texts."""
    known = _answers_of(run)
    kept: list[Question] = []
    for question, given in labels:
        answers = known.get((question.kind, question.line, question.visit, question.variable))
        if answers is None:
            account.left_out += 1
            continue
        account.relabelled += not _agree(given, answers)
        text = QUESTION_KINDS.get(question.kind).text(question.line, question.visit, question.variable)
        kept.append(replace(question, text=text, answers=answers))
    return tuple(kept)


def _agree(given: Sequence[str], answers: Sequence[str] | None) -> bool:
    return answers is not None and bool(given) and set(given) <= set(answers)


def _answers_of(run: Trace) -> dict[tuple[str, int, int, str | None], tuple[str, ...]]:
    """Every moment of a run that can be asked about, with its answers."""
    table = layout_of(run.program)
    return {
        (kind.name, one.line, one.visit, one.variable): one.answers
        for kind in map(QUESTION_KINDS.get, KINDS)
        for one in kind.candidates(run, table)
        if fits_on_answer_line(one.answers[0])
    }


# ------------------------------------------------------------------------------------------------------------- writing


def authors_record(row: Row) -> dict[str, Any]:
    """A row as a record in the authors' form; its prompt is that of the template "authors".

    Questions of other kinds, and those about a state that never occurs (which the authors do not ask), are left out.

    Raises:
        RowError: a row of another kind, or that cannot be read.
    """
    one = from_row(row)
    names = [name for name, kind in _KINDS.items() if kind == one.kind]
    if not names:
        raise RowError(f"rows of kind {one.kind} have no such form: it is for {' and '.join(_KINDS.values())}")
    questions = authors_questions(one)
    program, result = one.program, one.result.text or ""
    record = {
        "func_str": program.source.strip("\n"),
        "func_name": program.entry_point,
        "func_args": program.one_line_call[len(program.entry_point) + 1 : -1],
        "result": result,
        "prompt_str": prompt_text(one.kind, program, result, questions, TEMPLATE),
        "question_answers": {},
        "type": names[0],
    }
    if one.kind == "white_box":
        path, state = ([each for each in questions if each.kind == kind] for kind in KINDS)
        record["questions"] = {
            "path_questions": [_written_path(program, each) for each in path],
            "state_questions": [_written_state(program, each) for each in state],
        }
        record["question_answers"] = {
            "path_answers": [list(each.answers) for each in path],
            "state_as": [[_written_label(answer) for answer in each.answers] for each in state],
        }
    return record


def authors_questions(one: Task) -> tuple[Question, ...]:
    """The questions of a task that the authors' form has, in its order."""
    asked = [each for each in one.questions if each.kind in KINDS and NO_STATE not in each.answers]
    return tuple(sorted(asked, key=lambda each: KINDS.index(each.kind)))


def _written_path(program: Program, one: Question) -> str:
    return (
        f"In the run of {program.one_line_call}, which line is executed immediately after line {one.line}: "
        f"{program.lines[one.line - 1]} has been executed for the {one.visit} time?"
    )


def _written_state(program: Program, one: Question) -> str:
    return (
        f"Is line {one.line}: {program.lines[one.line - 1]} executed in the run of {program.one_line_call}? What are the value and the "
        f"type of the variable '{one.variable}' after line {one.line} has been executed for the {one.visit} time?"
    )


def _written_label(answer: str) -> list[str]:
    text, _, kind = answer.rpartition("; ")
    return [kind, str(parse_literal(text)) if kind == "str" else text]


def write_authors_records(rows: Iterable[Row]) -> str:
    """Rows as the JSON array that the authors' training reads."""
    return json.dumps([authors_record(row) for row in rows], ensure_ascii=False, indent=1) + "\n"
