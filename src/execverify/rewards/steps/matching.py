"""Matching of claimed expressions with a program's own: `3 - 1` is `right - 1` where `right` is 3.

A claimed expression may have the values of names and of inner expressions in their places. Nothing is computed: the values come from
the run's record.
"""

import ast
import functools
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

from execverify.errors import LiteralError
from execverify.programs.literals import literal_of, parse_expression
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
        binders: for each of these, the nodes that bind them.
        walrus: for each name that `:=` binds on the line, the expressions that do, in the order in which they are computed.
        order: the place of each expression in the order of computing.
        targets: for each name that the statement assigns to while it still computes other targets, its first place in that order.
        operation: of `x += y` the operation `x + y`, which is no node of the program; else None.
        target: of `x += y` the target, whose value before the step the left side of the operation has.
        keys: of each expression, a text that is the same for equal expressions.
    """

    nodes: tuple[ast.expr, ...] = ()
    bound: dict[ast.AST, frozenset[str]] = field(default_factory=dict)
    binders: dict[ast.AST, frozenset[ast.AST]] = field(default_factory=dict)
    walrus: dict[str, list[ast.NamedExpr]] = field(default_factory=dict)
    order: dict[ast.AST, int] = field(default_factory=dict)
    targets: dict[str, int] = field(default_factory=dict)
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
        _bind(top, frozenset(), found)
    found.keys.update((one, ast.dump(one)) for one in found.nodes)
    found.order.update((one, place) for place, one in enumerate(_in_order(node)))
    for one in found.order:
        if isinstance(one, ast.NamedExpr):
            found.walrus.setdefault(one.target.id, []).append(one)
    for name, near in _targets(node):
        found.targets.setdefault(name, found.order[near])
    return found


def _targets(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """The names that a statement binds before all of it is computed, each with the expression after which it does.

    That of `x += y` is bound when all is computed.
    """
    if isinstance(node, ast.Match):
        for one in walk(node):
            name = one.rest if isinstance(one, ast.MatchMapping) else getattr(one, "name", None)
            if isinstance(one, ast.pattern) and name is not None:
                yield name, node.subject
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.For | ast.AsyncFor) else []
    for one in (one for target in targets for one in walk(target)):
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
            yield one.id, one


def _in_order(node: ast.AST) -> Iterator[ast.expr]:
    """The expressions of a statement's header, or in an expression and itself, in the order in which Python computes them."""
    parts: Sequence[ast.AST]
    match node:
        case ast.Match(subject=subject, cases=cases):
            parts = [subject, *(case.guard for case in cases if case.guard is not None)]
        case ast.Assign(targets=targets, value=value):
            parts = [value, *targets]
        case ast.AnnAssign(target=target, value=value) if value is not None:
            parts = [value, target]
        case ast.For(target=target, iter=iterable) | ast.AsyncFor(target=target, iter=iterable):
            parts = [iterable, target]
        case ast.IfExp(test=test, body=body, orelse=orelse):
            parts = [test, body, orelse]
        case ast.Dict(keys=keys, values=values):
            parts = [part for pair in zip(keys, values, strict=True) for part in pair if part is not None]
        case ast.comprehension(target=target, iter=iterable, ifs=ifs):
            parts = [iterable, target, *ifs]
        case ast.DictComp(generators=generators, key=key, value=value):
            parts = [*generators, key, value]
        case ast.ListComp(generators=generators, elt=elt) | ast.SetComp(generators=generators, elt=elt):
            parts = [*generators, elt]
        case ast.GeneratorExp(generators=generators, elt=elt):
            parts = [*generators, elt]
        case ast.expr():
            parts = list(ast.iter_child_nodes(node))
        case _:
            parts = [child for name, value in ast.iter_fields(node) if name not in _BLOCKS for child in _nodes_in(value)]
    for part in parts:
        yield from _in_order(part)
    if isinstance(node, ast.expr):
        yield node


def _nodes_in(value: object) -> list[ast.AST]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, ast.AST)]


def _is_read(node: ast.expr) -> bool:
    return isinstance(getattr(node, "ctx", _LOAD), ast.Load)


def _as_read(target: ast.expr) -> ast.expr:
    """An assignment's target, as an expression that reads it."""
    if isinstance(target, ast.Attribute):
        return ast.Attribute(target.value, target.attr, _LOAD)
    if isinstance(target, ast.Subscript):
        return ast.Subscript(target.value, target.slice, _LOAD)
    return ast.Name(target.id, _LOAD) if isinstance(target, ast.Name) else target


def _bind(node: ast.AST, binders: frozenset[ast.AST], line: LineExpressions) -> None:
    """Notes what comprehensions and lambdas bind around each node."""
    line.binders[node] = binders
    line.bound[node] = frozenset(one.arg if isinstance(one, ast.arg) else one.id for one in binders)  # type: ignore[attr-defined]
    if isinstance(node, ast.Lambda):
        inside = binders | {one for one in walk(node.args) if isinstance(one, ast.arg)}
        _bind(node.body, inside, line)
        for default in [*node.args.defaults, *(one for one in node.args.kw_defaults if one is not None)]:
            _bind(default, binders, line)
        return
    if not isinstance(node, _COMPREHENSIONS):
        for child in ast.iter_child_nodes(node):
            _bind(child, binders, line)
        return
    inside = binders | {one for made in node.generators for one in walk(made.target) if isinstance(one, ast.Name)}
    for place, made in enumerate(node.generators):
        _bind(made.iter, inside if place else binders, line)
        for part in (made.target, *made.ifs):
            _bind(part, inside, line)
    for part in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
        _bind(part, inside, line)


def matches(
    claimed: ast.AST,
    source: ast.AST,
    values_of: ValuesOf,
    *,
    whole: bool = False,
    is_lasting: Callable[[str], bool] | None = None,
) -> bool:
    """Whether a claimed tree is a source tree, with values in place of names and inner expressions.

    A comprehension or lambda in it is computed more than once, or later: in there, values may stand only in place of names that it does
    not bind, in a lambda or generator expression only where the name lasts.

    Args:
        claimed: the tree of the claim.
        source: the program's tree.
        values_of: the values that a source expression had.
        whole: the top of the claimed tree must be the source's own, not a value in its place.
        is_lasting: whether a name keeps its value from now on; None where each does.
    """
    return _Matcher(values_of, is_lasting or (lambda _: True)).matches(claimed, source, None, whole)


@dataclass(frozen=True, slots=True)
class _Inside:
    """Where in a claimed tree: in a comprehension or lambda of it, which binds names, and may be computed later."""

    names: frozenset[str]
    later: bool


@dataclass(frozen=True, slots=True)
class _Matcher:
    values_of: ValuesOf
    is_lasting: Callable[[str], bool]

    def matches(self, claimed: ast.AST, source: ast.AST, inside: _Inside | None, whole: bool = False) -> bool:
        if not whole and isinstance(source, ast.expr) and isinstance(claimed, ast.expr):
            text = literal_text(claimed)
            if text is not None and self._may_be_replaced(source, inside) and text in self.values_of(source):
                return True
        if type(claimed) is not type(source):
            return False
        if isinstance(source, _COMPREHENSIONS) and isinstance(claimed, _COMPREHENSIONS):
            return self._rounds_match(claimed, source, inside)
        if isinstance(source, ast.Lambda) and isinstance(claimed, ast.Lambda):
            arguments = self.matches(claimed.args, source.args, inside)
            return arguments and self.matches(claimed.body, source.body, _entered(source, inside))
        return all(
            self._field_matches(getattr(claimed, name, None), getattr(source, name, None), inside)
            for name in source._fields
            if name not in _IGNORED
        )

    def _may_be_replaced(self, source: ast.expr, inside: _Inside | None) -> bool:
        if inside is None or isinstance(source, ast.Constant):
            return True
        if not isinstance(source, ast.Name) or source.id in inside.names:
            return False
        return not inside.later or self.is_lasting(source.id)

    def _rounds_match(self, claimed: ast.expr, source: ast.expr, inside: _Inside | None) -> bool:
        """A comprehension: only its first iterable is computed outside it, and once."""
        entered = _entered(source, inside)
        ours, theirs = source.generators, claimed.generators  # type: ignore[attr-defined]
        if len(ours) != len(theirs) or not self._field_matches(theirs[0].iter, ours[0].iter, inside):
            return False
        pairs = [(theirs[0].target, ours[0].target), (theirs[0].ifs, ours[0].ifs), (theirs[1:], ours[1:])]
        pairs += [(getattr(claimed, name), getattr(source, name)) for name in source._fields if name != "generators"]
        return all(self._field_matches(one, other, entered) for one, other in pairs)

    def _field_matches(self, claimed: object, source: object, inside: _Inside | None) -> bool:
        if isinstance(source, ast.AST):
            return isinstance(claimed, ast.AST) and self.matches(claimed, source, inside)
        if isinstance(source, list):
            return (
                isinstance(claimed, list)
                and len(claimed) == len(source)
                and all(self._field_matches(one, other, inside) for one, other in zip(claimed, source, strict=True))
            )
        return type(claimed) is type(source) and claimed == source


def _entered(node: ast.expr, around: _Inside | None) -> _Inside:
    """The inside of a comprehension or lambda, where `:=` binds anew in each round too."""
    names = {one.arg for one in walk(node) if isinstance(one, ast.arg)}
    names |= {one.id for one in walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    later = isinstance(node, ast.Lambda | ast.GeneratorExp) or (around is not None and around.later)
    return _Inside(frozenset(names) | (around.names if around else frozenset()), later)


def literal_text(node: ast.expr) -> str | None:
    """The canonical text of a literal's tree; None for another tree, and for a dict with two values of one key."""
    try:
        text = to_value(literal_of(node)).text
    except (LiteralError, RecursionError):
        return None
    return None if text is not None and "{" in text and _gives_a_key_twice(node) else text


def _gives_a_key_twice(node: ast.expr) -> bool:
    for one in walk(node):
        if isinstance(one, ast.Dict):
            keys = [literal_of(key) for key in one.keys if key is not None]
            if len(set(keys)) < len(keys):
                return True
    return False


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
    """The canonical text of a literal: `[1,2]` is `[1, 2]`; None where the text is no literal, has a comment, or gives a key twice."""
    return _cached_canonical(text) if len(text) <= _MAX_CACHED else _canonical(text)


def _canonical(text: str) -> str | None:
    if has_comment(text):
        return None
    try:
        return literal_text(parse_expression(text))
    except LiteralError:
        return None


_cached_canonical = functools.lru_cache(maxsize=65_536)(_canonical)
