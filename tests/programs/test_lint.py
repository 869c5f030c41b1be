"""What a program has and does not need."""

import pytest

from execverify.programs.lint import find_unneeded_code
from execverify.programs.program import Program


def found(body: str, parameters: str = "a", arguments: str | None = None) -> list[str]:
    """What is unused in `def f(parameters)` with a body."""
    given = ", ".join("1" for name in parameters.split(",") if name.strip()) if arguments is None else arguments
    return find_unneeded_code(
        Program(f"def f({parameters}):\n" + "\n".join(f"    {line}" for line in body.split("\n")), "f", given)
    )


NAMES = {
    "a parameter": ("return 1", ["parameter 'a'"]),
    "a variable": ("b = a\nreturn a", ["variable 'b'"]),
    "an augmented assignment is no read": ("b = 0\nb += a\nreturn a", ["variable 'b'"]),
    "a loop's variable": ("for i in range(a):\n    print(a)", ["variable 'i'"]),
    "one of a pair": ("for i, x in enumerate(a):\n    print(x)", ["variable 'i'"]),
    "a comprehension's variable": ("return [a for i in range(3)]", ["variable 'i'"]),
    "a lambda's parameter": ("return sorted(a, key=lambda w: 1)", ["parameter 'w'"]),
    "an exception's name": ("try:\n    return a\nexcept ValueError as e:\n    return 0", ["variable 'e'"]),
    "a walrus": ("return 1 if (b := a) else 2", ["variable 'b'"]),
    "a capture": ("match a:\n    case [b, *c]:\n        return b", ["variable 'c'"]),
    "a deleted name": ("b = a\ndel b\nreturn a", ["variable 'b'"]),
    "an inner function": ("def g(x):\n    return x\nreturn a", ["function 'g'"]),
    "an inner function's parameter": ("def g(x):\n    return 1\nreturn g(a)", ["parameter 'x' of g"]),
    "a parameter that a comprehension hides": ("return [a for a in range(3)]", ["parameter 'a'"]),
    "a variable that a lambda hides": ("b = a\nreturn map(lambda b: b, [1])", ["variable 'b'"]),
    "two": ("b = 1\nreturn 2", ["parameter 'a'", "variable 'b'"]),
}

NEEDED = {
    "read": "return a",
    "read in a nested function": "b = a\ndef g():\n    return b\nreturn g()",
    "read in a lambda": "b = a\nreturn lambda: b",
    "read in a comprehension": "b = a\nreturn [b for _ in range(3)]",
    "an element is assigned": "b = {}\nb[1] = a\nreturn a",
    "an element is augmented": "b = [0]\nb[0] += a\nreturn a",
    "an attribute is assigned": "a.x = 1",
    "underscored": "for _ in range(a):\n    pass\n_rest = a",
    "read before it is bound again": "b = a\nb = b + 1\nreturn b",
    "nonlocal": "n = 0\ndef g():\n    nonlocal n\n    n += a\ng()\nreturn n",
    "global": "global total\ntotal = a",
    "a default": "def g(x=a):\n    return x\nreturn g()",
    "a decorator": "@a\ndef g():\n    return 1\nreturn g",
    "within braces": "return f'{a:{a}}'",
    "a class": "class B:\n    x = a\n    def m(self):\n        return self\nreturn B",
    "a return that is not last": "if a:\n    return 1\nreturn 2",
    "a loop without end that breaks": "for x in a:\n    if x:\n        break\nelse:\n    return 1\nreturn 2",
}

STATEMENTS = {
    "after return": ("return a\na = 2", "line 3 is never reached"),
    "after break": ("for _ in a:\n    break\n    print(a)", "line 4 is never reached"),
    "after continue": ("for _ in a:\n    continue\n    print(a)", "line 4 is never reached"),
    "after raise": ("raise ValueError(a)\nreturn 1", "line 3 is never reached"),
    "after two ways that both end": ("if a:\n    return 1\nelse:\n    return 2\nreturn 3", "line 6 is never reached"),
    "inside with, try and match": (
        "try:\n    print(a)\nexcept ValueError:\n    return 1\n    print(2)",
        "line 6 is never reached",
    ),
    "inside finally": ("try:\n    print(a)\nfinally:\n    return 1\n    print(2)", "line 6 is never reached"),
    "inside a case": ("match a:\n    case 1:\n        return 1\n        print(2)", "line 5 is never reached"),
    "inside an inner function": ("def g():\n    return 1\n    return 2\nreturn g() + a", "line 4 is never reached"),
    "if of a constant": ("if 1:\n    return a", "line 2 tests a constant"),
    "elif of a constant": ("if a:\n    return a\nelif False:\n    return 1", "line 4 tests a constant"),
    "a ternary of a constant": ("return a if True else 0", "line 2 tests a constant"),
    "not of a constant": ("if not 0:\n    return a", "line 2 tests a constant"),
    "a comprehension's constant": ("return [x for x in a if 1]", "line 2 tests a constant"),
    "itself": ("a = a\nreturn a", "line 2 assigns a name to itself"),
    "itself among others": ("b = 1\na, b = a, 2\nreturn a + b", "line 3 assigns a name to itself"),
}


@pytest.mark.parametrize("name", NAMES)
def test_names_that_nothing_reads(name: str) -> None:
    body, wanted = NAMES[name]
    lines = found(body)
    assert len(lines) == len(wanted), lines
    for line, part in zip(lines, wanted, strict=True):
        assert f"the {part}" in line and line.endswith("is never read")


@pytest.mark.parametrize("name", NEEDED)
def test_names_that_are_needed(name: str) -> None:
    assert found(NEEDED[name]) == []


@pytest.mark.parametrize("name", STATEMENTS)
def test_statements_that_do_nothing(name: str) -> None:
    body, wanted = STATEMENTS[name]
    assert found(body) == [wanted]


def test_every_function_of_a_program_is_looked_at() -> None:
    source = "def g(x, y):\n    return x\n\n\nasync def h(z):\n    return 1\n\n\ndef f(a):\n    return g(a, 1), h"
    assert find_unneeded_code(Program(source, "f", "1")) == [
        "the parameter 'y' of g is never read",
        "the parameter 'z' of h is never read",
    ]


def test_a_swap_is_no_assignment_to_itself() -> None:
    assert found("a, b = b, a\nreturn a + b", "a, b") == []


def test_very_deep_expressions_are_read() -> None:
    assert found("return " + "+".join(["a"] * 1_500)) == []
