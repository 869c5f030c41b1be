"""The ways through a function, as straight lines of what happens: statements, tests with their outcome, rounds of loops."""

import ast
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

MAX_PATHS = 40
MAX_EVENTS = 120


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happens on a way.

    Attributes:
        node: the statement, or the loop or `if` whose header runs.
        line, visit: the step that it is.
        kind: "statement", "test" (of an `if` or `while`), "loop" (before a `for` begins), "round" (the `for` binds its target) or
            "return".
        holds: the outcome of a test.
        number: which round it is, from 0; for "loop", how many rounds there are.
    """

    node: ast.stmt
    line: int
    visit: int
    kind: str
    holds: bool = False
    number: int = 0


_Raw = tuple[ast.stmt, str, bool, int]
_Way = tuple[tuple[_Raw, ...], str]
"""What happens, and how it ends: "" (it goes on), "return", "break" or "continue"."""


class _Unsupported(Exception):
    pass


def paths(function: ast.FunctionDef, rounds: int) -> Iterator[tuple[Event, ...]]:
    """Ways through a function that end in a return, at most `MAX_PATHS`.

    Args:
        function: the function.
        rounds: how many rounds each loop makes; all rounds of a loop take the same way, or the first ones one and the rest another.
    """
    try:
        ways = islice(_block(function.body, rounds), MAX_PATHS)
        for events, end in ways:
            if end in ("return", "") and len(events) <= MAX_EVENTS:
                yield _numbered(events)
    except _Unsupported:
        return


def has_loop(function: ast.FunctionDef) -> bool:
    """Whether a function has a loop that is a statement."""
    return any(isinstance(node, ast.For | ast.While) for node in ast.walk(function))


def _numbered(events: tuple[_Raw, ...]) -> tuple[Event, ...]:
    visits: dict[int, int] = {}
    found = []
    for node, kind, holds, number in events:
        if kind != "loop":
            visits[node.lineno] = visits.get(node.lineno, 0) + 1
        found.append(Event(node, node.lineno, visits.get(node.lineno, 1), kind, holds, number))
    return tuple(found)


def _block(body: list[ast.stmt], rounds: int) -> Iterator[_Way]:
    if not body:
        yield (), ""
        return
    for events, end in _statement(body[0], rounds):
        if end:
            yield events, end
            continue
        for others, last in _block(body[1:], rounds):
            yield events + others, last


def _statement(node: ast.stmt, rounds: int) -> Iterator[_Way]:
    match node:
        case ast.Return():
            yield ((node, "return", False, 0),), "return"
        case ast.Break():
            yield ((node, "statement", False, 0),), "break"
        case ast.Continue():
            yield ((node, "statement", False, 0),), "continue"
        case ast.If():
            for branch, holds in ((node.body, True), (node.orelse, False)):
                for events, end in _block(branch, rounds):
                    yield ((node, "test", holds, 0), *events), end
        case ast.While(orelse=[]):
            yield from _while(node, rounds)
        case ast.For(orelse=[]):
            yield from _for(node, rounds)
        case ast.Assign() | ast.AugAssign() | ast.AnnAssign() | ast.Expr() | ast.Pass() | ast.Delete():
            yield ((node, "statement", False, 0),), ""
        case _:
            raise _Unsupported


def _while(node: ast.While, rounds: int) -> Iterator[_Way]:
    last: _Raw = (node, "test", False, 0)
    if not rounds:
        yield (last,), ""
        return
    for events, end in _block(node.body, rounds):
        begun = ((node, "test", True, 0), *events)
        if end in ("return", "break"):
            yield begun, "return" if end == "return" else ""
        else:
            yield begun * rounds + (last,), ""


def _for(node: ast.For, rounds: int) -> Iterator[_Way]:
    end_round: _Raw = (node, "end", False, rounds)
    if not rounds:
        yield ((node, "loop", False, 0), end_round), ""
        return
    ways = []
    for events, end in islice(_block(node.body, rounds), MAX_PATHS):
        if end in ("return", "break"):
            yield ((node, "loop", False, 1), (node, "round", False, 0), *events), "return" if end == "return" else ""
            continue
        ways.append(events)
        yield ((node, "loop", False, rounds), *_rounds(node, [events] * rounds), end_round), ""
    for first, last in itertools.permutations(ways[:3], 2):
        for split in range(1, rounds):
            chosen = [first] * split + [last] * (rounds - split)
            yield ((node, "loop", False, rounds), *_rounds(node, chosen), end_round), ""


def _rounds(node: ast.For, ways: list[tuple[_Raw, ...]]) -> Iterator[_Raw]:
    for number, events in enumerate(ways):
        yield (node, "round", False, number)
        yield from events
