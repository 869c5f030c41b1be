"""The run that a chain of thought is graded against: a trace, the values of its expressions, and what follows from both.

A reference belongs to a program and its arguments. The program is ours, so it runs in the sandbox as any program does; nothing of a
completion runs. References are cached, because the completions of a group, and later epochs, share them.
"""

import ast
import itertools
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from execverify.programs.program import Program, cached_per_program
from execverify.programs.values import Value
from execverify.questions.statements import Statement, layout_of
from execverify.rewards.steps.matching import LineExpressions, expressions_of
from execverify.sandbox.result import Limits, Outcome
from execverify.sandbox.retry import extended_limits, retry_inconclusive
from execverify.tracing.expressions import ExpressionValue, ExpressionValues, trace_with_expressions
from execverify.tracing.trace import Step, Trace

_LIMITS = Limits()
_CACHED, _CACHED_STEPS = 2048, 500_000
SHORT = 60
"""Longest value, in characters, that a chain of the least detail states; of longer ones it states the size."""

SIZED = frozenset({"list", "dict", "set", "tuple", "str", "frozenset"})
"""Types of which a chain states the size where the value is too long."""

Loop = ast.For | ast.While | ast.AsyncFor
Header = ast.If | Loop


class RunReference:
    """A run, and the facts about it that lines of a chain are compared with.

    Args:
        trace: the run; it returned.
        values: the values of its expressions.

    Attributes:
        steps: the steps of the run.
        previous, following: for each step, the step before and after it in its frame; None where there is none.
        last: the last step of each frame.
        is_lenient: the program has generators, whose frames are left and entered again. What a line must state is not checked there;
            what it states is.
        memo: outcomes of checks that the completions of a group share.
    """

    def __init__(self, trace: Trace, values: ExpressionValues) -> None:
        self.trace = trace
        self.values = values
        self.steps = trace.steps
        self.statements = layout_of(trace.program).statements
        self.memo: dict[tuple[object, ...], Any] = {}
        self._to_state: dict[int, frozenset[str]] = {}
        self.generators = {step.frame for step in trace.steps if (one := self.statements.get(step.line)) and one.yields}
        self.is_lenient = any(one.yields for one in self.statements.values())
        self.previous: list[Step | None] = []
        self.following: dict[int, Step] = {}
        self.last: dict[int, Step] = {}
        for step in trace.steps:
            before = self.last.get(step.frame)
            self.previous.append(before)
            if before is not None:
                self.following[before.index] = step
            self.last[step.frame] = step

    @property
    def program(self) -> Program:
        """The program that ran."""
        return self.trace.program

    @cached_property
    def _frame_stops(self) -> list[int]:
        """For each frame, the index after its last step and those of the calls made in it."""
        stops = [self.last[number].index + 1 if number in self.last else 0 for number in range(len(self.trace.frames))]
        for number in range(len(self.trace.frames) - 1, -1, -1):
            last, caller = self.last.get(number), self.trace.frames[number].caller
            if last is not None and last.finished is not None:
                stops[number] = last.finished
            if caller is not None:  # a frame that an exception ends may end in a call that it makes
                outer = self.steps[caller].frame
                stops[outer] = max(stops[outer], stops[number])
        return stops

    @cached_property
    def ends(self) -> list[int]:
        """For each step, how many steps have begun when it is over."""
        ends = [step.finished if step.finished is not None else step.index + 1 for step in self.steps]
        for number, frame in enumerate(self.trace.frames):
            if frame.caller is not None and self.steps[frame.caller].finished is None:
                ends[frame.caller] = max(ends[frame.caller], self._frame_stops[number])
        for step in self.steps:
            if step.finished is None and (after := self.following.get(step.index)) is not None:
                ends[step.index] = min(ends[step.index], after.index)  # a `with` may be left later on
        return ends

    def is_lenient_step(self, step: Step) -> bool:
        """Whether lines about a step need not state all that it does: in generators, and on lines with several statements."""
        statement = self.statements.get(step.line)
        return step.frame in self.generators or statement is None or not statement.is_unambiguous

    def starts_frame(self, index: int) -> bool:
        """Whether a step is the first of a called function."""
        return index < len(self.steps) and self.steps[index].frame > 0 and self.previous[index] is None

    def node(self, step: Step) -> ast.AST | None:
        """The syntax tree of a step's statement."""
        statement = self.statements.get(step.line)
        return statement.node if statement else None

    def statement(self, step: Step) -> Statement | None:
        """The statement of a step."""
        return self.statements.get(step.line)

    def before(self, step: Step) -> Mapping[str, Value]:
        """The variables of a step's frame before it."""
        earlier = self.previous[step.index]
        while earlier is not None and earlier.finished is None:
            earlier = self.previous[earlier.index]
        return earlier.state if earlier is not None else self.trace.frames[step.frame].state

    @cached_property
    def shared(self) -> frozenset[str]:
        """Names that a function can give a new value in another one."""
        return frozenset(
            name for node in self.program.nodes if isinstance(node, ast.Global | ast.Nonlocal) for name in node.names
        )

    def texts_until(self, step: Step, at: int) -> Mapping[ast.AST, Collection[str]]:
        """The values that each expression of a step's line had, as texts, as far as they were computed by a moment.

        Args:
            step: the step.
            at: how many steps of the run are over at that moment.
        """
        key = ("texts", step.index, at)
        if key not in self.memo:
            found: dict[ast.AST, set[str]] = {}
            for note in itertools.takewhile(lambda note: note.time_index <= at, self.notes(step)):
                if note.value.text is not None:
                    found.setdefault(note.node, set()).add(note.value.text)
            self.memo[key] = found
        texts: Mapping[ast.AST, Collection[str]] = self.memo[key]
        return texts

    def is_lasting(self, step: Step, name: str) -> bool:
        """Whether a name of a step's frame keeps the value that it has before the step to the end of the call."""
        key = ("lasting", step.index, name)
        if key not in self.memo:
            value = self.before(step).get(name)
            own = [each for each in self.steps[step.index :] if each.frame == step.frame and each.finished is not None]
            self.memo[key] = value is not None and all(each.state.get(name) == value for each in own)
        return bool(self.memo[key])

    def enters_body(self, step: Step, node: Header) -> bool:
        """Whether the frame goes on in the body of a header."""
        after = self.following.get(step.index)
        return after is not None and node.body[0].lineno <= after.line <= (node.body[-1].end_lineno or 0)

    def branch(self, step: Step) -> tuple[int, int]:
        """The line of a step and the line that runs next in its frame; 0 where the frame ends."""
        after = self.following.get(step.index)
        return step.line, after.line if after is not None else 0

    def branches_between(self, start: int, stop: int) -> tuple[tuple[int, int], ...]:
        """The branches of the steps from one up to another, each once, in the order in which they are first taken."""
        key = ("branches", start, stop)
        if key not in self.memo:
            self.memo[key] = tuple(dict.fromkeys(self.branch(step) for step in self.steps[start:stop]))
        found: tuple[tuple[int, int], ...] = self.memo[key]
        return found

    def end_of_call(self, index: int) -> int:
        """The index after the last step of the call that begins with a step."""
        return self._frame_stops[self.steps[index].frame]

    def end_of_round(self, header: Step, node: Loop) -> int:
        """The index after the last step of the loop round that a header begins."""
        first, last = node.body[0].lineno, node.body[-1].end_lineno or 0
        after = self.following.get(header.index)
        while after is not None and after.line != header.line and first <= after.line <= last:
            after = self.following.get(after.index)
        return after.index if after is not None else self._frame_stops[header.frame]

    def is_first_round(self, header: Step, node: Loop) -> bool:
        """Whether a header begins the first round of its loop."""
        before = self.previous[header.index]
        return before is None or not node.lineno <= before.line <= (node.body[-1].end_lineno or 0)

    def returned(self, frame: int) -> str | None:
        """The literal of what a frame returned; None where it has none, is not known, or the frame ended in an exception."""
        if frame == 0:
            value = self.trace.result.value
            return value.text if value is not None else None
        step = self.last[frame]
        if step.finished is None:
            return None
        node = self.node(step)
        if not isinstance(node, ast.Return):
            return None if frame in self._with_earlier_return else "None"
        if node.value is None:
            return "None"
        return next((note.value.text for note in reversed(self.notes(step)) if note.node is node.value), None)

    @cached_property
    def _with_earlier_return(self) -> set[int]:
        """Frames in which steps follow a `return`, in a `finally`: what they return is not that of their last step."""
        return {step.frame for step in self.steps if isinstance(self.node(step), ast.Return) and step.index in self.following}

    def notes(self, step: Step) -> Sequence[ExpressionValue]:
        """The recorded values of a step's expressions, in the order in which they were computed."""
        return self.values.of(step.index)

    def expressions(self, step: Step) -> LineExpressions:
        """The expressions of a step's statement."""
        known = _line_expressions(self.program)
        if step.line not in known:
            known[step.line] = expressions_of(self.node(step))
        return known[step.line]

    def parameters(self, frame: int) -> Collection[str]:
        """The parameters of the function whose frame this is."""
        first = next((step.line for step in self.steps if step.frame == frame), 0)
        return _parameters(self.program).get((self.trace.frames[frame].function, first), ())

    def bindings(self, frame: int) -> dict[str, str]:
        """The arguments of a call that have literals."""
        state = self.trace.frames[frame].state
        found = {name: state[name].text for name in self.parameters(frame) if name in state}
        return {name: text for name, text in found.items() if text is not None}

    def must_set(self, step: Step) -> frozenset[str]:
        """The variables that a line about a step must state: those that it binds or changes, by their values or their sizes."""
        found = self._to_state.get(step.index)
        if found is None:
            statement = self.statement(step)
            names = set(step.changed) | (statement.targets if statement else set())
            found = frozenset(name for name in names if name in step.state and _can_be_stated(step.state[name]))
            self._to_state[step.index] = found
        return found

    def must_change(self, step: Step) -> frozenset[str]:
        """Of a line with several statements, the variables that have another value after it; none in a generator."""
        if step.finished is None or step.frame in self.generators:
            return frozenset()
        return frozenset(name for name in step.changed if name in step.state and _can_be_stated(step.state[name]))


def _can_be_stated(value: Value) -> bool:
    return value.text is not None and (len(value.text) <= SHORT or value.type in SIZED)


@cached_per_program
def _line_expressions(program: Program) -> dict[int, LineExpressions]:
    return {}


@cached_per_program
def _parameters(program: Program) -> dict[tuple[str, int], tuple[str, ...]]:
    """Parameters of each function, by its name and a line of its body; inner functions overwrite outer ones."""
    found: dict[tuple[str, int], tuple[str, ...]] = {}
    for node in program.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            given = node.args
            several = [one for one in (given.vararg, given.kwarg) if one is not None]
            names = tuple(one.arg for one in [*given.posonlyargs, *given.args, *given.kwonlyargs, *several])
            found.update({(node.name, line): names for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)})
    return found


# ------------------------------------------------------------------------------------------------------------- the cache

_cache: OrderedDict[Program, RunReference | None] = OrderedDict()
_lock = threading.Lock()


def references_of(
    programs: Iterable[Program], *, limits: Limits = _LIMITS, workers: int = 1, ours: bool = True
) -> dict[Program, RunReference | None]:
    """The reference of each program; None where its run did not return.

    Programs that are not cached run in the sandbox, together.

    Args:
        programs: programs with their arguments; repeated ones run once.
        limits: of a run. One that the machine may have cut short is repeated with ten times the time.
        workers: sandbox processes that run at once.
        ours: whether the programs are ours. Those with arguments that a model chose are run once and not cached.

    Raises:
        SandboxError: programs cannot be run on this machine.
    """
    wanted = list(dict.fromkeys(programs))
    with _lock:
        found = {program: _cache[program] for program in wanted if program in _cache}
        for program in found:
            _cache.move_to_end(program)
    missing = [program for program in wanted if program not in found]
    traced = traced_with_expressions if ours else trace_with_expressions_once
    for program, (trace, values) in zip(missing, traced(missing, limits, workers), strict=True):
        found[program] = RunReference(trace, values) if trace.result.outcome == Outcome.RETURNED and trace.steps else None
    if ours:
        with _lock:
            _cache.update({program: found[program] for program in missing})
            while len(_cache) > 1 and (len(_cache) > _CACHED or sum(map(_weight, _cache.values())) > _CACHED_STEPS):
                _cache.popitem(last=False)
    return found


def _weight(reference: RunReference | None) -> int:
    return len(reference.steps) if reference is not None else 1


def trace_with_expressions_once(
    programs: Sequence[Program], limits: Limits = _LIMITS, workers: int = 1
) -> list[tuple[Trace, ExpressionValues]]:
    """Traces programs, with the values of their expressions; no run is repeated."""
    return list(trace_with_expressions(programs, limits=limits, workers=workers))


def traced_with_expressions(
    programs: Sequence[Program], limits: Limits = _LIMITS, workers: int = 1
) -> list[tuple[Trace, ExpressionValues]]:
    """Traces programs, with the values of their expressions; an inconclusive run is repeated once, with ten times the time.

    Raises:
        SandboxError: programs cannot be run on this machine.
    """
    return retry_inconclusive(
        trace_with_expressions(programs, limits=limits, workers=workers),
        lambda at: trace_with_expressions([programs[at]], limits=extended_limits(limits)),
        lambda run: run[0].result,
        lambda run: run[0].result.outcome == Outcome.RETURNED and not run[1].notes,
    )
