"""The six levels: a program that keeps each, and every way to break one with the reason that is given."""

import pytest

from execverify.errors import ExecVerifyError, ProgramError
from execverify.programs.catalog import CATALOG
from execverify.programs.constraints import LEVELS, Constraint, check, depth_of
from execverify.programs.program import Program
from execverify.programs.type_inference import builtin_uses
from tests.helpers.benchmarks import cruxeval_programs

STRIP = "def f(s):\n    return s.strip('-').strip()"
TWO = "def f(s):\n    return s.strip().upper()"
THREE = "def f(s):\n    n = 0\n    for w in s.split():\n        n += len(w)\n    return n"
FOUR = "def f(s):\n    n = 0\n    for w in s.split():\n        if w:\n            n += len(w)\n    return n"
FIVE = (
    "def f(s):\n    n = 0\n    for w in s.split():\n        for c in w:\n"
    "            if c.isdigit():\n                n += 1\n    return n"
)
SIX = (
    "def f(s):\n    return [helper(w) for w in s.split()]\n\n\ndef helper(w):\n"
    "    if w.isdigit():\n        return w\n    return w.upper()"
)


def verdict(source: str, level: int, method: str, arguments: str = "'a b'", entry_point: str = "f") -> str | None:
    return check(Program(source, entry_point, arguments), Constraint(level, method))


# ------------------------------------------------------------------------------------------------ the constraint itself


def test_a_constraint_is_text_and_back() -> None:
    for level in LEVELS:
        for method in CATALOG:
            constraint = Constraint(level, method)
            assert Constraint.parse(str(constraint)) == constraint
    assert str(Constraint(3, "str.split")) == "level 3 with str.split"


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda: Constraint(7, "str.split"), "level 7 is unknown: the levels are 1 to 6"),
        (lambda: Constraint(0, "str.split"), "level 0 is unknown: the levels are 1 to 6"),
        (lambda: Constraint(1, "str.spilt"), "'str.spilt' is not in the catalogue: did you mean str.split"),
        (lambda: Constraint.parse("three with str.split"), "is no constraint: it reads like 'level 3 with str.split'"),
        (lambda: Constraint.parse("level 9 with str.split"), "level 9 is unknown"),
        (lambda: Constraint.parse("level 2 with str.spilt"), "did you mean"),
    ],
)
def test_what_is_no_constraint_is_refused_in_one_line(action, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ProgramError) as caught:
        action()
    assert isinstance(caught.value, ExecVerifyError)
    assert message in str(caught.value) and "\n" not in str(caught.value)


# ------------------------------------------------------------------------------------------------ programs that keep a level


@pytest.mark.parametrize(
    ("level", "method", "source", "arguments"),
    [
        (1, "str.strip", STRIP, "'-a -'"),
        (1, "str.split", "def f(s):\n    return s.split('-')[0].split()", "'a b-c'"),
        (1, "str.replace", "def f(s):\n    return s.replace('a', s.replace('b', 'c'))", "'ab'"),
        (1, "int +", "def f(a, b):\n    return a + b + 1", "1, 2"),
        (1, "bool and", "def f(a, b, c):\n    return a and b and c", "True, False, True"),
        (1, "sorted", "def f(xs):\n    return sorted(sorted(xs)[1:])", "[3, 1, 2]"),
        (1, "list.append", "def f(xs):\n    xs.append(1)\n    xs.append(2)\n    return xs", "[]"),
        (1, "str.isdigit", "def f(s):\n    return [s.isdigit(), s[0].isdigit()]", "'1'"),
        (1, "list []=", "def f(xs):\n    xs[0] = 1\n    xs[1] = 2\n    return xs", "[3, 4]"),
        (1, "str.upper", "def f(s):\n    return [c.upper().upper() for c in s if c != 'a']", "'ab'"),
        (2, "str.strip", TWO, "' a'"),
        (2, "int +", "def f(xs):\n    return len(xs) + 1", "[1]"),
        (2, "str.upper", "def f(xs):\n    return list(map(str.upper, xs))", "['a']"),
        (2, "list.count", "def f(xs):\n    return max(xs, key=xs.count)", "[1, 1, 2]"),
        (3, "str.split", THREE, "'a b'"),
        (3, "str.split", ("def f(s):\n    if s:\n        x = 1\n    elif len(s) > 2:\n"
"        x = 2\n    else:\n        x = 3\n    return s.split()[:x]"), "'a'"),
        (3, "str.split", "def f(s):\n    for w in s.split():\n        w.upper()\n    while s:\n        s = s[1:]\n    return s", "'a'"),
        (4, "str.split", FOUR, "'a b'"),
        (5, "str.isdigit", FIVE, "'a 1'"),
        (6, "str.split", SIX, "'a 1'"),
        (6, "str.upper", SIX, "'a 1'"),
        (6, "str.isdigit", SIX, "'a 1'"),
    ],
)  # fmt: skip
def test_kept(level: int, method: str, source: str, arguments: str) -> None:
    assert verdict(source, level, method, arguments) is None


def test_a_level_is_no_other_level() -> None:
    programs = {1: STRIP, 2: TWO, 3: THREE, 4: FOUR, 5: FIVE, 6: SIX}
    methods = {1: "str.strip", 2: "str.strip", 3: "str.split", 4: "str.split", 5: "str.split", 6: "str.split"}
    for made, source in programs.items():
        kept = [level for level in LEVELS if verdict(source, level, methods[made]) is None]
        assert kept == [made]


# ------------------------------------------------------------------------------------------------ the contract of all levels

BROKEN_FORM = [
    ("import re\ndef f(s):\n    return s.strip().strip()", "line 1 is no plain function (Import)"),
    ("x = 1\ndef f(s):\n    return s.strip().strip()", "line 1 is no plain function (Assign)"),
    ("'text'\ndef f(s):\n    return s.strip().strip()", "line 1 is no plain function (Expr)"),
    ("def f(s):\n    return s.strip().strip()\nclass A:\n    pass", "line 3 is no plain function (ClassDef)"),
    ("def f(s):\n    return s.strip().strip()\nasync def g(s):\n    return s", "line 3 is no plain function (AsyncFunctionDef)"),
    ("def f(s):\n    return s\ndef f(s):\n    return s.strip().strip()", "line 3 defines f a second time"),
    ("def f(s):\n    # why\n    return s.strip().strip()", "line 2 has a comment"),
    ("def f(s):\n    return s.strip().strip()  # why", "line 2 has a comment"),
    ("def f(s):\n    'what it does'\n    return s.strip().strip()", "line 2 is a text or number that does nothing"),
    ("def f(s):\n    ...\n    return s.strip().strip()", "line 2 is a text or number that does nothing"),
    ("def f(s='a'):\n    return s.strip().strip()", "line 1: parameters are plain, without defaults or stars"),
    ("def f(*s):\n    return s[0].strip().strip()", "line 1: parameters are plain, without defaults or stars"),
    ("def f(s, **k):\n    return s.strip().strip()", "line 1: parameters are plain, without defaults or stars"),
    ("def f(s, *, k=1):\n    return s.strip().strip()", "line 1: parameters are plain, without defaults or stars"),
    ("def f(s):\n    return g() + s.strip().strip()\ndef g():\n    return 'a'", "line 3: g has no parameter"),
    ("def g(h):\n    return h\n@g\ndef f(s):\n    return s.strip().strip()", "f is decorated"),
    ("def f(s):\n    def g(t):\n        return t\n    return g(s.strip().strip())", "line 2 uses FunctionDef, which no level has"),
    (("def f(s):\n    try:\n        return s.strip().strip()\n"
"    except ValueError:\n        return s"), "line 2 uses Try, which no level has"),
    ("def f(s):\n    with s:\n        return s.strip().strip()", "line 2 uses With, which no level has"),
    ("def f(s):\n    match s:\n        case 'a':\n            pass\n    return s.strip().strip()", "line 2 uses Match, which no level has"),
    ("def f(s):\n    global x\n    x = 1\n    return s.strip().strip()", "line 2 uses Global, which no level has"),
    ("def f(s):\n    import re\n    return s.strip().strip()", "line 2 uses Import, which no level has"),
    ("def f(s):\n    assert s\n    return s.strip().strip()", "line 2 uses Assert, which no level has"),
    ("def f(s):\n    if s:\n        raise ValueError\n    return s.strip().strip()", "line 3 uses Raise, which no level has"),
    ("def f(s):\n    yield s.strip().strip()", "line 2 uses Yield, which no level has"),
    ("def f(s):\n    yield from s.strip().strip()", "line 2 uses YieldFrom, which no level has"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "why"), BROKEN_FORM, ids=[why for _, why in BROKEN_FORM])
def test_the_contract_of_all_levels(source: str, why: str) -> None:
    for level in LEVELS:
        said = verdict(source, level, "str.strip")
        assert said is not None and why in said and "\n" not in said


@pytest.mark.parametrize("text", ["'#'", "'''a\n# not one\n'''", '"it\'s #1"', "f'{s}#'"])
def test_a_hash_in_a_text_is_no_comment(text: str) -> None:
    assert verdict(f"def f(s):\n    return s.strip({text}).strip()", 1, "str.strip") is None


# ------------------------------------------------------------------------------------------------ ways to break a level

NESTED = "level 1 calls str.strip on what it gave, and no use of it is inside another"
BROKEN_LEVEL = [
    (1, "str.strip", "def f(s):\n    return s.strip()", NESTED),
    (1, "str.strip", "def f(s):\n    return [s.strip(), s.strip('a')]", NESTED),
    (1, "str.strip", "def f(s):\n    return s.strip().strip().upper()", "level 1 has no call but str.strip: line 2 uses str.upper"),
    (1, "str.strip", "def f(s):\n    return len(s.strip().strip())", "level 1 has no call but str.strip: line 2 uses len"),
    (1, "str.strip", "def f(s):\n    if s:\n        return s.strip().strip()\n    return s",
     "level 1 nests control flow 0 deep, and this nests it 1 deep"),
    (1, "str.strip", "def f(s):\n    return s.lower()", "it does not use str.strip"),
    (1, "str.isdigit", "def f(s):\n    return s.isdigit()", "level 1 uses str.isdigit at least twice"),
    (1, "str.strip", f"{STRIP}\ndef g(s):\n    return s", "level 1 has one function, not 2"),
    (2, "str.strip", "def f(s):\n    return s.strip()", "level 2 needs another built-in beside str.strip"),
    (2, "str.strip", "def f(s):\n    return s.strip() + 'a'", "level 2 needs another built-in beside str.strip"),
    (2, "str.strip", STRIP, "level 2 needs another built-in beside str.strip"),
    (2, "str.title", TWO, "it does not use str.title"),
    (2, "str.split", THREE, "level 2 nests control flow 0 deep, and this nests it 1 deep"),
    (2, "str.split", SIX, "level 2 has one function, not 2"),
    (3, "str.strip", TWO, "level 3 nests control flow 1 deep, and this nests it 0 deep"),
    (3, "str.split", FOUR, "level 3 nests control flow 1 deep, and this nests it 2 deep"),
    (3, "str.split", "def f(s):\n    for w in s.split():\n        s += w\n    return s", "level 3 needs another built-in beside str.split"),
    (4, "str.split", THREE, "level 4 nests control flow 2 deep, and this nests it 1 deep"),
    (4, "str.split", FIVE, "level 4 nests control flow 2 deep, and this nests it 3 deep"),
    (5, "str.split", FOUR, "level 5 nests control flow 3 deep, and this nests it 2 deep"),
    (5, "str.split", SIX, "level 5 has one function, not 2"),
    (6, "str.split", THREE, "level 6 has exactly two functions, not 1"),
    (6, "str.split", f"{SIX}\n\n\ndef g(s):\n    return s", "level 6 has exactly two functions, not 3"),
    (6, "str.split", f"{THREE}\n\n\ndef helper(w):\n    return w", "f does not call helper"),
    (6, "str.upper", "def f(s):\n    return helper(s)\n\n\ndef helper(w):\n    return w.strip().upper()",
     "level 6 nests control flow 1 to 3 deep, and this nests it 0 deep"),
    (6, "str.upper", ("def f(s):\n    if s:\n        return f(helper(s))\n    return s\n"
"\n\ndef helper(w):\n    return w[1:].strip().upper()"),
     "f is called again from inside: there is one call"),
    (6, "str.upper", ("def f(s):\n    return helper(s)\n\n\ndef helper(w):\n"
"    if w:\n        return f(w[1:].strip())\n    return w.upper()"),
     "f is called again from inside: there is one call"),
    (6, "str.title", SIX, "it does not use str.title"),
    (6, "str.isdigit", "def f(s):\n    return helper(s)\n\n\ndef helper(w):\n    if w.isdigit():\n        return 1\n    return 2",
     "level 6 needs another built-in beside str.isdigit"),
]  # fmt: skip


@pytest.mark.parametrize(("level", "method", "source", "why"), BROKEN_LEVEL)
def test_broken(level: int, method: str, source: str, why: str) -> None:
    assert verdict(source, level, method) == why


# ------------------------------------------------------------------------------------------------ depth


@pytest.mark.parametrize(
    ("source", "depth"),
    [
        ("return a", 0),
        ("if a:\n    return 1\nreturn 2", 1),
        ("if a:\n    return 1\nelif a > 2:\n    return 2\nelif a > 3:\n    return 3\nelse:\n    return 4", 1),
        ("if a:\n    return 1\nelse:\n    if a > 2:\n        return 2\nreturn 3", 2),
        ("if a:\n    return 1\nelif a > 2:\n    if a > 3:\n        return 2\nreturn 3", 2),
        ("for i in a:\n    pass\nelse:\n    while a:\n        a -= 1\nreturn a", 2),
        ("for i in a:\n    for j in a:\n        if i:\n            return i\nwhile a:\n    a -= 1\nreturn a", 3),
        ("if a:\n    for i in a:\n        if i:\n            while i:\n                i -= 1\nreturn a", 4),
        ("return [i for i in a if i for j in a] if a else 2", 0),
    ],
)
def test_depth(source: str, depth: int) -> None:
    lines = "\n".join(f"    {line}" for line in source.splitlines())
    function = Program(f"def f(a):\n{lines}", "f", "1").tree.body[0]
    assert depth_of(function) == depth  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------ what is not known


def test_an_unknown_type_counts_for_the_method_under_test_and_for_no_other() -> None:
    source = "def f(a):\n    return [a]\n\n\ndef helper(w):\n    return w"
    assert verdict(source, 6, "str.upper") is not None
    mixed = "def f(a):\n    a = [a, 1][0]\n    return a.index('b', a.index('b'))"
    assert [use.certain for use in builtin_uses(Program(mixed, "f", "'ab'")) if use.entry == "str.index"] == [False, False]
    assert verdict(mixed, 1, "str.index", "'ab'") is None and verdict(mixed, 1, "list.index", "'ab'") is None
    assert verdict(mixed, 2, "list []", "'ab'") == "level 2 needs another built-in beside list []"


# ------------------------------------------------------------------------------------------------ programs of others


def test_no_program_of_cruxeval_makes_check_raise() -> None:
    checked = kept = 0
    programs = cruxeval_programs()
    for program in programs:
        for method in ("str.split", "list.append", *sorted({use.entry for use in builtin_uses(program)})):
            for level in LEVELS:
                said = check(program, Constraint(level, method))
                assert said is None or (said and "\n" not in said)
                checked, kept = checked + 1, kept + (said is None)
    assert checked > 25 * len(programs) and kept > 1.25 * len(programs)


def test_an_equal_program_is_judged_by_its_own_tree() -> None:
    source = "def f(s):\n    return s.strip().strip()"
    one, two = Program(source, "f", "'a'"), Program(source, "f", "'a'")
    for program in (one, two):  # the second one's nodes are others than those that the first one's uses stand at
        assert check(program, Constraint(1, "str.strip")) is None
