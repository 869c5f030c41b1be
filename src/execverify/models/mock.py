"""Mock models: a function from a request to text, for tests, baselines and demonstrations.

    model = MockModel("gold", lambda request: golds[request.id])   # any callable
    model = load("mock:constant", text="Nil")                      # or one that is registered by name

A function that raises gives a generation with an error.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from execverify.errors import ModelError
from execverify.models.model import Generation, Request, Sampling, check_ids
from execverify.utils.messages import near_names

Answer = Callable[[Request], str | Sequence[str]]
"""From a request to one text for all samples, or to a text for each sample; too few are repeated in turn."""

_FACTORIES: dict[str, Callable[..., Answer]] = {}


class MockModel:
    """A model whose completions a function returns.

    Args:
        name: its name in results.
        answer: takes a request and returns its completion, or its completions.
        settings: JSON values that are recorded with the results.
    """

    def __init__(self, name: str, answer: Answer, **settings: Any) -> None:
        self.name = name
        self.settings: Mapping[str, Any] = {"engine": "mock", **settings}
        self._answer = answer

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Generation]:
        """Yields a generation for each request, in order."""
        check_ids(requests)
        for request in requests:
            try:
                returned = self._answer(request)
            except Exception as error:
                yield Generation(request.id, (), error=f"the mock function failed: {type(error).__name__}: {error}")
                continue
            texts = (returned,) if isinstance(returned, str) else tuple(returned)
            if not texts:
                yield Generation(request.id, (), error="the mock function returned no completion")
                continue
            yield Generation(request.id, tuple(texts[(request.sample + i) % len(texts)] for i in range(sampling.n)))

    def close(self) -> None:
        """Does nothing: a mock model holds no resources."""


def register_mock(name: str) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Decorates a function that takes the options of `load` and returns an `Answer`: `mock:NAME` then names it."""

    def add(factory: Callable[..., Answer]) -> Callable[..., Answer]:
        _FACTORIES[name] = factory
        return factory

    return add


def mock(name: str, **options: Any) -> MockModel:
    """The mock model that is registered under a name.

    Raises:
        ModelError: there is none, or it does not take these options.
    """
    if name not in _FACTORIES:
        near = near_names(name, _FACTORIES)
        hint = f"did you mean mock:{near[0]}?" if near else f"there are {', '.join(sorted(_FACTORIES))}"
        raise ModelError(f"there is no model mock:{name}: {hint}")
    try:
        answer = _FACTORIES[name](**options)
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
