"""One HTTP call, with the standard library alone, that ends when its time is up whatever the other side does.

A socket's own time-out starts anew with every byte, so that a server which sends one byte a minute holds a reader for ever;
here a clock cuts the connection. Redirects are not followed: they would carry the key to another host. The proxies of the
environment (`HTTPS_PROXY`, `NO_PROXY` ...) are used.
"""

import contextlib
import http.client
import socket
import ssl
import threading
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

MOST_BYTES = 64 << 20


class Dropped(Exception):
    """No whole reply came; the message says why, in one line."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; `headers` has lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def call(method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout: float) -> Reply:
    """One request on a connection of its own.

    Args:
        method: GET or POST.
        url: an http or https URL.
        headers: sent as they are.
        body: sent with its length.
        timeout: seconds until the connection is cut.

    Raises:
        Dropped: there was no connection, or no whole reply within the time.
    """
    connection, target = _connection(urlsplit(url), timeout)
    cut = threading.Event()
    clock: threading.Timer | None = None
    try:
        connection.connect()
        clock = threading.Timer(timeout, _cut, (connection.sock, cut))
        clock.daemon = True
        clock.start()
        connection.request(method, target, body, dict(headers))
        with connection.getresponse() as response:
            content = _read(response)
        if cut.is_set():  # a body that ends with the connection looks whole
            raise TimeoutError
        return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, content)
    except (OSError, http.client.HTTPException, ValueError) as error:
        if cut.is_set() or isinstance(error, TimeoutError):
            raise Dropped(f"no whole reply within {timeout:g} s") from None
        raise Dropped(_why(error)) from None
    finally:
        if clock is not None:
            clock.cancel()
        connection.close()


def _connection(url: SplitResult, timeout: float) -> tuple[http.client.HTTPConnection, str]:
    """A connection, not yet made, and what to ask for on it."""
    host = url.hostname or ""
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    proxy = urllib.request.getproxies().get(url.scheme)
    if proxy and not urllib.request.proxy_bypass(url.netloc):
        via = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        if url.scheme == "http":
            return http.client.HTTPConnection(via.hostname or "", via.port, timeout=timeout), url.geturl()
        tunnel = http.client.HTTPSConnection(via.hostname or "", via.port, timeout=timeout, context=ssl.create_default_context())
        tunnel.set_tunnel(host, url.port)
        return tunnel, target
    if url.scheme == "https":
        return http.client.HTTPSConnection(host, url.port, timeout=timeout, context=ssl.create_default_context()), target
    return http.client.HTTPConnection(host, url.port, timeout=timeout), target


def _cut(sock: socket.socket, cut: threading.Event) -> None:
    cut.set()
    with contextlib.suppress(OSError, ValueError):  # closed already
        sock.shutdown(socket.SHUT_RDWR)


def _read(response: http.client.HTTPResponse) -> bytes:
    parts = []
    size = 0
    while part := response.read(1 << 16):
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            raise ValueError(f"the reply is longer than {MOST_BYTES >> 20} MiB")
    if response.length:  # http.client tells of a short body only when it is read at once
        raise http.client.IncompleteRead(b"", response.length)
    return b"".join(parts)


def _why(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused: is the server running?"
    if isinstance(error, http.client.IncompleteRead):
        return "the connection ended in the middle of the reply"
    if isinstance(error, ConnectionError | http.client.RemoteDisconnected):
        return "the connection was dropped"
    return " ".join(f"{type(error).__name__}: {error}".split())
