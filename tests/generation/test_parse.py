"""Programs and calls in answers of every shape. Nothing of an answer is run here."""

import time

import pytest

from execverify.generation.parse import Unusable, parse_inputs, parse_program
from execverify.programs.program import Program

BARE = "def f(s):\n    t = s.upper()\n    return t.upper()\n"


def parsed(text: str) -> tuple[str, str, str]:
    found = parse_program(text)
    assert isinstance(found, Program), found
    return found.source, found.entry_point, found.arguments


def reason(text: str) -> str:
    found = parse_program(text)
    assert isinstance(found, Unusable), found
    return found.reason


@pytest.mark.parametrize(
    "text",
    [
        f"```python\n{BARE}\nf('ab')\n```",
        f"```python\n{BARE}\nprint(f('ab'))\n```",
        f"```python\n{BARE}\nassert f('ab') == 'AB'\n```",
        f"```python\n{BARE}\nresult = f('ab')\n```",
        f"```python\n{BARE}\nword = 'ab'\nprint(f(word))\n```",
        f"```python\n{BARE}\nif __name__ == '__main__':\n    print(f('ab'))\n```",
        f"Voil\u00e0 le programme :\n\n```python\n{BARE}```\n\nL'appel :\n\n```python\nf('ab')\n```\nBonne chance !",
        f"\u4ee5\u4e0b\u306f\u30d7\u30ed\u30b0\u30e9\u30e0\u3067\u3059\u3002\n~~~python\n{BARE}\nf('ab')\n~~~",
        f"<think>\n```python\ndef f(x):\n    return 1\nf(2)\n```\n</think>\n```python\n{BARE}\nf('ab')\n```",
        f"First try:\n```python\ndef f(x):\n    return x\n```\nBetter:\n```python\n{BARE}\nf('ab')\n```",
        f"```python\n{BARE}\nf('ab')",  # a fence that is not closed
        f"{BARE}\nf('ab')\n",  # no fence at all
        f"```python\n{BARE}\nf('ab')\n```\n```text\nAB\n```",
        '```python\n# shouts\ndef f(s: str) -> str:\n    """Shout."""\n    t = s.upper()  # once\n    return t.upper()\nf(\'ab\')\n```',
    ],
)
def test_the_program_is_found(text: str) -> None:
    assert parsed(text) == (BARE, "f", "'ab'")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the answer has no code"),
        ("I am sorry, but I cannot help with that.", "the answer has no code"),
        ("Je ne peux pas faire cela.", "the answer has no code"),
        ("```python\n```", "the code has no function"),
        ("```python\ndef f(:\n```", "the code is not Python"),
        ("```python\nprint(1)\n```", "the code has no function"),
        (f"```python\n{BARE}```", "the answer has no call with literal arguments"),
        (f"```python\n{BARE}\nf(open('x').read())\n```", "the answer has no call with literal arguments"),
        (f"```python\n{BARE}\nf(input())\n```", "the answer has no call with literal arguments"),
        (f"```python\n{BARE}\nf('a', 'b')\n```", "the program cannot be used"),
        ("```python\n" + "x = 1\n" * 200_000 + "```", "the answer is too long"),
        ("abc " * 400_000, "the answer is too long"),
        ("```python\n" + "(" * 5_000 + "\n```", "the code is not Python"),
        ("```python\ndef f(x):\n    return " + "-" * 9_000 + "x\nf(1)\n```", "the code is not Python"),
    ],
)
def test_the_reason_is_given(text: str, why: str) -> None:
    assert reason(text) == why


@pytest.mark.parametrize(
    "text",
    [
        "```python\n" * 100_000,
        "the same words again and again " * 30_000,
        "```" * 300_000,
        "f(" * 400_000,
        "```python\n" + "def f(x):\n    return x\n" * 20_000 + "f(1)\n```",
        "```python\nf(" + "[" * 100_000 + "\n```",
    ],
)
def test_long_answers_end_soon(text: str) -> None:
    begun = time.perf_counter()
    parse_program(text)
    parse_inputs(text, Program(BARE, arguments="'ab'"), 5)
    assert time.perf_counter() - begun < 5


def test_global_values_that_functions_read_stay() -> None:
    source, _, _ = parsed("```python\nLIMIT = 3\nUNREAD = 4\ndef f(n):\n    return n + LIMIT\nf(1)\n```")
    assert source == "LIMIT = 3\n\ndef f(n):\n    return n + LIMIT\n"


def test_the_function_that_is_called_is_the_entry_point() -> None:
    _, name, arguments = parsed(
        "```python\ndef helper(a):\n    return a\ndef f(b):\n    return helper(b)\nprint(f(b=[1, 2]))\n```"
    )
    assert (name, arguments) == ("f", "b=[1, 2]")


def test_inputs_are_literals_of_the_same_shape() -> None:
    program = Program("def f(xs, n):\n    return xs[:n]", arguments="[1, 2], 1")
    answer = """Here you are:
```python
f([1, 2], 1)
f([3, 4, 5], 2)
1. `f([3,4,5], 2)`
print(f([], 0))  # empty
assert f([7], 3) == [7]
f([1])
f([1], 2, 3)
f(open("secret").read(), 1)
f(__import__("os"), 1)
f([")"], 4)
g([1], 1)
f([1, 2
f(*[1, 2])
```"""
    assert parse_inputs(answer, program, 9) == ["[3, 4, 5], 2", "[], 0", "[7], 3", "[')'], 4"]
    assert parse_inputs(answer, program, 1) == ["[3, 4, 5], 2"]
