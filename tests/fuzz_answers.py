"""Fuzzes the scorer: `python tests/fuzz_answers.py --count 1000000 --seed 0 --workers 2`.

Completions are random text, right answers that were damaged, spliced, stuffed or respelled, and the known attacks. Every
one is scored, and the score is held against a second judge, written here in another way: it finds the tags by a regular
expression, and evaluates what CPython's own parser and `eval` make of the literals, once a list of node types has let them
pass. What must hold:

- `score` raises nothing, takes less than a second, and does not bring the interpreter down;
- no completion earns more than the second judge can justify; a right answer in another spelling earns everything;
- for input prediction, what would be run is our source with exactly the literals that were written.

Case i is made from (seed, i) alone: `--first i --count 1` repeats it. Workers are processes that note the number of the
case they are at, so that a crash or a hang can be told by its case.
"""

import argparse
import ast
import json
import math
import mmap
import random
import re
import struct
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import execverify as ev
from execverify.rewards.attacks import attacks
from execverify.rewards.score import judge_input, score

SLOW = 1.0  # seconds that no call may take
HANGS = 30.0  # seconds after which a worker that does not move on is given up

# ------------------------------------------------------------------------------------------------------------- the tasks

_LOOP = """
def g(x):
    if x % 3:
        return [x]
    return [x, x]

def f(n, name='', flag=False):
    total = 0
    seen = set()
    words = {}
    label = name
    for i in range(n):
        if i % 2:
            total += i
            seen.add(i)
        else:
            words[i] = g(i)
            label = label + '; ' + str(i)
    half = total / 2
    pair = (total, half)
    return RESULT
"""
_ARGUMENTS = ("5, 'a'", "4, name='it\\'s; \"x\"'", "3, '<b>', flag=True")
_RESULTS = (
    *("total", "flag", "total > 2", "label", "[total, label, seen]", "words", "{'a': {'b': [words, (1,)]}, 'c': None}", "seen", "-0.0"),
    *("half", "float('inf')", "float('nan')", "[float('nan'), -0.0, 0.0, -float('inf')]", "None", "pair", "()", "(label,)", "label.encode()"),
    *("bytearray(b'a;b')", "complex(total, -1)", "-2j", "frozenset({1, frozenset({2})})", "range(n)", "...", "10 ** 40", "set()", "{}"),
    *("[[[[total]]]]", "{True: 1, 2: False}", "{(1, 2): {3}}", "'\\n\\t\\\\\\'\"'", "'é\\u202e\\U0001f600'", "'1'", "1", "1.0", "''", "[]"),
)  # fmt: skip


@cache
def tasks() -> tuple[ev.Task, ...]:
    """White-box tasks whose results have every type, and input-prediction tasks of the same programs."""
    programs = [
        ev.Program(_LOOP.replace("RESULT", result), arguments=_ARGUMENTS[i % len(_ARGUMENTS)]) for i, result in enumerate(_RESULTS)
    ]
    traces = list(ev.trace_many(programs))
    whites = [ev.task(trace, limit=i % 11, seed=i) for i, trace in enumerate(traces)]
    return (*whites, *(ev.task(trace, kind="input_prediction") for trace in traces[::3]))


# ------------------------------------------------------------------------------------------------------ the second judge

_TAG = re.compile(r"<(/?)answer>")
_NODES = (ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp, ast.Call, ast.Name, ast.Load, ast.USub, ast.UAdd, ast.Add, ast.Sub)
_NAMES: dict[str, Any] = {
    "set": set, "frozenset": frozenset, "float": float, "complex": complex, "range": range, "bytearray": bytearray, "bytes": bytes,
}  # fmt: skip
_TAKES = {"set": (set, frozenset, list, tuple), "float": (str,), "complex": (int, float), "range": (int,), "bytes": (bytes,)}
_TAKES |= {"frozenset": _TAKES["set"], "bytearray": _TAKES["bytes"]}
_DEEPEST = 100


class Unreadable(Exception):
    """The second judge finds no literal there."""


class Call(NamedTuple):
    """`assert name(arguments) == result`, as the second judge reads it."""

    name: str
    positional: list[object]
    named: dict[str, object]
    result: object


def answer_lines(completion: str) -> list[str]:
    """The lines of the last answer."""
    start, inside = None, ""
    for tag in _TAG.finditer(completion):
        if not tag[1]:
            start = tag.end()
        elif start is not None:
            inside = completion[start : tag.start()]
    lines = (line.strip(" \t\r") for line in re.split("\n", inside))
    return [line for line in lines if re.match(r"(?!```)[\s\S]", line)]


def parsed(text: str, mode: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text, mode=mode)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise Unreadable from None


def evaluated(node: ast.expr) -> object:
    """The value of a literal, by `eval`, after every node of it has been looked at."""
    _let_pass(node, 0)
    try:
        value = eval(compile(ast.Expression(node), "<judge>", "eval"), {"__builtins__": {}, **_NAMES})
    except (TypeError, ValueError, OverflowError, SyntaxError, RecursionError, MemoryError):
        raise Unreadable from None
    return value


def _let_pass(node: ast.AST, depth: int) -> None:
    if not isinstance(node, _NODES) or depth > _DEEPEST:
        raise Unreadable
    parts = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.Name) and node.id != "Ellipsis":
        raise Unreadable
    if isinstance(node, ast.Dict) and None in node.keys:
        raise Unreadable
    if isinstance(node, ast.BinOp) and not (isinstance(node.right, ast.Constant) and type(node.right.value) is complex):
        raise Unreadable
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name) or node.func.id not in _NAMES or node.keywords or len(node.args) > 3:
            raise Unreadable
        parts = list(node.args)
    for part in parts:
        _let_pass(part, depth + 1)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if any(type(evaluated(part)) not in _TAKES[node.func.id] for part in node.args):
            raise Unreadable
    if isinstance(node, ast.UnaryOp) and type(evaluated(node.operand)) not in (int, float, complex):
        raise Unreadable


def read_call(line: str) -> Call:
    """The assertion, or Unreadable."""
    body = parsed(line, "exec").body
    match body:
        case [ast.Assert(ast.Compare(ast.Call(ast.Name(name), positional, keywords), [ast.Eq()], [right]), None)]:
            names = [keyword.arg for keyword in keywords]
            if None in names or len(set(names)) < len(names):
                raise Unreadable
            named = {str(keyword.arg): evaluated(keyword.value) for keyword in keywords}
            return Call(name, [evaluated(part) for part in positional], named, evaluated(right))
    raise Unreadable


def alike(left: Any, right: Any) -> bool:
    """Equal by type and content, all the way down."""
    if type(left) is not type(right):
        return False
    match left:
        case float():
            return (left != left and right != right) or (left == right and math.copysign(1, left) == math.copysign(1, right))
        case complex():  # the sign of a zero part depends on how it was written, and on the version of Python
            return all(a == b or (a != a and b != b) for a, b in ((left.real, right.real), (left.imag, right.imag)))
        case list() | tuple():
            return len(left) == len(right) and all(map(alike, left, right))
        case dict():
            return alike(set(left), set(right)) and all(alike(item, right[key]) for key, item in left.items())
        case set() | frozenset():
            found = {item: item for item in right}
            return len(left) == len(right) and all(item in found and alike(item, found[item]) for item in left)
    return bool(left == right)


def same_call(call: Call, task: ev.Task) -> bool:
    """Whether the right call of the task is asserted, with the right result."""
    right = truth(task)
    return alike(call.positional, right.positional) and alike(call.named, right.named) and same_result(call, task)


def same_result(call: Call, task: ev.Task) -> bool:
    return call.name == task.program.entry_point and alike(call.result, truth(task).result)


_truths: dict[str, Call] = {}


def truth(task: ev.Task) -> Call:
    if task.id not in _truths:
        _truths[task.id] = read_call(f"assert {task.program.call} == {task.result.text}")
    return _truths[task.id]


def is_state(line: str, answer: str) -> bool:
    given = re.fullmatch(r"([\s\S]*);([^;]*)", line)
    if given is None or "Nil" in (line, answer):
        return False
    text, kind = answer.rsplit("; ", 1)
    value = evaluated(parsed(given[1].strip(), "eval").body)
    return given[2].strip() == kind == type(value).__name__ and alike(value, evaluated(parsed(text, "eval").body))


def answers(line: str, question: ev.Question) -> bool:
    """Whether a line answers a question."""
    if line in question.answers:
        return True
    try:
        return question.kind == "variable_state" and any(is_state(line, answer) for answer in question.answers)
    except Unreadable:
        return False


def justified(task: ev.Task, completion: str) -> float:
    """The reward of a white-box answer, by the second judge."""
    lines = answer_lines(completion)
    try:
        if not lines or not same_call(read_call(lines[0]), task):
            return 0.0
    except Unreadable:
        return 0.0
    right = sum(map(answers, lines[1:], task.questions))
    return 1.0 + right / len(task.questions) if task.questions else 2.0
