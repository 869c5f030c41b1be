"""Records of every published format are read, and each is judged: a right answer is paid in full, a wrong one is not.

Rows made here have the published shapes. Real rows are read from the folder that `EXECVERIFY_RECORDS` names (see `REAL`), where it is.
"""

import base64
import gzip
import json
import os
import pickle
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from execverify.errors import RowError
from execverify.rewards import UnitTestValidity, check_tests, parse_tests, unit_test_score
from execverify.rewards.code.record_formats import FORMATS, OtherAbility, format_of, read_record
from execverify.rewards.code.record_formats.livecodebench import MAX_UNPACKED, unpacked
from execverify.rewards.code.unit_tests import questions_of
from execverify.rewards.code.unit_tests import tests_of_row as read_row
from execverify.rewards.trl import unit_test_reward
from execverify.rewards.verl import compute_score
from execverify.sandbox.result import Limits

PROGRAM = "n = int(input())\nprint(sum(map(int, input().split())))"
FUNCTION = "def add(a, b):\n    return a + b"
METHOD = "class Solution:\n    def add(self, a, b):\n        return a + b"
WRONG_PROGRAM, WRONG_FUNCTION = "print(0)", "def add(a, b):\n    return a - b - 100"
PAIRS = {"inputs": ["3\n1 2 3\n", "1\n5\n"], "outputs": ["6\n", "5\n"]}
CASES = [{"input": "3\n1 2 3\n", "output": "6"}, {"input": "1\n5\n", "output": "5"}]
CHECK = "def check(candidate):\n    assert candidate(a=1, b=2) == 3\n    assert candidate(2, b=2) == 4\n"
PYTEST = "import pytest\nfrom solution import add\n\ndef test_small():\n    assert add(1, 2) == 3\n\n@pytest.mark.parametrize('a', [1, 2])\ndef test_more(a):\n    assert add(a, 1) == pytest.approx(a + 1)\n"


def packed(cases: Any) -> str:
    return base64.b64encode(zlib.compress(pickle.dumps(json.dumps(cases)))).decode()


def typed(kind: str, cases: list[dict[str, str]] = CASES) -> list[dict[str, str]]:
    return [{**case, "testtype": kind} for case in cases]


CALL_CASES = [{"input": "1\n2", "output": "3"}, {"input": "[1]\n[2]", "output": "[1, 2]"}]
TREE = "class Node:\n    def __init__(self, value):\n        self.value = value\n\ndef helper(n):\n    return n\n"
RECORDS: list[tuple[str, Any, str, str]] = [
    ("inputs and outputs", PAIRS, PROGRAM, WRONG_PROGRAM),
    ("inputs and outputs", {"inputs": [["3", "1 2 3"]], "outputs": [["6"]]}, PROGRAM, WRONG_PROGRAM),
    ("inputs and outputs", {**PAIRS, "testtype": "stdin", "fn_name": ""}, PROGRAM, WRONG_PROGRAM),
    ("inputs and outputs", {"inputs": [[1, 2]], "outputs": [[3]], "fn_name": "add"}, METHOD, WRONG_FUNCTION),
    ("inputs and outputs", {"inputs": [{"a": 1, "b": 2}], "outputs": [3], "fn_name": "add"}, FUNCTION, WRONG_FUNCTION),
    ("columns", {"input": ["3\n1 2 3\n"], "output": ["6\n"]}, PROGRAM, WRONG_PROGRAM),
    ("asserts", {"asserts": ["assert add(1, 2) == 3"]}, FUNCTION, WRONG_FUNCTION),
    ("asserts", {"asserts": ["from solution import add", "def test_a():\n    assert add(1, 2) == 3"]}, FUNCTION, WRONG_FUNCTION),
    ("asserts", {"asserts": ["assert Solution().add(1, 2) == 3"]}, METHOD, "class Solution:\n    add = None"),
    ("test code", {"test": CHECK, "entry_point": "add"}, FUNCTION, WRONG_FUNCTION),
    ("test code", {"test": CHECK, "entry_point": "Solution().add"}, METHOD, "class Solution:\n    add = None"),
    ("test code", {"test": PYTEST}, FUNCTION, WRONG_FUNCTION),
    ("test code", {"test": "import unittest\nfrom solution import add\nclass T(unittest.TestCase):\n    def setUp(self):\n        self.a = 1\n    def test_a(self):\n        self.assertEqual(add(self.a, 2), 3)\nif __name__ == '__main__':\n    unittest.main()\n"}, FUNCTION, WRONG_FUNCTION),
    ("functional", {"functional": CHECK + "check(Solution().add)\n"}, METHOD, "class Solution:\n    add = None"),
    ("", CHECK + "check(add)\n", FUNCTION, WRONG_FUNCTION),
    ("", typed("stdin"), PROGRAM, WRONG_PROGRAM),
    ("", typed("functional", CALL_CASES), METHOD, "class Solution:\n    def add(self, a, b): return 0"),
    ("", CASES, PROGRAM, WRONG_PROGRAM),
    ("", ["assert add(1, 2) == 3"], FUNCTION, WRONG_FUNCTION),
    ("test cases", {"language": "python", "test_cases": [{**case, "type": "stdin_stdout", "fn_name": None} for case in CASES]}, PROGRAM, WRONG_PROGRAM),
    ("test cases", {"language": "python", "test_cases": [{"fn_name": "add", "input": [1, 2], "output": [3], "type": "function_call"}]}, FUNCTION, WRONG_FUNCTION),
    ("verification_info", {"problem": "Add.", "verification_info": {"language": "python", "test_cases": CASES}, "gold_standard_solution": PROGRAM}, PROGRAM, WRONG_PROGRAM),
    ("verification_info", {"prompt": "Add.", "verification_info": json.dumps({"language": "python", "test_cases": CASES})}, PROGRAM, WRONG_PROGRAM),
    ("LiveCodeBench", {"question_content": "Add.", "starter_code": "", "public_test_cases": json.dumps(typed("stdin")), "private_test_cases": packed(typed("stdin")), "metadata": "{}"}, PROGRAM, WRONG_PROGRAM),
    ("LiveCodeBench", {"question_content": "Add.", "starter_code": METHOD, "public_test_cases": typed("functional", CALL_CASES), "private_test_cases": json.dumps(typed("functional", CALL_CASES)), "metadata": json.dumps({"func_name": "add"})}, METHOD, WRONG_FUNCTION),
    ("input_output", {"question": "Add.", "solutions": json.dumps([PROGRAM]), "input_output": json.dumps(PAIRS), "starter_code": ""}, PROGRAM, WRONG_PROGRAM),
    ("input_output", {"question": "Add.", "input_output": {"inputs": [[1, 2]], "outputs": [3], "fn_name": "add"}}, FUNCTION, WRONG_FUNCTION),
    ("CodeContests", {"name": "1", "description": "Add.", "public_tests": {"input": PAIRS["inputs"], "output": PAIRS["outputs"]}, "private_tests": {"input": [], "output": []}, "solutions": {"language": [2, 3], "solution": ["int main", PROGRAM]}, "time_limit": {"seconds": 2, "nanos": 0}, "memory_limit_bytes": 256_000_000}, PROGRAM, WRONG_PROGRAM),
    ("Codeforces", {"id": "1/A", "description": "Add.", "official_tests": CASES, "examples": CASES, "time_limit": 2.0, "memory_limit": 256.0, "input_mode": "stdio"}, PROGRAM, WRONG_PROGRAM),
    ("MBPP", {"task_id": 1, "text": "Add.", "code": FUNCTION, "test_list": ["assert add(1, 2) == 3"], "test_setup_code": "", "challenge_test_list": []}, FUNCTION, WRONG_FUNCTION),
    ("HumanEval", {"task_id": "H/1", "prompt": TREE + 'def add(a, b):\n    """Add."""\n', "canonical_solution": "    return helper(a + b)\n", "test": CHECK, "entry_point": "add"}, "def add(a, b):\n    return helper(a + b)", WRONG_FUNCTION),
    ("LeetCode", {"task_id": "add", "prompt": "from typing import *\n" + TREE, "query": "Add.", "completion": "class Solution:\n    def add(self, a: List[int], b):\n        return a + b", "test": CHECK, "entry_point": "Solution().add", "input_output": []}, METHOD, "class Solution:\n    add = None"),
    ("KodCode", {"question": "Add.", "solution": FUNCTION, "test": PYTEST, "test_info": [{"function_name": "add", "function_declaration": "def add(a, b):"}], "question_id": "A"}, FUNCTION, WRONG_FUNCTION),
    ("tests", {"problem": "Add.", "tests": json.dumps(typed("stdin")), "solutions": [PROGRAM]}, PROGRAM, WRONG_PROGRAM),
    ("tests", {"problem": "Add.", "tests": json.dumps(PAIRS), "starter_code": ""}, PROGRAM, WRONG_PROGRAM),
    ("reward_model", {"data_source": "taco", "prompt": [{"role": "user", "content": "Add."}], "ability": "code", "reward_model": {"ground_truth": json.dumps(PAIRS), "style": "rule"}, "extra_info": {"index": 7}}, PROGRAM, WRONG_PROGRAM),
    ("reward_model", {"data_source": "kodcode", "prompt": [{"role": "user", "content": "Add."}], "ability": "code", "reward_model": {"ground_truth": PYTEST}}, FUNCTION, WRONG_FUNCTION),
]  # fmt: skip


def answer(source: str) -> str:
    return f"<answer>\n```python\n{source}\n```\n</answer>"


@pytest.mark.parametrize(
    ("name", "record", "right", "wrong"), RECORDS, ids=[f"{place}-{one[0]}" for place, one in enumerate(RECORDS)]
)
def test_each_format_is_read_and_judged(name: str, record: Any, right: str, wrong: str) -> None:
    if name:
        found = format_of({key: value for key, value in record.items() if value is not None})
        assert found is not None and found.name == name
    for form in (record, json.dumps(record)) if not isinstance(record, str) else (record,):
        tests = parse_tests(form)
        assert unit_test_score(tests, answer(right)).reward == 1.05
        assert unit_test_score(tests, answer(wrong)).reward in (0.0, 0.05)
    kept = {"kind": "code_generation", "program": {"entry_point": tests.entry_point}, "questions": questions_of(tests)}
    assert read_row(json.loads(json.dumps(kept))) == tests
    assert compute_score("execverify/code_generation", answer(right), json.dumps(record) if name else record)["score"] == 1.05
    read = read_record(record)
    for solution in read.solutions:
        assert check_tests(read.tests, [solution]).validity == UnitTestValidity.SOLVED


def test_every_format_is_tried() -> None:
    assert set(FORMATS) == {name for name, *_ in RECORDS if name}


def test_the_columns_of_a_published_set_are_enough_for_trl() -> None:
    rows = [record for name, record, *_ in RECORDS if name == "LiveCodeBench"]
    columns: dict[str, Any] = {key: [row[key] for row in rows] for key in rows[0]}
    assert unit_test_reward(completions=[answer(PROGRAM), answer(METHOD)], **columns) == [1.05, 1.05]
    math = {"data_source": "math", "ability": "math", "prompt": [], "reward_model": {"ground_truth": "2"}}
    code = RECORDS[-2][1]
    columns = {key: [row[key] for row in (math, code)] for key in math}
    assert unit_test_reward(completions=[answer(PROGRAM)] * 2, **columns) == [None, 1.05]
    with pytest.raises(OtherAbility):
        read_record(math)


@pytest.mark.parametrize("source", ["apps", "taco", "codecontests", "codeforces", "prime_code", "livecodebench"])
def test_verl_s_own_data_sources_are_judged(source: str) -> None:
    spaced = {"inputs": ["1\n"], "outputs": ["1 2\n3\n"]}
    blanks = "input()\nprint('1  2')\nprint()\nprint(3)"
    expected = 0.05 if source == "livecodebench" else 1.05
    assert compute_score(source, answer(blanks), json.dumps(spaced))["score"] == expected
    with pytest.raises(RowError, match="not judged here"):
        compute_score("gsm8k", answer(blanks), json.dumps(spaced))


# ------------------------------------------------------------------------------------------------------------------ packed


def test_packed_tests_are_read_and_never_run() -> None:
    assert json.loads(unpacked(packed(CASES), "tests")) == CASES
    harmful = b"\x80\x04cos\nsystem\n(S'exit 1'\ntR."
    for data, told in (
        (harmful, "does more than to hold a text"),
        (pickle.dumps([1]), "does more than to hold a text"),
        (pickle.dumps(b"bytes"), "does more|0 texts"),
        (b"\x80\x04", "cannot be unpacked"),
        (b"\xff", "are no text"),
    ):
        with pytest.raises(RowError, match=told):
            unpacked(base64.b64encode(zlib.compress(data)).decode(), "tests")
    for text in ("not base64!", base64.b64encode(b"no zlib").decode(), base64.b64encode(zlib.compress(b"abc")[:-4]).decode()):
        with pytest.raises(RowError, match=r"tests (are neither JSON|unpack to more than)"):
            unpacked(text, "tests")


def test_packed_tests_are_bounded_before_they_are_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_UNPACKED == 256 * 1024 * 1024
    monkeypatch.setattr("execverify.rewards.code.record_formats.livecodebench.MAX_UNPACKED", 1_000_000)
    bomb = base64.b64encode(zlib.compress(b"[" + b" " * 50_000_000)).decode()
    assert len(bomb) < 100_000
    with pytest.raises(RowError, match="unpack to more than 0 MB"):
        unpacked(bomb, "tests")


# ------------------------------------------------------------------------------------------------------- what is not whole


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"verification_info": "x"}, "verification_info cannot be read as JSON"),
        ({"verification_info": {"language": "python"}}, "and no test_cases"),
        ({"verification_info": {"language": "cpp", "test_cases": CASES}}, "its tests are for cpp"),
        ({"public_test_cases": "[]", "private_test_cases": "[]"}, "are empty"),
        ({"public_test_cases": [3]}, "test case 0 has no input and output"),
        ({"question": "x", "input_output": "{}"}, "it has no tests"),
        ({"public_tests": {}, "private_tests": {}, "input_file": "in.txt"}, "read and write files"),
        ({"official_tests": CASES, "interaction_format": "ask"}, "it is interactive"),
        ({"official_tests": CASES, "input_mode": "file"}, "read and write files"),
        ({"official_tests": CASES, "generated_checker": "def ("}, "generated_checker cannot be read"),
        ({"test_list": []}, "asserts are empty"),
        ({"prompt": "def f(): pass", "test": "x", "entry_point": "f", "canonical_solution": ""}, "the test has no test"),
        ({"reward_model": {"ground_truth": ""}, "ability": "code"}, "it has no ground truth"),
        ({"reward_model": {"ground_truth": "[1]"}, "ability": "code"}, "test case 0"),
        ({"problem": "x", "tests": "{"}, "cannot be read as JSON"),
    ],
)
def test_what_is_not_whole_is_one_clear_line(record: Any, told: str) -> None:
    with pytest.raises(RowError, match=told) as caught:
        read_record(record)
    assert "\n" not in str(caught.value)


# ------------------------------------------------------------------------------------------------------------------ checkers

CHECKER = """
import sys
given = open(sys.argv[3]).read().split()
expected = open(sys.argv[2]).read().split()
n = int(open(sys.argv[1]).read())
print(1 if len(given) == 2 and sum(map(int, given)) == n else 0)
"""


def test_a_problem_may_bring_a_checker() -> None:
    record = {
        "description": "Two numbers.",
        "official_tests": [{"input": "5\n", "output": "2 3\n"}],
        "generated_checker": CHECKER,
    }
    tests = parse_tests(record)
    for program, reward in (("print(1, int(input()) - 1)", 1.05), ("print(2, 2)", 0.05), ("print('x')", 0.05), ("1 / 0", 0.05)):
        score = unit_test_score(tests, answer(program))
        assert score.reward == reward, score
    assert "checker" in unit_test_score(tests, answer("print(2, 2)")).parts[1].why
    forged = "import sys, os\nprint(1)\nsys.stdout.flush()\nopen('output.txt', 'w').write('1 4') if 0 else None"
    assert unit_test_score(tests, answer(forged)).reward == 0.05


def test_a_checker_runs_confined() -> None:
    for checker in ("open('/etc/passwd')\nprint(1)", "import socket\nsocket.socket()\nprint(1)", "while True: pass"):
        tests = parse_tests({"inputs": ["1"], "outputs": ["1"], "checker": checker})
        score = unit_test_score(tests, answer("print(1)"), limits=Limits(timeout=1.0))
        assert score.reward in (0.05, None), score


# -------------------------------------------------------------------------------------------------------- checks of tests


@pytest.mark.parametrize(
    "test",
    [
        "assert (f(1) == 2, 'message')", "assert f(1) == 2 or True", "assert [f(1)]", "assert lambda: f(1) == 2",
        "try:\n    assert f(1) == 2\nexcept AssertionError:\n    pass", "try:\n    assert f(1) == 2\nexcept Exception:\n    pass",
        "if f(1) == 2:\n    assert f(1) == 2", "for x in []:\n    assert f(x) == 1", "f(1)", "assert f(1) != 2.5",
        "assert True", "assert f", "assert callable(f)", "def test():\n    assert f(1) == 2", "x = f(1)\nassert x == x",
    ],
)  # fmt: skip
def test_tests_that_hold_whatever_comes_pay_nobody(test: str) -> None:
    truth = {"asserts": [test, "assert f(7) == 8"], "entry_point": "f"}
    wrong = unit_test_score(truth, answer("def f(*given):\n    return 'wrong'"))
    assert wrong.reward == 0.05, wrong
    assert unit_test_score(truth, answer("def f(n):\n    return n + 1")).reward == 1.05


@pytest.mark.parametrize(
    "test",
    [
        "assert f(1) == 2", "assert not f(-1)", "x = [2, 1]\nf(x)\nassert x == [2, 1]", "try:\n    f('a')\n    assert False\nexcept TypeError:\n    pass",
        "assert isinstance(f(1), int)", "for x in range(3):\n    assert f(x) == x + 1", "assert f(1) in (2, 3)", "assert f(1) is not None and f(1)",
    ],
)  # fmt: skip
def test_tests_that_tell_right_from_wrong_stay(test: str) -> None:
    source = "def f(n):\n    return n if isinstance(n, list) else n + 1"
    check = check_tests({"asserts": [test], "entry_point": "f"}, [source])
    assert check.validities == (UnitTestValidity.SOLVED,)


def test_a_check_tells_what_is_known_of_each_test() -> None:
    truth = {
        "asserts": [
            "assert f(1) == 2",
            "assert f(1) == 3",
            "assert f(1) == 2 or True",
            "import numpy\nassert f(1) == 2",
            "assert f(2) == 3",
        ],
        "entry_point": "f",
    }
    wrong, right = "def f(n):\n    return 2", "def f(n):\n    return n + 1"
    expected = [
        UnitTestValidity.SOLVED,
        UnitTestValidity.NOTHING,
        UnitTestValidity.ANYTHING,
        UnitTestValidity.UNSUPPORTED,
        UnitTestValidity.SOLVED,
    ]
    assert list(check_tests(truth, [wrong, right]).validities) == expected
    assert check_tests(truth, [right]).validity == UnitTestValidity.NOTHING
    unknown = check_tests(truth)
    assert Counter(unknown.validities) == {
        UnitTestValidity.UNKNOWN: 3,
        UnitTestValidity.ANYTHING: 1,
        UnitTestValidity.UNSUPPORTED: 1,
    }
    assert check_tests(truth, [right]).reasons[1] and not check_tests(truth, [right]).reasons[0]
    assert (
        check_tests({"inputs": ["1"], "outputs": ["1"]}, ["```python\nprint(input())\n```"]).validity == UnitTestValidity.SOLVED
    )


# ------------------------------------------------------------------------------------------------------------- real rows

REAL = Path(os.environ.get("EXECVERIFY_RECORDS", "/nonexistent"))
"""A folder of .json, .jsonl and .jsonl.gz files of published sets, as their publishers give them."""


def _real_rows(path: Path) -> Iterator[Any]:
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    yield from json.loads(text) if text.lstrip().startswith("[") else map(json.loads, filter(str.strip, text.splitlines()))


@pytest.mark.slow
@pytest.mark.external
@pytest.mark.skipif(not REAL.is_dir(), reason="EXECVERIFY_RECORDS names no folder of published rows")
def test_real_rows_are_read_and_solved_by_their_references() -> None:
    for path in sorted(REAL.iterdir()):
        rows = list(_real_rows(path))[:40]
        standings: Counter[str] = Counter()
        for row in rows:
            read = read_record(row)
            standings[check_tests(read.tests, read.solutions, limits=Limits(timeout=10.0)).validity] += 1
        print(path.name, len(rows), dict(standings))
        assert standings[UnitTestValidity.FAILED] == 0
        assert standings[UnitTestValidity.NOTHING] <= 0.1 * len(rows), (path.name, standings)
