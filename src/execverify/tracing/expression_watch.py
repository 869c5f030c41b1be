"""Watching expressions: what `self.words[key]` is whenever a line has just run.

A trace keeps the variables of a frame, and none of what has no literal. A watch evaluates expressions in the frame at the moment in
which a step of their line finishes, and keeps their values instead.

>>> from execverify.programs import Program
>>> box = "class Box:\\n    pass\\ndef f(n):\\n    box = Box()\\n    for i in range(n):\\n        box.last = i\\n    return n"
>>> (seen,) = watch_many([(Program(box, arguments="2"), [(6, "box.last"), (4, "box.last")])])
>>> [[value.text for value in values] for values in seen.values], seen.lines
([['0', '1'], []], (4, 5, 6, 5, 6, 5, 7))
"""

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any

from execverify.errors import LiteralError
from execverify.programs.literals import parse_expression
from execverify.programs.program import Program
from execverify.programs.values import Value, to_fields
from execverify.sandbox.result import Limits, Outcome, Result
from execverify.sandbox.run import INVALID_REPLY, job_for, result_of, sandbox
from execverify.sandbox.runners import compile_and_call
from execverify.sandbox.worker import ExecutionContext
from execverify.tracing import rewrite
from execverify.tracing.recorder import Frame, Names, Recorder
from execverify.tracing.runners import WATCH_EXPRESSIONS

_DEFAULT = Limits()
_PLAIN = (
    ast.Name, ast.Attribute, ast.Subscript, ast.Slice, ast.Constant, ast.Tuple, ast.UnaryOp, ast.USub, ast.BinOp, ast.Add, ast.Sub,
    ast.Load,
)  # fmt: skip

Watch = tuple[int, str]
"""A line, and an expression to evaluate whenever it has run."""


@dataclass(frozen=True)
class WatchResult:
    """What a watched run gave.

    Attributes:
        program: what ran.
        result: how it ended.
        lines: the line of each step, in the order in which they begin.
        values: for each watch, the expression's value at each visit of its line at which it had one.
        places: for each of these values, the index of the step.
    """

    program: Program
    result: Result
    lines: tuple[int, ...] = ()
    values: tuple[tuple[Value, ...], ...] = ()
    places: tuple[tuple[int, ...], ...] = ()


def is_watchable(expression: str) -> bool:
    """Whether an expression can be watched: names, attributes, items and sums, which do nothing but look."""
    try:
        node = parse_expression(expression)
    except LiteralError:
        return False
    return all(isinstance(inner, _PLAIN) for inner in ast.walk(node))


def watch_many(
    items: Iterable[tuple[Program, Sequence[Watch]]], *, limits: Limits = _DEFAULT, workers: int = 1, hash_seed: int = 0
) -> Iterator[WatchResult]:
    """Runs programs under watch, and yields what was seen, in order. Each runs once: whether it varies is not asked.

    Args:
        items: programs, and the expressions to watch in each.
        limits: what a program may use.
        workers: how many run at once.
        hash_seed: of the processes' texts; under another one, sets have another order.

    Raises:
        SandboxError: the confined process could not be started.
    """
    listed = [(program, list(watches)) for program, watches in items]
    jobs = (job_for(program, WATCH_EXPRESSIONS, limits, watch=[list(pair) for pair in watches]) for program, watches in listed)
    for (program, watches), reply in zip(listed, sandbox(hash_seed, limits.imports).run_many(jobs, workers), strict=True):
        yield _watched(program, len(watches), reply)


def _watched(program: Program, count: int, reply: dict[str, Any]) -> WatchResult:
    result = result_of(reply)
    if result.outcome not in (Outcome.RETURNED, Outcome.RAISED):
        return WatchResult(program, result, values=((),) * count, places=((),) * count)
    try:
        values = tuple(tuple(Value(*value) for value in seen) for seen in reply["watched"])
        places = tuple(tuple(map(int, steps)) for steps in reply["places"])
        lines = tuple(map(int, reply["lines"]))
    except (TypeError, ValueError, KeyError):
        return WatchResult(program, INVALID_REPLY, values=((),) * count, places=((),) * count)
    return WatchResult(program, result, lines, values, places)


# ---------------------------------------------------------------------------------------- inside the confined process


def record(job: dict[str, Any], stage: ExecutionContext) -> dict[str, Any]:
    """Harness: the plain reply of a run, the lines of its steps, and the watched values."""
    watcher = _WatchRecorder(job["steps"], stage, job["watch"])
    stage.builtins.__dict__.update(watcher.names())

    def rewritten() -> CodeType:
        tree = rewrite.instrument(ast.parse(job["source"], "<program>"), job["source"])
        return compile(tree, "<program>", "exec", dont_inherit=True)

    reply = compile_and_call(rewritten, job, stage, watcher.around)
    watched, places = ([list(seen.values()) for seen in watcher.seen], [list(seen) for seen in watcher.seen])
    return {**reply, "lines": watcher.lines, "watched": watched, "places": places}


class _WatchRecorder(Recorder):
    """A recorder that looks at expressions where a step finishes."""

    def __init__(self, limit: int, stage: ExecutionContext, watches: Sequence[tuple[int, str]]) -> None:
        super().__init__(limit, stage)
        self.seen: list[dict[int, tuple[str, str | None, str | None]]] = [{} for _ in watches]
        self.by_line: dict[int, list[tuple[int, CodeType]]] = {}
        for number, (line, text) in enumerate(watches):
            self.by_line.setdefault(line, []).append((number, compile(text.strip(), "<watch>", "eval", dont_inherit=True)))

    def finish(self, frame: Frame, state: Names) -> None:
        """As in a trace; and each expression of the line is evaluated. What it runs is not recorded."""
        super().finish(frame, state)
        watches = self.by_line.get(self.lines[frame.step]) if frame.step >= 0 else None
        if not watches:
            return
        self.on = False
        try:
            for number, code in watches:
                try:
                    self.seen[number][frame.step] = to_fields(eval(code, self.stage.namespace, dict(state)))
                except Exception:  # it has no value here
                    self.seen[number].pop(frame.step, None)
        finally:
            self.on = True
