"""`dataset build --synthesizer chat`: a dataset whose programs a model writes.

The folder, the rows, the removal of duplicates and the report are those of `execverify.datasets.build`. Beside them, OUT/requests holds
every request and answer, and OUT/rejected.jsonl every record that gave no row, with its stage and reason.
"""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from execverify.datasets.build_dir import REQUESTS, ReportWriter, write_error
from execverify.datasets.build_run import BuildResult, build
from execverify.datasets.chunks import ItemResult
from execverify.datasets.collect import RowCollector
from execverify.datasets.config import DatasetConfig
from execverify.datasets.workers import WorkerPool, Workers
from execverify.errors import DatasetError
from execverify.generation.asker import Asker
from execverify.generation.engine import BATCH_SIZE, run_in_order
from execverify.generation.funnel import ANSWERED, MAX_COMPLETION, NEW, PROGRAM_STAGES, Funnel
from execverify.generation.programs import (
    CHAT,
    Record,
    SynthesisConfig,
    ask_inputs,
    ask_programs,
    check_programs,
    check_recipe,
    execute_programs,
    program_records,
    repair_programs,
)
from execverify.generation.store import describe_settings
from execverify.utils.atomic import atomic_write

REJECTED = "rejected.jsonl"
"""The records that gave no row."""

DEFAULT_ASKED_PER_ROW = 20
"""Programs that are asked for at most, for each row that is wanted, where nothing else is given."""

_REJECTED_COLUMNS = (
    "index", "stage", "reason", "detail", "level", "method", "repaired", "completion", "source", "entry_point", "arguments",
)  # fmt: skip
_NO_PATIENCE = 2**62  # the number of programs that are asked for is the limit


def build_with_model(
    out: str | Path,
    size: int,
    recipe: DatasetConfig,
    config: SynthesisConfig,
    asker: Asker,
    *,
    max_asked: int | None = None,
    workers: Workers = 1,
    progress: Callable[[int, int], None] = lambda rows, ready: None,
    write_report: ReportWriter | None = None,
    command: str | None = None,
) -> BuildResult:
    """Writes a dataset of a model's programs into a folder; continues where a build with the same settings stopped.

    Args:
        out: the folder; made if it does not exist.
        size: how many rows.
        recipe: what decides the rows besides the model's answers.
        config: how the model makes programs.
        asker: asks the model.
        max_asked: programs to ask for at most; the dataset may then have fewer rows. None: `DEFAULT_ASKED_PER_ROW` for each row.
        workers: how many processes check and run programs, or a pool.
        progress: called with the number of rows so far, and how many of these an earlier build had made.
        write_report, command: as in `execverify.datasets.build`.

    Raises:
        DatasetError: settings that do not go together; a folder that holds something else or cannot be written.
        RunStopped: the budget is spent, too many requests failed, or the server is down. The same call resumes.
        SandboxError: programs cannot be run here (our failure).
    """
    check_recipe(recipe)
    maker = _ChatMaker(recipe, config, asker, size, size * DEFAULT_ASKED_PER_ROW if max_asked is None else max_asked)
    try:
        return build(
            out,
            size,
            recipe,
            workers=workers,
            progress=progress,
            write_report=write_report,
            command=command,
            maker=maker,
        )
    finally:
        maker.close()


def requests_folder(out: str | Path) -> Path:
    """Where the requests of a dataset's folder are kept."""
    return Path(out) / REQUESTS


@dataclass(slots=True)
class _Batch:
    """Numbers of items, and the file that keeps them while the dataset is not complete."""

    number: int
    indexes: range
    path: Path


class _ChatMaker:
    """Makes the items of a dataset by asking a model; counts the funnel and writes rejected records."""

    patience = _NO_PATIENCE

    def __init__(self, recipe: DatasetConfig, config: SynthesisConfig, asker: Asker, size: int, max_asked: int) -> None:
        if max_asked < 1:
            raise DatasetError(f"--max-asked is {max_asked}: give 1 or more")
        self.recipe, self.config, self.asker, self.size, self.max_asked = recipe, config, asker, size, max_asked
        self.funnel = Funnel("programs", PROGRAM_STAGES)
        self.settings: dict[str, Any] = {
            "synthesizer": "chat",
            "model": {"name": asker.model.name, **describe_settings(asker.model)},
            "max_asked": max_asked,
            **config.plain(),
        }
        self._waiting: dict[int, Record] = {}
        self._rejected: TextIO | None = None
        self._work = Path()

    def items(self, pool: WorkerPool, work: Path, collector: RowCollector) -> Iterator[tuple[bool, ItemResult, list[bytes]]]:
        """The items in order, as many as may be asked for."""
        self._work = work
        self._rejected = (work / REJECTED).open("w", encoding="utf-8")
        starts = range(0, self.max_asked, BATCH_SIZE)
        batches = (
            _Batch(number, range(start, min(start + BATCH_SIZE, self.max_asked)), work / f"batch-{number:08d}.json.gz")
            for number, start in enumerate(starts)
        )

        def may_start(waiting: int) -> bool:
            """Whether the batches that are under way may not be enough, at the share of items that gave rows so far."""
            share = (collector.rows + 1) / (collector.items + 1)
            return collector.rows + waiting * BATCH_SIZE * share < self.size

        made = run_in_order(batches, partial(self._make, pool), concurrency=self.asker.concurrency, may_start=may_start)
        for was_ready, records in made:
            for record in records:
                self._waiting[record["index"]] = record
                yield was_ready, _result(record), [line.encode("ascii") for line in record.get("rows", ())]

    def taken(self, result: ItemResult, drop: str | None) -> None:
        """Counts a record; writes it down where it gave no row."""
        record = self._waiting.pop(result.index)
        if drop is not None and not record["stage"]:
            record = {**record, "stage": NEW, "reason": drop}
        self.funnel.add(record["stage"], record["reason"])
        if record.get("repaired"):
            self.funnel.notes["repairs asked for"] += 1
            self.funnel.notes["repairs that gave a row"] += not record["stage"]
        if record["stage"]:
            assert self._rejected is not None
            completion = (record.get("completion") or "")[:MAX_COMPLETION]
            self._rejected.write(
                json.dumps({name: {**record, "completion": completion}.get(name) for name in _REJECTED_COLUMNS}) + "\n"
            )

    def finish(self, out: Path) -> dict[str, Any]:
        """Moves the rejected records into place; the funnel for the manifest."""
        self.close()
        (self._work / REJECTED).replace(out / REJECTED)
        return {"funnel": self.funnel.plain(), "repairs": dict(self.funnel.notes)}

    def close(self) -> None:
        """Closes the file of rejected records; may be called twice."""
        if self._rejected is not None:
            self._rejected.close()

    def _make(self, pool: WorkerPool, batch: _Batch) -> tuple[bool, list[Record]]:
        """In a thread: the records of a batch, and whether an earlier build had made them."""
        if (ready := _read(batch.path)) is not None:
            return True, ready
        seed, config, asker = self.recipe.seed, self.config, self.asker
        records = ask_programs(program_records(self.recipe, batch.indexes), asker, config, seed)
        records = pool.submit(check_programs, records).result()
        if config.repair:
            records = repair_programs(records, asker, config, seed)
        if config.inputs == CHAT:
            records = ask_inputs(records, asker, config, seed)
        work = partial(execute_programs, recipe=self.recipe, config=config, generator=f"chat:{asker.model.name}")
        records = pool.submit(work, records).result()
        if not any(record["stage"] == ANSWERED for record in records):  # what failed is asked again by the next run
            _write(batch.path, records)
        return False, records


def _result(record: Record) -> ItemResult:
    index = record["index"]
    if record["stage"]:
        return ItemResult(index, excluded=record.get("excluded", {}), dropped=record["reason"])
    return ItemResult(index, len(record["rows"]), record["split"], tuple(record["keys"]))


def _read(path: Path) -> list[Record] | None:
    """The records of a file; None where it is missing or not whole."""
    try:
        records: list[Record] = json.loads(gzip.decompress(path.read_bytes()))
    except (FileNotFoundError, EOFError, gzip.BadGzipFile, zlib.error, ValueError):
        return None
    return records


def _write(path: Path, records: list[Record]) -> None:
    try:
        with atomic_write(path, durable=False) as file:
            file.write(gzip.compress(json.dumps(records).encode(), compresslevel=1, mtime=0))
    except OSError as error:
        raise DatasetError(write_error(path.parent.parent, error)) from None
