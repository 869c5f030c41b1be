"""Messages between processes, each with its length before it, over a socket pair.

JSON and not pickle or marshal, because the far end may have run code that nobody has read: whatever it sends, reading it
builds nothing but plain data. What a candidate sends is plainer still: a list of texts, which can neither nest nor grow
while it is read (`pack_texts`, `unpack_texts`). What goes *to* a candidate's process is marshalled, which is read with the least work.
"""

import json
import marshal
import socket
import struct
from collections.abc import Callable
from typing import Any

_HEADER = struct.Struct("!I")
MAX_MESSAGE = 256 * 1024 * 1024
"""Longest message in bytes; a peer that announces more is treated as broken."""


CONTROL_REQUEST = struct.Struct("!cI")
"""A request to the zygote: a letter, and the number of the worker that it is about."""

_encode = json.JSONEncoder(separators=(",", ":")).encode  # bound here: a program may patch what the json module holds
_decode = json.JSONDecoder().decode


def pack(message: Any) -> bytes:
    """One message as bytes."""
    body = _encode(message).encode("ascii")
    return _HEADER.pack(len(body)) + body


_LENGTH = struct.Struct("!i")
_MOST_TEXTS = 64


def pack_strings(*texts: str | None) -> bytes:
    """A list of texts as bytes."""
    parts = [b""]
    for text in texts:
        body = None if text is None else text.encode("utf-8", "surrogatepass")
        parts += [_LENGTH.pack(-1)] if body is None else [_LENGTH.pack(len(body)), body]
    parts[0] = _HEADER.pack(sum(map(len, parts)))
    return b"".join(parts)


def unpack_texts(body: bytes | bytearray) -> list[str | None]:
    """The texts of a message's body; raises ValueError for what `pack_texts` does not make."""
    texts: list[str | None] = []
    place = 0
    while place < len(body):
        if len(texts) >= _MOST_TEXTS or place + _LENGTH.size > len(body):
            raise ValueError("no list of texts")
        (length,) = _LENGTH.unpack_from(body, place)
        place += _LENGTH.size
        if length < -1 or place + length > len(body):
            raise ValueError("no list of texts")
        texts.append(None if length == -1 else body[place : place + length].decode("utf-8", "surrogatepass"))
        place += max(0, length)
    return texts


def _unpack_json(body: bytes | bytearray) -> Any:
    return _decode(body.decode("ascii"))


def pack_from_caller(message: Any) -> bytes:
    """A message from the caller to a candidate's process. Never the other way: marshal is not safe to read."""
    body = marshal.dumps(message)
    return _HEADER.pack(len(body)) + body


class FrameReader:
    """Bytes that arrived on one socket, cut into messages.

    `unpack` reads a message's body; a message that announces more than `limit` bytes is none.
    """

    def __init__(self, unpack: Callable[[bytearray], Any] = _unpack_json, limit: int = MAX_MESSAGE) -> None:
        self._buffer = bytearray()
        self._unpack = unpack
        self._limit = limit

    def feed(self, data: bytes) -> None:
        """Adds bytes as they came."""
        self._buffer += data

    def next(self) -> Any | None:
        """The next whole message, or None until more bytes come. Raises ValueError for what is no message."""
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
        return message


def receive(sock: socket.socket, inbox: FrameReader) -> Any:
    """Blocks until a whole message is there. Raises EOFError when the peer is gone."""
    while (message := inbox.next()) is None:
        data = sock.recv(1 << 16)
        if not data:
            raise EOFError("the peer closed the connection")
        inbox.feed(data)
    return message
