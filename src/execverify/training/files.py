"""Files and folders that are there whole or not at all."""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from execverify.datasets.files import pyarrow_or_error
from execverify.errors import TrainingError


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """A folder to write into, put in place of `out` when the block ends well.

    Raises:
        TrainingError: it cannot be written, as on a full disk.
    """
    unfinished = out.with_name(f".{out.name}.unfinished")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        yield unfinished
        shutil.rmtree(out, ignore_errors=True)
        unfinished.rename(out)
    except OSError as error:
        raise TrainingError(f"{out} could not be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def write_json(path: Path, value: Any) -> None:
    """Writes plain values as JSON, in one move.

    Raises:
        TrainingError: the file cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("w", encoding="utf-8") as file:
            json.dump(value, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise TrainingError(f"{path} could not be written: {error.strerror or error}") from None


def read_json(path: Path) -> Any:
    """The plain values of a JSON file; None where there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path} cannot be read: {error}; delete it to make it again") from None


_BATCH = 1_000


def write_parquet(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Writes plain rows of one form as Parquet, in one move; returns how many.

    Raises:
        TrainingError: the file cannot be written, or there are no rows.
    """
    pa, pq = pyarrow_or_error()
    unfinished, writer, count = path.with_name(f".{path.name}.unfinished"), None, 0
    remaining = iter(rows)
    try:
        while batch := list(islice(remaining, _BATCH)):
            table = pa.Table.from_pylist(batch, schema=writer.schema if writer else None)
            writer = writer or pq.ParquetWriter(unfinished, table.schema)
            writer.write_table(table)
            count += len(batch)
        if writer is None:
            raise TrainingError(f"{path.name}: there are no rows to write")
        writer.close()
        unfinished.replace(path)
    except OSError as error:
        raise TrainingError(f"{path} could not be written: {error.strerror or error}") from None
    finally:
        unfinished.unlink(missing_ok=True)
    return count


def read_parquet(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a Parquet file."""
    _, pq = pyarrow_or_error()
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_BATCH):
            yield from batch.to_pylist()
