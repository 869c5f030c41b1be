"""Matching of claimed expressions with a program's own: `3 - 1` is `right - 1` where `right` is 3.

A claimed expression may have the values of names and of inner expressions in their places. Nothing is computed: the values come from
the run's record.
"""

import ast
import functools
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from execverify.errors import LiteralError
from execverify.programs.literals import literal_of, parse_expression, parse_literal
from execverify.programs.program import walk, without_comment
from execverify.programs.values import to_value

ValuesOf = Callable[[ast.expr], Collection[str]]
"""The canonical texts of the values that an expression had; empty where none is known."""

_BLOCKS = frozenset({"body", "orelse", "finalbody", "handlers", "cases", "decorator_list", "returns"})
_IGNORED = frozenset({"ctx", "kind", "type_comment"})
_LOAD = ast.Load()
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_MAX_CACHED = 200
"""Longest text whose reading is cached, in characters."""
_MAX_CLAIM = 4_000
"""Longest expression of a claim, in characters; a longer one matches nothing."""


@dataclass(frozen=True)
class LineExpressions:
    """The expressions of one statement line, without those of the statements inside it.

    Attributes:
        nodes: all of them, outer ones first.
        bound: for each expression inside a comprehension or lambda, the names that those bind.
        walrus: for each name that `:=` binds on the line, its values' expressions.
        operation: of `x += y` the operation `x + y`, which is no node of the program; else None.
        target: of `x += y` the target, whose value before the step the left side of the operation has.
        keys: of each expression, a text that is the same for equal expressions.
    """

    nodes: tuple[ast.expr, ...] = ()
    bound: dict[ast.AST, frozenset[str]] = field(default_factory=dict)
    walrus: dict[str, list[ast.expr]] = field(default_factory=dict)
    operation: ast.BinOp | None = None
    target: ast.expr | None = None
    keys: dict[ast.AST, str] = field(default_factory=dict)


def expressions_of(node: ast.AST | None) -> LineExpressions:
    """The expressions of a statement or an `except` header."""
    if node is None:
        return LineExpressions()
    tops: list[ast.expr] = []
    for name, value in ast.iter_fields(node):
        if name not in _BLOCKS:
            parts = value if isinstance(value, list) else [value]
            tops += [part for part in parts if isinstance(part, ast.expr)]
            tops += [part.context_expr for part in parts if isinstance(part, ast.withitem)]
    operation = None
    if isinstance(node, ast.AugAssign):
        operation = ast.BinOp(_as_read(node.target), node.op, node.value)
        tops.append(operation)
    if isinstance(node, ast.Match):
        tops += [case.guard for case in node.cases if case.guard is not None]
    found = LineExpressions(
        tuple(dict.fromkeys(one for top in tops for one in walk(top) if isinstance(one, ast.expr) and _is_read(one))),
        operation=operation,
        target=node.target if isinstance(node, ast.AugAssign) else None,
    )
    for top in tops:
        _bind(top, frozenset(), found.bound)
    for one in found.nodes:
        found.keys[one] = ast.dump(one)
        if isinstance(one, ast.NamedExpr):
            found.walrus.setdefault(one.target.id, []).append(one.value)
    return found


def _is_read(node: ast.expr) -> bool:
    return isinstance(getattr(node, "ctx", _LOAD), ast.Load)


def _as_read(target: ast.expr) -> ast.expr:
    """An assignment's target, as an expression that reads it."""
    if isinstance(target, ast.Attribute):
        return ast.Attribute(target.value, target.attr, _LOAD)
    if isinstance(target, ast.Subscript):
        return ast.Subscript(target.value, target.slice, _LOAD)
    return ast.Name(target.id, _LOAD) if isinstance(target, ast.Name) else target


def _bind(node: ast.AST, names: frozenset[str], bound: dict[ast.AST, frozenset[str]]) -> None:
    """Notes the names that comprehensions and lambdas bind around each node."""
    bound[node] = names
    if isinstance(node, ast.Lambda):
        inside = names | {one.arg for one in walk(node.args) if isinstance(one, ast.arg)}
        _bind(node.body, inside, bound)
        for default in [*node.args.defaults, *(one for one in node.args.kw_defaults if one is not None)]:
            _bind(default, names, bound)
        return
    if not isinstance(node, _COMPREHENSIONS):
        for child in ast.iter_child_nodes(node):
            _bind(child, names, bound)
        return
    inside = names | {one.id for made in node.generators for one in walk(made.target) if isinstance(one, ast.Name)}
    for place, made in enumerate(node.generators):
        _bind(made.iter, inside if place else names, bound)
        for part in (made.target, *made.ifs):
            _bind(part, inside, bound)
    for part in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
        _bind(part, inside, bound)


def matches(claimed: ast.AST, source: ast.AST, values_of: ValuesOf, *, whole: bool = False) -> bool:
    """Whether a claimed tree is a source tree, with values in place of names and inner expressions.

    Args:
        claimed: the tree of the claim.
        source: the program's tree.
        values_of: the values that a source expression had.
        whole: the top of the claimed tree must be the source's own, not a value in its place.
    """
    if not whole and isinstance(source, ast.expr) and isinstance(claimed, ast.expr):
        text = literal_text(claimed)
        if text is not None and text in values_of(source):
            return True
    if type(claimed) is not type(source):
        return False
    return all(
        _field_matches(getattr(claimed, name, None), getattr(source, name, None), values_of)
        for name in source._fields
        if name not in _IGNORED
    )


def _field_matches(claimed: object, source: object, values_of: ValuesOf) -> bool:
    if isinstance(source, ast.AST):
        return isinstance(claimed, ast.AST) and matches(claimed, source, values_of)
    if isinstance(source, list):
        return (
            isinstance(claimed, list)
            and len(claimed) == len(source)
            and all(_field_matches(one, other, values_of) for one, other in zip(claimed, source, strict=True))
        )
    return type(claimed) is type(source) and claimed == source


def literal_text(node: ast.expr) -> str | None:
    """The canonical text of a literal's tree; None for another tree."""
    try:
        return to_value(literal_of(node)).text
    except (LiteralError, RecursionError):
        return None


def has_comment(text: str) -> bool:
    """Whether a text has a comment, as Python reads it."""
    return "#" in text and without_comment(text) != text.strip()


def parsed(text: str) -> ast.expr | None:
    """The tree of a claimed expression; None where it is none, or has a comment, which could say anything."""
    return _cached_tree(text) if len(text) <= _MAX_CACHED else _tree(text)


def _tree(text: str) -> ast.expr | None:
    if has_comment(text):
        return None
    try:
        return parse_expression(text, _MAX_CLAIM)
    except LiteralError:
        return None


_cached_tree = functools.lru_cache(maxsize=16_384)(_tree)


def canonical(text: str) -> str | None:
    """The canonical text of a literal: `[1,2]` is `[1, 2]`; None where the text is no literal, or has a comment."""
    return _cached_canonical(text) if len(text) <= _MAX_CACHED else _canonical(text)


def _canonical(text: str) -> str | None:
    if has_comment(text):
        return None
    try:
        return to_value(parse_literal(text)).text
    except LiteralError:
        return None


_cached_canonical = functools.lru_cache(maxsize=65_536)(_canonical)
