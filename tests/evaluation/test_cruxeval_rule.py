"""CRUXEval's rule: decided here without a run, run in the sandbox, and by plain CPython, the verdicts are the same."""

import json
import subprocess
import sys
from collections import Counter
from math import comb
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execverify.evaluation.cruxeval_rule import (
    Assertion,
    decide_statically,
    only_defines_and_imports,
    only_defines_functions,
    run_scripts,
    verdicts,
)
from execverify.evaluation.run import evaluate
from tests.helpers.benchmarks import CRUXEVAL, CRUXEVAL_GENERATIONS, CRUXEVAL_SCORED, benchmark_rows, is_whole

CODE = "def f(x):\n    return x"

CLAIMS = [  # left, right, the verdict of the rule's letter
    ("[1, 2]", "[1, 2]", True),
    ("[1, 2]", "[1,\n 2]", True),
    ("1", "True", True),
    ("1", "1.0", True),
    ("0.0", "-0.0", True),
    ("9", "8", False),
    ("9", "9 or True", True),
    ("9", "8 or True", True),
    ("9", "9, 'a message'", True),
    ("9", "8, 'a message'", False),
    ("9", "9 == 9", True),
    ("9", "9 # and so on", True),
    ("9", "f( 9)", True),
    ("9", "f(8)", False),
    ("9", "f", False),
    ("9", "x", False),
    ("9", "", False),
    ("9", "9\nassert 1 == 2", False),
    ("9", "9\nassert 1 == 1", True),
    ("9", "9\n  9", False),
    ("9", "9\\", False),
    ("9", "(9", False),
    ("'a'", "'a", False),
    ("'a'", "\"a\"", True),
    ("'a'", "'''a'''", True),
    ("'ab'", "'a' 'b'", True),
    ("'a'", "f'a'", True),
    ("'aa'", "'a' * 2", True),
    ("{1: 2, 3: 4}", "{3: 4, 1: 2}", True),
    ("{1, 2}", "{2, 1, 1}", True),
    ("set()", "set()", True),
    ("[]", "()", False),
    ("{}", "{[]: 1}", False),
    ("-1", "- 1", True),
    ("-1", "--1", False),
    ("1", "--1", True),
    ("1", "-True", False),
    ("None", "print()", True),
    ("9", "exit()", False),
    ("9", "__import__('os')._exit(0)", False),
    ("9", "(lambda: 9)()", True),
    ("9", "[9 for _ in [0]][0]", True),
    ("9", "1 if True else 2", False),
    ("9", "9 if True else", False),
    ("9", "(yield)", False),
    ("9", "(y := 9)", True),
    ("'\x00'", "'\x00'", False),
    ("1_000", "1000", True),
    ("9", "0b1001", True),
    ("9", "09", False),
    ("b'a'", "'a'", False),
    ("...", "Ellipsis", True),
    ("1j", "1j + 0", True),
    ("9", "9; 1 / 0", False),
    ("9", "8 < 10", False),
    ("9", "[" * 300 + "]" * 300, False),
]  # fmt: skip


def plain_python(text: str) -> bool:
    """The verdict of an interpreter that does nothing but run the text, as the authors' harness does."""
    program = "import sys\ntry:\n    exec(sys.stdin.read(), {})\nexcept BaseException:\n    sys.exit(1)\nprint('end')"
    try:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program], input=text, capture_output=True, text=True, timeout=3
        )
    except (subprocess.TimeoutExpired, ValueError):
        return False
    return done.returncode == 0 and done.stdout.endswith("end\n")


@pytest.mark.parametrize(("left", "right", "verdict"), CLAIMS, ids=[right[:25] or "nothing" for _, right, _ in CLAIMS])
def test_the_table_is_what_python_does(left: str, right: str, verdict: bool) -> None:
    assert plain_python(Assertion(CODE, left, right).text) == verdict


def test_decided_and_run_verdicts_are_the_table() -> None:
    claims = [Assertion(CODE, left, right) for left, right, _ in CLAIMS]
    expected = [verdict for *_, verdict in CLAIMS]
    assert run_scripts([claim.text for claim in claims], workers=2) == expected
    decided = [decide_statically(claim, ends_well=True) for claim in claims]
    assert [
        (claim.right, one) for claim, one, right in zip(claims, decided, expected, strict=True) if one not in (None, right)
    ] == []
    assert Counter(one is not None for one in decided)[True] >= 20
    assert verdicts(claims, workers=2) == expected


def test_endless_answers_are_wrong() -> None:
    claims = [Assertion(CODE, "9", "[n for n in iter(int, 1)]"), Assertion(CODE, "9", "9")]
    assert verdicts(claims, workers=2) == [False, True]


_texts = st.text(alphabet="0123456789'\"[](){},:.-+ \n#\\fxTrue=", max_size=14)
_floats = st.floats(allow_nan=False, allow_infinity=False, width=16)
_plain = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | _floats | st.text("ab'", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.integers(0, 3), inner, max_size=2),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(left=_plain.map(repr), right=_plain.map(repr) | _texts)
def test_what_is_decided_is_what_python_does(left: str, right: str) -> None:
    claim = Assertion(CODE, left, right)
    decided = decide_statically(claim, ends_well=True)
    if decided is None:
        return
    try:
        exec(compile(claim.text, "<claim>", "exec"), {})
        ran = True
    except BaseException:
        ran = False
    assert decided == ran


@pytest.mark.parametrize(
    ("code", "inert", "quiet"),
    [
        (CODE, True, True),
        ("def f(a: int, b=3) -> 'str':\n    return a", True, True),
        ("x = 3\ndef f(a):\n    return a", True, True),
        ("def f(a: List[int]):\n    return a", False, True),  # List is not known: it has to be run once
        ("from typing import List\ndef f(a: List[int]):\n    return a", False, True),
        ("import nowhere\ndef f(a):\n    return a", False, False),
        ("def f(a=[]):\n    return a", False, False),
        ("@cache\ndef f(a):\n    return a", False, False),
        ("print(1)\ndef f(a):\n    return a", False, False),
        ("def f(a):\n    return a\nraise SystemExit", False, False),
        ("return 3", False, False),
        ("def f(a) return a", False, False),
    ],
)
def test_what_code_is_sure_to_end_well(code: str, inert: bool, quiet: bool) -> None:
    assert (only_defines_functions(code), only_defines_and_imports(code)) == (inert, quiet)


def test_code_that_fails_makes_every_answer_wrong() -> None:
    unknown, raising = "def f(a: List[int]):\n    return a", "1 / 0\ndef f(a):\n    return a"
    assert verdicts([Assertion(unknown, "1", "1"), Assertion(raising, "1", "1"), Assertion("def f(", "1", "1")]) == [
        False,
        False,
        False,
    ]


def test_the_published_scores_come_out() -> None:
    found = evaluate("cruxeval-o", f"replay:{CRUXEVAL_GENERATIONS}", data=CRUXEVAL, workers=2).results
    published = json.loads(CRUXEVAL_SCORED.read_text(encoding="utf-8"))
    verdicts_of = published["raw_scored_generations"]
    assert {row["id"]: row["official"][0] for row in found["item_grades"]} == {
        id: "".join("01"[verdict] for verdict in of) for id, of in verdicts_of.items()
    }
    scores = found["official"]["pass_at_1"], found["official"]["pass_at_5"]
    assert scores == tuple(
        round(fmean(100 * (1 - comb(len(of) - sum(of), k) / comb(len(of), k)) for of in verdicts_of.values()), 4) for k in (1, 5)
    )
    if is_whole(CRUXEVAL):
        assert scores == (round(published["pass_at_1"], 4), round(published["pass_at_5"], 4)) == (34.2125, 40.2867)
    items = len(benchmark_rows(CRUXEVAL))
    assert (found["items"], found["completions"]) == (items, 10 * items)
    assert found["failures"] == {"not_generated": 0, "not_judged": 0}


@pytest.mark.slow
def test_every_decided_verdict_on_the_published_generations_is_that_of_a_run() -> None:
    rows = {row["id"]: row for row in benchmark_rows(CRUXEVAL)}
    texts = json.loads(CRUXEVAL_GENERATIONS.read_text(encoding="utf-8"))
    claims = list({Assertion(rows[id]["code"], rows[id]["output"], text) for id, of in texts.items() for text in of})
    decided = [decide_statically(claim, ends_well=only_defines_functions(claim.code)) for claim in claims]
    ran = run_scripts([claim.text for claim in claims], workers=2)
    assert [(c.text, d, r) for c, d, r in zip(claims, decided, ran, strict=True) if d is not None and d != r] == []
    assert sum(one is not None for one in decided) > 1.5 * len(rows)
