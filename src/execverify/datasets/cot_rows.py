"""Rows become rows for supervised fine-tuning: each with a chain of thought as its completion."""

import pickle
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from execverify.cot.generate import DEFAULT_MAX_TOKENS, CotCompletion, CountTokens, Rejected, estimate_tokens
from execverify.cot.teacher import Teacher, TeacherInput, TraceTeacher, accepted_many
from execverify.datasets.workers import Workers, batched, parallel_map
from execverify.errors import RowError
from execverify.questions.rows import Row, from_row
from execverify.questions.task import TASK_KINDS, Task
from execverify.rewards.steps.reference import traced_with_expressions
from execverify.sandbox.result import Limits

_CHUNK = 64
_LIGHT = 10_000  # bytes: what weighs more is not sent to other processes with every chunk
_LIMITS = Limits()

CotRow = dict[str, Any]
"""id, kind, prompt (messages), completion (messages), level, style, tokens."""


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """A row that got no chain.

    Attributes:
        id: the row's id.
        reason: why, in a few words that many rows share.
        detail: what exactly.
    """

    id: str
    reason: str
    detail: str = ""


@dataclass
class CotReport:
    """What became of the rows; filled while chains are made.

    Attributes:
        rows: how many were read.
        chains: how many got a chain, by kind.
        styles: by style.
        detail_levels: by level of detail, from 0, the fullest.
        tokens: of all chains together.
        skipped: the rows that got none.
    """

    rows: int = 0
    chains: Counter[str] = field(default_factory=Counter)
    styles: Counter[str] = field(default_factory=Counter)
    detail_levels: Counter[int] = field(default_factory=Counter)
    tokens: int = 0
    skipped: list[SkippedRow] = field(default_factory=list)


def cot_rows(
    rows: Iterable[Row],
    *,
    style: str = "compact",
    detail_level: str = "full",
    max_tokens: int | None = DEFAULT_MAX_TOKENS,
    seed: int | str = 0,
    count_tokens: CountTokens = estimate_tokens,
    workers: Workers = 1,
    limits: Limits = _LIMITS,
    teacher: Teacher | None = None,
    account: CotReport | None = None,
    progress: Callable[[int], None] = lambda rows: None,
) -> Iterator[CotRow]:
    """Rows for supervised fine-tuning, in the order of the rows that they are made of; the same ones for any number of workers.

    Args:
        rows: of kind "white_box" or "input_prediction"; read as they are needed.
        style: of `STYLES`, or "mixed": each row then gets one of them by chance.
        detail_level, max_tokens, count_tokens: see `generate_cot`.
        seed: with a row's id, it chooses styles and phrases.
        workers: how many processes, or a pool. A teacher that cannot be sent to another process works in this one; of a number of
            processes, the programs then still run in them.
        limits: what a program may use. A run that the machine may have cut short is made once more, with ten times the time.
        teacher: writes the chains instead of `TraceTeacher`; style, detail_level, max_tokens, seed and count_tokens are then ignored.
        account: is updated with what became of the rows.
        progress: called with how many more rows are done, now and then.

    Yields:
        id, kind, prompt (messages), completion (messages), level, style, tokens: "prompt" and "completion" as TRL's
        SFTTrainer takes them in its conversational format.

    Raises:
        DatasetError: an unknown style or level of detail, a budget below 1.
        RowError: a row that cannot be read, or has no prompt.
        SandboxError: programs cannot be run here (our failure).
    """
    account = CotReport() if account is None else account
    from_trace = TraceTeacher(style, detail_level, max_tokens, seed, count_tokens)
    here = workers if isinstance(workers, int) else 1
    apart = workers != 1 and _can_travel(teacher or from_trace)
    work = partial(_made, teacher=teacher or from_trace, limits=limits, workers=1 if apart else here)
    return _counted(parallel_map(work, batched(rows, _CHUNK), workers if apart else 1), account, progress)


def _counted(made: Iterator[list["_Made"]], account: CotReport, progress: Callable[[int], None]) -> Iterator[CotRow]:
    for results in made:
        for task_id, kind, found in results:
            account.rows += 1
            if isinstance(found, Rejected):
                account.skipped.append(SkippedRow(task_id, found.reason, found.detail))
                continue
            row, level = found
            account.chains[kind] += 1
            account.styles[row["style"]] += 1
            account.detail_levels[level] += 1
            account.tokens += row["tokens"]
            yield row
        progress(len(results))


def _can_travel(teacher: Teacher) -> bool:
    """Whether a teacher can be sent to another process, with every chunk of rows."""
    try:
        return len(pickle.dumps(teacher)) < _LIGHT
    except Exception:
        return False


_Made = tuple[str, str, "tuple[CotRow, int] | Rejected"]
"""A row's id and kind; its chain as a row, and the level of detail; or why there is none."""


def _made(rows: Sequence[Row], teacher: Teacher, limits: Limits, workers: int) -> list[_Made]:
    """What becomes of some rows. Rows of one program share its run."""
    tasks = [from_row(row) for row in rows]
    for task in tasks:
        if not task.prompt:
            raise RowError(
                f"the row {task.id!r} has no prompt: make rows with `execverify dataset from-programs` or `execverify dataset build`"
            )
    with_runs = [task for task in tasks if task.kind in TASK_KINDS]
    programs = dict.fromkeys(task.program for task in with_runs)
    runs = dict(zip(programs, traced_with_expressions(list(programs), limits, workers), strict=True))
    given = list(teacher.generate([TeacherInput(task, *runs[task.program]) for task in with_runs]))
    tried = [(task, found.text) for task, found in zip(with_runs, given, strict=True) if isinstance(found, CotCompletion)]
    verdicts = iter(accepted_many(tried, limits=limits, workers=workers))
    chains = iter(given)
    made: list[_Made] = []
    for task in tasks:
        found = next(chains) if task.kind in TASK_KINDS else Rejected(f"rows of kind {task.kind} have no trace to render")
        if isinstance(found, CotCompletion) and not next(verdicts):
            found = Rejected("the verifier does not pay it in full")
        made.append((task.id, task.kind, found if isinstance(found, Rejected) else (cot_row(task, found), found.detail_level)))
    return made


def cot_row(task: Task, chain: CotCompletion) -> CotRow:
    """The row for supervised fine-tuning of a task with its chain."""
    return {
        "id": task.id,
        "kind": task.kind,
        "prompt": [dict(message) for message in task.prompt],
        "completion": [{"role": "assistant", "content": chain.text}],
        "level": task.level,
        "style": chain.style,
        "tokens": chain.tokens,
    }


def parquet_columns(pa: Any) -> Any:
    """The columns of these rows as Parquet holds them; `pa` is pyarrow."""
    messages = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    columns = [("id", pa.string()), ("kind", pa.string()), ("prompt", messages), ("completion", messages)]
    return pa.schema([*columns, ("level", pa.int64()), ("style", pa.string()), ("tokens", pa.int64())])
