"""The client of OpenAI-compatible servers, against a server that does everything wrong that servers do."""

import logging
import signal
import subprocess
import sys
import threading
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from execverify.errors import ModelError
from execverify.models import Generation, Model, Request, Sampling, generate_cached, load, openai_compatible
from tests.helpers.faulty_openai_server import Behaviour, Misbehaving, drip, drop, good, half, misbehaving, raw, status

SAMPLING = Sampling(max_tokens=8)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_compatible, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(openai_compatible, "MAX_WAIT", 0.05)
    monkeypatch.delenv("EXECVERIFY_API_KEY", raising=False)


def asked(*prompts: str) -> list[Request]:
    return [Request(prompt, ({"role": "user", "content": prompt},)) for prompt in prompts]


def client(server: Misbehaving, **options: Any) -> Model:
    return load(server.url, model="m", **options)


def answers(server: Misbehaving, *prompts: str, sampling: Sampling = SAMPLING, **options: Any) -> dict[str, Generation]:
    given = list(client(server, **options).generate(asked(*prompts), sampling))
    assert sorted(g.id for g in given) == sorted(prompts)  # each once
    return {g.id: g for g in given}


@pytest.mark.parametrize(
    "trouble",
    [
        status(429),
        status(429, Retry_After="0"),
        status(500),
        status(503),
        status(408),
        raw(b""),
        raw(b"  \n"),
        raw(b"<html>busy</html>"),
        raw(b'{"choices": ['),
        raw(b"[" * 100_000),
        raw(b"null"),
        raw(b'{"choices": []}'),
        raw(b'{"choices": null}'),
        raw(b'{"choices": [{"message": {"content": null}}]}'),
        raw(b'{"choices": [{"message": "text"}]}'),
        raw(b'{"error": {"message": "with status 200"}}'),
        raw(b"\xff\xfe"),
        drop,
        half,
    ],
)
def test_passing_trouble_is_asked_again(trouble: Behaviour) -> None:
    with misbehaving({"a": [trouble, trouble]}) as server:
        assert answers(server, "a")["a"] == Generation("a", ("a/0",), None, ("stop",))
        assert len(server.calls) == 3


@pytest.mark.parametrize("trouble", [status(500), raw(b"{"), raw(b""), drop, half])
def test_trouble_that_stays_is_an_error(trouble: Behaviour) -> None:
    with misbehaving({"a": [trouble] * 9}) as server:
        given = answers(server, "a", "b", retries=2)
        assert given["a"].error is not None and "tried 3 times" in given["a"].error
        assert given["a"].completions == ()
        assert given["b"].error is None


def test_nothing_is_lost_among_many() -> None:
    troubles: list[Behaviour] = [status(429), status(500), raw(b"{"), raw(b""), drop, half, raw(b'{"choices": []}')]
    prompts = [f"p{i}" for i in range(120)]
    plan = {prompt: [troubles[(i + k) % len(troubles)] for k in range(i % 4)] for i, prompt in enumerate(prompts)}
    plan["p7"] = [status(400, "too long")]
    with misbehaving(plan) as server:
        given = answers(server, *prompts, concurrency=8)
        assert server.busiest <= 8
    assert {name for name, g in given.items() if g.error} == {"p7"}
    assert all(g.completions == (f"{name}/0",) for name, g in given.items() if name != "p7")


def test_requests_go_out_at_once() -> None:
    gate = threading.Barrier(6)

    def together(handler: Any, body: dict[str, Any]) -> None:
        gate.wait(timeout=20)
        good(handler, body)

    with misbehaving(otherwise=together) as server:
        answers(server, *"abcdef", concurrency=6)
        assert server.busiest == 6


@pytest.mark.parametrize("behaviour", [drip, lambda handler, body: time.sleep(5)])
def test_a_reply_that_never_ends_is_cut(behaviour: Behaviour) -> None:
    with misbehaving({"a": [behaviour]}) as server:
        began = time.monotonic()
        assert answers(server, "a", timeout=0.4)["a"].completions == ("a/0",)
        assert time.monotonic() - began < 4.5


def test_refusals_for_good_are_not_repeated() -> None:
    for code in (400, 401, 403, 404, 413, 422):
        with misbehaving(otherwise=status(code, "no such thing")) as server:
            error = answers(server, "a")["a"].error
            assert error == f"the server returned {code}: no such thing"
            assert len(server.calls) == 1


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"detail": "too long"}', "too long"),
        (b'{"error": "too long"}', "too long"),
        (b'{"message": "too long"}', "too long"),
        (b'{"error": {"code": 5}}', "{'code': 5}"),
        (b"too   long", "too long"),
        (b'["too long"]', '["too long"]'),
        (b"[" * 100_000, "[" * 117 + "..."),
        (b"", ""),
    ],
)
def test_refusals_of_any_form(body: bytes, error: str) -> None:
    with misbehaving(otherwise=lambda handler, _: handler.raw(400, body)) as server:
        assert answers(server, "a")["a"].error == f"the server returned 400: {error}".removesuffix(": ")


def test_spent_quota_is_not_repeated() -> None:
    spent = {"error": {"message": "You have no credit", "code": "insufficient_quota"}}
    with misbehaving(otherwise=lambda handler, body: handler.reply(429, spent)) as server:
        assert "no credit" in str(answers(server, "a")["a"].error)
        assert len(server.calls) == 1


@pytest.mark.parametrize("value", ["0.5", "date"])
def test_retry_after_is_honoured(value: str) -> None:
    header = formatdate(time.time() + 2, usegmt=True) if value == "date" else value
    with misbehaving({"a": [status(429, Retry_After=header)]}) as server:
        assert answers(server, "a")["a"].error is None
        first, second = (when for when, _, _ in server.calls)
        assert second - first >= (0.5 if value == "0.5" else 0.9)


def test_retry_after_quiets_all_threads() -> None:
    def later(handler: Any, body: dict[str, Any]) -> None:
        time.sleep(0.1)
        good(handler, body)

    with misbehaving({"a": [status(429, Retry_After="0.6")]}, otherwise=later) as server:
        answers(server, "a", "b", "c", "d", concurrency=2)
        times = sorted(when for when, _, _ in server.calls)
        assert not [when for when in times if times[0] + 0.15 < when < times[0] + 0.5]


def test_a_wait_beyond_max_retry_seconds_is_an_error() -> None:
    with misbehaving(otherwise=status(429, "come tomorrow", Retry_After="86400")) as server:
        began = time.monotonic()
        assert "come tomorrow" in str(answers(server, "a", max_retry_seconds=60)["a"].error)
        assert time.monotonic() - began < 5


def test_rate_refusals_do_not_use_up_tries() -> None:
    with misbehaving({"a": [status(429)] * 10}) as server:
        assert answers(server, "a", retries=1)["a"].error is None


def test_rate_limit_of_our_own() -> None:
    with misbehaving() as server:
        answers(server, *"abcdef", requests_per_minute=600, concurrency=6)
        times = sorted(when for when, _, _ in server.calls)
        assert times[-1] - times[0] >= 0.45


def test_a_dead_server_is_not_waited_for_by_all() -> None:
    with misbehaving() as server:
        model = client(server, concurrency=4, retries=2)
    given = list(model.generate(asked(*(f"p{i}" for i in range(500))), SAMPLING))
    assert len(given) == 500 and all(g.error for g in given)
    assert "refused" in str(given[0].error) and "tried 3 times" in str(given[0].error)
    assert sum("not sent" in str(each.error) for each in given) > 480


def test_a_prompt_that_always_breaks_the_server_keeps_no_other_from_being_asked() -> None:
    with misbehaving() as server:
        server.plan = {"b": [status(500)] * 10}
        given = answers(server, *"abcdef", concurrency=1, retries=1)
    assert [name for name, g in given.items() if g.error] == ["b"]


def test_a_server_that_dies_midway_loses_nothing() -> None:
    with misbehaving() as server:

        def last(handler: Any, body: dict[str, Any]) -> None:
            server.socket.close()  # nobody can connect any more
            drop(handler, body)

        server.plan = {"p20": [last]}
        given = answers(server, *(f"p{i}" for i in range(60)), concurrency=2, retries=1)
        server.socket = type(server.socket)()  # something to close
    good_ones = [g for g in given.values() if g.error is None]
    assert len(given) == 60 and 20 <= len(good_ones) < 30
    assert all(g.completions == (f"{g.id}/0",) for g in good_ones)


def test_n_by_parameter() -> None:
    with misbehaving() as server:
        assert answers(server, "a", sampling=Sampling(n=3, seed=5))["a"].completions == ("a/5", "a/6", "a/7")
        assert len(server.calls) == 1


def test_n_one_by_one_where_refused() -> None:
    def no_n(handler: Any, body: dict[str, Any]) -> None:
        (status(400, "n must be 1") if body.get("n", 1) > 1 else good)(handler, body)

    with misbehaving(otherwise=no_n) as server:
        given = answers(server, "a", "b", sampling=Sampling(n=3, seed=5), concurrency=1)
        assert given["a"].completions == ("a/5", "a/6", "a/7") and given["b"].completions == ("b/5", "b/6", "b/7")
        assert len(server.calls) == 7  # the refusal is remembered


def test_n_one_by_one_where_ignored() -> None:
    with misbehaving(otherwise=lambda handler, body: good(handler, {**body, "n": 1})) as server:
        assert answers(server, "a", sampling=Sampling(n=3, seed=5))["a"].completions == ("a/5", "a/6", "a/7")


def test_what_was_sampled_before_an_error_is_kept() -> None:
    one = lambda handler, body: good(handler, {**body, "n": 1})  # noqa: E731
    with misbehaving({"a": [one, status(404)]}) as server:
        given = answers(server, "a", sampling=Sampling(n=3))["a"]
        assert given.completions == ("a/0",) and given.error


def test_what_is_sent() -> None:
    with misbehaving() as server:
        sampling = Sampling(temperature=0.7, top_p=0.9, max_tokens=5, seed=None, stop=("\n",))
        answers(server, "ä\ud800", sampling=sampling, body={"top_k": 20, "max_tokens": None, "max_completion_tokens": 5})
        assert server.calls[0][1] == {
            "model": "m", "messages": [{"role": "user", "content": "ä\ud800"}], "temperature": 0.7, "top_p": 0.9,
            "stop": ["\n"], "top_k": 20, "max_completion_tokens": 5,
        }  # fmt: skip


def test_a_model_that_says_nothing_has_answered() -> None:
    thought = {"choices": [{"message": {"content": None, "reasoning_content": "hm"}, "finish_reason": "length"}]}
    empty = {"choices": [{"message": {"content": ""}, "finish_reason": "stop"}]}
    with misbehaving({"a": [lambda h, b: h.reply(200, thought)], "b": [lambda h, b: h.reply(200, empty)]}) as server:
        given = answers(server, "a", "b")
        assert given["a"] == Generation("a", ("",), None, ("length",))
        assert given["b"] == Generation("b", ("",), None, ("stop",))


def test_the_key_is_sent_and_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-secret")
    with misbehaving(otherwise=status(401, "wrong key sk-secret")) as server:
        model = client(server, api_key_env="MY_KEY")
        (given,) = model.generate(asked("a"), SAMPLING)
        assert server.calls[0][2]["Authorization"] == "Bearer sk-secret"
        for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
            monkeypatch.setenv(name, "of-another-server")
        list(client(server).generate(asked("a"), SAMPLING))
        assert "Authorization" not in server.calls[1][2] and "of-another-server" not in str(server.calls[1][2])
    assert given.error == "the server returned 401: wrong key ***"
    assert "sk-secret" not in repr(dict(model.settings))
    monkeypatch.setenv("MY_KEY", "sk-\nsecret")
    with pytest.raises(ModelError, match="MY_KEY") as told:
        load("http://h", model="m", api_key_env="MY_KEY")
    assert "secret" not in str(told.value)
    with pytest.raises(ModelError, match="no NOT_SET"):
        load("http://h", model="m", api_key_env="NOT_SET")


QUERY = "api-version=2024-05&code=S3CRET%2Fquery"
SECRETS = ("sk-secret", "S3CRET", "2024-05&code")


def test_no_message_or_record_holds_a_key_or_the_query(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """However the server quotes them: at length, cut in the middle, as no JSON, in a redirect, in a good reply without a completion."""
    monkeypatch.setenv("EXECVERIFY_API_KEY", "sk-secret")
    echo = f"bad key sk-secret for /v1/chat/completions?{QUERY} (S3CRET/query)"
    plans: list[Behaviour] = [
        status(401, echo),
        status(400, "x" * 293 + echo),
        status(307, Location=f"http://elsewhere/v1?{QUERY}"),
        lambda handler, body: handler.raw(200, b"y" * 112 + echo.encode()),
        lambda handler, body: handler.raw(403, echo.encode() * 40),
        lambda handler, body: handler.reply(200, {"error": "z" * 105 + echo}),
    ]
    for number, plan in enumerate(plans):
        with misbehaving(otherwise=plan) as server:
            model = load(f"{server.url}?{QUERY}", model="m", retries=0, body={"api_key": "S3CRET", "max_tokens": 5})
            (given,) = generate_cached(tmp_path / f"{number}.jsonl", model, asked("a"), SAMPLING)
            assert server.calls and given.error
            with pytest.raises(ModelError) as told:
                server.models = ["x", "y"]
                load(f"{server.url}?{QUERY}")
        kept = (tmp_path / f"{number}.jsonl").read_text()
        for text in (given.error, kept, str(told.value), repr(dict(model.settings)), model.name):
            assert not any(secret in text for secret in SECRETS), (number, text)
            assert "sk-s" not in text and "S3CR" not in text


@pytest.mark.parametrize(
    "url", ["http://me:S3CRET@h:99999/v1", "http://?code=S3CRET", "http://h:port/v1?code=S3CRET", "https://me:S3CRET@h/v1"]
)
def test_a_url_that_cannot_be_is_shown_without_what_is_secret(url: str) -> None:
    with pytest.raises(ModelError) as told:
        load(url, model="m")
    assert "S3CRET" not in str(told.value)


def test_a_key_given_in_place_of_its_variable_is_not_shown() -> None:
    with pytest.raises(ModelError, match="takes the name of an environment variable") as told:
        load("http://h", model="m", api_key_env="sk-S3CRET")
    assert "S3CRET" not in str(told.value)


def test_redirects_are_told_not_followed() -> None:
    with misbehaving(otherwise=status(307, Location="http://elsewhere/v1")) as server:
        assert "redirects to http://elsewhere/v1" in str(answers(server, "a")["a"].error)
        assert len(server.calls) == 1


def test_the_only_model_is_found() -> None:
    with misbehaving() as server:
        assert load(server.url).name == "only"
        server.models = ["x", "y"]
        with pytest.raises(ModelError, match=r"2 models \(x, y\): give model=NAME"):
            load(server.url)
    with pytest.raises(ModelError, match="give model=NAME"):
        load(server.url)


@pytest.mark.parametrize(
    ("given", "endpoint"),
    [
        ("http://h:1", "http://h:1/v1/chat/completions"),
        ("http://h:1/", "http://h:1/v1/chat/completions"),
        ("http://h:1/v1", "http://h:1/v1/chat/completions"),
        ("https://h/api/v1/", "https://h/api/v1/chat/completions"),
        ("https://h/v1/chat/completions", "https://h/v1/chat/completions"),
        ("https://h/v1?key=secret", "https://h/v1/chat/completions"),
        ("http://[::1]:8000", "http://[::1]:8000/v1/chat/completions"),
    ],
)
def test_urls(given: str, endpoint: str) -> None:
    assert load(given, model="m").settings["url"] == endpoint


@pytest.mark.parametrize("url", ["http://", "http://h:port/v1", "http://h:99999", "https://name:pass@h/v1", "http://[::1"])
def test_urls_that_cannot_be(url: str) -> None:
    with pytest.raises(ModelError) as told:
        load(url, model="m")
    assert "\n" not in str(told.value)


def test_options_are_checked() -> None:
    with pytest.raises(ModelError, match="takes no option 'modle': it takes model, concurrency"):
        load("http://h", modle="m")
    for concurrency in (0, 1001):
        with pytest.raises(ModelError, match=f"concurrency is {concurrency}: give 1 to 1000"):
            load("http://h", model="m", concurrency=concurrency)
    for name in ("timeout", "requests_per_minute"):
        with pytest.raises(ModelError, match="must be above 0"):
            load("http://h", model="m", **{name: 0})


def test_closing_the_iterator_stops_the_asking() -> None:
    with misbehaving() as server:
        running = client(server, concurrency=2).generate(asked(*(f"p{i}" for i in range(1000))), SAMPLING)
        next(running)
        running.close()  # type: ignore[attr-defined]
        time.sleep(0.2)
        calls = len(server.calls)
        time.sleep(0.2)
        assert len(server.calls) == calls < 900


def test_closing_the_iterator_cancels_what_is_under_way() -> None:
    under_way, ended = threading.Event(), threading.Event()

    def endless(handler: Any, body: dict[str, Any]) -> None:
        under_way.set()
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b" ")
                time.sleep(0.02)
        finally:
            ended.set()

    with misbehaving({"b": [endless]}) as server:
        running = client(server, concurrency=2).generate(asked("a", "b"), SAMPLING)
        assert next(running).id == "a"
        assert under_way.wait(60)  # its request may come later than the answer to the first
        began = time.monotonic()
        running.close()  # type: ignore[attr-defined]
        assert time.monotonic() - began < 10  # an endless answer is not waited for
        assert ended.wait(60)  # the connection was closed


def test_an_interrupt_returns_at_once() -> None:
    code = (
        "import signal, sys\nfrom execverify.models import *\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background jobs inherit that it is ignored
        "requests = [Request(str(i), ({'role': 'user', 'content': 'x'},)) for i in range(9)]\n"
        "try: list(load(sys.argv[1], model='m', concurrency=3).generate(requests, Sampling()))\n"
        "except KeyboardInterrupt: print('interrupted')\n"
    )
    asleep = threading.Event()

    def sleepy(handler: Any, body: dict[str, Any]) -> None:
        asleep.set()
        time.sleep(20)

    with misbehaving(otherwise=sleepy) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", code, server.url], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert asleep.wait(60)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
        assert time.monotonic() - began < 5
        assert (output, process.returncode) == ("interrupted\n", 0)


def test_retries_use_the_same_event_loop_or_another() -> None:
    """A model may be used again, from another thread and from inside a running event loop."""
    import asyncio

    with misbehaving({"a": [status(429, Retry_After="0.2")]}) as server:
        model = client(server)

        async def inside() -> list[Generation]:
            return list(model.generate(asked("a"), SAMPLING))

        for _ in range(2):
            assert [g.error for g in asyncio.run(inside())] == [None]


def test_a_batch_survives_what_nobody_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise LookupError("sk-secret is unexpected\nhere")

    monkeypatch.setenv("EXECVERIFY_API_KEY", "sk-secret")
    monkeypatch.setattr(openai_compatible, "_refusal", broken)
    with misbehaving({"a": [status(400)]}) as server:
        given = answers(server, "a", "b", "c", concurrency=1)
    assert given["a"].error == "LookupError: *** is unexpected here"
    assert not given["b"].error and not given["c"].error


def test_a_proxy_that_cannot_be_used_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "nonsense://h")
    with pytest.raises(ModelError, match="no client could be made for http://h/v1/chat/completions: ") as told:
        list(load("http://h?code=S3CRET", model="m").generate(asked("a"), SAMPLING))
    assert "\n" not in str(told.value) and "S3CRET" not in str(told.value)


def test_logs_hold_no_query(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("httpx", "httpx2"):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.NOTSET)
    caplog.set_level(logging.INFO)
    with misbehaving() as server:
        list(load(f"{server.url}?{QUERY}", model="m").generate(asked("a"), SAMPLING))
        assert server.calls
    assert "S3CRET" not in caplog.text
