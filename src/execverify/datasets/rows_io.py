"""Rows in files: JSONL or Parquet, by the name's ending; or in a folder of Parquet files, as `execverify dataset build` makes it.

A file is written under another name and moved into place when it is whole, so that an interrupted run leaves the old file
or none. `-` stands for standard input and output, as JSONL.
"""

import errno
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from execverify.datasets.build_dir import IN_PROGRESS, MANIFEST, read_manifest
from execverify.errors import DatasetError, RowError
from execverify.questions.rows import VERSION, Row
from execverify.utils.atomic import atomic_write
from execverify.utils.read_files import BadLine, OnBad, read_records

_BATCH = 1_000

Columns = Callable[[Any], Any]
"""Given pyarrow, the columns of a Parquet file, as its schema."""


def write_rows(path: str, rows: Iterable[Row], columns: Columns | None = None) -> int:
    """Writes rows; returns how many.

    Args:
        path: a name that ends in .jsonl or .parquet, or `-` for standard output.
        rows: what to write.
        columns: those of a Parquet file; by default, those of a task's row.

    Raises:
        RowError: another ending, a folder that does not exist, a full disk; nothing is left half-written.
    """
    check_out(path)
    if path == "-":
        return _write_lines(sys.stdout.write, rows)
    try:
        with atomic_write(path) as file:
            if path.endswith(".parquet"):
                return _write_parquet(file, rows, path, columns or parquet_schema)
            return _write_lines(lambda line: file.write(line.encode()), rows)
    except OSError as error:
        raise RowError(f"{path} could not be written: {error.strerror or error}") from None


def check_out(path: str, inputs: Sequence[str | None] = (), beside: Sequence[Path] = ()) -> None:
    """Raises RowError where rows cannot be written to a file of that name; call it before long work begins.

    Args:
        path: the file to write.
        inputs: what is read meanwhile, which must not be lost.
        beside: what is written beside the file.
    """
    if path == "-":
        return
    target = Path(path)
    for one in (target, *beside):
        if any(given is not None and given != "-" and _is_same_file(one, Path(given)) for given in inputs):
            raise RowError(f"{one} is read and would be written, and what it holds would be lost: name another output")
    if target.suffix not in (".jsonl", ".parquet"):
        raise RowError(f"{path}: end the name in .jsonl or .parquet to say which format to write")
    if target.suffix == ".parquet":
        pyarrow_or_error()
    if target.is_dir():
        raise RowError(f"{path} is a folder: name a file")
    if not target.parent.is_dir():
        raise RowError(f"{target.parent}: no such folder; make it first")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise RowError(f"{path} could not be written: {os.strerror(errno.EACCES)}")


def _is_same_file(one: Path, other: Path) -> bool:
    """Whether two names are of one file that is there, also through links."""
    return one.exists() and other.exists() and one.samefile(other)


def _write_lines(write: Callable[[str], object], rows: Iterable[Row]) -> int:
    count = 0
    for row in rows:
        write(json.dumps(row) + "\n")
        count += 1
    return count


def _write_parquet(file: BinaryIO, rows: Iterable[Row], name: str, columns: Columns) -> int:
    pa, pq = pyarrow_or_error()
    count = 0
    with pq.ParquetWriter(file, columns(pa)) as writer:
        for batch in _batches(rows):
            writer.write_table(parquet_table(batch, name, columns))
            count += len(batch)
    return count


def parquet_table(rows: list[Row], name: str, columns: Columns | None = None) -> Any:
    """Rows as an Arrow table; raises RowError, with the file's name, where one cannot be held."""
    pa, _ = pyarrow_or_error()
    try:
        return pa.Table.from_pylist(rows, schema=(columns or parquet_schema)(pa))
    except (pa.ArrowException, OverflowError, UnicodeError) as error:
        raise RowError(f"{name} could not be written: Parquet cannot hold a row: {' '.join(str(error).split())}") from None


def parquet_table_of_lines(lines: Sequence[bytes], name: str) -> Any:
    """The same of rows as lines of JSON, which Arrow reads by itself: no row becomes an object of Python's."""
    import pyarrow.json

    pa, _ = pyarrow_or_error()
    data = b"".join(lines)
    try:
        return pyarrow.json.read_json(
            io.BytesIO(data),
            read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=len(data) + 1),  # a block holds whole rows
            parse_options=pyarrow.json.ParseOptions(explicit_schema=parquet_schema(pa), unexpected_field_behavior="error"),
        )
    except pa.ArrowException as error:
        raise RowError(f"{name} could not be written: Parquet cannot hold a row: {' '.join(str(error).split())}") from None


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def read_rows(path: str, on_bad: OnBad | None = None) -> Iterator[Row]:
    """Rows of a file, or of a dataset's folder, in order, checked for their version.

    Args:
        path: the file or folder, or `-` for standard input.
        on_bad: called with the message of each line that is not a row, which is left out. None: such a line is an error.

    Raises:
        RowError: no such file, another format; a line that is not a row of this version, where `on_bad` is None or no line is a row.
        DatasetError: the folder of a dataset that is not complete.
    """
    first, found = "", False
    for row in read_row_lines(path):
        if not isinstance(row, BadLine):
            found = True
            yield row
        elif on_bad is None:
            raise RowError(row.why)
        else:
            first = first or row.why
            on_bad(row.why)
    if first and not found:
        raise RowError(first)


def read_row_lines(path: str) -> Iterator[Row | BadLine]:
    """The same as `read_rows`, with each line that is not a row in its place.

    Raises:
        RowError: no such file, or another format.
        DatasetError: the folder of a dataset that is not complete.
    """
    if path != "-" and Path(path).is_dir():
        rows: Iterator[tuple[str, Any]] = chain.from_iterable(read_parquet(str(shard)) for shard in shards_of(Path(path)))
    elif path != "-" and Path(path).suffix == ".parquet":
        rows = read_parquet(path)
    else:
        rows = read_records(path, "rows")
    for where, row in rows:
        if isinstance(row, BadLine):
            yield row
        elif why := _why_not_a_row(row):
            yield BadLine(f"{where} is {why}")
        else:
            yield row


def _why_not_a_row(value: Any) -> str:
    if not isinstance(value, dict):
        return "not a row: it is no JSON object"
    if "kind" not in value or "program" not in value:
        return "not a row: it has no kind and program; make rows with `execverify dataset from-programs FILE -o OUT`"
    version = value.get("version", VERSION)
    return "" if version == VERSION else f"of version {version}, and this execverify reads version {VERSION}: make the rows again"


def shards_of(folder: Path, manifest: dict[str, Any] | None = None) -> list[Path]:
    """The Parquet files of a folder: those that its manifest names, in that order, or else all that lie in it or in `data`.

    Args:
        folder: where they are.
        manifest: its content; by default, it is read.

    Raises:
        RowError: there are none.
        DatasetError: its dataset is not complete, or a file that its manifest names is missing.
    """
    manifest = read_manifest(folder) if manifest is None else manifest
    if manifest is not None:
        shards = [folder / shard["file"] for shard in manifest["shards"]]
        for shard in shards:
            if not shard.is_file():
                raise DatasetError(f"{shard}: no such file, but {folder / MANIFEST} names it: make the dataset again")
        return shards
    if (folder / IN_PROGRESS).is_dir():
        raise DatasetError(
            f"{folder} holds a dataset that is not complete: give its `execverify dataset build` command again to go on"
        )
    found = sorted(folder.glob("*.parquet")) or sorted((folder / "data").glob("*.parquet"))
    if not found:
        raise RowError(f"{folder} is a folder: name a file of rows, or the folder of a dataset")
    return found


def count_rows(path: str) -> int | None:
    """How many rows a file or folder has, where that is known without reading them: for progress bars."""
    if path == "-" or not (Path(path).is_dir() or path.endswith(".parquet")):
        return None
    _, pq = pyarrow_or_error()
    try:
        shards = shards_of(Path(path)) if Path(path).is_dir() else [Path(path)]
        return int(sum(pq.read_metadata(shard).num_rows for shard in shards))
    except Exception:  # reading it will report what is wrong
        return None


def read_parquet(path: str) -> Iterator[tuple[str, Row]]:
    """The rows of a Parquet file, each with file and number for messages; raises RowError where it cannot be read."""
    pa, pq = pyarrow_or_error()
    try:
        with pq.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(_BATCH):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{path}, row {number}", row
    except FileNotFoundError:
        raise RowError(f"{path}: no such file") from None
    except (OSError, pa.ArrowException) as error:
        raise RowError(f"{path} is not a Parquet file that can be read: {str(error).splitlines()[0]}") from None


def pyarrow_or_error() -> tuple[Any, Any]:
    """The modules pyarrow and pyarrow.parquet; raises RowError where they are not installed."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise RowError("Parquet needs pyarrow: pip install 'execverify[cli]', or use a name that ends in .jsonl") from None
    return pyarrow, pyarrow.parquet


def parquet_schema(pa: Any) -> Any:
    """The columns of a row as Parquet holds them; `pa` is pyarrow."""
    text, number = pa.string(), pa.int64()
    question = [
        ("kind", text), ("line", number), ("visit", number), ("variable", text), ("text", text), ("answers", pa.list_(text)),
    ]  # fmt: skip
    counts = ("steps", "branches", "depth", "pass_count", "samples")
    return pa.schema(
        [
            ("version", number),
            ("id", text),
            ("kind", text),
            ("prompt", pa.list_(pa.struct([("role", text), ("content", text)]))),
            ("program", pa.struct([(name, text) for name in ("source", "entry_point", "arguments", "result")])),
            ("questions", pa.list_(pa.struct(question))),
            ("level", number),
            ("constraint", text),
            ("difficulty", pa.struct([(name, number) for name in counts])),
            ("split", text),
            ("seed", number),
            ("generator", text),
        ]
    )
