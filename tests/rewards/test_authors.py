"""The authors' reward, by name: against their own code where it is at hand, and what it does not pay."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

import execverify as ev
from execverify.datasets.authors import authors_questions, authors_record
from execverify.questions import to_row
from execverify.questions.prompts import prompt_text, template_texts
from execverify.questions.task import Task
from execverify.rewards import REWARDS
from tests.helpers.authors_release import authors_rewards, needs_release

AUTHORS = REWARDS.get("authors")
SOURCE = "def f(n):\n    s = 'a;'\n    t = 'b'\n    while n > 4:\n        n -= 3\n    return n > 2"


def answer(*lines: str) -> str:
    return "\n".join(["<reasoning>", "r", "</reasoning>", "<answer>", *lines, "</answer>"])


def test_case(task: Task, assertion: str, source: str | None = None) -> str:
    return answer("```python", source or task.program.source.strip("\n"), "", assertion, "```")


test_case.__test__ = False  # type: ignore[attr-defined]


def in_authors_order(task: Task) -> Task:
    return replace(task, questions=authors_questions(task))


@pytest.fixture(scope="module")
def one() -> Task:
    """Questions: one about the next statement, then `t` and `n`."""
    made = ev.task(ev.trace(ev.Program(SOURCE, arguments="9")), limit=None)
    asked = {(each.kind, each.line, each.visit): each for each in made.questions}
    chosen = (asked["next_statement", 5, 1], asked["variable_state", 3, 1], asked["variable_state", 5, 1])
    return replace(made, questions=chosen)


@pytest.fixture(scope="module")
def arguments() -> Task:
    return ev.task(ev.trace(ev.Program(SOURCE, arguments="9")), kind="input_prediction")


RIGHT = ("assert f(9) == True", "while n > 4:", "'b'; str", "6; int")


@pytest.mark.parametrize(
    ("lines", "reward"),
    [
        (RIGHT, 2.0),
        (("assert(f(9)) == True", *RIGHT[1:]), 2.0),
        (("assert f(9) == 1", *RIGHT[1:]), 2.0),  # equal for Python
        (("assert f(9) == False", *RIGHT[1:]), 0.0),
        (("assert f( 9 ) == True", *RIGHT[1:]), 2.0),
        (("assert f(0o11) == True", *RIGHT[1:]), 0.0),  # other text
        ((*RIGHT[:2], "b; str", "6; int"), 2.0),  # without quotes
        ((*RIGHT[:2], "b; int", "6.0; int"), 1 + 2 / 3),
        (RIGHT[:3], 1.0),  # a line is missing
        ((*RIGHT, "and more"), 1.0),
        (("assert f(9) == True", "", *RIGHT[1:]), 1.0),  # an empty line counts
        (("```", *RIGHT, "```"), 0.0),
        ((RIGHT[0], "`while n > 4:`", *RIGHT[2:]), 1 + 2 / 3),
    ],
)
def test_white_box(one: Task, lines: tuple[str, ...], reward: float) -> None:
    assert ev.score(one, answer(*lines), rule=AUTHORS).reward == pytest.approx(reward)


def test_a_string_with_a_semicolon_cannot_be_right(one: Task) -> None:
    made = ev.task(ev.trace(ev.Program(SOURCE, arguments="9")), limit=None)
    asked = next(each for each in made.questions if (each.line, each.visit, each.variable) == (2, 1, "s"))
    task = replace(one, questions=(asked,))
    assert ev.score(task, answer(RIGHT[0], "'a;'; str"), rule=AUTHORS).reward == 1.0
    assert ev.score(task, answer(RIGHT[0], "'a;'; str")).reward == 2.0  # the package's own


EXPLOITS = (
    "assert f(9) == f(9)",
    "assert f(9) == 0 or True",
    "assert True, 'f(9)'",
    "assert 1  # f(9)",
    "assert f(9) == (2 > 1)",
    "assert f(9) == True, 'message'",
)
"""What the authors' code pays in full or in part, and this reward does not: it would have to run what a model wrote."""


@pytest.mark.parametrize("line", EXPLOITS)
def test_exploits_of_the_output_earn_nothing(one: Task, line: str) -> None:
    assert ev.score(one, answer(line, *RIGHT[1:]), rule=AUTHORS).reward == 0.0


def input_exploits(task: Task) -> list[str]:
    return [
        answer("```python", "pass", "```"),
        answer("```python", "assert True", "```"),
        test_case(task, "assert f(1) == True", "def f(n):\n    return True"),
        test_case(task, "assert f(1) == f(1)"),
        test_case(task, "assert f(9) == True or True"),
        test_case(task, "f = len\nassert f(9) == True"),
        test_case(task, "import os\nos.remove('x')\nassert f(9) == True"),
    ]


@pytest.mark.parametrize("rule", ["authors", "white_box"])
def test_exploits_of_the_input_earn_nothing(arguments: Task, rule: str) -> None:
    for completion in input_exploits(arguments):
        assert ev.score(arguments, completion, rule=REWARDS.get(rule)).reward == 0.0, completion


@pytest.mark.parametrize("rule", ["authors", "white_box"])
def test_a_whole_test_case_is_an_answer_to_an_input_prediction(arguments: Task, rule: str) -> None:
    reward = REWARDS.get(rule)
    assert ev.score(arguments, test_case(arguments, "assert f(3) == True"), rule=reward).reward == 2.0
    assert ev.score(arguments, test_case(arguments, "assert f(1) == True"), rule=reward).reward == 0.0
    assert ev.score(arguments, arguments.gold, rule=reward).reward == (0.0 if rule == "authors" else 2.0)


def test_the_chain_of_a_test_case_is_graded_on_its_arguments(arguments: Task) -> None:
    steps = ev.grade_steps(arguments, "call with n=3\n" + test_case(arguments, "assert f(3) == True"))
    assert steps[1].text == "<reasoning>" or steps[0].verdict == "right"


def test_the_example_of_the_prompt_is_right() -> None:
    text = template_texts("authors", ("white_box",))["white_box"]
    listing = text.partition("Example program:\n")[2].partition("\n\n")[0].splitlines()
    source = "\n".join(line.partition(" | ")[2] for line in listing[:-2])
    assertion, following, state = text.partition("<answer>\n")[2].partition("\n</answer>")[0].splitlines()
    run = ev.trace(ev.Program(source, "scale", "3, 5"))
    asked = {each.text: each.answers for each in ev.ask(run, limit=None)}
    questions = [line.partition("): ")[2] for line in text.splitlines() if line.startswith(("Question 2 (", "Question 3 ("))]
    assert assertion == f"assert scale(3, 5) == {run.result.value.text if run.result.value else None}"
    assert [following in asked[questions[0]], state in asked[questions[1]]] == [True, True]


# ------------------------------------------------------------------------------------------------- against their code


def _completions(task: Task, rng: random.Random) -> Iterator[str]:
    """Right answers, and answers with one thing changed, that are no exploits."""
    if task.kind == "input_prediction":
        gold = task.assertion
        yield from (answer(gold), answer(f"```python\n{gold}\n```"), test_case(task, gold), "no tags", answer())
        yield test_case(task, gold).replace("```python", "```py")
        yield test_case(task, gold + "  # done")
        yield test_case(task, f"assert {task.program.entry_point}('no such', 1, 2, 3, 4) == {task.result.text}")
        return
    gold, *lines = task.gold.partition("<answer>\n")[2].partition("\n</answer>")[0].split("\n")
    yield answer(gold, *lines)
    yield "\n<answer>draft</answer>\n" + answer(gold, *lines)
    yield answer(gold, *lines).replace("</answer>", "")
    yield answer(gold.replace("assert ", "assert(", 1).replace(" ==", ") ==", 1), *lines)
    yield answer(gold.partition(" == ")[0] + " == 'no'", *lines)
    yield answer(gold, *lines, "more")
    yield answer(gold, "", *lines)
    yield answer("```", gold, *lines, "```")
    yield answer(gold, *(line.replace("'", "") if line.endswith("; str") else line for line in lines))
    yield answer(gold, *(f"  {line} " for line in lines))
    if lines:
        yield answer(gold, *lines[:-1])
        at = rng.randrange(len(lines))
        for new in (
            "Nil",
            "-1",
            "0; int",
            f"`{lines[at]}`",
            lines[at] + "; x",
            lines[at].replace("True", "1"),
            rng.choice(lines),
        ):
            yield answer(gold, *lines[:at], new, *lines[at + 1 :])


@needs_release
@pytest.mark.slow
@pytest.mark.external
def test_it_agrees_with_the_authors_code() -> None:
    rng = random.Random(5)
    cases: list[tuple[Task, str]] = []
    for made in ev.generate_tasks(size=190, seed=11):
        task = in_authors_order(made)
        if task.kind == "input_prediction" or task.questions:
            cases += [(task, completion) for completion in _completions(task, rng)]
    records = {task.id: authors_record(to_row(task)) for task, _ in cases}
    theirs = authors_rewards([(completion, records[task.id]) for task, completion in cases])
    ours = [score.reward for score in ev.score_many(cases, rule=AUTHORS)]
    differ = [
        (completion, a, b) for (_, completion), a, b in zip(cases, theirs, ours, strict=True) if b != pytest.approx(a, abs=1e-9)
    ]
    print(len(cases), Counter(round(one, 3) for one in theirs), len(differ))
    assert len(cases) > 2000
    assert differ == [], differ[:5]


@needs_release
@pytest.mark.external
def test_the_authors_code_pays_the_exploits(one: Task, arguments: Task) -> None:
    """What the tests above call an exploit is one."""
    record, other = authors_record(to_row(one)), authors_record(to_row(arguments))
    paid = authors_rewards([(answer(line, *RIGHT[1:]), record) for line in EXPLOITS])
    assert paid == [2.0] * len(EXPLOITS)
    assert authors_rewards([(completion, other) for completion in input_exploits(arguments)])[:4] == [2.0] * 4


def test_the_prompt_quotes_each_statement(one: Task) -> None:
    text = prompt_text("white_box", one.program, "", one.questions, "authors")
    assert "7 |\n8 | assert f(9) == ????" in text.replace("6 | ", "6 | ")
    assert "Question 2 (line 5: `n -= 3`): Which statement runs next" in text
