"""The catalogue: all that it lists and what it leaves out, and each signature against CPython itself."""

import builtins
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from execverify.errors import ProgramError
from execverify.programs.catalog import CATALOG, EXCLUDED_BUILTINS, Builtin, get_builtin, is_self_composable

COMPARED = ["==", "!=", "<", "<=", ">", ">="]
OPERATORS = {  # as issue 3's plan names them
    "str": ["+", "*", "%", "in", "not in", "[]", "[:]", *COMPARED, "f"],
    "list": ["+", "*", "in", "not in", "[]", "[:]", "[]=", "[:]=", "del", *COMPARED],
    "tuple": ["+", "*", "in", "not in", "[]", "[:]", *COMPARED],
    "dict": ["in", "not in", "[]", "[]=", "del", "|", "==", "!="],
    "set": ["&", "|", "-", "^", "in", "not in", *COMPARED],
    "int": ["+", "-", "*", "/", "//", "%", "**", "&", "|", "^", "<<", ">>", "neg", "~", *COMPARED],
    "float": ["+", "-", "*", "/", "//", "%", "**", "neg", *COMPARED],
    "bool": ["and", "or", "not", "&", "|", "^", "==", "!="],
}
FUNCTIONS = [
    "range", "enumerate", "zip", "filter", "map", "reversed", "sorted", "sum", "min", "max", "any", "all", "divmod", "round", "abs",
    "len", "pow", "chr", "ord", "bin", "hex", "oct", "int", "float", "str", "bool", "list", "tuple", "dict", "set", "frozenset", "repr",
    "ascii", "format", "isinstance", "callable", "iter", "next", "slice", "type",
]  # fmt: skip
INTERPRETER_ONLY = {"copyright", "credits", "exit", "license", "quit"}  # what `site` adds


# ------------------------------------------------------------------------------------------------ what is there


def test_there_are_as_many_entries_as_promised() -> None:
    assert len(CATALOG) >= 230
    assert {entry.kind for entry in CATALOG.values()} == {"method", "operator", "function"}
    assert all(name == found.name and found.signatures for name, found in CATALOG.items())


@pytest.mark.parametrize("owner", OPERATORS)
def test_operators_are_all_there(owner: str) -> None:
    listed = [found.name.partition(" ")[2] for found in CATALOG.values() if found.kind == "operator" and found.owner == owner]
    assert sorted(listed) == sorted(OPERATORS[owner])


@pytest.mark.parametrize("owner", [str, list, dict, set, tuple, int, float])
def test_every_public_method_is_listed_or_left_out_with_a_reason(owner: type) -> None:
    names = [f"{owner.__name__}.{name}" for name in dir(owner) if not name.startswith("_")]
    assert [name for name in names if name not in CATALOG and name not in EXCLUDED_BUILTINS] == []


def test_listed_methods_exist() -> None:
    for found in CATALOG.values():
        if found.kind == "method":
            assert callable(getattr(getattr(builtins, found.owner), found.name.partition(".")[2]))


def test_every_function_is_listed_or_left_out_with_a_reason() -> None:
    assert [name for name in FUNCTIONS if name not in CATALOG and name not in EXCLUDED_BUILTINS] == []
    public = [name for name in dir(builtins) if name[0].islower() and name not in INTERPRETER_ONLY]
    assert [name for name in public if name not in CATALOG and name not in EXCLUDED_BUILTINS] == []


def test_nothing_is_both_listed_and_left_out() -> None:
    assert CATALOG.keys() & EXCLUDED_BUILTINS.keys() == set()
    assert all(reason and "\n" not in reason for reason in EXCLUDED_BUILTINS.values())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("str.spilt", "'str.spilt' is not in the catalogue: did you mean str.split"),
        ("list.push", "'list.push' is not in the catalogue: it must be one of list.append, list.clear, "),
        ("set.pop", "'set.pop' is not in the catalogue: which element it takes is not determined"),
        ("qqqqqqqq", "'qqqqqqqq' is not in the catalogue"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, message: str) -> None:
    with pytest.raises(ProgramError) as caught:
        get_builtin(name)
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("str.upper", True),
        ("str.split", True),  # by way of an index: `text.split(a)[0].split(b)`
        ("str.partition", True),
        ("sorted", True),
        ("map", True),
        ("int +", True),
        ("str [:]", True),
        ("bool and", True),
        ("set |", True),
        ("list.append", False),
        ("dict.items", False),
        ("str.isdigit", False),
        ("len", False),
        ("list []=", False),
        ("list del", False),
        ("int <", False),
    ],
)
def test_what_nests(name: str, expected: bool) -> None:
    assert is_self_composable(get_builtin(name)) is expected


def test_entries_are_values() -> None:
    assert hash(get_builtin("str.split")) == hash(CATALOG["str.split"])
    with pytest.raises(AttributeError):
        get_builtin("str.split").name = "x"  # type: ignore[misc]


# ------------------------------------------------------------------------------------------------ signatures and CPython

VARIABLES = {"T": "int", "U": "str", "K": "str", "V": "int"}
SAMPLES: dict[str, Callable[[], Any]] = {
    "str": lambda: "a",
    "int": lambda: 2,
    "float": lambda: 2.5,
    "bool": lambda: True,
    "any": lambda: 1,
    "type": lambda: int,
    "tuple": lambda: ("1", "a"),
    "T": lambda: 3,
    "U": lambda: "b",
    "K": lambda: "a",
    "V": lambda: 7,
    "list[T]": lambda: [1, 3, 2],
    "set[T]": lambda: {3, 1, 2},
    "dict[K, V]": lambda: {"a": 1},
    "dict[str, any]": lambda: {"a": 1},
    "dict[str, str]": lambda: {"a": "b"},
    "dict[int, any]": lambda: {97: "b"},
    "iterable[T]": lambda: [3, 1, 2],
    "iterable[U]": lambda: ["a", "b", "c"],
    "iterable[K]": lambda: ["a", "b"],
    "iterable[str]": lambda: ["a", "b"],
    "iterable[bool]": lambda: [True, False],
    "iterable[tuple[K, V]]": lambda: [("a", 1)],
    "iterator[T]": lambda: iter([3, 1]),
    "T -> bool": lambda: lambda value: value > 1,
    "T -> U": lambda: str,
    "(T, U) -> T": lambda: lambda one, two: one,
}
RECEIVERS: dict[str, Callable[[], Any]] = {
    "str": lambda: "b a b",
    "tuple": lambda: (2, 1),
    "int": lambda: 6,
    "float": lambda: 2.5,
}
ARGUMENTS: dict[str, tuple[Any, ...]] = {  # where a sample of the type alone would not do
    "format(any, str?)": (1, "x"),
}
OPTIONAL_INTS = (1, 9)


def split_outer(text: str) -> list[str]:
    """At the commas outside brackets."""
    parts, depth = [""], 0
    for char in text:
        depth += (char in "[(") - (char in "])")
        if char == "," and not depth:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts if part.strip()]


def is_of(value: object, kind: str) -> bool:
    """Whether a value is of a type as signatures write it. Written for this test alone."""
    kind = VARIABLES.get(kind, kind)
    if kind in ("any", "none"):
        return kind == "any" or value is None
    name, _, inside = kind.partition("[")
    parts = split_outer(inside[:-1]) if inside else []
    items: list[Any]
    if name in ("items", "keys", "values"):
        return type(value).__name__ == f"dict_{name}" and all(is_of(item, parts[0]) for item in value)  # type: ignore[attr-defined]
    if name == "iterator":
        assert isinstance(value, Iterator)
        items = list(value)
        return bool(items) and all(is_of(item, parts[0]) for item in items)
    if type(value).__name__ != name:
        return False
    if name == "dict":
        assert isinstance(value, dict)
        return not parts or all(is_of(key, parts[0]) and is_of(item, parts[1]) for key, item in value.items())
    if name == "tuple":
        assert isinstance(value, tuple)
        if parts and parts[-1] != "...":
            return len(parts) == len(value) and all(map(is_of, value, parts))
    return not parts or all(is_of(item, parts[0]) for item in value)  # type: ignore[attr-defined]


def given(signature: str, written: list[str]) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """Arguments for a call: the least, and the most that the signature allows."""
    if signature in ARGUMENTS:
        yield list(ARGUMENTS[signature]), {}
        return
    needed = [part for part in written if part[-1] not in "?*"]
    yield [SAMPLES[part]() for part in needed], {}
    positional, named, ints = [], {}, iter(OPTIONAL_INTS)
    for part in written:
        name, equals, kind = part.rstrip("?*").rpartition("=")
        if equals:
            named[name] = True if kind == "bool" else None
        else:
            positional.append(next(ints) if part == "int?" else SAMPLES[kind]())
    yield positional, named


CALLED = [(found.name, signature) for found in CATALOG.values() if found.kind != "operator" for signature in found.signatures]
OF_TYPE = ("str.maketrans", "dict.fromkeys")


@pytest.mark.parametrize(("name", "signature"), CALLED, ids=[signature for _, signature in CALLED])
def test_what_a_call_gives_is_what_its_signature_says(name: str, signature: str) -> None:
    left, _, result = signature.rpartition(" -> ")
    before, _, inside = left.partition("(")
    calls = 0
    for positional, named in given(left, split_outer(inside[:-1])):
        owner, dot, method = before.rpartition(".")
        if not dot:
            function = getattr(builtins, before)
        elif name in OF_TYPE:
            function = getattr(getattr(builtins, owner), method)
        else:
            function = getattr((RECEIVERS.get(owner) or SAMPLES[owner])(), method)
        value = function(*positional, **named)
        assert is_of(value, result), f"{signature}: {positional} {named} gave {value!r}"
        calls += 1
    assert calls


FORMS = {
    "[]": "a[k]", "[:]": "a[0:2:1]", "[]=": "a[k] = b", "[:]=": "a[0:1] = b", "del": "del a[k]", "neg": "-a", "~": "~a",
    "not": "not a", "f": "f'{a}!'",
}  # fmt: skip
LEFT: dict[str, Callable[[], Any]] = {
    "str": lambda: "b%s", "list": lambda: [3, 1, 2], "tuple": lambda: (1, 2), "dict": lambda: {"a": 1}, "set": lambda: {1, 2},
    "int": lambda: 6, "float": lambda: 2.5, "bool": lambda: True,
}  # fmt: skip


def operands(found: Builtin, sign: str) -> dict[str, Any]:
    """What stands left and right of a sign, by the signature."""
    own, key = LEFT[found.owner](), "a" if found.owner == "dict" else 0
    if sign in FORMS:
        return {"a": own, "b": [9] if sign == "[:]=" else 9, "k": key}
    one, two = re.fullmatch(r"(.+?) " + re.escape(sign) + r" (.+) -> \w.*", found.signatures[0]).groups()  # type: ignore[union-attr]
    if sign in ("in", "not in"):
        return {"a": {"str": "b", "K": "a"}.get(one, 1), "b": own}
    return {"a": own, "b": 2 if two == "int" else 1 if two == "any" else LEFT[found.owner]()}


@pytest.mark.parametrize("name", [found.name for found in CATALOG.values() if found.kind == "operator"])
def test_what_an_operator_gives_is_what_its_signature_says(name: str) -> None:
    found, sign = CATALOG[name], name.partition(" ")[2]
    space = operands(found, sign)
    form = FORMS.get(sign, f"a {sign} b")
    if found.result == "none":
        before = repr(space["a"])
        exec(form, {}, space)
        assert repr(space["a"]) != before
        return
    value = eval(form, {}, space)
    assert is_of(value, found.result) and found.signatures[0].endswith(f" -> {found.result}"), (form, value, found.signatures)


def test_the_check_of_signatures_can_fail() -> None:
    assert not is_of([1], "list[str]") and not is_of((1, "a"), "tuple[int, int]") and not is_of({"a": 1}, "dict[str, str]")
    assert not is_of(1, "float") and not is_of(True, "int") and not is_of(iter(["a"]), "iterator[int]") and not is_of(1, "none")
    assert (
        is_of((1, 2), "tuple[int, ...]")
        and not is_of((1, "a"), "tuple[int, ...]")
        and is_of({"a": 1}.items(), "items[tuple[K, V]]")
    )
