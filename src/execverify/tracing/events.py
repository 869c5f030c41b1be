"""Another account of a run: that of the tracer of REval's authors, which is not that of `docs/trace-semantics.md`.

Published figures were made against it, so official verdicts of that benchmark are given by it. It looks at the events of
`sys.settrace` in the code under test:

- an entry for each run of events on the same line, whichever frame they are in; leaving a function is an event of the line it is
  left from, and so is an exception; comprehensions have frames of their own up to Python 3.11;
- what follows a line is the line of the next entry, so after a call it may be the line that is gone back to;
- the state after a line is that of the variables in the *next* entry (in the last one, its own): those of another frame where the line
  called or left a function, and none where the next event is no new line;
- `a[i]` is every `a` at any visit with every `i` at any visit; an index that is computed (`a[-1]`, `a[i + 1]`) has no value.
"""

import ast
import copy
import itertools
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

from execverify.programs.program import Program
from execverify.programs.values import Value, to_fields
from execverify.sandbox.result import Limits, Outcome
from execverify.sandbox.run import is_value, job_for, sandbox
from execverify.sandbox.runners import compile_and_call
from execverify.sandbox.worker import ExecutionContext
from execverify.tracing.runners import RECORD_EVENTS

_MOST = 100_000  # entries
_NOT_KEPT = frozenset({"module", "function", "builtin_function_or_method"})
NOTHING = -1
"""The line that follows where nothing does."""


@dataclass(frozen=True, slots=True)
class LineEvents:
    """What the authors take for true of one probe.

    Attributes:
        covered: whether the line is executed.
        following: the lines that follow it; `NOTHING` where nothing does.
        values: the variable's values; none means Nil.
    """

    covered: bool
    following: tuple[int, ...]
    values: tuple[Value, ...]


EventRequest = tuple[Program, int, Sequence[tuple[int, str]]]
"""A program, how many of its first lines are the code under test, and probes: a line and an expression."""


def record_many(items: Iterable[EventRequest], *, limits: Limits, workers: int = 1) -> Iterator[tuple[LineEvents, ...] | None]:
    """The authors' account of each run's probes, in order; None where their tracer does not get to the end of it.

    Raises:
        SandboxError: the confined process could not be started.
    """
    listed = list(items)
    jobs = (job_for(program, RECORD_EVENTS, limits, lines=lines, probes=[list(probe) for probe in probes])
            for program, lines, probes in listed)  # fmt: skip
    for (_, _, probes), reply in zip(listed, sandbox(0, limits.imports).run_many(jobs, workers), strict=True):
        yield _read(reply, len(probes))


def _read(reply: dict[str, Any], count: int) -> tuple[LineEvents, ...] | None:
    events = reply.get("events")
    if reply.get("outcome") != Outcome.RETURNED or not isinstance(events, list) or len(events) != count:
        return None
    found = []
    for covered, following, values in events:
        if not all(isinstance(line, int) for line in following) or not all(map(is_value, values)):
            return None
        found.append(LineEvents(bool(covered), tuple(following), tuple(Value(*value) for value in values)))
    return tuple(found)


# ---------------------------------------------------------------------------------------- inside the confined process


def record(job: dict[str, Any], stage: ExecutionContext) -> dict[str, Any]:
    """Harness: the plain reply of a run, and the authors' answer to each probe."""
    tracer = _Tracer(job["lines"])

    def around(call: Any) -> Any:
        sys.settrace(tracer.enter)
        try:
            return call()
        finally:
            sys.settrace(None)

    reply = compile_and_call(lambda: compile(job["source"], "<program>", "exec", dont_inherit=True), job, stage, around)
    if reply["outcome"] != Outcome.RETURNED:
        return reply
    return {**reply, "events": [_event(tracer.entries, line, text) for line, text in job["probes"]]}


class _Tracer:
    """Entries of the events in the code under test: their line, and the variables at the last new line among them."""

    def __init__(self, lines: int) -> None:
        self.lines = lines
        self.entries: list[tuple[int, dict[str, Any]]] = []

    def enter(self, frame: FrameType, event: str, _: Any) -> Any:
        """What `sys.settrace` is given."""
        code = frame.f_code
        return self.step if code.co_filename == "<program>" and code.co_firstlineno <= self.lines else None

    def step(self, frame: FrameType, event: str, _: Any) -> Any:
        """One event."""
        if not self.entries or self.entries[-1][0] != frame.f_lineno:
            if len(self.entries) >= _MOST:
                raise MemoryError
            self.entries.append((frame.f_lineno, {}))
        if event == "line":
            self.entries[-1] = (
                frame.f_lineno,
                {name: copy.deepcopy(value) for name, value in frame.f_locals.items() if _kept(value)},
            )


def _kept(value: Any) -> bool:
    return value.__class__.__name__ not in _NOT_KEPT and not isinstance(value, Iterator)


_Entries = Sequence[tuple[int, dict[str, Any]]]


def _event(entries: _Entries, line: int, text: str) -> list[Any]:
    places = [place for place, (at, _) in enumerate(entries) if at == line]
    following = {entries[place + 1][0] if place + 1 < len(entries) else NOTHING for place in places} or {NOTHING}
    states = [entries[min(place + 1, len(entries) - 1)][1] for place in places]
    try:
        values = _values(ast.parse(text, mode="eval").body, states)
    except Exception:  # the authors take any failure for Nil
        values = []
    return [bool(places), sorted(following), [list(to_fields(value)) for value in values]]


def _values(node: ast.expr, states: Sequence[dict[str, Any]]) -> list[Any]:
    """All values of an expression; none where it has none."""
    match node:
        case ast.Constant(value=value):
            return [value]
        case ast.Name(id=name):
            return [state[name] for state in states if name in state]
        case ast.Attribute(value=of, attr=name):
            return [getattr(value, name) for value in _values(of, states) if hasattr(value, name)]
        case ast.Subscript(value=of, slice=index):
            pairs = itertools.product(_values(of, states), _values(index, states))
            return list(itertools.chain.from_iterable(itertools.starmap(_item, pairs)))
        case ast.Tuple(elts=parts):
            return list(itertools.product(*(_values(part, states) for part in parts)))
    raise ValueError(type(node).__name__)


def _item(of: Any, index: Any) -> list[Any]:
    try:
        return [of[index]]
    except (TypeError, KeyError, IndexError):
        return []
