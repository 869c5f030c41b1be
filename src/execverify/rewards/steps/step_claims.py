"""Claims about one step of a run: the values of its expressions, what it sets, tests and does."""

import ast
import itertools
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from execverify.errors import LiteralError
from execverify.programs.literals import parse_literal, parse_untrusted
from execverify.programs.program import truncate
from execverify.programs.values import to_value
from execverify.rewards.steps import claims
from execverify.rewards.steps.chain import StepVerdict
from execverify.rewards.steps.claims import Bindings, Claim
from execverify.rewards.steps.matching import canonical, has_comment, literal_text, matches, parsed
from execverify.rewards.steps.reference import SHORT, SIZED, RunReference
from execverify.rewards.steps.scan import Unreadable
from execverify.tracing.expressions import ExpressionValue
from execverify.tracing.trace import Step

_MAX_MEMO = 1_000
_SCALARS = frozenset({"int", "float", "bool", "NoneType", "str", "complex"})
"""Types of values that may stand in place of a name: others can change within a statement."""


PART_CLAIMS = frozenset({
    claims.ValueClaim, claims.VariableSet, claims.VariableSize, claims.ConditionValue, claims.LoopExhausted, claims.StepRaises,
    claims.ComprehensionRound, claims.SideEffect, claims.SortKeys,
})  # fmt: skip
"""The claims about one step that `StepClaims` checks."""


class Fault(Exception):
    """A line is not right.

    Attributes:
        verdict: its grade.
        why: what is wrong.
    """

    def __init__(self, verdict: StepVerdict, why: str) -> None:
        super().__init__(why)
        self.verdict, self.why = verdict, why


def wrong(why: str) -> Fault:
    """A claim does not hold."""
    return Fault(StepVerdict.WRONG, why)


@dataclass
class OpenStep:
    """A step that lines describe: what they have stated of it so far.

    Attributes:
        step: the step.
        names: variables whose value or size was stated.
        facts: which of "condition", "loop_end", "error", "returned" were stated.
        at: position in its recorded values, which rounds of comprehensions move on.
        inner: values of names that comprehensions and lambdas have bound.
        binders: the nodes that bound them.
        stated: values of expressions that the lines have stated, by the expressions' keys: these may stand in their places from then on.
        claimed: the value claims that were checked, in order.
        described: expressions of which a claim has stated the value; another wording of that claim states nothing.
        made: the other claims that were made: each may be made once, and what the statement does as a whole once in any wording.
    """

    step: Step
    names: set[str] = field(default_factory=set)
    facts: set[str] = field(default_factory=set)
    at: int = 0
    inner: dict[str, str] = field(default_factory=dict)
    binders: set[ast.AST] = field(default_factory=set)
    stated: dict[str, set[str]] = field(default_factory=dict)
    claimed: tuple[Claim, ...] = ()
    described: set[ast.AST] = field(default_factory=set)
    made: set[tuple[object, ...]] = field(default_factory=set)


class StepClaims:
    """Checks claims about steps against a run.

    Args:
        reference: the run.
    """

    def __init__(self, reference: RunReference) -> None:
        self.run = reference
        self.at = 0

    def check(self, one: OpenStep, claim: Claim, at: int) -> None:
        """Checks one claim.

        Args:
            one: the step that the line is about; it is kept up to date.
            claim: the claim.
            at: how many steps of the run have been described or skipped.

        Raises:
            Fault: the claim does not hold, or was made before.
            Unreadable: it is no Python.
        """
        self.at = at
        if isinstance(claim, claims.ValueClaim):
            self._remembered(one, claim, lambda: self._value(one, claim.expression, claim.value))
            return
        if isinstance(claim, claims.ComprehensionRound):
            self._round(one, claim.names)
            return
        key = (type(claim), getattr(claim, "name", None), claim.text if isinstance(claim, claims.SortKeys) else None)
        if key in one.made:
            raise Fault(StepVerdict.OUT_OF_ORDER, "it was stated before")
        one.made.add(key)
        step, node = one.step, self.run.node(one.step)
        match claim:
            case claims.VariableSet(name=name) | claims.VariableSize(name=name):
                one.names.add(name)
                self._state_after(one, node, claim)
            case claims.ConditionValue(holds=holds):
                one.facts.add("condition")
                if not isinstance(node, ast.If | ast.While):
                    raise wrong(f"{step_name(step)} tests nothing")
                if self.run.enters_body(step, node) != holds or self.run.ends[step.index] > self.at:
                    raise wrong(f"the test of {step_name(step)} is {not holds}")
            case claims.LoopExhausted():
                one.facts.add("loop_end")
                if not isinstance(node, ast.For | ast.AsyncFor) or self.run.enters_body(step, node):
                    raise wrong(f"{step_name(step)} does not end a loop")
            case claims.StepRaises():
                one.facts.add("error")
                if step.finished is not None or self.run.ends[step.index] > self.at:
                    raise wrong(f"{step_name(step)} raises no exception here")
                self._error(one, claim)
            case claims.SortKeys():
                self._sort_keys(one, claim)
            case claims.SideEffect(text=text):
                self._remembered(one, claim, lambda: self._side_effect(one, node, text))

    def _remembered(self, one: OpenStep, claim: Claim, check: Callable[[], Collection[ast.expr]]) -> None:
        """A check that depends on nothing but the step, the place and the claims so far; its outcome is kept for other completions.

        Args:
            one: the step.
            claim: the claim.
            check: checks it, and gives the expressions whose value it states.
        """
        memo, key = self.run.memo, (one.step.index, self.at, one.claimed, claim)
        found = memo.get(key) if not one.binders else None
        if found is None:
            try:
                found = (None, check())
            except Fault as raised:
                found = ((raised.verdict, raised.why), ())
            if not one.binders:
                if len(memo) >= _MAX_MEMO:
                    memo.clear()
                memo[key] = found
        fault, nodes = found
        if fault is not None:
            raise Fault(*fault)
        if isinstance(claim, claims.ValueClaim):
            one.claimed = (*one.claimed, claim)
            new = next((node for node in nodes if node not in one.described), None)
            if new is None:
                raise Fault(StepVerdict.OUT_OF_ORDER, "it was stated before")
            one.described.add(new)
            keys = self.run.expressions(one.step).keys
            for node in nodes:
                one.stated.setdefault(keys[node], set()).add(canonical(claim.value) or "")

    def _state_after(self, one: OpenStep, node: ast.AST | None, claim: claims.VariableSet | claims.VariableSize) -> None:
        step = one.step
        if step.finished is None or self.run.ends[step.index] > self.at:
            raise wrong(f"{step_name(step)} has not set {claim.name} here")
        if isinstance(node, ast.For | ast.AsyncFor) and not self.run.enters_body(step, node):
            raise wrong(f"{step_name(step)} ends its loop, and sets nothing")
        value = step.state.get(claim.name)
        if value is None or value.text is None:
            raise wrong(f"{claim.name} has no value to state after {step_name(step)}")
        if isinstance(claim, claims.VariableSet):
            if canonical(claim.value) != value.text:
                raise wrong(f"{claim.name} is {truncate(value.text)} after {step_name(step)}")
        elif _size(value.text) != claim.size or len(value.text) <= SHORT:
            raise wrong(f"{claim.name} is {truncate(value.text)} after {step_name(step)}")

    def _value(self, one: OpenStep, expression: str, value: str) -> Collection[ast.expr]:
        """Checks that a part of the statement has a value; two comprehensions may bind alike, and then either round counts."""
        at, binders = one.at, one.binders
        try:
            return self._value_now(one, expression, value)
        except Fault:
            while one.binders and self._move_to_round(one, tuple(one.inner.items())[-len(one.binders) :]):
                try:
                    return self._value_now(one, expression, value)
                except Fault:
                    continue
            one.at, one.binders = at, binders
            raise

    def _value_now(self, one: OpenStep, expression: str, value: str) -> Collection[ast.expr]:
        claimed = parsed(expression)
        if claimed is None:
            raise Unreadable(f"{truncate(expression)} is no expression")
        nodes = self.run.expressions(one.step).nodes
        found = [node for node in nodes if type(node) is type(claimed) and self._matches(one, claimed, node, whole=True)]
        if expression == value or (found and all(map(self._is_its_value, found))):
            raise wrong(f"{truncate(expression)} is {truncate(value)} anyway: it states nothing")
        if not found:
            raise wrong(f"{truncate(expression)} is no part of {step_name(one.step)} with the values there")
        recorded = [(node, self._recorded(one, node)) for node in found]
        wanted = canonical(value)
        if all(wanted not in texts for _, texts in recorded):
            shown = truncate(" or ".join(sorted({text for _, texts in recorded for text in texts}))) or "not known at this point"
            raise wrong(f"{truncate(expression)} is {shown}")
        return [node for node, texts in recorded if wanted in texts]

    def _in_place_of(self, one: OpenStep, node: ast.expr) -> Collection[str]:
        """The values that may stand in place of an expression: of names, and of what the lines about the step have stated."""
        line = self.run.expressions(one.step)
        if isinstance(node, ast.NamedExpr):
            node = node.value
        if isinstance(node, ast.Constant | ast.UnaryOp) and (text := literal_text(node)) is not None:
            return (text,)
        if not isinstance(node, ast.Name):
            stated = one.stated.get(line.keys.get(node, ""))
            return [text for text in self._recorded(one, node) if text in stated] if stated else ()
        texts = self._name_values(one, node)
        value = self.run.before(one.step).get(node.id)
        return texts if value is None or value.type in _SCALARS or value.text not in texts else ()

    def _is_its_value(self, node: ast.expr) -> bool:
        """Whether an expression is written as its value is: `5`, and not `0x5`."""
        text = literal_text(node)
        return text is not None and ast.get_source_segment(self.run.program.source, node) == text

    def _matches(self, one: OpenStep, claimed: ast.AST, node: ast.AST, whole: bool = False) -> bool:
        """Whether what a line claims is a part of its step, with the values of this moment in it."""
        return matches(
            claimed,
            node,
            lambda part: self._in_place_of(one, part),
            whole=whole,
            is_lasting=lambda name: self.run.is_lasting(one.step, name),
        )

    def _name_values(self, one: OpenStep, node: ast.Name) -> Collection[str]:
        """The value of a name where it stands: of a comprehension, of `:=` before it on the line, or of the frame before the step.

        None where a call or the statement itself may have bound it anew, and it is not known whether that came before.
        """
        line = self.run.expressions(one.step)
        if node.id in line.bound.get(node, ()):
            return self._bound_value(one, node)
        place = line.order.get(node, -1)
        if line.targets.get(node.id, place) < place:
            return ()
        if node.id in self.run.shared and self.at > one.step.index + 1:
            return ()
        given = line.walrus.get(node.id, ())
        if any(line.binders.get(each) for each in given) or (given and one.step.index in self.run.values.cut):
            return ()
        computed = {note.node for note in self.run.notes(one.step) if note.time_index <= self.at} if given else ()
        earlier = [each.value for each in given if line.order[each] < place and each in computed]
        if earlier:
            return self._in_place_of(one, earlier[-1])
        value = self.run.before(one.step).get(node.id)
        return (value.text,) if value is not None and value.text is not None else ()

    def _bound_value(self, one: OpenStep, node: ast.Name) -> Collection[str]:
        """The value of a name that a comprehension or lambda binds, in the round that the line is in."""
        text, around = one.inner.get(node.id), self.run.expressions(one.step).binders[node]
        notes = self.run.notes(one.step)
        latest = next(
            (notes[at] for at in range(one.at, -1, -1) if notes[at].node in around and _binds(notes[at], node.id)), None
        )
        return (text,) if text is not None and latest is not None and latest.value.text == text else ()

    def _recorded(self, one: OpenStep, node: ast.expr) -> Collection[str]:
        """The values that an expression of a step's line had in the run, as far as it was computed where the line stands."""
        line = self.run.expressions(one.step)
        if node is line.operation:
            return self._operation_value(one, node)
        if isinstance(node, ast.Name):
            return self._name_values(one, node)
        if isinstance(node, ast.Constant | ast.UnaryOp) and literal_text(node) is not None:
            return self._in_place_of(one, node)
        of = node
        if line.operation is not None and node is line.operation.left and line.target is not None:
            of = line.target
        if binders := line.binders.get(node):
            return {
                note.value.text for note in self._round_values(one, binders) if note.node is of and note.value.text is not None
            }
        return self.run.texts_until(one.step, self.at).get(of, ())

    def _round_values(self, one: OpenStep, binders: Collection[ast.AST]) -> Iterator[ExpressionValue]:
        """The recorded values, computed by now, of the round that the line is in.

        Args:
            one: the step.
            binders: what the comprehensions and lambdas around bind.
        """
        if not one.binders:
            return
        notes = self.run.notes(one.step)
        start = next((place for place in range(one.at, -1, -1) if notes[place].node in binders), len(notes))
        for place in range(start, len(notes)):
            note = notes[place]
            if note.time_index > self.at or (place > max(start, one.at) and note.node in binders):
                return
            yield note

    def _error(self, one: OpenStep, claim: claims.StepRaises) -> None:
        """Checks what a step raises, and where."""
        known = self.run.values.raised.get(one.step.index)
        if claim.error is None:
            return
        if known is None:
            raise Unreadable(f"the exception of {step_name(one.step)} is not known")
        if claim.error not in (known.text, known.type):
            raise wrong(f"{step_name(one.step)} raises {truncate(known.text)}")
        if claim.expression is None:
            return
        claimed = parsed(claim.expression)
        if claimed is None:
            raise Unreadable(f"{truncate(claim.expression)} is no expression")
        node = known.node
        if node is None or not self._matches(one, claimed, node, whole=True):
            raise wrong(f"{truncate(claim.expression)} is not what raises the exception of {step_name(one.step)}")

    def _sort_keys(self, one: OpenStep, claim: claims.SortKeys) -> None:
        """Checks the keys of a sort."""
        notes = [note for note in self.run.notes(one.step) if note.time_index <= self.at]
        found = [
            "[" + ", ".join(note.value.text or "" for note in keys) + "]"
            for node, keys in itertools.groupby(notes, key=lambda note: note.node)
            if isinstance(node, ast.keyword) and ast.unparse(node.value) == claim.name
        ]
        if not found:
            raise wrong(f"{step_name(one.step)} sorts nothing by {truncate(claim.name)} here")
        if canonical(claim.text) not in found:
            raise wrong(f"the keys by {claim.name} are {truncate(' or '.join(found))}")

    def _operation_value(self, one: OpenStep, node: ast.BinOp) -> Collection[str]:
        """What `x += y` gives: read out of the variable's value after the step."""
        step = one.step
        if step.finished is None or self.run.ends[step.index] > self.at:
            return ()
        try:
            return (to_value(self._found(one, node.left)).text or "",)
        except (LiteralError, LookupError, TypeError):
            return ()

    def _found(self, one: OpenStep, place: ast.expr) -> object:
        """The value of a variable, or of an item of one, after a step."""
        if isinstance(place, ast.Name):
            return parse_literal(one.step.state[place.id].text or "")
        if not isinstance(place, ast.Subscript):
            raise LookupError
        return self._found(one, place.value)[self._key(one, place.slice)]  # type: ignore[index]

    def _key(self, one: OpenStep, node: ast.expr) -> object:
        """The value of an index."""
        if isinstance(node, ast.Tuple):
            return tuple(self._key(one, part) for part in node.elts)
        texts = self._recorded(one, node)
        if len(texts) != 1:
            raise LookupError
        return parse_literal(next(iter(texts)))

    def _round(self, one: OpenStep, names: Bindings) -> None:
        if not self._move_to_round(one, names):
            raise wrong(f"no round of {step_name(one.step)} binds {', '.join(name for name, _ in names)} to these values next")

    def _move_to_round(self, one: OpenStep, names: Bindings) -> bool:
        """Moves on to the next round of a comprehension or lambda that binds names to values; False where there is none."""
        notes = self.run.notes(one.step)
        binders: set[ast.AST] = set()
        at, inner = one.at + 1 if one.binders else 0, dict(one.inner)
        for name, text in names:
            wanted = canonical(text)
            while at < len(notes) and not (_binds(notes[at], name) and notes[at].value.text == wanted):
                at += 1
            if at >= len(notes) or notes[at].time_index > self.at:
                return False
            binders.add(notes[at].node)
            inner.pop(name, None)
            inner[name] = wanted or ""
            at += 1
        one.at, one.inner, one.binders = at - 1, inner, binders
        line, bound = self.run.expressions(one.step), {name for name, _ in names}
        for node, key in line.keys.items():  # what was stated of the round before is past
            if bound & line.bound.get(node, frozenset()):
                one.stated.pop(key, None)
                one.described.discard(node)
        return True

    def _side_effect(self, one: OpenStep, node: ast.AST | None, text: str) -> Collection[ast.expr]:
        statement = self.run.statement(one.step)
        if statement is None or node is None:
            raise wrong("it is about no statement")
        if text in statement.accepted_texts or text == _header(node):
            return ()
        if has_comment(text):
            raise Unreadable("it has a comment")
        tree = parse_untrusted(text, "exec")
        body = tree.body if isinstance(tree, ast.Module) else []
        if len(body) != 1:
            raise Unreadable(f"{truncate(text)} is no statement")

        claimed = body[0]
        if hasattr(node, "body"):  # what the statements in it do is told by the lines about them
            raise wrong(f"{truncate(text)} is not the header of {step_name(one.step)}")
        if self._matches(one, claimed, node):
            return ()
        if isinstance(claimed, ast.Assign) and isinstance(node, ast.AugAssign) and len(claimed.targets) == 1:
            operation = self.run.expressions(one.step).operation
            value = canonical(ast.unparse(claimed.value))
            if (
                operation is not None
                and self._matches(one, claimed.targets[0], node.target)
                and value in one.stated.get(self.run.expressions(one.step).keys[operation], ())
            ):
                return ()
        raise wrong(f"{truncate(text)} is not what {step_name(one.step)} does, with the values there")


def step_name(step: Step) -> str:
    """A step, as messages name it."""
    return f"line {step.line} visit {step.visit}"


def _binds(note: ExpressionValue, name: str) -> bool:
    node = note.node
    return (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name) or (
        isinstance(node, ast.arg) and node.arg == name
    )


def _size(text: str) -> int | None:
    value = parse_literal(text)
    return len(value) if type(value).__name__ in SIZED else None  # type: ignore[arg-type]


def _header(node: ast.AST) -> str:
    return ast.unparse(node).split("\n")[0]
