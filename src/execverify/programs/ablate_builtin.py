"""A program without its method under test: does the method matter?

A method call gives way to its receiver, a function call to its first argument, an operator to its left operand, an index or
slice to its container; a statement that only changes something becomes `pass`. The text is cut and joined where the nodes
stand, which costs a tenth of writing a tree out again.

>>> from execverify.programs.program import Program
>>> without(Program("def f(s):\\n    return s.upper() + '!'", arguments="'a'"), "str.upper")
"def f(s):\\n    return (s) + '!'"
"""

import ast

from execverify.programs.program import Program
from execverify.programs.type_inference import builtin_uses

BUILTINS_WITHOUT_EFFECT = frozenset(
    ("list.copy", "dict.copy", "set.copy", "int.conjugate", "float.conjugate", "iter", "dict.keys")
)
"""Entries that give back what they are given, or what is walked alike: hardly a result depends on them."""

_TYPES = frozenset(("str", "dict", "list", "set", "tuple", "int", "float"))


def without_builtin(program: Program, method: str) -> str | None:
    """The source with every use of an entry removed; None where it is not used."""
    nodes = [use.node for use in builtin_uses(program) if use.entry == method]
    if not nodes:
        return None
    for node in program.nodes:  # a statement whose target is an element goes as a whole
        if isinstance(node, ast.Delete) and any(target in nodes for target in node.targets):
            nodes = [node, *(other for other in nodes if other not in node.targets)]
    return _UseRemover(program.source, nodes).text(0, len(program.source.encode()))


class _UseRemover:
    """Puts in place of each node what is left of it; places count bytes, as the syntax tree's do."""

    def __init__(self, source: str, nodes: list[ast.AST]) -> None:
        self.source = source.encode()
        starts = [0]
        for line in self.source.split(b"\n"):
            starts.append(starts[-1] + len(line) + 1)
        self.starts = starts
        spans = {self.span(node): node for node in nodes}
        self.nodes = sorted(spans.items(), key=lambda entry: (entry[0][0], -entry[0][1]))  # outer ones first

    def span(self, node: ast.AST) -> tuple[int, int]:
        first, last = node.lineno, node.end_lineno  # type: ignore[attr-defined]
        return self.starts[first - 1] + node.col_offset, self.starts[last - 1] + node.end_col_offset  # type: ignore[attr-defined]

    def text(self, start: int, end: int, inside: ast.AST | None = None) -> str:
        """The text between two places, with the nodes in it replaced; `inside` is a node that is not replaced again."""
        parts, at = [], start
        for (first, last), node in self.nodes:
            if first < at or last > end or node is inside:
                continue
            parts += [self.source[at:first].decode(), self.left_of(node)]
            at = last
        return "".join([*parts, self.source[at:end].decode()])

    def left_of(self, node: ast.AST) -> str:
        """What is left of a node without its built-in."""
        kept = _kept(node)
        if isinstance(kept, str):
            return kept
        start, end = self.span(kept)
        return f"({self.text(start, end, node)})"


def _kept(node: ast.AST) -> ast.AST | str:
    if isinstance(node, ast.Call):
        of_type = isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) and node.func.value.id in _TYPES
        if isinstance(node.func, ast.Attribute) and not of_type:
            return node.func.value
        first = node.args[0] if node.args else "None"
        return first.value if isinstance(first, ast.Starred) else first  # of `zip(*rows)`, the rows
    if isinstance(node, ast.BinOp | ast.Compare):
        return node.left
    if isinstance(node, ast.BoolOp):
        return node.values[0]
    if isinstance(node, ast.UnaryOp):
        return node.operand
    if isinstance(node, ast.Subscript):
        return node.value if isinstance(node.ctx, ast.Load) else "_"
    if isinstance(node, ast.JoinedStr):
        return "''"
    return "pass" if isinstance(node, ast.AugAssign | ast.Delete) else "None"
