"""Rows of every kind for the tests of training engines, each with completions whose rewards are known by the rule alone."""

import json
from typing import Any

import execverify as ev
from execverify.rewards.code.unit_tests import parse_tests, questions_of

SOURCES = [
    ("def f(n):\n    total = 0\n    while n > 0:\n        total += n\n        n -= 2\n    return total", "5"),
    (
        "def g(k):\n    return k * 2\n\n\ndef f(xs):\n    out = []\n    for x in xs:\n        out.append(g(x))\n    return out",
        "[1, 2]",
    ),
    ("def f(s):\n    if s:\n        s = s.upper()\n    return s + '!'", "'ab'"),
    ("def f(d, k):\n    d[k] = len(d)\n    return sorted(d)", "{'b': 1}, 'a'"),
]
CODE: dict[str, Any] = {
    "version": 2,
    "id": "code-1",
    "kind": "code_generation",
    "prompt": [{"role": "user", "content": "Write f(a, b): the larger of two integers."}],
    "program": {"source": "def f(a, b):\n    return max(a, b)", "entry_point": "f", "arguments": "", "result": ""},
    "questions": [
        {"kind": "unit_test", "line": None, "visit": None, "variable": None, "text": "1, 2", "answers": ["2"]},
        {"kind": "unit_test", "line": None, "visit": None, "variable": None, "text": "4, 3", "answers": ["4"]},
    ],
    "level": None,
    "constraint": None,
    "difficulty": {"steps": 0, "branches": 0, "depth": 0, "pass_count": None, "samples": None},
    "split": "train",
    "seed": 0,
    "generator": "file",
}
EURUS: dict[str, Any] = {
    "id": "eurus-1",
    "kind": "code_generation",
    "prompt": [
        {"role": "system", "content": "You write Python."},
        {"role": "user", "content": "Read a number, print it doubled."},
    ],
    "program": None,
    "tests": json.dumps({"inputs": ["3\n", "-1\n"], "outputs": ["6\n", "-2\n"]}),
    "split": "train",
}
"""A row as PRIME's data has them: a program with stdin, whose tests are a JSON text."""
PRIME: dict[str, Any] = {
    **{name: CODE[name] for name in ("version", "kind", "level", "constraint", "difficulty", "split", "seed", "generator")},
    "id": "prime-1",
    "prompt": [{"role": "user", "content": "Write twice(n), which doubles."}],
    "program": {"source": None, "entry_point": "twice", "arguments": None, "result": None},
    "questions": questions_of(parse_tests({"inputs": [[3], [-1]], "outputs": [6, -2], "fn_name": "twice"})),
}
"""A row that has tests and no solution, as our reader makes them of PRIME's data."""


def rows() -> list[dict[str, Any]]:
    """White-box and input-prediction rows of each source, the last of them for validation, and three of code."""
    made = []
    for number, (source, arguments) in enumerate(SOURCES):
        trace = ev.trace(ev.Program(source, entry_point="f", arguments=arguments))
        split = "validation" if number == len(SOURCES) - 1 else "train"
        for kind in ("white_box", "input_prediction"):
            made.append(ev.to_row(ev.task(trace, kind=kind, limit=4, split=split, level=number + 1)))
    return [*made, CODE, PRIME, EURUS]


def fenced(code: str) -> str:
    """A well-formed answer of code."""
    return f"<reasoning>\nSo.\n</reasoning>\n<answer>\n```python\n{code}\n```\n</answer>"


def completions(row: dict[str, Any]) -> dict[float, str]:
    """Completions of a row by the reward that the paper's rule gives them."""
    if row is EURUS or "tests" in row:
        return {
            1.05: fenced("print(2 * int(input()))"),
            0.55: fenced("print(abs(2 * int(input())))"),
            0.0: "no code",
        }
    if row["id"] == PRIME["id"]:
        return {
            1.05: fenced("def twice(n):\n    return 2 * n"),
            0.55: fenced("def twice(n):\n    return abs(2 * n)"),
            0.0: "no code",
        }
    if row["kind"] == "code_generation":
        return {1.05: fenced("def f(a, b):\n    return max(a, b)"), 0.55: fenced("def f(a, b):\n    return b"), 0.0: "no code"}
    program, answers = row["program"], [question["answers"][0] for question in row["questions"]]
    assertion = f"assert f({program['arguments']}) == {program['result']}"
    found = {2.0: "\n".join(["<answer>", assertion, *answers, "</answer>"]), 0.0: "<answer>assert True</answer>"}
    if answers:
        found[1.0] = f"<answer>{assertion}</answer>"
    return found
