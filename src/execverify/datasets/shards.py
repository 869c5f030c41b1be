"""Parquet files of rows, one series a split, each with hashes of its bytes and of its rows."""

import contextlib
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from execverify.datasets.rows_io import parquet_schema, parquet_table_of_lines, pyarrow_or_error

ROWS = 10_000
"""Most rows of a shard."""

_GROUP = 1_000


@dataclass(frozen=True, slots=True)
class Shard:
    """A finished file.

    Attributes:
        file: its path within the dataset's folder.
        split: the split that it is part of.
        rows: how many rows it holds.
        bytes: its size.
        sha256: of its bytes, which another version of pyarrow may write in another way.
        content: SHA-256 of its rows' canonical lines (`row_line`), which no version of anything changes.
    """

    file: str
    split: str
    rows: int
    bytes: int
    sha256: str
    content: str


class _Open:
    """A shard that is being written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        pa, pq = pyarrow_or_error()
        self.schema = parquet_schema(pa)
        self.writer = pq.ParquetWriter(path, self.schema, compression="zstd")
        self.rows = 0
        self.content = hashlib.sha256()
        self.waiting: list[bytes] = []

    def flush(self, counts: Counter[tuple[str, str, int | None]]) -> None:
        table = parquet_table_of_lines(self.waiting, self.path.name)
        self.waiting.clear()
        counts.update(zip(*(table[name].to_pylist() for name in ("split", "kind", "level")), strict=True))
        self.writer.write_table(table)


class Shards:
    """Writes rows into the shards of their splits, with constant memory. A context manager: what is open is closed at the end.

    Attributes:
        counts: rows written, by split, kind and level.
        content: SHA-256 of all rows' lines, in the order in which they came.
    """

    def __init__(self, folder: Path, splits: Sequence[str], rows: int = ROWS) -> None:
        self.folder = folder
        self.counts: Counter[tuple[str, str, int | None]] = Counter()
        self.content = hashlib.sha256()
        self._most = rows
        self._open: dict[str, _Open] = {}
        self._done: dict[str, list[tuple[Path, int, str]]] = {split: [] for split in splits}

    def __enter__(self) -> "Shards":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        for shard in self._open.values():
            with contextlib.suppress(Exception):  # only where something failed before, which is what should be reported
                shard.writer.close()

    def add(self, split: str, line: bytes) -> None:
        """Adds a row by its canonical line."""
        shard = self._open.get(split)
        if shard is None:
            shard = self._open[split] = _Open(self.folder / f"{split}-{len(self._done[split]):05d}.parquet")
        shard.waiting.append(line)
        shard.content.update(line)
        self.content.update(line)
        shard.rows += 1
        if len(shard.waiting) == _GROUP:
            shard.flush(self.counts)
        if shard.rows == self._most:
            self._close(split)

    def _close(self, split: str) -> None:
        shard = self._open[split]
        if shard.waiting:
            shard.flush(self.counts)
        shard.writer.close()
        del self._open[split]
        self._done[split].append((shard.path, shard.rows, shard.content.hexdigest()))

    def finish(self) -> list[Shard]:
        """Closes all files and gives them their last names, which hold the number of shards, as on dataset hubs."""
        for split in list(self._open):
            self._close(split)
        shards = []
        for split, files in self._done.items():
            for number, (path, rows, content) in enumerate(files):
                last = path.with_name(f"{split}-{number:05d}-of-{len(files):05d}.parquet")
                path.rename(last)
                with last.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                shards.append(Shard(f"data/{last.name}", split, rows, last.stat().st_size, digest, content))
        return shards
