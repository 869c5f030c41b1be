"""Which programs could behave differently on another run, and under which hash seeds to try them.

What varies between two runs of the same interpreter is: the order of sets of text (hash seed), addresses (`id`, `hash`,
the text of objects that print their address), time, chance, and the outside world. A program that uses none of the doors
to these cannot vary and runs once. The doors are a closed list, and the judgement errs on the side of more runs: any
import, any name under the hood, anything that makes a set.

Runs under two seeds would miss half of the programs that depend on the order of a two-element set, so there are more.
"""

import ast

from execverify.execution.run import reaches_out
from execverify.programs.program import Program

OTHER_SEEDS = (1, 2, 3, 4, 5)
"""Hash seeds tried beside 0. A dependence on the order of two elements escapes all of them in 1 case of 32."""

_DOORS = frozenset({"set", "frozenset", "hash", "id", "object", "dir", "locals", "input", "memoryview"})
_VIEWS = frozenset({"keys", "items"})
_SET_OPERATORS = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.Sub)
_SHOWING = frozenset({"str", "repr", "ascii", "format", "print"})
_SHOWN = frozenset({"map", "filter", "zip", "enumerate", "reversed", "iter", "type", "super", "property", "slice", "staticmethod"})
_OBJECTS = (ast.Lambda, ast.GeneratorExp, ast.Yield, ast.YieldFrom, ast.ClassDef, ast.FunctionDef)


def may_vary(program: Program) -> bool:
    """Whether another run could give another trace, as far as the source and the arguments tell."""
    tree = program.tree
    if reaches_out(tree) or "set" in program.arguments:
        return True
    nodes = list(ast.walk(tree))
    return any(map(_makes_order, nodes)) or _holds_set(program.call_arguments) or (any(map(_shows, nodes)) and _has_address(tree, nodes))


def _makes_order(node: ast.AST) -> bool:
    """Sets, what is derived from addresses, and set operations on the views of a dict."""
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    if isinstance(node, ast.Name):
        return node.id in _DOORS
    if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, _SET_OPERATORS):
        return any(isinstance(part, ast.Attribute) and part.attr in _VIEWS for part in ast.walk(node))
    # A view may be kept in a variable first; its methods that make sets, by name.
    return isinstance(node, ast.Attribute) and node.attr == "isdisjoint"


def _shows(node: ast.AST) -> bool:
    """Whether a node can turn any object into text."""
    if isinstance(node, ast.JoinedStr):
        return True
    if isinstance(node, ast.Name):
        return node.id in _SHOWING
    if isinstance(node, ast.Attribute):
        return node.attr in ("format", "format_map")
    return isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Mod)


def _has_address(tree: ast.Module, nodes: list[ast.AST]) -> bool:
    """Whether the program holds objects whose text is their address: inner functions, iterators, bound methods, instances."""
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    top = set(map(id, tree.body))
    for node in nodes:
        if isinstance(node, _OBJECTS) and id(node) not in top:
            return True
        if isinstance(node, ast.ClassDef) or (isinstance(node, ast.Name) and node.id in _SHOWN):
            return True
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and id(node) not in called:
            return True
    return False


def _holds_set(value: object) -> bool:
    if isinstance(value, set | frozenset):
        return True
    if isinstance(value, dict):
        return any(map(_holds_set, [*value.keys(), *value.values()]))
    return isinstance(value, list | tuple) and any(map(_holds_set, value))
