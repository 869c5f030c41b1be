"""Unit tests as data: every form, the oddities of real data, and a clear error for what is malformed."""

import json
from typing import Any

import pytest

from execverify.errors import RowError
from execverify.rewards.code.unit_tests import UnitTest, UnitTestFormat, parse_tests


def call(given: str, *expected: str) -> UnitTest:
    return UnitTest(given, expected)


CALLS = (call("1, 2", "3"), call("3, 4", "7"))


@pytest.mark.parametrize(
    "truth",
    [
        {"inputs": [[1, 2], [3, 4]], "outputs": [3, 7], "fn_name": "f"},
        '{"inputs": [[1, 2], [3, 4]], "outputs": [3, 7], "fn_name": "f"}',
        {"inputs": "[[1, 2], [3, 4]]", "outputs": "[3, 7]", "fn_name": "f"},
        {"inputs": ["1\n2", "3\n4\n"], "outputs": ["3", "7"], "fn_name": "f"},
        {"inputs": ["1\r\n2", "3\n\n4"], "outputs": [3, 7], "fn_name": "f"},
        {"inputs": [(1, 2), (3, 4)], "outputs": (3, 7), "fn_name": "f", "asserts": None, "test": None},
    ],
)
def test_calls_in_every_way_they_are_written(truth: Any) -> None:
    tests = parse_tests(truth)
    assert (tests.format, tests.entry_point, tests.tests, tests.from_json) == (UnitTestFormat.CALL, "f", CALLS, True)


def test_values_keep_their_types() -> None:
    truth = {"inputs": [[1, 1.0, True, None, "1", [], {"a": [2]}]], "outputs": [{"1": 1.5}], "fn_name": "f"}
    assert parse_tests(json.dumps(truth)).tests == (call("1, 1.0, True, None, '1', [], {'a': [2]}", "{'1': 1.5}"),)


def test_arguments_that_are_texts_stay_texts_beside_lists() -> None:
    assert parse_tests({"inputs": [["[1]"]], "outputs": ["[1]"], "fn_name": "f"}).tests == (call("'[1]'", "'[1]'"),)
    assert parse_tests({"inputs": ['"[1]"'], "outputs": ['"[1]"'], "fn_name": "f"}).tests == (call("'[1]'", "'[1]'"),)


def test_outputs_that_may_be_wrapped_are_accepted_both_ways() -> None:
    wrapped = {"inputs": [[1], [2]], "outputs": [[3], [4]], "fn_name": "f"}
    assert parse_tests(wrapped).tests == (call("1", "[3]", "3"), call("2", "[4]", "4"))
    lists = {"inputs": [[1], [2]], "outputs": [[3], [4, 5]], "fn_name": "f"}
    assert parse_tests(lists).tests == (call("1", "[3]"), call("2", "[4, 5]"))


def test_no_arguments_and_no_result() -> None:
    assert parse_tests({"inputs": [[]], "outputs": [None], "fn_name": "f"}).tests == (call("", "None"),)


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        (["1 2\n", "3\n"], ["3\n", "3"]),
        ('["1 2\\n", "3\\n"]', '["3\\n", "3"]'),
        ([["1 2", ""], 3], [["3", ""], 3]),
        ([["1 2", ""], ["3"]], [[3, ""], ["3"]]),
    ],
)
def test_programs_with_stdin(inputs: Any, outputs: Any) -> None:
    tests = parse_tests({"inputs": inputs, "outputs": outputs, "fn_name": ""})
    assert (tests.format, tests.entry_point) == (UnitTestFormat.STDIN, None)
    assert [(test.given.strip(), test.expected[0].strip()) for test in tests.tests] == [("1 2", "3"), ("3", "3")]


def test_values_that_nobody_could_compare_are_unsupported_and_the_rest_counts() -> None:
    long = list(range(200_000))
    tests = parse_tests({"inputs": [[1], [2], [long]], "outputs": [1, long, 3], "fn_name": "f"}).tests
    assert [bool(test.unsupported) for test in tests] == [False, True, True]
    assert "result" in tests[1].unsupported and "arguments" in tests[2].unsupported


MALFORMED = [
    ("{", "cannot be read as JSON"),
    ("[1]", "test case 0 has no input and output"),
    (3, "object"),
    ({}, "have no fields: give inputs and outputs"),
    ({"inputs": [[1]], "fn_name": "f"}, "give inputs and outputs"),
    ({"inputs": [[1]], "outputs": None, "fn_name": "f"}, "give inputs and outputs"),
    ({"inputs": [], "outputs": [], "fn_name": "f"}, "inputs are empty"),
    ({"inputs": [], "outputs": []}, "inputs are empty"),
    ({"inputs": [[1], [2]], "outputs": [1], "fn_name": "f"}, "2 inputs and 1 outputs"),
    ({"inputs": ["1", "2"], "outputs": ["1"]}, "2 inputs and 1 outputs"),
    ({"inputs": {"a": 1}, "outputs": [1], "fn_name": "f"}, "inputs must be a list, not dict"),
    ({"inputs": "1 2", "outputs": ["3"]}, "inputs cannot be read as JSON"),
    ({"inputs": [1], "outputs": [1], "fn_name": "f"}, r"inputs\[0\] must be the list of a call's arguments"),
    ({"inputs": [[1], {"n n": 1}], "outputs": [1, 1], "fn_name": "f"}, r"inputs\[1\] must name the arguments"),
    ({"inputs": [[1], None], "outputs": [1, 1], "fn_name": "f"}, r"inputs\[1\].*null"),
    ({"inputs": ["x y"], "outputs": ["1"], "fn_name": "f"}, r"inputs\[0\] cannot be read as JSON"),
    ({"inputs": ["1"], "outputs": ["x"], "fn_name": "f"}, r"outputs\[0\] cannot be read as JSON"),
    ({"inputs": [[1]], "outputs": [1], "fn_name": "f g"}, "fn_name must be the name of a function"),
    ({"inputs": [[1]], "outputs": [1], "fn_name": "a.b.c"}, "fn_name must be the name of a function"),
    ({"inputs": [[1]], "outputs": [1], "fn_name": "if"}, "fn_name must be the name of a function"),
    ({"inputs": [[1]], "outputs": [1], "fn_name": ["f"]}, "fn_name must be the name of a function"),
    ({"inputs": [True], "outputs": ["1"]}, r"inputs\[0\] must be text"),
    ({"inputs": ["1"], "outputs": [None]}, r"outputs\[0\] must be text.*null"),
    ({"inputs": [[["1"]]], "outputs": ["1"]}, r"inputs\[0\] must be text"),
    ({"inputs": ["[" * 100_000], "outputs": ["1"], "fn_name": "f"}, "nested too deeply"),
    ({"asserts": []}, "asserts are empty"),
    ({"asserts": [3]}, "asserts must be a list of texts"),
    ({"asserts": ["assert f(1 ="]}, r"asserts\[0\] cannot be read"),
    ({"asserts": ["assert f(1) == g(2)"]}, "use f, g: say which function is asked for, as entry_point"),
    ({"asserts": ["assert 1 == 1"]}, "use nothing that is not defined"),
    ({"asserts": "x = 1"}, "asserts has no test"),
    ({"asserts": ["assert f(1) == 1"], "setup": "import ("}, "setup cannot be read"),
    ({"asserts": ["assert f(1) == 1"], "setup": 3}, "setup must be code"),
    ({"test": "x = 1", "entry_point": "f"}, "the test has no test"),
    ({"test": "def check(candidate): pass"}, "name what it checks, as entry_point"),
    ({"inputs": [[1]], "outputs": [1], "fnname": "f"}, "unknown fields: fnname; known are"),
    ({"asserts": ["assert f(1) == 1"], "entrypoint": "f"}, "unknown fields: entrypoint"),
    ({"asserts": ["assert f(k) == 1"], "entry_point": "f"}, "use k, which nobody makes: put it into setup"),
    ({"asserts": ["assert f(g(1)) == 1"], "entry_point": "f"}, "use g, which nobody makes"),
    ({"asserts": ["assert f(1) == 1"], "names": "g"}, "names must be a list of names"),
    ({"asserts": ["assert f(1) == 1"], "entry_point": "f", "setup": "from numpy import *"}, "imports all names of numpy"),
    ({"asserts": ["assert f(1) == 1"], "entry_point": "f", "context": "def f(n): pass"}, "context makes f itself"),
    ({"inputs": ["1"], "outputs": ["1"], "time_limit": 0}, "time_limit must be a number above 0"),
    ({"inputs": ["1"], "outputs": ["1"], "compare": "words"}, "compare must be one of exact_lines, tokens, float_tokens"),
    ([], "the tests are empty"),
    ([{"input": "1", "output": "1"}, {"input": "1", "output": "1", "testtype": "functional"}], "some calls and some programs"),
    ([{"input": "1", "output": "1", "testtype": "odd"}], "test case 0 is of type 'odd'"),
    ({"program": {"source": "def f(): pass", "entry_point": "f"}, "questions": []}, "needs its unit tests"),
]


@pytest.mark.parametrize(("truth", "message"), MALFORMED)
def test_malformed_tests_are_an_error_that_says_where(truth: Any, message: str) -> None:
    with pytest.raises(RowError, match=message):
        parse_tests(truth)
    if not isinstance(truth, str):
        with pytest.raises(RowError, match=message):
            parse_tests(json.dumps(truth))


def test_asserts_find_the_function_that_they_call() -> None:
    tests = parse_tests(
        {"asserts": ["assert set(f(x) for x in (1,)) == {2}", "assert math.isclose(f(1), 2)"], "setup": "import math"}
    )
    assert (tests.format, tests.entry_point, tests.setup) == (UnitTestFormat.ASSERT, "f", "import math")
    assert [test.given for test in tests.tests][1] == "assert math.isclose(f(1), 2)"
    named = parse_tests({"asserts": ["assert f(1) == g(2)"], "entry_point": "g", "names": ["f"]})
    assert (named.entry_point, named.names) == ("g", ("f",))


def test_asserts_in_one_text_and_setup_in_lines() -> None:
    tests = parse_tests({"asserts": "x = 1\nassert f(x) == 1\nassert f(2) == 2", "setup": ["import math", "import re"]})
    assert [test.given for test in tests.tests] == ["assert f(x) == 1", "assert f(2) == 2"]
    assert tests.setup == "import math\nimport re\nx = 1"


CHECK = '''
METADATA = {"author": "x"}

def near(a, b):
    return abs(a - b) < 1e-6

def check(candidate):
    """Checks."""
    assert True, "always"
    assert near(candidate(1), 1.0)
    xs = [1, 2]
    assert candidate(xs) == 3, "sum"
    for x in xs:
        assert candidate(x) == x

check(f)
'''


def run(setup: str, test: str, f: Any) -> str:
    """What plain Python says of a test."""
    scope = {"f": f}
    exec(setup, scope)
    try:
        exec(test, scope)
    except AssertionError:
        return "fails"
    return "holds"


def test_a_check_is_split_into_what_it_asserts() -> None:
    tests = parse_tests({"test": CHECK, "entry_point": "f"})
    assert [test.unsupported for test in tests.tests] == ["it asserts constants alone", "", "", ""]
    assert "check(f)" not in tests.setup

    def only_numbers(x: Any) -> Any:
        return 0 if isinstance(x, list) else x

    def only_one(x: Any) -> Any:
        return 3 if isinstance(x, list) else 1

    counted = [test.given for test in tests.tests if not test.unsupported]
    assert [run(tests.setup, test, only_numbers) for test in counted] == ["holds", "fails", "holds"]
    assert [run(tests.setup, test, only_one) for test in counted] == ["holds", "holds", "fails"]


def test_a_check_whose_parts_hang_together_stays_whole() -> None:
    source = "def check(c):\n    for i in range(3):\n        last = c(i)\n        assert last >= 0\n    assert last == 2\n"
    (test,) = parse_tests({"test": source, "entry_point": "f"}).tests
    assert run("", test.given, lambda n: n) == "holds"
    assert run("", test.given, lambda n: n * 2) == "fails"


@pytest.mark.parametrize("text", ["assert True", "assert 1 == 1, f(1)", "assert len([2]) == 3"])
def test_an_assert_that_tests_nothing_of_the_candidate_pays_nobody(text: str) -> None:
    tests = parse_tests({"asserts": [text, "assert f(1) == 1"], "entry_point": "f"})
    assert [bool(test.unsupported) for test in tests.tests] == [True, False]


def test_what_asserts_nothing_is_setup() -> None:
    tests = parse_tests({"asserts": ["x = 1", "def g(n):\n    return f(n)", "assert g(x) == 1"], "entry_point": "f"})
    assert [test.given for test in tests.tests] == ["assert g(x) == 1"]
    assert tests.setup == "x = 1\ndef g(n):\n    return f(n)"


ROW = {
    "kind": "code_generation",
    "program": {"source": "def f(a, b=0):\n    return (a, b)\n", "entry_point": "f"},
    "questions": [
        {"kind": "unit_test", "text": "1", "answers": ["(1, 0)"]},
        {"kind": "unit_test", "line": None, "visit": None, "variable": None, "text": "[2], b={3}", "answers": ["([2], {3})"]},
    ],
}


def test_a_row_of_kind_code_generation_holds_literals() -> None:
    tests = parse_tests(json.dumps(ROW))
    assert (tests.format, tests.entry_point, tests.from_json) == (UnitTestFormat.CALL, "f", False)
    assert tests.tests == (call("1", "(1, 0)"), call("[2], b={3}", "([2], {3})"))


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ({"kind": "unit_test", "text": "x", "answers": ["1"]}, "must be literals"),
        ({"kind": "unit_test", "text": "1", "answers": ["f(1)"]}, "not a literal"),
        ({"kind": "unit_test", "text": "1", "answers": []}, "list of answers"),
        ({"kind": "variable_state", "text": "1", "answers": ["1; int"], "line": 1, "visit": 1}, "kind unit_test"),
        ({"kind": "unit_test", "answers": ["1"]}, "not whole: KeyError 'text'"),
    ],
)
def test_a_row_with_a_malformed_test_is_refused(question: dict[str, Any], message: str) -> None:
    with pytest.raises(RowError, match=message):
        parse_tests({**ROW, "questions": [ROW["questions"][0], question]})  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "supported"),
    [
        ("s = Stack()\ns.push(1)\nassert s.pop() == 1", True),
        ("assert Stack().size == 0", True),
        ("assert Stack.__doc__", False),
        ("assert open('x').read() == Stack(1)", False),
        ("assert Stack(1).upper() == 'A'", True),
        ("s = Stack(1)\nassert s.index(3) == 1", True),
        ("assert math.isclose(Stack(1), 2)", True),
    ],
)
def test_what_the_candidates_process_does_not_share_is_unsupported_before_anything_runs(text: str, supported: bool) -> None:
    (test,) = parse_tests({"asserts": [text], "entry_point": "Stack"}).tests
    assert (test.unsupported == "") == supported


def test_standard_modules_that_tests_use_are_imported_for_them() -> None:
    def setup(text: str, setup: str = "") -> str:
        return parse_tests({"asserts": [text], "entry_point": "f", "setup": setup}).setup

    assert setup("assert math.isclose(f(1), 2)") == "import math"
    assert setup("assert math.isclose(f(1), 2)", "x = 1") == "import math\nx = 1"
    assert setup("assert math.isclose(f(1), 2)", "import math") == "import math"
    assert setup("string = 'a'\nassert string.upper() == f('a')") == ""
    assert setup("import math\nassert math.pi < f(1)") == ""
    assert setup("assert f.x == f(1)") == ""
