"""The protocol of models: they take chat messages, and yield completions as they arrive.

    for generation in model.generate(requests, Sampling(max_tokens=256)):
        ...                                      # generation.id is that of the request; the order is the model's own

A generation with an `error` is an infrastructure failure (a server that died, a prompt that does not fit), and never counts as a
wrong answer. Every request gets exactly one generation, with all its completions or with an error.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, runtime_checkable

from execverify.errors import ModelError
from execverify.questions.task import Message

SKIPPED_REQUEST = "not sent"
"""The first words of the error of a request that was never sent."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How completions are drawn.

    Attributes:
        temperature: 0 takes the most likely token each time.
        top_p: the share of probability that tokens are drawn from.
        max_tokens: the maximum number of tokens of a completion.
        n: completions for each request.
        seed: the same seed draws the same completions where the backend guarantees it; None takes a new seed each time.
        stop: texts that end a completion; they are not part of it.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 1024
    n: int = 1
    seed: int | None = 0
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < math.inf:
            raise ModelError(f"temperature is {self.temperature}: give 0 (greedy) or more")
        if not 0 < self.top_p <= 1:
            raise ModelError(f"top_p is {self.top_p}: give a share above 0 and up to 1")
        if self.max_tokens < 1 or self.n < 1:
            raise ModelError(f"max_tokens is {self.max_tokens} and n is {self.n}: give at least 1 for each")
        if isinstance(self.stop, str) or not all(self.stop):
            raise ModelError("stop is a tuple of texts, none of them empty")

    def plain(self) -> dict[str, Any]:
        """The settings as JSON values."""
        return {**asdict(self), "stop": list(self.stop)}


@dataclass(frozen=True, slots=True)
class Request:
    """Chat messages, with an id that the caller chooses.

    Attributes:
        id: unique among the requests of one call. Backends that run here draw samples by it.
        messages: the chat.
        sample: the number of its first sample, where one prompt is sent several times. A server gets it added to the seed.
    """

    id: str
    messages: tuple[Message, ...]
    sample: int = 0

    @property
    def digest(self) -> str:
        """A hash of the messages, by which a recorded answer is matched to its prompt."""
        text = json.dumps([[message["role"], message["content"]] for message in self.messages], ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Generation:
    """The completions of one request.

    Attributes:
        id: the request's.
        completions: `Sampling.n` texts; fewer only with an error.
        error: why completions are missing, in one line; None where none are.
        finish_reasons: for each completion "stop" or "length" (cut off at `max_tokens`), "" where the backend gives none.
        usage: tokens of the prompt and of the completions as the server counts them; None where it gives no counts.
    """

    id: str
    completions: tuple[str, ...]
    error: str | None = None
    finish_reasons: tuple[str, ...] = ()
    usage: tuple[int, int] | None = None


@runtime_checkable
class Model(Protocol):
    """Anything that generates completions.

    Attributes:
        name: its name in results.
        settings: JSON values that are recorded with the results: backend, versions, dtype and so on.
    """

    @property
    def name(self) -> str: ...

    @property
    def settings(self) -> Mapping[str, Any]: ...

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Generation]:
        """Yields one generation for each request, as soon as it is complete, in any order. The ids are unique."""
        ...

    def close(self) -> None:
        """Releases memory, processes and connections; may be called twice."""
        ...


@runtime_checkable
class StreamingModel(Model, Protocol):
    """A model that takes requests while it answers others."""

    def generate_stream(self, requests: Iterator[Sequence[tuple[Request, Sampling]]]) -> Iterator[Generation]:
        """Yields one generation for each request, in any order.

        The requests come in lists, each with how its completions are drawn. The next list is taken when those before are under way.
        `next(requests)` may block; it is called in another thread.
        """
        ...


def check_ids(requests: Sequence[Request]) -> None:
    """Raises ModelError where two requests share an id."""
    seen: set[str] = set()
    for request in requests:
        if request.id in seen:
            raise ModelError(f"two requests have the id {request.id!r}: give each its own")
        seen.add(request.id)
