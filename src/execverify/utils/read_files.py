"""Text files of users: plain or gzip, JSON Lines or one JSON array, in UTF-8, with or without a byte-order mark.

A file of another kind is refused in one line. A line that is not JSON, or not UTF-8, is given as a `BadLine` with its number.

What is read is bounded while it is read: a line by `MAX_LINE_BYTES` characters, an array by `MAX_ARRAY_BYTES`, and what a gzip file
holds by `MAX_COMPRESSION_RATIO` times its own size, or by `ALWAYS` bytes where that is more.
"""

import contextlib
import gzip
import io
import itertools
import json
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from execverify.errors import ExecVerifyError, RowError

MAX_LINE_BYTES = 256 << 20
"""Most characters of a line of JSON Lines."""

MAX_ARRAY_BYTES = 512 << 20
"""Most characters of a file that is one JSON array."""

MAX_TEXT_BYTES = 2 << 30
"""Most characters of a text that is read whole."""

MAX_COMPRESSION_RATIO = 100
"""How many times its size a gzip file may hold; texts shrink to a third or a twentieth, and rows that repeat a prompt to a fiftieth."""

ALWAYS = 64 << 20
"""Bytes that any gzip file may hold."""

STDIN = "-"

_GZIP = b"\x1f\x8b"
_PACKED = {b"PK\x03\x04": "a zip archive", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "Zstandard"}
_PARQUET = b"PAR1"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
"""What stands in a decoded text for a byte that is not UTF-8 (`surrogateescape`)."""
_CHUNK = 1 << 16


def name_of(path: str | Path) -> str:
    """How messages call a file; `-` is standard input."""
    return "standard input" if str(path) == STDIN else str(path)


def read_text(path: str | Path, what: str, error: type[ExecVerifyError] = RowError) -> str:
    """The text of a file, of a gzip file, or of standard input (`-`), without a byte-order mark.

    Args:
        path: the file.
        what: what it should hold, in the plural, for messages.
        error: what to raise.

    Raises:
        ExecVerifyError: `error`, in one line: no such file, a folder, another format, bytes that are not UTF-8 (with their line), or
            more than `MAX_TEXT_BYTES` characters.
    """
    with _opened(path, what, error) as file:
        text = file.read(MAX_TEXT_BYTES + 1)
        if len(text) > MAX_TEXT_BYTES:
            raise error(f"{name_of(path)} has more than {MAX_TEXT_BYTES} characters: give it in parts, or as JSON Lines")
    if found := _NOT_UTF8.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise error(f"{name_of(path)}:{line} is not UTF-8 text: name a file of {what} in UTF-8")
    return text


def read_records(
    path: str | Path, what: str, error: type[ExecVerifyError] = RowError, *, hint: str = ""
) -> Iterator[tuple[str, Any]]:
    """The JSON value of each line, or of each entry of one JSON array, with its place for messages; empty lines are left out.

    A place is `FILE:3`: line 3, or entry 3 of an array. A line that is not JSON, or that has bytes that are not UTF-8, is given
    as a `BadLine`, so that the caller may count it and go on, or raise an error.

    Args:
        path: a file, a gzip file, or `-` for standard input.
        what: what it should hold, in the plural, for messages.
        error: what to raise.
        hint: what to do where a line is not JSON.

    Raises:
        ExecVerifyError: `error`, in one line: the file cannot be read, an array is not JSON or not UTF-8, or a line or an array is too
            long.
    """
    hint = hint or f"a file of {what} has one JSON value a line, or is one JSON array"
    with _opened(path, what, error) as file:
        lines = _lines(file, name_of(path), error)
        before = list(itertools.islice(lines, 2))
        if before and before[0][1].lstrip().startswith("[") and not _is_lines(before):
            yield from _array(itertools.chain(before, lines), name_of(path), error, hint)
            return
        for number, line in itertools.chain(before, lines):
            where = f"{name_of(path)}:{number}"
            try:
                value = json.loads(line) if not _NOT_UTF8.search(line) else BadLine(f"{where} is not UTF-8 text: {hint}")
            except (ValueError, RecursionError) as wrong:
                value = BadLine(f"{where} is not JSON ({wrong}): {hint}")
            yield where, value


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be used.

    Attributes:
        why: the message, with the file and the number of the line.
    """

    why: str


OnBad = Callable[[str], object]
"""What a reader calls with the message of a line that cannot be used, before it goes on."""


@dataclass
class BadLines:
    """Counts lines that cannot be used; its `add` is the `on_bad` of a reader.

    Attributes:
        count: how many there were.
        first: the message of the first one.
    """

    count: int = 0
    first: str = ""

    def add(self, why: str) -> None:
        """Counts a line."""
        self.first = self.first or why
        self.count += 1


def read_json_records(
    path: str | Path, what: str, error: type[ExecVerifyError] = RowError, *, hint: str = ""
) -> Iterator[tuple[str, Any]]:
    """The same as `read_records`, where a line that is not JSON, or not UTF-8, is an error."""
    for where, value in read_records(path, what, error, hint=hint):
        if isinstance(value, BadLine):
            raise error(value.why)
        yield where, value


def first_record(path: str | Path, what: str, error: type[ExecVerifyError] = RowError) -> Any:
    """The first value of a file that can be used; None for an empty file.

    Raises:
        ExecVerifyError: `error`, in one line: the file cannot be read, or none of its lines can be used.
    """
    bad = BadLines()
    for _, value in read_records(path, what, error):
        if not isinstance(value, BadLine):
            return value
        bad.add(value.why)
    if bad.count:
        raise error(bad.first)
    return None


def _is_lines(first: list[tuple[int, str]]) -> bool:
    """Whether a file that begins with `[` is JSON Lines of lists all the same: its first line is whole, and is not the only one.

    One line alone is an array, but for a list of chat messages, which is one completion.
    """
    try:
        value = json.loads(first[0][1])
    except (ValueError, RecursionError):
        return False
    if len(first) > 1:
        return True
    return bool(value) and all(isinstance(entry, dict) and entry.keys() >= {"role", "content"} for entry in value)


def _array(lines: Iterator[tuple[int, str]], name: str, error: type[ExecVerifyError], hint: str) -> Iterator[tuple[str, Any]]:
    parts: list[str] = []
    numbers: list[int] = []
    size = 0
    for number, line in lines:
        size += len(line)
        if size > MAX_ARRAY_BYTES:
            raise error(f"{name} is a JSON array of more than {MAX_ARRAY_BYTES} characters: write one JSON value a line")
        if _NOT_UTF8.search(line):
            raise error(f"{name}:{number} is not UTF-8 text: {hint}")
        numbers.append(number)
        parts.append(line)
    try:
        values = json.loads("".join(parts))
    except (ValueError, RecursionError) as wrong:
        at = numbers[min(getattr(wrong, "lineno", 1), len(numbers)) - 1]
        raise error(f"{name}:{at} is not JSON ({wrong}): {hint}") from None
    for number, value in enumerate(values, start=1):
        yield f"{name}:{number}", value


def _lines(file: IO[str], name: str, error: type[ExecVerifyError]) -> Iterator[tuple[int, str]]:
    """Lines that are not empty, with their numbers."""
    for number in itertools.count(1):
        line = file.readline(MAX_LINE_BYTES + 1)
        if not line:
            return
        if len(line) > MAX_LINE_BYTES:
            raise error(f"{name}:{number} is a line of more than {MAX_LINE_BYTES} characters: no record is that long")
        if line.strip():
            yield number, line


@contextlib.contextmanager
def _opened(path: str | Path, what: str, error: type[ExecVerifyError]) -> Iterator[IO[str]]:
    """A file as text, in which surrogates stand for bytes that are not UTF-8; each failure to read it is reported in one line."""
    name = name_of(path)
    try:
        with contextlib.ExitStack() as stack:
            if str(path) == STDIN:
                if sys.stdin is None:
                    raise error("standard input is closed: name a file, or send something to it")
                binary: Any = getattr(sys.stdin, "buffer", None)
                size = None
            else:
                binary = stack.enter_context(Path(path).open("rb"))
                size = Path(path).stat().st_size
            if binary is None:  # a stand-in for standard input that holds text
                yield sys.stdin
                return
            if not hasattr(binary, "peek"):
                binary = io.BufferedReader(binary)
            start = binary.peek(8)[:8]
            _refuse_other_formats(start, name, what, error)
            if start.startswith(_GZIP):
                binary = io.BufferedReader(_Bounded(gzip.GzipFile(fileobj=binary), size, name, error), _CHUNK)
            text = io.TextIOWrapper(binary, encoding="utf-8-sig", errors="surrogateescape")
            try:
                yield text
            finally:
                with contextlib.suppress(Exception):
                    text.detach()  # what is beneath is closed by its owner; standard input stays open
    except FileNotFoundError:
        raise error(f"{name}: no such file") from None
    except IsADirectoryError:
        raise error(f"{name} is a folder: name a file of {what}") from None
    except (gzip.BadGzipFile, zlib.error, EOFError):
        raise error(f"{name} is a damaged gzip file: it is cut off, or something else follows") from None
    except (OSError, ValueError) as wrong:
        if isinstance(wrong, ValueError) and "null" not in str(wrong):
            raise
        raise error(f"{name} cannot be read: {getattr(wrong, 'strerror', None) or wrong}") from None


def _refuse_other_formats(start: bytes, name: str, what: str, error: type[ExecVerifyError]) -> None:
    if start.startswith(_PARQUET):
        raise error(f"{name} is a Parquet file: its name must end in .parquet where Parquet is read")
    if start.startswith(_UTF16):
        raise error(f"{name} is not UTF-8 text: name a file of {what} in UTF-8, not in UTF-16")
    for mark, kind in _PACKED.items():
        if start.startswith(mark):
            raise error(f"{name} is {kind}: unpack it, or pack it with gzip; {what} are text, or text in a .gz file")


class _Bounded(io.RawIOBase):
    """What a gzip file holds, no more than `MAX_COMPRESSION_RATIO` times its size or `ALWAYS` bytes."""

    def __init__(self, file: gzip.GzipFile, size: int | None, name: str, error: type[ExecVerifyError]) -> None:
        self._file, self._name, self._error = file, name, error
        self._most = max(ALWAYS, MAX_COMPRESSION_RATIO * (size or 0))
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        self._read += len(data)
        if self._read > self._most:
            raise self._error(
                f"{self._name} grows to more than {self._most >> 20} MiB ({MAX_COMPRESSION_RATIO} times its "
                f"size, and {ALWAYS >> 20} MiB at least, "
                "are read): if that is right, unpack it yourself and name the unpacked file"
            )
        buffer[: len(data)] = data
        return len(data)
