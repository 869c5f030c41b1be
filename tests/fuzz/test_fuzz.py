"""A few thousand cases of the fuzzer, in this process; `make fuzz` runs a million in processes of their own."""

from collections.abc import Callable
from dataclasses import replace

import pytest

import execverify as ev
from execverify.questions.kinds.variable_state import VariableState
from execverify.rewards import Verdict, unit_test_scores
from tests.fuzz import answers as fuzz_answers
from tests.fuzz import code as fuzz_code
from tests.fuzz.answers import Found, Tally, case, check, run_cases
from tests.fuzz.completions import tasks


@pytest.mark.parametrize("first", range(0, 3_000, 500))
def test_cases(first: int) -> None:
    tally = run_cases(seed=20_260, first=first, count=500)
    assert tally.rewards.total() == 500
    for sort in ("nothing", "something", "everything"):  # or the cases prove little
        assert tally.rewards[f"white_box earns {sort}"] > 10
        assert tally.rewards[f"code earns {sort}"] > 20
    assert tally.stricter < 10
    assert tally.logged > 490  # all but inputs that would be run


def test_a_case_is_made_from_its_number_alone() -> None:
    assert [case(1, number) for number in (5, 6)] == [case(1, number) for number in (6, 5)][::-1]
    assert case(1, 5) != case(2, 5)


def test_the_second_judge_agrees_with_gold_and_refuses_the_rest() -> None:
    for task in tasks():
        if task.kind == "white_box":
            assert fuzz_answers.justified(task, task.gold) == 2.0
            assert fuzz_answers.justified(task, task.gold.replace("==", "!=")) == 0.0
            assert fuzz_answers.justified(task, "") == 0.0


def test_an_overpaid_completion_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """That the fuzzer would see a scorer that pays too much, too little, or takes too long."""
    task = tasks()[0]
    generous = ev.score(task, task.gold)
    monkeypatch.setattr(fuzz_answers, "score", lambda task, completion: generous)
    with pytest.raises(Found, match=r"earns 2\.0, and the second judge says 0\.0"):
        check(task, "<answer>assert True</answer>", False, Tally())
    monkeypatch.setattr(fuzz_answers, "score", lambda task, completion: ev.Score(0.0, generous.parts))
    with pytest.raises(Found, match=r"earns 0\.0, and the second judge says 2\.0"):
        check(task, task.gold, True, Tally())
    monkeypatch.setattr(fuzz_answers, "score", lambda task, completion: ev.Score(None, generous.parts))
    with pytest.raises(Found, match="our failure"):
        check(task, task.gold, True, Tally())
    monkeypatch.setattr(fuzz_answers, "SLOW", -1.0)
    monkeypatch.setattr(fuzz_answers, "score", lambda task, completion: generous)
    with pytest.raises(Found, match="took"):
        check(task, task.gold, True, Tally())


def test_a_candidate_that_is_overpaid_unpaid_or_unreadable_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    real = unit_test_scores

    def changed(change: Callable[[ev.Score], ev.Score]) -> None:
        monkeypatch.setattr(fuzz_code, "unit_test_scores", lambda *given, **more: [change(real(*given, **more)[0])])
        with pytest.raises(Found):
            run_cases(seed=1, first=0, count=60)

    def verdict(score: ev.Score, reward: float | None, verdict: Verdict) -> ev.Score:
        return ev.Score(reward, tuple(replace(part, verdict=verdict) for part in score.parts))

    changed(lambda score: ev.Score(0.0, score.parts))
    changed(lambda score: verdict(score, 1.0, Verdict.RIGHT))
    changed(lambda score: verdict(score, 0.0, Verdict.UNREADABLE))
    changed(lambda score: verdict(score, None, Verdict.GRADER_ERROR))
    monkeypatch.setattr("execverify.rewards.parts.encodable", lambda text: text)  # so that a score cannot be logged
    changed(lambda score: ev.Score(score.reward, tuple(replace(part, expected=("\ud800",)) for part in score.parts)))


def test_a_part_that_could_not_be_read_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VariableState, "reject", lambda *_: [][1])
    with pytest.raises(Found, match="IndexError"):
        run_cases(seed=1, first=0, count=400, code=False)
