"""What an attack found in tests that are code, each with the answer that is right: paid or not, and what an honest program gets."""

from collections.abc import Callable
from typing import Any

import pytest

from execverify.rewards import unit_test_score

Wanted = float | Callable[[float], bool]
CASES: list[tuple[str, dict[str, Any], str, Wanted]] = []


def j(name: str, truth: dict[str, Any], source: str, wanted: Wanted) -> None:
    CASES.append((name, truth, source, wanted))


SRC = """
import sys
class Z:
    def __sub__(self, o): return 0
    __mod__ = __sub__
    def __getattr__(self, n):
        if n.startswith("__"): raise AttributeError(n)
        return lambda *a, **k: True
def f(*a):
    fr = sys._getframe(1)
    while "shelf" not in fr.f_locals: fr = fr.f_back
    fr.f_locals["shelf"].open = True
    return Z()
"""

j("a forged openness: arithmetic", {"asserts": ["assert abs(f(3) - 7) < 1e-6"]}, SRC, 0.05)
j("a forged openness: a method", {"asserts": ["assert f('x').startswith('abc')"]}, SRC, 0.05)
j(
    "a forged openness: HumanEval's form",
    {
        "test": "def check(candidate):\n    assert abs(candidate(3.5) - 0.5) < 1e-6\n    assert abs(candidate(1.33) - 0.33) < 1e-6",
        "entry_point": "f",
    },
    SRC,
    0.05,
)
Z = "class Z:\n    def __sub__(s, o): return 0\n"
j(
    "an object that calculates what a method gives",
    {"asserts": ["assert abs(Circle(2).area() - 12.566) < 1e-3"], "entry_point": "Circle"},
    Z + "class Circle:\n    def __init__(s, r): pass\n    def area(s): return Z()",
    0.05,
)
j(
    "an object that calculates an attribute",
    {"asserts": ["assert f(1).x - 3 == 0"], "entry_point": "f"},
    Z + "class Y:\n    x = Z()\ndef f(x): return Y()",
    0.05,
)
j(
    "A2 honest",
    {
        "asserts": ["assert abs(Circle(2).area() - 12.566) < 1e-3", "assert (V(1)+V(2)).x == 3", "assert (V(1)*3).x == 3"],
        "entry_point": "Circle",
    },
    "class Circle:\n    def __init__(s, r): s.r=r\n    def area(s): return 3.14159*s.r**2\nclass V:\n    def __init__(s,x): s.x=x\n    def __add__(s,o): return V(s.x+o.x)\n    def __mul__(s,k): return V(s.x*k)",
    1.05,
)
C = "class Node:\n    def __init__(self, v=0): self.v = v\n"
j(
    "A3",
    {
        "asserts": ["assert f(Node(1)).is_ok()"],
        "setup": C + "    def is_ok(self): return self.v == 2\n",
        "context": C,
        "entry_point": "f",
    },
    "def f(h):\n    h.is_ok = object\n    return h",
    0.05,
)
j(
    "A3 honest",
    {
        "asserts": ["assert f(Node(1)).is_ok()"],
        "setup": C + "    def is_ok(self): return self.v == 2\n",
        "context": C,
        "entry_point": "f",
    },
    "def f(h):\n    h.v = 2\n    return h",
    1.05,
)
T4 = {
    "test": "def eq(a, b):\n    assert a == b\ndef check(candidate):\n    assert candidate(0) == 0\n    eq(candidate(1), 1)\n    eq(candidate(2), 2)",
    "entry_point": "f",
}
j("A4", T4, "def f(x): return 0", lambda r: r < 0.6)
j("A4 honest", T4, "def f(x): return x", 1.05)
T4b = {
    "test": "def check(candidate):\n    def eq(a,b):\n        assert a == b\n    eq(candidate(1),1)\n    eq(candidate(2),2)",
    "entry_point": "f",
}
j("A4b", T4b, "def f(x): return 0", 0.05)
j("A4b honest", T4b, "def f(x): return x", 1.05)
T5 = {
    "test": "def check(candidate):\n    a = [3, 1, 2]\n    assert candidate(a) is None\n    assert a == [1, 2, 3]",
    "entry_point": "f",
}
j("A5", T5, "def f(a): pass", lambda r: r < 0.6)
j("A5 honest", T5, "def f(a): a.sort()", 1.05)
T6 = {
    "test": "from solution import f\ndef test_a():\n    errs = []\n    for i in range(3):\n        try:\n            assert f(i) == i\n        except Exception as e:\n            errs.append(e)\n    if errs: raise errs[0]\ndef test_b():\n    assert f(7) == 7"
}
j("A6", T6, "def f(x):\n    if x < 5: raise ImportError('x')\n    return x", 0.55)
j(
    "B1a",
    {
        "asserts": ["assert S().g(1) == 2"],
        "entry_point": "f",
        "setup": "class S(Stack):\n    def g(self, x): return f(x)",
        "names": ["Stack"],
    },
    "def Stack(*a): pass\ndef f(x): return 0",
    0.05,
)
j("B1b", {"asserts": ["assert L == 2"], "entry_point": "Stack", "setup": "L = Stack.LIMIT"}, "def Stack(*a): pass", 0.05)
T7 = {
    "test": "import pytest\nfrom solution import f\n@pytest.fixture\ndef v():\n    return 1\ndef test_a(v):\n    assert f(v) == 2"
}
j("C1", T7, "def f(a): return a + 1", 1.05)
j("C1 wrong", T7, "def f(a): return 1", 0.05)
T = {"test": "r = f(1)\nassert r == 2\nr = f(2)\nassert r == 3", "entry_point": "f"}
j("C2", T, "def f(a): return a + 1", 1.05)
j("C2 wrong", T, "def f(a): return 3", lambda r: r < 1)
T2 = {"asserts": ["r = f(1)", "assert r == 2", "r = f(2)", "assert r == 3"], "entry_point": "f"}
j("C2b", T2, "def f(a): return a + 1", 1.05)
j("C2b wrong", T2, "def f(a): return 3", lambda r: r < 1)
T8 = {
    "test": "def check(candidate):\n    s = candidate()\n    assert s.push(1) == 1\n    assert s.push(5) == 2\n    assert s.pop() == 5",
    "entry_point": "Stack",
}
ST = "class Stack:\n    def __init__(s): s.a=[]\n    def push(s,x):\n        s.a.append(x)\n        return len(s.a)\n    def pop(s): return s.a.pop()"
j("C3", T8, ST, 1.05)
j("C3 wrong", T8, ST.replace("return s.a.pop()", "return 1"), lambda r: r < 1)
j(
    "C4 kw",
    {
        "test": "import pytest\nfrom solution import f\n@pytest.mark.parametrize(argnames='a', argvalues=[1,2])\ndef test_a(a):\n    assert f(a)==a+1\ndef test_b():\n    with pytest.raises(expected_exception=ValueError):\n        f(-1)\n@pytest.mark.parametrize(('a',),[(1,),(2,)])\ndef test_c(a):\n    assert f(a)==a+1"
    },
    "def f(a):\n    if a<0: raise ValueError\n    return a+1",
    1.05,
)


@pytest.mark.parametrize(("name", "truth", "source", "wanted"), CASES, ids=[case[0] for case in CASES])
def test_what_is_paid(name: str, truth: dict[str, Any], source: str, wanted: Wanted) -> None:
    score = unit_test_score(truth, f"<answer>\n```python\n{source}\n```\n</answer>")
    assert score.reward is not None, score.parts
    assert wanted(score.reward) if callable(wanted) else score.reward == wanted, score.parts
