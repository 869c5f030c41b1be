"""Flattening: what a function needs of other modules stands in one program, under the names that it uses."""

import re
from pathlib import Path

import pytest

from execverify.errors import ProgramError
from execverify.programs.flatten import FlattenError, flatten
from execverify.programs.repository import Module, licence_of, read_repository
from execverify.programs.repository_tests import programs_of_test

REPOSITORY = Path(__file__).parents[1] / "data/repository"

TRY = "try:\n    from .b import make\n    N = make(\n        2)\nexcept ImportError:\n    N = 0\ndef f(): return N"
MUTUAL = (
    "def f(g=lambda k: k): return even(2) and g(2)\ndef even(n): return n == 0 or odd(n - 1)\n"
    "def odd(n): return n != 0 and even(n - 1)"
)


def modules(**sources: str) -> dict[str, Module]:
    """Modules of a package `p`, and the package itself."""
    found = {"p": Module("p", sources.pop("p", ""), True, "p/__init__.py")}
    return found | {f"p.{name}": Module(f"p.{name}", text, False, f"p/{name}.py") for name, text in sources.items()}


def run(text: str, call: str) -> object:
    scope: dict[str, object] = {}
    exec(text, scope)
    return eval(call, scope)


@pytest.mark.parametrize(
    ("sources", "result"),
    [
        ({"a": "from .b import g\ndef f(): return g() + 1", "b": "def g(): return 1"}, 2),
        ({"a": "from .b import g as h\ndef f(): return h() + 1", "b": "def g(): return 1"}, 2),
        ({"a": "from . import b\ndef f(): return b.g() + 1", "b": "def g(): return 1"}, 2),
        ({"a": "import p.b\ndef f(): return p.b.g() + p.b.N", "b": "N = 1\ndef g(): return N"}, 2),
        ({"a": "import p.b as c\ndef f(): return (lambda: c.g())() + 1", "b": "def g(): return 1"}, 2),
        ({"a": "from .b import *\ndef f(): return g() + 1", "b": "__all__ = ['g']\ndef g(): return 1"}, 2),
        ({"a": "from p import g\ndef f(): return g() + 1", "p": "from .b import g", "b": "def g(): return 1"}, 2),
        ({"a": "T = {}\nT['x'] = 2\nT.update(y=3)\ndef f(): return T['x']"}, 2),
        ({"a": "N = 1\nN += 1\ndef f(): return N"}, 2),
        ({"a": "from math import sqrt as root\nimport os.path\ndef f(): return int(root(4)) if os.path.sep else 0"}, 2),
        ({"a": TRY, "b": "def make(n): return n"}, 2),
        ({"a": "def deco(g): return lambda: g() + 1\n@deco\ndef f(): return 1"}, 2),
        ({"a": "from .b import B\nclass C(B): n = 1\ndef f(): return C.m() + C.n", "b": "class B:\n    m = lambda: 1"}, 2),
        ({"a": MUTUAL}, 2),
        ({"a": "import typing\nif typing.TYPE_CHECKING:\n    from .c import X\ndef f(x: 'X' = 2): return x"}, 2),
        ({"a": "from __future__ import annotations\nimport lost\ndef f(x: lost.T = 2): return x"}, 2),
    ],
)  # fmt: skip
def test_the_program_gives_what_the_package_gives(sources: dict[str, str], result: int) -> None:
    text = flatten(modules(**sources), "p.a", ["f"])
    assert run(text, "f()") == result
    assert "p." not in text


def test_nothing_else_is_taken() -> None:
    text = flatten(
        modules(a="import os, re\nM = 1\ndef g(): return M\ndef f():\n    '''Text.'''\n    return re.escape('a')"), "p.a", ["f"]
    )
    assert text == "import re\n\n\ndef f():\n    return re.escape('a')\n"


@pytest.mark.parametrize(
    ("sources", "reason"),
    [
        ({"a": "from .b import g\nN = 1\ndef f(): return g() + N", "b": "N = 2\ndef g(): return N"}, "names collide"),
        ({"a": "from .b import g\ndef f(): return g() + max([1])", "b": "def max(): return 1\ndef g(): return max()"}, "names collide"),
        ({"a": "from . import b\ndef f():\n    g = 1\n    return b.g() + g", "b": "def g(): return 1"}, "names collide"),
        ({"a": "from . import b\ndef f(): return b", "b": ""}, "a module as a value"),
        ({"a": "from . import b\ndef f(): b.n = 1", "b": "n = 2"}, "module state"),
        ({"a": "import numpy\ndef f(): return numpy"}, "third-party import"),
        ({"a": "from ._speedups import g\ndef f(): return g()"}, "a module that is not there"),
        ({"a": "def f():\n    from .b import g\n    return g()", "b": "def g(): return 1"}, "conditional import"),
        ({"a": "x = 1"}, "not defined"),
    ],
)  # fmt: skip
def test_what_cannot_be_flattened_has_a_reason(sources: dict[str, str], reason: str) -> None:
    with pytest.raises(FlattenError) as caught:
        flatten(modules(**sources), "p.a", ["f"])
    assert caught.value.reason == reason
    assert str(caught.value).startswith(reason)


def test_installed_packages_may_be_allowed() -> None:
    text = flatten(modules(a="import numpy as np\ndef f(): return np.zeros(1)"), "p.a", ["f"], imports=["numpy"])
    assert text.startswith("import numpy as np\n")


def test_a_repository_is_read() -> None:
    repository = read_repository(REPOSITORY)
    assert (repository.name, repository.licence) == ("shop 1.2", "mit")
    assert {"shop", "shop.basket", "shop.prices", "tests.test_prices"} <= repository.modules.keys()
    tests = [name for _, name in repository.tests()]
    assert tests == [
        "TestBasket.test_add", "TestBasket.test_total", "TestWithoutBase.test_empty",
        "test_total", "test_discounted", "test_the_rest", "test_announce", "test_announce_here",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("Apache License\nVersion 2.0", "apache-2.0"),
        ("Redistributions in binary form ... Redistributions of source code", "bsd-2-clause"),
        ("All rights reserved", "unknown"),
    ],
)
def test_licences(tmp_path: Path, text: str, licence: str) -> None:
    (tmp_path / "LICENSE.txt").write_text(text)
    assert licence_of(tmp_path) == licence


@pytest.mark.parametrize(
    ("test", "calls"),
    [
        (
            "test_prices.py::test_total",
            ["test_total(names=['tea'], expected=4)", "test_total(names=['tea', 'milk'], expected=6)"],
        ),
        ("test_prices.py::test_total[names1-6]", ["test_total(names=['tea', 'milk'], expected=6)"]),
        ("test_prices.py::test_discounted", ["test_discounted()"]),
        ("test_basket.py::TestBasket::test_total", ["run_test_total()"]),
        ("test_basket.py::TestBasket.test_add", ["run_test_add()"]),
        ("test_basket.py::TestWithoutBase::test_empty", ["run_test_empty()"]),
    ],
)
def test_tests_are_programs_that_pass(test: str, calls: list[str]) -> None:
    records = list(programs_of_test(f"{REPOSITORY}/tests/{test}"))
    assert [f"{record.entry_point}({record.arguments})" for record in records] == calls
    for record in records:
        assert run(record.source, f"{record.entry_point}({record.arguments})") is None


def test_a_set_up_happens_before_the_call() -> None:
    (record,) = programs_of_test(f"{REPOSITORY}/tests/test_basket.py::TestBasket::test_total")
    assert record.source.endswith(
        'instance = TestBasket("test_total")\ninstance.setUp()\n\n\ndef run_test_total():\n    instance.test_total()\n'.replace(
            '"', "'"
        )
    )


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ("test_prices.py::test_announce", "takes the fixture 'tmp_path'"),
        ("test_prices.py::test_x", "defines no test test_x; it defines test_total"),
        ("test_prices.py::test_total[1]", "there are names0-4, names1-6"),
        ("test_prices.py", "names no test"),
        ("lost.py::test_x", "no such file"),
    ],
)
def test_mistakes_are_named(test: str, message: str) -> None:
    with pytest.raises(ProgramError, match=re.escape(message)):
        list(programs_of_test(f"{REPOSITORY}/tests/{test}"))
