"""What crosses between a candidate and assertions: values come back as they were, names are whose they are, objects pay nobody."""

import array
import collections
import datetime
import decimal
import fractions
import pathlib
import types
import uuid
from typing import Any

import pytest

from execverify.errors import LiteralError
from execverify.sandbox.candidates import CandidateWithAsserts, run_asserts
from execverify.sandbox.name_analysis import candidate_names, used_classes
from execverify.sandbox.result import Limits, Outcome, Result
from execverify.sandbox.value_codec import Decoder, NotEncodable, encode

Point = collections.namedtuple("Point", "x y")
VALUES = [
    datetime.date(2020, 2, 29),
    datetime.datetime(2020, 1, 2, 3, 4, 5, 6, datetime.timezone(datetime.timedelta(hours=2))),
    datetime.datetime(2020, 1, 2, fold=1),
    datetime.time(3, 4),
    datetime.timedelta(days=-1, seconds=3),
    decimal.Decimal("1.50"),
    decimal.Decimal("NaN"),
    fractions.Fraction(-3, 2),
    collections.deque([1, (2, [3])], maxlen=4),
    collections.Counter("abca"),
    collections.OrderedDict([(2, "b"), (1, "a")]),
    collections.defaultdict(list, {"a": [1]}),
    pathlib.PurePosixPath("a/b"),
    uuid.UUID(int=7),
    array.array("i", [1, 2]),
    types.SimpleNamespace(a=1, b=[2]),
    slice(1, None, 2),
    int,
    len,
    {(1, decimal.Decimal(1)): [{fractions.Fraction(1, 2)}, ()]},
    [{"a": 1}.keys(), {"a": 1}.items()],
    Point(1, (2,)),
]


@pytest.mark.parametrize("value", VALUES, ids=[type(value).__name__ + str(place) for place, value in enumerate(VALUES)])
def test_values_come_back_equal_and_of_their_type(value: Any) -> None:
    text = encode(value)
    back = Decoder({}).decode(text)
    assert repr(back) == repr(value) and type(back).__name__ == type(value).__name__
    assert encode(back) == text
    assert back == value or value != value or isinstance(value, list)


def test_a_default_factory_of_ones_own_does_not_cross() -> None:
    back = Decoder({}).decode(encode(collections.defaultdict(lambda: 3, {1: 2})))
    assert back == {1: 2} and back.default_factory is None


@pytest.mark.parametrize("value", [object(), [lambda: 1], open, {1: type("A", (), {})()}, Exception("x"), iter([])])
def test_what_has_no_form_does_not_cross(value: Any) -> None:
    with pytest.raises(NotEncodable):
        encode(value)


@pytest.mark.parametrize(
    "text",
    [
        "@[]", "@[[], ('no such tag', 1)]", "@[[], ('builtin', 'open')]", "@[[], ('builtin', '__import__')]", "@[[], ('Fraction', 1, 0)]",
        "@[[], ('date', 2020, 13, 1)]", "@[[], ('Decimal', 'x')]", "@[[], ('made', 0)]", "@[[['os', -1, {}]], ('made', 0)]",
        "@[[], ('deque', 'a', 1)]", "@[[], ('timezone', 3, 4)]", "@[[], ()]", "@3", "@", "@[[], {('deque', None): 1}]", "__import__('os')",
        "@[[], ('defaultdict', 3, 4)]", "@[[], ('array', 'Q', ['x'])]", "@[[[1, 2]], 3]", "@[[], ('namespace', 3)]",
    ],
)  # fmt: skip
def test_forged_text_is_a_literal_error_and_builds_nothing(text: str) -> None:
    with pytest.raises(LiteralError):
        Decoder({}).decode(text)


# -------------------------------------------------------------------------------------------------------------- in the sandbox


def check(source: str, *asserts: str, setup: str = "", entry_point: str | None = "f", context: str = "") -> tuple[Result, ...]:
    candidate = CandidateWithAsserts(source, setup, asserts, entry_point, context)
    (results,) = run_asserts([candidate], limits=Limits(timeout=3.0))
    return results


def said(results: tuple[Result, ...]) -> list[str]:
    return ["held" if result.outcome == Outcome.RETURNED else str(result.error or result.outcome) for result in results]


STACK = """
class Stack:
    LIMIT = 3
    def __init__(self, *items):
        self.items = list(items)
    def push(self, item):
        self.items.append(item)
        return self
    def pop(self):
        return self.items.pop()
    def __len__(self):
        return len(self.items)
    def __iter__(self):
        return iter(self.items)
    def __str__(self):
        return f"Stack{self.items}"
    @staticmethod
    def of(*items):
        return Stack(*items)
    @property
    def top(self):
        return self.items[-1]
    def __enter__(self):
        return self
    def __exit__(self, *ended):
        self.items.clear()
"""


@pytest.mark.parametrize(
    ("test", "ended"),
    [
        ("s = Stack()\ns.push(1)\ns.push(2)\nassert s.pop() == 2 and s.pop() == 1", "held"),
        ("s = Stack()\ns.push(1)\nassert s.pop() == 2", "AssertionError"),
        ("assert len(Stack(1, 2)) == 2 and list(Stack(1, 2)) == [1, 2] and str(Stack(1)) == 'Stack[1]'", "held"),
        ("assert Stack(1).push(2).top == 2 and Stack.LIMIT == 3 and Stack.of(4).pop() == 4", "held"),
        ("s = Stack(1)\ns.items = [5]\nassert s.top == 5", "held"),
        ("with Stack(1) as s:\n    assert len(s) == 1\nassert len(s) == 0", "held"),
        ("assert isinstance(Stack(), Stack) and type(Stack()).__name__ == 'Stack'", "held"),
        ("s = Stack()\nassert s.push(1) is s", "held"),
        ("try:\n    Stack().pop()\nexcept IndexError:\n    pass\nelse:\n    assert False", "held"),
        ("assert Stack().no_such", "AttributeError"),
        ("assert Stack(1) == Stack(1)", "unsupported"),
        ("assert Stack(1) in [Stack(1)]", "unsupported"),
        ("assert Stack(1) < 3", "unsupported"),
    ],
)
def test_objects_of_a_class_that_tests_use(test: str, ended: str) -> None:
    assert said(check(STACK, test, entry_point="Stack")) == [ended]


@pytest.mark.parametrize(
    "test",
    [
        "assert f(1) == 3", "assert 3 == f(1)", "assert f(1) in (3,)", "assert f(1) <= 3", "assert sorted([f(1), 3]) == [3, 3]",
        "assert f(1).value == 3", "assert f(1).get() == 3", "assert len(f(1)) == 3", "assert str(f(1)) == '3'", "assert f(1)[0] == 3",
        "assert f(1) + 0 == 3", "assert isinstance(f(1), int)", "assert f(1).value() == 3 and f(1) != 4", "assert {f(1): 1} == {3: 1}",
        "assert next(iter(f(1))) == 3", "assert f'{f(1)}' == '3'", "assert f(1)() == 3", "import pytest\nassert f(1) == pytest.approx(3)",
        "import math\nassert math.isclose(f(1), 3)", "assert abs(f(1) - 3) < 1e-6", "assert not f(1) - 3", "assert float(f(1)) == 3.0",
    ],
)  # fmt: skip
def test_an_object_that_says_yes_to_everything_is_never_paid(test: str) -> None:
    yes = """
class Yes:
    def __init__(self, *given): pass
    def __getattr__(self, name):
        if name.startswith("__"): raise AttributeError(name)
        return Yes()
    def __call__(self, *given, **named): return Yes()
    def __bool__(self): return True
    def __str__(self): return "yes"
    __repr__ = __format__ = lambda self, *how: "yes"
    def __hash__(self): return hash(3)
    def __len__(self): return 7
    def __iter__(self): return iter([Yes()])
for _name in "eq ne lt le gt ge contains".split():
    setattr(Yes, f"__{_name}__", lambda self, other: True)
for _name in "getitem add sub mul radd rsub abs neg float".split():
    setattr(Yes, f"__{_name}__", lambda self, *other: Yes())
def f(n): return Yes()
"""
    (result,) = check(yes, test)
    assert result.outcome != Outcome.RETURNED, result


@pytest.mark.parametrize(
    ("source", "test"),
    [
        ("def f(n):\n    yield from range(n)", "assert list(f(2000)) == list(range(2000))"),
        ("def f(n):\n    while True:\n        yield n\n        n += 1", "g = f(3)\nassert [next(g), next(g), next(g)] == [3, 4, 5]"),
        ("def f(n):\n    yield 1\n    raise KeyError('k')", "g = f(1)\nassert next(g) == 1\ntry:\n    next(g)\nexcept KeyError:\n    pass\nelse:\n    assert False"),
        ("def f(n): return map(str, range(n))", "assert list(f(2)) == ['0', '1'] and type(f(2)).__name__ == 'map'"),
        ("def f(n): return {1: n}.items()", "assert list(f(2)) == [(1, 2)] and (1, 2) in f(2)"),
        ("import itertools\ndef f(n): return itertools.count(n)", "assert next(f(4)) == 4"),
        ("async def f(n): return n + 1", "import asyncio\nassert asyncio.run(f(1)) == 2"),
        ("async def f(n): raise KeyError(n)", "import asyncio\ntry:\n    asyncio.run(f(1))\nexcept KeyError:\n    pass\nelse:\n    assert False"),
        ("def f(n): print('n is', n)", "import io, contextlib\nb = io.StringIO()\nwith contextlib.redirect_stdout(b):\n    f(2)\nassert b.getvalue() == 'n is 2\\n'"),
        ("def f(xs): return sum(xs)", "assert f(x for x in range(4)) == 6 and f(map(int, '12')) == 3"),
        ("def f(q): q.append(3); return q", "from collections import deque\nq = deque([1])\nassert f(q) == deque([1, 3]) and q == deque([1, 3])"),
        ("def f(xs): xs.sort(); return xs", "xs = list(range(25000, 0, -1))\nassert f(xs) == sorted(xs) and xs[0] == 1"),
        ("def f(g, n): return g(n)", "assert f(str, 3) == '3' and f(abs, -3) == 3"),
        ("def g(n): return n + 1\ndef f(h, n): return h(n)", "assert f(g, 1) == 2"),
        ("class MyError(ValueError): pass\ndef f(n): raise MyError('bad', n)", "try:\n    f(1)\nexcept MyError as e:\n    assert e.args == ('bad', 1) and isinstance(e, ValueError)\nelse:\n    assert False"),
        ("class Base(Exception): pass\nclass Sub(Base): pass\ndef f(n): raise Sub('x')", "import pytest\nwith pytest.raises(Base, match='x'):\n    f(1)"),
    ],
)  # fmt: skip
def test_right_code_passes_whatever_it_gives(source: str, test: str) -> None:
    assert said(check(source, test)) == ["held"]


NODE = "class Node:\n    def __init__(self, value, next=None):\n        self.value = value\n        self.next = next\n"
LINKS = "def links(*values):\n    made = None\n    for value in reversed(values):\n        made = Node(value, made)\n    return made\ndef values(n):\n    while n:\n        yield n.value\n        n = n.next\n"


@pytest.mark.parametrize(
    ("source", "test", "ended"),
    [
        ("def f(n):\n    last = None\n    while n:\n        n.next, last, n = last, n, n.next\n    return last", "assert list(values(f(links(1, 2, 3)))) == [3, 2, 1]", "held"),
        ("def f(n): return n", "n = links(1, 2)\nassert f(n) is n", "held"),
        ("def f(n):\n    n.value = 7", "n = links(1, 2)\nf(n)\nassert n.value == 7 and n.next.value == 2", "held"),
        ("def f(n):\n    n.next = n", "n = links(1)\nf(n)\nassert n.next is n", "held"),
        ("def f(n): return sum(1 for _ in iter(lambda: None, None)) if 0 else 3", "assert f(links(*range(500))) == 3", "held"),
        ("def f(n): return Node(2)", "assert f(None).value == 3", "AssertionError"),
        ("class Node:\n    def __eq__(self, other): return True\ndef f(n):\n    made = Node()\n    made.value = 1\n    return made", "assert f(None) == links(3)", "AssertionError"),
        ("def f(n): return 1\ndel Node", "assert f(links(1)) == 1", "NameError"),
    ],
)  # fmt: skip
def test_objects_of_the_problems_own_classes_cross(source: str, test: str, ended: str) -> None:
    assert said(check(source, test, setup=NODE + LINKS, context=NODE)) == [ended]


# --------------------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize("source", ["def f(n): pass\ndel f", "f = None", "f = 3", "x = 1", "def f_(n): return n + 1", "f = []"])
@pytest.mark.parametrize(
    ("setup", "test"),
    [
        ("def f(n): return n + 1", "assert f(1) == 2"),
        ("", "def f(n): return n + 1\nassert f(1) == 2"),
        ("f = lambda n: n + 1", "assert f(1) == 2"),
        ("", "assert f(1) == 2"),
        ("", "assert True"),
    ],
)
def test_the_entry_point_comes_from_the_candidate_or_every_test_fails(source: str, setup: str, test: str) -> None:
    (result,) = check(source, test, setup=setup)
    assert result.outcome == Outcome.RAISED or (source in ("f = None", "f = 3", "f = []") and "f(1)" not in test)
    if result.outcome == Outcome.RAISED:
        assert result.error in ("NameError", "TypeError")


@pytest.mark.parametrize("name", ["max", "sorted", "print", "f"])
def test_no_builtin_stands_for_the_entry_point(name: str) -> None:
    assert said(check("x = 1", f"assert {name}([1, 2]) == {name}([1, 2])", entry_point=name)) == ["NameError"]
    assert said(check(f"def {name}(xs): return 7", f"assert {name}([1, 2]) == 7", entry_point=name)) == ["held"]


def test_the_setups_own_function_of_that_name_is_not_called() -> None:
    setup = "def f(n): return n + 1\ndef helper(n): return f(n)"
    assert said(check("def f(n): return 0", "assert f(1) == 2", "assert helper(1) == 2", "assert f(1) == 0", setup=setup)) == [
        "AssertionError", "AssertionError", "held",
    ]  # fmt: skip


@pytest.mark.parametrize("theirs", ["from collections import *", "class deque: pass", "deque = 3", "def deque(v): return 7"])
def test_a_name_that_the_setup_makes_is_never_the_candidates(theirs: str) -> None:
    setup = "from collections import *\ndef made(v):\n    return deque(v)"
    results = check(f"{theirs}\ndef f(n): return n + 1", "assert f(1) == 2", "assert len(made([1, 2])) == 2", setup=setup)
    assert said(results) == ["held", "held"]


def test_names_are_read_without_running_anything() -> None:
    assert candidate_names(["from math import *\nx = pi", "assert f(x, y) == len(z)"], "f") == {"f", "y", "z"}
    assert candidate_names(["", "assert max(f(1))"], "max") == {"f", "max"}
    assert candidate_names(["", "assert f(1)"], "Solution.f") == {"Solution.f"}
    assert candidate_names(["", "def t():\n    global made\n    made = f(1)\nassert made"]) == {"f"}
    with pytest.raises(ValueError, match="imports all names of antigravity"):
        candidate_names(["from antigravity import *"])


def test_classes_are_told_by_how_they_are_used() -> None:
    names = {"f", "g", "Stack", "MyError", "K"}
    code = "s = Stack()\ntry:\n    f(K)\nexcept MyError:\n    pass\nassert g(1).x == 1 and f(2).upper() == 'A'"
    assert used_classes([code], names) == {"Stack", "MyError", "g"}


def test_what_a_test_needs_and_cannot_have_is_of_the_test() -> None:
    (numpy, fixture, right) = check(
        "def f(n): return n",
        "import no_such_module\nassert f(1) == 1",
        "import pytest\ndef test(tmp_path):\n    assert f(1) == 1\n__run_test__(test)",
        "import pytest\n@pytest.mark.parametrize('n', [1, 2])\ndef test(n):\n    assert f(n) == pytest.approx(n)\n__run_test__(test)",
    )
    assert (numpy.outcome, fixture.outcome, right.outcome) == (Outcome.UNSUPPORTED, Outcome.UNSUPPORTED, Outcome.RETURNED)
    assert numpy.detail.startswith("the test needs") and fixture.detail.startswith("the test needs")
    (faked,) = check("def f(n): raise ModuleNotFoundError('x')", "assert f(1) == 1")
    assert faked.outcome == Outcome.FORBIDDEN or faked.outcome == Outcome.RAISED, "a candidate cannot say that of itself"
