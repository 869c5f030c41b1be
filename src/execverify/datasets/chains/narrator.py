"""From a run to claims about it: what is told of each step, in the order in which things happen."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from execverify.datasets.chains import claims as said
from execverify.datasets.chains.claims import Bindings, Claim
from execverify.datasets.chains.parts import Sight, scopes_of, told_parts
from execverify.datasets.chains.pieces import PARTS
from execverify.datasets.chains.plan import Detail, Gap, gaps_of
from execverify.datasets.chains.shape import Shape, shape_of
from execverify.errors import LiteralError
from execverify.programs.literals import Value, parse_literal, value_of
from execverify.questions.layout import Statement, layout_of
from execverify.questions.question import Question
from execverify.tracing.details import Details
from execverify.tracing.trace import Step, Trace

_IMMUTABLE = frozenset({"int", "float", "bool", "str", "tuple", "complex", "NoneType", "frozenset", "bytes", "range"})


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
        self.asked = {(one.line, one.visit, one.variable) for one in questions if one.variable is not None}
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
        if statement is None or _is_crowded(statement) or index in self.details.cut:
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
        own = [step for step in self.trace.steps[gap.start : gap.stop] if step.frame == gap.loop.frame and step.finished is not None]
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
        if _is_crowded(statement) and not isinstance(node, ast.For | ast.AsyncFor):
            if ";" not in statement.texts[-1]:
                yield said.Does(statement.texts[-1])
            yield from self.state(step, statement)
        elif isinstance(node, ast.If | ast.While):
            yield from self.test(step, node)
            yield from self.state(step, statement)
        elif isinstance(node, ast.For | ast.AsyncFor) and not self.goes_in(step, node):
            yield said.Exhausted()
        elif isinstance(node, ast.Return):
            pass
        else:
            yield from self.deed(step, statement)
            yield from self.state(step, statement)
        if self.shape.after[step.index] < 0 and step.frame not in self.shape.generators:
            value = self.returned(step)
            if value is not None:
                yield said.Leaves(value)

    def test(self, step: Step, node: ast.If | ast.While) -> Iterator[Claim]:
        yield said.Tests(self.goes_in(step, node))

    def goes_in(self, step: Step, node: ast.If | ast.While | ast.For | ast.AsyncFor) -> bool:
        """Whether the step after a header is in its body, as far as lines tell."""
        following = self.shape.after[step.index]
        first, last = node.body[0], node.body[-1]
        return following >= 0 and first.lineno <= self.trace.steps[following].line <= (last.end_lineno or last.lineno)

    def deed(self, step: Step, statement: Statement) -> Iterator[Claim]:
        """What a statement does beside setting names."""
        node = statement.node
        sight = self.open[step.index].sight
        if isinstance(node, ast.Expr):
            text = sight.text(node.value) if isinstance(node.value, ast.Call) else None
            if text and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
                before = sight.text(node.value.func.value)  # the same with what is changed by its name
                place = sight.place(node.value.func.value)
                known = sight.values.get(node.value.func.value) or before
                if known and place and text.startswith(f"{known}."):
                    text = place + text[len(known) :]
            yield said.Does(text or _one_line(node))
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            yield from self.assigned(step, node, sight)
        elif not isinstance(node, ast.For | ast.AsyncFor):
            yield said.Does(_one_line(node))

    def assigned(self, step: Step, node: ast.Assign | ast.AugAssign | ast.AnnAssign, sight: Sight) -> Iterator[Claim]:
        """What an assignment does, where it is not told by the names that it sets."""
        if isinstance(node, ast.AugAssign):
            yield from self.changed(step, node, sight)
            return
        if isinstance(node.value, ast.Name) and self.detail.parts != "none":
            value = sight.state.get(node.value.id)
            if value is not None and value.text is not None and len(value.text) <= self.detail.width:
                yield said.Gives(node.value.id, value.text, whole=True)
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        right = None if node.value is None else sight.values.get(node.value) or sight.text(node.value)
        for target in targets:
            if isinstance(target, ast.Subscript | ast.Attribute):
                left = sight.place(target)
                yield said.Does(f"{left} = {right}" if left and right else _one_line(node))

    def changed(self, step: Step, node: ast.AugAssign, sight: Sight) -> Iterator[Claim]:
        """What `x += 1` does: of a number or text, the operation; of an item likewise; of what changes in place, as it stands."""
        target, sign = node.target, _SIGNS.get(type(node.op), "?")
        right = sight.values.get(node.value) or sight.text(node.value)
        old = new = None
        if isinstance(target, ast.Name):
            old, new = sight.state.get(target.id), step.state.get(target.id)
        elif isinstance(target, ast.Subscript):
            old, new = self.item(step, target, sight)
        if old and new and old.text and new.text and right and old.type in _IMMUTABLE:
            if self.detail.parts != "none":
                yield said.Gives(f"{_bracketed(old.text, sign)} {sign} {_operand(right, node.value)}", new.text, whole=True)
            if not isinstance(target, ast.Name):
                yield said.Does(f"{sight.place(target)} = {new.text}" if self.detail.parts != "none" else _one_line(node))
            return
        left = sight.place(target)
        yield said.Does(f"{left} {sign}= {right}" if left and right else _one_line(node))

    def item(self, step: Step, target: ast.Subscript, sight: Sight) -> tuple[Value | None, Value | None]:
        """What an item was that is assigned to, and what it is in the variable's state now; None where that is not known."""
        old = next((note.value for note in self.details.of(step.index) if note.node is target), None)
        if old is None or target not in sight.values or not isinstance(target.value, ast.Name):
            return None, None
        after = step.state.get(target.value.id)
        key = sight.values.get(target.slice) or sight.text(target.slice)
        try:
            return old, value_of(parse_literal(after.text or "")[parse_literal(key or "")])  # type: ignore[index, union-attr]
        except (LiteralError, LookupError, TypeError, AttributeError):
            return old, None

    def state(self, step: Step, statement: Statement) -> Iterator[Claim]:
        """What the variables are that a step has bound or changed."""
        names = [name for name in _in_order(statement) if name in step.state]
        names += sorted(name for name in step.changed if name in step.state and name not in names)
        for name in names:
            value = step.state[name]
            if value.text is None:
                continue
            if len(value.text) <= self.detail.width or (step.line, step.visit, name) in self.asked:
                yield said.Sets(name, value.text)
            elif (size := _size(value)) is not None:
                yield said.Sized(name, size)

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


_SIGNS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**", ast.LShift: "<<",
    ast.RShift: ">>", ast.BitOr: "|", ast.BitXor: "^", ast.BitAnd: "&", ast.MatMult: "@",
}  # fmt: skip


def _is_crowded(statement: Statement) -> bool:
    """Whether other statements stand on its line too."""
    return not statement.askable and not getattr(statement.node, "decorator_list", None)


def _one_line(node: ast.AST) -> str:
    """A statement, or its header, on one line."""
    return ast.unparse(node).split("\n")[0]


def _bracketed(text: str, sign: str) -> str:
    return f"({text})" if text.startswith("-") and sign == "**" else text


def _operand(text: str, node: ast.expr) -> str:
    """The right side of an operation that was an assignment's: what binds less tightly gets brackets."""
    plain = isinstance(node, ast.Constant | ast.Name | ast.Call | ast.Subscript | ast.Attribute | ast.List | ast.Dict | ast.Set)
    if plain or isinstance(node, PARTS) and _is_literal(text):
        return text
    return f"({text})"


def _is_literal(text: str) -> bool:
    try:
        parse_literal(text)
    except LiteralError:
        return False
    return True


def _size(value: Value) -> int | None:
    """How many items a value has."""
    if value.type not in ("list", "dict", "set", "tuple", "str", "frozenset") or value.text is None:
        return None
    found = parse_literal(value.text)
    return len(found)  # type: ignore[arg-type]


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


def _in_order(statement: Statement) -> list[str]:
    """Names that a statement binds, in the order of its text."""
    node = statement.node
    targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
    names = [one.id for target in targets if target is not None for one in ast.walk(target) if isinstance(one, ast.Name)]
    if isinstance(node, ast.With | ast.AsyncWith):
        names = [one.id for item in node.items if item.optional_vars for one in ast.walk(item.optional_vars) if isinstance(one, ast.Name)]
    bound = [name for name in dict.fromkeys(names) if name in statement.targets]
    return bound or [name for name in dict.fromkeys(names) if isinstance(node, ast.With | ast.AsyncWith)]


def _parameters(trace: Trace, function: str, line: int) -> list[str]:
    """Parameters of the function of a name whose body has a line."""
    for node in trace.program.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == function:
            if node.lineno <= line <= (node.end_lineno or node.lineno):
                spec = node.args
                every = [*spec.posonlyargs, *spec.args, *([spec.vararg] if spec.vararg else []), *spec.kwonlyargs]
                return [one.arg for one in (*every, *([spec.kwarg] if spec.kwarg else []))]
    return []
