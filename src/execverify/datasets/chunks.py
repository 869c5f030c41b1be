"""Finished work of an unfinished build: each span of items in a file of its own, whole or not there.

A span is a fixed range of items, so its file is the same whoever makes it and when; a build that is started again reads
what is there and makes the rest. A line for each item says what became of it; the lines of its rows follow, each in the
canonical form that content hashes are made of.
"""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from execverify.questions.rows import Row, to_row
from execverify.questions.task import Task
from execverify.utils.atomic import atomic_write

CHUNK_SIZE = 64
"""Items in a span."""


@dataclass(frozen=True)
class ItemResult:
    """What became of an item.

    Attributes:
        index: the item's number.
        rows: how many rows it gives.
        split: the split of its rows.
        keys: numbers that no other item of the dataset may have: one for each of `Recipe`'s ways of being the same.
        refused: how many attempts came to nothing, by reason.
        excluded: how many of these were too near to a benchmark, by its file's name.
        dropped: why it gives no row; None where it does.
    """

    index: int
    rows: int = 0
    split: str = ""
    keys: tuple[int, ...] = ()
    refused: dict[str, int] = field(default_factory=dict)
    excluded: dict[str, int] = field(default_factory=dict)
    dropped: str | None = None


@dataclass(frozen=True)
class GeneratedItem:
    """An item with the tasks that it gives."""

    fate: ItemResult
    tasks: tuple[Task, ...] = ()


def canonical_line(row: Row) -> bytes:
    """A row in its canonical form: JSON with sorted keys, no blanks and ASCII alone, and a line end.

    It does not depend on the file format, so it is what content hashes are made of.
    """
    return json.dumps(row, sort_keys=True, separators=(",", ":")).encode("ascii") + b"\n"


def lines_of(item: GeneratedItem) -> list[bytes]:
    """The lines of an item: what became of it, and its rows."""
    return [canonical_line(asdict(item.fate)), *(canonical_line(to_row(task)) for task in item.tasks)]


class ChunkStore:
    """The spans in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, number: int, lines: Iterable[bytes]) -> None:
        """Writes a span, which is the lines of all its items: whole, or not at all."""
        data = gzip.compress(b"".join(lines), compresslevel=1, mtime=0)
        with atomic_write(self._path(number), durable=False) as file:  # a damaged span is made again
            file.write(data)

    def read(self, number: int) -> Iterator[tuple[ItemResult, list[bytes]]] | None:
        """The items of a span with the lines of their rows; None where the span is not there, or not whole."""
        try:
            lines = gzip.decompress(self._path(number).read_bytes()).splitlines(keepends=True)
        except (FileNotFoundError, EOFError, gzip.BadGzipFile, zlib.error):
            return None
        return _items(lines)

    def has(self, number: int) -> bool:
        """Whether a span is there."""
        return self._path(number).exists()

    def remove(self, number: int) -> None:
        """Removes a span that is not whole, as after a power failure."""
        self._path(number).unlink(missing_ok=True)

    def remove_partial(self) -> None:
        """Removes what a killed process was writing."""
        for path in self.folder.glob(".*.part"):
            path.unlink(missing_ok=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"span-{number:08d}.jsonl.gz"


def _items(lines: list[bytes]) -> Iterator[tuple[ItemResult, list[bytes]]]:
    place = 0
    while place < len(lines):
        plain = json.loads(lines[place])
        fate = ItemResult(**{**plain, "keys": tuple(plain["keys"])})
        place += 1 + fate.rows
        yield fate, lines[place - fate.rows : place]
