"""A model with a store is asked once for each sample of a prompt, by any run; results do not depend on the store."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from execverify.errors import EvaluationError, ModelError, RunStopped
from execverify.evaluation.run import evaluate
from execverify.generation.budget import Budget
from execverify.generation.store import RequestStore
from execverify.generation.stored_model import StoredModel
from execverify.models.mock import MockModel
from execverify.models.model import SKIPPED_REQUEST, Generation, Request, Sampling
from tests.helpers.command import run
from tests.helpers.faulty_openai_server import Handler, misbehaving
from tests.helpers.writing_server import asked, say

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


@pytest.mark.parametrize("n", [1, 3])
def test_a_budget_is_kept_and_resumed(n: int, counting: Counting, tmp_path: Path) -> None:
    """Parts get longer by the tokens that answers did not need; what came before the end is kept, and not asked again."""
    prompts = [f"prompt number {number}" for number in range(40)]
    sampling = Sampling(temperature=1.0, n=n, max_tokens=50)
    with closing(RequestStore(tmp_path)) as store:
        limited = StoredModel(counting, store, Budget(max_tokens=150 * n))
        arrived = []
        with pytest.raises(RunStopped, match=rf"stopped at the budget \(--max-tokens-total {150 * n}\): \d+ tokens are used"):
            arrived += list(limited.generate(requests(*prompts), sampling))
        used = store.totals()
        assert 150 * n - 50 * n - 20 * n < used.tokens <= 150 * n
        assert (
            used.answers == len(counting.asked) > 3 * n
        )  # with the most tokens each, three prompts would be more than the budget
        before = list(counting.asked)
        larger = StoredModel(counting, store, Budget(max_tokens=100_000))
        whole = {made.id: made.completions for made in larger.generate(requests(*prompts), sampling)}
        assert sorted(counting.asked) == sorted({*counting.asked}) and counting.asked[: len(before)] == before
        assert whole == texts(StoredModel(Counting(), RequestStore(tmp_path / "other")), requests(*prompts), sampling)
        # what the store has needs no budget
        assert len(list(StoredModel(counting, store, Budget(max_tokens=1)).generate(requests(*prompts), sampling))) == 40


class Dead(Counting):
    """Fails on the first request, and sends no other one."""

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Generation]:
        self.asked += [(one.id, 0) for one in requests]
        for at, one in enumerate(requests):
            yield Generation(one.id, (), f"{SKIPPED_REQUEST}: x" if at else "no connection")


def test_a_dead_server_gets_no_further_parts(tmp_path: Path) -> None:
    dead = Dead()
    with closing(RequestStore(tmp_path)) as store:
        limited = StoredModel(dead, store, Budget(max_tokens=200))
        found = list(limited.generate(requests(*"abcdefgh"), Sampling(max_tokens=50)))
    assert len(dead.asked) == 3 and [made.error for made in found] == ["no connection", *[f"{SKIPPED_REQUEST}: x"] * 7]


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
    with pytest.raises(EvaluationError, match="a budget needs a store"):
        evaluate("heldout", counting, limit=3, budget=Budget(max_tokens=9))
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match="is no folder that can be made or read"):
        evaluate("heldout", counting, store=tmp_path / "file", progress=lambda *_: pytest.fail("work has begun"))


def test_a_budget_by_command(tmp_path: Path) -> None:
    """A run that meets its budget ends with status 3, and the same command with a larger one asks for the rest alone."""
    store, out = str(tmp_path / "store"), tmp_path / "out"
    with misbehaving(otherwise=say("I do not know.", usage={"prompt_tokens": 400, "completion_tokens": 100})) as server:
        words = (
            "evaluate", "heldout", "--model", server.url, "--model-arg", "model=m", "--limit", "8", "--max-tokens", "100", "-o", str(out),
            "--json", "--price-in", "1", "--price-out", "2",
        )  # fmt: skip
        short = run(*words, "--max-tokens-total", "2600")
        assert (short.returncode, short.stdout) == (2, "")
        assert "--max-tokens-total and --max-cost need --store FOLDER" in short.stderr
        short = run(*words, "--store", store, "--max-cost", "0.0031")
        assert short.returncode == 3, short.stderr
        sent = len(server.calls)
        assert 3 <= sent <= 5  # 0.0006 each; prompts are estimated to be longer than this server counts
        assert (
            f"stopped at the budget (--max-cost 0.0031): {500 * sent:,} tokens for {0.0006 * sent:.4g} are used" in short.stderr
        )
        assert "larger budget to resume" in short.stderr and "Traceback" not in short.stderr
        done = run(*words, "--store", store, "--max-cost", "1")
        assert done.returncode == 0, done.stderr
        assert f"{store}: 8 answers, 4,000 tokens, cost 0.0048 of 1" in done.stderr
        assert len(server.calls) == 8 and set(asked(server).values()) == {1}
    assert json.loads(done.stdout)["items"] == 8
    assert (
        run("evaluate", "heldout", "--model", "mock:gold", "--store", store, "--max-cost", "1").returncode == 2
    )  # without prices


def test_evaluations_killed_and_resumed(tmp_path: Path) -> None:
    """What was answered before a kill is not asked again, and the results are those of a run that nobody killed."""

    def behave(handler: Handler, body: dict[str, Any]) -> None:
        time.sleep(0.05)
        say(f"I do not know, {body['seed']}.")(handler, body)

    with misbehaving(otherwise=behave) as server:

        def command(name: str) -> list[str]:
            return [
                sys.executable, "-m", "execverify", "evaluate", "heldout", "--model", server.url, "--model-arg", "model=m", "--model-arg",
                "concurrency=4", "--limit", "24", "--store", str(tmp_path / f"{name}-store"), "--max-tokens-total", "10000000",
                "-o", str(tmp_path / name),
            ]  # fmt: skip

        for calls in (2, 7):
            before = len(server.calls)
            with subprocess.Popen(command("killed"), stderr=subprocess.DEVNULL, start_new_session=True) as running:
                while running.poll() is None and len(server.calls) < before + calls:
                    time.sleep(0.005)
                os.killpg(running.pid, signal.SIGKILL)
        assert subprocess.run(command("killed"), capture_output=True).returncode == 0
        sent, different = len(server.calls), len(asked(server))
        assert different == 24 and sent - different <= 2 * 4  # what was under way at a kill
        assert subprocess.run(command("whole"), capture_output=True).returncode == 0
    results = [json.loads((tmp_path / name / "results.json").read_text()) for name in ("killed", "whole")]
    assert results[0] == results[1] and results[0]["items"] == 24


def test_by_command(tmp_path: Path) -> None:
    words = ("evaluate", "heldout", "--model", "mock:gold", "--limit", "2", "--store", str(tmp_path / "store"), "--json")
    first, second = run(*words), run(*words)
    assert first.returncode == second.returncode == 0, first.stderr
    assert json.loads(first.stdout) == json.loads(second.stdout)
    store = RequestStore(tmp_path / "store")
    assert store.totals().answers == 2
    store.close()
