"""The finished chunks of an unfinished build: each is one file, whole or not there.

A chunk is a fixed range of items, so its file is the same whichever process writes it and when. A build that is started again
reads the files that are there and makes the others. Each item has one line with its `ItemResult`; the lines of its rows follow,
in the canonical form from which content hashes are computed.
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
"""Items in a chunk."""


@dataclass(frozen=True)
class ItemResult:
    """How many rows an item gives, and why its other attempts gave none.

    Attributes:
        index: the item's number.
        rows: how many rows it gives.
        split: the split of its rows.
        keys: hashes that no other item of the dataset may have (see `Source.keys`).
        refused: how many attempts were rejected, by reason.
        excluded: how many of these were too near to a benchmark, by its file's name.
        dropped: why the item gives no row; None where it gives one.
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

    result: ItemResult
    tasks: tuple[Task, ...] = ()


def canonical_line(row: Row) -> bytes:
    """A row as JSON with sorted keys, without blanks, in ASCII, with a line end. It does not depend on the file format."""
    return json.dumps(row, sort_keys=True, separators=(",", ":")).encode("ascii") + b"\n"


def lines_of(item: GeneratedItem) -> list[bytes]:
    """The lines of an item: its result, then its rows."""
    return [canonical_line(asdict(item.result)), *(canonical_line(to_row(task)) for task in item.tasks)]


def pack(lines: Iterable[bytes]) -> bytes:
    """The content of a chunk's file, from the lines of all its items."""
    return gzip.compress(b"".join(lines), compresslevel=1, mtime=0)


class ChunkStore:
    """The chunks in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, number: int, data: bytes) -> None:
        """Writes a packed chunk: whole, or not at all."""
        with atomic_write(self._path(number), durable=False) as file:  # a damaged chunk is made again
            file.write(data)

    def read(self, number: int) -> Iterator[tuple[ItemResult, list[bytes]]] | None:
        """The items of a chunk with the lines of their rows; None if the chunk is missing or not whole."""
        try:
            lines = gzip.decompress(self._path(number).read_bytes()).splitlines(keepends=True)
        except (FileNotFoundError, EOFError, gzip.BadGzipFile, zlib.error):
            return None
        return _items(lines)

    def has(self, number: int) -> bool:
        """Whether the chunk's file exists."""
        return self._path(number).exists()

    def remove(self, number: int) -> None:
        """Removes a chunk that is not whole, as after a power failure."""
        self._path(number).unlink(missing_ok=True)

    def remove_partial(self) -> None:
        """Removes what a killed process was writing."""
        for path in self.folder.glob(".*.part"):
            path.unlink(missing_ok=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"chunk-{number:08d}.jsonl.gz"


def _items(lines: list[bytes]) -> Iterator[tuple[ItemResult, list[bytes]]]:
    start = 0
    while start < len(lines):
        fields = json.loads(lines[start])
        result = ItemResult(**{**fields, "keys": tuple(fields["keys"])})
        end = start + 1 + result.rows
        yield result, lines[start + 1 : end]
        start = end
