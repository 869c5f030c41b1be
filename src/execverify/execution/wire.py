"""Messages between processes: JSON with a length before it, over a socket pair.

JSON and not pickle or marshal, because the far end may have run code that nobody has read: whatever it sends, reading it
builds nothing but plain data.
"""

import json
import socket
import struct
from typing import Any

_HEADER = struct.Struct("!I")
MAX_MESSAGE = 256 * 1024 * 1024
"""Longest message in bytes; a peer that announces more is treated as broken."""


_encode = json.JSONEncoder(separators=(",", ":")).encode  # bound here: a program may patch what the json module holds
_decode = json.JSONDecoder().decode


def pack(message: Any) -> bytes:
    """One message as bytes."""
    body = _encode(message).encode("ascii")
    return _HEADER.pack(len(body)) + body


class Inbox:
    """Bytes that arrived on one socket, cut into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Adds bytes as they came."""
        self._buffer += data

    def next(self) -> Any | None:
        """The next whole message, or None until more bytes come. Raises ValueError for what is no message."""
        if len(self._buffer) < _HEADER.size:
            return None
        (length,) = _HEADER.unpack_from(self._buffer)
        if length > MAX_MESSAGE:
            raise ValueError(f"a message of {length} bytes")
        end = _HEADER.size + length
        if len(self._buffer) < end:
            return None
        message = _decode(self._buffer[_HEADER.size : end].decode("ascii"))
        del self._buffer[:end]
        return message


def receive(sock: socket.socket, inbox: Inbox) -> Any:
    """Blocks until a whole message is there. Raises EOFError when the peer is gone."""
    while (message := inbox.next()) is None:
        data = sock.recv(1 << 16)
        if not data:
            raise EOFError("the peer closed the connection")
        inbox.feed(data)
    return message
