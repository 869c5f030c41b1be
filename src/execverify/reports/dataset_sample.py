"""The rows that the page of a dataset needs: counts of all rows, and a few whole rows, in little memory.

Counts come from single columns. Some rows are read whole: an even sample of the dataset for the figures about questions and
programs, and at least two rows of each level, drawn at random by a hash of their ids, to be shown.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from execverify.datasets.dedup import stable_hash
from execverify.datasets.rows_io import pyarrow_or_error
from execverify.errors import RowError
from execverify.questions.rows import Row

_COLUMNS = ("id", "kind", "level", "constraint", "split", "difficulty.steps", "program.source")
_BATCH = 500
READABLE_STEPS, _READABLE_LENGTH = 60, 2_000
"""A program with more steps, or a source with more characters, is shown only where its level has no other."""

Level = int | None


@dataclass
class Sample:
    """Counts of all rows, and the numbers (from 0) of the rows to show.

    Attributes:
        rows: how many rows there are.
        kinds, levels, splits: how many rows, by kind, level (None where they have none) and split.
        methods: how many rows, by built-in under test.
        steps: how many rows, by steps of their run.
        questions: how many questions, by kind.
        shown: numbers of the rows to show, by level: a white-box row first, then rows of any kind.
    """

    rows: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    levels: Counter[Level] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    methods: Counter[str] = field(default_factory=Counter)
    steps: Counter[int] = field(default_factory=Counter)
    questions: Counter[str] = field(default_factory=Counter)
    shown: dict[Level, list[int]] = field(default_factory=dict)


def sample_rows(shards: Sequence[Path], shown: int = 12) -> Sample:
    """Counts the rows of Parquet files, and draws those to show.

    Args:
        shards: the files, in order.
        shown: how many rows to show, divided evenly among the levels; at least two of each.

    Raises:
        RowError: a file cannot be read.
    """
    sample = Sample()
    samples: dict[Level, _LevelSample] = {}
    for batch in _batches(shards, counted=True):
        rows = batch.to_pylist()
        for number, row in enumerate(rows, start=sample.rows):
            _count(sample, row)
            samples.setdefault(row["level"], _LevelSample(shown)).offer(row, number)
        sample.rows += len(rows)
    levels = sorted(samples, key=lambda level: level or 0)
    sample.shown = {level: samples[level].best(max(2, shown // len(levels))) for level in levels}
    return sample


class _LevelSample:
    """The rows of a level with the smallest hashes; readable rows come before others."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.white_box: list[tuple[bool, int, int]] = []
        self.any: list[tuple[bool, int, int]] = []

    def offer(self, row: Row, number: int) -> None:
        is_long = row["difficulty"]["steps"] > READABLE_STEPS or len(row["program"]["source"]) > _READABLE_LENGTH
        candidate = (is_long, stable_hash("shown", row["id"]), number)
        for best in (self.any, self.white_box) if row["kind"] == "white_box" else (self.any,):
            if len(best) < self.size or candidate < best[-1]:
                best.append(candidate)
                best.sort()
                del best[self.size :]

    def best(self, count: int) -> list[int]:
        """Numbers of rows: a white-box row first, then rows of any kind."""
        numbers = [number for _, _, number in (*self.white_box[:1], *self.any)]
        return list(dict.fromkeys(numbers))[:count]


def _count(sample: Sample, row: Row) -> None:
    sample.kinds[row["kind"]] += 1
    sample.levels[row["level"]] += 1
    sample.splits[row["split"]] += 1
    sample.steps[row["difficulty"]["steps"]] += 1
    sample.questions.update(question["kind"] for question in row["questions"])
    if row["constraint"] is not None:
        sample.methods[row["constraint"].partition(" with ")[2]] += 1


def evenly_spaced(shards: Sequence[Path], total: int, count: int) -> Iterator[Row]:
    """Up to `count` rows, evenly over all `total` of them."""
    wanted = sorted({place * total // count for place in range(count)}) if count < total else list(range(total))
    return rows_at(shards, wanted)


def rows_at(shards: Sequence[Path], numbers: Sequence[int]) -> Iterator[Row]:
    """The rows with some numbers, which must ascend."""
    begin, place = 0, 0
    for batch in _batches(shards):
        while place < len(numbers) and numbers[place] < begin + batch.num_rows:
            # Not `take`: that needs an array, and making one loads pandas.
            yield from batch.slice(numbers[place] - begin, 1).to_pylist()
            place += 1
        begin += batch.num_rows
        if place == len(numbers):
            return


def _batches(shards: Sequence[Path], counted: bool = False) -> Iterator[Any]:
    """Batches of rows: the counted columns alone, or whole rows."""
    pa, pq = pyarrow_or_error()
    for shard in shards:
        try:
            with pq.ParquetFile(shard) as file:
                paths = [column.path for column in file.schema]
                columns = [path for path in paths if path in _COLUMNS or re.fullmatch(r"questions\..*\.kind", path)]
                yield from file.iter_batches(_BATCH, columns=columns if counted else None)
        except (OSError, pa.ArrowException) as error:
            raise RowError(f"{shard} is not a Parquet file of rows: {str(error).splitlines()[0]}") from None
