"""How much of a run is rendered: the levels of detail, and what is left out at each."""

from collections.abc import Iterable
from dataclasses import dataclass

from execverify.cot.loops import Loop, TraceStructure, is_closed
from execverify.questions.kinds.base import QUESTION_KINDS
from execverify.questions.question import Question
from execverify.tracing.trace import Trace


@dataclass(frozen=True, slots=True)
class DetailLevel:
    """How much is rendered.

    Attributes:
        parts: which parts of a statement have their values rendered: "all", "calls" (where calls are nested), "whole" (the
            statement's expression alone, with names filled in), or "none".
        unroll: a loop of at most so many rounds is rendered round by round.
        head, tail: of a longer loop, so many rounds at its beginning and its end are rendered.
        rounds: of what is left out of a loop, so many rounds in a row are rendered as what they change; more are left out together.
        calls: so many calls of each function are rendered step by step; later ones as what they give.
        width: longest value that is rendered, in characters, unless it is asked about.
        answers: whether it is mentioned where in the run the answer of each question is.
        needs: input prediction: of so many lines it is rendered what they need, from the result backward.
    """

    parts: str
    unroll: int
    head: int
    tail: int
    rounds: int
    calls: int
    width: int
    answers: bool = True
    needs: int = 6


DETAIL_LEVELS = (
    DetailLevel("all", 12, 4, 2, 30, 1_000, 300),
    DetailLevel("calls", 8, 3, 1, 30, 1_000, 300),
    DetailLevel("whole", 8, 3, 1, 30, 12, 200),
    DetailLevel("whole", 5, 2, 1, 16, 3, 160),
    DetailLevel("whole", 3, 2, 0, 0, 2, 120),
    DetailLevel("none", 1, 1, 0, 0, 1, 80, needs=3),
    DetailLevel("none", 1, 1, 0, 0, 1, 60, answers=False, needs=0),
)
"""From all to little. Where a chain does not fit its budget, the next one is tried."""

NAMED_LEVELS = {"full": 0, "medium": 2, "brief": 3}
"""Index in `DETAIL_LEVELS` at which each named level begins."""


@dataclass(frozen=True)
class SkippedSteps:
    """Steps that are not rendered one by one.

    Attributes:
        start, stop: which, the last one excluded.
        loop: the loop whose rounds they are; None for the steps of a call.
        first, last: visits of its header.
    """

    start: int
    stop: int
    loop: Loop | None = None
    first: int = 0
    last: int = 0


def gaps_of(trace: Trace, shape: TraceStructure, detail: DetailLevel, questions: Iterable[Question]) -> dict[int, SkippedSteps]:
    """What is left out, by the first step of each: whole rounds of long loops, whole calls. What is asked about is rendered."""
    wanted = wanted_steps(trace, questions)
    found: list[SkippedSteps] = []
    for loop in shape.loops:
        found += _of_loop(trace, shape, loop, detail, wanted)
    rendered: dict[str, int] = {}
    for number, frame in enumerate(trace.frames):
        start, stop = shape.spans[number]
        if frame.caller is None or start == stop or number in shape.generators:
            continue
        rendered[frame.function] = count = rendered.get(frame.function, 0) + 1
        if (
            count > detail.calls
            and not any(start <= step < stop for step in wanted)
            and is_closed(trace, shape, number, start, stop)
        ):
            found.append(SkippedSteps(start, stop))
    found.sort(key=lambda gap: (gap.start, -gap.stop))
    outer: dict[int, SkippedSteps] = {}
    end = 0
    for gap in found:
        if gap.start >= end:
            outer[gap.start] = gap
            end = gap.stop
    return outer


def wanted_steps(trace: Trace, questions: Iterable[Question]) -> frozenset[int]:
    """Steps that are asked about, and those that begin after them."""
    found: set[int] = set()
    for question in questions:
        step = trace.step(question.line, question.visit)
        if step is not None:
            found.add(step.index)
            if QUESTION_KINDS.get(question.kind).shows_next_step and step.index + 1 < len(trace.steps):
                found.add(step.index + 1)
    return frozenset(found)


def _of_loop(trace: Trace, shape: TraceStructure, loop: Loop, detail: DetailLevel, wanted: frozenset[int]) -> list[SkippedSteps]:
    turns = loop.turns[:-1] if loop.completed else loop.turns
    if len(turns) <= detail.unroll:
        return []
    left_out = [
        turn
        for place, turn in enumerate(turns)
        if detail.head <= place < len(turns) - detail.tail
        and not any(turn.start <= step < turn.stop for step in wanted)
        and is_closed(trace, shape, loop.frame, turn.start, turn.stop)
    ]
    found: list[SkippedSteps] = []
    run: list[SkippedSteps] = []
    for turn in left_out:
        gap = SkippedSteps(turn.start, turn.stop, loop, turn.visit, turn.visit)
        if run and run[-1].stop != gap.start:
            found += _joined(run, detail)
            run = []
        run.append(gap)
    return found + _joined(run, detail)


def _joined(run: list[SkippedSteps], detail: DetailLevel) -> list[SkippedSteps]:
    """Rounds in a row, one by one where they are few, else as one."""
    if len(run) <= max(1, detail.rounds):
        return run
    return [SkippedSteps(run[0].start, run[-1].stop, run[0].loop, run[0].first, run[-1].last)]
