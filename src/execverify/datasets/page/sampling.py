"""What a page about a dataset needs of its rows: counts of all of them, and a few to look at, with little memory.

Counts come from single columns. Some rows are read whole: `spread` of them, evenly over the dataset, for what is measured on
questions and programs; and two a level, picked by chance, to be shown.
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
_READABLE_STEPS, _READABLE_LENGTH = 60, 2_000
"""A program with more steps, or a source with more characters, is shown only where a level has no other."""

Level = int | None


@dataclass
class Sample:
    """Counts of all rows, and the numbers (from 0) of those to look at.

    Attributes:
        rows: how many there are.
        kinds, levels, splits: how many, by kind, level and split; None and "none" where they have no level.
        methods: how many, by method under test.
        steps: how many, by steps of their run.
        questions: how many questions, by kind.
        shown: numbers of the rows to show, by level: the white-box row and the row of any kind that chance picks.
    """

    rows: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    levels: Counter[Level] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    methods: Counter[str] = field(default_factory=Counter)
    steps: Counter[int] = field(default_factory=Counter)
    questions: Counter[str] = field(default_factory=Counter)
    shown: dict[Level, list[int]] = field(default_factory=dict)


def look_at(shards: Sequence[Path], shown: int = 12) -> Sample:
    """Counts the rows of Parquet files, and picks those to show.

    Args:
        shards: the files, in order.
        shown: how many rows to show, as many of each level; two of each at least.

    Raises:
        RowError: a file that cannot be read.
    """
    sample = Sample()
    picks: dict[Level, _Picks] = {}
    for batch in _batches(shards, counted=True):
        rows = batch.to_pylist()
        for number, row in enumerate(rows, start=sample.rows):
            _count(sample, row)
            picks.setdefault(row["level"], _Picks(shown)).offer(row, number)
        sample.rows += len(rows)
    levels = sorted(picks, key=lambda level: level or 0)
    sample.shown = {level: picks[level].best(max(2, shown // len(levels))) for level in levels}
    return sample


class _Picks:
    """The rows of a level that chance prefers; readable ones before others."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.white_box: list[tuple[bool, int, int]] = []
        self.any: list[tuple[bool, int, int]] = []

    def offer(self, row: Row, number: int) -> None:
        crowded = row["difficulty"]["steps"] > _READABLE_STEPS or len(row["program"]["source"]) > _READABLE_LENGTH
        candidate = (crowded, stable_hash("shown", row["id"]), number)
        for best in (self.any, self.white_box) if row["kind"] == "white_box" else (self.any,):
            if len(best) < self.most or candidate < best[-1]:
                best.append(candidate)
                best.sort()
                del best[self.most :]

    def best(self, count: int) -> list[int]:
        """Numbers of rows: a white-box one first, then of any kind."""
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


def spread(shards: Sequence[Path], total: int, count: int) -> Iterator[Row]:
    """Up to `count` rows, evenly over all `total` of them."""
    wanted = sorted({place * total // count for place in range(count)}) if count < total else list(range(total))
    return rows_at(shards, wanted)


def rows_at(shards: Sequence[Path], numbers: Sequence[int]) -> Iterator[Row]:
    """The rows of some numbers, which must ascend."""
    begin, place = 0, 0
    for batch in _batches(shards):
        while place < len(numbers) and numbers[place] < begin + batch.num_rows:
            yield from batch.slice(
                numbers[place] - begin, 1
            ).to_pylist()  # (`take` wants an array, and to make one Arrow loads pandas)
            place += 1
        begin += batch.num_rows
        if place == len(numbers):
            return


def _batches(shards: Sequence[Path], counted: bool = False) -> Iterator[Any]:
    """Batches of rows; of the columns that are counted alone, or whole."""
    pa, pq = pyarrow_or_error()
    for shard in shards:
        try:
            with pq.ParquetFile(shard) as file:
                paths = [column.path for column in file.schema]
                columns = [path for path in paths if path in _COLUMNS or re.fullmatch(r"questions\..*\.kind", path)]
                yield from file.iter_batches(_BATCH, columns=columns if counted else None)
        except (OSError, pa.ArrowException) as error:
            raise RowError(f"{shard} is not a Parquet file of rows: {str(error).splitlines()[0]}") from None
