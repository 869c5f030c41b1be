"""Models behind a server that offers OpenAI's chat completions: vLLM, SGLang, llama.cpp, `transformers serve`, or a hosted one.

    model = load("http://localhost:8000/v1", model="NAME", concurrency=64)

The `openai` SDK sends the requests, `tenacity` repeats them, and an event loop in a thread of its own runs up to `concurrency` of
them at once. Each request ends in one generation: an answer, or an error after its last try. When as many requests in a row have
failed as may run at once (at least `MIN_FAILURES_BEFORE_ABORT`), the server counts as down and the rest are returned unsent.
"""

import asyncio
import contextlib
import email.utils
import json
import logging
import os
import queue
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from execverify.errors import ModelError
from execverify.models.model import SKIPPED_REQUEST, Generation, Request, Sampling, check_ids
from execverify.utils.messages import count_phrase, one_line, redact, redact_url, url_secrets

_log = logging.getLogger(__name__)

API_KEY_ENV = "EXECVERIFY_API_KEY"
"""The environment variable that holds the key, where `api_key_env` names no other."""

RETRYABLE_STATUS = frozenset({408, 409, 425, 429})
"""Refusals that a later try may get past; every status of 500 and more is one, too."""

REQUEST_SPECIFIC_STATUS = frozenset({400, 413, 422})
"""Refusals of one request, which do not show that the server is down."""

MIN_FAILURES_BEFORE_ABORT = 4
MAX_CONCURRENCY = 1000
"""Connections that the SDK opens at most."""

FIRST_WAIT, MAX_WAIT = 0.5, 60.0
"""Seconds: the upper limit of the first random wait between two tries, which doubles each time, and of all waits."""

_SECRET_FIELD = re.compile("key|token|secret|password|auth", re.IGNORECASE)
_CLOSE_SECONDS = 1.0

T = TypeVar("T")


class RequestFailed(Exception):
    """A call that returned no completion.

    Attributes:
        message: what happened, in one line.
        status: the HTTP status; None where there was no reply.
        retryable: whether another try may succeed.
        retry_after: seconds after which the server asks for the next try; None where it does not.
    """

    def __init__(
        self, message: str, status: int | None = None, *, retryable: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.retryable = retryable
        self.retry_after = retry_after


class OpenAICompatibleModel:
    """A model behind HTTP.

    Args:
        url: the server's address: `http://host:8000`, `https://host/v1`, or the whole `.../chat/completions`.
        model: its name there; may be left out where the server lists one model only.
        concurrency: requests under way at once, 1 to 1000.
        timeout: seconds for one whole reply, from connecting to its last byte.
        retries: tries after the first one; refusals with status 429 are not counted.
        max_retry_seconds: seconds from the first try after which a request is not tried again.
        requests_per_minute: the client's own limit; None for none.
        api_key_env: the environment variable that holds the key.
        body: more fields of each request, such as {"top_k": 20}; None as a value leaves a field out.

    Raises:
        ModelError: the SDK is not installed, the URL, the key or an option is not valid, or no model is named and the server
            does not list exactly one.
    """

    def __init__(
        self,
        url: str,
        *,
        model: str | None = None,
        concurrency: int = 16,
        timeout: float = 300.0,
        retries: int = 5,
        max_retry_seconds: float = 900.0,
        requests_per_minute: float | None = None,
        api_key_env: str | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> None:
        if not timeout > 0 or retries < 0 or (requests_per_minute is not None and not requests_per_minute > 0):
            raise ModelError("timeout and requests_per_minute must be above 0, and retries at least 0")
        if not 1 <= concurrency <= MAX_CONCURRENCY:
            raise ModelError(f"concurrency is {concurrency}: give 1 to {MAX_CONCURRENCY}")
        self._url = _endpoint(url)
        self._key = _read_key(api_key_env)
        self._secrets = tuple(filter(None, (self._key, quote(self._key, safe=""), *url_secrets(url))))
        _require_sdk(quiet=bool(urlsplit(url).query))
        self._timeout, self._retries, self._max_retry_seconds = timeout, retries, max_retry_seconds
        self._concurrency = concurrency
        self._body = dict(body or {})
        self._limiter = _Limiter(requests_per_minute)
        self._supports_n = True
        self.name = model or self._only_model()
        self.settings: Mapping[str, Any] = {
            "engine": "openai-compatible server",
            "model": self.name,
            "url": redact_url(self._url),
            "body": _redact_body(self._body),
            "concurrency": concurrency,
            "timeout": timeout,
            "retries": retries,
            "max_retry_seconds": max_retry_seconds,
            "requests_per_minute": requests_per_minute,
        }

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Generation]:
        """Yields generations as they arrive. Closing the iterator cancels what is under way, and sends nothing more."""
        check_ids(requests)
        pairs = [(request, sampling) for request in requests]
        yield from self._generate(_RequestSource(iter(()), pairs), min(self._concurrency, len(pairs)))

    def generate_stream(self, requests: Iterator[Sequence[tuple[Request, Sampling]]]) -> Iterator[Generation]:
        """The same for requests that are made while others are answered, each with its own sampling.

        Args:
            requests: lists of requests with unique ids. `next(requests)` may block. It must end before the iterator is closed.
        """
        yield from self._generate(_RequestSource(requests), self._concurrency)

    def _generate(self, requests: "_RequestSource", tasks_at_once: int) -> Iterator[Generation]:
        async def work(emit: Callable[[Generation], None]) -> None:
            async with self._client() as client, asyncio.TaskGroup() as tasks:
                batch = _Batch(client, requests, max(self._concurrency, MIN_FAILURES_BEFORE_ABORT))
                for _ in range(tasks_at_once):
                    tasks.create_task(self._work(batch, emit))

        yield from _iterate_in_thread(work)

    def close(self) -> None:
        """Does nothing: each call of `generate` closes its own connections."""

    async def _work(self, batch: "_Batch", emit: Callable[[Generation], None]) -> None:
        while (taken := await batch.requests.take()) is not None:
            request, sampling = taken
            try:
                generation = await self._answer(request, sampling, batch)
            except Exception as error:  # no error in this client may lose a request or end the batch
                generation = Generation(request.id, (), error=self._redact(one_line(f"{type(error).__name__}: {error}")))
            emit(generation)

    async def _answer(self, request: Request, sampling: Sampling, batch: "_Batch") -> Generation:
        """All completions of a request: by the parameter `n`, or one by one where the server refuses it or returns fewer."""
        choices: list[_Choice] = []
        usage: tuple[int, int] | None = (0, 0)
        error = None
        supports_n = self._supports_n
        while len(choices) < sampling.n and error is None:
            missing = sampling.n - len(choices)
            wanted = missing if supports_n else 1
            try:
                received = await self._complete(request, sampling, batch, wanted, len(choices))
            except RequestFailed as failure:
                if wanted > 1 and failure.status in (400, 422, 501):
                    supports_n = False
                else:
                    error = self._redact(failure.message)
                continue
            supports_n = supports_n and len(received) >= wanted
            self._supports_n = self._supports_n and supports_n
            choices += received[:missing]
            usage = _add_usage(usage, received[0].usage)
        texts, reasons = tuple(c.text for c in choices), tuple(c.finish_reason for c in choices)
        return Generation(request.id, texts, error, reasons, usage if choices else None)

    async def _complete(
        self, request: Request, sampling: Sampling, batch: "_Batch", wanted: int, seed_offset: int
    ) -> list["_Choice"]:
        """Sends a request until it is answered.

        Raises:
            RequestFailed: it was refused, or its last try failed.
        """
        import tenacity

        content = self._request_body(request, sampling, wanted, seed_offset)
        tries = counted_failures = 0

        async def attempt() -> list[_Choice]:
            nonlocal tries
            if batch.server_down.is_set():
                raise RequestFailed(
                    f"{SKIPPED_REQUEST}: too many requests in a row had failed; run the same command again to send the rest"
                )
            tries += 1
            return self._parse_choices(await self._call(batch.client, self._url, content))

        def out_of_retries(state: Any) -> bool:
            nonlocal counted_failures
            if state.outcome.exception().status != 429:
                counted_failures += 1
            return counted_failures > self._retries

        def hold_others(state: Any) -> None:
            if state.outcome.exception().retry_after is not None:
                self._limiter.hold(state.upcoming_sleep)

        async def sleep(seconds: float) -> None:
            _log.info("%s: tried again in %.1f s", self.name, seconds)
            await _wait(batch.server_down, seconds)
            await self._limiter.turn(batch.server_down)

        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, RequestFailed) and error.retryable),
            wait=_wait_seconds,
            stop=tenacity.stop_any(out_of_retries, tenacity.stop_before_delay(self._max_retry_seconds)),
            before_sleep=hold_others,
            sleep=sleep,
            reraise=True,
        )
        await self._limiter.turn(batch.server_down)
        try:
            choices: list[_Choice] = await retrying(attempt)
        except RequestFailed as error:
            if error.status not in REQUEST_SPECIFIC_STATUS:
                batch.record_failure()
            if tries < 2:
                raise
            raise RequestFailed(f"{error.message} (tried {tries} times)", error.status) from None
        batch.failures_in_a_row = 0
        return choices

    def _request_body(self, request: Request, sampling: Sampling, wanted: int, seed_offset: int) -> bytes:
        """The JSON of a request. It is ASCII: lone surrogates of a prompt are sent as escapes, which the SDK cannot encode."""
        fields: dict[str, Any] = {
            "model": self.name,
            "messages": [dict(message) for message in request.messages],
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
            "n": wanted if wanted > 1 else None,
            "seed": None if sampling.seed is None else sampling.seed + request.sample + seed_offset,
            "stop": list(sampling.stop) or None,
        }
        fields |= self._body
        return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()

    def _client(self) -> Any:
        """A client of the SDK, which belongs to one event loop. Neither retries nor time-outs are left to it."""
        import openai

        try:
            return openai.AsyncOpenAI(api_key=self._key or "none", base_url=redact_url(self._url), timeout=None, max_retries=0)
        except Exception as error:  # such as a proxy in the environment that cannot be used
            raise ModelError(
                f"no client could be made for {redact_url(self._url)}: {self._redact(one_line(error, 300))}"
            ) from None

    async def _call(self, client: Any, url: str, content: bytes | None) -> Any:
        """POSTs content, or GETs where there is none, and returns the JSON value of the reply.

        Raises:
            RequestFailed: there was no reply with status 200 and JSON within the time.
        """
        import openai

        headers: dict[str, Any] = dict.fromkeys(("Authorization", "OpenAI-Organization", "OpenAI-Project"), openai.Omit())
        if self._key:  # the SDK's own variables, such as OPENAI_API_KEY and OPENAI_ORG_ID, belong to another server
            headers["Authorization"] = f"Bearer {self._key}"
        options = {"headers": {"Content-Type": "application/json", **headers}, "follow_redirects": False}
        try:
            async with asyncio.timeout(self._timeout):
                if content is None:
                    reply: bytes = await client.get(url, cast_to=bytes, options=options)
                else:
                    reply = await client.post(url, cast_to=bytes, content=content, options=options)
        except TimeoutError:
            raise RequestFailed(f"no whole reply within {self._timeout:g} s", retryable=True) from None
        except openai.APIStatusError as error:
            raise _refusal(error, self._redact) from None
        except openai.APIConnectionError as error:
            raise RequestFailed(_connection_error(error), retryable=True) from None
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(reply)
        text = self._redact(reply.decode("utf-8", "replace"))
        what = f"a reply that is not JSON: {_shorten(text)}" if text.strip() else "an empty reply"
        raise RequestFailed(f"the server sent {what}", retryable=True)

    def _parse_choices(self, reply: Any) -> list["_Choice"]:
        """The completions of a reply, in the order of their index.

        Raises:
            RequestFailed: it has none.
        """
        choices = []
        try:
            for entry in sorted(reply["choices"], key=lambda entry: entry.get("index") or 0):
                message = entry["message"]
                text = message["content"]
                if text is None and any(message.get(name) for name in ("reasoning_content", "reasoning", "refusal")):
                    text = ""  # the model reasoned or refused, without an answer
                if not isinstance(text, str):
                    raise TypeError
                choices.append(_Choice(text, str(entry.get("finish_reason") or ""), _usage(reply)))
        except (TypeError, KeyError, AttributeError):
            choices = []
        if not choices:
            text = _shorten(self._redact(json.dumps(reply)))
            raise RequestFailed(f"the server sent a reply without a completion: {text}", retryable=True)
        return choices

    def _redact(self, text: str) -> str:
        """A message without the key and the URL's query, both of which servers quote in their refusals."""
        return redact(text, self._secrets)

    def _only_model(self) -> str:
        url = self._url.replace("/chat/completions", "/models")

        async def work(emit: Callable[[Any], None]) -> None:
            async with self._client() as client:
                emit(await self._call(client, url, None))

        try:
            (listed,) = _iterate_in_thread(work)
            names = [entry["id"] for entry in listed["data"]]
        except (RequestFailed, TypeError, KeyError) as error:
            reason = self._redact(str(error))
            raise ModelError(f"{redact_url(url)} does not list the server's models ({reason}): give model=NAME") from None
        if len(names) != 1:
            listing = ", ".join(map(str, names[:5]))
            raise ModelError(f"the server has {count_phrase(len(names), 'model')} ({listing}): give model=NAME")
        return str(names[0])


@dataclass(frozen=True, slots=True)
class _Choice:
    """A completion; `usage` is of the whole reply that it came in."""

    text: str
    finish_reason: str
    usage: tuple[int, int] | None


class _RequestSource:
    """Gives the requests of one `_generate`, each once.

    Args:
        more: further requests, in lists. The event loop waits for the next list in another thread.
        waiting: requests that are there.
    """

    def __init__(
        self, more: Iterator[Sequence[tuple[Request, Sampling]]], waiting: Sequence[tuple[Request, Sampling]] = ()
    ) -> None:
        self._more, self._waiting = more, deque(waiting)
        self._lock = asyncio.Lock()
        self._ended = False

    async def take(self) -> tuple[Request, Sampling] | None:
        """The next request with its sampling; None where there is none."""
        while not self._waiting and not self._ended:
            async with self._lock:
                if not self._waiting and not self._ended:
                    found = await asyncio.to_thread(next, self._more, None)
                    self._ended = found is None
                    self._waiting.extend(found or ())
        return self._waiting.popleft() if self._waiting else None


@dataclass(slots=True)
class _Batch:
    """What the tasks of one `generate` share; `server_down` is set after `max_failures` failed requests in a row."""

    client: Any
    requests: _RequestSource
    max_failures: int
    failures_in_a_row: int = 0
    server_down: asyncio.Event = field(default_factory=asyncio.Event)

    def record_failure(self) -> None:
        self.failures_in_a_row += 1
        if self.failures_in_a_row >= self.max_failures:
            self.server_down.set()


class _Limiter:
    """Spaces calls evenly, and holds back all of them while the server asks for it."""

    def __init__(self, per_minute: float | None) -> None:
        self._interval = 60.0 / per_minute if per_minute else 0.0
        self._next = 0.0

    async def turn(self, cancelled: asyncio.Event) -> None:
        """Waits until the next call may be sent, or until `cancelled`."""
        while (seconds := self._next - time.monotonic()) > 0 and not cancelled.is_set():
            await _wait(cancelled, seconds)
        self._next = max(self._next, time.monotonic() + self._interval)

    def hold(self, seconds: float) -> None:
        self._next = max(self._next, time.monotonic() + seconds)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)


def _wait_seconds(state: Any) -> float:
    """The wait before the next try: what the server asks for, or a random one whose upper limit doubles with each try."""
    import tenacity

    server_asks = state.outcome.exception().retry_after
    seconds: float = tenacity.wait_random_exponential(FIRST_WAIT, MAX_WAIT)(state) if server_asks is None else server_asks
    return seconds


def _usage(reply: Any) -> tuple[int, int] | None:
    """The tokens of a prompt and of its completions in a reply; None where it has no such counts."""
    counts = reply.get("usage") if isinstance(reply, Mapping) else None
    found = [counts.get(name) for name in ("prompt_tokens", "completion_tokens")] if isinstance(counts, Mapping) else []
    match found:
        case [int(prompt), int(completion)] if prompt >= 0 and completion >= 0:
            return prompt, completion
    return None


def _add_usage(one: tuple[int, int] | None, other: tuple[int, int] | None) -> tuple[int, int] | None:
    """The sum of two counts; None where one of them is not known."""
    return None if one is None or other is None else (one[0] + other[0], one[1] + other[1])


def _iterate_in_thread(work: Callable[[Callable[[T], None]], Coroutine[Any, Any, None]]) -> Iterator[T]:
    """Yields what a coroutine emits in an event loop of its own thread; raises what it raises; closing the iterator cancels it."""
    results: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    loop = asyncio.new_event_loop()
    task = loop.create_task(work(lambda item: results.put(("item", item))))

    def run() -> None:
        try:
            loop.run_until_complete(task)
            results.put(("end", None))
        except BaseException as error:
            results.put(("error", error))
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while (found := results.get())[0] == "item":
            yield found[1]
        if found[0] == "error":
            raise found[1]
    finally:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(task.cancel)
        thread.join(_CLOSE_SECONDS)


def _require_sdk(quiet: bool) -> None:
    """Checks that the SDK is there; where `quiet`, keeps its HTTP library from logging URLs, whose query may hold a key."""
    try:
        import openai  # noqa: F401
        import tenacity  # noqa: F401
    except ImportError as error:
        raise ModelError(f"a model behind a URL needs {error.name}: pip install 'execverify[openai]'") from None
    for name in ("httpx", "httpx2") if quiet else ():
        logging.getLogger(name).setLevel(logging.WARNING)


def _connection_error(error: BaseException) -> str:
    """Why there was no reply, from the chain of errors under the SDK's own, whose text is only "Connection error."."""
    cause: BaseException = error.__cause__ or error
    root = cause
    while (deeper := root.__cause__ or root.__context__) is not None:
        root = deeper
    refused = root.exceptions if isinstance(root, BaseExceptionGroup) else (root,)
    if all(isinstance(one, ConnectionRefusedError) for one in refused):
        return "the connection was refused: is the server running?"
    return f"the connection failed: {one_line(cause, 200) or type(cause).__name__}"


def _refusal(error: Any, redact_text: Callable[[str], str]) -> RequestFailed:
    """What the SDK's error for another status than 200 means."""
    status, headers = error.status_code, error.response.headers
    if 300 <= status < 400:
        text = f"it redirects to {redact_url(headers.get('location', 'nowhere'))}: give that URL"
    elif isinstance(error.body, Mapping):
        text = redact_text(str(error.body.get("message") or error.body.get("detail") or error.body))
    else:
        text = _shorten(
            redact_text(error.body if isinstance(error.body, str) else error.response.text)
        )  # before it is cut: a part of a key is secret, too
    retryable = (status in RETRYABLE_STATUS or status >= 500) and "insufficient_quota" not in (error.code, error.type)
    message = f"the server returned {status}: {' '.join(text.split())[:300]}".removesuffix(": ")
    wait = _parse_retry_after(headers.get("retry-after"))
    return RequestFailed(message, status, retryable=retryable, retry_after=wait)


def _parse_retry_after(value: str | None) -> float | None:
    """The header's seconds from now, which it gives as a number or a date; None where it is missing or neither."""
    try:
        seconds = float(value or "")
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value or "").timestamp() - time.time()
        except ValueError:
            return None
    return max(0.0, seconds) if seconds == seconds else None


def _shorten(body: str) -> str:
    text = " ".join(body[:400].split())
    return text if len(text) <= 120 else text[:117] + "..."


def _endpoint(url: str) -> str:
    """The URL of chat completions, from any of the ways in which people name a server."""
    try:
        parts = urlsplit(url)
        valid = parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise ModelError(f"{redact_url(url)} is not a URL of a server: write http://HOST:PORT/v1")
    if parts.username or parts.password:
        raise ModelError(f"the URL holds a name or password: put the key into the environment as {API_KEY_ENV}")
    path = parts.path.rstrip("/")
    if not path.endswith("/chat/completions"):
        path = f"{path or '/v1'}/chat/completions"
    return parts._replace(path=path, fragment="").geturl()


def _redact_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of requests as they are recorded: texts whose name is that of a secret are left out."""
    return {name: "***" if isinstance(value, str) and _SECRET_FIELD.search(name) else value for name, value in body.items()}


def _read_key(variable: str | None) -> str:
    if variable and not variable.isidentifier():
        raise ModelError("api_key_env takes the name of an environment variable that holds the key, and not the key")
    key = os.environ.get(variable or API_KEY_ENV, "").strip()
    if variable and not key:
        raise ModelError(f"the environment has no {variable}: set it to the server's key")
    if any(not 32 < ord(letter) < 127 for letter in key):
        raise ModelError(f"{variable or API_KEY_ENV} does not hold a key: it has blanks or characters that no key has")
    return key
