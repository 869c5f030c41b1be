"""Messages between processes over a socket pair; each begins with its length.

The format is JSON, not pickle or marshal, because the sender may have run unreviewed code: reading JSON builds nothing but plain
data. A candidate sends a simpler form: a flat list of strings, which can neither nest nor grow while it is read (`pack_strings`,
`unpack_strings`). Messages *to* a candidate's process are marshalled, which is the fastest to read.
"""

import json
import marshal
import socket
import struct
from collections.abc import Callable
from typing import Any

_HEADER = struct.Struct("!I")
MAX_MESSAGE = 256 * 1024 * 1024
"""Longest message in bytes; a peer that announces a longer one is treated as broken."""

CONTROL_REQUEST = struct.Struct("!cI")
"""A request to the fork server: a letter, and the number of the process that it concerns."""

_encode = json.JSONEncoder(separators=(",", ":")).encode  # bound here: a program may patch the json module
_decode = json.JSONDecoder().decode


def pack(message: Any) -> bytes:
    """One message as bytes."""
    body = _encode(message).encode("ascii")
    return _HEADER.pack(len(body)) + body


_LENGTH = struct.Struct("!i")
_MAX_STRINGS = 64


def pack_strings(*texts: str | None) -> bytes:
    """A list of strings as one message."""
    parts = [b""]
    for text in texts:
        body = None if text is None else text.encode("utf-8", "surrogatepass")
        parts += [_LENGTH.pack(-1)] if body is None else [_LENGTH.pack(len(body)), body]
    parts[0] = _HEADER.pack(sum(map(len, parts)))
    return b"".join(parts)


def unpack_strings(body: bytes | bytearray) -> list[str | None]:
    """The strings of a message's body; raises ValueError for what `pack_strings` does not make."""
    strings: list[str | None] = []
    place = 0
    while place < len(body):
        if len(strings) >= _MAX_STRINGS or place + _LENGTH.size > len(body):
            raise ValueError("not a list of strings")
        (length,) = _LENGTH.unpack_from(body, place)
        place += _LENGTH.size
        if length < -1 or place + length > len(body):
            raise ValueError("not a list of strings")
        strings.append(None if length == -1 else body[place : place + length].decode("utf-8", "surrogatepass"))
        place += max(0, length)
    return strings


def _unpack_json(body: bytes | bytearray) -> Any:
    return _decode(body.decode("ascii"))


def pack_from_caller(message: Any) -> bytes:
    """A message from the caller to a candidate's process. Never in the other direction: marshal is not safe to read."""
    body = marshal.dumps(message)
    return _HEADER.pack(len(body)) + body


class FrameReader:
    """Cuts the bytes that arrive on one socket into messages.

    Args:
        unpack: reads the body of a message.
        limit: most bytes of one body.

    Attributes:
        length: bytes of the body of the message that was read last.
    """

    def __init__(self, unpack: Callable[[bytearray], Any] = _unpack_json, limit: int = MAX_MESSAGE) -> None:
        self._buffer = bytearray()
        self._unpack = unpack
        self._limit = limit
        self.length = 0

    def feed(self, data: bytes) -> None:
        """Appends bytes that arrived."""
        self._buffer += data

    def next(self) -> Any | None:
        """The next whole message, or None until more bytes arrive. Raises ValueError for an invalid message."""
        if len(self._buffer) < _HEADER.size:
            return None
        (length,) = _HEADER.unpack_from(self._buffer)
        if length > self._limit:
            raise ValueError(f"a message of {length} bytes")
        end = _HEADER.size + length
        if len(self._buffer) < end:
            return None
        message = self._unpack(self._buffer[_HEADER.size : end])
        del self._buffer[:end]
        self.length = length
        return message


def receive(sock: socket.socket, reader: FrameReader) -> Any:
    """Blocks until a whole message has arrived. Raises EOFError when the peer has closed the connection."""
    while (message := reader.next()) is None:
        data = sock.recv(1 << 16)
        if not data:
            raise EOFError("the peer closed the connection")
        reader.feed(data)
    return message
