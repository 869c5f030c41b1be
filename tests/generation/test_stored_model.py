"""A model with a store is asked once for each sample of a prompt, by any run; results do not depend on the store."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from execverify.evaluation.run import evaluate
from execverify.generation.store import RequestStore
from execverify.generation.stored_model import StoredModel
from execverify.models.mock import MockModel
from execverify.models.model import Generation, Request, Sampling
from tests.helpers.command import run

SAMPLED = Sampling(temperature=1.0, n=2)


class Counting(MockModel):
    """Sample k of a prompt is the prompt and k; counts the samples it was asked for, and fails on request."""

    def __init__(self) -> None:
        super().__init__("counting", lambda request: [f"{request.messages[0]['content']} {k}" for k in range(20)])
        self.asked: list[tuple[str, int]] = []
        self.failing = False

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Generation]:
        for made in super().generate(requests, sampling):
            request = next(one for one in requests if one.id == made.id)
            self.asked += [(request.messages[0]["content"], request.sample + k) for k in range(sampling.n)]
            yield Generation(made.id, made.completions[:1], "the server died") if self.failing else made


def requests(*prompts: str) -> list[Request]:
    return [Request(f"id {prompt}", ({"role": "user", "content": prompt},)) for prompt in prompts]


def texts(model: StoredModel, asked: list[Request], sampling: Sampling) -> dict[str, tuple[str, ...]]:
    return {made.id: made.completions for made in model.generate(asked, sampling)}


@pytest.fixture
def counting() -> Counting:
    return Counting()


@pytest.fixture
def stored(counting: Counting, tmp_path: Path) -> Iterator[StoredModel]:
    store = RequestStore(tmp_path / "store")
    yield StoredModel(counting, store)
    store.close()


def test_what_the_store_has_is_not_asked_again(counting: Counting, stored: StoredModel) -> None:
    first = texts(stored, requests("a", "b"), SAMPLED)
    assert first == {"id a": ("a 0", "a 1"), "id b": ("b 0", "b 1")}
    renamed = [replace(request, id=request.id.upper()) for request in requests("a", "b")]
    assert texts(stored, renamed, SAMPLED) == {name.upper(): made for name, made in first.items()}
    assert len(counting.asked) == 4
    assert texts(stored, requests("a", "c"), replace(SAMPLED, n=4))["id a"] == ("a 0", "a 1", "a 2", "a 3")
    assert sorted(counting.asked[4:]) == [("a", 2), ("a", 3), ("c", 0), ("c", 1), ("c", 2), ("c", 3)]
    assert texts(stored, requests("a"), replace(SAMPLED, n=1)) == {"id a": ("a 0",)}
    assert len(counting.asked) == 10


@pytest.mark.parametrize("change", [{"temperature": 0.5}, {"max_tokens": 7}, {"seed": 1}, {"stop": ("x",)}], ids=str)
def test_other_sampling_is_another_request(change: dict[str, object], counting: Counting, stored: StoredModel) -> None:
    for sampling in (SAMPLED, replace(SAMPLED, **change)):  # type: ignore[arg-type]
        texts(stored, requests("a"), sampling)
    assert len(counting.asked) == 4


def test_samples_of_a_request_that_failed_are_kept(counting: Counting, stored: StoredModel) -> None:
    counting.failing = True
    (failed,) = stored.generate(requests("a"), SAMPLED)
    assert (failed.error, failed.completions) == ("the server died", ("a 0",))
    counting.failing = False
    assert texts(stored, requests("a"), SAMPLED) == {"id a": ("a 0", "a 1")}
    assert counting.asked[-1] == ("a", 1)


def test_evaluations_share_a_store(counting: Counting, tmp_path: Path) -> None:
    counting._answer = lambda request: "I do not know."
    plain = evaluate("heldout", counting, limit=3, out=tmp_path / "plain")
    asked = len(counting.asked)
    for name in ("first", "second"):
        found = evaluate("heldout", counting, limit=3, out=tmp_path / name, store=tmp_path / "store")
        assert found.results == plain.results
        written = (tmp_path / name / "generations.jsonl").read_text()
        assert written == (tmp_path / "plain" / "generations.jsonl").read_text()
    assert len(counting.asked) == 2 * asked  # without the store, and once with it


def test_by_command(tmp_path: Path) -> None:
    words = ("evaluate", "heldout", "--model", "mock:gold", "--limit", "2", "--store", str(tmp_path / "store"), "--json")
    first, second = run(*words), run(*words)
    assert first.returncode == second.returncode == 0, first.stderr
    assert json.loads(first.stdout) == json.loads(second.stdout)
    store = RequestStore(tmp_path / "store")
    assert store.totals().answers == 2
    store.close()
