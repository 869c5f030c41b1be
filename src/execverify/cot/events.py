"""From a run to claims about it: what is rendered of each step, in the order in which things happen."""

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from execverify.cot.detail import DetailLevel, SkippedSteps, gaps_of
from execverify.cot.effects import StepEffects
from execverify.cot.expressions import StepContext, expression_claims, scopes_of
from execverify.cot.lines import Line, lines_of
from execverify.cot.loops import TraceStructure, shape_of
from execverify.questions.kinds.base import QUESTION_KINDS
from execverify.questions.question import Question
from execverify.rewards.steps import claims
from execverify.rewards.steps.claims import Bindings, Claim
from execverify.rewards.steps.scan import is_closed, split_outside
from execverify.tracing.expressions import ExpressionValues
from execverify.tracing.trace import Step, Trace

_RAISING_WIDTH = 120  # longest part, in characters, that is rendered as what raises an exception


@dataclass(frozen=True)
class TraceView:
    """A run, prepared for rendering, more than once where a budget asks for it.

    Attributes:
        trace: the run; it returned.
        details: the values of the parts of its statements.
        shape: its loops and calls.
        endings: steps by the moment, in steps begun, at which they are over.
    """

    trace: Trace
    details: ExpressionValues
    shape: TraceStructure
    endings: dict[int, list[int]]


def trace_view(trace: Trace, details: ExpressionValues) -> TraceView:
    """The claims of a run, in order."""
    shape = shape_of(trace)
    endings: dict[int, list[int]] = {}
    stops: dict[int, int] = {}  # for each frame, the index after its last step and those of the calls made in it
    for step in reversed(trace.steps):  # the steps of a call come after the step that makes it
        called = [stops[frame] for frame in shape.callees.get(step.index, ())]
        end = step.finished if step.finished is not None else max([step.index + 1, *called])
        if step.finished is None and shape.after[step.index] >= 0:
            end = min(end, shape.after[step.index])  # a `with` may be left later on
        stops[step.frame] = max([stops.get(step.frame, 0), step.index + 1, *called])
        endings.setdefault(end, []).append(step.index)
    return TraceView(trace, details, shape, {end: steps[::-1] for end, steps in endings.items()})


def run_claims(view: TraceView, detail: DetailLevel, questions: Iterable[Question] = ()) -> Iterator[Claim]:
    """Claims about a run.

    Args:
        view: the run.
        detail: how much to include.
        questions: what is asked about it: those moments are rendered whatever the detail.
    """
    return _ClaimBuilder(view, detail, tuple(questions)).build()


def answer_claims(trace: Trace, questions: Iterable[Question]) -> Iterator[Claim]:
    """For each question of a white-box task, what answers it in the run."""
    for question in questions:
        if trace.step(question.line, question.visit) is None:
            yield claims.NeverRunsAnswer(question.line, question.visit, len(trace.visits.get(question.line, ())))
        else:
            yield _ANSWERS.get(question.kind, _other_answer)(trace, question)


def _next_statement(trace: Trace, question: Question) -> Claim:
    step = trace.step(question.line, question.visit)
    assert step is not None
    following = trace.steps[step.index + 1].line if step.index + 1 < len(trace.steps) else None
    return claims.NextStatementAnswer(question.line, question.visit, following)


def _state(trace: Trace, question: Question) -> Claim:
    step = trace.step(question.line, question.visit)
    assert step is not None and question.variable is not None
    return claims.StateAnswer(question.line, question.visit, question.variable, step.state[question.variable].text or "")


def _other_answer(trace: Trace, question: Question) -> Claim:
    answers = QUESTION_KINDS.get(question.kind).answers(trace, question)
    return claims.OtherAnswer(question.line, question.visit, question.kind, answers[0] if answers else "")


_ANSWERS: dict[str, Callable[[Trace, Question], Claim]] = {"next_statement": _next_statement, "variable_state": _state}
"""Kinds whose answers have claims of their own, which say more than the answer."""


class _ClaimBuilder:
    def __init__(self, view: TraceView, detail: DetailLevel, questions: tuple[Question, ...]) -> None:
        self.view = view
        self.trace = view.trace
        self.details = view.details
        self.shape = view.shape
        self.detail = detail
        self.lines = lines_of(self.trace.program)
        self.effects = StepEffects(
            self.details, detail, {(one.line, one.visit, one.variable) for one in questions if one.variable}
        )
        self.gaps = gaps_of(self.trace, self.shape, view.endings, detail, questions)
        self.open: dict[int, StepContext] = {}  # steps that are being rendered, and what is known in each

    # ------------------------------------------------------------------------------------------------ the events, in order

    def build(self) -> Iterator[Claim]:
        """All of it."""
        trace = self.trace
        yield claims.CallStarts(self.arguments(0))
        index = 0
        while index < len(trace.steps):
            yield from self.nested_steps(index)
            gap = self.gaps.get(index)
            if gap is not None:
                yield from self.skip(gap)
                index = gap.stop
                continue
            step = trace.steps[index]
            yield from self.entered(step)
            yield claims.StepStarts(step.line, step.visit)
            self.open[index] = self.step_context(step)
            yield from self.parts(index, index + 1)
            index += 1
        yield from self.nested_steps(index)

    def nested_steps(self, moment: int) -> Iterator[Claim]:
        """What happens when so many steps have begun, and before the next one does: parts, ends, returns."""
        over = [index for index in self.view.endings.get(moment, ()) if index in self.open]
        noted = [index for index in self.open if index < moment - 1 and index not in over and self.has_new(index, moment)]
        for index in sorted(over + noted, reverse=True):
            step = self.trace.steps[index]
            if index < moment - 1:
                yield claims.StepResumes(step.line, step.visit)
            yield from self.parts(index, moment)
            if index in over:
                yield from self.finished(step)
                del self.open[index]

    def has_new(self, index: int, moment: int) -> bool:
        """Whether a step that called a function has had parts computed since."""
        notes, rendered = self.details.of(index), self.open[index].emitted
        return rendered < len(notes) and notes[rendered].time_index <= moment

    def parts(self, index: int, moment: int) -> Iterator[Claim]:
        """The parts of a step that have been computed up to a moment."""
        context, notes = self.open[index], self.details.of(index)
        start = context.emitted
        while context.emitted < len(notes) and notes[context.emitted].time_index <= moment:
            context.emitted += 1
        line = self.lines.get(self.trace.steps[index].line)
        if start == context.emitted or line is None or line.multiple_statements or index in self.details.cut:
            return
        new = [note for note in notes[start : context.emitted] if note.node is not line.is_silent]
        yield from expression_claims(context, new, self.detail.parts, line)

    def entered(self, step: Step) -> Iterator[Claim]:
        """The call that leads to a step, where it is the first of its frame."""
        if step.frame and self.shape.before[step.index] < 0:
            frame = self.trace.frames[step.frame]
            yield claims.FunctionEntered(frame.function, self.arguments(step.frame))

    def skip(self, gap: SkippedSteps) -> Iterator[Claim]:
        """Steps that are left out."""
        if gap.loop is not None:
            yield claims.RoundsSkipped(gap.loop.line, gap.first, gap.last, self.changes(gap))
        else:
            number = self.trace.steps[gap.start].frame
            yield claims.FunctionEntered(self.trace.frames[number].function, self.arguments(number), in_detail=False)
            value = self.returned(self.trace.steps[gap.stop - 1])
            if value is not None:
                yield claims.FunctionReturned(value)

    def changes(self, gap: SkippedSteps) -> Bindings:
        """What the loop's frame has after rounds that are left out, where it is another than before."""
        assert gap.loop is not None
        own = [
            step for step in self.trace.steps[gap.start : gap.stop] if step.frame == gap.loop.frame and step.finished is not None
        ]
        if not own:
            return ()
        changed = {name: None for step in own for name in sorted(step.changed)}
        state = own[-1].state
        pairs = [(name, state[name].text) for name in changed if name in state]
        return tuple((name, text) for name, text in pairs if text is not None and len(text) <= self.detail.width)

    # ------------------------------------------------------------------------------------------------ single steps

    def step_context(self, step: Step) -> StepContext:
        before = self.shape.before[step.index]
        state = self.trace.frames[step.frame].state
        while before >= 0:
            if self.trace.steps[before].finished is not None:
                state = self.trace.steps[before].state
                break
            before = self.shape.before[before]
        return StepContext(self.trace.program, state)

    def arguments(self, number: int) -> Bindings:
        """The parameters of a frame, as far as they have literals."""
        frame = self.trace.frames[number]
        start, stop = self.shape.spans[number]
        line = self.trace.steps[start].line if start < stop else 0
        names = _parameters(self.trace, frame.function, line)
        pairs = [(name, frame.state[name].text) for name in names if name in frame.state]
        return tuple((name, text) for name, text in pairs if text is not None)

    def finished(self, step: Step) -> Iterator[Claim]:
        """What a step has done when it is over."""
        line = self.lines.get(step.line)
        if line is None:
            return
        if step.finished is None:
            if not line.statement.yields:
                yield self.raises(step, line)
            return
        node = line.statement.node
        if line.multiple_statements and not isinstance(node, ast.For | ast.AsyncFor):
            if ";" not in line.statement.accepted_texts[-1] and is_closed(line.statement.accepted_texts[-1]):
                yield claims.SideEffect(line.statement.accepted_texts[-1])
            yield from self.effects.state(step, line)
        elif isinstance(node, ast.If | ast.While):
            yield claims.ConditionValue(self.enters_body(step, node))
            yield from self.effects.state(step, line)
        elif isinstance(node, ast.For | ast.AsyncFor) and not self.enters_body(step, node):
            yield claims.LoopExhausted()
        elif not isinstance(node, ast.Return):
            yield from self.effects.effect(step, node, self.open[step.index])
            yield from self.effects.state(step, line)
        if self.shape.after[step.index] < 0 and step.frame not in self.shape.generators:
            value = self.returned(step)
            if value is not None:
                yield claims.FunctionReturned(value)

    def raises(self, step: Step, line: Line) -> Claim:
        """The exception in which a step ends, and the part that raises it, as far as they can be rendered."""
        error = self.details.raised.get(step.index)
        if error is None:
            return claims.StepRaises()
        closed = is_closed(error.text) and len(split_outside(error.text, "; ")) == 1
        node, expression = error.node, None
        whole = not (line.multiple_statements or step.index in self.details.cut) and self.detail.parts != "none"
        scopes = scopes_of(self.trace.program)
        if node is not None and whole and not scopes.bound.get(node) and node not in scopes.is_silent:
            expression = self.open[step.index].text(node)
        if len(expression or "") > _RAISING_WIDTH:
            expression = None
        return claims.StepRaises(error.text if closed else error.type, expression)

    def enters_body(self, step: Step, node: ast.If | ast.While | ast.For | ast.AsyncFor) -> bool:
        """Whether the step after a header is in its body, judged by line numbers."""
        following = self.shape.after[step.index]
        first, last = node.body[0], node.body[-1]
        return following >= 0 and first.lineno <= self.trace.steps[following].line <= (last.end_lineno or last.lineno)

    def returned_before(self, step: Step) -> bool:
        """Whether a `return` of the frame ran before its last step, which is in a `finally`."""
        before = self.shape.before[step.index]
        while before >= 0:
            line = self.lines.get(self.trace.steps[before].line)
            if line is not None and isinstance(line.statement.node, ast.Return):
                return True
            before = self.shape.before[before]
        return False

    def returned(self, step: Step) -> str | None:
        """What the frame returns whose last step this is; None where that has no literal."""
        if step.frame == 0:
            return self.trace.result.value.text if self.trace.result.value else None
        line = self.lines.get(step.line)
        node = line.statement.node if line else None
        if step.finished is None:
            return None
        if not isinstance(node, ast.Return):
            return None if self.returned_before(step) else "None"
        if node.value is None:
            return "None"
        for note in reversed(self.details.of(step.index)):
            if note.node is node.value:
                return note.value.text
        return None


def _parameters(trace: Trace, function: str, line: int) -> list[str]:
    """Parameters of the function of a name whose body has a line."""
    for node in trace.program.nodes:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name != function:
            continue
        if node.lineno <= line <= (node.end_lineno or node.lineno):
            spec = node.args
            every = [*spec.posonlyargs, *spec.args, *([spec.vararg] if spec.vararg else []), *spec.kwonlyargs]
            return [one.arg for one in (*every, *([spec.kwarg] if spec.kwarg else []))]
    return []
