"""Rewards of chains: by name, with their formulas, on a group of four completions that is worked out by hand."""

import json
from dataclasses import replace
from typing import Any

import pytest

import execverify as ev
from execverify.errors import RowError
from execverify.questions.rows import to_row
from execverify.questions.task import Task
from execverify.rewards import REWARDS, CreditReward, score_many
from execverify.rewards.steps.credit import GradedText, group_advantages, units_of
from execverify.rewards.trl import StepCreditReward, WhiteBoxReward, reward_function
from execverify.rewards.verl import compute_score, compute_step_score
from tests.helpers import step_group
from tests.helpers.step_group import GROUP, TRUE


@pytest.fixture(scope="module")
def task() -> Task:
    return step_group.task()


def rewards(task: Task, name: str, texts: list[str] = GROUP) -> list[float | None]:
    return [score.reward for score in score_many([(task, text) for text in texts], rule=REWARDS.get(name))]


def credits(task: Task, name: str, texts: list[str] = GROUP) -> list[dict[str, float]]:
    """The advantages of a group's spans, by the text of each span."""
    rule = REWARDS.get(name)
    assert isinstance(rule, CreditReward)
    given = rule.credits(texts, score_many([(task, text) for text in texts], rule=rule))
    for text, spans in zip(texts, given, strict=True):
        assert all(0 <= start <= end <= len(text) for start, end, _ in spans)
    return [
        {text[a:b].strip() or ("<eos>" if a == b else "\n"): v for a, b, v in spans}
        for text, spans in zip(texts, given, strict=True)
    ]


def test_rewards_of_whole_completions(task: Task) -> None:
    # two steps: k is 2, 0 (the call's line is no step), 1, 2; the output is right in the first two
    assert rewards(task, "white_box") == [2, 2, 0, 0]
    assert rewards(task, "verified") == [2, 0, 0, 0]
    assert rewards(task, "progress") == pytest.approx([2, 0, 2 / 3, 4 / 3])
    assert rewards(task, "step") == rewards(task, "progress")
    assert rewards(task, "bilevel") == pytest.approx([2, 1, 1 / 3, 2 / 3])
    assert rewards(task, "first_divergence") == rewards(task, "white_box")


def test_credits_by_step(task: Task) -> None:
    true, wrong_sum, wrong_return, wrong_answer = credits(task, "step")
    # second line: 3 of 4 right, standard deviation sqrt(3/4 * 1/4 * 4/3) = 1/2
    assert true["L2#1: m = 3 + 1 -> 4"] == wrong_return["L2#1: m = 3 + 1 -> 4"] == pytest.approx(0.5)
    assert wrong_sum == {"call with n=3": 0, "L2#1: m = 3 + 1 -> 5": pytest.approx(-1.5)}
    # third line: 2 of the 3 that got so far, standard deviation sqrt(2/3 * 1/3 * 3/2) = sqrt(1/3)
    third = (1 / 3) ** 0.5
    assert true["L3#1: return 4 * 2 -> 8"] == wrong_answer["L3#1: return 4 * 2 -> 8"] == pytest.approx(1 / 3 / third)
    assert wrong_return["L3#1: return 4 * 2 -> 6"] == pytest.approx(-2 / 3 / third)
    assert "assert f(3) == 6" not in wrong_return
    # the answer: 1 of the 2 with a true chain, standard deviation sqrt(1/2 * 1/2 * 2)
    assert true["assert f(3) == 8"] == pytest.approx(0.5**0.5) and wrong_answer["assert f(3) == 9"] == pytest.approx(-(0.5**0.5))
    assert true["<eos>"] == true["</reasoning>"] == true["<answer>"] == true["</answer>"] == true["call with n=3"] == 0


def test_bilevel_adds_the_outcome_to_every_token(task: Task) -> None:
    outcome = group_advantages([2, 2, 0, 0])[0]
    assert outcome == pytest.approx(1 / (4 / 3) ** 0.5, abs=1e-3)
    true, wrong_sum, wrong_return, _ = credits(task, "bilevel")
    assert true["L2#1: m = 3 + 1 -> 4"] == pytest.approx(0.5 + outcome)
    assert wrong_sum["L2#1: m = 3 + 1 -> 5"] == pytest.approx(-1.5 + outcome)
    assert wrong_return["<eos>"] == pytest.approx(-outcome)
    rule = REWARDS.get("bilevel")
    assert isinstance(rule, CreditReward)
    for text, spans in zip(GROUP, rule.credits(GROUP, score_many([(task, text) for text in GROUP], rule=rule)), strict=True):
        assert spans[:2] == [(0, len(text), spans[0][2]), (len(text), len(text), spans[0][2])]
        assert all(spans[i][1] <= spans[i + 1][0] for i in range(2, len(spans) - 1))


def test_first_divergence_blames_one_unit(task: Task) -> None:
    outcome = group_advantages([2, 2, 0, 0])[0]
    true, wrong_sum, wrong_return, wrong_answer = credits(task, "first_divergence")
    assert true == {TRUE: pytest.approx(outcome), "<eos>": pytest.approx(outcome)}
    assert wrong_sum == {"<reasoning>\ncall with n=3": pytest.approx(outcome), "L2#1: m = 3 + 1 -> 5": 0}
    assert wrong_return == {"L3#1: return 4 * 2 -> 6": pytest.approx(-outcome)}
    assert wrong_answer == {"assert f(3) == 9": pytest.approx(-outcome)}


@pytest.mark.parametrize(
    "old, new, wrong",
    [
        ("</reasoning>", "L3#1: return 4 * 2 -> 8\n</reasoning>", "L3#1: return 4 * 2 -> 8"),  # it goes on where others end
        ("L3#1: return 4 * 2 -> 8\n</reasoning>", "</reasoning>", "</reasoning>"),  # it ends where others go on
        ("<answer>", "So it is 8.\n<answer>", "So it is 8."),
        ("</answer>", "</answer>\nmore", "more"),
        ("== 8\n", "== 8\n7\n", "7\n</answer>"),
        ("assert f(3) == 8\n", "", "</answer>"),
    ],
)  # fmt: skip
def test_whatever_comes_instead_is_compared_with_the_others(task: Task, old: str, new: str, wrong: str) -> None:
    other = TRUE.replace(old, new)
    *_, given = credits(task, "step", [TRUE, TRUE, TRUE, other])
    assert given[wrong] == pytest.approx(-1.5) and sum(value for value in given.values() if value < 0) == pytest.approx(-1.5)
    rule = REWARDS.get("step")
    assert isinstance(rule, CreditReward)
    group = [TRUE, TRUE, TRUE, other]
    spans = rule.credits(group, score_many([(task, text) for text in group], rule=rule))[0]
    assert max(value for _, _, value in spans) == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["step", "bilevel", "first_divergence"])
def test_a_group_of_equals_earns_no_credit(task: Task, name: str) -> None:
    for text in GROUP:
        assert {value for one in credits(task, name, [text] * 4) for value in one.values()} == {0}


@pytest.mark.parametrize(
    "text, wrong",
    [
        ("", ""),
        (TRUE[: TRUE.index("L3#1")], ""),  # cut off at a line's end
        (TRUE.replace("L3#1: return 4 * 2 -> 8\n", ""), "</reasoning>\n"),
        (TRUE.replace("L3#1: return 4 * 2 -> 8\n</reasoning>\n", ""), "<answer>"),
        (TRUE.replace("</answer>", "<answer>"), "<answer>\n"),
        (TRUE[: TRUE.index("</answer>")], ""),  # cut off in the answer
        (TRUE.replace("</answer>", "7\n</answer>"), "7\n</answer>"),
        (TRUE.replace("assert f(3) == 8\n", ""), "</answer>"),
        (TRUE + "\nmore", "more"),
        (TRUE.replace("<reasoning>", "Well.\n<reasoning>"), "Well.\n"),
    ],
)  # fmt: skip
def test_the_diverging_unit_is_where_it_happens(task: Task, text: str, wrong: str) -> None:
    (score,) = score_many([(task, text)], chains=True)
    units = units_of(text, score)
    found = next(unit for unit in units if not unit.right)
    assert text[slice(*found.span)] == wrong
    assert all(unit.right for unit in units[: units.index(found)])


def test_right_units_are_the_whole_of_a_true_completion(task: Task) -> None:
    (score,) = score_many([(task, TRUE)], chains=True)
    units = units_of(TRUE, score)
    assert all(unit.right for unit in units)
    assert "".join(TRUE[slice(*unit.span)] for unit in units) == TRUE.removeprefix("<reasoning>\n").replace(
        "\n</answer>", "\n</answer>"
    )
    assert len({unit.place for unit in units}) == len(units)


def test_other_tasks_and_kinds(task: Task) -> None:
    code = next(one for one in ev.generate_tasks(kinds=("code_generation",), seed=0))
    other = ev.task(ev.trace(ev.Program("def f(n):\n    return n + n", arguments="2")), kind="input_prediction")
    chain = "<reasoning>\nwant 4\ncall with n=2\nL2#1: return 2 + 2 -> 4\ngot 4\n</reasoning>\n"
    answer = "<answer>" + other.gold.split("<answer>")[1]
    pairs = [(code, code.gold), (other, chain + answer), (other, other.gold), (task, TRUE)]
    found = score_many(pairs, rule=REWARDS.get("verified"))
    assert [score.reward for score in found] == [pytest.approx(1.05), 2, 0, 2]
    assert found[0].chain is None and found[1].chain is not None
    assert [score.chain is None for score in score_many(pairs)] == [True] * 4


def test_ablations_are_configuration(task: Task) -> None:
    half = replace(REWARDS.get("verified"), scale=1.0)
    assert [one.reward for one in score_many([(task, text) for text in GROUP], rule=half)] == [1, 0, 0, 0]
    assert ev.score(task, TRUE, rule=REWARDS.get("progress")).reward == 2


def test_the_trl_function_offers_credits(task: Task) -> None:
    function = reward_function(REWARDS.get("step"))
    assert isinstance(function, StepCreditReward)
    rows = [to_row(task)] * 4
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in ("kind", "program", "questions")}
    messages = [[{"role": "assistant", "content": text}] for text in GROUP]
    assert function(completions=messages, **columns) == pytest.approx([2, 0, 2 / 3, 4 / 3])
    rule = REWARDS.get("step")
    assert isinstance(rule, CreditReward)
    expected = rule.credits(GROUP, score_many([(task, text) for text in GROUP], rule=rule))
    assert function.credits(messages, columns, 4) == expected
    assert function.credits(GROUP, columns, 2)[0] != expected[0]
    plain = reward_function(REWARDS.get("verified"))
    assert type(plain) is WhiteBoxReward and plain(completions=messages, **columns) == [2, 0, 0, 0]


@pytest.mark.parametrize("name", ["step", "bilevel", "first_divergence"])
def test_every_character_by_hand_and_through_json(task: Task, name: str) -> None:
    rule = REWARDS.get(name)
    assert isinstance(rule, CreditReward)
    truth = json.dumps(to_row(task))
    judged = [compute_step_score("execverify/white_box", text, truth, reward=name) for text in GROUP]
    assert [one["score"] for one in judged] == pytest.approx(step_group.REWARDS_BY_NAME[name])
    spans = rule.group_credits([GradedText.from_json(str(one["units"])) for one in judged])
    for text, given, expected in zip(GROUP, spans, step_group.by_hand(name), strict=True):
        found = [0.0] * (len(text) + 1)
        for start, end, value in given:
            found[start : max(end, start + 1)] = [value] * max(end - start, 1)
        assert found == pytest.approx(expected)


def test_units_that_are_none() -> None:
    for text in ("", "{}", "[1, 2]", '[1, 2, [["run", 3]]]', "null"):
        with pytest.raises(RowError, match="compute_step_score"):
            GradedText.from_json(text)


@pytest.mark.parametrize("name", REWARDS)
def test_every_reward_by_name_in_verls_function(task: Task, name: str) -> None:
    truth = json.dumps(to_row(task))
    judged = [compute_score("execverify/white_box", text, truth, reward=name, chains=True) for text in GROUP]
    assert [one["score"] for one in judged] == pytest.approx(rewards(task, name))
    assert [one["chain_true"] for one in judged] == [1, 0, 0, 1] and {one["chain_graded"] for one in judged} == {1}
    assert [one["verified"] for one in judged] == [1, 0, 0, 0] and [one["guessed"] for one in judged] == [0, 1, 0, 0]
    if not isinstance(REWARDS.get(name), CreditReward):
        with pytest.raises(RowError, match=f"{name}' gives no credits.* one of step, bilevel, first_divergence"):
            compute_step_score("execverify/white_box", TRUE, truth, reward=name)


def test_verls_function_has_the_same_keys_for_every_row(task: Task) -> None:
    code = next(one for one in ev.generate_tasks(kinds=("code_generation",), seed=0))
    keys = compute_score("execverify/white_box", TRUE, to_row(task)).keys()
    assert keys == compute_score("execverify/white_box", "", to_row(task), reward="step").keys()
    judged = compute_step_score("execverify/code_generation", code.gold, to_row(code), reward="step")
    assert judged["units"] == "" and judged.keys() == {*keys, "units"} and judged["chain_graded"] == 0
    bad = compute_step_score("execverify/white_box", TRUE, "{}", reward="step", raise_errors=False)
    assert bad["units"] == "" and bad["bad_row"] == 1
    with pytest.raises(RowError, match=r"no reward 'steps'.*step"):
        compute_score("execverify/white_box", TRUE, to_row(task), reward="steps", raise_errors=False)


def test_credits_of_a_text_that_holds_the_closing_tag() -> None:
    program = ev.Program("def f(n):\n    v = '</reasoning>'\n    return len(v) + n", entry_point="f", arguments="1")
    one = ev.task(ev.trace(program), limit=0)
    lines = ["call with n=1", "L2#1: v = '</reasoning>'", "L3#1: len('</reasoning>') -> 12; return 12 + 1 -> 13"]
    text = "\n".join(["<reasoning>", *lines, "<answer>", "assert f(1) == 13", "</answer>"])
    assert ev.score(one, text, rule=REWARDS.get("verified")).reward == 2
    for name in ("step", "bilevel", "first_divergence"):
        credits(one, name, [text, text.replace("13", "14"), text.replace("12;", "11;"), text])


@pytest.mark.parametrize("reward", [0.0, 1.9, 2 * (0.5 + 0.5 / 3)])
def test_equal_outcomes_have_no_advantage_however_they_are_rounded(reward: float) -> None:
    for count in (1, 3, 8, 16, 32):
        assert group_advantages([reward] * count) == [0.0] * count
