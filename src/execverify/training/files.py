"""Files and folders that are there whole or not at all."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from execverify.datasets.rows_io import pyarrow_or_error
from execverify.errors import TrainingError
from execverify.utils.atomic import atomic_dir as plain_atomic_dir
from execverify.utils.atomic import atomic_json, atomic_write


@contextmanager
def atomic_dir(out: Path) -> Iterator[Path]:
    """A folder to write into, put in place of `out` when the block ends well.

    Raises:
        TrainingError: it cannot be written, as on a full disk.
    """
    try:
        with plain_atomic_dir(out) as unfinished:
            yield unfinished
    except OSError as error:
        raise TrainingError(f"{out} could not be written: {error.strerror or error}") from None


def write_json(path: Path, value: Any) -> None:
    """Writes plain values as JSON, in one move.

    Raises:
        TrainingError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_json(path, value)
    except OSError as error:
        raise TrainingError(f"{path} could not be written: {error.strerror or error}") from None


def read_json(path: Path) -> Any:
    """The plain values of a JSON file; None where there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise TrainingError(f"{path} cannot be read: {error}; delete it to make it again") from None


_BATCH = 1_000


def write_parquet(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Writes plain rows of one form as Parquet, in one move; returns how many.

    Raises:
        TrainingError: the file cannot be written, or there are no rows.
    """
    pa, pq = pyarrow_or_error()
    remaining, count = iter(rows), 0
    batch = list(islice(remaining, _BATCH))
    if not batch:
        raise TrainingError(f"{path.name}: there are no rows to write")
    schema = pa.Table.from_pylist(batch).schema
    try:
        with atomic_write(path) as file, pq.ParquetWriter(file, schema) as writer:
            while batch:
                writer.write_table(pa.Table.from_pylist(batch, schema=schema))
                count += len(batch)
                batch = list(islice(remaining, _BATCH))
    except OSError as error:
        raise TrainingError(f"{path} could not be written: {error.strerror or error}") from None
    return count


def read_parquet(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a Parquet file."""
    _, pq = pyarrow_or_error()
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_BATCH):
            yield from batch.to_pylist()
