"""How the process of a candidate talks: with its caller by a socket, with the candidate's code by streams that belong to one test."""

import io
import marshal
import os
import sys
import tempfile
from typing import Any

from execverify.sandbox.protocol import FrameReader, pack_strings
from execverify.sandbox.worker import OutputCapture

MAX_MESSAGE_CHARS = 100_000
"""Most characters of a value's text that crosses between a candidate and its caller; a longer value is opaque."""

_STDIN, _STDOUT = 0, 1
_RESERVED_FD = 20  # descriptors from here on are copies of the standard ones

Fields = tuple[str | None, ...]
"""A result on its way: outcome, value's type, text and reason, detail, error, stdout."""


class Channel:
    """The socket to the caller, by its descriptor: plain reads and writes, which need no more of the kernel."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.inbox = FrameReader(marshal.loads)

    def say(self, *texts: str | None) -> None:
        """Sends one message; blocks until the caller has taken it."""
        data = pack_strings(*texts)
        while data:
            data = data[os.write(self.fd, data) :]

    def hear(self) -> Any:
        """The caller's next message. Ends the process where the caller has gone."""
        while (message := self.inbox.next()) is None:
            data = os.read(self.fd, 1 << 16)
            if not data:
                os._exit(0)
            self.inbox.feed(data)
        return message


class StdStreams:
    """Standard streams of one test. For function calls: what is printed is kept in memory, and there is nothing to read."""

    def __init__(self, output: int) -> None:
        self.output = output
        self.screen = OutputCapture(output)

    def begin(self, stdin: str) -> None:
        """Fresh streams: `stdin` to be read, nothing written yet."""
        self.screen = OutputCapture(self.output)
        sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = self.screen  # type: ignore[misc, assignment]
        sys.stdin = sys.__stdin__ = io.StringIO(stdin)  # type: ignore[misc, assignment]

    def flush(self) -> None:
        """Writes out what Python still holds; raises as the candidate's own last flush would."""

    @property
    def full(self) -> bool:
        """Whether more was written than may be."""
        return self.screen.full

    def taken(self) -> str:
        """What was written, as far as it may be."""
        return "".join(self.screen.parts)[: self.output]


class FileConsole(StdStreams):
    """Standard input and output as files in memory, so that every way to read and write them works."""

    def __init__(self, output: int) -> None:
        super().__init__(output)
        for fd in (_STDIN, _STDOUT):
            made = _memory_file()
            os.dup2(made, _RESERVED_FD + fd)
            os.close(made)

    def begin(self, stdin: str) -> None:
        for fd in (_STDIN, _STDOUT):
            os.dup2(_RESERVED_FD + fd, fd)
            os.ftruncate(fd, 0)
            os.lseek(fd, 0, os.SEEK_SET)
        data = stdin.encode("utf-8", "surrogatepass")
        while data:
            data = data[os.write(_STDIN, data) :]
        os.lseek(_STDIN, 0, os.SEEK_SET)
        sys.stdin = sys.__stdin__ = _stream(_STDIN, "r")  # type: ignore[misc]
        sys.stdout = sys.__stdout__ = self.stdout = _stream(_STDOUT, "w")  # type: ignore[misc]
        sys.stderr = sys.__stderr__ = _stream(2, "w")  # type: ignore[misc]

    def flush(self) -> None:
        for stream in {id(stream): stream for stream in (sys.stdout, self.stdout)}.values():
            if stream is not None and not getattr(stream, "closed", False) and hasattr(stream, "flush"):
                stream.flush()

    @property
    def full(self) -> bool:
        return os.fstat(_RESERVED_FD + _STDOUT).st_size > self.output

    def taken(self) -> str:
        return os.pread(_RESERVED_FD + _STDOUT, self.output, 0).decode("utf-8", "replace")


def _memory_file() -> int:
    if sys.platform == "linux":
        return os.memfd_create("console")
    file = tempfile.TemporaryFile()  # noqa: SIM115
    fd = os.dup(file.fileno())
    file.close()
    return fd


def _stream(fd: int, mode: str) -> io.TextIOWrapper:
    raw = io.FileIO(fd, mode, closefd=False)
    raw.name = ("<stdin>", "<stdout>", "<stderr>")[fd]
    buffered: Any = io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw)
    stream = io.TextIOWrapper(buffered, "utf-8", "strict" if mode == "r" else "surrogateescape")
    stream.mode = mode  # type: ignore[misc]
    return stream
