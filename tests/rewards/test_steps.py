"""Step-level grading: true chains are right in every line, changed ones are not, and nothing trivial, repeated or hidden is paid."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

import execverify as ev
from execverify.cot.detail import DETAIL_LEVELS
from execverify.cot.events import trace_view
from execverify.cot.generate import _completion
from execverify.cot.search import known_arguments
from execverify.errors import ExecVerifyError, QuestionError
from execverify.programs.program import parse_call
from execverify.questions.task import Task
from execverify.reward_hacks.chains import CHAIN_FAMILIES, chain_hacks
from execverify.rewards import REWARDS, GradedChain, StepVerdict, grade_chains, grade_steps
from execverify.rewards.steps.grade import grade_against
from execverify.rewards.steps.reference import RunReference, references_of
from execverify.tracing.expressions import trace_with_expressions
from tests.helpers.benchmarks import cruxeval_programs
from tests.helpers.trace_cases import load_cases
from tests.oracles.cot.checker import check_chains
from tests.oracles.cot.mutants import mutants
from tests.oracles.random_programs import generate

Run = tuple[Task, RunReference]

SOURCE = """def g(a):
    return a + 1

def f(nums, n):
    total = 0
    while n < 3:
        total += g(n) * 2
        n += 1
    if total > 3:
        nums[0] += total
    return nums"""

CHAIN = """<reasoning>
call with nums=[5, 7], n=1
L5#1: total = 0
L6#1: while 1 < 3 -> True
L7#1: call g(a=1)
L2#1: return 1 + 1 -> 2
back L7#1: g(1) -> 2; 2 * 2 -> 4; total = 0 + 4 -> 4
L8#1: n = 1 + 1 -> 2
L6#2: while 2 < 3 -> True
L7#2: call g(a=2)
L2#2: return 2 + 1 -> 3
back L7#2: g(2) -> 3; 3 * 2 -> 6; total = 4 + 6 -> 10
L8#2: n = 2 + 1 -> 3
L6#3: while 3 < 3 -> False
L9#1: if 10 > 3 -> True
L10#1: nums[0] -> 5; 5 + 10 -> 15; nums[0] = 15; nums = [15, 7]
L11#1: return nums -> [15, 7]
</reasoning>
<answer>
assert f([5, 7], 1) == [15, 7]
</answer>"""


def runs_of(tasks: list[Task]) -> list[Run]:
    found = references_of([one.program for one in tasks], workers=2)
    return [(one, reference) for one in tasks if (reference := found[one.program]) is not None]


def chains_of(runs: list[Run]) -> Iterator[tuple[Task, RunReference, int, str]]:
    """The rendered chain of each run, at every level of detail."""
    for one, reference in runs:
        view = trace_view(reference.trace, reference.values)
        is_input = one.kind == "input_prediction"
        search = known_arguments(reference.trace, reference.values) if is_input else None
        for level, detail in enumerate(DETAIL_LEVELS):
            yield one, reference, level, _completion(one, view, detail, "compact", 0, search)


@pytest.fixture(scope="module")
def synthesized() -> list[Run]:
    return runs_of([one for one in ev.generate_tasks(size=240, seed=43) if one.kind != "code_generation"])


@pytest.fixture(scope="module")
def example() -> Task:
    return ev.task(ev.trace(ev.Program(SOURCE, entry_point="f", arguments="[5, 7], 1")), limit=4, seed=0)


def graded(task: Task, text: str) -> GradedChain:
    (chain,) = grade_chains([(task, text)])
    assert chain is not None
    return chain


def first(task: Task, old: str, new: str) -> tuple[str, StepVerdict]:
    """The first line that is not right once something in the example's chain is replaced."""
    assert CHAIN.count(old) >= 1
    found = graded(task, CHAIN.replace(old, new, 1)).first_divergence
    assert found is not None, (old, new)
    return found.text, found.verdict


def assert_all_true(runs: list[Run]) -> None:
    for one, reference, level, text in chains_of(runs):
        chain = grade_against(reference, one, text)
        assert chain.is_true and chain.progress == 1, (one.program.source, one.program.call, level, chain.first_divergence)


# ------------------------------------------------------------------------------------------------------- true chains


def test_synthesized_chains_are_right_at_every_level_of_detail(synthesized: list[Run]) -> None:
    assert_all_true(synthesized)


def test_chains_of_cruxeval_are_right_at_every_level_of_detail() -> None:
    programs = cruxeval_programs()
    assert_all_true(tasks_of(programs, ("white_box", "input_prediction")))


def tasks_of(programs: list[ev.Program], kinds: tuple[str, ...] = ("white_box",)) -> list[Run]:
    found = []
    for trace, values in trace_with_expressions(programs):
        for kind in kinds:
            try:
                found.append((ev.task(trace, kind=kind), RunReference(trace, values)))
            except ExecVerifyError:  # it raises, or its result has no literal
                continue
    assert found
    return found


TWO_FORS = [
    "def f(a, b):\n    c = [x * y for x in a for y in b]\n    return c",
    "def f(a, b):\n    c = sum(x * y for x in a for y in b if x + y > 3 for z in [y] if z)\n    return c",
    "def f(a, b):\n    c = {x: [x * y + z for y in b for z in a] for x in a}\n    return c",
]


def test_chains_of_odd_programs_are_right() -> None:
    cases = [ev.Program(case.source, *parse_call(case.call)) for case in load_cases()]
    cases += [ev.Program(source, "f", arguments) for source, arguments in map(generate, range(60))]
    cases += [ev.Program(source, "f", "[2, 6], [1, 2]") for source in TWO_FORS]
    assert_all_true(tasks_of(cases))


def test_spans_and_places_are_those_of_the_text(example: Task) -> None:
    text = "  \n" + CHAIN
    steps = grade_steps(example, text)
    assert [text[slice(*step.span)] for step in steps] == [step.text for step in steps] == CHAIN.split("\n")[1:17]
    assert [step.place for step in steps][:6] == [0, 0, 1, 2, 3, 4]
    assert {step.verdict for step in steps} == {StepVerdict.RIGHT}
    assert steps[5].statement == "assignment" and steps[5].right and steps[5].why == ""


def test_literals_may_be_written_otherwise(example: Task) -> None:
    assert graded(example, CHAIN.replace("[5, 7]", "[5,7]").replace("-> [15, 7]", "-> [ 15, 7 ]")).is_true
    assert graded(example, CHAIN.replace("L8#1: n = 1 + 1 -> 2", "L8#1: n = 2")).is_true
    assert graded(example, CHAIN.replace("back L7#1: g(1) -> 2; 2 * 2 -> 4; total = 0 + 4 -> 4", "back L7#1: total = 4")).is_true


# ------------------------------------------------------------------------------------------------------ changed chains


@pytest.mark.parametrize(
    "old, new, verdict",
    [
        ("total = 0 + 4 -> 4", "total = 0 + 4 -> 5", "wrong"),
        ("total = 0 + 4 -> 4", "total = 0 + 3 -> 4", "wrong"),  # the sum of other numbers
        ("2 * 2 -> 4", "2 + 2 -> 4", "wrong"),  # what computes right, and is not in the line
        ("while 2 < 3 -> True", "while 2 < 3 -> False", "wrong"),
        ("call g(a=2)", "call g(a=3)", "wrong"),
        ("call g(a=2)", "call h(a=2)", "wrong"),
        ("L8#1: n", "L9#1: n", "out_of_order"),
        ("L8#1: n", "L80#1: n", "wrong"),
        ("L6#3: while", "L6#4: while", "wrong"),
        ("return 2 + 1 -> 3", "return 2 + 1 -> 4", "wrong"),
        ("nums[0] = 15", "nums[1] = 15", "wrong"),
        ("nums = [15, 7]", "nums = [15, 8]", "wrong"),
        ("return nums -> [15, 7]", "return nums -> [15, 7.0]", "wrong"),
        ("n = 1 + 1 -> 2", "n = 1 + True -> 2", "wrong"),
        ("call with nums=[5, 7], n=1", "call with nums=[5, 7], n=2", "wrong"),
        # what is not stated
        ("L5#1: total = 0", "L5#1", "missing"),
        ("L6#2: while 2 < 3 -> True", "L6#2", "missing"),
        ("L6#2: while 2 < 3 -> True", "L6#2: 2 < 3 -> True", "missing"),
        ("L10#1: nums[0] -> 5; 5 + 10 -> 15; nums[0] = 15; nums = [15, 7]", "L10#1: nums[0] -> 5", "missing"),
        ("L11#1: return nums -> [15, 7]", "L11#1: nums -> [15, 7]", "missing"),
        ("call with nums=[5, 7], n=1", "call with n=1", "missing"),
        ("L7#2: call g(a=2)", "L7#2", "missing"),
        ("call g(a=1)", "call g()", "missing"),
        # lines that are left out, invented, repeated or in another order
        ("L8#1: n = 1 + 1 -> 2\n", "", "out_of_order"),
        ("back L7#1: g(1) -> 2; 2 * 2 -> 4; total = 0 + 4 -> 4\n", "", "out_of_order"),
        ("L2#1: return 1 + 1 -> 2\n", "", "out_of_order"),
        ("L5#1: total = 0\n", "L5#1: total = 0\nL5#1: total = 0\n", "out_of_order"),
        ("L5#1: total = 0\n", "L5#1: total = 0\nL4#1: n = 1\n", "wrong"),
        ("call with nums=[5, 7], n=1\n", "", "missing"),
        ("call with nums=[5, 7], n=1\n", "call with nums=[5, 7], n=1\ncall with nums=[5, 7], n=1\n", "out_of_order"),
        ("</reasoning>", "</reasoning>\nL11#1: return nums -> [15, 7]", "out_of_order"),
        ("</answer>", "</answer>\nL5#1: total = 0", "unreadable"),
        ("<reasoning>", "I think.\n<reasoning>", "unreadable"),
        ("L11#1: return nums -> [15, 7]\n", "", "missing"),
        ("L5#1: total = 0", "L5#1: total = 0; n = 1; maybe", "wrong"),
        ("L5#1: total = 0", "L5#1: total == 0 -> ", "unreadable"),
        # a call's result before the call
        ("L7#1: call g(a=1)", "L7#1: g(1) -> 2; call g(a=1)", "wrong"),
        ("L7#1: call g(a=1)", "L7#1: total = 4; call g(a=1)", "wrong"),
    ],
)  # fmt: skip
def test_a_changed_chain_diverges(example: Task, old: str, new: str, verdict: str) -> None:
    assert first(example, old, new)[1] == verdict


def test_rounds_and_calls_may_be_skipped_once_one_is_described() -> None:
    task = ev.task(ev.trace(ev.Program(SOURCE, entry_point="f", arguments="[5, 7], 1")), limit=0)
    lines = CHAIN.split("\n")
    second = "\n".join(lines[8:13])
    assert second.startswith("L6#2") and second.endswith("L8#2: n = 2 + 1 -> 3")
    skipped = CHAIN.replace(second, "L6#2~: total = 10; n = 3")
    assert graded(task, skipped).is_true
    for old, new, verdict in [
        ("L6#2~: total = 10; n = 3", "L6#2~: total = 10", "missing"),
        ("L6#2~: total = 10; n = 3", "L6#2~: total = 11; n = 3", "wrong"),
        ("L6#2~: total = 10; n = 3", "L6#2~3: total = 10; n = 3", "wrong"),
        ("L6#2~: total = 10; n = 3", "L6#2~9: total = 10; n = 3", "wrong"),
    ]:
        found = graded(task, skipped.replace(old, new)).first_divergence
        assert found is not None and found.verdict == verdict, new
    both = CHAIN.replace("\n".join(lines[3:13]), "L6#1~2: total = 10; n = 3")
    found = graded(task, both).first_divergence
    assert found is not None and found.verdict == "missing" and "first round" in found.why
    call = CHAIN.replace("call g(a=2)\nL2#2: return 2 + 1 -> 3", "call g(a=2) ...; return 3")
    assert graded(task, call).is_true
    assert not graded(task, call.replace("...; return 3", "...; return 4")).is_true
    early = CHAIN.replace("call g(a=1)\nL2#1: return 1 + 1 -> 2", "call g(a=1) ...; return 2")
    assert not graded(task, early).is_true


FACTORIAL = "def f(n):\n    if n < 1:\n        return 1\n    return n * f(n - 1)"
ONE_LINE = "def f(n):\n    return n * f(n - 1) if n else 1"
LATE = "def f(n):\n    t = 0\n    for i in range(n):\n        if i {}:\n            t += i\n    return t"
LATE_CALL = "def g(k):\n    if k > 1:\n        k *= 3\n    return k\n\ndef f(n):\n    a = g(1)\n    b = g(n)\n    return a + b"
TO_LOOP = "call with n=3\nL2#1: t = 0\nL3#1: i = 0\nL4#1: if 0"
TO_CALL = "L7#1: call g(k=1)\nL2#1: if 1 > 1 -> False\nL4#1: return 1\nback L7#1: a = 1\nL8#1: call"
DESCENT = "call with n=2\nL2#1: if 2 < 1 -> False\nL4#1: call f(n=1)"
DESCENT_2 = f"{DESCENT}\nL2#2: if 1 < 1 -> False\nL4#2: call f(n=0)"
ASCENT = "back L4#2: return 1\nback L4#1: return 2"
END_3 = "L3#4: end\nL6#1: return"


@pytest.mark.parametrize(
    "source, arguments, lines, hides",
    [
        # a recursion is described down to its end, once
        (FACTORIAL, "2", f"{DESCENT} ...; return 1\nback L4#1: return 2", "line 4 ends its function"),
        (FACTORIAL, "2", f"{DESCENT_2} ...; return 1\n{ASCENT}", "line 2 goes on with line 3"),
        (FACTORIAL, "2", f"{DESCENT_2}\nL2#3: if 0 < 1 -> True\nL3#1: return 1\n{ASCENT}", ""),
        (ONE_LINE, "2", "call with n=2\nL2#1: call f(n=1) ...; return 1\nback L2#1: return 2", "line 2 ends its function"),
        # a branch is described when it is first taken, and when it is first not taken
        (LATE.format("> 1"), "3", f"{TO_LOOP} > 1 -> False\nL3#2~3: i = 2; t = 2\n{END_3} 2", "line 4 goes on with line 5"),
        (LATE.format("< 1"), "3", f"{TO_LOOP} < 1 -> True\nL5#1: t = 0\nL3#2~3: i = 2\n{END_3} 0", "line 4 goes on with line 3"),
        (LATE.format("> 9"), "3", f"{TO_LOOP} > 9 -> False\nL3#2~3: i = 2\n{END_3} 0", ""),
        (
            LATE_CALL,
            "2",
            f"call with n=2\n{TO_CALL} g(k=2) ...; return 6\nback L8#1: b = 6\nL9#1: return 7",
            "line 2 goes on with line 3",
        ),
        (LATE_CALL, "0", f"call with n=0\n{TO_CALL} g(k=0) ...; return 0\nback L8#1: b = 0\nL9#1: return 1", ""),
    ],
)
def test_what_was_not_described_before_may_not_be_skipped(source: str, arguments: str, lines: str, hides: str) -> None:
    task = ev.task(ev.trace(ev.Program(source, "f", arguments)), limit=0)
    found = graded(task, f"<reasoning>\n{lines}\n</reasoning>\n<answer>\n{task.assertion}\n</answer>").first_divergence
    assert (found is None) == (not hides) and (found is None or hides in found.why), found


def test_what_is_asked_about_may_not_be_skipped() -> None:
    trace = ev.trace(ev.Program(SOURCE, entry_point="f", arguments="[5, 7], 1"))
    task = ev.task(trace, limit=None)
    assert any((one.line, one.visit) == (8, 2) for one in task.questions)
    lines = CHAIN.split("\n")
    skipped = CHAIN.replace("\n".join(lines[8:13]), "L6#2~: total = 10; n = 3")
    found = graded(task, skipped).first_divergence
    assert found is not None and "question" in found.why


def test_an_unfinished_chain_is_right_so_far(example: Task) -> None:
    cut = CHAIN[: CHAIN.index("L8#1") + 9]
    chain = graded(example, cut)
    assert [step.right for step in chain.steps[:-2]] == [True] * (len(chain.steps) - 2)
    assert chain.covered == 4 and chain.progress == pytest.approx(4 / chain.total) and not chain.is_true
    assert chain.steps[-1].verdict == "missing" and chain.steps[-1].text == ""


@pytest.mark.parametrize(
    "text", ["", "I do not know.", "<answer>assert f([5, 7], 1) == [15, 7]</answer>", "<reasoning>\n</reasoning>"]
)
def test_no_chain_is_no_true_chain(example: Task, text: str) -> None:
    chain = graded(example, text)
    assert not chain.is_true and chain.progress == 0 and chain.first_divergence is not None


def test_lines_after_a_divergence_are_graded_too(example: Task) -> None:
    chain = graded(example, CHAIN.replace("L8#1: n = 1 + 1 -> 2\n", ""))
    verdicts = Counter(step.verdict for step in chain.steps)
    assert verdicts == {"right": 14, "out_of_order": 1}
    wrong = [
        step.text for step in graded(example, CHAIN.replace("total = 0 + 4 -> 4", "total = 0 + 4 -> 5")).steps if not step.right
    ]
    assert wrong == ["back L7#1: g(1) -> 2; 2 * 2 -> 4; total = 0 + 4 -> 5"]


def test_answers_in_a_chain_are_checked_once_each() -> None:
    trace = ev.trace(ev.Program(SOURCE, entry_point="f", arguments="[5, 7], 1"))
    asked = ev.task(trace, kinds=("variable_state",), limit=None)
    question = next(one for one in asked.questions if (one.line, one.variable) == (8, "n") and one.visit == 1)
    line = f"L8#1 n = {question.answers[0].split(';')[0]}"
    with_answer = CHAIN.replace("</reasoning>", f"{line}\n</reasoning>")
    assert graded(asked, with_answer).is_true
    assert not graded(asked, CHAIN.replace("</reasoning>", f"{line}\n{line}\n</reasoning>")).is_true
    assert not graded(asked, with_answer.replace(line, "L8#1 n = 7")).is_true
    assert not graded(asked, with_answer.replace(line, "L8#3 never: 1 times")).is_true
    assert not graded(asked, with_answer.replace(line, "L8#1 next: L9")).is_true
    assert not graded(asked, CHAIN.replace("L5#1: total = 0", f"{line}\nL5#1: total = 0")).is_true


def test_answers_in_a_chain_may_stand_in_any_order() -> None:
    asked = ev.task(ev.trace(ev.Program(SOURCE, entry_point="f", arguments="[5, 7], 1")), limit=None)
    both = [one for one in asked.questions if (one.line, one.visit) == (8, 1)]
    assert {one.kind for one in both} == {"next_statement", "variable_state"}
    answers = ["L8#1 next: L6", "L8#1 n = 2"]
    for questions in (both, both[::-1]):
        task = replace(asked, questions=tuple(questions))
        for lines in (answers, answers[::-1]):
            assert graded(task, CHAIN.replace("</reasoning>", "\n".join([*lines, "</reasoning>"]))).is_true
    task = replace(asked, questions=tuple(one for one in both if one.kind == "variable_state"))
    assert not graded(task, CHAIN.replace("</reasoning>", f"{answers[0]}\n</reasoning>")).is_true


def test_input_prediction_follows_the_arguments_that_the_chain_tries() -> None:
    task = ev.task(ev.trace(ev.Program("def f(n):\n    m = abs(n)\n    return m", arguments="-4")), kind="input_prediction")
    chain = "<reasoning>\nwant 4\ncall with n={0}\nL2#1: m = abs({0}) -> 4\nL3#1: return m -> 4\ngot 4\n</reasoning>"
    assert graded(task, chain.format(-4)).is_true and graded(task, chain.format(4)).is_true
    assert not graded(task, chain.format(-4).replace("abs(-4)", "abs(4)")).is_true
    assert not graded(task, chain.format(5)).is_true
    other = chain.format(5).replace("-> 4", "-> 5")
    assert [step.text for step in graded(task, other).steps if not step.right] == ["call with n=5", "got 4"]
    answered = chain + "\n<answer>\nassert f({1}) == 4\n</answer>"
    assert graded(task, answered.format(4, 4)).is_true and not graded(task, answered.format(4, -4)).is_true
    assert ev.score(task, answered.format(4, -4)).reward == 2.0
    assert ev.score(task, answered.format(4, -4), rule=REWARDS.get("verified")).reward == 0.0
    assert ev.score(task, answered.format(4, 4), rule=REWARDS.get("verified")).reward == 2.0
    assert graded(task, chain.format("__import__('os').getcwd()")).first_divergence is not None


@pytest.mark.parametrize(
    "before, is_true",
    [
        ("try n=5; L2#1 m=5; gives 5\ntry n=-6; gives 6\nneed L2#1: n=4", True),
        ("try n=5; gives 5\ntry n=0x5; gives 5", False),
        ("try n=5; L2#1 m=5; L2#1 m=5; gives 5", False),
        ("try n=5; L2#1 m=5, m=5; gives 5", False),
        ("need L2#1: n=4, n=4", False),
        ("want 4\nneed L2#1: n=4", True),
        ("need L2#1: n=4\nwant 4", False),
        ("try n=5; gives 5\nwant 4", False),
        ("call with n=4\nwant 4", False),
    ],
)
def test_what_comes_before_the_call_is_stated_once(before: str, is_true: bool) -> None:
    task = ev.task(ev.trace(ev.Program("def f(n):\n    m = abs(n)\n    return m", arguments="-4")), kind="input_prediction")
    first = "" if "want" in before else "want 4\n"
    call = "" if "call" in before else "call with n=4\n"
    chain = f"<reasoning>\n{first}{before}\n{call}L2#1: m = abs(4) -> 4\nL3#1: return 4\ngot 4\n</reasoning>"
    assert graded(task, f"{chain}\n<answer>\nassert f(4) == 4\n</answer>").is_true == is_true


def test_code_tasks_have_no_run() -> None:
    task = next(one for one in ev.generate_tasks(kinds=("code_generation",), seed=0))
    with pytest.raises(QuestionError, match="no run to describe"):
        grade_steps(task, "")


# ------------------------------------------------------------------------------------------------------ second opinions


def test_mutants_are_found_as_an_independent_checker_finds_them(synthesized: list[Run]) -> None:
    """The checker of chains was written apart from the grader: it computes expressions anew instead of reading the record."""
    rng = Random(5)
    made = []
    for one, reference, level, text in chains_of(synthesized[:90]):
        if level in (0, 2, 4):
            made += [(mutant, one, reference) for mutant in mutants(text, "compact", 3, rng)]
    assert len(made) > 500
    wrong = check_chains([(mutant.text, one, reference.trace) for mutant, one, reference in made])
    accepted = []
    for (mutant, one, reference), faults in zip(made, wrong, strict=True):
        if grade_against(reference, one, mutant.text).is_true and faults:
            accepted.append((mutant.what, mutant.where, faults))
    assert not accepted


# ------------------------------------------------------------------------------------------------------ hostile text


@pytest.mark.parametrize(
    "line",
    [
        "L5#1: " + "(" * 5000,
        "L5#1: total = " + "[" * 3000 + "]" * 3000,
        "L5#1: " + "; ".join(["0 -> 0"] * 5000),
        "L" + "9" * 5000 + "#1",
        "L5#" + "9" * 5000,
        "L5#1~" + "9" * 4000,
        "L5#1: total = 9**9**9 -> 0",
        "L5#1: __import__('os').system('false') -> 0",
        "L5#1: total = 0\x00",
        "L5#1: total = '\ud800'",
        "call with " + ", ".join(f"n{i}=1" for i in range(3000)),
        "L٣#1: total = 0",
        "\u200b",
    ],
)  # fmt: skip
def test_hostile_lines_end_quickly_and_are_not_right(example: Task, line: str) -> None:
    begun = time.perf_counter()
    chain = graded(example, f"<reasoning>\ncall with nums=[5, 7], n=1\n{line}\n</reasoning>")
    assert time.perf_counter() - begun < 5 and not chain.is_true
    assert all(step.text.encode() is not None and step.why.encode() is not None for step in chain.steps)


@pytest.mark.parametrize("text", ["try " + " " * 100_000 + "x\n", "x\n" * 300_000])
def test_long_texts_about_an_input_end_quickly(text: str) -> None:
    """Blanks amid a try, and lines after the answer, are read once."""
    task = ev.task(ev.trace(ev.Program("def f(n):\n    return n + 1", "f", "3")), kind="input_prediction")
    begun = time.process_time()
    for where in ("{0}<answer>\nassert f(3) == 4\n</answer>", "<answer>\nassert f(3) == 4\n</answer>{0}"):
        chain = graded(task, where.format(text))
        assert not chain.is_true and len(chain.steps) <= 20_002
    assert time.process_time() - begun < 6


def test_a_very_long_chain_is_bounded(example: Task) -> None:
    begun = time.perf_counter()
    chain = graded(example, CHAIN.replace("L5#1: total = 0\n", "L5#1: total = 0\n" * 60_000))
    assert time.perf_counter() - begun < 10 and not chain.is_true and len(chain.steps) <= 20_002


# ------------------------------------------------------------------------------------------------------ attacks


def full_chains(runs: list[Run]) -> list[tuple[Task, RunReference, str]]:
    return [(one, reference, text) for one, reference, level, text in chains_of(runs) if level == 0]


def test_no_attack_on_the_chain_is_paid(synthesized: list[Run]) -> None:
    families, tried = Counter[str](), 0
    for one, reference, text in full_chains(synthesized)[::3]:  # a minute for all
        for hack in chain_hacks(one, text):
            chain = grade_against(reference, one, hack.completion)
            families[hack.family] += 1
            tried += 1
            assert not chain.is_true, (hack.family, one.program.source, hack.completion)
    assert tried > 7_000 and set(CHAIN_FAMILIES) <= set(families)


def test_attacks_keep_the_answers_right_and_earn_nothing_when_verified(example: Task) -> None:
    answers = "\n".join([example.assertion, *(question.answers[0] for question in example.questions)])
    true = CHAIN.split("<answer>")[0] + f"<answer>\n{answers}\n</answer>"
    verified = REWARDS.get("verified")
    assert ev.score(example, true, rule=verified).reward == 2
    hacks = list(chain_hacks(example, true))
    assert len(hacks) > 60
    assert {ev.score(example, hack.completion).reward for hack in hacks} == {2.0}
    assert {ev.score(example, hack.completion, rule=verified).reward for hack in hacks} == {0.0}


def true_chain(source: str, arguments: str, lines: str, kind: str = "white_box") -> bool:
    """Whether a chain of a program's run is graded true."""
    found = ev.task(ev.trace(ev.Program(source, entry_point="f", arguments=arguments)), limit=0, kind=kind)
    return graded(found, f"<reasoning>\n{lines}\n</reasoning>\n<answer>\n{found.assertion}\n</answer>").is_true


POPS = "def f(xs):\n    y = xs.pop() - xs.pop()\n    return y"
WALRUS = "def f(x):\n    y = (x := x + 1) * x\n    return y"
CALL = "def g(k):\n    return k * 37 + 11\n\ndef f(n):\n    d = g(n) + g(n)\n    return d"
POPPED = "call with xs=[1, 5, 2]\nL2#1: xs.pop() -> 2; xs.pop() -> 5"
FIRST, SECOND, END = "call g(k=1)\nL2#1: return 48", "back L5#1: call g(k=1) ...", "back L5#1: d = 96\nL6#1: return 96"
SUM = "def f(n):\n    t = 1 + n * n\n    return t"
ADDED = "def f(xs):\n    t = 1\n    t += len(xs)\n    return t"
ROUNDS = "def f(xs):\n    y = [x + 1 for x in xs]\n    return y"
SHORT_CALL = "def g(k):\n    return k + 1\n\ndef f(n):\n    a = 1; b = 2\n    c = g(n)\n    return a + b + c"
SHORT_LINES = "def f(n):\n    a = 1; b = 2\n    c = a * n + b\n    return c"


@pytest.mark.parametrize(
    "source, arguments, lines, is_true",
    [
        (POPS, "[1, 5, 2]", f"{POPPED}; y = 2 - 5 -> -3; xs = [1]\nL3#1: return -3", True),
        (POPS, "[1, 5, 2]", f"{POPPED}; y = 5 - 2 -> -3; xs = [1]\nL3#1: return -3", False),
        (POPS, "[1, 5, 2]", "call with xs=[1, 5, 2]\nL2#1: [1, 5, 2].pop() -> 5; y = -3; xs = [1]\nL3#1: return -3", False),
        (WALRUS, "2", "call with x=2\nL2#1: 2 + 1 -> 3; y = 3 * 3 -> 9; x = 3\nL3#1: return 9", True),
        (WALRUS, "2", "call with x=2\nL2#1: 2 + 1 -> 3; y = 3 * 2 -> 9; x = 3\nL3#1: return 9", False),
        # a call that is skipped states what it returns; nothing is stated twice
        (CALL, "1", f"call with n=1\nL5#1: {FIRST}\n{SECOND}; return 48\n{END}", True),
        (CALL, "1", f"call with n=1\nL5#1: {FIRST}\n{SECOND}\n{END}", False),
        (CALL, "1", f"call with n=1\nL5#1: call g(k=1); {FIRST}\n{SECOND}; return 48\n{END}", False),
        (CALL, "1", f"call with n=1\nL5#1: call g(k=1)\nback L5#1: {FIRST}\n{SECOND}; return 48\n{END}", False),
        (CALL, "1", f"call with n=1, n=1\nL5#1: {FIRST}\n{SECOND}; return 48\n{END}", False),
        (CALL, "1", f"call with n=1\nL5#1: {FIRST}; return 48\n{SECOND}; return 48\n{END}", False),
        (CALL, "1", f"call with n=1\nL5#1: {FIRST}\n{SECOND}; return 48\n{END.replace('d = 96', 'd = 96; d = 96')}", False),
        # several statements on one line excuse that line alone
        (SHORT_LINES, "4", "call with n=4\nL2#1: a = 1; b = 2\nL3#1: 1 * 4 -> 4; c = 4 + 2 -> 6\nL4#1: return 6", True),
        (SHORT_LINES, "4", "call with n=4\nL2#1\nL3#1\nL4#1", False),
        (SHORT_LINES, "4", "call with n=4\nL2#1\nL3#1: c = 6\nL4#1: return 6", False),
        (SHORT_CALL, "4", "call with n=4\nL5#1: a = 1; b = 2\nL6#1: call g(k=4)\nL2#1: return 5\nback L6#1: c = 5\nL7#1: return 8", True),
        (SHORT_CALL, "4", "call with n=4\nL5#1: a = 1; b = 2\nL6#1: call g(k=4)\nL2#1: return 5\nL7#1: return 8", False),
        # nor in other words: another spelling, names and values, the parts of `+=`, what a skipped call returns
        (SUM, "3", "call with n=3\nL2#1: 3 * 3 -> 9; t = 1 + 9 -> 10\nL3#1: return 10", True),
        (SUM, "3", "call with n=3\nL2#1: 3 * 3 -> 9; 3  *  3 -> 9; t = 10\nL3#1: return 10", False),
        (SUM, "3", "call with n=3\nL2#1: 3 * 3 -> 9; (n * n) -> 9; t = 10\nL3#1: return 10", False),
        (ADDED, "[3]", "call with xs=[3]\nL2#1: t = 1\nL3#1: len(xs) -> 1; t = 1 + 1 -> 2\nL4#1: return 2", True),
        (ADDED, "[3]", "call with xs=[3]\nL2#1: t = 1\nL3#1: len(xs) -> 1; len(xs) -> 1; t = 2\nL4#1: return 2", False),
        (POPS, "[1, 5, 2]", f"{POPPED}; y = -3; y = xs.pop() - xs.pop(); y = xs.pop()  -  xs.pop(); xs = [1]\nL3#1: return -3", False),
        (ROUNDS, "[2, 3]", "call with xs=[2, 3]\nL2#1: each x=2; 2 + 1 -> 3; each x=3; 3 + 1 -> 4; y = [3, 4]\nL3#1: return [3, 4]", True),
        (ROUNDS, "[2, 3]", "call with xs=[2, 3]\nL2#1: each x=2; 2 + 1 -> 3; x + 1 -> 3; y = [3, 4]\nL3#1: return [3, 4]", False),
        (CALL, "1", f"call with n=1\nL5#1: {FIRST}\n{SECOND}; return 48; return 48\n{END}", False),
    ],
)  # fmt: skip
def test_lazy_and_false_lines_that_an_attack_found(source: str, arguments: str, lines: str, is_true: bool) -> None:
    assert true_chain(source, arguments, lines) == is_true


TWO_COMPREHENSIONS = "def f(a, b):\n    y = [x for x in a] + [x * 2 for x in b]\n    return y"
KEEPS = "def f(xs):\n    k = 2\n    g = lambda: k + 1\n    k = 5\n    return g()"
GENERATOR = "def f(n):\n    k = 1\n    g = (k + x for x in range(n))\n    k = 10\n    return sum(g)"
WHILE = "def f(n):\n    t = 0\n    while n < 3:\n        n = n + 1\n        t = n\n    return t"
LOOPED = "call with n=2\nL2#1: t = 0\nL3#1: {}while 2 < 3 -> True\nL4#1: n = 2 + 1 -> 3\nL5#1: t = 3\nL3#2: while -> False\nL6#1: return 3"
IF = "def f(n):\n    t = 0\n    if n > 3:\n        n = n + 1\n        t = n\n    return t"
NONLOCAL = (
    "def f(n):\n    c = 0\n    def inc():\n        nonlocal c\n        c += 1\n        return c\n    y = inc() + c\n    return y"
)
COUNTED = (
    "call with n=2\nL2#1: c = 0\nL3#1\nL7#1: call inc()\nL5#1: c = 1\nL6#1: return 1\nback L7#1: {}y = 2; c = 1\nL8#1: return 2"
)
BRANCH = "def f(c, x):\n    y = (x := 5) if c else x\n    return y"
ORDER = "def f(n):\n    x = 1\n    y = x * 2 if (x := n + 4) else x\n    return y"
RUNNING = "def f(xs):\n    t = 0\n    y = [(t := t + x) for x in xs]\n    return y"
SUMS = "call with xs=[1, 2]\nL2#1: t = 0\nL3#1: {}; t = 3\nL4#1: return [1, 3]"
TARGETS = "def f(i):\n    xs = [0, 0]\n    i = xs[i] = 0\n    return xs"
FIVE = "def f(n):\n    t = n + 5\n    return t"
TABLE = "def f(n):\n    s = {'a': n}\n    return s"
SORTED = "def f(xs):\n    k = 3\n    y = sorted(xs, key=lambda p: p * k) + [x * k for x in xs] + [sum(x + k for x in xs)]\n    return y"
OUTSIDE = "call with xs=[2, 1]\nL2#1: k = 3\nL3#1: {}y = [1, 2, 6, 3, 9]\nL4#1: return y -> [1, 2, 6, 3, 9]"


@pytest.mark.parametrize(
    "source, arguments, lines, is_true",
    [
        # one of two equal parts was stated; the value of the other is not known yet
        (POPS, "[1, 5, 2]", "call with xs=[1, 5, 2]\nL2#1: xs.pop() -> 2; y = 2 - 2 -> -3; xs = [1]\nL3#1: return -3", False),
        # what a round binds holds in that round alone
        (ROUNDS, "[2, 3]", "call with xs=[2, 3]\nL2#1: each x=2; 2 + 1 -> 3; y = [3 for x in xs] -> [3, 4]\nL3#1: return [3, 4]", False),
        (ROUNDS, "[2, 3]", "call with xs=[2, 3]\nL2#1: each x=2; y = [2 + 1 for x in xs] -> [3, 4]\nL3#1: return [3, 4]", False),
        (TWO_COMPREHENSIONS, "[5], [7]", "call with a=[5], b=[7]\nL2#1: each x=5; 5 * 2 -> 14; y = [5, 14]\nL3#1: return [5, 14]", False),
        (TWO_COMPREHENSIONS, "[5], [7]", "call with a=[5], b=[7]\nL2#1: each x=7; 7 * 2 -> 14; y = [5, 14]\nL3#1: return [5, 14]", True),
        # what stays the same may stand in comprehensions and lambdas
        (SORTED, "[2, 1]", OUTSIDE.format("sorted(xs, key=lambda p: p * 3) -> [1, 2]; "), True),
        (SORTED, "[2, 1]", OUTSIDE.format("[x * 3 for x in xs] -> [6, 3]; sum(x + 3 for x in xs) -> 9; "), True),
        # what is read later may be another value then
        (KEEPS, "[]", "call with xs=[]\nL2#1: k = 2\nL3#1: g = lambda: 2 + 1\nL4#1: k = 5\nL5#1: return 6", False),
        (KEEPS, "[]", "call with xs=[]\nL2#1: k = 2\nL3#1: g = lambda: k + 1\nL4#1: k = 5\nL5#1: return 6", True),
        (GENERATOR, "2", "call with n=2\nL2#1: k = 1\nL3#1: g = (1 + x for x in range(2))\nL4#1: k = 10\nL5#1: return 21", False),
        (GENERATOR, "2", "call with n=2\nL2#1: k = 1\nL3#1: g = (k + x for x in range(2))\nL4#1: k = 10\nL5#1: return 21", True),
        # what a statement holds inside is told by the lines about it
        (WHILE, "2", LOOPED.format(""), True),
        (WHILE, "2", LOOPED.format("while 2 < 3: n = 2 + 1;t = 2; "), False),
        (IF, "2", "call with n=2\nL2#1: t = 0\nL3#1: if 2 > 3: n = 2 + 1;t = 2; if -> False\nL6#1: return 0", False),
        # a name that changes amid a statement
        (NONLOCAL, "2", COUNTED.format("inc() -> 1; 1 + c -> 2; "), True),
        (NONLOCAL, "2", COUNTED.format("inc() -> 1; 1 + 0 -> 2; "), False),
        (BRANCH, "False, 3", "call with c=False, x=3\nL2#1: y = (x := 5) if False else 5 -> 3\nL3#1: return 3", False),
        (BRANCH, "False, 3", "call with c=False, x=3\nL2#1: y = (x := 5) if False else 3 -> 3\nL3#1: return 3", True),
        (ORDER, "3", "call with n=3\nL2#1: x = 1\nL3#1: 3 + 4 -> 7; 1 * 2 -> 14; y = 14; x = 7\nL4#1: return 14", False),
        (ORDER, "3", "call with n=3\nL2#1: x = 1\nL3#1: 3 + 4 -> 7; 7 * 2 -> 14; y = 14; x = 7\nL4#1: return 14", True),
        (RUNNING, "[1, 2]", SUMS.format("y = [(t := 0 + x) for x in xs] -> [1, 3]"), False),
        (RUNNING, "[1, 2]", SUMS.format("y = [(t := t + x) for x in xs] -> [1, 3]"), True),
        (RUNNING, "[1, 2]", SUMS.format("each x=2; 0 + 2 -> 3; y = [1, 3]"), False),
        (TARGETS, "1", "call with i=1\nL2#1: xs = [0, 0]\nL3#1: i = xs[1] = 0; i = 0; xs = [0, 0]\nL4#1: return xs -> [0, 0]", False),
        (TARGETS, "1", "call with i=1\nL2#1: xs = [0, 0]\nL3#1: i = xs[i] = 0; i = 0; xs = [0, 0]\nL4#1: return xs -> [0, 0]", True),
        # a literal is itself, in any spelling; an item is stated once
        (FIVE, "1", "call with n=1\nL2#1: (5) -> 5; t = 6\nL3#1: return 6", False),
        (FIVE, "1", "call with n=1\nL2#1: 5 -> 0x5; t = 6\nL3#1: return 6", False),
        ("def f():\n    return {1: False, 2 :0x5}", "", "call\nL2#1: return {1: False, 2 :0x5} -> {1: False, 2: 5}", True),
        ("def f():\n    return {1: False, 2: 5}", "", "call\nL2#1: return {1: False, 2 :0x5} -> {1: False, 2: 5}", False),
        (TABLE, "3", "call with n=3\nL2#1: s = {'a': 99, 'a': 3}\nL3#1: return {'a': 3}", False),
        (TABLE, "3", "call with n=3\nL2#1: s = {'a': 99, 'a': 3} -> {'a': 3}\nL3#1: return {'a': 3}", False),
        (TABLE, "3", "call with n=3\nL2#1: s = {'a': 3}\nL3#1: return s -> {'a': 3}", True),
    ],
)  # fmt: skip
def test_values_stand_only_where_they_are_those_of_the_moment(source: str, arguments: str, lines: str, is_true: bool) -> None:
    assert true_chain(source, arguments, lines) == is_true


WORDS = [
    ("""def f(n):
    try:
        raise ValueError('a; b = 3 raises x')
    except ValueError as e:
        s = str(e)
    return s""", "2"),
    ("""def f(d):
    each = [1]
    t = []
    for w in d:
        if each == t:
            t.append(each)
        elif w in each:
            t.append('he raises it; or = not -> 3')
    each.append(5)
    each[0] = 3
    each += t
    return f'{each[0]} raises {t}'""", "[0, 1]"),
    ("""def f(end):
    raises = end + 1
    raises += 2
    call = raises > end
    want = call if raises in [6] else end
    return raises in [6]""", "3"),
    ("""def f(s):
    t = s.split(' raises ')
    if 'x raises y' in s:
        t.append('raises KeyError: 3')
    return ' raises '.join(t) + ' -> '""", "'x raises y'"),
    ("""def f(raises):
    t = 0
    for each in raises:
        t += sum(each == one for one in raises)
    return raises is None, t""", "['a', 'b raises c']"),
    ("""def g(s):
    return s + ' raises '

def f(s):
    keys = [w for w in [g(s=' raises ')]]
    return keys""", "'x raises y'"),
]  # fmt: skip


SEVERAL = [
    ("""def g(k): return k + 1

def f(n):
    if n: a = g(n); b = g(a)
    return a + b""", "3"),
    ("""def g(k):
    k += 1; return k

def f(n):
    t = 0
    for x in range(n): t += g(x)
    return t""", "3"),
    ("""def g(k):
    if k > 1: return g(k - 1) + g(k - 2)
    return k

def f(n):
    while n > 3: n -= g(n)
    x = g(3); return x + n""", "6"),
    ("""def g(k):
    if k < 0: raise ValueError('no')
    return k

def f(n):
    try: x = g(n); y = g(-n)
    except ValueError as e: x = 5; y = g(x)
    finally: z = g(1); x += z
    return x, y""", "2"),
    ("""def g(xs): xs.append(1); return xs

def f(xs):
    g(xs); ys = g(xs)
    for y in ys: g(xs) if len(xs) < 6 else None; z = y
    return xs, z""", "[]"),
]  # fmt: skip


def test_chains_of_lines_with_several_statements_are_right() -> None:
    assert_all_true(tasks_of([ev.Program(source, "f", arguments) for source, arguments in SEVERAL]))


def test_words_of_the_style_may_be_names_and_stand_in_texts() -> None:
    assert_all_true(tasks_of([ev.Program(source, "f", arguments) for source, arguments in WORDS]))


def test_a_step_that_is_over_does_not_go_on_where_generators_run() -> None:
    source = "def g(n):\n    yield n\n    yield n + 1\n\ndef h(n):\n    return n\n\ndef f(n):\n"
    source += "    a = h(n)\n    b = sum(g(n))\n    return a + b"
    head = "call with n=1\nL9#1: call h(n=1)\nL6#1: return 1\nback L9#1: a = 1\nL10#1: call g(n=1)\nL2#1: yield 1"
    tail = "L3#1: yield (1 + 1)\nback L10#1: b = 3\nL11#1: return 4"
    assert true_chain(source, "1", f"{head}\nback L10#1\n{tail}")
    assert true_chain(source, "1", f"{head}\n{tail}")
    assert not true_chain(source, "1", f"{head}\nback L9#1\n{tail}")


def test_what_a_finally_hides_is_not_claimed_to_be_none() -> None:
    source = "def f(n):\n    a = g(n)\n    return a\n\ndef g(k):\n    try:\n        return k * 2\n    finally:\n        k = 0"
    head, tail = (
        "call with n=3\nL2#1: call g(k=3)\nL7#1: 3 * 2 -> 6\nL9#1: k = 0",
        "\nback L2#1: g(3) -> 6; a = 6\nL3#1: return 6",
    )
    assert true_chain(source, "3", head + tail)
    assert not true_chain(source, "3", f"{head}; return None{tail}")
    assert_all_true(tasks_of([ev.Program(source, entry_point="f", arguments="3")]))


def test_progress_in_input_prediction_is_of_a_run_that_gives_the_result() -> None:
    source = "def f(xs):\n    t = 0\n    if not xs:\n        return t\n    for x in xs:\n        t = t * 31 + x\n    return t"
    task = ev.task(ev.trace(ev.Program(source, entry_point="f", arguments="[5, 7]")), kind="input_prediction")
    lazy = f"<reasoning>\nwant {task.result.text}\ncall with xs=[]\nL2#1: t = 0\nL3#1: if -> True\nL4#1: return 0\n</reasoning>"
    assert ev.score(task, lazy, rule=REWARDS.get("progress")).reward == 0


@pytest.mark.parametrize(
    "line, count",
    [
        ("L3#2~4901", 2000),
        ("L3#1: len(x) = 3; " + "; ".join(["len(x) = 3"] * 900), 3),
        ("L2#1: " + "; ".join(["t + 1 -> 1"] * 900), 8),
        ("L2#1: each i=0; " + "; ".join(f"i + 1 -> -{n}" for n in range(900)), 2),
    ],
)  # fmt: skip
def test_repeated_hostile_lines_end_quickly(line: str, count: int) -> None:
    program = ev.Program(
        "def f(n):\n    t = sum([i + 1 for i in [0] * 130])\n    for i in range(n):\n        t += i\n    return t", "f", "1500"
    )
    task = ev.task(ev.trace(program), limit=0)
    begun = time.perf_counter()
    assert not graded(task, "<reasoning>\ncall with n=1500\n" + "\n".join([line] * count)).is_true
    assert time.perf_counter() - begun < 10


def test_arguments_that_never_end_cost_one_timeout() -> None:
    task = ev.task(ev.trace(ev.Program("def f(n):\n    return sum(range(n)) % 7", "f", "5")), kind="input_prediction")
    text = "<reasoning>\nwant 3\ncall with n={0}\n</reasoning>\n<answer>\nassert f({0}) == 3\n</answer>"
    begun = time.perf_counter()
    assert not graded(task, text.format(999_999_999_999)).is_true
    assert time.perf_counter() - begun < 8
