"""A server of chat completions on loopback that does what a test tells it: answers, refuses, talks nonsense, drips, drops, dies."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behaviour = Callable[["Handler", dict[str, Any]], None]
"""What to do with one call: the handler to answer through, and the call's JSON body."""


def good(handler: "Handler", body: dict[str, Any]) -> None:
    """As many completions as were asked for, each with the prompt, its number and the seed in it."""
    prompt = body["messages"][-1]["content"]
    texts = [f"{prompt}/{body.get('seed', 0) + i}" for i in range(body.get("n", 1))]
    choices = [{"index": i, "message": {"content": text}, "finish_reason": "stop"} for i, text in enumerate(texts)]
    handler.reply(200, {"choices": choices})


def status(code: int, message: str = "no", **headers: str) -> Behaviour:
    """A refusal."""
    return lambda handler, body: handler.reply(code, {"error": {"message": message}}, headers)


def raw(text: bytes) -> Behaviour:
    """A reply of 200 with this body."""
    return lambda handler, body: handler.raw(200, text)


def drop(handler: "Handler", body: dict[str, Any]) -> None:
    """The connection ends without a word."""
    handler.close_connection = True


def half(handler: "Handler", body: dict[str, Any]) -> None:
    """The connection ends in the middle of the reply."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [')
    handler.close_connection = True


def drip(handler: "Handler", body: dict[str, Any]) -> None:
    """A byte at a time, for longer than anyone should wait; no length, so that any end looks like the end."""
    handler.send_response(200)
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)


class Handler(BaseHTTPRequestHandler):
    """Hands each call to the server's plan."""

    server: "Misbehaving"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.take(self, body)

    def do_GET(self) -> None:
        self.reply(200, {"data": [{"id": name} for name in self.server.models]})

    def reply(self, code: int, value: Any, headers: dict[str, str] | None = None) -> None:
        self.raw(code, json.dumps(value).encode(), headers)

    def raw(self, code: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(code)
        for name, text in (headers or {}).items():
            self.send_header(name.replace("_", "-"), text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Silent."""


class Misbehaving(ThreadingHTTPServer):
    """Plays its plan: for each prompt a list of behaviours, one a call; when it ends, and for other prompts, `otherwise`.

    Attributes:
        calls: (seconds since the start, body, headers) of each call.
        busiest: the most calls under way at once.
    """

    daemon_threads = True
    request_queue_size = 128  # by default 5 wait to be accepted; further connections are dropped or reset

    def __init__(self, plan: dict[str, list[Behaviour]], otherwise: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.plan = {prompt: list(behaviours) for prompt, behaviours in plan.items()}
        self.otherwise = otherwise
        self.models = ["only"]
        self.calls: list[tuple[float, dict[str, Any], Message]] = []
        self.busiest = self._busy = 0
        self._began = time.monotonic()
        self._lock = threading.Lock()

    def take(self, handler: Handler, body: dict[str, Any]) -> None:
        with self._lock:
            self.calls.append((time.monotonic() - self._began, body, handler.headers))
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)
            left = self.plan.get(body["messages"][-1]["content"])
            behaviour = left.pop(0) if left else self.otherwise
        try:
            behaviour(handler, body)
        except OSError:
            pass  # the client has gone
        finally:
            with self._lock:
                self._busy -= 1

    def handle_error(self, *_: Any) -> None:
        """A client that has gone is no news."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def misbehaving(plan: dict[str, list[Behaviour]] | None = None, otherwise: Behaviour = good) -> Iterator[Misbehaving]:
    """Such a server, running."""
    with Misbehaving(plan or {}, otherwise) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
