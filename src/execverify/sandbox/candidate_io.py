"""Input and output of a candidate's process: messages to the caller, and fresh standard streams for each test."""

import io
import marshal
import os
import sys
import tempfile
from typing import Any

from execverify.sandbox.protocol import FrameReader, pack_strings
from execverify.sandbox.worker import OutputCapture

MAX_MESSAGE_CHARS = 100_000
"""Most characters of the text of a value between a candidate and its caller; a longer value is opaque."""

_STDIN, _STDOUT = 0, 1
_RESERVED_FD = 20  # descriptors from here on are copies of the standard ones

Fields = tuple[str | None, ...]
"""The fields of a result in a message: outcome; type, text and opaque reason of the value; detail, error, stdout."""


class Channel:
    """The socket to the caller, used by its descriptor: reads and writes need no further system calls."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.reader = FrameReader(marshal.loads)

    def send(self, *texts: str | None) -> None:
        """Sends one message; blocks until the socket has taken it."""
        data = pack_strings(*texts)
        while data:
            data = data[os.write(self.fd, data) :]

    def receive(self) -> Any:
        """The caller's next message. Ends the process where the caller has closed the socket."""
        while (message := self.reader.next()) is None:
            data = os.read(self.fd, 1 << 16)
            if not data:
                os._exit(0)
            self.reader.feed(data)
        return message


class StdStreams:
    """Standard streams of one test, for function calls: output is kept in memory, and the input is a string."""

    def __init__(self, output: int) -> None:
        self.output = output
        self.capture = OutputCapture(output)

    def begin(self, stdin: str) -> None:
        """Installs fresh streams: `stdin` is the input, and the output is empty."""
        self.capture = OutputCapture(self.output)
        sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = self.capture  # type: ignore[misc, assignment]
        sys.stdin = sys.__stdin__ = io.StringIO(stdin)  # type: ignore[misc, assignment]

    def flush(self) -> None:
        """Flushes Python's buffers; raises as the candidate's own last flush would."""

    @property
    def full(self) -> bool:
        """Whether more was written than allowed."""
        return self.capture.full

    def output_text(self) -> str:
        """What was written, up to the limit."""
        return "".join(self.capture.parts)[: self.output]


class FileStreams(StdStreams):
    """Standard streams of one run of a program: files in memory, so that every way to read and write them works."""

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

    def output_text(self) -> str:
        return os.pread(_RESERVED_FD + _STDOUT, self.output, 0).decode("utf-8", "replace")


def _memory_file() -> int:
    if sys.platform == "linux":
        return os.memfd_create("stream")
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
