"""The data of a benchmark: from a file that was given, or from the hub by its public name."""

import gzip
import hashlib
import http.client
import io
import logging
import os
import sys
import urllib.request
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from execverify.errors import EvaluationError
from execverify.utils.atomic import atomic_write
from execverify.utils.hub import hub_access
from execverify.utils.read_files import read_json_records, read_text

_log = logging.getLogger(__name__)
_TIMEOUT = 60.0  # seconds without an answer
_LARGEST = 2 * 1024**3  # bytes

Row = dict[str, Any]
Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


def no_progress(what: str, done: int, total: int) -> None:
    """Ignores progress."""


@dataclass(frozen=True)
class Source:
    """Where the items of a run come from.

    Attributes:
        path: a file (or, for benchmarks of several files, a folder); None for the hub, or for what needs no data.
        seed: decides what is drawn, where anything is.
        workers: how many processes run programs at once.
        imports: installed modules that programs may import beside the standard library.
        limit: how many items are asked, the first ones; None for all. A benchmark may make more: the others are dropped.
        progress: called while items are made, where that takes long.
    """

    path: Path | None = None
    seed: int = 0
    workers: int = 1
    imports: tuple[str, ...] = ()
    limit: int | None = None
    progress: Progress = field(default=no_progress, compare=False)


def load_rows(source: Source, name: str, origin: str, hub: tuple[str, str] | None, fields: Sequence[str]) -> list[Row]:
    """The rows of a benchmark.

    Args:
        source: where to look.
        name: the benchmark's, for messages.
        origin: where its data can be had.
        hub: its name and split on the hub.
        fields: what every row must have.

    Raises:
        EvaluationError: no such file, no data at all, or rows without the fields.
    """
    if source.path is not None:
        rows = [(f"{source.path}:{number}", row) for number, row in rows_of(source.path)]
    elif hub is None:
        raise EvaluationError(f"{name} needs its data: give --data FILE; they come from {origin}")
    else:
        rows = [(f"{hub[0]}, row {number}", row) for number, row in enumerate(_from_hub(name, origin, *hub), start=1)]
    for where, row in rows:
        missing = [field for field in fields if field not in row]
        if missing:
            raise EvaluationError(f"{where} is no row of {name}: it has no {', '.join(missing)}; the data come from {origin}")
    if not rows:
        raise EvaluationError(f"{source.path or name} holds no rows")
    return [row for _, row in rows]


def rows_of(path: Path) -> list[tuple[int, Row]]:
    """The objects of a JSONL file (or of one JSON list), gzipped or not, each with its line."""
    found = []
    for where, row in read_json_records(path, "data", EvaluationError, hint="a file of data has one object a line"):
        if not isinstance(row, dict):
            raise EvaluationError(f"{where} is not a JSON object")
        found.append((int(where.rpartition(":")[2]), row))
    return found


def text_of(path: Path) -> str:
    """A file's text; raises EvaluationError, in one line, where there is none."""
    return read_text(path, "data", EvaluationError)


def digest(path: Path) -> str:
    """SHA-256 of a file, or of all files of a folder by name."""
    found = hashlib.sha256()
    try:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                found.update(b"" if file is path else file.name.encode() + b"\0")
                found.update(file.read_bytes())
    except OSError as error:
        raise EvaluationError(f"{path} cannot be read: {error.strerror}") from None
    return found.hexdigest()


@dataclass(frozen=True)
class Release:
    """A file of data that its owners publish at an address, gzipped.

    Attributes:
        url: the address of the .gz file.
        cache: where their own package keeps the unpacked file, and this one too.
        override: environment variable that names a local file in its place.
    """

    url: str
    cache: Path
    override: str

    def path(self, name: str) -> Path:
        """The file; it is downloaded where it is not in the cache.

        Args:
            name: the benchmark's, for messages.

        Raises:
            EvaluationError: the address cannot be reached, or what it gives is no gzip file.
        """
        given = os.environ.get(self.override)
        if given:
            return Path(given)
        if not self.cache.exists():
            _log.info("%s: downloading %s to %s", name, self.url, self.cache)
            try:
                with urllib.request.urlopen(self.url, timeout=_TIMEOUT) as reply:
                    packed = reply.read(_LARGEST)
                with gzip.open(io.BytesIO(packed)) as file:
                    data = file.read(_LARGEST)
                self.cache.parent.mkdir(parents=True, exist_ok=True)
                with atomic_write(self.cache) as target:
                    target.write(data)
            except (OSError, EOFError, ValueError, zlib.error, http.client.HTTPException) as error:
                raise EvaluationError(
                    f"{name} could not be fetched from {self.url} ({' '.join(str(error).split())[:200]}): "
                    f"download it and give --data FILE, or name the file in {self.override}"
                ) from None
        return self.cache


def user_cache(name: str) -> Path:
    """Folder in which programs of that name keep what they download, as the system has it."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / name
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / name


def _from_hub(name: str, origin: str, repository: str, split: str) -> list[Row]:
    load = _loader(name, origin)
    with hub_access(repository) as unreachable:
        try:
            return [dict(row) for row in load(repository, split=split)]
        except Exception as error:  # whatever a network gives
            why = unreachable or f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            raise EvaluationError(
                f"{name} could not be fetched from the hub ({repository}: {why}): give --data FILE; the data come from {origin}"
            ) from None


def _loader(name: str, origin: str) -> Callable[..., Any]:
    try:
        from datasets import load_dataset
    except ImportError:
        raise EvaluationError(
            f"{name} needs its data: give --data FILE (they come from {origin}), or pip install 'execverify[evaluate]' to fetch them"
        ) from None
    return load_dataset  # type: ignore[no-any-return]
