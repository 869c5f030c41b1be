"""Fakes: a function from a request to text, for tests, floors and demonstrations.

    model = Scripted("gold", lambda request: golds[request.id])        # any callable
    model = load("mock:constant", text="Nil")                      # or one of those registered here by name

A function that raises makes a generation with an error, as an engine that fails does.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from execverify.errors import ModelError
from execverify.models.model import Generation, Request, Sampling, check_ids

Answer = Callable[[Request], str | Sequence[str]]
"""One text, which is every sample; or a text for each sample, repeated as often as is needed."""

_MAKERS: dict[str, Callable[..., Answer]] = {}


class MockModel:
    """A model that is a function.

    Args:
        name: how results call it.
        answer: from a request to its completion, or its completions.
        settings: plain values to record.
    """

    def __init__(self, name: str, answer: Answer, **settings: Any) -> None:
        self.name = name
        self.settings: Mapping[str, Any] = {"engine": "scripted", **settings}
        self._answer = answer

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Generation]:
        """Answers in order."""
        check_ids(requests)
        for request in requests:
            try:
                given = self._answer(request)
            except Exception as error:
                yield Generation(request.id, (), error=f"the script failed: {type(error).__name__}: {error}")
                continue
            texts = (given,) if isinstance(given, str) else tuple(given)
            if not texts:
                yield Generation(request.id, (), error="the script gave no completion")
                continue
            yield Generation(request.id, tuple(texts[i % len(texts)] for i in range(sampling.n)))

    def close(self) -> None:
        """There is nothing to give back."""


def register_mock(name: str) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Makes a maker of answers known as `mock:NAME`; it takes the options given to `load`."""

    def add(maker: Callable[..., Answer]) -> Callable[..., Answer]:
        _MAKERS[name] = maker
        return maker

    return add


def mock(name: str, **options: Any) -> MockModel:
    """The fake that is registered under a name.

    Raises:
        ModelError: there is none, or it takes other options.
    """
    if name not in _MAKERS:
        near = difflib.get_close_matches(name, _MAKERS, n=1)
        meant = f"did you mean mock:{near[0]}?" if near else f"there are {', '.join(sorted(_MAKERS))}"
        raise ModelError(f"there is no model mock:{name}: {meant}")
    try:
        answer = _MAKERS[name](**options)
    except TypeError as error:
        raise ModelError(f"mock:{name} cannot be made with these options: {error}") from None
    return MockModel(f"mock:{name}", answer, **options)


@register_mock("empty")
def _empty() -> Answer:
    return lambda request: ""


@register_mock("constant")
def _constant(*, text: str) -> Answer:
    return lambda request: text


@register_mock("echo")
def _echo() -> Answer:
    return lambda request: request.messages[-1]["content"]
