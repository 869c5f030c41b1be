"""Light static typing: which entries a program uses, told from its text, and held against what happens when it runs."""

import ast
from collections import Counter

import pytest

from execverify.programs.catalog import CATALOG
from execverify.programs.program import Program
from execverify.programs.type_inference import builtin_uses
from execverify.programs.type_join import type_of_value
from tests.helpers.benchmarks import cruxeval_programs
from tests.oracles.runtime_types import observe


def body(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def names(source: str, arguments: str, certain: bool = True, entry_point: str = "f") -> list[str]:
    """Entries used, in order."""
    return [use.entry for use in builtin_uses(Program(source, entry_point, arguments)) if use.certain is certain]


def one(expression: str, arguments: str, parameters: str = "a") -> list[str]:
    return names(f"def f({parameters}):\n    return {expression}", arguments)


# ------------------------------------------------------------------------------------------------ what is known


@pytest.mark.parametrize(
    ("expression", "arguments", "expected"),
    [
        ("a.count('x')", "'xx'", ["str.count"]),
        ("a.count(1)", "[1]", ["list.count"]),
        ("a.count(1)", "(1, 2)", ["tuple.count"]),
        ("a.copy()", "{}", ["dict.copy"]),
        ("a.copy()", "{1}", ["set.copy"]),
        ("a.bit_length()", "5", ["int.bit_length"]),
        ("a.bit_length()", "True", ["int.bit_length"]),
        ("a.is_integer()", "5.0", ["float.is_integer"]),
        ("a[0].upper()", "['x']", ["list []", "str.upper"]),
        ("a[0][1].upper()", "[(1, 'x')]", ["list []", "tuple []", "str.upper"]),
        ("a[-1].upper()", "(1, 'x')", ["tuple []", "str.upper"]),
        ("a['k'].append(1)", "{'k': []}", ["dict []", "list.append"]),
        ("a[1:].upper()", "'xy'", ["str [:]", "str.upper"]),
        ("a[::-1]", "[1]", ["list [:]"]),
        ("a[1:]", "(1, 2)", ["tuple [:]"]),
        ("a + 1", "1", ["int +"]),
        ("a + 1", "1.5", ["float +"]),
        ("a / 2 * a", "3", ["int /", "float *"]),
        ("a * 2", "'x'", ["str *"]),
        ("2 * a", "[1]", ["list *"]),
        ("a % (1, 2)", "'%s %s'", ["str %"]),
        ("a | {2}", "{1}", ["set |"]),
        ("a | {}", "{}", ["dict |"]),
        ("a & True", "True", ["bool &"]),
        ("a & 1", "5", ["int &"]),
        ("'x' in a", "'xy'", ["str in"]),
        ("'x' in a", "{'x': 1}", ["dict in"]),
        ("'x' not in a", "['x']", ["list not in"]),
        ("1 < a < 3", "2", ["int <"]),  # one node, one use
        ("a == 'x'", "'x'", ["str =="]),
        ("-a", "1.5", ["float neg"]),
        ("~a", "1", ["int ~"]),
        ("not a", "[]", ["bool not"]),
        ("a and a or a", "True", ["bool and", "bool or"]),
        ("f'{a.upper()}!'", "'x'", ["str f", "str.upper"]),
        ("(a or 'y').upper()", "'x'", ["bool or", "str.upper"]),
        ("(a if a else 'y').upper()", "'x'", ["str.upper"]),
        ("a.split()[0].upper()", "'x y'", ["str.split", "list []", "str.upper"]),
        ("'-'.join(a).upper()", "['x']", ["str.join", "str.upper"]),
        ("[w.upper() for w in a.split()]", "'x y'", ["str.upper", "str.split"]),
        ("{k.upper(): v + 1 for k, v in a.items()}", "{'x': 1}", ["str.upper", "int +", "dict.items"]),
        ("[x.upper() for i, x in enumerate(a)]", "['x']", ["str.upper", "enumerate"]),
        ("[x.upper() * y for x, y in zip(a, b)]", "['x'], [2]", ["str.upper", "str *", "zip"]),
        ("sorted(a, key=lambda p: p[1].upper())", "[(1, 'x')]", ["sorted", "tuple []", "str.upper"]),
        ("max(a, key=len).upper()", "['x']", ["max", "len", "str.upper"]),
        ("max(a, key=a.count)", "[1, 1, 2]", ["max", "list.count"]),
        ("sorted(a, key=a.get)", "{'x': 1}", ["sorted", "dict.get"]),
        ("list(map(str.upper, a))", "['x']", ["list", "map", "str.upper"]),
        ("[w.lower() for w in map(str.upper, a)]", "['x']", ["str.lower", "map", "str.upper"]),
        ("sum(map(int, a.split())) + 1", "'1 2'", ["sum", "map", "int", "str.split", "int +"]),
        ("list(filter(str.isdigit, a))[0].upper()", "'1a'", ["list", "filter", "str.isdigit", "list []", "str.upper"]),
        ("list(map(lambda w: w.upper(), a))", "['x']", ["list", "map", "str.upper"]),
        ("next(iter(a)).upper()", "{'x'}", ["next", "iter", "str.upper"]),
        ("[p[0].upper() for p in zip(*a)]", "[['x'], ['y']]", ["tuple []", "str.upper", "zip"]),
        ("[x.upper() for x in a * 2]", "('x', 'y')", ["str.upper", "tuple *"]),
        ("dict.fromkeys(a, 0)['x'] + 1", "['x']", ["dict.fromkeys", "dict []", "int +"]),
        ("dict(x=a)['x'].upper()", "'x'", ["dict", "dict []", "str.upper"]),
        ("{**a, 'y': 2}['x'] + 1", "{'x': 1}", ["dict []", "int +"]),
        ("str.join('-', a)", "['x']", ["str.join"]),
        ("[v + 1 for v in str.maketrans(a, 'y')]", "'x'", ["int +", "str.maketrans"]),
        ("a.get('x', 0) + 1", "{'x': 1}", ["dict.get", "int +"]),
        ("a.pop().upper()", "['x']", ["list.pop", "str.upper"]),
        ("divmod(a, 2)[0] + 1", "7", ["divmod", "tuple []", "int +"]),
        ("a.partition('-')[0].upper()", "'x-y'", ["str.partition", "tuple []", "str.upper"]),
        ("[chr(ord(c) + 1).upper() for c in a]", "'x'", ["chr", "ord", "int +", "str.upper"]),
    ],
)
def test_expressions(expression: str, arguments: str, expected: list[str]) -> None:
    assert one(expression, arguments, "a, b" if " b" in expression and "b)]" in expression else "a") == expected


@pytest.mark.parametrize(
    ("statements", "arguments", "expected"),
    [
        ("t = a.strip()\nreturn t.upper()", "'x'", ["str.strip", "str.upper"]),
        ("x, y = a\nreturn x.upper() * y", "('x', 2)", ["str.upper", "str *"]),
        ("x, *y = a\nreturn y.copy()", "['x', 'y']", ["list.copy"]),
        ("for w in a:\n    w.upper()\nreturn 1", "['x']", ["str.upper"]),
        ("for k, v in a.items():\n    k.upper() * v\nreturn 1", "{'x': 1}", ["dict.items", "str.upper", "str *"]),
        ("for i, (x, y) in enumerate(a):\n    x.upper() * y\nreturn 1", "[('x', 2)]", ["enumerate", "str.upper", "str *"]),
        ("r = []\nfor w in a:\n    r.append(w)\nreturn r[0].upper()", "['x']", ["list.append", "list []", "str.upper"]),
        ("r = []\nr += a\nreturn r[0].upper()", "['x']", ["list +", "list []", "str.upper"]),
        ("r = []\nr.extend(a)\nreturn r[0].upper()", "['x']", ["list.extend", "list []", "str.upper"]),
        ("r = set()\nr.add(a)\nreturn [x.upper() for x in r]", "'x'", ["set", "set.add", "str.upper"]),
        ("r = {}\nr[a] = 1\nreturn [k.upper() for k in r]", "'x'", ["dict []=", "str.upper"]),
        ("r = {}\nr.setdefault(a, []).append(1)\nreturn r[a][0] + 1", "'x'",
         ["dict.setdefault", "list.append", "dict []", "list []", "int +"]),
        ("a[0] = 'y'\nreturn a", "['x']", ["list []="]),
        ("a[1:] = []\nreturn a", "['x']", ["list [:]="]),
        ("del a['x']\nreturn a", "{'x': 1}", ["dict del"]),
        ("del a[0]\nreturn a", "[1]", ["list del"]),
        ("a += 'y'\nreturn a", "'x'", ["str +"]),
        ("a[0] += 1\nreturn a", "[1]", ["list []", "int +"]),
        ("while a > 1:\n    a //= 2\nreturn a", "9", ["int >", "int //"]),
        ("if (n := len(a)) > 1:\n    return n + 1\nreturn a", "[1]", ["len", "int >", "int +"]),
        ("len = a\nreturn len.upper()", "'x'", ["str.upper"]),
    ],
)  # fmt: skip
def test_statements(statements: str, arguments: str, expected: list[str]) -> None:
    assert names(f"def f(a):\n{body(statements)}", arguments) == expected


@pytest.mark.parametrize("call", ["helper(a, 2)", "helper(n=2, w=a)", "helper(a, n=2)"])
def test_types_flow_into_a_helper_and_back(call: str) -> None:
    source = f"def f(a):\n    return {call}.lower()\n\ndef helper(w, n):\n    return w.upper() * n"
    assert names(source, "'x'") == ["str.lower", "str.upper", "str *"]


def test_arguments_given_by_name_are_looked_at() -> None:
    source = "def f(a):\n    return helper(w=a.strip())\n\ndef helper(w):\n    return w.upper()"
    assert names(source, "'x'") == ["str.strip", "str.upper"]
    assert names("def f(a):\n    return a.upper()", "a='x'") == ["str.upper"]


def test_a_helper_handed_over_is_typed_by_the_elements() -> None:
    source = "def helper(w):\n    return w.upper()\n\ndef f(a):\n    return list(map(helper, a))[0].lower()"
    assert names(source, "['x']") == ["str.upper", "list", "map", "list []", "str.lower"]


def test_a_comprehension_s_names_stay_inside() -> None:
    assert names("def f(a, b):\n    n = [a.upper() for a in b]\n    return a + 1", "1, ['x']") == ["str.upper", "int +"]


def test_what_is_not_known_is_said_once_for_each_entry_that_it_may_be() -> None:
    source = "def f(a):\n    return helper(a)\n\ndef helper(w):\n    return w\n\ndef other(z):\n    return z.index(1)"
    assert names(source, "1") == []
    assert names(source, "1", certain=False) == ["str.index", "list.index", "tuple.index"]


def test_a_name_of_two_types_is_not_certain() -> None:
    source = "def f(a):\n    a = a.split()\n    return a.index('x')"
    assert "str.index" not in names(source, "'x y'") and "str.index" in names(source, "'x y'", certain=False)


def test_the_result_of_a_method_that_is_no_entry_is_not_guessed() -> None:
    source = "def f(a):\n    t = a\n    t = a.encode()\n    return t.endswith(b'x')"
    assert names(source, "'x'") == []  # `t` is bytes in the end


def test_uses_are_in_the_order_of_the_source_whatever_looks_at_them_first() -> None:
    source = (
        "def helper(w):\n    return w.upper()\n\ndef f(a):\n    x = [helper(w) for w in a.split()]\n    return f'{x[0].lower()}'"
    )
    program = Program(source, "f", "'x y'")
    found = builtin_uses(program)
    assert [use.entry for use in found] == ["str.upper", "str.split", "str f", "list []", "str.lower"]
    assert len({(id(use.node), use.entry) for use in found}) == len(found)
    assert {id(use.node) for use in found} <= {id(node) for node in program.nodes}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1, "int"), (True, "bool"), ("", "str"), (1.5, "float"), ([], "list[any]"), ([1, 2], "list[int]"), ({}, "dict[any, any]"),
        ({"a": [1]}, "dict[str, list[int]]"), ((1, "a"), "tuple[int, str]"), ((), "tuple"), ({1}, "set[int]"), (None, "any"),
        ([1, None], "list[int]"), ([[], ["a"]], "list[list[str]]"), (b"x", "bytes"),
    ],
)  # fmt: skip
def test_the_types_of_values(value: object, kind: str) -> None:
    assert type_of_value(value) == kind


# ------------------------------------------------------------------------------------------------ held against runs


def test_the_observer_sees_what_happens() -> None:
    program = Program("def f(a):\n    b = a[0]\n    b += 'y'\n    return b.upper().encode() if b in a else -len(a)", "f", "['x']")
    seen = {ast.unparse(node): observe(program)[id(node)] for node in program.nodes if id(node) in observe(program)}
    assert seen == {"a[0]": {"list []"}, "b += 'y'": {"str +"}, "b in a": {"list in"}, "-len(a)": {"int neg"}}
    both = Program("def f(a):\n    return [x * 2 for x in a]", "f", "[1, 'x', 2.5, [1]]")
    assert list(observe(both).values()) == [{"int *", "str *", "float *", "list *"}]
    assert list(observe(Program("def f(a):\n    return a.encode().endswith(b'x')", "f", "'x'")).values()) == [
        {"bytes.endswith"}, {"str.encode"},
    ]  # fmt: skip
    assert program.call_arguments == ((["x"],), {})


def agreement(programs: list[Program]) -> Counter[str]:
    """Claims of methods and operators that were right or wrong in the run, and what happened and was claimed or not."""
    counted: Counter[str] = Counter()
    for program in programs:
        seen, claimed = observe(program), {(id(use.node), use.entry) for use in builtin_uses(program) if use.certain}
        for use in builtin_uses(program):
            if not use.certain or id(use.node) not in seen or CATALOG[use.entry].kind == "function":
                continue
            real = {
                what.rstrip("=") if use.entry.endswith("]") else what for what in seen[id(use.node)]
            }  # `xs[0] += 1` does both
            kind = CATALOG[use.entry].kind
            counted[f"{kind} right" if real == {use.entry} else f"{kind} wrong"] += 1
        for node, real in seen.items():
            for what in real & CATALOG.keys():
                kind = CATALOG[what].kind
                said = (node, what) in claimed or (what.endswith("]=") and (node, what[:-1]) in claimed)
                counted[f"{kind} claimed" if said else f"{kind} missed"] += 1
    return counted


def test_what_is_certain_is_right_in_cruxeval_s_programs() -> None:
    programs = cruxeval_programs()
    counted = agreement(programs)
    assert counted["method right"] > 1.25 * len(programs) and counted["operator right"] > 1.75 * len(programs), counted
    for kind in ("method", "operator"):
        assert counted[f"{kind} wrong"] <= 0.01 * counted[f"{kind} right"], counted
        assert counted[f"{kind} missed"] <= 0.04 * counted[f"{kind} claimed"], counted
