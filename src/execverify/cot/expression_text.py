"""Expressions as they read with values put in: `nums[right] - nums[left]` as `nums[4] - 5`.

The text of an expression is cut once into what stays as it is written and *holes*, the names and parts in it. Filling the holes is
all that is done each time it is computed.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from execverify.programs.program import Program, cached_per_program, walk

PARTS = (
    ast.Call, ast.BinOp, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.IfExp, ast.JoinedStr, ast.Subscript, ast.NamedExpr, ast.ListComp,
    ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Attribute,
)  # fmt: skip
"""Kinds of expressions whose values are included in chains."""

_SCOPES = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True, slots=True)
class Slot:
    """A name or part in an expression.

    Attributes:
        node: what stands there.
        guard: whether a negative number there needs brackets.
        dotted: whether a dot follows, so that any number needs brackets.
        grouped: whether it stands in brackets, which a value does not need.
    """

    node: ast.expr
    guard: bool
    dotted: bool
    grouped: bool


Segments = tuple["str | Slot", ...]


class ExpressionText:
    """The expressions of one program as pieces."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.ascii = program.source.isascii()
        self.known: dict[ast.expr, Segments] = {}
        self.sources: dict[ast.expr, str] = {}

    def source(self, node: ast.expr) -> str:
        """An expression's text as it is, the same for equal ones."""
        found = self.sources.get(node)
        if found is None:
            found = self.sources[node] = ast.unparse(node)
        return found

    def pieces(self, node: ast.expr) -> Segments:
        """An expression's text with holes."""
        found = self.known.get(node)
        if found is None:
            found = self.known[node] = self._cut(node)
        return found

    def _cut(self, node: ast.expr) -> Segments:
        if node.lineno == node.end_lineno:
            return tuple(_cut(self._line(node.lineno), node, node, self.ascii))
        text = ast.unparse(node)
        if "\n" in text:
            return (text,)
        again = ast.parse(text, mode="eval").body
        originals = dict(zip(walk(again), walk(node), strict=True))
        return tuple(_cut(text if text.isascii() else text.encode(), again, again, text.isascii(), originals))

    def _line(self, number: int) -> str | bytes:
        line = self.program.lines[number - 1]
        return line if self.ascii else line.encode()


@cached_per_program
def texts_of(program: Program) -> ExpressionText:
    """The expressions of a program."""
    return ExpressionText(program)


def substitute_values(pieces: Segments, value_of: Callable[[ast.expr], tuple[str, bool]]) -> str:
    """The text with something in each hole: what `value_of` gives, with whether it is a value rather than an expression."""
    out: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            out.append(piece)
            continue
        text, is_value = value_of(piece.node)
        if is_value:
            bare = (piece.guard and text[:1] == "-") or (piece.dotted and (text[:1] == "-" or text[:1].isdigit()))
        else:
            bare = piece.grouped
        out.append(f"({text})" if bare else text)
    return "".join(out)


def _cut(
    line: str | bytes, top: ast.expr, node: ast.expr, ascii: bool, originals: dict[ast.AST, ast.AST] | None = None
) -> Iterator["str | Slot"]:
    """The pieces of one line's expression."""
    at = top.col_offset
    for parent, child in _holes(node):
        start, end = child.col_offset, child.end_col_offset or 0
        grouped = isinstance(parent, ast.expr) and _is_grouped(line, start, end, at, parent, top)
        if grouped:
            yield _text(line[at : start - 1])
            at = end + 1
        else:
            yield _text(line[at:start])
            at = end
        guard = isinstance(parent, ast.UnaryOp) or (
            isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Pow) and child is parent.left
        )
        original = originals[child] if originals else child
        assert isinstance(original, ast.expr)
        yield Slot(original, guard, isinstance(parent, ast.Attribute), grouped)
    yield _text(line[at : top.end_col_offset])


def _text(part: str | bytes) -> str:
    return part if isinstance(part, str) else part.decode()


def _is_grouped(line: str | bytes, start: int, end: int, at: int, parent: ast.expr, top: ast.expr) -> bool:
    """Whether brackets around a child do nothing but group it: they go when a value takes its place."""
    if not at < start or end >= (top.end_col_offset or 0) or line[start - 1 : start] not in ("(", b"("):
        return False
    return line[end : end + 1] in (")", b")") and not isinstance(parent, ast.Call | ast.Tuple | ast.GeneratorExp)


def _holes(node: ast.expr) -> Iterator[tuple[ast.AST, ast.expr]]:
    """Names and parts directly inside an expression, each with the node around it, from left to right."""
    found: list[tuple[ast.AST, ast.expr]] = []
    _gather(node, found)
    return iter(sorted(found, key=lambda pair: (pair[1].col_offset, pair[1].end_col_offset)))


def _gather(node: ast.AST, found: list[tuple[ast.AST, ast.expr]]) -> None:
    if isinstance(node, ast.JoinedStr | ast.Lambda):
        return  # values would have to be quoted anew; what a lambda reads it reads later
    if isinstance(node, _SCOPES):  # only its first iterable is computed outside of it
        children: list[ast.AST] = [node.generators[0].iter]
    else:
        children = list(ast.iter_child_nodes(node))
    for child in children:
        if isinstance(child, ast.Name):
            if isinstance(child.ctx, ast.Load):
                found.append((node, child))
        elif isinstance(child, PARTS) and not (isinstance(node, ast.Call) and child is node.func):
            if isinstance(getattr(child, "ctx", None), ast.Store | ast.Del):
                _gather(child, found)
            else:
                found.append((node, child))
        else:
            _gather(child, found)
