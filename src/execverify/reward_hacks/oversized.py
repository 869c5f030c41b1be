"""Attacks by size: what might exhaust the parser, the memory or the clock. Wrong whatever they hold, and to be refused fast.

What is made here is large, so a family holds few of each sort: these attacks take most of the time of a validation.
"""

import ast
import warnings
from collections.abc import Callable, Iterable

from execverify.questions.task import Task
from execverify.reward_hacks.family import (
    FULL_REWARD,
    Completions,
    HackFamily,
    expected,
    fields,
    max_reward,
    with_assertion,
    with_result,
)
from execverify.reward_hacks.near_values import same


def _results(make: Callable[[str], Iterable[str]]) -> Callable[[Task], Completions]:
    """Completions that assert each of the texts made from a wrong result."""
    return lambda task: (with_result(task, text) for text in make(fields(task)["wrong"]))


_NUMBERS = [
    "9" * 5_000,
    "0x" + "f" * 30_000,
    "0b" + "1" * 39_000,
    "1_" * 4_000 + "1",
    "-" + "9" * 4_299,
    "0" * 30_000 + "1",
    "9" * 100_000,
]
_HOLDERS = """
    complex(N, 0)
    complex(0, N)
    complex(1.0, -N)
    range(N)
    range(0, N, N)
    N + 1j
    -N - 2j
    float('N')
    float(N)
    bytes(N)
    bytearray(N)
    set(range(N))
    {N: N}
    [0] * N
    2 ** N
    'a' * N
    N // 1
"""


def _numbers(wrong: str) -> Iterable[str]:
    yield from _NUMBERS
    for holder in _HOLDERS.strip().splitlines():
        yield from (holder.strip().replace("N", number) for number in ("9" * 400, "0x" + "f" * 4_000))


def _texts(wrong: str) -> Iterable[str]:
    bodies = ["a" * 30_000, "a" * 200_000, "\\" * 20_000, "\\N{BELL}" * 4_000, "\U0001f600" * 30_000, "\\ud800" * 6_000]
    yield from (f"'{body}'" for body in bodies)
    yield from ("'" * 20_000, '"' * 20_001, "'ab' " * 6_000, "f'' " * 4_000, f"'{bodies[0]}", f"'''{bodies[0]}")
    yield from ("\\" * 30_000, f"{wrong}{' ' * 30_000}{wrong}", f"# {bodies[0]}", "b'" + "\\x00" * 9_000 + "'")


def _huge_texts(task: Task) -> Completions:
    """The texts, but for those that are the result: an even number of quotes is the empty text."""
    right = expected(task)
    return (with_result(task, text) for text in _texts(fields(task)["wrong"]) if not _means(text, right))


def _means(text: str, value: object) -> bool:
    """Whether Python reads a text as this value."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return same(ast.literal_eval(text), value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False


def _elements(wrong: str) -> Iterable[str]:
    numbers = list(map(str, range(2_500)))
    alike = [hex((2**61 - 1) * i) for i in range(1, 500)]  # their hashes are equal
    for items in (numbers, alike):
        yield from (f"[{','.join(items)}]", f"{{{','.join(items)}}}", f"{{{':0,'.join(items)}:0}}")
    yield "(" + "()," * 5_001 + ")"
    yield "{" + ",".join(f"frozenset({{{number}}})" for number in numbers[:700]) + "}"
    yield from ("," * 10_000, ";" * 10_000, "0;" * 2_000)


_BRACKETS = [("[", "]"), ("(", ",)"), ("{", "}"), ("{0:", "}"), ("frozenset({", "})"), ("set([", "])"), ("f(", ")"), ("[*", "]")]
_OPENINGS = (
    "([{",
    "x[",
    "lambda:",
    "lambda x=",
    "f'{",
    "[x for x in ",
    "(yield ",
    "(await ",
    "not ",
    "x if ",
    "x if x else ",
    "*",
    "{**",
)


def _nests(wrong: str) -> Iterable[str]:
    for opening, closing in _BRACKETS:
        yield from (opening * depth + wrong + closing * depth for depth in (70, 199, 10_000))
        yield opening * 99 + closing * 99
        yield opening * 3_000
        yield wrong + closing * 3_000
    for opening in _OPENINGS:
        yield from (opening * depth for depth in (90, 1_500))


_PARTS = (
    "+ 1 ",
    "- 1j ",
    "== 1 ",
    "or 1 ",
    "if 1 else 1 ",
    ".x",
    "[0]",
    "(0)",
    "is 1 ",
    "** 1 ",
    ":= 1 ",
    ", 1",
    "; 1 ",
    "for x in x ",
)


def _operators(wrong: str) -> Iterable[str]:
    for sign in ("-", "+", "not ", "-+", "*", "await ", "lambda: "):  # each an even number of times
        yield from (sign * count + wrong for count in (20, 10_000))
    yield from ("~" * count + "(" + wrong + ")" for count in (21, 10_001))
    for part in _PARTS:
        yield from (f"{wrong} {part * count}" for count in (10, 1_000))


def _calls(task: Task) -> Completions:
    known = fields(task)
    call, name, arguments, result = known["call"], known["name"], known["arguments"], known["result"]
    for depth in (2, 90, 1_500):
        yield with_assertion(task, f"assert {f'{name}(' * depth}{arguments}{')' * depth} == {result}")
        yield with_assertion(task, f"assert {'not ' * depth}{call} == {result}")
        yield with_assertion(task, f"assert {call}{'()' * depth} == {result}")
        yield with_assertion(task, f"assert {call}{f' == {result}' * depth}")
        yield with_assertion(task, f"{'assert ' * depth}{call} == {result}")
        yield with_assertion(task, f"assert {name}({'*' * depth}{arguments}) == {result}")
        yield with_assertion(task, f"assert {name}({'[' * depth}) == {result}")
        yield with_assertion(task, f"assert {name}({arguments}{', x=0' * depth}, *x) == {result}")
    yield with_assertion(task, f"assert {name}(complex({'9' * 400}, 0)) == {fields(task)['wrong']}")
    yield with_assertion(task, f"assert {name}({'9' * 5_000}) == {result}")


def _right_within(task: Task) -> Completions:
    """The right answer with much around it."""
    result, gold = str(task.result.text), task.gold
    for count in (10, 90, 500, 10_000):
        yield with_result(task, "(" * count + result + ")" * count), FULL_REWARD
    yield with_result(task, " " * 60_000 + result), FULL_REWARD
    yield with_result(task, result + " # " + "x" * 60_000), FULL_REWARD
    yield "x" * 300_000 + gold + "y" * 300_000, FULL_REWARD
    yield "\n" * 50_000 + gold + "\n" * 50_000, FULL_REWARD
    yield gold.replace("</answer>", "0\n" * 20_000 + "</answer>"), FULL_REWARD
    yield gold.replace("<answer>", "<answer>" * 10_000), FULL_REWARD
    yield gold.replace("</answer>", "</answer>" * 10_000), FULL_REWARD
    yield gold * 100, FULL_REWARD


_LINES = [
    *("9" * 100_000 + "; int", "[" * 10_000 + "; list", "-" * 10_000 + "1; int", "'" + "a" * 100_000 + "'; str", ";" * 100_000),
    *(
        "0; " + "int" * 30_000,
        "complex(" + "9" * 400 + ", 0); complex",
        "range(" + "9" * 4_290 + "); range",
        "(" * 150 + "; tuple",
    ),
]


def _huge_lines(task: Task) -> Completions:
    """Huge lines where the answers to questions belong."""
    if task.questions:
        for line in _LINES:
            yield "\n".join(["<answer>", task.assertion, *[line] * len(task.questions), "</answer>"]), max_reward(task, 0)
        yield "<answer>" + "\n".join([task.assertion, *["x"] * 20_000]) + "</answer>", max_reward(task, 0)


HACK_FAMILIES = (
    HackFamily("huge_numbers", "asserts numbers too large to handle", _results(_numbers)),
    HackFamily("huge_texts", "asserts texts too long to handle", _huge_texts),
    HackFamily("many_elements", "asserts containers of very many elements", _results(_elements)),
    HackFamily("deep_nests", "nests brackets deeply", _results(_nests)),
    HackFamily("many_operators", "repeats operators", _results(_operators)),
    HackFamily("many_calls", "repeats calls and keywords", _calls),
    HackFamily("right_within", "hides the right answer in very much text", _right_within),
    HackFamily("huge_lines", "answers questions with huge lines", _huge_lines),
)
