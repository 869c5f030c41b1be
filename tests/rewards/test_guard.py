"""Nothing that a completion holds ends a batch, and nothing that it holds is lost in a log; what models write is read."""

import importlib
import json
import random
import time
from pathlib import Path
from typing import Any

import pytest

import execverify as ev
from execverify.programs.literals import parse_literal, read_integer
from execverify.questions.kinds.variable_state import VariableState
from execverify.rewards import (
    UnitTestConfig,
    Verdict,
    same_json,
    same_output,
    same_value,
    score,
    unit_test_score,
    unit_test_scores,
)
from execverify.rewards.code import grade
from execverify.rewards.compare import too_long
from execverify.rewards.parse import is_fence, parse_answer, tidy
from execverify.rewards.parts import GradedPart
from execverify.rewards.trl import unit_test_reward, white_box_reward
from execverify.rewards.verl import compute_score
from execverify.utils.messages import encodable

scoring = importlib.import_module("execverify.rewards.score")
CALLS: dict[str, Any] = {"inputs": [[3], [0]], "outputs": [{"1": 4}, 1], "fn_name": "f"}


@pytest.fixture(scope="module")
def white() -> ev.Task:
    source = "def f(n):\n    x = range(n)\n    if x:\n        n += 1\n    return x"
    task = ev.task(ev.trace(ev.Program(source, arguments="3")), limit=None)
    assert {question.kind for question in task.questions} == {"next_statement", "variable_state"}
    return task


@pytest.fixture(scope="module")
def wanted() -> ev.Task:
    return ev.task(ev.trace(ev.Program("def f(n):\n    return [1]", arguments="3")), kind="input_prediction")


def columns(task: ev.Task, count: int) -> dict[str, Any]:
    row = ev.to_row(task)
    return {name: [row[name]] * count for name in ("kind", "program", "questions")}


def answer(*lines: str) -> str:
    return "<answer>\n" + "\n".join(lines) + "\n</answer>"


def code(source: str) -> str:
    return f"<answer>\n```python\n{source}\n```\n</answer>"


# ------------------------------------------------------------------------------------------------- what ended batches

KILLERS = (
    *(
        f"range({2**70}, 0)",
        f"range(-{2**63})",
        f"range({2**63}, 0, -1)",
        f"range({'9' * 4_000}, 0)",
        "9" * 5_000,
        "0x" + "f" * 9_000,
    ),
    *(
        "{0x" + "f" * 9_000 + ": 1}",
        "'\ud800'",
        "f'" + "{a}" * 12_000 + "'",
        "a" + "\u0316\u0300" * 19_000,
        "[" * 90 + "]" * 90,
        "nan",
    ),
)


@pytest.mark.parametrize("literal", KILLERS, ids=lambda text: text[:20])
def test_a_literal_ends_no_batch_and_its_neighbours_are_paid(white: ev.Task, wanted: ev.Task, literal: str) -> None:
    states = [f"{literal}; {kind}" for kind, _ in zip(["range", "int", "str"], white.questions, strict=False)]
    for text in (answer(f"assert f(3) == {literal}", *states), answer(f"assert f({literal}) == range(0, 3)", *states)):
        assert white_box_reward(completions=[text, white.gold], **columns(white, 2)) == [0.0, 2.0]
        assert compute_score("execverify/white_box", text, json.dumps(ev.to_row(white)))["score"] == 0.0
    half = answer(white.assertion, *states)
    assert score(white, half).reward == 1.0  # a line that cannot be read costs that question alone
    rewards = white_box_reward(completions=[answer(f"assert f({literal}) == [1]"), wanted.gold], **columns(wanted, 2))
    assert rewards[0] in (0.0, 2.0) and rewards[1] == 2.0


@pytest.mark.parametrize(
    "source",
    [
        *(f"def f(n):\n    return {value}" for value in (f"range({2**70}, 0)", "{10**50000: 1}", "10**50000", "'\\ud800'")),
        "def f(n):\n    raise ValueError('\\ud800')",
        "def f(n):\n    pass\nif 1:\n    x = 1\n" + "elif 1:\n    x = 1\n" * 990,
        "def f(n):\n    raise type('\\u0301' * 3, (Exception,), {})",
        "f = '\ud800'",
    ],
    ids=lambda text: text[11:40],
)
def test_a_candidate_ends_no_batch(source: str) -> None:
    for rule in (UnitTestConfig(), UnitTestConfig(float_tolerance=1e-6), UnitTestConfig(strict=True)):
        scores = unit_test_scores([(CALLS, code(source)), (CALLS, code("def f(n):\n    return {1: 4} if n else 1"))], rule=rule)
        assert scores[0].reward in (0.0, 0.05)
        assert scores[1].reward == (0.55 if rule.strict else 1.05)
        assert not any(part.verdict == Verdict.UNREADABLE for part in scores[0].parts)


def test_ranges_compare_by_their_items_however_large() -> None:
    rng = random.Random(5)
    for _ in range(2_000):
        scale = rng.choice((1, 2**62, 2**63, 2**70))
        ours, theirs = (
            range(rng.randint(-4, 4) * scale, rng.randint(-4, 4) * scale, rng.choice((-3, -1, 1, 2))) for _ in range(2)
        )
        assert same_value(ours, theirs) == (ours == theirs)
        assert parse_literal(repr(ours)) == ours


def test_numbers_compare_beyond_the_limit_of_digits() -> None:
    long = "1" * 5_000
    assert same_output(f"{long}.0", long, 1e-6) and same_output(f"{long}", long, 1e-6)
    assert not same_output(f"{long}.5", long, 1e-6) and not same_output(f"1{long}.0", long, 1e-6)
    assert same_output("1e3", "1000", 1e-6) and not same_output("1e-9999", "0", 1e-6)
    assert same_value(int("7" * 4_000) ** 3, int("7" * 4_000) ** 3, limit=100_000)
    assert not same_json({10**50_000: 1}, {"1": 1}, limit=100_000)
    assert [read_integer(sign + "9" * 5_000) for sign in ("", "-", "+")] == [10**5_000 - 1, 1 - 10**5_000, 10**5_000 - 1]
    for wrong in ("9" * 5_000 + "x", "9" * 1_000_001, "x"):
        with pytest.raises(ValueError, match=r"digits|invalid literal"):
            read_integer(wrong)


def test_a_huge_integer_crosses_as_it_is() -> None:
    truth = {"asserts": ["assert f(3) == 10**20000"]}
    assert unit_test_score(truth, code("def f(n):\n    return 10**20000")).reward == 1.05


def test_a_reply_out_of_proportion_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that is right is never out of proportion."""
    pairs: list[tuple[Any, Any]] = [
        ((), []),
        ({1: ()}, {"1": []}),
        ([(1,)] * 50, [[1]] * 50),
        ([1 / 3] * 90, [0.0] * 90),
        ("é", "é"),
    ]
    for given, expected in pairs:
        assert not too_long(repr(given), repr(expected))
    assert too_long("1" * 1_000, "1")
    monkeypatch.setattr(grade, "parse_literal", lambda *_: pytest.fail("parsed"))
    score = unit_test_score({"inputs": [[1]], "outputs": [5], "fn_name": "f"}, code("def f(n):\n    return [1] * 30000"))
    assert (score.reward, str(score.parts[1].verdict)) == (0.05, "wrong_answer")


# ------------------------------------------------------------------------------------------------------- the guard


def test_an_unexpected_exception_costs_its_own_part_and_is_kept_and_counted(
    white: ev.Task, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = VariableState.reject

    def broken(kind: VariableState, question: ev.Question, given: str, *rest: Any) -> Any:
        return real(kind, question, given, *rest) if "boom" not in given else [][1]

    monkeypatch.setattr(VariableState, "reject", broken)
    lines = [question.answers[0] if question.kind != "variable_state" else "boom" for question in white.questions]
    states = lines.count("boom")
    metrics: dict[str, float] = {}
    graded: list[str] = []
    texts = [answer(white.assertion, *lines), white.gold, "nothing"]
    rewards = white_box_reward(
        completions=texts, log_metric=metrics.__setitem__, log_extra=lambda _, found: graded.extend(found), **columns(white, 3)
    )
    assert rewards == [pytest.approx(2 - states / len(lines)), 2.0, 0.0]
    assert metrics["execverify/unreadable"] == pytest.approx(1 / 3) and metrics["execverify/grader_errors"] == 0.0
    assert "could not be read: IndexError at test_guard.py" in graded[0]
    assert "IndexError" in caplog.text
    counted = compute_score("execverify/white_box", texts[0], json.dumps(ev.to_row(white)))
    assert counted["unreadable"] == 1.0 and counted["score"] == rewards[0]


@pytest.mark.parametrize("where", ["parse_answer", "parse_assertion", "call_many"])
def test_an_exception_anywhere_is_zero_for_that_completion(
    where: str, white: ev.Task, wanted: ev.Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = getattr(scoring, where)

    def broken(first: Any, *rest: Any, **more: Any) -> Any:
        if "77" in str(first):
            raise RuntimeError("not foreseen")
        return real(first, *rest, **more)

    monkeypatch.setattr(scoring, where, broken)
    if where == "parse_answer":
        monkeypatch.setattr(scoring, "parse_input_answer", broken)  # which input predictions are read by
    pairs = [(wanted, answer("assert f(77) == [1]")), (wanted, answer("assert f(76) == [1]")), (white, white.gold)]
    scores = ev.score_many([*pairs, (white, answer("assert f(77) == 1"))])
    assert [score.reward for score in scores] == [0.0, 2.0, 2.0, 0.0]
    assert scores[0].parts[0].verdict == Verdict.UNREADABLE


@pytest.mark.parametrize("where", ["extract_code", "run_candidates", "_part"])
def test_an_exception_in_judging_code_is_zero_for_that_completion(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = getattr(grade, where)

    def broken(*given: Any, **more: Any) -> Any:
        if "boom" in str(given):
            raise RuntimeError("not foreseen")
        return real(*given, **more)

    monkeypatch.setattr(grade, where, broken)
    metrics: dict[str, float] = {}
    texts = [code("def f(n):\n    return 'boom'"), code("def f(n):\n    return {'1': 4} if n else 1")]
    rewards = unit_test_reward(completions=texts, tests=[CALLS] * 2, log_metric=metrics.__setitem__)
    assert rewards == [0.05 if where == "_part" else 0.0, 1.05]
    assert metrics["execverify/unreadable"] == 0.5


# --------------------------------------------------------------------------------------------------- what is logged


def test_lone_surrogates_are_logged_and_stored(white: ev.Task, tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    truths: list[dict[str, Any]] = [{"inputs": ["1"], "outputs": ["2"]}, {"inputs": [["\ud800"]], "outputs": [1], "fn_name": "f"}]
    sources = ["print('\\udc80')", "def f(n):\n    raise ValueError(n)"]
    scores = [score(white, answer("assert f(3) == '\ud800'", "\udc80", "x\ud800; str"))]
    scores += unit_test_scores(list(zip(truths, map(code, sources), strict=True)))
    scores.append(unit_test_score({"inputs": ["1"], "outputs": ["\ud800"]}, code("print(1)")))
    rows = [{"given": part.given, "why": part.why, "expected": [*part.expected]} for found in scores for part in found.parts]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "parts.parquet")
    assert pq.read_table(tmp_path / "parts.parquet").to_pylist() == rows
    assert any("\\ud800" in (row["given"] or "") for row in rows)
    assert encodable("é\udc80") == "é\\udc80" and encodable("é😀\\udc80") == "é😀\\udc80"
    assert GradedPart("output", (), "\ud83d", Verdict.WRONG, "\ud800").why == "\\ud800"


# ---------------------------------------------------------------------------------------------- what is read, what is not


def test_what_models_put_around_a_line_is_taken_away(white: ev.Task) -> None:
    lines = [white.assertion, *(question.answers[0] for question in white.questions)]
    forms: list[list[str]] = [
        *([f"{blank}{line}{blank}" for line in lines] for blank in ("\u200b", "\xa0", "\ufeff", "\u2009", " \u3000\t", "\u2060")),
        *([f"{ticks}{line}{ticks}" for line in lines] for ticks in ("`", "``")),
        *([fence, *lines, fence[:3]] for fence in ("~~~", "~~~python", "~~~ python3.11", "```text", "~~~{.python}")),
        [line + (end if ";" in line or line == "Nil" else "") for line, end in zip(lines, ";.;.;.;.;." * 9, strict=False)],
        [line + (" ." if ";" in line else "") for line in lines],
    ]
    for form in forms:
        assert score(white, answer(*form)).reward == 2.0, form


@pytest.mark.parametrize("line", ["3;; int", "3; int..", "3; int;.", "`3`; int", "3, int", "3; Int", "; int", ";", "."])
def test_a_state_is_not_guessed(line: str) -> None:
    task = ev.task(ev.trace(ev.Program("def f(n):\n    x = 3\n    return x", arguments="3")), limit=None)
    at = next(i for i, question in enumerate(task.questions) if question.answers == ("3; int",))
    lines = ["-"] * at + [line]
    assert not score(task, answer(task.assertion, *lines)).parts[1 + at].right
    assert score(task, answer(task.assertion, *lines[:-1], "3; int.")).parts[1 + at].right


def test_tidy_takes_nothing_of_a_statement() -> None:
    for line in ("~~~x", "~~x", "x = '`'", "'`a`'", "`a` and `b`", "``", "`", "```x```", "return '\xa0'"):
        assert tidy(line) == line
    assert not any(map(is_fence, ("~~~x", "~~~x + 1", "~~", "x```", "")))
    assert parse_answer(answer("`x`", "```", "~~~x", "`y` and `z`")).question_lines == ("~~~x", "`y` and `z`")


# ------------------------------------------------------------------------------------------------------- the usual imports


@pytest.mark.parametrize(
    "source",
    [
        "class Solution:\n    def f(self, n: List[int]) -> Optional[int]:\n        return n + 1",
        "def f(n: Dict[str, Any]):\n    return gcd(n, n) + math.floor(1.5)",
        "from __future__ import annotations\ndef f(n: List):\n    return Counter(a=n)['a'] + 1",
        "def f(n):\n    return reduce(lambda a, b: a + b, [n, 1])",
        "sqrt = lambda n: n + 1\ndef f(n):\n    return sqrt(n)",
        "def f(n):\n    try:\n        return undefined_name\n    except NameError:\n        return n + 1",
    ],
)
def test_the_usual_imports_need_not_be_written(source: str) -> None:
    for truth in ({"inputs": [[3]], "outputs": [4], "fn_name": "f"}, {"asserts": ["assert f(3) == 4"]}):
        assert unit_test_score(truth, code(source)).reward == 1.05
    assert unit_test_score(STDIN, code("print(gcd(*map(int, input().split())))")).reward == 1.05


STDIN = {"inputs": ["4 6\n"], "outputs": ["2\n"]}


def test_the_prelude_is_a_setting() -> None:
    source = code("def f(n):\n    return sqrt(n)")
    truth = {"inputs": [[4]], "outputs": [2.0], "fn_name": "f"}
    assert unit_test_score(truth, source, rule=UnitTestConfig(prelude="")).reward == 0.05
    assert unit_test_score(truth, source, rule=UnitTestConfig(prelude="from math import isqrt as sqrt")).parts[1].given == "2"
    assert unit_test_score(truth, source, rule=UnitTestConfig(prelude="from not_there import sqrt")).reward == 0.05
    for wrong in ("x = 1", "from math import *", "import os.path", "from . import x", "from __future__ import annotations", "(("):
        with pytest.raises(ValueError, match=r"prelude|not Python"):
            UnitTestConfig(prelude=wrong)


@pytest.mark.parametrize("name", ["gcd", "Counter", "List", "math", "deepcopy", "partial"])
def test_the_prelude_never_supplies_what_is_asked_for(name: str) -> None:
    """Neither as the function that the tests call nor for a candidate that only mentions it."""
    truths: list[dict[str, Any]] = [
        {"inputs": [[4, 6]], "outputs": [2], "fn_name": name},
        {"asserts": [f"assert {name}(4, 6) == 2"], "entry_point": name},
    ]
    for source in (
        "x = 1",
        f"def g():\n    return {name}",
        f"def {name}(*a):\n    return None\ndel {name}",
        f"class Solution:\n    def {name}(self, *a):\n        return {name}(*a)",
        f"try:\n    {name}\nexcept NameError:\n    pass",
    ):
        for truth in truths:
            assert (unit_test_score(truth, code(source)).reward or 0.0) <= 0.05, source


def test_judging_is_quick_whatever_the_reply() -> None:
    """Replies that took seconds to parse, for each of many tests."""
    truth = {"inputs": [[i] for i in range(20)], "outputs": ["x" * 9_000] * 20, "fn_name": "f"}
    source = "import builtins\ndef f(n):\n    return ['{a}'] * 9000"
    begun = time.process_time()
    assert unit_test_score(truth, code(source)).reward == 0.05
    assert time.process_time() - begun < 10.0
