"""Chains of thought: every claim in every voice is read back and held against the run; what is changed is caught."""

import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import execverify as ev
from execverify.cot import (
    STYLES,
    CotCompletion,
    Rejected,
    TeacherInput,
    TraceTeacher,
    accepted_many,
    earns_full_reward,
    estimate_tokens,
    generate_cot,
)
from execverify.cot.detail import DETAIL_LEVELS, NAMED_LEVELS
from execverify.cot.events import answer_claims, run_claims, trace_view
from execverify.cot.search import NO_SEARCH
from execverify.cot.styles import source_info
from execverify.datasets.cot_rows import CotReport, cot_rows
from execverify.errors import DatasetError, ExecVerifyError, RowError, SandboxError
from execverify.programs.program import Program, parse_call
from execverify.questions.rows import from_row, to_row
from execverify.questions.task import Task, gold_completion, task
from execverify.rewards.score import score_many
from execverify.rewards.steps import claims as claim_types
from execverify.rewards.steps.scan import Unreadable
from execverify.sandbox.result import Limits, Outcome, Result
from execverify.sandbox.retry import extended_limits
from execverify.sandbox.run import call_many
from execverify.tracing.expression_probe import ExpressionProbe, evaluate_many
from execverify.tracing.expressions import NO_VALUES, ExpressionValues, expressions_many, trace_with_expressions
from execverify.tracing.trace import Trace, trace_many
from tests.helpers.benchmarks import cruxeval_programs
from tests.helpers.trace_cases import load_cases
from tests.oracles.cot.checker import check_chain, check_chains
from tests.oracles.cot.mutants import Mutant, mutants
from tests.oracles.cot.reading import READERS
from tests.oracles.random_programs import generate

Run = tuple[Task, Trace, ExpressionValues]


def runs_of(tasks: Sequence[Task]) -> list[Run]:
    programs = list(dict.fromkeys(one.program for one in tasks))
    found = dict(zip(programs, trace_with_expressions(programs), strict=True))
    return [(one, *found[one.program]) for one in tasks]


def run_of(source: str, arguments: str = "", kind: str = "white_box", **options: Any) -> Run:
    program = Program(source, arguments=arguments)
    ((trace, details),) = trace_with_expressions([program])
    return task(trace, kind=kind, **options), trace, details


def told(run: Run, voice: str = "compact", **options: Any) -> str:
    """The reasoning of a run's chain."""
    found = generate_cot(*run, style=voice, **options)
    assert isinstance(found, CotCompletion), found
    return found.text.split("<reasoning>\n")[1].split("\n</reasoning>")[0]


@pytest.fixture(scope="module", params=[150, pytest.param(300, marks=pytest.mark.slow)])
def synthesized(request: pytest.FixtureRequest) -> list[Run]:
    """Runs of synthesized programs of all six levels, of both kinds."""
    found = runs_of(list(ev.generate_tasks(size=request.param, seed=41)))
    levels = Counter(one.level for one, _, _ in found)
    assert set(levels) == {1, 2, 3, 4, 5, 6} and min(levels.values()) >= 0.1 * request.param
    return found


@pytest.fixture(scope="module")
def cruxeval() -> list[Run]:
    """CRUXEval's programs that give rows."""
    programs = cruxeval_programs()
    runs = _tasks_of(programs, ("white_box", "input_prediction"))
    assert len(runs) > 1.9 * len(programs)
    return runs


def _tasks_of(programs: Sequence[Program], kinds: Sequence[str] = ("white_box",)) -> list[Run]:
    found = []
    for trace, details in trace_with_expressions(programs):
        for kind in kinds:
            try:
                found.append((task(trace, kind=kind), trace, details))
            except ExecVerifyError:  # it raises, or its result has no literal
                continue
    return found


def faults(runs: Sequence[Run], voice: str, **options: Any) -> Iterator[tuple[str, list[str]]]:
    """Chains with faults, and those. Each must earn the full reward as well."""
    chains = []
    for one, trace, details in runs:
        found = generate_cot(one, trace, details, style=voice, **options)
        if isinstance(found, Rejected):
            assert found.reason == "does not fit the budget" or (one.kind == "input_prediction" and found.reason == NO_SEARCH), (
                found
            )
        else:
            chains.append((found.text, one, trace))
    assert len(chains) > len(runs) / 3
    for (text, *_), wrong in zip(chains, check_chains(chains, style=voice), strict=True):
        if wrong:
            yield text, wrong
    scores = ev.score_many([(one, text) for text, one, _ in chains])
    assert [score.reward for score in scores] == [2.0] * len(chains)


# ------------------------------------------------------------------------------------------------ all that is told is so


@pytest.mark.parametrize("voice", STYLES)
@pytest.mark.parametrize(("detail", "budget"), [("full", None), ("medium", 700), ("brief", None)])
def test_synthesized_programs(synthesized: list[Run], voice: str, detail: str, budget: int | None) -> None:
    assert list(faults(synthesized, voice, detail_level=detail, max_tokens=budget)) == []


@pytest.mark.parametrize("voice", STYLES)
def test_cruxeval(cruxeval: list[Run], voice: str) -> None:
    assert list(faults(cruxeval, voice)) == []


@pytest.fixture(scope="module", params=[75, pytest.param(150, marks=pytest.mark.slow)])
def odd(request: pytest.FixtureRequest) -> list[Run]:
    """Random programs with generators, classes, `with`, exceptions, `match`, `global`, several statements on a line."""
    programs = [Program(source, "f", arguments) for source, arguments in map(generate, range(request.param))]
    return [run for run in _tasks_of(programs) if len(run[1].steps) < 400]


@pytest.mark.parametrize("voice", STYLES)
def test_odd_programs(odd: list[Run], voice: str) -> None:
    assert len(odd) > 35
    for detail in ("full", "brief"):
        assert list(faults(odd, voice, detail_level=detail)) == []


@pytest.mark.parametrize("voice", STYLES)
def test_cases(voice: str) -> None:
    """The programs whose steps were worked out by hand."""
    runs = _tasks_of([Program(case.source, *parse_call(case.call)) for case in load_cases()], ("white_box", "input_prediction"))
    assert len(runs) > 60
    for detail in ("full", "brief"):
        assert list(faults(runs, voice, detail_level=detail)) == []


# ------------------------------------------------------------------------------------------------ what is not so is caught


@pytest.mark.parametrize("voice", STYLES)
def test_mutants_are_caught(synthesized: list[Run], voice: str) -> None:
    rng = random.Random(voice)
    made: list[tuple[Mutant, Task, Trace]] = []
    some = synthesized[: len(synthesized) // 2]
    for one, trace, details in some:
        found = generate_cot(one, trace, details, style=voice, detail_level=rng.choice(list(NAMED_LEVELS)))
        if isinstance(found, CotCompletion) and len(found.text) < 5_000:
            made += [(mutant, one, trace) for mutant in mutants(found.text, voice, 10, rng)]
    assert len(made) > 5 * len(some)
    wrong = check_chains([(mutant.text, one, trace) for mutant, one, trace in made], style=voice)
    missed = [mutant for (mutant, *_), found in zip(made, wrong, strict=True) if not found]
    assert len(missed) < 0.01 * len(made), missed[:5]


LOOP = "def f(xs):\n    total = 0\n    for x in xs:\n        if x > 2:\n            total += x\n    return total"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("total = 0 + 3 -> 3", "total = 0 + 3 -> 4"),  # a value
        ("total = 0 + 3 -> 3", "total = 1 + 2 -> 3"),  # right, but not what the line computes
        ("if 1 > 2 -> False", "if 1 > 2 -> True"),  # a branch
        ("L3#3: x = 5\n", ""),  # a step
        ("L4#2: if 3 > 2 -> True\nL5#1", "L4#2: if 3 > 2 -> True\nL5#2"),  # a visit
        ("L5#1", "L6#1"),  # a line
        ("x = 3", "x = 2"),
        ("L3#4: end", "L3#4: x = 5"),
        ("return total -> 8", "return total -> 9"),
        ("call with xs=[1, 3, 5]", "call with xs=[1, 3, 6]"),
        ("L6#1: ", "L6#1: xs.sort(); "),
    ],
)
def test_single_changes(old: str, new: str) -> None:
    one, trace, details = run_of(LOOP, "[1, 3, 5]")
    found = generate_cot(one, trace, details)
    assert isinstance(found, CotCompletion)
    assert check_chain(found.text, one, trace, style="compact") == []
    assert old in found.text
    assert check_chain(found.text.replace(old, new, 1), one, trace, style="compact") != []


def test_wrong_answers_are_caught() -> None:
    one, trace, details = run_of(LOOP, "[1, 3, 5]")
    found = generate_cot(one, trace, details)
    assert isinstance(found, CotCompletion)
    assert check_chain(found.text.replace("== 8", "== 9"), one, trace) == ["the answers are not the task's"]
    assert check_chain(one.gold, one, trace) != []  # its reasoning is no narration
    assert check_chain("nothing", one, trace) != []


def test_prose_that_says_two_things() -> None:
    run = run_of(LOOP, "[1, 3, 5]")
    found = generate_cot(*run, style="plain")
    assert isinstance(found, CotCompletion)
    torn = found.text.replace("is true, so the branch is taken", "is true, so the branch is skipped", 1)
    assert torn != found.text and check_chain(torn, *run[:2], style="plain") != []


# ------------------------------------------------------------------------------------------------ what is told, and how


def test_terse_to_the_letter() -> None:
    run = run_of(LOOP, "[1, 3, 5]", limit=0)
    assert told(run).splitlines() == [
        "call with xs=[1, 3, 5]",
        "L2#1: total = 0",
        "L3#1: x = 1",
        "L4#1: if 1 > 2 -> False",
        "L3#2: x = 3",
        "L4#2: if 3 > 2 -> True",
        "L5#1: total = 0 + 3 -> 3",
        "L3#3: x = 5",
        "L4#3: if 5 > 2 -> True",
        "L5#2: total = 3 + 5 -> 8",
        "L3#4: end",
        "L6#1: return total -> 8",
    ]


def test_nested_calls_are_told_one_by_one() -> None:
    run = run_of("def f(s):\n    return max(s.strip().split(','), key=len).upper()", "' ab,cde '", limit=0)
    lines = told(run).splitlines()
    assert lines[1].startswith("L2#1: ' ab,cde '.strip() -> 'ab,cde'; 'ab,cde'.split(',') -> ['ab', 'cde']; ")
    assert lines[1].endswith("max(['ab', 'cde'], key=len) -> 'cde'; return 'cde'.upper() -> 'CDE'")


def test_brackets_stay_where_values_need_them() -> None:
    run = run_of("def f(a, b):\n    c = (a + b) ** 2\n    return (a - b) * -(a - c)", "-3, 1", limit=0)
    assert told(run).splitlines()[1:] == [
        "L2#1: -3 + 1 -> -2; c = (-2) ** 2 -> 4",
        "L3#1: -3 - 1 -> -4; -3 - 4 -> -7; -(-7) -> 7; return -4 * 7 -> -28",
    ]


CALLS = """
def f(n):
    a = g(n) + g(n + 1)
    return a

def g(k):
    if k > 3:
        return k * 2
    return 0
"""


def test_calls_are_entered_and_left() -> None:
    run = run_of(CALLS, "3", limit=0)
    assert told(run).splitlines() == [
        "call with n=3",
        "L3#1: call g(k=3)",
        "L7#1: if 3 > 3 -> False",
        "L9#1: return 0",
        "back L3#1: g(3) -> 0; 3 + 1 -> 4; call g(k=4)",
        "L7#2: if 4 > 3 -> True",
        "L8#1: return 4 * 2 -> 8",
        "back L3#1: g(4) -> 8; a = 0 + 8 -> 8",
        "L4#1: return a -> 8",
    ]


def test_rounds_of_comprehensions() -> None:
    run = run_of("def f(ws):\n    return [w.upper() for w in ws if len(w) > 1]", "['ab', 'c']", limit=0)
    assert told(run).splitlines()[1] == (
        "L2#1: each w='ab'; len('ab') -> 2; 2 > 1 -> True; 'ab'.upper() -> 'AB'; each w='c'; len('c') -> 1; 1 > 1 -> False; "
        "return [w.upper() for w in ws if len(w) > 1] -> ['AB']"
    )


def test_what_acts_is_done_once() -> None:
    """`pop` in a comprehension: its rounds cannot be computed anew beside the whole. In a sum: each has its own value."""
    run = run_of("def f(xs):\n    ys = [xs.pop() for _ in range(2)]\n    return xs.pop() - xs.pop()", "[1, 2, 7, 5]", limit=0)
    assert told(run).splitlines()[1:] == [
        "L2#1: ys = [xs.pop() for _ in range(2)] -> [5, 7]; xs = [1, 2]",
        "L3#1: xs.pop() -> 2; xs.pop() -> 1; return 2 - 1 -> 1",
    ]


def test_what_other_calls_can_change_is_not_computed_from() -> None:
    """A global that a call gives another value, and a table that one fills: what they hold does not stand in the frame."""
    source = "LIMIT = (2, 7)\nTABLE = {}\ncount = 0\n\ndef tick(n):\n    global count\n    count += n\n    TABLE[n] = n\n\n"
    run = run_of(source + "def f(n):\n    tick(n)\n    m = n + LIMIT[1]\n    return m * count + len(TABLE)", "3", limit=0)
    lines = told(run).splitlines()
    assert any("LIMIT[1] -> 7; " in line for line in lines)
    assert not any("count ->" in line or "len(TABLE)" in line.partition(":")[2].partition("return")[0] for line in lines)
    assert lines[-1] == "L13#1: return 31"
    shadowed = run_of("sum = {}\n\ndef g(n):\n    sum[n] = n\n\ndef f(n):\n    g(n)\n    return len(sum) + n", "3", limit=0)
    assert "len(sum)" not in told(shadowed) and told(shadowed).endswith("L8#1: return 4")


def test_items_that_change_in_place() -> None:
    run = run_of("def f(d, k):\n    d[k] += 2\n    d['b'][0] -= 1\n    return d", "{'a': 1, 'b': [5]}, 'a'", limit=0)
    assert told(run).splitlines()[1:3] == [
        "L2#1: d['a'] -> 1; 1 + 2 -> 3; d['a'] = 3; d = {'a': 3, 'b': [5]}",
        "L3#1: d['b'] -> [5]; [5][0] -> 5; 5 - 1 -> 4; d['b'][0] = 4; d = {'a': 3, 'b': [4]}",
    ]


def test_long_loops_are_condensed_but_for_what_is_asked() -> None:
    source = "def f(n):\n    t = 0\n    for i in range(n):\n        t += i * i\n    return t"
    run = run_of(source, "60", limit=6, seed=3)
    claims = list(run_claims(trace_view(run[1], run[2]), DETAIL_LEVELS[4], run[0].questions))
    skips = [claim for claim in claims if isinstance(claim, claim_types.RoundsSkipped)]
    begun = {(claim.line, claim.visit) for claim in claims if isinstance(claim, claim_types.StepStarts)}
    assert skips and len(begun) < 60
    for skip in skips:
        assert dict(skip.state)["i"] == str(skip.last - 1)
    asked = {(one.line, one.visit) for one in run[0].questions if run[1].step(one.line, one.visit)}
    assert asked <= begun


def test_short_loops_are_told_whole(synthesized: list[Run]) -> None:
    for one, trace, details in synthesized:
        if max((len(steps) for steps in trace.visits.values()), default=0) <= 12:
            claims = run_claims(trace_view(trace, details), DETAIL_LEVELS[0], one.questions)
            assert [(c.line, c.visit) for c in claims if isinstance(c, claim_types.StepStarts)] == [
                (s.line, s.visit) for s in trace.steps
            ]


def test_questions_can_be_answered_from_the_narration(synthesized: list[Run]) -> None:
    """At every level of detail, the moments asked about are told, and so is what begins after them."""
    for one, trace, details in synthesized:
        course = trace_view(trace, details)
        for detail in DETAIL_LEVELS:
            claims = list(run_claims(course, detail, one.questions))
            begun = [(claim.line, claim.visit) for claim in claims if isinstance(claim, claim_types.StepStarts)]
            for question in one.questions:
                step = trace.step(question.line, question.visit)
                if step is None:
                    continue
                at = begun.index((question.line, question.visit))
                if question.kind == "next_statement" and step.index + 1 < len(trace.steps):
                    following = trace.steps[step.index + 1]
                    assert begun[at + 1] == (following.line, following.visit)
                elif question.kind == "variable_state":
                    assert claim_types.VariableSet(question.variable or "", question.answers[0].rpartition("; ")[0]) in claims


def test_input_prediction_goes_backward_then_forward() -> None:
    run = run_of("def f(a, b):\n    c = a * 2\n    d = b - 1\n    return c + d", "5, 3", kind="input_prediction")
    lines = told(run).splitlines()
    assert lines[:5] == [
        "want 12",
        "need L4#1: c=12, d=0",
        "need L3#1: b=1",
        "need L2#1: a=6",
        "call with a=6, b=1",
    ]
    assert lines[-2:] == ["L4#1: return 12 + 0 -> 12", "got 12"]


def test_backward_through_the_test_that_decides() -> None:
    source = "def f(n):\n    m = n % 7\n    if m > 3:\n        return 'high'\n    return 'low'"
    run = run_of(source, "12", kind="input_prediction")
    needs = [claim for claim in READERS["compact"](told(run)) if isinstance(claim, claim_types.Requirement)]
    assert needs == [claim_types.Requirement(3, 1, (("m", "4"),)), claim_types.Requirement(2, 1, (("n", "4"),))]


def _without_text(claim: claim_types.Claim) -> claim_types.Claim:
    """A voice quotes the next statement, which the claims that it was given need not hold."""
    return replace(claim, text=None) if isinstance(claim, claim_types.NextStatementAnswer) else claim


def test_voices_are_read_back_to_the_same_claims(synthesized: list[Run]) -> None:
    for one, trace, details in synthesized[:120]:
        course = trace_view(trace, details)
        claims = [*run_claims(course, DETAIL_LEVELS[0], one.questions), *answer_claims(trace, one.questions)]
        for name, worded in ((name, STYLES.get(name)) for name in STYLES):
            text = worded(claims, source_info(trace.program), random.Random(one.id))
            again = [_without_text(claim) for claim in READERS[name](text)]
            assert again == claims


# ------------------------------------------------------------------------------------------------ exceptions, keys of sorts

FAILING = ("10 // n", "{'a': 1}['b']", "[1, 2][n + 5]", "[1, 2].index(7 + n)", "int('4x')", "'ab' + n", "len(n)", "(1, 2)[3:][n]")


@pytest.mark.parametrize("voice", STYLES)
@pytest.mark.parametrize("expression", FAILING)
def test_an_exception_has_its_cause(expression: str, voice: str) -> None:
    """The type and the message are those that CPython gives the very text of the chain."""
    source = f"def f(n):\n    try:\n        return {expression}\n    except Exception:\n        return g(n)\n\ndef g(n):\n    return -1"
    run = run_of(source, "0")
    (claim,) = (one for one in READERS[voice](told(run, voice)) if isinstance(one, claim_types.StepRaises))
    assert claim.expression is not None
    with pytest.raises(Exception) as caught:
        eval(claim.expression)
    assert claim.error == f"{type(caught.value).__name__}: {caught.value}"
    chain = generate_cot(*run, style=voice)
    assert isinstance(chain, CotCompletion) and check_chain(chain.text, *run[:2], style=voice) == []


NESTED = """
class TooDeep(ValueError):
    def __str__(self):
        return "it's deep"

def f(n):
    try:
        k = g(n)
    except TooDeep:
        k = 0
    try:
        ks = [int(c) for c in 'a;b']
    except ValueError as error:
        ks = []
    try:
        assert k, "it's; none"
    except AssertionError:
        k = 1
    return k, ks

def g(n):
    if n > 1:
        raise TooDeep(n)
    return g(n + 1) + 1
"""


def test_exceptions_that_pass_through_calls() -> None:
    run = run_of(NESTED, "0", limit=0)
    errors = [line for line in told(run).splitlines() if "raises" in line]
    assert errors == [
        "L23#1: raises TooDeep",  # its message is the program's own code: it is not called once more
        "back L24#2: raises TooDeep",
        "back L24#1: raises TooDeep",
        "back L8#1: raises TooDeep",
        "L12#1: raises ValueError: invalid literal for int() with base 10: 'a'",
        "L16#1: raises AssertionError",  # the message would tear the line
    ]
    for voice in STYLES:
        chain = generate_cot(*run, style=voice)
        assert isinstance(chain, CotCompletion) and check_chain(chain.text, *run[:2], style=voice) == []


def test_sorts_show_their_keys() -> None:
    source = """
def f(words, counts):
    a = sorted(words, key=len)
    words.sort(key=str.lower)
    b = max(words, key=counts.get)
    c = [sorted(pair, key=abs) for pair in [(3, -2), (-5, 4)]]
    return a, words, b, min('b', 'Cc', key=len), c
"""
    words, counts = ["fig", "Pear", "ox"], {"fig": 2, "Pear": 7, "ox": 1}
    run = run_of(source, f"{words}, {counts}", limit=0)
    keys = re.findall(r"keys (\S+) -> (\[.*?\])", told(run))
    assert keys == [
        ("len", str([len(word) for word in words])),
        ("str.lower", str([word.lower() for word in words])),
        ("counts.get", str([counts[word] for word in ("fig", "ox", "Pear")])),
        ("len", "[1, 2]"),
    ]
    assert "keys" not in told(run, detail_level="medium")
    for voice in STYLES:
        chain = generate_cot(*run, style=voice)
        assert isinstance(chain, CotCompletion) and check_chain(chain.text, *run[:2], style=voice) == []


def test_wrong_causes_and_keys_are_caught() -> None:
    source = (
        "def f(d, ws):\n    try:\n        n = d['b'] + 1\n    except KeyError:\n        n = 0\n    return sorted(ws, key=len)[n]"
    )
    one, trace, details = run_of(source, "{'a': 1}, ['abc', 'd']")
    chain = generate_cot(one, trace, details)
    assert isinstance(chain, CotCompletion)
    assert all(step.verdict == "right" for step in ev.grade_steps(one, chain.text))
    for old, new in (
        ("raises KeyError: 'b'", "raises KeyError: 'a'"),
        ("raises KeyError", "raises IndexError"),
        ("d['b'] raises", "d['a'] raises"),
        ("keys len -> [3, 1]", "keys len -> [1, 3]"),
        ("keys len", "keys str"),
    ):
        text = chain.text.replace(old, new, 1)
        assert text != chain.text
        assert check_chain(text, one, trace) != [], new
        assert any(step.verdict == "wrong" for step in ev.grade_steps(one, text)), new
    for new in ("error", "raises KeyError"):  # less is right, too
        text = chain.text.replace("d['b'] raises KeyError: 'b'", new)
        assert check_chain(text, one, trace) == []
        assert all(step.verdict == "right" for step in ev.grade_steps(one, text))


def test_backticks_in_code() -> None:
    run = run_of("def f(s):\n    t = s + '``'\n    return t.count('`')", "'a`b'")
    for voice in ("plain",):
        found = generate_cot(*run, style=voice)
        assert isinstance(found, CotCompletion)
        assert "```'a`b' + '``'```" in found.text
        assert check_chain(found.text, *run[:2], style=voice) == []


def test_unknown_words_are_unreadable() -> None:
    for name, text in (
        ("plain", "I think so."),
        ("compact", "so it goes"),
        ("plain", "Line 3 (2st time):"),
    ):
        with pytest.raises(Unreadable):
            list(READERS[name](text))


# ------------------------------------------------------------------------------------------------ seeds and budgets


def test_the_same_seed_gives_the_same_chain(synthesized: list[Run]) -> None:
    rows = [to_row(one) for one, _, _ in synthesized[:24]]

    def texts(order: Sequence[dict[str, Any]], seed: int) -> dict[str, str]:
        return {row["id"]: row["completion"][0]["content"] for row in cot_rows(order, style="mixed", seed=seed)}

    assert texts(rows, 1) == texts(rows[::-1], 1) == {**texts(rows[:5], 1), **texts(rows[5:], 1)}
    assert texts(rows, 1) != texts(rows, 2)


@pytest.mark.parametrize("voice", STYLES)
def test_a_budget_gives_up_detail_first(synthesized: list[Run], voice: str) -> None:
    for one, trace, details in synthesized[:100]:
        full = generate_cot(one, trace, details, style=voice)
        if one.kind == "input_prediction" and full == Rejected(NO_SEARCH):
            continue
        assert isinstance(full, CotCompletion) and full.detail_level == 0 and full.tokens == estimate_tokens(full.text)
        for budget in (full.tokens, full.tokens * 2 // 3):
            found = generate_cot(one, trace, details, style=voice, max_tokens=budget)
            if isinstance(found, CotCompletion):
                assert found.tokens <= budget and (found.detail_level > 0 or budget == full.tokens)
            else:
                assert found.reason == "does not fit the budget"
                assert int(found.detail.split()[0]) > budget


def test_tokens_are_counted_by_whoever_is_given() -> None:
    run = run_of(LOOP, "[1, 3, 5]")
    found = generate_cot(*run, count_tokens=len)
    assert isinstance(found, CotCompletion) and found.tokens == len(found.text)


def test_unknown_styles() -> None:
    run = run_of(LOOP, "[1]")
    with pytest.raises(DatasetError, match="there is no style 'loud': choose compact, plain or mixed"):
        generate_cot(*run, style="loud")
    with pytest.raises(DatasetError, match="there is no level of detail 'most': choose full or medium or brief"):
        generate_cot(*run, detail_level="most")
    with pytest.raises(DatasetError, match="the budget must be 1 token or more, not 0"):
        cot_rows([], max_tokens=0)


# ------------------------------------------------------------------------------------------------ rows and teachers


def rows_of(count: int = 12, seed: int = 5) -> list[dict[str, Any]]:
    return [to_row(one) for one in ev.generate_tasks(size=count, seed=seed)]


def test_rows_for_fine_tuning() -> None:
    rows, account = rows_of(), CotReport()
    made = list(cot_rows(rows, account=account))
    left_out = {left.id for left in account.skipped}
    assert all(left.reason == NO_SEARCH for left in account.skipped) and len(left_out) < 3
    rows = [row for row in rows if row["id"] not in left_out]
    assert [row["id"] for row in made] == [row["id"] for row in rows]
    for row, given in zip(made, rows, strict=True):
        assert list(row) == ["id", "kind", "prompt", "completion", "level", "style", "tokens"]
        assert row["prompt"] == given["prompt"] and row["level"] == given["level"]
        (message,) = row["completion"]
        assert message["role"] == "assistant" and ev.score(from_row(given), message["content"]).reward == 2.0
    assert account.rows == 12 and account.chains.total() == len(rows) and account.tokens == sum(row["tokens"] for row in made)


def test_any_number_of_workers_gives_the_same() -> None:
    rows = rows_of(70, 6)  # two batches
    assert list(cot_rows(rows, workers=2, style="mixed")) == list(cot_rows(rows, style="mixed"))
    counted = list(cot_rows(rows, workers=2, count_tokens=lambda text: len(text)))  # a lambda does not travel
    assert [row["tokens"] for row in counted] == [len(row["completion"][0]["content"]) for row in counted]


def test_rows_that_get_no_chain() -> None:
    wrong_result, code, *others = rows_of(30, 7)
    good = next(row for row in reversed(others) if row["questions"])
    wrong_answer = next(row for row in others if row["questions"])
    wrong_result["program"]["result"] = "'nonsense'"
    wrong_answer["questions"][0]["answers"] = ["-7; int" if wrong_answer["questions"][0]["variable"] else "no such line"]
    code["kind"] = "code_generation"
    code["questions"] = [{"kind": "unit_test", "text": "1", "answers": ["2"], "line": 0, "visit": 0, "variable": None}]
    account = CotReport()
    made = list(cot_rows([wrong_result, wrong_answer, code, good], account=account))
    assert [row["id"] for row in made] == [good["id"]]
    assert [left.reason for left in account.skipped] == [
        "the run gives another result",
        "the run gives another answer",
        "rows of kind code_generation have no trace to render",
    ]
    with pytest.raises(RowError, match="has no prompt"):
        list(cot_rows([{**good, "prompt": []}]))


class Parrot:
    """A teacher that answers some lessons rightly, some wrongly, and some not at all."""

    def generate(self, lessons: Sequence[TeacherInput]) -> Iterator[CotCompletion | Rejected]:
        for number, lesson in enumerate(lessons):
            text = lesson.task.gold if number % 3 == 0 else gold_completion(["assert f() == 0"])
            yield Rejected("it knows no answer") if number % 3 == 2 else CotCompletion(text, "parrot", 0, 7)


def test_a_teacher_that_errs_is_sorted_out() -> None:
    account = CotReport()
    rows = rows_of(9)
    made = list(cot_rows(rows, teacher=Parrot(), account=account))
    assert [row["id"] for row in made] == [row["id"] for row in rows[::3]]
    assert {row["style"] for row in made} == {"parrot"} and account.styles == {"parrot": 3}
    assert Counter(left.reason for left in account.skipped) == {
        "the verifier does not pay it in full": 3,
        "it knows no answer": 3,
    }


def test_accepted_is_full_reward() -> None:
    one, *_ = run_of(LOOP, "[1, 3, 5]")
    assert earns_full_reward(one, one.gold)
    lines = one.gold.splitlines()
    assert not earns_full_reward(one, "\n".join([*lines[:-2], "wrong", lines[-1]]))  # one question of many


def test_the_narrator_is_a_teacher(synthesized: list[Run]) -> None:
    lessons = [TeacherInput(*run) for run in synthesized[:5]]
    given = list(TraceTeacher(style="mixed", seed=4).generate(lessons))
    assert given == [generate_cot(*run, style="mixed", seed=4) for run in synthesized[:5]]


# ------------------------------------------------------------------------------------------------ a busy machine


def _when_busy(cut: Any) -> Any:
    """`traced_in_detail` on a machine so busy that nothing comes out as it should within the usual time."""

    def runs(programs: Any, *, limits: Limits, workers: int = 1) -> Iterator[tuple[Trace, ExpressionValues]]:
        for trace, details in trace_with_expressions(programs, limits=extended_limits(limits), workers=workers):
            yield cut(trace, details) if limits.timeout == Limits().timeout else (trace, details)

    return runs


def _out_of_time(trace: Trace, _: ExpressionValues) -> tuple[Trace, ExpressionValues]:
    return replace(trace, result=Result(Outcome.TIMED_OUT), steps=()), NO_VALUES


def _without_details(trace: Trace, _: ExpressionValues) -> tuple[Trace, ExpressionValues]:
    return trace, NO_VALUES


@pytest.mark.parametrize("cut", [_out_of_time, _without_details])
def test_a_busy_machine_gives_the_same_chains(cut: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_of()
    undisturbed = list(cot_rows(rows))
    monkeypatch.setattr("execverify.rewards.steps.reference.trace_with_expressions", _when_busy(cut))
    account = CotReport()
    assert list(cot_rows(rows, account=account)) == undisturbed
    assert account.rows == len(rows) == len(undisturbed) + len(account.skipped)


def test_what_never_ends_gets_no_chain() -> None:
    """It has had ten times the time, and it is its own doing."""
    row = rows_of(1)[0]
    row["program"] = {
        **row["program"],
        "source": "def f():\n    while True:\n        [0] * 9",
        "entry_point": "f",
        "arguments": "",
    }
    account = CotReport()
    assert list(cot_rows([row], limits=Limits(timeout=0.05, steps=10**9), account=account)) == []
    assert [left.reason for left in account.skipped] == ["the program does not run as it did"]
    assert "timed_out" in account.skipped[0].detail


def test_our_failure_is_an_error_and_loses_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(programs: Any, *, limits: Limits, workers: int = 1) -> Iterator[tuple[Trace, ExpressionValues]]:
        for program in programs:
            yield Trace(program, Result(Outcome.SANDBOX_ERROR, detail="no process"), ()), NO_VALUES

    monkeypatch.setattr("execverify.rewards.steps.reference.trace_with_expressions", broken)
    with pytest.raises(SandboxError, match="programs cannot be run here: no process"):
        list(cot_rows(rows_of(2)))


def test_other_arguments_are_accepted_on_a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    one, *_ = run_of("def f(n):\n    return n * n", "3", kind="input_prediction")
    right, wrong = (one.gold.replace("f(3)", call) for call in ("f(-3)", "f(2)"))

    def late(outcome: Outcome) -> Any:
        def results(*args: Any, limits: Limits, **options: Any) -> Any:
            usual = limits.timeout == Limits().timeout
            return iter([(Result(outcome), Result(outcome))]) if usual else call_many(*args, limits=limits, **options)

        return results

    judge = sys.modules[score_many.__module__]  # `execverify.rewards.score` is a function by that name
    for outcome in (Outcome.TIMED_OUT, Outcome.SANDBOX_ERROR):
        monkeypatch.setattr(judge, "call_many", late(outcome))
        assert accepted_many([(one, right), (one, wrong)]) == [True, False]
    monkeypatch.setattr(judge, "call_many", lambda *args, **options: iter([(Result(Outcome.SANDBOX_ERROR),)]))
    with pytest.raises(SandboxError, match="programs cannot be run here"):
        earns_full_reward(one, right)


# ------------------------------------------------------------------------------------------------ details and probes


def test_details_do_not_change_the_run(synthesized: list[Run]) -> None:
    programs = [trace.program for _, trace, _ in synthesized] + [
        Program(source, "f", arguments) for source, arguments in map(generate, range(80))
    ]
    programs += [Program(case.source, *parse_call(case.call)) for case in load_cases()]
    assert [trace for trace, _ in trace_with_expressions(programs)] == list(trace_many(programs))


def test_details_agree_with_probes(synthesized: list[Run]) -> None:
    """Two accounts of each part that is told: one recorded in the run, one computed anew from the states."""
    compared = 0
    for _, trace, details in synthesized[:100]:
        course = trace_view(trace, details)
        for claim in run_claims(course, DETAIL_LEVELS[0]):
            if isinstance(claim, claim_types.ValueClaim) and not re.search(r"[a-z_]\w*(?!\()", claim.expression.replace("'", "")):
                ((values,),) = evaluate_many([(trace.program, [ExpressionProbe({}, (claim.expression,))])])
                assert values[0] is not None and values[0].text == claim.value
                compared += 1
    assert compared > 50


def test_values_that_vary_are_not_known() -> None:
    source = "def f(ws):\n    return sorted(list(set(ws)))"
    run = run_of(source, "['a', 'b', 'c', 'd', 'e', 'f']", limit=0)
    (found,) = expressions_many([run[1]])
    opaque = {note.text: note.value.opaque_reason for note in found.of(0)}
    assert opaque == {"set(ws)": None, "list(set(ws))": "varies", "sorted(list(set(ws)))": None}
    assert "list(set(ws)) ->" not in told(run)


def test_too_many_parts_are_cut() -> None:
    ((_, details),) = trace_with_expressions(
        [Program("def f(n):\n    return sum(i * 2 + 1 for i in range(n))", arguments="1000")]
    )
    assert details.cut == {0}


def test_a_probe_changes_its_own_state_alone() -> None:
    program = Program("def f(xs):\n    return xs", arguments="[1]")
    probes = [
        ExpressionProbe({"xs": "[1, 2]"}, ("xs.pop()", "len(xs)", ("n + 1", {"n": "4"}), "1 // 0")),
        ExpressionProbe({"xs": "[1, 2]"}, ("xs",)),
    ]
    (found,) = evaluate_many([(program, probes)])
    assert [[value.text if value else None for value in values] for values in found] == [["2", "1", "5", None], ["[1, 2]"]]


def test_generators_have_no_returns() -> None:
    source = "def f(n):\n    def g():\n        yield n\n        yield n + 1\n    return [v * 2 for v in g()]"
    run = run_of(source, "3", limit=0)
    claims = list(run_claims(trace_view(run[1], run[2]), DETAIL_LEVELS[0]))
    assert sum(isinstance(claim, claim_types.FunctionReturned) for claim in claims) == 1  # f's own
    assert sum(isinstance(claim, claim_types.FunctionEntered) for claim in claims) == 1
    assert any(isinstance(claim, claim_types.StepResumes) for claim in claims) and not any(
        isinstance(claim, claim_types.ConditionValue | claim_types.ComprehensionRound) for claim in claims
    )


# ------------------------------------------------------------------------------------------------ the verb


@pytest.fixture
def rows_file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.parquet"
    ev_write(path, rows_of(20, 9))
    return path


def ev_write(path: Path, rows: list[dict[str, Any]]) -> None:
    from execverify.datasets import write_rows

    write_rows(str(path), rows)


def cli(*words: object) -> Any:
    from click.testing import CliRunner

    from execverify.cli.dataset_add_cot import dataset_add_cot_command

    return CliRunner().invoke(dataset_add_cot_command, [str(word) for word in words])


def test_the_verb_writes_parquet_that_opens(rows_file: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    out = tmp_path / "chains.parquet"
    done = cli(rows_file, "-o", out, "--style", "mixed", "--workers", 1, "--limit", 15)
    assert done.exit_code == 0, done.output
    assert "15 rows; chains: " in done.output and "tokens a chain" in done.output
    loaded = datasets.load_dataset("parquet", data_files=str(out), cache_dir=str(tmp_path / "cache"))["train"]
    assert loaded.column_names == ["id", "kind", "prompt", "completion", "level", "style", "tokens"]
    assert list(loaded) == list(cot_rows(rows_of(20, 9)[:15], style="mixed"))


def test_the_verb_writes_jsonl(rows_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "chains.jsonl"
    assert cli(rows_file, "-o", out, "--workers", 1).exit_code == 0
    assert [json.loads(line) for line in out.read_text().splitlines()] == list(cot_rows(rows_of(20, 9)))


def test_the_verb_writes_nothing_where_there_is_nothing(rows_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "chains.parquet"
    done = cli(rows_file, "-o", out, "--max-tokens", 3, "--workers", 1)
    assert isinstance(done.exception, RowError) and "no row of" in str(done.exception)
    assert "skipped: 17 does not fit the budget, 3 no arguments can be derived" in done.output
    assert not list(tmp_path.glob("*chains*"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--style", "loud"], "there is no style 'loud'"),
        (["--detail-level", "all"], "there is no level of detail 'all'"),
        (["--tokenizer", "/nowhere"], "tokenizer"),
    ],
)
def test_wrong_options(rows_file: Path, tmp_path: Path, words: list[str], said: str) -> None:
    done = cli(rows_file, "-o", tmp_path / "out.parquet", *words)
    assert isinstance(done.exception, DatasetError) and said in str(done.exception)


def test_tokens_of_a_tokenizer(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    from execverify.datasets.tokens import TokenCounter

    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "?": 1}, unk_token="?"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    words.save(str(tmp_path / "tokenizer.json"))
    assert TokenCounter(str(tmp_path))("a b a") == 3
    assert TokenCounter(str(tmp_path / "tokenizer.json"))("a") == 1
    (tmp_path / "broken.json").write_text("{}")
    with pytest.raises(DatasetError, match="is not a tokenizer that can be read"):
        TokenCounter(str(tmp_path / "broken.json"))


def test_a_bare_raise_is_not_where_the_exception_came_from() -> None:
    """The traceback of what it passes on has the first place alone."""
    source = (
        "def f(log):\n    try:\n        try:\n            log[3]\n        except IndexError:\n            log.append(5)\n"
        "            raise\n    except LookupError:\n        log.append(8)\n    return log"
    )
    run = run_of(source, "[]")
    lines = told(run).splitlines()
    assert "L4#1: log[3] raises IndexError: list index out of range" in lines
    assert "L7#1: raises IndexError: list index out of range" in lines
