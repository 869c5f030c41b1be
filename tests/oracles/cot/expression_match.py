"""Is an expression that was claimed a part of a statement, with values that are right put in for names and parts?"""

import ast
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from execverify.errors import LiteralError
from execverify.programs.literals import literal_of
from execverify.programs.program import walk
from execverify.programs.values import to_value

ValuesOf = Callable[[ast.AST], Collection[str]]
"""The literal texts that a name or part of a statement is known to have had; none where it is not known."""

_LOAD = ast.Load()
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass
class Parts:
    """The expressions of one statement line.

    Attributes:
        nodes: all of them, outer ones before inner ones.
        around: for each node inside of comprehensions and lambdas, the names that those bind.
        given: what names are given by `:=` on the line.
    """

    nodes: list[ast.expr]
    around: dict[ast.AST, frozenset[str]] = field(default_factory=dict)
    given: dict[str, list[ast.expr]] = field(default_factory=dict)


def parts_of(node: ast.stmt | ast.ExceptHandler) -> Parts:
    """The expressions of a statement, not those of the statements in it; `x += y` has `x + y` too."""
    tops: list[ast.expr] = []
    for name, value in ast.iter_fields(node):
        if name in ("body", "orelse", "finalbody", "handlers", "cases", "decorator_list", "returns"):
            continue
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, ast.expr):
                tops.append(one)
            elif isinstance(one, ast.withitem):
                tops.append(one.context_expr)
    if isinstance(node, ast.AugAssign):
        tops.append(ast.BinOp(_read(node.target), node.op, node.value))
    if isinstance(node, ast.Match):
        tops += [case.guard for case in node.cases if case.guard is not None]
    parts = Parts([])
    for top in tops:
        parts.nodes += [
            one for one in walk(top) if isinstance(one, ast.expr) and isinstance(getattr(one, "ctx", _LOAD), ast.Load)
        ]
        _note_names(top, frozenset(), parts.around)
    for one in parts.nodes:
        if isinstance(one, ast.NamedExpr):
            parts.given.setdefault(one.target.id, []).append(one.value)
    return parts


def _read(target: ast.Name | ast.Attribute | ast.Subscript) -> ast.expr:
    """What is assigned to, as it is read."""
    if isinstance(target, ast.Name):
        return ast.Name(target.id, _LOAD)
    if isinstance(target, ast.Attribute):
        return ast.Attribute(target.value, target.attr, _LOAD)
    return ast.Subscript(target.value, target.slice, _LOAD)


def _note_names(node: ast.AST, names: frozenset[str], around: dict[ast.AST, frozenset[str]]) -> None:
    around[node] = names
    inside = names
    outside: ast.AST | None = None
    if isinstance(node, ast.Lambda):
        inside = names | {one.arg for one in walk(node.args) if isinstance(one, ast.arg)}
    elif isinstance(node, _COMPREHENSIONS):
        bound = [one.id for made in node.generators for one in walk(made.target) if isinstance(one, ast.Name)]
        inside = names | frozenset(bound)
        outside = node.generators[0].iter
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.comprehension) and child.iter is outside:
            for part in (child.target, *child.ifs):
                _note_names(part, inside, around)
            _note_names(child.iter, names, around)
        else:
            _note_names(child, inside, around)


def same(claimed: ast.AST, source: ast.AST, values_of: ValuesOf, whole: bool = False) -> bool:
    """Whether what was claimed is the source's tree, with values in it that are those of the source's names and parts.

    Args:
        claimed: what was claimed.
        source: what stands in the program.
        values_of: what names and parts are known to be.
        whole: whether it must be the source's tree at the top, not a value in its place.
    """
    if isinstance(source, ast.expr) and isinstance(claimed, ast.expr) and not whole:
        literal = _literal(claimed)
        if literal is not None and literal in values_of(source):
            return True
    if type(claimed) is not type(source):
        return False
    for name in source._fields:
        if name in ("ctx", "kind", "type_comment"):
            continue
        if not _same_field(getattr(claimed, name, None), getattr(source, name, None), values_of):
            return False
    return True


def _same_field(claimed: object, source: object, values_of: ValuesOf) -> bool:
    if isinstance(source, list):
        return (
            isinstance(claimed, list)
            and len(claimed) == len(source)
            and all(_same_field(a, b, values_of) for a, b in zip(claimed, source, strict=True))
        )
    if isinstance(source, ast.AST):
        return isinstance(claimed, ast.AST) and same(claimed, source, values_of)
    return type(claimed) is type(source) and claimed == source


def _literal(node: ast.expr) -> str | None:
    """The canonical text of a literal; None for what is none."""
    try:
        return to_value(literal_of(node)).text
    except (LiteralError, RecursionError):
        return None
