"""Rows with the trace of their program in the format of CWM: a prompt and a completion, for supervised fine-tuning."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from execverify.datasets.workers import batched
from execverify.questions.rows import Row, from_row
from execverify.questions.task import TASK_KINDS
from execverify.sandbox.result import Limits
from execverify.tracing.cwm import cwm_traces

_BATCH = 64
_DEFAULT = Limits()


def cwm_rows(
    rows: Iterable[Row],
    left_out: Counter[str],
    *,
    kinds: Sequence[str] = TASK_KINDS,
    limits: Limits = _DEFAULT,
    workers: int = 1,
) -> Iterator[dict[str, str]]:
    """Yield {id, prompt, completion} for each program, in the order of the rows. A program that comes again is left out.

    Args:
        rows: of a dataset.
        left_out: counts rows that give none, by reason.
        kinds: of the rows to take.
        limits: what a program may use.
        workers: how many programs run at once.

    Raises:
        RowError: a row is malformed.
        SandboxError: programs cannot be run here.
    """
    seen = set()
    for batch in batched(rows, _BATCH):
        tasks = []
        for task in map(from_row, batch):
            if task.kind not in kinds or task.kind not in TASK_KINDS:
                left_out[f"of kind {task.kind}"] += 1
            elif task.program in seen:
                left_out["of a program that is there already"] += 1
            else:
                seen.add(task.program)
                tasks.append(task)
        traces = cwm_traces([task.program for task in tasks], limits=limits, workers=workers)
        for task, trace in zip(tasks, traces, strict=True):
            if trace.frames:
                yield {"id": task.id, "prompt": trace.prompt, "completion": trace.completion}
            else:
                left_out[trace.why_empty] += 1


def cwm_columns(pa: Any) -> Any:
    """The columns of these rows as Parquet holds them; `pa` is pyarrow."""
    return pa.schema([(name, pa.string()) for name in ("id", "prompt", "completion")])
