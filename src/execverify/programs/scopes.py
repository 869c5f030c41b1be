"""Which binding a name means: the scopes of a program, as Python's compiler sees them.

>>> tree = ast.parse("def f(x):\\n    return [x for x in x]")
>>> function, comprehension = list(scopes_of(tree).values())[1:]
>>> comprehension.resolve("x")[0] is comprehension, list(function.bound.items())
(True, [('x', 'parameter')])
"""

import ast
from collections.abc import Iterator

from execverify.programs.program import Program, cached_per_program, inner_fields

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_INSIDE: dict[type[ast.AST], frozenset[str]] = {  # which fields of a node that opens a scope stand in it
    ast.FunctionDef: frozenset(("args", "body")),
    ast.AsyncFunctionDef: frozenset(("args", "body")),
    ast.Lambda: frozenset(("args", "body")),
    ast.ClassDef: frozenset(("body",)),
    **dict.fromkeys(_COMPREHENSIONS, frozenset(("elt", "key", "value", "generators"))),
}
_NAMING = (ast.MatchAs, ast.MatchStar, ast.MatchMapping, ast.ExceptHandler)
_BINDING = frozenset(
    (ast.arg, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.alias, ast.Global, ast.Nonlocal, ast.Assign, *_NAMING)
)
SPECIAL = frozenset((ast.arguments, ast.arg, ast.comprehension, ast.NamedExpr, *_INSIDE))
"""Kinds of nodes whose fields do not all stand in one scope."""


class Scope:
    """A module, function, lambda, class or comprehension, and the names that it binds.

    Attributes:
        node: what opens it.
        parent: the scope around it; None for the module's.
        bound: for each name that it binds, as what: "parameter", "variable", "function", "class" or "module".
        elsewhere: names that `global` or `nonlocal` lend it, with whether it is `global`.
        read: names that are read in it.
    """

    __slots__ = ("_again", "_defined", "bound", "elsewhere", "node", "parent", "read")

    def __init__(self, node: ast.AST, parent: "Scope | None") -> None:
        self.node = node
        self.parent = parent
        self.bound: dict[str, str] = {}
        self.elsewhere: dict[str, bool] = {}
        self.read: set[str] = set()
        self._defined: dict[str, ast.AST] = {}
        self._again: set[str] = set()

    @property
    def module(self) -> "Scope":
        """The outermost scope."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def resolve(self, name: str) -> "tuple[Scope, str] | None":
        """The scope that binds a name as it is read here; None where none does (a built-in, say)."""
        if self.elsewhere.get(name):
            return (self.module, name)
        scope: Scope | None = self
        while scope is not None:
            visible = scope is self or not isinstance(scope.node, ast.ClassDef)
            if visible and name in scope.bound and name not in scope.elsewhere:
                return (scope, name)
            scope = scope.parent
        return None

    def function(self, name: str) -> ast.AST | None:
        """The function or lambda that a name is bound to; None where it is bound to something else, or more than once."""
        return None if name in self._again else self._defined.get(name)

    def bind(self, name: str, what: str) -> None:
        """Notes that the scope binds a name."""
        if name in self.elsewhere:
            return
        if name in self.bound:
            self._again.add(name)
        self.bound.setdefault(name, what)

    def define(self, name: str, function: ast.AST) -> None:
        """Notes what function a name is bound to."""
        self._defined[name] = function

    def owning_scope(self) -> "Scope":
        """Where `:=` binds: the nearest scope that is no comprehension's."""
        scope = self
        while isinstance(scope.node, _COMPREHENSIONS) and scope.parent is not None:
            scope = scope.parent
        return scope


def scope_of_field(node: ast.AST, field: str, scope: Scope, inner: Scope) -> Scope:
    """The scope in which a field of a node stands; `inner` is the scope that the node opens, or else `scope`."""
    kind = node.__class__
    outside = scope.parent or scope
    if kind not in SPECIAL:
        return scope
    if kind is ast.NamedExpr:
        return scope.owning_scope() if field == "target" else scope
    if kind is ast.arguments:
        return outside if field in ("defaults", "kw_defaults") else scope
    if kind is ast.arg:
        return outside
    if kind is ast.comprehension:  # the first iterable is read in the scope around
        return outside if field == "iter" and node is scope.node.generators[0] else scope  # type: ignore[attr-defined]
    return inner if field in _INSIDE[kind] else scope


@cached_per_program
def scopes(program: Program) -> dict[int, Scope]:
    """The scopes of a program's tree, as `scopes_of` has them. Shared: do not change them."""
    return scopes_of(program.tree)


def scopes_of(tree: ast.AST) -> dict[int, Scope]:
    """Every scope of a tree, by the `id` of the node that opens it, outer ones first. What is no module stands in an empty one."""
    top = Scope(tree if isinstance(tree, ast.Module) else ast.Module([], []), None)
    found = {id(top.node): top}
    for node, scope in nodes_with_scopes(tree, found):
        kind = node.__class__
        if kind is ast.Name:
            if node.ctx.__class__ is ast.Load:  # type: ignore[attr-defined]
                scope.read.add(node.id)  # type: ignore[attr-defined]
            else:
                scope.bind(node.id, "variable")  # type: ignore[attr-defined]
        elif kind in _INSIDE:
            found[id(node)] = Scope(node, scope)
        if kind in _BINDING:
            _bind(node, scope)
    return found


def nodes_with_scopes(tree: ast.AST, found: dict[int, Scope]) -> Iterator[tuple[ast.AST, Scope]]:
    """The nodes of a tree in the order of its text, each with the scope in which it stands.

    A node's own scope may be put into `found` as late as when the node has been given.
    """
    left = [(tree, next(iter(found.values())))]
    while left:
        node, scope = left.pop()
        yield node, scope
        kind = node.__class__
        inner = found.get(id(node), scope) if kind in _INSIDE else scope
        special = kind in SPECIAL
        for field in reversed(inner_fields[kind]):
            part = getattr(node, field, None)
            where = scope_of_field(node, field, scope, inner) if special else scope
            if part.__class__ is list:
                left += [(item, where) for item in reversed(part) if isinstance(item, ast.AST)]
            elif isinstance(part, ast.AST):
                left.append((part, where))


def _bind(node: ast.AST, scope: Scope) -> None:
    if isinstance(node, ast.arg):
        scope.bind(node.arg, "parameter")
    elif isinstance(node, ast.Global | ast.Nonlocal):
        scope.elsewhere.update(dict.fromkeys(node.names, isinstance(node, ast.Global)))
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        is_class = isinstance(node, ast.ClassDef)
        scope.bind(node.name, "class" if is_class else "function")
        if not is_class:
            scope.define(node.name, node)
    elif isinstance(node, ast.alias):
        scope.bind(node.asname or node.name.split(".")[0], "module")
    elif isinstance(node, _NAMING):
        name = node.rest if isinstance(node, ast.MatchMapping) else node.name
        if name is not None:
            scope.bind(name, "variable")
    elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
        for target in node.targets:
            if isinstance(target, ast.Name):
                scope.define(target.id, node.value)
