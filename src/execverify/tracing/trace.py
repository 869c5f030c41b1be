"""What happened: a `Trace` of `Step`s, and the functions that make it.

>>> from execverify.programs import Program
>>> t = trace(Program("def f(n):\\n    n += 1\\n    return n", arguments="3"))
>>> [(step.line, step.visit, step.frame) for step in t.steps]
[(2, 1, 0), (3, 1, 0)]
>>> t.steps[0].state["n"]
Value(type='int', text='4', opaque_reason=None)
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any

from execverify.errors import ProgramError
from execverify.programs.program import Program
from execverify.programs.values import Value
from execverify.sandbox.job import Job
from execverify.sandbox.result import Limits, Outcome, Result
from execverify.sandbox.run import INVALID_REPLY, RUN_CALL, job_for, result_of, sandbox
from execverify.tracing.determinism import EXTRA_HASH_SEEDS, may_be_nondeterministic
from execverify.tracing.interpreter_access import interpreter_access
from execverify.tracing.runners import RECORD, SETTRACE_CHECK
from execverify.tracing.settrace_check import agrees
from execverify.utils.notebook import notebook_repr
from execverify.utils.validation import list_of

_LABELS = ("outcome", "value", "error", "lines", "frames", "ends", "changes", "values", "calls")
_ENDS = (Outcome.RETURNED, Outcome.RAISED)
_CHECK_TIME_FACTOR = 5  # times the time limit, for the run under CPython's trace function
_OBSERVES_TRACING = "it is another when it is traced: it looks at its own code, frames or references"
_RUNS_DIFFER = "two runs of it differ: it depends on set order, addresses, time, chance or its surroundings"
_CHUNK = 64  # programs whose runs are compared together
_DEFAULT = Limits()


@dataclass(frozen=True, slots=True)
class Step:
    """One execution of one statement line.

    Attributes:
        index: position in the order in which steps begin, from 0.
        line: physical line that names the statement, from 1.
        visit: how often this line has been executed so far, from 1.
        frame: number of the frame it runs in; 0 is the entry call, frames count in the order they are entered.
        finished: how many steps had begun when it finished; None where it ended in an exception or never went on.
        state: the frame's variables when it had finished; empty where it did not finish.
        changed: names whose value is new or another than when the frame's previous step finished.
    """

    index: int
    line: int
    visit: int
    frame: int
    finished: int | None
    state: Mapping[str, Value]
    changed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Frame:
    """One activation of a function.

    Attributes:
        function: its name.
        caller: index of the step that was under way when it was entered; None for the entry call.
        state: its variables on entry: the arguments, and what it sees of the scopes around it.
    """

    function: str
    caller: int | None
    state: Mapping[str, Value]


@dataclass(frozen=True)
class Trace:
    """A program's run, step by step.

    Attributes:
        program: what ran.
        result: how it ended; `result.value` is what the call returned.
        steps: in the order in which they began.
        frames: by number.
    """

    program: Program
    result: Result
    steps: tuple[Step, ...] = ()
    frames: tuple[Frame, ...] = field(default=())

    @cached_property
    def visits(self) -> Mapping[int, tuple[Step, ...]]:
        """The steps of each line that ran, by line; visit n is at index n - 1."""
        found: dict[int, list[Step]] = {}
        for step in self.steps:
            found.setdefault(step.line, []).append(step)
        return {line: tuple(steps) for line, steps in found.items()}

    def step(self, line: int, visit: int) -> Step | None:
        """The step of a line's visit, or None where that visit does not happen."""
        steps = self.visits.get(line, ())
        return steps[visit - 1] if 1 <= visit <= len(steps) else None

    def _repr_html_(self) -> str:
        """The value in a notebook."""
        return notebook_repr(self)


def trace(program: Program, *, timeout: float | None = None, limits: Limits = _DEFAULT, imports: Collection[str] = ()) -> Trace:
    """Runs a program in a confined process and records its steps.

    A program that could behave differently under another hash seed is run under several; where the runs differ, the
    outcome is "nondeterministic" and there are no steps.

    Args:
        program: what to run.
        timeout: wall-clock seconds; overrides the limits' own.
        limits: what the program may use.
        imports: modules beside the standard library that it may import, besides those of the limits.

    Raises:
        ProgramError: what was given is no `Program`.
        SandboxError: the confined process could not be started, or a module of `imports` is not installed.
    """
    limits = limits.allowing(imports)
    if timeout is not None:
        limits = replace(limits, timeout=timeout)
    return next(trace_many([program], limits=limits))


def trace_many(programs: Iterable[Program], *, limits: Limits = _DEFAULT, workers: int = 1) -> Iterator[Trace]:
    """Traces programs, and yields the traces in order; reads the programs some at a time, the first ones one by one."""
    waiting = iter(list_of(programs, "Programs", ProgramError))
    size = 1
    while chunk := list(islice(waiting, size)):
        size = min(2 * size, _CHUNK)
        jobs = [job_for(program, RECORD, limits) for program in chunk]
        accesses = [interpreter_access(program) for program in chunk]
        open_jobs = (job for job, access in zip(jobs, accesses, strict=True) if access is None)
        ran = sandbox(0, limits.imports).run_many(open_jobs, workers)
        replies = [
            next(ran) if access is None else {"outcome": Outcome.NONDETERMINISTIC, "detail": access} for access in accesses
        ]
        varying = [i for i, reply in enumerate(replies) if reply["outcome"] in _ENDS and may_be_nondeterministic(chunk[i])]
        if varying:
            _check_determinism(replies, chunk, jobs, varying, limits.imports, workers)
        yield from map(trace_of, chunk, replies)


def _check_determinism(
    replies: list[dict[str, Any]],
    chunk: list[Program],
    jobs: list[Job],
    varying: list[int],
    imports: tuple[str, ...],
    workers: int,
) -> None:
    """Puts "nondeterministic" in place of the replies that another run contradicts.

    A plain run, which must end alike; one that CPython traces, in which each value and line must have been seen; and runs
    under other hash seeds, each in surroundings of its own, in which all labels must be the same.
    """
    plain = [replace(jobs[i], runner=RUN_CALL) for i in varying]
    _compare(replies, varying, sandbox(0, imports).run_many(plain, workers), ("outcome", "value", "error"), _OBSERVES_TRACING)
    varying = [i for i in varying if replies[i]["outcome"] in _ENDS]
    seen = [replace(jobs[i], runner=SETTRACE_CHECK, limits=_patient(jobs[i].limits)) for i in varying]
    for i, reply in zip(varying, list(sandbox(0, imports).run_many(seen, workers)), strict=True):
        ended = all(replies[i].get(label) == reply.get(label) for label in ("outcome", "value", "error"))
        if reply.get("outcome") == Outcome.NONDETERMINISTIC:  # it knows why
            replies[i] = {"outcome": Outcome.NONDETERMINISTIC, "detail": reply["detail"]}
        elif not ended or not agrees(chunk[i], replies[i], reply):
            replies[i] = {"outcome": Outcome.NONDETERMINISTIC, "detail": _OBSERVES_TRACING}
    for seed in EXTRA_HASH_SEEDS:
        varying = [i for i in varying if replies[i]["outcome"] in _ENDS]
        others = [replace(jobs[i], extra={**jobs[i].extra, "run": seed}) for i in varying]
        _compare(replies, varying, sandbox(seed, imports).run_many(others, workers), _LABELS, _RUNS_DIFFER)


def _patient(limits: Limits) -> Limits:
    return replace(limits, timeout=_CHECK_TIME_FACTOR * limits.timeout)


def _compare(
    replies: list[dict[str, Any]], places: list[int], others: Iterable[dict[str, Any]], labels: tuple[str, ...], why: str
) -> None:
    for place, other in zip(places, others, strict=True):
        if any(replies[place].get(label) != other.get(label) for label in labels):
            replies[place] = {"outcome": Outcome.NONDETERMINISTIC, "detail": why}


def trace_of(program: Program, reply: dict[str, Any]) -> Trace:
    """A recorder's reply as a `Trace`."""
    result = result_of(reply)
    if result.outcome not in (Outcome.RETURNED, Outcome.RAISED):
        return Trace(program, result)
    try:
        return Trace(program, result, *_history(reply))
    except (TypeError, ValueError, KeyError, IndexError, AttributeError):
        return Trace(program, INVALID_REPLY)


def _history(reply: dict[str, Any]) -> tuple[tuple[Step, ...], tuple[Frame, ...]]:
    values = [Value(*value) for value in reply["values"]]
    states: list[dict[str, Value]] = [_applied({}, entry, values) for _, _, entry in reply["calls"]]
    frames = tuple(
        Frame(function, caller if caller >= 0 else None, state)
        for (function, caller, _), state in zip(reply["calls"], states, strict=True)
    )
    return tuple(_steps(reply, values, states)), frames


def _steps(reply: dict[str, Any], values: list[Value], states: list[dict[str, Value]]) -> Iterator[Step]:
    visits: dict[int, int] = {}
    columns = zip(reply["lines"], reply["frames"], reply["ends"], reply["changes"], strict=True)
    for index, (line, frame, end, changes) in enumerate(columns):
        visits[line] = visit = visits.get(line, 0) + 1
        if changes:
            states[frame] = _applied(states[frame], changes, values)
        finished = end if end >= 0 else None
        state = states[frame] if finished is not None else {}
        yield Step(index, line, visit, frame, finished, state, frozenset(changes or ()))


def _applied(state: dict[str, Value], changes: dict[str, int], values: list[Value]) -> dict[str, Value]:
    """A new state with the changes made; states are shared between steps and never altered."""
    gone = [name for name, index in changes.items() if index < 0]
    new = {**state, **{name: values[index] for name, index in changes.items() if index >= 0}}
    return {name: value for name, value in new.items() if name not in gone} if gone else new
