"""Who is asked, and how: models by name, the scripted models that know the benchmark, and functions of the caller's own.

mock:gold             answers right: the check that a benchmark can be passed
mock:constant:-1      answers the same to everything: the floors
mock:empty          an empty completion
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from execverify.errors import EvaluationError, ModelError
from execverify.evaluation.benchmark import Benchmark, Item
from execverify.models import Generation, MockModel, Model, ReplayModel, Request, Sampling, load
from execverify.models.registry import check_spec
from execverify.models.replay import read_recorded
from execverify.questions.task import Message
from execverify.utils.messages import count_phrase, near_names

GenerateFn = Callable[[list[tuple[Message, ...]]], Sequence[str | Sequence[str]]]
"""A function that answers many conversations at once: for each a text, or a text for each sample."""

GOLD, EMPTY, CONSTANT = "mock:gold", "mock:empty", "mock:constant:"


class CallableModel:
    """A function of the caller's own as a model, such as the generation of a training run.

    Args:
        ask: from a list of conversations to a list of completions.
        name: how results call it.
        batch: how many conversations it is given at once.
    """

    def __init__(self, ask: GenerateFn, name: str = "function", batch: int = 256) -> None:
        self.name = name
        self.settings: Mapping[str, Any] = {"engine": "function"}
        self._ask = ask
        self._batch = batch

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Generation]:
        """Answers in order, a batch at a time. What the function raises goes up to the caller, whose function it is."""
        for start in range(0, len(requests), self._batch):
            some = requests[start : start + self._batch]
            answers = self._ask([request.messages for request in some])
            if len(answers) != len(some):
                raise EvaluationError(
                    f"the function gave {count_phrase(len(answers), 'answer')} to {count_phrase(len(some), 'prompt')}: give one for each"
                )
            for request, given in zip(some, answers, strict=True):
                texts = (given,) if isinstance(given, str) else tuple(given)
                short = (
                    f"the function gave {count_phrase(len(texts), 'completion')}, and n is {sampling.n}"
                    if len(texts) < sampling.n
                    else None
                )
                yield Generation(request.id, texts[: sampling.n], short)

    def close(self) -> None:
        """There is nothing to give back."""


class SharedModel:
    """A model by name for several evaluations: loaded when the first of them asks, once, and closed by who made it.

    Args:
        spec: a hub name or folder, a URL, or a registered backend's name; no `replay:` and no `mock:`, which are made for each benchmark.
        options: what the model's kind takes, see `models.load`.

    Raises:
        ModelError: the spec is a name that only a server has, or a path at which nothing is.
    """

    def __init__(self, spec: str, options: Mapping[str, Any]) -> None:
        if "backend" not in options:
            check_spec(spec)
        self._spec, self._options = spec, options
        self._model: Model | None = None

    def load(self) -> Model:
        """The model; the same one each time.

        Raises:
            ModelError: there is no such model, or it takes no such options.
        """
        if self._model is None:
            self._model = load(self._spec, **self._options)
        return self._model

    def close(self) -> None:
        """Closes the model, where it was loaded."""
        if self._model is not None:
            self._model.close()


def resolve_model(
    what: Model | SharedModel | GenerateFn | str,
    benchmark: Benchmark,
    items: Sequence[Item],
    style: str,
    options: Mapping[str, Any],
) -> Model:
    """The model that answers.

    Raises:
        ModelError: there is no such model, or it takes no such options.
    """
    if isinstance(what, SharedModel):
        return what.load()
    if not isinstance(what, str):
        return what if isinstance(what, Model) else CallableModel(what)
    if options and (what in (GOLD, EMPTY) or what.startswith(CONSTANT)):
        raise ModelError(f"{what} takes no options, and was given {', '.join(options)}")
    by_id = {item.id: item for item in items}

    def scripted(answer: Callable[[Item], str]) -> MockModel:
        return MockModel(what, lambda request: benchmark.complete(by_id[request.id], answer(by_id[request.id]), style))

    if what == GOLD:
        return scripted(benchmark.gold)
    if what == EMPTY:
        return MockModel(what, lambda request: "")
    if what.startswith(CONSTANT):
        text = what.removeprefix(CONSTANT)
        return scripted(lambda item: benchmark.constant(item, text))
    try:
        return load(what, **options)
    except ModelError as error:
        if not what.startswith("mock:"):
            raise
        names = (one.removeprefix("mock:") for one in (GOLD, EMPTY, f"{CONSTANT}TEXT"))
        if near := near_names(what.removeprefix("mock:"), names):
            raise ModelError(f"there is no model {what}: did you mean mock:{near[0]}?") from None
        raise ModelError(f"{error}; evaluation has {GOLD}, {EMPTY} and {CONSTANT}TEXT besides") from None


def recorded_file(what: object) -> str | None:
    """The file of recorded answers that a model is."""
    if isinstance(what, ReplayModel):
        return what.path
    return what.removeprefix("replay:") if isinstance(what, str) and what.startswith("replay:") else None


def replay_settings(path: str) -> tuple[dict[str, Any] | None, int, bool]:
    """What a file of recorded answers declares: the sampling, how many samples all its items have, and whether its
    texts are answers that were extracted from completions before (CRUXEval's, EvalPlus's and LiveCodeBench's files).

    Raises:
        ModelError: there is no such file, or it is no file of answers.
    """
    recorded = read_recorded(path)
    whole = [generation for generation, _ in recorded.generations.values() if generation.error is None]
    samples = min((len(generation.completions) for generation in whole), default=1)
    return recorded.header.get("sampling"), max(1, samples), recorded.extracted
