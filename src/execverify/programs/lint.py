"""What a program has and does not need: unread names, unreached statements, tests of constants, sums of constants.

>>> from execverify.programs.program import Program
>>> unused(Program("def f(a, b):\\n    c = a\\n    return a", arguments="1, 2"))
["the parameter 'b' of f is never read", "the variable 'c' of f is never read"]
"""

import ast
from collections.abc import Iterator, Sequence

from execverify.programs.program import Program
from execverify.programs.scopes import Scope, scopes

_ENDS = (ast.Return, ast.Break, ast.Continue, ast.Raise)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_ORDER = ("function", "class", "module", "parameter", "variable")


def find_unneeded_code(program: Program) -> list[str]:
    """What nobody needs, each in one line; names that begin with an underscore are meant to be unread."""
    found = list(_names(list(scopes(program).values())))
    for node in program.tree.body:
        if isinstance(node, _FUNCTIONS):
            found.extend(_statements(node.body))
    found.extend(f"line {line} tests a constant" for line in sorted(set(_constant_tests(program.nodes))))
    found.extend(f"line {line} works on constants alone" for line in sorted(set(_constant_work(program.nodes))))
    return found


# ------------------------------------------------------------------------------------------------------------- names


def _names(scopes: Sequence[Scope]) -> Iterator[str]:
    """Names that functions, lambdas and comprehensions bind and nothing reads."""
    read = {scope.resolve(name) for scope in scopes for name in scope.read}
    for scope in scopes:
        if isinstance(scope.node, ast.Module | ast.ClassDef):
            continue
        owner = _function_around(scope)
        for name, what in sorted(scope.bound.items(), key=lambda item: _ORDER.index(item[1])):
            if (scope, name) not in read and not name.startswith("_"):
                yield f"the {what} {name!r} of {owner} is never read"


def _function_around(scope: Scope | None) -> str:
    while scope is not None and not isinstance(scope.node, _FUNCTIONS):
        scope = scope.parent
    return "the module" if scope is None else scope.node.name  # type: ignore[attr-defined]


# -------------------------------------------------------------------------------------------------------- statements


def _statements(body: Sequence[ast.stmt]) -> Iterator[str]:
    for index, node in enumerate(body):
        if index + 1 < len(body) and _always_ends(node):
            yield f"line {body[index + 1].lineno} is never reached"
        if isinstance(node, ast.Assign) and any(_assigns_to_itself(target, node.value) for target in node.targets):
            yield f"line {node.lineno} assigns a name to itself"
        for suite in _suites(node):
            yield from _statements(suite)


def _suites(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        yield getattr(node, name, [])
    for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield part.body


def _always_ends(node: ast.stmt) -> bool:
    """Whether control never comes to what stands behind a statement."""
    if isinstance(node, ast.If):
        return bool(node.orelse) and _block_ends(node.body) and _block_ends(node.orelse)
    if isinstance(node, ast.With | ast.AsyncWith):
        return False  # what it enters may swallow an exception
    if isinstance(node, ast.Try):
        whole = _block_ends([*node.body, *node.orelse]) and all(_block_ends(handler.body) for handler in node.handlers)
        return whole or _block_ends(node.finalbody)
    return isinstance(node, _ENDS)


def _block_ends(body: Sequence[ast.stmt]) -> bool:
    return any(map(_always_ends, body))


def _assigns_to_itself(target: ast.expr, value: ast.expr) -> bool:
    if isinstance(target, ast.Name):
        return isinstance(value, ast.Name) and value.id == target.id
    if isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
        return len(target.elts) == len(value.elts) and any(map(_assigns_to_itself, target.elts, value.elts))
    return False


def _constant_tests(nodes: Sequence[ast.AST]) -> Iterator[int]:
    for node in nodes:
        if isinstance(node, ast.If | ast.While | ast.IfExp):
            if _is_constant(node.test):
                yield node.lineno
        elif isinstance(node, ast.comprehension):
            yield from (test.lineno for test in node.ifs if _is_constant(test))


def _is_constant(test: ast.expr) -> bool:
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test = test.operand
    return isinstance(test, ast.Constant)


def _constant_work(nodes: Sequence[ast.AST]) -> Iterator[int]:
    """Operations, comparisons and calls of methods that could be written as what they give."""
    for node in nodes:
        if isinstance(node, ast.BinOp):
            parts = [node.left, node.right]
        elif isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.keywords:
            parts = [node.func.value, *node.args]
        else:
            continue
        if all(map(_is_literal, parts)):
            yield node.lineno


def _is_literal(node: ast.expr) -> bool:
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return all(map(_is_literal, node.elts))
    if isinstance(node, ast.Dict):
        return all(key is not None and _is_literal(key) for key in node.keys) and all(map(_is_literal, node.values))
    return isinstance(node.operand if isinstance(node, ast.UnaryOp) else node, ast.Constant)
