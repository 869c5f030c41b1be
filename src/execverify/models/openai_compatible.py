"""Any server that speaks OpenAI's chat completions: vLLM, SGLang, llama.cpp, `transformers serve`, or a hosted one.

    model = load("http://localhost:8000/v1", model="NAME", concurrency=64)

Many requests at a time; what fails for a passing reason (no connection, a time-out, 408, 409, 425, 429, 5xx, a reply that is
not what it should be) is asked again after a pause that doubles, and `Retry-After` is honoured by all threads. What is refused
for good, or has failed too often, comes back as a generation with an error: no request is lost. When the server has failed as
many requests in a row as it was asked at once (four at least), it is taken for gone, and the rest are given back unasked.

The key comes from an environment variable (`EXECVERIFY_API_KEY`, or the one that `api_key_env` names). Neither the key nor the URL's query
stands in what is recorded or in a message.
"""

import contextlib
import json
import os
import queue
import random
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from execverify.errors import ModelError
from execverify.models import pacing
from execverify.models.http_client import Dropped, call
from execverify.models.model import SKIPPED_REQUEST, Generation, Request, Sampling, check_ids
from execverify.utils.messages import count_phrase, redact, redact_url, url_secrets

KEY_VARIABLE = "EXECVERIFY_API_KEY"
_FEWEST = 4
"""Requests given up in a row that mean the server is gone, where fewer are under way at once."""

_SECRET = re.compile("key|token|secret|password|auth", re.IGNORECASE)
RETRYABLE_STATUS = frozenset({408, 409, 425, 429})
REQUEST_SPECIFIC_STATUS = frozenset({400, 413, 422})  # other requests may well be answered


class OpenAICompatibleModel:
    """A model behind HTTP.

    Args:
        url: where the server is: `http://host:8000`, `https://host/v1`, or the whole `.../chat/completions`.
        model: its name there; may be left out where the server has one model only, and is then asked for.
        concurrency: requests under way at once.
        timeout: seconds for one reply.
        retries: tries after the first one; refusals for the rate (429) are not counted.
        patience: seconds after which a request that keeps failing is given up.
        requests_per_minute: a limit of our own; None for none.
        api_key_env: the environment variable that holds the key.
        body: more fields of each request, such as {"top_k": 20}; None as a value takes a field out.

    Raises:
        ModelError: a URL or key that cannot be used, or no model is named and the server does not tell of just one.
    """

    def __init__(
        self,
        url: str,
        *,
        model: str | None = None,
        concurrency: int = 16,
        timeout: float = 300.0,
        retries: int = 5,
        patience: float = 900.0,
        requests_per_minute: float | None = None,
        api_key_env: str | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> None:
        if concurrency < 1 or not timeout > 0 or retries < 0 or (requests_per_minute is not None and not requests_per_minute > 0):
            raise ModelError("concurrency, timeout and requests_per_minute must be above 0, and retries not below")
        self._url = _endpoint(url)
        self._key = _key(api_key_env)
        self._secrets = tuple(filter(None, (self._key, quote(self._key, safe=""), *url_secrets(url))))
        self._timeout, self._retries, self._patience = timeout, retries, patience
        self._concurrency = concurrency
        self._body = dict(body or {})
        self._pace = pacing.Pace(requests_per_minute)
        self._chance = random.Random()
        self._takes_n = True
        self.name = model or self._only_model()
        self.settings: Mapping[str, Any] = {
            "engine": "openai-compatible server",
            "model": self.name,
            "url": redact_url(self._url),  # a query may hold a key
            "body": _without_keys(self._body),
            "concurrency": concurrency,
            "timeout": timeout,
            "retries": retries,
            "patience": patience,
            "requests_per_minute": requests_per_minute,
        }

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Generation]:
        """Answers as they come. To stop early, close the iterator: nothing new is asked then."""
        check_ids(requests)
        run = _Run(deque(requests), sampling, pacing.Health(max(self._concurrency, _FEWEST)))
        for _ in range(min(self._concurrency, len(requests))):
            threading.Thread(target=self._work, args=(run,), daemon=True).start()
        try:
            for _ in requests:
                yield run.done.get()
        finally:
            run.stop.set()

    def close(self) -> None:
        """There is nothing to give back: each call has its own connection."""

    def _work(self, run: "_Run") -> None:
        while not run.stop.is_set():
            try:
                request = run.waiting.popleft()
            except IndexError:
                return
            try:
                generation = self._answer(request, run)
            except Exception as error:  # a fault of ours must not lose the request
                generation = Generation(request.id, (), error=self._hidden(f"{type(error).__name__}: {error}"))
            run.done.put(generation)

    def _answer(self, request: Request, run: "_Run") -> Generation:
        """All completions of one request: by the parameter `n`, or one by one where the server refuses it or gives fewer."""
        n = run.sampling.n
        choices: list[_Choice] = []
        takes_n = self._takes_n
        while len(choices) < n:
            wanted = n - len(choices) if takes_n else 1
            try:
                given = self._insist(request, run, wanted, len(choices))
            except RequestFailed as trouble:
                if wanted > 1 and trouble.status in (400, 422, 501):
                    takes_n = False
                    continue
                error = self._hidden(trouble.message)
                return Generation(request.id, tuple(c.text for c in choices), error, tuple(c.reason for c in choices))
            if len(given) < wanted:
                takes_n = False
            self._takes_n = self._takes_n and takes_n
            choices += given[: n - len(choices)]
        return Generation(request.id, tuple(c.text for c in choices), None, tuple(c.reason for c in choices))

    def _insist(self, request: Request, run: "_Run", wanted: int, had: int) -> list["_Choice"]:
        """Asks until there is an answer; raises _Trouble when it is refused for good, or patience ends."""
        body = self._request_body(request, run.sampling, wanted, had)
        began = 0.0
        tries = failures = 0
        while True:
            if run.health.gone.is_set():
                raise RequestFailed(
                    f"{SKIPPED_REQUEST}: the server had failed too many requests in a row; give the command again to go on"
                )
            self._pace.wait(run.stop)
            began = began or time.monotonic()
            try:
                choices = _choices(self._call("POST", self._url, body), self._hidden)
                run.health.well()
                return choices
            except RequestFailed as trouble:
                tries += 1
                failures += trouble.status != 429
                wait = pacing.pause(tries - 1, self._chance) if trouble.wait is None else trouble.wait
                late = time.monotonic() - began + wait > self._patience
                if trouble.passing and failures <= self._retries and not late and not run.stop.is_set():
                    if trouble.wait is not None:
                        self._pace.hold(wait)
                    run.pause(wait)
                    continue
                if trouble.status not in REQUEST_SPECIFIC_STATUS:
                    run.health.given_up()
                raise RequestFailed(
                    f"{trouble.message} (tried {tries} times)" if tries > 1 else trouble.message, trouble.status
                ) from None

    def _request_body(self, request: Request, sampling: Sampling, wanted: int, had: int) -> bytes:
        fields: dict[str, Any] = {
            "model": self.name,
            "messages": [dict(message) for message in request.messages],
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
        }
        if wanted > 1:
            fields["n"] = wanted
        if sampling.seed is not None:
            fields["seed"] = sampling.seed + had
        if sampling.stop:
            fields["stop"] = list(sampling.stop)
        fields |= self._body
        return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()

    def _call(self, method: str, url: str, body: bytes | None) -> Any:
        """The JSON value of a good reply; raises _Trouble for all else."""
        headers = {"Accept": "application/json", "Content-Type": "application/json", "User-Agent": "execverify"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        try:
            reply = call(method, url, headers, body, self._timeout)
        except Dropped as dropped:
            raise RequestFailed(str(dropped), passing=True) from None
        if reply.status == 200:
            with contextlib.suppress(ValueError, RecursionError):
                return json.loads(reply.body)
        said = self._hidden(reply.body.decode("utf-8", "replace"))  # before it is cut: half a key is still some of it
        if reply.status != 200:
            raise _refusal(reply.status, reply.headers, said)
        what = "an empty reply" if not said.strip() else f"a reply that is not JSON: {_start(said)}"
        raise RequestFailed(f"the server gave {what}", passing=True) from None

    def _hidden(self, text: str) -> str:
        """A message without the key and what the URL's query holds: servers quote both in what they refuse."""
        return redact(text, self._secrets)

    def _only_model(self) -> str:
        url = self._url.replace("/chat/completions", "/models")
        try:
            listed = self._call("GET", url, None)
            names = [entry["id"] for entry in listed["data"]]
        except (RequestFailed, TypeError, KeyError) as error:
            told = self._hidden(str(error))
            raise ModelError(f"{redact_url(url)} does not tell which models there are ({told}): give model=NAME") from None
        if len(names) != 1:
            raise ModelError(
                f"the server has {count_phrase(len(names), 'model')} ({', '.join(map(str, names[:5]))}): give model=NAME"
            )
        return str(names[0])


class _Run:
    """What the threads of one `generate` share."""

    def __init__(self, waiting: deque[Request], sampling: Sampling, health: pacing.Health) -> None:
        self.waiting = waiting
        self.sampling = sampling
        self.health = health
        self.done: queue.SimpleQueue[Generation] = queue.SimpleQueue()
        self.stop = threading.Event()

    def pause(self, seconds: float) -> None:
        """Waits so long; less where the run is stopped or the server is gone."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self.stop.is_set() and not self.health.gone.is_set():
            self.stop.wait(min(left, 0.25))


class RequestFailed(Exception):
    """A call that gave no completion.

    Attributes:
        message: what happened, in one line.
        status: of HTTP; None where there was no reply.
        passing: whether another try may well succeed.
        wait: seconds after which the server asks to be tried again.
    """

    def __init__(self, message: str, status: int | None = None, *, passing: bool = False, wait: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.passing = passing
        self.wait = wait


@dataclass(frozen=True, slots=True)
class _Choice:
    text: str
    reason: str


def _choices(value: Any, hidden: Callable[[str], str]) -> list[_Choice]:
    """The completions of a reply, in the order of their index; raises _Trouble where it has none."""
    choices = []
    try:
        for entry in sorted(value["choices"], key=lambda entry: entry.get("index") or 0):
            message = entry["message"]
            text = message["content"]
            if text is None and any(message.get(name) for name in ("reasoning_content", "reasoning", "refusal")):
                text = ""  # it thought, or refused, and said nothing
            if not isinstance(text, str):
                raise TypeError
            choices.append(_Choice(text, str(entry.get("finish_reason") or "")))
    except (TypeError, KeyError, AttributeError):
        choices = []
    if not choices:
        raise RequestFailed(f"the server gave a reply without a completion: {_start(hidden(json.dumps(value)))}", passing=True)
    return choices


def _refusal(status: int, headers: Mapping[str, str], body: str) -> RequestFailed:
    try:
        error = json.loads(body)
        error = error.get("error", error)
        said = str(error.get("message") or error.get("detail") or error) if isinstance(error, dict) else str(error)
        spent = isinstance(error, dict) and "insufficient_quota" in (error.get("code"), error.get("type"))
    except (ValueError, AttributeError, RecursionError):
        said, spent = _start(body), False
    if 300 <= status < 400:
        said = f"it redirects to {redact_url(headers.get('location', 'nowhere'))}: give that URL"
    passing = (status in RETRYABLE_STATUS or status >= 500) and not spent
    said = " ".join(said.split())[:300]
    wait = pacing.retry_after(headers.get("retry-after"))
    return RequestFailed(f"the server said {status}: {said}", status, passing=passing, wait=wait)


def _start(body: str) -> str:
    text = " ".join(body[:400].split())
    return text if len(text) <= 120 else text[:117] + "..."


def _endpoint(url: str) -> str:
    """The URL of chat completions, from any of the ways in which people name a server."""
    try:
        parts = urlsplit(url)
        good = parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ModelError(f"{redact_url(url)} is not a URL of a server: write http://HOST:PORT/v1")
    if parts.username or parts.password:
        raise ModelError(f"the URL holds a name or password: put the key into the environment as {KEY_VARIABLE}")
    path = parts.path.rstrip("/")
    if not path.endswith("/chat/completions"):
        path = f"{path or '/v1'}/chat/completions"
    return parts._replace(path=path, fragment="").geturl()


def _without_keys(body: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of requests as they are recorded: texts that are called a key or the like are not."""
    return {name: "***" if isinstance(value, str) and _SECRET.search(name) else value for name, value in body.items()}


def _key(variable: str | None) -> str:
    if variable and not variable.isidentifier():
        raise ModelError("api_key_env takes the name of an environment variable that holds the key, and not the key")
    key = os.environ.get(variable or KEY_VARIABLE, "").strip()
    if variable and not key:
        raise ModelError(f"the environment has no {variable}: set it to the server's key")
    if not key.isascii() or any(not 32 < ord(letter) < 127 for letter in key):
        raise ModelError(f"{variable or KEY_VARIABLE} holds something else than a key: it has blanks or letters that no key has")
    return key
