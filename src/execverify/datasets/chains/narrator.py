"""From a run to claims about it: what is told of each step, in the order in which things happen."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from execverify.datasets.chains import claims as said
from execverify.datasets.chains.claims import Bindings, Claim
from execverify.datasets.chains.deeds import Deeds, is_crowded
from execverify.datasets.chains.parts import Sight, scopes_of, told_parts
from execverify.datasets.chains.plan import Detail, Gap, gaps_of
from execverify.datasets.chains.shape import Shape, shape_of
from execverify.questions.layout import Statement, layout_of
from execverify.questions.question import Question
from execverify.tracing.details import Details
from execverify.tracing.trace import Step, Trace


def run_claims(trace: Trace, details: Details, detail: Detail, questions: Iterable[Question] = ()) -> Iterator[Claim]:
    """Claims about a run that returned.

    Args:
        trace: the run.
        details: the values of its parts.
        detail: how much to tell.
        questions: what is asked about it: those moments are told whatever the detail.
    """
    return _Narrator(trace, details, detail, tuple(questions)).tell()


def answer_claims(trace: Trace, questions: Iterable[Question]) -> Iterator[Claim]:
    """For each question of a white-box task, where in the run its answer is."""
    for question in questions:
        step = trace.step(question.line, question.visit)
        if step is None:
            yield said.Never(question.line, question.visit, len(trace.visits.get(question.line, ())))
        elif question.kind == "next_statement":
            following = trace.steps[step.index + 1].line if step.index + 1 < len(trace.steps) else None
            yield said.Next(question.line, question.visit, following)
        else:
            assert question.variable is not None
            text = step.state[question.variable].text
            assert text is not None
            yield said.Was(question.line, question.visit, question.variable, text)


@dataclass(slots=True)
class _Open:
    """A step that is being told.

    Attributes:
        told: how many of its notes are told.
        sight: what is known while its parts are computed.
    """

    told: int
    sight: Sight


class _Narrator:
    def __init__(self, trace: Trace, details: Details, detail: Detail, questions: tuple[Question, ...]) -> None:
        self.trace = trace
        self.details = details
        self.detail = detail
        self.layout = layout_of(trace.program)
        self.scopes = scopes_of(trace.program)
        self.shape: Shape = shape_of(trace)
        self.deeds = Deeds(details, detail, {(one.line, one.visit, one.variable) for one in questions if one.variable})
        self.gaps = gaps_of(trace, self.shape, detail, questions)
        self.open: dict[int, _Open] = {}
        self.endings: dict[int, list[int]] = {}  # steps by the moment at which they finish or fail
        for step in trace.steps:
            self.endings.setdefault(self.ending(step), []).append(step.index)

    def ending(self, step: Step) -> int:
        """The moment, in steps begun, at which a step is over."""
        if step.finished is not None:
            return step.finished
        inside = [self.shape.spans[frame][1] for frame in self.shape.callees.get(step.index, ())]
        return max([step.index + 1, *inside])

    # ------------------------------------------------------------------------------------------------ the course of events

    def tell(self) -> Iterator[Claim]:
        """All of it."""
        trace = self.trace
        yield said.Starts(self.arguments(0))
        index = 0
        while index < len(trace.steps):
            yield from self.between(index)
            gap = self.gaps.get(index)
            if gap is not None:
                yield from self.skip(gap)
                index = gap.stop
                continue
            step = trace.steps[index]
            yield from self.entered(step)
            yield said.Begins(step.line, step.visit)
            self.open[index] = _Open(0, self.sight(step))
            yield from self.parts(index, index + 1, True)
            index += 1
        yield from self.between(index)

    def between(self, moment: int) -> Iterator[Claim]:
        """What happens when so many steps have begun, and before the next one does: parts, ends, returns."""
        pending = set(self.endings.get(moment, ()))
        pending.update(index for index in self.open if self.noted(index, moment))
        for index in sorted(pending & self.open.keys(), reverse=True):
            step = self.trace.steps[index]
            if index < moment - 1:
                yield said.Resumes(step.line, step.visit)
            yield from self.parts(index, moment, self.ending(step) == moment)
            if self.ending(step) == moment:
                yield from self.finished(step)
                del self.open[index]

    def noted(self, index: int, moment: int) -> bool:
        notes = self.details.of(index)
        told = self.open[index].told
        return told < len(notes) and notes[told].moment <= moment and moment > index + 1

    def parts(self, index: int, moment: int, last: bool) -> Iterator[Claim]:
        """The parts of a step that have been computed up to a moment."""
        one = self.open[index]
        notes = self.details.of(index)
        start = one.told
        while one.told < len(notes) and notes[one.told].moment <= moment:
            one.told += 1
        statement = self.layout.statements.get(self.trace.steps[index].line)
        if statement is None or is_crowded(statement) or index in self.details.cut:
            return
        new = notes[start : one.told]
        whole = _expression(statement)
        does_only = isinstance(statement.node, ast.Expr) and isinstance(whole, ast.Call)
        takes_up = _takes_up(statement)
        for claim in told_parts(one.sight, (n for n in new if not (does_only and n.node is whole)), self.detail.parts, whole):
            yield claim if takes_up or not isinstance(claim, said.Gives) else replace(claim, whole=False)

    def entered(self, step: Step) -> Iterator[Claim]:
        """The call that leads to a step, where it is the first of its frame."""
        if step.frame and self.shape.before[step.index] < 0:
            frame = self.trace.frames[step.frame]
            yield said.Enters(frame.function, self.arguments(step.frame))

    def skip(self, gap: Gap) -> Iterator[Claim]:
        """Steps that are left out."""
        if gap.loop is not None:
            yield said.Skips(gap.loop.line, gap.first, gap.last, self.changes(gap))
        else:
            number = self.trace.steps[gap.start].frame
            yield said.Enters(self.trace.frames[number].function, self.arguments(number), told=False)
            value = self.returned(self.trace.steps[gap.stop - 1])
            if value is not None:
                yield said.Leaves(value)

    def changes(self, gap: Gap) -> Bindings:
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

    def sight(self, step: Step) -> Sight:
        before = self.shape.before[step.index]
        state = self.trace.frames[step.frame].state
        while before >= 0:
            if self.trace.steps[before].finished is not None:
                state = self.trace.steps[before].state
                break
            before = self.shape.before[before]
        return Sight(self.trace.program, state, not self.scopes.rebinds)

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
        statement = self.layout.statements.get(step.line)
        if statement is None:
            return
        if step.finished is None:
            if not statement.yields:
                yield said.Fails()
            return
        node = statement.node
        if is_crowded(statement) and not isinstance(node, ast.For | ast.AsyncFor):
            if ";" not in statement.texts[-1]:
                yield said.Does(statement.texts[-1])
            yield from self.deeds.state(step, statement)
        elif isinstance(node, ast.If | ast.While):
            yield said.Tests(self.goes_in(step, node))
            yield from self.deeds.state(step, statement)
        elif isinstance(node, ast.For | ast.AsyncFor) and not self.goes_in(step, node):
            yield said.Exhausted()
        elif isinstance(node, ast.Return):
            pass
        else:
            yield from self.deeds.deed(step, statement, self.open[step.index].sight)
            yield from self.deeds.state(step, statement)
        if self.shape.after[step.index] < 0 and step.frame not in self.shape.generators:
            value = self.returned(step)
            if value is not None:
                yield said.Leaves(value)

    def goes_in(self, step: Step, node: ast.If | ast.While | ast.For | ast.AsyncFor) -> bool:
        """Whether the step after a header is in its body, as far as lines tell."""
        following = self.shape.after[step.index]
        first, last = node.body[0], node.body[-1]
        return following >= 0 and first.lineno <= self.trace.steps[following].line <= (last.end_lineno or last.lineno)

    def returned(self, step: Step) -> str | None:
        """What the frame returns whose last step this is; None where that has no literal."""
        if step.frame == 0:
            return self.trace.result.value.text if self.trace.result.value else None
        statement = self.layout.statements.get(step.line)
        node = statement.node if statement else None
        if step.finished is None:
            return None
        if not isinstance(node, ast.Return) or node.value is None:
            return "None"
        for note in reversed(self.details.of(step.index)):
            if note.node is node.value:
                return note.value.text
        return None


def _expression(statement: Statement) -> ast.expr | None:
    """The expression whose value a statement sets, tests, returns or goes through."""
    node = statement.node
    for field in ("value", "test", "iter", "subject"):
        found = getattr(node, field, None)
        if isinstance(found, ast.expr):
            return found
    return None


def _takes_up(statement: Statement) -> bool:
    """Whether what a statement computes is what it sets, tests or returns, as a whole."""
    node = statement.node
    if isinstance(node, ast.Assign):
        return len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
    return isinstance(node, ast.AnnAssign | ast.If | ast.While | ast.Return)


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
