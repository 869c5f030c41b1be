"""Values as text and back: `to_value`, `parse_literal` and `Value`, judged by a comparison written anew here.

What must hold: text is one line and reads back as an equal value of the same type all the way down, by our reader and by
CPython's own; what cannot read back is opaque and has no text at all; nothing of the object's own is ever run.
"""

import ast
import collections
import enum
import math
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from execverify.errors import LiteralError
from execverify.programs.literals import parse_literal
from execverify.programs.values import MAX_DEPTH, MAX_TEXT, Value, to_value

NAN, INF = float("nan"), float("inf")
BUILTINS = {
    "set": set, "frozenset": frozenset, "float": float, "complex": complex, "range": range, "bytearray": bytearray,
    "bytes": bytes, "Ellipsis": Ellipsis,
}  # fmt: skip
PROPERTY = settings(deadline=None, max_examples=150, database=None, suppress_health_check=[HealthCheck.too_slow])

# ------------------------------------------------------------------------------------------- an independent comparison


def same(left: Any, right: Any) -> bool:
    """Equal, and of the same type, all the way down; signs of zeros count but in complex numbers; a NaN is like a NaN."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return same_float(left, right)
    if isinstance(left, complex):
        return same_float(left.real + 0.0, right.real + 0.0) and same_float(left.imag + 0.0, right.imag + 0.0)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return same(list(left.items()), list(right.items()))
    if isinstance(left, set | frozenset):
        return len(left) == len(right) and all(any(same(item, other) for other in right) for item in left)
    if isinstance(left, range):
        return (left.start, left.stop, left.step) == (right.start, right.stop, right.step)
    return bool(left == right)


def same_float(left: float, right: float) -> bool:
    if math.isnan(left) or math.isnan(right):
        return math.isnan(left) and math.isnan(right)
    return left == right and math.copysign(1, left) == math.copysign(1, right)


def assert_round_trip(obj: object) -> str:
    value = to_value(obj)
    text = value.text
    assert text is not None and value.opaque_reason is None, value
    assert value.type == type(obj).__name__
    assert len(text.splitlines()) == 1 and text == text.strip()
    assert len(text) <= MAX_TEXT
    assert same(parse_literal(text), obj), text[:200]
    assert same(eval(text, {"__builtins__": BUILTINS}), obj), text[:200]
    assert to_value(parse_literal(text)) == value, "canonical text is a fixed point"
    return text


def test_the_comparison_of_these_tests_sees_types_and_signs() -> None:
    different = [(1, True), (1, 1.0), (0.0, -0.0), ([1], (1,)), ({1}, frozenset({1})), ({1: 2}, {True: 2}), (b"", bytearray())]
    assert not any(same(left, right) or same([left], [right]) for left, right in different)
    assert not same({1: 1, 2: 2}, {2: 2, 1: 1})
    assert same(complex(0.0, -0.0), 0j) and same(complex(NAN, 1), complex(NAN, 1)) and not same(1j, 2j)


# ------------------------------------------------------------------------------------------------------- the round trip

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=12)  # with newlines, quotes and lone surrogates
PARTS = st.sampled_from([0.0, -0.0, INF, -INF, 1.0, -1.0, 1e308, 5e-324, -2.5])
RANGES = st.builds(range, st.integers(-9, 9), st.integers(-9, 9), st.integers(-3, 3).filter(bool))
HASHABLE_ATOMS = st.one_of(
    st.none(), st.booleans(), st.just(...), st.integers(), st.integers(-(2**1000), 2**1000), ANY_TEXT, st.binary(max_size=8),
    st.floats(allow_nan=False), PARTS, st.complex_numbers(allow_nan=False), st.builds(complex, PARTS, PARTS), RANGES,
)  # fmt: skip
HASHABLES = st.recursive(
    HASHABLE_ATOMS,
    lambda inner: st.one_of(st.lists(inner, max_size=4).map(tuple), st.frozensets(inner, max_size=4)),
    max_leaves=6,
)
ATOMS = st.one_of(
    HASHABLES, st.floats(), st.complex_numbers(), st.builds(complex, st.just(NAN), PARTS), st.binary(max_size=8).map(bytearray)
)
VALUES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(HASHABLES, inner, max_size=4),
        st.sets(HASHABLES, max_size=4),
        st.frozensets(HASHABLES, max_size=4),
    ),
    max_leaves=12,
)


@PROPERTY
@given(VALUES)
def test_any_nested_value_reads_back_as_itself(obj: object) -> None:
    assert_round_trip(obj)


@PROPERTY
@given(st.complex_numbers() | st.builds(complex, PARTS, PARTS) | st.builds(complex, PARTS, st.just(NAN)))
def test_any_complex_number_reads_back_but_for_the_signs_of_its_zeros(number: complex) -> None:
    assert_round_trip(number)
    assert_round_trip([number])


@PROPERTY
@given(ANY_TEXT)
def test_any_text_is_one_line_whatever_is_in_it(text: str) -> None:
    assert_round_trip(text)
    assert_round_trip([text, (text,), {text: text}])


@PROPERTY
@given(st.integers(-(2**13_999), 2**13_999))
def test_integers_of_thousands_of_digits_read_back(number: int) -> None:
    assert_round_trip(number)
    assert_round_trip([number])


@PROPERTY
@given(st.lists(HASHABLES, max_size=6))
def test_the_text_of_a_set_does_not_depend_on_the_order_of_insertion(items: list[Any]) -> None:
    forward, backward = dict.fromkeys(items), dict.fromkeys(reversed(items))
    if not same(sorted(map(value_text, forward)), sorted(map(value_text, backward))):
        return  # 1 and True in one list: the first one stays, so these are two different sets
    assert to_value(set(forward)) == to_value(set(backward))
    assert to_value(frozenset(forward)) == to_value(frozenset(backward))


def value_text(obj: object) -> str:
    return to_value(obj).text or ""


@pytest.mark.parametrize(
    ("obj", "text"),
    [
        (set(), "set()"),
        (frozenset(), "frozenset()"),
        ({3, 1, 2}, "{1, 2, 3}"),
        (frozenset({"b", "a"}), "frozenset({'a', 'b'})"),
        ((), "()"),
        ((1,), "(1,)"),
        (INF, "float('inf')"),
        ([-INF, NAN], "[float('-inf'), float('nan')]"),
        (-0.0, "-0.0"),
        (1e22, "1e+22"),
        (complex(0.0, -2.0), "-2j"),
        (complex(3, 4), "(3+4j)"),
        (complex(3, -4), "(3-4j)"),
        (..., "Ellipsis"),
        (None, "None"),
        ([True, 1, 1.0], "[True, 1, 1.0]"),
        (range(3), "range(0, 3)"),
        (range(9, 0, -2), "range(9, 0, -2)"),
        (bytearray(b"a\n"), "bytearray(b'a\\n')"),
        (b"'\x00", 'b"\'\\x00"'),
        ("it's\n", '"it\'s\\n"'),
        ("\u2028\x85\ud800", "'\\u2028\\x85\\ud800'"),
        ({"b": [1], "a": {2: ()}}, "{'b': [1], 'a': {2: ()}}"),
        ({1, "a", (2,), None}, "{None, 1, 'a', (2,)}"),
    ],
)
def test_the_canonical_text_is_this(obj: object, text: str) -> None:
    assert assert_round_trip(obj) == text
    assert to_value(obj) == Value(type(obj).__name__, text)


def test_a_value_reads_as_a_state_answer() -> None:
    assert str(to_value([1])) == "[1]; list"
    assert str(to_value(len)) == "<object>; builtin_function_or_method"


@pytest.mark.parametrize("wrap", [lambda x: [x], lambda x: (x,), lambda x: {0: x}, lambda x: [{"k": (x,)}]])
def test_values_at_the_deepest_nesting_read_back(wrap: Callable[[object], object]) -> None:
    obj: object = [-5]
    while to_value(wrap(obj)).text is not None:
        obj = wrap(obj)
    assert_round_trip(obj)
    assert to_value(wrap(obj)) == Value(type(wrap(obj)).__name__, None, "too deep")


def nested_frozensets(depth: int, inner: object) -> frozenset[Any]:
    result = frozenset({inner})
    for _ in range(depth - 1):
        result = frozenset({result})
    return result


def test_frozensets_nested_a_dozen_deep_read_back() -> None:
    assert_round_trip(nested_frozensets(10, -5))


def test_frozensets_nested_thirty_deep_read_back() -> None:
    assert_round_trip(nested_frozensets(30, 1))


@pytest.mark.parametrize("sets", [1, 2, 5])
def test_frozensets_at_the_deepest_nesting_read_back(sets: int) -> None:
    obj: object = nested_frozensets(sets, (-5,))
    for _ in range(MAX_DEPTH - sets):
        obj = [obj]
    assert_round_trip(obj)


SEEDED = """
from execverify.programs.values import to_value
words = ['pear', 'fig', 'kiwi', 'é', '', 'Apple', 'b', 'aa']
mixed = [None, 1, 'a', b'a', (1, 'a'), 2.5, 1j, frozenset({'x', 'y', 'z'}), range(3), ..., -1]
for items in (words, mixed):
    parts = {frozenset(items[:3]), frozenset(items[3:])}
    assert to_value(set(items)) == to_value(set(reversed(items)))
    print(to_value(set(items)), to_value({frozenset(items): parts}))
"""


def test_the_text_of_a_set_does_not_depend_on_the_hash_seed() -> None:
    outputs = {python(SEEDED, PYTHONHASHSEED=seed, PYTHONIOENCODING="utf-8").stdout for seed in ("0", "1", "2024")}
    assert len(outputs) == 1


def python(code: str, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Runs code in an interpreter of its own, with nothing on its standard error but what the code causes."""
    command = [sys.executable, *options, "-c", code]
    return subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", env={**os.environ, **env}, check=True, timeout=60
    )


# ---------------------------------------------------------------------------------------------------- what is opaque


class MyInt(int):
    """A subclass of a plain type is not plain."""


class MyStr(str):
    """Another."""


class Point(NamedTuple):
    """A tuple with names."""

    x: int
    y: int


class Color(enum.IntEnum):
    """An int with names."""

    RED = 1


class Plain:
    """An object of a class of one's own."""


def cyclic_list() -> list[object]:
    items: list[object] = []
    items.append([items])
    return items


def cyclic_dict() -> dict[str, object]:
    table: dict[str, object] = {}
    table["me"] = (table,)
    return table


@pytest.mark.parametrize(
    ("obj", "name"),
    [
        (MyInt(3), "MyInt"),
        (MyStr("a"), "MyStr"),
        (Point(1, 2), "Point"),
        (collections.OrderedDict(a=1), "OrderedDict"),
        (collections.Counter("ab"), "Counter"),
        (collections.defaultdict(int), "defaultdict"),
        (Color.RED, "Color"),
    ],
)
def test_subclasses_of_plain_types_are_opaque(obj: object, name: str) -> None:
    assert to_value(obj) == Value(name, None, "subclass")
    assert to_value([obj]) == Value("list", None, "subclass")
    assert to_value({"k": obj}) == Value("dict", None, "subclass")


def test_a_bool_is_exact_and_no_subclass() -> None:
    assert to_value(True) == Value("bool", "True")
    assert to_value([True, 1]) == Value("list", "[True, 1]")


@pytest.mark.parametrize(
    ("obj", "name"),
    [
        (len, "builtin_function_or_method"),
        (lambda: 1, "function"),
        ((x for x in "a"), "generator"),
        (iter([]), "list_iterator"),
        ({}.keys(), "dict_keys"),
        (Plain(), "Plain"),
        (Plain, "type"),
        (int, "type"),
        (sys, "module"),
        (object(), "object"),
        (memoryview(b"a"), "memoryview"),
        (slice(1), "slice"),
        (NotImplemented, "NotImplementedType"),
        (ValueError("x"), "ValueError"),
    ],
)
def test_objects_without_a_literal_are_opaque(obj: object, name: str) -> None:
    assert to_value(obj) == Value(name, None, "object")
    assert to_value((1, [obj])) == Value("tuple", None, "object")
    assert to_value({"k": obj}) == Value("dict", None, "object")


@pytest.mark.parametrize("obj", [cyclic_list(), cyclic_dict(), (cyclic_list(),)], ids=["list", "dict", "in a tuple"])
def test_cycles_are_opaque(obj: object) -> None:
    assert to_value(obj) == Value(type(obj).__name__, None, "cycle")


def test_a_part_that_is_shared_is_no_cycle() -> None:
    shared = [1]
    assert to_value([shared, shared, (shared,)]).text == "[[1], [1], ([1],)]"


@pytest.mark.parametrize(
    "obj",
    [
        {NAN},
        frozenset({NAN}),
        {NAN: 1},
        {(1, NAN): 1},
        {frozenset({NAN}): 1},
        {complex(0, NAN)},
        {(((NAN,),),)},
        [{NAN}],
        {1: {NAN}},
    ],
    ids=repr,
)
def test_a_nan_that_would_be_a_key_is_opaque(obj: object) -> None:
    assert to_value(obj) == Value(type(obj).__name__, None, "nan")


def test_a_nan_elsewhere_is_a_value() -> None:
    assert_round_trip([NAN, (NAN,), {"k": NAN}, complex(NAN, -0.0)])


@pytest.mark.parametrize(
    "obj",
    [
        "a" * (MAX_TEXT - 1),
        "\n" * (MAX_TEXT // 2),
        b"a" * MAX_TEXT,
        bytearray(MAX_TEXT),
        10**5000,
        -(10**4300),
        [10**5000],
        [1] * 4000,
        ["a" * 3000] * 4,
        list(range(5000)),
        {n: n for n in range(2000)},
        set(range(5000)),
        range(10**5000),
        [12345] * 2000,
    ],
    ids=lambda obj: type(obj).__name__,
)
def test_what_is_too_long_is_opaque_and_never_cut(obj: object) -> None:
    assert to_value(obj) == Value(type(obj).__name__, None, "too long")
    assert to_value((obj,)) == Value("tuple", None, "too long")


def test_the_longest_text_is_kept_whole() -> None:
    assert len(assert_round_trip("a" * (MAX_TEXT - 2))) == MAX_TEXT
    assert len(assert_round_trip(["a" * (MAX_TEXT - 6), 0][:1])) == MAX_TEXT - 2
    assert len(assert_round_trip([1] * 3333)) == 9_999
    assert_round_trip(10**4000)


def doubled(times: int) -> list[object]:
    obj: list[object] = []
    for _ in range(times):
        obj = [obj, obj]
    return obj


@pytest.mark.parametrize(
    "make",
    [
        lambda: "a" * 10**8,
        lambda: [0] * 10**7,
        lambda: 1 << 10**8,
        lambda: [1 << 10**7] * 100,
        lambda: doubled(60),
        lambda: dict.fromkeys(range(10**5)),
        lambda: set(range(10**6)),
        lambda: ["a" * 10**6] * 10**5,
    ],
)
def test_a_huge_value_costs_little(make: Callable[[], object]) -> None:
    obj = make()
    began = time.process_time()
    assert to_value(obj).opaque_reason == "too long"
    assert time.process_time() - began < 1


def nested_lists(depth: int) -> list[Any]:
    deep: list[Any] = []
    for _ in range(depth):
        deep = [deep]
    return deep


def test_deep_nesting_is_opaque() -> None:
    deep = nested_lists(100_000)
    assert to_value(deep) == Value("list", None, "too deep")
    assert to_value({2.5: (deep,)}) == Value("dict", None, "too deep")


def test_a_deeply_nested_key_is_opaque() -> None:
    key: tuple[Any, ...] = ()
    for _ in range(3_000):
        key = (key,)
    assert to_value({key: 1}).opaque_reason == "too deep"


# ------------------------------------------------------------------------------------------ no code of the object runs

RAN: list[str] = []


def hostile(name: str) -> Callable[..., Any]:
    def method(self: object, *_: object) -> Any:
        RAN.append(name)
        raise AssertionError(f"{name} ran")

    return method


HOSTILE_NAMES = (
    "__repr__", "__str__", "__eq__", "__ne__", "__lt__", "__len__", "__iter__", "__bool__", "__getattribute__", "__format__",
    "__reduce_ex__", "__contains__", "__getitem__", "__int__", "__index__", "__float__", "__call__", "__next__",
)  # fmt: skip


def hostile_class(name: str, *bases: type, **more: object) -> Any:
    return type(name, bases, {method: hostile(method) for method in HOSTILE_NAMES} | {"__hash__": lambda _: 7} | more)


@pytest.mark.parametrize(
    "base", [object, int, str, float, tuple, list, dict, set, complex, bytes], ids=lambda base: base.__name__
)
def test_no_method_of_an_object_runs(base: type) -> None:
    obj = hostile_class("Hostile", base)()
    reason = "object" if base is object else "subclass"
    RAN.clear()
    for whole in (obj, [obj], (1, obj), {2.5: [obj]}, [[obj], 2]):
        assert to_value(whole).opaque_reason == reason
    assert to_value(obj).type == "Hostile"
    assert RAN == []


def test_no_method_of_a_value_in_a_dict_of_simple_keys_runs() -> None:
    obj = hostile_class("Hostile", object)()
    RAN.clear()
    assert to_value({"k": obj}) == to_value({"k": [obj]}) == Value("dict", None, "object")
    assert RAN == []


def test_deep_nesting_in_a_dict_of_simple_keys_is_opaque() -> None:
    assert to_value({"k": (nested_lists(100_000),)}) == Value("dict", None, "too deep")


def as_key(obj: object) -> Iterable[object]:
    """The object as a key and as an element; what making them ran is forgotten."""
    for whole in ({obj: 1}, {obj}, frozenset({obj}), {(obj,): 1}):
        RAN.clear()
        yield whole


def test_no_method_of_a_key_runs() -> None:
    obj = hostile_class("Hostile", object)()
    del type(obj).__getattribute__
    for whole in as_key(obj):
        assert to_value(whole).opaque_reason == "object"
        assert RAN == []


def test_no_class_property_of_a_key_runs() -> None:
    obj = hostile_class("Hostile", object, __class__=property(hostile("__class__")))()
    del type(obj).__getattribute__
    for whole in as_key(obj):
        assert to_value(whole).opaque_reason == "object"
        assert RAN == []


@pytest.mark.parametrize("base", [float, complex])
def test_no_comparison_of_a_float_like_key_runs(base: type) -> None:
    obj = hostile_class("Hostile", base)(1)
    del type(obj).__getattribute__
    for whole in as_key(obj):
        assert to_value(whole).opaque_reason == "subclass"
        assert RAN == []


class Named(type):
    """A metaclass whose classes lie about their name."""

    @property
    def __name__(cls) -> str:  # type: ignore[override]
        RAN.append("metaclass __name__")
        return "int"


class Lying(metaclass=Named):
    """Says that it is called int."""


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda x: x, id="alone"),
        pytest.param(lambda x: [x], id="in a list"),
        pytest.param(lambda x: {x, 1}, id="in a set"),
    ],
)
def test_a_metaclass_is_not_asked_for_a_name(wrap: Callable[[object], object]) -> None:
    obj = wrap(Lying())
    RAN.clear()
    assert to_value(obj) == Value("Lying" if type(obj) is Lying else type(obj).__name__, None, "object")
    assert RAN == []


class Hashing(type):
    """A metaclass whose classes run code when hashed or compared."""

    def __hash__(cls) -> int:
        RAN.append("metaclass __hash__")
        return hash(int)

    def __eq__(cls, other: object) -> bool:
        RAN.append("metaclass __eq__")
        return True


class Pretending(metaclass=Hashing):
    """Says that it is int."""


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [x], lambda x: {"k": x}], ids=["alone", "in a list", "in a dict"])
def test_no_hash_of_a_metaclass_runs(wrap: Callable[[object], object]) -> None:
    obj = wrap(Pretending())
    RAN.clear()
    assert to_value(obj).opaque_reason == "object"
    assert RAN == []


# ------------------------------------------------------------------------------------------------ what is no literal

REFUSED = [
    "", "   ", "x", "f", "None.real", "__import__('os')", "f(3)", "int('3')", "list()", "dict()", "str(1)", "open('x')",
    "1 + 2", "2 * 3", "'a' * 9", "10 ** 9", "1 << 9", "~1", "not 1", "1 < 2", "1 and 2", "1 if 1 else 2", "-'a'", "-True",
    "-[1]", "1 + 2j + 3", "True + 2j", "2j + 1", "[1][0]", "[1, 2][1:]", "'a'.upper", "'a'.upper()", "f'{1}'", "f''",
    "[x for x in ()]", "{x for x in ()}", "{x: x for x in ()}", "(x for x in ())", "[*[1]]", "{**{}}", "{*{1}}", "*a", "lambda: 1",
    "(y := 1)", "await x", "yield 1", "print", "Ellipsis()", "1; 2", "1\n2", "x = 1", "import os", "assert 1", "def f(): pass",
    "[1", "1]", "(", "'", "'abc", '"""', "0777", "1__0", "0x", "1e", "b'é'", "'\\x1'", "'\\N{no such}'", "'\0'", "\0", "'\ud800'",
    "\ud800", "{[]: 1}", "{{}}", "{[1]}", "frozenset({[]})", "set([[]])", "set(1)", "set('ab')", "set({1: 2})", "set([1], [2])",
    "frozenset(range(3))", "float('1')", "float(1)", "float()", "float('inf', 1)", "float(x='inf')", "complex()", "complex(1)",
    "complex('1')", "complex(True, 1)", "complex(1, imag=2)", "range()", "range(1.0)", "range(True)", "range(1, 2, 0)",
    "range(1, 2, 3, 4)", "bytearray(5)", "bytearray('a', 'utf-8')", "bytes(5)", "bytes([1])", "a.set()", "set()()", "inf", "nan",
    "$", "?", "€", "1 2", "{1: 2, 3}", "{1, 2: 3}", "[,]", "a: int", "3.__class__", "1" + "0" * 400 + "+2j",
    "complex(1" + "0" * 400 + ", 2)",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED, ids=ascii)
def test_what_is_no_literal_is_refused_in_one_line(text: str) -> None:
    assert_refused(text)


def assert_refused(text: str) -> str:
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(LiteralError) as caught:
            parse_literal(text)
    assert time.process_time() - began < 2
    message = str(caught.value)
    assert message and len(message.splitlines()) == 1
    return message


HUGE = {
    "brackets": "[" * 300 + "]" * 300,
    "many brackets": "[" * 19_000 + "]" * 19_000,
    "open brackets": "(" * 39_000,
    "tuples": "(" * 100 + "1" + ",)" * 100,
    "signs": "-" * 39_000 + "1",
    "sums": "1" + "+1" * 19_000,
    "attributes": "a" + ".a" * 19_000,
    "calls": "f" + "()" * 19_000,
    "nots": "not " * 9_000 + "1",
    "conditions": "1 if 1 else " * 3_000 + "1",
    "lambdas": "lambda: " * 4_000 + "1",
    "powers": "1" + "**1" * 13_000,
    "digits": "1" * 100_000,
    "digits within the limit of characters": "1" * 39_000,
    "a name": "a" * 39_000,
    "many characters": "[" + "1," * 30_000 + "]",
    "a long text": "'" + "a" * 40_000 + "'",
    "dicts": "{1: " * 150 + "1" + "}" * 150,
    "frozensets": "frozenset({" * 150 + "1" + "})" * 150,
    "null bytes": "\0" * 10_000,
    "surrogates": "\udcff" * 10_000,
    "backslashes": "\\" * 39_000,
}


@pytest.mark.parametrize("name", HUGE)
def test_huge_texts_are_refused_quickly(name: str) -> None:
    assert_refused(HUGE[name])


@PROPERTY
@given(st.text(st.sampled_from("[](){}'\"\\,:.+-*01ejxf frozset\n\0#_bru"), max_size=40))
def test_any_text_is_a_value_or_a_literal_error(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            obj = parse_literal(text)
        except LiteralError as error:
            assert len(str(error).splitlines()) == 1
        else:
            assert to_value(obj).opaque_reason in (None, "nan")


@pytest.mark.parametrize(
    ("text", "obj"),
    [
        (" 3 ", 3),
        ("\n[1,\n 2]\n", [1, 2]),
        ("1_000", 1000),
        ("0xFF", 255),
        ("0b11", 3),
        ("+5", 5),
        ("-0.0", -0.0),
        ("1e999", INF),
        ("'a' 'b'", "ab"),
        ('r"\\d"', "\\d"),
        ("(1)", 1),
        ("(1,)", (1,)),
        ("1, 2", (1, 2)),
        ("...", ...),
        ("{2, 1,}", {1, 2}),
        ("{'a': 1, 'a': 2}", {"a": 2}),
        ("set([1, 1])", {1}),
        ("frozenset((1, 2))", frozenset({1, 2})),
        ("float(' -Infinity ')", -INF),
        ("1 - 2j", complex(1, -2)),
        ("-1 + 0j", complex(-1, 0)),
        ("complex(-0.0, -0.0)", complex(-0.0, -0.0)),
        ("range(3)", range(3)),
        ("bytearray()", bytearray()),
        ("bytes(b'a')", b"a"),
        ("[1] # the answer", [1]),
        ('"""a\nb"""', "a\nb"),
        ("'é\U0001f600'", "é\U0001f600"),
    ],
)
def test_literals_may_be_written_in_other_ways(text: str, obj: object) -> None:
    assert same(parse_literal(text), obj)


# ---------------------------------------------------------------------------------------------------------- no warnings


def test_an_invalid_escape_is_read_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parse_literal("['\\d', b'\\d', '\\400']") == ["\\d", b"\\d", "\u0100"]


@pytest.mark.parametrize("text", ["1.if 1 else 2", "[1.jor 2]"])
def test_a_number_that_touches_a_keyword_is_refused_without_a_warning(text: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(LiteralError):
            parse_literal(text)
    assert not caught


THREADS = """
import threading, warnings
from execverify.programs.literals import parse_literal
wrong = []
def work():
    for n in range(300):
        try:
            if parse_literal(f"['\\\\d', {n}]") != ['\\\\d', n] or parse_literal('[1, 2]') != [1, 2]:
                wrong.append(n)
        except BaseException as error:
            wrong.append(repr(error))
before = list(warnings.filters)
threads = [threading.Thread(target=work) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(wrong, warnings.filters == before)
"""


@pytest.mark.parametrize("filters", ["error", "always", "default"])
def test_an_invalid_escape_is_read_without_a_warning_from_many_threads(filters: str) -> None:
    done = python(THREADS, "-W", filters)
    assert (done.stdout, done.stderr) == ("[] True\n", "")


def test_a_parse_that_another_thread_disturbs_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """CPython 3.11: "AST constructor recursion depth mismatch", where two threads parse at once."""
    failures = iter([True, True])
    real = ast.parse

    def disturbed(*arguments: Any) -> Any:
        if next(failures, False):
            raise SystemError("AST constructor recursion depth mismatch (before=207, after=228)")
        return real(*arguments)

    monkeypatch.setattr(ast, "parse", disturbed)
    assert parse_literal("[1, 2]") == [1, 2]


def test_a_parse_that_fails_again_and_again_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> ast.AST:
        raise SystemError("broken")

    monkeypatch.setattr(ast, "parse", broken)
    with pytest.raises(SystemError):
        parse_literal("[1, 2]")
