"""Unit-test rewards: gold is paid in full, every test is told apart, and nothing else is paid."""

import asyncio
import json
import os
import pickle
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import execverify as ev
from execverify.errors import InsufficientIsolationError, RowError, SandboxError
from execverify.rewards.code import grade
from execverify.rewards.code.grade import UnitTestConfig, unit_test_score, unit_test_scores, unit_test_scores_async
from execverify.rewards.code.unit_tests import parse_tests
from execverify.rewards.parts import Score, Verdict
from execverify.rewards.trl import UnitTestReward, unit_test_reward, unit_test_reward_async, white_box_reward
from execverify.rewards.verl import compute_score
from execverify.sandbox.result import Limits
from tests.data.reward_hack_programs import EXPLOITS

QUICK = Limits(timeout=1.0)
CALLS = {"inputs": [[3], [0], [-2]], "outputs": [4, 1, -1], "fn_name": "f"}
STDIN = {"inputs": ["1 2\n", "3 4\n"], "outputs": ["3\n", "7\n"]}
ASSERTS = {"asserts": ["assert f(3) == 4", "assert f(0) == 1", "assert f(-2) == -1"]}
GOLD = "def f(n):\n    return n + 1"
GOLD_STDIN = "a, b = map(int, input().split())\nprint(a + b)"


def answer(source: str) -> str:
    return f"<reasoning>I think.</reasoning>\n<answer>\n```python\n{source}\n```\n</answer>"


def judge(truth: Any, source: str, rule: UnitTestConfig = grade.PAPER_UNIT_TESTS, limits: Limits = QUICK) -> Score:
    return unit_test_score(truth, answer(source), rule=rule, limits=limits)


def verdicts(score: Score) -> list[str]:
    return [str(part.verdict) for part in score.parts if part.kind == "unit_test"]


# ------------------------------------------------------------------------------------------------------ what is right


@pytest.mark.parametrize(
    ("truth", "source"),
    [
        (CALLS, GOLD),
        (json.dumps(CALLS), GOLD),
        (STDIN, GOLD_STDIN),
        (ASSERTS, GOLD),
        ({"test": "def check(candidate):\n    assert candidate(3) == 4", "entry_point": "f"}, GOLD),
        (
            CALLS,
            "import math\n\n\nclass A:\n    k = 1\n\n\ndef g(n):\n    return n + A.k\n\n\ndef f(n):\n    return math.prod([g(n)])",
        ),
        (CALLS, GOLD + "\n\n\nif __name__ == '__main__':\n    print(f(int(input())))"),
        (CALLS, "class Solution:\n    def f(self, n):\n        return n + 1"),
        (CALLS, "f = lambda n: n + 1"),
        (CALLS, "print('hello')\n" + GOLD),
        (STDIN, "def main():\n    print(sum(map(int, input().split())))\n\n\nif __name__ == '__main__':\n    main()"),
        (STDIN, "import sys\nprint(sum(map(int, sys.stdin.read().split())), end='')"),
        (STDIN, "import sys\nfor line in sys.stdin:\n    print(sum(map(int, line.split())), ' ')\nprint()"),
        (STDIN, "import sys\nprint(sum(map(int, open(0).read().split())))\nsys.exit(0)"),
        (STDIN, "import sys\nsys.stdout.buffer.write(b'%d' % sum(map(int, sys.stdin.buffer.read().split())))"),
    ],
)
def test_a_right_program_is_paid_in_full(truth: Any, source: str) -> None:
    score = judge(truth, source)
    assert score.reward == 1.05, score.parts
    assert set(verdicts(score)) == {"right"}


def test_the_share_of_tests_that_pass_and_the_bonus() -> None:
    half = "def f(n):\n    return abs(n) + 1"
    for truth in (CALLS, ASSERTS):
        assert judge(truth, half).reward == pytest.approx(2 / 3 + 0.05)
        assert judge(truth, half, UnitTestConfig(format_bonus=0.0)).reward == pytest.approx(2 / 3)
        assert judge(truth, half, UnitTestConfig(binary=True)).reward == 0.05
        assert judge(truth, GOLD, UnitTestConfig(binary=True)).reward == 1.05
        assert unit_test_score(truth, f"```\n{half}\n```").reward == pytest.approx(2 / 3)


def test_no_code_is_no_answer_and_earns_nothing() -> None:
    for truth in (CALLS, STDIN, ASSERTS):
        score = unit_test_score(truth, "<answer>def f(n): return n + 1</answer>")
        assert score.reward == 0.0
        assert {part.verdict for part in score.parts} == {Verdict.MISSING}
        assert len(score.parts) == 1 + len(verdicts(score))


# ------------------------------------------------------------------------------------------------ what each test came to

ENDS = [
    ("def f(n):\n    return n", "wrong_answer", "f(3) gives 3, not 4"),
    ("def f(n):\n    pass", "wrong_answer", "f(3) gives None, not 4"),
    ("def f(n):\n    return n + 1.0", "wrong_answer", "f(3) gives 4.0, not 4"),
    ("def f(n):\n    return str(n + 1)", "wrong_answer", "f(3) gives '4', not 4"),
    ("def f(n):\n\n    return 1 / 0", "raised", "ZeroDivisionError at line 3"),
    ("def f():\n    return 4", "raised", "TypeError"),
    ("def g(n):\n    return n + 1", "raised", "NameError"),
    ("def f(n:\n    return n", "raised", "SyntaxError"),
    ("def f(n):\n    while True:\n        pass", "timed_out", "longer than 0.3 s"),
    ("def f(n):\n    return len(bytearray(10**11))", "out_of_memory", ""),
    ("import numpy\n\n\ndef f(n):\n    return n + 1", "forbidden", "numpy"),
    ("import socket\n\n\ndef f(n):\n    socket.socket()\n    return n + 1", "forbidden", ""),
    ("import os\n\n\ndef f(n):\n    os._exit(0)", "crashed", ""),
    ("def f(n):\n    raise SystemExit(0)", "raised", "SystemExit"),
    ("def f(n):\n    print('x' * 10**7)\n    return n + 1", "too_much_output", ""),
    ("def f(n):\n    return object()", "wrong_answer", "no literal"),
    ("def f(n):\n    return (n + 1 for _ in '1')", "wrong_answer", "generator"),
]


@pytest.mark.parametrize(
    ("source", "verdict", "why"), ENDS, ids=lambda value: value.strip().splitlines()[-1][:40] if value else "-"
)
def test_how_a_call_ended_is_told(source: str, verdict: str, why: str) -> None:
    score = judge({**CALLS, "inputs": [[3]], "outputs": [4]}, source, limits=Limits(timeout=0.3))
    assert score.reward in (0.0, 0.05)
    assert verdicts(score) == [verdict], score.parts
    assert why in score.parts[1].why


@pytest.mark.parametrize(
    ("source", "verdict", "why"),
    [
        ("print(input())", "wrong_answer", "line 1 of the output is '1 2', not '3'"),
        ("print(3)\nprint(4)", "wrong_answer", "line 2 of the output is '4', not missing"),
        ("", "wrong_answer", "line 1 of the output is missing, not '3'"),
        ("print(' 3')", "wrong_answer", "is ' 3', not '3'"),
        ("print(3)\n\nraise ValueError('no')", "raised", "ValueError at line 3: no"),
        ("import sys\nprint(3)\nsys.exit(1)", "raised", "SystemExit"),
        ("print(3)\nwhile True: pass", "timed_out", "longer than"),
        ("print(3, flush=True)\nimport os\nos._exit(0)", "right", ""),
        ("print(3)\nimport os\nos._exit(0)", "wrong_answer", "missing"),
        ("print(3, flush=True)\nimport os\nos._exit(1)", "crashed", ""),
    ],
)
def test_how_a_program_ended_is_told(source: str, verdict: str, why: str) -> None:
    score = judge({"inputs": ["1 2\n"], "outputs": ["3\n"]}, source or "0", limits=Limits(timeout=0.3))
    assert verdicts(score) == [verdict], score.parts
    assert why in score.parts[1].why


def test_how_an_assert_ended_is_told() -> None:
    def of(source: str) -> tuple[str, str]:
        (part,) = judge({"asserts": ["assert f(3) == 4"]}, source, limits=Limits(timeout=0.3)).parts[1:]
        return str(part.verdict), part.why

    assert of(GOLD) == ("right", "")
    assert of("def f(n):\n    return n") == ("wrong_answer", "assert f(3) == 4 does not hold")
    assert of("def f(n):\n    return [][n]")[0] == "raised" and "IndexError" in of("def f(n):\n    return [][n]")[1]
    assert of("def f(n):\n    while True: pass")[0] == "timed_out"
    assert of("import os\n\n\ndef f(n):\n    os._exit(0)")[0] == "crashed"
    assert of("def f(n:")[0] == "raised"


def test_tests_after_a_hang_or_a_death_are_judged_for_themselves() -> None:
    for bad in ("while True: pass", "import os; os._exit(1)", "raise ValueError"):
        source = f"def f(n):\n    if n == 0:\n        {bad}\n    return n + 1"
        for truth in (CALLS, ASSERTS):
            found = verdicts(judge(truth, source, limits=Limits(timeout=0.3)))
            assert (found[0], found[2]) == ("right", "right") and found[1] != "right", (bad, found)


def test_stopping_early_counts_the_rest_as_not_passed() -> None:
    for source in ("def f(n):\n    return n + 1 if n else n", "def f(n):\n    return n + 1 if n else 1 / n"):
        for truth in (CALLS, ASSERTS):
            score = judge(truth, source, UnitTestConfig(stop_early=True))
            assert verdicts(score)[0] == "right" and verdicts(score)[2] == "not_run"
            assert score.reward == pytest.approx(1 / 3 + 0.05)
    assert judge(CALLS, GOLD, UnitTestConfig(stop_early=True)).reward == 1.05


def test_long_values_are_compared_and_their_difference_is_shown() -> None:
    truth = {"inputs": [[5000]], "outputs": [[*range(5000)]], "fn_name": "f"}
    assert judge(truth, "def f(n):\n    return list(range(n))").reward == 1.05
    score = judge(truth, "def f(n):\n    return [*range(n - 1), 0]")
    assert score.reward == 0.05
    assert len(score.parts[1].why) < 200 and "4998, 0]" in score.parts[1].why


# --------------------------------------------------------------------------------------------------- rules of comparison


@pytest.mark.parametrize(
    ("expected", "returned", "lenient", "strict"),
    [
        ([1, 2], "(1, 2)", True, False),
        ([[1, "a"]], "[(1, 'a')]", True, False),
        ({"1": 2}, "{1: 2}", True, False),
        ([1, 2], "[1, 2]", True, True),
        (1, "True", False, False),
        (True, "1", False, False),
        (1, "1.0", False, False),
        (1.0, "1", False, False),
        (None, "None", True, True),
        ([1, 2], "{1, 2}", False, False),
        ("a", "b'a'", False, False),
        ([7], "7", True, False),
        ([7], "[7]", True, True),
        ([7], "[[7]]", False, False),
        (0.3, "0.1 + 0.2", False, False),
        (10**20, "10**20 + 1", False, False),
    ],
)
def test_results_against_json(expected: Any, returned: str, lenient: bool, strict: bool) -> None:
    truth = {"inputs": [[]], "outputs": [expected], "fn_name": "f"}
    source = f"def f():\n    return {returned}"
    assert (judge(truth, source).reward == 1.05) == lenient
    assert (judge(truth, source, UnitTestConfig(strict=True)).reward == 1.05) == strict


def test_float_tolerance_is_opt_in_and_never_for_integers() -> None:
    close = UnitTestConfig(float_tolerance=1e-6)
    big = {"inputs": [[], []], "outputs": [0.3, 10**20], "fn_name": "f"}
    assert judge({"inputs": [[]], "outputs": [0.3], "fn_name": "f"}, "def f():\n    return 0.1 + 0.2", close).reward == 1.05
    assert judge(big, "def f():\n    return 10**20 + 1", close).reward == 0.05
    out = {"inputs": ["", ""], "outputs": ["0.333333333", str(10**20)]}
    assert verdicts(judge(out, "print(1 / 3)", close)) == ["right", "wrong_answer"]
    assert verdicts(judge(out, "print(10**20 + 1)", close)) == ["wrong_answer", "wrong_answer"]
    assert verdicts(judge(out, "print(1 / 3)")) == ["wrong_answer", "wrong_answer"]


def test_literals_are_compared_exactly() -> None:
    assert score_row("def f(a, b=0):\n    return (a, b)").reward == 1.05
    assert score_row("def f(a, b=0):\n    return [a, b]").reward == 0.05


# --------------------------------------------------------------------------------------------------- nothing for nothing


@pytest.mark.parametrize("name", EXPLOITS)
@pytest.mark.parametrize("form", ["call", "assert", "check"])
def test_no_exploit_earns_more_than_the_bonus(name: str, form: str) -> None:
    check = "def check(candidate):\n    assert candidate(3) == 4\n    assert candidate(0) == 1\n    assert not candidate(5) != 6"
    truth: Any = {"call": CALLS, "assert": ASSERTS, "check": {"test": check, "entry_point": "f"}}[form]
    score = judge(truth, EXPLOITS[name], limits=Limits(timeout=0.5))
    assert score.reward in (0.0, 0.05), score.parts
    assert not any(part.right for part in score.parts[1:])
    assert Verdict.UNSUPPORTED not in {part.verdict for part in score.parts}, "it would be left out of the share"
    assert judge(truth, GOLD).reward == 1.05


def test_an_opaque_result_is_no_way_out_of_a_test() -> None:
    """A candidate that answers what it knows and gives an object elsewhere must not be judged by what it knows alone."""
    source = "def f(n):\n    return n + 1 if n == 3 else object()"
    for truth in (CALLS, ASSERTS):
        assert judge(truth, source).reward == pytest.approx(1 / 3 + 0.05)
    assert judge(ASSERTS, "class f:\n    def __new__(cls, n):\n        return n + 1").reward is not None


def test_a_program_cannot_print_what_it_does_not_know() -> None:
    for source in (
        "import sys\nsys.exit(0)",
        "import os\nos._exit(0)",
        "print(open('/proc/self/cmdline').read())",
        "print('3\\n7')",
    ):
        score = judge(STDIN, source)
        assert score.reward in (0.0, 0.05)


def test_what_a_test_itself_needs_beyond_plain_data_is_left_out_and_counted() -> None:
    truth = {"asserts": ["assert f(3) == 4", "assert f(lambda: 3) == 4", "assert f(5) == 0"]}
    score = judge(truth, GOLD)
    assert verdicts(score) == ["right", "unsupported", "wrong_answer"]
    assert score.reward == 0.55
    assert score.share("unit_test") == 0.5
    assert judge({"asserts": ["assert f(lambda: 3) == 4"]}, GOLD).reward is None


def test_a_long_run_of_tests_leaves_no_state_between_candidates() -> None:
    poison = "import builtins, sys\nbuiltins.sum = lambda *a: 0\nsys.modules['math'] = None\n\n\ndef f(n):\n    return 0"
    honest = "import math\n\n\ndef f(n):\n    return math.floor(sum([n, 1]))"
    scores = unit_test_scores([(CALLS, answer(source)) for source in (poison, honest) * 5], workers=2, limits=QUICK)
    assert [score.reward for score in scores] == [0.05, 1.05] * 5


# -------------------------------------------------------------------------------------------------- batches and failures


def test_a_batch_comes_back_in_order_and_a_slow_candidate_holds_up_none() -> None:
    slow, right = "def f(n):\n    while True: pass", GOLD
    pairs = [(CALLS, answer(slow if index % 10 == 0 else right)) for index in range(20)]
    mixed: list[tuple[Any, str]] = [(STDIN, answer(GOLD_STDIN)), (ASSERTS, answer(GOLD)), *pairs]
    start = time.perf_counter()
    scores = unit_test_scores(mixed, workers=3, limits=Limits(timeout=0.5), rule=UnitTestConfig(stop_early=True))
    took = time.perf_counter() - start
    assert [score.reward for score in scores] == [1.05, 1.05, *[0.05 if index % 10 == 0 else 1.05 for index in range(20)]]
    assert took < 5.0


def test_scores_in_an_event_loop_that_goes_on() -> None:
    async def main() -> tuple[list[Score], int]:
        ticks = 0
        slow = asyncio.create_task(
            unit_test_scores_async([(CALLS, answer("import time\n\n\ndef f(n):\n    time.sleep(9)"))], limits=Limits(timeout=0.3))
        )
        while not slow.done():
            await asyncio.sleep(0.02)
            ticks += 1
        return await slow, ticks

    scores, ticks = asyncio.run(main())
    assert verdicts(scores[0]) == ["timed_out", "timed_out", "not_run"]  # the budget is spent
    assert ticks > 10


def test_a_task_that_is_cancelled_returns_at_once_and_ends_its_candidates() -> None:
    hangs = answer("import time\n\n\ndef f(n):\n    time.sleep(99)")

    async def main() -> None:
        task = asyncio.create_task(unit_test_scores_async([(CALLS, hangs)] * 4, limits=Limits(timeout=60), workers=2))
        await asyncio.sleep(0.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    start = time.perf_counter()
    asyncio.run(main())
    assert time.perf_counter() - start < 5


def test_a_batch_holds_little_of_what_its_candidates_gave() -> None:
    """20 candidates, each with 20 results of 90,000 characters: 36 MB, of which no part keeps more than its first 2,000."""
    many = {"inputs": [[n] for n in range(20)], "outputs": [0] * 20, "fn_name": "f"}
    scores = unit_test_scores([(many, answer("def f(n):\n    return 'x' * 90_000"))] * 20, workers=2)
    assert all(len(part.given or "") <= 2_000 for score in scores for part in score.parts)


def test_binary_stops_at_the_first_test_that_does_not_pass() -> None:
    score = judge(CALLS, "def f(n):\n    return 'no'", rule=UnitTestConfig(binary=True))
    assert verdicts(score) == ["wrong_answer", "not_run", "not_run"]


def test_a_program_may_write_as_much_as_its_test_expects() -> None:
    tests = {"inputs": ["700000\n"], "outputs": ["x\n" * 700_000]}
    assert judge(tests, "print('x\\n' * int(input()), end='')").reward == 1.05
    assert verdicts(judge({"inputs": ["700000\n"], "outputs": ["x\n"]}, "print('x\\n' * int(input()), end='')")) == [
        "too_much_output"
    ]


def test_integers_of_any_length_are_carried() -> None:
    power = "def f(n):\n    return 10**n"
    assert judge({"inputs": [[5000]], "outputs": [10**5000], "fn_name": "f"}, power).reward == 1.05
    digits = "1" + "0" * 5000
    text = '{"inputs": [[5000]], "outputs": [%s], "fn_name": "f"}' % digits  # noqa: UP031
    assert judge(text, power).reward == 1.05
    assert judge(text, "def f(n):\n    return 10**n + 1").reward == 0.05
    assert judge({"asserts": ["assert f(5000) == 10**5000", "assert f(5000) != 10**5000 + 1"]}, power).reward == 1.05


HANGING = {"inputs": [str(n) for n in range(20)], "outputs": ["1"] * 20}


def test_the_coroutine_rewards_are_ended_with_the_loop_that_runs_them() -> None:
    """A trainer that is stopped is not kept waiting: neither by the task, nor by the threads of the loop when it closes."""
    reward = UnitTestReward(limits=Limits(timeout=10.0), workers=2)
    hang = [answer("while True: pass")] * 6

    async def cancelled(work: Any) -> float:
        task = asyncio.ensure_future(work())
        await asyncio.sleep(0.3)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - began

    for work in (
        lambda: reward.acall(completions=hang, tests=[HANGING] * 6),
        lambda: unit_test_scores_async([(HANGING, hang[0])] * 6, workers=2, limits=Limits(timeout=10.0)),
    ):
        began = time.monotonic()
        assert asyncio.run(cancelled(work)) < 1
        assert time.monotonic() - began < 8


def test_an_interrupt_is_not_kept_waiting() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs inherit that it is ignored
    threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT]).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        unit_test_scores([(HANGING, answer("while True: pass"))] * 6, workers=2, limits=Limits(timeout=10.0))
    assert time.monotonic() - began < 8


def test_our_failure_is_none_and_a_weak_sandbox_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise SandboxError("no process today")

    monkeypatch.setattr(grade, "run_candidates", broken)
    score = judge(CALLS, GOLD)
    assert score.reward is None and set(verdicts(score)) == {"grader_error"}
    assert "no process today" in score.parts[1].why
    metrics: dict[str, float] = {}
    assert unit_test_reward(completions=[answer(GOLD)], tests=[CALLS], log_metric=metrics.__setitem__) == [None]
    assert metrics["execverify/grader_errors"] == 1.0
    with pytest.raises(SandboxError, match="no process today"):
        compute_score("execverify/code_generation", answer(GOLD), CALLS)
    assert compute_score("execverify/code_generation", answer(GOLD), CALLS, raise_errors=False)["grader_error"] == 1.0

    def weak(*_: Any, **__: Any) -> Any:
        raise InsufficientIsolationError("no filter of system calls")

    monkeypatch.setattr(grade, "run_candidates", weak)
    with pytest.raises(InsufficientIsolationError):
        unit_test_reward(completions=[answer(GOLD)], tests=[CALLS])


def test_malformed_tests_are_an_error_or_none_and_never_a_score() -> None:
    malformed: list[Any] = [{"inputs": [[1]], "outputs": [], "fn_name": "f"}, "{", {"asserts": []}]
    for truth in malformed:
        with pytest.raises(RowError):
            unit_test_score(truth, answer(GOLD))
        with pytest.raises(RowError):
            UnitTestReward(raise_errors=True)(completions=[answer(GOLD)], tests=[truth])
        with pytest.raises(RowError):
            compute_score("execverify/code_generation", answer(GOLD), truth)
        with pytest.raises(RowError):
            unit_test_scores([(truth, answer(GOLD))], raise_errors=True)
        metrics: dict[str, float] = {}
        given: dict[str, Any] = {"completions": [answer(GOLD)] * 2, "tests": [truth, CALLS], "id": ["a", "b"]}
        assert unit_test_reward(log_metric=metrics.__setitem__, **given) == [None, 1.05]
        assert (metrics["execverify/bad_rows"], metrics["execverify/grader_errors"]) == (0.5, 0.0)
        counted = compute_score("execverify/code_generation", answer(GOLD), truth, raise_errors=False)
        assert (counted["score"], counted["bad_row"], counted["grader_error"]) == (0.0, 1.0, 0.0)
        scores = unit_test_scores([(truth, answer(GOLD)), (CALLS, answer(GOLD))])
        assert [score.reward for score in scores] == [None, 1.05]
        assert [str(part.verdict) for part in scores[0].parts] == ["bad_row"]


@pytest.mark.parametrize("wrong", [{"format_bonus": -1.0}, {"float_tolerance": -1.0}, {"imports": "numpy"}])
def test_a_rule_refuses_nonsense(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        UnitTestConfig(**wrong)


# ------------------------------------------------------------------------------------------------------------- the rows

ROW = {
    "id": "row",
    "kind": "code_generation",
    "program": {"source": "def f(a, b=0):\n    return (a, b)\n", "entry_point": "f"},
    "questions": [
        {"kind": "unit_test", "text": "1", "answers": ["(1, 0)"]},
        {"kind": "unit_test", "text": "[2], b={3}", "answers": ["([2], {3})"]},
    ],
}


def score_row(source: str) -> Score:
    return ev.score(ev.from_row(ROW), answer(source))


def test_a_row_is_a_task_whose_gold_is_paid_in_full() -> None:
    task = ev.from_row(ROW)
    assert ev.score(task, task.gold).reward == 1.05
    assert ev.from_row(ev.to_row(task)) == task
    trace = ev.trace(ev.Program("def f(n):\n    return n + 1", arguments="3"))
    others = [ev.task(trace, limit=2), ev.task(trace, kind="input_prediction"), task]
    scores = ev.score_many([(other, other.gold) for other in others] * 2)
    assert [score.reward for score in scores] == [2.0, 2.0, 1.05] * 2


# ---------------------------------------------------------------------------------------------------------- the engines


def test_trl_takes_tests_in_every_column() -> None:
    given = [answer(GOLD), [{"role": "assistant", "content": answer(GOLD)}], "nothing"]
    for column in ("tests", "ground_truth"):
        for truth in (CALLS, json.dumps(CALLS)):
            columns: Any = {column: [truth] * 3}
            assert unit_test_reward(prompts=["p"] * 3, completions=given, completion_ids=[[1]] * 3, **columns) == [
                1.05,
                1.05,
                0.0,
            ]
    none = unit_test_reward(completions=[answer(GOLD)] * 2, tests=[None, CALLS])
    assert none == [None, 1.05]
    with pytest.raises(ValueError, match="no column 'tests'"):
        unit_test_reward(completions=["x"])


def test_trl_takes_rows_and_skips_other_kinds() -> None:
    batch: Any = {name: [ROW[name]] * 2 for name in ("kind", "program", "questions")}
    batch["kind"] = ["code_generation", "white_box"]
    source = answer("def f(a, b=0):\n    return a, b")
    assert unit_test_reward(completions=[source] * 2, **batch) == [1.05, None]
    batch["kind"] = ["code_generation"] * 2
    assert white_box_reward(completions=[source] * 2, **batch) == [None, None]


def test_trl_logs_parts_and_outcomes() -> None:
    metrics: dict[str, float] = {}
    extras: dict[str, list[Any]] = {}
    half = answer("def f(n):\n    return n + 1 if n > 0 else 1 / 0")
    rewards = unit_test_reward(
        completions=[answer(GOLD), half], tests=[CALLS] * 2, log_metric=metrics.__setitem__, log_extra=extras.__setitem__
    )
    assert rewards == [1.05, pytest.approx(1 / 3 + 0.05)]
    assert metrics["execverify/format"] == 1.0
    assert metrics["execverify/unit_test"] == pytest.approx(2 / 3)
    assert metrics["execverify/unit_test/raised"] == pytest.approx(1 / 3)
    assert metrics["execverify/unit_test/timed_out"] == metrics["execverify/grader_errors"] == 0.0
    assert "ZeroDivisionError" in extras["graded"][1]


def test_trl_awaits_the_coroutine_functions() -> None:
    import inspect

    mine = UnitTestReward(UnitTestConfig(binary=True), name="mine", limits=QUICK, workers=2)
    assert inspect.iscoroutinefunction(unit_test_reward_async) and inspect.iscoroutinefunction(mine.acall)
    assert (mine.__name__, unit_test_reward.__name__, unit_test_reward_async.__name__) == (
        "mine", "unit_test_reward", "unit_test_reward_async",
    )  # fmt: skip

    async def main() -> Any:
        given: Any = {"completions": [answer(GOLD), "no"], "tests": [CALLS] * 2}
        return await asyncio.gather(unit_test_reward_async(**given), mine.acall(**given), unit_test_reward_async(**given))

    assert list(asyncio.run(main())) == [[1.05, 0.0]] * 3


def test_reward_functions_can_be_pickled() -> None:
    mine = UnitTestReward(UnitTestConfig(imports=("numpy",)), name="mine", limits=QUICK)
    for function in (mine, unit_test_reward):
        again = pickle.loads(pickle.dumps(function))
        assert (again.__name__, again.rule, again.limits) == (function.__name__, function.rule, function.limits)
        assert again(completions=[answer(GOLD)], tests=[CALLS]) == [1.05]
    assert pickle.loads(pickle.dumps(unit_test_reward_async)) is unit_test_reward_async


def test_verl_judges_code_and_returns_the_keys_of_the_other_kinds() -> None:
    trace = ev.trace(ev.Program("def f(n):\n    return n + 1", arguments="3"))
    white = ev.task(trace, limit=2)
    other = compute_score("execverify/white_box", white.gold, ev.to_row(white))
    for truth, source in ((CALLS, GOLD), (json.dumps(CALLS), GOLD), (ASSERTS, GOLD), (STDIN, GOLD_STDIN)):
        judged = compute_score("execverify/code_generation", answer(source), truth, extra_info={"index": 1})
        assert judged["score"] == 1.05
        assert judged.keys() == other.keys()
        assert judged["unit_test_right"] == judged["unit_test_asked"] > 0 and judged["format_right"] == 1.0
    row = compute_score("execverify/code_generation", answer("def f(a, b=0):\n    return (a, 0)"), json.dumps(ROW))
    assert (row["score"], row["unit_test_asked"], row["unit_test_right"]) == (0.55, 2.0, 1.0)


def test_verl_takes_the_rule_and_the_limits_from_reward_kwargs() -> None:
    half = answer("def f(n):\n    return abs(n) + 1")
    assert compute_score("execverify/code_generation", half, CALLS, binary=True, format_bonus=0)["score"] == 0.0
    slow = answer("import time\n\n\ndef f(n):\n    time.sleep(1.5)\n    return n + 1")
    assert compute_score("execverify/code_generation", slow, CALLS, timeout=0.2, reward_router_address=None)["score"] == 0.05
    with pytest.raises(RowError, match="no completion can be judged"):
        compute_score("execverify/code_generation", half, {"asserts": ["assert f(lambda: 3) == 4"]})


def test_off_the_main_thread_and_many_at_once() -> None:
    def one(number: int) -> float | None:
        assert threading.current_thread() is not threading.main_thread()
        return unit_test_score(CALLS, answer(GOLD if number % 3 else "def f(n):\n    return n"), limits=QUICK).reward

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(one, range(24))) == [1.05 if number % 3 else 0.05 for number in range(24)]


STEERED = {
    "an object as the next argument": (
        {"asserts": ["assert norm('A') == 'a'", "assert norm(norm('B0')) == 'b0'", "assert norm(norm('B1')) == 'b1'"],
         "entry_point": "norm"},
        "class X: pass\ndef norm(s): return 'a' if s == 'A' else X()",
    ),
    "a text just below the limit": (
        {"asserts": ["assert norm('A') == 'a'", "assert norm(norm('B0')) == 'b0'", "assert norm(norm('B1')) == 'b1'"],
         "entry_point": "norm"},
        "def norm(s): return 'a' if s == 'A' else 'x' * 99990",
    ),
    "a shared argument made too long": (
        {"setup": "DATA = [5, 3, 9, 1]", "asserts": ["assert f(DATA, 1) == 1", "assert f(DATA, 10) == 2", "assert f(DATA, 11) == 3"],
         "entry_point": "f"},
        "def f(d, k):\n    if k == 1:\n        d[:] = ['x' * 99980]\n        return 1\n    return 0",
    ),
    "an end of the tests' loop": (
        {"asserts": ["assert f(1) == 1", "assert all(map(lambda n: f(n) == n * n + 1, range(2, 10)))", "assert f(3) == 9"],
         "entry_point": "f"},
        "def f(n):\n    if n == 1: return 1\n    raise StopIteration",
    ),
    "a setup that fails by what is returned": (
        {"setup": "R = sum(f(k) for k in range(2))", "asserts": ["assert f(1) == 2", "assert f(R) == 3"], "entry_point": "f"},
        "def f(n): return 'no'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", STEERED)
def test_a_candidate_does_not_choose_which_tests_count(how: str) -> None:
    truth, source = STEERED[how]
    score = unit_test_score(parse_tests(json.dumps(truth)), f"<answer>\n```python\n{source}\n```\n</answer>")
    assert score.reward is not None and score.reward <= 1 / 3 + 0.05 + 1e-9, score
    assert all(part.verdict not in (Verdict.UNSUPPORTED, Verdict.GRADER_ERROR) for part in score.parts), score


def test_values_of_one_hash_cost_their_caller_little() -> None:
    source = "import itertools\ndef f(n): return set(itertools.product((-1, -2), repeat=11))"
    tests = parse_tests(json.dumps({"inputs": [[1], [2], [3]], "outputs": [1, 2, 3], "fn_name": "f"}))
    start = time.process_time()
    score = unit_test_score(tests, f"<answer>\n```python\n{source}\n```\n</answer>")
    assert score.reward == 0.05 and time.process_time() - start < 5
