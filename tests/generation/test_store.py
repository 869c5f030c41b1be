"""The store of requests and the asker: nothing is asked twice, nothing is lost, budgets hold."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from execverify.errors import ModelError, RunStopped
from execverify.generation.asker import Asker
from execverify.generation.budget import Budget
from execverify.generation.store import Answer, RequestStore, request_key
from execverify.models import Generation, Model, Request, Sampling, load, openai_compatible
from tests.helpers.faulty_openai_server import Misbehaving, drop, half, misbehaving, status
from tests.helpers.writing_server import asked, say

SAMPLING = Sampling(temperature=1.0, max_tokens=100)
SMALL = {"prompt_tokens": 6, "completion_tokens": 94}


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_compatible, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(openai_compatible, "MAX_WAIT", 0.05)
    monkeypatch.delenv("EXECVERIFY_API_KEY", raising=False)


def requests(count: int, text: str = "hello") -> list[Request]:
    return [Request("", ({"role": "user", "content": text},), number) for number in range(count)]


def asker_of(server: Misbehaving, folder: Path, budget: Budget | None = None, concurrency: int = 8, **options: Any) -> Asker:
    model = load(server.url, model="m", concurrency=concurrency, **options)
    return Asker(model, RequestStore(folder), budget, concurrency)


class Counting:
    """A model without streams that counts what it is asked."""

    name = "counting"
    settings: dict[str, Any] = {"engine": "test"}

    def __init__(self) -> None:
        self.batches: list[int] = []

    def generate(self, requests: Any, sampling: Sampling) -> Iterator[Generation]:
        self.batches.append(len(requests))
        for request in requests:
            yield Generation(request.id, (f"{request.messages[-1]['content']} {request.sample}",), None, ("stop",))

    def close(self) -> None:
        pass


def test_a_request_is_sent_once(tmp_path: Path) -> None:
    with misbehaving(otherwise=say("hi")) as server:
        for _ in range(2):
            with asker_of(server, tmp_path) as asker:
                replies = asker.ask([*requests(5), *requests(5)], SAMPLING)
                assert [reply.answer and reply.answer.text for reply in replies] == ["hi"] * 10
                assert asker.meter.total.tokens == 5 * 400
        assert set(asked(server).values()) == {1}
        assert len(server.calls) == 5


def test_the_key_is_of_the_content(tmp_path: Path) -> None:
    model = Counting()
    (one,) = requests(1)
    key = request_key(model, one, SAMPLING)
    assert request_key(model, Request("other id", one.messages), SAMPLING) == key
    others = [
        request_key(model, Request("", one.messages, 1), SAMPLING),
        request_key(model, requests(1, "other")[0], SAMPLING),
        request_key(model, one, Sampling(temperature=0.5, max_tokens=100)),
    ]
    model.settings = {"engine": "other"}
    others.append(request_key(model, one, SAMPLING))
    assert len({key, *others}) == 5
    model.settings = {"engine": "test", "concurrency": 3}  # changes speed alone
    assert request_key(model, one, SAMPLING) == key


def test_answers_come_in_order_from_a_model_without_streams(tmp_path: Path) -> None:
    model = Counting()
    assert isinstance(model, Model)
    with Asker(model, RequestStore(tmp_path), concurrency=4) as asker:
        texts = [reply.answer.text for reply in asker.ask(requests(30), SAMPLING) if reply.answer]
    assert texts == [f"hello {number}" for number in range(30)]
    assert max(model.batches) <= 4


def test_many_threads_share_the_concurrency(tmp_path: Path) -> None:
    with misbehaving(otherwise=say("hi")) as server, asker_of(server, tmp_path, concurrency=6) as asker:
        threads = [threading.Thread(target=asker.ask, args=(requests(20, f"thread {n}"), SAMPLING)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.calls) == 160
        assert server.busiest <= 6


def test_files_of_other_workers_are_read(tmp_path: Path) -> None:
    model = Counting()
    (one,) = requests(1)
    key = request_key(model, one, SAMPLING)
    first, second = RequestStore(tmp_path, "worker-1"), RequestStore(tmp_path, "worker-2")
    first.put(key, "m", one, SAMPLING, Answer("half a pair \ud800 \0", "stop", 3, 4, False))
    assert second.get_many([key, "nothing"]) == {key: Answer("half a pair \ud800 \0", "stop", 3, 4, False)}
    assert second.totals().tokens == 7
    first.close()
    second.close()


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "local.sqlite").write_text("this is not a database, and longer than a header of one would be" * 10)
    with pytest.raises(ModelError, match="cannot be used as a store of requests"):
        RequestStore(tmp_path)


def test_the_budget_of_tokens_is_kept_and_resumed(tmp_path: Path) -> None:
    with misbehaving(otherwise=say("hi", usage=SMALL)) as server:
        with (
            pytest.raises(RunStopped, match=r"stopped at the budget \(--max-tokens-total 1,000\)"),
            asker_of(server, tmp_path, Budget(max_tokens=1_000)) as asker,
        ):
            asker.ask(requests(40), SAMPLING)
        assert asker.meter.total.tokens <= 1_000
        assert len(server.calls) == 9  # 100 tokens each, as the server counts; ten would need 1,006 in the worst case
        with asker_of(server, tmp_path, Budget(max_tokens=100 * 40 + 6)) as asker:
            assert all(reply.answer for reply in asker.ask(requests(40), SAMPLING))
        assert set(asked(server).values()) == {1}


def test_the_budget_of_cost(tmp_path: Path) -> None:
    budget = Budget(max_cost=0.001, price_in=1.0, price_out=2.0)  # 0.000194 a request
    with misbehaving(otherwise=say("hi", usage=SMALL)) as server:
        with pytest.raises(RunStopped, match=r"--max-cost 0.001.*for 0.00097"), asker_of(server, tmp_path, budget) as asker:
            asker.ask(requests(40), SAMPLING)
        assert asker.meter.cost() <= 0.001
        assert len(server.calls) == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_cost": 1.0}, "needs prices"),
        ({"max_tokens": 0}, "1 or more"),
        ({"max_error_share": 2.0}, "from 0 to 1"),
        ({"max_cost": -1.0, "price_in": 1.0}, "above 0"),
    ],
)
def test_a_budget_without_sense(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Budget(**options)


def test_the_share_of_errors_stops_a_run(tmp_path: Path) -> None:
    with misbehaving(otherwise=status(400, "the prompt is refused")) as server:
        with (
            pytest.raises(RunStopped, match=r"more than --max-error-share 0.2 allows; the last: .*the prompt is refused"),
            asker_of(server, tmp_path) as asker,
        ):
            asker.ask(requests(500), SAMPLING)
        assert len(server.calls) < 60


def test_failed_requests_are_asked_again_by_the_next_run(tmp_path: Path) -> None:
    refuse = {"hello": [status(400, "no")]}
    with misbehaving(refuse, otherwise=say("hi")) as server:
        for failed in (1, 0):
            with asker_of(server, tmp_path) as asker:
                replies = asker.ask(requests(10), SAMPLING)
                assert sum(reply.answer is None for reply in replies) == failed
        assert len(server.calls) == 11


def test_trouble_is_tried_again(tmp_path: Path) -> None:
    trouble = {"hello": [status(429, Retry_After="0"), drop, half, status(503), status(429)]}
    with misbehaving(trouble, otherwise=say("hi")) as server, asker_of(server, tmp_path) as asker:
        assert all(reply.answer for reply in asker.ask(requests(10), SAMPLING))
        assert asker.usage.errors == 0
        assert len(server.calls) == 15


def test_a_server_that_is_down_stops_the_run(tmp_path: Path) -> None:
    with misbehaving(otherwise=status(503)) as server:
        with pytest.raises(RunStopped, match="failed"), asker_of(server, tmp_path, retries=0) as asker:
            asker.ask(requests(200), SAMPLING)
        assert len(server.calls) < 60


def test_a_model_that_fails_as_a_whole(tmp_path: Path) -> None:
    class Broken(Counting):
        def generate(self, requests: Any, sampling: Sampling) -> Iterator[Generation]:
            raise RuntimeError("no memory")

    with pytest.raises(ModelError, match="the model failed: no memory"), Asker(Broken(), RequestStore(tmp_path)) as asker:
        asker.ask(requests(3), SAMPLING)


def test_estimates_where_the_server_counts_nothing(tmp_path: Path) -> None:
    with misbehaving(otherwise=say("hi there", usage={})) as server, asker_of(server, tmp_path) as asker:
        (reply,) = asker.ask(requests(1), SAMPLING)
    assert reply.answer is not None
    assert reply.answer.estimated
    assert reply.answer.completion_tokens > 0
    file = sqlite3.connect(tmp_path / "local.sqlite")
    assert file.execute("SELECT count(*) FROM prompts").fetchone() == (1,)
    file.close()
