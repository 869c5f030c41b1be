"""How much of a run is rendered: the levels of detail, and what is left out at each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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


def gaps_of(
    trace: Trace, shape: TraceStructure, endings: Mapping[int, Sequence[int]], detail: DetailLevel, questions: Iterable[Question]
) -> dict[int, SkippedSteps]:
    """What is left out, by the first step of each: whole rounds of long loops, whole calls.

    What is asked about is rendered. So is each branch, until a rendered step that takes it is over: see `_branch`.

    Args:
        trace: the run.
        shape: its loops and calls.
        endings: steps by the moment, in steps begun, at which they are over.
        detail: how much to include.
        questions: what is asked about the run.
    """
    wanted = wanted_steps(trace, questions)
    candidates: dict[int, list[SkippedSteps]] = {}
    rounds = (gap for loop in shape.loops for gap in _rounds(trace, shape, loop, detail, wanted))
    for gap in (*rounds, *_calls(trace, shape, detail, wanted)):
        candidates.setdefault(gap.start, []).append(gap)
    found: list[SkippedSteps] = []
    known: set[tuple[int, int]] = set()
    rendered: set[int] = set()
    at = moment = 0
    while at < len(trace.steps):
        while moment < at:
            moment += 1
            known.update(_branch(trace, shape, step) for step in endings.get(moment, ()) if step in rendered)
        longest_first = sorted(candidates.get(at, ()), key=lambda gap: -gap.stop)
        fitting = (gap for gap in longest_first if all(_branch(trace, shape, step) in known for step in range(at, gap.stop)))
        chosen = next(fitting, None)
        if chosen is None:
            rendered.add(at)
            at += 1
        else:
            found.append(chosen)
            at = chosen.stop
    return {gap.start: gap for gap in _joined(found, detail)}


def _branch(trace: Trace, shape: TraceStructure, step: int) -> tuple[int, int]:
    """The line of a step and the line that runs next in its frame; 0 where the frame ends."""
    after = shape.after[step]
    return trace.steps[step].line, trace.steps[after].line if after >= 0 else 0


def _calls(trace: Trace, shape: TraceStructure, detail: DetailLevel, wanted: frozenset[int]) -> Iterator[SkippedSteps]:
    """Calls that may be left out: those of a function after its first ones."""
    counts: dict[str, int] = {}
    for number, frame in enumerate(trace.frames):
        start, stop = shape.spans[number]
        if frame.caller is None or start == stop or number in shape.generators:
            continue
        counts[frame.function] = count = counts.get(frame.function, 0) + 1
        if (
            count > detail.calls
            and not any(start <= step < stop for step in wanted)
            and is_closed(trace, shape, number, start, stop)
        ):
            yield SkippedSteps(start, stop)


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


def _rounds(
    trace: Trace, shape: TraceStructure, loop: Loop, detail: DetailLevel, wanted: frozenset[int]
) -> Iterator[SkippedSteps]:
    """Rounds of a loop that may be left out: of a long one, those between its first and its last rounds."""
    turns = loop.turns[:-1] if loop.completed else loop.turns
    if len(turns) <= detail.unroll:
        return
    for turn in turns[detail.head : len(turns) - detail.tail]:
        if not any(turn.start <= step < turn.stop for step in wanted) and is_closed(
            trace, shape, loop.frame, turn.start, turn.stop
        ):
            yield SkippedSteps(turn.start, turn.stop, loop, turn.visit, turn.visit)


def _joined(gaps: list[SkippedSteps], detail: DetailLevel) -> Iterator[SkippedSteps]:
    """Rounds of a loop in a row, one by one where they are few, else as one; calls as they are."""
    run: list[SkippedSteps] = []
    for gap in [*gaps, None]:
        if run and (gap is None or gap.loop is None or gap.loop is not run[-1].loop or gap.start != run[-1].stop):
            if run[0].loop is not None and len(run) > max(1, detail.rounds):
                run = [SkippedSteps(run[0].start, run[-1].stop, run[0].loop, run[0].first, run[-1].last)]
            yield from run
            run = []
        if gap is not None:
            run.append(gap)
