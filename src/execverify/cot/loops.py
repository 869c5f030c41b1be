"""The shape of a run: which steps are rounds of which loop, and which calls are made inside of which step.

>>> from execverify.programs import Program
>>> from execverify.tracing import trace
>>> run = trace(Program("def f(n):\\n    s = 0\\n    for i in range(n):\\n        s += i\\n    return s", arguments="2"))
>>> [(loop.line, [(turn.start, turn.stop) for turn in loop.turns]) for loop in shape_of(run).loops]
[(3, [(1, 3), (3, 5)])]
"""

import ast
from dataclasses import dataclass, field

from execverify.programs.program import Program, cached_per_program
from execverify.questions.statements import layout_of
from execverify.tracing.trace import Trace

_LOOPS = (ast.For, ast.While, ast.AsyncFor)


@dataclass(frozen=True, slots=True)
class LoopRound:
    """One round of a loop: the steps from its header's to before the header's next.

    Attributes:
        visit: which execution of the header.
        start, stop: its steps, the last one excluded.
    """

    visit: int
    start: int
    stop: int


@dataclass(slots=True)
class Loop:
    """One execution of a loop.

    Attributes:
        line: of its header.
        frame: where it runs.
        turns: its rounds, in order; the header's last step, which ends the loop, is none.
        completed: whether its last round left it, by a `break`, a `return` or an exception.
    """

    line: int
    frame: int
    turns: list[LoopRound] = field(default_factory=list)
    completed: bool = False


@dataclass(frozen=True)
class TraceStructure:
    """The shape of a run.

    Attributes:
        loops: in the order in which they begin.
        spans: of each frame, its first step and the one after its last.
        callees: frames entered during each step, in order.
        before: for each step, the step of the same frame before it; -1 for the first.
        after: for each step, the step of the same frame after it; -1 for the last.
        generators: frames of generators, which are left and entered again.
    """

    loops: tuple[Loop, ...]
    spans: tuple[tuple[int, int], ...]
    callees: dict[int, tuple[int, ...]]
    before: tuple[int, ...]
    after: tuple[int, ...]
    generators: frozenset[int]


@cached_per_program
def loops_around(program: Program) -> dict[int, tuple[int, ...]]:
    """For each statement line, the header lines of the loops whose rounds it is part of, the outermost first; headers included."""
    found: dict[int, tuple[int, ...]] = {}
    layout = layout_of(program)
    ranges = [(line, _span(one.node)) for line, one in layout.statements.items() if isinstance(one.node, _LOOPS)]
    for line in layout.statements:
        found[line] = tuple(header for header, (first, last) in ranges if header == line or first <= line <= last)
    return found


def _span(node: ast.AST) -> tuple[int, int]:
    """First and last physical line of a loop's body."""
    assert isinstance(node, _LOOPS)
    return node.body[0].lineno, node.body[-1].end_lineno or node.body[-1].lineno


def shape_of(trace: Trace) -> TraceStructure:
    """The shape of a run that has steps."""
    layout = layout_of(trace.program)
    around = loops_around(trace.program)
    before, after = [-1] * len(trace.steps), [-1] * len(trace.steps)
    last: dict[int, int] = {}
    spans: dict[int, list[int]] = {}
    open_loops: dict[int, list[Loop]] = {}
    begun: dict[int, tuple[int, int]] = {}  # the round that each open loop is in: its header's visit and first step
    loops: list[Loop] = []

    def close(loop: Loop, stop: int, whole: bool) -> None:
        visit, start = begun.pop(id(loop))
        if whole:
            loop.turns.append(LoopRound(visit, start, stop))

    for step in trace.steps:
        frame = step.frame
        if frame in last:
            before[step.index], after[last[frame]] = last[frame], step.index
        stack = open_loops.setdefault(frame, [])
        lines = around.get(step.line, ())
        while stack and stack[-1].line not in lines:
            loop = stack.pop()
            if begun[id(loop)][1] == last[frame]:  # its header's last step found nothing left
                close(loop, step.index, whole=False)
            else:
                close(loop, step.index, whole=True)
                loop.completed = True
        if lines and lines[-1] == step.line:
            if stack and stack[-1].line == step.line:
                close(stack[-1], step.index, whole=True)
            else:
                stack.append(Loop(step.line, frame))
                loops.append(stack[-1])
            begun[id(stack[-1])] = (step.visit, step.index)
        last[frame] = step.index
        spans.setdefault(frame, [step.index, 0])[1] = step.index + 1
    for frame, stack in open_loops.items():
        for loop in stack:
            if begun[id(loop)][1] != last[frame]:
                close(loop, spans[frame][1], whole=True)
                loop.completed = True
    callees: dict[int, list[int]] = {}
    for number, called in enumerate(trace.frames):
        if called.caller is not None and number in spans:
            callees.setdefault(called.caller, []).append(number)
    generators = frozenset(step.frame for step in trace.steps if (one := layout.statements.get(step.line)) and one.yields)
    return TraceStructure(
        tuple(loops),
        tuple((spans[number][0], spans[number][1]) if number in spans else (0, 0) for number in range(len(trace.frames))),
        {step: tuple(frames) for step, frames in callees.items()},
        tuple(before),
        tuple(after),
        generators,
    )


def is_closed(trace: Trace, shape: TraceStructure, frame: int, start: int, stop: int) -> bool:
    """Whether a range of steps holds a frame's own steps and whole calls made in it, and nothing else."""
    for step in trace.steps[start:stop]:
        if any(shape.spans[called][1] > stop for called in shape.callees.get(step.index, ())):
            return False  # of a step that an exception ends too, whose end is not known
        if step.frame != frame:
            caller = trace.frames[step.frame].caller
            if caller is None or not start <= caller < stop or shape.spans[step.frame][1] > stop:
                return False
    return all(step.finished is None or step.finished <= stop for step in trace.steps[start:stop])
