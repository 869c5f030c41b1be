"""Reasoning in free words: the precision of the verdicts on chains that were labelled by hand, what is left unread, and hostile text."""

import time
from random import Random
from typing import Any

import pytest

import execverify as ev
from execverify.errors import QuestionError
from execverify.rewards import StepVerdict, grade_texts
from execverify.rewards.steps.compact import is_compact
from execverify.rewards.steps.faithfulness import text_faithfulness
from execverify.rewards.steps.free_text import GradedText, grade_text_against, reasoning_of
from execverify.rewards.steps.reference import references_of
from tests.helpers.free_chains import CHAINS, DECIDED, agreement

SOURCE = """def f(nums, k):
    total = 0
    for n in nums:
        if n > k:
            total += n
    return total * 2"""


def graded(text: str, source: str = SOURCE, arguments: str = "[1, 4], 2", entry_point: str = "f") -> GradedText:
    program = ev.Program(source, entry_point, arguments)
    run = references_of([program])[program]
    assert run is not None
    return grade_text_against(run, text)


def found(text: str, **program: str) -> list[tuple[str, str]]:
    """The claims that were decided."""
    return [(step.text, str(step.verdict)) for step in graded(text, **program).steps if step.verdict in DECIDED]


def test_precision_and_recall_on_labelled_chains() -> None:
    found = agreement(CHAINS)
    for verdict, least in (("right", 0.995), ("wrong", 0.99)):
        held, given = found.precision(verdict)
        assert held / given >= least, (verdict, found.pairs)
    assert found.decided / found.labelled >= 0.94
    assert len(CHAINS) >= 200
    assert found.labelled >= 850


def test_values_that_a_part_may_not_have_had_are_not_put_in() -> None:
    rounds = {"source": "def f(xs):\n    y = sum(x + 1 for x in xs)\n    return y", "arguments": "[2, 3]"}
    assert found("`sum(x + 1 for x in xs)` is 7.", **rounds) == [("sum(x + 1 for x in xs)` is 7", "right")]
    assert found("`sum(2 + 1 for x in xs)` is 7.", **rounds) == []
    changed = "def f(n):\n    c = 0\n    def inc():\n        nonlocal c\n        c += 1\n        return c\n    y = inc() + c\n    return y"
    assert found("`1 + 0 = 2`. `inc() + 0` is 2.", source=changed, arguments="2") == []


@pytest.mark.parametrize(
    "text",
    [
        "If total were 7, we would return 14.",
        "Is total = 7?",
        "total is not 7.",
        "total never becomes 7.",
        "Suppose n = 9.",
        "total = 7. Wait, that's wrong.",
        "```\ntotal = 7\n```",
        "total += n adds n.",
        "The length of nums is 3.",
        "total is 7 more than before.",
        "nums = [1, ...]",
        "total, n = 7, 8",
        "f([5, 6], 2) returns 22.",
        "range(0, 7) gives n = 1, 7, 9",
        "The index of n is 3.",
        "other = 5",
        "g(total=7)",
        "n = 9 is never reached.",
        "total is 7 or 8.",
        "total = 7 / 2",
        "y + total = 7",
    ],
)
def test_what_is_no_claim(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "claim", "verdict"),
    [
        ("`total` is now `4`.", "total` is now `4", "right"),
        ("total becomes 5.", "total becomes 5", "wrong"),
        ("`n > k` → False", "n > k` → False", "right"),
        ("1 > 2 is True", "1 > 2 is True", "wrong"),
        ("f([1, 4], 2) == 8", "f([1, 4], 2) == 8", "right"),
        ("So it returns 9.", "returns 9", "wrong"),
        ("The loop runs twice.", "loop runs twice", "right"),
        ("The loop runs 3 times.", "loop runs 3 times", "wrong"),
        ("total = total + n = 0 + 4 = 5", "total = total + n = 0 + 4 = 5", "wrong"),
        ("Set total to 0.", "total to 0", "right"),
        ("$total = 4$", "total = 4", "right"),
        ("nums[1] = 4", "nums[1] = 4", "right"),
    ],
)
def test_what_is_a_claim(text: str, claim: str, verdict: str) -> None:
    assert (claim, verdict) in [(words.strip("`"), one) for words, one in found(text)]


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("At the end, total is 0.", []),
        ("After the loop, total = 0.", []),
        ("`total` ends up as 4.", [("total` ends up as 4", "right")]),
        ("The final value of total is 4.", [("total is 4", "right")]),
        ("total starts at 4.", []),
        ("total is initialized to 0.", [("total is initialized to 0", "right")]),
        ("total = 0 at first and total = 4 at the end.", [("total = 0", "right"), ("total = 4", "right")]),
        ("In the final iteration total is 0.", [("total is 0", "right")]),
        ("At the end, total is 7.", [("total is 7", "wrong")]),
    ],
)
def test_first_and_last_values_are_those_that_hold_then(text: str, claims: list[tuple[str, str]]) -> None:
    assert [(words.strip("`"), verdict) for words, verdict in found(text)] == claims


def test_a_value_at_another_moment_is_unread() -> None:
    text = "Iteration 1: total = 4.\nAfter iteration 2: total = 4.\nAt the end total = 0."
    assert [str(step.verdict) for step in graded(text).steps] == ["unread", "right", "unread"]
    assert [str(step.verdict) for step in graded("n = 1: total = 4").steps] == ["right", "unread"]


def test_lines_are_decided_where_their_numbers_are_known() -> None:
    assert found("Line 5 runs.") == []
    assert found("Line 2: `total = 0`. Then line 5 runs.") == [("total = 0", "right"), ("line 5 runs", "right")]
    assert found("Line 1: `total = 0`. Then line 5 runs.") == [("total = 0", "right")]


def test_other_frames_and_calls() -> None:
    source = "def g(n):\n    n = n + 1\n    return n\ndef f(n):\n    m = g(n * 2)\n    return m"
    text = "n = 3. In g, n = 6 and then n = 7. g(6) returns 7. g(3) returns 4. m = 7. m = 6."
    assert found(text, source=source, arguments="3") == [
        ("n = 3", "right"), ("n = 6", "right"), ("n = 7", "right"), ("g(6) returns 7", "right"), ("m = 7", "right"), ("m = 6", "wrong"),
    ]  # fmt: skip


def test_the_public_way() -> None:
    task = ev.task(ev.trace(ev.Program(SOURCE, "f", "[1, 4], 2")), limit=0)
    completion = "<reasoning>\ntotal = 4, so we return 9. Fine.\n</reasoning>\n<answer>\nassert f([1, 4], 2) == 9\n</answer>"
    steps = ev.grade_steps(task, completion, style="free")
    claims = [(step.text, step.verdict) for step in steps if step.verdict in DECIDED]
    assert claims == [("total = 4", StepVerdict.RIGHT), ("return 9", StepVerdict.WRONG)]
    assert all(completion[step.span[0] : step.span[1]] == step.text for step in steps)
    (text,) = grade_texts([(task, completion)])
    assert text is not None
    assert (text.right, text.wrong, text.sentences, text.read) == (1, 1, 4, 1)
    assert text.first_wrong is not None
    assert text.first_wrong.why == "what is returned is 8"
    assert not is_compact(completion)
    assert is_compact("<reasoning>\ncall with n=3")
    assert reasoning_of("a [ANSWER]b") == "a "
    with pytest.raises(QuestionError, match="give compact or free"):
        ev.grade_steps(task, completion, style="prose")


def test_figures() -> None:
    right, wrong, empty = graded("total = 4. Good."), graded("total = 5."), graded("")
    figures = text_faithfulness([(right, True), (wrong, True), (wrong, False), (empty, True), (None, True)])
    assert figures.as_metrics() == {
        "claims_found": 3,
        "claims_right": 33.3333,
        "sentences_unread": 25.0,
        "right_output_with_wrong_claim": 50.0,
    }
    assert text_faithfulness([(empty, True)]).as_metrics() == {}


def test_changed_texts_end_and_hold_their_spans() -> None:
    random = Random(3)
    signs = "`*|=→()[]{}'\"\\$#:.,?-> \n0123456789abnktotal"
    for row in CHAINS[::4]:
        text = list(row["text"])
        for _ in range(12):
            text[random.randrange(len(text))] = random.choice(signs)
        changed = "".join(text)
        for step in graded(changed, **row["program"]).steps:
            assert changed[step.span[0] : step.span[1]] == step.text


HOSTILE: dict[str, Any] = {
    "relations": "total = 4 = " * 3000,
    "brackets": "[" * 30_000,
    "quotes": "'" * 30_000,
    "words": "total n nums k " * 2500 + "= 4",
    "claims": "total = 4. " * 3500,
    "expressions": "\n".join(f"n > {number} is True" for number in range(2500)),
    "backticks": "`" * 30_000,
    "tables": "| total |\n" * 3000,
    "bullets": "- " * 15_000,
    "bold": "**" * 15_000,
    "latex": "\\text{" * 5000,
    "surrogates": "total = '\udc80' and n = 4",
    "digits": "total = " + "9" * 20_000 + " iteration " + "9" * 5000,
    "arrows": "1 → " * 9000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_graded_in_time(name: str) -> None:
    started = time.process_time()
    graded(HOSTILE[name])
    assert time.process_time() - started < 5
