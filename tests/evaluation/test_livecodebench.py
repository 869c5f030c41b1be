"""LiveCodeBench's form and rule on small problems of our own."""

import base64
import json
import pickle
import zlib
from pathlib import Path
from typing import Any

import pytest

from execverify.errors import EvaluationError
from execverify.evaluation import benchmark, evaluate
from execverify.evaluation.answers import Answer
from execverify.evaluation.benchmarks.livecodebench import printed_alike
from execverify.evaluation.data import Source


def packed(tests: list[dict[str, str]]) -> str:
    return base64.b64encode(zlib.compress(pickle.dumps(json.dumps(tests)))).decode()


def row(name: str, tests: list[tuple[str, str]], kind: str = "stdin", **more: Any) -> dict[str, Any]:
    made = [{"input": given, "output": expected, "testtype": kind} for given, expected in tests]
    return {"question_id": name, "question_content": "Add the numbers.", "starter_code": "", "difficulty": "easy", "platform": "heldout",
            "public_test_cases": json.dumps(made[:1]), "private_test_cases": packed(made[1:]), "metadata": "{}", **more}  # fmt: skip


SUM = row("sum", [("1 2\n", "3\n"), ("1 2 4\n", "7\n")])
PAIR = row("pair", [("1\n2", "[1, 2]"), ("3\n[4]", "[3, [4]]"), ("null\ntrue", "[null, true]")], "functional",
           starter_code="class Solution:\n    def pair(self, a, b):\n        ", metadata='{"func_name": "pair"}')  # fmt: skip


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("style", ["execverify", "direct", "cot"])
def test_gold_scores_100_and_nothing_0(tmp_path: Path, style: str) -> None:
    file = write(tmp_path / "heldout.jsonl", SUM, PAIR)
    gold = evaluate("livecodebench", "mock:gold", data=file, style=style).results
    assert [gold["official"]["pass_at_1"], gold["strict"]["pass_at_1"]] == [100.0, 100.0], gold["rows"]
    nothing = evaluate("livecodebench", "mock:empty", data=file, style=style).results
    assert [nothing["official"]["pass_at_1"], nothing["strict"]["pass_at_1"]] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("which", "program", "official", "strict"),
    [
        (SUM, "print(sum(map(int, input().split())))", True, True),
        (
            SUM,
            "import sys\nif __name__ == '__main__':\n    print(sum(map(int, sys.stdin.read().split())))\n    sys.exit(0)",
            True,
            True,
        ),
        (SUM, "print(f'  {sum(map(int, input().split()))}.0  ')", True, False),
        (SUM, "print(3)", False, False),
        (SUM, "print(gcd(4, 2) + 1)", False, False),
        (SUM, "print(sum(map(int, stdin.readline().split())) + int(median([0])) + pow(4, 2, 4))", True, True),
        (
            SUM,
            "def deep(n):\n    return 0 if n == 0 else deep(n - 1)\nprint(sum(map(int, input().split())) + deep(9000))",
            True,
            True,
        ),
        (SUM, "print(reduce(lambda a, b: a + b, map(int, input().split())))", True, True),
        (SUM, "1 / 0", False, False),
        (PAIR, "class Solution:\n    def pair(self, a, b):\n        return [a, b]", True, True),
        (PAIR, "def pair(a, b):\n    return a, b", True, True),
        (PAIR, "def pair(a, b):\n    return [a, 1 if b is True else b]", True, False),
        (PAIR, "def other(a, b):\n    return [a, b]", False, False),
    ],
)
def test_the_rule(tmp_path: Path, which: dict[str, Any], program: str, official: bool, strict: bool) -> None:
    bench = benchmark("livecodebench")
    (item,) = bench.items(Source(write(tmp_path / "heldout.jsonl", which)))
    ((mark,),) = bench.judge([(item, Answer(program, program))], 1)
    assert (mark.official, mark.strict) == (official, strict), mark.why


def test_printed_lines() -> None:
    assert printed_alike(" 1 2 \n3\n", "1 2\n3")
    assert printed_alike("1.0 2", "1 2.00")
    assert not printed_alike("1 2", "1\n2")
    assert not printed_alike("1.0000001", "1")
    assert not printed_alike("yes", "YES")


def test_a_pickle_that_names_a_function_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return print, ("hello",)

    evil = base64.b64encode(zlib.compress(pickle.dumps(Evil()))).decode()
    with pytest.raises(EvaluationError, match="does more than to hold a text"):
        benchmark("livecodebench").items(Source(write(tmp_path / "heldout.jsonl", {**SUM, "private_test_cases": evil})))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"private_test_cases": "[1]"}, "no list"),
        ({"private_test_cases": "%%"}, "cannot be read"),
        ({"metadata": "{}"}, "func_name"),
    ],
)
def test_rows_that_are_not_whole(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(EvaluationError, match=told):
        benchmark("livecodebench").items(Source(write(tmp_path / "heldout.jsonl", {**PAIR, **changes})))
