"""Programs broken in one place: tests that let them all pass are no tests.

A mutant is the source with one small mistake of the sorts that people make: another operator or comparison, a constant that
is off, `or` for `and`, a condition turned round, a statement left out, a method like the one that is meant. What is cut out and
put in is text, at the position that the syntax tree gives.

>>> from execverify.programs.program import Program
>>> program = Program("def f(n):\\n    n += 2\\n    return n * 3 if n > 4 else -n", arguments="3")
>>> for mutant in mutants(program, 4):
...     print(mutant.kind, "|", mutant.source.splitlines()[mutant.line - 1].strip())
branch | return n * 3 if (not (n > 4)) else -n
constant | return n * 2 if n > 4 else -n
operator | return n + 3 if n > 4 else -n
statement | pass
"""

import ast
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from execverify.programs.program import Program

MUTATION_OPERATORS = ("operator", "comparison", "constant", "logic", "branch", "statement", "method")
"""The sorts of mistakes."""

_OPERATORS: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "+"), ast.Div: ("/", "//"), ast.FloorDiv: ("//", "%"),
    ast.Mod: ("%", "//"), ast.BitAnd: ("&", "|"), ast.BitOr: ("|", "&"), ast.BitXor: ("^", "|"), ast.Pow: ("**", "*"),
    ast.LShift: ("<<", ">>"), ast.RShift: (">>", "<<"),
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], tuple[str, tuple[str, ...]]] = {
    ast.Lt: ("<", ("<=", ">")), ast.LtE: ("<=", ("<", ">=")), ast.Gt: (">", (">=", "<")), ast.GtE: (">=", (">", "<=")),
    ast.Eq: ("==", ("!=",)), ast.NotEq: ("!=", ("==",)), ast.In: ("in", ("not in",)), ast.NotIn: ("not in", ("in",)),
}  # fmt: skip
_PAIRED_METHODS = (
    ("upper", "lower"), ("title", "capitalize"), ("lstrip", "rstrip"), ("strip", "lstrip"), ("startswith", "endswith"),
    ("find", "rfind"), ("index", "rindex"), ("removeprefix", "removesuffix"), ("ljust", "rjust"), ("center", "ljust"),
    ("partition", "rpartition"), ("rsplit", "split"), ("isupper", "islower"), ("isalpha", "isalnum"), ("isdigit", "isalpha"),
    ("swapcase", "upper"), ("keys", "values"), ("min", "max"), ("sum", "len"), ("any", "all"), ("sorted", "list"),
    ("reversed", "list"), ("union", "intersection"), ("difference", "intersection"), ("issubset", "issuperset"),
    ("symmetric_difference", "union"), ("add", "discard"), ("bin", "hex"), ("oct", "bin"), ("int", "abs"), ("append", "remove"),
    ("casefold", "swapcase"), ("extend", "append"), ("bit_length", "bit_count"), ("setdefault", "get"),
)  # fmt: skip
_SIMILAR_METHODS = {other: one for one, other in reversed(_PAIRED_METHODS)} | dict(_PAIRED_METHODS)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A program with one mistake.

    Attributes:
        kind: of `KINDS`.
        source: its text.
        line: where the mistake is.
    """

    kind: str
    source: str
    line: int


@dataclass(frozen=True, slots=True)
class _Change:
    """Bytes of the source and what comes in their place."""

    kind: str
    start: int
    end: int
    text: str
    line: int


def mutants(program: Program, count: int) -> list[Mutant]:
    """Up to `count` mutants, all different, of as many kinds as there are; the same ones every time."""
    text = _Text(program.source)
    rng = random.Random(f"mutants {program.source}")
    by_kind: dict[str, list[_Change]] = {}
    for change in _changes(program, text):
        by_kind.setdefault(change.kind, []).append(change)
    kinds = sorted(by_kind)
    rng.shuffle(kinds)
    for kind in kinds:
        rng.shuffle(by_kind[kind])
    found: dict[str, Mutant] = {}
    while kinds and len(found) < count:
        kinds = [kind for kind in kinds if by_kind[kind]]
        for kind in kinds:
            change = by_kind[kind].pop()
            source = text.with_change(change)
            if len(found) < count:
                found.setdefault(source, Mutant(kind, source, change.line))
    return list(found.values())


class _Text:
    """A source as bytes, in which the syntax tree counts."""

    def __init__(self, source: str) -> None:
        self.data = source.encode()
        self.starts = [0]
        for line in self.data.split(b"\n"):
            self.starts.append(self.starts[-1] + len(line) + 1)

    def start(self, node: ast.expr | ast.stmt) -> int:
        return self.starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.expr | ast.stmt) -> int:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self.starts[node.end_lineno - 1] + node.end_col_offset

    def with_change(self, change: _Change) -> str:
        return (self.data[: change.start] + change.text.encode() + self.data[change.end :]).decode()

    def between(self, kind: str, start: int, end: int, before: str, after: str, line: int) -> Iterator[_Change]:
        """A change of the operator that stands between two operands, beside brackets at most."""
        at = self.data.find(before.encode(), start, end)
        if at >= 0:
            yield _Change(kind, at, at + len(before), after, line)


def _changes(program: Program, text: _Text) -> Iterator[_Change]:
    """Every place where the functions' bodies can be broken, and how."""
    inside_text = {id(part) for node in program.nodes if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for node in program.nodes:
        if id(node) not in inside_text:  # 3.11 does not know where in a formatted text its parts stand
            for kind, made in _MUTATORS.get(type(node), ()):
                yield from made(kind, node, text)
    for function in program.tree.body:
        if isinstance(function, ast.FunctionDef):
            yield from _left_out(function.body, text, top=True)


def _operator(kind: str, node: ast.BinOp, text: _Text) -> Iterator[_Change]:
    if type(node.op) in _OPERATORS:
        before, after = _OPERATORS[type(node.op)]
        yield from text.between(kind, text.end(node.left), text.start(node.right), before, after, node.lineno)


def _augmented(kind: str, node: ast.AugAssign, text: _Text) -> Iterator[_Change]:
    if type(node.op) in _OPERATORS:
        before, after = _OPERATORS[type(node.op)]
        yield from text.between(kind, text.end(node.target), text.start(node.value), f"{before}=", f"{after}=", node.lineno)


def _comparison(kind: str, node: ast.Compare, text: _Text) -> Iterator[_Change]:
    operands = [node.left, *node.comparators]
    for left, operator, right in zip(operands, node.ops, operands[1:], strict=False):
        before, others = _COMPARISONS.get(type(operator), ("", ()))
        for after in others:
            yield from text.between(kind, text.end(left), text.start(right), before, after, node.lineno)


def _constant(kind: str, node: ast.Constant, text: _Text) -> Iterator[_Change]:
    value = node.value
    if isinstance(value, bool):
        others: tuple[object, ...] = (not value,)
    elif isinstance(value, int | float):
        others = (value + 1, value - 1) if value else (1,)
    elif isinstance(value, str):
        others = (f"{value}x", value[1:]) if value else ("x",)
    else:
        return
    for other in others:
        if not (isinstance(other, int | float) and other < 0):  # a sign may stand before it
            yield _Change(kind, text.start(node), text.end(node), repr(other), node.lineno)


def _logic(kind: str, node: ast.BoolOp, text: _Text) -> Iterator[_Change]:
    before, after = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
    left, right = node.values[:2]
    yield from text.between(kind, text.end(left), text.start(right), before, after, node.lineno)


def _branch(kind: str, node: ast.If | ast.IfExp, text: _Text) -> Iterator[_Change]:
    """The condition turned round: each branch is taken where the other was."""
    start, end = text.start(node.test), text.end(node.test)
    inner = text.data[start:end].decode()
    if "\n" not in inner:
        yield _Change(kind, start, end, f"(not ({inner}))", node.lineno)


def _method(kind: str, node: ast.Call, text: _Text) -> Iterator[_Change]:
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    if name in _SIMILAR_METHODS:
        end = text.end(function)
        yield _Change(kind, end - len(name), end, _SIMILAR_METHODS[name], node.lineno)


def _left_out(body: Sequence[ast.stmt], text: _Text, top: bool = False) -> Iterator[_Change]:
    """Statements without which the others still have all their names."""
    for statement in body:
        binds = isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name | ast.Tuple)
        if not binds and not (top and isinstance(statement, ast.Return | ast.If | ast.For | ast.While)):
            yield _Change("statement", text.start(statement), text.end(statement), "pass", statement.lineno)
        for field in ("body", "orelse"):
            yield from _left_out(getattr(statement, field, ()), text)


_MUTATORS: dict[type[ast.AST], tuple[tuple[str, Callable[..., Iterator[_Change]]], ...]] = {
    ast.BinOp: (("operator", _operator),),
    ast.AugAssign: (("operator", _augmented),),
    ast.Compare: (("comparison", _comparison),),
    ast.Constant: (("constant", _constant),),
    ast.BoolOp: (("logic", _logic),),
    ast.If: (("branch", _branch),),
    ast.IfExp: (("branch", _branch),),
    ast.Call: (("method", _method),),
}
