"""Rows become rows for supervised fine-tuning: each with a chain of thought as its completion."""

import pickle
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from execverify.datasets.chains.narrate import CountTokens, Unfit, check_style, estimate_tokens, narrate
from execverify.datasets.pool import chunked, mapped
from execverify.errors import DatasetError, RowError
from execverify.execution.outcome import Limits
from execverify.questions.rows import Row, from_row
from execverify.questions.task import TASK_KINDS, Task
from execverify.tracing.details import details_many
from execverify.tracing.trace import trace_many

_CHUNK = 64
_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Left:
    """A row that got no chain.

    Attributes:
        id: the row's id.
        reason: why, in a few words that many rows share.
        detail: what exactly.
    """

    id: str
    reason: str
    detail: str


@dataclass
class ChainAccount:
    """What became of the rows; filled while chains are made.

    Attributes:
        rows: how many were read.
        chains: how many got a chain, by kind.
        rungs: how many chains have each level of detail, from 0, the fullest.
        tokens: of all chains together.
        left: the rows that got none.
    """

    rows: int = 0
    chains: Counter[str] = field(default_factory=Counter)
    rungs: Counter[int] = field(default_factory=Counter)
    tokens: int = 0
    left: list[Left] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Style:
    voice: str
    detail: str
    budget: int | None
    seed: int
    count_tokens: CountTokens
    limits: Limits


def chain_rows(
    rows: Iterable[Row],
    *,
    voice: str = "terse",
    detail: str = "full",
    budget: int | None = None,
    seed: int = 0,
    count_tokens: CountTokens = estimate_tokens,
    workers: int = 1,
    limits: Limits = _LIMITS,
    account: ChainAccount | None = None,
    progress: Callable[[int], None] = lambda rows: None,
) -> Iterator[dict[str, Any]]:
    """Rows for supervised fine-tuning, in the order of the rows they are made of.

    Args:
        rows: of kind "white_box" or "input_prediction"; read as they are needed.
        voice, detail, budget, count_tokens: see `narrate`.
        seed: with a row's id, it chooses the phrases.
        workers: processes at work; where `count_tokens` cannot be sent to other processes, only the programs run in them.
        limits: what a program may use.
        account: is told what became of the rows.
        progress: told how many more rows are done, now and then.

    Yields:
        id, kind, prompt (messages), completion (messages), level, voice, tokens: the "prompt" and "completion" columns
        of TRL's SFTTrainer in its conversational format.

    Raises:
        DatasetError: an unknown voice or level of detail, a budget below 1.
        RowError: a row that cannot be read.
        SandboxError: programs cannot be run here (our failure).
    """
    check_style(voice, detail)
    if budget is not None and budget < 1:
        raise DatasetError(f"the budget must be 1 token or more, not {budget}")
    account = ChainAccount() if account is None else account
    style = _Style(voice, detail, budget, seed, count_tokens, limits)
    apart = workers > 1 and _can_travel(count_tokens)
    work = partial(_made, style=style, workers=1 if apart else workers)
    for made in mapped(work, chunked(rows, _CHUNK), workers if apart else 1):
        for kind, rung, row, left in made:
            account.rows += 1
            if left is not None:
                account.left.append(left)
            else:
                assert row is not None
                account.chains[kind] += 1
                account.rungs[rung] += 1
                account.tokens += row["tokens"]
                yield row
        progress(len(made))


def _can_travel(function: CountTokens) -> bool:
    try:
        return len(pickle.dumps(function)) < 10_000
    except Exception:
        return False


_Made = tuple[str, int, dict[str, Any] | None, Left | None]


def _made(rows: Sequence[Row], style: _Style, workers: int) -> list[_Made]:
    """What becomes of some rows. Rows of one program share its runs."""
    tasks = [from_row(row) for row in rows]
    for task in tasks:
        if task.kind in TASK_KINDS and not task.prompt:
            raise RowError(f"the row {task.id!r} has no prompt: make rows with `execverify rows` or `execverify build`")
    programs = {task.program: None for task in tasks if task.kind in TASK_KINDS}
    runs = dict(zip(programs, trace_many(programs, limits=style.limits, workers=workers), strict=True))
    returned = [run for run in runs.values() if run.steps]
    details = dict(
        zip((run.program for run in returned), details_many(returned, limits=style.limits, workers=workers), strict=True)
    )
    made: list[_Made] = []
    for task in tasks:
        if task.kind not in TASK_KINDS:
            made.append((task.kind, 0, None, Left(task.id, f"rows of kind {task.kind} have no run to tell", "")))
            continue
        found = narrate(
            task,
            runs[task.program],
            details.get(task.program),
            voice=style.voice,
            detail=style.detail,
            budget=style.budget,
            seed=style.seed,
            count_tokens=style.count_tokens,
        )
        if isinstance(found, Unfit):
            made.append((task.kind, 0, None, Left(task.id, found.reason, found.detail)))
        else:
            made.append((task.kind, found.rung, _row(task, found.text, found.voice, found.tokens), None))
    return made


def _row(task: Task, text: str, voice: str, tokens: int) -> dict[str, Any]:
    return {
        "id": task.id,
        "kind": task.kind,
        "prompt": [dict(message) for message in task.prompt],
        "completion": [{"role": "assistant", "content": text}],
        "level": task.level,
        "voice": voice,
        "tokens": tokens,
    }
