"""Stages over rows: rows go in, records come out in order; kept rows, rejected rows and the funnel are written.

rows.parquet              what was kept
rows.rejected.jsonl       every other row, with its `stage`, `reason` and `detail`
rows.funnel.json          the funnel, which begins with the one of the rows that went in
rows.requests/            what was asked and answered
"""

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from execverify.datasets.build_dir import read_manifest
from execverify.datasets.card import write_with_card
from execverify.datasets.rows_io import Columns, check_out, read_row_lines
from execverify.datasets.workers import batched
from execverify.errors import RowError
from execverify.generation.asker import Asker
from execverify.generation.engine import BATCH_SIZE, run_in_order
from execverify.generation.funnel import ANSWERED, ASKED, MAX_COMPLETION, MAX_DETAIL, Funnel, read_funnel
from execverify.models.model import Request, Sampling
from execverify.programs.program import truncate
from execverify.questions.rows import Row
from execverify.rewards.code.unit_tests import task_from_row
from execverify.utils.atomic import atomic_json, atomic_write
from execverify.utils.messages import one_line
from execverify.utils.read_files import BadLine, BadLines

Record = dict[str, Any]
"""`row`, `stage`, `reason`, `detail`, and what the stages add. `stage` is "" while the row is kept."""

_BESIDE = _REJECTED, _FUNNEL = ".rejected.jsonl", ".funnel.json"

Stage = Callable[[list[Record]], list[Record]]


def new_record(row: Row | BadLine) -> Record:
    """A record of a row that no stage has seen. A row that cannot be used is rejected, so that it does not end its batch."""
    record: Record = {"row": {} if isinstance(row, BadLine) else row, "stage": "", "reason": "", "detail": ""}
    if isinstance(row, BadLine):
        return rejected(record, ASKED, "the line cannot be used", row.why)
    if not _is_prompt(row.get("prompt")):
        return rejected(record, ASKED, "the row has no prompt", "its prompt is no list of messages with a role and a content")
    try:
        task_from_row(row)
    except (RowError, RecursionError) as error:
        return rejected(record, ASKED, "the row cannot be used", str(error))
    return record


def _is_prompt(prompt: Any) -> bool:
    return bool(prompt) and all(
        isinstance(message, Mapping) and isinstance(message.get("role"), str) and isinstance(message.get("content"), str)
        for message in prompt
    )


def rejected(record: Record, stage: str, reason: str, detail: str = "") -> Record:
    """The record, rejected at a stage."""
    return {**record, "stage": stage, "reason": reason, "detail": truncate(detail, MAX_DETAIL)}


def run_stages(
    rows: Iterable[Row | BadLine], work: Stage, *, concurrency: int, tick: Callable[[], None] = lambda: None
) -> Iterator[Record]:
    """Sends rows through `work` in batches, and yields the records in the order of the rows.

    Args:
        rows: what `read_row_lines` gives; a line that cannot be used is rejected in its place.
        work: the stages.
        concurrency, tick: as in `run_in_order`.
    """
    batches = (list(map(new_record, batch)) for batch in batched(rows, BATCH_SIZE))
    yield from chain.from_iterable(run_in_order(batches, work, concurrency=concurrency, tick=tick))


def ask_samples(records: Sequence[Record], asker: Asker, sampling: Sampling, samples: int) -> list[Record]:
    """Asks for some completions of each row; the record gets `completions`. One request a sample, numbered from 0."""
    alive = [record for record in records if not record["stage"]]
    requests = [Request("", tuple(record["row"]["prompt"]), number) for record in alive for number in range(samples)]
    replies = iter(asker.ask(requests, sampling))
    made = []
    for record in records:
        if record["stage"]:
            made.append(record)
            continue
        own = [next(replies) for _ in range(samples)]
        error = next((reply.error for reply in own if reply.answer is None), None)
        texts = [reply.answer.text for reply in own if reply.answer is not None]
        made.append({**record, "completions": texts} if error is None else rejected(record, ANSWERED, "a request failed", error))
    return made


def beside(out: str, ending: str) -> Path:
    """A file or folder that belongs to an output file: `rows.requests` for `rows.parquet`."""
    path = Path(out)
    return path.with_name(f"{path.stem}{ending}")


def input_funnel(rows: str) -> list[dict[str, Any]]:
    """The funnel of a dataset's folder or of a file of rows; empty where it has none."""
    if rows == "-":
        return []
    if Path(rows).is_dir():
        return read_funnel((read_manifest(Path(rows)) or {}).get("funnel"))
    sidecar = beside(rows, _FUNNEL)
    if not sidecar.is_file():
        return []
    try:
        found = json.loads(sidecar.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise RowError(f"{sidecar}, the funnel of {rows}, cannot be read ({one_line(error, 100)}): move it away") from None
    return read_funnel(found.get("funnel") if isinstance(found, dict) else None)


def rows_to_ask(rows: str, limit: int | None = None) -> Iterator[Row | BadLine]:
    """The first rows of an input, and its lines that cannot be used in their places.

    Raises:
        RowError: there is none.
    """
    found = itertools.islice(read_row_lines(rows), limit)
    first = next(found, None)
    if first is None:
        raise RowError(f"{rows} holds no rows: nothing is asked or written")
    return itertools.chain([first], found)


def check_row_output(out: str, *inputs: str | None) -> None:
    """Raises RowError where the files of a `RowOutput` cannot be written, or one of them is read meanwhile."""
    check_out(out, inputs, [beside(out, ending) for ending in _BESIDE] if out != "-" else ())


class RowOutput:
    """Writes the kept rows of records, the rejected ones and the funnel.

    Args:
        out: file of the kept rows, .parquet or .jsonl; None: nothing is written.
        funnel: counts the records.
        before: the stages of the rows that went in.
        about, command: what a row is and the shell command, for the card of the kept rows.
        row_of: what is written of a kept record; its row by default.
        columns: of a Parquet file; those of a task's row by default.

    Attributes:
        kept: how many rows were kept.
        bad: the lines that could not be used.
        taken: how many records there were.
    """

    def __init__(
        self,
        out: str | None,
        funnel: Funnel,
        before: Sequence[dict[str, Any]] = (),
        *,
        about: str,
        command: str,
        row_of: Callable[[Record], Row] = lambda record: record["row"],
        columns: Columns | None = None,
    ) -> None:
        self.out, self.funnel, self.before, self.row_of, self.columns = out, funnel, list(before), row_of, columns
        self.about, self.command = about, command
        self.kept = 0
        self.bad = BadLines()
        self.taken = 0

    def require_rows(self, why: str) -> None:
        """Raises RowError where no row was kept: for the first bad line where all were bad, else with the reason."""
        if not self.kept:
            raise RowError(self.bad.first if self.taken and self.taken == self.bad.count else why)

    @property
    def entries(self) -> list[dict[str, Any]]:
        """All stages, those before included."""
        return [*self.before, *self.funnel.plain()]

    def write(self, records: Iterable[Record]) -> int:
        """Takes all records; returns how many rows were kept. Each file is written whole.

        Raises:
            RowError: a file cannot be written.
        """
        if self.out is None or self.out == "-":
            kept = self._kept(records, None)
            if self.out is None:
                return sum(1 for _ in kept)
            self._write_kept(self.out, kept)
            return self.kept
        try:
            with atomic_write(beside(self.out, _REJECTED)) as file:
                self._write_kept(self.out, self._kept(records, file))
            atomic_json(beside(self.out, _FUNNEL), {"funnel": self.entries})
        except OSError as error:
            raise RowError(f"what belongs to {self.out} could not be written: {error.strerror or error}") from None
        return self.kept

    def _write_kept(self, out: str, kept: Iterator[Row]) -> None:
        write_with_card(out, kept, self.about, self.command, self.columns)

    def _kept(self, records: Iterable[Record], rejected_to: BinaryIO | None) -> Iterator[Row]:
        """The rows that are kept; the others are written to a file meanwhile."""
        for record in records:
            self._count(record)
            if not record["stage"]:
                yield self.row_of(record)
            elif rejected_to is not None:
                why = {name: record[name] for name in ("stage", "reason", "detail")}
                given = {"completion": record["completion"][:MAX_COMPLETION]} if "completion" in record else {}
                rejected_to.write((json.dumps({**record["row"], **given, **why}) + "\n").encode())

    def _count(self, record: Record) -> None:
        self.funnel.add(record["stage"], record["reason"])
        self.taken += 1
        self.kept += not record["stage"]
        if not record["row"]:
            self.bad.add(record["detail"])
