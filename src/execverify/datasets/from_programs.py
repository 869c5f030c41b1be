"""Programs that exist become rows: run, check given outputs, ask, write rows; report what was dropped and why."""

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from execverify.errors import LiteralError, ProgramError
from execverify.programs.equality import same_value
from execverify.programs.literals import parse_literal
from execverify.programs.program import Program, parse_source, truncate
from execverify.programs.records import ProgramRecord
from execverify.questions.prompts import DEFAULT
from execverify.questions.question import KINDS, fits_on_answer_line
from execverify.questions.rows import Row, to_row
from execverify.questions.select import check_kinds
from execverify.questions.task import NO_STEP, TASK_KINDS, task
from execverify.sandbox.result import Limits, Outcome
from execverify.sandbox.run import resolve_arguments
from execverify.tracing.trace import Trace, trace_many

_CHUNK = 256


@dataclass(frozen=True, slots=True)
class SkippedProgram:
    """A program that gave no row.

    Attributes:
        id: the record's id.
        location: file and line.
        reason: why, in a few words that many programs share.
        detail: what exactly.
    """

    id: str
    location: str
    reason: str
    detail: str


@dataclass
class ConversionReport:
    """What became of the programs of one file; filled while rows are made.

    Attributes:
        programs: how many were read.
        rows: how many rows were made, by kind.
        outputs_confirmed: how many given outputs agreed with the run.
        completed: ids of programs that had usual imports put before them.
        arguments_evaluated: ids of programs whose arguments were expressions and became literals.
        drops: the programs that gave no row.
    """

    programs: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    outputs_confirmed: int = 0
    completed: list[str] = field(default_factory=list)
    arguments_evaluated: list[str] = field(default_factory=list)
    drops: list[SkippedProgram] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RowConfig:
    """How rows are made; see `execverify.questions.task`. Without a `generator`, a row names the program's file."""

    kinds: Sequence[str] = TASK_KINDS
    max_questions: int | None = 10
    question_kinds: Sequence[str] = KINDS
    seed: int = 0
    prompt_template: str = DEFAULT
    split: str = "train"
    limits: Limits = field(default_factory=Limits)
    workers: int = 1
    generator: str = ""

    def __post_init__(self) -> None:
        check_kinds(self.kinds, TASK_KINDS)


def make_rows(
    records: Iterable[ProgramRecord],
    settings: RowConfig,
    account: ConversionReport,
    progress: Callable[[int], object] = lambda done: None,
) -> Iterator[Row]:
    """Rows of each program that returns a plain value the same way every time, in the order of the records.

    Args:
        records: the programs.
        settings: how rows are made.
        account: filled while rows are made.
        progress: called with the number of programs that are done, now and then.

    Raises:
        SandboxError: programs cannot be run here (our failure).
    """
    remaining = iter(records)
    seen: set[str] = set()
    while chunk := list(islice(remaining, _CHUNK)):
        before = account.programs
        account.programs += len(chunk)
        usable: list[tuple[ProgramRecord, Program]] = []
        for record in chunk:
            if record.id in seen:
                account.drops.append(
                    SkippedProgram(record.id, record.location, "its id is taken", "another program before it has the same id")
                )
                continue
            seen.add(record.id)
            if record.completed:
                account.completed.append(record.id)
            try:
                usable.append((record, program_of(record, settings.limits, account)))
            except ProgramError as error:
                account.drops.append(SkippedProgram(record.id, record.location, "not a usable program", str(error)))
        traces = trace_many([program for _, program in usable], limits=settings.limits, workers=settings.workers)
        for place, ((record, _), trace) in enumerate(zip(usable, traces, strict=True)):
            progress(before + place)
            drop = rejection_of(record, trace)
            if drop is not None:
                account.drops.append(drop)
            else:
                account.outputs_confirmed += record.output is not None
                yield from _rows(record, trace, settings, account)
        progress(account.programs)


def program_of(record: ProgramRecord, limits: Limits, account: ConversionReport | None = None) -> Program:
    """The program that a record describes; arguments that are expressions are replaced by their values' literals.

    Raises:
        ProgramError: it cannot be used, or its file marks it as failed.
    """
    if record.error is not None:
        raise ProgramError(f"it failed before: {record.error}")
    entry_point = record.entry_point or default_entry_point(record.source)
    try:
        return Program(record.source, entry_point, record.arguments)
    except ProgramError as error:
        if "must be literals" not in str(error):
            raise
    program = resolve_arguments(record.source, entry_point, record.arguments, limits=limits)
    if account is not None:
        account.arguments_evaluated.append(record.id)
    return program


def default_entry_point(source: str) -> str:
    """The function to call where none is named: `f` where it is defined, else the last function."""
    names = [node.name for node in parse_source(source).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    if not names:
        raise ProgramError("the source defines no function: name what to call in 'entry_point'")
    return "f" if "f" in names else names[-1]


def rejection_of(record: ProgramRecord, trace: Trace) -> SkippedProgram | None:
    """Why a run gives no row; None where it does."""

    def drop(reason: str, detail: str) -> SkippedProgram:
        return SkippedProgram(record.id, record.location, reason, detail)

    result = trace.result
    if result.outcome != Outcome.RETURNED:
        return drop(str(result.outcome), result.detail)
    if result.value is None or result.value.text is None:
        return drop("the result has no literal", str(result.value))
    if not trace.steps:
        return drop("no step", f"{truncate(trace.program.one_line_call)} {NO_STEP}")
    if not fits_on_answer_line(f"{trace.program.one_line_call} {result.value.text}"):
        return drop("its text would end an answer", "the call or the result holds <answer> or </answer>")
    if record.output is not None:
        try:
            claimed = parse_literal(record.output)
        except LiteralError as error:
            return drop("the given output is not a literal", f"{truncate(record.output)} {error}")
        if not same_value(claimed, parse_literal(result.value.text)):
            return drop(
                "the given output disagrees with the run", f"given {truncate(record.output)}, run {truncate(str(result.value))}"
            )
    return None


def _rows(record: ProgramRecord, trace: Trace, settings: RowConfig, account: ConversionReport) -> Iterator[Row]:
    for kind in settings.kinds:
        made = task(
            trace,
            kind=kind,
            kinds=settings.question_kinds,
            limit=settings.max_questions,
            seed=settings.seed,
            id=f"{record.id}/{kind}",
            template=settings.prompt_template,
            split=settings.split,
            generator=settings.generator or f"file:{record.location.rsplit(':', 1)[0].rsplit('/', 1)[-1]}",
        )
        account.rows[kind] += 1
        yield to_row(made)
