"""Files and folders that are there whole or not at all.

A file is written under another name beside its place, and moved into place when it is whole. The other name is made new
(`O_EXCL`, `O_NOFOLLOW`), so that no link which somebody put there is followed, and it is this process's own, so that two
processes that write the same file do not mix. While it is written it is locked: an unlocked one was left behind by a process
that was killed, and the next writer of the same file removes it.
"""

import contextlib
import fcntl
import itertools
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

_NUMBERS = itertools.count()
_NEW = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def atomic_write(path: str | Path, *, beside: Path | None = None, durable: bool = True) -> Iterator[BinaryIO]:
    """A binary file to write into, put in the place of `path` when the block ends well; else `path` stays as it was.

    Args:
        path: the file; its folder exists. Where it is a link, the link is replaced, and not what it names.
        beside: the folder where the file is while it is not whole; by default, the one of `path`. On the same file system.
        durable: wait until the disk has it, so that a power failure leaves the old file or the new one. For thousands of small
            files in one folder, give False: then nothing is locked either, and what killed processes left is for the caller to
            clear.

    Raises:
        OSError: it cannot be written; nothing is left of it.
    """
    path = Path(path)
    folder = beside or path.parent
    if durable:
        _clear(folder, path.name)
    part = folder / f".{path.name}.{os.getpid()}-{next(_NUMBERS)}.part"
    with contextlib.suppress(FileNotFoundError):
        part.unlink()  # of a killed process that had our number; it may be a link, which is removed and not followed
    try:
        with os.fdopen(os.open(part, _NEW | os.O_RDWR, 0o666), "wb") as file:
            if durable:
                _lock(file.fileno())
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        part.replace(path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def atomic_text(path: str | Path, text: str, *, errors: str = "strict", beside: Path | None = None, durable: bool = True) -> None:
    """Writes a text in UTF-8, whole or not at all; `errors` decides what becomes of half surrogate pairs, as in `str.encode`.

    Raises:
        OSError: it cannot be written.
        UnicodeEncodeError: half a surrogate pair, where `errors` is "strict".
    """
    data = text.encode("utf-8", errors)
    with atomic_write(path, beside=beside, durable=durable) as file:
        file.write(data)


def atomic_json(path: str | Path, value: Any, *, ensure_ascii: bool = True, beside: Path | None = None) -> None:
    """Writes plain values as JSON, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    text = json.dumps(value, indent=1, ensure_ascii=ensure_ascii) + "\n"
    atomic_text(path, text, errors="backslashreplace", beside=beside)


@contextmanager
def atomic_dir(path: str | Path) -> Iterator[Path]:
    """A new folder to write into, put in the place of `path` when the block ends well; else `path` stays as it was.

    Raises:
        OSError: it cannot be written; nothing is left of it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{_plain(path.name)}.*.unfinished"):
        if not _is_alive(left.name.split(".")[-2]):
            _remove(left)
    part = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        _remove(part)
        part.mkdir()
        yield part
        _remove(path)
        part.rename(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def take_lock(path: Path) -> int:
    """Locks a file, which is made where there is none, for this process.

    Returns:
        The open file's number. Closing it, or the end of the process, gives up the lock.

    Raises:
        BlockingIOError: another process, or another call in this one, holds it.
        OSError: the file cannot be opened. A file system without locks is no error.
    """
    fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise
    except OSError:  # a file system without locks
        pass
    return fd


def _remove(path: Path) -> None:
    """Removes a folder with all that is in it; a link is removed and not followed."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


def _clear(folder: Path, name: str) -> None:
    """Removes what killed processes left of a file: their numbers are nobody's, and nobody holds a lock on it."""
    for part in folder.glob(f".{_plain(name)}.*-*.part"):
        if _is_alive(part.name.split(".")[-2].partition("-")[0]):
            continue
        with contextlib.suppress(OSError):  # somebody else's, a link, or gone already
            fd = os.open(part, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                part.unlink(missing_ok=True)
            finally:
                os.close(fd)


def _lock(fd: int) -> None:
    with contextlib.suppress(OSError):  # a file system without locks: nobody can take it from us either
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_alive(number: str) -> bool:
    """Whether there is a process of that number here."""
    if not number.isdecimal():
        return True  # unknown: keep it
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _plain(name: str) -> str:
    """A name as a pattern that fits it alone."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
