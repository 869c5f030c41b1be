"""Other arguments for a call: of the same types, near the original, keeping what one argument has from another."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from execverify.programs import input_mutation
from execverify.programs.input_mutation import mutate_inputs
from execverify.programs.literals import parse_literal
from execverify.programs.program import Program, arguments_text, read_arguments
from execverify.programs.values import to_value

NAMES = "abcdefgh"


def call(arguments: str, body: str = "return 0") -> Program:
    """A function of as many parameters as there are arguments."""
    positional, named = read_arguments(arguments)
    parameters = [*NAMES[: len(positional)], *named]
    return Program(f"def f({', '.join(parameters)}):\n    {body}", "f", arguments)


def values(arguments: str, count: int = 300, body: str = "return 0") -> Iterator[tuple[object, ...]]:
    """Many mutations of one call, as positional values."""
    for round_ in range(count // 8 + 1):
        for text in mutate_inputs(call(arguments, body), 8, str(round_)):
            yield read_arguments(text)[0]


CALLS = (
    "3", "-7", "0", "1.5", "True", "'hello world'", "'a'", "''", "'a=1;b=2'", "'2024-01-15'", "[1, 2, 3]", "['ab', 'c']", "[]",
    "{}", "()", "set()", "(1, 'a')", "(1, 2, 3, 4)", "{'a': 1, 'b': 2}", "{1, 2, 3}", "{'x', 'y'}", "[[1, 2], [3, 4]]",
    "[('a', 1), ('b', 2)]", "{'a': [1, 2], 'b': []}", "[1.5, 2.25]", "[None, 1]", "'aaa', 'b'", "[1, 2, 3], 2", "2, 'ab', [3]",
    "frozenset({1, 2})", "{(1, 2): 'x'}", "[True, False]", "1, key='z', n=4", "1e300", "1000000000000",
    "'line one\\nline two'", "'ÄÖ straße'", "1+2j", "b'ab'", "float('inf')", "float('nan')", "[[], [1]]",
)  # fmt: skip


@pytest.mark.parametrize("arguments", CALLS)
def test_mutations_are_canonical_different_and_of_the_same_form(arguments: str) -> None:
    program = call(arguments)
    texts = mutate_inputs(program, 8)
    assert len(set(texts)) == len(texts) <= 8
    own = arguments_text(program.call_arguments)
    assert own not in texts and arguments not in texts
    for text in texts:
        positional, named = read_arguments(text)
        assert arguments_text((positional, named)) == text  # canonical
        assert list(named) == list(program.call_arguments[1])
        assert list(map(type, positional)) == list(map(type, program.call_arguments[0]))
        Program(program.source, "f", text)


def test_eight_are_found_where_there_are_so_many() -> None:
    for arguments in (
        "3",
        "1.5",
        "'hello world'",
        "[1, 2, 3]",
        "{'a': 1}",
        "(1, 'a')",
        "[], 3",
        "{1, 2}",
        "[]",
        "''",
        "{}",
        "'a=1;b=2'",
    ):
        assert len(mutate_inputs(call(arguments), 8)) == 8, arguments


def test_there_are_fewer_where_there_are_no_more() -> None:
    assert mutate_inputs(Program("def f():\n    return 1", "f", ""), 8) == []
    assert mutate_inputs(call("None"), 8) == []
    assert mutate_inputs(call("None, k=None"), 8) == []
    assert mutate_inputs(call("True"), 8) == ["False"]
    assert sorted(mutate_inputs(call("True, False"), 8)) == ["False, False", "False, True", "True, True"]
    assert mutate_inputs(call("5"), 0) == [] and len(mutate_inputs(call("5"), 1)) == 1


def test_the_original_is_no_mutation_of_itself_however_it_is_written() -> None:
    for round_ in range(60):
        for text in mutate_inputs(call('"a" , 0x1'), 8, str(round_)):
            assert text != "'a', 1"
        for text in mutate_inputs(call("[ 1,]"), 8, str(round_)):
            assert text != "[1]"


def test_the_same_call_and_seed_give_the_same_whatever_the_entry_or_the_process() -> None:
    script = (
        "from execverify.programs.program import Program\n"
        "from execverify.programs.input_mutation import mutate_inputs\n"
        "import json\n"
        "calls = [\"{'x', 'y', 'zed'}, 'x'\", \"{frozenset({'a', 'b'}), frozenset({'c'})}, 1\", \"{('a', 1), ('b', 2)}, ('a', 1)\"]\n"
        "print(json.dumps([mutate_inputs(Program('def f(a, b):\\n    return a', 'f', c), 8, 's') for c in calls]))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("0", "5", "99")
    }
    assert len(outputs) == 1
    assert mutate_inputs(call("3, 'ab'"), 8, "one") != mutate_inputs(call("3, 'ab'"), 8, "two")


def test_more_are_the_first_ones_and_others() -> None:
    few, many = mutate_inputs(call("3, 'ab'"), 3), mutate_inputs(call("3, 'ab'"), 8)
    assert many[:3] == few


@pytest.mark.parametrize("number", [1, 3, 7, 40, 1_000, 10**6, -5])
def test_integers_stay_within_ten_times(number: int) -> None:
    drawn: list[int] = [value for (value,) in values(str(number))]  # type: ignore[misc]
    assert all(type(value) is int and abs(value) <= max(10 * abs(number), 12) for value in drawn)
    assert len(set(drawn)) > 8
    assert 0 in drawn or abs(number) > 100
    assert any(value * number < 0 for value in drawn)


def test_constants_of_the_program_are_tried() -> None:
    drawn = {value for (value,) in values("4", body="return 1 if a == 37 else 2")}
    assert 37 in drawn
    texts = {value for (value,) in values("'hello'", body="return a.split('::')")}
    assert any("::" in str(text) for text in texts)


def test_floats_are_short() -> None:
    for (value,) in values("3.14159265358979"):
        assert type(value) is float and len(repr(value)) <= 8


def test_texts_are_plain_repeated_punctuated_and_of_own_pieces() -> None:
    drawn = [str(value) for (value,) in values("'hello world'")]
    assert any(text.isalpha() and text not in "hello world" for text in drawn)
    assert any(len(text) > 3 and text[:3] == text[0] * 3 for text in drawn)
    assert any(set(text) & set("!,.-_:;?") for text in drawn)
    assert any(text in "hello world" for text in drawn)
    assert any(text != text.lower() for text in drawn)
    assert max(map(len, drawn)) <= 4 * len("hello world")


def test_formats_survive_part_of_the_time() -> None:
    drawn = [str(value) for (value,) in values("'a=1;b=2'")]
    kept = [text for text in drawn if all(part.count("=") == 1 for part in text.split(";"))]
    assert len(kept) > len(drawn) / 3
    assert any(text.count("=") > 2 for text in kept) and any(text.count("=") == 1 for text in kept)
    assert len({part.split("=")[1] for text in kept for part in text.split(";")}) > 2  # digits change
    dates = [str(value) for (value,) in values("'2024-01-15'")]
    assert sum(len(text.split("-")) == 3 and text.replace("-", "").isdigit() for text in dates) > len(dates) / 5


def test_collections_grow_past_five_shrink_are_empty_shuffled_and_doubled() -> None:
    drawn = [list(value) for (value,) in values("[3, 1, 2]")]  # type: ignore[call-overload]
    assert any(len(value) > 5 for value in drawn)
    assert any(0 < len(value) < 3 for value in drawn)
    assert [] in drawn
    assert any(sorted(value) == [1, 2, 3] for value in drawn)
    assert any(len(set(value)) < len(value) for value in drawn)
    assert all(type(item) is int for value in drawn for item in value)
    assert max(map(len, drawn)) <= 12


def test_elements_keep_their_own_types() -> None:
    for (value,) in values("[('a', 1), ('b', 2)]"):
        assert all(type(pair) is tuple and list(map(type, pair)) == [str, int] for pair in value)  # type: ignore[attr-defined]


def test_rows_of_a_table_mostly_keep_one_length() -> None:
    drawn = [value for (value,) in values("[[1, 2, 3], [4, 5, 6]]")]
    even = [value for value in drawn if len({len(row) for row in value}) <= 1]  # type: ignore[attr-defined]
    assert len(drawn) > len(even) > len(drawn) * 0.6
    assert len({len(value) for value in even}) > 2  # type: ignore[arg-type]


def test_tuples_of_one_type_may_grow_and_pairs_stay_pairs() -> None:
    assert len({len(value) for (value,) in values("(1, 2, 3, 4)")}) > 3  # type: ignore[arg-type]
    assert {len(value) for (value,) in values("(1, 'a')")} == {2}  # type: ignore[arg-type]


def test_keys_and_values_of_a_dict_change() -> None:
    drawn = [dict(value) for (value,) in values("{'a': 1, 'b': 2}")]  # type: ignore[call-overload]
    assert any(set(value) - {"a", "b"} for value in drawn)
    assert any(set(value) == {"a", "b"} and set(value.values()) != {1, 2} for value in drawn)
    assert any(len(value) > 2 for value in drawn) and any(len(value) < 2 for value in drawn)


def test_empty_collections_are_filled() -> None:
    for arguments in ("[]", "{}", "()", "set()"):
        assert any(value for (value,) in values(arguments)), arguments


def share(arguments: str, holds: Callable[..., bool]) -> float:
    """How often something holds of the mutated values."""
    drawn = list(values(arguments))
    return sum(1 for value in drawn if holds(*value)) / len(drawn)


def test_relations_between_arguments_are_mostly_kept() -> None:
    assert share("'a-b-c', '-'", lambda text, mark: bool(mark in text)) > 0.6
    assert share("{'one': 1, 'two': 2}, 'two'", lambda table, key: key in table) > 0.55
    assert share("[4, 5, 6], 5", lambda items, item: item in items) > 0.55
    assert share("['red', 'blue'], 'red'", lambda items, item: item in items) > 0.55
    assert share("'hello', 2", lambda text, index: 0 <= index < len(text)) > 0.6
    assert share("[9, 8, 7, 6], 3", lambda items, index: 0 <= index < len(items)) > 0.6
    assert share("[1, 2, 3], ['a', 'b', 'c']", lambda one, two: len(one) == len(two)) > 0.5
    # ... and not always
    assert share("'a-b-c', '-'", lambda text, mark: mark not in text) > 0.02
    assert share("[9, 8, 7, 6], 3", lambda items, index: index >= len(items)) > 0.02


def test_every_argument_is_mutated_and_sometimes_only_one() -> None:
    changed = Counter(
        sum(one != two for one, two in zip(value, (5, "abcd", [7.5]), strict=True)) for value in values("5, 'abcd', [7.5]")
    )
    assert changed[1] > 20 and changed[3] > 20


def test_huge_arguments_do_not_grow_without_end() -> None:
    long = mutate_inputs(call(repr("x," * 3_000)), 8)
    assert all(len(text) < 30_000 for text in long)
    numbers = mutate_inputs(call(repr(list(range(1_500)))), 8)
    assert all(len(parse_literal(text)) <= 3_100 for text in numbers)  # type: ignore[arg-type]
    assert mutate_inputs(call(str(10**400)), 8)


def test_a_deep_nest_does_not_take_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each level may come six times for one; forty levels made tens of millions of values, and most texts too long to use."""
    made = 0
    other = input_mutation._other

    def counted(*given: Any) -> object:
        nonlocal made
        made += 1
        return other(*given)

    monkeypatch.setattr(input_mutation, "_other", counted)
    assert mutate_inputs(call("[" * 40 + "1" + "]" * 40), 8)
    assert made < 1_000_000


def test_the_values_of_the_program_are_left_as_they_are() -> None:
    program = call("[[3, 1], [2]], {'a': [1]}, {1, 2}")
    before = [to_value(value) for value in program.call_arguments[0]]
    mutate_inputs(program, 8)
    assert [to_value(value) for value in program.call_arguments[0]] == before
