"""Rows in files: JSONL or Parquet, by the name's ending.

A file is written under another name and moved into place when it is whole, so that an interrupted run leaves the old file
or none. `-` stands for standard input and output, as JSONL.
"""

import contextlib
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from execverify.errors import RowError
from execverify.questions.rows import VERSION, Row

_BATCH = 1_000


def write_rows(path: str, rows: Iterable[Row]) -> int:
    """Writes rows; returns how many.

    Args:
        path: a name that ends in .jsonl or .parquet, or `-` for standard output.

    Raises:
        RowError: another ending, a folder that does not exist, a full disk; nothing is left half-written.
    """
    if path == "-":
        return _write_lines(sys.stdout, rows)
    target = Path(path)
    if target.suffix not in (".jsonl", ".parquet"):
        raise RowError(f"{path}: end the name in .jsonl or .parquet to say which format to write")
    if not target.parent.is_dir():
        raise RowError(f"{target.parent}: no such folder; make it first")
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        if target.suffix == ".parquet":
            count = _write_parquet(unfinished, rows, path)
        else:
            with unfinished.open("w", encoding="utf-8") as file:
                count = _write_lines(file, rows)
        unfinished.replace(target)
    except OSError as error:
        raise RowError(f"{path} could not be written: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return count


def _write_lines(file: TextIO, rows: Iterable[Row]) -> int:
    count = 0
    for row in rows:
        file.write(json.dumps(row) + "\n")
        count += 1
    return count


def _write_parquet(path: Path, rows: Iterable[Row], name: str) -> int:
    pa, pq = _pyarrow()
    count = 0
    schema = _schema(pa)
    with pq.ParquetWriter(path, schema) as writer:
        for batch in _batches(rows):
            try:
                writer.write_table(pa.Table.from_pylist(batch, schema=schema))
            except (pa.ArrowException, OverflowError, UnicodeError) as error:
                raise RowError(
                    f"{name} could not be written: Parquet cannot hold a row: {' '.join(str(error).split())}"
                ) from None
            count += len(batch)
    return count


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def read_rows(path: str) -> Iterator[Row]:
    """Rows of a file, in order, checked for their version.

    Raises:
        RowError: no such file, another format, a line that is no row, or rows of another version.
    """
    if path != "-" and Path(path).suffix == ".parquet":
        rows = _read_parquet(path)
    else:
        rows = read_lines(path, "rows")
    for where, row in rows:
        if "kind" not in row or "program" not in row:
            raise RowError(f"{where} is not a row: it has no kind and program; make rows with `execverify rows FILE -o OUT`")
        if row.get("version", VERSION) != VERSION:
            raise RowError(
                f"{where} is of version {row['version']}, and this execverify reads version {VERSION}: make the rows again"
            )
        yield row


def read_lines(path: str, what: str) -> Iterator[tuple[str, Any]]:
    """The JSON value of each line, with file and line for messages; empty lines are left out.

    Args:
        path: a file of JSON lines, or `-` for standard input.
        what: what the file should hold, for messages.
    """
    try:
        with contextlib.nullcontext(sys.stdin) if path == "-" else Path(path).open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield f"{path}:{number}", _parsed(line, f"{path}:{number}", what)
    except FileNotFoundError:
        raise RowError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise RowError(f"{path} is a folder: name a file of {what}") from None
    except OSError as error:
        raise RowError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise RowError(f"{path} is not UTF-8 text: name a .jsonl or .parquet file of {what}") from None


def _parsed(line: str, where: str, what: str) -> Any:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RowError(f"{where} is not JSON ({error}): a file of {what} has one JSON value a line") from None
    if what == "rows" and not isinstance(value, dict):
        raise RowError(f"{where} is not a row: it is no JSON object")
    return value


def _read_parquet(path: str) -> Iterator[tuple[str, Row]]:
    pa, pq = _pyarrow()
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


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise RowError("Parquet needs pyarrow: pip install 'execverify[cli]', or use a name that ends in .jsonl") from None
    return pyarrow, pyarrow.parquet


def _schema(pa: Any) -> Any:
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
