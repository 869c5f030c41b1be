"""What a program does over many inputs: each call as if it were the only one."""

from typing import Any

import pytest

from execverify.programs.program import Program
from execverify.sandbox.result import Limits, Outcome
from execverify.sandbox.run import run, sandbox
from execverify.tracing.branch_coverage import (
    BranchOutcome,
    CoverageReport,
    CoverageRequest,
    select_inputs,
    survey_many,
    survey_of,
)


def surveyed(source: str, inputs: list[str], variants: tuple[str, ...] = (), **limits: Any) -> CoverageReport:
    """One survey; the entry point is f."""
    items = [(Program(source, "f", inputs[0]), inputs, list(variants))]
    (found,) = survey_many(items, limits=Limits(**limits))
    return found


def texts(found: CoverageReport) -> list[str | None]:
    return [None if result.value is None else result.value.text for result in found.results]


def outcomes(found: CoverageReport) -> list[str]:
    return [str(result.outcome) for result in found.results]


def taken(found: CoverageReport, index: int) -> set[tuple[int, str, bool]]:
    return {(found.arms[at].line, found.arms[at].what, found.arms[at].truth) for at in found.covered[index]}


ARMS = (
    "def f(n):\n    out = 'x' if n > 2 else 'y'\n    while n > 5:\n        n -= 1\n    for i in range(n):\n"
    "        if i == 3:\n            out += str([k for k in range(i) if k > 1])\n    return out"
)


def test_results_and_arms_of_every_input() -> None:
    found = surveyed(ARMS, ["7", "1", "0"])
    assert texts(found) == ["'x[2]'", "'y'", "'y'"]
    assert set(found.arms) == {
        *(BranchOutcome(line, "condition", truth) for line in (2, 3, 6, 7) for truth in (True, False)),
        BranchOutcome(3, "loop", True), BranchOutcome(5, "loop", True),
    }  # fmt: skip
    assert taken(found, 2) == {(2, "condition", False), (3, "condition", False)}
    assert taken(found, 1) == {(2, "condition", False), (3, "condition", False), (5, "loop", True), (6, "condition", False)}
    assert len(taken(found, 0)) == len(found.arms) - 1  # all but the ternary's else
    assert found.uncovered == () and found.constant == () and found.ran == (0, 1, 2) and found.distinct_results == 2


def test_what_is_never_done_is_said() -> None:
    found = surveyed(ARMS, ["1", "0"])
    assert found.uncovered == (
        "line 2: the condition never holds",
        "line 3: the condition never holds",
        "line 3: the loop is never entered",
        "line 6: the condition never holds",
        "line 7: the condition is never tested",
    )
    assert found.constant == (
        "line 2: the condition never holds", "line 3: the condition never holds", "line 6: the condition never holds",
    )  # fmt: skip


@pytest.mark.parametrize("test", ["True", "1", "'x'", "not 0"])
def test_a_literal_condition_is_constant(test: str) -> None:
    found = surveyed(f"def f(n):\n    while {test}:\n        n += 1\n        if n > 3:\n            return n", ["1", "2"])
    assert found.constant == ("line 2: the condition always holds",)


def test_elif_and_conditions_over_several_lines() -> None:
    found = surveyed(
        "def f(n):\n    if (n\n            > 3):\n        return 1\n    elif n > 1:\n        return 2\n    return 3",
        ["9", "2", "0"],
    )
    assert found.uncovered == () and {arm.line for arm in found.arms} == {2, 5}


def test_only_inputs_that_ran_count_for_arms() -> None:
    found = surveyed("def f(n):\n    if n > 3:\n        return 1 // 0\n    return n", ["1", "5"])
    assert outcomes(found) == ["returned", "raised"]
    assert found.results[1].error == "ZeroDivisionError" and "line 3" in found.results[1].detail
    assert found.uncovered == ("line 2: the condition never holds",) and found.ran == (0,)


def test_results_are_those_of_plain_runs() -> None:
    source = "def f(x):\n    if not x:\n        raise KeyError(x)\n    for _ in x:\n        x = sorted(x)\n    return x, {*x}"
    inputs = ["[3, 1]", "''", "'cab'", "[]", "(2.5, 1)", "5"]
    found = surveyed(source, inputs)
    for text, result in zip(inputs, found.results, strict=True):
        plain = run(Program(source, "f", text))
        assert (result.outcome, result.value, result.error, result.detail) == (
            plain.outcome,
            plain.value,
            plain.error,
            plain.detail,
        )


LEAKS = {
    "arguments that are changed": ("def f(xs):\n    xs.append(1)\n    return len(xs)", "[]", "1"),
    "defaults": ("def f(a, seen=[]):\n    seen.append(a)\n    return len(seen)", "1", "1"),
    "globals": ("n = 0\ndef f(a):\n    global n\n    n += 1\n    return n", "1", "1"),
    "globals that the module does not bind": (
        "def f(a):\n    global n\n    try:\n        n += 1\n    except NameError:\n        n = 0\n    return n", "1", "0",
    ),
    "attributes of functions": (
        "def f(a):\n    f.n = getattr(f, 'n', 0) + 1\n    return f.n", "1", "1",
    ),
    "classes": ("class A:\n    n = 0\ndef f(a):\n    A.n += 1\n    return A.n", "1", "1"),
    "a module": ("import math\ndef f(a):\n    math.n = n = vars(math).get('n', 0) + 1\n    return n", "1", "1"),
    "built-ins": (
        "def f(a):\n    b = __builtins__\n    n = b['n'] = b.get('n', 0) + 1\n    return n", "1", "1",
    ),
    "what is left open": (
        ("log = []\ndef g():\n    try:\n        yield 1\n    finally:\n"
"        log.append(1)\ndef f(a):\n    n = len(log)\n    next(g())\n    return n"),
        "1", "0",
    ),
    "a generator that ends late": (
        "def g(n):\n    try:\n        yield n\n    finally:\n        while n > 0:\n"
        "            n -= 1\nkept = []\ndef f(a):\n    kept.append(g(a))\n"
        "    return next(kept[-1])", "3", "3",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LEAKS)
def test_no_input_is_touched_by_an_earlier_one(name: str) -> None:
    source, text, wanted = LEAKS[name]
    found = surveyed(source, [text] * 3, (source,), timeout=5)
    assert texts(found) == [wanted] * 3
    assert [result.value.text for result in found.variants[0] if result.value] == [wanted] * 3
    assert not found.changes_result()


def test_what_an_earlier_call_left_is_no_way_of_a_later_one() -> None:
    found = surveyed(LEAKS["a generator that ends late"][0], ["3", "0", "0"])
    assert taken(found, 1) == taken(found, 2) == set()


def test_a_variant_has_nothing_from_the_program() -> None:
    found = surveyed("def g(n):\n    return n\ndef f(n):\n    return g(n)", ["1"], ("def f(n):\n    return g(n)",))
    assert found.variants[0][0].error == "NameError" and found.changes_result()


def test_variants_run_until_they_differ() -> None:
    source = "def f(n):\n    return abs(n)"
    found = surveyed(
        source, ["1", "2", "-3", "4"], ("def f(n):\n    return n", "def f(n):\n    return (", "def g(n):\n    return n")
    )
    assert [result.value.text for result in found.variants[0] if result.value] == ["1", "2", "-3"]
    assert found.changes_result(0)
    assert found.variants[1][0].error == "SyntaxError" and found.changes_result(1)
    assert found.variants[2][0].outcome == "raised" and found.changes_result(2)


def test_a_variant_that_only_fails_where_the_program_does_is_no_other() -> None:
    found = surveyed("def f(n):\n    return 6 // n", ["3", "0"], ("def f(n):\n    return 6 // (n)",))
    assert not found.changes_result() and len(found.variants[0]) == 2


ENDLESS = {
    "while": "while True:\n        pass",
    "on one line": "while 1: n = n",
    "for": "for i in iter(int, 1):\n        pass",
    "through continue": "while n:\n        continue",
    "caught": "try:\n        while True:\n            pass\n    except:\n        pass\n    return 1",
    "caught for ever": (
        "while True:\n        try:\n            while True:\n"
        "                pass\n        except BaseException:\n            pass"
    ),
    "in finally": "try:\n        while True:\n            pass\n    finally:\n        return 1",
    "growing": "xs = [1]\n    for i in xs:\n        xs.append(i)",
    "with else": "while n:\n        n += 1\n    else:\n        return 1",
    "one function and another": "for i in range(10 ** 9):\n        abs(i)",
}


@pytest.mark.parametrize("name", ENDLESS)
def test_loops_without_end_cost_their_input_alone(name: str) -> None:
    found = surveyed(f"def f(n):\n    if n < 2:\n        return n\n    {ENDLESS[name]}", ["1", "5", "0"], timeout=5)
    assert outcomes(found) == ["returned", "too_many_steps", "returned"]
    assert "10000 steps" in found.results[1].detail


def test_the_limit_of_steps_is_the_callers() -> None:
    source = "def f(n):\n    for i in range(n):\n        pass\n    return n"
    assert outcomes(surveyed(source, ["50", "10"], steps=20)) == ["too_many_steps", "returned"]


def test_recursion() -> None:
    source = "def f(n):\n    return 0 if n == 0 else 1 + f(n - 1)"
    found = surveyed(source, ["3", "-1", "0", "900"])
    assert outcomes(found) == ["returned", "raised", "returned", "returned"]
    assert found.results[1].error == "RecursionError"


@pytest.mark.parametrize("depth", range(985, 1000))
def test_recursion_ends_where_it_ends_without_a_survey(depth: int) -> None:
    source = "def f(n):\n    if n == 0:\n        return 0\n    return f(n - 1)"
    found = surveyed(source, [str(depth)])
    assert found.results[0].outcome == run(Program(source, "f", str(depth))).outcome


def test_huge_results_are_opaque_and_cost_nothing_else() -> None:
    found = surveyed("def f(n):\n    return [0] * n", ["3", "1000000", "2"])
    assert texts(found) == ["[0, 0, 0]", None, "[0, 0]"]
    assert found.ran == (0, 2) and found.distinct_results == 2


def test_values_without_a_literal_are_no_results() -> None:
    found = surveyed("def f(n):\n    return len if n else object()", ["1", "0"])
    assert found.ran == () and found.distinct_results == 0 and select_inputs(found, 3) == []


def test_too_much_memory_costs_its_input_alone() -> None:
    found = surveyed("def f(n):\n    return len([0] * n)", ["3", "10000000000", "2"], timeout=5)
    assert outcomes(found) == ["returned", "out_of_memory", "returned"]


def test_too_much_output_costs_its_input_alone() -> None:
    source = (
        "def f(n):\n    try:\n        for _ in range(n):\n            print('x' * 100)\n"
        "    except BaseException:\n        pass\n    return n"
    )
    found = surveyed(source, ["1", "50", "2", "8", "8"], output=1_000)
    assert outcomes(found) == ["returned", "too_much_output", "returned", "returned", "returned"]


def test_sums_that_versions_round_differently_cost_their_input_alone() -> None:
    found = surveyed("def f(xs):\n    return sum(xs)", ["[1, 2]", "[0.1] * 10".replace("[0.1] * 10", str([0.1] * 10)), "[3]"])
    assert outcomes(found) == ["returned", "nondeterministic", "returned"]
    assert "3.12" in found.results[1].detail and found.ran == (0, 2)


def test_a_program_that_hangs_or_dies_costs_its_survey_alone() -> None:
    good = "def f(n):\n    return n"
    hangs = "def f(n):\n    return n if n < 5 else sum(range(10 ** 12))"
    dies = "import os\ndef f(n):\n    os._exit(3)"
    items = [(Program(source, "f", "1"), ["1", "9"], [good]) for source in (good, hangs, good, dies, good)]
    found = list(survey_many(items, limits=Limits(timeout=0.5), workers=2))
    assert [outcomes(survey)[1] for survey in found] == ["returned", "timed_out", "returned", "crashed", "returned"]
    for broken in (found[1], found[3]):
        assert len(broken.results) == 2 and len(broken.variants) == 1 and broken.ran == () and select_inputs(broken, 2) == []
        assert len(broken.covered) == 2
    assert [survey.inputs for survey in found] == [("1", "9")] * 5


def test_a_source_that_does_not_compile_has_raised() -> None:
    found = surveyed("def f(n):\n    nonlocal n\n    return n", ["1", "2"], ("def f(n):\n    return n",))
    assert outcomes(found) == ["raised", "raised"] and found.results[0].error == "SyntaxError"
    assert found.results[0].outcome == run(Program("def f(n):\n    nonlocal n\n    return n", "f", "1")).outcome


def test_modules_that_fail_and_entries_that_are_no_functions() -> None:
    assert surveyed("x = 1 // 0\ndef f(n):\n    return n", ["1"]).results[0].error == "ZeroDivisionError"
    assert surveyed("class f:\n    def __init__(self, n):\n        if n:\n            pass", ["1"]).ran == ()


def test_very_deep_sources_are_somebodys_failure_but_not_ours() -> None:
    found = surveyed("def f(n):\n    return " + "+".join(["n"] * 2_500), ["1", "2"])
    assert all(result.outcome in (Outcome.RETURNED, Outcome.RAISED) for result in found.results)


def test_an_input_that_is_no_literal_is_not_evaluated() -> None:
    found = surveyed(
        "def f(n):\n    return n",
        ["1", "__import__('os').getpid()", "(1).__class__", "[n for n in 'ab']", "2, 3", "open", "n", ")("],
    )
    assert outcomes(found) == ["returned"] + ["raised"] * 7
    assert {found.results[index].error for index in (1, 2, 3, 5, 6, 7)} == {"ProgramError"}
    assert found.results[4].error == "TypeError"


def test_inputs_of_all_kinds_are_given() -> None:
    inputs = [
        "1", "-1.5", "'a'", "None", "set()", "{1, 2}", "frozenset({1})", "float('inf')", "(1, [2], {'k': {3}})",
        "b'x'", "(1+2j)", "range(0, 3)", "Ellipsis",
        "bytearray(b'x')", "n=4",
    ]  # fmt: skip
    found = surveyed("def f(n):\n    return n", inputs)
    assert texts(found) == [*inputs[:-1], "4"]


def test_variants_that_reach_out_run_by_themselves() -> None:
    bad = "import math\ndef f(n):\n    math.floor = None\n    return n"
    good = "def f(n):\n    return n"
    items = [
        (Program(good, "f", "1"), ["1"], [bad]),
        (Program("import math\ndef f(n):\n    return math.floor(n)", "f", "1"), ["1"], []),
    ]
    assert [texts(survey) for survey in survey_many(items * 3)] == [["1"], ["1"]] * 3
    disguised = "def f(n):\n    ｅxec('n = 2')\n    return n"
    assert texts(surveyed(good, ["1"], (disguised,))) == ["1"]


def test_a_programs_own_names_for_what_watches_it_do_nothing() -> None:
    source = (
        "def f(n):\n    for name in list(globals()):\n        if not name.isascii():\n"
        "            globals()[name] = lambda *_: True\n    return 1 if n else 2"
    )
    assert surveyed(source, ["0", "1"], timeout=5).results[0].outcome in (Outcome.RETURNED, Outcome.RAISED)


def test_conditions_are_asked_once_and_mean_what_they_mean() -> None:
    source = (
        "class T:\n    def __init__(self):\n        self.n = 0\n    def __bool__(self):\n        self.n += 1\n        return self.n > 1\n"
        "def f(n):\n    t = T()\n    if t:\n        return 'at once'\n    while not t:\n        pass\n    return t.n"
    )
    assert texts(surveyed(source, ["1"])) == ["2"]
    assert (
        surveyed("class T:\n    def __bool__(self):\n        return 2\ndef f(n):\n    return 1 if T() else 2", ["1"])
        .results[0]
        .error
        == "TypeError"
    )
    assert texts(
        surveyed(
            "def f(n):\n    if (m := n) and (k := m + 1):\n        return k\n    return [y for x in [1, 2] if (y := x) > 1], y",
            ["1", "0"],
        )
    ) == [
        "2",
        "([2], 2)",
    ]


def good_reply(**changes: Any) -> dict[str, Any]:
    reply = {
        "outcome": "returned", "value": None, "arms": [[2, "condition", True], [2, "condition", False]],
        "results": [{"outcome": "returned", "value": ["int", "1", None]}], "taken": [[0]],
        "others": [[{"outcome": "raised", "error": "E", "detail": "E: x"}]],
    }  # fmt: skip
    return {**reply, **changes}


ITEM = (Program("def f(n):\n    return n", "f", "1"), ["1"], ["def f(n):\n    return n"])


def test_a_reply_is_read() -> None:
    found = survey_of(ITEM, good_reply())
    assert found.ran == (0,) and found.arms[0] == BranchOutcome(2, "condition", True) and found.variants[0][0].error == "E"


@pytest.mark.parametrize(
    "changes",
    [
        {"arms": None},
        {"arms": [[2, "condition"]]},
        {"arms": [[float("inf"), "condition", True]]},
        {"arms": [[float("nan"), "condition", True]]},
        {"arms": [["2", "condition", True]]},
        {"arms": [[2, "other", True]]},
        {"arms": [[2, "condition", "yes"]]},
        {"arms": {"a": 1}},
        {"taken": [["0"]]},
        {"taken": [[7]]},
        {"taken": [[-1]]},
        {"taken": [[0.5]]},
        {"taken": []},
        {"taken": [5]},
        {"results": []},
        {"results": [{"outcome": "splendid"}]},
        {"results": [{"outcome": "returned"}]},
        {"results": [{"outcome": "returned", "value": ["int", "1"]}]},
        {"results": [{"outcome": "returned", "value": "abc"}]},
        {"results": [{"outcome": "returned", "value": ["int", None, None]}]},
        {"results": [{"outcome": "returned", "value": ["int", "1", "object"]}]},
        {"results": [{"outcome": "returned", "value": ["int", 1, None]}]},
        {"results": [{"outcome": "raised", "value": ["int", "1", None], "error": "E"}]},
        {"results": [{"outcome": "raised", "error": 5}]},
        {"results": [{"outcome": "raised", "error": "E", "detail": {}}]},
        {"results": [[]]},
        {"results": "x"},
        {"others": []},
        {"others": [[]] * 2},
        {"others": [[{"outcome": "raised", "error": "E"}] * 2]},
        {"outcome": "raised"},
    ],
)
def test_a_forged_reply_is_no_survey(changes: dict[str, Any]) -> None:
    found = survey_of(ITEM, good_reply(**changes))
    assert [result.outcome for result in found.results] == [Outcome.CRASHED] and found.ran == () and found.arms == ()
    assert len(found.variants) == 1


def test_our_failure_is_told_as_ours() -> None:
    found = survey_of(ITEM, {"outcome": "sandbox_error", "detail": "KeyError: 'x'"})
    assert found.results[0].outcome == Outcome.SANDBOX_ERROR


def test_the_same_survey_again() -> None:
    one, two = surveyed(ARMS, ["7", "1"]), surveyed(ARMS, ["7", "1"])
    assert one == two


def test_surveys_are_made_as_they_are_asked_for() -> None:
    drawn = 0

    def items() -> Any:
        nonlocal drawn
        while True:
            drawn += 1
            yield Program("def f(n):\n    return n", "f", "1"), [str(drawn)], []

    surveys = survey_many(items())
    assert [texts(next(surveys)) for _ in range(3)] == [["1"], ["2"], ["3"]]
    assert drawn < 200


def test_no_inputs_and_no_variants() -> None:
    (found,) = survey_many([(Program("def f(n):\n    return 1 if n else 2", "f", "1"), [], [])])
    assert found.results == () and found.ran == () and found.distinct_results == 0 and select_inputs(found, 2) == []
    assert found.uncovered == ("line 2: the condition is never tested",)
    assert list(survey_many([])) == []


def test_a_worker_serves_many_surveys() -> None:
    with sandbox():
        items: list[CoverageRequest] = [(Program(f"def f(n):\n    return n + {k}", "f", "1"), ["1", "2"], []) for k in range(40)]
        assert [texts(found) for found in survey_many(items)] == [[str(1 + k), str(2 + k)] for k in range(40)]


def test_choose_takes_the_first_then_new_ways_then_new_results() -> None:
    source = "def f(n):\n    if n > 10:\n        return 'big'\n    return n % 3"
    found = surveyed(source, ["1", "4", "2", "30", "31", "3"])
    assert select_inputs(found, 6) == [0, 3, 2, 5]
    assert select_inputs(found, 2) == [0, 3]
    assert select_inputs(found, 1) == [0] and select_inputs(found, 0) == []


def test_choose_does_without_a_first_that_failed() -> None:
    found = surveyed("def f(n):\n    return 6 // n", ["0", "3", "2", "3"])
    assert select_inputs(found, 4) == [1, 2]
