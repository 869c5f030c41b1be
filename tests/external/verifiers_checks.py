"""Our tasks under `verifiers`, by its own loaders and commands. Run by pytest in that library's environment (`make verifiers`)."""

import asyncio
import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import verifiers.v1 as vf
from execverify_tasks import assign_advantages, load_tokens
from execverify_tasks.tasks import ExecVerifyTask, SingleTurnHarness, row_data

from execverify.datasets.rows_io import write_rows
from execverify.errors import RowError, SandboxError
from execverify.questions.rows import to_row
from tests.external.rows import CODE, EURUS, completions, rows
from tests.helpers import step_group
from tests.helpers.small_models import byte_tokenizer

ID = "execverify-tasks"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All rows in a file. (Tests in a column of their own are JSONL's alone.)"""
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    write_rows(str(path), rows())
    return path


def taskset(**settings: Any) -> vf.Taskset:
    """By the library's loader, from the package's name."""
    config = vf.taskset_config_type(ID).model_validate({"id": ID, **settings})
    return vf.load_taskset(config)


def trace_of(task: ExecVerifyTask, reply: str) -> vf.Trace:
    """What a rollout leaves behind."""
    told = vf.TraceTask(type=type(task).__name__, data=task.data, key=task.key, hash=task.hash)
    return vf.Trace(task=told, agent=vf.AgentInfo(config=vf.AgentConfig(runtime=vf.SubprocessConfig())), root_reply=reply)


async def scored(task: ExecVerifyTask, reply: str) -> vf.Trace:
    trace = trace_of(task, reply)
    await task.score(trace)
    return trace


# --------------------------------------------------------------------------------------------------------- the tasks


def test_the_library_loads_our_rows_as_its_tasks(file: Path) -> None:
    found = list(taskset(rows=str(file)))
    assert [(task.data.idx, task.data.id, task.data.kind) for task in found] == [
        (index, row["id"], row["kind"]) for index, row in enumerate(rows())
    ]
    for task, row in zip(found, rows(), strict=True):
        assert task.data.prompt == row["prompt"][-1]["content"]
        assert task.data.system_prompt == (row["prompt"][0]["content"] if len(row["prompt"]) == 2 else None)
    assert len({task.key for task in found}) == len(found)
    assert [task.key for task in taskset(rows=str(file)).shuffle(3)] != [task.key for task in found]
    assert {task.key for task in taskset(rows=str(file)).shuffle(3)} == {task.key for task in found}


def test_splits_kinds_and_rows_that_cannot_be_judged(file: Path, tmp_path: Path) -> None:
    assert {task.data.kind for task in taskset(rows=str(file), kinds=["code_generation"])} == {"code_generation"}
    assert len(list(taskset(rows=str(file), split="validation"))) == 2
    bad = tmp_path / "bad.jsonl"
    write_rows(str(bad), [{**CODE, "questions": []}, CODE])
    assert [task.data.id for task in taskset(rows=str(bad))] == [CODE["id"]]
    write_rows(str(bad), [{**CODE, "questions": []}])
    with pytest.raises(RowError, match=r"no rows that can be used.*malformed"):
        list(taskset(rows=str(bad)))


def test_without_a_file_rows_are_synthesized() -> None:
    found = list(taskset(size=5, seed=3, levels="1-2"))
    assert [task.data.level in (1, 2) for task in found] == [True] * 5
    assert [task.key for task in found] == [task.key for task in taskset(size=5, seed=3, levels="1-2")]
    assert {task.key for task in found}.isdisjoint(task.key for task in taskset(size=5, seed=4, levels="1-2"))


# -------------------------------------------------------------------------------------------------------- the rewards


def test_rewards_are_those_of_the_rule(file: Path) -> None:
    pairs = [
        (task, *known) for task, row in zip(taskset(rows=str(file)), rows(), strict=True) for known in completions(row).items()
    ]

    async def all_at_once() -> list[vf.Trace]:
        return list(await asyncio.gather(*(scored(task, text) for task, _, text in pairs)))

    for trace, (task, reward, _) in zip(asyncio.run(all_at_once()), pairs, strict=True):
        assert trace.rewards.keys() == {"verified"}
        assert trace.reward == reward, (task.data.id, reward)
        asked = {question["kind"] for question in json.loads(task.data.truth).get("questions") or ()}
        first = {"white_box": "output", "input_prediction": "input", "code_generation": "format"}[task.data.kind]
        assert trace.metrics.keys() == ({"format", "unit_test"} if first == "format" else {first, *asked})
        assert all(share == 1.0 for share in trace.metrics.values()) == (reward in (2.0, 1.05))


def test_ablations_are_settings(file: Path) -> None:
    row = rows()[0]
    half = completions(row)[1.0]
    wrong = half.replace("== " + row["program"]["result"], "== 'other'")
    gold = completions(row)[2.0].replace("== " + row["program"]["result"], "== 'other'")
    cases: list[tuple[dict[str, Any], str, float]] = [
        ({"alpha": 0.0}, half, 2.0),
        ({"alpha": 0.25}, half, 1.5),
        ({"count": ["next_statement"], "scale": 1.0}, half, 0.5),
        ({"gated": False, "alpha": 1.0}, gold, 2.0),
        ({"gated": True, "alpha": 1.0}, gold, 0.0),
        ({"reward": "output_only"}, half, 2.0),
        ({"reward": "verified"}, half, 0.0),
        ({"reward": "output_only"}, wrong, 0.0),
    ]
    for settings, completion, reward in cases:
        task = next(iter(taskset(rows=str(file), task=settings)))
        assert asyncio.run(scored(task, completion)).reward == reward
    task = next(iter(taskset(rows=str(file), task={"chains": True})))
    assert asyncio.run(scored(task, half)).metrics.items() >= {"chain_true": 0.0, "guessed": 1.0}.items()
    code = next(iter(taskset(rows=str(file), kinds=["code_generation"], task={"binary": True, "format_bonus": 0.0})))
    assert asyncio.run(scored(code, completions(CODE)[0.55])).reward == 0.0
    with pytest.raises(ValueError, match="alfa"):
        taskset(rows=str(file), task={"alfa": 0.5})


def test_our_own_failure_is_an_error_and_never_a_zero(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> Any:
        raise SandboxError("no process today")

    monkeypatch.setattr("execverify.rewards.verl.score", broken)
    task = next(iter(taskset(rows=str(file))))
    trace = trace_of(task, completions(rows()[0])[2.0])
    with pytest.raises(vf.TaskError, match="no process today"):
        asyncio.run(task.score(trace))
    assert trace.rewards == {"verified": None}


def test_a_reply_that_is_empty_or_none_earns_nothing(file: Path) -> None:
    for task in taskset(rows=str(file)):
        assert asyncio.run(scored(task, "")).reward == 0.0
        trace = trace_of(task, "")
        trace.root_reply = None  # no model call took place
        asyncio.run(task.score(trace))
        assert trace.reward == 0.0


# -------------------------------------------------------------------------------------------------- its own commands


def command(name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """One of the commands that the library installs."""
    script = Path(sys.executable).with_name(name)
    return subprocess.run([str(script), *words], capture_output=True, text=True, timeout=300, check=False)


def test_its_validation_finds_every_gold_right_and_nothing_solved_untouched(file: Path, tmp_path: Path) -> None:
    words = ("--taskset.rows", str(file), "--runtime.type", "subprocess", "--no-rich", "-o", str(tmp_path), "--run.name", "check")
    done = command("vf-validate", ID, *words)
    assert done.returncode == 0, done.stderr[-3000:]
    summary = json.loads((tmp_path / "check" / "summary.json").read_text())
    assert summary["checks"]["noop"]["valid"] == len(rows())
    assert summary["checks"]["gold"] == {
        "valid": len(rows()) - 2,
        "unchecked": 2,  # those have tests, and no solution
        "invalid": 0,
        "error": 0,
        "timeout": 0,
        "missing": 0,
    }


class Answering(BaseHTTPRequestHandler):
    """A server of chat completions that knows an answer to each prompt, and fails where it knows none."""

    answers: dict[str, str] = {}
    asked: list[dict[str, Any]] = []
    sampled: Iterator[list[int]] = iter(())
    """Tokens that an engine for training returns, one list a request."""

    def do_GET(self) -> None:
        self.reply({"data": []})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/inference/v1/generate":
            ids = next(self.sampled)
            logprobs = [{"token": f"token_id:{token}", "logprob": -1.0} for token in ids]
            self.reply({"choices": [{"token_ids": ids, "logprobs": {"content": logprobs}, "finish_reason": "stop"}]})
            return
        type(self).asked.append(body)
        reply = self.answers.get(body["messages"][-1]["content"])
        choice = {"index": 0, "message": {"role": "assistant", "content": reply}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        found = {
            "id": "1",
            "object": "chat.completion",
            "created": 0,
            "model": body["model"],
            "choices": [choice],
            "usage": usage,
        }
        self.reply(found if reply is not None else None)

    def reply(self, found: dict[str, Any] | None) -> None:
        text = json.dumps(found or {"error": {"message": "no such prompt"}}).encode()
        self.send_response(200 if found else 400)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Answering.answers, Answering.asked = {}, []
    running = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_address[1]}/v1"
    running.shutdown()


def test_its_evaluation_asks_once_and_records_reward_and_parts(file: Path, tmp_path: Path, server: str) -> None:
    made = rows()
    for number, row in enumerate(made[:-1]):  # the last prompt has no answer: the server fails
        known = completions(row)
        Answering.answers[row["prompt"][-1]["content"]] = known[sorted(known)[number % len(known)]]
    expected = {row["id"]: sorted(completions(row))[number % len(completions(row))] for number, row in enumerate(made[:-1])}
    words = ("--model", "some/model", "--client.base-url", server, "--client.api-key-var", "NO_KEY", "--no-push", "--no-rich")
    done = command(
        "vf-eval", ID, "--env.taskset.rows", str(file), *words, "-o", str(tmp_path), "--run.name", "check",
        "--sampling.temperature", "0.3", "--sampling.max-tokens", "77",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    episodes = [json.loads(line) for line in (tmp_path / "check" / "traces.jsonl").read_text().splitlines()]
    traces = [trace for episode in episodes for trace in episode.get("traces", [episode])]
    assert len(traces) == len(made)
    found = {trace["task"]["data"]["id"]: trace for trace in traces}
    failed = found.pop(EURUS["id"])
    assert not failed["ok"] and failed["rewards"] in ({}, {"verified": None})
    assert {name: trace["rewards"]["verified"]["score"] for name, trace in found.items()} == expected
    assert all(trace["ok"] and trace["metrics"] for trace in found.values())
    bodies = [body for body in Answering.asked if body["messages"][-1]["content"] in Answering.answers]
    assert len(bodies) == len(made) - 1
    assert all(body["temperature"] == 0.3 and not body.get("tools") for body in bodies)
    assert {77} == {body.get("max_tokens") or body.get("max_completion_tokens") for body in bodies}
    system = [body["messages"] for body in Answering.asked if body["messages"][0]["role"] == "system"]
    assert [message["content"] for message in system[0]] == [message["content"] for message in EURUS["prompt"]]


def test_a_model_is_given_no_tools_by_default() -> None:
    assert vf.default_harness_id(ID) == ID
    assert not SingleTurnHarness.EXECUTES_CODE
    assert isinstance(vf.resolve_env_config({"taskset": {"id": ID}}).agent.runtime, vf.SubprocessConfig)


def test_a_prompt_of_several_turns_stays_one() -> None:
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]
    data = row_data({**CODE, "prompt": turns})
    assert [(message.role, message.content) for message in data.prompt] == [("user", "a"), ("assistant", "b"), ("user", "c")]


# ------------------------------------------------------------------------------------------------- advantages of tokens


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tokenizer of bytes, under the name of a model."""
    return byte_tokenizer(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def group_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The row of the group that is worked out by hand."""
    path = tmp_path_factory.mktemp("group") / "rows.jsonl"
    write_rows(str(path), [to_row(step_group.task())])
    return path


def encoded(tokenizer: Path, text: str) -> list[int]:
    """The tokens of a completion that ended by itself."""
    return [*byte_ids(tokenizer, text), 2]


def byte_ids(tokenizer: Path, text: str) -> list[int]:
    from transformers import AutoTokenizer

    found: list[int] = AutoTokenizer.from_pretrained(tokenizer)(text, add_special_tokens=False)["input_ids"]
    return found


def sampled_trace(task: ExecVerifyTask, tokenizer: Path, text: str) -> vf.Trace:
    """A trace with tokens: two of the template's, then those of the completion."""
    trace, ids = trace_of(task, ""), encoded(tokenizer, text)
    message = vf.AssistantMessage(content=text.strip())
    mask = [False, False, *(True for _ in ids)]
    trace.nodes.append(
        vf.MessageNode(message=message, sampled=True, token_ids=[5, 6, *ids], mask=mask, logprobs=[-1.0] * len(ids))
    )
    trace.root_reply = None
    return trace


@pytest.mark.parametrize("reward", ["step", "bilevel", "first_divergence"])
def test_advantages_of_tokens_by_hand(reward: str, group_file: Path, tokenizer: Path) -> None:
    task = next(iter(taskset(rows=str(group_file), task={"reward": reward})))
    traces = [sampled_trace(task, tokenizer, text) for text in step_group.GROUP]
    failed, silent = sampled_trace(task, tokenizer, step_group.TRUE), trace_of(task, step_group.TRUE)
    for trace in (*traces, silent):
        asyncio.run(task.score(trace))
    assert [trace.reward for trace in traces] == pytest.approx(step_group.REWARDS_BY_NAME[reward])
    assert [trace.metrics["guessed"] for trace in traces] == [0, 1, 0, 0]
    assert assign_advantages([failed, *traces, silent], task.credit_reward, load_tokens(str(tokenizer))) == 4
    for trace, values in zip(traces, step_group.by_hand(reward), strict=True):
        assert trace.nodes[-1].advantages == pytest.approx(values)
        assert trace.branches[-1].advantages == pytest.approx([0.0, 0.0, *values])
        assert len(trace.nodes[-1].advantages) == len(trace.nodes[-1].logprobs)
    assert failed.nodes[-1].advantages is None  # it was not scored


def test_blanks_around_a_reply_move_the_spans(group_file: Path, tokenizer: Path) -> None:
    task = next(iter(taskset(rows=str(group_file), task={"reward": "step"})))
    texts = [f"\n {step_group.GROUP[0]}\n", *step_group.GROUP[1:]]
    traces = [sampled_trace(task, tokenizer, text) for text in texts]
    for trace in traces:
        asyncio.run(task.score(trace))
    assert assign_advantages(traces, task.credit_reward, load_tokens(str(tokenizer))) == 4
    first = step_group.by_hand("step")[0]
    assert traces[0].nodes[-1].advantages == pytest.approx([0.0, 0.0, *first[:-1], 0.0, first[-1]])


def test_its_own_command_records_advantages(group_file: Path, tokenizer: Path, tmp_path: Path, server: str) -> None:
    """An episode of four rollouts through the library's client for training, which gets tokens from an engine."""
    Answering.sampled = itertools.cycle([encoded(tokenizer, text) for text in step_group.GROUP])
    done = command(
        "vf-eval", ID, "--env.taskset.rows", str(group_file), "--env.taskset.task.reward", "step", "--env.n", "4",
        "--model", str(tokenizer), "--client.type", "train", "--client.base-url", server, "--client.api-key-var", "NO_KEY",
        "--no-push", "--no-rich", "-o", str(tmp_path), "--run.name", "check",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    episodes = [json.loads(line) for line in (tmp_path / "check" / "traces.jsonl").read_text().splitlines()]
    traces = [trace for episode in episodes for trace in episode.get("traces", [episode])]
    assert [trace["rewards"]["verified"]["score"] for trace in traces] == pytest.approx(step_group.REWARDS_BY_NAME["step"])
    for trace, text, values in zip(traces, step_group.GROUP, step_group.by_hand("step"), strict=True):
        node = next(node for node in trace["nodes"] if node["sampled"])
        assert node["message"]["content"] == text
        assert node["advantages"] == pytest.approx(values, abs=1e-4)  # the library rounds what it writes
