"""Two comparisons that stand on the one of values: results against JSON, and printed outputs."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execverify.programs.equality import same_value
from execverify.rewards import UnitTestConfig, unit_test_score
from execverify.rewards.compare import output_lines, same_json, same_output

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((1, 2), [1, 2]),
        ([(1, "a"), (2, "b")], [[1, "a"], [2, "b"]]),
        ({"a": (1,)}, {"a": [1]}),
        ({1: "x", -20: "y"}, {"1": "x", "-20": "y"}),
        ((), []),
        (float("nan"), float("nan")),
    ],
)
def test_what_json_cannot_write_is_its_nearest_form(given: Any, expected: Any) -> None:
    assert same_json(given, expected)
    assert not same_value(given, expected) or given != given


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (True, 1),
        (1, 1.0),
        (1.0, 1),
        ("1", 1),
        (None, "null"),
        ({1, 2}, [1, 2]),
        (frozenset(), []),
        (b"a", "a"),
        (range(2), [0, 1]),
        ({True: 1}, {"True": 1}),
        ({True: 1}, {"true": 1}),
        ({1.0: 1}, {"1.0": 1}),
        ({None: 1}, {"null": 1}),
        ({(1, 2): 3}, {"[1, 2]": 3}),
        ({1: "x", "1": "x"}, {"1": "x"}),
        ({1: "x", "1": "y"}, {"1": "y"}),
        ([[1, 2]], [1, 2]),
        ({"a": 1}, [["a", 1]]),
        ("[1]", [1]),
        (1 + 0j, 1),
        (-0.0, 0.0),
    ],
)
def test_nothing_else_is_forgiven(given: Any, expected: Any) -> None:
    assert not same_json(given, expected)


@given(JSON)
def test_json_equals_itself_read_back(value: Any) -> None:
    assert same_json(value, json.loads(json.dumps(value)))


def _with_tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_with_tuples, value))
    if isinstance(value, dict):
        return {key: _with_tuples(part) for key, part in value.items()}
    return value


@given(JSON, JSON)
def test_tuples_for_lists_change_no_other_verdict(one: Any, other: Any) -> None:
    assert same_json(_with_tuples(one), other) == same_value(one, other)


@given(st.integers(), st.integers())
def test_no_tolerance_equates_integers(one: int, other: int) -> None:
    assert same_json(one, other, float_tolerance=0.5) == (one == other)
    assert same_output(str(one), str(other), float_tolerance=0.5) == (one == other)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("1\n2\n", "1\n2"),
        ("1\r\n2\r\n", "1\n2\n"),
        ("1 \n2\t\n\n \n", "1\n2"),
        ("", "\n\n"),
        ("\n1", "\n1\n"),
        ("a  b", "a  b \n"),
    ],
)
def test_trailing_blanks_and_lines_do_not_matter(given: str, expected: str) -> None:
    assert same_output(given, expected) and same_output(expected, given)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("1 2", "1\n2"),
        (" 1", "1"),
        ("\n1", "1"),
        ("1\n\n2", "1\n2"),
        ("a  b", "a b"),
        ("A", "a"),
        ("1.0", "1"),
        ("01", "1"),
        ("", "0"),
        ("1\x0b", "1\x0c"),
        ("1\u00a0", "1"),
        ("1\u2028", "1"),
    ],
)
def test_everything_else_in_an_output_does(given: str, expected: str) -> None:
    assert not same_output(given, expected) and not same_output(expected, given)


@pytest.mark.parametrize(
    ("given", "expected", "same"),
    [
        ("0.333333333", "0.3333333333", True),
        ("1.0", "1", True),
        ("x = 0.30000000000000004;", "x = 0.3;", True),
        ("[0.1, 0.30000000000000004]", "[0.1, 0.3]", True),
        ("33.333333333%", "33.33333333%", True),
        ("x=0.3", "y=0.3", False),
        ("v1.5", "v1.50", False),
        ("1_0.0x", "10.0x", False),
        ("x 0.30000000000000004 y", "x 0.3  y", True),
        ("1e-9", "0.0", True),
        ("1e3 2", "1000 2", True),
        ("1 2.0", "1 2 3", False),
        ("inf", "1e999", False),
        ("1e998", "1e999", False),
        ("1" + 400 * "0", "1e999", False),
        ("nan", "nan", True),
        ("nan", "1.0", False),
        ("1_0.0", "10.0", False),
        ("١.0", "1.0", False),
        ("9007199254740993", "9007199254740992", False),
        ("9007199254740993.0", "9007199254740992.0", True),
        ("3.0", "3", True),
        ("3", "3.0", True),
        ("1.0\n2.0", "1.0 2.0", False),
        ("-0.0", "0.0", True),
        ("0x1", "1.0", False),
    ],
)
def test_a_tolerance_is_for_tokens_written_as_floats(given: str, expected: str, same: bool) -> None:
    assert same_output(given, expected, float_tolerance=1e-6) == same
    assert same_output(expected, given, float_tolerance=1e-6) == same


@pytest.mark.parametrize(
    ("given", "expected", "same"),
    [
        ("9007199254740992.0", "9007199254740993", False), ("9007199254740993", "9007199254740992.0", True),
        ("123456789013.0", "123456789012", False), ("1.23456789e11", "123456789012", False), ("123456789012.0", "123456789012", True),
        ("1e400", "1", False), ("1e99999999", "1", False), ("2.0000001", "2", False), ("2", "2.0000001", True),
    ],
)  # fmt: skip
def test_an_expected_integer_is_met_by_its_own_value_alone(given: str, expected: str, same: bool) -> None:
    assert same_output(given, expected, float_tolerance=1e-6) == same


@given(st.text(alphabet="12. \n\te-", max_size=30), st.text(alphabet="12. \n\te-", max_size=30))
def test_equal_outputs_are_equal_lines(one: str, other: str) -> None:
    assert same_output(one, other) == (output_lines(one) == output_lines(other))
    assert same_output(one, one, float_tolerance=1e-6)


def test_long_values_are_compared_to_their_ends() -> None:
    one, other = ["x" * 20_000 + "a", 1.0], ["x" * 20_000 + "b", 1.0]
    assert not same_value(one, one)
    for tolerance in (0.0, 1e-6):
        assert same_value(one, list(one), tolerance, limit=50_000)
        assert not same_value(one, other, tolerance, limit=50_000)
        assert not same_json({one[0]: 1.0}, {other[0]: 1.0}, tolerance, limit=50_000)


@pytest.mark.parametrize(
    ("rule", "tolerance", "given", "expected", "same"),
    [
        ("exact_lines", 0.0, "1  2\n", "1 2", False),
        ("exact_lines", 0.0, "1\n2", "1 2", False),
        ("tokens", 0.0, " 1  2\n\n3 ", "1\n2\n3", True),
        ("tokens", 0.0, "1 2 3", "1 2", False),
        ("tokens", 0.0, "12", "1 2", False),
        ("tokens", 0.0, "0.5", "0.50", False),
        ("tokens", 1e-6, "0.5", "0.50", True),
        ("tokens", 0.0, "YES", "yes", False),
        ("float_tokens", 0.0, "0.3333333", "0.33333333", True),
        ("float_tokens", 0.0, "0.33", "0.333", False),
        ("float_tokens", 0.01, "0.33", "0.333", True),
        ("float_tokens", 0.0, "100000000000000001", "100000000000000000", False),
    ],
)
def test_outputs_are_compared_by_a_named_rule(rule: str, tolerance: float, given: str, expected: str, same: bool) -> None:
    truth = {"inputs": ["1"], "outputs": [expected]}
    completion = f"<answer>\n```python\nimport sys\nsys.stdout.write({given!r})\n```\n</answer>"
    by_setting = unit_test_score(truth, completion, rule=UnitTestConfig(compare=rule, float_tolerance=tolerance))
    by_record = unit_test_score({**truth, "compare": rule}, completion, rule=UnitTestConfig(float_tolerance=tolerance))
    assert by_setting.reward == by_record.reward == (1.05 if same else 0.05)


def test_a_rule_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="compare must be one of exact_lines, tokens, float_tokens, not 'words'"):
        UnitTestConfig(compare="words")
