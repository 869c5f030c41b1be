"""A model with a store: it is asked only for what the store does not have.

    model = StoredModel(load(url), RequestStore("answers"))
    for generation in model.generate(requests, Sampling(n=4)):       # and again, by this or another run: nothing is sent
        ...

Answers are found by content (see `generation.store`): model, settings, messages, sampling and the number of the sample. The name and
the settings are those of the model, so results do not depend on the store.

With a budget, requests are sent in parts: each is as long as the budget allows, if every answer had the most tokens. The tokens that an
answer did not need are there for the next part.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from execverify.cot.generate import estimate_tokens
from execverify.generation.budget import Budget, Meter, prompt_tokens
from execverify.generation.store import Answer, RequestStore, request_key
from execverify.models.model import SKIPPED_REQUEST, Generation, Model, Request, Sampling, check_ids


class StoredModel:
    """A model whose answers are kept.

    Args:
        model: answers what the store does not have.
        store: has the answers of earlier runs, and gets those of this one as they arrive.
        budget: what the answers in the store may use. Its share of errors does not stop a model: each failure is in its generation.
    """

    def __init__(self, model: Model, store: RequestStore, budget: Budget | None = None) -> None:
        self._model, self._store = model, store
        self._meter = Meter(budget, store.totals())
        self.name = model.name

    @property
    def settings(self) -> Mapping[str, Any]:
        """Those of the model."""
        return self._model.settings

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Generation]:
        """Yields the generations that the store has, then those of the model.

        Where the store has the first samples of a request, the model is asked for the other ones.

        Raises:
            ModelError: the store cannot be read or written.
            RunStopped: the next request may not fit into the budget. Answers until then are kept.
        """
        check_ids(requests)
        groups: dict[int, list[tuple[Request, list[Answer]]]] = {}
        for request in requests:
            answers = self._known(request, sampling)
            if len(answers) == sampling.n:
                yield _generation(request, answers)
            else:
                groups.setdefault(len(answers), []).append((request, answers))
        for first, group in groups.items():
            known = {request.id: (request, answers) for request, answers in group}
            rest = [replace(request, sample=request.sample + first) for request, _ in group]
            for made in self._sent(rest, replace(sampling, n=sampling.n - first)):
                request, answers = known[made.id]
                answers += _answers(request, made)
                self._keep(request, sampling, answers, first)
                yield _generation(request, answers, made.error)

    def close(self) -> None:
        """Closes the model, and not the store."""
        self._model.close()

    def _sent(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Generation]:
        """What the model generates, in parts that fit the budget; after a part that a dead server stopped, nothing more is sent."""
        down: str | None = None
        for part in self._parts(requests, sampling):
            if down is not None:
                yield from (Generation(request.id, (), down) for request in part)
                continue
            for made in self._model.generate(part, sampling):
                if (made.error or "").startswith(SKIPPED_REQUEST):
                    down = made.error
                yield made

    def _parts(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Sequence[Request]]:
        """Requests that fit the budget together. Each part is taken when the ones before are answered, so their tokens are known."""
        start = 0
        while start < len(requests):
            end, tokens = start, sampling.n * prompt_tokens(requests[start])
            while self._meter.fits(tokens, (end + 1 - start) * sampling.n * sampling.max_tokens):
                end += 1
                if end == len(requests):
                    break
                tokens += sampling.n * prompt_tokens(requests[end])
            if end == start:
                raise self._meter.stopped()
            yield requests[start:end]
            start = end

    def _keys(self, request: Request, sampling: Sampling, count: int) -> list[str]:
        samples = range(request.sample, request.sample + count)
        return [request_key(self._model, replace(request, sample=number), sampling) for number in samples]

    def _known(self, request: Request, sampling: Sampling) -> list[Answer]:
        """The first samples, as far as the store has them without a gap."""
        keys = self._keys(request, sampling, sampling.n)
        found = self._store.get_many(keys)
        missing = next((at for at, key in enumerate(keys) if key not in found), sampling.n)
        return [found[key] for key in keys[:missing]]

    def _keep(self, request: Request, sampling: Sampling, answers: Sequence[Answer], first: int) -> None:
        keys = self._keys(request, sampling, len(answers))
        entries = [
            (key, self.name, replace(request, sample=request.sample + at), replace(sampling, n=1), answer)
            for at, (key, answer) in enumerate(zip(keys, answers, strict=True))
            if at >= first
        ]
        if entries:
            self._store.put_many(entries)
        for *_, answer in entries:
            self._meter.count(answer, prompt_tokens(request))


def _answers(request: Request, made: Generation) -> list[Answer]:
    """The completions of a generation. The tokens of several ones are estimated: a server counts them together."""
    reasons = [*made.finish_reasons, *[""] * len(made.completions)]
    if made.usage is not None and len(made.completions) == 1:
        return [Answer(made.completions[0], reasons[0], *made.usage, estimated=False)]
    prompt = prompt_tokens(request)
    return [Answer(text, reason, prompt, estimate_tokens(text)) for text, reason in zip(made.completions, reasons, strict=False)]


def _generation(request: Request, answers: Sequence[Answer], error: str | None = None) -> Generation:
    reasons = tuple(answer.finish_reason for answer in answers)
    return Generation(request.id, tuple(answer.text for answer in answers), error, reasons if any(reasons) else ())
