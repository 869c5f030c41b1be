"""The reward functions of the training engines, through their documented signatures."""

import asyncio
import json
import multiprocessing
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import execverify as ev
from execverify.errors import RowError, SandboxError
from execverify.rewards.trl import ComponentReward, WhiteBoxReward, white_box_reward
from execverify.rewards.verl import compute_score
from execverify.sandbox import connections
from execverify.sandbox.run import sandbox

SOURCE = """
def f(n):
    total = 0
    while n > 0:
        total += n
        n -= 2
    return total
"""


@pytest.fixture(scope="module")
def tasks() -> dict[str, ev.Task]:
    trace = ev.trace(ev.Program(SOURCE, arguments="5"))
    return {
        "white_box": ev.task(trace, limit=4),
        "input_prediction": ev.task(trace, kind="input_prediction"),
    }


def columns(*tasks: ev.Task) -> Any:
    """A batch's columns, as TRL hands them on."""
    rows = [ev.to_row(task) for task in tasks]
    return {name: [row[name] for row in rows] for name in rows[0]}


def test_trl_takes_texts_and_messages(tasks: dict[str, ev.Task]) -> None:
    task = tasks["white_box"]
    given = [task.gold, [{"role": "assistant", "content": task.gold}], "nothing", [{"role": "assistant", "content": None}]]
    rewards = white_box_reward(
        prompts=["p"] * 4, completions=given, completion_ids=[[1]] * 4, trainer_state=None, **columns(*[task] * 4)
    )
    assert rewards == [2.0, 2.0, 0.0, 0.0]


def test_trl_judges_both_kinds_in_one_batch_and_skips_others(tasks: dict[str, ev.Task]) -> None:
    white, inverse = tasks["white_box"], tasks["input_prediction"]
    batch = columns(white, inverse, inverse, white)
    batch["kind"][3] = "code_generation"
    found = f"<answer>assert f(6) == {inverse.result.text}</answer>"
    other = f"<answer>assert f(5) == {inverse.result.text}</answer>"
    assert white_box_reward(completions=[white.gold, found, other, white.gold], **batch) == [2.0, 0.0, 2.0, None]


def test_trl_logs_the_mean_of_each_part_and_graded_lines(tasks: dict[str, ev.Task]) -> None:
    metrics: dict[str, float] = {}
    extras: dict[str, list[Any]] = {}
    task = tasks["white_box"]
    half = f"<answer>{task.assertion}</answer>"
    white_box_reward(
        completions=[task.gold, half], log_metric=metrics.__setitem__, log_extra=extras.__setitem__, **columns(task, task)
    )
    assert metrics["execverify/output"] == 1.0
    assert metrics["execverify/next_statement"] == metrics["execverify/variable_state"] == 0.5
    assert metrics["execverify/grader_errors"] == 0.0
    assert "✗" not in extras["graded"][0] and "no line for this question" in extras["graded"][1]


def test_trl_ablations_are_other_rules(tasks: dict[str, ev.Task]) -> None:
    task = tasks["white_box"]
    half = f"<answer>{task.assertion}</answer>"
    output_only = WhiteBoxReward(ev.RewardConfig(alpha=0.0), name="output_only")
    assert output_only.__name__ == "output_only"
    assert output_only(completions=[half], **columns(task)) == [2.0]
    assert white_box_reward(completions=[half], **columns(task)) == [1.0]


def test_parts_as_reward_functions_of_their_own(tasks: dict[str, ev.Task]) -> None:
    white, inverse = tasks["white_box"], tasks["input_prediction"]
    wrong = white.gold.replace(white.assertion, "assert f(5) == -1")
    given = {"completions": [white.gold, wrong, inverse.gold], **columns(white, white, inverse)}
    assert ComponentReward("output")(**given) == [1.0, 0.0, None]
    assert ComponentReward("next_statement")(**given) == [1.0, 0.0, None]
    assert ComponentReward("input")(**given) == [None, None, 1.0]
    with pytest.raises(ValueError, match="no part 'outptu'"):
        ComponentReward("outptu")


def test_trl_says_which_column_is_missing(tasks: dict[str, ev.Task]) -> None:
    with pytest.raises(ValueError, match=r"no column 'program'.*remove_unused_columns"):
        white_box_reward(completions=["x"], kind=["white_box"])


def test_a_lost_questions_column_is_not_paid_as_output_alone(tasks: dict[str, ev.Task]) -> None:
    task = tasks["white_box"]
    batch = columns(task)
    del batch["questions"]
    with pytest.raises(ValueError, match="no column 'questions'"):
        white_box_reward(completions=[task.gold], **batch)
    row = ev.to_row(task)
    del row["questions"]
    with pytest.raises(RowError, match="needs its questions"):
        compute_score("execverify/white_box", task.gold, row)


def test_messages_in_parts_count_by_their_texts(tasks: dict[str, ev.Task]) -> None:
    task = tasks["white_box"]
    content = [{"type": "text", "text": task.gold[:30]}, {"type": "image"}, {"type": "text", "text": task.gold[30:]}]
    assert white_box_reward(completions=[[{"role": "assistant", "content": content}]], **columns(task)) == [2.0]


def test_our_failure_is_none_and_never_zero(tasks: dict[str, ev.Task], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise SandboxError("no process today")

    monkeypatch.setattr(connections.ForkServerHandle, "__init__", broken)
    sandbox().close()
    task = tasks["input_prediction"]
    other = f"<answer>assert f(4) == {task.result.text}</answer>"
    metrics: dict[str, float] = {}
    assert white_box_reward(completions=[other], log_metric=metrics.__setitem__, **columns(task)) == [None]
    assert metrics["execverify/grader_errors"] == 1.0
    with pytest.raises(SandboxError, match="no process today"):
        compute_score("execverify/input_prediction", other, json.dumps(ev.to_row(task)))
    counted = compute_score("execverify/input_prediction", other, json.dumps(ev.to_row(task)), raise_errors=False)
    assert (counted["score"], counted["grader_error"], counted["bad_row"]) == (0.0, 1.0, 0.0)


def test_verl_returns_the_same_keys_for_every_row(tasks: dict[str, ev.Task]) -> None:
    truth = {kind: json.dumps(ev.to_row(task)) for kind, task in tasks.items()}
    judged = {kind: compute_score(f"execverify/{kind}", tasks[kind].gold, truth[kind], extra_info={"index": 1}) for kind in tasks}
    assert {scores["score"] for scores in judged.values()} == {2.0}
    assert judged["white_box"].keys() == judged["input_prediction"].keys()
    assert all(type(value) is float for scores in judged.values() for value in scores.values())
    white = judged["white_box"]
    assert white["next_statement_right"] + white["variable_state_right"] == len(tasks["white_box"].questions)


def test_verl_takes_the_rule_from_reward_kwargs(tasks: dict[str, ev.Task]) -> None:
    task = tasks["white_box"]
    half = f"<answer>{task.assertion}</answer>"
    truth = ev.to_row(task)
    assert compute_score("execverify/white_box", half, truth)["score"] == 1.0
    assert compute_score("execverify/white_box", half, truth, alpha=0.0, reward_router_address=None)["score"] == 2.0
    assert compute_score("execverify/white_box", half, truth, kinds=["next_statement"], scale=1.0)["score"] == 0.5


@pytest.mark.parametrize(
    ("data_source", "truth", "message"),
    [
        ("openai/gsm8k", "{}", "data source 'openai/gsm8k' is not judged here"),
        ("execverify/white_box", "{", "ground truth is not JSON"),
        ("execverify/white_box", "[]", "ground truth is not a row"),
        ("execverify/white_box", "{}", "not whole"),
    ],
)
def test_verl_says_what_is_wrong_with_its_input(data_source: str, truth: str, message: str) -> None:
    with pytest.raises(RowError, match=message):
        compute_score(data_source, "x", truth)
    if data_source == "execverify/white_box":
        counted = compute_score(data_source, "x", truth, raise_errors=False)
        assert (counted["score"], counted["grader_error"], counted["bad_row"]) == (0.0, 0.0, 1.0)


def test_a_bad_row_is_none_named_and_counted_and_its_batch_goes_on(
    tasks: dict[str, ev.Task], caplog: pytest.LogCaptureFixture
) -> None:
    task = tasks["white_box"]
    batch = {name: values * 2 for name, values in columns(task).items()} | {"id": ["good", "bad"]}
    batch["program"] = [batch["program"][0], {**batch["program"][0], "result": "g(1)"}]
    metrics: dict[str, float] = {}
    lines: list[str] = []
    heard: dict[str, Any] = {"log_metric": metrics.__setitem__, "log_extra": lambda _, found: lines.extend(found)}
    assert white_box_reward(completions=[task.gold] * 2, **heard, **batch) == [2.0, None]
    assert (metrics["execverify/bad_rows"], metrics["execverify/grader_errors"]) == (0.5, 0.0)
    assert "row 'bad'" in lines[1] and "row 'bad'" in caplog.text
    with pytest.raises(RowError, match="the row cannot be used"):
        WhiteBoxReward(raise_errors=True)(completions=[task.gold] * 2, **batch)


def test_reward_functions_can_be_pickled(tasks: dict[str, ev.Task]) -> None:
    task = tasks["white_box"]
    for function in (white_box_reward, WhiteBoxReward(ev.RewardConfig(alpha=0.2), name="mine"), ComponentReward("output")):
        again = pickle.loads(pickle.dumps(function))
        assert again.__name__ == function.__name__
        assert again(completions=[task.gold], **columns(task)) == function(completions=[task.gold], **columns(task))
    assert pickle.loads(pickle.dumps(compute_score)) is compute_score


def judge(row: dict[str, Any], completion: str) -> float:
    """One score in whatever process this is."""
    return compute_score(f"execverify/{row['kind']}", completion, json.dumps(row))["score"]


@pytest.mark.parametrize("method", ["spawn", "fork"])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_many_processes_at_once(tasks: dict[str, ev.Task], method: str) -> None:
    task = tasks["input_prediction"]
    jobs = [(ev.to_row(task), f"<answer>assert f({n}) == {task.result.text}</answer>") for n in range(8)]
    expected = [judge(*job) for job in jobs]  # and the parent's sandbox is open when it forks
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.starmap(judge, jobs) == expected
    assert judge(*jobs[0]) == expected[0]


def test_threads_at_once_off_the_main_thread(tasks: dict[str, ev.Task]) -> None:
    task = tasks["input_prediction"]
    row = ev.to_row(task)

    def one(n: int) -> float:
        assert threading.current_thread() is not threading.main_thread()
        return judge(row, f"<answer>assert f({n % 7}) == {task.result.text}</answer>")

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(64))) == [2.0 if n % 7 == 5 else 0.0 for n in range(64)]


def test_inside_a_running_event_loop(tasks: dict[str, ev.Task]) -> None:
    task = tasks["input_prediction"]

    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        texts = [f"<answer>assert f({n}) == {task.result.text}</answer>" for n in (4, 5)]
        return list(await asyncio.gather(*(loop.run_in_executor(None, judge, ev.to_row(task), text) for text in texts)))

    assert asyncio.run(main()) == [0.0, 2.0]
