"""What every model is to the rest of execverify: chat messages in, texts out, as they arrive.

    for generation in model.generate(requests, Sampling(max_tokens=256)):
        ...                                      # generation.id says which request; the order is the model's own

A generation that carries an `error` is our own failure (a server that died, a prompt that does not fit), and never counts as
a wrong answer. Every request comes back exactly once, with all its completions or with an error.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, runtime_checkable

from execverify.errors import ModelError
from execverify.questions.task import Message

SKIPPED_REQUEST = "not asked"
"""The beginning of the error of a request that was given back without a try."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How completions are drawn.

    Attributes:
        temperature: 0 takes the likeliest token each time.
        top_p: the share of probability that tokens are drawn from.
        max_tokens: the most tokens of a completion.
        n: completions for each request.
        seed: the same seed draws the same completions where the engine can promise that; None draws afresh.
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
        """The settings as JSON holds them."""
        return {**asdict(self), "stop": list(self.stop)}


@dataclass(frozen=True, slots=True)
class Request:
    """What a model is asked: chat messages under a name of the caller's own."""

    id: str
    messages: tuple[Message, ...]

    @property
    def digest(self) -> str:
        """The messages' hash, to tell whether a stored answer belongs to this prompt."""
        told = json.dumps([[message["role"], message["content"]] for message in self.messages], ensure_ascii=False)
        return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Generation:
    """What a model answered.

    Attributes:
        id: the request's.
        completions: `Sampling.n` texts; fewer only with an error.
        error: what went wrong on our side, in one line; None where all is well.
        finish_reasons: for each completion "stop" or "length" (cut off at `max_tokens`), "" where the engine does not say.
    """

    id: str
    completions: tuple[str, ...]
    error: str | None = None
    finish_reasons: tuple[str, ...] = ()


@runtime_checkable
class Model(Protocol):
    """Something that answers.

    Attributes:
        name: how results call it.
        settings: plain values that are recorded with the results: engine, versions, dtype and so on.
    """

    @property
    def name(self) -> str: ...

    @property
    def settings(self) -> Mapping[str, Any]: ...

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Generation]:
        """Answers each request once, as they get done, in any order; ids are unique."""
        ...

    def close(self) -> None:
        """Gives back memory, processes and connections; may be called twice."""
        ...


def check_ids(requests: Sequence[Request]) -> None:
    """Raises ModelError where two requests share an id."""
    seen: set[str] = set()
    for request in requests:
        if request.id in seen:
            raise ModelError(f"two requests have the id {request.id!r}: give each its own")
        seen.add(request.id)
