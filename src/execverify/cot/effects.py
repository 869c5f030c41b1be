"""What a single step does beside computing: what it changes, and what its variables are then."""

import ast
from collections.abc import Iterator
from typing import Any

from execverify.cot.detail import DetailLevel
from execverify.cot.expression_text import PARTS
from execverify.cot.expressions import StepContext, scopes_of
from execverify.cot.lines import Line
from execverify.errors import LiteralError
from execverify.programs.literals import parse_literal
from execverify.programs.values import Value, to_value
from execverify.rewards.steps import claims
from execverify.rewards.steps.claims import Claim
from execverify.tracing.expressions import ExpressionValues
from execverify.tracing.trace import Step

_IMMUTABLE = frozenset({"int", "float", "bool", "str", "tuple", "complex", "NoneType", "frozenset", "bytes", "range"})


class StepEffects:
    """What steps do.

    Args:
        details: the values of their parts.
        detail: how much to include.
        asked: lines, visits and variables that are asked about: those are rendered whatever their length.
    """

    def __init__(self, details: ExpressionValues, detail: DetailLevel, asked: set[tuple[int, int, str | None]]) -> None:
        self.details = details
        self.detail = detail
        self.asked = asked

    def effect(self, step: Step, node: ast.AST, context: StepContext) -> Iterator[Claim]:
        """What a statement does beside setting names."""
        if isinstance(node, ast.Expr):
            yield claims.SideEffect(_done(node, context) or one_line(node))
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            yield from self.assigned(step, node, context)
        elif not isinstance(node, ast.For | ast.AsyncFor):
            yield claims.SideEffect(one_line(node))

    def assigned(self, step: Step, node: ast.Assign | ast.AugAssign | ast.AnnAssign, context: StepContext) -> Iterator[Claim]:
        """What an assignment does, where it is not rendered by the names that it sets."""
        if isinstance(node, ast.AugAssign):
            yield from self.changed(step, node, context)
            return
        if isinstance(node.value, ast.Name) and self.detail.parts != "none" and context.text(node.value):
            value = context.state.get(node.value.id)
            if value is not None and value.text is not None and len(value.text) <= self.detail.width:
                yield claims.ValueClaim(node.value.id, value.text, whole=True)
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(isinstance(target, ast.Subscript | ast.Attribute) for target in targets):
            right = None if node.value is None else context.values.get(node.value) or context.text(node.value)
            left = [context.place(target) for target in targets]
            known = [text for text in (*left, right) if text]
            yield claims.SideEffect(" = ".join(known) if len(known) == len(left) + 1 else one_line(node))

    def changed(self, step: Step, node: ast.AugAssign, context: StepContext) -> Iterator[Claim]:
        """What `x += 1` does: of a number or text, the operation; of an item likewise; of what changes in place, as it stands."""
        target, sign = node.target, _SIGNS.get(type(node.op), "?")
        right = context.values.get(node.value) or context.text(node.value)
        old = new = None
        if isinstance(target, ast.Name):
            old, new = context.state.get(target.id), step.state.get(target.id)
        elif isinstance(target, ast.Subscript):
            old, new = self.item(step, target, context)
        quiet = node.value in scopes_of(context.program).is_silent
        if old and new and old.text and new.text and right and old.type in _IMMUTABLE and not quiet:
            if self.detail.parts != "none":
                yield claims.ValueClaim(
                    f"{_bracketed(old.text, sign)} {sign} {_operand(right, node.value)}", new.text, whole=True
                )
            if not isinstance(target, ast.Name):
                yield claims.SideEffect(
                    f"{context.place(target)} = {new.text}" if self.detail.parts != "none" else one_line(node)
                )
            return
        left = context.place(target)
        yield claims.SideEffect(f"{left} {sign}= {right}" if left and right else one_line(node))

    def item(self, step: Step, target: ast.Subscript, context: StepContext) -> tuple[Value | None, Value | None]:
        """What an item was that is assigned to, and what it is in the variable's state now; None where that is not known."""
        old = next((note.value for note in self.details.of(step.index) if note.node is target), None)
        if old is None or target not in context.values:
            return None, None
        try:
            return old, to_value(_found(target, step, context))
        except (LiteralError, LookupError, TypeError):
            return old, None

    def state(self, step: Step, line: Line) -> Iterator[Claim]:
        """What the variables are that a step has bound or changed."""
        names = [name for name in line.names if name in step.state]
        names += sorted(name for name in step.changed if name in step.state and name not in names)
        for name in names:
            value = step.state[name]
            if value.text is None:
                continue
            if len(value.text) <= self.detail.width or (step.line, step.visit, name) in self.asked:
                yield claims.VariableSet(name, value.text)
            elif (size := _size(value)) is not None:
                yield claims.VariableSize(name, size)


def _found(place: ast.expr, step: Step, context: StepContext) -> Any:
    """What is in a place of a variable after a step: read out of the variable's literal."""
    if isinstance(place, ast.Name):
        return parse_literal(step.state[place.id].text or "")
    if not isinstance(place, ast.Subscript):
        raise LookupError
    key = context.values.get(place.slice) or context.text(place.slice) or ""
    return _found(place.value, step, context)[parse_literal(key)]


def _done(node: ast.Expr, context: StepContext) -> str | None:
    """A call that stands as a statement, with its arguments' values and what it changes by its name."""
    call = node.value
    text = context.text(call) if isinstance(call, ast.Call) else None
    if text is None or not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return text
    owner = call.func.value
    place, known = context.place(owner), context.values.get(owner) or context.text(owner)
    return place + text[len(known) :] if place and known and text.startswith(f"{known}.") else text


_SIGNS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**", ast.LShift: "<<",
    ast.RShift: ">>", ast.BitOr: "|", ast.BitXor: "^", ast.BitAnd: "&", ast.MatMult: "@",
}  # fmt: skip


def one_line(node: ast.AST) -> str:
    """A statement, or its header, on one line."""
    return ast.unparse(node).split("\n")[0]


def _bracketed(text: str, sign: str) -> str:
    return f"({text})" if text.startswith("-") and sign == "**" else text


def _operand(text: str, node: ast.expr) -> str:
    """The right side of an operation that was an assignment's: what binds less tightly gets brackets."""
    plain = isinstance(node, ast.Constant | ast.Name | ast.Call | ast.Subscript | ast.Attribute | ast.List | ast.Dict | ast.Set)
    if plain or (isinstance(node, PARTS) and _is_literal(text)):
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
